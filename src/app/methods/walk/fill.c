/* What walked a ladder as a population: its weights, free energies and works. */
#include <stdlib.h>
#include <string.h>

#include "app/analysis/fill.h"
#include "app/methods/walk/walk.h"

/* ln of the mean of the exponentials of column k: a free energy from independent walks. */
static cw_status ln_mean(cw_context *ctx, const cw_array *path, long k, cw_estimate *e) {
  cw_flow_quality q;
  long n = path->dim[0];
  double *column = malloc((size_t)n * sizeof *column);
  if (column == NULL) return cw_no_memory(ctx);
  for (long i = 0; i < n; i++) column[i] = path->data[i * path->dim[1] + k];
  cw_status st = cw_flow_judge(ctx, column, n, NULL, 0, 0, &q);
  free(column);
  if (st != CW_OK) return st;
  *e = cw_estimate_undefined(n);
  e->value = q.lnZ;
  e->error = q.lnZ_error;
  e->why = q.why_q;
  e->tau_int = 0.5;
  e->ess = q.ess * (double)n;
  return CW_OK;
}

/* Along the ladder: ln of the ratio of partition functions, and the mean effective sample size. */
static cw_status walk_curves(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                             const cw_array *ess, const cw_array *path) {
  long n = path->dim[1];
  cw_curve *lnz = cw_add_curve(&s->curve, &s->n_curves, "ladder.lnZ", n, true);
  if (lnz == NULL) return cw_no_memory(ctx);
  for (long k = 0; k < n; k++) {
    cw_estimate e = {0};
    CW_TRY(ln_mean(ctx, path, k, &e));
    lnz->x[k] = c->plan->ladder.t[k];
    lnz->y[k] = e.value;
    lnz->dy[k] = e.error;
  }
  cw_curve *share = cw_add_curve(&s->curve, &s->n_curves, "ladder.ess", n, true);
  if (share == NULL) return cw_no_memory(ctx);
  for (long k = 0; k < n; k++) {
    cw_estimate e = cw_independent_mean(ess->data + k, ess->dim[0], n);
    share->x[k] = c->plan->ladder.t[k];
    share->y[k] = e.value;
    share->dy[k] = e.error;
  }
  return CW_OK;
}

/* The works of single particles, W = -ln w: dissipated is <W> - Delta F, Delta F = -ratio, the ln of
 * that of the partition functions. */
static cw_status fill_works(cw_context *ctx, cw_analysis_stage *s, const cw_array *work,
                            double ratio) {
  long n = work->dim[0] * work->dim[1];
  CW_TRY(cw_curve_works(ctx, s, "work", n, 1, work->data, 1));
  double *walk = malloc((size_t)work->dim[0] * sizeof *walk);
  if (walk == NULL) return cw_no_memory(ctx);
  for (long i = 0; i < work->dim[0]; i++)
    walk[i] = cw_independent_mean(work->data + i * work->dim[1], work->dim[1], 1).value;
  cw_estimate e = cw_independent_mean(walk, work->dim[0], 1);
  free(walk);
  e.value += ratio;
  e.error = hypot(e.error, s->lnZ.error);
  return cw_add_number(ctx, s, "dissipated_work", -1, "mean work less the free energy difference",
                       e);
}

/* ln Z of the last rung, where that of the first is known. */
static cw_status fill_lnZ(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s) {
  const cw_plan *p = c->plan;
  double first = p->theory->known_lnz != NULL
                     ? p->theory->known_lnz(p->form, &p->lat, p->ladder.param[0])
                     : NAN;
  if (isnan(first)) return CW_OK;
  s->is_ratio = false;
  s->lnZ.value += first;
  return cw_add_number(ctx, s, "lnZ", -1, "ln Z, from the exact one of the first rung", s->lnZ);
}

/* The way back: what it says of the same ratio, and its works with the sign turned, which cross
 * those of the way up at the free energy difference (Crooks, PRE 60 (1999) 2721). */
