/* What the files of this method share: Metropolis chains with independent proposals of the model. */
#ifndef CW_APP_NMCMC_H
#define CW_APP_NMCMC_H

#include "app/plan/plan.h"

typedef struct {
  long chains, thermalise, steps; /* steps after thermalisation */
  const cw_section *data; /* from whose kept configurations they start; NULL: from the model */
} cw_nmcmc_plan;

cw_status cw_run_nmcmc(cw_case *c, const cw_section *s);
cw_status cw_fill_nmcmc(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                        const cw_arrays *data);
cw_status cw_warn_nmcmc(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s);
cw_status cw_draw_nmcmc(const cw_case_page *to, const cw_analysis_stage *s);

#endif
