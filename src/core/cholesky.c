#include <math.h>

#include "causeway/core.h"

bool cw_cholesky(long n, double *a, double least) {
  for (long i = 0; i < n; i++)
    for (long j = 0; j <= i; j++) {
      double x = a[i * n + j];
      for (long k = 0; k < j; k++) x -= a[i * n + k] * a[j * n + k];
      if (i == j && !(x > least)) return false;
      a[i * n + j] = i == j ? sqrt(x) : x / a[j * n + j];
    }
  return true;
}

void cw_cholesky_solve(long n, const double *L, double *y) {
  for (long i = 0; i < n; i++) {
    for (long k = 0; k < i; k++) y[i] -= L[i * n + k] * y[k];
    y[i] /= L[i * n + i];
  }
  for (long i = n - 1; i >= 0; i--) {
    for (long k = i + 1; k < n; k++) y[i] -= L[k * n + i] * y[k];
    y[i] /= L[i * n + i];
  }
}
