/* Updates of one link per lane, for heatbath.isa.c. In all of them u is the link and v the weighted
 * sum of its staples: the action holds -(scale/N) Re tr u v^+. An update multiplies u from the left
 * by g, chosen on the subgroup SU(2), or U(1), by the projection q of u v^+ on it.
 *
 * relax: the reflection g = (q^+/|q|)^2, so that Re tr g q = Re tr q (Creutz, PRD 36 (1987) 515;
 * Brown and Woch, PRL 58 (1987) 2394). heat: g = h q^+/|q| with h of draws.h (Creutz, PRD 21 (1980)
 * 2308; Cabibbo and Marinari, PLB 119 (1982) 387, for the subgroups of SU(3)). They return the
 * lanes where q is not finite. n_vec: of the vectors of lanes, the first ones that are wanted. back:
 * subgroups in descending order; literal at every call. */
#ifndef CW_HEATBATH_LINKS_H
#define CW_HEATBATH_LINKS_H

#include "group/staple.h"
#include "group/subgroup.h"
#include "sampler/heatbath/draws.h"

CW_INLINE cw_vl cw_not_finite(cw_vd a) { return ~(cw_vd_abs(a) <= cw_vd_set1(1.7e308)); }

/* The reflection at q, and 1 at q = 0. */
CW_INLINE cw_vl cw_reflection(cw_su2_m *g, const cw_su2_m *q) {
  cw_vd vector2 = cw_vd_fma(q->a[3], q->a[3], cw_vd_fma(q->a[2], q->a[2], q->a[1] * q->a[1]));
  cw_vd q2 = cw_vd_fma(q->a[0], q->a[0], vector2);
  cw_vl zero = q2 < cw_vd_set1(CW_HEATBATH_ZERO);
  cw_vd inverse = 1 / q2, f = -2 * q->a[0] * inverse;
  g->a[0] = cw_vd_select(zero, cw_vd_set1(1), cw_vd_fma(-2 * vector2, inverse, cw_vd_set1(1)));
  for (int k = 1; k < 4; k++) g->a[k] = cw_vd_select(zero, cw_vd_set1(0), f * q->a[k]);
  return cw_not_finite(q2);
}

/* g = h q^+/|q| with h drawn from exp(|q| h_0); at q = 0 from the Haar measure. */
CW_INLINE void cw_heat_su2(const cw_draws *d, int vector, uint32_t draw, cw_try *t, cw_su2_m *g,
                           cw_su2_m *q, cw_vl *bad) {
  cw_su2_m h;
  cw_vd q2 = 0.5 * cw_su2_re_trace_nd(q, q);
  cw_vl zero = q2 < cw_vd_set1(CW_HEATBATH_ZERO);
  cw_vd root = cw_vd_sqrt(q2), inverse = root * (1 / q2); /* the slow ones side by side */
  cw_vd alpha = cw_vd_select(zero, cw_vd_set1(0), root);
  for (int k = 0; k < 4; k++) q->a[k] = cw_vd_select(zero, cw_vd_set1(k == 0), q->a[k] * inverse);
  cw_draw_su2(d, vector * CW_VD, draw, alpha, inverse, t, &h);
  cw_su2_mul_nd(g, &h, q);
  bad[vector] |= cw_not_finite(q2) & d->active[vector];
}

/* ------------------------------------------------------------------------------------------ U(1)
 */

CW_INLINE cw_vl cw_u1_relax(cw_u1_m *u, const cw_u1_m *v, bool back) {
  (void)back;
  cw_u1_m q, gg, g, moved;
  cw_u1_mul_nd(&q, u, v);
  cw_vd q2 = cw_u1_re_trace_nd(&q, &q);
  cw_vl zero = q2 < cw_vd_set1(CW_HEATBATH_ZERO);
  cw_u1_mul(&gg, &q, &q);
  g.re = cw_vd_select(zero, cw_vd_set1(1), gg.re / q2);
  g.im = cw_vd_select(zero, cw_vd_set1(0), -gg.im / q2);
  cw_u1_mul(&moved, &g, u);
  *u = moved;
  return cw_not_finite(q2);
}