static cw_status fill_reverse(cw_context *ctx, cw_analysis_stage *s, const cw_array *path,
                              const cw_arrays *data) {
  cw_estimate e;
  const cw_array *work;
  CW_TRY(ln_mean(ctx, path, path->dim[1] - 1, &e));
  e.value = -e.value;
  CW_TRY(cw_add_number(ctx, s, "lnZ_ratio_reverse", -1, "the same from walks back down", e));
  CW_TRY(cw_get_array(ctx, s, data, "reverse.work", 2, &work));
  if (work == NULL) return CW_OK;
  return cw_curve_works(ctx, s, "work.reverse", work->dim[0] * work->dim[1], 1, work->data, -1);
}

static cw_status fill_walks(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
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
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds walks of unequal lengths", s->part.name);
  s->present = true;
  s->n_step = lnz->dim[0];
  CW_TRY(ln_mean(ctx, path, path->dim[1] - 1, &s->lnZ));
  s->is_ratio = true;
  s->lnZ_unit = "walks";
  CW_TRY(cw_add_number(ctx, s, "lnZ_ratio", -1, "ln of Z(last rung)/Z(first rung)", s->lnZ));
  const double ratio = s->lnZ.value;
  CW_TRY(fill_lnZ(ctx, c, s));
  CW_TRY(
      cw_add_number(ctx, s, "ess", -1, "effective sample size per particle on the last rung",
                    cw_independent_mean(ess->data + path->dim[1] - 1, ess->dim[0], path->dim[1])));
  if (work != NULL) CW_TRY(fill_works(ctx, s, work, ratio));
  if (back != NULL && back->dim[0] > 1) CW_TRY(fill_reverse(ctx, s, back, data));
  CW_TRY(walk_curves(ctx, c, s, ess, path));
  return cw_fill_weighted(ctx, c, s, mean, lnz);
}

/* ------------------------------------------------------------- flows between rungs */

/* Walks that count as the end of a training. */
static long last_tenth(long n) { return n >= 10 ? n / 10 : 1; }

/* Of every walk the work of all transitions together, and the effective sample size of the worst.
 */
static cw_status training_curves(cw_context *ctx, cw_analysis_stage *s, const cw_array *work,
                                 const cw_array *ess) {
  long n = work->dim[0], width = work->dim[1];
  cw_curve *total = cw_add_curve(&s->curve, &s->n_curves, "train.work", n, false);
  if (total == NULL) return cw_no_memory(ctx);
  for (long t = 0; t < n; t++) {
    total->x[t] = (double)t + 1;
    total->y[t] = cw_sum(work->data + t * width, (size_t)width);
  }
  cw_curve *least = cw_add_curve(&s->curve, &s->n_curves, "train.ess", n, false);
  if (least == NULL) return cw_no_memory(ctx);
  for (long t = 0; t < n; t++) {
    least->x[t] = (double)t + 1;
    least->y[t] = 1;
    for (long k = 0; k < width; k++) least->y[t] = fmin(least->y[t], ess->data[t * width + k]);
  }
  return CW_OK;
}

static cw_status fill_flows(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                            const cw_arrays *data) {
  const cw_array *work, *ess;
  CW_TRY(cw_get_array(ctx, s, data, "work", 2, &work));
  CW_TRY(cw_get_array(ctx, s, data, "ess", 2, &ess));
  if (work == NULL || ess == NULL) return CW_OK;
  long n = work->dim[0], width = c->plan->ladder.n - 1, from = n - last_tenth(n);
  if (work->dim[1] != width || ess->dim[1] != width || ess->dim[0] != n)
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds flows of another ladder", s->part.name);
  s->present = true;
  s->n_step = n;
  CW_TRY(training_curves(ctx, s, work, ess));
  cw_curve *steps = cw_add_curve(&s->curve, &s->n_curves, "ladder.train_ess", width, true);
  if (steps == NULL) return cw_no_memory(ctx);
  for (long k = 0; k < width; k++) {
    cw_estimate e = cw_independent_mean(ess->data + from * width + k, n - from, width);
    steps->x[k] = 0.5 * (c->plan->ladder.t[k] + c->plan->ladder.t[k + 1]);
    steps->y[k] = e.value;
    steps->dy[k] = e.error;
  }
  return CW_OK;
}

/* -------------------------------------------------------------------------- PIMH */

