/* U' = e^X U, X = -c TA(U V^+), V the sum of the link's staples: the links of one class of a mask move
 * against the gradient of the plaquettes, all others stay (a step of the flow of M. Luescher,
 * Commun. Math. Phys. 293 (2010) 899, arXiv:0907.5491, with its exact Jacobian).
 *
 * A change T of the link changes X by no more than |c| 2(d-1) |T|, as staples are unitary. c =
 * theta/sqrt(1 + (theta/b)^2) with b = 1/(4 (d-1)) stays below b, so that this is below |T|/2: the
 * layer is a bijection for every theta, and its inverse a fixed point that each step comes to twice
 * as near. */
#include "model/layers/staple/staple.h"

#include <math.h>
#include <string.h>

#include "group/jacobian.h"
#include "group/rows.h"
#include "group/walk.h"
#include "model/layers/plain.h"

enum { MAX_REAL = 18, MAX_ALGEBRA = 8, MAX_STEPS = 60 };

typedef double row[CW_LANES];
typedef struct {
  row at[MAX_REAL] CW_ALIGNED;
} link_rows;
typedef struct {
  row at[MAX_ALGEBRA] CW_ALIGNED;
} algebra_rows;
typedef struct {
  row at[MAX_ALGEBRA * MAX_ALGEBRA] CW_ALIGNED;
} matrix_rows;

typedef struct {
  cw_field_kind field;
  int n_real, d; /* reals and tangent coordinates of a link */
  double trace;  /* tr T_a T_b = -delta_ab/trace */
  const cw_staple_kernels *kernel;
  const cw_row_ops *rows;
  const cw_jacobian_ops *jacobian;
  cw_mask mask;
  int moved; /* class of the mask */
} staple;

/* ---- the coefficient ---- */

static double bound(const cw_layer *L) { return 0.25 / (L->geom->lat.dim - 1); }

static double coefficient(const cw_layer *L, double theta, double *slope) {
  const double r = theta / bound(L), n = sqrt(1 + r * r);
  if (slope != NULL) *slope = 1 / (n * n * n);
  return theta / n;
}

/* ---- rows of the class ---- */

static long n_rows(const staple *s) {
  return s->mask.begin[s->moved + 1] - s->mask.begin[s->moved];
}
static long row_number(const staple *s, long i) { return s->mask.row[s->mask.begin[s->moved] + i]; }
static double *link_of(const staple *s, double *x, long r) { return x + r * s->n_real * CW_LANES; }

/* to = from in the lanes of row r that are of the class. */
static void store_moved(const staple *s, long r, int n, const row *from, double *to) {
  const uint8_t *class_of = s->mask.class_of + r * CW_LANES;
  for (int k = 0; k < n; k++)
    for (int l = 0; l < CW_LANES; l++)
      if (class_of[l] == s->moved) to[k * CW_LANES + l] = from[k][l];
}

/* Sums over the rows of a canonical sub-lattice; lanes of other classes do not count. */
static void add_part(const cw_layer *L, long r, const double *value, double *part) {
  const staple *s = L->impl;
  const long sub = r / s->mask.units / L->geom->n_inner;
  for (int l = 0; l < CW_LANES; l++)
    if (s->mask.class_of[r * CW_LANES + l] == s->moved) part[sub * CW_LANES + l] += value[l];
}

static double *open_parts(const cw_layer *L, cw_arena *work) {
  const size_t bytes = (size_t)(L->geom->n_sub / L->geom->V) * CW_LANES * sizeof(double);
  double *part = cw_arena_alloc(work, bytes);
  if (part != NULL) memset(part, 0, bytes);
  return part;
}

/* ---- the field X ---- */

/* p = U V^+, and the coordinates t of TA(p). */
static void plaquettes(const staple *s, const double *u, const link_rows *v, link_rows *p,
                       algebra_rows *t) {
  s->rows->mul_nd(p->at[0], u, v->at[0]);
  s->rows->to_algebra(p->at[0], t->at[0]);
}

