#include "train/gram.h"

#include <string.h>

#include "simd/simd.h"

/* Rows of a and b whose products fit into registers; numbers of a row that stay in the second-level cache with the rest of
 * two panels. */
enum { A = 4, B = CW_VD >= 8 ? 4 : 2, STRETCH = 1024 };

static double sum_of(cw_vd x) {
  double sum = 0;
  for (int l = 0; l < CW_VD; l++) sum += x[l];
  return sum;
}

static inline void tile(long n, long stride, const double *a, const double *b, double *g) {
  cw_vd sum[A][B];
  for (int i = 0; i < A; i++)
    for (int j = 0; j < B; j++) sum[i][j] = cw_vd_set1(0);
  for (long k = 0; k < n; k += CW_VD)
    for (int j = 0; j < B; j++) {
      const cw_vd y = cw_vd_load(b + j * stride + k);
      for (int i = 0; i < A; i++)
        sum[i][j] = cw_vd_fma(cw_vd_load(a + i * stride + k), y, sum[i][j]);
    }
  for (int i = 0; i < A; i++)
    for (int j = 0; j < B; j++) g[i * CW_GRAM_PANEL + j] += sum_of(sum[i][j]);
}

static void products(long stride, const double *a, const double *b, double *g) {
  memset(g, 0, CW_GRAM_PANEL * CW_GRAM_PANEL * sizeof *g);
  for (long k = 0; k < stride; k += STRETCH) {
    const long n = stride - k < STRETCH ? stride - k : STRETCH;
    for (int i = 0; i < CW_GRAM_PANEL; i += A)
      for (int j = 0; j < CW_GRAM_PANEL; j += B)
        tile(n, stride, a + i * stride + k, b + j * stride + k, g + i * CW_GRAM_PANEL + j);
  }
}

static void combine(long n, long stride, long n_rows, const double *rows, const double *y,
                    double *out) {
  for (long i = 0; i < n_rows; i++) {
    const cw_vd factor = cw_vd_set1(y[i]);
    for (long k = 0; k < n; k += CW_VD)
      cw_vd_store(out + k,
                  cw_vd_fma(factor, cw_vd_load(rows + i * stride + k), cw_vd_load(out + k)));
  }
}

static double dot(long stride, const double *row, const double *x) {
  cw_vd sum = cw_vd_set1(0);
  for (long k = 0; k < stride; k += CW_VD)
    sum = cw_vd_fma(cw_vd_load(row + k), cw_vd_load(x + k), sum);
  return sum_of(sum);
}

const cw_gram_kernels CW_ISA_NAME(cw_gram_kernels) = {products, combine, dot};
