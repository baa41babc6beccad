/* What walked a ladder: weights and free energies of walks, swaps and paths of replicas. */
#include <stdlib.h>
#include <string.h>

#include "app/analysis_parts.h"

static cw_status add_number(cw_context *ctx, cw_analysis_stage *s, const char *quantity, int index,
                            const char *help, cw_estimate e) {
  cw_result *r = cw_add_result(&s->result, &s->n_results);
  if (r == NULL) return cw_no_memory(ctx);
  r->quantity = quantity;
  r->index = index;
  r->help = help;
  r->e = e;
  if (index < 0)
    snprintf(r->name, sizeof r->name, "%.20s.%.40s", s->name, quantity);
  else
    snprintf(r->name, sizeof r->name, "%.20s.%.30s[%d]", s->name, quantity, index);
  return CW_OK;
}

/* ------------------------------------------------------------------------- walks */

/* Mean of n independent numbers y[0], y[stride], ... */
static cw_estimate mean_of(const double *y, long n, long stride) {
  double mean = 0, square = 0;
  for (long i = 0; i < n; i++) mean += y[i * stride] / (double)n;
  for (long i = 0; i < n; i++) square += pow(y[i * stride] - mean, 2);
  double error = n > 1 ? sqrt(square / ((double)n * (double)(n - 1))) : NAN;
  return (cw_estimate){mean, error, NAN, 0.5, NAN, NAN, (double)n, n};
}

/* ln of the mean of the exponentials of column k: a free energy from independent walks. */
static cw_status ln_mean(cw_context *ctx, const cw_array *path, long k, cw_estimate *e) {
  cw_flow_quality q;
  long n = path->dim[0];
  double *column = malloc((size_t)n * sizeof *column);
  if (column == NULL) return cw_no_memory(ctx);
  for (long i = 0; i < n; i++) column[i] = path->data[i * path->dim[1] + k];
  cw_status st = cw_flow_judge(ctx, column, n, NULL, 0, 0, &q);
  free(column);
  if (st == CW_OK) *e = (cw_estimate){q.lnZ, q.lnZ_error, NAN, 0.5, NAN, NAN, q.ess * (double)n, n};
  return st;
}

/* Along the ladder: ln of the ratio of partition functions, and the mean effective sample size. */
static cw_status walk_curves(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                             const cw_array *ess, const cw_array *path) {
  long n = path->dim[1];
  cw_curve *lnz = cw_add_curve(&s->curve, &s->n_curves, "ladder.lnZ", n, true);
  if (lnz == NULL) return cw_no_memory(ctx);
  for (long k = 0; k < n; k++) {
    cw_estimate e;
    CW_TRY(ln_mean(ctx, path, k, &e));
    lnz->x[k] = c->plan->ladder.t[k];
    lnz->y[k] = e.value;
    lnz->dy[k] = e.error;
  }
  cw_curve *share = cw_add_curve(&s->curve, &s->n_curves, "ladder.ess", n, true);
  if (share == NULL) return cw_no_memory(ctx);
  for (long k = 0; k < n; k++) {
    cw_estimate e = mean_of(ess->data + k, ess->dim[0], n);
    share->x[k] = c->plan->ladder.t[k];
    share->y[k] = e.value;
    share->dy[k] = e.error;
  }
  return CW_OK;
}

/* The works of single particles, W = -ln w: dissipated is <W> - Delta F, Delta F = -ln of the
 * ratio. */
static cw_status fill_works(cw_context *ctx, cw_analysis_stage *s, const cw_array *work) {
  long n = work->dim[0] * work->dim[1];
  CW_TRY(cw_curve_histogram(ctx, s, "work", n, 1, work->data));
  double *walk = malloc((size_t)work->dim[0] * sizeof *walk);
  if (walk == NULL) return cw_no_memory(ctx);
  for (long i = 0; i < work->dim[0]; i++)
    walk[i] = mean_of(work->data + i * work->dim[1], work->dim[1], 1).value;
  cw_estimate e = mean_of(walk, work->dim[0], 1);
  free(walk);
  e.value += s->lnZ.value;
  e.error = hypot(e.error, s->lnZ.error);
  return add_number(ctx, s, "dissipated_work", -1, "mean work less the free energy difference", e);
}

