/* Results at the other parameters, what the weights are worth, and the ratio of partition functions.
 */
#include <stdlib.h>

#include "app/analysis/fill.h"
#include "app/methods/reweight/reweight.h"

/* w (n), 1 at the largest log-weight, which is returned. */
static double weights_of(const cw_array *lw, double *w) {
  const long n = cw_array_size(lw);
  double top = -INFINITY;
  for (long i = 0; i < n; i++) top = fmax(top, lw->data[i]);
  for (long i = 0; i < n; i++) w[i] = exp(lw->data[i] - top);
  return top;
}

/* (sum w)^2/(n sum w^2), and ln Z'/Z = ln <w>. */
static cw_status add_numbers(cw_context *ctx, cw_analysis_stage *s, const cw_array *lw, double *w) {
  const double top = weights_of(lw, w), n = (double)cw_array_size(lw);
  const double sum = cw_sum(w, (size_t)n), square = cw_dot(w, w, (size_t)n);
  cw_estimate ess = cw_estimate_undefined((long)n), lnZ;
  ess.value = sum * sum / (n * square);
  CW_TRY(cw_add_number(ctx, s, "ess", -1, "effective share of configurations, <w>^2/<w^2>", ess));
  CW_TRY(cw_mean_of_rows(ctx, w, lw->dim[0], lw->dim[1], &lnZ));
  lnZ.error /= lnZ.value;
  lnZ.value = top + log(lnZ.value);
  return cw_add_number(ctx, s, "lnZ_ratio", -1,
                       "ln Z there, less ln Z at the parameters of the job", lnZ);
}

cw_status cw_fill_reweight(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                           const cw_arrays *data) {
  const cw_array *lw, *primary;
  CW_TRY(cw_get_array(ctx, s, data, "lw", 2, &lw));
  CW_TRY(cw_get_primary(ctx, c, s, data, 0, 3, &primary));
  if (lw == NULL || primary == NULL) return CW_OK;
  CW_TRY(cw_fill_reweighted(ctx, c, s, primary, lw));
  if (!s->present) return CW_OK;
  double *w = cw_alloc((size_t)cw_array_size(lw) * sizeof *w);
  cw_status st = w != NULL ? add_numbers(ctx, s, lw, w) : cw_no_memory(ctx);
  free(w);
  if (st != CW_OK) return st;
  return cw_curve_histogram(ctx, s, "log_weight", cw_array_size(lw), 1, lw->data);
}

cw_status cw_warn_reweight(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_result *ess = cw_stage_result(s, "ess", -1);
  const double worth = ess->e.value * (double)ess->e.n;
  if (worth >= 100) return CW_OK;
  return cw_add_line(ctx, &c->warning, &c->n_warnings,
                     "%s: the %ld configurations are worth %.3g at the other parameters: a few "
                     "of them decide, and errors are too small.",
                     s->part.label, ess->e.n, worth);
}
