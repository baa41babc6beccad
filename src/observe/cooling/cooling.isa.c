/* Cooling on lanes: U maximises Re tr U V^+ with the staples V, at once for U(1) and SU(2), by
 * rounds over the SU(2) subgroups for SU(3) (Cabibbo and Marinari, Phys. Lett. B 119 (1982) 387).
 */
#include "group/subgroup.h"
#include "group/walk.h"
#include "observe/cooling/cooling.h"

#define CW_GROUP u1
#include "group/staple.h"
#undef CW_GROUP
#define CW_GROUP su2
#include "group/staple.h"
#undef CW_GROUP
#define CW_GROUP su3
#include "group/staple.h"
#undef CW_GROUP

/* Staples of a phase or quaternion are a multiple of a group element; 0 has no direction: the link
 * stays. */
CW_INLINE void relax_u1(cw_u1_m *u, const cw_u1_m *v) {
  cw_u1_m best = *v;
  const cw_vl none = cw_u1_re_trace_nd(v, v) < cw_vd_set1(1e-200);
  cw_u1_project(&best);
  u->re = cw_vd_select(none, u->re, best.re);
  u->im = cw_vd_select(none, u->im, best.im);
}
CW_INLINE void relax_su2(cw_su2_m *u, const cw_su2_m *v) {
  cw_su2_m best = *v;
  const cw_vl none = cw_su2_re_trace_nd(v, v) < cw_vd_set1(1e-200);
  cw_su2_project(&best);
  for (int k = 0; k < 4; k++) u->a[k] = cw_vd_select(none, u->a[k], best.a[k]);
}

/* Rows i and j of u, and of w = u v^+: Re tr g w is largest at g = q^+/|q|. */
CW_INLINE void relax_subgroup(cw_su3_m *u, cw_su3_m *w, int i, int j) {
  cw_su2_m q, best, g = {{cw_vd_set1(1), cw_vd_set1(0), cw_vd_set1(0), cw_vd_set1(0)}};
  cw_su3_subgroup(&q, w, i, j);
  cw_su2_adjoint(&best, &q);
  relax_su2(&g, &best);
  cw_su3_rotate(u, &g, i, j);
  cw_su3_rotate(w, &g, i, j);
}

/* Where one round ends depends on the gauge; the maximum, which rounds approach by a factor of
 * about ten each on fields that are not random, does not. */
enum { N_ROUNDS = 10 };
CW_INLINE void relax_su3(cw_su3_m *u, const cw_su3_m *v) {
  cw_su3_m w;
  cw_su3_mul_nd(&w, u, v);
  for (int n = 0; n < N_ROUNDS; n++) {
#pragma GCC unroll 3
    for (int k = 0; k < 3; k++) relax_subgroup(u, &w, cw_subgroup_i(k), cw_subgroup_j(k));
  }
  cw_su3_project(u);
}

#define COOL(group)                                                                                \
  CW_INLINE void cool_##group##_link(const cw_geometry *g, double *x, long outer, int mu) {        \
    cw_corners around;                                                                             \
    cw_corners_find(&around, g, outer, mu);                                                        \
    for (int lane = 0; lane < CW_LANES; lane += CW_VD) {                                           \
      double *at = x + (outer * g->lat.dim + mu) * cw_##group##_N_REAL * CW_LANES + lane;          \
      cw_##group##_m u, v;                                                                         \
      cw_##group##_staple(&v, x, &around, NULL, lane);                                             \
      cw_##group##_load(&u, at);                                                                   \
      relax_##group(&u, &v);                                                                       \
      cw_##group##_store(at, &u);                                                                  \
    }                                                                                              \
  }                                                                                                \
  static void cool_##group(const cw_geometry *g, double *x, long begin, long n) {                  \
    for (long inner = begin; inner < begin + n; inner++)                                           \
      for (long outer = inner; outer < g->n_outer; outer += g->n_inner)                            \
        for (int mu = 0; mu < g->lat.dim; mu++) cool_##group##_link(g, x, outer, mu);              \
  }
COOL(u1)
COOL(su2)
COOL(su3)

extern const cw_cooling_kernels CW_ISA_NAME(cw_cooling_kernels);
const cw_cooling_kernels CW_ISA_NAME(cw_cooling_kernels) = {cool_u1, cool_su2, cool_su3};
