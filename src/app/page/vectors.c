/* Figures of vector quantities, each drawn as its row in the table of its group says. */
#include <ctype.h>
#include <stdlib.h>

#include "app/page/page.h"

enum { LEAST_POINTS = 3 };

/* A vector quantity with n entries. */
typedef struct {
  const cw_observer *o;
  const cw_quantity *q;
  int n;
} vector;

static vector make_vector(const cw_observer *o, const cw_quantity *q) {
  return (vector){o, q, q->count != NULL ? q->count(o) : 0};
}

static double x_of(const vector *v, int i) {
  return v->q->figure.x != NULL ? v->q->figure.x(v->o, i) : i;
}

/* The number of the curve that an entry belongs to. */
static int curve_of(const vector *v, int i) {
  return v->q->figure.curve != NULL ? v->q->figure.curve(v->o, i) : 1;
}

/* One curve out of those of a vector: its points are entries of a quantity, as a method measured
 * them. */
typedef struct {
  const vector *of;
  int number;
  const char *quantity;
  const cw_analysis_stage *method;
  const char *label;
  cw_draw how;
  int colour;
  double shift; /* of x */
} series;

/* Points with errors above half of their value are noise that spoils the scale. */
static bool is_usable(const cw_result *r) {
  return r != NULL && (r->e.error < 0.5 * fabs(r->e.value) || r->e.value == 0);
}

static cw_status draw_series(const cw_case_page *to, const series *s) {
  const int most = s->of->n;
  double *x = calloc(3 * (size_t)most + 1, sizeof *x), *y = x + most, *dy = y + most;
  if (x == NULL) return cw_no_memory(to->ctx);
  int n = 0;
  for (int i = 0; i < most; i++) {
    if (curve_of(s->of, i) != s->number) continue;
    const cw_result *r = cw_stage_result(s->method, s->quantity, i);
    x[n] = x_of(s->of, i) + s->shift;
    y[n] = is_usable(r) ? r->e.value : NAN;
    dy[n++] = is_usable(r) ? r->e.error : NAN;
  }
  cw_status st = cw_page_curve(to->page, s->label, s->how, s->colour, n, x, y, dy);
  free(x);
  return st;
}

/* "Heat bath", or "Heat bath: E from plaquettes" where a figure shows more than one thing. */
static void write_label(const vector *v, const cw_analysis_stage *method, const char *what,
                        char label[CW_TITLE]) {
  const bool more = v->q->figure.beside != NULL && what != NULL;
  snprintf(label, CW_TITLE, "%s%s%s", method->part.label, more ? ": " : "", more ? what : "");
}

/* Was a method before it of the same section, and so of the same colour? */
static bool has_its_colour(const cw_analysis_stage *const *methods, int i) {
  for (int k = 0; k < i; k++)
    if (methods[k]->part.colour == methods[i]->part.colour) return true;
  return false;
}

/* Methods are moved apart a little, so that error bars do not hide each other. */
static cw_status draw_methods(const cw_case_page *to, const vector *v,
                              const cw_analysis_stage *const *methods, int n) {
  const bool smooth = v->q->figure.smooth;
  for (int i = 0; i < n; i++) {
    char label[CW_TITLE];
    write_label(v, methods[i], v->q->figure.own_label, label);
    const series s = {.of = v,
                      .number = 1,
                      .quantity = v->q->name,
                      .method = methods[i],
                      .label = label,
                      .how = smooth                       ? CW_DRAW_BAND
                             : has_its_colour(methods, i) ? CW_DRAW_OPEN
                                                          : CW_DRAW_POINTS,
                      .colour = methods[i]->part.colour,
                      .shift = smooth ? 0 : 0.07 * (i - 0.5 * (n - 1))};
    CW_TRY(draw_series(to, &s));
  }
  return CW_OK;
}

