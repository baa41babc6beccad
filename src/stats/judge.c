/* What log-weights tell of a model: its overlap with the target seen from both sides. */
#include <math.h>
#include <stdlib.h>

#include "causeway/stats.h"
#include "stats/derived.h"
#include "stats/weights.h"

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Mean acceptance min(1, w'/w) of independence Metropolis: sum over pairs of the smaller weight, by
 * rank. w (n): normalised to 1, so that the mean weight is 1/n; is sorted here. */
static double metropolis_acceptance(double *w, long n) {
  qsort(w, (size_t)n, sizeof *w, ascending);
  double sum = 0;
  for (long i = 0; i < n; i++) sum += w[i] * (double)(n - 1 - i);
  return 2 * sum / (double)(n - 1);
}

/* Error of kl = ln<w> - <lw> by the delta method: sample i moves it by (w_i/<w> - 1) - (lw_i -
 * <lw>), over n. */
static double kl_error(const double *lw, const double *w, long n, double mean_lw) {
  const double count = (double)n;
  double sum = 0;
  for (long i = 0; i < n; i++) {
    const double d = (count * w[i] - 1) - (lw[i] - mean_lw);
    sum += d * d;
  }
  return sqrt(sum) / count;
}

static cw_status judge_q(cw_context *ctx, const double *lw, long n, cw_flow_quality *out) {
  if (n < 2) return cw_fail(ctx, CW_EINVAL, "%ld samples of the model are too few to judge it", n);
  double *w = cw_alloc((size_t)n * sizeof *w);
  if (!w) return cw_fail(ctx, CW_ENOMEM, "no memory for %ld weights", n);
  double log_sum = NAN;
  cw_status st = cw_normalise_weights(ctx, lw, n, w, &log_sum);
  if (st == CW_OK) {
    const double count = (double)n;
    const double mean_lw = cw_sum(lw, (size_t)n) / count;
    out->n_q = n;
    out->ess = fmin(1 / (count * cw_dot(w, w, (size_t)n)), 1);
    out->lnZ = log_sum - log(count);
    out->why_q = out->ess * count < CW_FEWEST_EFFECTIVE ? cw_why_few : NULL;
    out->lnZ_error = out->why_q == NULL ? sqrt((1 / out->ess - 1) / count) : NAN;
    out->kl = out->lnZ - mean_lw; /* +inf where the model leaves the target's support */
    const bool known = isfinite(mean_lw) && out->why_q == NULL;
    out->kl_error = known ? kl_error(lw, w, n, mean_lw) : NAN;
    out->acceptance = metropolis_acceptance(w, n);
    out->max_weight_share = w[n - 1];
  }
  free(w);
  return st;
}

/* 1/Z_p = <1/w>_p: inverse (n) = exp(-lw) relative to the largest, so that nothing overflows. Its
 * error is undefined where few samples decide, or where all weights are equal. */
static cw_status estimate_inverse(cw_context *ctx, const double *lw, long n_chain, long n_step,
                                  cw_estimate *mean, double *lowest) {
  const long n = n_chain * n_step;
  double *inverse = cw_alloc((size_t)n * sizeof *inverse);
  if (!inverse) return cw_fail(ctx, CW_ENOMEM, "no memory for %ld weights", n);
  *lowest = lw[0];
  for (long i = 1; i < n; i++) *lowest = fmin(*lowest, lw[i]);
  for (long i = 0; i < n; i++) inverse[i] = exp(*lowest - lw[i]);
  cw_status st = cw_gamma(ctx, inverse, n_chain, n_step, 1, NULL, NULL, mean);
  const double sum = cw_sum(inverse, (size_t)n);
  if (st == CW_OK && sum * sum < CW_FEWEST_EFFECTIVE * cw_dot(inverse, inverse, (size_t)n)) {
    mean->error = NAN;
    mean->why = cw_why_few;
  }
  free(inverse);
  return st;
}

static cw_status judge_p(cw_context *ctx, const double *lw, long n_chain, long n_step,
                         cw_flow_quality *out) {
  const long n = n_chain > 0 && n_step > 0 ? n_chain * n_step : 0;
  for (long i = 0; i < n; i++) {
    if (!isfinite(lw[i])) {
      return cw_fail(ctx, CW_ENUMERIC, "the log-weight of sample %ld of the target is %g", i,
                     lw[i]);
    }
  }
  if (n == 0) return cw_fail(ctx, CW_EINVAL, "no samples of the target to judge the model with");
  cw_estimate inverse;
  double lowest = 0;
  CW_TRY(estimate_inverse(ctx, lw, n_chain, n_step, &inverse, &lowest));
  const double log_count = log((double)n);
  out->n_p = n;
  out->lnZ_p = lowest - log(inverse.value);
  out->lnZ_p_error = inverse.error / inverse.value;
  out->why_p = isnan(inverse.error) ? inverse.why : NULL;
  /* <w>_p <1/w>_p >= 1 by Jensen; fmin only removes rounding */
  out->ess_forward = fmin(exp(out->lnZ_p - (cw_logsumexp(lw, (size_t)n) - log_count)), 1);
  out->kl_forward = cw_sum(lw, (size_t)n) / (double)n - out->lnZ_p;
  return CW_OK;
}

/* Do all weights of both sides agree to rounding? Equal weights of one side may be those of a
 * frozen chain; of both they are those of a perfect model. */
static bool is_perfect(const double *lw_q, long n_q, const double *lw_p, long n_p) {
  const double room = 1e-10 * fmax(1, fabs(lw_p[0]));
  for (long i = 0; i < n_q; i++)
    if (!(fabs(lw_q[i] - lw_p[0]) <= room)) return false;
  for (long i = 0; i < n_p; i++)
    if (!(fabs(lw_p[i] - lw_p[0]) <= room)) return false;
  return true;
}

/* The share of the samples of a (n_a) above, sign +1, or below, -1, all of b (n_b). */
static double share_beyond(double sign, const double *a, long n_a, const double *b, long n_b) {
  double end = -INFINITY;
  long beyond = 0;
  for (long i = 0; i < n_b; i++) end = fmax(end, sign * b[i]);
  for (long i = 0; i < n_a; i++) beyond += sign * a[i] > end;
  return (double)beyond / (double)n_a;
}

cw_status cw_flow_judge(cw_context *ctx, const double *lw_q, long n_q, const double *lw_p,
                        long n_chain, long n_step, cw_flow_quality *out) {
  CW_REQUIRE(out);
  *out = (cw_flow_quality){.ess = NAN,
                           .ess_forward = NAN,
                           .acceptance = NAN,
                           .kl = NAN,
                           .kl_error = NAN,
                           .kl_forward = NAN,
                           .lnZ = NAN,
                           .lnZ_error = NAN,
                           .lnZ_p = NAN,
                           .lnZ_p_error = NAN,
                           .w_hat = NAN,
                           .w_hat_error = NAN,
                           .p_above_q = NAN,
                           .q_below_p = NAN,
                           .max_weight_share = NAN};
  if (!lw_q && !lw_p) return cw_fail(ctx, CW_EINVAL, "no samples to judge the model with");
  if (lw_q) CW_TRY(judge_q(ctx, lw_q, n_q, out));
  if (lw_p) CW_TRY(judge_p(ctx, lw_p, n_chain, n_step, out));
  if (lw_q && lw_p) {
    if (out->why_p == cw_why_constant && is_perfect(lw_q, n_q, lw_p, out->n_p)) {
      out->lnZ_p_error = 0;
      out->why_p = NULL;
    }
    out->w_hat = exp(out->lnZ - out->lnZ_p);
    out->w_hat_error = out->w_hat * hypot(out->lnZ_error, out->lnZ_p_error);
    out->p_above_q = share_beyond(1, lw_p, out->n_p, lw_q, n_q);
    out->q_below_p = share_beyond(-1, lw_q, n_q, lw_p, out->n_p);
  }
  return CW_OK;
}

long cw_longest_rejection(const double *accept, long n_chain, long n_step) {
  long longest = 0;
  for (long c = 0; c < n_chain; c++) {
    long run = 0;
    for (long t = 0; t < n_step; t++) {
      run = accept[c * n_step + t] != 0 ? 0 : run + 1;
      if (run > longest) longest = run;
    }
  }
  return longest;
}
