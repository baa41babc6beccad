/* Results of the base ensemble, and of every estimator of differences and derivatives. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/methods/correlated/estimate.h"

static bool find_estimator(const cw_analysis_case *c, const cw_analysis_stage *s,
                           cw_estimator *out) {
  cw_estimator list[CW_MOST_ESTIMATORS];
  const int n = cw_list_estimators(c->plan, s->section, list);
  for (int i = 0; i < n; i++)
    if (strcmp(list[i].name, s->part.name) == 0) *out = list[i];
  return n > 0;
}

/* ---- what was gained ---- */

/* Seconds of an ensemble with what an estimator needs of it; training and images included. */
static double seconds_of(const cw_ensemble *e, const cw_analysis_stage *s, const cw_estimator *m) {
  const double *spent = e->seconds, ensemble = spent[CW_SPENT_SAMPLER] + spent[CW_SPENT_MEASURED];
  if (m->kind != CW_FLOW && m->kind != CW_LINEARISED) return ensemble;
  const cw_analysis_stage *training = cw_analysis_find_stage(e->c, s->part.training);
  const double trained = training != NULL ? training->seconds : 0;
  if (m->kind == CW_LINEARISED) return ensemble + trained + spent[CW_SPENT_TANGENT];
  const double share = (m->down >= 0 ? 2.0 : 1.0) / e->plan->n_targets;
  return ensemble + trained + share * (spent[CW_SPENT_FLOW] + spent[CW_SPENT_IMAGES]);
}

/* lambda between the base and the targets that independent ensembles are given for a derivative. */
static double reach_of(const cw_correlated_plan *r, const cw_estimator *m) {
  double position = fabs(r->position[0]);
  if (m->up >= 0) return fabs(r->step * r->position[m->up]);
  for (int k = 1; k < r->n_targets; k++) position = fmax(position, fabs(r->position[k]));
  return fabs(r->step) * position;
}

/* Two independent ensembles at +-reach, each of half as many configurations with the error and the
 * autocorrelations of the base; of a difference from the base itself, one there and one at the target. */
static void find_gain(const cw_ensemble *e, const cw_analysis_stage *s, const cw_estimator *m,
                      const cw_result *base, cw_result *r) {
  const cw_estimator none = {.kind = CW_BASE};
  if (base == NULL || !(base->e.error > 0) || !(r->e.error > 0)) return;
  const bool one_sided = m->up >= 0 && m->down < 0;
  const double error = (one_sided ? 2 : 1) * base->e.error / reach_of(e->plan, m);
  const double cost = seconds_of(e, s, m), cost_of_base = seconds_of(e, s, &none);
  r->gain = pow(error / r->e.error, 2);
  if (cost > 0) r->gain_at_cost = r->gain * cost_of_base / cost;
}

/* ---- results ---- */

/* prefix: "d_" of derivatives, "delta_" of differences, "" of values. */
static cw_status add_result(cw_context *ctx, cw_analysis_stage *s, const char *prefix,
                            const cw_quantity *q, int i, cw_result **out) {
  cw_result *r = *out = cw_add_result(&s->result, &s->n_results);
  if (r == NULL) return cw_no_memory(ctx);
  r->quantity = q->name;
  r->help = q->help;
  r->units = q->units;
  r->index = q->count != NULL ? i : -1;
  const int n = snprintf(r->name, sizeof r->name, "%.31s.%s%.20s", s->part.name, prefix, q->name);
  if (q->count != NULL) snprintf(r->name + n, sizeof r->name - (size_t)n, "[%d]", i);
  return CW_OK;
}

static cw_status add_derivative(cw_context *ctx, cw_analysis_stage *s, const cw_estimator *m,
                                const cw_rows_of_group *rows, const cw_quantity *q, int i) {
  const cw_analysis_stage *base = cw_analysis_find_stage(rows->e->c, s->section->kind.name);
  cw_result *r;
  CW_TRY(add_result(ctx, s, "d_", q, i, &r));
  r->derivative_of = rows->group->number;
  CW_TRY(cw_estimate_rows(ctx, rows, q, i, &r->e));
  find_gain(rows->e, s, m, base != NULL ? cw_stage_result(base, q->name, r->index) : NULL, r);
  return CW_OK;
}

static cw_status add_image(cw_context *ctx, cw_analysis_stage *s, cw_rows_of_group rows,
                           const cw_quantity *q, int i) {
  cw_result *r;
  CW_TRY(add_result(ctx, s, "", q, i, &r));
  rows.as = CW_AS_VALUE;
  CW_TRY(cw_estimate_rows(ctx, &rows, q, i, &r->e));
  CW_TRY(add_result(ctx, s, "delta_", q, i, &r));
  rows.as = CW_AS_DIFFERENCE;
  return cw_estimate_rows(ctx, &rows, q, i, &r->e);
}

