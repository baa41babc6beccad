/* Markov chains of all ranks: stepped together, and tuned by what all of them accept. */
#include <stdlib.h>

#include "causeway/sampler.h"

static cw_status no_memory(cw_context *ctx, long n) {
  return cw_fail(ctx, CW_ENOMEM, "no memory for %ld chains", n);
}

cw_status cw_chains_open(cw_context *ctx, const cw_theory *th, const cw_sampler_ops *ops,
                         const double *params, const int *choices, long n, cw_chains *out) {
  *out = (cw_chains){.n = n};
  CW_TRY(cw_field_deal(ctx, th->geom, th->n_comp, n, "chains", &out->x));
  CW_TRY(cw_sampler_create(ctx, ops, th, params, choices, out->x.n_blocks, &out->sampler));
  const size_t lanes = (size_t)(out->x.n_blocks * out->x.B);
  out->accept = cw_alloc(lanes * sizeof *out->accept);
  out->dH = cw_alloc(lanes * sizeof *out->dH);
  out->all = cw_alloc((size_t)n * sizeof *out->all);
  return out->accept && out->dH && out->all ? CW_OK : no_memory(ctx, n);
}

void cw_chains_close(cw_chains *h) {
  cw_sampler_destroy(h->sampler);
  cw_field_destroy(&h->x);
  free(h->accept);
  free(h->dH);
  free(h->all);
  *h = (cw_chains){0};
}

double cw_chains_mean(cw_chains *h, const double *mine) {
  cw_allgather(h->sampler->ctx, mine, h->x.n_config, h->all);
  return cw_sum(h->all, (size_t)h->n) / (double)h->n;
}

cw_status cw_sampler_run(cw_chains *h, const double *c, cw_rng rng, uint32_t first, long n_steps,
                         uint32_t n_tune) {
  cw_sampler *s = h->sampler;
  const cw_step_stats stats = {.accept = h->accept, .dH = h->dH};
  cw_status st = CW_OK;
  for (long t = 0; t < n_steps && st == CW_OK; t++) {
    const uint32_t step = first + (uint32_t)t;
    const bool tunes = s->ops->tune != NULL && step < n_tune;
    st = s->ops->step(s, c, &h->x, rng, step, &stats);
    if (tunes) st = cw_agree(s->ctx, st); /* the mean is made by all ranks or by none */
    if (tunes && st == CW_OK) s->ops->tune(s, cw_chains_mean(h, h->accept), step, n_tune);
  }
  return cw_agree(s->ctx, st);
}
