/* Smearing, filling and sums for one group, CW_GROUP, in its numbers; included once for each. */

#include "group/unitary_template.h"

/* v += the two staples of one plane: sides from a block of links in all directions, and what they run
 * beside from another or the same. */
CW_INLINE void G(add_plane)(G(m) * v, const G(real) * sides, const G(real) * middle,
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

CW_INLINE void G(add_planes)(G(m) * v, const G(real) * sides, const G(real) * middle,
                             const cw_corners *at, int without, int lane) {
  int soon = 0;
  for (int nu = 0; nu < at->dim; nu++) {
    if (nu == at->mu || nu == without) continue;
    if (soon < at->n_soon) G(prefetch)(middle, at->dim, at->soon[soon++], at->mu, lane);
    G(add_plane)(v, sides, middle, at, nu, lane);
  }
}

/* W = U + weight S. */
CW_INLINE void G(widened)(G(m) * w, double weight, const G(real) * in, const cw_corners *at,
                          int without, int lane) {
  G(m) v;
  G(zero)(&v);
  G(add_planes)(&v, in, in, at, without, lane);
  G(fetch)(w, in, at->dim, (cw_place){at->outer, NULL}, at->mu, lane);
  G(add_scaled)(w, G(set1)(weight), &v);
}

static void G(smear)(const cw_geometry *g, double weight, int without, const void *from, void *to,
                     long begin, long end) {
  const int dim = g->lat.dim;
  const G(real) *in = from;
  G(real) *out = to;
  for (long o = begin; o < end; o++)
    for (int mu = 0; mu < dim; mu++) {
      cw_corners at;
      if (mu == without) continue;
      cw_corners_find(&at, g, o, mu);
      for (int lane = 0; lane < CW_LANES; lane += G(STEP)) {
        G(m) w;
        G(widened)(&w, weight, in, &at, without, lane);
        G(unitarise)(&w, 1);
        G(store)(out + (o * dim + mu) * (G(N_REAL) * CW_LANES) + lane, &w);
      }
    }
}

/* to = from in the lanes that are of the class. */
CW_INLINE void G(store_class)(G(real) * to, const G(m) * from, const uint8_t *class_of, int moved,
                              int lane) {
  G(real) row[G(N_REAL) * CW_LANES] CW_ALIGNED;
  G(store)(row, from);
  for (int i = 0; i < G(STEP); i++)
    for (int k = 0; k < G(N_REAL) && class_of[lane + i] == moved; k++)
      to[k * CW_LANES + lane + i] = row[k * CW_LANES + i];
}

static void G(fill)(const cw_mask *mask, const cw_geometry *g, int moved, const void *from,
                    void *to, long begin, long end) {
  const int dim = g->lat.dim, mu = moved / (mask->n_class / dim);
  const G(real) *x = from;
  G(real) *t = to;
  for (long o = begin; o < end; o++) {
    const long r = o * dim + mu, row = r * (G(N_REAL) * CW_LANES);
    const uint8_t *class_of = mask->class_of + r * CW_LANES;
    memcpy(t + row, x + row, G(N_REAL) * CW_LANES * sizeof *t);
    if (memchr(class_of, moved, CW_LANES) == NULL) continue;
    cw_corners at;
    cw_corners_find(&at, g, o, mu);
    for (int lane = 0; lane < CW_LANES; lane += G(STEP)) {
      G(m) v;
      G(zero)(&v);
      G(add_planes)(&v, t, x, &at, -1, lane);
      G(unitarise)(&v, CW_FILL_TURNS);
      G(store_class)(t + row, &v, class_of, moved, lane);
    }
  }
}

/* In double, whatever it was computed in. */
CW_INLINE void G(put)(double *to, const G(m) * m) {
  G(real) row[G(N_REAL) * CW_LANES] CW_ALIGNED;
  G(store)(row, m);
  for (int k = 0; k < G(N_REAL); k++)
    for (int i = 0; i < G(STEP); i++) to[k * CW_LANES + i] = row[k * CW_LANES + i];
}

static void G(sums)(const cw_geometry *g, const void *const field[CW_LEVELS], long outer, int mu,
                    double *v) {
  const int dim = g->lat.dim, time = dim - 1;
  cw_corners at;
  cw_corners_find(&at, g, outer, mu);
  for (int level = 0; level < CW_LEVELS; level++)
    for (int lane = 0; lane < CW_LANES; lane += G(STEP))
      for (int p = 0; p < CW_PLANES; p++) {
        G(m) sum;
        G(zero)(&sum);
        for (int nu = 0; nu < dim; nu++)
          if (nu != mu && (mu == time || nu == time) == (p == CW_TEMPORAL))
            G(add_plane)(&sum, field[level], field[level], &at, nu, lane);
        G(put)(v + (level * CW_PLANES + p) * (G(N_REAL) * CW_LANES) + lane, &sum);
      }
}

static void G(take)(const double *x, void *to, long n) {
  G(real) *out = to;
  for (long i = 0; i < n; i++) out[i] = (G(real))x[i];
}
