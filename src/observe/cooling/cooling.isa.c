/* Cooling on lanes: U maximises Re tr U V^+ with the staples V, at once for U(1) and SU(2), by
 * rounds over the SU(2) subgroups for SU(3) (Cabibbo and Marinari, Phys. Lett. B 119 (1982) 387).
 */
#include "group/template.h"
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

/* Rows p and q of m, multiplied from the left by the SU(2) matrix a0 + i a.sigma. */
CW_INLINE void turn_rows(cw_su3_m *m, int p, int q, const cw_vd *a) {
  for (int j = 0; j < 3; j++) {
    const int i = 3 * p + j, k = 3 * q + j;
    const cw_vd pr = m->re[i], pi = m->im[i], qr = m->re[k], qi = m->im[k];
    m->re[i] = cw_vd_fma(a[0], pr, cw_vd_fma(-a[3], pi, cw_vd_fma(a[2], qr, -(a[1] * qi))));
    m->im[i] = cw_vd_fma(a[0], pi, cw_vd_fma(a[3], pr, cw_vd_fma(a[2], qi, a[1] * qr)));
    m->re[k] = cw_vd_fma(a[0], qr, cw_vd_fma(a[3], qi, cw_vd_fma(-a[2], pr, -(a[1] * pi))));
    m->im[k] = cw_vd_fma(a[0], qi, cw_vd_fma(-a[3], qr, cw_vd_fma(-a[2], pi, a[1] * pr)));
  }
}

/* The block (p, q) of w = U V^+ is r0 + i r.sigma and a part that no SU(2) matrix sees; a = (r0 - i
 * r.sigma)/|r| maximises Re tr a w. */
CW_INLINE void relax_rows(cw_su3_m *u, cw_su3_m *w, int p, int q) {
  const int pp = 4 * p, pq = 3 * p + q, qp = 3 * q + p, qq = 4 * q;
  const cw_vd r[4] = {w->re[pp] + w->re[qq], w->im[pq] + w->im[qp], w->re[pq] - w->re[qp],
                      w->im[pp] - w->im[qq]};
  cw_vd norm2 = r[0] * r[0], a[4];
  for (int k = 1; k < 4; k++) norm2 = cw_vd_fma(r[k], r[k], norm2);
  const cw_vl none = norm2 < cw_vd_set1(1e-200);
  const cw_vd scale = cw_vd_set1(1) / cw_vd_sqrt(cw_vd_select(none, cw_vd_set1(1), norm2));
  a[0] = cw_vd_select(none, cw_vd_set1(1), r[0] * scale);
  for (int k = 1; k < 4; k++) a[k] = cw_vd_select(none, cw_vd_set1(0), -r[k] * scale);
  turn_rows(u, p, q, a);
  turn_rows(w, p, q, a);
}
/* Where one round ends depends on the gauge; the maximum, which rounds approach by a factor of
 * about ten each on fields that are not random, does not. */
enum { N_ROUNDS = 10 };
CW_INLINE void relax_su3(cw_su3_m *u, const cw_su3_m *v) {
  cw_su3_m w;
  cw_su3_mul_nd(&w, u, v);
  for (int i = 0; i < N_ROUNDS; i++) {
    relax_rows(u, &w, 0, 1);
    relax_rows(u, &w, 0, 2);
    relax_rows(u, &w, 1, 2);
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