static void scaled(int n, double c, const row *from, row *to) {
  for (int k = 0; k < n; k++)
    for (int l = 0; l < CW_LANES; l++) to[k][l] = c * from[k][l];
}

/* ln|det| of the link's Jacobian at u, w and slopes. */
static void log_jacobian(const staple *s, double c, const link_rows *p, const algebra_rows *w,
                         double *logdet) {
  matrix_rows dt, dx;
  s->jacobian->slopes(p->at[0], dt.at[0]);
  scaled(s->d * s->d, -c, dt.at, dx.at);
  s->jacobian->map(w->at[0], dx.at[0], NULL, logdet);
}

/* ---- passes ---- */

static void forward_link(const staple *s, double c, const double *u, const link_rows *v,
                         link_rows *out, double *logdet) {
  link_rows p, e;
  algebra_rows t, w;
  plaquettes(s, u, v, &p, &t);
  scaled(s->d, -c, t.at, w.at);
  s->rows->exp(e.at[0], w.at[0]);
  s->rows->mul(out->at[0], e.at[0], u);
  log_jacobian(s, c, &p, &w, logdet);
}

/* Copies to `to` where a lane's field moved by more than rounding; returns whether any did. */
static bool take_step(int d, const algebra_rows *w, algebra_rows *was, bool *done) {
  bool any = false;
  for (int l = 0; l < CW_LANES; l++) {
    double most = 0;
    for (int a = 0; a < d; a++) most = fmax(most, fabs(w->at[a][l] - was->at[a][l]));
    for (int a = 0; a < d && !done[l]; a++) was->at[a][l] = w->at[a][l];
    done[l] = done[l] || !(most > 1e-15);
    any = any || !done[l];
  }
  return any;
}

/* U = e^-X(U) U', from U = U'. Lanes stop one by one and do not depend on each other. */
static void inverse_link(const staple *s, double c, const double *y, const link_rows *v,
                         link_rows *out, double *logdet) {
  link_rows p, e;
  algebra_rows t, w, minus = {{{0}}};
  bool done[CW_LANES] = {false};
  memcpy(out->at, y, (size_t)s->n_real * sizeof(row));
  for (int i = 0; i < MAX_STEPS; i++) {
    plaquettes(s, out->at[0], v, &p, &t);
    scaled(s->d, c, t.at, w.at);
    const bool more = take_step(s->d, &w, &minus, done);
    s->rows->exp(e.at[0], minus.at[0]);
    s->rows->mul(out->at[0], e.at[0], y);
    if (!more) break;
  }
  plaquettes(s, out->at[0], v, &p, &t);
  scaled(s->d, -c, t.at, w.at);
  log_jacobian(s, c, &p, &w, logdet);
}

/* The links of the class, whose staples hold none of them, so that their order does not matter. */
static cw_status pass(const cw_layer *L, cw_theta th, bool inverse, double *x, double *logj,
                      cw_arena *tape) {
  const staple *s = L->impl;
  const double c = coefficient(L, th.d[0], NULL);
  double sum[CW_LANES];
  cw_arena_mark mark = cw_arena_save(tape);
  double *part = open_parts(L, tape);
  if (part == NULL) return CW_ENOMEM;
  for (long i = 0; i < n_rows(s); i++) {
    const long r = row_number(s, i);
    link_rows v, to;
    row logdet CW_ALIGNED;
    s->kernel->sum[s->field](x, L->geom, r / s->mask.units, (int)(r % s->mask.units), v.at[0]);
    (inverse ? inverse_link : forward_link)(s, c, link_of(s, x, r), &v, &to, logdet);
    store_moved(s, r, s->n_real, to.at, link_of(s, x, r));
    add_part(L, r, logdet, part);
  }
  cw_sum_parts(L->geom, part, 1, sum);
  for (int b = 0; b < CW_LANES / L->geom->V; b++) logj[b] += inverse ? -sum[b] : sum[b];
  cw_arena_rewind(tape, mark);
  return CW_OK;
}

/* The frame is the side of x in both passes. */
static cw_status forward(const cw_layer *L, cw_theta th, double *x, double *logj, cw_arena *tape,
                         void **frame) {
  CW_TRY(cw_layer_keep(L, x, tape, frame));
  return pass(L, th, false, x, logj, tape);
}

