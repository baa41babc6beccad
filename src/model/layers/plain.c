#include "model/layers/plain.h"

#include <stdlib.h>
#include <string.h>

cw_status cw_layer_create_plain(cw_context *ctx, const cw_layer_ops *ops, const cw_geometry *geom,
                                long n_theta, cw_layer **out) {
  cw_layer *L = calloc(1, sizeof *L);
  if (L == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a layer");
  *L = (cw_layer){.ops = ops, .geom = geom, .n_theta = n_theta};
  *out = L;
  return CW_OK;
}

cw_status cw_layer_create_holding(cw_context *ctx, const cw_layer_ops *ops, const cw_geometry *geom,
                                  long n_theta, size_t impl_bytes, cw_layer **out) {
  *out = NULL;
  void *impl = calloc(1, impl_bytes);
  cw_status st = impl ? cw_layer_create_plain(ctx, ops, geom, n_theta, out)
                      : cw_fail(ctx, CW_ENOMEM, "no memory for a layer");
  if (st == CW_OK)
    (*out)->impl = impl;
  else
    free(impl);
  return st;
}

void cw_layer_destroy_plain(cw_layer *L) {
  if (L != NULL) free(L->impl);
  free(L);
}

cw_status cw_layer_keep(const cw_layer *L, const double *x, cw_arena *tape, void **frame) {
  const size_t bytes = (size_t)(L->geom->n_outer * L->n_comp) * CW_LANES * sizeof *x;
  *frame = cw_arena_alloc(tape, bytes);
  if (*frame == NULL) return CW_ENOMEM;
  memcpy(*frame, x, bytes);
  return CW_OK;
}

void cw_layer_init_zero(const cw_layer *L, double *theta, cw_rng rng, uint32_t index, double gain) {
  (void)rng, (void)index, (void)gain;
  for (long i = 0; i < L->n_theta; i++) theta[i] = 0;
}
