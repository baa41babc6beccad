/* Kernels of jacobian.isa.c for one group, CW_GROUP; included once for each. d = N_ALGEBRA. */

#define D            G(N_ALGEBRA)
#define EACH(i)      for (int i = 0; i < D; i++)
#define EACH_2(i, j) EACH(i) EACH(j)

CW_INLINE void G(load_rows)(cw_vd *to, const double *from, int n) {
  for (int i = 0; i < n; i++) to[i] = cw_vd_load(from + i * CW_LANES);
}
CW_INLINE void G(store_rows)(double *to, const cw_vd *from, int n) {
  for (int i = 0; i < n; i++) cw_vd_store(to + i * CW_LANES, from[i]);
}

/* c = a b, a b^T if nt, a^T b if tn. */
CW_INLINE void G(square_mul)(cw_vd *c, const cw_vd *a, bool tn, const cw_vd *b, bool nt) {
  EACH_2(i, j) {
    cw_vd s = cw_vd_set1(0);
    EACH(k) s = cw_vd_fma(a[tn ? D * k + i : D * i + k], b[nt ? D * j + k : D * k + j], s);
    c[D * i + j] = s;
  }
}

/* Exchanges x and y where mask is set. */
CW_INLINE void G(exchange)(cw_vl mask, cw_vd *x, cw_vd *y) {
  const cw_vd was = *x;
  *x = cw_vd_select(mask, *y, was);
  *y = cw_vd_select(mask, was, *y);
}

/* The largest of what is left of column k comes to the diagonal, row by row: lanes have their own
 * orders. */
CW_INLINE void G(pivot)(cw_vd *m, int n, cw_vd *b, int k) {
  for (int i = k + 1; i < D; i++) {
    const cw_vl larger = cw_vd_abs(m[D * i + k]) > cw_vd_abs(m[D * k + k]);
    for (int j = k; j < D; j++) G(exchange)(larger, &m[D * k + j], &m[D * i + j]);
    for (int j = 0; j < n; j++) G(exchange)(larger, &b[n * k + j], &b[n * i + j]);
  }
}

/* m becomes upper triangular, b with it; returns |det m|. */
CW_INLINE cw_vd G(eliminate)(cw_vd *m, int n, cw_vd *b) {
  cw_vd product = cw_vd_set1(1);
  EACH(k) {
    G(pivot)(m, n, b, k);
    product *= cw_vd_abs(m[D * k + k]);
    for (int i = k + 1; i < D; i++) {
      const cw_vd f = m[D * i + k] / m[D * k + k];
      for (int j = k + 1; j < D; j++) m[D * i + j] = cw_vd_fnma(f, m[D * k + j], m[D * i + j]);
      for (int j = 0; j < n; j++) b[n * i + j] = cw_vd_fnma(f, b[n * k + j], b[n * i + j]);
    }
  }
  return product;
}

CW_INLINE void G(back_substitute)(const cw_vd *m, int n, cw_vd *b) {
  for (int i = D - 1; i >= 0; i--)
    for (int j = 0; j < n; j++) {
      cw_vd s = b[n * i + j];
      for (int k = i + 1; k < D; k++) s = cw_vd_fnma(m[D * i + k], b[n * k + j], s);
      b[n * i + j] = s / m[D * i + i];
    }
}

static void G(jacobian_solve)(const double *m, bool transposed, int n, double *b, double *logdet) {
  CW_REQUIRE(n >= 0 && n <= D);
  for (int v = 0; v < CW_LANES; v += CW_VD) {
    cw_vd a[D * D], x[D * D];
    EACH_2(i, j) a[D * i + j] = cw_vd_load(m + (transposed ? D * j + i : D * i + j) * CW_LANES + v);
    G(load_rows)(x, b + v, D * n);
    const cw_vd det = G(eliminate)(a, n, x);
    G(back_substitute)(a, n, x);
    G(store_rows)(b + v, x, D * n);
    if (logdet != NULL) cw_vd_store(logdet + v, cw_vd_log(det));
  }
}

/* phi(-ad X). */
CW_INLINE void G(phi_minus)(cw_vd *phi, const cw_vd *w) {
  cw_vd minus[D];
  EACH(a) minus[a] = -w[a];
  G(dexp)(phi, minus);
}

CW_INLINE void G(one_plus)(cw_vd *m, const cw_vd *phi, const cw_vd *dx) {
  G(square_mul)(m, phi, false, dx, false);
  EACH(i) m[(D + 1) * i] += cw_vd_set1(1);
}

static void G(jacobian_map)(const double *w, const double *dx, double *m, double *logdet) {
  for (int v = 0; v < CW_LANES; v += CW_VD) {
    cw_vd x[D], phi[D * D], d[D * D], a[D * D];
    G(load_rows)(x, w + v, D);
    G(load_rows)(d, dx + v, D * D);
    G(phi_minus)(phi, x);
    G(one_plus)(a, phi, d);
    if (m != NULL) G(store_rows)(m + v, a, D * D);
    if (logdet != NULL) cw_vd_store(logdet + v, cw_vd_log(G(eliminate)(a, 0, NULL)));
  }
}

