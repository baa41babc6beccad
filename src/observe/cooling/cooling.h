/* Inside of cooling: every link in turn is moved to where the action is least. */
#ifndef CW_OBSERVE_COOLING_H
#define CW_OBSERVE_COOLING_H

#include "causeway/lattice.h"

/* Cools the links that start at inner sites [begin, begin + n) of a block x, site after site. */
typedef void cw_cooling_kernel(const cw_geometry *geom, double *x, long begin, long n);
typedef struct {
  cw_cooling_kernel *u1, *su2, *su3;
} cw_cooling_kernels;

#endif
