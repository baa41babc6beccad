/* The model judged by samples of both sides, and the free energies that they give. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/analysis/fill.h"

/* ------------------------------------------------------------ flow quality */

/* q, p: log-weights of samples of the model, and of the target; NULL: there are none. */
static cw_status judge(cw_context *ctx, cw_analysis_case *c, const cw_array *q, const cw_array *p) {
  c->has_flow = q != NULL || p != NULL;
  if (!c->has_flow) return CW_OK;
  double *lw_p = p != NULL ? cw_chains_first(p->data, p->dim[0], p->dim[1], 1) : NULL;
  if (p != NULL && lw_p == NULL) return cw_no_memory(ctx);
  cw_status st = cw_flow_judge(ctx, q != NULL ? q->data : NULL, q != NULL ? q->dim[0] : 0, lw_p,
                               p != NULL ? p->dim[1] : 0, p != NULL ? p->dim[0] : 0, &c->flow);
  free(lw_p);
  return st;
}

/* Is a share of samples beyond all n of the other side above some small one, and no accident? Of
 * two equal distributions it is 1/n on average, and 10/n once in e^10. */
static bool is_beyond(double share, double small, long n) { return share > small + 10 / (double)n; }

bool cw_flow_misses(const cw_flow_quality *f) { return is_beyond(f->p_above_q, 0.01, f->n_q); }

bool cw_flow_is_missed(const cw_flow_quality *f) { return is_beyond(f->q_below_p, 0.05, f->n_p); }

/* ------------------------------------------------------------ free energies */

cw_status cw_add_case_number(cw_context *ctx, cw_analysis_case *c, const char *name,
                             const char *help, const cw_estimate *e) {
  cw_result *r = cw_add_result(&c->result, &c->n_results);
  if (r == NULL) return cw_no_memory(ctx);
  snprintf(r->name, sizeof r->name, "%s", name);
  r->quantity = name;
  r->help = help;
  r->e = *e;
  return CW_OK;
}

cw_status cw_add_free_energy(cw_context *ctx, cw_analysis_case *c, const char *name,
                             const char *name_per_site, const char *help, cw_estimate lnZ) {
  double V = (double)c->geometry->n_sites;
  cw_estimate F = lnZ;
  F.value = -lnZ.value;
  CW_TRY(cw_add_case_number(ctx, c, name, help, &F));
  F.value /= V;
  F.error /= V;
  return cw_add_case_number(ctx, c, name_per_site, "the same per site", &F);
}

/* An estimate of n samples worth ess independent ones. */
static cw_estimate estimate(double value, double error, double ess, long n, const char *why) {
  cw_estimate e = cw_estimate_undefined(n);
  e.value = value;
  e.error = error;
  e.ess = ess;
  e.why = why;
  return e;
}

static cw_status add_flow_results(cw_context *ctx, cw_analysis_case *c) {
  const cw_flow_quality *f = &c->flow;
  const cw_estimate q = estimate(f->lnZ, f->lnZ_error, f->ess * (double)f->n_q, f->n_q, f->why_q);
  const cw_estimate p = estimate(f->lnZ_p, f->lnZ_p_error, NAN, f->n_p, f->why_p);
  const cw_estimate w = estimate(f->w_hat, f->w_hat_error, NAN, f->n_q + f->n_p,
                                 f->why_q != NULL ? f->why_q : f->why_p);
  if (f->n_q > 0) {
    CW_TRY(cw_add_case_number(ctx, c, "lnZ", "ln Z from samples of the model", &q));
    CW_TRY(cw_add_free_energy(ctx, c, "F_q", "F_q_per_site",
                              "free energy -ln Z from samples of the model", q));
  }
  if (f->n_p > 0)
    CW_TRY(cw_add_free_energy(ctx, c, "F_p", "F_p_per_site",
                              "free energy -ln Z from samples of the target", p));
  if (f->n_q == 0 || f->n_p == 0) return CW_OK;
  return cw_add_case_number(ctx, c, "w_hat", "covered fraction of the target's mass, Z_q / Z_p",
                            &w);
}

static cw_analysis_stage *with_weights(cw_analysis_case *c, cw_sampled of) {
  for (int i = 0; i < c->n_stages; i++)
    if (c->stage[i].present && c->stage[i].sampled == of) return &c->stage[i];
  return NULL;
}

/* ln Z is that of the stage whose samples gave it, too. */
static void tell_lnZ(const cw_flow_quality *f, cw_analysis_stage *s) {
  s->lnZ = cw_estimate_undefined(f->n_q);
  s->lnZ.value = f->lnZ;
  s->lnZ.error = f->lnZ_error;
  s->lnZ.ess = f->ess * (double)f->n_q;
  s->lnZ.why = f->why_q;
  s->lnZ_unit = "samples";
}

cw_status cw_judge_model(cw_context *ctx, cw_analysis_case *c) {
  cw_analysis_stage *of_q = with_weights(c, CW_OF_MODEL), *of_p = with_weights(c, CW_OF_TARGET);
  const cw_array *q = of_q != NULL ? &of_q->log_weight : NULL;
  const cw_array *p = of_p != NULL ? &of_p->log_weight : NULL;
  CW_TRY(judge(ctx, c, q, p));
  CW_TRY(add_flow_results(ctx, c));
  if (of_q != NULL) tell_lnZ(&c->flow, of_q);
  if (of_p != NULL) c->target_samples = of_p->sampled_so;
  return c->has_flow ? cw_curve_log_weights(ctx, c, q, p) : CW_OK;
}

cw_status cw_keep_log_weights(cw_context *ctx, cw_analysis_stage *s, cw_sampled of,
                              const cw_array *lw) {
  const size_t bytes = (size_t)cw_array_size(lw) * sizeof *lw->data;
  s->sampled = of;
  s->log_weight = *lw;
  s->log_weight.data = malloc(bytes + sizeof *lw->data);
  if (s->log_weight.data == NULL) return cw_no_memory(ctx);
  memcpy(s->log_weight.data, lw->data, bytes);
  return CW_OK;
}
