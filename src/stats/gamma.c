/* The Gamma method: errors of Markov chains from their summed autocorrelation function.
 * U. Wolff, Comput. Phys. Commun. 156 (2004) 143 [hep-lat/0306017]; equation numbers refer to it.
 */
#include <stdlib.h>

#include "stats/derived.h"

enum {
  LAG_BLOCK = 16, /* lags per pass over the chains, each of which then stays in cache */
  SERIAL = 20000  /* measurements below which threads do not pay */
};

/* The linearised quantity along the chains: delta_i = sum_k df/dmean_k (O_ik - mean_k). */
typedef struct {
  double value;  /* f of the means; if it is NAN there is no delta */
  double *delta; /* (n_chain, n_step), owned */
  long n_chain, n_step;
} series;

/* Means and naive errors of the primaries, in one pass. Sums are taken relative to the first row:
 * no cancellation. */
static void primary_moments(const double *data, long n, int n_primary, double *mean,
                            double *error) {
  for (int k = 0; k < n_primary; k++) mean[k] = error[k] = 0;
  for (long i = 0; i < n; i++) {
    for (int k = 0; k < n_primary; k++) {
      const double x = data[i * n_primary + k] - data[k];
      mean[k] += x;
      error[k] += x * x;
    }
  }
  const double count = (double)n;
  for (int k = 0; k < n_primary; k++) {
    const double shifted = mean[k] / count;
    error[k] = sqrt(fmax(error[k] / count - shifted * shifted, 0) / count);
    mean[k] = data[k] + shifted;
  }
}

static cw_status check_chains(cw_context *ctx, const double *data, long n_chain, long n_step,
                              int n_primary) {
  CW_REQUIRE(data && n_primary >= 1);
  if (n_chain < 1) return cw_fail(ctx, CW_EINVAL, "no chains to analyse");
  if (n_step < CW_GAMMA_MIN_STEPS) {
    return cw_fail(ctx, CW_EINVAL,
                   "chains of %ld steps are too short for an error: at least %d are needed", n_step,
                   CW_GAMMA_MIN_STEPS);
  }
  return CW_OK;
}

/* Fills s; the caller frees s->delta. */
static cw_status project(cw_context *ctx, const double *data, long n_chain, long n_step,
                         int n_primary, cw_derived f, const void *arg, series *s) {
  const long n = n_chain * n_step;
  const size_t np = (size_t)n_primary;
  *s = (series){.value = NAN, .n_chain = n_chain, .n_step = n_step};
  double *work = cw_alloc(4 * np * sizeof *work);
  s->delta = cw_alloc((size_t)n * sizeof *s->delta);
  if (!work || !s->delta) {
    free(work);
    return cw_fail(ctx, CW_ENOMEM, "no memory to analyse chains of %ld measurements", n);
  }
  double *mean = work, *step = work + np, *gradient = work + 2 * np;
  primary_moments(data, n, n_primary, mean, step);
  s->value = cw_derived_value(f, arg, mean);
  if (isfinite(s->value)) {
    cw_derived_gradient(f, arg, mean, step, n_primary, work + 3 * np, gradient);
    for (long i = 0; i < n; i++) {
      s->delta[i] = cw_derived_project(data + i * n_primary, mean, gradient, n_primary);
    }
  } else {
    s->value = NAN;
  }
  free(work);
  return CW_OK;
}

/* Gamma(t) of the lags first, ..., first + n_lag - 1 (at most LAG_BLOCK of them, below n_step),
 * pooled over the chains. part (LAG_BLOCK, n_chain): scratch. */
static void autocovariance(cw_context *ctx, const series *s, long first, int n_lag, double *part,
                           double *gamma) {
  const long n_chain = s->n_chain, n_step = s->n_step;
#pragma omp parallel for num_threads(cw_threads(ctx))                                              \
    schedule(static) if (n_chain * n_step > SERIAL)
  for (long c = 0; c < n_chain; c++) {
    const double *x = s->delta + c * n_step;
    for (int l = 0; l < n_lag; l++) {
      part[l * n_chain + c] = cw_dot(x, x + first + l, (size_t)(n_step - first - l));
    }
  }
  for (int l = 0; l < n_lag; l++) {
    const double pairs = (double)(n_chain * (n_step - first - l));
    gamma[l] = cw_sum(part + l * n_chain, (size_t)n_chain) / pairs;
  }
}

static int lags_left(long first, long n_lag) {
  return n_lag - first < LAG_BLOCK ? (int)(n_lag - first) : LAG_BLOCK;
}

/* Has the sum of systematic and statistical error of tau_int passed its minimum at W? rho_sum =
 * sum_{t=1}^W rho(t) is tau_int - 1/2; tau is the decay time that S guesses from it. */
static bool window_closes(long W, double rho_sum, double S, double n) {
  if (rho_sum <= 0) return true;
  const double tau = S / log1p(1 / rho_sum);
  return exp(-(double)W / tau) < tau / sqrt((double)W * n);
}

/* Writes Gamma(0..W) and returns the window W, at most n_step/2. Lags are computed as far as they
 * are needed. gamma (n_step/2 + 1), part: see autocovariance. */
static long find_window(cw_context *ctx, const series *s, double S, double *part, double *gamma) {
  const long n_lag = s->n_step / 2 + 1;
  const double n = (double)s->n_chain * (double)s->n_step;
  double rho_sum = 0;
  for (long t = 0; t < n_lag; t++) {
    if (t % LAG_BLOCK == 0) autocovariance(ctx, s, t, lags_left(t, n_lag), part, gamma + t);
    if (t == 0) continue;
    if (!(gamma[0] > 0)) return 0;
    rho_sum += gamma[t] / gamma[0];
    if (window_closes(t, rho_sum, S, n)) return t;
  }
  return n_lag - 1;
}

