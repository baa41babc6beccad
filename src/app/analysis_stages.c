/* From the arrays of a stage to results. Every estimate comes from stats.h; this file knows what is
 * stored where. */
#include <stdlib.h>
#include <string.h>

#include "app/analysis_parts.h"

/* --------------------------------------------------------------- collecting */

static bool is_wanted(const char *name) {
  return strncmp(name, "state.", 6) != 0 && strcmp(name, "config") != 0;
}

static cw_array *find_array(cw_arrays *set, const char *name) {
  for (int i = 0; i < set->n; i++)
    if (strcmp(set->array[i].name, name) == 0) return &set->array[i];
  return NULL;
}

/* Appends the rows of a to those of the same name in out; a scalar is one row. */
static cw_status append_rows(cw_context *ctx, const char *stage, const cw_array *a,
                             cw_arrays *out) {
  long one = 1;
  cw_array *whole = find_array(out, a->name);
  if (whole == NULL)
    return cw_arrays_put(ctx, out, a->name, a->rank > 0 ? a->rank : 1, a->rank > 0 ? a->dim : &one,
                         a->data);
  bool fits = whole->rank == (a->rank > 0 ? a->rank : 1);
  for (int d = 1; fits && d < a->rank; d++) fits = whole->dim[d] == a->dim[d];
  if (!fits)
    return cw_fail(ctx, CW_ECORRUPT, "array '%s' of stage '%s' changes its shape", a->name, stage);
  size_t old = (size_t)cw_array_size(whole), more = (size_t)cw_array_size(a);
  double *grown = realloc(whole->data, (old + more + 1) * sizeof(double));
  if (grown == NULL) return cw_no_memory(ctx);
  if (more > 0) memcpy(grown + old, a->data, more * sizeof(double));
  whole->data = grown;
  whole->dim[0] += a->rank > 0 ? a->dim[0] : 1;
  return CW_OK;
}

cw_status cw_analysis_collect(cw_context *ctx, cw_store *store, const char *stage, cw_arrays *out) {
  cw_arrays segment = {0};
  cw_status st = CW_OK;
  cw_arrays_clear(out);
  for (long k = 0; k < cw_store_segments(store, stage) && st == CW_OK; k++) {
    st = cw_store_read(store, stage, k, &segment);
    for (int i = 0; i < segment.n && st == CW_OK; i++)
      if (is_wanted(segment.array[i].name)) st = append_rows(ctx, stage, &segment.array[i], out);
  }
  cw_arrays_clear(&segment);
  return st;
}

cw_status cw_get_array(cw_context *ctx, const cw_analysis_stage *s, const cw_arrays *data,
                       const char *name, int rank, const cw_array **out) {
  const cw_array *a = cw_arrays_get(data, name);
  *out = a != NULL && cw_array_size(a) > 0 ? a : NULL;
  if (a != NULL && a->rank != rank)
    return cw_fail(ctx, CW_ECORRUPT, "array '%s' of stage '%s' has %d dimensions instead of %d",
                   name, s->name, a->rank, rank);
  return CW_OK;
}

double *cw_chains_first(const double *data, long n_step, long n_chain, long n_col) {
  double *out = malloc((size_t)(n_step * n_chain * n_col + 1) * sizeof *out);
  if (out == NULL) return NULL;
  for (long t = 0; t < n_step; t++)
    for (long c = 0; c < n_chain; c++)
      memcpy(out + (c * n_step + t) * n_col, data + (t * n_chain + c) * n_col,
             (size_t)n_col * sizeof *out);
  return out;
}

/* --------------------------------------------------- quantities of the group */

/* Measurements of all primaries: chains (n_chain, n_step, n_primary), or weighted samples if
 * log_weight is there. */
typedef struct {
  const cw_observer *observer;
  int group; /* its number */
  const double *data;
  const double *log_weight; /* (n_step); NULL: chains */
  long n_chain, n_step;
  int n_primary;
} measurements;

typedef struct {
  const cw_observer *observer;
  const cw_quantity *quantity;
  int index;
  const char **why; /* set where the quantity is undefined and knows why */
} quantity_arg;

