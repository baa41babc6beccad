/* Running a job into its store. */
#ifndef CW_APP_RUN_H
#define CW_APP_RUN_H

#include <stdio.h>

#include "app/plan/plan.h"

/* Opens the store of a run in dir (less than CW_PATH bytes) for these plans, and writes dir/job.yaml. resume: of a
 * run that is there, perhaps with other plans, which it then has from now on. CW_EINVAL: there is one, and
 * resume is false, or plans change what a run keeps; what cw_store_create says. Collective. The caller closes
 * *store in any case. */
cw_status cw_open_run(cw_context *ctx, const char *dir, const cw_plans *plans, bool resume,
                      cw_store **store);

/* What the job takes in dir, at least, as a table into out (NULL: none); rank 0 writes. CW_EINVAL: this machine, or
 * what this process may take of it, has not so much left; the message names the key. Collective. */
cw_status cw_check_room(cw_context *ctx, const char *dir, const cw_plans *plans, FILE *out);

/* Of a section that runs without checkpoints, in memory alone. CW_EINVAL: so. Local. */
cw_status cw_check_memory(cw_context *ctx, const cw_plan *plan, const cw_section *section);

/* Runs every stage of every case, from where the store left it. CW_EINTERRUPTED after a signal,
 * with a checkpoint written. Collective. */
cw_status cw_run_job(cw_context *ctx, const cw_plans *plans, cw_store *store);

#endif
