/* Figures of vector quantities: points over their index, or over what the index counts. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "app/page/page.h"

enum { LEAST_POINTS = 3 };

/* How a quantity is drawn. */
typedef struct {
  const char *quantity, *title, *x_label;
  bool log_y;
  int first;           /* what index 0 stands for */
  bool flow_times;     /* x = index * time/points of the group */
  const char *columns; /* a table, index = row * columns + column, with so many columns as this
                          parameter of the group says, minus: */
  int fewer;
  bool by_column;    /* a curve per column over the rows, else per row over the columns */
  const char *curve; /* what counts the curves */
  bool elsewhere;    /* within the figure of another quantity */
} style;

static style style_of(const cw_quantity *q) {
  static const style styles[] = {
      {.quantity = "correlator", .title = "Correlator", .x_label = "t", .log_y = true},
      {.quantity = "m_eff", .title = "Effective mass", .x_label = "t"},
      {.quantity = "potential",
       .title = "Static potential",
       .x_label = "R/a",
       .first = 1,
       .columns = "max_t",
       .fewer = 1,
       .by_column = true,
       .curve = "T"},
      {.quantity = "creutz", .title = "Creutz ratios", .x_label = "R/a", .first = 1},
      {.quantity = "wilson_loop",
       .title = "Wilson loops",
       .x_label = "T/a",
       .first = 1,
       .log_y = true,
       .columns = "max_t",
       .curve = "R"},
      {.quantity = "t2_energy",
       .title = "Gradient flow",
       .x_label = "flow time t/a²",
       .flow_times = true},
      {.quantity = "t2_energy_plaquette", .elsewhere = true},
      {.quantity = "chi_t_flow",
       .title = "Topological susceptibility along the flow",
       .x_label = "flow time t/a²",
       .flow_times = true}};
  for (size_t i = 0; i < sizeof styles / sizeof *styles; i++)
    if (strcmp(styles[i].quantity, q->name) == 0) return styles[i];
  return (style){.quantity = q->name, .title = q->name, .x_label = "index"};
}

/* The parameter of that name of a group; NAN: it has none. */
static double parameter(const cw_observer *o, const char *name) {
  for (int i = 0; o->ops->params != NULL && o->ops->params[i].name != NULL; i++)
    if (strcmp(o->ops->params[i].name, name) == 0) return o->param[i];
  return NAN;
}

/* Entries begin, begin + stride, ... of a quantity, n of them: x = x0 + i dx. Points with errors
 * above half of their value are noise that spoils the scale. */
typedef struct {
  const char *quantity, *label;
  int begin, stride, n, colour;
  double x0, dx;
  cw_draw how;
} series;

static cw_status draw_series(const cw_section *to, const cw_analysis_stage *s, const series *v) {
  double *x = calloc((size_t)v->n, sizeof *x), *y = calloc((size_t)v->n, sizeof *y),
         *dy = calloc((size_t)v->n, sizeof *dy);
  cw_status st = x != NULL && y != NULL && dy != NULL ? CW_OK : CW_ENOMEM;
  for (int i = 0; i < v->n && st == CW_OK; i++) {
    const cw_result *r = cw_stage_result(s, v->quantity, v->begin + i * v->stride);
    bool usable = r != NULL && (r->e.error < 0.5 * fabs(r->e.value) || r->e.value == 0);
    x[i] = v->x0 + i * v->dx;
    y[i] = usable ? r->e.value : NAN;
    dy[i] = usable ? r->e.error : NAN;
  }
  if (st == CW_OK) st = cw_page_curve(to->page, v->label, v->how, v->colour, v->n, x, y, dy);
  free(x);
  free(y);
  free(dy);
  return st;
}

/* Methods are moved apart a little, so that error bars do not hide each other. */
static cw_status draw_methods(const cw_section *to, const cw_observer *o, const style *look,
                              int count, const cw_analysis_stage *const *methods, int n) {
  double dx = look->flow_times ? parameter(o, "time") / (count - 1) : 1;
  for (int i = 0; i < n; i++) {
    double shift = look->flow_times ? 0 : 0.07 * (i - 0.5 * (n - 1));
    const series v = {look->quantity,
                      methods[i]->label,
                      0,
                      1,
                      count,
                      cw_stage_colour(methods[i]),
                      look->first + shift,
                      dx,
                      look->flow_times ? CW_DRAW_BAND : CW_DRAW_POINTS};
    CW_TRY(draw_series(to, methods[i], &v));
  }
  return CW_OK;
}

