/* Products of a pass with covectors, class by class, on local fields. Each class moves links a with all others
 * f held: with a' = m(a; f), J = dm/da per link and B = dm/df,
 *   forward: g_a <- J^T g_a + c dl/da,         g_f <- g_f + B^T g_a + c dl/df,
 *   inverse: v = J^-T (g_a - c dl/da),         g_f <- g_f - B^T v - c dl/df,  g_a <- v,
 * l the log-Jacobian of m and c = glogj: of the inverse it is -l at the same links. What a change of frozen
 * links does goes back through sums, smearing and filling. */
#include <string.h>

#include "model/layers/repair/repair.h"

typedef double row[CW_LANES];

typedef struct {
  const cw_layer *L;
  const cw_repair *s;
  cw_repair_local f;
  double *g;                          /* (places, B, d) */
  double *bar, *bar_once, *bar_twice; /* adjoints of f.x, f.once, f.twice */
  double *dc;                         /* (B, n_theta) */
  const double *glogj;                /* (B); NULL: 0 */
  bool inverse;
  bool frozen; /* are there coefficients, so that frozen links matter? */
} product;

/* ---- rows of items ---- */

static double *g_of(const product *y, const cw_repair_class *k, long item) {
  return y->g +
         ((size_t)k->active.link[item / y->s->B].to * (size_t)y->s->B + (size_t)(item % y->s->B)) *
             (size_t)y->s->d;
}

static void fetch_g(const product *y, const cw_repair_class *k, long first, long n, double *rows) {
  memset(rows, 0, (size_t)y->s->d * sizeof(row));
  for (long i = 0; i < n; i++)
    for (int a = 0; a < y->s->d; a++) rows[a * CW_LANES + i] = g_of(y, k, first + i)[a];
}

static void store_g(const product *y, const cw_repair_class *k, long first, long n,
                    const double *rows) {
  for (long i = 0; i < n; i++)
    for (int a = 0; a < y->s->d; a++) g_of(y, k, first + i)[a] = rows[a * CW_LANES + i];
}

/* Rows dc (staples, CW_LANES) of derivatives by coefficients of staples, whose numbers begin at `from`. */
static void add_dc(const product *y, const cw_repair_class *k, long first, long n, int from,
                   const double *dc) {
  for (long i = 0; i < n; i++)
    for (int j = 0; j < 2 * (y->s->dim - 1); j++)
      y->dc[(first + i) % y->s->B * y->L->n_theta + from +
            k->near[(first + i) / y->s->B]->staple[j]] += dc[j * CW_LANES + i];
}

/* ---- the links of the class ---- */

/* Adjoints (d) of items become those before the class; gv, de: what it adds along their
 * sums and e. */
static void pull_links(const product *y, const cw_repair_class *k, long first, long n,
                       cw_sum_rows *gv, double *de) {
  const cw_repair *s = y->s;
  cw_repair_sum v;
  row dc[CW_FEATURES * CW_PLANES] CW_ALIGNED;
  cw_algebra_rows w, own, gw, of_det, along;
  cw_matrix_rows dx, gdx, m;
  row glogdet CW_ALIGNED = {0};
  double u[CW_RESIDUAL_REAL * CW_LANES] CW_ALIGNED;
  for (long i = 0; i < n; i++) glogdet[i] = y->glogj != NULL ? y->glogj[(first + i) % s->B] : 0;
  cw_repair_find_sum(s, k, &y->f, first, &v);
  s->op->fetch(&k->active, s->B, first, y->f.x, u);
  fetch_g(y, k, first, n, own.at);
  s->of_link->terms(u, v.v.at, &v.c, w.at, dx.at);
  s->jacobian->map_vjp(w.at, dx.at, glogdet, of_det.at, gdx.at);
  if (y->inverse) { /* own: J^-T (g - c dl/da) = Ad(e^X) M^-T of it */
    s->of_link->pull(u, v.v.at, &v.c, of_det.at, gdx.at, along.at, gv->at, dc[0]);
    for (int a = 0; a < s->d * CW_LANES; a++) own.at[a] -= along.at[a];
    s->jacobian->map(w.at, dx.at, m.at, NULL);
    s->jacobian->solve(m.at, true, 1, own.at, NULL);
    for (int a = 0; a < s->d * CW_LANES; a++) w.at[a] = -w.at[a];
    s->jacobian->pull(w.at, own.at, gw.at); /* Ad(e^-X)^T = Ad(e^X) */
    for (int a = 0; a < s->d * CW_LANES; a++) w.at[a] = -w.at[a];
    store_g(y, k, first, n, own.at);
  }
  s->jacobian->pull(w.at, own.at, gw.at);
  for (int a = 0; a < s->d * CW_LANES; a++) gw.at[a] += of_det.at[a];
  s->of_link->pull(u, v.v.at, &v.c, gw.at, gdx.at, along.at, gv->at, dc[0]);
  for (int a = 0; a < s->d * CW_LANES; a++) own.at[a] += along.at[a];
  if (!y->inverse) store_g(y, k, first, n, own.at);
  memcpy(de, dc[CW_FEATURE_trace * CW_PLANES], sizeof(row));
  cw_repair_pull_sum(s, &v, gv, de);
}

