/* The jackknife of chains: on independent numbers it is the naive error of a mean to the last digits,
 * on AR(1) chains the exact one within what so many blocks can tell, and of a function of means the
 * error of its linearisation. */
#include "causeway/stats.h"

#include "stats_tally.h"

static double product(const double *mean, const void *arg) {
  (void)arg;
  return mean[0] * mean[0] * mean[1];
}

static double undefined(const double *mean, const void *arg) {
  (void)arg;
  return mean[0] > 0.5 ? NAN : 1;
}

/* One number for each of n chains: blocks are single numbers as long as there are few enough. */
static void numbers_leave_one_out(void **state) {
  (void)state;
  enum { N = 200 };
  cw_context *ctx = test_context(1);
  double x[N], mean = 0, square = 0, error;
  ar1(1, 0, N, 1, 1, x);
  for (int i = 0; i < N; i++) mean += x[i] / N;
  for (int i = 0; i < N; i++) square += (x[i] - mean) * (x[i] - mean);
  check_ok(ctx, cw_jackknife(ctx, x, N, 1, 1, NULL, NULL, &error));
  check_close(error, sqrt(square / N / (N - 1)), 1e-12);
  cw_context_destroy(ctx);
}

/* Mean of error^2 over seeds against the exact variance of the mean. Blocks of b steps see it up to
 * correlations across their edges, a share of about 2 tau/b. */
static void run_ar1(double a, long n_chain, long n_step, double low, double high) {
  enum { SEEDS = 60 };
  cw_context *ctx = test_context(1);
  double *x = malloc((size_t)(n_chain * n_step) * sizeof *x);
  double ratio = 0, error;
  assert_non_null(x);
  for (uint32_t seed = 0; seed < SEEDS; seed++) {
    ar1(seed, a, n_chain, n_step, 1, x);
    check_ok(ctx, cw_jackknife(ctx, x, n_chain, n_step, 1, NULL, NULL, &error));
    ratio += error * error / ar1_variance(a, n_chain, n_step) / SEEDS;
  }
  print_message("a %.1f, %ld x %ld: error^2/exact %.3f\n", a, n_chain, n_step, ratio);
  assert_true(ratio > low && ratio < high);
  free(x);
  cw_context_destroy(ctx);
}

static void chains_have_their_errors(void **state) {
  (void)state;
  run_ar1(0, 1, 640, 0.9, 1.1);
  run_ar1(0.8, 64, 40, 0.93, 1.07);  /* whole chains */
  run_ar1(0.8, 600, 10, 0.95, 1.05); /* several to a block */
  run_ar1(0.8, 2, 1600, 0.83, 1.08); /* pieces of 100 steps */
}

/* Of <x>^2 <y>, whose gradient at the means (2, 3) is (12, 4). */
static void functions_are_not_linearised(void **state) {
  (void)state;
  enum { N = 4000 };
  cw_context *ctx = test_context(1);
  double x[2 * N], error;
  ar1(5, 0, N, 1, 2, x);
  for (int i = 0; i < N; i++) {
    x[2 * i] += 2;
    x[2 * i + 1] += 3;
  }
  check_ok(ctx, cw_jackknife(ctx, x, N, 1, 2, product, NULL, &error));
  check_close(error, sqrt((12 * 12 + 4 * 4) / (double)N), 0.15);
  cw_context_destroy(ctx);
}

static void nothing_is_told_by_one_block_or_without_a_function(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  double x[64], error = 0;
  ar1(9, 0, 64, 1, 1, x);
  check_ok(ctx, cw_jackknife(ctx, x, 1, 1, 1, NULL, NULL, &error));
  assert_true(isnan(error));
  for (int i = 0; i < 64; i++) x[i] += 1;
  check_ok(ctx, cw_jackknife(ctx, x, 64, 1, 1, undefined, NULL, &error));
  assert_true(isnan(error));
  cw_context_destroy(ctx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_leave_one_out), cmocka_unit_test(chains_have_their_errors),
      cmocka_unit_test(functions_are_not_linearised),
      cmocka_unit_test(nothing_is_told_by_one_block_or_without_a_function)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