static double evaluate(const double *mean, const void *arg) {
  const quantity_arg *q = arg;
  const double value = q->quantity->value(q->observer, mean, q->index);
  if (isnan(value) && q->quantity->why != NULL)
    *q->why = q->quantity->why(q->observer, mean, q->index);
  return value;
}

static cw_status estimate(cw_context *ctx, const measurements *m, const quantity_arg *q,
                          cw_estimate *e) {
  *q->why = "at an edge of where the quantity is defined, within the errors of what it is made of";
  if (m->log_weight != NULL)
    CW_TRY(cw_weighted(ctx, m->data, m->log_weight, m->n_step, m->n_primary, evaluate, q, e));
  else
    CW_TRY(cw_gamma(ctx, m->data, m->n_chain, m->n_step, m->n_primary, evaluate, q, e));
  if (!isfinite(e->error) && e->why == NULL) e->why = *q->why;
  return CW_OK;
}

/* tau_int of each chain alone, of which the pooled one is a mean: chains that never move, or in
 * which a sector lasts for long, show here. */
static cw_status add_chain_taus(cw_context *ctx, const measurements *m, const quantity_arg *q,
                                cw_result *r) {
  cw_estimate e;
  r->tau_chain = malloc((size_t)m->n_chain * sizeof *r->tau_chain);
  if (r->tau_chain == NULL) return cw_no_memory(ctx);
  r->n_tau = m->n_chain;
  for (long i = 0; i < m->n_chain; i++) {
    CW_TRY(cw_gamma(ctx, m->data + i * m->n_step * m->n_primary, 1, m->n_step, m->n_primary,
                    evaluate, q, &e));
    r->tau_chain[i] = e.tau_int;
  }
  return CW_OK;
}

static cw_status add_quantities(cw_context *ctx, cw_analysis_stage *s, const measurements *m) {
  for (const cw_quantity *q = m->observer->ops->quantities; q->name != NULL; q++) {
    int n = q->count != NULL ? q->count(m->observer) : 1;
    for (int i = 0; i < n; i++) {
      const char *why;
      quantity_arg arg = {m->observer, q, i, &why};
      cw_result *r = cw_add_result(&s->result, &s->n_results);
      if (r == NULL) return cw_no_memory(ctx);
      r->quantity = q->name;
      r->help = q->help;
      r->units = q->units;
      r->group = m->group;
      r->index = q->count != NULL ? i : -1;
      if (q->count != NULL)
        snprintf(r->name, sizeof r->name, "%.20s.%.30s[%d]", s->name, q->name, i);
      else
        snprintf(r->name, sizeof r->name, "%.20s.%.40s", s->name, q->name);
      CW_TRY(estimate(ctx, m, &arg, &r->e));
      bool alone =
          m->log_weight == NULL && q->count == NULL && cw_is_featured(m->observer, q->name);
      if (alone) CW_TRY(add_chain_taus(ctx, m, &arg, r));
    }
  }
  return CW_OK;
}

cw_status cw_add_number(cw_context *ctx, cw_analysis_stage *s, const char *quantity, int index,
                        const char *help, cw_estimate e) {
  cw_result *r = cw_add_result(&s->result, &s->n_results);
  if (r == NULL) return cw_no_memory(ctx);
  r->quantity = quantity;
  r->index = index;
  r->help = help;
  r->e = e;
  if (index < 0)
    snprintf(r->name, sizeof r->name, "%.20s.%.40s", s->name, quantity);
  else
    snprintf(r->name, sizeof r->name, "%.20s.%.30s[%d]", s->name, quantity, index);
  return CW_OK;
}

/* A number of a stage that no observable group knows: series (n_chain, n_step). */
static cw_status add_series(cw_context *ctx, cw_analysis_stage *s, const char *quantity,
                            const char *help, const double *series, long n_chain, long n_step) {
  cw_estimate e;
  if (n_step < CW_GAMMA_MIN_STEPS) return CW_OK;
  CW_TRY(cw_gamma(ctx, series, n_chain, n_step, 1, NULL, NULL, &e));
  return cw_add_number(ctx, s, quantity, -1, help, e);
}

