/* What casts doubt on the numbers of a case. */
#include <string.h>

#include "app/analysis/parts.h"
#include "causeway/configuration.h"

/* Far apart of the two error estimates of weighted samples. */
static double error_ratio(const cw_estimate *e) {
  bool usable = isfinite(e->error2) && e->error2 > 0 && e->error > 0;
  return usable ? fmax(e->error / e->error2, e->error2 / e->error) : 1;
}

/* The result of s for which measure is largest, among the scalar quantities; NULL: of none it is a
 * number. Chains that each stand still at a value of their own have an infinite R-hat. */
static const cw_result *worst(const cw_analysis_stage *s, double (*measure)(const cw_estimate *)) {
  const cw_result *found = NULL;
  for (int i = 0; i < s->n_results; i++) {
    const cw_result *r = &s->result[i];
    if (r->group < 0 || r->index >= 0 || isnan(measure(&r->e))) continue;
    if (found == NULL || measure(&r->e) > measure(&found->e)) found = r;
  }
  return found;
}

static double rhat_of(const cw_estimate *e) { return e->rhat; }
static double scatter_of(const cw_estimate *e) { return e->scatter_sigma; }
static double cut_of(const cw_estimate *e) { return e->cut ? e->tau_int : 0; }
/* Autocorrelation times per measurement: groups may be measured less often than others. */
static double tau_share(const cw_estimate *e) { return e->tau_int / (double)e->n; }

enum { FEWEST_TIMES = 50 };
static const double largest_rhat = 1.1;

/* The quantity that shows that the chains disagree, or that they are too short; NULL: none does. */
static const cw_result *disagreeing(const cw_analysis_stage *s) {
  const cw_result *r = worst(s, rhat_of);
  return r != NULL && r->e.rhat > largest_rhat ? r : NULL;
}
static const cw_result *too_short(const cw_analysis_stage *s) {
  const cw_result *r = worst(s, tau_share);
  return r != NULL && (double)(r->e.n / s->n_chain) < FEWEST_TIMES * r->e.tau_int ? r : NULL;
}

/* Means of chains scatter more than the errors from within the chains allow. */
static cw_status warn_scatter(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_result *r = worst(s, scatter_of);
  if (r == NULL || r->e.scatter_sigma <= CW_SCATTER_SIGMA) return CW_OK;
  return cw_add_line(
      ctx, &c->warning, &c->n_warnings,
      "%s: the means of the %ld chains scatter more than autocorrelations within the "
      "chains explain (%.1f standard deviations for %s): their scatter is quoted as "
      "the error; longer chains would show the slow modes.",
      s->label, s->n_chain, r->e.scatter_sigma, r->quantity);
}

static cw_status warn_chains(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  CW_TRY(warn_scatter(ctx, c, s));
  const cw_result *r = disagreeing(s);
  if (r != NULL)
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: the chains disagree (R-hat = %.3g for %s, more than %g): its errors "
                       "cannot be trusted.",
                       s->label, r->e.rhat, r->quantity, largest_rhat));
  r = worst(s, cut_of);
  if (r != NULL && r->e.cut &&
      s->n_chain == 1) /* all lags of many chains add up to their scatter */
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: the autocorrelations of %s have not died out within half of the chain: "
                       "its tau_int and error are too small.",
                       s->label, r->quantity));
  r = too_short(s);
  if (r != NULL)
    CW_TRY(cw_add_line(
        ctx, &c->warning, &c->n_warnings,
        "%s: %ld steps are fewer than %d autocorrelation times (tau_int = %.4g for %s).", s->label,
        r->e.n / s->n_chain, FEWEST_TIMES, r->e.tau_int, r->quantity));
  return CW_OK;
}

/* The same of all other rungs of the ladder whose last one is s. */
static cw_status warn_rungs(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  int n_disagree = 0, n_short = 0;
  const cw_analysis_stage *end = c->stage + c->n_stages;
  for (const cw_analysis_stage *r = s + 1; r < end && r->rung < s->rung; r++) {
    if (!r->present || r->kind != CW_STAGE_REX) continue;
    n_disagree += disagreeing(r) != NULL;
    n_short += too_short(r) != NULL;
  }
  if (n_disagree > 0)
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: on %d of the other rungs the chains disagree (R-hat more than %g).",
                       s->label, n_disagree, largest_rhat));
  if (n_short > 0)
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: %d of the other rungs have fewer steps than %d autocorrelation times.",
                       s->label, n_short, FEWEST_TIMES));
  return CW_OK;
}

/* <exp(-dH)> of trajectories. In equilibrium it is 1 at any step size; an error that is no number
 * comes of energies that overflow. */
