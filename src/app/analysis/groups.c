/* From measurements to results: the quantities of groups of observables, out of chains or of
 * weighted samples. Every estimate comes from stats.h. */
#include <stdlib.h>

#include "app/analysis/fill.h"

/* Measurements of all primaries: chains (n_chain, n_step, n_primary), or weighted samples if
 * log_weight is there. */
typedef struct {
  const cw_observer *observer;
  int group; /* its number */
  const double *data;
  const double *log_weight; /* (n_step); NULL: chains */
  long n_chain, n_step;
  int n_primary;   /* numbers per row */
  cw_history rows; /* where they are stored, without slopes; array "": not as they are */
  double *ratio; /* chains whose rows are a weight w, and w times each primary: room for the ratios
                    of these means; NULL: rows are primaries */
} measurements;

typedef struct {
  const cw_observer *observer;
  const cw_quantity *quantity;
  int index;
  const char **why; /* set where the quantity is undefined and knows why */
  double *ratio;    /* of the measurements */
  int n_ratio;
} quantity_arg;

static quantity_arg argument(const measurements *m, const cw_quantity *q, int i, const char **why) {
  return (quantity_arg){m->observer, q, i, why, m->ratio, m->n_primary - 1};
}

static double evaluate(const double *mean, const void *arg) {
  const quantity_arg *q = arg;
  if (q->ratio != NULL) {
    for (int i = 0; i < q->n_ratio; i++) q->ratio[i] = mean[1 + i] / mean[0];
    mean = q->ratio;
  }
  const double value = cw_quantity_value(q->observer, q->quantity, mean, q->index);
  if (isnan(value) && q->quantity->why != NULL)
    *q->why = q->quantity->why(q->observer, mean, q->index);
  return value;
}

/* A number of a fit, which only chains of plain rows have, and the window of the fit. */
static cw_status fit_quantity(cw_context *ctx, const measurements *m, const cw_quantity *q,
                              cw_result *r) {
  cw_estimate *e = &r->e;
  const cw_correlator c = q->correlator(m->observer);
  const cw_decay decay = {.first = c.first,
                          .period = c.period,
                          .from = c.from,
                          .correlated = q->fit != CW_FIT_MASS_UNCORRELATED};
  cw_decay_fit fit;
  *e = cw_estimate_undefined(m->n_chain * m->n_step);
  e->why = "it is fitted to chains of the theory itself";
  if (m->log_weight != NULL || m->ratio != NULL) return CW_OK;
  e->why = "the lattice is too short in time for a fit";
  if (c.from < 1 || c.period < 6) return CW_OK;
  CW_TRY(cw_fit_decay(ctx, m->data, m->n_chain, m->n_step, m->n_primary, &decay, &fit));
  *e = fit.mass;
  if (isfinite(e->value)) r->fit = (cw_fit_window){fit.from, fit.to, fit.n_windows};
  if (q->fit != CW_FIT_CHI2) return CW_OK;
  e->value = fit.chi2 / fit.dof;
  e->error = sqrt(2 / fit.dof); /* what chance makes of it */
  e->error2 = NAN;
  return CW_OK;
}

/* slope (n_primary): out. */
static cw_status estimate(cw_context *ctx, const measurements *m, const quantity_arg *q,
                          double *slope, cw_estimate *e) {
  *q->why = NULL;
  if (m->log_weight != NULL)
    CW_TRY(cw_weighted_slopes(ctx, m->data, m->log_weight, m->n_step, m->n_primary, evaluate, q,
                              slope, e));
  else
    CW_TRY(
        cw_gamma_slopes(ctx, m->data, m->n_chain, m->n_step, m->n_primary, evaluate, q, slope, e));
  if (isfinite(e->error) || e->why != NULL) return CW_OK;
  e->why = *q->why != NULL      ? *q->why
           : isfinite(e->value) ? "too near to where the quantity is not defined for an error"
                                : "the quantity is not defined at these means";
  return CW_OK;
}

