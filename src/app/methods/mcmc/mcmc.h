/* What the files of this method share. Its plan is a cw_mcmc_plan. */
#ifndef CW_APP_MCMC_H
#define CW_APP_MCMC_H

#include "app/plan/plan.h"

cw_status cw_run_mcmc(cw_case *c, const cw_section *s);
cw_status cw_fill_mcmc(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                       const cw_arrays *data);
cw_status cw_warn_mcmc(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s);

#endif