cw_estimate cw_independent_mean(const double *y, long n, long stride) {
  double mean = 0, square = 0;
  for (long i = 0; i < n; i++) mean += y[i * stride] / (double)n;
  for (long i = 0; i < n; i++) square += pow(y[i * stride] - mean, 2);
  cw_estimate e = cw_estimate_undefined(n);
  e.value = mean;
  if (n > 1 && square > 0) e.error = sqrt(square / ((double)n * (double)(n - 1)));
  e.tau_int = 0.5;
  e.ess = (double)n;
  return e;
}

/* --------------------------------------------------------- curves of chains */

/* Lags to show: as far as the sum of the slowest of the featured quantities goes, past which its
 * autocorrelations are noise. */
static long lags_of(const cw_analysis_stage *s, const measurements *m) {
  long window = 0;
  for (int i = 0; i < s->n_results; i++) {
    const cw_result *r = &s->result[i];
    bool counts = r->group == m->group && cw_is_featured(m->observer, r->quantity);
    if (counts && r->e.window > window) window = r->e.window;
  }
  long lags = window + window / 4 + 8;
  return lags < m->n_step ? lags : m->n_step;
}

static cw_status autocorrelation_curves(cw_context *ctx, cw_analysis_stage *s,
                                        const measurements *m) {
  long n_lag = lags_of(s, m);
  double *rho = malloc((size_t)n_lag * sizeof *rho);
  cw_status st = rho != NULL ? CW_OK : cw_no_memory(ctx);
  for (const cw_quantity *q = m->observer->ops->quantities; q->name != NULL && st == CW_OK; q++) {
    if (q->count != NULL || !cw_is_featured(m->observer, q->name)) continue;
    char name[CW_RESULT_NAME];
    const char *why;
    quantity_arg arg = {m->observer, q, 0, &why};
    snprintf(name, sizeof name, "autocorrelation.%.40s", q->name);
    st = cw_autocorrelation(ctx, m->data, m->n_chain, m->n_step, m->n_primary, evaluate, &arg,
                            n_lag, rho);
    if (st == CW_OK) st = cw_curve_history(ctx, s, name, n_lag, 1, rho);
  }
  free(rho);
  return st;
}

/* The featured primaries: "history.NAME" of chain 0, "history.NAME.k" of some more chains (links
 * only: there the chains are few and each of them counts), and "histogram.NAME" of those that tell
 * sectors apart. */
static cw_status history_curves(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                                const measurements *m) {
  bool links = c->theory.ops->kind != CW_SITE_REAL;
  long shown = !links ? 1 : m->n_chain < CW_MOST_HISTORIES ? m->n_chain : CW_MOST_HISTORIES;
  for (int i = 0; i < m->n_primary; i++) {
    char primary[32], name[CW_RESULT_NAME];
    m->observer->ops->primary_name(m->observer, i, primary);
    if (!cw_is_featured(m->observer, primary)) continue;
    for (long k = 0; k < shown; k++) {
      int n = snprintf(name, sizeof name, "history.%s", primary);
      if (k > 0) snprintf(name + n, sizeof name - (size_t)n, ".%ld", k);
      CW_TRY(cw_curve_history(ctx, s, name, m->n_step, m->n_primary,
                              m->data + k * m->n_step * m->n_primary + i));
    }
    snprintf(name, sizeof name, "histogram.%s", primary);
    if (cw_sector_of(m->observer, primary) != NULL)
      CW_TRY(cw_curve_histogram(ctx, s, name, m->n_chain * m->n_step, m->n_primary, m->data + i));
  }
  return CW_OK;
}

/* ------------------------------------------------------------ kinds of stages */

/* The rows of group g, checked against its observables; *primary = NULL: nothing measured yet. */
static cw_status get_primary(cw_context *ctx, const cw_analysis_case *c, const cw_analysis_stage *s,
                             const cw_arrays *data, int g, int rank, const cw_array **primary) {
  char name[80];
  const cw_observer *o = &c->observer[g];
  if (s->kind == CW_STAGE_REX)
    cw_rung_array(c->plan, s->rung, g, name);
  else
    cw_primary_name(c->plan, g, name);
  CW_TRY(cw_get_array(ctx, s, data, name, rank, primary));
  if (*primary == NULL) return CW_OK;
  long held = (*primary)->dim[rank - 1], expected = o->ops->n_primary(o);
  if (held == expected) return CW_OK;
  return cw_fail(ctx, CW_ECORRUPT,
                 "stage '%s' holds %ld numbers per configuration where '%s' observables have %ld",
                 s->name, held, o->ops->name, expected);
}

