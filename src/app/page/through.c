/* The figures that a job asks for in its section `figures`: results of all cases against a number of the
 * job. Cases whose names are equal up to the last '_' are a family, with points of its own. Beside the
 * results stand the values that the job expects of them, and the theory's exact ones where it knows them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/page/page.h"

/* One figure, and the cases that are in it. */
typedef struct {
  cw_context *ctx;
  cw_page *page;
  const cw_figure_plan *plan;
  int n;
  const cw_analysis_case *c[CW_MAX_CASES];
  double x[CW_MAX_CASES];
  int colour;       /* of the next points */
  cw_prose caption; /* what was fitted */
} drawing;

/* Ascending in x. */
static void gather(const cw_analysis *a, int figure, drawing *d) {
  for (int i = 0; i < a->n_cases; i++) {
    const cw_figure_plan *f = &a->cases[i].plan->figure[figure];
    if (!isfinite(f->x) || !cw_is_like(f->cases, a->cases[i].name)) continue;
    int at = d->n++;
    for (; at > 0 && d->x[at - 1] > f->x; at--) {
      d->x[at] = d->x[at - 1];
      d->c[at] = d->c[at - 1];
    }
    d->x[at] = f->x;
    d->c[at] = &a->cases[i];
  }
}

/* "z2_16x8" of "z2_16x8_kappa20"; length 0: the name has no '_'. */
static size_t family(const char *name) {
  const char *last = strrchr(name, '_');
  return last != NULL ? (size_t)(last - name) : 0;
}

static bool same_family(const char *a, const char *b) {
  return family(a) == family(b) && strncmp(a, b, family(a)) == 0;
}

static bool is_first_of_family(const drawing *d, int i) {
  for (int k = 0; k < i; k++)
    if (same_family(d->c[k]->name, d->c[i]->name)) return false;
  return true;
}

static int n_families(const drawing *d) {
  int n = 0;
  for (int i = 0; i < d->n; i++) n += is_first_of_family(d, i);
  return n;
}

/* A result of a case: of the part of that name or, stage NULL, of the case itself. */
static const cw_result *find(const cw_analysis_case *c, const char *stage, const cw_drawn *of) {
  const cw_analysis_stage *s = stage != NULL ? cw_analysis_find_stage(c, stage) : NULL;
  if (stage != NULL) return s != NULL ? cw_stage_result(s, of->quantity, of->index) : NULL;
  return of->index < 0 ? cw_case_result(c, of->quantity) : NULL;
}

/* ---- points ---- */

/* The number that is drawn of a result, and its error; NAN: it has none. stage: NULL where it is of a case. */
static double number_of(const drawing *d, int i, const char *stage, const cw_result *r,
                        double *error) {
  *error = NAN;
  switch (d->plan->draw) {
  case CW_DRAW_VALUE:
    *error = r->e.error;
    return r->e.value;
  case CW_DRAW_TAU:
    *error = r->e.tau_error;
    return r->e.tau_int;
  case CW_DRAW_COST:
    if (stage == NULL) return NAN;
    return cw_cost_of_value(d->c[i], cw_analysis_find_stage(d->c[i], stage), r, error);
  case CW_DRAW_ERROR:
    break;
  }
  return r->e.error;
}

/* y = c x^b is a straight line of logarithms, of the points that have any. */
static cw_status fit_power(drawing *d, const char *label, int n, const double *x, const double *y,
                           const double *dy) {
  double lx[CW_MAX_CASES], ly[CW_MAX_CASES], error[CW_MAX_CASES];
  char exponent[CW_VALUE_TEXT];
  cw_line line;
  int m = 0;
  for (int i = 0; i < n; i++) {
    if (!(x[i] > 0 && y[i] > 0 && dy[i] > 0)) continue;
    lx[m] = log(x[i]);
    ly[m] = log(y[i]);
    error[m++] = dy[i] / y[i];
  }
  if (m < 2 || lx[m - 1] == lx[0]) return CW_OK;
  CW_TRY(cw_fit_line(d->ctx, lx, ly, error, m, &line));
  cw_format_value(line.slope, line.slope_error, exponent);
  cw_say(&d->caption, "%s%s: a power of %s, %s", d->caption.used > 0 ? "; " : "", label,
         d->plan->against, exponent);
  if (line.dof > 0)
    cw_say(&d->caption, " (chi^2/dof %.2f, %ld)", line.chi2 / (double)line.dof, line.dof);
  return CW_OK;
}

