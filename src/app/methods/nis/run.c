/* Samples of the model, in batches: each step draws one. */
#include <stdlib.h>
#include <string.h>

#include "app/methods/nis/nis.h"
#include "app/run/stage.h"

/* One step's samples: lw (total) and primary (total, n_primary), of which this rank draws [first,
 * first + x.n_config) into x. */
typedef struct {
  long total, first;
  int n_primary;
  cw_field x;
  double *lw, *primary, *logq;
} nis_batch;

typedef struct {
  const cw_nis_plan *plan;
  cw_rng rng;
  long done;             /* samples */
  nis_batch batch;       /* with room for a full one */
  cw_record lw, primary; /* one row per sample, of all ranks */
  cw_record off;         /* of models that are not exact: how far ln q is off, of a few draws */
} nis;

/* This rank's share of the batch with index number, from the first sample that is not there yet; the last
 * batch may not be full. */
static void size_batch(const cw_case *c, const nis *n, long number, nis_batch *b) {
  const long end = (number + 1) * CW_NIS_BATCH;
  b->total = (end < n->plan->samples ? end : n->plan->samples) - n->done;
  const long B = b->x.B;
  cw_field_share(c->ctx, b->total, B, cw_rank(c->ctx), &b->first, &b->x.n_config);
  b->x.n_blocks = (b->x.n_config + B - 1) / B;
  b->x.first_chain = n->done + b->first;
}

static cw_status open_batch(cw_case *c, const nis *n, nis_batch *b) {
  const long most = n->plan->samples < CW_NIS_BATCH ? n->plan->samples : CW_NIS_BATCH;
  const long B = CW_LANES / c->geom->V, blocks = (most + B - 1) / B, ranks = cw_ranks(c->ctx);
  const long mine = (blocks + ranks - 1) / ranks * B;
  const size_t room = (size_t)most * sizeof(double);
  b->n_primary = c->observer[0].ops->n_primary(&c->observer[0]);
  CW_TRY(cw_field_create(c->ctx, c->geom, c->theory.n_comp, mine, &b->x));
  b->lw = cw_alloc(room);
  b->logq = cw_alloc(room);
  b->primary = cw_alloc(room * (size_t)b->n_primary);
  return b->lw && b->logq && b->primary ? CW_OK
                                        : cw_fail(c->ctx, CW_ENOMEM, "no memory for samples");
}

static void close_batch(nis_batch *b) {
  cw_field_destroy(&b->x);
  free(b->lw);
  free(b->logq);
  free(b->primary);
}

static cw_status draw_my_share(cw_case *c, const nis *n, nis_batch *b) {
  double *lw = b->lw + b->first;
  if (b->x.n_config == 0) return CW_OK;
  CW_TRY(cw_model_sample(c->ctx, c->model, n->rng, 0, &b->x, b->logq));
  CW_TRY(cw_measure(c->ctx, &c->observer[0], &b->x, b->primary + b->first * b->n_primary, c->work));
  cw_log_weights(c, &b->x, b->logq, lw);
  return cw_check_log_weights(c, "nis", lw, b->x.n_config);
}

/* Completes the batch with the shares of the other ranks, and records it. */
static cw_status record_batch(cw_case *c, nis *n, nis_batch *b) {
  cw_allgather(c->ctx, b->lw + b->first, b->x.n_config, b->lw);
  cw_allgather(c->ctx, b->primary + b->first * b->n_primary, b->x.n_config * b->n_primary,
               b->primary);
  for (long i = 0; i < b->total; i++) {
    double *row = cw_record_row(&n->primary, b->n_primary), *w = cw_record_row(&n->lw, 1);
    if (row == NULL || w == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for samples");
    memcpy(row, b->primary + i * b->n_primary, (size_t)b->n_primary * sizeof *row);
    *w = b->lw[i];
  }
  n->done += b->total;
  return CW_OK;
}

/* Every rank looks at the same draws. */
static cw_status check_density(cw_case *c, nis *n) {
  double off[CW_NIS_CHECKED];
  if (cw_model_is_exact(c->model)) return CW_OK;
  CW_TRY(cw_model_density_error(c->ctx, c->model, n->rng, 0, CW_NIS_CHECKED, off));
  for (int i = 0; i < CW_NIS_CHECKED; i++) {
    double *row = cw_record_row(&n->off, 1);
    if (row == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for samples");
    *row = off[i];
  }
  return CW_OK;
}

static cw_status step(cw_stage *s, cw_case *c, long number) {
  nis *n = s->self;
  if (n->done == 0) CW_TRY(cw_agree(c->ctx, check_density(c, n)));
  size_batch(c, n, number, &n->batch);
  CW_TRY(cw_agree(c->ctx, draw_my_share(c, n, &n->batch)));
  return record_batch(c, n, &n->batch);
}

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  nis *n = s->self;
  CW_TRY(cw_record_put(c, set, "lw", &n->lw, 1));
  CW_TRY(cw_record_put(c, set, "lnq_off", &n->off, 1));
  CW_TRY(cw_record_put(c, set, "primary", &n->primary, 2));
  CW_TRY(cw_note_columns(c, set, "primary", 0));
  return cw_put_pieces(c, set, n->done);
}

static cw_status load(cw_stage *s, cw_case *c, const cw_arrays *last) {
  nis *n = s->self;
  return cw_get_pieces(s, c, last, n->plan->samples, CW_NIS_BATCH, &n->done);
}

cw_status cw_run_nis(cw_case *c, const cw_section *s) {
  nis n = {.plan = s->own, .rng = cw_case_rng(c, s->kind.name)};
  cw_stage stage = {.name = s->kind.name,
                    .n_steps = cw_steps_of(n.plan->samples, CW_NIS_BATCH),
                    .self = &n,
                    .step = step,
                    .save = save,
                    .load = load};
  cw_status st = cw_agree(c->ctx, open_batch(c, &n, &n.batch));
  if (st == CW_OK) st = cw_stage_run(c, &stage);
  close_batch(&n.batch);
  cw_record_free(&n.lw);
  cw_record_free(&n.primary);
  cw_record_free(&n.off);
  return st;
}
