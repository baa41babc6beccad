/* Template of the Wilson kernels of one group: included by wilson.isa.c with CW_GROUP set. Every
 * lane does the same operations in the same order, whatever its (sub-lattice, configuration) pair
 * and however many lanes of its outer site are near a defect: a weight that is exactly 1 changes no
 * bit. */
#include "group/staple.h"

#ifndef CW_WILSON_KERNELS_H
#define CW_WILSON_KERNELS_H

/* Sums of Re tr P per class, piece and lane. Without a defect only the first two classes are used.
 */
typedef double cw_wilson_parts[CW_WILSON_CLASSES][CW_LANES * CW_SLICES][CW_LANES];

static inline int cw_wilson_classes(const cw_theory *th) {
  return ((const cw_wilson *)th->own)->row != NULL ? CW_WILSON_CLASSES : 2;
}

/* What a force at couplings c needs everywhere: weights, those of the staples of every direction
 * far from a defect. */
typedef struct {
  double far[CW_MAX_DIM][CW_WILSON_STAPLES][CW_LANES] __attribute__((aligned(64)));
  cw_wilson_weights weights;
} cw_wilson_plan;

/* To the sums of a piece goes Re tr P of vector lanes [lane, lane + CW_VD): defects (CW_LANES) are
 * the defect links of P per lane, NULL: none; lanes with fewer than `least` of them do not count.
 */
CW_INLINE void cw_wilson_add(cw_wilson_parts part, long piece, cw_vd re_trace, int temporal,
                             const uint8_t *defects, int least, int lane) {
  for (int n = least; n <= (defects != NULL ? 2 : 0); n++) {
    cw_vd one = re_trace;
    for (int l = 0; defects != NULL && l < CW_VD; l++)
      if (defects[lane + l] != n) one[l] = 0;
    double *sum = part[2 * n + temporal][piece] + lane;
    cw_vd_store(sum, cw_vd_load(sum) + one);
  }
}

#endif

/* ------------------------------------------------------------------- terms */

/* The plaquette in the plane (mu, nu > mu) at one outer site; ahead: its neighbour in direction mu.
 */
CW_INLINE void G(wilson_plaquette)(const cw_theory *th, const double *x, long outer, int mu, int nu,
                                   cw_place ahead, int least, long piece, cw_wilson_parts part) {
  const int dim = th->geom->lat.dim;
  const uint8_t(*defects)[CW_LANES] = cw_wilson_defects(th, outer, mu);
  const cw_place here = {outer, NULL}, up = cw_step(th->geom, outer, 2 * nu);
  for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
    G(m) a, b, ab, ba;
    G(fetch)(&a, x, dim, here, mu, lane);
    G(fetch)(&b, x, dim, ahead, nu, lane);
    G(mul)(&ab, &a, &b);
    G(fetch)(&a, x, dim, here, nu, lane);
    G(fetch)(&b, x, dim, up, mu, lane);
    G(mul)(&ba, &a, &b);
    cw_wilson_add(part, piece, G(re_trace_nd)(&ab, &ba), nu == dim - 1,
                  defects != NULL ? defects[2 * (nu - 1)] : NULL, least, lane);
  }
}

/* Asks for the links mu ahead of a site that lie where the processor cannot guess. */
CW_INLINE void G(wilson_prefetch)(const cw_geometry *g, const double *x, long outer, int mu) {
  for (int nu = 0; nu < 2; nu++)
    for (int lane = 0; lane < CW_LANES; lane += CW_VD)
      G(prefetch)(x, g->lat.dim, g->neighbour[(outer * g->lat.dim + nu) * 2], mu, lane);
}

static void G(wilson_piece)(const cw_theory *th, const double *x, long piece,
                            cw_wilson_parts part) {
  for (int k = 0; k < cw_wilson_classes(th); k++) memset(part[k][piece], 0, sizeof part[k][piece]);
  long end = cw_slice_begin(th->geom, piece + 1);
  for (long outer = cw_slice_begin(th->geom, piece); outer < end; outer++)
    for (int mu = 0; mu < th->geom->lat.dim; mu++) {
      const cw_place ahead = cw_step(th->geom, outer, 2 * mu);
      if (outer + 1 < th->geom->n_outer) G(wilson_prefetch)(th->geom, x, outer + 1, mu);
      for (int nu = mu + 1; nu < th->geom->lat.dim; nu++)
        G(wilson_plaquette)(th, x, outer, mu, nu, ahead, 0, piece, part);
    }
}