/* The results of one part in the cases of a family, first being the first of them. */
static cw_status points(drawing *d, int first, const cw_drawn *of, const cw_analysis_stage *s) {
  double x[CW_MAX_CASES], y[CW_MAX_CASES], dy[CW_MAX_CASES];
  const char *name = d->c[first]->name, *stage = s != NULL ? s->part.name : NULL;
  cw_prose label = {0};
  int n = 0;
  for (int i = 0; i < d->n; i++) {
    const cw_result *r = find(d->c[i], stage, of);
    if (r == NULL || !same_family(d->c[i]->name, name)) continue;
    x[n] = d->x[i];
    y[n] = number_of(d, i, stage, r, &dy[n]);
    n += isfinite(y[n]);
  }
  if (n == 0) return CW_OK;
  if (n_families(d) > 1) cw_say(&label, "%.*s: ", (int)family(name), name);
  if (s != NULL) cw_say(&label, "%s", s->part.label);
  if (s == NULL || d->plan->n > 1) cw_say(&label, "%s%s", s != NULL ? " " : "", of->quantity);
  if (of->index >= 0 && d->plan->n > 1) cw_say(&label, "[%d]", of->index);
  if (d->plan->power) CW_TRY(fit_power(d, label.text, n, x, y, dy));
  return cw_page_curve(d->page, label.text, CW_DRAW_POINTS, d->colour++, n, x, y, dy);
}

/* A name without a section is of the case, or of every part that gives it. Parts are those of the first case
 * of a family, which differ from family to family. */
static cw_status all_points(drawing *d, const cw_drawn *of) {
  for (int i = 0; i < d->n; i++) {
    const cw_analysis_case *c = d->c[i];
    if (!is_first_of_family(d, i)) continue;
    if (of->section[0] == '\0') CW_TRY(points(d, i, of, NULL));
    for (int k = 0; k < c->n_stages; k++) {
      const cw_analysis_stage *s = &c->stage[k];
      const bool asked = of->section[0] == '\0' || strcmp(of->section, s->section->kind.name) == 0;
      if (asked && !cw_stage_is(s, CW_IS_INNER)) CW_TRY(points(d, i, of, s));
    }
  }
  return CW_OK;
}

/* ---- what should come out ---- */

/* What theories call it. */
static const char *exact_name(const char *quantity) {
  for (int i = 0; cw_methods[i] != NULL; i++)
    for (const cw_given *g = cw_methods[i]->given; g != NULL && g->quantity != NULL; g++)
      if (g->exact != NULL && strcmp(g->quantity, quantity) == 0) return g->exact;
  return quantity;
}

/* The parameter of the theory that is on the axis; -1: something else is. */
static int parameter(const drawing *d) {
  const cw_plan *p = d->c[0]->plan;
  const cw_param *list = p->theory->params[p->form];
  if (strncmp(d->plan->against, "theory.", strlen("theory.")) != 0) return -1;
  for (int k = 0; list[k].name != NULL; k++)
    if (strcmp(list[k].name, d->plan->against + strlen("theory.")) == 0) return k;
  return -1;
}

