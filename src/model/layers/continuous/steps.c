#include "model/layers/continuous/steps.h"

#include <math.h>
#include <string.h>

enum { MAX_CORRECTIONS = 40 };

cw_status cw_steps_open(const cw_velocity *v, int n_steps, bool rough, cw_theta th, cw_arena *arena,
                        cw_steps *out) {
  *out = (cw_steps){.v = v,
                    .n_steps = n_steps,
                    .rough = rough,
                    .n = (size_t)v->geom->n_outer * CW_LANES,
                    .arena = arena};
  CW_TRY(cw_velocity_fill(v, 2 * n_steps + 1, th.d, arena, &out->tables));
  return cw_velocity_open_work(v, arena, &out->work);
}

static double *block(const cw_steps *p) { return cw_arena_alloc(p->arena, p->n * sizeof(double)); }

/* y = x + a k. */
static void add(const cw_steps *p, const double *x, double a, const double *k, double *y) {
  for (size_t i = 0; i < p->n; i++) y[i] = x[i] + a * k[i];
}

/* Where in its step each stage stands, in halves, what it weighs, and how far along the velocity of the one
 * before it. */
static const int HALVES[CW_RUNGE_KUTTA] = {0, 1, 1, 2};
static const double WEIGHT[CW_RUNGE_KUTTA] = {1. / 6, 1. / 3, 1. / 3, 1. / 6};
static const double ALONG[CW_RUNGE_KUTTA] = {0, 0.5, 0.5, 1};

/* A step from x at time index `from`, of +1 or -1 times the length of a step. y must not be x. */
static cw_status step(cw_steps *p, int from, int sign, const double *x, double *y, double *logj,
                      double *stage) {
  const double h = (double)sign / p->n_steps;
  cw_arena_mark mark = cw_arena_save(p->arena);
  double *k = block(p), *at = stage != NULL ? stage : block(p), divergence[CW_LANES] CW_ALIGNED;
  if (k == NULL || at == NULL) return CW_ENOMEM;
  memcpy(y, x, p->n * sizeof *y);
  for (int i = 0; i < CW_RUNGE_KUTTA; i++) {
    if (stage != NULL) at = stage + (size_t)i * p->n;
    add(p, x, h * ALONG[i], i > 0 ? k : x, at);
    cw_velocity_at(p->v, &p->tables, from + sign * HALVES[i], at, k, divergence, &p->work);
    add(p, y, h * WEIGHT[i], k, y);
    for (int l = 0; logj != NULL && l < CW_LANES; l++) logj[l] += h * WEIGHT[i] * divergence[l];
  }
  cw_arena_rewind(p->arena, mark);
  return CW_OK;
}

cw_status cw_step_forward(cw_steps *p, int s, double *x, double *logj, double *stage) {
  cw_arena_mark mark = cw_arena_save(p->arena);
  double *y = block(p);
  if (y == NULL) return CW_ENOMEM;
  CW_TRY(step(p, 2 * s, 1, x, y, logj, stage));
  memcpy(x, y, p->n * sizeof *x);
  cw_arena_rewind(p->arena, mark);
  return CW_OK;
}

/* ---- corrections ---- */

/* Each configuration is corrected until it is good enough, whatever its neighbours in the block do. */
typedef struct {
  double size[CW_LANES], left[CW_LANES];
  bool done[CW_LANES];
} progress;

static void largest(const cw_steps *p, const double *x, double most[CW_LANES]) {
  for (int l = 0; l < CW_LANES; l++) most[l] = 0;
  for (size_t i = 0; i < p->n; i++) most[i % CW_LANES] = fmax(most[i % CW_LANES], fabs(x[i]));
}

static progress begin(const cw_steps *p, const double *x) {
  progress at = {{0}, {0}, {false}};
  largest(p, x, at.size);
  for (int l = 0; l < CW_LANES; l++) at.left[l] = INFINITY;
  return at;
}

/* What is left of the equation is within `enough` of its size, or is near rounding and no longer falls.
 * Returns whether that is so everywhere. */
static bool judge(const cw_steps *p, const double *rest, double enough, progress *at) {
  double most[CW_LANES];
  bool all = true;
  largest(p, rest, most);
  for (int l = 0; l < CW_LANES; l++) {
    const bool stands = most[l] >= 0.5 * at->left[l] && most[l] <= 1e-12 * at->size[l];
    at->done[l] = at->done[l] || most[l] <= enough * at->size[l] || stands;
    at->left[l] = most[l];
    all = all && at->done[l];
  }
  return all;
}

