/* Straight lines through points with errors: against numbers by hand and against the spread of many fits. */
#include <math.h>

#include "causeway/stats.h"
#include "core/random.h"
#include "support/check.h"

/* Weights 1, 1, 4 at x = 0, 1, 2: the mean of x is 3/2, S_xx = 9/4 + 1/4 + 4/4 = 7/2, and so on. */
static void numbers_by_hand(void **state) {
  cw_context *ctx = *state;
  const double x[] = {0, 1, 2}, y[] = {1, 2, 5}, dy[] = {1, 1, 0.5};
  cw_line line;
  check_ok(ctx, cw_fit_line(ctx, x, y, dy, 3, &line));
  const double height = 23. / 6,
               slope = (1.5 * (height - 1) + 0.5 * (height - 2) + 2 * (5 - height)) / 3.5;
  check_close(line.slope, slope, 1e-14);
  check_close(line.at_zero, height - 1.5 * slope, 1e-14);
  check_close(line.slope_error, sqrt(1 / 3.5), 1e-14);
  check_close(line.at_zero_error, sqrt(1. / 6 + 2.25 / 3.5), 1e-14);
  double chi2 = 0;
  for (int i = 0; i < 3; i++) chi2 += pow((y[i] - line.at_zero - slope * x[i]) / dy[i], 2);
  check_close(line.chi2, chi2, 1e-12);
  assert_int_equal(line.dof, 1);
}

/* Errors are those of normal points: the spread of 4000 fits, and the mean of chi2. */
static void errors_are_the_spread(void **state) {
  cw_context *ctx = *state;
  enum { FITS = 4000, N = 6 };
  double slopes = 0, zeros = 0, chi2 = 0, x[N], y[N], dy[N], z[2];
  for (int k = 0; k < FITS; k++) {
    cw_line line;
    for (int i = 0; i < N; i++) {
      cw_normal2(CW_ISA_BASE, cw_rng_stream(1, "line"), (uint32_t)i, 0, (uint32_t)k, 0, z);
      x[i] = 1 + i * i;
      dy[i] = 0.5 + 0.1 * i;
      y[i] = 3 - 2 * x[i] + dy[i] * z[0];
    }
    check_ok(ctx, cw_fit_line(ctx, x, y, dy, N, &line));
    slopes += pow((line.slope + 2) / line.slope_error, 2) / FITS;
    zeros += pow((line.at_zero - 3) / line.at_zero_error, 2) / FITS;
    chi2 += line.chi2 / (double)line.dof / FITS;
  }
  const double sigma = sqrt(2. / FITS); /* of a mean of squares of normal numbers */
  check_close(slopes, 1, 4 * sigma);
  check_close(zeros, 1, 4 * sigma);
  check_close(chi2, 1, 4 * sigma / 2);
}

static void no_line_is_refused(void **state) {
  cw_context *ctx = *state;
  const double x[] = {2, 2}, y[] = {1, 3}, dy[] = {1, 1}, none[] = {1, 0};
  cw_line line;
  check_failure(ctx, cw_fit_line(ctx, x, y, dy, 2, &line), CW_EINVAL, "not apart");
  check_failure(ctx, cw_fit_line(ctx, y, x, none, 2, &line), CW_EINVAL, "without an error");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_by_hand),
      cmocka_unit_test(errors_are_the_spread),
      cmocka_unit_test(no_line_is_refused),
  };
  return cmocka_run_group_tests(tests, test_open_context_1, test_close_context);
}