/* Error and tau_int from Gamma(0..W). Both carry the bias of the truncated sum, -C (2W+1)/N (eq.
 * 49), which comes from subtracting the measured mean: every Gamma(t) is too small by C/N. */
static void sum_window(const double *gamma, long W, double n, cw_estimate *out) {
  double C = gamma[0];
  for (long t = 1; t <= W; t++) C += 2 * gamma[t];
  if (!(C >
        0)) { /* noise of a strongly anticorrelated chain: the naive error is then a safe bound */
    W = 0;
    C = gamma[0];
  }
  const double gamma0 = gamma[0] + C / n;
  const double variance = C * (1 + (2 * (double)W + 1) / n);
  out->error = sqrt(variance / n);
  out->tau_int = variance / (2 * gamma0);
  out->tau_error =
      2 * out->tau_int * sqrt(fmax((double)W + 0.5 - out->tau_int, 0) / n); /* eq. 42 */
  out->ess = n / (2 * out->tau_int);
}

/* Gelman and Rubin's ratio of the spread of all to the spread within chains. means (n_chain),
 * scatter (n_chain): scratch */
static double gelman_rubin(const series *s, double *means, double *scatter) {
  const long n_chain = s->n_chain, n_step = s->n_step;
  const double m = (double)n_chain, n = (double)n_step;
  if (n_chain < 2) return NAN;
  for (long c = 0; c < n_chain; c++) {
    const double *x = s->delta + c * n_step;
    means[c] = cw_sum(x, (size_t)n_step) / n;
    double squares = 0;
    for (long i = 0; i < n_step; i++) squares += (x[i] - means[c]) * (x[i] - means[c]);
    scatter[c] = squares / (n - 1);
  }
  const double grand = cw_sum(means, (size_t)n_chain) / m;
  double between = 0; /* variance of the chain means */
  for (long c = 0; c < n_chain; c++) between += (means[c] - grand) * (means[c] - grand) / (m - 1);
  const double within = cw_sum(scatter, (size_t)n_chain) / m;
  if (between == 0 && within == 0) return 1;
  return sqrt((n - 1) / n + between / within);
}

static cw_status analyse(cw_context *ctx, const series *s, double S, cw_estimate *out) {
  const size_t chains = (size_t)s->n_chain, lags = (size_t)s->n_step / 2 + 1;
  const double n = (double)s->n_chain * (double)s->n_step;
  double *part = cw_alloc((LAG_BLOCK * chains + lags) * sizeof *part);
  if (!part)
    return cw_fail(ctx, CW_ENOMEM, "no memory for the autocorrelations of %ld steps", s->n_step);
  double *gamma = part + LAG_BLOCK * chains;
  const long W = find_window(ctx, s, S, part, gamma);
  if (gamma[0] == 0) {
    out->error = out->tau_error = 0;
    out->tau_int = 0.5;
    out->ess = n;
  } else if (gamma[0] > 0) {
    sum_window(gamma, W, n, out);
  }
  if (gamma[0] >= 0) out->rhat = gelman_rubin(s, part, part + chains);
  free(part);
  return CW_OK;
}

cw_status cw_gamma(cw_context *ctx, const double *data, long n_chain, long n_step, int n_primary,
                   cw_derived f, const void *arg, double S, cw_estimate *out) {
  CW_REQUIRE(out && S > 0);
  CW_TRY(check_chains(ctx, data, n_chain, n_step, n_primary));
  *out = cw_estimate_undefined(n_chain * n_step);
  series s;
  cw_status st = project(ctx, data, n_chain, n_step, n_primary, f, arg, &s);
  out->value = s.value;
  if (st == CW_OK && !isnan(s.value)) st = analyse(ctx, &s, S, out);
  free(s.delta);
  return st;
}

/* rho(t) = Gamma(t)/Gamma(0) for t < n_lag <= n_step. */
static cw_status normalised(cw_context *ctx, const series *s, long n_lag, double *rho) {
  double *part = cw_alloc(LAG_BLOCK * (size_t)s->n_chain * sizeof *part);
  if (!part)
    return cw_fail(ctx, CW_ENOMEM, "no memory for the autocorrelations of %ld chains", s->n_chain);
  for (long t = 0; t < n_lag; t += LAG_BLOCK)
    autocovariance(ctx, s, t, lags_left(t, n_lag), part, rho + t);
  const double gamma0 = n_lag > 0 ? rho[0] : 0;
  for (long t = 0; t < n_lag; t++) rho[t] = gamma0 == 0 ? (t == 0) : rho[t] / gamma0;
  free(part);
  return CW_OK;
}

cw_status cw_autocorrelation(cw_context *ctx, const double *data, long n_chain, long n_step,
                             int n_primary, cw_derived f, const void *arg, long n_lag,
                             double *rho) {
  CW_REQUIRE(rho && n_lag >= 0);
  CW_TRY(check_chains(ctx, data, n_chain, n_step, n_primary));
  for (long t = 0; t < n_lag; t++) rho[t] = NAN;
  series s;
  cw_status st = project(ctx, data, n_chain, n_step, n_primary, f, arg, &s);
  if (st == CW_OK && !isnan(s.value))
    st = normalised(ctx, &s, n_lag < n_step ? n_lag : n_step, rho);
  free(s.delta);
  return st;
}