static cw_status warn_energies(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_result *r = cw_stage_result(s, "exp_mdH", -1);
  if (r == NULL) return CW_OK;
  if (!isfinite(r->e.value) || (!isfinite(r->e.error) && r->e.why == NULL))
    return cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: <exp(-dH)> is undefined: energies overflow on some trajectories; "
                       "smaller steps help.",
                       s->label);
  const double off = fabs(r->e.value - 1), sigma = r->e.error > 0 ? off / r->e.error : INFINITY;
  if (!(off > 0.2 || (off > 0.01 && sigma > 4))) return CW_OK;
  char sigmas[48] = "";
  if (isfinite(sigma)) snprintf(sigmas, sizeof sigmas, " (%.3g standard deviations)", sigma);
  return cw_add_line(
      ctx, &c->warning, &c->n_warnings,
      "%s: <exp(-dH)> = %.4g differs from 1, its value in equilibrium, by %.3g %%%s: "
      "smaller steps or longer thermalisation help.",
      s->label, r->e.value, 100 * off, sigmas);
}

static double tau_of(const cw_estimate *e) { return e->tau_int; }

/* Have chains that begin with a proposal forgotten it before they are measured? */
static cw_status warn_memory(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_result *slowest = worst(s, tau_of);
  const double tau = slowest != NULL ? slowest->e.tau_int : 0;
  const long skipped = c->plan->nmcmc_thermalise;
  const bool stuck = s->longest_rejection == s->n_step; /* perhaps from before on */
  if (c->plan->nmcmc_data >= 0) return CW_OK;
  if (!stuck && fmax((double)s->longest_rejection, tau) <= (double)skipped) return CW_OK;
  return cw_add_line(
      ctx, &c->warning, &c->n_warnings,
      "%s: the chains start from the model and thermalise for %ld steps, which their "
      "longest run of rejections (%ld) or autocorrelations (tau_int %.3g) outlast: "
      "results may be biased towards the model. Start from data, or thermalise "
      "longer.",
      s->label, skipped, s->longest_rejection, tau);
}

static cw_status warn_weights(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_result *r = worst(s, error_ratio);
  if (r != NULL && error_ratio(&r->e) > 1.2)
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: delta method and jackknife give errors of %s that differ by %.0f %%: a "
                       "few weights decide.",
                       s->label, r->quantity, 100 * (error_ratio(&r->e) - 1)));
  if (c->flow.max_weight_share > 0.1)
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: one sample carries %.0f %% of all weight.", s->label,
                       100 * c->flow.max_weight_share));
  if (c->flow.ess < 0.01)
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: the ESS is %.2g per sample: the flow hardly meets the target.",
                       s->label, c->flow.ess));
  return CW_OK;
}

/* Splines are the identity outside their range. Of the first layers it is known how much of what
 * they get lies there: the tails of the prior. */
static cw_status warn_splines(cw_context *ctx, cw_analysis_case *c) {
  const cw_model_spec *m = &c->plan->model;
  double range = INFINITY;
  for (int i = 0; i < m->n_layers && strcmp(m->layer[i].kind, "spline") == 0; i++)
    range = fmin(range, m->layer[i].range);
  if (!c->plan->has_model || m->kind != CW_MODEL_FLOW || !isfinite(range)) return CW_OK;
  double sigma = cw_prior_site_sigma(&m->prior, &c->plan->lat);
  double outside = erfc(range / (sigma * sqrt(2)));
  char share[16];
  if (outside < 1e-3) return CW_OK;
  return cw_add_line(
      ctx, &c->warning, &c->n_warnings,
      "Splines of range %g are the identity on %s %% of what the prior draws (its "
      "standard deviation is %.3g): those tails stay as they are. A wider range or a "
      "narrower prior reaches them.",
      range, cw_percent(outside, share), sigma);
}

/* A model that knows its samples better than the target. */
static cw_status warn_memorised(cw_context *ctx, cw_analysis_case *c) {
  const cw_plan *p = c->plan;
  if (!p->has_train || p->train.loss != CW_LOSS_FORWARD_KL) return CW_OK;
  const cw_analysis_stage *s = cw_analysis_find_kind(c, CW_STAGE_FORWARD);
  const cw_result *gap = s != NULL ? cw_stage_result(s, "train_gap", -1) : NULL;
  const cw_mcmc_plan *data = &p->mcmc[p->train_data];
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
      "The %s has %ld parameters and was trained on %ld samples, which it may have "
      "learned by heart: a section 'forward' on the same data, with at least four rows to "
      "judge on, would tell.",
      c->noun, c->n_parameters, n);
}

/* Samples of the model and of the target that do not meet. */
static cw_status warn_overlap(cw_context *ctx, cw_analysis_case *c) {
  const cw_flow_quality *f = &c->flow;
  char share[16];
  if (cw_flow_is_missed(f))
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "F_p and w_hat are not usable: %s %% of the samples of the %s weigh less "
                       "than every sample of the target.",
                       cw_percent(f->q_below_p, share), c->noun));
  if (!cw_flow_misses(f)) return CW_OK;
  return cw_add_line(ctx, &c->warning, &c->n_warnings,
                     "The %s misses a part of the target: %s %% of the target's samples weigh more "
                     "than every one of its own.",
                     c->noun, cw_percent(f->p_above_q, share));
}