/* All curves of one method, which are moved apart as well. */
static cw_status draw_curves(const cw_case_page *to, const vector *v,
                             const cw_analysis_stage *method) {
  int n = 0;
  for (int i = 0; i < v->n; i++)
    if (curve_of(v, i) > n) n = curve_of(v, i);
  for (int k = 0; k < n; k++) {
    char label[32];
    snprintf(label, sizeof label, "%s = %d", v->q->figure.curve_label, k + !v->q->figure.from_zero);
    const series s = {.of = v,
                      .number = k + 1,
                      .quantity = v->q->name,
                      .method = method,
                      .label = label,
                      .how = CW_DRAW_POINTS,
                      .colour = k,
                      .shift = 0.05 * (k - 0.5 * (n - 1))};
    CW_TRY(draw_series(to, &s));
  }
  return CW_OK;
}

/* The quantity that is drawn beside another one. */
static cw_status draw_beside(const cw_case_page *to, const vector *v,
                             const cw_analysis_stage *method) {
  const cw_figure *look = &v->q->figure;
  if (look->beside == NULL) return CW_OK;
  char label[CW_TITLE];
  write_label(v, method, look->beside_label, label);
  return draw_series(to, &(series){.of = v,
                                   .number = 1,
                                   .quantity = look->beside,
                                   .method = method,
                                   .label = label,
                                   .how = CW_DRAW_LINE,
                                   .colour = CW_GREY});
}

/* Where a band holds: in the window of the fit that its quantity is, or where the figure says. */
static bool band_range(const vector *v, const cw_result *r, double range[2]) {
  const cw_figure *look = &v->q->figure;
  if (r == NULL || !isfinite(r->e.value) || !isfinite(r->e.error)) return false;
  if (r->fit.to > 0) {
    range[0] = r->fit.from;
    range[1] = r->fit.to;
  } else if (look->band_over != NULL) {
    look->band_over(v->o, range);
  } else {
    return false;
  }
  return true;
}

static const cw_result *band_of(const vector *v, const cw_analysis_stage *method) {
  return v->q->figure.band != NULL ? cw_stage_result(method, v->q->figure.band, -1) : NULL;
}

/* A scalar quantity, with its error, over the times that it is made of. */
static cw_status draw_band(const cw_case_page *to, const vector *v,
                           const cw_analysis_stage *method) {
  const cw_result *r = band_of(v, method);
  double x[2];
  if (!band_range(v, r, x)) return CW_OK;
  const double y[2] = {r->e.value, r->e.value}, dy[2] = {r->e.error, r->e.error};
  return cw_page_curve(to->page, v->q->figure.band, CW_DRAW_BAND, CW_GREY, 2, x, y, dy);
}

static void say_band(cw_prose *p, const vector *v, const cw_analysis_stage *method) {
  const cw_result *r = band_of(v, method);
  double range[2];
  char value[CW_VALUE_TEXT];
  if (!band_range(v, r, range)) return;
  cw_cell_result(value, r);
  cw_say(p, ". The band is %s = %s over %s %g ≤ %s ≤ %g", v->q->figure.band, value,
         r->fit.n_windows > 1 ? "the window with the largest weight," : "its window,", range[0],
         v->q->figure.x_label, range[1]);
  if (r->fit.n_windows > 1) cw_say(p, ", of %d that are averaged", r->fit.n_windows);
}

/* The level that a curve reaches, and where it does. */
static cw_status draw_level(const cw_case_page *to, const vector *v,
                            const cw_analysis_stage *method) {
  const cw_figure *look = &v->q->figure;
  if (look->level == NULL) return CW_OK;
  double level = look->level(v->o), x[2] = {x_of(v, 0), x_of(v, v->n - 1)}, y[2] = {level, level};
  CW_TRY(cw_page_curve(to->page, "", CW_DRAW_LINE, CW_GREY, 2, x, y, NULL));
  const cw_result *r = cw_stage_result(method, look->reached_at, -1);
  if (r == NULL || !isfinite(r->e.value)) return CW_OK;
  double at[2] = {r->e.value, r->e.value}, up[2] = {0, level};
  return cw_page_curve(to->page, "", CW_DRAW_LINE, CW_GREY, 2, at, up, NULL);
}

