/* Smearing, filling and their adjoints for one group, CW_GROUP; included once for each. */
#include "group/staple.h"

/* Of SU(3) alone sums of group elements are no multiples of unitary matrices. */
enum { G(needs_newton) = G(N) > 2 };

CW_INLINE void G(scale)(G(m) * m, cw_vd s) {
  const G(m) a = *m;
  G(zero)(m);
  G(add_scaled)(m, s, &a);
}

/* sqrt(N)/|w|; finite where w is 0. */
CW_INLINE cw_vd G(to_norm)(const G(m) * w) {
  return cw_vd_set1(sqrt((double)G(N))) / cw_vd_sqrt(G(re_trace_nd)(w, w) + 1e-200);
}

CW_INLINE void G(newton)(G(m) * w) { /* w (3 - w^+ w)/2 */
  G(m) square, cube;
  G(mul_dn)(&square, w, w);
  G(mul)(&cube, w, &square);
  G(scale)(w, cw_vd_set1(1.5));
  G(add_scaled)(w, cw_vd_set1(-0.5), &cube);
}

CW_INLINE void G(unitarise)(G(m) * w, int turns) {
  G(scale)(w, G(to_norm)(w));
  for (int i = 0; G(needs_newton) && i < turns; i++) G(newton)(w);
}

/* h: before the step; bar <- (3 bar - bar h^+ h - h bar^+ h - h h^+ bar)/2. */
CW_INLINE void G(newton_vjp)(const G(m) * h, G(m) * bar) {
  G(m) square, part, sum;
  G(mul_dn)(&square, h, h);
  G(mul)(&sum, bar, &square);
  G(mul_nd)(&square, h, bar);
  G(mul)(&part, &square, h);
  G(add)(&sum, &part);
  G(mul_nd)(&square, h, h);
  G(mul)(&part, &square, bar);
  G(add)(&sum, &part);
  G(scale)(bar, cw_vd_set1(1.5));
  G(add_scaled)(bar, cw_vd_set1(-0.5), &sum);
}

/* bar <- f (bar - h Re tr(h^+ bar)/N), h = f w: the norm is fixed. */
CW_INLINE void G(unitarise_vjp)(const G(m) * w, int turns, G(m) * bar) {
  const cw_vd f = G(to_norm)(w);
  G(m) h[3];
  h[0] = *w;
  G(scale)(&h[0], f);
  for (int i = 0; G(needs_newton) && i < turns; i++) {
    h[i + 1] = h[i];
    G(newton)(&h[i + 1]);
  }
  for (int i = turns - 1; G(needs_newton) && i >= 0; i--) G(newton_vjp)(&h[i], bar);
  G(add_scaled)(bar, G(re_trace_nd)(&h[0], bar) * (-1.0 / G(N)), &h[0]);
  G(scale)(bar, f);
}

/* v += the two staples of one plane: sides from a block of links in all directions, and what they run
 * beside from another or the same. */
CW_INLINE void G(add_plane)(G(m) * v, const double *sides, const double *middle,
                            const cw_corners *at, int nu, int lane) {
  const cw_place here = {at->outer, NULL};
  G(m) a, b, c, ab, p;
  G(fetch)(&a, sides, at->dim, here, nu, lane);
  G(fetch)(&b, middle, at->dim, at->up[nu], at->mu, lane);
  G(mul)(&ab, &a, &b);
  G(fetch)(&c, sides, at->dim, at->ahead, nu, lane);
  G(mul_nd)(&p, &ab, &c);
  G(add)(v, &p);
  G(fetch)(&a, sides, at->dim, at->down[nu], nu, lane);
  G(fetch)(&b, middle, at->dim, at->down[nu], at->mu, lane);
  G(mul_dn)(&ab, &a, &b);
  G(fetch)(&c, sides, at->dim, at->corner[nu], nu, lane);
  G(mul)(&p, &ab, &c);
  G(add)(v, &p);
}

CW_INLINE void G(add_planes)(G(m) * v, const double *sides, const double *middle,
                             const cw_corners *at, int without, int lane) {
  int soon = 0;
  for (int nu = 0; nu < at->dim; nu++) {
    if (nu == at->mu || nu == without) continue;
    if (soon < at->n_soon) G(prefetch)(middle, at->dim, at->soon[soon++], at->mu, lane);
    G(add_plane)(v, sides, middle, at, nu, lane);
  }
}