static void pull_batch(const product *y, const cw_repair_class *k, long first, long n) {
  const cw_repair *s = y->s;
  const int staples = 2 * (s->dim - 1), level = CW_PLANES * s->n_real * CW_LANES;
  cw_sum_rows gv;
  row de CW_ALIGNED, dc[CW_REPAIR_STAPLES] CW_ALIGNED;
  pull_links(y, k, first, n, &gv, de);
  double *gm = gv.at + CW_THIN * level, *gr = s->trace ? gv.at + CW_SHORT * level : NULL;
  s->op->sum_vjp(&k->active, staples, s->B, first, n, y->f.x, y->f.a, gm, k->w,
                 s->smears ? NULL : gr, y->bar, dc[0]);
  add_dc(y, k, first, n, 0, dc[0]);
  if (s->smears) {
    s->op->sum_vjp(&k->active, staples, s->B, first, n, y->f.twice, y->f.b, gm, k->w, gr,
                   y->bar_twice, dc[0]);
    add_dc(y, k, first, n, s->orbits.n_staples, dc[0]);
  }
  for (long i = 0; s->trace && i < n; i++)
    y->dc[(first + i) % s->B * y->L->n_theta + cw_repair_first_e(s) +
          k->near[first / s->B]->orbit] += de[i];
}

/* ---- a class ---- */

/* Adjoints of smeared links to those of the thin ones that they are made of. */
static void pull_smearing(const product *y, const cw_repair_class *k) {
  const cw_repair *s = y->s;
  const int staples = 2 * (s->dim - 1);
  const size_t n = (size_t)(s->B * s->n_real);
  s->op->smear_vjp(&k->twice, staples, s->B, s->weight, y->f.once, y->bar_twice, y->bar_once);
  for (long i = 0; i < k->active.n; i++)
    memcpy(y->f.x + (size_t)k->active.link[i].to * n, y->f.filled + (size_t)i * n,
           n * sizeof *y->f.x);
  s->op->smear_vjp(&k->once, staples, s->B, s->weight, y->f.x, y->bar_once, y->bar);
  s->op->fill_vjp(&k->active, staples, s->B, y->f.x, y->bar);
  for (long i = 0; i < k->active.n; i++)
    memcpy(y->f.x + (size_t)k->active.link[i].to * n, y->f.kept + (size_t)i * n,
           n * sizeof *y->f.x);
}

/* Adjoints of frozen links in y->bar, which are those of all but the active ones, to y->g. */
static void pull_frozen(const product *y, const cw_repair_class *k) {
  if (y->s->smears) pull_smearing(y, k);
  y->s->op->tangent(y->s->patch.n * y->s->B, y->inverse ? -1 : 1, y->f.x, y->bar, y->g);
}

static void pull_class(product *y, const cw_repair_class *k) {
  const size_t bytes = cw_repair_local_size(y->s) * sizeof(double);
  memset(y->bar, 0, bytes);
  memset(y->bar_once, 0, bytes);
  memset(y->bar_twice, 0, bytes);
  cw_repair_smear(y->s, k, &y->f);
  for (long first = 0, n; first < k->active.n * y->s->B; first += n) {
    n = cw_repair_batch(y->s, k, first);
    pull_batch(y, k, first, n);
  }
  if (y->frozen) pull_frozen(y, k);
}

