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
  const cw_residual_field_ops *op = keep_all ? &s->op->exact : s->field_of_pass;
  const size_t bytes = cw_residual_field_bytes(L) / sizeof(double) * op->number;
  const int n = 2 * s->steps;
  void *room[2] = {NULL, NULL};
  *f = (cw_residual_fields){.op = op, .mu = -1};
  if (op->number != sizeof(double) && (f->thin = cw_arena_alloc(arena, bytes)) == NULL)
    return CW_ENOMEM;
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

void cw_residual_take(const cw_layer *L, const double *x, long begin, long end,
                      const cw_residual_fields *f) {
  const cw_residual *s = L->impl;
  const long length = s->n_real * CW_LANES;
  if (f->thin == NULL) return;
  f->op->take(x + begin * length, (char *)f->thin + (size_t)(begin * length) * f->op->number,
              (end - begin) * length);
}

static void smear(const cw_layer *L, const cw_residual_field_ops *op, int without, const void *in,
                  void *out) {
  const cw_residual *s = L->impl;
  const cw_geometry *g = L->geom;
  const long n = cw_slice_count(g);
#pragma omp parallel for num_threads(cw_residual_threads(L)) schedule(static)
  for (long i = 0; i < n; i++)
    op->smear(g, s->weight, without, in, out, cw_slice_begin(g, i), cw_slice_begin(g, i + 1));
}

void cw_residual_smear(const cw_layer *L, int moved, const double *x, cw_residual_fields *f) {
  const cw_residual *s = L->impl;
  const cw_geometry *g = L->geom;
  const int mu = cw_residual_direction(s, moved);
  const long n = cw_slice_count(g);
  const void *thin = f->thin != NULL ? f->thin : x;
  for (int k = 0; k < CW_PRESMEARED && mu != f->mu; k++)
    smear(L, f->op, mu, k == 0 ? thin : f->pre[k - 1], f->pre[k]);
#pragma omp parallel for num_threads(cw_residual_threads(L)) schedule(static)
  for (long i = 0; i < n; i++)
    f->op->fill(&s->mask, g, moved, thin, f->at[0], cw_slice_begin(g, i), cw_slice_begin(g, i + 1));
  for (int k = 0; k < 2 * s->steps; k++) smear(L, f->op, -1, f->at[k], f->at[k + 1]);
  f->mu = mu;
}
