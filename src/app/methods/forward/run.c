/* One row of kept configurations a step. */
#include <stdlib.h>

#include "app/methods/forward/forward.h"
#include "app/run/stage.h"

typedef struct {
  cw_field x;    /* kept configurations: row by row over the chains */
  cw_field seen; /* those that the model was trained on; none if it was not on any of the section */
  long n_chain;
  cw_field row; /* of one or the other */
  double *logq; /* (n_chain) */
  cw_record lw, seen_lw;
  cw_record primary; /* of the first group, on the rows of x: (n_chain, n_primary) */
} forward;

/* Log-weights of row number row of from, into a new row of lw. */
static cw_status judge_row(cw_case *c, forward *f, const cw_field *from, long row,
                           cw_record *record) {
  double *lw = cw_record_row(record, f->n_chain);
  if (lw == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  cw_kept_row(from, row, &f->row);
  CW_TRY(cw_model_log_prob(c->ctx, c->model, &f->row, f->logq));
  cw_log_weights(c, &f->row, f->logq, lw);
  return cw_check_log_weights(c, "forward", lw, f->n_chain);
}

/* On the row that was judged. */
static cw_status measure_row(cw_case *c, forward *f) {
  const cw_observer *o = &c->observer[0];
  double *out = cw_record_row(&f->primary, f->n_chain * o->ops->n_primary(o));
  if (out == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  return cw_measure(c->ctx, o, &f->row, out, c->work);
}

static cw_status step(cw_stage *s, cw_case *c, long row) {
  forward *f = s->self;
  CW_TRY(judge_row(c, f, &f->x, row, &f->lw));
  CW_TRY(measure_row(c, f));
  if (row >= f->seen.n_config / f->n_chain) return CW_OK;
  return judge_row(c, f, &f->seen, row, &f->seen_lw);
}

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  forward *f = s->self;
  CW_TRY(cw_record_put(c, set, "lw", &f->lw, 2));
  CW_TRY(cw_record_put(c, set, "judged.primary", &f->primary, 2));
  return cw_record_put(c, set, "seen.lw", &f->seen_lw, 2);
}

/* A model is judged on configurations that it was not trained on, and on those that it was: the
 * difference tells whether it learned the target or its samples. */
cw_status cw_run_forward(cw_case *c, const cw_section *s) {
  const cw_section *data = ((const cw_forward_plan *)s->own)->data;
  const bool trained = cw_trained_on(c->plan, data);
  forward f = {.n_chain = cw_section_chains(data)->chains};
  cw_status st = cw_kept_configurations(c, data, trained ? CW_KEPT_TO_JUDGE : CW_KEPT_ALL, &f.x);
  st = cw_agree(c->ctx, st);
  if (st == CW_OK && trained) st = cw_kept_configurations(c, data, CW_KEPT_TO_TRAIN, &f.seen);
  cw_stage stage = {
      .name = s->kind.name, .self = &f, .step = step, .save = save, .load = cw_nothing_to_load};
  if (st == CW_OK) st = cw_field_create(c->ctx, c->geom, c->theory.n_comp, f.n_chain, &f.row);
  f.logq = cw_alloc((size_t)f.n_chain * sizeof *f.logq);
  if (f.logq == NULL) st = cw_fail(c->ctx, CW_ENOMEM, "no memory for log-weights");
  st = cw_agree(c->ctx, st);
  if (st == CW_OK) {
    stage.n_steps = f.x.n_config / f.n_chain;
    st = cw_stage_run(c, &stage);
  }
  cw_field_destroy(&f.x);
  cw_field_destroy(&f.seen);
  cw_field_destroy(&f.row);
  free(f.logq);
  cw_record_free(&f.lw);
  cw_record_free(&f.primary);
  cw_record_free(&f.seen_lw);
  return st;
}
