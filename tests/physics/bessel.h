/* Modified Bessel functions, of which partition functions in two dimensions are made. */
#ifndef CW_TEST_BESSEL_H
#define CW_TEST_BESSEL_H

/* I_n(x), n >= 0. */
static inline double bessel_i(int n, double x) {
  double sum = 0, term = 1;
  for (int k = 1; k <= n; k++) term *= x / 2 / k;
  for (int k = 1; k < 60; k++) {
    sum += term;
    term *= x * x / 4 / (k * (k + n));
  }
  return sum;
}

#endif
