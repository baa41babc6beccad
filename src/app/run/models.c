/* Flows out of model files. */
#include "app/plan/model_file.h"
#include "app/run/stage.h"

/* Each flow starts as that of the file between the same parameters. */
static cw_status take_flows(cw_case *c, const char *path, const cw_model_file *file,
                            const cw_model_spec *spec, int n, cw_model *const *model) {
  int flow[CW_MAX_RUNGS];
  CW_TRY(cw_model_file_fits(c->ctx, path, file, c->plan, spec, flow));
  if (file->n_theta != cw_model_n_theta(model[0]))
    return cw_fail(c->ctx, CW_EINVAL,
                   "start: expected flows of %ld parameters each, found %ld in model '%s'",
                   cw_model_n_theta(model[0]), file->n_theta, path);
  for (int k = 0; k < n; k++) cw_model_set_theta(model[k], file->theta + flow[k] * file->n_theta);
  return CW_OK;
}

cw_status cw_start_from_model(cw_case *c, const char *path, const cw_model_spec *spec, int n,
                              cw_model *const *model) {
  cw_model_file file;
  cw_status st = cw_model_file_read(c->ctx, path, &file);
  if (st == CW_OK) st = take_flows(c, path, &file, spec, n, model);
  cw_model_file_clear(&file);
  return st;
}

static cw_status check_model(cw_context *ctx, const char *path, const cw_plan *plan,
                             const cw_model_spec *spec) {
  int flow[CW_MAX_RUNGS];
  cw_model_file file;
  cw_status st = cw_model_file_read(ctx, path, &file);
  if (st == CW_OK) st = cw_agree(ctx, cw_model_file_fits(ctx, path, &file, plan, spec, flow));
  cw_model_file_clear(&file);
  return st;
}

cw_status cw_check_models(cw_context *ctx, const cw_plan *plan, const cw_store *store) {
  for (int i = 0; i < plan->n_sections; i++) {
    const cw_section *s = &plan->section[i];
    cw_training t;
    if (s->method->trains == NULL || !s->method->trains(plan, s, &t) || t.start == NULL) continue;
    if (t.start->model[0] == '\0' || cw_has_begun(plan, store, t.stage)) continue;
    CW_TRY(check_model(ctx, t.start->model, plan, t.model));
  }
  return CW_OK;
}