CW_INLINE void cw_u1_heat(const cw_draws *d, uint32_t draw, double scale, int n_vec, bool back,
                          cw_u1_m *u, const cw_u1_m *v, cw_vl *bad) {
  (void)back;
  double kappa[CW_LANES] CW_ALIGNED, h[2 * CW_LANES] CW_ALIGNED;
  for (int i = 0; i < n_vec; i++) {
    cw_vd k = cw_vd_sqrt(cw_u1_re_trace_nd(&v[i], &v[i]));
    cw_vd_store(kappa + i * CW_VD, cw_vd_abs(cw_vd_set1(scale)) * k);
    bad[i] |= (cw_not_finite(k) | cw_not_finite(u[i].re + u[i].im)) & d->active[i];
  }
  cw_draw_u1(d, draw, n_vec, kappa, h);
  for (int i = 0; i < n_vec; i++) {
    cw_vd k = cw_vd_sqrt(cw_u1_re_trace_nd(&v[i], &v[i]));
    cw_vl zero = k * k < cw_vd_set1(CW_HEATBATH_ZERO);
    cw_vd sign = cw_vd_set1(scale < 0 ? -1 : 1);
    cw_u1_m phase = {cw_vd_select(zero, cw_vd_set1(1), sign * v[i].re / k),
                     cw_vd_select(zero, cw_vd_set1(0), sign * v[i].im / k)};
    cw_u1_m drawn;
    cw_u1_load(&drawn, h + i * CW_VD);
    cw_u1_mul(&u[i], &drawn, &phase);
  }
}

/* ----------------------------------------------------------------------------------------- SU(2)
 */

CW_INLINE cw_vl cw_su2_relax(cw_su2_m *u, const cw_su2_m *v, bool back) {
  (void)back;
  cw_su2_m q, g, moved;
  cw_su2_mul_nd(&q, u, v);
  cw_vl bad = cw_reflection(&g, &q);
  cw_su2_mul(&moved, &g, u);
  *u = moved;
  return bad;
}

CW_INLINE void cw_su2_heat(const cw_draws *d, uint32_t draw, double scale, int n_vec, bool back,
                           cw_su2_m *u, const cw_su2_m *v, cw_vl *bad) {
  (void)back;
  cw_try t[CW_N_VEC];
  cw_first_tries(d, draw, 1, n_vec, t);
  for (int i = 0; i < n_vec; i++) {
    cw_su2_m q, g, moved;
    cw_su2_mul_nd(&q, &u[i], &v[i]);
    for (int k = 0; k < 4; k++) q.a[k] *= scale; /* (scale/2) Re tr g q = scale (g q)_0 */
    cw_heat_su2(d, i, draw, &t[i], &g, &q, bad);
    cw_su2_mul(&moved, &g, &u[i]);
    u[i] = moved;
  }
}

/* ----------------------------------------------------------------------------------------- SU(3)
 */

CW_INLINE cw_vl cw_su3_relax(cw_su3_m *u, const cw_su3_m *v, bool back) {
  cw_su3_m w;
  cw_vl bad = {0};
  cw_su3_mul_nd(&w, u, v);
#pragma GCC unroll 3
  for (int turn = 0; turn < 3; turn++) {
    const int k = back ? 2 - turn : turn, i = cw_subgroup_i(k), j = cw_subgroup_j(k);
    cw_su2_m q, g;
    cw_su3_subgroup(&q, &w, i, j);
    bad |= cw_reflection(&g, &q);
    cw_su3_rotate(u, &g, i, j);
    cw_su3_rotate(&w, &g, i, j);
  }
  return bad;
}

CW_INLINE void cw_su3_heat(const cw_draws *d, uint32_t draw, double scale, int n_vec, bool back,
                           cw_su3_m *u, const cw_su3_m *v, cw_vl *bad) {
  cw_try t[3][CW_N_VEC];
  cw_first_tries(d, draw, 3, n_vec, t[0]);
  for (int n = 0; n < n_vec; n++) {
    cw_su3_m w;
    cw_su3_mul_nd(&w, &u[n], &v[n]);
#pragma GCC unroll 3
    for (int turn = 0; turn < 3; turn++) {
      const int k = back ? 2 - turn : turn, i = cw_subgroup_i(k), j = cw_subgroup_j(k);
      cw_su2_m q, g;
      cw_su3_subgroup(&q, &w, i, j);
      for (int a = 0; a < 4; a++) q.a[a] *= 2 * scale / 3; /* (scale/3) Re tr g q */
      cw_heat_su2(d, n, draw + ((uint32_t)k << CW_HEATBATH_TRY_BITS), &t[k][n], &g, &q, bad);
      cw_su3_rotate(&u[n], &g, i, j);
      cw_su3_rotate(&w, &g, i, j);
    }
  }
}

#endif
