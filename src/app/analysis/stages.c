/* From the arrays of a stage to results. Every estimate comes from stats.h; this file knows what is
 * stored where. */
#include <stdlib.h>
#include <string.h>

#include "app/analysis/parts.h"

static bool all_equal(const cw_array *a, double value) {
  for (long i = 0; i < cw_array_size(a); i++)
    if (a->data[i] != value) return false;
  return true;
}

static cw_status fill_sampler(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                              const cw_arrays *data) {
  const cw_array *accept, *exp_mdH, *action;
  CW_TRY(cw_fill_groups(ctx, c, s, data));
  CW_TRY(cw_get_array(ctx, s, data, "accept", 1, &accept));
  CW_TRY(cw_get_array(ctx, s, data, "exp_mdH", 1, &exp_mdH));
  CW_TRY(cw_get_array(ctx, s, data, "therm.action", 1, &action));
  if (action != NULL)
    CW_TRY(cw_curve_history(ctx, s, "thermalisation", action->dim[0], 1, action->data));
  if (accept == NULL || all_equal(accept, 1)) return CW_OK; /* a sampler that never rejects */
  CW_TRY(cw_add_series(ctx, s, "acceptance", "mean acceptance probability", accept->data, 1,
                       accept->dim[0]));
  if (exp_mdH == NULL) return CW_OK;
  return cw_add_series(ctx, s, "exp_mdH", "<exp(-dH)>, which is 1", exp_mdH->data, 1,
                       exp_mdH->dim[0]);
}

static cw_status fill_train(cw_context *ctx, cw_analysis_stage *s, const cw_arrays *data) {
  static const char *const names[] = {"loss", "ess", "grad_norm", "rate", NULL};
  for (int i = 0; names[i] != NULL; i++) {
    const cw_array *series;
    CW_TRY(cw_get_array(ctx, s, data, names[i], 1, &series));
    if (series == NULL) continue;
    s->present = true;
    s->n_step = series->dim[0];
    CW_TRY(cw_curve_binned(ctx, s, names[i], series));
  }
  return CW_OK;
}

/* Which primary of the first group is the action per site that gives the entropy; -1: none. */
static int find_action(const cw_observer *o) {
  for (const cw_primary *p = o->ops->notable; p != NULL && p->name != NULL; p++)
    if (p->gives_entropy) return cw_primary_number(o, p->name);
  return -1;
}

/* Entropy per site, where it is made of what is measured. */
static cw_status add_entropy(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                             const cw_array *primary, const cw_array *lw) {
  const int at = find_action(&c->observer[0]);
  const double V = (double)c->geometry->n_sites;
  cw_estimate e;
  if (at < 0) return CW_OK;
  double *action = cw_alloc((size_t)s->n_step * sizeof *action);
  if (action == NULL) return cw_no_memory(ctx);
  for (long i = 0; i < s->n_step; i++) action[i] = V * primary->data[i * primary->dim[1] + at];
  cw_status st = cw_weighted_entropy(ctx, lw->data, action, s->n_step, &e);
  free(action);
  e.value /= V;
  e.error /= V;
  if (st != CW_OK) return st;
  return cw_add_number(ctx, s, "entropy", -1, "entropy per site (ln Z + <S>)/V", e);
}

static cw_status fill_nis(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                          const cw_arrays *data) {
  const cw_array *lw, *primary;
  CW_TRY(cw_get_array(ctx, s, data, "lw", 1, &lw));
  CW_TRY(cw_get_primary(ctx, c, s, data, 0, 2, &primary));
  if (lw == NULL || lw->dim[0] < 2) return CW_OK;
  s->present = true;
  s->n_step = lw->dim[0];
  if (primary == NULL) return CW_OK;
  CW_TRY(cw_fill_weighted(ctx, c, s, primary, lw));
  return add_entropy(ctx, c, s, primary, lw);
}

static cw_status fill_nmcmc(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                            const cw_arrays *data) {
  const cw_array *primary, *accept;
  CW_TRY(cw_get_primary(ctx, c, s, data, 0, 3, &primary));
  CW_TRY(cw_get_array(ctx, s, data, "accept", 2, &accept));
  if (primary != NULL) CW_TRY(cw_fill_chains(ctx, c, s, primary));
  if (!s->present || accept == NULL) return CW_OK;
  if (accept->dim[0] != s->n_step || accept->dim[1] != s->n_chain)
    return cw_fail(ctx, CW_ECORRUPT,
                   "stage '%s' holds %ld x %ld acceptances for %ld x %ld measurements", s->name,
                   accept->dim[0], accept->dim[1], s->n_step, s->n_chain);
  double *chains = cw_chains_first(accept->data, s->n_step, s->n_chain, 1);
  if (chains == NULL) return cw_no_memory(ctx);
  cw_status st = cw_fill_acceptance(ctx, s, chains);
  free(chains);
  return st;
}

/* The mean of rows (n_step, n_chain) of chains. */
static cw_status mean_of_rows(cw_context *ctx, const double *rows, long n_step, long n_chain,
                              cw_estimate *e) {
  double *chains = cw_chains_first(rows, n_step, n_chain, 1);
  if (chains == NULL) return cw_no_memory(ctx);
  cw_status st = cw_gamma(ctx, chains, n_chain, n_step, 1, NULL, NULL, e);
  free(chains);
  return st;
}

