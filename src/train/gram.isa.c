#include "train/gram.h"

#include "causeway/core.h"
#include "simd/simd.h"

/* Rows of g at once, whose sums fit into registers. */
enum { AT_ONCE = CW_VD >= 8 ? 8 : 4, VECTORS = CW_LANES / CW_VD };

static void products(long n, const double *a, const double *b, double *g) {
  for (int first = 0; first < CW_LANES; first += AT_ONCE) {
    cw_vd sum[AT_ONCE][VECTORS];
    for (int i = 0; i < AT_ONCE; i++)
      for (int v = 0; v < VECTORS; v++) sum[i][v] = cw_vd_set1(0);
    for (long k = 0; k < n; k++)
      for (int v = 0; v < VECTORS; v++) {
        const cw_vd y = cw_vd_load(b + k * CW_LANES + v * CW_VD);
        for (int i = 0; i < AT_ONCE; i++)
          sum[i][v] = cw_vd_fma(cw_vd_set1(a[k * CW_LANES + first + i]), y, sum[i][v]);
      }
    for (int i = 0; i < AT_ONCE; i++)
      for (int v = 0; v < VECTORS; v++)
        cw_vd_store(g + (first + i) * CW_LANES + v * CW_VD, sum[i][v]);
  }
}

static void combine(long n, const double *a, const double *y, double *out) {
  cw_vd factor[VECTORS];
  for (int v = 0; v < VECTORS; v++) factor[v] = cw_vd_load(y + v * CW_VD);
  for (long k = 0; k < n; k++) {
    cw_vd sum = cw_vd_set1(0);
    for (int v = 0; v < VECTORS; v++)
      sum = cw_vd_fma(cw_vd_load(a + k * CW_LANES + v * CW_VD), factor[v], sum);
    for (int l = 0; l < CW_VD; l++) out[k] += sum[l];
  }
}

static void project(long n, const double *a, const double *x, double *out) {
  cw_vd sum[VECTORS];
  for (int v = 0; v < VECTORS; v++) sum[v] = cw_vd_set1(0);
  for (long k = 0; k < n; k++)
    for (int v = 0; v < VECTORS; v++)
      sum[v] = cw_vd_fma(cw_vd_load(a + k * CW_LANES + v * CW_VD), cw_vd_set1(x[k]), sum[v]);
  for (int v = 0; v < VECTORS; v++) cw_vd_store(out + v * CW_VD, sum[v]);
}

const cw_gram_kernels CW_ISA_NAME(cw_gram_kernels) = {products, combine, project};
