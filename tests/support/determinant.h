/* Determinants of matrices that tests make by differences. */
#ifndef CW_TEST_DETERMINANT_H
#define CW_TEST_DETERMINANT_H

#include <math.h>

/* ln|det A| of A (n, n), row by row; A is overwritten. */
static inline double log_abs_det(double *A, int n) {
  double sum = 0;
  for (int k = 0; k < n; k++) {
    int p = k;
    for (int i = k + 1; i < n; i++)
      if (fabs(A[i * n + k]) > fabs(A[p * n + k])) p = i;
    for (int j = 0; p != k && j < n; j++) {
      const double s = A[k * n + j];
      A[k * n + j] = A[p * n + j];
      A[p * n + j] = s;
    }
    sum += log(fabs(A[k * n + k]));
    for (int i = k + 1; i < n; i++) {
      const double f = A[i * n + k] / A[k * n + k];
      for (int j = k; f != 0 && j < n; j++) A[i * n + j] -= f * A[k * n + j];
    }
  }
  return sum;
}

#endif
