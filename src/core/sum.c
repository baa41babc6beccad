#include <math.h>

#include "causeway/core.h"

enum { LEAF = 32 };

double cw_sum(const double *x, size_t n) {
  if (n > LEAF) {
    size_t half = n / 2;
    return cw_sum(x, half) + cw_sum(x + half, n - half);
  }
  double s = 0;
  for (size_t i = 0; i < n; i++) s += x[i];
  return s;
}

double cw_dot(const double *x, const double *y, size_t n) {
  if (n > LEAF) {
    size_t half = n / 2;
    return cw_dot(x, y, half) + cw_dot(x + half, y + half, n - half);
  }
  double s = 0;
  for (size_t i = 0; i < n; i++) s += x[i] * y[i];
  return s;
}

static double sum_exp(const double *x, size_t n, double shift) {
  if (n > LEAF) {
    size_t half = n / 2;
    return sum_exp(x, half, shift) + sum_exp(x + half, n - half, shift);
  }
  double s = 0;
  for (size_t i = 0; i < n; i++) s += exp(x[i] - shift);
  return s;
}

double cw_logsumexp(const double *x, size_t n) {
  double top = -INFINITY;
  for (size_t i = 0; i < n; i++) {
    if (isnan(x[i])) return NAN;
    if (x[i] > top) top = x[i];
  }
  if (isinf(top)) return top;
  return top + log(sum_exp(x, n, top));
}
