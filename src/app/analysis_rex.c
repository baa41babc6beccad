/* Replica exchange: swaps, and the paths of replicas. */
#include <stdlib.h>
#include <string.h>

#include "app/analysis_parts.h"

static double ratio(const double *mean, const void *arg) {
  (void)arg;
  return mean[1] > 0 ? mean[0] / mean[1] : NAN;
}

/* swaps (n_step, n - 1, 2): sums of acceptance probabilities and numbers of proposals. */
static cw_status fill_swaps(cw_context *ctx, cw_analysis_stage *s, const cw_array *swaps) {
  long n_step = swaps->dim[0], pairs = swaps->dim[1];
  if (n_step < CW_GAMMA_MIN_STEPS) return CW_OK;
  double *pair = malloc((size_t)(2 * n_step) * sizeof *pair);
  cw_curve *curve = cw_add_curve(&s->curve, &s->n_curves, "ladder.swaps", pairs, true);
  cw_status st = pair != NULL && curve != NULL ? CW_OK : cw_no_memory(ctx);
  for (long k = 0; k < pairs && st == CW_OK; k++) {
    cw_estimate e;
    for (long t = 0; t < n_step; t++)
      memcpy(pair + 2 * t, swaps->data + (t * pairs + k) * 2, 2 * sizeof *pair);
    st = cw_gamma(ctx, pair, 1, n_step, 2, ratio, NULL, CW_GAMMA_S, &e);
    if (st == CW_OK)
      st = cw_add_number(ctx, s, "swap_acceptance", (int)k,
                         "mean acceptance of swaps between rung k and the next", e);
    curve->x[k] = (double)k + 0.5;
    curve->y[k] = e.value;
    curve->dy[k] = e.error;
  }
  free(pair);
  return st;
}

/* How often a replica that was on the first rung reached the last one and came back. */
static long count_trips(const cw_array *label, long chain, long replica) {
  long n = label->dim[2], trips = 0;
  int seen = -1; /* the end that it saw last: 0 or 1; -1: none */
  bool far = false;
  for (long t = 0; t < label->dim[0]; t++) {
    const double *row = label->data + (t * label->dim[1] + chain) * n;
    int end = row[0] == (double)replica ? 0 : row[n - 1] == (double)replica ? 1 : -1;
    if (end < 0 || end == seen) continue;
    if (end == 1 && seen == 0) far = true;
    if (end == 0 && far) trips++, far = false;
    seen = end;
  }
  return trips;
}

/* The rung of a replica of chain 0 over time: "path.R". */
static cw_status path_curve(cw_context *ctx, cw_analysis_stage *s, const cw_array *label,
                            long replica) {
  long n_step = label->dim[0], n = label->dim[2];
  char name[CW_RESULT_NAME];
  double *rung = malloc((size_t)n_step * sizeof *rung);
  if (rung == NULL) return cw_no_memory(ctx);
  for (long t = 0; t < n_step; t++)
    for (long k = 0; k < n; k++)
      if (label->data[t * label->dim[1] * n + k] == (double)replica) rung[t] = (double)k;
  snprintf(name, sizeof name, "path.%ld", replica);
  cw_status st = cw_curve_history(ctx, s, name, n_step, 1, rung);
  free(rung);
  return st;
}

/* label (n_step, n_chain, n): which replica is on a rung. */
static cw_status fill_paths(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                            const cw_array *label) {
  long n_chain = label->dim[1], n = label->dim[2], trips = 0;
  if (n != c->plan->ladder.n)
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds labels of %ld rungs", s->name, n);
  for (long chain = 0; chain < n_chain; chain++)
    for (long replica = 0; replica < n; replica++) trips += count_trips(label, chain, replica);
  cw_estimate e = {(double)trips, NAN, NAN, NAN, NAN, NAN, NAN, label->dim[0] * n_chain};
  CW_TRY(cw_add_number(ctx, s, "round_trips", -1,
                       "trips of replicas from the first rung to the last and back", e));
  e.value = trips > 0 ? (double)(label->dim[0] * n_chain * n) / (double)trips : NAN;
  CW_TRY(
      cw_add_number(ctx, s, "round_trip_time", -1, "measurements of a replica per round trip", e));
  for (long replica = 0; replica < n && replica < CW_MOST_HISTORIES; replica++)
    CW_TRY(path_curve(ctx, s, label, replica));
  return CW_OK;
}

cw_status cw_fill_rex(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                      const cw_arrays *data) {
  const cw_array *swaps, *label, *action;
  CW_TRY(cw_fill_groups(ctx, c, s, data));
  if (s->rung != c->plan->ladder.n - 1) return CW_OK;
  CW_TRY(cw_get_array(ctx, s, data, "swaps", 3, &swaps));
  CW_TRY(cw_get_array(ctx, s, data, "label", 3, &label));
  CW_TRY(cw_get_array(ctx, s, data, "therm", 2, &action));
  if (action != NULL && action->dim[0] > 0) {
    double *mean = malloc((size_t)action->dim[0] * sizeof *mean);
    if (mean == NULL) return cw_no_memory(ctx);
    for (long t = 0; t < action->dim[0]; t++)
      mean[t] = cw_independent_mean(action->data + t * action->dim[1], action->dim[1], 1).value;
    cw_status st = cw_curve_history(ctx, s, "thermalisation", action->dim[0], 1, mean);
    free(mean);
    CW_TRY(st);
  }
  if (swaps != NULL) CW_TRY(fill_swaps(ctx, s, swaps));
  return label != NULL ? fill_paths(ctx, c, s, label) : CW_OK;
}
