/* All stages of all cases of a job. */
#include "app/run/run.h"

#include "app/run/stage.h"

static cw_status run_case(cw_case *c) {
  for (int i = 0; i < c->plan->n_sections; i++) {
    const cw_section *s = &c->plan->section[i];
    CW_TRY(s->method->run(c, s));
  }
  return CW_OK;
}

cw_status cw_run_job(cw_context *ctx, const cw_plans *plans, cw_store *store) {
  for (int i = 0; i < plans->n; i++) CW_TRY(cw_check_models(ctx, &plans->plan[i], store));
  for (int i = 0; i < plans->n; i++) {
    cw_case c;
    cw_status st = cw_case_open(ctx, &plans->plan[i], store, &c);
    if (st == CW_OK) st = run_case(&c);
    cw_case_close(&c);
    CW_TRY(st);
  }
  return CW_OK;
}