/* T of the classes whose bit is set; 0 for the others, whose sums need not exist. */
static void G(wilson_sum)(const cw_geometry *g, cw_wilson_parts part, unsigned classes, double *T) {
  for (int k = 0; k < CW_WILSON_CLASSES; k++) {
    double total[CW_LANES] = {0};
    if (classes >> k & 1) cw_sum_parts(g, part[k][0], cw_slices(g), total);
    for (int b = 0; b < CW_LANES / g->V; b++) T[b * CW_WILSON_CLASSES + k] = -total[b] / G(N);
  }
}

static void G(wilson_terms)(const cw_theory *th, const double *x, double *T) {
  const cw_geometry *g = th->geom;
  cw_wilson_parts part __attribute__((aligned(64)));
  long n = cw_slice_count(g);
#pragma omp parallel for num_threads(cw_theory_threads(th)) schedule(static)
  for (long i = 0; i < n; i++) G(wilson_piece)(th, x, i, part);
  G(wilson_sum)(g, part, (1u << cw_wilson_classes(th)) - 1, T);
}

/* The classes with defect links alone, from the plaquettes that have any: in the order of terms,
 * which adds nothing but zeros to them between these. */
static void G(wilson_defect_terms)(const cw_theory *th, const double *x, double *T) {
  const cw_wilson *w = th->own;
  cw_wilson_parts part __attribute__((aligned(64)));
  const unsigned spatial = 1u << 2 | 1u << 4, temporal = 1u << 3 | 1u << 5;
  unsigned classes = 0;
  long piece = 0, n = cw_slice_count(th->geom);
  for (long i = 0; i < w->n_touched; i++)
    classes |= w->touched[i].nu == th->geom->lat.dim - 1 ? temporal : spatial;
  for (int k = 0; k < CW_WILSON_CLASSES; k++)
    if (classes >> k & 1) memset(part[k], 0, (size_t)n * sizeof part[k][0]);
  for (long i = 0; i < w->n_touched; i++) {
    const cw_wilson_plaquette *p = &w->touched[i];
    while (piece + 1 < n && p->outer >= cw_slice_begin(th->geom, piece + 1)) piece++;
    G(wilson_plaquette)
    (th, x, p->outer, p->mu, p->nu, cw_step(th->geom, p->outer, 2 * p->mu), 1, piece, part);
  }
  G(wilson_sum)(th->geom, part, classes, T);
}

/* A link of one configuration, its numbers side by side: of a whole field in room. */
CW_INLINE const double *G(lone_link)(const cw_field *x, long link, long config, double *room) {
  const cw_geometry *g = x->geom;
  const long dim = g->lat.dim, site = link / dim;
  if (x->patch != NULL) return x->data + (x->patch->place[link] * x->B + config) * G(N_REAL);
  const double *row = x->data + (g->outer[site] * dim + link % dim) * (G(N_REAL) * CW_LANES);
  for (int k = 0; k < G(N_REAL); k++) room[k] = row[k * CW_LANES + g->group[site] * x->B + config];
  return room;
}

/* Re tr P of (plaquette, configuration) pairs number first .. first + CW_VD - 1, n in all. */
CW_INLINE cw_vd G(wilson_lone)(const cw_wilson_lone *lone, const cw_field *x, long first, long n) {
  const double *p[4][CW_VD];
  double room[4][CW_VD][G(N_REAL)] __attribute__((aligned(64)));
  for (int l = 0; l < CW_VD; l++) {
    const long pair = first + l < n ? first + l : n - 1;
    for (int k = 0; k < 4; k++)
      p[k][l] = G(lone_link)(x, lone[pair / x->n_config].link[k], pair % x->n_config, room[k][l]);
  }
  G(m) a, b, ab, ba;
  G(gather)(&a, p[0]);
  G(gather)(&b, p[1]);
  G(mul)(&ab, &a, &b);
  G(gather)(&a, p[2]);
  G(gather)(&b, p[3]);
  G(mul)(&ba, &a, &b);
  return G(re_trace_nd)(&ab, &ba);
}

