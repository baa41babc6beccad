/* Samples of the model, in batches: each step draws one. */
#include <stdlib.h>
#include <string.h>

#include "app/methods/nis/nis.h"
#include "app/run/stage.h"

enum { BATCH = 4096 };

typedef struct {
  const cw_nis_plan *plan;
  cw_rng rng;
  cw_record lw, primary; /* one row per sample, of all ranks */
} nis;

/* One step's samples: lw (total) and primary (total, n_primary), of which this rank draws [first,
 * first + mine). */
typedef struct {
  long total, first, mine;
  int n_primary;
  double *lw, *primary, *logq;
} nis_batch;

static cw_status open_batch(cw_case *c, const nis *n, long step, nis_batch *b) {
  long left = n->plan->samples - step * BATCH, begin, end;
  *b = (nis_batch){.total = left < BATCH ? left : BATCH,
                   .n_primary = c->observer[0].ops->n_primary(&c->observer[0])};
  cw_rank_share(c->ctx, (b->total + CW_LANES - 1) / CW_LANES, &begin, &end);
  b->first = begin * CW_LANES;
  b->mine = (end * CW_LANES < b->total ? end * CW_LANES : b->total) - b->first;
  b->lw = cw_alloc((size_t)b->total * sizeof(double));
  b->logq = cw_alloc((size_t)b->total * sizeof(double));
  b->primary = cw_alloc((size_t)(b->total * b->n_primary) * sizeof(double));
  return b->lw && b->logq && b->primary ? CW_OK
                                        : cw_fail(c->ctx, CW_ENOMEM, "no memory for samples");
}

static void close_batch(nis_batch *b) {
  free(b->lw);
  free(b->logq);
  free(b->primary);
}

static cw_status draw_my_share(cw_case *c, const nis *n, long step, nis_batch *b) {
  cw_field x;
  if (b->mine == 0) return CW_OK;
  CW_TRY(cw_field_create(c->ctx, c->geom, 1, b->mine, &x));
  x.first_chain = step * BATCH + b->first;
  cw_status st = cw_model_sample(c->ctx, c->model, n->rng, 0, &x, b->logq);
  if (st == CW_OK)
    st = cw_measure(c->ctx, &c->observer[0], &x, b->primary + b->first * b->n_primary, c->work);
  if (st == CW_OK) cw_log_weights(c, &x, b->logq, b->lw + b->first);
  if (st == CW_OK) st = cw_check_log_weights(c, "nis", b->lw + b->first, b->mine);
  cw_field_destroy(&x);
  return st;
}

/* Completes the batch with the shares of the other ranks, and records it. */
static cw_status record_batch(cw_case *c, nis *n, nis_batch *b) {
  cw_allgather(c->ctx, b->lw + b->first, b->mine, b->lw);
  cw_allgather(c->ctx, b->primary + b->first * b->n_primary, b->mine * b->n_primary, b->primary);
  for (long i = 0; i < b->total; i++) {
    double *row = cw_record_row(&n->primary, b->n_primary), *w = cw_record_row(&n->lw, 1);
    if (row == NULL || w == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for samples");
    memcpy(row, b->primary + i * b->n_primary, (size_t)b->n_primary * sizeof *row);
    *w = b->lw[i];
  }
  return CW_OK;
}

static cw_status step(cw_stage *s, cw_case *c, long number) {
  nis_batch b;
  cw_status st = open_batch(c, s->self, number, &b);
  if (st == CW_OK) st = draw_my_share(c, s->self, number, &b);
  st = cw_agree(c->ctx, st);
  if (st == CW_OK) st = record_batch(c, s->self, &b);
  close_batch(&b);
  return st;
}

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  nis *n = s->self;
  long dim[2] = {n->primary.n, n->primary.width};
  CW_TRY(cw_arrays_put(c->ctx, set, "lw", 1, &n->lw.n, n->lw.data));
  CW_TRY(cw_arrays_put(c->ctx, set, "primary", 2, dim, n->primary.data));
  n->lw.n = n->primary.n = 0;
  return CW_OK;
}

cw_status cw_run_nis(cw_case *c, const cw_section *s) {
  nis n = {.plan = s->own, .rng = cw_case_rng(c, s->kind.name)};
  cw_stage stage = {.name = s->kind.name,
                    .n_steps = (n.plan->samples + BATCH - 1) / BATCH,
                    .self = &n,
                    .step = step,
                    .save = save,
                    .load = cw_nothing_to_load};
  cw_status st = cw_stage_run(c, &stage);
  cw_record_free(&n.lw);
  cw_record_free(&n.primary);
  return st;
}
