/* Weighted estimates, the judgement of flows from their weights, and quadrature, on cases with
 * closed answers. */
#include <float.h>

#include "causeway/stats.h"
#include <string.h>

#include "stats_tally.h"

static double log_normal(double x, double mean, double sigma) {
  const double z = (x - mean) / sigma;
  return -0.5 * z * z - log(sigma) - 0.5 * log(2 * acos(-1.0));
}

/* Means of x, x^2, x^4 -> the cumulant <x^4> / (3 <x^2>^2), 1 for a normal variable. */
static double kurtosis(const double *mean, const void *arg) {
  (void)arg;
  return mean[2] / (3 * mean[1] * mean[1]);
}

static double second(const double *mean, const void *arg) {
  (void)arg;
  return mean[1];
}

static double log_of_first(const double *mean, const void *arg) {
  (void)arg;
  return log(mean[0]);
}

/* Samples of the proposal N(0, 1.4) weighted to the target exp(-x^2/2). data (n, 3), lw (n) up to a
 * constant. */
static void proposal(uint32_t seed, long n, double constant, double *data, double *lw) {
  const double sigma = 1.4;
  normals(seed, "proposal", 0, n, lw);
  for (long i = 0; i < n; i++) {
    const double x = sigma * lw[i];
    data[3 * i] = x;
    data[3 * i + 1] = x * x;
    data[3 * i + 2] = x * x * x * x;
    lw[i] = -0.5 * x * x - log_normal(x, 0, sigma) + constant;
  }
}

enum { MOST = 20000 };
static double *data, *lw; /* (MOST, 3), (MOST) */
static cw_context *ctx;

static int setup(void **state) {
  (void)state;
  ctx = test_context(2);
  data = malloc(3 * MOST * sizeof *data);
  lw = malloc(MOST * sizeof *lw);
  return data && lw ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  free(data);
  free(lw);
  cw_context_destroy(ctx);
  return 0;
}

static void weighted_errors_are_calibrated(void **state) {
  (void)state;
  const long n = 1500;
  tally z_x = {0}, z_x2 = {0}, z_jack = {0}, z_f = {0}, z_f_jack = {0}, z_lnZ = {0};
  for (uint32_t seed = 0; seed < 400; seed++) {
    proposal(seed, n, 0, data, lw);
    cw_estimate e;
    check_ok(ctx, cw_weighted(ctx, data, lw, n, 3, NULL, NULL, &e));
    count(&z_x, e.value / e.error);
    check_ok(ctx, cw_weighted(ctx, data, lw, n, 3, second, NULL, &e));
    count(&z_x2, (e.value - 1) / e.error);
    count(&z_jack, (e.value - 1) / e.error2);
    check_ok(ctx, cw_weighted(ctx, data, lw, n, 3, kurtosis, NULL, &e));
    count(&z_f, (e.value - 1) / e.error);
    count(&z_f_jack, (e.value - 1) / e.error2);
    cw_flow_quality q;
    check_ok(ctx, cw_flow_judge(ctx, lw, n, NULL, 0, 0, &q));
    count(&z_lnZ, (q.lnZ - 0.5 * log(2 * acos(-1.0))) / q.lnZ_error);
  }
  check_calibrated("<x>, delta", &z_x);
  check_calibrated("<x^2>, delta", &z_x2);
  check_calibrated("<x^2>, jackknife", &z_jack);
  check_calibrated("kurtosis, delta", &z_f);
  check_calibrated("kurtosis, jackknife", &z_f_jack);
  check_calibrated("lnZ", &z_lnZ);
}

/* Of the normal target: ln sqrt(2 pi e), with S = x^2/2. */
static void entropies_are_calibrated(void **state) {
  (void)state;
  const long n = 1500;
  tally z = {0};
  cw_estimate e;
  double *action = malloc((size_t)n * sizeof *action);
  for (uint32_t seed = 0; seed < 400; seed++) {
    proposal(seed, n, 0, data, lw);
    for (long i = 0; i < n; i++) action[i] = 0.5 * data[3 * i + 1];
    check_ok(ctx, cw_weighted_entropy(ctx, lw, action, n, &e));
    count(&z, (e.value - 0.5 * log(2 * acos(-1.0)) - 0.5) / e.error);
  }
  check_calibrated("entropy", &z);
  check_failure(ctx, cw_weighted_entropy(ctx, lw, action, 1, &e), CW_EINVAL, "too few");
  free(action);
}