static cw_status add_extrapolation(cw_context *ctx, cw_analysis_stage *s,
                                   const cw_rows_of_group *rows) {
  const cw_correlated_plan *r = rows->e->plan;
  if (r->of.n == 0 || rows->group->o->ops != r->of.group) return CW_OK;
  cw_result *result = cw_add_result(&s->result, &s->n_results);
  if (result == NULL) return cw_no_memory(ctx);
  result->quantity = "extrapolated";
  result->help = "along a straight line to where 'in' is 0";
  snprintf(result->name, sizeof result->name, "%.31s.extrapolated", s->part.name);
  return cw_extrapolate_rows(ctx, rows, &r->of, &r->in, &result->e);
}

/* smooth: rows for quantities that do not jump, others: for those that do. Numbers of fits are no functions
 * of means: the effective masses beside them have derivatives. */
static cw_status add_quantities(cw_context *ctx, cw_analysis_stage *s, const cw_estimator *m,
                                const cw_rows_of_group *smooth, const cw_rows_of_group *others) {
  const cw_observer *o = smooth->group->o;
  for (const cw_quantity *q = o->ops->quantities; q->name != NULL; q++)
    for (int i = 0; q->correlator == NULL && i < (q->count != NULL ? q->count(o) : 1); i++) {
      const cw_rows_of_group *rows = q->jumps ? others : smooth;
      CW_TRY(m->kind == CW_IMAGES ? add_image(ctx, s, *rows, q, i)
                                  : add_derivative(ctx, s, m, rows, q, i));
    }
  return m->kind == CW_IMAGES ? CW_OK : add_extrapolation(ctx, s, smooth);
}

/* A derivative along the flow is made of that of the observable, which is 0 almost everywhere for one
 * that jumps: of those it is the covariance. */
static cw_status fill_derivatives(cw_context *ctx, cw_analysis_stage *s, const cw_estimator *m,
                                  const cw_ensemble *e, const cw_ensemble_group *g) {
  const bool by_flow = m->kind == CW_LINEARISED;
  double *rows = cw_derivative_rows(e, g, by_flow), *others = cw_derivative_rows(e, g, false);
  cw_rows_of_group smooth = {e, g, rows, CW_AS_DERIVATIVE, 1}, jumping = smooth;
  jumping.rows = others;
  const cw_status st = rows != NULL && others != NULL ? add_quantities(ctx, s, m, &smooth, &jumping)
                                                      : cw_no_memory(ctx);
  free(rows);
  free(others);
  return st;
}

static cw_status fill_differences(cw_context *ctx, cw_analysis_stage *s, const cw_estimator *m,
                                  const cw_ensemble *e, const cw_ensemble_group *g) {
  double *rows = cw_difference_rows(e, g, m->up, m->down, m->kind != CW_REWEIGHTING);
  const cw_rows_of_group all = {e, g, rows, CW_AS_DIFFERENCE,
                                m->kind == CW_IMAGES ? 1 : cw_estimator_step(e->plan, m)};
  const cw_status st = rows != NULL ? add_quantities(ctx, s, m, &all, &all) : cw_no_memory(ctx);
  free(rows);
  return st;
}

static cw_status fill_estimator(cw_context *ctx, cw_analysis_stage *s, const cw_estimator *m,
                                const cw_ensemble *e, const cw_arrays *data) {
  for (int k = 0; k < e->c->plan->n_groups; k++) {
    cw_ensemble_group g;
    cw_status st = cw_ensemble_group_read(ctx, e, s, data, k, &g);
    if (st == CW_OK && g.primary != NULL)
      st = m->up >= 0 ? fill_differences(ctx, s, m, e, &g) : fill_derivatives(ctx, s, m, e, &g);
    cw_ensemble_group_clear(&g);
    CW_TRY(st);
  }
  s->present = e->n_step >= CW_GAMMA_MIN_STEPS;
  s->n_step = e->n_step;
  return CW_OK;
}

/* ---- the base ---- */

static cw_status add_ess(cw_context *ctx, cw_analysis_stage *s, const cw_ensemble *e) {
  for (int by_flow = e->plan->at_targets; by_flow >= 0; by_flow--)
    for (int k = 0; k < e->plan->n_targets; k++) {
      cw_estimate ess = cw_estimate_undefined(e->n_step * e->n_chain);
      ess.value = cw_ensemble_ess(e, k, by_flow);
      CW_TRY(cw_add_number(ctx, s, by_flow ? "ess" : "ess_reweighting", k,
                           by_flow ? "of the weights of images at a target, per configuration"
                                   : "of the weights at a target without a flow",
                           ess));
    }
  return CW_OK;
}

static void add_seconds(cw_analysis_stage *s, const cw_ensemble *e) {
  static const char *const what[CW_SPENT_KINDS] = {"sampler", "measurements", "images",
                                                   "measurements of images", "tangent"};
  for (int k = 0; k < CW_SPENT_KINDS; k++)
    if (k <= CW_SPENT_MEASURED || e->seconds[k] > 0) cw_add_spent(s, what[k], e->seconds[k]);
}

const cw_quantity *cw_correlated_headline(const cw_observer *o) {
  for (const cw_quantity *q = o->ops->quantities; q->name != NULL; q++)
    if (q->headline) return q;
  return NULL;
}

/* A quantity of single configurations and of their images at the first target: (n_step, n_chain, 2). NULL:
 * no memory; the caller frees it. */
