/* How the model weighs samples of the target, and those that it was trained on. */
#include "app/analysis/fill.h"
#include "app/methods/forward/forward.h"

/* What the model learned of its samples alone: the mean of ln q on those less that on others, -S of
 * both having the same mean. */
static cw_status add_gap(cw_context *ctx, cw_analysis_stage *s, const cw_array *lw,
                         const cw_array *seen) {
  cw_estimate e, known;
  if (lw->dim[0] < CW_GAMMA_MIN_STEPS || seen->dim[0] < CW_GAMMA_MIN_STEPS) return CW_OK;
  CW_TRY(cw_mean_of_rows(ctx, lw->data, lw->dim[0], lw->dim[1], &e));
  CW_TRY(cw_mean_of_rows(ctx, seen->data, seen->dim[0], seen->dim[1], &known));
  cw_estimate gap = cw_estimate_undefined(e.n + known.n);
  gap.value = e.value - known.value;
  gap.error = hypot(e.error, known.error);
  return cw_add_number(ctx, s, "train_gap", -1,
                       "mean of ln q on configurations that the model was trained on, less that on "
                       "others",
                       gap);
}

cw_status cw_fill_forward(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                          const cw_arrays *data) {
  const cw_forward_plan *plan = s->section->own;
  const cw_array *lw, *seen, *primary;
  CW_TRY(cw_get_array(ctx, s, data, "lw", 2, &lw));
  CW_TRY(cw_get_array(ctx, s, data, "seen.lw", 2, &seen));
  if (lw == NULL) return CW_OK;
  s->n_step = lw->dim[0];
  s->n_chain = lw->dim[1];
  s->present = s->n_step >= CW_GAMMA_MIN_STEPS;
  CW_TRY(cw_keep_log_weights(ctx, s, CW_OF_TARGET, lw));
  if (cw_trained_on(c->plan, plan->data))
    s->sampled_so = " (the second half of the kept configurations of each chain; the model was "
                    "trained on the first)";
  CW_TRY(cw_get_array(ctx, s, data, "judged.primary", 2, &primary));
  CW_TRY(cw_fill_coverage(ctx, c, s, lw, primary));
  return seen != NULL ? add_gap(ctx, s, lw, seen) : CW_OK;
}