/* Of two normals, target 1 and proposal s: 1 over the integral of p^2/q, sqrt(2 s^2 - 1)/s^2. */
static void sample_sizes_are_calibrated(void **state) {
  (void)state;
  const long n = 1500;
  const double s2 = 1.4 * 1.4;
  tally z = {0};
  cw_estimate e;
  for (uint32_t seed = 0; seed < 400; seed++) {
    proposal(seed, n, 700, data, lw);
    check_ok(ctx, cw_weighted_ess(ctx, lw, n, &e));
    check_close(e.ess, e.value * (double)n, 1e-14);
    count(&z, (e.value - sqrt(2 * s2 - 1) / s2) / e.error);
  }
  check_calibrated("ess", &z);
  check_failure(ctx, cw_weighted_ess(ctx, lw, 1, &e), CW_EINVAL, "too few");
}

/* Both for single samples (2000) and for blocks (20000; 1000 blocks have errors good to
 * 1/sqrt(2000)). */
static void delta_and_jackknife_agree(void **state) {
  (void)state;
  const long sizes[] = {2000, 2001, 20000};
  for (int s = 0; s < 3; s++) {
    proposal(77, sizes[s], 0, data, lw);
    cw_estimate e;
    check_ok(ctx, cw_weighted(ctx, data, lw, sizes[s], 3, kurtosis, NULL, &e));
    print_message("n %ld: delta %.6f, jackknife %.6f\n", sizes[s], e.error, e.error2);
    check_close(e.error2 / e.error, 1, sizes[s] <= 2000 ? 0.01 : 4 / sqrt(2000.0));
    assert_true(isnan(e.tau_int) && isnan(e.rhat) && e.n == sizes[s]);
  }
}

/* With equal weights: the mean and its naive error. With any: the formula, written out. */
static void weighted_formulas(void **state) {
  (void)state;
  const double x[] = {1, 2, 4, 8}, equal[] = {3, 3, 3, 3},
               logs[] = {0, log(2.0), log(3.0), log(4.0)};
  cw_estimate e;
  check_ok(ctx, cw_weighted(ctx, x, equal, 4, 1, NULL, NULL, &e));
  check_close(e.value, 3.75, 1e-15);
  check_close(e.error, sqrt(28.75) / 4, 1e-14);
  check_close(e.error2, sqrt(28.75 / 3) / 2, 1e-14); /* jackknife of a mean: unbiased */
  check_close(e.ess, 4, 1e-14);
  check_ok(ctx, cw_weighted(ctx, x, logs, 4, 1, NULL, NULL, &e));
  const double mean = (1 + 4 + 12 + 32) / 10.0;
  double sum = 0;
  for (int i = 0; i < 4; i++) sum += pow((i + 1) * (x[i] - mean), 2);
  check_close(e.value, mean, 1e-14);
  check_close(e.error, sqrt(sum) / 10, 1e-14);
  check_close(e.ess, 100 / 30.0, 1e-14);
}

/* The error is that of w times what is linearised with the slopes. */
static void slopes_linearise(void **state) {
  (void)state;
  enum { N = 5000 };
  cw_estimate e, plain;
  double slope[3], mean[3] = {0}, sum = 0, square = 0;
  proposal(3, N, 0, data, lw);
  check_ok(ctx, cw_weighted_slopes(ctx, data, lw, N, 3, kurtosis, NULL, slope, &e));
  check_ok(ctx, cw_weighted(ctx, data, lw, N, 3, kurtosis, NULL, &plain));
  assert_true(e.value == plain.value && e.error == plain.error && e.error2 == plain.error2);
  for (int i = 0; i < N; i++) sum += exp(lw[i]);
  for (int i = 0; i < N; i++)
    for (int k = 0; k < 3; k++) mean[k] += exp(lw[i]) / sum * data[3 * i + k];
  for (int i = 0; i < N; i++) {
    double d = 0;
    for (int k = 0; k < 3; k++) d += slope[k] * (data[3 * i + k] - mean[k]);
    square += pow(exp(lw[i]) / sum * d, 2);
  }
  check_close(sqrt(square), e.error, 1e-10);
}