static cw_status inverse(const cw_layer *L, cw_theta th, double *y, double *logj, cw_arena *tape,
                         void **frame) {
  CW_TRY(pass(L, th, true, y, logj, tape));
  return cw_layer_keep(L, y, tape, frame);
}

/* ---- the product of the forward pass ---- */

/* g += sign/trace times the coordinates of TA(r): what Re tr(T_a r), r = -sign r', is along T_a. */
static void add_coordinates(const staple *s, double sign, const link_rows *r, const int64_t *to,
                            const uint8_t *class_of, double *g) {
  algebra_rows t;
  s->rows->to_algebra(r->at[0], t.at[0]);
  for (int a = 0; a < s->d; a++)
    for (int l = 0; l < CW_LANES; l++)
      if (class_of[l] == s->moved)
        g[a * CW_LANES + (to != NULL ? to[l] : l)] += sign / s->trace * t.at[a][l];
}

/* F changes by Re tr(q dp) with w = -c t and dx = -c dt. */
static void field_adjoint(const staple *s, double c, const algebra_rows *gw, const matrix_rows *gdx,
                          link_rows *q) {
  link_rows of_dx;
  s->rows->from_algebra(q->at[0], gw->at[0]); /* t_a = -trace Re tr(T_a p) */
  s->jacobian->slopes_vjp(gdx->at[0], of_dx.at[0]);
  for (int k = 0; k < s->n_real; k++)
    for (int l = 0; l < CW_LANES; l++)
      q->at[k][l] = s->trace * c * q->at[k][l] - c * of_dx.at[k][l];
}

/* What a link's own adjoint g becomes; k: F changes by Re tr(k dV); dc: by -dc with c. */
static void pull_link(const staple *s, double c, const double *u, const link_rows *v,
                      const double *glogj, const uint8_t *class_of, double *g, link_rows *k,
                      double *dc) {
  link_rows p, q, qu, pq;
  algebra_rows t, w, own, gw, gw_det;
  matrix_rows dt, dx, gdx;
  plaquettes(s, u, v, &p, &t);
  s->jacobian->slopes(p.at[0], dt.at[0]);
  scaled(s->d, -c, t.at, w.at);
  scaled(s->d * s->d, -c, dt.at, dx.at);
  memcpy(own.at, g, (size_t)s->d * sizeof(row));
  s->jacobian->pull(w.at[0], own.at[0], gw.at[0]);
  s->jacobian->map_vjp(w.at[0], dx.at[0], glogj, gw_det.at[0], gdx.at[0]);
  memset(dc, 0, sizeof(row));
  for (int a = 0; a < s->d; a++)
    for (int l = 0; l < CW_LANES; l++) {
      gw.at[a][l] += gw_det.at[a][l];
      dc[l] += gw.at[a][l] * t.at[a][l];
    }
  for (int a = 0; a < s->d * s->d; a++)
    for (int l = 0; l < CW_LANES; l++) dc[l] += gdx.at[a][l] * dt.at[a][l];
  field_adjoint(s, c, &gw, &gdx, &q);
  for (int a = 0; a < s->d; a++)
    for (int l = 0; l < CW_LANES; l++)
      if (class_of[l] == s->moved) g[a * CW_LANES + l] = own.at[a][l];
  s->rows->mul(pq.at[0], p.at[0], q.at[0]);
  add_coordinates(s, -1, &pq, NULL, class_of, g);
  s->rows->mul(qu.at[0], q.at[0], u);
  s->rows->adjoint(k->at[0], qu.at[0]);
}

/* One of the three links of one of the staples. */
typedef enum { FIRST, MIDDLE, LAST } place_in_staple;
typedef struct {
  int nu;
  bool down;
  place_in_staple which;
} role;

static const double *fetch(const staple *s, const double *x, int dim, cw_place at, int mu,
                           link_rows *room) {
  const double *from = x + (at.outer * dim + mu) * s->n_real * CW_LANES;
  if (at.from == NULL) return from;
  s->rows->permute(room->at[0], from, at.from);
  return room->at[0];
}

