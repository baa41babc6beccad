/* Curves to draw: series thinned, binned and counted until a figure can hold them. */
#include <stdlib.h>

#include "app/analysis/fill.h"

enum { MOST_POINTS = 2000, TRAIN_BINS = 400, WEIGHT_BINS = 72, HISTORY_BINS = 41, MOST_BINS = 400 };

/* y[0], y[stride], ...: n numbers, of which every k-th is kept so that there are at most
 * MOST_POINTS. */
cw_status cw_curve_history(cw_context *ctx, cw_analysis_stage *s, const char *name, long n,
                           long stride, const double *y) {
  long every = (n + MOST_POINTS - 1) / MOST_POINTS;
  if (every < 1) every = 1;
  cw_curve *curve = cw_add_curve(&s->curve, &s->n_curves, name, (n + every - 1) / every, false);
  if (curve == NULL) return cw_no_memory(ctx);
  curve->thinned = every > 1;
  for (long i = 0; i < curve->n; i++) {
    curve->x[i] = (double)(i * every);
    curve->y[i] = y[i * every * stride];
  }
  return CW_OK;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Widens [*low, *high] to the bulk of the finite numbers among y[0], y[stride], ...: all but 1 in 1000 at each
 * end, and no further from the quartiles than FENCE times their distance, which of normal numbers is
 * seven standard deviations from the middle, where that leaves out one or 1 in 100: a few outliers do not
 * squeeze the rest. false: no memory. */
static bool widen(long n, long stride, const double *y, double *low, double *high) {
  enum { FENCE = 5 };
  long finite = 0;
  double *sorted = malloc((size_t)(n + 1) * sizeof *sorted);
  if (sorted == NULL) return false;
  for (long i = 0; i < n; i++)
    if (isfinite(y[i * stride])) sorted[finite++] = y[i * stride];
  qsort(sorted, (size_t)finite, sizeof *sorted, ascending);
  if (finite > 0) {
    const double first = sorted[finite / 4], third = sorted[finite - 1 - finite / 4];
    const double fence = third > first ? FENCE * (third - first) : INFINITY;
    const long most = 1 + finite / 100;
    long lowest = finite / 1000, highest = finite - 1 - finite / 1000;
    while (lowest < most && sorted[lowest] < first - fence) lowest++;
    while (highest > finite - 1 - most && sorted[highest] > third + fence) highest--;
    *low = fmin(*low, sorted[lowest]);
    *high = fmax(*high, sorted[highest]);
  }
  free(sorted);
  return true;
}

/* The density of n numbers over the bins of curve, which go from low to high, both ends included. Those outside are
 * counted. */
static void fill_bins(cw_curve *curve, double low, double high, long n, long stride,
                      const double *y) {
  const double width = (high - low) / (double)curve->n;
  for (long b = 0; b < curve->n; b++) {
    curve->x[b] = low + ((double)b + 0.5) * width;
    curve->y[b] = 0;
  }
  for (long i = 0; i < n; i++) {
    const double v = y[i * stride];
    if (!(v >= low && v <= high)) {
      curve->n_outside++;
      continue;
    }
    const long b = (long)floor((v - low) / width);
    curve->y[b < curve->n ? b : curve->n - 1] += 1 / ((double)n * width);
  }
}

/* Bins of width 1 around the integers where all numbers are integers, else of equal widths from the least to
 * the largest or, bulk, over the bulk of them. NAN among them: no histogram. */
static cw_status add_histogram(cw_context *ctx, cw_analysis_stage *s, const char *name, long n,
                               long stride, const double *y, bool bulk) {
  double low = INFINITY, high = -INFINITY;
  bool integers = true;
  for (long i = 0; i < n; i++) {
    double v = y[i * stride];
    if (isnan(v)) return CW_OK;
    integers = integers && v == nearbyint(v);
    if (isinf(v)) continue;
    low = fmin(low, v);
    high = fmax(high, v);
  }
  if (n == 0 || !(low < high)) return CW_OK;
  integers = integers && high - low < MOST_BINS;
  if (bulk && !integers) {
    low = INFINITY;
    high = -INFINITY;
    if (!widen(n, stride, y, &low, &high)) return cw_no_memory(ctx);
  }
  if (!(low < high)) return CW_OK;
  const int bins = integers ? (int)(high - low) + 1 : HISTORY_BINS;
  cw_curve *curve = cw_add_curve(&s->curve, &s->n_curves, name, bins, false);
  if (curve == NULL) return cw_no_memory(ctx);
  fill_bins(curve, integers ? low - 0.5 : low, integers ? high + 0.5 : high, n, stride, y);
  return CW_OK;
}

cw_status cw_curve_histogram(cw_context *ctx, cw_analysis_stage *s, const char *name, long n,
                             long stride, const double *y) {
  return add_histogram(ctx, s, name, n, stride, y, false);
}

cw_status cw_curve_works(cw_context *ctx, cw_analysis_stage *s, const char *name, long n,
                         long stride, const double *y, double sign) {
  double *work = malloc((size_t)(n + 1) * sizeof *work);
  long found = 0;
  if (work == NULL) return cw_no_memory(ctx);
  for (long i = 0; i < n; i++)
    if (!isnan(y[i * stride])) work[found++] = sign * y[i * stride];
  cw_status st = add_histogram(ctx, s, name, found, 1, work, true);
  free(work);
  return st;
}

/* Means of successive bins, with the standard deviation within a bin as dy. */
cw_status cw_curve_binned(cw_context *ctx, cw_analysis_stage *s, const char *name,
                          const cw_array *series) {
  long n = series->dim[0], bins = n < TRAIN_BINS ? n : TRAIN_BINS;
  cw_curve *curve = cw_add_curve(&s->curve, &s->n_curves, name, bins, true);
  if (curve == NULL) return cw_no_memory(ctx);
  for (long b = 0; b < bins; b++) {
    long begin = b * n / bins, end = (b + 1) * n / bins;
    double width = (double)(end - begin), variance = 0;
    double mean = cw_sum(series->data + begin, (size_t)(end - begin)) / width;
    for (long i = begin; i < end; i++)
      variance += (series->data[i] - mean) * (series->data[i] - mean) / width;
    curve->x[b] = 0.5 * (double)(begin + end - 1);
    curve->y[b] = mean;
    curve->dy[b] = sqrt(variance);
  }
  return CW_OK;
}

/* x: length, y: how many runs of rejections are at least that long; drawn on logarithmic axes, so
 * lengths are thinned geometrically. accept (n_chain, n_step) of 0/1. */
cw_status cw_curve_rejections(cw_context *ctx, cw_analysis_stage *s, const double *accept,
                              long n_chain, long n_step) {
  long longest = cw_longest_rejection(accept, n_chain, n_step);
  if (longest == 0) return CW_OK;
  double *at_least = calloc((size_t)longest + 2, sizeof *at_least);
  cw_curve *curve =
      cw_add_curve(&s->curve, &s->n_curves, "rejection_runs", longest < 200 ? longest : 200, false);
  if (at_least == NULL || curve == NULL) {
    free(at_least);
    return cw_no_memory(ctx);
  }
  for (long c = 0; c < n_chain; c++) {
    long run = 0;
    for (long t = 0; t < n_step; t++) {
      bool rejected = accept[c * n_step + t] == 0;
      if (rejected) run++;
      if (run > 0 && (!rejected || t == n_step - 1)) {
        at_least[run]++;
        run = 0;
      }
    }
  }
  for (long k = longest - 1; k >= 1; k--) at_least[k] += at_least[k + 1];
  for (long i = 0; i < curve->n; i++) {
    double step = curve->n > 1 ? (double)i / (double)(curve->n - 1) : 0;
    long length = longest <= 200 ? i + 1 : lround(pow((double)longest, step));
    curve->x[i] = (double)length;
    curve->y[i] = at_least[length];
  }
  free(at_least);
  return CW_OK;
}

/* Density over the bins of [low, high], shifted by -origin. */
static cw_status histogram(cw_context *ctx, cw_analysis_case *c, const char *name,
                           const cw_array *a, double low, double high, double origin) {
  cw_curve *curve = cw_add_curve(&c->curve, &c->n_curves, name, WEIGHT_BINS, false);
  if (curve == NULL) return cw_no_memory(ctx);
  fill_bins(curve, low, high, cw_array_size(a), 1, a->data);
  for (long b = 0; b < curve->n; b++) curve->x[b] -= origin;
  return CW_OK;
}

/* Densities of the log-weights of samples of the model and of the target over the same bins. q or p
 * may be NULL. With exact ln Z as origin, ln w = ln p/q; here it is ln Z from the q-samples, or
 * from the p-samples where there are no others. */
cw_status cw_curve_log_weights(cw_context *ctx, cw_analysis_case *c, const cw_array *q,
                               const cw_array *p) {
  double low = INFINITY, high = -INFINITY;
  if (q != NULL && !widen(cw_array_size(q), 1, q->data, &low, &high)) return cw_no_memory(ctx);
  if (p != NULL && !widen(cw_array_size(p), 1, p->data, &low, &high)) return cw_no_memory(ctx);
  if (!(low <= high)) return CW_OK;
  if (high - low < 1e-9) { /* a perfect model: every weight is the same */
    low -= 0.5;
    high += 0.5;
  }
  double margin = 0.02 * (high - low), origin = isfinite(c->flow.lnZ) ? c->flow.lnZ : c->flow.lnZ_p;
  low -= margin;
  high += margin;
  if (q != NULL) CW_TRY(histogram(ctx, c, "log_weight.q", q, low, high, origin));
  if (p != NULL) CW_TRY(histogram(ctx, c, "log_weight.p", p, low, high, origin));
  return CW_OK;
}
