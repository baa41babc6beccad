/* What the files of this method share: chain integration. */
#ifndef CW_APP_CHAIN_H
#define CW_APP_CHAIN_H

#include "app/plan/plan.h"

enum { CW_CHAIN_NODES = 200 }; /* at most */

typedef struct {
  cw_mcmc_plan mcmc; /* how each node is sampled */
  long nodes;
} cw_chain_plan;

cw_status cw_run_chain(cw_case *c, const cw_section *s);
cw_status cw_fill_chain(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                        const cw_arrays *data);
cw_status cw_conclude_chain(cw_context *ctx, cw_analysis_case *c, cw_analysis_stage *s);
cw_status cw_warn_chain(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s);
cw_status cw_draw_chain(const cw_case_page *to, const cw_analysis_stage *s);

#endif