/* W = U + weight S. */
CW_INLINE void G(widened)(G(m) * w, double weight, const double *in, const cw_corners *at,
                          int without, int lane) {
  G(m) v;
  G(zero)(&v);
  G(add_planes)(&v, in, in, at, without, lane);
  G(fetch)(w, in, at->dim, (cw_place){at->outer, NULL}, at->mu, lane);
  G(add_scaled)(w, cw_vd_set1(weight), &v);
}

static void G(smear)(const cw_geometry *g, double weight, int without, const double *in,
                     double *out, long begin, long end) {
  const int dim = g->lat.dim;
  for (long o = begin; o < end; o++)
    for (int mu = 0; mu < dim; mu++) {
      cw_corners at;
      if (mu == without) continue;
      cw_corners_find(&at, g, o, mu);
      for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
        G(m) w;
        G(widened)(&w, weight, in, &at, without, lane);
        G(unitarise)(&w, 1);
        G(store)(out + (o * dim + mu) * (G(N_REAL) * CW_LANES) + lane, &w);
      }
    }
}

static void G(smear_vjp)(const cw_geometry *g, double weight, int without, const double *in,
                         double *bar, double *k, long begin, long end) {
  const int dim = g->lat.dim;
  for (long o = begin; o < end; o++)
    for (int mu = 0; mu < dim; mu++) {
      const long row = (o * dim + mu) * (G(N_REAL) * CW_LANES);
      cw_corners at;
      if (mu == without) continue;
      cw_corners_find(&at, g, o, mu);
      for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
        G(m) w, adjoint;
        G(widened)(&w, weight, in, &at, without, lane);
        G(load)(&adjoint, bar + row + lane);
        G(unitarise_vjp)(&w, 1, &adjoint);
        G(store)(bar + row + lane, &adjoint);
        G(scale)(&adjoint, cw_vd_set1(weight));
        G(store)(k + row + lane, &adjoint);
      }
    }
}

/* to = from in the lanes that are of the class. */
CW_INLINE void G(store_class)(double *to, const G(m) * from, const uint8_t *class_of, int moved,
                              int lane) {
  double row[G(N_REAL) * CW_LANES] CW_ALIGNED;
  G(store)(row, from);
  for (int i = 0; i < CW_VD; i++)
    for (int k = 0; k < G(N_REAL) && class_of[lane + i] == moved; k++)
      to[k * CW_LANES + lane + i] = row[k * CW_LANES + i];
}

static void G(fill)(const cw_mask *mask, const cw_geometry *g, int moved, const double *x,
                    double *t, long begin, long end) {
  const int dim = g->lat.dim, mu = moved / (mask->n_class / dim);
  for (long o = begin; o < end; o++) {
    const long r = o * dim + mu, row = r * (G(N_REAL) * CW_LANES);
    const uint8_t *class_of = mask->class_of + r * CW_LANES;
    memcpy(t + row, x + row, G(N_REAL) * CW_LANES * sizeof *t);
    if (memchr(class_of, moved, CW_LANES) == NULL) continue;
    cw_corners at;
    cw_corners_find(&at, g, o, mu);
    for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
      G(m) v;
      G(zero)(&v);
      G(add_planes)(&v, t, x, &at, -1, lane);
      G(unitarise)(&v, CW_FILL_TURNS);
      G(store_class)(t + row, &v, class_of, moved, lane);
    }
  }
}

static void G(fill_vjp)(const cw_mask *mask, const cw_geometry *g, int moved, const double *t,
                        double *bar, double *k, long begin, long end) {
  const int dim = g->lat.dim, mu = moved / (mask->n_class / dim);
  for (long o = begin; o < end; o++) {
    const long r = o * dim + mu, row = r * (G(N_REAL) * CW_LANES);
    const uint8_t *class_of = mask->class_of + r * CW_LANES;
    if (memchr(class_of, moved, CW_LANES) == NULL) continue;
    cw_corners at;
    cw_corners_find(&at, g, o, mu);
    for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
      G(m) v, adjoint, none;
      G(zero)(&v);
      G(zero)(&none);
      G(add_planes)(&v, t, t, &at, -1, lane);
      G(load)(&adjoint, bar + row + lane);
      G(unitarise_vjp)(&v, CW_FILL_TURNS, &adjoint);
      G(store_class)(k + row, &adjoint, class_of, moved, lane);
      G(store_class)(bar + row, &none, class_of, moved, lane);
    }
  }
}

