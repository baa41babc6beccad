/* What the files of this method share: neural importance sampling (Nicoli et al., arXiv:1910.13496),
 * independent samples of the model with their log-weights. */
#ifndef CW_APP_NIS_H
#define CW_APP_NIS_H

#include "app/plan/plan.h"

enum {
  CW_NIS_BATCH = 4096, /* samples that are drawn at once */
  CW_NIS_CHECKED = 4   /* draws whose density is compared with a determinant */
};

typedef struct {
  long samples;
} cw_nis_plan;

cw_status cw_run_nis(cw_case *c, const cw_section *s);
cw_status cw_fill_nis(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                      const cw_arrays *data);
cw_status cw_warn_nis(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s);

#endif