static void a_constant_in_the_weights_drops_out(void **state) {
  (void)state;
  cw_estimate a, b;
  cw_flow_quality qa, qb;
  proposal(5, 3000, 0, data, lw);
  check_ok(ctx, cw_weighted(ctx, data, lw, 3000, 3, kurtosis, NULL, &a));
  check_ok(ctx, cw_flow_judge(ctx, lw, 3000, lw, 10, 300, &qa));
  proposal(5, 3000, -20000, data, lw);
  check_ok(ctx, cw_weighted(ctx, data, lw, 3000, 3, kurtosis, NULL, &b));
  check_ok(ctx, cw_flow_judge(ctx, lw, 3000, lw, 10, 300, &qb));
  check_close(a.value, b.value, 1e-9);
  check_close(a.error, b.error, 1e-9);
  check_close(a.error2, b.error2, 1e-9);
  check_close(qa.ess, qb.ess, 1e-9);
  check_close(qa.ess_forward, qb.ess_forward, 1e-9);
  check_close(qa.kl, qb.kl, 1e-9);
  check_close(qa.kl_error, qb.kl_error, 1e-9);
  check_close(qa.kl_forward, qb.kl_forward, 1e-9);
  check_close(qa.w_hat, qb.w_hat, 1e-9);
  check_close(qa.lnZ - 20000, qb.lnZ, 1e-9);
  check_close(qa.lnZ_p - 20000, qb.lnZ_p, 1e-9);
}

static void special_weights(void **state) {
  (void)state;
  double x[] = {1, 2, NAN, 4}, w[] = {0, 0, -INFINITY, 0}, dead[] = {-INFINITY, -INFINITY};
  const double constant[] = {0.1, 0.1, 0.1, 0.1}, one[] = {0, -2000, -2000, -2000},
               two[] = {0, 0, -2000, -2000};
  cw_estimate e;
  cw_flow_quality q;
  check_ok(ctx,
           cw_weighted(ctx, x, w, 4, 1, NULL, NULL, &e)); /* what has no weight may be anything */
  check_close(e.value, 7 / 3.0, 1e-15);
  check_close(e.ess, 3, 1e-14);
  check_ok(ctx, cw_weighted(ctx, constant, w, 4, 1, NULL, NULL, &e));
  assert_true(e.value == 0.1 && isnan(e.error) && isnan(e.error2));
  assert_non_null(strstr(e.why, "alike"));
  x[2] = -50;
  w[2] = 0;
  check_ok(ctx, cw_weighted(ctx, x, w, 4, 1, log_of_first, NULL, &e));
  assert_true(isnan(e.value) && isnan(e.error) && isnan(e.error2));
  /* one sample, or two, of four: their scatter tells nothing */
  check_ok(ctx, cw_weighted(ctx, x, one, 4, 1, NULL, NULL, &e));
  assert_true(e.value == 1 && e.ess == 1 && isnan(e.error) && isnan(e.error2));
  assert_non_null(strstr(e.why, "fewer than three"));
  check_ok(ctx, cw_weighted(ctx, x, two, 4, 1, NULL, NULL, &e));
  assert_true(e.value == 1.5 && isnan(e.error) && isnan(e.error2) && e.why != NULL);
  check_ok(ctx, cw_weighted_entropy(ctx, two, x, 4, &e));
  assert_true(isfinite(e.value) && isnan(e.error) && e.why != NULL);
  check_ok(ctx, cw_weighted_ess(ctx, two, 4, &e));
  assert_true(e.value == 0.5 && isnan(e.error) && e.why != NULL);
  check_ok(ctx, cw_flow_judge(ctx, one, 4, two, 1, 4, &q));
  assert_true(isfinite(q.lnZ) && isnan(q.lnZ_error) && isnan(q.kl_error) && isnan(q.w_hat_error));
  assert_true(q.why_q != NULL && isnan(q.lnZ_p_error) && q.why_p != NULL);
  check_ok(ctx, cw_flow_judge(ctx, w, 4, w, 1, 4, &q)); /* a perfect model */
  assert_true(q.ess == 1 && q.lnZ_error == 0 && q.lnZ_p_error == 0 && q.w_hat_error == 0);

  assert_int_equal(cw_weighted(ctx, x, dead, 2, 1, NULL, NULL, &e), CW_ENUMERIC);
  assert_int_equal(cw_flow_judge(ctx, dead, 2, NULL, 0, 0, &q), CW_ENUMERIC);
  assert_int_equal(cw_flow_judge(ctx, NULL, 0, dead, 1, 2, &q), CW_ENUMERIC);
  w[1] = NAN;
  assert_int_equal(cw_weighted(ctx, x, w, 4, 1, NULL, NULL, &e), CW_ENUMERIC);
  w[1] = INFINITY;
  assert_int_equal(cw_weighted(ctx, x, w, 4, 1, NULL, NULL, &e), CW_ENUMERIC);
  assert_int_equal(cw_weighted(ctx, x, w, 1, 1, NULL, NULL, &e), CW_EINVAL);
  assert_int_equal(cw_flow_judge(ctx, w, 1, NULL, 0, 0, &q), CW_EINVAL);
  assert_int_equal(cw_flow_judge(ctx, NULL, 0, one, 2, 2, &q), CW_EINVAL);
  assert_int_equal(cw_flow_judge(ctx, NULL, 0, NULL, 0, 0, &q), CW_EINVAL);
}

