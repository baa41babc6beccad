/* SU(2) on lanes as quaternions, m = a0 + i sum_k a_k sigma_k; sums of group elements have this
 * form too. See template.h. */
#ifndef CW_GROUP_SU2_H
#define CW_GROUP_SU2_H

enum { cw_su2_N = 2, cw_su2_N_REAL = 4, cw_su2_N_ALGEBRA = 3 };

typedef struct {
  cw_vd a[4];
} cw_su2_m;

CW_INLINE void cw_su2_load(cw_su2_m *m, const double *p) {
  for (int k = 0; k < 4; k++) m->a[k] = cw_vd_load(p + k * CW_LANES);
}
CW_INLINE void cw_su2_gather(cw_su2_m *m, const double *const p[CW_VD]) {
  cw_vd_gather_pairs(p, 0, &m->a[0], &m->a[1]);
  cw_vd_gather_pairs(p, 2, &m->a[2], &m->a[3]);
}
CW_INLINE void cw_su2_scatter(double *const p[CW_VD], const cw_su2_m *m, int n) {
  cw_vd_scatter_pairs(p, 0, m->a[0], m->a[1], n);
  cw_vd_scatter_pairs(p, 2, m->a[2], m->a[3], n);
}
CW_INLINE void cw_su2_load_from(cw_su2_m *m, const double *p, const int64_t *from) {
  for (int k = 0; k < 4; k++) m->a[k] = cw_vd_permute(p + k * CW_LANES, from);
}
CW_INLINE void cw_su2_store(double *p, const cw_su2_m *m) {
  for (int k = 0; k < 4; k++) cw_vd_store(p + k * CW_LANES, m->a[k]);
}
CW_INLINE void cw_su2_zero(cw_su2_m *m) {
  for (int k = 0; k < 4; k++) m->a[k] = cw_vd_set1(0);
}
CW_INLINE void cw_su2_add(cw_su2_m *m, const cw_su2_m *b) {
  for (int k = 0; k < 4; k++) m->a[k] += b->a[k];
}
CW_INLINE void cw_su2_add_scaled(cw_su2_m *m, cw_vd s, const cw_su2_m *b) {
  for (int k = 0; k < 4; k++) m->a[k] = cw_vd_fma(s, b->a[k], m->a[k]);
}
CW_INLINE void cw_su2_adjoint(cw_su2_m *c, const cw_su2_m *b) {
  *c = (cw_su2_m){{b->a[0], -b->a[1], -b->a[2], -b->a[3]}};
}

/* (a0 + i a.s)(b0 + i b.s) = a0 b0 - a.b + i (a0 b + b0 a - a x b).s, with the signs p of the
 * vector part of a and q of b. */
