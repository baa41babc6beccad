/* All stages of all cases of a job. */
#include "app/run/run.h"

#include "app/run/stage.h"

/* The stages of a case in the order in which they need each other. */
static cw_status run_case(cw_case *c) {
  const cw_plan *p = c->plan;
  for (int i = 0; i < p->n_mcmc; i++) CW_TRY(cw_run_mcmc(c, &p->mcmc[i]));
  if (p->has_train) CW_TRY(cw_run_train(c));
  if (p->has_nis) CW_TRY(cw_run_nis(c));
  if (p->has_nmcmc) CW_TRY(cw_run_nmcmc(c));
  if (p->has_forward) CW_TRY(cw_run_forward(c));
  if (p->has_chain) CW_TRY(cw_run_chain(c));
  for (int i = 0; i < p->n_walks; i++) CW_TRY(cw_run_walk(c, &p->walk[i]));
  for (int i = 0; i < p->n_rex; i++) CW_TRY(cw_run_rex(c, &p->rex[i]));
  return CW_OK;
}

cw_status cw_run_job(cw_context *ctx, const cw_plans *plans, cw_store *store) {
  for (int i = 0; i < plans->n; i++) {
    cw_case c;
    cw_status st = cw_case_open(ctx, &plans->plan[i], store, &c);
    if (st == CW_OK) st = run_case(&c);
    cw_case_close(&c);
    CW_TRY(st);
  }
  return CW_OK;
}
