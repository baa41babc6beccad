#include <float.h>
#include <math.h>

#include "causeway/stats.h"

enum { NEWTON_STEPS = 50 };

/* P_n(z) and its derivative, by the three-term recurrence. */
static double legendre(int n, double z, double *derivative) {
  double previous = 1, p = z;
  for (int k = 2; k <= n; k++) {
    const double next = ((2 * k - 1) * z * p - (k - 1) * previous) / k;
    previous = p;
    p = next;
  }
  *derivative = n * (z * p - previous) / (z * z - 1);
  return p;
}

/* The i-th largest root of P_n, i = 0..n-1, by Newton's method from its asymptotic place. */
static double legendre_root(int n, int i, double *derivative) {
  double z = cos(acos(-1.0) * (i + 0.75) / (n + 0.5));
  for (int turn = 0; turn < NEWTON_STEPS; turn++) {
    const double step = legendre(n, z, derivative) / *derivative;
    z -= step;
    if (fabs(step) <= 2 * DBL_EPSILON) break;
  }
  legendre(n, z, derivative);
  return z;
}

/* Abramowitz and Stegun, 25.4.29. Only half of the roots are computed, so that the rule is
 * symmetric to the bit. */
void cw_gauss_legendre(int n, double a, double b, double *x, double *w) {
  CW_REQUIRE(n >= 1 && x && w);
  const double middle = 0.5 * (a + b), half = 0.5 * (b - a);
  for (int i = 0; i < (n + 1) / 2; i++) {
    double derivative = 1;
    const double z = 2 * i + 1 == n ? 0 : legendre_root(n, i, &derivative);
    if (z == 0) legendre(n, z, &derivative);
    const double weight = 2 / ((1 - z * z) * derivative * derivative);
    x[i] = middle - half * z;
    x[n - 1 - i] = middle + half * z;
    w[i] = w[n - 1 - i] = half * weight;
  }
}
