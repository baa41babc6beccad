/* Products of a pass with covectors, class by class. Each class moves links a with all others f held:
 * with a' = m(a; f), J = dm/da per link and B = dm/df,
 *   forward: g_a <- J^T g_a + c dl/da,         g_f <- g_f + B^T g_a + c dl/df,
 *   inverse: v = J^-T (g_a - c dl/da),         g_f <- g_f - B^T v - c dl/df,  g_a <- v,
 * l the log-Jacobian of m and c = glogj: of the inverse it is -l at the same links. The field before a
 * class is known from both ends of the pass, as a link moves once; smeared fields are made again. What a
 * change of frozen links does goes back through sums, smearing and filling (residual.h). */
#include <string.h>

#include "model/layers/residual/residual.h"

typedef double row[CW_LANES];
typedef struct {
  double at[CW_FEATURES * CW_PLANES * CW_LANES] CW_ALIGNED;
} feature_rows;

typedef struct {
  const cw_layer *L;
  bool inverse, by_plane;
  double *x; /* links before the class */
  cw_residual_fields field;
  double *g;
  row glogdet CW_ALIGNED;
  /* of a class: */
  int moved;
  const cw_residual_c *c;
  cw_sum_rows *gv; /* of its rows: adjoints of sums */
  double *part;    /* (CW_FEATURES * CW_PLANES, slices, CW_LANES) */
  /* Adjoints of fields; k: what they are derived along, by plane, or both the same. */
  double *bar, *bar_x, *k[CW_PLANES];
} product;

/* ---- the links of the class ---- */

/* g (d) of link row r becomes that of the other side, gv and dc what the class adds along v. */
static void pull_row(const product *y, long r, double *g, cw_sum_rows *gv, feature_rows *dc) {
  const cw_residual *s = y->L->impl;
  const int dim = y->L->geom->lat.dim, d = s->d;
  const void *const field[CW_LEVELS] = {y->x, y->field.at[s->steps], y->field.at[2 * s->steps]};
  const double *u = y->x + r * s->n_real * CW_LANES;
  cw_sum_rows v;
  cw_algebra_rows w, own, gw, of_det, along;
  cw_matrix_rows dx, gdx, m;
  s->op->exact.sums(y->L->geom, field, r / dim, (int)(r % dim), v.at);
  s->op->terms(u, v.at, y->c, w.at, dx.at);
  s->jacobian->map_vjp(w.at, dx.at, y->glogdet, of_det.at, gdx.at);
  memcpy(own.at, g, (size_t)d * sizeof(row));
  if (y->inverse) { /* own: J^-T (g - c dl/da) = Ad(e^X) M^-T of it */
    s->op->pull(u, v.at, y->c, of_det.at, gdx.at, along.at, gv->at, dc->at);
    for (int a = 0; a < d * CW_LANES; a++) own.at[a] -= along.at[a];
    s->jacobian->map(w.at, dx.at, m.at, NULL);
    s->jacobian->solve(m.at, true, 1, own.at, NULL);
    for (int a = 0; a < d * CW_LANES; a++) w.at[a] = -w.at[a];
    s->jacobian->pull(w.at, own.at, gw.at); /* Ad(e^-X)^T = Ad(e^X) */
    for (int a = 0; a < d * CW_LANES; a++) w.at[a] = -w.at[a];
    memcpy(g, own.at, (size_t)d * sizeof(row));
  }
  s->jacobian->pull(w.at, own.at, gw.at);
  for (int a = 0; a < d * CW_LANES; a++) gw.at[a] += of_det.at[a];
  s->op->pull(u, v.at, y->c, gw.at, gdx.at, along.at, gv->at, dc->at);
  for (int a = 0; a < d * CW_LANES && !y->inverse; a++) g[a] = own.at[a] + along.at[a];
}