/* What a stage samples: the theory of the job or, borrowed from it, that of a rung. */
static cw_theory theory_of(const cw_analysis_case *c, const cw_analysis_stage *s) {
  return s->kind == CW_STAGE_REX ? cw_theory_at(&c->theory, c->plan->ladder.param[s->rung])
                                 : c->theory;
}

/* Results and curves of the rows (n_step, n_chain, n_primary) of group g. */
static cw_status fill_group(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s, int g,
                            const cw_array *primary) {
  long n_step = primary->dim[0], n_chain = primary->dim[1];
  if (n_step < CW_GAMMA_MIN_STEPS) return CW_OK;
  double *chains = cw_chains_first(primary->data, n_step, n_chain, primary->dim[2]);
  if (chains == NULL) return cw_no_memory(ctx);
  const cw_theory th = theory_of(c, s);
  const cw_observer o = cw_observer_make(c->observer[g].ops, &th, c->observer[g].param);
  measurements m = {.observer = &o,
                    .group = g,
                    .data = chains,
                    .n_chain = n_chain,
                    .n_step = n_step,
                    .n_primary = (int)primary->dim[2]};
  cw_status st = add_quantities(ctx, s, &m);
  if (st == CW_OK) st = autocorrelation_curves(ctx, s, &m);
  if (st == CW_OK) st = history_curves(ctx, c, s, &m);
  free(chains);
  return st;
}

/* The first group says how far the chains are. */
cw_status cw_fill_chains(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                         const cw_array *primary) {
  s->n_step = primary->dim[0];
  s->n_chain = primary->dim[1];
  s->present = s->n_step >= CW_GAMMA_MIN_STEPS;
  return fill_group(ctx, c, s, 0, primary);
}

static bool all_equal(const cw_array *a, double value) {
  for (long i = 0; i < cw_array_size(a); i++)
    if (a->data[i] != value) return false;
  return true;
}

cw_status cw_fill_groups(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                         const cw_arrays *data) {
  const cw_array *primary;
  CW_TRY(get_primary(ctx, c, s, data, 0, 3, &primary));
  if (primary != NULL) CW_TRY(cw_fill_chains(ctx, c, s, primary));
  for (int g = 1; g < c->plan->n_groups; g++) {
    CW_TRY(get_primary(ctx, c, s, data, g, 3, &primary));
    if (primary != NULL) CW_TRY(fill_group(ctx, c, s, g, primary));
  }
  return CW_OK;
}

static cw_status fill_sampler(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                              const cw_arrays *data) {
  const cw_array *accept, *exp_mdH, *action;
  CW_TRY(cw_fill_groups(ctx, c, s, data));
  CW_TRY(cw_get_array(ctx, s, data, "accept", 1, &accept));
  CW_TRY(cw_get_array(ctx, s, data, "exp_mdH", 1, &exp_mdH));
  CW_TRY(cw_get_array(ctx, s, data, "therm.action", 1, &action));
  if (action != NULL)
    CW_TRY(cw_curve_history(ctx, s, "thermalisation", action->dim[0], 1, action->data));
  if (accept == NULL || all_equal(accept, 1)) return CW_OK; /* a sampler that never rejects */
  CW_TRY(add_series(ctx, s, "acceptance", "mean acceptance probability", accept->data, 1,
                    accept->dim[0]));
  if (exp_mdH == NULL) return CW_OK;
  return add_series(ctx, s, "exp_mdH", "<exp(-dH)>, which is 1", exp_mdH->data, 1, exp_mdH->dim[0]);
}

static cw_status fill_train(cw_context *ctx, cw_analysis_stage *s, const cw_arrays *data) {
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

cw_status cw_fill_weighted(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                           const cw_array *primary, const cw_array *log_weight) {
  if (primary->dim[0] != log_weight->dim[0] ||
      primary->dim[1] != c->observer[0].ops->n_primary(&c->observer[0]))
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds %ld x %ld measurements for %ld weights",
                   s->name, primary->dim[0], primary->dim[1], log_weight->dim[0]);
  measurements m = {&c->observer[0],     0, primary->data, log_weight->data, 1, log_weight->dim[0],
                    (int)primary->dim[1]};
  return add_quantities(ctx, s, &m);
}