/* A curve for each row or column of a table, of one method. */
static cw_status draw_table(const cw_section *to, const style *look, int count, int columns,
                            const cw_analysis_stage *method) {
  int rows = count / columns, curves = look->by_column ? columns : rows;
  for (int k = 0; k < curves; k++) {
    char label[32];
    snprintf(label, sizeof label, "%s = %d", look->curve, k + 1);
    const series v = {look->quantity,
                      label,
                      look->by_column ? k : k * columns,
                      look->by_column ? columns : 1,
                      look->by_column ? rows : columns,
                      k,
                      look->first + 0.05 * (k - 0.5 * (curves - 1)),
                      1,
                      CW_DRAW_POINTS};
    CW_TRY(draw_series(to, method, &v));
  }
  return CW_OK;
}

/* The level that defines t0, the time where the curve crosses it, and the other discretisation. */
static cw_status draw_t0(const cw_section *to, const cw_observer *o, int count,
                         const cw_analysis_stage *method) {
  double time = parameter(o, "time");
  double x[2] = {0, time}, level[2] = {0.3, 0.3};
  const series other = {"t2_energy_plaquette", "E from plaquettes", 0, 1, count, CW_PURPLE, 0,
                        time / (count - 1),    CW_DRAW_LINE};
  CW_TRY(draw_series(to, method, &other));
  CW_TRY(cw_page_curve(to->page, "", CW_DRAW_LINE, CW_GREY, 2, x, level, NULL));
  const cw_result *t0 = cw_stage_result(method, "t0", -1);
  if (t0 == NULL || !isfinite(t0->e.value)) return CW_OK;
  double at[2] = {t0->e.value, t0->e.value}, y[2] = {0, 0.3};
  return cw_page_curve(to->page, "", CW_DRAW_LINE, CW_GREY, 2, at, y, NULL);
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

static cw_status vector_figure(const cw_section *to, const cw_observer *o, const cw_quantity *q,
                               int count, const cw_analysis_stage *const *methods, int n) {
  const style look = style_of(q);
  int columns = look.columns != NULL ? (int)parameter(o, look.columns) - look.fewer : 0;
  bool is_table = columns > 0 && count % columns == 0, is_flow = strcmp(q->name, "t2_energy") == 0;
  const cw_analysis_stage *best = best_method(q->name, methods, n);
  if (look.elsewhere) return CW_OK;
  CW_TRY(cw_page_figure_begin(to->page, look.title, look.x_label, is_flow ? "t²⟨E⟩" : q->name,
                              false, look.log_y));
  if (is_table)
    CW_TRY(draw_table(to, &look, count, columns, best));
  else
    CW_TRY(draw_methods(to, o, &look, count, methods, n));
  if (is_flow) CW_TRY(draw_t0(to, o, count, best));
  cw_prose caption = {0};
  cw_say_pretty(&caption, q->help);
  if (is_flow) cw_say(&caption, ". At t0 it is 0.3");
  if (is_table && n > 1) cw_say(&caption, ". Of %s", best->label);
  cw_say(&caption, ". Points with errors above half of their value are left out.");
  if (isalpha((unsigned char)caption.text[1])) /* a word, not the time t */
    caption.text[0] = (char)toupper((unsigned char)caption.text[0]);
  return cw_page_figure_end(to->page, caption.text);
}

cw_status cw_page_vectors(const cw_section *to) {
  const cw_analysis_stage *methods[CW_MOST_METHODS];
  int n = cw_list_methods(to->c, methods);
  bool begun = false;
  for (int g = 0; g < to->c->plan->n_groups && n > 0; g++) {
    const cw_observer *o = &to->c->observer[g];
    for (const cw_quantity *q = o->ops->quantities; q->name != NULL; q++) {
      int count = q->count != NULL ? q->count(o) : 0;
      if (count < LEAST_POINTS) continue;
      if (!begun) CW_TRY(cw_page_heading(to->page, to->level, "Curves"));
      begun = true;
      CW_TRY(vector_figure(to, o, q, count, methods, n));
    }
  }
  return CW_OK;
}
