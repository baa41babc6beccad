/* Self-normalised importance sampling with two errors: delta method and jackknife. */
#include "stats/weights.h"

#include <stdlib.h>
#include <string.h>

#include "stats/derived.h"

/* Up to MOST_SINGLE samples the jackknife leaves out one at a time, beyond that one of N_BLOCKS
 * blocks. */
enum { MOST_SINGLE = 2000, N_BLOCKS = 1000 };

cw_status cw_normalise_weights(cw_context *ctx, const double *log_weight, long n, double *w,
                               double *log_sum) {
  for (long i = 0; i < n; i++) {
    if (isnan(log_weight[i]) || log_weight[i] == INFINITY) {
      return cw_fail(ctx, CW_ENUMERIC, "the log-weight of sample %ld is %g", i, log_weight[i]);
    }
  }
  const double total = cw_logsumexp(log_weight, (size_t)n);
  if (!isfinite(total)) return cw_fail(ctx, CW_ENUMERIC, "all %ld samples have weight 0", n);
  for (long i = 0; i < n; i++) w[i] = exp(log_weight[i] - total);
  if (log_sum) *log_sum = total;
  return CW_OK;
}

/* mean_k = sum_i w_i O_ik, relative to the first row of positive weight: exact for a constant. */
static void weighted_mean(const double *data, const double *w, long n, int n_primary,
                          double *mean) {
  long first = 0;
  while (first < n - 1 && !(w[first] > 0)) first++;
  const double *origin = data + first * n_primary;
  for (int k = 0; k < n_primary; k++) mean[k] = 0;
  for (long i = first; i < n; i++) {
    if (w[i] == 0) continue; /* a sample outside the target's support may hold anything */
    for (int k = 0; k < n_primary; k++) mean[k] += w[i] * (data[i * n_primary + k] - origin[k]);
  }
  for (int k = 0; k < n_primary; k++) mean[k] += origin[k];
}

/* error_k = sqrt(sum_i w_i^2 (O_ik - mean_k)^2) */
static void weighted_errors(const double *data, const double *w, long n, int n_primary,
                            const double *mean, double *error) {
  for (int k = 0; k < n_primary; k++) error[k] = 0;
  for (long i = 0; i < n; i++) {
    if (w[i] == 0) continue;
    for (int k = 0; k < n_primary; k++) {
      const double d = w[i] * (data[i * n_primary + k] - mean[k]);
      error[k] += d * d;
    }
  }
  for (int k = 0; k < n_primary; k++) error[k] = sqrt(error[k]);
}

static double delta_error(const double *data, const double *w, long n, int n_primary,
                          const double *mean, const double *gradient) {
  double sum = 0;
  for (long i = 0; i < n; i++) {
    if (w[i] == 0) continue;
    const double d = w[i] * cw_derived_project(data + i * n_primary, mean, gradient, n_primary);
    sum += d * d;
  }
  return sqrt(sum);
}

/* The means without samples begin..end-1. As deviations from the mean sum to 0, those left sum to
 * minus those taken out. */
static void mean_without(const double *data, const double *w, long begin, long end, int n_primary,
                         const double *mean, double *left) {
  double taken = 0;
  for (int k = 0; k < n_primary; k++) left[k] = 0;
  for (long i = begin; i < end; i++) {
    if (w[i] == 0) continue;
    taken += w[i];
    for (int k = 0; k < n_primary; k++) left[k] -= w[i] * (data[i * n_primary + k] - mean[k]);
  }
  for (int k = 0; k < n_primary; k++) left[k] = mean[k] + left[k] / (1 - taken);
}

/* f_left (n_blocks), left (n_primary): scratch. Blocks may differ in length by one. */
static double jackknife_error(const double *data, const double *w, long n, int n_primary,
                              const double *mean, cw_derived f, const void *arg, double *f_left,
                              double *left) {
  const long n_blocks = n <= MOST_SINGLE ? n : N_BLOCKS;
  const long length = n / n_blocks, longer = n % n_blocks;
  long begin = 0;
  for (long b = 0; b < n_blocks; b++) {
    const long end = begin + length + (b < longer);
    mean_without(data, w, begin, end, n_primary, mean, left);
    f_left[b] = cw_derived_value(f, arg, left);
    begin = end;
  }
  const double count = (double)n_blocks;
  double middle = 0, squares = 0;
  for (long b = 0; b < n_blocks; b++) middle += (f_left[b] - f_left[0]) / count;
  for (long b = 0; b < n_blocks; b++) {
    const double d = f_left[b] - f_left[0] - middle;
    squares += d * d;
  }
  const double error = sqrt(squares * (count - 1) / count);
  return isfinite(error) ? error : NAN;
}

