/* Rungs for equal acceptance, on ladders of Gaussians whose acceptances are known. */
#include "support/check.h"

#include <string.h>

#include "causeway/bridge.h"

/* S = x^2/2 - c x: neighbours at a distance |dc| swap with probability erfc(|dc|/2), exactly. */
static double shifted(double dc) { return erfc(0.5 * fabs(dc)); }

/* Lengths are the distances in c, whatever t is: equal ones between 0 and 1 for a path that runs
 * at different speeds between the rungs that were measured. */
static void test_exact_lengths(void **state) {
  enum { N = 5, NEW = 7 };
  const double t[N] = {0, 0.1, 0.4, 0.7, 1}, c[N] = {0, 3, 3.5, 5.1, 7};
  double accept[N - 1], found[NEW];
  for (int k = 0; k < N - 1; k++) accept[k] = shifted(c[k + 1] - c[k]);
  check_ok(*state, cw_equal_rungs(*state, N, t, accept, NEW, found));
  assert_true(found[0] == 0 && found[NEW - 1] == 1);
  for (int i = 1; i < NEW - 1; i++) {
    double aim = 7.0 * i / (NEW - 1);
    int k = 0;
    while (c[k + 1] < aim) k++;
    check_close(found[i], t[k] + (aim - c[k]) / (c[k + 1] - c[k]) * (t[k + 1] - t[k]), 1e-9);
  }
  for (int n = 1; n < 20; n++) { /* n intervals make it, with nothing to spare */
    double target = shifted(7.0 / n);
    assert_int_equal(cw_rungs_needed(N, accept, target * (1 - 1e-6)), n + 1);
    assert_int_equal(cw_rungs_needed(N, accept, target * (1 + 1e-6)), n + 2);
  }
}

/* S = c sum_i x_i^2/2 of N_DIM numbers: T is gamma distributed, neighbours a < b swap with twice
 * the probability of T_b > T_a, which is a beta distribution's up to a/(a+b). */
enum { N_DIM = 60 };

static double scaled(double a, double b) {
  enum { N = 20000 };
  double h = 0.5 / N, below = 0, all = 0, edge = a / (a + b);
  for (int i = 0; i < N; i++) { /* symmetric about 1/2 */
    double u = (i + 0.5) * h, w = pow(4 * u * (1 - u), 0.5 * N_DIM - 1);
    all += 2 * w;
    below += w * fmin(fmax((edge - (u - 0.5 * h)) / h, 0), 1);
  }
  return 2 * below / all;
}

static void acceptances(int n, const double *t, double *accept) {
  for (int k = 0; k < n - 1; k++) accept[k] = scaled(1 + 3 * t[k], 1 + 3 * t[k + 1]);
}

/* Evenly spaced rungs end up in a geometric series, with equal acceptances. */
static void test_tuning_converges(void **state) {
  enum { N = 7 };
  double t[N], accept[N - 1], next[N];
  for (int k = 0; k < N; k++) t[k] = (double)k / (N - 1);
  acceptances(N, t, accept);
  assert_true(accept[0] < 0.15 && accept[N - 2] > 0.5);
  for (int turn = 0; turn < 6; turn++) {
    check_ok(*state, cw_equal_rungs(*state, N, t, accept, N, next));
    for (int k = 0; k < N; k++) t[k] = next[k];
    acceptances(N, t, accept);
  }
  for (int k = 0; k < N - 1; k++) check_close(accept[k], accept[0], 1e-4);
  for (int k = 0; k < N; k++) check_close(1 + 3 * t[k], pow(4, (double)k / (N - 1)), 1e-3);
}

/* From a ladder that hardly swaps to one that swaps well, without trying. */
static void test_extrapolation(void **state) {
  enum { COARSE = 3, MOST = 40 };
  double t[MOST], accept[MOST];
  for (int k = 0; k < COARSE; k++) t[k] = (pow(4, (double)k / (COARSE - 1)) - 1) / 3;
  acceptances(COARSE, t, accept);
  assert_true(accept[0] < 0.01);
  const double targets[] = {0.1, 0.2, 0.3, 0.5, 0.7};
  for (int i = 0; i < 5; i++) {
    double fine[MOST];
    int n = cw_rungs_needed(COARSE, accept, targets[i]);
    for (int fewer = 0; fewer < 2; fewer++) {
      for (int k = 0; k < n - fewer; k++) t[k] = (pow(4, (double)k / (n - fewer - 1)) - 1) / 3;
      acceptances(n - fewer, t, fine);
      assert_true(fewer ? fine[0] < targets[i] * 1.02 : fine[0] > targets[i] * 0.98);
    }
  }
  (void)state;
}

static void test_refusals(void **state) {
  const double t[3] = {0, 0.5, 1}, dead[2] = {0.3, 0}, perfect[2] = {1, 1}, lost[2] = {0.3, NAN};
  double found[5];
  assert_int_equal(cw_equal_rungs(*state, 3, t, dead, 5, found), CW_ENUMERIC);
  assert_non_null(strstr(cw_error(*state), "rungs 1 and 2"));
  cw_clear_error(*state);
  assert_int_equal(cw_equal_rungs(*state, 3, t, lost, 5, found), CW_ENUMERIC);
  cw_clear_error(*state);
  assert_int_equal(cw_equal_rungs(*state, 1, t, perfect, 5, found), CW_EINVAL);
  cw_clear_error(*state);
  assert_int_equal(cw_equal_rungs(*state, 3, t, perfect, 1, found), CW_EINVAL);
  cw_clear_error(*state);
  check_ok(*state, cw_equal_rungs(*state, 3, t, perfect, 5, found));
  for (int i = 0; i < 5; i++) check_close(found[i], 0.25 * i, 1e-15);
  assert_int_equal(cw_rungs_needed(3, dead, 0.2), 0);
  assert_int_equal(cw_rungs_needed(3, perfect, 0.2), 2);
  assert_int_equal(cw_rungs_needed(3, perfect, 1), 0);
  assert_int_equal(cw_rungs_needed(3, perfect, 0), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_exact_lengths),
      cmocka_unit_test(test_tuning_converges),
      cmocka_unit_test(test_extrapolation),
      cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests_name("rungs", tests, test_open_context_1, test_close_context);
}
