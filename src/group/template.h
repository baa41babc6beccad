/* clang-format off */
/* Kernels are written once for all groups: a kernel file includes its template once per group with
 * CW_GROUP set to u1, su2 or su3, and the template says G(mul) for cw_su3_mul. Every group header
 * offers the same set, on vectors of CW_VD lanes; w are tangent coordinates (causeway/group.h):
 *
 *   G(m)                            a matrix, also a sum of group elements
 *   G(N), G(N_REAL), G(N_ALGEBRA)   constants
 *   G(load)(&m, p)                  components at p, p + CW_LANES, ...
 *   G(load_from)(&m, p, from)       the same, lanes permuted (see cw_lanes_from)
 *   G(gather)(&m, p)                lane i: components p[i][0], p[i][1], ...
 *   G(store)(p, &m)
 *   G(scatter)(p, &m, n)            the same for the first n lanes
 *   G(zero)(&m)
 *   G(add)(&m, &a)                  m += a
 *   G(add_scaled)(&m, s, &a)        m += s a
 *   G(adjoint)(&c, &a)              c = a^+
 *   G(mul)(&c, &a, &b)              c = a b; also G(mul_nd) a b^+, G(mul_dn) a^+ b, G(mul_dd) a^+ b^+;
 *                                   c is neither a nor b
 *   G(re_trace)(&a)                 Re tr a
 *   G(im_trace)(&a)                 Im tr a
 *   G(re_trace_nd)(&a, &b)          Re tr a b^+
 *   G(to_algebra)(&a, w)            (a - a^+)/2 - trace = sum_a w_a T_a
 *   G(from_algebra)(&x, w)          x = sum_a w_a T_a
 *   G(slopes)(s, &a)                s (N_ALGEBRA, N_ALGEBRA): s_ab is coordinate a of to_algebra along
 *                                   T_b, a -> exp(T_b) a
 *   G(slopes_vjp)(&q, g)            Re tr q da is the change of sum_ab g_ab s_ab
 *   G(exp)(&u, w)                   u = exp(sum_a w_a T_a)
 *   G(log)(&u, w)                   its inverse, of smallest norm; SU(3): where that is unique
 *   G(dexp)(j, w)                   d/ds exp(X + s Y) = (j Y) exp(X), j (N_ALGEBRA, N_ALGEBRA)
 *   G(project)(&u)                  to the group: removes rounding errors
 *
 * Only for kernel files (*.isa.c), like simd.h. */
/* clang-format on */
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
#define CW_PASTE_VECTOR2(vector)     cw_##vector
#define CW_PASTE_VECTOR(vector)      CW_PASTE_VECTOR2(vector)

/* What a group is computed in, for templates that do not say double and cw_vd: G(real) in memory, G(v)
 * on G(STEP) lanes. */
#define CW_COMPUTED_IN(group, number, vector, step)                                                \
  typedef number cw_##group##_real;                                                                \
  typedef cw_##vector cw_##group##_v;                                                              \
  enum { cw_##group##_STEP = step };                                                               \
  CW_INLINE cw_##vector cw_##group##_set1(double a) { return cw_##vector##_set1((number)a); }      \
  CW_INLINE cw_##vector cw_##group##_sqrt(cw_##vector a) { return cw_##vector##_sqrt(a); }
CW_COMPUTED_IN(u1, double, vd, CW_VD)
CW_COMPUTED_IN(su2, double, vd, CW_VD)
CW_COMPUTED_IN(su3, double, vd, CW_VD)

/* Is the mask set in any lane? */
CW_INLINE bool cw_any(cw_vl mask) {
#if CW_VBYTES == 64
  return _mm512_movepi64_mask((__m512i)mask) != 0;
#elif CW_VBYTES == 32
  return _mm256_movemask_pd((__m256d)mask) != 0;
#else
  return (mask[0] | mask[1]) != 0;
#endif
}

#include "group/u1.h"
#include "group/su2.h"
#include "group/su3.h"
#include "group/su3_slopes.h"
#include "group/su3_exp.h"

#endif
