/* The filled and smeared field of a class: steps 1 to 3 of residual.h. */
#include <string.h>

#include "model/layers/residual/residual.h"

size_t cw_residual_field_bytes(const cw_layer *L) {
  return (size_t)(L->geom->n_outer * L->n_comp) * CW_LANES * sizeof(double);
}

/* As of theories: small blocks are done before another thread is awake. */
int cw_residual_threads(const cw_layer *L) {
  enum { WORTH_A_THREAD = 1 << 14 };
  const cw_residual *s = (const cw_residual *)L->impl;
  return L->geom->n_outer * L->n_comp * CW_LANES < WORTH_A_THREAD ? 1 : s->threads;
}

/* Rooms that are not kept: level i is in another one than level i - 1. */
cw_status cw_residual_open_fields(const cw_layer *L, bool keep_all, cw_arena *arena,
                                  cw_residual_fields *f) {
  const cw_residual *s = L->impl;
  const size_t bytes = cw_residual_field_bytes(L);
  const int n = 2 * s->steps;
  double *room[2] = {NULL, NULL};
  *f = (cw_residual_fields){.mu = -1};
  for (int i = 0; i < 2; i++)
    if ((room[i] = cw_arena_alloc(arena, bytes)) == NULL) return CW_ENOMEM;
  for (int i = 0; i <= n; i++) {
    const bool own = keep_all || i == 0 || i == s->steps;
    f->at[i] = own ? cw_arena_alloc(arena, bytes) : room[i % 2];
    if (f->at[i] == NULL) return CW_ENOMEM;
  }
  f->pre[0] = room[0];
  f->pre[1] = f->at[0];
  return CW_OK;
}

static void smear(const cw_layer *L, int without, const double *in, double *out) {
  const cw_residual *s = L->impl;
  const cw_geometry *g = L->geom;
  const long n = cw_slice_count(g);
#pragma omp parallel for num_threads(cw_residual_threads(L)) schedule(static)
  for (long i = 0; i < n; i++)
    s->op->smear(g, s->weight, without, in, out, cw_slice_begin(g, i), cw_slice_begin(g, i + 1));
}

void cw_residual_smear(const cw_layer *L, int moved, const double *x, cw_residual_fields *f) {
  const cw_residual *s = L->impl;
  const cw_geometry *g = L->geom;
  const int mu = cw_residual_direction(s, moved);
  const long n = cw_slice_count(g);
  for (int k = 0; k < CW_PRESMEARED && mu != f->mu; k++)
    smear(L, mu, k == 0 ? x : f->pre[k - 1], f->pre[k]);
#pragma omp parallel for num_threads(cw_residual_threads(L)) schedule(static)
  for (long i = 0; i < n; i++)
    s->op->fill(&s->mask, g, moved, x, f->at[0], cw_slice_begin(g, i), cw_slice_begin(g, i + 1));
  for (int k = 0; k < 2 * s->steps; k++) smear(L, -1, f->at[k], f->at[k + 1]);
  f->mu = mu;
}