/* A staple a b c^+ (up) or a^+ b c (down) and K of pull_link: a link moves to e^T a, and Re tr(K dV)
 * is sign Re tr(T r). */
static void staple_adjoint(const staple *s, role o, const double *a, const double *b,
                           const double *c, const double *K, link_rows *r, double *sign) {
  link_rows ab, p;
  *sign = (o.which == LAST && !o.down) || (o.which == FIRST && o.down) ? -1 : 1;
  if (!o.down && o.which == MIDDLE) { /* b c^+ K a */
    s->rows->mul_nd(ab.at[0], b, c);
    s->rows->mul(p.at[0], ab.at[0], K);
    s->rows->mul(r->at[0], p.at[0], a);
  } else if (!o.down) { /* p K, and K p */
    s->rows->mul(ab.at[0], a, b);
    s->rows->mul_nd(p.at[0], ab.at[0], c);
    s->rows->mul(r->at[0], o.which == FIRST ? p.at[0] : K, o.which == FIRST ? K : p.at[0]);
  } else if (o.which == LAST) { /* c K a^+ b */
    s->rows->mul(ab.at[0], c, K);
    s->rows->mul_nd(p.at[0], ab.at[0], a);
    s->rows->mul(r->at[0], p.at[0], b);
  } else { /* b c K a^+ */
    s->rows->mul(ab.at[0], b, c);
    s->rows->mul(p.at[0], ab.at[0], K);
    s->rows->mul_nd(r->at[0], p.at[0], a);
  }
}

static void pull_role(const cw_layer *L, const double *x, long r, role o, const double *K,
                      double *g) {
  const staple *s = L->impl;
  const cw_geometry *geom = L->geom;
  const int dim = geom->lat.dim, mu = (int)(r % dim);
  const long outer = r / dim;
  const cw_place here = {outer, NULL}, side = cw_step(geom, outer, 2 * o.nu + (o.down ? 1 : 0));
  const cw_place first = o.down ? side : here,
                 last = o.down ? cw_step2(geom, outer, 2 * o.nu + 1, 2 * mu)
                               : cw_step(geom, outer, 2 * mu);
  link_rows room[3], adjoint;
  double sign;
  staple_adjoint(s, o, fetch(s, x, dim, first, o.nu, &room[0]),
                 fetch(s, x, dim, side, mu, &room[1]), fetch(s, x, dim, last, o.nu, &room[2]), K,
                 &adjoint, &sign);
  const cw_place at = o.which == FIRST ? first : o.which == MIDDLE ? side : last;
  const int unit = o.which == MIDDLE ? mu : o.nu;
  add_coordinates(s, -sign, &adjoint, at.from, s->mask.class_of + r * CW_LANES,
                  g + (at.outer * dim + unit) * s->d * CW_LANES);
}

/* Of each role a link gets no more than one part: their order does not depend on the split. */
static void pull_staples(const cw_layer *L, const double *x, const link_rows *k, double *g) {
  const staple *s = L->impl;
  for (int nu = 0; nu < L->geom->lat.dim; nu++)
    for (int down = 0; down < 2; down++)
      for (int which = FIRST; which <= LAST; which++)
        for (long i = 0; i < n_rows(s); i++) {
          const long r = row_number(s, i);
          if (r % L->geom->lat.dim == nu) continue;
          pull_role(L, x, r, (role){nu, down == 1, (place_in_staple)which}, k[i].at[0], g);
        }
}

static void add_theta(const cw_layer *L, double factor, const double *part,
                      cw_gradient_of *gtheta) {
  const int B = CW_LANES / L->geom->V;
  double sum[CW_LANES];
  if (gtheta == NULL) return;
  cw_sum_parts(L->geom, part, 1, sum);
  for (int b = 0; b < B; b++) sum[b] *= factor;
  gtheta->sum[0] += cw_sum(sum, (size_t)B);
  for (int b = 0; gtheta->each != NULL && b < B; b++) gtheta->each[b] += sum[b];
}

