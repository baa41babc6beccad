/* Kernels are written once for all groups: a kernel file includes its template once per group with
 * CW_GROUP set to u1, su2 or su3, and the template says G(mul) for cw_su3_mul. Every group header
 * offers the same set, on vectors of CW_VD lanes:
 *   G(m)                             a matrix, also a sum of group elements
 *   G(N), G(N_REAL), G(N_ALGEBRA)    constants
 *   G(load)(&m, p)                   components at p, p + CW_LANES, ...: half a row or more of
 * lanes G(load_from)(&m, p, from)        the same, lanes permuted (see cw_lanes_from) G(store)(p,
 * &m) G(zero)(&m), G(one)(&m), G(add)(&m, &a) m += a, G(add_scaled)(&m, s, &a) m += s a, G(adjoint)
 *   G(mul)(&c, &a, &b) c = a b, G(mul_nd) c = a b^+, G(mul_dn) c = a^+ b, G(mul_dd) c = a^+ b^+; c
 * is neither a nor b G(re_trace)(&a), G(re_trace_nd)(&a, &b) = Re tr a b^+, G(im_trace)(&a)
 *   G(to_algebra)(&a, w)             the traceless anti-Hermitian part (a - a^+)/2 - trace = w_a
 * T_a G(from_algebra)(&x, w)           x = sum_a w_a T_a G(exp)(&u, w)                    u =
 * exp(sum_a w_a T_a) G(project)(&u)                   to the group: removes rounding errors Only
 * for kernel files (*.isa.c), like simd.h. Conventions: causeway/group.h. */
#ifndef CW_GROUP_TEMPLATE_H
#define CW_GROUP_TEMPLATE_H

#include "simd/simd.h"
#include "causeway/group.h"

#define CW_INLINE static inline __attribute__((always_inline))
/* For what is too large or too rare to be inlined; not every kernel file uses it. */
#define CW_OUTLINE static __attribute__((noinline, unused))

#define CW_PASTE_GROUP2(group, name) cw_##group##_##name
#define CW_PASTE_GROUP(group, name)  CW_PASTE_GROUP2(group, name)
#define G(name)                      CW_PASTE_GROUP(CW_GROUP, name)

/* Is the mask set in any lane? */
CW_INLINE bool cw_any(cw_vl mask) {
  int64_t any = 0;
  for (int i = 0; i < CW_VD; i++) any |= mask[i];
  return any != 0;
}
CW_INLINE cw_vd cw_vd_atan2(cw_vd y, cw_vd x) {
  cw_vd angle;
  for (int i = 0; i < CW_VD; i++) angle[i] = Sleef_atan2_u10(y[i], x[i]);
  return angle;
}

#include "group/u1.h"
#include "group/su2.h"
#include "group/su3.h"
#include "group/su3_exp.h"

#endif