cw_status cw_step_back(cw_steps *p, int s, double *x, double *logj, double *stage) {
  const int begins = 2 * s, ends = begins + 2;
  cw_arena_mark mark = cw_arena_save(p->arena);
  double *y = block(p), *image = block(p), *rest = block(p), *back = block(p), *again = block(p);
  double gained[CW_LANES];
  if (!y || !image || !rest || !back || !again) return CW_ENOMEM;
  progress at = begin(p, x);
  memcpy(y, x, p->n * sizeof *y);
  CW_TRY(step(p, ends, -1, y, back, NULL, NULL));
  memcpy(x, back, p->n * sizeof *x);
  for (int n = 0;; n++) {
    memset(gained, 0, sizeof gained);
    CW_TRY(step(p, begins, 1, x, image, gained, stage));
    for (size_t i = 0; i < p->n; i++) rest[i] = y[i] - image[i];
    if (p->rough || judge(p, rest, 1e-15, &at)) break;
    if (n == MAX_CORRECTIONS) return CW_ENUMERIC;
    CW_TRY(step(p, ends, -1, image, again, NULL, NULL));
    for (size_t i = 0; i < p->n; i++)
      if (!at.done[i % CW_LANES]) x[i] += back[i] - again[i];
  }
  for (int l = 0; l < CW_LANES; l++) logj[l] -= gained[l];
  cw_arena_rewind(p->arena, mark);
  return CW_OK;
}

/* ---- products ---- */

cw_status cw_step_pull(cw_steps *p, int s, const double *stage, double *g, const double *c,
                       cw_velocity_gradient *to) {
  const double h = 1.0 / p->n_steps;
  cw_arena_mark mark = cw_arena_save(p->arena);
  double *a = block(p), *by_stage = block(p), *sum = block(p), weight[CW_LANES] CW_ALIGNED;
  if (a == NULL || by_stage == NULL || sum == NULL) return CW_ENOMEM;
  memcpy(sum, g, p->n * sizeof *sum);
  for (int i = CW_RUNGE_KUTTA - 1; i >= 0; i--) {
    const bool last = i == CW_RUNGE_KUTTA - 1;
    for (size_t j = 0; j < p->n; j++)
      a[j] = h * (WEIGHT[i] * g[j] + (last ? 0 : ALONG[i + 1] * by_stage[j]));
    for (int l = 0; l < CW_LANES; l++) weight[l] = h * WEIGHT[i] * c[l];
    cw_velocity_vjp(p->v, &p->tables, 2 * s + HALVES[i], stage + (size_t)i * p->n, a, weight,
                    by_stage, to, &p->work);
    add(p, sum, 1, by_stage, sum);
  }
  memcpy(g, sum, p->n * sizeof *g);
  cw_arena_rewind(p->arena, mark);
  return CW_OK;
}

/* du/dt = -(dv/dx)^T u - c d(div v)/dx along the stages that there are: u at the end of a step out of u at its
 * begin, up to O(h^5). */
static cw_status transport(cw_steps *p, int s, const double *stage, const double *c, double *u) {
  const double h = 1.0 / p->n_steps;
  cw_arena_mark mark = cw_arena_save(p->arena);
  double *at = block(p), *k = block(p), *sum = block(p);
  if (at == NULL || k == NULL || sum == NULL) return CW_ENOMEM;
  memcpy(sum, u, p->n * sizeof *sum);
  for (int i = 0; i < CW_RUNGE_KUTTA; i++) {
    add(p, u, -h * ALONG[i], i > 0 ? k : u, at);
    cw_velocity_vjp(p->v, &p->tables, 2 * s + HALVES[i], stage + (size_t)i * p->n, at, c, k, NULL,
                    &p->work);
    add(p, sum, -h * WEIGHT[i], k, sum);
  }
  memcpy(u, sum, p->n * sizeof *u);
  cw_arena_rewind(p->arena, mark);
  return CW_OK;
}

/* Solves pull(u) = g for u. A transport is wrong by O(h^5), and so is what each correction leaves of the one
 * before: less than 1e-6 of g before the last is rounding after it. */
cw_status cw_step_push(cw_steps *p, int s, const double *stage, double *g, const double *c,
                       cw_velocity_gradient *to) {
  static const double none[CW_LANES] CW_ALIGNED;
  cw_arena_mark mark = cw_arena_save(p->arena);
  double *u = block(p), *rest = block(p);
  if (u == NULL || rest == NULL) return CW_ENOMEM;
  progress at = begin(p, g);
  memcpy(u, g, p->n * sizeof *u);
  CW_TRY(transport(p, s, stage, c, u));
  for (int n = 0; !p->rough; n++) {
    memcpy(rest, u, p->n * sizeof *rest);
    CW_TRY(cw_step_pull(p, s, stage, rest, c, NULL));
    for (size_t i = 0; i < p->n; i++) rest[i] = g[i] - rest[i];
    const progress before = at;
    const bool last = judge(p, rest, 1e-6, &at);
    if (n == MAX_CORRECTIONS) return CW_ENUMERIC;
    CW_TRY(transport(p, s, stage, none, rest));
    for (size_t i = 0; i < p->n; i++)
      if (!before.done[i % CW_LANES]) u[i] += rest[i];
    if (last) break;
  }
  memcpy(g, u, p->n * sizeof *g);
  if (to != NULL) CW_TRY(cw_step_pull(p, s, stage, u, c, to));
  cw_arena_rewind(p->arena, mark);
  return CW_OK;
}