/* gw = sum_ab g_ab d phi(-ad X)_ab/dw, g overwritten. Horner's scheme P_n = 1/(n+1)! - A P_(n+1)
 * backwards: the adjoint of A gets -g_n P_(n+1)^T, with g_(n+1) = -A^T g_n = A g_n. */
CW_OUTLINE void G(phi_minus_vjp)(cw_vd *gw, const cw_vd *w, cw_vd *g) {
  cw_vd A[D * D], P[CW_PHI_TERMS + 1][D * D], gA[D * D], next[D * D];
  double c = 1; /* 1/(n+1)! */
  for (int n = 1; n <= CW_PHI_TERMS; n++) c /= n + 1;
  G(ad)(A, w);
  EACH_2(i, j) {
    P[CW_PHI_TERMS][D * i + j] = cw_vd_set1(i == j ? c : 0);
    gA[D * i + j] = cw_vd_set1(0);
  }
  for (int n = CW_PHI_TERMS - 1; n > 0; n--) {
    c *= n + 2;
    G(square_mul)(next, A, false, P[n + 1], false);
    EACH_2(i, j) P[n][D * i + j] = cw_vd_set1(i == j ? c : 0) - next[D * i + j];
  }
  for (int n = 0; n < CW_PHI_TERMS; n++) {
    G(square_mul)(next, g, false, P[n + 1], true);
    EACH_2(i, j) gA[D * i + j] -= next[D * i + j];
    G(square_mul)(next, A, false, g, false);
    EACH_2(i, j) g[D * i + j] = next[D * i + j];
  }
  G(ad_vjp)(gw, gA);
}

/* ln|det M| changes by tr M^-1 (dphi dX + phi ddX). */
CW_OUTLINE void G(map_vjp_of)(const cw_vd *w, const cw_vd *dx, cw_vd scale, cw_vd *gw, cw_vd *gdx) {
  cw_vd phi[D * D], m[D * D], inverse[D * D], g[D * D];
  G(phi_minus)(phi, w);
  G(one_plus)(m, phi, dx);
  EACH_2(i, j) inverse[D * i + j] = i == j ? scale : cw_vd_set1(0);
  (void)G(eliminate)(m, D, inverse);
  G(back_substitute)(m, D, inverse);
  G(square_mul)(g, inverse, false, phi, false);
  EACH_2(i, j) gdx[D * i + j] = g[D * j + i];
  G(square_mul)(m, dx, false, inverse, false);
  EACH_2(i, j) g[D * i + j] = m[D * j + i];
  G(phi_minus_vjp)(gw, w, g);
}

static void G(jacobian_map_vjp)(const double *w, const double *dx, const double *glogdet,
                                double *gw, double *gdx) {
  for (int v = 0; v < CW_LANES; v += CW_VD) {
    cw_vd x[D], d[D * D], gx[D], gd[D * D];
    G(load_rows)(x, w + v, D);
    G(load_rows)(d, dx + v, D * D);
    G(map_vjp_of)(x, d, cw_vd_load(glogdet + v), gx, gd);
    G(store_rows)(gw + v, gx, D);
    G(store_rows)(gdx + v, gd, D * D);
  }
}

/* exp(-ad X) = 1 - A phi(-A); phi(ad X)^T = phi(-ad X), as A is antisymmetric. */
static void G(jacobian_pull)(const double *w, double *g, double *gw) {
  for (int v = 0; v < CW_LANES; v += CW_VD) {
    cw_vd x[D], phi[D * D], A[D * D], in[D], y[D];
    G(load_rows)(x, w + v, D);
    G(load_rows)(in, g + v, D);
    G(phi_minus)(phi, x);
    G(ad)(A, x);
    EACH(i) {
      y[i] = cw_vd_set1(0);
      EACH(k) y[i] = cw_vd_fma(phi[D * i + k], in[k], y[i]);
    }
    EACH(i) { EACH(k) in[i] = cw_vd_fnma(A[D * i + k], y[k], in[i]); }
    G(store_rows)(g + v, in, D);
    G(store_rows)(gw + v, y, D);
  }
}

static void G(jacobian_slopes)(const double *p, double *slopes) {
  for (int v = 0; v < CW_LANES; v += CW_VD) {
    G(m) m;
    cw_vd s[D * D];
    G(load)(&m, p + v);
    G(slopes)(s, &m);
    G(store_rows)(slopes + v, s, D * D);
  }
}

static void G(jacobian_slopes_vjp)(const double *gslopes, double *q) {
  for (int v = 0; v < CW_LANES; v += CW_VD) {
    G(m) m;
    cw_vd g[D * D];
    G(load_rows)(g, gslopes + v, D * D);
    G(slopes_vjp)(&m, g);
    G(store)(q + v, &m);
  }
}

#undef D
#undef EACH
#undef EACH_2
