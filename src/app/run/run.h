/* Running a job into its store. */
#ifndef CW_APP_RUN_H
#define CW_APP_RUN_H

#include "app/plan/plan.h"

/* Runs every stage of every case, from where the store left it. CW_EINTERRUPTED after a signal,
 * with a checkpoint written. Collective. */
cw_status cw_run_job(cw_context *ctx, const cw_plans *plans, cw_store *store);

#endif
