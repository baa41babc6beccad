/* Ising terms on lanes. Sums of +1 and -1 are exact in any order. */
#include "theory/ising/ising.h"
#include "theory/neighbours.h"

enum { N_VEC = CW_LANES / CW_VD };

static inline __attribute__((always_inline)) void terms(const cw_geometry *geom, const double *x,
                                                        double *T, int dim) {
  cw_vd bonds[N_VEC] = {0}, spins[N_VEC] = {0};
  double of_lane[CW_ISING_TERMS][CW_LANES] CW_ALIGNED;
  for (long o = 0; o < geom->n_outer; o++) {
    double turned[CW_MAX_DIM][CW_LANES] CW_ALIGNED;
    const double *near[CW_MAX_DIM];
    cw_find_neighbours(geom, x, o, dim, 2, dim, turned, near);
    for (int v = 0; v < N_VEC; v++) {
      cw_vd s = cw_vd_load(x + o * CW_LANES + v * CW_VD);
      cw_vd sum = cw_vd_load(near[0] + v * CW_VD);
      for (int mu = 1; mu < dim; mu++) sum += cw_vd_load(near[mu] + v * CW_VD);
      bonds[v] += s * sum;
      spins[v] += s;
    }
  }
  for (int v = 0; v < N_VEC; v++) {
    cw_vd_store(of_lane[0] + v * CW_VD, bonds[v]);
    cw_vd_store(of_lane[1] + v * CW_VD, spins[v]);
  }
  const int B = CW_LANES / geom->V;
  for (int b = 0; b < B; b++)
    for (int k = 0; k < CW_ISING_TERMS; k++) {
      double sum = 0;
      for (int l = b; l < CW_LANES; l += B) sum += of_lane[k][l];
      T[b * CW_ISING_TERMS + k] = sum;
    }
}

static void all_terms(const cw_geometry *geom, const double *x, double *T) {
  switch (geom->lat.dim) {
  case 1:
    terms(geom, x, T, 1);
    break;
  case 2:
    terms(geom, x, T, 2);
    break;
  case 3:
    terms(geom, x, T, 3);
    break;
  default:
    terms(geom, x, T, 4);
    break;
  }
}

extern const cw_ising_kernels CW_ISA_NAME(cw_ising_kernels);
const cw_ising_kernels CW_ISA_NAME(cw_ising_kernels) = {all_terms};
