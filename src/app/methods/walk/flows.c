/* Flows between the rungs of the case's ladder, and their training by walks that are used for
 * nothing else. */
#include <stdio.h>
#include <stdlib.h>

#include "app/methods/walk/way.h"

typedef struct {
  const cw_walk_plan *plan;
  cw_flows *flows;
  cw_way way;
  cw_trainer **trainer;    /* (n) */
  cw_train_report *report; /* (n) of the last walk */
  cw_record work, ess;     /* (n) of every walk */
} training;

/* ---------------------------------------------------------------------- training */

/* Step 0 thermalises and tunes, every further one is a walk. */
static cw_status step(cw_stage *s, cw_case *c, long t) {
  training *tr = s->self;
  int n = tr->flows->n;
  if (t == 0) return cw_way_thermalise(c, &tr->way);
  CW_TRY(cw_way_start(&tr->way, t - 1));
  CW_TRY(cw_walk_train(tr->way.walk, &tr->way.p, tr->way.walk_rng, (uint32_t)t, tr->trainer,
                       tr->report));
  double *work = cw_record_row(&tr->work, n), *ess = cw_record_row(&tr->ess, n);
  if (work == NULL || ess == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  for (int k = 0; k < n; k++) {
    work[k] = tr->report[k].loss;
    ess[k] = tr->report[k].ess;
  }
  return CW_OK;
}

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  training *tr = s->self;
  long n = tr->flows->n, size = cw_trainer_state_size(tr->trainer[0]), dim[2] = {n, size};
  CW_TRY(cw_record_put(c, set, "work", &tr->work, 2));
  CW_TRY(cw_record_put(c, set, "ess", &tr->ess, 2));
  double *state = malloc((size_t)(n * size) * sizeof *state);
  cw_status st = state != NULL ? CW_OK : cw_fail(c->ctx, CW_ENOMEM, "no memory for a checkpoint");
  for (int k = 0; st == CW_OK && k < n; k++) cw_trainer_save(tr->trainer[k], state + k * size);
  if (st == CW_OK) st = cw_arrays_put(c->ctx, set, "state.trainer", 2, dim, state);
  free(state);
  CW_TRY(cw_agree(c->ctx, st));
  return cw_way_put(c, set, &tr->way);
}

static cw_status load(cw_stage *s, cw_case *c, const cw_arrays *last) {
  training *tr = s->self;
  long n = tr->flows->n, size = cw_trainer_state_size(tr->trainer[0]);
  const cw_array *a = cw_arrays_get(last, "state.trainer");
  if (a == NULL || a->rank != 2 || a->dim[0] != n || a->dim[1] != size)
    return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint of '%s' does not fit the job's flows",
                   cw_store_dir(c->store), s->name);
  for (int k = 0; k < n; k++) cw_trainer_load(tr->trainer[k], a->data + k * size);
  return cw_way_get(c, s, last, &tr->way);
}

static void note(const cw_stage *s, char *text, size_t size) {
  const training *tr = s->self;
  double work = 0, ess = 1;
  for (int k = 0; k < tr->flows->n; k++) {
    work += tr->report[k].loss;
    ess = fmin(ess, tr->report[k].ess);
  }
  if (ess < 1) snprintf(text, size, "work %.4f  ESS of a step %.3f", work, ess);
}

static cw_status open_training(cw_case *c, const char *name, training *tr) {
  const cw_flow_plan *f = &tr->plan->flow;
  int n = tr->flows->n;
  CW_TRY(cw_way_open(c, tr->plan, name, "", tr->flows, f->train.batch, f->every, &tr->way));
  tr->trainer = calloc((size_t)n, sizeof(cw_trainer *));
  tr->report = calloc((size_t)n, sizeof *tr->report);
  if (tr->trainer == NULL || tr->report == NULL)
    return cw_fail(c->ctx, CW_ENOMEM, "no memory for training");
  for (int k = 0; k < n; k++)
    CW_TRY(cw_trainer_create(c->ctx, &f->train, tr->flows->model[k], &c->theory,
                             cw_case_rng(c, name), &tr->trainer[k]));
  return CW_OK;
}

static void close_training(training *tr) {
  for (int k = 0; tr->trainer != NULL && k < tr->flows->n; k++) cw_trainer_destroy(tr->trainer[k]);
  free(tr->trainer);
  free(tr->report);
  cw_record_free(&tr->work);
  cw_record_free(&tr->ess);
  cw_way_close(&tr->way);
}

cw_status cw_run_flows(cw_case *c, const cw_walk_plan *plan, cw_flows *flows) {
  char name[64];
  training tr = {.plan = plan, .flows = flows};
  *flows = (cw_flows){0};
  cw_flow_stage_name(plan, name);
  cw_status st = cw_agree(c->ctx, cw_flows_create(c, &plan->flow.model, flows));
  if (st == CW_OK)
    st = cw_start_parameters(c, &plan->flow.start, name, &plan->flow.model, flows->n, flows->model);
  if (st != CW_OK || !plan->flow.trained) return st;
  cw_stage stage = {.name = name,
                    .n_steps = plan->flow.train.steps + 1,
                    .self = &tr,
                    .step = step,
                    .save = save,
                    .load = load,
                    .note = note};
  st = cw_agree(c->ctx, open_training(c, name, &tr));
  if (st == CW_OK) st = cw_stage_run(c, &stage);
  close_training(&tr);
  return st;
}