/* ---- the pass ---- */

/* Local adjoints from those of the block, or back. */
static void move_g(const product *y, double *block, bool back) {
  const cw_patch *p = &y->s->patch;
  for (long i = 0; i < p->n; i++)
    for (int b = 0; b < y->s->B; b++)
      for (int a = 0; a < y->s->d; a++) {
        double *there =
            block + ((long)p->row[i] * y->s->d + a) * CW_LANES + p->group[i] * y->s->B + b;
        double *here = y->g + (i * y->s->B + b) * y->s->d + a;
        if (back)
          *there = *here;
        else
          *here = *there;
      }
}

static cw_status open_product(const cw_layer *L, const double *theta, cw_arena *work, product *y) {
  const cw_repair *s = L->impl;
  const size_t bytes = cw_repair_local_size(s) * sizeof(double);
  const size_t rows = (size_t)(s->B * L->n_theta) * sizeof(double);
  y->L = L;
  y->s = s;
  CW_TRY(cw_repair_open_local(L, theta, work, &y->f));
  y->g = cw_arena_alloc(work, (size_t)(s->patch.n * s->B * s->d) * sizeof *y->g);
  y->bar = cw_arena_alloc(work, bytes);
  y->bar_once = cw_arena_alloc(work, bytes);
  y->bar_twice = cw_arena_alloc(work, bytes);
  y->dc = cw_arena_alloc(work, rows);
  if (!y->g || !y->bar || !y->bar_once || !y->bar_twice || !y->dc) return CW_ENOMEM;
  memset(y->dc, 0, rows);
  for (long i = 0; i < L->n_theta; i++) y->frozen = y->frozen || theta[i] != 0;
  return CW_OK;
}

static void add_theta(const product *y, cw_gradient_of *to) {
  const long n = y->L->n_theta;
  const int B = y->s->B;
  double lanes[CW_LANES];
  for (long i = 0; i < n; i++) {
    for (int b = 0; b < B; b++) lanes[b] = (y->inverse ? -1 : 1) * y->dc[b * n + i];
    to->sum[i] += cw_sum(lanes, (size_t)B);
    for (int b = 0; to->each != NULL && b < B; b++) to->each[i * CW_LANES + b] += lanes[b];
  }
}

/* The active links of a class, before or after it: a link moves once. */
static void set_class(const product *y, const cw_repair_class *k, const double *from) {
  const size_t n = (size_t)(y->s->B * y->s->n_real);
  for (long i = 0; i < k->active.n; i++) {
    const size_t place = (size_t)k->active.link[i].to * n;
    memcpy(y->f.x + place, from + place, n * sizeof *from);
  }
}

static cw_status pass_vjp(const cw_layer *L, cw_theta th, bool inverse, const cw_repair_frame *at,
                          double *g, const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  const cw_repair *s = L->impl;
  product y = {.inverse = inverse, .glogj = glogj};
  CW_TRY(open_product(L, th.d, work, &y));
  memcpy(y.f.x, inverse ? at->x : at->y, cw_repair_local_size(s) * sizeof *at->x);
  move_g(&y, g, false);
  for (int i = 0; i < s->n_classes; i++) {
    const cw_repair_class *k = &s->class[inverse ? i : s->n_classes - 1 - i];
    if (!inverse) set_class(&y, k, at->x);
    pull_class(&y, k);
    if (inverse) set_class(&y, k, at->y);
  }
  move_g(&y, g, true);
  if (gtheta != NULL) add_theta(&y, gtheta);
  return CW_OK;
}

static cw_status product_of(const cw_layer *L, cw_theta th, bool inverse, const void *frame,
                            double *g, const double *glogj, cw_gradient_of *gtheta,
                            cw_arena *work) {
  const cw_arena_mark mark = cw_arena_save(work);
  CW_TRY(pass_vjp(L, th, inverse, frame, g, glogj, gtheta, work));
  cw_arena_rewind(work, mark);
  return CW_OK;
}

cw_status cw_repair_forward_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                                const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  return product_of(L, th, false, frame, g, glogj, gtheta, work);
}

cw_status cw_repair_inverse_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                                const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  return product_of(L, th, true, frame, g, glogj, gtheta, work);
}