/* What the chain measures: the weighted means of the walk that it is at. */
static cw_status pimh_rows(cw_context *ctx, const cw_analysis_stage *s, const cw_array *at,
                           const cw_array *mean, double *rows, double *accept) {
  long width = mean->dim[1];
  for (long t = 0; t < at->dim[0]; t++) {
    long walk = (long)at->data[t];
    if (!(at->data[t] >= 0 && at->data[t] <= (double)t))
      return cw_fail(ctx, CW_ECORRUPT, "stage '%s' is at walk %g after %ld walks", s->part.name,
                     at->data[t], t + 1);
    memcpy(rows + t * width, mean->data + walk * width, (size_t)width * sizeof *rows);
    accept[t] = walk == t;
  }
  return CW_OK;
}

static cw_status fill_pimh(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                           const cw_arrays *data) {
  const cw_array *at, *mean;
  CW_TRY(cw_get_array(ctx, s, data, "pimh", 1, &at));
  CW_TRY(cw_get_array(ctx, s, data, "mean", 2, &mean));
  if (at == NULL || mean == NULL) return CW_OK;
  long n = at->dim[0], width = mean->dim[1];
  if (mean->dim[0] != n || width != c->observer[0].ops->n_primary(&c->observer[0]))
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds %ld x %ld means of %ld walks", s->part.name,
                   mean->dim[0], width, n);
  double *rows = malloc((size_t)(n * width + n) * sizeof *rows), *accept = rows + n * width;
  if (rows == NULL) return cw_no_memory(ctx);
  cw_array primary = {.rank = 3, .dim = {n, 1, width}, .data = rows};
  snprintf(primary.name, sizeof primary.name, "%s", mean->name);
  cw_status st = pimh_rows(ctx, s, at, mean, rows, accept);
  if (st == CW_OK) st = cw_fill_chains(ctx, c, s, &primary, at->name);
  if (st == CW_OK && s->present) st = cw_fill_acceptance(ctx, s, "", accept);
  free(rows);
  return st;
}

/* ---------------------------------------------------------------------- together */

cw_status cw_fill_walk(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                       const cw_arrays *data) {
  if (cw_stage_is(s, CW_IS_TRAINING)) return fill_flows(ctx, c, s, data);
  if (cw_stage_is(s, CW_IS_CHAINS)) return fill_pimh(ctx, c, s, data);
  return fill_walks(ctx, c, s, data);
}

/* Weights are off where a log-Jacobian is an integral, by what nothing here measures. */
static cw_status warn_flows(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_walk_plan *plan = s->section->own;
  const cw_layer_spec *layer = cw_model_inexact(&plan->flow.model);
  if (layer == NULL) return CW_OK;
  return cw_add_line(ctx, &c->warning, &c->n_warnings,
                     "%s: ln |det J| of layer '%s' is an integral, and so the weights of what its "
                     "flows carry are off by an unknown amount, the less the more `steps` it has.",
                     s->part.label, layer->kind);
}

/* Ratios of partition functions that a few walks decide. */
cw_status cw_warn_walk(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  if (cw_stage_is(s, CW_IS_TRAINING)) return warn_flows(ctx, c, s);
  if (cw_stage_is(s, CW_IS_CHAINS)) return CW_OK;
  const cw_result *back = cw_stage_result(s, "lnZ_ratio_reverse", -1);
  if (s->lnZ.ess < 0.5 * (double)s->n_step)
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: %.2g of %ld walk%s carry the weight: ln Z may be too small, and so may "
                       "its error; more rungs, mutations or particles help.",
                       s->part.label, s->lnZ.ess, s->n_step, s->n_step == 1 ? "" : "s"));
  if (back == NULL || !(back->e.ess < 0.5 * (double)s->n_step)) return CW_OK;
  return cw_add_line(ctx, &c->warning, &c->n_warnings,
                     "%s: %.2g of %ld walk%s back carry the weight: lnZ_ratio_reverse is not to be "
                     "trusted. More rungs help, and chains that are in equilibrium on the last "
                     "rung, where they start.",
                     s->part.label, back->e.ess, s->n_step, s->n_step == 1 ? "" : "s");
}
