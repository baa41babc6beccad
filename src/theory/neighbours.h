/* Neighbours of a row of lanes, for kernels of fields with one number per site. */
#ifndef CW_THEORY_NEIGHBOURS_H
#define CW_THEORY_NEIGHBOURS_H

#include "causeway/lattice.h"
#include "simd/simd.h"

/* Does a step from outer site o turn lanes, in any of its 2*dim directions? */
static inline __attribute__((always_inline)) bool cw_at_edge(const cw_geometry *geom, long o,
                                                             int dim) {
  uint64_t any = 0;
  memcpy(&any, geom->turn + o * 2 * dim, 2 * (size_t)dim);
  return any != 0;
}

/* near[k]: the lanes of the neighbour of outer site o in direction k*stride, k < n. turned: room
 * for those that must be permuted. dim, stride and n are literal constants at every call, so that
 * the loops over directions unroll. */
static inline __attribute__((always_inline)) void
cw_find_neighbours(const cw_geometry *geom, const double *x, long o, int dim, int stride, int n,
                   double turned[][CW_LANES], const double **near) {
  const int *to = geom->neighbour + o * 2 * dim;
#pragma GCC unroll 8
  for (int k = 0; k < n; k++) near[k] = x + (long)to[k * stride] * CW_LANES;
  if (__builtin_expect(!cw_at_edge(geom, o, dim), 1)) return;
  for (int k = 0; k < n; k++) {
    int turn = geom->turn[o * 2 * dim + k * stride];
    if (turn == 0) continue;
    const int64_t *from = cw_lanes_from(geom, turn, 0);
    for (int v = 0; v < CW_LANES; v += CW_VD)
      cw_vd_store(turned[k] + v, cw_vd_permute(near[k], from + v));
    near[k] = turned[k];
  }
}

#endif