static void pull_slice(const product *y, long slice) {
  const cw_residual *s = y->L->impl;
  const long n_slices = cw_slice_count(y->L->geom);
  long n;
  const int *rows = cw_residual_rows(y->L, y->moved, slice, &n);
  cw_sum_rows *gv = y->gv + (rows - s->mask.row - s->mask.begin[y->moved]);
  for (long i = 0; i < n; i++) {
    const long r = rows[i];
    const uint8_t *class_of = s->mask.class_of + r * CW_LANES;
    double *g = y->g + r * s->d * CW_LANES;
    cw_algebra_rows own;
    feature_rows dc;
    memcpy(own.at, g, (size_t)s->d * sizeof(row));
    pull_row(y, r, own.at, &gv[i], &dc);
    cw_residual_store(s, y->moved, r, s->d, own.at, g);
    for (int k = 0; k < CW_FEATURES * CW_PLANES; k++)
      for (int l = 0; l < CW_LANES; l++)
        if (class_of[l] == y->moved)
          y->part[(k * n_slices + slice) * CW_LANES + l] += dc.at[k * CW_LANES + l];
  }
}

static void pull_class(const product *y) {
  const long n = cw_slice_count(y->L->geom);
  memset(y->part, 0, (size_t)(CW_FEATURES * CW_PLANES * n) * sizeof(row));
#pragma omp parallel for num_threads(cw_residual_threads(y->L)) schedule(static)
  for (long i = 0; i < n; i++) pull_slice(y, i);
}

/* ---- frozen links ---- */

/* Adjoints of the sums of a level on the links of the class, 0 or more elsewhere. sums lie in gv with
 * n_real rows of each. */
static void spread(const product *y, int level, bool add) {
  const cw_residual *s = y->L->impl;
  const long n = s->mask.begin[y->moved + 1] - s->mask.begin[y->moved];
  const int planes = y->by_plane ? CW_PLANES : 1;
  for (int p = 0; p < planes; p++) {
    if (!add) memset(y->k[p], 0, cw_residual_field_bytes(y->L));
    for (long i = 0; i < n; i++) {
      const long r = s->mask.row[s->mask.begin[y->moved] + i];
      const uint8_t *class_of = s->mask.class_of + r * CW_LANES;
      const double *from = y->gv[i].at + (level * CW_PLANES + p) * s->n_real * CW_LANES;
      double *to = y->k[p] + r * s->n_real * CW_LANES;
      for (int j = 0; j < s->n_real * CW_LANES; j++)
        if (class_of[j % CW_LANES] == y->moved) to[j] += from[j];
    }
  }
}

static void along(const product *y, int without, const double *x, double *bar) {
  const cw_residual *s = y->L->impl;
  const cw_geometry *g = y->L->geom;
  const double *const k[CW_PLANES] = {y->k[0], y->k[1]};
  const long n = cw_slice_count(g);
#pragma omp parallel for num_threads(cw_residual_threads(y->L)) schedule(static)
  for (long i = 0; i < n; i++)
    s->op->along(g, without, x, k, bar, cw_slice_begin(g, i), cw_slice_begin(g, i + 1));
}

/* bar, the adjoint of smear's out, becomes that of in; add: a level whose sums see in, -1: none. */
static void smear_vjp(const product *y, int without, const double *in, int add) {
  const cw_residual *s = y->L->impl;
  const cw_geometry *g = y->L->geom;
  const long n = cw_slice_count(g);
#pragma omp parallel for num_threads(cw_residual_threads(y->L)) schedule(static)
  for (long i = 0; i < n; i++)
    s->op->smear_vjp(g, s->weight, without, in, y->bar, y->k[0], cw_slice_begin(g, i),
                     cw_slice_begin(g, i + 1));
  if (y->by_plane) memcpy(y->k[1], y->k[0], cw_residual_field_bytes(y->L));
  if (add >= 0) spread(y, add, true);
  along(y, without, in, y->bar);
}

/* Adjoints of links of direction mu, or of all others, move from bar to bar_x. */
static void move_to_x(const product *y, int mu, bool others) {
  const cw_residual *s = y->L->impl;
  const int dim = y->L->geom->lat.dim;
  const long length = s->n_real * CW_LANES;
  for (long r = 0; r < y->L->geom->n_outer * dim; r++) {
    if ((r % dim == mu) == others) continue;
    for (long i = r * length; i < (r + 1) * length; i++) {
      y->bar_x[i] += y->bar[i];
      y->bar[i] = 0;
    }
  }
}

