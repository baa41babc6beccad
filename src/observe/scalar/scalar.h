/* Inside of the scalar observables: sums over the sites of a block, by instruction set. */
#ifndef CW_OBSERVE_SCALAR_H
#define CW_OBSERVE_SCALAR_H

#include "causeway/lattice.h"

/* The directions whose extent is the largest one, in order. */
typedef struct {
  int n_long;
  int direction[CW_MAX_DIM];
  int extent;
} cw_longest;
cw_longest cw_longest_directions(const cw_lattice *lat);

/* Rows of CW_LANES numbers; number b of a row belongs to configuration b of the block, those beyond
 * B are zero. */
typedef double cw_row[CW_LANES];

/* Sums over the sites of each configuration. */
typedef struct {
  cw_row square;  /* phi^2 */
  cw_row quartic; /* phi^4 */
  cw_row bonds;   /* sum_mu phi_x phi_{x+mu} */
  cw_row total;   /* phi */
  cw_row wave2; /* |sum_x phi_x e^{ipx}|^2 at p = 2 pi/extent, summed over the longest directions */
  cw_row *slice; /* (n_long, extent): phi over the sites with x_mu = t */
  cw_row *pairs; /* (extent/2 + 1): sum over t0 of slice(t0) slice(t0 + t) along the first longest
                    direction */
} cw_scalar_sums;

typedef struct {
  /* x: data of one block -> square, quartic, bonds, slice. Goes over global sites in order, so that
   * the bits do not depend on the split. */
  void (*site_sums)(const cw_geometry *geom, const double *x, const cw_longest *longest,
                    cw_scalar_sums *out);
  /* slice -> total, wave2, pairs. wave (extent, 2): cos and sin of 2 pi t/extent. */
  void (*slice_sums)(const cw_longest *longest, const double (*wave)[2], cw_scalar_sums *out);
} cw_scalar_kernels;

#endif