/* Which samples lie beyond all those of the other side. */
static void overlap_is_told_from_both_sides(void **state) {
  (void)state;
  const double q_lw[] = {-1, 0, 1, 2, 3, -INFINITY, 0, 0, 0, 0}, p_lw[] = {0, 2, 2, 4};
  cw_flow_quality q;
  check_ok(ctx, cw_flow_judge(ctx, q_lw, 10, p_lw, 1, 4, &q));
  check_close(q.q_below_p, 0.2, 1e-15); /* -1 and -inf lie below 0 */
  check_close(q.p_above_q, 0.25, 1e-15);
  check_ok(ctx, cw_flow_judge(ctx, q_lw, 10, NULL, 0, 0, &q));
  assert_true(isnan(q.q_below_p) && isnan(q.p_above_q));
}

/* lw ~ N(-s^2/2, s) over q and N(+s^2/2, s) over p: ESS = e^{-s^2}, KL = s^2/2, acceptance
 * erfc(s/2), lnZ = 0. */
static void gaussian_log_weights(void **state) {
  (void)state;
  const double s = 0.6;
  enum { N = 10000 };
  tally ess = {0}, forward = {0}, acceptance = {0}, kl = {0}, kl_forward = {0};
  tally z_kl = {0}, z_lnZ = {0}, z_lnZ_p = {0}, z_w = {0};
  double *p = lw + N;
  for (uint32_t seed = 0; seed < (SANITIZED ? 40 : 200); seed++) {
    normals(seed, "q", 0, N, lw);
    normals(seed, "p", 0, N, p);
    for (long i = 0; i < N; i++) lw[i] = s * lw[i] - s * s / 2, p[i] = s * p[i] + s * s / 2;
    cw_flow_quality q;
    check_ok(ctx, cw_flow_judge(ctx, lw, N, p, 10, N / 10, &q));
    assert_true(q.n_q == N && q.n_p == N);
    count(&ess, q.ess);
    count(&forward, q.ess_forward);
    count(&acceptance, q.acceptance);
    count(&kl, q.kl);
    count(&kl_forward, q.kl_forward);
    count(&z_kl, (q.kl - s * s / 2) / q.kl_error);
    count(&z_lnZ, q.lnZ / q.lnZ_error);
    count(&z_lnZ_p, q.lnZ_p / q.lnZ_p_error);
    count(&z_w, (q.w_hat - 1) / q.w_hat_error);
  }
  print_message("ess %.5f forward %.5f (%.5f), acceptance %.5f (%.5f), kl %.5f %.5f (%.5f)\n",
                average(&ess), average(&forward), exp(-s * s), average(&acceptance), erfc(s / 2),
                average(&kl), average(&kl_forward), s * s / 2);
  check_sigma(average(&ess), average_error(&ess), exp(-s * s), 4);
  check_sigma(average(&forward), average_error(&forward), exp(-s * s), 4);
  check_sigma(average(&acceptance), average_error(&acceptance), erfc(s / 2), 4);
  check_sigma(average(&kl), average_error(&kl), s * s / 2, 4);
  check_sigma(average(&kl_forward), average_error(&kl_forward), s * s / 2, 4);
  check_calibrated("kl", &z_kl);
  check_calibrated("lnZ", &z_lnZ);
  check_calibrated("lnZ_p", &z_lnZ_p);
  check_calibrated("w_hat", &z_w);
}

