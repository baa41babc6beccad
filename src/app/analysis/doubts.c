/* What casts doubt on the numbers of a case. */
#include <string.h>

#include "app/analysis/fill.h"
#include "causeway/configuration.h"

const cw_result *cw_worst_result(const cw_analysis_stage *s,
                                 double (*measure)(const cw_estimate *)) {
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

const cw_result *cw_disagreeing(const cw_analysis_stage *s) {
  const cw_result *r = cw_worst_result(s, rhat_of);
  return r != NULL && r->e.rhat > CW_LARGEST_RHAT ? r : NULL;
}

const cw_result *cw_too_short(const cw_analysis_stage *s) {
  const cw_result *r = cw_worst_result(s, tau_share);
  return r != NULL && (double)(r->e.n / s->n_chain) < CW_FEWEST_TIMES * r->e.tau_int ? r : NULL;
}

/* Means of chains scatter more than the errors from within the chains allow. */
static cw_status warn_scatter(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_result *r = cw_worst_result(s, scatter_of);
  if (r == NULL || r->e.scatter_sigma <= CW_SCATTER_SIGMA) return CW_OK;
  return cw_add_line(
      ctx, &c->warning, &c->n_warnings,
      "%s: the means of the %ld chains scatter more than autocorrelations within the "
      "chains explain (%.1f standard deviations for %s): their scatter is quoted as "
      "the error; longer chains would show the slow modes.",
      s->part.label, s->n_chain, r->e.scatter_sigma, r->quantity);
}

static cw_status warn_chains(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  CW_TRY(warn_scatter(ctx, c, s));
  const cw_result *r = cw_disagreeing(s);
  if (r != NULL && isinf(r->e.rhat))
    CW_TRY(cw_add_line(
        ctx, &c->warning, &c->n_warnings,
        "%s: the chains disagree (each stands still at a value of %s of its own, so that "
        "R-hat is not defined): its errors cannot be trusted.",
        s->part.label, r->quantity));
  else if (r != NULL)
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: the chains disagree (R-hat = %.3g for %s, more than %g): its errors "
                       "cannot be trusted.",
                       s->part.label, r->e.rhat, r->quantity, CW_LARGEST_RHAT));
  r = cw_worst_result(s, cut_of);
  if (r != NULL && r->e.cut &&
      s->n_chain == 1) /* all lags of many chains add up to their scatter */
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: the autocorrelations of %s have not died out within half of the chain: "
                       "its tau_int and error are too small.",
                       s->part.label, r->quantity));
  r = cw_too_short(s);
  if (r != NULL)
    CW_TRY(cw_add_line(
        ctx, &c->warning, &c->n_warnings,
        "%s: %ld steps are fewer than %d autocorrelation times (tau_int = %.4g for %s).",
        s->part.label, r->e.n / s->n_chain, CW_FEWEST_TIMES, r->e.tau_int, r->quantity));
  return CW_OK;
}

/* Of the first layers that are the identity outside of some range it is known how much of what they
 * get lies there: the tails of the prior. */
static cw_status warn_tails(cw_context *ctx, cw_analysis_case *c) {
  const cw_model_spec *m = &c->plan->model;
  const char *name = NULL;
  double range = INFINITY;
  for (int i = 0; i < m->n_layers; i++) {
    const cw_layer_kind *kind = cw_layer_find(m->layer[i].kind);
    if (kind->reach == NULL) break;
    if (kind->reach(&m->layer[i]) >= range) continue;
    range = kind->reach(&m->layer[i]);
    name = kind->ops->name;
  }
  if (!c->plan->has_model || m->kind != CW_MODEL_FLOW || !isfinite(range)) return CW_OK;
  double sigma = cw_prior_site_sigma(&m->prior, &c->plan->lat);
  double outside = erfc(range / (sigma * sqrt(2)));
  char share[16];
  if (outside < 1e-3) return CW_OK;
  return cw_add_line(
      ctx, &c->warning, &c->n_warnings,
      "Layers '%s' of range %g are the identity on %s %% of what the prior draws (its "
      "standard deviation is %.3g): those tails stay as they are. A wider range or a "
      "narrower prior reaches them.",
      name, range, cw_percent(outside, share), sigma);
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

/* What samplers themselves doubt of the parameters that sections give them. */
static cw_status warn_settings(cw_context *ctx, cw_analysis_case *c) {
  for (int i = 0; i < c->plan->n_sections; i++) {
    const cw_section *s = &c->plan->section[i];
    const cw_mcmc_plan *m = cw_section_chains(s);
    if (m == NULL || m->ops->doubt == NULL) continue;
    const char *doubt = m->ops->doubt(c->plan->theory, m->param);
    if (doubt != NULL)
      CW_TRY(
          cw_add_line(ctx, &c->warning, &c->n_warnings, "Section '%s': %s", s->kind.name, doubt));
  }
  return CW_OK;
}

/* Parts share the start of their stage. */
static cw_status warn_start(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  if (strcmp(s->part.stage, s->part.name) != 0) return CW_OK;
  if (s->start_off_group != 0)
    CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                       "%s: the chains started from a field that was projected onto the group: "
                       "links of start_file were off %s by up to %.3g.",
                       s->part.label, cw_kind_title(c->plan->theory->kind), s->start_off_group));
  for (int k = 0; cw_check_names()[k] != NULL; k++)
    if (s->start_ignored & 1u << k)
      CW_TRY(cw_add_line(
          ctx, &c->warning, &c->n_warnings,
          "%s: the chains started from a file, or from one made from a file, whose %s is "
          "wrong, which was ignored.",
          s->part.label, cw_check_names()[k]));
  return CW_OK;
}

cw_status cw_analysis_warn(cw_context *ctx, cw_analysis_case *c) {
  CW_TRY(warn_settings(ctx, c));
  CW_TRY(warn_tails(ctx, c));
  CW_TRY(warn_overlap(ctx, c));
  for (int i = 0; i < c->n_stages; i++) {
    const cw_analysis_stage *s = &c->stage[i];
    CW_TRY(warn_start(ctx, c, s));
    if (!s->present) continue;
    if (cw_stage_is(s, CW_IS_CHAINS | CW_IS_MEASURED)) CW_TRY(warn_chains(ctx, c, s));
    if (s->section->method->warn != NULL) CW_TRY(s->section->method->warn(ctx, c, s));
  }
  return CW_OK;
}