/* ln Z of the last rung, where that of the first is known. */
static cw_status fill_lnZ(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s) {
  const cw_plan *p = c->plan;
  double first = p->theory->known_lnz != NULL
                     ? p->theory->known_lnz(p->form, &p->lat, p->ladder.param[0])
                     : NAN;
  if (isnan(first)) return CW_OK;
  cw_estimate e = s->lnZ;
  e.value += first;
  return add_number(ctx, s, "lnZ", -1, "ln Z, from the exact one of the first rung", e);
}

/* The way back: what it says of the same ratio, and its works with the sign turned, which cross
 * those of the way up at the free energy difference (Crooks, PRE 60 (1999) 2721). */
static cw_status fill_reverse(cw_context *ctx, cw_analysis_stage *s, const cw_array *path,
                              const cw_arrays *data) {
  cw_estimate e;
  const cw_array *work;
  CW_TRY(ln_mean(ctx, path, path->dim[1] - 1, &e));
  e.value = -e.value;
  CW_TRY(add_number(ctx, s, "lnZ_ratio_reverse", -1, "the same from walks back down", e));
  CW_TRY(cw_get_array(ctx, s, data, "reverse.work", 2, &work));
  if (work == NULL) return CW_OK;
  long n = work->dim[0] * work->dim[1];
  double *turned = malloc((size_t)n * sizeof *turned);
  if (turned == NULL) return cw_no_memory(ctx);
  for (long i = 0; i < n; i++) turned[i] = -work->data[i];
  cw_status st = cw_curve_histogram(ctx, s, "work.reverse", n, 1, turned);
  free(turned);
  return st;
}

cw_status cw_fill_walk(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                       const cw_arrays *data) {
  const cw_array *lnz, *ess, *path, *mean, *work, *back;
  CW_TRY(cw_get_array(ctx, s, data, "lnz", 1, &lnz));
  CW_TRY(cw_get_array(ctx, s, data, "ess", 2, &ess));
  CW_TRY(cw_get_array(ctx, s, data, "path", 2, &path));
  CW_TRY(cw_get_array(ctx, s, data, "mean", 2, &mean));
  CW_TRY(cw_get_array(ctx, s, data, "work", 2, &work));
  CW_TRY(cw_get_array(ctx, s, data, "reverse.path", 2, &back));
  if (lnz == NULL || ess == NULL || path == NULL || mean == NULL || lnz->dim[0] < 2) return CW_OK;
  if (path->dim[1] != c->plan->ladder.n || ess->dim[1] != c->plan->ladder.n ||
      path->dim[0] != lnz->dim[0] || ess->dim[0] != lnz->dim[0])
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds walks of unequal lengths", s->name);
  s->present = true;
  s->n_step = lnz->dim[0];
  CW_TRY(ln_mean(ctx, path, path->dim[1] - 1, &s->lnZ));
  CW_TRY(add_number(ctx, s, "lnZ_ratio", -1, "ln of Z(last rung)/Z(first rung)", s->lnZ));
  CW_TRY(fill_lnZ(ctx, c, s));
  CW_TRY(add_number(ctx, s, "ess", -1, "effective sample size per particle on the last rung",
                    mean_of(ess->data + path->dim[1] - 1, ess->dim[0], path->dim[1])));
  if (work != NULL) CW_TRY(fill_works(ctx, s, work));
  if (back != NULL && back->dim[0] > 1) CW_TRY(fill_reverse(ctx, s, back, data));
  CW_TRY(walk_curves(ctx, c, s, ess, path));
  return cw_fill_weighted(ctx, c, s, mean, lnz);
}

/* ---------------------------------------------------------------- replica exchange */

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
      st = add_number(ctx, s, "swap_acceptance", (int)k,
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
  CW_TRY(add_number(ctx, s, "round_trips", -1,
                    "trips of replicas from the first rung to the last and back", e));
  e.value = trips > 0 ? (double)(label->dim[0] * n_chain * n) / (double)trips : NAN;
  CW_TRY(add_number(ctx, s, "round_trip_time", -1, "measurements of a replica per round trip", e));
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
      mean[t] = mean_of(action->data + t * action->dim[1], action->dim[1], 1).value;
    cw_status st = cw_curve_history(ctx, s, "thermalisation", action->dim[0], 1, mean);
    free(mean);
    CW_TRY(st);
  }
  if (swaps != NULL) CW_TRY(fill_swaps(ctx, s, swaps));
  return label != NULL ? fill_paths(ctx, c, s, label) : CW_OK;
}
