#include "model/determinant.h"

#include <math.h>

static void exchange(double *a, double *b, long n) {
  for (long j = 0; j < n; j++) {
    const double s = a[j];
    a[j] = b[j];
    b[j] = s;
  }
}

double cw_log_abs_det(double *A, long n) {
  double sum = 0;
  for (long k = 0; k < n; k++) {
    double *pivot = A + k * n;
    long best = k;
    for (long i = k + 1; i < n; i++)
      if (fabs(A[i * n + k]) > fabs(A[best * n + k])) best = i;
    if (best != k) exchange(pivot, A + best * n, n);
    sum += log(fabs(pivot[k]));
    for (long i = k + 1; i < n; i++) {
      double *row = A + i * n;
      const double f = row[k] / pivot[k];
      if (f == 0) continue;
      for (long j = k; j < n; j++) row[j] -= f * pivot[j];
    }
  }
  return sum;
}
