/* Errors of Markov chains from their summed autocorrelation function: derived quantities linearised
 * and chains pooled as by U. Wolff, Comput. Phys. Commun. 156 (2004) 143 [hep-lat/0306017]; the
 * window is that of C. J. Geyer, Stat. Sci. 7 (1992) 473, section 3.3, his initial positive
 * sequence, with his pairs summed in pairs, so that chains of either sign of their autocorrelation
 * are served. docs/results.md says how well errors are calibrated. */
#include <stdlib.h>
#include <string.h>

#include "stats/derived.h"

enum {
  LAG_BLOCK = 16, /* lags per pass over the chains, each of which then stays in cache */
  SERIAL = 20000, /* measurements below which threads do not pay */
  MOST_LAGS =
      2048 /* longer windows are those of measurements averaged over pairs, or pairs of pairs */
};

/* Standard deviations of a pair of pairs of independent measurements, sqrt(6/n) Gamma(0), three of
 * them: what is above is not noise. */
static const double NOISE = 7.3;

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

/* Fills s, and slope (n_primary) if it is not NULL; the caller frees s->delta. */
static cw_status project(cw_context *ctx, const double *data, long n_chain, long n_step,
                         int n_primary, cw_derived f, const void *arg, double *slope, series *s) {
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
    if (slope) memcpy(slope, gradient, np * sizeof *slope);
  } else {
    s->value = NAN;
  }
  free(work);
  return CW_OK;
}

/* Gamma(t) = sum of products at distance t over all n_chain n_step measurements, of n_lag lags from
 * first on (at most LAG_BLOCK of them, below n_step). Its expectation is (1 - t/n_step) times the
 * autocovariance, which is what the variance of the mean is made of. part (LAG_BLOCK, n_chain):
 * scratch. */
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
  for (int l = 0; l < n_lag; l++)
    gamma[l] = cw_sum(part + l * n_chain, (size_t)n_chain) / (double)(n_chain * n_step);
}

static int lags_left(long first, long n_lag) {
  return n_lag - first < LAG_BLOCK ? (int)(n_lag - first) : LAG_BLOCK;
}

/* What the window sums. */
typedef struct {
  long W;                /* its last lag, which counts half */
  double gamma0, gamma1; /* Gamma(0), Gamma(1) */
  double sum;            /* Gamma(0) + 2 sum_{t<W} Gamma(t) + Gamma(W); 0: no pair was positive */
  bool cut;              /* half of the chain's length is not enough for the pairs to die out */
  bool open;             /* MOST_LAGS were not enough */
} window_sum;

/* Adds pairs of pairs, Gamma(2k) + 2 Gamma(2k+1) + Gamma(2k+2), as long as they are positive: of a
 * reversible chain they are, being means of lambda^2k (1 + lambda)^2 over the eigenvalues lambda of
 * its kernel, and so the first that is not shows that only noise is left. After W lags what is left
 * out is lambda^W of the whole, whichever the sign of lambda. One chain alone is summed over half
 * of its length, as all of its lags together give 0. gamma (n_step + 1), part: scratch. */
static window_sum find_window(cw_context *ctx, const series *s, double *part, double *gamma) {
  const long last = s->n_chain > 1 ? s->n_step - 1 : s->n_step / 2;
  window_sum w = {0};
  long known = 0; /* lags */
  const double count = (double)s->n_chain * (double)s->n_step;
  for (long t = 0; t + 2 <= last && !w.open; t += 2) {
    for (; known <= t + 2; known += LAG_BLOCK)
      autocovariance(ctx, s, known, lags_left(known, s->n_step), part, gamma + known);
    const double pairs = gamma[t] + 2 * gamma[t + 1] + gamma[t + 2];
    w.gamma0 = gamma[0];
    w.gamma1 = gamma[1];
    if (t + 2 <= s->n_step / 2)
      w.cut = t + 4 > s->n_step / 2 && pairs > NOISE * gamma[0] / sqrt(count);
    if (!(pairs > 0)) break;
    w.sum += pairs;
    w.W = t + 2;
    w.open = w.W >= MOST_LAGS && w.W + 2 <= last;
  }
  return w;
}

/* Error and tau_int. The measured mean takes the variance of the mean, var, from each product: the
 * sum is too small by that times the number of its products, 2W - W^2/n_step, over all. */
static void sum_window(const window_sum *w, const series *s, cw_estimate *out) {
  const double n = (double)s->n_chain * (double)s->n_step, W = (double)w->W;
  const double var = w->sum / (1 - W * (2 - W / (double)s->n_step) / n) / n;
  const double gamma0 = w->gamma0 + var;
  const double least = 0.5 * (gamma0 + w->gamma1 + var); /* as (1 + l)/(1 - l) >= (1 + l)/2 */
  const double whole = fmax(n * var, least);
  out->error = sqrt(whole / n);
  out->tau_int = 0.5 * whole / gamma0;
  out->tau_error =
      2 * out->tau_int * sqrt(fmax(fmax(W, 1) + 0.5 - out->tau_int, 0) / n); /* Wolff, eq. 42 */
  out->ess = n / (2 * out->tau_int);
  out->window = w->W;
  out->cut = w->cut;
}

