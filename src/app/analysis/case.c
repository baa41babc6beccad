/* What takes several stages of a case: the flow judged by samples of both sides, and free energies.
 */
#include <math.h>
#include <stdlib.h>

#include "app/analysis/parts.h"
#include "causeway/configuration.h"

/* ------------------------------------------------------------ flow quality */

/* lw_q of NIS and lw_p of the forward weights, as far as there are enough. */
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

typedef struct {
  const char *name, *help;
  double value, error, ess, rhat;
  long n;
  const char *why; /* the error is undefined; NULL: it is not */
} entry;

static cw_status add_entry(cw_context *ctx, cw_analysis_case *c, const entry *t) {
  cw_result *r = cw_add_result(&c->result, &c->n_results);
  if (r == NULL) return cw_no_memory(ctx);
  snprintf(r->name, sizeof r->name, "%s", t->name);
  r->quantity = t->name;
  r->help = t->help;
  r->e.value = t->value;
  r->e.error = t->error;
  r->e.ess = t->ess;
  r->e.rhat = t->rhat;
  r->e.n = t->n;
  r->e.why = t->why;
  return CW_OK;
}

/* F = -ln Z as t says, and the same per site under the name that follows it. */
static cw_status add_free_energy(cw_context *ctx, cw_analysis_case *c, entry t,
                                 const char *name_per_site, const char *help_per_site) {
  double V = (double)c->geometry->n_sites;
  CW_TRY(add_entry(ctx, c, &t));
  t.name = name_per_site;
  t.help = help_per_site;
  t.value /= V;
  t.error /= V;
  return add_entry(ctx, c, &t);
}

static cw_status add_flow_results(cw_context *ctx, cw_analysis_case *c) {
  const cw_flow_quality *f = &c->flow;
  if (f->n_q > 0) {
    double ess = f->ess * (double)f->n_q;
    CW_TRY(add_entry(ctx, c,
                     &(entry){"lnZ", "ln Z from samples of the model", f->lnZ, f->lnZ_error, ess,
                              NAN, f->n_q, f->why_q}));
    CW_TRY(add_free_energy(ctx, c,
                           (entry){"F_q", "free energy -ln Z from samples of the model", -f->lnZ,
                                   f->lnZ_error, ess, NAN, f->n_q, f->why_q},
                           "F_q_per_site", "F_q / V"));
  }
  if (f->n_p > 0)
    CW_TRY(add_free_energy(ctx, c,
                           (entry){"F_p", "free energy -ln Z from samples of the target", -f->lnZ_p,
                                   f->lnZ_p_error, NAN, NAN, f->n_p, f->why_p},
                           "F_p_per_site", "F_p / V"));
  if (f->n_q > 0 && f->n_p > 0)
    CW_TRY(add_entry(ctx, c,
                     &(entry){"w_hat", "covered fraction of the target's mass, Z_q / Z_p", f->w_hat,
                              f->w_hat_error, NAN, NAN, f->n_q + f->n_p,
                              f->why_q != NULL ? f->why_q : f->why_p}));
  return CW_OK;
}

/* Do the nodes reach the target? Gauss-Legendre weights add up to the length of the interval, from
 * kappa = 0 to the hopping parameter of the action, S = -2 kappa sum phi phi_mu + ... */
static bool chain_is_whole(const cw_analysis_case *c, const cw_analysis_stage *s) {
  int bond = c->theory.ops->bond_term;
  if (s->n_step < cw_wanted_steps(c, s)) return false;
  if (bond < 0) return true;
  double kappa = -0.5 * c->theory.c[bond];
  return fabs(s->covered - kappa) <= 1e-9 * fmax(1, fabs(kappa));
}

static cw_status add_chain_results(cw_context *ctx, cw_analysis_case *c) {
  const cw_analysis_stage *s = cw_analysis_find_kind(c, CW_STAGE_CHAIN);
  if (s == NULL) return CW_OK;
  if (!chain_is_whole(c, s))
    return cw_add_line(ctx, &c->missing, &c->n_missing,
                       "%s has %ld nodes, whose weights reach kappa = %.6g only: no F_chain yet",
                       s->label, s->n_step, s->covered);
  return add_free_energy(ctx, c,
                         (entry){"F_chain", "free energy -ln Z from HMC chain integration in kappa",
                                 -s->lnZ.value, s->lnZ.error, NAN, s->lnZ.rhat, s->lnZ.n, NULL},
                         "F_chain_per_site", "F_chain / V");
}

cw_status cw_analysis_fill_case(cw_context *ctx, cw_analysis_case *c, const cw_arrays *nis,
                                const cw_arrays *forward) {
  const cw_array *q =
      cw_analysis_find_kind(c, CW_STAGE_NIS) != NULL ? cw_arrays_get(nis, "lw") : NULL;
  const cw_array *p =
      cw_analysis_find_kind(c, CW_STAGE_FORWARD) != NULL ? cw_arrays_get(forward, "lw") : NULL;
  CW_TRY(judge(ctx, c, q, p));
  CW_TRY(add_flow_results(ctx, c));
  CW_TRY(add_chain_results(ctx, c));
  if (c->has_flow) return cw_curve_log_weights(ctx, c, q, p);
  return CW_OK;
}

cw_status cw_fill_start(cw_context *ctx, cw_analysis_stage *s, const cw_arrays *data) {
  const cw_array *off_group, *ignored;
  CW_TRY(cw_get_array(ctx, s, data, "start.off_group", 1, &off_group));
  CW_TRY(cw_get_array(ctx, s, data, "start.ignored", 1, &ignored));
  if (off_group != NULL) s->start_off_group = off_group->data[0];
  if (ignored != NULL) s->start_ignored = (unsigned)fmin(fmax(ignored->data[0], 0), 1e6);
  return CW_OK;
}