/* bar += a b c^+ and a^+ b c with each of the three links in turn in k. */
CW_INLINE void G(add_plane_along)(G(m) * bar, const double *x, const double *k,
                                  const cw_corners *at, int nu, int lane) {
  const cw_place here = {at->outer, NULL};
  for (int down = 0; down < 2; down++) {
    const cw_place side = down ? at->down[nu] : here, last = down ? at->corner[nu] : at->ahead,
                   middle = down ? at->down[nu] : at->up[nu];
    G(m) a, b, c, ka, kb, kc, bc, sum, p;
    G(fetch)(&a, x, at->dim, side, nu, lane);
    G(fetch)(&b, x, at->dim, middle, at->mu, lane);
    G(fetch)(&c, x, at->dim, last, nu, lane);
    G(fetch)(&ka, k, at->dim, side, nu, lane);
    G(fetch)(&kb, k, at->dim, middle, at->mu, lane);
    G(fetch)(&kc, k, at->dim, last, nu, lane);
    if (down) {
      G(mul)(&bc, &b, &c);
      G(mul_dn)(&p, &ka, &bc);
      G(add)(bar, &p);
      G(mul)(&sum, &kb, &c);
      G(mul)(&p, &b, &kc);
      G(add)(&sum, &p);
      G(mul_dn)(&p, &a, &sum);
    } else {
      G(mul_nd)(&bc, &b, &c);
      G(mul)(&p, &ka, &bc);
      G(add)(bar, &p);
      G(mul_nd)(&sum, &kb, &c);
      G(mul_nd)(&p, &b, &kc);
      G(add)(&sum, &p);
      G(mul)(&p, &a, &sum);
    }
    G(add)(bar, &p);
  }
}

static void G(along)(const cw_geometry *g, int without, const double *x,
                     const double *const k[CW_PLANES], double *bar, long begin, long end) {
  const int dim = g->lat.dim, time = dim - 1;
  for (long o = begin; o < end; o++)
    for (int mu = 0; mu < dim; mu++) {
      double *row = bar + (o * dim + mu) * (G(N_REAL) * CW_LANES);
      cw_corners at;
      if (mu == without) continue;
      cw_corners_find(&at, g, o, mu);
      for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
        G(m) sum;
        G(load)(&sum, row + lane);
        for (int nu = 0; nu < dim; nu++)
          if (nu != mu && nu != without) G(add_plane_along)
        (&sum, x, k[mu == time || nu == time ? CW_TEMPORAL : CW_SPATIAL], &at, nu, lane);
        G(store)(row + lane, &sum);
      }
    }
}

/* Re tr bar^+ T_a x = -to_algebra(x bar^+)_a/trace, tr T_a T_b = -delta_ab/trace. */
static void G(tangent)(const cw_geometry *g, double sign, const double *x, const double *bar,
                       double *grad, long begin, long end) {
  const int dim = g->lat.dim;
  const cw_vd factor = cw_vd_set1(G(N) > 1 ? -0.5 * sign : -sign);
  for (long r = begin * dim; r < end * dim; r++)
    for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
      G(m) u, adjoint, p;
      cw_vd t[G(N_ALGEBRA)];
      G(load)(&u, x + r * (G(N_REAL) * CW_LANES) + lane);
      G(load)(&adjoint, bar + r * (G(N_REAL) * CW_LANES) + lane);
      G(mul_nd)(&p, &u, &adjoint);
      G(to_algebra)(&p, t);
      for (int a = 0; a < G(N_ALGEBRA); a++) {
        double *to = grad + (r * G(N_ALGEBRA) + a) * CW_LANES + lane;
        cw_vd_store(to, cw_vd_fma(factor, t[a], cw_vd_load(to)));
      }
    }
}