/* What the model learned of its samples alone: the mean of ln q on those less that on others, -S of
 * both having the same mean. */
static cw_status add_gap(cw_context *ctx, cw_analysis_stage *s, const cw_array *lw,
                         const cw_array *seen) {
  cw_estimate e, known;
  if (lw->dim[0] < CW_GAMMA_MIN_STEPS || seen->dim[0] < CW_GAMMA_MIN_STEPS) return CW_OK;
  CW_TRY(mean_of_rows(ctx, lw->data, lw->dim[0], lw->dim[1], &e));
  CW_TRY(mean_of_rows(ctx, seen->data, seen->dim[0], seen->dim[1], &known));
  cw_estimate gap = cw_estimate_undefined(e.n + known.n);
  gap.value = e.value - known.value;
  gap.error = hypot(e.error, known.error);
  return cw_add_number(ctx, s, "train_gap", -1,
                       "mean of ln q on configurations that the model was trained on, less that on "
                       "others",
                       gap);
}

static cw_status fill_forward(cw_context *ctx, cw_analysis_stage *s, const cw_arrays *data) {
  const cw_array *lw, *seen;
  CW_TRY(cw_get_array(ctx, s, data, "lw", 2, &lw));
  CW_TRY(cw_get_array(ctx, s, data, "seen.lw", 2, &seen));
  if (lw == NULL) return CW_OK;
  s->n_step = lw->dim[0];
  s->n_chain = lw->dim[1];
  s->present = s->n_step >= CW_GAMMA_MIN_STEPS;
  return seen != NULL ? add_gap(ctx, s, lw, seen) : CW_OK;
}

/* Curve "slope" (kappa, <-dS/dkappa>, error), and the integral over the nodes there are: lnZ(kappa)
 * = lnZ0 + sum_i w_i <slope_i>, errors of independent nodes in quadrature. */
static cw_status fill_chain(cw_context *ctx, cw_analysis_stage *s, const cw_arrays *data) {
  const cw_array *kappa, *weight, *slope, *lnZ0;
  CW_TRY(cw_get_array(ctx, s, data, "kappa", 1, &kappa));
  CW_TRY(cw_get_array(ctx, s, data, "weight", 1, &weight));
  CW_TRY(cw_get_array(ctx, s, data, "slope", 3, &slope));
  CW_TRY(cw_get_array(ctx, s, data, "lnZ0", 1, &lnZ0));
  if (kappa == NULL || weight == NULL || slope == NULL || lnZ0 == NULL) return CW_OK;
  long n = kappa->dim[0], n_step = slope->dim[1], n_chain = slope->dim[2];
  if (weight->dim[0] != n || slope->dim[0] != n || lnZ0->dim[0] != n)
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds nodes of unequal numbers", s->name);
  if (n_step < CW_GAMMA_MIN_STEPS) return CW_OK;
  cw_curve *slopes = cw_add_curve(&s->curve, &s->n_curves, "slope", n, true);
  if (slopes == NULL) return cw_no_memory(ctx);
  double sum = lnZ0->data[0], variance = 0, covered = 0, rhat = NAN;
  for (long i = 0; i < n; i++) {
    cw_estimate e;
    CW_TRY(mean_of_rows(ctx, slope->data + i * n_step * n_chain, n_step, n_chain, &e));
    slopes->x[i] = kappa->data[i];
    slopes->y[i] = e.value;
    slopes->dy[i] = e.error;
    sum += weight->data[i] * e.value;
    variance += weight->data[i] * weight->data[i] * e.error * e.error;
    covered += weight->data[i];
    rhat = fmax(rhat, e.rhat);
  }
  s->present = true;
  s->n_step = n;
  s->covered = covered;
  s->lnZ = cw_estimate_undefined(n * n_step * n_chain);
  s->lnZ.value = sum;
  s->lnZ.error = sqrt(variance);
  s->lnZ.rhat = rhat;
  return CW_OK;
}

cw_status cw_analysis_fill_stage(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                                 const cw_arrays *data) {
  switch (s->kind) {
  case CW_STAGE_SAMPLER:
    return fill_sampler(ctx, c, s, data);
  case CW_STAGE_TRAIN:
    return fill_train(ctx, s, data);
  case CW_STAGE_NIS:
    return fill_nis(ctx, c, s, data);
  case CW_STAGE_NMCMC:
    return fill_nmcmc(ctx, c, s, data);
  case CW_STAGE_FORWARD:
    return fill_forward(ctx, s, data);
  case CW_STAGE_CHAIN:
    return fill_chain(ctx, s, data);
  case CW_STAGE_FLOWS:
    return cw_fill_flows(ctx, c, s, data);
  case CW_STAGE_WALK:
    return cw_fill_walk(ctx, c, s, data);
  case CW_STAGE_PIMH:
    return cw_fill_pimh(ctx, c, s, data);
  case CW_STAGE_REX:
    return cw_fill_rex(ctx, c, s, data);
  }
  return CW_OK;
}