CW_INLINE void cw_su2_multiply(cw_su2_m *c, const cw_su2_m *x, double p, const cw_su2_m *y,
                               double q) {
  const cw_vd a0 = x->a[0], a1 = p * x->a[1], a2 = p * x->a[2], a3 = p * x->a[3];
  const cw_vd b0 = y->a[0], b1 = q * y->a[1], b2 = q * y->a[2], b3 = q * y->a[3];
  c->a[0] = cw_vd_fma(-a3, b3, cw_vd_fma(-a2, b2, cw_vd_fma(-a1, b1, a0 * b0)));
  c->a[1] = cw_vd_fma(a3, b2, cw_vd_fma(-a2, b3, cw_vd_fma(a1, b0, a0 * b1)));
  c->a[2] = cw_vd_fma(a1, b3, cw_vd_fma(-a3, b1, cw_vd_fma(a2, b0, a0 * b2)));
  c->a[3] = cw_vd_fma(a2, b1, cw_vd_fma(-a1, b2, cw_vd_fma(a3, b0, a0 * b3)));
}
CW_INLINE void cw_su2_mul(cw_su2_m *c, const cw_su2_m *a, const cw_su2_m *b) {
  cw_su2_multiply(c, a, 1, b, 1);
}
CW_INLINE void cw_su2_mul_nd(cw_su2_m *c, const cw_su2_m *a, const cw_su2_m *b) {
  cw_su2_multiply(c, a, 1, b, -1);
}
CW_INLINE void cw_su2_mul_dn(cw_su2_m *c, const cw_su2_m *a, const cw_su2_m *b) {
  cw_su2_multiply(c, a, -1, b, 1);
}
CW_INLINE void cw_su2_mul_dd(cw_su2_m *c, const cw_su2_m *a, const cw_su2_m *b) {
  cw_su2_multiply(c, a, -1, b, -1);
}
CW_INLINE cw_vd cw_su2_re_trace(const cw_su2_m *b) { return 2 * b->a[0]; }
CW_INLINE cw_vd cw_su2_im_trace(const cw_su2_m *b) {
  (void)b;
  return cw_vd_set1(0);
}
CW_INLINE cw_vd cw_su2_re_trace_nd(const cw_su2_m *x, const cw_su2_m *y) {
  cw_vd s = x->a[0] * y->a[0];
  for (int k = 1; k < 4; k++) s = cw_vd_fma(x->a[k], y->a[k], s);
  return 2 * s;
}
/* T_k = i sigma_k/2 */
CW_INLINE void cw_su2_to_algebra(const cw_su2_m *b, cw_vd *w) {
  for (int k = 0; k < 3; k++) w[k] = 2 * b->a[k + 1];
}
CW_INLINE void cw_su2_from_algebra(cw_su2_m *x, const cw_vd *w) {
  x->a[0] = cw_vd_set1(0);
  for (int k = 0; k < 3; k++) x->a[k + 1] = 0.5 * w[k];
}
/* s_ab = delta_ab a_0 - eps_abc a_c, from sigma_a sigma_b = delta_ab + i eps_abc sigma_c. */
CW_INLINE void cw_su2_slopes(cw_vd *s, const cw_su2_m *m) {
  for (int a = 0; a < 3; a++) {
    const int b = (a + 1) % 3, c = (a + 2) % 3;
    s[4 * a] = m->a[0];
    s[3 * a + b] = -m->a[c + 1];
    s[3 * b + a] = m->a[c + 1];
  }
}
CW_INLINE void cw_su2_slopes_vjp(cw_su2_m *q, const cw_vd *g) {
  q->a[0] = 0.5 * (g[0] + g[4] + g[8]);
  for (int a = 0; a < 3; a++) {
    const int b = (a + 1) % 3, c = (a + 2) % 3;
    q->a[c + 1] = 0.5 * (g[3 * a + b] - g[3 * b + a]);
  }
}
CW_INLINE void cw_su2_project(cw_su2_m *u) {
  cw_vd r = cw_vd_set1(1) / cw_vd_sqrt(0.5 * cw_su2_re_trace_nd(u, u));
  for (int k = 0; k < 4; k++) u->a[k] *= r;
}
/* exp(i n.sigma r) = cos r + i n.sigma sin r, r = |w|/2; sin(r)/r = 1 at r = 0. */
CW_INLINE void cw_su2_exp(cw_su2_m *u, const cw_vd *w) {
  cw_vd r = 0.5 * cw_vd_sqrt(cw_vd_fma(w[0], w[0], cw_vd_fma(w[1], w[1], w[2] * w[2])));
  cw_vd s = cw_vd_set1(0), c = s;
  cw_vd_sincos(r, &s, &c);
  cw_vl tiny = r < cw_vd_set1(1e-150);
  cw_vd ratio = cw_vd_select(tiny, cw_vd_set1(1), s / cw_vd_select(tiny, cw_vd_set1(1), r));
  u->a[0] = c;
  for (int k = 0; k < 3; k++) u->a[k + 1] = 0.5 * ratio * w[k];
}
/* u = cos r + i n.sigma sin r with 0 <= r <= pi; at u = -1 every n would do. */
CW_INLINE void cw_su2_log(const cw_su2_m *u, cw_vd *w) {
  cw_vd s = cw_vd_sqrt(cw_vd_fma(u->a[1], u->a[1], cw_vd_fma(u->a[2], u->a[2], u->a[3] * u->a[3])));
  cw_vl tiny = s < cw_vd_set1(1e-150), minus = tiny & (u->a[0] < cw_vd_set1(0));
  cw_vd ratio = 2 * cw_vd_atan2(s, u->a[0]) / cw_vd_select(tiny, cw_vd_set1(1), s);
  ratio = cw_vd_select(tiny, cw_vd_set1(2), ratio);
  for (int k = 0; k < 3; k++) w[k] = cw_vd_select(minus, cw_vd_set1(0), ratio * u->a[k + 1]);
  w[2] = cw_vd_select(minus, cw_vd_set1(6.28318530717958647693), w[2]);
}
/* phi(A) = 1 + A (1 - cos r)/r^2 + A^2 (r - sin r)/r^3, phi(z) = (e^z - 1)/z, A_ab = eps_abc w_c,
 * r = |w|, because A^3 = -r^2 A. Below r = 1 the two functions are summed as series in r^2. */
CW_INLINE void cw_su2_dexp(cw_vd *d, const cw_vd *w) {
  cw_vd r2 = cw_vd_fma(w[0], w[0], cw_vd_fma(w[1], w[1], w[2] * w[2]));
  cw_vl small = r2 < cw_vd_set1(1);
  cw_vd r = cw_vd_sqrt(cw_vd_select(small, cw_vd_set1(1), r2)), s = cw_vd_set1(0), c = s;
  cw_vd_sincos(0.5 * r, &s, &c);
  cw_vd f = 2 * s * s / (r * r), g = cw_vd_fma(-2 * s, c, r) / (r * r * r);
  cw_vd f0 = cw_vd_set1(0), g0 = cw_vd_set1(0);
  for (int n = 9; n >= 0; n--) { /* sum_n (-r^2)^n / (2n+2)! and / (2n+3)! */
    f0 = cw_vd_fma(-r2 / ((2 * n + 3) * (2 * n + 4)), f0, cw_vd_set1(1));
    g0 = cw_vd_fma(-r2 / ((2 * n + 4) * (2 * n + 5)), g0, cw_vd_set1(1));
  }
  f = cw_vd_select(small, 0.5 * f0, f);
  g = cw_vd_select(small, g0 / 6, g);
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++) d[3 * a + b] = g * w[a] * w[b]; /* A^2 = w w^T - r^2 */
  for (int a = 0; a < 3; a++) {
    int b = (a + 1) % 3, e = (a + 2) % 3;
    d[4 * a] += cw_vd_fma(-g, r2, cw_vd_set1(1));
    d[3 * a + b] = cw_vd_fma(f, w[e], d[3 * a + b]);
    d[3 * b + a] = cw_vd_fma(-f, w[e], d[3 * b + a]);
  }
}

#endif
