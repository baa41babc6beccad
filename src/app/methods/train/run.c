/* Training of the job's model. */
#include <stdio.h>
#include <stdlib.h>

#include "app/methods/train/train.h"
#include "app/run/stage.h"

enum { LOSS, LOSS_ERROR, ESS, GRAD_NORM, RATE, N_CURVES };
static const char *const curve_names[N_CURVES] = {"loss", "loss_error", "ess", "grad_norm", "rate"};

typedef struct {
  cw_trainer *trainer;
  cw_field data; /* forward KL: configurations of the target */
  cw_record curve[N_CURVES];
  cw_train_report last;
} training;

static cw_status step(cw_stage *s, cw_case *c, long t) {
  training *tr = s->self;
  (void)t;
  CW_TRY(cw_trainer_step(tr->trainer, tr->data.data ? &tr->data : NULL, &tr->last));
  const double values[N_CURVES] = {tr->last.loss, tr->last.loss_error, tr->last.ess,
                                   tr->last.grad_norm, tr->last.rate};
  for (int k = 0; k < N_CURVES; k++) {
    double *row = cw_record_row(&tr->curve[k], 1);
    if (row == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
    *row = values[k];
  }
  return CW_OK;
}

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  training *tr = s->self;
  for (int k = 0; k < N_CURVES; k++)
    CW_TRY(cw_record_put(c, set, curve_names[k], &tr->curve[k], 1));
  long n = cw_trainer_state_size(tr->trainer);
  double *state = malloc((size_t)n * sizeof *state);
  if (state == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a checkpoint");
  cw_trainer_save(tr->trainer, state);
  cw_status st = cw_arrays_put(c->ctx, set, "state.trainer", 1, &n, state);
  free(state);
  return st;
}

static cw_status load(cw_stage *s, cw_case *c, const cw_arrays *last) {
  training *tr = s->self;
  const cw_array *a = cw_arrays_get(last, "state.trainer");
  if (a == NULL || a->dim[0] != cw_trainer_state_size(tr->trainer))
    return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint of '%s' does not fit the job's model",
                   cw_store_dir(c->store), s->name);
  cw_trainer_load(tr->trainer, a->data);
  return CW_OK;
}

static void note(const cw_stage *s, char *text, size_t size) {
  const training *tr = s->self;
  snprintf(text, size, "loss %.4f  ESS %.3f", tr->last.loss, tr->last.ess);
}

/* Also brings back the parameters of a finished training. */
cw_status cw_run_train(cw_case *c, const cw_section *s) {
  const cw_train_plan *plan = s->own;
  training tr = {0};
  cw_status st = CW_OK;
  if (plan->data != NULL) st = cw_kept_configurations(c, plan->data, CW_KEPT_TO_TRAIN, &tr.data);
  if (st == CW_OK)
    st = cw_trainer_create(c->ctx, &plan->options, c->model, &c->theory,
                           cw_case_rng(c, s->kind.name), &tr.trainer);
  cw_stage stage = {.name = s->kind.name,
                    .n_steps = plan->options.steps,
                    .self = &tr,
                    .step = step,
                    .save = save,
                    .load = load,
                    .note = note};
  st = cw_agree(c->ctx, st);
  if (st == CW_OK) st = cw_stage_run(c, &stage);
  cw_trainer_destroy(tr.trainer);
  cw_field_destroy(&tr.data);
  for (int k = 0; k < N_CURVES; k++) cw_record_free(&tr.curve[k]);
  return st;
}
