/* Results of chains of a sampler, and their energies. */
#include "app/methods/mcmc/mcmc.h"

#include "app/analysis/fill.h"

static bool all_equal(const cw_array *a, double value) {
  for (long i = 0; i < cw_array_size(a); i++)
    if (a->data[i] != value) return false;
  return true;
}

cw_status cw_fill_mcmc(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                       const cw_arrays *data) {
  const cw_array *accept, *exp_mdH, *action, *away;
  CW_TRY(cw_fill_groups(ctx, c, s, data));
  CW_TRY(cw_get_array(ctx, s, data, "accept", 1, &accept));
  CW_TRY(cw_get_array(ctx, s, data, "exp_mdH", 1, &exp_mdH));
  CW_TRY(cw_get_array(ctx, s, data, "therm.action", 1, &action));
  if (action != NULL)
    CW_TRY(cw_curve_history(ctx, s, "thermalisation", action->dim[0], 1, action->data));
  CW_TRY(cw_get_array(ctx, s, data, "away.accept", 1, &away));
  if (away != NULL)
    CW_TRY(cw_add_series(ctx, s, "acceptance", "mean acceptance probability of excursions",
                         away->name, away->data, 1, away->dim[0]));
  if (accept == NULL || all_equal(accept, 1)) return CW_OK; /* a sampler that never rejects */
  CW_TRY(cw_add_series(ctx, s, away != NULL ? "sampler_acceptance" : "acceptance",
                       "mean acceptance probability", accept->name, accept->data, 1,
                       accept->dim[0]));
  if (exp_mdH == NULL || all_equal(exp_mdH, 1)) return CW_OK; /* a sampler without energies */
  return cw_add_series(ctx, s, "exp_mdH", "<exp(-dH)>, which is 1", exp_mdH->name, exp_mdH->data, 1,
                       exp_mdH->dim[0]);
}

/* <exp(-dH)> of trajectories. In equilibrium it is 1 at any step size; an error that is no number
 * comes of energies that overflow. */
cw_status cw_warn_mcmc(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_result *r = cw_stage_result(s, "exp_mdH", -1);
  if (r == NULL) return CW_OK;
  if (!isfinite(r->e.value) || (!isfinite(r->e.error) && r->e.why == NULL))
    return cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: <exp(-dH)> is undefined: energies overflow on some trajectories; "
                       "smaller steps help.",
                       s->part.label);
  const double off = fabs(r->e.value - 1), sigma = r->e.error > 0 ? off / r->e.error : INFINITY;
  if (!(off > 0.2 || (off > 0.01 && sigma > 4))) return CW_OK;
  char sigmas[48] = "";
  if (isfinite(sigma)) snprintf(sigmas, sizeof sigmas, " (%.3g standard deviations)", sigma);
  return cw_add_line(
      ctx, &c->warning, &c->n_warnings,
      "%s: <exp(-dH)> = %.4g differs from 1, its value in equilibrium, by %.3g %%%s: "
      "smaller steps or longer thermalisation help.",
      s->part.label, r->e.value, 100 * off, sigmas);
}