/* Ratios of partition functions that a few walks decide. */
static cw_status warn_walks(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_result *back = cw_stage_result(s, "lnZ_ratio_reverse", -1);
  if (s->lnZ.ess < 0.5 * (double)s->n_step)
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: %.2g of %ld walks carry the weight: ln Z may be too small, and so may "
                       "its error; more rungs, mutations or particles help.",
                       s->label, s->lnZ.ess, s->n_step));
  if (back == NULL || !(back->e.ess < 0.5 * (double)s->n_step)) return CW_OK;
  return cw_add_line(ctx, &c->warning, &c->n_warnings,
                     "%s: %.2g of %ld walks back carry the weight: lnZ_ratio_reverse is not to be "
                     "trusted. More rungs help, and chains that are in equilibrium on the last "
                     "rung, where they start.",
                     s->label, back->e.ess, s->n_step);
}

static cw_status warn_setting(cw_context *ctx, cw_analysis_case *c, const char *section,
                              const cw_mcmc_plan *m) {
  const char *doubt = m->ops->doubt != NULL ? m->ops->doubt(c->plan->theory, m->param) : NULL;
  if (doubt == NULL) return CW_OK;
  return cw_add_line(ctx, &c->warning, &c->n_warnings, "Section '%s': %s", section, doubt);
}

/* What samplers themselves doubt of the parameters that sections give them. */
static cw_status warn_settings(cw_context *ctx, cw_analysis_case *c) {
  const cw_plan *p = c->plan;
  for (int i = 0; i < p->n_mcmc; i++)
    CW_TRY(warn_setting(ctx, c, p->mcmc[i].ops->name, &p->mcmc[i]));
  if (p->has_chain) CW_TRY(warn_setting(ctx, c, "chain", &p->chain.mcmc));
  for (int i = 0; i < p->n_walks; i++)
    CW_TRY(warn_setting(ctx, c, p->walk[i].name, &p->walk[i].mcmc));
  for (int i = 0; i < p->n_rex; i++) CW_TRY(warn_setting(ctx, c, p->rex[i].name, &p->rex[i].mcmc));
  return CW_OK;
}

/* Rungs, trainings and chains of walks share the store's stage, and the start, of their section. */
static cw_status warn_start(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  if (strchr(s->name, '.') != NULL && s->kind != CW_STAGE_FLOWS) return CW_OK;
  if (s->start_off_group != 0)
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: the chains started from a field that was projected onto the group: "
                       "links of start_file were off SU(3) by up to %.3g.",
                       s->label, s->start_off_group));
  for (int k = 0; cw_check_names()[k] != NULL; k++)
    if (s->start_ignored & 1u << k)
      CW_TRY(cw_add_line(
          ctx, &c->warning, &c->n_warnings,
          "%s: the chains started from a file, or from one made from a file, whose %s is "
          "wrong, which was ignored.",
          s->label, cw_check_names()[k]));
  return CW_OK;
}

cw_status cw_analysis_warn(cw_context *ctx, cw_analysis_case *c) {
  CW_TRY(warn_settings(ctx, c));
  CW_TRY(warn_splines(ctx, c));
  CW_TRY(warn_overlap(ctx, c));
  CW_TRY(warn_memorised(ctx, c));
  for (int i = 0; i < c->n_stages; i++) {
    const cw_analysis_stage *s = &c->stage[i];
    CW_TRY(warn_start(ctx, c, s));
    if (!s->present) continue;
    bool chains = cw_stage_is_chains(s) && cw_stage_measures(c, s);
    if (chains) CW_TRY(warn_chains(ctx, c, s));
    if (chains && s->kind == CW_STAGE_REX) CW_TRY(warn_rungs(ctx, c, s));
    if (s->kind == CW_STAGE_SAMPLER) CW_TRY(warn_energies(ctx, c, s));
    if (s->kind == CW_STAGE_NMCMC) CW_TRY(warn_memory(ctx, c, s));
    if (s->kind == CW_STAGE_NIS) CW_TRY(warn_weights(ctx, c, s));
    if (s->kind == CW_STAGE_WALK) CW_TRY(warn_walks(ctx, c, s));
    if (s->kind == CW_STAGE_CHAIN && s->lnZ.rhat > 1.1)
      CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                         "%s: the chains of a node disagree (R-hat = %.3g, more than 1.1): its "
                         "error cannot be trusted.",
                         s->label, s->lnZ.rhat));
  }
  return CW_OK;
}
