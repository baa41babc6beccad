/* phi^4 kernels on lanes. Every lane does the same operations in the same order whatever its
 * (sub-lattice, configuration) pair, and partial sums are kept per canonical sub-lattice: results
 * have the same bits for every split. */
#include "theory/neighbours.h"
#include "theory/phi4/phi4.h"

enum { N_VEC = CW_LANES / CW_VD };

static inline __attribute__((always_inline)) void force(const cw_geometry *geom, const double *x,
                                                        const double *c, double *f, int dim) {
  const cw_vd c0 = cw_vd_set1(-c[0]), c1 = cw_vd_set1(-2 * c[1]), c2 = cw_vd_set1(-4 * c[2]);
  for (long o = 0; o < geom->n_outer; o++) {
    double turned[2 * CW_MAX_DIM][CW_LANES] __attribute__((aligned(64)));
    const double *near[2 * CW_MAX_DIM];
    cw_find_neighbours(geom, x, o, dim, 1, 2 * dim, turned, near);
    for (int v = 0; v < CW_LANES; v += CW_VD) {
      cw_vd phi = cw_vd_load(x + o * CW_LANES + v);
      cw_vd sum = cw_vd_load(near[0] + v);
#pragma GCC unroll 8
      for (int d = 1; d < 2 * dim; d++) sum += cw_vd_load(near[d] + v);
      cw_vd local = phi * cw_vd_fma(c2, phi * phi, c1);
      cw_vd_store(f + o * CW_LANES + v, cw_vd_fma(c0, sum, local));
    }
  }
}

/* Terms of one canonical sub-lattice: part[term][lane], over its n_inner outer sites from first on.
 */
static inline __attribute__((always_inline)) void
sublattice_terms(const cw_geometry *geom, const double *x, long first,
                 double part[CW_PHI4_TERMS][CW_LANES], int dim) {
  cw_vd bonds[N_VEC] = {0}, squares[N_VEC] = {0}, quartics[N_VEC] = {0};
  for (long o = first; o < first + geom->n_inner; o++) {
    double turned[CW_MAX_DIM][CW_LANES] __attribute__((aligned(64)));
    const double *near[CW_MAX_DIM];
    cw_find_neighbours(geom, x, o, dim, 2, dim, turned, near);
    for (int v = 0; v < N_VEC; v++) {
      cw_vd phi = cw_vd_load(x + o * CW_LANES + v * CW_VD);
      cw_vd sum = cw_vd_load(near[0] + v * CW_VD);
      for (int mu = 1; mu < dim; mu++) sum += cw_vd_load(near[mu] + v * CW_VD);
      cw_vd square = phi * phi;
      bonds[v] = cw_vd_fma(phi, sum, bonds[v]);
      squares[v] += square;
      quartics[v] = cw_vd_fma(square, square, quartics[v]);
    }
  }
  for (int v = 0; v < N_VEC; v++) {
    cw_vd_store(part[0] + v * CW_VD, bonds[v]);
    cw_vd_store(part[1] + v * CW_VD, squares[v]);
    cw_vd_store(part[2] + v * CW_VD, quartics[v]);
  }
}

static inline __attribute__((always_inline)) void terms(const cw_geometry *geom, const double *x,
                                                        double *T, int dim) {
  double part[CW_PHI4_TERMS][CW_LANES][CW_LANES]; /* term, canonical sub-lattice, lane */
  for (int g = 0; g < geom->n_sub / geom->V; g++) {
    double one[CW_PHI4_TERMS][CW_LANES] __attribute__((aligned(64)));
    sublattice_terms(geom, x, g * geom->n_inner, one, dim);
    for (int k = 0; k < CW_PHI4_TERMS; k++) memcpy(part[k][g], one[k], sizeof one[k]);
  }
  for (int k = 0; k < CW_PHI4_TERMS; k++) {
    double total[CW_LANES];
    cw_sum_parts(geom, part[k][0], 1, total);
    for (int b = 0; b < CW_LANES / geom->V; b++) T[b * CW_PHI4_TERMS + k] = total[b];
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

static void all_forces(const cw_geometry *geom, const double *x, const double *c, double *f) {
  switch (geom->lat.dim) {
  case 1:
    force(geom, x, c, f, 1);
    break;
  case 2:
    force(geom, x, c, f, 2);
    break;
  case 3:
    force(geom, x, c, f, 3);
    break;
  default:
    force(geom, x, c, f, 4);
    break;
  }
}

extern const cw_phi4_kernels CW_ISA_NAME(cw_phi4_kernels);
const cw_phi4_kernels CW_ISA_NAME(cw_phi4_kernels) = {all_terms, all_forces};
