/* Autocorrelations at each lag, their errors and their sums, on AR(1) chains, whose rho(t) is a^t. */
#include "causeway/stats.h"

#include "stats_tally.h"

static double second(const double *mean, const void *arg) {
  (void)arg;
  return mean[1];
}

static void autocorrelation_is_a_to_the_t(void **state) {
  (void)state;
  cw_context *ctx = test_context(2);
  const double a = 0.9;
  const long n_chain = 8, n_step = 20000;
  double *x = ar1_new(5, a, n_chain, n_step, 2), rho[40];
  check_ok(ctx, cw_autocorrelation(ctx, x, n_chain, n_step, 2, second, NULL, 1, 40, rho));
  assert_true(rho[0] == 1);
  /* Bartlett: var rho(t) <= tau_int-like sum; for AR(1) (1 + a^2)/(1 - a^2)/N at large t */
  const double sigma = sqrt((1 + a * a) / (1 - a * a) / (double)(n_chain * n_step));
  for (int t = 1; t < 40; t++) check_sigma(rho[t], sigma, pow(a, t), 4);
  check_ok(ctx, cw_autocorrelation(ctx, x, 2, 10, 2, second, NULL, 1, 12, rho));
  assert_true(isfinite(rho[9]) && isnan(rho[10]) && isnan(rho[11]));
  free(x);
  cw_context_destroy(ctx);
}

/* Against a direct sum over pairs, in all chains and past one block of lags. */
static void autocorrelation_matches_the_definition(void **state) {
  (void)state;
  cw_context *ctx = test_context(2);
  enum { C = 3, T = 50 };
  double x[C * T], rho[T], mean = 0, gamma[T];
  ar1(9, 0.6, C, T, 1, x);
  for (int i = 0; i < C * T; i++) mean += x[i] / (C * T);
  for (int t = 0; t < T; t++) {
    gamma[t] = 0;
    for (int c = 0; c < C; c++) {
      for (int i = 0; i + t < T; i++)
        gamma[t] += (x[c * T + i] - mean) * (x[c * T + i + t] - mean) / (C * (T - t));
    }
  }
  check_ok(ctx, cw_autocorrelation(ctx, x, C, T, 1, NULL, NULL, 1, T, rho));
  for (int t = 0; t < T; t++) check_close(rho[t], gamma[t] / gamma[0], 1e-12);
  cw_context_destroy(ctx);
}

/* tau_int as a function of the window is that of cw_gamma at the window which that takes, half at no lag, and of few lags
 * what the definition says. */
static void sums_are_those_of_the_estimate(void **state) {
  (void)state;
  cw_context *ctx = test_context(2);
  enum { LAGS = 200 };
  const long n_chain = 8, n_step = 4000;
  double *x = ar1_new(5, 0.8, n_chain, n_step, 1), rho[LAGS], error[LAGS], tau[LAGS],
         tau_error[LAGS];
  cw_estimate e;
  check_ok(ctx, cw_gamma(ctx, x, n_chain, n_step, 1, NULL, NULL, &e));
  assert_true(e.window > 10 && e.window < LAGS && e.scatter_sigma < CW_SCATTER_SIGMA);
  check_ok(ctx, cw_autocorrelation(ctx, x, n_chain, n_step, 1, NULL, NULL, 1, LAGS, rho));
  cw_autocorrelation_sums(rho, n_chain, n_step, 1, LAGS, e.window, error, tau, tau_error);
  check_close(tau[e.window], e.tau_int, 1e-9);
  check_close(tau_error[e.window], e.tau_error, 1e-9);
  check_close(tau[0], 0.5, 1e-3);
  check_close(tau[2], 0.5 + rho[1] + 0.5 * rho[2], 1e-3);
  assert_true(error[0] == 0);
  /* every fourth lag, and its trapezoids */
  check_ok(ctx, cw_autocorrelation(ctx, x, n_chain, n_step, 1, NULL, NULL, 4, LAGS / 4, rho));
  cw_autocorrelation_sums(rho, n_chain, n_step, 4, LAGS / 4, e.window, error, tau, tau_error);
  check_close(tau[e.window / 4], e.tau_int, 0.1 * e.tau_int);
  cw_autocorrelation_sums((double[]){1, NAN}, 2, 4, 1, 2, 1, error, tau, tau_error);
  assert_true(isnan(error[1]) && isnan(tau[1]) && isnan(tau_error[1]));
  free(x);
  cw_context_destroy(ctx);
}

/* The errors of rho are what it scatters by, before, at and beyond the window. */
static void errors_of_rho_are_its_scatter(void **state) {
  (void)state;
  cw_context *ctx = test_context(2);
  enum { LAGS = 40, SEEDS = 200 };
  static const int lag[] = {1, 3, 8, 30};
  const double a = 0.7;
  const long n_chain = 4, n_step = 2000;
  double *x = ar1_new(5, a, n_chain, n_step, 1), rho[LAGS], error[LAGS], tau[LAGS], tau_error[LAGS];
  double square[4] = {0}, quoted[4] = {0};
  for (uint32_t seed = 0; seed < SEEDS; seed++) {
    ar1(seed, a, n_chain, n_step, 1, x);
    check_ok(ctx, cw_autocorrelation(ctx, x, n_chain, n_step, 1, NULL, NULL, 1, LAGS, rho));
    cw_autocorrelation_sums(rho, n_chain, n_step, 1, LAGS, 20, error, tau, tau_error);
    for (int i = 0; i < 4; i++) {
      square[i] += pow(rho[lag[i]] - pow(a, lag[i]), 2) / SEEDS;
      quoted[i] += error[lag[i]] * error[lag[i]] / SEEDS;
    }
  }
  for (int i = 0; i < 4; i++) /* variances of SEEDS scatter by 10 % */
    check_close(square[i] / quoted[i], 1, 0.35);
  free(x);
  cw_context_destroy(ctx);
}

/* Chains that each stand still, but for rounding, have no R-hat but an infinite one, not 1e15. */
static void chains_that_stand_still_have_no_rhat(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  enum { C = 4, T = 100 };
  double x[C * T];
  cw_estimate e;
  for (int i = 0; i < C * T; i++) x[i] = (i / T == 0 ? -3 : i / T) + (i % 3) * 2e-16;
  check_ok(ctx, cw_gamma(ctx, x, C, T, 1, NULL, NULL, &e));
  assert_true(isinf(e.rhat) && e.rhat > 0 && e.error > 0);
  cw_context_destroy(ctx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(autocorrelation_is_a_to_the_t),
      cmocka_unit_test(autocorrelation_matches_the_definition),
      cmocka_unit_test(sums_are_those_of_the_estimate),
      cmocka_unit_test(errors_of_rho_are_its_scatter),
      cmocka_unit_test(chains_that_stand_still_have_no_rhat),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
