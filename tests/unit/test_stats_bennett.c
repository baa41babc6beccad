/* Free energies from works both ways: by hand, and Gaussian works, whose answer is known. */
#include "causeway/stats.h"

#include "stats_tally.h"

/* Two chains of two steps: the ratio solves <f(w - C)> = <f(w' + C)>, checked in the other order. */
static void test_by_hand(void **state) {
  cw_context *ctx = *state;
  const double work[8][2] = {{1.2, -0.7}, {0.4, NAN}, {NAN, 0.1},  {2.0, -1.1},
                             {0.9, -0.2}, {1.5, 0.3}, {0.1, -1.6}, {1.1, -0.5}};
  cw_estimate e;
  check_ok(ctx, cw_bennett(ctx, work[0], 2, 4, 1, &e));
  double there = 0, back = 0, n_there = 0, n_back = 0;
  for (int i = 0; i < 8; i++) {
    if (!isnan(work[i][0])) there += 1 / (1 + exp(work[i][0] + e.value)), n_there++;
    if (!isnan(work[i][1])) back += 1 / (1 + exp(work[i][1] - e.value)), n_back++;
  }
  check_close(there / n_there, back / n_back, 1e-8);
}

/* Works of two pairs, of variance v and autocorrelation a, and of pair 1 at every other step only. */
static double *draw_works(uint32_t seed, double a, const double *dF, double v, long n_chain,
                          long n_step) {
  double *x = malloc((size_t)(n_chain * n_step * 4) * sizeof *x);
  assert_non_null(x);
  ar1(seed, a, n_chain, n_step, 4, x);
  for (long i = 0; i < n_chain * n_step * 4; i++) {
    const long pair = i / 2 % 2, way = i % 2;
    x[i] = (way == 0 ? dF[pair] : -dF[pair]) + v / 2 + sqrt(v) * x[i];
    if (pair == 1 && i / 4 % 2 == 1) x[i] = NAN;
  }
  return x;
}

static void test_gaussian_works(void **state) {
  cw_context *ctx = *state;
  const double dF[2] = {-41.5, 3.25};
  tally z = {0};
  for (uint32_t seed = 0; seed < (SANITIZED ? 20 : 200); seed++) {
    double *work = draw_works(seed, 0.5, dF, 3, 4, 1000);
    cw_estimate e;
    check_ok(ctx, cw_bennett(ctx, work, 4, 1000, 2, &e));
    assert_true(e.error < 0.1 && e.error > 0.02);
    count(&z, (e.value + dF[0] + dF[1]) / e.error);
    free(work);
  }
  check_calibrated("ln Z ratio", &z);
}

static void test_nothing(void **state) {
  cw_context *ctx = *state;
  double work[16];
  for (int i = 0; i < 16; i++) work[i] = i % 2 == 0 ? 0.1 * i : NAN; /* none back */
  cw_estimate e;
  check_ok(ctx, cw_bennett(ctx, work, 1, 8, 1, &e));
  assert_true(isnan(e.value) && isnan(e.error));
}

/* Works that do not fluctuate say what the ratio is, and nothing of its error: where both ways agree, and
 * where they do not. */
static void test_constant_works(void **state) {
  cw_context *ctx = *state;
  const double cases[][3] = {{1.5, -1.5, -1.5}, {0, 0, 0}, {-800, 800, 800}, {1.5, 1.5, 0}};
  for (int c = 0; c < 4; c++) {
    double work[16];
    cw_estimate e;
    for (int i = 0; i < 16; i++) work[i] = cases[c][i % 2];
    check_ok(ctx, cw_bennett(ctx, work, 2, 4, 1, &e));
    check_close(e.value, cases[c][2], 1e-8);
    assert_true(isnan(e.error) && e.why != NULL);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_by_hand), cmocka_unit_test(test_gaussian_works),
      cmocka_unit_test(test_nothing), cmocka_unit_test(test_constant_works)};
  return cmocka_run_group_tests_name("bennett", tests, test_open_context_2, test_close_context);
}