/* The estimate, and where the history is that it is of. */
static cw_status estimate_with_history(cw_context *ctx, const measurements *m,
                                       const quantity_arg *q, cw_result *r) {
  if (q->quantity->correlator != NULL) return fit_quantity(ctx, m, q->quantity, r);
  double *slope = calloc((size_t)m->n_primary, sizeof *slope);
  if (slope == NULL) return cw_no_memory(ctx);
  cw_status st = estimate(ctx, m, q, slope, &r->e);
  bool known = st == CW_OK && m->rows.array[0] != '\0';
  for (int k = 0; k < m->n_primary; k++) known = known && isfinite(slope[k]);
  if (known) {
    r->history = m->rows;
    r->history.slope = slope;
    r->history.n = m->n_primary;
  } else {
    free(slope);
  }
  return st;
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
      quantity_arg arg = argument(m, q, i, &why);
      cw_result *r = cw_add_result(&s->result, &s->n_results);
      if (r == NULL) return cw_no_memory(ctx);
      r->quantity = q->name;
      r->help = q->help;
      r->units = q->units;
      r->group = m->group;
      r->index = q->count != NULL ? i : -1;
      if (q->count != NULL)
        snprintf(r->name, sizeof r->name, "%.20s.%.30s[%d]", s->part.name, q->name, i);
      else
        snprintf(r->name, sizeof r->name, "%.20s.%.40s", s->part.name, q->name);
      CW_TRY(estimate_with_history(ctx, m, &arg, r));
      if (m->log_weight == NULL && m->ratio == NULL && q->featured)
        CW_TRY(add_chain_taus(ctx, m, &arg, r));
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
    snprintf(r->name, sizeof r->name, "%.20s.%.40s", s->part.name, quantity);
  else
    snprintf(r->name, sizeof r->name, "%.20s.%.30s[%d]", s->part.name, quantity, index);
  return CW_OK;
}

cw_status cw_add_series(cw_context *ctx, cw_analysis_stage *s, const char *quantity,
                        const char *help, const char *array, const double *series, long n_chain,
                        long n_step) {
  cw_estimate e;
  if (n_step < CW_GAMMA_MIN_STEPS) return CW_OK;
  CW_TRY(cw_gamma(ctx, series, n_chain, n_step, 1, NULL, NULL, &e));
  CW_TRY(cw_add_number(ctx, s, quantity, -1, help, e));
  cw_history *history = &s->result[s->n_results - 1].history;
  history->every = 1;
  snprintf(history->array, sizeof history->array, "%s", array);
  return CW_OK;
}

cw_status cw_mean_of_rows(cw_context *ctx, const double *rows, long n_step, long n_chain,
                          cw_estimate *e) {
  double *chains = cw_chains_first(rows, n_step, n_chain, 1);
  if (chains == NULL) return cw_no_memory(ctx);
  cw_status st = cw_gamma(ctx, chains, n_chain, n_step, 1, NULL, NULL, e);
  free(chains);
  return st;
}

cw_estimate cw_independent_mean(const double *y, long n, long stride) {
  double mean = 0, square = 0;
  for (long i = 0; i < n; i++) mean += y[i * stride] / (double)n;
  for (long i = 0; i < n; i++) square += pow(y[i * stride] - mean, 2);
  cw_estimate e = cw_estimate_undefined(n);
  e.value = mean;
  bool alike = sqrt(square / (double)n) <= 1e-14 * fabs(mean);
  if (n > 1 && !alike) e.error = sqrt(square / ((double)n * (double)(n - 1)));
  if (n > 1 && alike) e.why = "all of them are equal, which says nothing of the error";
  e.tau_int = 0.5;
  e.ess = (double)n;
  return e;
}

enum { MOST_LAGS = 400 }; /* points of a curve of autocorrelations */

/* Lags to show: as far as the sum of the slowest of the featured quantities goes, past which its
 * autocorrelations are noise. */
static long lags_of(const cw_analysis_stage *s, const measurements *m) {
  long window = 0;
  for (int i = 0; i < s->n_results; i++) {
    const cw_result *r = &s->result[i];
    if (r->group != m->group || r->e.window <= window) continue;
    if (cw_quantity_find(m->observer->ops, r->quantity)->featured) window = r->e.window;
  }
  long lags = window + window / 4 + 8;
  return lags < m->n_step ? lags : m->n_step;
}

