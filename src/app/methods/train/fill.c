/* Curves of a training, and whether the model learned its samples by heart. */
#include "app/methods/train/train.h"

#include "app/analysis/fill.h"

cw_status cw_fill_train(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                        const cw_arrays *data) {
  (void)c;
  static const char *const names[] = {"loss", "ess", "grad_norm", "rate", NULL};
  for (int i = 0; names[i] != NULL; i++) {
    const cw_array *series;
    CW_TRY(cw_get_array(ctx, s, data, names[i], 1, &series));
    if (series == NULL) continue;
    s->present = true;
    s->n_step = series->dim[0];
    CW_TRY(cw_curve_binned(ctx, s, names[i], series));
  }
  return CW_OK;
}

/* The stage that knows how much better the model fits what it was trained on; NULL: none does. */
static const cw_analysis_stage *with_gap(const cw_analysis_case *c) {
  for (int i = 0; i < c->n_stages; i++)
    if (c->stage[i].present && cw_stage_result(&c->stage[i], "train_gap", -1) != NULL)
      return &c->stage[i];
  return NULL;
}

/* A model that knows its samples better than the target. */
cw_status cw_warn_train(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_train_plan *plan = s->section->own;
  if (plan->data == NULL) return CW_OK;
  const cw_mcmc_plan *data = cw_section_chains(plan->data);
  const cw_analysis_stage *judged = with_gap(c);
  const cw_result *gap = judged != NULL ? cw_stage_result(judged, "train_gap", -1) : NULL;
  const long n = cw_kept_rows(data) / 2 * data->chains;
  char value[CW_VALUE_TEXT];
  if (gap != NULL) cw_result_text(gap, value);
  if (gap != NULL && gap->e.value > 0.1 && !(gap->e.value <= 4 * gap->e.error))
    return cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "The %s learned its %ld samples by heart: ln q is larger by %s on them than "
                       "on others of the same chains. More of them, fewer parameters than %ld, or "
                       "fewer steps help.",
                       c->noun, n, value, c->n_parameters);
  if (gap != NULL || n >= c->n_parameters) return CW_OK;
  return cw_add_line(
      ctx, &c->warning, &c->n_warnings,
      "The %s has %ld parameter%s and was trained on %ld samples, which it may have "
      "learned by heart: a section 'forward' on the same data, with at least four rows to "
      "judge on, would tell.",
      c->noun, c->n_parameters, c->n_parameters == 1 ? "" : "s", n);
}
