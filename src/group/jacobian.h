/* Linear algebra in the algebra of a group, on rows of lanes: what maps of single links,
 *   U' = exp(X) U,  X = sum_a w_a T_a a function of U,
 * need for their exact Jacobians. One call does CW_LANES links; d = n_algebra. Vectors are (d,
 * CW_LANES), matrices (d, d, CW_LANES) row by row, all aligned to 64 bytes; outputs may not overlap
 * inputs unless said. For code outside of kernels, like rows.h.
 *
 * With dX (dx_ab = dw_a along T_b at U, as forces are derivatives) a change T of U becomes
 *   J T = Ad(e^X) [T + phi(-ad X) dX T],  phi(z) = (e^z - 1)/z,
 * of U', because d exp(X) = phi(ad X) dX exp(X) and Ad(e^-X) phi(ad X) = phi(-ad X). Ad(e^X) is a
 * rotation, so that det J = det M, M = 1 + phi(-ad X) dX. */
#ifndef CW_GROUP_JACOBIAN_H
#define CW_GROUP_JACOBIAN_H

#include "simd/dispatch.h"
#include "causeway/group.h"

typedef struct {
  /* logdet (CW_LANES) = ln|det m|; b (d, n, CW_LANES) <- m^-1 b, or m^-T b; n = 0: no b, logdet NULL:
   * not wanted. Gaussian elimination with row exchanges, lane by lane: relative errors of some 1e-16
   * times the condition number of m. Singular m: -infinity, b not a number. The determinant itself
   * must be within the range of a double. About d^3/3 + n d^2 multiplications. */
  void (*solve)(const double *m, bool transposed, int n, double *b, double *logdet);
  /* m = M at w and dx, logdet = ln|det M|; each may be NULL. */
  void (*map)(const double *w, const double *dx, double *m, double *logdet);
  /* gw, gdx = derivatives of sum_lanes glogdet ln|det M| by w and dx; overwritten. |w| <= 3: the
   * series for the derivative of phi has 24 terms, and errors of 2e-14 at 3, 1e-17 at 2. */
  void (*map_vjp)(const double *w, const double *dx, const double *glogdet, double *gw,
                  double *gdx);
  /* g: derivatives of some F along T_a of U' in, with X held fixed along T_a of U out; gw = by w at
   * fixed U. All of dF/dU is g + dX^T gw. */
  void (*pull)(const double *w, double *g, double *gw);
  /* slopes = G(slopes) of template.h of a matrix p (n_real, CW_LANES) stored like a link, and q =
   * G(slopes_vjp). */
  void (*slopes)(const double *p, double *slopes);
  void (*slopes_vjp)(const double *gslopes, double *q);
} cw_jacobian_ops;

typedef struct {
  cw_jacobian_ops kind[CW_LINK_SU3 + 1]; /* by cw_field_kind; that of reals is empty */
} cw_jacobian_kernels;
CW_ISA_TABLES(cw_jacobian_kernels, cw_jacobian_kernels);

#endif