/* The theory's own values between the first case and the last, of as many lattices as there are families. */
static cw_status exact_curve(drawing *d, const char *quantity) {
  enum { POINTS = 201 };
  const int k = parameter(d);
  double x[POINTS], y[POINTS], param[CW_MAX_PARAMS];
  const cw_theory_ops *ops = d->c[0]->plan->theory;
  if (k < 0 || d->plan->draw != CW_DRAW_VALUE) return CW_OK;
  for (int i = 0; i < d->n; i++) {
    const cw_plan *p = d->c[i]->plan;
    bool known = is_first_of_family(d, i) && p->theory == ops;
    memcpy(param, p->param, sizeof param);
    for (int j = 0; j < POINTS && known; j++) {
      param[k] = x[j] = d->x[0] + (d->x[d->n - 1] - d->x[0]) * j / (POINTS - 1);
      y[j] = cw_theory_known(ops, p->form, &p->lat, param, exact_name(quantity));
      known = isfinite(y[j]);
    }
    if (!known) continue;
    cw_prose label = {0};
    cw_say(&label, "exact, ");
    cw_say_lattice(&label, &p->lat);
    CW_TRY(cw_page_curve(d->page, label.text, CW_DRAW_LINE, CW_GREY, POINTS, x, y, NULL));
  }
  return CW_OK;
}

/* The values that cases expect, each once. */
static cw_status expected_points(drawing *d, const cw_drawn *of) {
  double x[CW_MAX_CASES], y[CW_MAX_CASES], dy[CW_MAX_CASES];
  int n = 0;
  for (int i = 0; i < d->n && d->plan->draw == CW_DRAW_VALUE; i++) {
    const cw_plan *p = d->c[i]->plan;
    for (int k = 0; k < p->n_expect; k++) {
      const cw_expect *e = &p->expect[k];
      if (e->derivative || e->index != of->index || strcmp(e->quantity, of->quantity) != 0)
        continue;
      if (strcmp(e->section, of->section) != 0) continue;
      x[n] = d->x[i];
      y[n] = e->value;
      dy[n++] = e->error > 0 ? e->error : NAN;
      break;
    }
  }
  return n > 0 ? cw_page_curve(d->page, "expected", CW_DRAW_POINTS, CW_GREY, n, x, y, dy) : CW_OK;
}

/* ---- figures ---- */

static cw_status draw(drawing *d) {
  const cw_figure_plan *f = d->plan;
  cw_prose y = {0};
  static const char *const of[] = {"", "error of ", "tau_int of ",
                                   "seconds per independent value of "};
  cw_say(&y, "%s%s", of[f->draw], f->n == 1 ? f->of[0].quantity : "results");
  CW_TRY(cw_page_figure_begin(d->page, f->title, f->against, y.text, f->log_x, f->log_y));
  const char *drawn[CW_MAX_DRAWN];
  for (int i = 0; i < f->n; i++) {
    bool again = false;
    drawn[i] = exact_name(f->of[i].quantity);
    for (int k = 0; k < i; k++) again = again || strcmp(drawn[k], drawn[i]) == 0;
    if (again) continue; /* two results of one number */
    CW_TRY(exact_curve(d, f->of[i].quantity));
    CW_TRY(expected_points(d, &f->of[i]));
  }
  for (int i = 0; i < f->n; i++) CW_TRY(all_points(d, &f->of[i]));
  if (d->caption.used > 0) cw_say(&d->caption, ".");
  return cw_page_figure_end(d->page, d->caption.text);
}

cw_status cw_page_through(cw_context *ctx, cw_page *page, const cw_analysis *a) {
  const cw_plan *first = a->cases[0].plan; /* all have the same figures */
  bool any = false;
  for (int k = 0; k < first->n_figures; k++) {
    drawing d = {.ctx = ctx, .page = page, .plan = &first->figure[k]};
    gather(a, k, &d);
    if (d.n < 2) continue;
    if (!any) CW_TRY(cw_page_heading(page, 2, "Through the cases of the job"));
    any = true;
    CW_TRY(draw(&d));
  }
  return CW_OK;
}
