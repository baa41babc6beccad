/* Rounds: 0. A stage of one step that does nothing, so that the store holds the flows that the run
 * goes by, and a resumption needs nothing else. */
#include "app/methods/least_squares/keep.h"

#include <stdlib.h>
#include <string.h>

static cw_status step(cw_stage *s, cw_case *c, long t) {
  (void)s;
  (void)c;
  (void)t;
  return CW_OK;
}

cw_status cw_put_flows(cw_case *c, cw_arrays *set, const cw_flows *flows) {
  const long n_theta = cw_model_n_theta(flows->model[0]), dim[2] = {flows->n, n_theta};
  double *theta = malloc((size_t)(flows->n * n_theta + 1) * sizeof *theta);
  cw_status st = theta != NULL ? CW_OK : cw_fail(c->ctx, CW_ENOMEM, "no memory for flows");
  for (int k = 0; st == CW_OK && k < flows->n; k++)
    memcpy(theta + k * n_theta, cw_model_theta(flows->model[k]), (size_t)n_theta * sizeof *theta);
  if (st == CW_OK) st = cw_arrays_put(c->ctx, set, "state.theta", 2, dim, theta);
  free(theta);
  return cw_agree(c->ctx, st);
}

cw_status cw_get_flows(cw_case *c, const char *stage, const cw_arrays *last, cw_flows *flows) {
  const long n_theta = cw_model_n_theta(flows->model[0]);
  const cw_array *a = cw_arrays_get(last, "state.theta");
  if (a == NULL || a->rank != 2 || a->dim[0] != flows->n || a->dim[1] != n_theta)
    return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint of '%s' does not fit the job's flows",
                   cw_store_dir(c->store), stage);
  for (int k = 0; k < flows->n; k++) cw_model_set_theta(flows->model[k], a->data + k * n_theta);
  return CW_OK;
}

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  return cw_put_flows(c, set, s->self);
}

static cw_status load(cw_stage *s, cw_case *c, const cw_arrays *last) {
  return cw_get_flows(c, s->name, last, s->self);
}

cw_status cw_keep_flows(cw_case *c, const char *name, cw_flows *flows) {
  cw_stage stage = {
      .name = name, .n_steps = 1, .self = flows, .step = step, .save = save, .load = load};
  return cw_stage_run(c, &stage);
}
