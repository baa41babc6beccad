/* The exact numbers that gauge theories are tested against, themselves against published ones and
 * against integrals that need no characters. */
#include "support/check.h"
#include "support/exact_gauge.h"

#include <stdlib.h>

#include "causeway/stats.h"
#include "theory/wilson/torus.h"

static const double pi = 3.14159265358979323846;

/* Numbers of independent calculations (<Q^2>: quadrature with 30 digits), to all their digits. */
static void test_known_values(void **state) {
  (void)state;
  check_close(exact_plaquette_2d(1, 2, 64), 0.697774658, 6e-10);
  check_close(exact_plaquette_2d(1, 7, 64), 0.925700364, 6e-10);
  check_close(exact_plaquette_2d(1, 7, 256), 0.925532211, 6e-10);
  check_close(exact_u1_q2(2, 64), 1.23929891072326, 1e-13);
  check_close(exact_u1_q2(7, 64), 0.217110832503715, 1e-13);
  check_close(exact_u1_q2(7, 256), 1.00641415786398, 1e-13);
  check_close(exact_plaquette_2d(3, 4, 0), 0.2796192, 6e-8);
  check_close(exact_plaquette_2d(3, 5, 0), 0.3539544, 6e-8);
  check_close(exact_plaquette_2d(3, 6, 0), 0.4225317, 6e-8);
}

/* I_2/I_1 for SU(2) and I_1/I_0 for U(1), from the power series of Bessel functions. */
static double series(int n, double x) {
  double term = 1, sum = 0;
  for (int k = 1; k <= n; k++) term *= x / (2 * k);
  for (int k = 0; k < 60; k++) {
    sum += term;
    term *= x * x / 4 / ((k + 1) * (double)(k + 1 + n));
  }
  return sum;
}
static void test_infinite_volume(void **state) {
  (void)state;
  for (double beta = 0.5; beta < 9; beta += 1.3) {
    check_close(exact_plaquette_2d(2, beta, 0), series(2, beta) / series(1, beta), 1e-13);
    check_close(exact_plaquette_2d(1, beta, 0), series(1, beta) / series(0, beta), 1e-13);
    for (int n = 1; n <= 3; n++) /* large tori forget their size */
      check_close(exact_plaquette_2d(n, beta, 4000), exact_plaquette_2d(n, beta, 0), 1e-12);
  }
}

/* At U = 1 the expansion says exp(beta) = sum_r d_r^2 a_r, and its derivative the same. */
static void test_expansion_at_one(void **state) {
  (void)state;
  for (int n = 1; n <= 3; n++)
    for (double beta = 0.7; beta < 8; beta += 2.1) {
      double sum = 0, slope = 0;
      for (int p = n == 1 ? -30 : 0; p <= (n == 3 ? 24 : 30); p++)
        for (int q = 0; q <= (n == 3 ? 24 - p : 0); q++) {
          double derivative, d = cw_torus_dimension(n, p, q);
          sum += d * d * cw_torus_character(n, beta, p, q, &derivative);
          slope += d * d * derivative;
        }
      check_close(sum, 1, 1e-12);
      check_close(slope, 1, 1e-12);
    }
}

/* Two plaquettes of U(1) have opposite angles: Z = I_0(2 beta), and <cos P> = I_1(2 beta)/I_0(2
 * beta).
 */
static void test_u1_two_plaquettes(void **state) {
  (void)state;
  for (double beta = 0.4; beta < 4; beta += 0.9)
    check_close(exact_plaquette_2d(1, beta, 2), series(1, 2 * beta) / series(0, 2 * beta), 1e-13);
}

/* One plaquette of SU(2) is a commutator, tr(A B A^+ B^+)/2 = 1 - 2 |a x b|^2 for A = a0 + i
 * a.sigma: the mean over two Haar integrals, by quadrature of the two angles and the one between
 * the axes. */
static void test_su2_one_plaquette(void **state) {
  (void)state;
  enum { N = 60 };
  double t[N], wt[N], z[N], wz[N];
  cw_gauss_legendre(N, 0, pi, t, wt);
  cw_gauss_legendre(N, -1, 1, z, wz);
  for (double beta = 0.6; beta < 5; beta += 1.7) {
    double above = 0, below = 0;
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++)
        for (int k = 0; k < N; k++) {
          double s = sin(t[i]) * sin(t[i]), r = sin(t[j]) * sin(t[j]);
          double p = 1 - 2 * s * r * (1 - z[k] * z[k]);
          double w = wt[i] * wt[j] * wz[k] * s * r * exp(beta * (p - 1));
          above += w * p;
          below += w;
        }
    check_close(exact_plaquette_2d(2, beta, 1), above / below, 1e-10);
  }
}

/* Three plaquettes of U(1): their angles add up to 2 pi Q, Q = -1, 0, 1, and Q = 1 is the triangle
 * phi_1 + phi_2 > pi. */
static void test_u1_charge_of_three_plaquettes(void **state) {
  (void)state;
  enum { N = 60 };
  for (double beta = 0.3; beta < 4; beta += 1.2) {
    double x[N], w[N], one = 0, all = 0;
    cw_gauss_legendre(N, 0, 1, x, w);
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++) {
        double a = pi * x[i], b = pi - a + a * x[j]; /* 0 < a < pi, pi - a < b < pi */
        one += pi * w[i] * a * w[j] * exp(beta * (cos(a) + cos(b) + cos(a + b)));
      }
    for (int n = -30; n <= 30; n++) all += 4 * pi * pi * pow(series(abs(n), beta), 3);
    check_close(exact_u1_q2(beta, 3), 2 * one / all, 1e-12);
  }
}

/* <Q^2>/V of a large torus is the mean square of a single free angle. */
static void test_u1_charge_of_many_plaquettes(void **state) {
  (void)state;
  enum { N = 200 };
  double phi[N], w[N], square = 0, norm = 0, beta = 3;
  cw_gauss_legendre(N, -pi, pi, phi, w);
  for (int i = 0; i < N; i++) {
    square += w[i] * exp(beta * cos(phi[i])) * phi[i] * phi[i] / (4 * pi * pi);
    norm += w[i] * exp(beta * cos(phi[i]));
  }
  check_close(exact_u1_q2(beta, 2000) / 2000, square / norm, 1e-12);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known_values),
      cmocka_unit_test(test_infinite_volume),
      cmocka_unit_test(test_expansion_at_one),
      cmocka_unit_test(test_u1_two_plaquettes),
      cmocka_unit_test(test_su2_one_plaquette),
      cmocka_unit_test(test_u1_charge_of_three_plaquettes),
      cmocka_unit_test(test_u1_charge_of_many_plaquettes),
  };
  return cmocka_run_group_tests_name("exact gauge theories", tests, NULL, NULL);
}
