/* Where curves that are known at equidistant times cross a level. */
#include <math.h>

#include "observe/gradient_flow/flow.h"

/* The cubic through y[0..3] at 0, 1, 2, 3 (Lagrange). */
static double cubic(const double *y, double s) {
  const double a = s, b = s - 1, c = s - 2, d = s - 3;
  return -y[0] * b * c * d / 6 + y[1] * a * c * d / 2 - y[2] * a * b * d / 2 + y[3] * a * b * c / 6;
}

/* Root of cubic = level in [low, high], where it goes from below to above. */
static double bisect(const double *y, double low, double high, double level) {
  for (int i = 0; i < 60; i++) {
    const double middle = 0.5 * (low + high);
    if (cubic(y, middle) < level)
      low = middle;
    else
      high = middle;
  }
  return 0.5 * (low + high);
}

double cw_flow_crossing(const double *y, int n, double h, double level) {
  CW_REQUIRE(n >= 4);
  for (int k = 0; k + 1 < n; k++) {
    if (!(y[k] < level && y[k + 1] >= level)) continue;
    const int first = k < 1 ? 0 : k > n - 3 ? n - 4 : k - 1;
    return h * (first + bisect(y + first, k - first, k + 1 - first, level));
  }
  return NAN;
}

void cw_flow_log_derivative(const double *y, int n, double h, double *w) {
  /* dy/dt at point i of five, times 12 h: derivatives of the quartic through them. */
  static const double weight[5][5] = {{-25, 48, -36, 16, -3},
                                      {-3, -10, 18, -6, 1},
                                      {1, -8, 0, 8, -1},
                                      {-1, 6, -18, 10, 3},
                                      {3, -16, 36, -48, 25}};
  CW_REQUIRE(n >= 5);
  for (int k = 0; k < n; k++) {
    const int first = k < 2 ? 0 : k > n - 3 ? n - 5 : k - 2;
    double slope = 0;
    for (int j = 0; j < 5; j++) slope += weight[k - first][j] * y[first + j];
    w[k] = k * h * slope / (12 * h);
  }
}
