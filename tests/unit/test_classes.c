/* Maps of conjugacy classes of layer `snake`: what they make of Haar's measure, by sums over classes. */
#include <math.h>
#include <string.h>

#include "model/layers/snake/classes.h"
#include "support/check.h"
#include "support/exact_gauge.h"

/* Of each angle; images crowd where the density is high, so that few are elsewhere. */
static int points(int N) { return N == 3 ? 90 : 4000; }

static double re_trace(int N, const double *theta) {
  double sum = 0;
  for (int j = 0; j < N; j++) sum += cos(theta[j]);
  return sum / N;
}

/* Haar's measure of a class. */
static double measure(int N, const double *theta) {
  double w = 1;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < i; j++) w *= pow(sin(0.5 * (theta[i] - theta[j])), 2);
  return w;
}

static void class_at(int N, int i, int j, double *theta) {
  theta[0] = 2 * M_PI * (i + 0.2) / points(N);
  theta[1] = N == 2 ? -theta[0] : 2 * M_PI * (j + 0.5) / points(N);
  theta[2] = -theta[0] - theta[1];
}

/* Sums over classes of the image's weight: its mean is that of the density, and it hardly varies. */
static void check_map(const cw_classes *f, double kappa, double most_variance) {
  const int N = f->n_colours;
  double total = 0, sum = 0, square = 0, trace = 0;
  for (int i = 0; i < points(N); i++)
    for (int j = 0; j < (N == 3 ? points(N) : 1); j++) {
      double theta[CW_CLASS_COLOURS], image[CW_CLASS_COLOURS], back[CW_CLASS_COLOURS];
      class_at(N, i, j, theta);
      memcpy(image, theta, sizeof theta);
      const double logj = cw_classes_map(f, kappa, false, image), share = measure(N, theta);
      const double w = exp(logj + kappa * (re_trace(N, image) - 1));
      total += share;
      sum += share * w;
      square += share * w * w;
      trace += share * w * re_trace(N, image);
      if ((i + j) % 64 != 0) continue;
      memcpy(back, image, sizeof image);
      check_close(cw_classes_map(f, kappa, true, back), -logj, 1e-10);
      for (int k = 0; k < N; k++) check_close(back[k], theta[k], 1e-12);
    }
  assert_true(fabs(square * total / (sum * sum) - 1) < most_variance);
  check_close(trace / sum, exact_plaquette_2d(N, kappa, 0), 1e-4);
  check_close(cw_classes_mean(N, kappa), exact_plaquette_2d(N, kappa, 0), 1e-9);
}

static void test_maps(void **state) {
  static const struct {
    int N;
    double beta, most_variance;
  } cases[] = {{1, 2, 1e-6}, {1, 7, 1e-5}, {2, 4, 1e-6}, {3, 3, 1e-6}, {3, 6, 3e-6}};
  (void)state;
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    cw_classes f;
    assert_int_equal(cw_classes_fit(cases[k].N, 2 * cases[k].beta, &f), CW_OK);
    check_map(&f, cases[k].beta, cases[k].most_variance);
  }
}

/* No coupling: nothing moves. */
static void test_identity(void **state) {
  cw_classes f;
  double theta[3] = {0.3, 1.1, -1.4};
  (void)state;
  assert_int_equal(cw_classes_fit(3, 2, &f), CW_OK);
  assert_true(cw_classes_map(&f, 0, false, theta) == 0);
  assert_true(theta[0] == 0.3 && theta[1] == 1.1 && theta[2] == -1.4);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_maps), cmocka_unit_test(test_identity)};
  return cmocka_run_group_tests_name("classes", tests, NULL, NULL);
}
