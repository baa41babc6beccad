/* Inside of cooling: every link in turn is moved to where the action is least. */
#ifndef CW_OBSERVE_COOLING_H
#define CW_OBSERVE_COOLING_H

#include "causeway/lattice.h"

/* Cools the links in direction mu of the outer sites list[0..n), all of one parity, in a block x.
 */
typedef void cw_cooling_kernel(const cw_geometry *geom, double *x, int mu, const int *list, long n);
typedef struct {
  cw_cooling_kernel *u1, *su2, *su3;
} cw_cooling_kernels;

#endif
