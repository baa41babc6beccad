/* Slopes at the nodes, and their integral. */
#include "app/analysis/fill.h"
#include "app/methods/chain/chain.h"

/* Do the nodes reach the target? Gauss-Legendre weights add up to the length of the interval, from
 * kappa = 0 to the hopping parameter of the action, S = -2 kappa sum phi phi_mu + ... */
static bool is_whole(const cw_analysis_case *c, const cw_analysis_stage *s, double covered) {
  int bond = c->theory.ops->bond_term;
  if (s->n_step < s->part.wanted) return false;
  if (bond < 0) return true;
  double kappa = -0.5 * c->theory.c[bond];
  return fabs(covered - kappa) <= 1e-9 * fmax(1, fabs(kappa));
}

/* Curve "slope" (kappa, <-dS/dkappa>, error), and the integral over the nodes there are: lnZ(kappa)
 * = lnZ0 + sum_i w_i <slope_i>, errors of independent nodes in quadrature. */
cw_status cw_fill_chain(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                        const cw_arrays *data) {
  const cw_array *kappa, *weight, *slope, *lnZ0;
  CW_TRY(cw_get_array(ctx, s, data, "kappa", 1, &kappa));
  CW_TRY(cw_get_array(ctx, s, data, "weight", 1, &weight));
  CW_TRY(cw_get_array(ctx, s, data, "slope", 3, &slope));
  CW_TRY(cw_get_array(ctx, s, data, "lnZ0", 1, &lnZ0));
  if (kappa == NULL || weight == NULL || slope == NULL || lnZ0 == NULL) return CW_OK;
  long n = kappa->dim[0], n_step = slope->dim[1], n_chain = slope->dim[2];
  if (weight->dim[0] != n || slope->dim[0] != n || lnZ0->dim[0] != n)
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds nodes of unequal numbers", s->part.name);
  if (n_step < CW_GAMMA_MIN_STEPS) return CW_OK;
  cw_curve *slopes = cw_add_curve(&s->curve, &s->n_curves, "slope", n, true);
  if (slopes == NULL) return cw_no_memory(ctx);
  double sum = lnZ0->data[0], variance = 0, covered = 0, rhat = NAN;
  for (long i = 0; i < n; i++) {
    cw_estimate e;
    CW_TRY(cw_mean_of_rows(ctx, slope->data + i * n_step * n_chain, n_step, n_chain, &e));
    slopes->x[i] = kappa->data[i];
    slopes->y[i] = e.value;
    slopes->dy[i] = e.error;
    sum += weight->data[i] * e.value;
    variance += weight->data[i] * weight->data[i] * e.error * e.error;
    covered += weight->data[i];
    rhat = fmax(rhat, e.rhat);
  }
  s->present = true;
  s->n_step = n;
  s->lnZ = cw_estimate_undefined(n * n_step * n_chain);
  s->lnZ.rhat = rhat;
  s->lnZ_unit = "samples";
  if (!is_whole(c, s, covered)) {
    snprintf(s->shortfall, sizeof s->shortfall,
             "has %ld nodes, whose weights reach kappa = %.6g only: no F_chain yet", n, covered);
    return CW_OK;
  }
  s->lnZ.value = sum;
  s->lnZ.error = sqrt(variance);
  return CW_OK;
}

/* (ln Z + <S>)/V, the mean from chains on the target, which do not know those at the nodes. */
static cw_status add_entropy(cw_context *ctx, cw_analysis_case *c, const cw_estimate *lnZ) {
  const cw_result *action = cw_action_result(c);
  const double V = (double)c->geometry->n_sites;
  if (action == NULL) return CW_OK;
  cw_estimate e = cw_estimate_undefined(lnZ->n + action->e.n);
  e.value = lnZ->value / V + action->e.value;
  e.error = hypot(lnZ->error / V, action->e.error);
  return cw_add_case_number(ctx, c, "entropy_chain",
                            "entropy per site (ln Z + <S>)/V from chain integration", &e);
}

cw_status cw_conclude_chain(cw_context *ctx, cw_analysis_case *c, cw_analysis_stage *s) {
  if (isnan(s->lnZ.value)) return CW_OK;
  CW_TRY(cw_add_free_energy(ctx, c, "F_chain", "F_chain_per_site",
                            "free energy -ln Z from chain integration in kappa", s->lnZ));
  return add_entropy(ctx, c, &s->lnZ);
}

cw_status cw_warn_chain(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  if (!(s->lnZ.rhat > CW_LARGEST_RHAT)) return CW_OK;
  return cw_add_line(ctx, &c->warning, &c->n_warnings,
                     "%s: the chains of a node disagree (R-hat = %.3g, more than %g): its error "
                     "cannot be trusted.",
                     s->part.label, s->lnZ.rhat, CW_LARGEST_RHAT);
}
