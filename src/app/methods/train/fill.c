/* Curves of a training, and whether the model learned its samples by heart. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static int compare_numbers(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return isnan(x) ? !isnan(y) : isnan(y) ? -1 : (x > y) - (x < y);
}

/* Quartiles of the points of part k of n: losses that run away are spikes of all sizes. scratch: (loss->n). */
static void quartiles_of_part(const cw_curve *loss, int k, int n, double *scratch,
                              double quartile[3]) {
  const long begin = loss->n * k / n, points = loss->n * (k + 1) / n - begin;
  memcpy(scratch, loss->y + begin, (size_t)points * sizeof *scratch);
  qsort(scratch, (size_t)points, sizeof *scratch, compare_numbers);
  for (int q = 0; q < 3; q++) quartile[q] = scratch[(q + 1) * (points - 1) / 4];
}

/* A loss is in units of ln q, so that 1 is a lot; it is another one while couplings rise to their values. */
static cw_status warn_divergence(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  enum { PARTS = 10 };
  const cw_train_plan *plan = s->section->own;
  const cw_curve *loss = cw_stage_curve(s, "loss");
  if (plan->options.anneal > 0 || loss == NULL || loss->n < 3 * PARTS) return CW_OK;
  double *scratch = malloc((size_t)loss->n * sizeof *scratch), last[3], part[3];
  if (scratch == NULL) return cw_no_memory(ctx);
  double best = loss->y[0], above = loss->y[0];
  for (int k = 0; k < PARTS - 1; k++) {
    quartiles_of_part(loss, k, PARTS, scratch, part);
    if (!(part[1] < best)) continue;
    best = part[1];
    above = part[2];
  }
  quartiles_of_part(loss, PARTS - 1, PARTS, scratch, last);
  free(scratch);
  if (last[1] - best <= 1 || last[0] <= above) return CW_OK;
  return cw_add_line(ctx, &c->warning, &c->n_warnings,
                     "%s: the loss rose from %.6g to %.6g: training diverged; a smaller rate or a "
                     "longer warmup helps.",
                     s->part.label, best, last[1]);
}

/* Training that went astray, and a model that knows its samples better than the target. */
cw_status cw_warn_train(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_train_plan *plan = s->section->own;
  CW_TRY(warn_divergence(ctx, c, s));
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