/* The method that measured the quantity most often. */
static const cw_analysis_stage *best_method(const char *quantity,
                                            const cw_analysis_stage *const *methods, int n) {
  int best = 0;
  for (int i = 1; i < n; i++) {
    const cw_result *r = cw_stage_result(methods[i], quantity, 0),
                    *b = cw_stage_result(methods[best], quantity, 0);
    if (r != NULL && (b == NULL || r->e.n > b->e.n)) best = i;
  }
  return methods[best];
}

/* Does a point that could be drawn have too large an error? */
static bool leaves_out(const vector *v, const cw_analysis_stage *method) {
  for (int i = 0; i < v->n; i++) {
    const cw_result *r = cw_stage_result(method, v->q->name, i);
    if (r != NULL && isfinite(r->e.value) && !is_usable(r)) return true;
  }
  return false;
}

/* The sentences on what is drawn of n methods, of only one of them, best, or of all. */
static cw_status end_figure(const cw_case_page *to, const vector *v,
                            const cw_analysis_stage *const *methods, int n,
                            const cw_analysis_stage *best, const cw_analysis_stage *only) {
  const cw_figure *look = &v->q->figure;
  cw_prose caption = {0};
  cw_say(&caption, "%s", cw_definition(v->q));
  if (look->level != NULL)
    cw_say(&caption, ". At %s it is %g", look->reached_at, look->level(v->o));
  if (only != NULL) cw_say(&caption, ". Of %s", only->part.label);
  say_band(&caption, v, best);
  bool out = false;
  for (int i = 0; i < n; i++)
    out = out || ((only == NULL || methods[i] == only) && leaves_out(v, methods[i]));
  cw_say(&caption, ".");
  if (!look->smooth && (look->curve != NULL || n > 1))
    cw_say(&caption, " Points at the same %s are moved apart a little.", look->x_label);
  if (out) cw_say(&caption, " Points with errors above half of their value are left out.");
  if (isalpha((unsigned char)caption.text[1])) /* a word, not the time t */
    caption.text[0] = (char)toupper((unsigned char)caption.text[0]);
  return cw_page_figure_end(to->page, caption.text);
}

static cw_status vector_figure(const cw_case_page *to, const vector *v,
                               const cw_analysis_stage *const *methods, int n) {
  const cw_figure *look = &v->q->figure;
  const cw_analysis_stage *best = best_method(v->q->name, methods, n);
  const bool several = look->curve != NULL; /* curves, of one method then */
  CW_TRY(cw_page_figure_begin(to->page, look->title, look->x_label, look->y_label, false,
                              look->log_y));
  CW_TRY(several ? draw_curves(to, v, best) : draw_methods(to, v, methods, n));
  CW_TRY(draw_beside(to, v, best));
  CW_TRY(draw_band(to, v, best));
  CW_TRY(draw_level(to, v, best));
  return end_figure(to, v, methods, n, best, several && n > 1 ? best : NULL);
}

cw_status cw_page_vectors(const cw_case_page *to) {
  const cw_analysis_stage *methods[CW_MOST_METHODS];
  int n = cw_list_methods(to->c, methods);
  bool begun = false;
  for (int g = 0; g < to->c->plan->n_groups && n > 0; g++) {
    const cw_observer *o = &to->c->observer[g];
    for (const cw_quantity *q = o->ops->quantities; q->name != NULL; q++) {
      const vector v = make_vector(o, q);
      if (v.n < LEAST_POINTS || q->figure.title == NULL) continue;
      if (!begun) CW_TRY(cw_page_heading(to->page, to->level, "Curves"));
      begun = true;
      CW_TRY(vector_figure(to, &v, methods, n));
    }
  }
  return CW_OK;
}
