/* Adjoints of smearing and filling for one group, CW_GROUP, in double; included once for each. */

#include "group/unitary_adjoint_template.h"

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