/* Variance of the chain means, and mean variance within the chains. */
typedef struct {
  double between, within;
} spread;

/* means, scatter (n_chain): scratch */
static spread spread_of_chains(const series *s, double *means, double *scatter) {
  const long n_chain = s->n_chain, n_step = s->n_step;
  const double m = (double)n_chain, n = (double)n_step;
  if (n_chain < 2) return (spread){0, 0};
  for (long c = 0; c < n_chain; c++) {
    const double *x = s->delta + c * n_step;
    means[c] = cw_sum(x, (size_t)n_step) / n;
    double squares = 0;
    for (long i = 0; i < n_step; i++) squares += (x[i] - means[c]) * (x[i] - means[c]);
    scatter[c] = squares / (n - 1);
  }
  const double grand = cw_sum(means, (size_t)n_chain) / m;
  double between = 0;
  for (long c = 0; c < n_chain; c++) between += (means[c] - grand) * (means[c] - grand) / (m - 1);
  return (spread){between, cw_sum(scatter, (size_t)n_chain) / m};
}

/* Are errors from nu1 and nu2 degrees of freedom whose ratio of variances is F alike? Standard
 * deviations by which they are not (E. Paulson, Ann. Math. Stat. 13 (1942) 233). */
static double f_test(double F, double nu1, double nu2) {
  const double a = 2 / (9 * nu1), b = 2 / (9 * nu2), root = cbrt(F);
  return ((1 - b) * root - (1 - a)) / sqrt(b * root * root + a);
}

/* Gelman and Rubin's ratio of the spread of all to the spread within chains, and the scatter of the
 * chain means beside the error from within the chains, which rests on some n/(2W + 1) degrees of
 * freedom; where they contradict each other the larger is quoted. */
static void compare_chains(const series *s, const spread *p, cw_estimate *out) {
  const double m = (double)s->n_chain, n = (double)s->n_step;
  const double ratio = p->between / m / (out->error * out->error);
  const double scale = fmax(fabs(s->value), sqrt(p->between));
  out->rhat = cw_is_rounding(sqrt(p->within), scale)
                  ? INFINITY /* each chain stands still, but for rounding */
                  : sqrt((n - 1) / n + p->between / p->within);
  out->scatter = sqrt(p->between / m);
  out->scatter_sigma = f_test(ratio, m - 1, m * n / (2 * (double)out->window + 1));
  if (!(out->scatter_sigma > CW_SCATTER_SIGMA)) return;
  out->error = out->scatter;
  out->tau_int *= ratio;
  out->tau_error = out->tau_int * sqrt(2 / (m - 1));
  out->ess /= ratio;
}

/* Averages neighbours, in place: half as many measurements, whose mean has the same variance. Of an
 * odd number the last is left out. */
static void halve(series *s) {
  const long half = s->n_step / 2;
  for (long c = 0; c < s->n_chain; c++)
    for (long i = 0; i < half; i++)
      s->delta[c * half + i] =
          0.5 * (s->delta[c * s->n_step + 2 * i] + s->delta[c * s->n_step + 2 * i + 1]);
  s->n_step = half;
}

/* The window, in lags of the series, whose delta may be lost, at a cost of n_chain n_step MOST_LAGS
 * at most. */
static window_sum find_any_window(cw_context *ctx, series s, double *part, double *gamma) {
  const window_sum first = find_window(ctx, &s, part, gamma);
  window_sum w = first;
  for (long bin = 2; w.open; bin *= 2) {
    halve(&s);
    w = find_window(ctx, &s, part, gamma);
    w.sum *= (double)bin; /* of the variance of the mean times the number of measurements */
    w.W *= bin;
  }
  w.gamma0 = first.gamma0;
  w.gamma1 = first.gamma1;
  return w;
}

static cw_status analyse(cw_context *ctx, const series *s, cw_estimate *out) {
  const size_t chains = (size_t)s->n_chain, lags = (size_t)s->n_step + 1;
  double *part = cw_alloc((LAG_BLOCK * chains + lags) * sizeof *part);
  if (!part)
    return cw_fail(ctx, CW_ENOMEM, "no memory for the autocorrelations of %ld steps", s->n_step);
  const spread p = spread_of_chains(s, part, part + chains);
  const window_sum w = find_any_window(ctx, *s, part, part + LAG_BLOCK * chains);
  if (cw_is_rounding(sqrt(w.gamma0), s->value)) {
    out->why = cw_why_constant;
  } else if (w.gamma0 > 0) {
    sum_window(&w, s, out);
    if (s->n_chain > 1) compare_chains(s, &p, out);
  }
  free(part);
  return CW_OK;
}

