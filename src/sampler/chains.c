/* Markov chains of all ranks: stepped together, and tuned by what all of them accept. */
#include <stdlib.h>
#include <string.h>

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
  out->ahead = calloc((size_t)out->x.n_config, sizeof *out->ahead);
  return out->accept && out->dH && out->all && out->ahead ? CW_OK : no_memory(ctx, n);
}

void cw_chains_close(cw_chains *h) {
  cw_sampler_destroy(h->sampler);
  cw_field_destroy(&h->x);
  free(h->accept);
  free(h->dH);
  free(h->all);
  free(h->ahead);
  *h = (cw_chains){0};
}

double cw_chains_mean(cw_chains *h, const double *mine) {
  cw_allgather(h->sampler->ctx, mine, h->x.n_config, h->all);
  return cw_sum(h->all, (size_t)h->n) / (double)h->n;
}

/* ------------------------------------------------------------------ parts of a step */

/* Blocks below this many bytes are stepped sooner than anybody can wait for. */
enum { LARGE = 1 << 20 };

/* The chains of some blocks, from the first on, that are ahead, and what they were left with. */
typedef struct {
  long first, n_ahead, size; /* size: of a configuration */
  double *left;              /* (n_ahead, size + 2) */
} leaders;

static cw_status note_leaders(const cw_chains *h, const cw_field *part, long first, leaders *l) {
  *l = (leaders){.first = first * part->B, .size = (long)cw_field_block_size(part) / part->B};
  for (long i = 0; i < part->n_config; i++) l->n_ahead += h->ahead[l->first + i];
  if (l->n_ahead == 0 || l->n_ahead == part->n_config) return CW_OK;
  double *row = l->left = malloc((size_t)(l->n_ahead * (l->size + 2)) * sizeof *row);
  if (row == NULL) return no_memory(h->sampler->ctx, l->n_ahead);
  for (long i = l->first; i < l->first + part->n_config; i++) {
    if (!h->ahead[i]) continue;
    cw_field_pack(&h->x, i, row);
    row[l->size] = h->accept[i];
    row[l->size + 1] = h->dH[i];
    row += l->size + 2;
  }
  return CW_OK;
}

static void put_back(cw_chains *h, const cw_field *part, const leaders *l) {
  const double *row = l->left;
  for (long i = l->first; row != NULL && i < l->first + part->n_config; i++) {
    if (!h->ahead[i]) continue;
    cw_field_unpack(&h->x, i, row);
    h->accept[i] = row[l->size];
    h->dH[i] = row[l->size + 1];
    row += l->size + 2;
  }
}

/* n blocks from the first on; afterwards their chains are ahead. */
static cw_status step_part(cw_chains *h, const double *c, cw_rng rng, uint32_t step, long first,
                           long n) {
  cw_sampler *s = h->sampler;
  cw_field part = cw_field_blocks(&h->x, first, n);
  const cw_step_stats stats = {.accept = h->accept + first * part.B, .dH = h->dH + first * part.B};
  leaders l;
  CW_TRY(note_leaders(h, &part, first, &l));
  cw_status st = CW_OK;
  if (l.n_ahead < part.n_config) st = s->ops->step(s, c, &part, rng, step, &stats);
  put_back(h, &part, &l);
  free(l.left);
  for (long i = 0; i < part.n_config; i++) h->ahead[l.first + i] = true;
  return st;
}

/* As many blocks at a time as rank 0 has threads, on every rank as often as on that with most of them. */
static void cut_step(const cw_chains *h, long *n_parts, long *each) {
  const cw_context *ctx = h->sampler->ctx;
  const long blocks = (h->n + h->x.B - 1) / h->x.B,
             most = (blocks + cw_ranks(ctx) - 1) / cw_ranks(ctx);
  *each = most;
  if (cw_field_block_size(&h->x) * sizeof(double) >= LARGE) *each = cw_threads(ctx);
  cw_broadcast(h->sampler->ctx, each, sizeof *each);
  *n_parts = (most + *each - 1) / *each;
}

cw_status cw_sampler_step(cw_chains *h, const double *c, cw_rng rng, uint32_t step, uint32_t n_tune,
                          cw_go_on *go_on, void *of, bool *whole) {
  cw_sampler *s = h->sampler;
  long n_parts, each;
  cut_step(h, &n_parts, &each);
  for (long k = 0; k < n_parts; k++) {
    const long first = k * each, left = h->x.n_blocks - first, n = left < each ? left : each;
    *whole = k == 0 || go_on(of);
    if (!*whole) return CW_OK;
    CW_TRY(cw_agree(s->ctx, n > 0 ? step_part(h, c, rng, step, first, n) : CW_OK));
  }
  memset(h->ahead, 0, (size_t)h->x.n_config * sizeof *h->ahead);
  if (s->ops->tune != NULL && step < n_tune)
    s->ops->tune(s, cw_chains_mean(h, h->accept), step, n_tune);
  return CW_OK;
}

static bool always(void *of) {
  (void)of;
  return true;
}

cw_status cw_sampler_run(cw_chains *h, const double *c, cw_rng rng, uint32_t first, long n_steps,
                         uint32_t n_tune) {
  bool whole;
  for (long t = 0; t < n_steps; t++)
    CW_TRY(cw_sampler_step(h, c, rng, first + (uint32_t)t, n_tune, always, NULL, &whole));
  return CW_OK;
}
