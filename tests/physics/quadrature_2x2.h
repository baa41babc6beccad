/* The four-dimensional integral of phi^4 on 2x2, S = c0 T0 + c1 T1 + c2 T2, by quadrature: what the
 * physics tests of chains and flows share. */
#ifndef CW_TEST_QUADRATURE_2X2_H
#define CW_TEST_QUADRATURE_2X2_H

#include <math.h>

/* ln Z and the moments of the sites: <phi^2>, <phi^4>, sum_mu <phi_x phi_x+mu>, V <m^2>. */
typedef struct {
  double lnZ, phi2, phi4, nn, chi2;
} moments_2x2;

/* The two diagonal pairs see each other only through their sums. With s = phi_2 + phi_3,
 *   S = sum_x U(phi_x) + 2 c0 (phi_1 + phi_4) s,   Z = int d2 d3 w w g_0(s)^2,
 *   w = exp(-U),   g_n(s) = int d1 w phi^n e^{-2 c0 phi s}. */
static inline void one_site_moments(double c0, double c1, double c2, double s, double g[3]) {
  const double range = 3, h = 0.01;
  g[0] = g[1] = g[2] = 0;
  for (int i = 0; i <= 600; i++) {
    double phi = -range + i * h;
    double w = exp(-(c1 + c2 * phi * phi) * phi * phi - 2 * c0 * phi * s);
    g[0] += h * w;
    g[1] += h * w * phi;
    g[2] += h * w * phi * phi;
  }
}

/* Trapezoids converge faster than any power of their width, as the integrand and its derivatives
 * vanish at the ends: fields beyond +-3 must not matter. */
static inline moments_2x2 quadrature_2x2(double c0, double c1, double c2) {
  enum { N = 301 };
  const double range = 3, h = 2 * range / (N - 1);
  double g[2 * N][3], Z = 0;
  moments_2x2 m = {0};
  for (int k = 0; k < 2 * N - 1; k++) one_site_moments(c0, c1, c2, -2 * range + k * h, g[k]);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      double a = -range + i * h, b = -range + j * h, s = a + b;
      const double *G = g[i + j];
      double w = exp(-(c1 + c2 * a * a) * a * a - (c1 + c2 * b * b) * b * b);
      Z += w * G[0] * G[0];
      m.phi2 += w * G[0] * G[0] * a * a;
      m.phi4 += w * G[0] * G[0] * a * a * a * a;
      m.nn += w * G[0] * G[1] * s; /* (1/4) 2 <(phi_1 + phi_4) s> */
      m.chi2 +=
          w * (G[0] * G[0] * s * s + 4 * s * G[0] * G[1] + 2 * G[0] * G[2] + 2 * G[1] * G[1]) / 4;
    }
  return (moments_2x2){log(Z * h * h), m.phi2 / Z, m.phi4 / Z, m.nn / Z, m.chi2 / Z};
}

#endif
