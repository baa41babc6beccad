#include "bridge/tuned.h"

#include <stdlib.h>
#include <string.h>

static size_t bytes(const cw_tuned *t) { return (size_t)t->size * sizeof *t->state; }

cw_status cw_tuned_open(cw_context *ctx, int n, const cw_sampler *sampler, cw_tuned *out) {
  *out = (cw_tuned){.n = n, .size = sampler->ops->n_state};
  out->state = cw_alloc((size_t)n * bytes(out));
  if (out->state == NULL)
    return cw_fail(ctx, CW_ENOMEM, "no memory for what samplers are tuned to");
  for (int rung = 0; rung < n; rung++) cw_tuned_note(out, rung, sampler);
  return CW_OK;
}

void cw_tuned_close(cw_tuned *t) {
  free(t->state);
  *t = (cw_tuned){0};
}

const double *cw_tuned_state(const cw_tuned *t, int rung) { return t->state + rung * t->size; }

void cw_tuned_take(const cw_tuned *t, int rung, cw_sampler *sampler) {
  memcpy(sampler->state, cw_tuned_state(t, rung), bytes(t));
}

void cw_tuned_note(cw_tuned *t, int rung, const cw_sampler *sampler) {
  memcpy(t->state + rung * t->size, sampler->state, bytes(t));
}

long cw_tuned_size(const cw_tuned *t) { return t->n * t->size; }
