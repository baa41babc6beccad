/* The field X of one link, its solution and its adjoint for one group, CW_GROUP; included once for
 * each. */
#include "model/layers/residual/features.h"

/* tr T_a T_b = -delta_ab/trace. */
enum { G(trace_norm) = G(N) > 1 ? 2 : 1 };

CW_INLINE void G(load_w)(cw_vd *w, const double *p, int n) {
  for (int a = 0; a < n; a++) w[a] = cw_vd_load(p + a * CW_LANES);
}
CW_INLINE void G(store_w)(double *p, const cw_vd *w, int n) {
  for (int a = 0; a < n; a++) cw_vd_store(p + a * CW_LANES, w[a]);
}

CW_INLINE void G(load_sums)(G(link_sums) * s, const double *v) {
  for (int i = 0; i < CW_LEVELS * CW_PLANES; i++)
    G(load)(&s->v[i / CW_PLANES][i % CW_PLANES], v + i * (G(N_REAL) * CW_LANES));
}

/* ---- what is frozen of X ---- */

/* X = -TA(U m^+ + square conj(tr P) P), P = U r^+. Only one feature is SQUARE so far: r is its own. */
typedef struct {
  G(m) m, r;
  double square;
} G(frozen_part);

#define CW_LINEAR(name, factor, by_plane)                                                          \
  for (int p = 0; p < (by_plane ? CW_PLANES : 1); p++)                                             \
    if (c->of[CW_FEATURE_##name][p] != 0) {                                                        \
      G(m) r;                                                                                      \
      G(name##_frozen)(&r, s, p);                                                                  \
      G(add_scaled)(&f->m, cw_vd_set1(factor * c->of[CW_FEATURE_##name][p]), &r);                  \
    }
#define CW_SQUARE(name, factor, by_plane)                                                          \
  G(name##_frozen)(&f->r, s, 0);                                                                   \
  f->square = G(N) > 1 ? factor * c->of[CW_FEATURE_##name][0] : 0;
#define CW_FEATURE(name, form, factor, by_plane, order) CW_##form(name, factor, by_plane)
CW_INLINE void G(freeze)(G(frozen_part) * f, const G(link_sums) * s, const cw_residual_c *c) {
  G(zero)(&f->m);
#include "model/layers/residual/features.def"
}
#undef CW_FEATURE
#undef CW_LINEAR
#undef CW_SQUARE

/* ---- X at a link ---- */

typedef struct {
  G(m) z; /* X = -TA(z) */
  G(m) p; /* of the square */
  cw_vd w[G(N_ALGEBRA)];
} G(at_link);

CW_INLINE void G(field_at)(G(at_link) * x, const G(m) * u, const G(frozen_part) * f) {
  G(mul_nd)(&x->z, u, &f->m);
  if (f->square != 0) {
    G(mul_nd)(&x->p, u, &f->r);
    G(add_complex)
    (&x->z, f->square * G(re_trace)(&x->p), -f->square * G(im_trace)(&x->p), &x->p);
  }
  G(to_algebra)(&x->z, x->w);
  for (int a = 0; a < G(N_ALGEBRA); a++) x->w[a] = -x->w[a];
}

/* Coordinates of TA(P) and of TA(iP): tr T_b P = -(w_b - i h_b)/2 and the like. */
CW_INLINE void G(parts_of)(const G(m) * p, cw_vd *w, cw_vd *h) {
  G(to_algebra)(p, w);
  G(hermitian_part)(p, h);
}

/* dx_ab = dw_a along T_b: of conj(tr T_b P) P the coordinates are -(w_a w_b + h_a h_b)/2. */
CW_INLINE void G(slopes_at)(const G(at_link) * x, const G(frozen_part) * f, cw_vd *dx) {
  enum { D = G(N_ALGEBRA) };
  cw_vd w[D], h[D];
  G(slopes)(dx, &x->z);
  for (int i = 0; i < D * D; i++) dx[i] = -dx[i];
  if (f->square == 0) return;
  G(parts_of)(&x->p, w, h);
  for (int a = 0; a < D; a++)
    for (int b = 0; b < D; b++)
      dx[D * a + b] += 0.5 * f->square * cw_vd_fma(w[a], w[b], h[a] * h[b]);
}

static void G(terms)(const double *u, const double *v, const cw_residual_c *c, double *w,
                     double *dx) {
  for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
    G(link_sums) s;
    G(frozen_part) f;
    G(at_link) x;
    G(m) link;
    cw_vd slopes[G(N_ALGEBRA) * G(N_ALGEBRA)];
    G(load_sums)(&s, v + lane);
    G(freeze)(&f, &s, c);
    G(load)(&link, u + lane);
    G(field_at)(&x, &link, &f);
    G(slopes_at)(&x, &f, slopes);
    G(store_w)(w + lane, x.w, G(N_ALGEBRA));
    G(store_w)(dx + lane, slopes, G(N_ALGEBRA) * G(N_ALGEBRA));
  }
}

/* ---- the inverse ---- */

/* A lane is done when w moves by no more than 1e-15, or by rounding and no longer less; it then stays
 * as it is, so that lanes do not depend on each other. */
static bool G(solve)(const double *y, const double *v, const cw_residual_c *c, double *u,
                     double *w) {
  bool all = true;
  for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
    G(link_sums) s;
    G(frozen_part) f;
    G(m) to, link, turn;
    cw_vd was[G(N_ALGEBRA)], minus[G(N_ALGEBRA)], moved = cw_vd_set1(1);
    cw_vl going = moved > cw_vd_set1(0);
    G(load_sums)(&s, v + lane);
    G(freeze)(&f, &s, c);
    G(load)(&to, y + lane);
    link = to;
    for (int a = 0; a < G(N_ALGEBRA); a++) was[a] = cw_vd_set1(0);
    for (int i = 0; i < CW_SOLVE_STEPS && cw_any(going); i++) {
      G(at_link) x;
      cw_vd most = cw_vd_set1(0);
      G(field_at)(&x, &link, &f);
      for (int a = 0; a < G(N_ALGEBRA); a++) {
        most = most + (x.w[a] - was[a]) * (x.w[a] - was[a]);
        was[a] = cw_vd_select(going, x.w[a], was[a]);
        minus[a] = -was[a];
      }
      const cw_vl rounds = (most <= cw_vd_set1(1e-28)) & (most >= moved);
      going &= ~((most <= cw_vd_set1(1e-30)) | rounds);
      moved = most;
      G(exp)(&turn, minus);
      G(mul)(&link, &turn, &to);
    }
    all &= !cw_any(going);
    G(store)(u + lane, &link);
    G(store_w)(w + lane, was, G(N_ALGEBRA));
  }
  return all;
}

/* ---- the adjoint ---- */

/* q = adjoint of z: F changes by Re tr q dz. Of w_a = trace Re tr T_a z, and of dx. */
CW_INLINE void G(field_adjoint)(G(m) * q, const cw_vd *gw, const cw_vd *gdx) {
  G(m) of_w;
  G(slopes_vjp)(q, gdx);
  G(scale)(q, cw_vd_set1(-1));
  G(from_algebra)(&of_w, gw);
  G(add_scaled)(q, cw_vd_set1(G(trace_norm)), &of_w);
}

/* What F changes by with P of the square, as Re tr q_p dP, given q; *dc += by its coefficient. */
CW_INLINE void G(square_adjoint)(G(m) * qp, const G(m) * q, const G(m) * p, double square,
                                 double factor, const cw_vd *gdx, cw_vd *dc) {
  enum { D = G(N_ALGEBRA) };
  G(m) product, of_w;
  cw_vd w[D], h[D], gw[D], gh[D];
  G(mul)(&product, q, p);
  const cw_vd tr = G(re_trace)(p), ti = G(im_trace)(p), qr = G(re_trace)(&product),
              qi = G(im_trace)(&product);
  *dc += factor * cw_vd_fma(tr, qr, ti * qi); /* Re [conj(tr P) tr qP] */
  G(zero)(qp);
  G(add_complex)(qp, square * tr, -square * ti, q);
  G(add_one)(qp, square * qr, -square * qi);
  G(parts_of)(p, w, h);
  for (int a = 0; a < D; a++) {
    gw[a] = gh[a] = cw_vd_set1(0);
    for (int b = 0; b < D; b++) {
      const cw_vd both = 0.5 * (gdx[D * a + b] + gdx[D * b + a]);
      gw[a] = cw_vd_fma(both, w[b], gw[a]);
      gh[a] = cw_vd_fma(both, h[b], gh[a]);
    }
    *dc += 0.5 * factor * cw_vd_fma(gw[a], w[a], gh[a] * h[a]);
    gw[a] *= square;
    gh[a] *= square;
  }
  G(from_algebra)(&of_w, gw);
  G(add_scaled)(qp, cw_vd_set1(-G(trace_norm)), &of_w);
  G(hermitian_part_vjp)(qp, gh);
}

typedef struct {
  G(m) q, u, qu; /* qu: q u, adjoint of m */
  G(m) own;      /* F changes by Re tr T own with u -> e^T u */
  const cw_vd *gdx;
  G(link_sums) gs;
  cw_vd dc[CW_FEATURES][CW_PLANES];
} G(pulled);

#define CW_LINEAR(name, factor, by_plane)                                                          \
  for (int p = 0; p < (by_plane ? CW_PLANES : 1); p++) {                                           \
    G(m) r, g = y->qu;                                                                             \
    G(name##_frozen)(&r, s, p);                                                                    \
    y->dc[CW_FEATURE_##name][p] = factor * G(re_trace_nd)(&g, &r);                                 \
    G(scale)(&g, cw_vd_set1(factor * c->of[CW_FEATURE_##name][p]));                                \
    if (c->of[CW_FEATURE_##name][p] != 0) G(name##_pull)(&y->gs, s, p, &g);                        \
  }
#define CW_SQUARE(name, factor, by_plane)                                                          \
  if (G(N) > 1) {                                                                                  \
    G(m) r, p, qp, g;                                                                              \
    G(name##_frozen)(&r, s, 0);                                                                    \
    G(mul_nd)(&p, &y->u, &r);                                                                      \
    G(square_adjoint)                                                                              \
    (&qp, &y->q, &p, factor * c->of[CW_FEATURE_##name][0], factor, y->gdx,                         \
     &y->dc[CW_FEATURE_##name][0]);                                                                \
    G(mul)(&g, &p, &qp);                                                                           \
    G(add)(&y->own, &g);                                                                           \
    G(mul)(&g, &qp, &y->u);                                                                        \
    G(name##_pull)(&y->gs, s, 0, &g);                                                              \
  }
#define CW_FEATURE(name, form, factor, by_plane, order) CW_##form(name, factor, by_plane)
CW_INLINE void G(pull_features)(G(pulled) * y, const G(link_sums) * s, const cw_residual_c *c) {
#include "model/layers/residual/features.def"
}
#undef CW_FEATURE
#undef CW_LINEAR
#undef CW_SQUARE

static void G(pull)(const double *u, const double *v, const cw_residual_c *c, const double *gw,
                    const double *gdx, double *g, double *gv, double *dc) {
  enum { D = G(N_ALGEBRA), FEATURES = CW_FEATURES * CW_PLANES };
  for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
    G(link_sums) s;
    G(frozen_part) f;
    G(pulled) y;
    G(m) p;
    cw_vd of_w[D], of_dx[D * D], t[D];
    G(load_sums)(&s, v + lane);
    G(freeze)(&f, &s, c);
    G(load)(&y.u, u + lane);
    G(load_w)(of_w, gw + lane, D);
    G(load_w)(of_dx, gdx + lane, D * D);
    G(field_adjoint)(&y.q, of_w, of_dx);
    G(mul)(&y.qu, &y.q, &y.u);
    G(mul_nd)(&p, &y.u, &f.m);
    G(mul)(&y.own, &p, &y.q);
    y.gdx = of_dx;
    for (int i = 0; i < CW_LEVELS * CW_PLANES; i++) G(zero)(&y.gs.v[i / CW_PLANES][i % CW_PLANES]);
    for (int i = 0; i < FEATURES; i++) y.dc[i / CW_PLANES][i % CW_PLANES] = cw_vd_set1(0);
    G(pull_features)(&y, &s, c);
    G(to_algebra)(&y.own, t);
    for (int a = 0; a < D; a++) cw_vd_store(g + a * CW_LANES + lane, t[a] * (-1.0 / G(trace_norm)));
    for (int i = 0; i < CW_LEVELS * CW_PLANES; i++)
      G(store)(gv + i * (G(N_REAL) * CW_LANES) + lane, &y.gs.v[i / CW_PLANES][i % CW_PLANES]);
    G(store_w)(dc + lane, y.dc[0], FEATURES);
  }
}