static void pull_filling(const product *y) {
  const cw_residual *s = y->L->impl;
  const cw_geometry *g = y->L->geom;
  const long n = cw_slice_count(g);
  const double *filled = y->field.at[0];
  memset(y->k[0], 0, cw_residual_field_bytes(y->L));
#pragma omp parallel for num_threads(cw_residual_threads(y->L)) schedule(static)
  for (long i = 0; i < n; i++)
    s->op->fill_vjp(&s->mask, g, y->moved, filled, y->bar, y->k[0], cw_slice_begin(g, i),
                    cw_slice_begin(g, i + 1));
  if (y->by_plane) memcpy(y->k[1], y->k[0], cw_residual_field_bytes(y->L));
  along(y, -1, filled, y->bar);
}

static void pull_frozen(const product *y) {
  const cw_residual *s = y->L->impl;
  const cw_geometry *g = y->L->geom;
  const int mu = cw_residual_direction(s, y->moved);
  const long n = cw_slice_count(g);
  memset(y->bar_x, 0, cw_residual_field_bytes(y->L));
  memset(y->bar, 0, cw_residual_field_bytes(y->L));
  spread(y, CW_THIN, false);
  along(y, -1, y->x, y->bar_x);
  spread(y, CW_LONG, false);
  along(y, -1, y->field.at[2 * s->steps], y->bar);
  for (int i = 2 * s->steps - 1; i >= 0; i--)
    smear_vjp(y, -1, y->field.at[i], i == s->steps ? CW_SHORT : -1);
  pull_filling(y);
  move_to_x(y, mu, false);
  for (int i = CW_PRESMEARED - 1; i >= 0; i--)
    smear_vjp(y, mu, i > 0 ? y->field.pre[i - 1] : y->x, -1);
  move_to_x(y, mu, true);
#pragma omp parallel for num_threads(cw_residual_threads(y->L)) schedule(static)
  for (long i = 0; i < n; i++)
    s->op->tangent(g, y->inverse ? -1 : 1, y->x, y->bar_x, y->g, cw_slice_begin(g, i),
                   cw_slice_begin(g, i + 1));
}

/* ---- the pass ---- */

static cw_status open_product(const cw_layer *L, cw_arena *work, product *y) {
  const cw_residual *s = L->impl;
  const size_t bytes = cw_residual_field_bytes(L);
  const size_t rows = (size_t)(L->geom->n_outer * L->geom->lat.dim);
  const size_t parts = (size_t)(CW_FEATURES * CW_PLANES * cw_slice_count(L->geom));
  size_t most = 0;
  for (int c = 0; c < s->mask.n_class; c++) {
    const size_t n = (size_t)(s->mask.begin[c + 1] - s->mask.begin[c]);
    most = n > most ? n : most;
  }
  CW_REQUIRE(most <= rows);
  y->L = L;
  y->by_plane = s->slots[CW_SPATIAL].slot[0].plane >= 0;
  y->x = cw_arena_alloc(work, bytes);
  y->bar = cw_arena_alloc(work, bytes);
  y->bar_x = cw_arena_alloc(work, bytes);
  y->k[0] = cw_arena_alloc(work, bytes);
  y->k[1] = y->by_plane ? cw_arena_alloc(work, bytes) : y->k[0];
  y->gv = cw_arena_alloc(work, most * sizeof *y->gv);
  y->part = cw_arena_alloc(work, parts * sizeof(row));
  if (!y->x || !y->bar || !y->bar_x || !y->k[0] || !y->k[1] || !y->gv || !y->part) return CW_ENOMEM;
  return cw_residual_open_fields(L, true, work, &y->field);
}

static bool all_zero(const cw_residual_c *c) {
  bool zero = true;
  for (int i = 0; i < CW_FEATURES * CW_PLANES; i++)
    zero &= c->of[i / CW_PLANES][i % CW_PLANES] == 0;
  return zero;
}

