/* causeway/ising.h - the Ising model, and its exact solution on finite tori.
 *
 *   E = -sum_{x,mu} s_x s_{x+mu} - h sum_x s_x,   p(s) = exp(-beta E)/Z,   s_x = +1 or -1,
 *
 * periodic in 1 to 4 dimensions: as an action S = c_0 T_0 + c_1 T_1 with T_0 = sum_{x,mu} s_x
 * s_{x+mu}, T_1 = sum_x s_x, c_0 = -beta, c_1 = -beta h. Where an extent is 2 two bonds join the
 * same sites, where it is 1 a site is its own neighbour. */
#ifndef CAUSEWAY_ISING_H
#define CAUSEWAY_ISING_H

#include "causeway/theory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Parameters of the theory "ising". */
enum { CW_ISING_BETA, CW_ISING_H };

bool cw_is_ising(const cw_theory_ops *ops);

#define CW_ISING_MAX_BETA 100.0

/* Per site; of the whole lattice divided by its sites, nothing is taken to infinity. */
typedef struct {
  double lnz;     /* ln Z/V */
  double energy;  /* <E>/V = -d lnz/d beta */
  double heat;    /* specific heat beta^2 (<E^2> - <E>^2)/V = beta^2 d^2 lnz/d beta^2 */
  double entropy; /* lnz + beta energy */
} cw_ising_exact;

/* The torus of extents L1 and L2 (1 .. 2^30) without field, 0 <= beta <= CW_ISING_MAX_BETA: the sum
 * of four products over the smaller extent n of B. Kaufman, Phys. Rev. 76 (1949) 1232, as in A. E.
 * Ferdinand and M. E. Fisher, Phys. Rev. 185 (1969) 832, eqs. (2.1)-(2.6), m being the other
 * extent: Z = 1/2 (2 sinh 2 beta)^(mn/2) [ prod 2 cosh(m gamma_(2r+1)/2) + prod 2 sinh(m
 * gamma_(2r+1)/2)
 *                                  + prod 2 cosh(m gamma_(2r)/2) + prod 2 sinh(m gamma_(2r)/2) ],
 *   r = 0 .. n-1, cosh gamma_l = cosh^2(2 beta)/sinh(2 beta) - cos(pi l/n), gamma_l > 0 but for
 *   gamma_0 = 2 beta + ln tanh beta.
 * Logarithms throughout, and derivatives term by term: accurate to 1e-14 for lnz and about 1e-12
 * for the others, at any size. Cost: 2n terms, 0.15 us each. */
cw_ising_exact cw_ising_torus(long L1, long L2, double beta);

/* ln Z of the ring of L sites in a field: the trace of the L-th power of the transfer matrix
 * (E. Ising, Z. Phys. 31 (1925) 253). 0 <= beta <= CW_ISING_MAX_BETA, any h. */
double cw_ising_ring_lnz(long L, double beta, double h);

#ifdef __cplusplus
}
#endif
#endif