static void G(wilson_lone_terms)(const cw_theory *th, const cw_wilson_lone *lone, long n_lone,
                                 const cw_field *x, double *T) {
  cw_wilson_parts part __attribute__((aligned(64)));
  const long slices = cw_slice_count(th->geom), n = n_lone * x->n_config;
  unsigned classes = 0;
  for (long i = 0; i < n_lone; i++) classes |= 1u << lone[i].term;
  for (int k = 0; k < CW_WILSON_CLASSES; k++)
    if (classes >> k & 1) memset(part[k], 0, (size_t)slices * sizeof part[k][0]);
  for (long first = 0; first < n; first += CW_VD) {
    const cw_vd re_trace = G(wilson_lone)(lone, x, first, n);
    for (long pair = first; pair < first + CW_VD && pair < n; pair++) {
      const cw_wilson_lone *p = &lone[pair / x->n_config];
      part[p->term][p->piece][p->group * x->B + pair % x->n_config] += re_trace[pair - first];
    }
  }
  G(wilson_sum)(th->geom, part, classes, T);
}

/* ------------------------------------------------------------------- force */

/* f (N_ALGEBRA, CW_LANES) = factor * (the coordinates of U V^+) for link (outer, mu). */
CW_INLINE void G(wilson_link_force)(const double *x, const cw_corners *at, const double *r,
                                    double factor, double *f) {
  const cw_place here = {at->outer, NULL};
  for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
    G(m) u, v, uv;
    cw_vd w[G(N_ALGEBRA)];
    G(staple)(&v, x, at, r, lane);
    G(fetch)(&u, x, at->dim, here, at->mu, lane);
    G(mul_nd)(&uv, &u, &v);
    G(to_algebra)(&uv, w);
    for (int a = 0; a < G(N_ALGEBRA); a++) cw_vd_store(f + a * CW_LANES + lane, factor * w[a]);
  }
}

static void G(wilson_site_force)(const cw_theory *th, const double *x, long outer,
                                 const cw_wilson_plan *plan, double *f) {
  const int dim = th->geom->lat.dim;
  /* Re tr T_a W = -w_a/2 for SU(N), T_a = i lambda_a/2, and -w for U(1), T = i. */
  const double factor = -plan->weights.scale / (G(N) == 1 ? 1 : 2 * G(N));
  for (int mu = 0; mu < dim; mu++) {
    double near[CW_WILSON_STAPLES][CW_LANES] __attribute__((aligned(64)));
    const uint8_t(*defects)[CW_LANES] = cw_wilson_defects(th, outer, mu);
    const double *r = plan->weights.isotropic ? NULL : plan->far[mu][0];
    if (defects != NULL) {
      cw_wilson_staple_weights(&plan->weights, dim, mu, defects, near);
      r = near[0];
    }
    cw_corners at;
    cw_corners_find(&at, th->geom, outer, mu);
    G(wilson_link_force)(x, &at, r, factor, f + (outer * dim + mu) * (G(N_ALGEBRA) * CW_LANES));
  }
}

static void G(wilson_force)(const cw_theory *th, const double *x, const double *c, double *f) {
  const cw_geometry *g = th->geom;
  cw_wilson_plan plan = {.weights = cw_wilson_weigh(&g->lat, c)};
  for (int mu = 0; mu < g->lat.dim; mu++)
    cw_wilson_staple_weights(&plan.weights, g->lat.dim, mu, NULL, plan.far[mu]);
  long n = cw_slice_count(g);
#pragma omp parallel for num_threads(cw_theory_threads(th)) schedule(static)
  for (long i = 0; i < n; i++)
    for (long outer = cw_slice_begin(g, i); outer < cw_slice_begin(g, i + 1); outer++)
      G(wilson_site_force)(th, x, outer, &plan, f);
}
