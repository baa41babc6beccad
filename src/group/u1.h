/* U(1) on lanes; see template.h. */
#ifndef CW_GROUP_U1_H
#define CW_GROUP_U1_H

enum { cw_u1_N = 1, cw_u1_N_REAL = 2, cw_u1_N_ALGEBRA = 1 };

typedef struct {
  cw_vd re, im;
} cw_u1_m;

CW_INLINE void cw_u1_load(cw_u1_m *m, const double *p) {
  m->re = cw_vd_load(p);
  m->im = cw_vd_load(p + CW_LANES);
}
CW_INLINE void cw_u1_gather(cw_u1_m *m, const double *const p[CW_VD]) {
  cw_vd_gather_pairs(p, 0, &m->re, &m->im);
}
CW_INLINE void cw_u1_scatter(double *const p[CW_VD], const cw_u1_m *m, int n) {
  cw_vd_scatter_pairs(p, 0, m->re, m->im, n);
}
CW_INLINE void cw_u1_load_from(cw_u1_m *m, const double *p, const int64_t *from) {
  m->re = cw_vd_permute(p, from);
  m->im = cw_vd_permute(p + CW_LANES, from);
}
CW_INLINE void cw_u1_store(double *p, const cw_u1_m *m) {
  cw_vd_store(p, m->re);
  cw_vd_store(p + CW_LANES, m->im);
}
CW_INLINE void cw_u1_zero(cw_u1_m *m) { *m = (cw_u1_m){cw_vd_set1(0), cw_vd_set1(0)}; }
CW_INLINE void cw_u1_add(cw_u1_m *m, const cw_u1_m *a) {
  m->re += a->re;
  m->im += a->im;
}
CW_INLINE void cw_u1_add_scaled(cw_u1_m *m, cw_vd s, const cw_u1_m *a) {
  m->re = cw_vd_fma(s, a->re, m->re);
  m->im = cw_vd_fma(s, a->im, m->im);
}
CW_INLINE void cw_u1_adjoint(cw_u1_m *c, const cw_u1_m *a) { *c = (cw_u1_m){a->re, -a->im}; }

CW_INLINE void cw_u1_mul(cw_u1_m *c, const cw_u1_m *a, const cw_u1_m *b) {
  c->re = cw_vd_fma(a->re, b->re, -(a->im * b->im));
  c->im = cw_vd_fma(a->re, b->im, a->im * b->re);
}
CW_INLINE void cw_u1_mul_nd(cw_u1_m *c, const cw_u1_m *a, const cw_u1_m *b) {
  c->re = cw_vd_fma(a->re, b->re, a->im * b->im);
  c->im = cw_vd_fma(a->im, b->re, -(a->re * b->im));
}
CW_INLINE void cw_u1_mul_dn(cw_u1_m *c, const cw_u1_m *a, const cw_u1_m *b) {
  cw_u1_mul_nd(c, b, a);
}
CW_INLINE void cw_u1_mul_dd(cw_u1_m *c, const cw_u1_m *a, const cw_u1_m *b) {
  c->re = cw_vd_fma(a->re, b->re, -(a->im * b->im));
  c->im = -cw_vd_fma(a->re, b->im, a->im * b->re);
}
CW_INLINE cw_vd cw_u1_re_trace(const cw_u1_m *a) { return a->re; }
CW_INLINE cw_vd cw_u1_im_trace(const cw_u1_m *a) { return a->im; }
CW_INLINE cw_vd cw_u1_re_trace_nd(const cw_u1_m *a, const cw_u1_m *b) {
  return cw_vd_fma(a->re, b->re, a->im * b->im);
}
/* U(1) has a trace part only, and keeps it. */
CW_INLINE void cw_u1_to_algebra(const cw_u1_m *a, cw_vd *w) { w[0] = a->im; }
CW_INLINE void cw_u1_from_algebra(cw_u1_m *x, const cw_vd *w) {
  *x = (cw_u1_m){cw_vd_set1(0), w[0]};
}
CW_INLINE void cw_u1_slopes(cw_vd *s, const cw_u1_m *a) { s[0] = a->re; }
CW_INLINE void cw_u1_slopes_vjp(cw_u1_m *q, const cw_vd *g) { *q = (cw_u1_m){g[0], cw_vd_set1(0)}; }
CW_INLINE void cw_u1_exp(cw_u1_m *u, const cw_vd *w) {
  cw_vd s = cw_vd_set1(0), c = s;
  cw_vd_sincos(w[0], &s, &c);
  *u = (cw_u1_m){c, s};
}
CW_INLINE void cw_u1_log(const cw_u1_m *u, cw_vd *w) { w[0] = cw_vd_atan2(u->im, u->re); }
CW_INLINE void cw_u1_dexp(cw_vd *d, const cw_vd *w) {
  (void)w;
  d[0] = cw_vd_set1(1);
}
CW_INLINE void cw_u1_project(cw_u1_m *u) {
  cw_vd r = cw_vd_set1(1) / cw_vd_sqrt(cw_vd_fma(u->re, u->re, u->im * u->im));
  u->re *= r;
  u->im *= r;
}

#endif