/* Room for one quantity: lags, rho, tau_int up to there, and their errors. */
typedef struct {
  long n_lag, stride;
  double *rho, *error, *tau, *tau_error; /* (n_lag); rho owns all */
} sums;

static cw_status add_lag_curve(cw_context *ctx, cw_analysis_stage *s, const measurements *m,
                               const char *prefix, const char *quantity, const sums *l, double unit,
                               const double *y, const double *dy) {
  char name[CW_RESULT_NAME];
  snprintf(name, sizeof name, "%s.%.40s", prefix, quantity);
  cw_curve *curve = cw_add_curve(&s->curve, &s->n_curves, name, l->n_lag, true);
  if (curve == NULL) return cw_no_memory(ctx);
  for (long i = 0; i < l->n_lag; i++) {
    curve->x[i] = (double)(i * l->stride * m->rows.every);
    curve->y[i] = y[i] * unit;
    curve->dy[i] = dy[i] * unit;
  }
  return CW_OK;
}

/* The window of a quantity of the group, which s has results of. */
static long window_of(const cw_analysis_stage *s, const char *quantity) {
  const cw_result *r = cw_stage_result(s, quantity, -1);
  return r != NULL ? r->e.window : 0;
}

static cw_status add_lag_curves(cw_context *ctx, cw_analysis_stage *s, const measurements *m,
                                const cw_quantity *q, const sums *l) {
  const char *why;
  quantity_arg arg = argument(m, q, 0, &why);
  CW_TRY(cw_autocorrelation(ctx, m->data, m->n_chain, m->n_step, m->n_primary, evaluate, &arg,
                            l->stride, l->n_lag, l->rho));
  cw_autocorrelation_sums(l->rho, m->n_chain, m->n_step, l->stride, l->n_lag, window_of(s, q->name),
                          l->error, l->tau, l->tau_error);
  CW_TRY(add_lag_curve(ctx, s, m, "autocorrelation", q->name, l, 1, l->rho, l->error));
  return add_lag_curve(ctx, s, m, "tau_int", q->name, l, (double)m->rows.every, l->tau,
                       l->tau_error);
}

/* "autocorrelation.NAME", and "tau_int.NAME" as a function of the window, of the featured
 * quantities, in measurements of the sampler. */
static cw_status autocorrelation_curves(cw_context *ctx, cw_analysis_stage *s,
                                        const measurements *m) {
  const long lags = lags_of(s, m), stride = (lags + MOST_LAGS - 1) / MOST_LAGS;
  const long n_lag = (lags + stride - 1) / stride;
  double *rho = malloc(4 * (size_t)n_lag * sizeof *rho);
  cw_status st = rho != NULL ? CW_OK : cw_no_memory(ctx);
  const sums l = {n_lag, stride, rho, rho + n_lag, rho + 2 * n_lag, rho + 3 * n_lag};
  for (const cw_quantity *q = m->observer->ops->quantities; q->name != NULL && st == CW_OK; q++)
    if (q->featured) st = add_lag_curves(ctx, s, m, q, &l);
  free(rho);
  return st;
}

/* In measurements of the sampler: "history.NAME" of chain 0, of the primaries that are worth it, "history.NAME.k" of some more
 * chains (links only: there the chains are few and each of them counts), and "histogram.NAME" of
 * those that tell sectors apart. */
