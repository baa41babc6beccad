/* Sums of staples for layer `staple`; private to it. */
#ifndef CW_MODEL_STAPLE_H
#define CW_MODEL_STAPLE_H

#include "simd/dispatch.h"
#include "causeway/group.h"

typedef struct {
  /* v (n_real, CW_LANES): sum of the staples of link (outer, mu) of a block x, as group/staple.h. */
  void (*sum[CW_LINK_SU3 + 1])(const double *x, const cw_geometry *g, long outer, int mu,
                               double *v);
} cw_staple_kernels;
CW_ISA_TABLES(cw_staple_kernels, cw_staple_kernels);

#endif