static double *pairs_of(const cw_ensemble *e, const cw_ensemble_group *g, const cw_quantity *q) {
  const long n = g->n_step * e->n_chain;
  double *value = malloc((size_t)(2 * n) * sizeof *value);
  for (long i = 0; i < n && value != NULL; i++) {
    value[2 * i] = cw_quantity_value(g->o, q, g->primary + i * g->n, 0);
    value[2 * i + 1] = cw_quantity_value(g->o, q, g->image[0] + i * g->n, 0);
  }
  return value;
}

static double correlation(const double *pair, long n) {
  double mean[2] = {0}, xx = 0, yy = 0, xy = 0;
  for (long i = 0; i < 2 * n; i++) mean[i % 2] += pair[i] / (double)n;
  for (long i = 0; i < n; i++) {
    const double x = pair[2 * i] - mean[0], y = pair[2 * i + 1] - mean[1];
    xx += x * x;
    yy += y * y;
    xy += x * y;
  }
  return xy / sqrt(xx * yy);
}

/* "pair.base" and "pair.image" of the first chain, and "pair.scatter" of some of all. */
static cw_status draw_pairs(cw_context *ctx, cw_analysis_stage *s, const cw_ensemble *e,
                            long n_step, const double *pair) {
  enum { MOST = 1000, SHOWN = 200 };
  const long n = n_step * e->n_chain, every = (n + MOST - 1) / MOST;
  const long shown = n_step < SHOWN ? n_step : SHOWN;
  CW_TRY(cw_curve_history(ctx, s, "pair.base", shown, 2 * e->n_chain, pair));
  CW_TRY(cw_curve_history(ctx, s, "pair.image", shown, 2 * e->n_chain, pair + 1));
  cw_curve *scatter = cw_add_curve(&s->curve, &s->n_curves, "pair.scatter", n / every, false);
  if (scatter == NULL) return cw_no_memory(ctx);
  for (long i = 0; i < scatter->n; i++) {
    scatter->x[i] = pair[2 * i * every];
    scatter->y[i] = pair[2 * i * every + 1];
  }
  return CW_OK;
}

/* What the headline of a configuration and of its image have in common. */
static cw_status fill_pairs(cw_context *ctx, cw_analysis_stage *s, const cw_ensemble *e,
                            const cw_ensemble_group *g) {
  const cw_quantity *q = cw_correlated_headline(g->o);
  cw_estimate r = cw_estimate_undefined(g->n_step * e->n_chain);
  if (q == NULL || !e->plan->at_targets) return CW_OK;
  double *pair = pairs_of(e, g, q);
  if (pair == NULL) return cw_no_memory(ctx);
  r.value = correlation(pair, g->n_step * e->n_chain);
  cw_status st = draw_pairs(ctx, s, e, g->n_step, pair);
  if (st == CW_OK)
    st = cw_add_number(ctx, s, "correlation", -1,
                       "of the headline of configurations and of their images", r);
  free(pair);
  return st;
}

static cw_status fill_base(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                           const cw_ensemble *e, const cw_arrays *data) {
  cw_ensemble_group g;
  CW_TRY(cw_fill_groups(ctx, c, s, data));
  if (!s->present) return CW_OK;
  add_seconds(s, e);
  CW_TRY(add_ess(ctx, s, e));
  cw_status st = cw_ensemble_group_read(ctx, e, s, data, 0, &g);
  if (st == CW_OK && g.primary != NULL) st = fill_pairs(ctx, s, e, &g);
  cw_ensemble_group_clear(&g);
  return st;
}

cw_status cw_fill_correlated(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                             const cw_arrays *data) {
  cw_estimator m;
  cw_ensemble e;
  CW_REQUIRE(find_estimator(c, s, &m));
  CW_TRY(cw_ensemble_read(ctx, c, s, data, &e));
  if (e.n_step == 0) return CW_OK;
  return m.kind == CW_BASE ? fill_base(ctx, c, s, &e, data) : fill_estimator(ctx, s, &m, &e, data);
}

/* ---- doubts ---- */

/* Weights of few configurations decide what is said of a target. */
static cw_status warn_ess(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s,
                          bool by_flow) {
  const cw_correlated_plan *plan = s->section->own;
  for (int k = 0; k < plan->n_targets; k++) {
    const cw_result *r = cw_stage_result(s, by_flow ? "ess" : "ess_reweighting", k);
    char share[16];
    if (r == NULL || !(r->e.value < 0.1)) continue;
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: at position %g the weights %s are worth %s %% of the configurations: "
                       "their errors cannot be trusted; %s.",
                       s->part.label, plan->position[k], by_flow ? "of the flow" : "without a flow",
                       cw_percent(r->e.value, share),
                       by_flow ? "a nearer position or a better flow helps"
                               : "nearer positions help"));
  }
  return CW_OK;
}

cw_status cw_warn_correlated(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  if (cw_stage_is(s, CW_IS_INNER)) return CW_OK;
  CW_TRY(warn_ess(ctx, c, s, true));
  return warn_ess(ctx, c, s, false);
}