static cw_status forward_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                             const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  const staple *s = L->impl;
  const double *x = frame;
  const int B = CW_LANES / L->geom->V;
  double slope, c = coefficient(L, th.d[0], &slope);
  row glogdet CW_ALIGNED, dc;
  cw_arena_mark mark = cw_arena_save(work);
  double *part = open_parts(L, work);
  link_rows *k = cw_arena_alloc(work, (size_t)n_rows(s) * sizeof *k);
  if (part == NULL || k == NULL) return CW_ENOMEM;
  for (int l = 0; l < CW_LANES; l++) glogdet[l] = glogj != NULL ? glogj[l % B] : 0;
  for (long i = 0; i < n_rows(s); i++) {
    const long r = row_number(s, i);
    link_rows v;
    s->kernel->sum[s->field](x, L->geom, r / s->mask.units, (int)(r % s->mask.units), v.at[0]);
    pull_link(s, c, x + r * s->n_real * CW_LANES, &v, glogdet, s->mask.class_of + r * CW_LANES,
              g + r * s->d * CW_LANES, &k[i], dc);
    add_part(L, r, dc, part);
  }
  pull_staples(L, x, k, g);
  add_theta(L, -slope, part, gtheta);
  cw_arena_rewind(work, mark);
  return CW_OK;
}

/* ---- the layer ---- */

static void destroy(cw_layer *L) {
  staple *s = L->impl;
  cw_mask_destroy(&s->mask);
  cw_layer_destroy_plain(L);
}

static const cw_layer_ops ops = {.name = "staple",
                                 .title = "links turned along their plaquettes, U' = e^X U, X = -c "
                                          "TA(U V+)",
                                 .source =
                                     "Luescher, arXiv:0907.5491, section 3; Nagai and Tomiya, "
                                     "arXiv:2103.11965",
                                 .forward = forward,
                                 .inverse = inverse,
                                 .forward_vjp = forward_vjp,
                                 .init = cw_layer_init_zero,
                                 .destroy = destroy,
                                 .each = true};

static bool fits(cw_field_kind field) { return cw_kind(field)->on_links; }

static bool refuse(const cw_layer_spec *spec, const cw_lattice *lat, cw_layer_fault *fault) {
  *fault = (cw_layer_fault){0};
  if (cw_mask_refuses(lat, (cw_mask_kind)spec->choice[0], NULL, fault->why)) return true;
  if (lat->dim > 1) return false;
  *fault = (cw_layer_fault){.why = "needs plaquettes, so two directions at least"};
  return true;
}

static cw_status create(cw_context *ctx, const cw_layer_spec *spec, cw_field_kind field,
                        const cw_geometry *geom, cw_layer **out) {
  const cw_isa isa = cw_context_isa(ctx);
  CW_TRY(cw_layer_create_holding(ctx, &ops, geom, 1, sizeof(staple), out));
  staple *s = (*out)->impl;
  *s = (staple){.field = field,
                .n_real = cw_kind(field)->n_real,
                .d = cw_kind(field)->n_algebra,
                .trace = field == CW_LINK_U1 ? 1 : 2,
                .kernel = CW_DISPATCH(isa, cw_staple_kernels),
                .rows = &CW_DISPATCH(isa, cw_row_kernels)->kind[field],
                .jacobian = &CW_DISPATCH(isa, cw_jacobian_kernels)->kind[field]};
  cw_status st =
      cw_mask_create(ctx, geom, geom->lat.dim, (cw_mask_kind)spec->choice[0], NULL, &s->mask);
  if (st != CW_OK) {
    destroy(*out);
    *out = NULL;
    return st;
  }
  s->moved = spec->number % s->mask.n_class;
  return CW_OK;
}

static const char *const choices_name[] = {"mask", NULL};
static const char *const *const choices[] = {cw_mask_words};

const cw_layer_kind cw_layer_staple = {.ops = &ops,
                                       .choices_name = choices_name,
                                       .choices = choices,
                                       .masked = true,
                                       .fits = fits,
                                       .split = true,
                                       .refuse = refuse,
                                       .create = create};
