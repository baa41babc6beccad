/* Replica exchange: observables of a rung, and of the last one's stage swaps and thermalisation. */
#include <stdlib.h>

#include "app/analysis/fill.h"
#include "app/methods/rex/rex.h"

/* swaps (n_step, n - 1, 2): sums of acceptance probabilities and numbers of proposals. */
static cw_status fill_swaps(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                            const cw_array *swaps) {
  long n_step = swaps->dim[0], pairs = swaps->dim[1];
  if (pairs != cw_rex_pairs(c->plan, s->section->own) || swaps->dim[2] != 2)
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds swaps of another ladder", s->part.name);
  if (n_step < CW_GAMMA_MIN_STEPS) return CW_OK;
  cw_curve *curve = cw_add_curve(&s->curve, &s->n_curves, "ladder.swaps", pairs, true);
  cw_status st = curve != NULL ? CW_OK : cw_no_memory(ctx);
  for (long k = 0; k < pairs && st == CW_OK; k++) {
    cw_estimate e;
    st = cw_swap_acceptance(ctx, swaps->data, n_step, pairs, k, &e);
    if (st != CW_OK) break;
    st = cw_add_number(ctx, s, "swap_acceptance", (int)k,
                       "mean acceptance of swaps between rung k and the next", e);
    curve->x[k] = (double)k + 0.5;
    curve->y[k] = e.value;
    curve->dy[k] = e.error;
  }
  return st;
}

/* The mean over chains of action (n_step, n_chain) while the chains thermalised. */
static cw_status fill_thermalisation(cw_context *ctx, cw_analysis_stage *s,
                                     const cw_array *action) {
  long n_step = action->dim[0], n_chain = action->dim[1];
  double *mean = malloc((size_t)n_step * sizeof *mean);
  if (mean == NULL) return cw_no_memory(ctx);
  for (long t = 0; t < n_step; t++)
    mean[t] = cw_independent_mean(action->data + t * n_chain, n_chain, 1).value;
  cw_status st = cw_curve_history(ctx, s, "thermalisation", n_step, 1, mean);
  free(mean);
  return st;
}

/* seconds (segments, CW_REX_SHARES). */
static cw_status fill_seconds(cw_context *ctx, cw_analysis_stage *s, const cw_array *seconds) {
  static const char *const what[CW_REX_SHARES] = {"sampler", "flows", "swaps", "measurements"};
  if (seconds->dim[1] != CW_REX_SHARES)
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds times of other work", s->part.name);
  const bool flows = cw_rex_flow(s->section->own) != NULL;
  for (int k = 0; k < CW_REX_SHARES; k++) {
    double sum = 0;
    for (long i = 0; i < seconds->dim[0]; i++) sum += seconds->data[i * CW_REX_SHARES + k];
    if (flows || k != 1) cw_add_spent(s, what[k], sum);
  }
  return CW_OK;
}

cw_status cw_fill_rex(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                      const cw_arrays *data) {
  const cw_array *swaps, *work, *label, *action, *seconds;
  CW_TRY(cw_fill_groups(ctx, c, s, data));
  if (cw_stage_is(s, CW_IS_INNER)) return CW_OK;
  CW_TRY(cw_get_array(ctx, s, data, "swaps", 3, &swaps));
  CW_TRY(cw_get_array(ctx, s, data, "work", 3, &work));
  CW_TRY(cw_get_array(ctx, s, data, "label", 3, &label));
  CW_TRY(cw_get_array(ctx, s, data, "therm", 2, &action));
  CW_TRY(cw_get_array(ctx, s, data, "timing.shares", 2, &seconds));
  if (seconds != NULL) CW_TRY(fill_seconds(ctx, s, seconds));
  if (action != NULL) CW_TRY(fill_thermalisation(ctx, s, action));
  if (swaps != NULL) CW_TRY(fill_swaps(ctx, c, s, swaps));
  if (work != NULL) CW_TRY(cw_fill_swap_works(ctx, c, s, work));
  return label != NULL ? cw_fill_replicas(ctx, c, s, data, label) : CW_OK;
}

/* What all chains are asked, of the other rungs of the ladder whose last one is s. */
cw_status cw_warn_rex(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  int n_disagree = 0, n_short = 0;
  if (cw_stage_is(s, CW_IS_INNER)) return CW_OK;
  const cw_analysis_stage *end = c->stage + c->n_stages;
  for (const cw_analysis_stage *r = s + 1; r < end && r->section == s->section; r++) {
    if (!r->present) continue;
    n_disagree += cw_disagreeing(r) != NULL;
    n_short += cw_too_short(r) != NULL;
  }
  if (n_disagree > 0)
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: on %d of the other rungs the chains disagree (R-hat more than %g).",
                       s->part.label, n_disagree, CW_LARGEST_RHAT));
  if (n_short > 0)
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: %d of the other rungs have fewer steps than %d autocorrelation times.",
                       s->part.label, n_short, CW_FEWEST_TIMES));
  return CW_OK;
}
