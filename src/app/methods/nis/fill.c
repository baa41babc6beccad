/* Results of weighted samples of the model. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/analysis/fill.h"
#include "app/methods/nis/nis.h"

static cw_status add_ess(cw_context *ctx, cw_analysis_stage *s, const cw_array *lw) {
  cw_estimate e;
  CW_TRY(cw_weighted_ess(ctx, lw->data, lw->dim[0], &e));
  return cw_add_number(ctx, s, "ess", -1, "effective sample size per sample, <w>^2/<w^2>", e);
}

/* Entropy per site, where it is made of what is measured. */
static cw_status add_entropy(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                             const cw_array *primary, const cw_array *lw) {
  const int at = cw_action_primary(&c->observer[0]);
  const double V = (double)c->geometry->n_sites;
  cw_estimate e;
  if (at < 0) return CW_OK;
  double *action = cw_alloc((size_t)s->n_step * sizeof *action);
  if (action == NULL) return cw_no_memory(ctx);
  for (long i = 0; i < s->n_step; i++) action[i] = V * primary->data[i * primary->dim[1] + at];
  cw_status st = cw_weighted_entropy(ctx, lw->data, action, s->n_step, &e);
  free(action);
  e.value /= V;
  e.error /= V;
  if (st != CW_OK) return st;
  return cw_add_number(ctx, s, "entropy", -1, "entropy per site (ln Z + <S>)/V", e);
}

/* Of models that are not exact: their draws' mean is what the estimate of ln Z is too low by. */
static cw_status add_density_error(cw_context *ctx, cw_analysis_stage *s, const cw_arrays *data) {
  const cw_array *off;
  CW_TRY(cw_get_array(ctx, s, data, "lnq_off", 1, &off));
  if (off == NULL || off->dim[0] < 2) return CW_OK;
  const long n = off->dim[0];
  cw_estimate e = cw_estimate_undefined(n);
  e.value = cw_sum(off->data, (size_t)n) / (double)n;
  double square = 0;
  for (long i = 0; i < n; i++) square += (off->data[i] - e.value) * (off->data[i] - e.value);
  e.error = sqrt(square / (double)(n * (n - 1)));
  return cw_add_number(ctx, s, "lnq_off", -1,
                       "ln q minus a better one (by a determinant, or twice the steps)", e);
}

cw_status cw_fill_nis(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                      const cw_arrays *data) {
  const cw_array *lw, *primary;
  CW_TRY(cw_get_array(ctx, s, data, "lw", 1, &lw));
  CW_TRY(cw_get_primary(ctx, c, s, data, 0, 2, &primary));
  if (lw == NULL || lw->dim[0] < 2) return CW_OK;
  s->present = true;
  s->n_step = lw->dim[0];
  CW_TRY(cw_keep_log_weights(ctx, s, CW_OF_MODEL, lw));
  CW_TRY(add_density_error(ctx, s, data));
  if (primary == NULL) return add_ess(ctx, s, lw);
  CW_TRY(cw_fill_weighted(ctx, c, s, primary, lw));
  CW_TRY(add_entropy(ctx, c, s, primary, lw));
  return add_ess(ctx, s, lw);
}

/* Far apart of the two error estimates of weighted samples. */
static double error_ratio(const cw_estimate *e) {
  bool usable = isfinite(e->error2) && e->error2 > 0 && e->error > 0;
  return usable ? fmax(e->error / e->error2, e->error2 / e->error) : 1;
}

static const double MOST_SCATTER = 0.02; /* relative, of weights */

/* An integral for a log-Jacobian matters where it moves ln Z by more than a fifth of its error, or weights. */
static cw_status warn_density(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  for (int i = 0; i < s->n_results; i++) {
    const cw_result *r = &s->result[i];
    const double scatter = r->e.error * sqrt((double)r->e.n);
    if (strcmp(r->quantity, "lnq_off") != 0) continue;
    if (fabs(r->e.value) <= 0.2 * c->flow.lnZ_error && scatter <= MOST_SCATTER) return CW_OK;
    const cw_layer_spec *layer = cw_model_inexact(&c->plan->model);
    CW_REQUIRE(layer != NULL);
    return cw_add_line(
        ctx, &c->warning, &c->n_warnings,
        "%s: ln q is off by %.1e, and by %.1e from draw to draw (of %ld), and so is ln Z, "
        "the other way: more `%s` of layer '%s' are needed.",
        s->part.label, r->e.value, scatter, r->e.n, cw_layer_find(layer->kind)->precision[0],
        layer->kind);
  }
  return CW_OK;
}

cw_status cw_warn_nis(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  CW_TRY(warn_density(ctx, c, s));
  const cw_result *r = cw_worst_result(s, error_ratio);
  if (r != NULL && error_ratio(&r->e) > 1.2)
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: delta method and jackknife give errors of %s that differ by %.0f %%: a "
                       "few weights decide.",
                       s->part.label, r->quantity, 100 * (error_ratio(&r->e) - 1)));
  if (c->flow.max_weight_share > 0.1)
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: one sample carries %.0f %% of all weight.", s->part.label,
                       100 * c->flow.max_weight_share));
  if (c->flow.ess < 0.01)
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: the ESS is %.2g per sample: the flow hardly meets the target.",
                       s->part.label, c->flow.ess));
  return CW_OK;
}