static void undefine_errors(cw_estimate *e, const char *why) {
  e->error = e->error2 = NAN;
  e->why = why;
}

cw_status cw_weighted(cw_context *ctx, const double *data, const double *log_weight, long n,
                      int n_primary, cw_derived f, const void *arg, cw_estimate *out) {
  return cw_weighted_slopes(ctx, data, log_weight, n, n_primary, f, arg, NULL, out);
}

cw_status cw_weighted_slopes(cw_context *ctx, const double *data, const double *log_weight, long n,
                             int n_primary, cw_derived f, const void *arg, double *slope,
                             cw_estimate *out) {
  CW_REQUIRE(data && log_weight && out && n_primary >= 1);
  if (n < 2) return cw_fail(ctx, CW_EINVAL, "%ld weighted samples are too few for an error", n);
  *out = cw_estimate_undefined(n);
  const size_t np = (size_t)n_primary;
  for (size_t k = 0; slope && k < np; k++) slope[k] = NAN;
  double *w = cw_alloc(((size_t)n + 4 * np + MOST_SINGLE) * sizeof *w);
  if (!w) return cw_fail(ctx, CW_ENOMEM, "no memory for %ld weights", n);
  double *mean = w + n, *step = mean + np, *gradient = step + np, *point = gradient + np,
         *f_left = point + np;

  cw_status st = cw_normalise_weights(ctx, log_weight, n, w, NULL);
  if (st == CW_OK) {
    weighted_mean(data, w, n, n_primary, mean);
    out->ess = 1 / cw_dot(w, w, (size_t)n);
    const double value = cw_derived_value(f, arg, mean);
    if (isfinite(value)) {
      out->value = value;
      weighted_errors(data, w, n, n_primary, mean, step);
      cw_derived_gradient(f, arg, mean, step, n_primary, point, gradient);
      if (slope) memcpy(slope, gradient, np * sizeof *slope);
      out->error = delta_error(data, w, n, n_primary, mean, gradient);
      out->error2 = jackknife_error(data, w, n, n_primary, mean, f, arg, f_left, point);
      if (cw_is_rounding(out->error, value)) undefine_errors(out, cw_why_alike);
      if (out->ess < CW_FEWEST_EFFECTIVE) undefine_errors(out, cw_why_few);
    }
  }
  free(w);
  return st;
}

cw_status cw_weighted_entropy(cw_context *ctx, const double *log_weight, const double *action,
                              long n, cw_estimate *out) {
  if (n < 2) return cw_fail(ctx, CW_EINVAL, "%ld weighted samples are too few for an error", n);
  double log_sum, *w = cw_alloc((size_t)n * sizeof *w);
  if (!w) return cw_fail(ctx, CW_ENOMEM, "no memory for %ld weights", n);
  cw_status st = cw_normalise_weights(ctx, log_weight, n, w, &log_sum);
  *out = cw_estimate_undefined(n);
  if (st == CW_OK) {
    const double mean = cw_dot(w, action, (size_t)n);
    out->ess = 1 / cw_dot(w, w, (size_t)n);
    for (long i = 0; i < n; i++) w[i] = w[i] * (1 + action[i] - mean) - 1 / (double)n;
    out->value = log_sum - log((double)n) + mean;
    out->error = sqrt(cw_dot(w, w, (size_t)n));
    if (cw_is_rounding(out->error, out->value)) undefine_errors(out, cw_why_alike);
    if (out->ess < CW_FEWEST_EFFECTIVE) undefine_errors(out, cw_why_few);
  }
  free(w);
  return st;
}

cw_status cw_weighted_ess(cw_context *ctx, const double *log_weight, long n, cw_estimate *out) {
  if (n < 2) return cw_fail(ctx, CW_EINVAL, "%ld weighted samples are too few for an error", n);
  double *w = cw_alloc((size_t)n * sizeof *w);
  if (!w) return cw_fail(ctx, CW_ENOMEM, "no memory for %ld weights", n);
  cw_status st = cw_normalise_weights(ctx, log_weight, n, w, NULL);
  *out = cw_estimate_undefined(n);
  if (st == CW_OK) {
    const double square = cw_dot(w, w, (size_t)n), count = (double)n;
    out->ess = 1 / square;
    out->value = out->ess / count;
    for (long i = 0; i < n; i++) w[i] = 2 * w[i] - w[i] * w[i] / square - 1 / count;
    out->error = out->value * sqrt(cw_dot(w, w, (size_t)n));
    if (cw_is_rounding(out->error, out->value)) undefine_errors(out, cw_why_alike);
    if (out->ess < CW_FEWEST_EFFECTIVE) undefine_errors(out, cw_why_few);
  }
  free(w);
  return st;
}