/* The acceptance against the sum over all pairs, and the share of the largest weight. */
static void acceptance_matches_the_definition(void **state) {
  (void)state;
  enum { N = 50 };
  double total = 0, pairs = 0, largest = 0;
  normals(3, "pairs", 0, N, lw);
  for (int i = 0; i < N; i++) {
    total += exp(lw[i]);
    largest = fmax(largest, exp(lw[i]));
    for (int j = 0; j < i; j++) pairs += exp(fmin(lw[i], lw[j]));
  }
  cw_flow_quality q;
  check_ok(ctx, cw_flow_judge(ctx, lw, N, NULL, 0, 0, &q));
  check_close(q.acceptance, pairs / (N * (N - 1) / 2.0) / (total / N), 1e-13);
  check_close(q.max_weight_share, largest / total, 1e-14);
  assert_true(isnan(q.lnZ_p) && isnan(q.w_hat) && isnan(q.ess_forward) && q.n_p == 0);
  check_ok(ctx, cw_flow_judge(ctx, NULL, 0, lw, 1, N, &q));
  assert_true(isnan(q.lnZ) && isnan(q.w_hat) && isnan(q.ess) && isnan(q.max_weight_share) &&
              q.n_q == 0);
  assert_true(isfinite(q.lnZ_p) && isfinite(q.lnZ_p_error) && isfinite(q.kl_forward));
}

enum { CHAINS = 20, STEPS = 500, N_MODES = CHAINS * STEPS };
static const double SPREAD = 1.1,
                    PLACE = 6; /* of the model's modes; the target's are at +-PLACE with spread 1 */

/* lw = -S - ln q for exp(-S) = e^3 (N(-6,1) + N(6,1))/2 and a model with one mode or both. */
static double two_mode_lw(double x, bool both) {
  const double left = log_normal(x, -PLACE, 1), right = log_normal(x, PLACE, 1);
  const double target = 3 + fmax(left, right) + log1p(exp(-fabs(left - right))) - log(2.0);
  const double there = log_normal(x, PLACE, SPREAD), other = log_normal(x, -PLACE, SPREAD);
  if (!both) return target - there;
  return target - (fmax(there, other) + log1p(exp(-fabs(there - other))) - log(2.0));
}

/* Chains of the target: AR(1) within the mode, which changes with probability 0.2 per step. */
static void two_mode_chains(uint32_t seed, bool both, double *out) {
  const cw_rng rng = cw_rng_stream(seed, "modes");
  for (uint32_t c = 0; c < CHAINS; c++) {
    double x = 0, sign = c % 2 ? 1 : -1, z[STEPS];
    normals(seed, "within", c, STEPS, z);
    for (uint32_t t = 0; t < STEPS; t++) {
      double u[2];
      cw_uniform2(rng, 0, c, t, 1, u);
      x = t == 0 ? z[0] : 0.7 * x + sqrt(1 - 0.49) * z[t];
      if (u[0] < (t == 0 ? 0.5 : 0.2)) sign = -sign;
      out[c * STEPS + t] = two_mode_lw(sign * PLACE + x, both);
    }
  }
}

static void check_mode_dropping(bool both, double covered) {
  tally z = {0}, w_hat = {0}, z_p = {0};
  double *p = lw + N_MODES;
  for (uint32_t seed = 0; seed < (SANITIZED ? 20 : 200); seed++) {
    normals(seed, "model", 0, N_MODES, lw);
    for (long i = 0; i < N_MODES; i++) {
      const double place = both && i % 2 ? -PLACE : PLACE;
      lw[i] = two_mode_lw(place + SPREAD * lw[i], both);
    }
    two_mode_chains(seed, both, p);
    cw_flow_quality q;
    check_ok(ctx, cw_flow_judge(ctx, lw, N_MODES, p, CHAINS, STEPS, &q));
    count(&w_hat, q.w_hat);
    count(&z, (q.w_hat - covered) / q.w_hat_error);
    count(&z_p, (q.lnZ_p - 3) / q.lnZ_p_error);
  }
  print_message("%s: w_hat %.4f +- %.4f\n", both ? "both modes" : "one mode", average(&w_hat),
                average_error(&w_hat));
  check_calibrated("w_hat", &z);
  check_calibrated("lnZ_p", &z_p); /* the p-estimator sees all of the target either way */
}