static cw_status history_curves(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                                const measurements *m) {
  bool links = c->theory.ops->kind != CW_SITE_REAL;
  long shown = !links ? 1 : m->n_chain < CW_MOST_HISTORIES ? m->n_chain : CW_MOST_HISTORIES;
  for (int i = 0; i < m->n_primary; i++) {
    char primary[32], name[CW_RESULT_NAME];
    m->observer->ops->primary_name(m->observer, i, primary);
    const cw_primary *about = cw_primary_find(m->observer->ops, primary);
    if (about == NULL || !about->history) continue;
    for (long k = 0; k < shown; k++) {
      int n = snprintf(name, sizeof name, "history.%s", primary);
      if (k > 0) snprintf(name + n, sizeof name - (size_t)n, ".%ld", k);
      CW_TRY(cw_curve_history(ctx, s, name, m->n_step, m->n_primary,
                              m->data + k * m->n_step * m->n_primary + i));
      cw_curve *curve = &s->curve[s->n_curves - 1];
      for (long t = 0; t < curve->n; t++) curve->x[t] *= (double)m->rows.every;
    }
    snprintf(name, sizeof name, "histogram.%s", primary);
    if (about->sector != CW_SECTOR_NONE)
      CW_TRY(cw_curve_histogram(ctx, s, name, m->n_chain * m->n_step, m->n_primary, m->data + i));
  }
  return CW_OK;
}

/* The rows of group g, checked against its observables; *primary = NULL: nothing measured yet. */
cw_status cw_get_primary(cw_context *ctx, const cw_analysis_case *c, const cw_analysis_stage *s,
                         const cw_arrays *data, int g, int rank, const cw_array **primary) {
  char name[80];
  const cw_observer *o = &c->observer[g];
  if (s->part.rung >= 0)
    cw_rung_array(c->plan, s->part.rung, g, name);
  else
    cw_primary_name(c->plan, g, name);
  CW_TRY(cw_get_array(ctx, s, data, name, rank, primary));
  if (*primary == NULL) return CW_OK;
  long held = (*primary)->dim[rank - 1], expected = o->ops->n_primary(o);
  if (held == expected) return CW_OK;
  return cw_fail(ctx, CW_ECORRUPT,
                 "stage '%s' holds %ld numbers per configuration where '%s' observables have %ld",
                 s->part.name, held, o->ops->name, expected);
}

/* What the results of a stage are of: the theory of the job or, borrowed from it, that at other
 * parameters. */
static cw_theory theory_of(const cw_analysis_case *c, const cw_analysis_stage *s) {
  return s->part.param != NULL ? cw_theory_at(&c->theory, s->part.param) : c->theory;
}

/* log_weight, at: names, or "". */
static cw_history rows_of(const cw_array *primary, const char *log_weight, const char *at,
                          long every) {
  cw_history h = {.every = every};
  snprintf(h.array, sizeof h.array, "%s", primary->name);
  snprintf(h.log_weight, sizeof h.log_weight, "%s", log_weight);
  snprintf(h.at, sizeof h.at, "%s", at);
  return h;
}

long cw_every_of(const cw_analysis_case *c, const cw_analysis_stage *s, int g) {
  return s->section->method->needs & CW_MEASURES_ALL_GROUPS ? c->plan->group[g].every : 1;
}

/* Results and curves of the rows (n_step, n_chain, n_primary) of group g; at: as in cw_history. */
static cw_status fill_group(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s, int g,
                            const cw_array *primary, const char *at) {
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
                    .n_primary = (int)primary->dim[2],
                    .rows = rows_of(primary, "", at, cw_every_of(c, s, g))};
  cw_status st = add_quantities(ctx, s, &m);
  if (st == CW_OK) st = autocorrelation_curves(ctx, s, &m);
  if (st == CW_OK) st = history_curves(ctx, c, s, &m);
  free(chains);
  return st;
}

/* The first group says how far the chains are. */
cw_status cw_fill_chains(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                         const cw_array *primary, const char *at) {
  s->n_step = primary->dim[0];
  s->n_chain = primary->dim[1];
  s->present = s->n_step >= CW_GAMMA_MIN_STEPS;
  return fill_group(ctx, c, s, 0, primary, at);
}

cw_status cw_fill_groups(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                         const cw_arrays *data) {
  const cw_array *primary;
  CW_TRY(cw_get_primary(ctx, c, s, data, 0, 3, &primary));
  if (primary != NULL) CW_TRY(cw_fill_chains(ctx, c, s, primary, ""));
  for (int g = 1; g < c->plan->n_groups; g++) {
    CW_TRY(cw_get_primary(ctx, c, s, data, g, 3, &primary));
    if (primary != NULL) CW_TRY(fill_group(ctx, c, s, g, primary, ""));
  }
  return CW_OK;
}

