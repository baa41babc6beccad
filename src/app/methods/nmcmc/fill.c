/* Results of chains of accepted proposals. */
#include <stdlib.h>
#include <string.h>

#include "app/analysis/fill.h"
#include "app/methods/nmcmc/nmcmc.h"

cw_status cw_fill_nmcmc(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                        const cw_arrays *data) {
  const cw_array *primary, *accept;
  CW_TRY(cw_get_primary(ctx, c, s, data, 0, 3, &primary));
  CW_TRY(cw_get_array(ctx, s, data, "accept", 2, &accept));
  if (primary != NULL) CW_TRY(cw_fill_chains(ctx, c, s, primary, ""));
  if (!s->present || accept == NULL) return CW_OK;
  if (accept->dim[0] != s->n_step || accept->dim[1] != s->n_chain)
    return cw_fail(ctx, CW_ECORRUPT,
                   "stage '%s' holds %ld x %ld acceptances for %ld x %ld measurements",
                   s->part.name, accept->dim[0], accept->dim[1], s->n_step, s->n_chain);
  double *chains = cw_chains_first(accept->data, s->n_step, s->n_chain, 1);
  if (chains == NULL) return cw_no_memory(ctx);
  cw_status st = cw_fill_acceptance(ctx, s, accept->name, chains);
  free(chains);
  return st;
}

static double tau_of(const cw_estimate *e) { return e->tau_int; }

/* Proposals are accepted with densities that are off where a log-Jacobian is an integral; another section may have
 * found by how much. */
static cw_status warn_density(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_layer_spec *layer = cw_model_inexact(&c->plan->model);
  if (layer == NULL) return CW_OK;
  for (int i = 0; i < c->n_stages; i++)
    for (int k = 0; k < c->stage[i].n_results; k++)
      if (strcmp(c->stage[i].result[k].quantity, "lnq_off") == 0) return CW_OK;
  return cw_add_line(
      ctx, &c->warning, &c->n_warnings,
      "%s: ln q of layer '%s' is an integral, and nothing in this job says how far it is "
      "off: importance sampling would (`lnq_off`).",
      s->part.label, layer->kind);
}

/* Have chains that begin with a proposal forgotten it before they are measured? */
cw_status cw_warn_nmcmc(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  CW_TRY(warn_density(ctx, c, s));
  const cw_nmcmc_plan *plan = s->section->own;
  const cw_result *slowest = cw_worst_result(s, tau_of);
  const double tau = slowest != NULL ? slowest->e.tau_int : 0;
  const long skipped = plan->thermalise;
  const bool stuck = s->longest_rejection == s->n_step; /* perhaps from before on */
  if (plan->data != NULL) return CW_OK;
  if (!stuck && fmax((double)s->longest_rejection, tau) <= (double)skipped) return CW_OK;
  return cw_add_line(
      ctx, &c->warning, &c->n_warnings,
      "%s: the chains start from the model and thermalise for %ld step%s, which their "
      "longest run of rejections (%ld) or autocorrelations (tau_int %.3g) outlast: "
      "results may be biased towards the model. Start from data, or thermalise "
      "longer.",
      s->part.label, skipped, skipped == 1 ? "" : "s", s->longest_rejection, tau);
}