/* Links of the class, before or after it. */
static void set_class(const product *y, const double *from) {
  const cw_residual *s = y->L->impl;
  for (long i = s->mask.begin[y->moved]; i < s->mask.begin[y->moved + 1]; i++) {
    const long r = s->mask.row[i], at = r * s->n_real * CW_LANES;
    cw_residual_store(s, y->moved, r, s->n_real, from + at, y->x + at);
  }
}

/* dc (kind, feature, plane, configuration) += of this class. */
static void add_parts(const product *y, int kind, cw_residual_c dc[CW_LANES][CW_PLANES]) {
  const cw_geometry *g = y->L->geom;
  const long n = cw_slice_count(g);
  double sum[CW_LANES];
  for (int k = 0; k < CW_FEATURES * CW_PLANES; k++) {
    cw_sum_parts(g, y->part + k * n * CW_LANES, cw_slices(g), sum);
    for (int b = 0; b < CW_LANES / g->V; b++)
      dc[b][kind].of[k / CW_PLANES][k % CW_PLANES] += sum[b];
  }
}

static void add_theta(const cw_layer *L, const double *theta, double sign,
                      cw_residual_c dc[CW_LANES][CW_PLANES], cw_gradient_of *to) {
  enum { MOST = 2 * CW_FEATURES * CW_PLANES };
  const int B = CW_LANES / L->geom->V;
  double each[CW_LANES][MOST] = {{0}}, lanes[CW_LANES];
  for (int b = 0; b < B; b++) cw_residual_coefficients_vjp(L->impl, theta, dc[b], each[b]);
  for (long i = 0; i < L->n_theta; i++) {
    for (int b = 0; b < B; b++) lanes[b] = sign * each[b][i];
    to->sum[i] += cw_sum(lanes, (size_t)B);
    for (int b = 0; to->each != NULL && b < B; b++) to->each[i * CW_LANES + b] += lanes[b];
  }
}

static cw_status pass_vjp(const cw_layer *L, cw_theta th, bool inverse,
                          const cw_residual_frame *frame, double *g, const double *glogj,
                          cw_gradient_of *gtheta, cw_arena *work) {
  const cw_residual *s = L->impl;
  const int n = s->mask.n_class, B = CW_LANES / L->geom->V;
  product y = {.inverse = inverse, .g = g};
  cw_residual_c c[CW_PLANES], dc[CW_LANES][CW_PLANES];
  CW_TRY(open_product(L, work, &y));
  cw_residual_coefficients(s, th.d, c);
  memset(dc, 0, sizeof dc);
  for (int l = 0; l < CW_LANES; l++) y.glogdet[l] = glogj != NULL ? glogj[l % B] : 0;
  memcpy(y.x, inverse ? frame->x : frame->y, cw_residual_field_bytes(L));
  for (int i = 0; i < n; i++) {
    y.moved = inverse ? i : n - 1 - i;
    const int kind = cw_residual_direction(s, y.moved) == L->geom->lat.dim - 1;
    y.c = &c[kind];
    if (!inverse) set_class(&y, frame->x);
    cw_residual_smear(L, y.moved, y.x, &y.field);
    pull_class(&y);
    if (!all_zero(y.c)) pull_frozen(&y);
    if (inverse) set_class(&y, frame->y);
    add_parts(&y, kind, dc);
  }
  if (gtheta != NULL) add_theta(L, th.d, inverse ? -1 : 1, dc, gtheta);
  return CW_OK;
}

static cw_status product_of(const cw_layer *L, cw_theta th, bool inverse, const void *frame,
                            double *g, const double *glogj, cw_gradient_of *gtheta,
                            cw_arena *work) {
  cw_arena_mark mark = cw_arena_save(work);
  CW_TRY(pass_vjp(L, th, inverse, frame, g, glogj, gtheta, work));
  cw_arena_rewind(work, mark);
  return CW_OK;
}

cw_status cw_residual_forward_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                                  const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  return product_of(L, th, false, frame, g, glogj, gtheta, work);
}

cw_status cw_residual_inverse_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                                  const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  return product_of(L, th, true, frame, g, glogj, gtheta, work);
}