static void a_model_of_both_modes_covers_all(void **state) {
  (void)state;
  check_mode_dropping(true, 1);
}

static void a_model_of_one_mode_covers_half(void **state) {
  (void)state;
  check_mode_dropping(false, 0.5);
}

static void longest_rejection(void **state) {
  (void)state;
  const double accept[] = {1, 0, 0, 1, 0, 0, 0, 1, 1, 0, /* next chain */ 0,
                           0, 1, 0, 1, 1, 1, 1, 1, 1};
  assert_int_equal(cw_longest_rejection(accept, 2, 10), 3);
  assert_int_equal(cw_longest_rejection(accept, 1, 20), 3);
  assert_int_equal(cw_longest_rejection(accept + 7, 1, 6), 3);
  assert_int_equal(cw_longest_rejection(accept + 7, 2, 3), 2);
  assert_int_equal(cw_longest_rejection(accept + 14, 1, 6), 0);
}

static void gauss_legendre_is_exact(void **state) {
  (void)state;
  const int sizes[] = {1, 2, 3, 5, 12, 20, 64};
  const double a = -0.3, b = 1.1;
  double x[64], w[64];
  for (int s = 0; s < 7; s++) {
    const int n = sizes[s];
    cw_gauss_legendre(n, a, b, x, w);
    for (int i = 0; i < n; i++) {
      assert_true(x[i] > a && x[i] < b && w[i] > 0);
      if (i > 0) assert_true(x[i] > x[i - 1]);
    }
    for (int d = 0; d < 2 * n; d++) { /* a rounding of x_i is d times as large in x_i^d */
      double sum = 0;
      for (int i = 0; i < n; i++) sum += w[i] * pow(x[i], d);
      check_close(sum, (pow(b, d + 1) - pow(a, d + 1)) / (d + 1), (10 + d) * DBL_EPSILON);
    }
    if (n <=
        5) { /* and not for the next degree: the error is (b-a)^(2n+1) (n!)^4 / ((2n+1) (2n)!^2) */
      double sum = 0, expected = pow(b - a, 2 * n + 1) / (2 * n + 1) * pow(tgamma(n + 1), 4) /
                                 pow(tgamma(2 * n + 1), 2);
      for (int i = 0; i < n; i++) sum += w[i] * pow(x[i], 2 * n);
      check_close(((pow(b, 2 * n + 1) - pow(a, 2 * n + 1)) / (2 * n + 1) - sum) / expected, 1,
                  1e-6);
    }
  }
  cw_gauss_legendre(3, -1, 1, x, w);
  check_close(x[2], sqrt(0.6), 1e-15);
  check_close(w[1], 8.0 / 9, 1e-15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(weighted_errors_are_calibrated),
      cmocka_unit_test(entropies_are_calibrated),
      cmocka_unit_test(sample_sizes_are_calibrated),
      cmocka_unit_test(delta_and_jackknife_agree),
      cmocka_unit_test(weighted_formulas),
      cmocka_unit_test(slopes_linearise),
      cmocka_unit_test(a_constant_in_the_weights_drops_out),
      cmocka_unit_test(special_weights),
      cmocka_unit_test(overlap_is_told_from_both_sides),
      cmocka_unit_test(gaussian_log_weights),
      cmocka_unit_test(acceptance_matches_the_definition),
      cmocka_unit_test(a_model_of_both_modes_covers_all),
      cmocka_unit_test(a_model_of_one_mode_covers_half),
      cmocka_unit_test(longest_rejection),
      cmocka_unit_test(gauss_legendre_is_exact),
  };
  return cmocka_run_group_tests_name("stats: weights", tests, setup, teardown);
}
