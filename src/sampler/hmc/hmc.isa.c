/* HMC's own arithmetic on rows of lanes. */
#include "simd/simd.h"
#include "sampler/hmc/hmc.h"

enum { N_VEC = CW_LANES / CW_VD };

static void add_scaled(double *y, const double *a, const double *x, long n_rows) {
  cw_vd scale[N_VEC];
  memcpy(scale, a, sizeof scale);
  for (long r = 0; r < n_rows; r++)
    for (int v = 0; v < N_VEC; v++) {
      double *to = y + r * CW_LANES + v * CW_VD;
      cw_vd_store(to,
                  cw_vd_fma(scale[v], cw_vd_load(x + r * CW_LANES + v * CW_VD), cw_vd_load(to)));
    }
}

static void kinetic(const double *p, long n_rows, double *part) {
  cw_vd sum[N_VEC] = {0};
  for (long r = 0; r < n_rows; r++)
    for (int v = 0; v < N_VEC; v++) {
      cw_vd q = cw_vd_load(p + r * CW_LANES + v * CW_VD);
      sum[v] = cw_vd_fma(q, q, sum[v]);
    }
  for (int v = 0; v < N_VEC; v++) sum[v] *= 0.5;
  memcpy(part, sum, sizeof sum);
}

static void scale(double *x, const double *a, long n_rows) {
  cw_vd factor[N_VEC];
  memcpy(factor, a, sizeof factor);
  for (long r = 0; r < n_rows; r++)
    for (int v = 0; v < N_VEC; v++) {
      double *to = x + r * CW_LANES + v * CW_VD;
      cw_vd_store(to, factor[v] * cw_vd_load(to));
    }
}

extern const cw_hmc_kernels CW_ISA_NAME(cw_hmc_kernels);
const cw_hmc_kernels CW_ISA_NAME(cw_hmc_kernels) = {add_scaled, kinetic, scale};
