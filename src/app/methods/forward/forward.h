/* What the files of this method share: log-weights of the model on configurations of the target. */
#ifndef CW_APP_FORWARD_H
#define CW_APP_FORWARD_H

#include "app/plan/plan.h"

typedef struct {
  const cw_section *data; /* whose kept configurations */
  double threshold;       /* share of the target's density that the model has within its support */
} cw_forward_plan;

cw_status cw_run_forward(cw_case *c, const cw_section *s);
cw_status cw_fill_forward(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                          const cw_arrays *data);
/* Numbers of the model's support, from log-weights (n_step, n_chain) of samples of the target and, or NULL,
 * what was measured on these (n_step, n_chain n_primary). */
cw_status cw_fill_coverage(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                           const cw_array *lw, const cw_array *primary);
cw_status cw_conclude_forward(cw_context *ctx, cw_analysis_case *c, cw_analysis_stage *s);
/* The i-th quantity that is the mean of a primary, of which there is a bias; NULL: there are no more. */
const cw_quantity *cw_forward_mean(const cw_observer *o, int i);
cw_status cw_draw_forward(const cw_case_page *to, const cw_analysis_stage *s);

#endif