cw_status cw_fill_weighted(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                           const cw_array *primary, const cw_array *log_weight) {
  if (primary->dim[0] != log_weight->dim[0] ||
      primary->dim[1] != c->observer[0].ops->n_primary(&c->observer[0]))
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds %ld x %ld measurements for %ld weights",
                   s->part.name, primary->dim[0], primary->dim[1], log_weight->dim[0]);
  measurements m = {.observer = &c->observer[0],
                    .data = primary->data,
                    .log_weight = log_weight->data,
                    .n_chain = 1,
                    .n_step = log_weight->dim[0],
                    .n_primary = (int)primary->dim[1],
                    .rows = rows_of(primary, log_weight->name, "", 1)};
  return add_quantities(ctx, s, &m);
}

/* Rows of w and w times each primary, w = 1 at the largest log-weight: (n_chain, n_step, 1 +
 * n_primary). NULL: no memory. */
static double *weighted_rows(const cw_array *primary, const cw_array *log_weight) {
  const long n = cw_array_size(log_weight), width = 1 + primary->dim[2];
  double top = -INFINITY, *row = malloc((size_t)(n * width) * sizeof *row), *chains = NULL;
  for (long i = 0; i < n; i++) top = fmax(top, log_weight->data[i]);
  for (long i = 0; i < n && row != NULL; i++) {
    double w = row[i * width] = exp(log_weight->data[i] - top);
    for (long k = 1; k < width; k++)
      row[i * width + k] = w * primary->data[i * (width - 1) + k - 1];
  }
  if (row != NULL) chains = cw_chains_first(row, primary->dim[0], primary->dim[1], width);
  free(row);
  return chains;
}

cw_status cw_fill_reweighted(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                             const cw_array *primary, const cw_array *log_weight) {
  const long n_step = primary->dim[0], n_chain = primary->dim[1], n_primary = primary->dim[2];
  if (log_weight->dim[0] != n_step || log_weight->dim[1] != n_chain)
    return cw_fail(ctx, CW_ECORRUPT,
                   "stage '%s' holds %ld x %ld measurements for %ld x %ld weights", s->part.name,
                   n_step, n_chain, log_weight->dim[0], log_weight->dim[1]);
  s->n_step = n_step;
  s->n_chain = n_chain;
  s->present = n_step >= CW_GAMMA_MIN_STEPS;
  if (!s->present) return CW_OK;
  const cw_theory th = theory_of(c, s);
  const cw_observer o = cw_observer_make(c->observer[0].ops, &th, c->observer[0].param);
  double *rows = weighted_rows(primary, log_weight),
         *ratio = malloc((size_t)n_primary * sizeof *ratio);
  measurements m = {.observer = &o,
                    .data = rows,
                    .n_chain = n_chain,
                    .n_step = n_step,
                    .n_primary = (int)n_primary + 1,
                    .ratio = ratio};
  cw_status st = rows != NULL && ratio != NULL ? add_quantities(ctx, s, &m) : cw_no_memory(ctx);
  free(rows);
  free(ratio);
  return st;
}

cw_status cw_fill_acceptance(cw_context *ctx, cw_analysis_stage *s, const char *array,
                             const double *accept) {
  CW_TRY(cw_add_series(ctx, s, "acceptance", "accepted fraction of proposals", array, accept,
                       s->n_chain, s->n_step));
  s->longest_rejection = cw_longest_rejection(accept, s->n_chain, s->n_step);
  cw_result *r = cw_add_result(&s->result, &s->n_results);
  if (r == NULL) return cw_no_memory(ctx);
  snprintf(r->name, sizeof r->name, "%.20s.longest_rejection", s->part.name);
  r->quantity = "longest_rejection";
  r->help = "longest run of rejections within a chain";
  r->units = "steps";
  r->e.value = (double)s->longest_rejection;
  r->e.n = s->n_chain * s->n_step;
  return cw_curve_rejections(ctx, s, accept, s->n_chain, s->n_step);
}
