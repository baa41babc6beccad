/* Inside of the Wilson loops: smeared links, straight lines, and rectangles made of them. A line
 * field holds one matrix per site: (n_outer, n_real, CW_LANES). */
#ifndef CW_OBSERVE_WILSON_LOOPS_H
#define CW_OBSERVE_WILSON_LOOPS_H

#include "observe/gauge/gauge.h"

/* The loops of R steps in direction mu and T = 1 .. max_t in the last direction. */
typedef struct {
  int mu, R, max_t;
  const double *space;       /* line field: R links in direction mu from x on */
  const double *const *time; /* (max_t) line fields: T = 1 + i links in the last direction */
} cw_wilson_lines;

typedef struct {
  /* out = exp(rho TA(V u^+)) u, V the spatial staples, on outer sites [begin, end): a step of stout
   * smearing of the spatial links; the links in the last direction are copied. */
  void (*smear)(const cw_geometry *geom, double rho, const double *u, double *out, long begin,
                long end);
  /* longer(x) = U_mu(x) line(x + mu); line NULL: longer(x) = U_mu(x). */
  void (*lengthen)(const cw_geometry *geom, const double *u, int mu, const double *line,
                   double *longer, long begin, long end);
  cw_slice_kernel *rectangles; /* arg: cw_wilson_lines; row T - 1: Re tr W(R, T) */
} cw_wilson_loop_kernels_of;
typedef struct {
  cw_wilson_loop_kernels_of u1, su2, su3;
} cw_wilson_loop_kernels;

#endif
