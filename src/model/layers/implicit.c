/* With y = f(x) and the log-Jacobian -l(x) of the inverse, F changes by h = g - c dl/dx with x, c =
 * glogj, hence by v = J^-T h with y, and with parameters at fixed y by -(v . df/dtheta + c
 * dl/dtheta). The product of the forward pass is J^T v + c dl/dx and v . df/dtheta + c dl/dtheta: v is
 * what it carries to g, and the gradient is minus its own. */
#include "model/layers/implicit.h"

#include <math.h>
#include <string.h>

enum { MAX_STEPS = 200 };

typedef struct {
  const cw_layer *L;
  cw_theta th;
  const void *frame;
  const double *glogj;
  long rows; /* of an adjoint */
  int B;     /* configurations of a block */
} problem;

/* How far a configuration is: the largest number of g and of h, and of what is left. */
typedef struct {
  double size[CW_LANES], left[CW_LANES];
  bool done[CW_LANES];
} progress;

static void largest(const problem *p, const double *x, double most[CW_LANES]) {
  for (int b = 0; b < p->B; b++) most[b] = 0;
  for (long r = 0; r < p->rows; r++)
    for (int l = 0; l < CW_LANES; l++)
      most[l % p->B] = fmax(most[l % p->B], fabs(x[r * CW_LANES + l]));
}

/* Solved to rounding: nothing is left, or little and no longer less. Returns whether all are. */
static bool judge(const problem *p, const double *rest, progress *at) {
  double most[CW_LANES];
  bool all = true;
  largest(p, rest, most);
  for (int b = 0; b < p->B; b++) {
    if (isinf(at->left[b])) at->size[b] = fmax(at->size[b], most[b]);
    const bool stands = most[b] >= 0.9 * at->left[b] && most[b] <= 1e-11 * at->size[b];
    at->done[b] = at->done[b] || most[b] <= 1e-15 * at->size[b] || stands;
    at->left[b] = most[b];
    all = all && at->done[b];
  }
  return all;
}

/* v <- v + g - product(v), a contraction where |1 - J| is; configurations stop one by one, so that
 * none depends on its neighbours in the block. */
static cw_status solve(const problem *p, const double *g, double *v, double *rest, cw_arena *work) {
  const long n = p->rows * CW_LANES;
  progress at = {{0}, {0}, {false}};
  largest(p, g, at.size);
  for (int b = 0; b < p->B; b++) at.left[b] = INFINITY;
  memcpy(v, g, (size_t)n * sizeof *v);
  for (int step = 0; step < MAX_STEPS; step++) {
    memcpy(rest, v, (size_t)n * sizeof *rest);
    CW_TRY(p->L->ops->forward_vjp(p->L, p->th, p->frame, rest, p->glogj, NULL, work));
    for (long i = 0; i < n; i++) rest[i] = g[i] - rest[i];
    if (judge(p, rest, &at)) return CW_OK;
    for (long i = 0; i < n; i++)
      if (!at.done[i % CW_LANES % p->B]) v[i] += rest[i];
  }
  return CW_ENUMERIC;
}

static cw_status by_solving(const problem *p, double *g, cw_gradient_of *gtheta, cw_arena *work) {
  const size_t bytes = (size_t)p->rows * CW_LANES * sizeof *g;
  const size_t n = (size_t)p->L->n_theta;
  double *v = cw_arena_alloc(work, bytes), *rest = cw_arena_alloc(work, bytes);
  double *sum = cw_arena_alloc(work, n * sizeof *sum), *each = NULL;
  const bool wants_each = gtheta != NULL && gtheta->each != NULL;
  if (wants_each) each = cw_arena_alloc(work, n * CW_LANES * sizeof *each);
  if (v == NULL || rest == NULL || sum == NULL || (wants_each && each == NULL)) return CW_ENOMEM;
  CW_TRY(solve(p, g, v, rest, work));
  memcpy(g, v, bytes);
  if (gtheta == NULL) return CW_OK;
  memset(sum, 0, n * sizeof *sum);
  if (each != NULL) memset(each, 0, n * CW_LANES * sizeof *each);
  CW_TRY(p->L->ops->forward_vjp(p->L, p->th, p->frame, v, p->glogj, &(cw_gradient_of){sum, each},
                                work));
  for (size_t i = 0; i < n; i++) gtheta->sum[i] -= sum[i];
  for (size_t i = 0; each != NULL && i < n * CW_LANES; i++) gtheta->each[i] -= each[i];
  return CW_OK;
}

cw_status cw_layer_inverse_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                               const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  if (L->ops->inverse_vjp != NULL) return L->ops->inverse_vjp(L, th, frame, g, glogj, gtheta, work);
  const problem p = {L, th, frame, glogj, L->geom->n_outer * L->n_tangent, CW_LANES / L->geom->V};
  cw_arena_mark mark = cw_arena_save(work);
  cw_status st = by_solving(&p, g, gtheta, work);
  cw_arena_rewind(work, mark);
  return st;
}