cw_status cw_gamma_slopes(cw_context *ctx, const double *data, long n_chain, long n_step,
                          int n_primary, cw_derived f, const void *arg, double *slope,
                          cw_estimate *out) {
  CW_REQUIRE(out);
  CW_TRY(check_chains(ctx, data, n_chain, n_step, n_primary));
  *out = cw_estimate_undefined(n_chain * n_step);
  for (int k = 0; slope && k < n_primary; k++) slope[k] = NAN;
  series s;
  cw_status st = project(ctx, data, n_chain, n_step, n_primary, f, arg, slope, &s);
  out->value = s.value;
  if (st == CW_OK && !isnan(s.value)) st = analyse(ctx, &s, out);
  free(s.delta);
  return st;
}

cw_status cw_gamma(cw_context *ctx, const double *data, long n_chain, long n_step, int n_primary,
                   cw_derived f, const void *arg, cw_estimate *out) {
  return cw_gamma_slopes(ctx, data, n_chain, n_step, n_primary, f, arg, NULL, out);
}

/* rho[i] = Gamma(t)/Gamma(0) at t = i stride for i < n_lag, all of them below n_step. */
static cw_status normalised(cw_context *ctx, const series *s, long stride, long n_lag,
                            double *rho) {
  double *part = cw_alloc(LAG_BLOCK * (size_t)s->n_chain * sizeof *part);
  if (!part)
    return cw_fail(ctx, CW_ENOMEM, "no memory for the autocorrelations of %ld chains", s->n_chain);
  for (long i = 0; i<n_lag; i += stride> 1 ? 1 : LAG_BLOCK)
    autocovariance(ctx, s, i * stride, stride > 1 ? 1 : lags_left(i, n_lag), part, rho + i);
  const double gamma0 = n_lag > 0 ? rho[0] : 0, n = (double)s->n_step;
  for (long i = 0; i < n_lag; i++)
    rho[i] = gamma0 == 0 ? (i == 0) : rho[i] / gamma0 * n / (n - (double)(i * stride));
  free(part);
  return CW_OK;
}

cw_status cw_autocorrelation(cw_context *ctx, const double *data, long n_chain, long n_step,
                             int n_primary, cw_derived f, const void *arg, long stride, long n_lag,
                             double *rho) {
  CW_REQUIRE(rho && n_lag >= 0 && stride >= 1);
  CW_TRY(check_chains(ctx, data, n_chain, n_step, n_primary));
  for (long t = 0; t < n_lag; t++) rho[t] = NAN;
  const long most = (n_step + stride - 1) / stride;
  series s;
  cw_status st = project(ctx, data, n_chain, n_step, n_primary, f, arg, NULL, &s);
  if (st == CW_OK && !isnan(s.value))
    st = normalised(ctx, &s, stride, n_lag < most ? n_lag : most, rho);
  free(s.delta);
  return st;
}

/* rho at lag t of either sign, in strides; 0 beyond the window. */
static double within(const double *rho, long n_lag, long window, long t) {
  const long lag = labs(t);
  return lag < n_lag && lag <= window ? rho[lag] : 0;
}

void cw_autocorrelation_sums(const double *rho, long n_chain, long n_step, long stride, long n_lag,
                             long window, double *error, double *tau, double *tau_error) {
  const series s = {.n_chain = n_chain, .n_step = n_step};
  const double n = (double)n_chain * (double)n_step, steps = (double)n_step;
  const long W = window / stride;
  double sum = 0, last = 1;
  for (long i = 0; i < n_lag; i++) {
    const double gamma = rho[i] * (steps - (double)(i * stride)) / steps; /* over Gamma(0) */
    double square = 0;
    for (long k = 1; k <= i + W; k++) {
      const double d = within(rho, n_lag, W, k + i) + within(rho, n_lag, W, k - i) -
                       2 * within(rho, n_lag, W, k) * rho[i];
      square += d * d * (double)stride;
    }
    sum += i > 0 ? (last + gamma) * (double)stride : 0;
    last = gamma;
    const window_sum w = {.W = i * stride,
                          .gamma0 = 1,
                          .gamma1 = n_lag > 1 && stride == 1 ? rho[1] * (1 - 1 / steps) : 1,
                          .sum = i > 0 ? sum : 1};
    cw_estimate e = {0};
    sum_window(&w, &s, &e);
    error[i] = isnan(rho[i]) ? NAN : sqrt(square / n);
    tau[i] = isnan(rho[i]) ? NAN : e.tau_int;
    tau_error[i] = isnan(rho[i]) ? NAN : e.tau_error;
  }
}
