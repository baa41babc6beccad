/* Training of the flow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/analysis.h"
#include "app/stage.h"

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
  for (int k = 0; k < N_CURVES; k++) {
    CW_TRY(cw_arrays_put(c->ctx, set, curve_names[k], 1, &tr->curve[k].n, tr->curve[k].data));
    tr->curve[k].n = 0;
  }
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

/* The parameters are at the head of a trainer's state. */
static cw_status take_parameters(cw_case *c, const cw_start_from *from, const char *name,
                                 const cw_arrays *last, int n, cw_model *const *model) {
  long n_theta = cw_model_n_theta(model[0]);
  const cw_array *a = cw_arrays_get(last, "state.trainer");
  if (a == NULL)
    return cw_fail(c->ctx, CW_EINVAL, "start: run '%s' has no training '%s'", from->run, name);
  long size = cw_array_size(a) / n, theirs = cw_trainer_state_theta(size);
  if (size * n != cw_array_size(a) || (a->rank == 2 ? a->dim[0] : 1) != n)
    return cw_fail(c->ctx, CW_EINVAL, "start: training '%s' of run '%s' is not of %d flows", name,
                   from->run, n);
  if (theirs != n_theta)
    return cw_fail(c->ctx, CW_EINVAL,
                   "start: the model of run '%s' has %ld parameters, that of this job %ld",
                   from->run, theirs, n_theta);
  for (int k = 0; k < n; k++) cw_model_set_theta(model[k], a->data + k * size);
  return CW_OK;
}

/* The model that a stage of training is of, among the cases of a job; NULL: none. */
static const cw_model_spec *trained_model(const cw_plan *plan, const char *stage) {
  if (strcmp(stage, "train") == 0) return plan->has_model ? &plan->model : NULL;
  for (int i = 0; i < plan->n_walks; i++) {
    const size_t n = strlen(plan->walk[i].name);
    if (strncmp(stage, plan->walk[i].name, n) == 0 && strcmp(stage + n, ".train") == 0)
      return plan->walk[i].has_flow ? &plan->walk[i].flow.model : NULL;
  }
  return NULL;
}

/* Parameters of another model, or of a network that knows its lattice, would be as many numbers
 * without a meaning. */
static cw_status check_alike(cw_case *c, const cw_start_from *from, const cw_plan *theirs,
                             const char *stage, const cw_model_spec *spec) {
  const cw_model_spec *other = trained_model(theirs, stage);
  const char *key = other != NULL ? cw_model_difference(spec, other) : NULL;
  if (key != NULL)
    return cw_fail(c->ctx, CW_EINVAL,
                   "start: the parameters of run '%s' are of a model with other '%s'", from->run,
                   key);
  if (spec->kind == CW_MODEL_AUTOREGRESSIVE &&
      !cw_autoregressive_find(spec->autoregressive.kind)->kernel &&
      !cw_lattice_equal(&theirs->lat, &c->plan->lat))
    return cw_fail(c->ctx, CW_EINVAL,
                   "start: the parameters of run '%s' are of another lattice, and networks of kind "
                   "'%s' stay at theirs",
                   from->run, spec->autoregressive.kind);
  return CW_OK;
}

static cw_status check_run(cw_case *c, const cw_start_from *from, const cw_store *store,
                           const char *stage, const cw_model_spec *spec) {
  cw_plans theirs = {0};
  cw_status st = cw_plans_of_store(c->ctx, store, &theirs);
  for (int i = 0; st == CW_OK && i < theirs.n; i++)
    if (strcmp(theirs.plan[i].name, from->name) == 0)
      st = check_alike(c, from, &theirs.plan[i], stage, spec);
  cw_plans_clear(&theirs);
  return st;
}

cw_status cw_start_parameters(cw_case *c, const cw_start_from *from, const char *stage,
                              const cw_model_spec *spec, int n, cw_model *const *model) {
  if (from->run[0] == '\0' || n == 0) return CW_OK;
  cw_store *other = NULL;
  cw_arrays last = {0};
  char name[160];
  snprintf(name, sizeof name, "%s%s%s", from->name, from->name[0] ? "/" : "", stage);
  cw_status st = cw_store_open(c->ctx, from->run, &other);
  if (st == CW_OK) st = check_run(c, from, other, stage, spec);
  if (st == CW_OK && cw_store_segments(other, name) > 0) st = cw_store_read(other, name, -1, &last);
  if (st == CW_OK) st = take_parameters(c, from, name, &last, n, model);
  cw_arrays_clear(&last);
  cw_store_close(other);
  return st;
}

cw_status cw_run_train(cw_case *c) {
  training tr = {0};
  cw_status st = CW_OK;
  if (c->plan->train.loss == CW_LOSS_FORWARD_KL)
    st = cw_kept_configurations(c, &c->plan->mcmc[c->plan->train_data], CW_KEPT_TO_TRAIN, &tr.data);
  if (st == CW_OK)
    st = cw_trainer_create(c->ctx, &c->plan->train, c->model, &c->theory, cw_case_rng(c, "train"),
                           &tr.trainer);
  cw_stage stage = {.name = "train",
                    .n_steps = c->plan->train.steps,
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