/* Which primary of the first group is the action per site; -1: none. */
static int find_action(const cw_observer *o) {
  for (int i = 0; i < o->ops->n_primary(o); i++) {
    char name[32];
    o->ops->primary_name(o, i, name);
    if (strcmp(name, "action") == 0) return i;
  }
  return -1;
}

/* Entropy per site, where the action is among what is measured. */
static cw_status add_entropy(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                             const cw_array *primary, const cw_array *lw) {
  const int at = find_action(&c->observer[0]);
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

static cw_status fill_nis(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                          const cw_arrays *data) {
  const cw_array *lw, *primary;
  CW_TRY(cw_get_array(ctx, s, data, "lw", 1, &lw));
  CW_TRY(get_primary(ctx, c, s, data, 0, 2, &primary));
  if (lw == NULL || lw->dim[0] < 2) return CW_OK;
  s->present = true;
  s->n_step = lw->dim[0];
  if (primary == NULL) return CW_OK;
  CW_TRY(cw_fill_weighted(ctx, c, s, primary, lw));
  return add_entropy(ctx, c, s, primary, lw);
}

cw_status cw_fill_acceptance(cw_context *ctx, cw_analysis_stage *s, const double *accept) {
  CW_TRY(add_series(ctx, s, "acceptance", "accepted fraction of proposals", accept, s->n_chain,
                    s->n_step));
  s->longest_rejection = cw_longest_rejection(accept, s->n_chain, s->n_step);
  cw_result *r = cw_add_result(&s->result, &s->n_results);
  if (r == NULL) return cw_no_memory(ctx);
  snprintf(r->name, sizeof r->name, "%.20s.longest_rejection", s->name);
  r->quantity = "longest_rejection";
  r->help = "longest run of rejections within a chain";
  r->units = "steps";
  r->e.value = (double)s->longest_rejection;
  r->e.n = s->n_chain * s->n_step;
  return cw_curve_rejections(ctx, s, accept, s->n_chain, s->n_step);
}

static cw_status fill_nmcmc(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                            const cw_arrays *data) {
  const cw_array *primary, *accept;
  CW_TRY(get_primary(ctx, c, s, data, 0, 3, &primary));
  CW_TRY(cw_get_array(ctx, s, data, "accept", 2, &accept));
  if (primary != NULL) CW_TRY(cw_fill_chains(ctx, c, s, primary));
  if (!s->present || accept == NULL) return CW_OK;
  if (accept->dim[0] != s->n_step || accept->dim[1] != s->n_chain)
    return cw_fail(ctx, CW_ECORRUPT,
                   "stage '%s' holds %ld x %ld acceptances for %ld x %ld measurements", s->name,
                   accept->dim[0], accept->dim[1], s->n_step, s->n_chain);
  double *chains = cw_chains_first(accept->data, s->n_step, s->n_chain, 1);
  if (chains == NULL) return cw_no_memory(ctx);
  cw_status st = cw_fill_acceptance(ctx, s, chains);
  free(chains);
  return st;
}

/* The mean of rows (n_step, n_chain) of chains. */
static cw_status mean_of_rows(cw_context *ctx, const double *rows, long n_step, long n_chain,
                              cw_estimate *e) {
  double *chains = cw_chains_first(rows, n_step, n_chain, 1);
  if (chains == NULL) return cw_no_memory(ctx);
  cw_status st = cw_gamma(ctx, chains, n_chain, n_step, 1, NULL, NULL, e);
  free(chains);
  return st;
}

/* What the model learned of its samples alone: the mean of ln q on those less that on others, -S of
 * both having the same mean. */
static cw_status add_gap(cw_context *ctx, cw_analysis_stage *s, const cw_array *lw,
                         const cw_array *seen) {
  cw_estimate e, known;
  if (lw->dim[0] < CW_GAMMA_MIN_STEPS || seen->dim[0] < CW_GAMMA_MIN_STEPS) return CW_OK;
  CW_TRY(mean_of_rows(ctx, lw->data, lw->dim[0], lw->dim[1], &e));
  CW_TRY(mean_of_rows(ctx, seen->data, seen->dim[0], seen->dim[1], &known));
  cw_estimate gap = cw_estimate_undefined(e.n + known.n);
  gap.value = e.value - known.value;
  gap.error = hypot(e.error, known.error);
  return cw_add_number(ctx, s, "train_gap", -1,
                       "mean of ln q on configurations that the model was trained on, less that on "
                       "others",
                       gap);
}

static cw_status fill_forward(cw_context *ctx, cw_analysis_stage *s, const cw_arrays *data) {
  const cw_array *lw, *seen;
  CW_TRY(cw_get_array(ctx, s, data, "lw", 2, &lw));
  CW_TRY(cw_get_array(ctx, s, data, "seen.lw", 2, &seen));
  if (lw == NULL) return CW_OK;
  s->n_step = lw->dim[0];
  s->n_chain = lw->dim[1];
  s->present = s->n_step >= CW_GAMMA_MIN_STEPS;
  return seen != NULL ? add_gap(ctx, s, lw, seen) : CW_OK;
}

/* Curve "slope" (kappa, <-dS/dkappa>, error), and the integral over the nodes there are: lnZ(kappa)
 * = lnZ0 + sum_i w_i <slope_i>, errors of independent nodes in quadrature. */
static cw_status fill_chain(cw_context *ctx, cw_analysis_stage *s, const cw_arrays *data) {
  const cw_array *kappa, *weight, *slope, *lnZ0;
  CW_TRY(cw_get_array(ctx, s, data, "kappa", 1, &kappa));
  CW_TRY(cw_get_array(ctx, s, data, "weight", 1, &weight));
  CW_TRY(cw_get_array(ctx, s, data, "slope", 3, &slope));
  CW_TRY(cw_get_array(ctx, s, data, "lnZ0", 1, &lnZ0));
  if (kappa == NULL || weight == NULL || slope == NULL || lnZ0 == NULL) return CW_OK;
  long n = kappa->dim[0], n_step = slope->dim[1], n_chain = slope->dim[2];
  if (weight->dim[0] != n || slope->dim[0] != n || lnZ0->dim[0] != n)
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds nodes of unequal numbers", s->name);
  if (n_step < CW_GAMMA_MIN_STEPS) return CW_OK;
  cw_curve *slopes = cw_add_curve(&s->curve, &s->n_curves, "slope", n, true);
  if (slopes == NULL) return cw_no_memory(ctx);
  double sum = lnZ0->data[0], variance = 0, covered = 0, rhat = NAN;
  for (long i = 0; i < n; i++) {
    cw_estimate e;
    CW_TRY(mean_of_rows(ctx, slope->data + i * n_step * n_chain, n_step, n_chain, &e));
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
  s->covered = covered;
  s->lnZ = cw_estimate_undefined(n * n_step * n_chain);
  s->lnZ.value = sum;
  s->lnZ.error = sqrt(variance);
  s->lnZ.rhat = rhat;
  return CW_OK;
}

cw_status cw_analysis_fill_stage(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                                 const cw_arrays *data) {
  switch (s->kind) {
  case CW_STAGE_SAMPLER:
    return fill_sampler(ctx, c, s, data);
  case CW_STAGE_TRAIN:
    return fill_train(ctx, s, data);
  case CW_STAGE_NIS:
    return fill_nis(ctx, c, s, data);
  case CW_STAGE_NMCMC:
    return fill_nmcmc(ctx, c, s, data);
  case CW_STAGE_FORWARD:
    return fill_forward(ctx, s, data);
  case CW_STAGE_CHAIN:
    return fill_chain(ctx, s, data);
  case CW_STAGE_FLOWS:
    return cw_fill_flows(ctx, c, s, data);
  case CW_STAGE_WALK:
    return cw_fill_walk(ctx, c, s, data);
  case CW_STAGE_PIMH:
    return cw_fill_pimh(ctx, c, s, data);
  case CW_STAGE_REX:
    return cw_fill_rex(ctx, c, s, data);
  }
  return CW_OK;
}
