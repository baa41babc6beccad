/* What the files of this method share: kept configurations of chains, reweighted to other parameters
 * of their theory (A. Ferrenberg and R. Swendsen, Phys. Rev. Lett. 61 (1988) 2635). */
#ifndef CW_APP_REWEIGHT_H
#define CW_APP_REWEIGHT_H

#include "app/plan/plan.h"

typedef struct {
  const cw_section *data;   /* whose kept configurations */
  double to[CW_MAX_PARAMS]; /* of the theory that they are reweighted to */
} cw_reweight_plan;

cw_status cw_run_reweight(cw_case *c, const cw_section *s);
cw_status cw_fill_reweight(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                           const cw_arrays *data);
cw_status cw_warn_reweight(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s);
cw_status cw_draw_reweight(const cw_case_page *to, const cw_analysis_stage *s);

#endif
