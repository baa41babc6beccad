/* What the files of this method share: log-weights of the model on configurations of the target. */
#ifndef CW_APP_FORWARD_H
#define CW_APP_FORWARD_H

#include "app/plan/plan.h"

typedef struct {
  const cw_section *data; /* whose kept configurations */
} cw_forward_plan;

cw_status cw_run_forward(cw_case *c, const cw_section *s);
cw_status cw_fill_forward(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                          const cw_arrays *data);

#endif
