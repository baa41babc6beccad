/* Inside of the scalar observables: sums over slices of a block, by instruction set. */
#ifndef CW_OBSERVE_SCALAR_H
#define CW_OBSERVE_SCALAR_H

#include "causeway/lattice.h"

/* Raw sums over the sites of each configuration b of a block, column b of rows of CW_LANES. */
typedef struct {
  double square[CW_LANES];  /* sum phi^2 */
  double quartic[CW_LANES]; /* sum phi^4 */
  double bonds[CW_LANES];   /* sum_{x,mu} phi_x phi_{x+mu} */
  double *slice;            /* (n_long, extent, CW_LANES): sum of phi over the sites with x_mu = t */
} cw_scalar_sums;

/* The directions whose extent is the largest one, in order. */
typedef struct {
  int n_long;
  int direction[CW_MAX_DIM];
  int extent;
} cw_longest;
cw_longest cw_longest_directions(const cw_lattice *lat);

typedef struct {
  /* x: data of one block -> sums. Goes over global sites in order, so that the bits do not depend on the split. */
  void (*sums)(const cw_geometry *geom, const double *x, const cw_longest *longest,
               cw_scalar_sums *out);
} cw_scalar_kernels;

#endif
