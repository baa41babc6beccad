/* What the files of this method share: flows between the rungs of the ladder, fitted by least squares
 * on chains in between. */
#ifndef CW_APP_LEAST_SQUARES_H
#define CW_APP_LEAST_SQUARES_H

#include "app/plan/plan.h"

enum { CW_MOST_DEGREES = 8 }; /* of polynomials */

typedef struct {
  const char *name;    /* of the section */
  cw_mcmc_plan mcmc;   /* chains between the rungs; steps: of each pair and round */
  cw_model_spec model; /* of every pair; its prior is not used */
  cw_start_from start;
  long
      rounds; /* of fits, each from the parameters of the one before; 0: flows stay as they start */
  long folds; /* left out in turn */
  bool joint; /* are the parameters polynomials in the position on the ladder? */
  long degree; /* of these */
} cw_least_squares_plan;

/* Rows of one chain that a pair has in a round. */
static inline long cw_fit_rows(const cw_least_squares_plan *f) {
  return f->mcmc.steps / f->mcmc.every;
}

cw_status cw_read_least_squares(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s);
cw_status cw_run_least_squares(cw_case *c, const cw_section *s);
cw_status cw_fill_least_squares(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                                const cw_arrays *data);
cw_status cw_warn_least_squares(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s);
cw_status cw_draw_least_squares(const cw_case_page *to, const cw_analysis_stage *s);

#endif
