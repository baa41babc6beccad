/* What the files of this method share: the training of the job's model. */
#ifndef CW_APP_TRAIN_H
#define CW_APP_TRAIN_H

#include "app/plan/plan.h"

typedef struct {
  cw_train_options options;
  const cw_section *data; /* forward KL: whose kept configurations; NULL: none */
} cw_train_plan;

cw_status cw_read_train(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s);
cw_status cw_run_train(cw_case *c, const cw_section *s);
cw_status cw_fill_train(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                        const cw_arrays *data);
cw_status cw_warn_train(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s);
cw_status cw_draw_train(const cw_case_page *to, const cw_analysis_stage *s);

#endif
