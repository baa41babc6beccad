/* How much of the target the model covers, and how far off averages can be that know its samples alone.
 *
 * The model covers a field where it has at least a share `threshold` of the target's density: q >= threshold p,
 * that is, of weights w = e^{-S}/q, ln w <= ln Z - ln threshold, with the ln Z of these samples. What lies beyond is
 * outside of its effective support. There q < threshold p, so that samples of the model hardly ever come
 * there. Averages by weights are then those of the target within, whose bias is, summed over shells of equal
 * action, at most the target's mass outside in the shell times the largest distance there from the average
 * within (after Nicoli et al., arXiv:2302.14082). */
#include <math.h>
#include <stdlib.h>

#include "app/analysis/fill.h"
#include "app/methods/forward/forward.h"

enum { SHELLS = 24 };

/* Samples of the target, (n_step, n_chain) as one row. */
typedef struct {
  long n, n_step, n_chain;
  int n_primary;
  const double *lw, *primary; /* (n), (n, n_primary) */
  double limit;               /* of ln w */
  double *outside;            /* (n) 0 or 1 */
  double share;               /* of them outside */
} samples;

/* ---- ESS and masses ---- */

static double ess_of(const double *mean, const void *span) {
  return exp(-*(const double *)span - log(mean[0]) - log(mean[1]));
}

static double ratio_of(const double *mean, const void *arg) {
  (void)arg;
  return mean[0] / mean[1];
}

/* f of the means of two series of the samples, filled by of_sample. */
static cw_status of_two(cw_context *ctx, const samples *t,
                        void (*of_sample)(const samples *t, long i, const double range[2],
                                          double out[2]),
                        cw_derived f, cw_estimate *e) {
  double range[2] = {INFINITY, -INFINITY}, *rows = malloc((size_t)t->n * 2 * sizeof *rows);
  if (rows == NULL) return cw_no_memory(ctx);
  for (long i = 0; i < t->n; i++) {
    range[0] = fmin(range[0], t->lw[i]);
    range[1] = fmax(range[1], t->lw[i]);
  }
  for (long i = 0; i < t->n; i++) of_sample(t, i, range, rows + 2 * i);
  double span = range[1] - range[0], *chains = cw_chains_first(rows, t->n_step, t->n_chain, 2);
  cw_status st = chains == NULL ? cw_no_memory(ctx)
                                : cw_gamma(ctx, chains, t->n_chain, t->n_step, 2, f, &span, e);
  free(chains);
  free(rows);
  return st;
}

/* w over the largest, and 1/w over the largest of these. */
static void weights(const samples *t, long i, const double range[2], double out[2]) {
  out[0] = exp(t->lw[i] - range[1]);
  out[1] = exp(range[0] - t->lw[i]);
}

/* The model's probability is 1/w times the target's. */
static void model_mass(const samples *t, long i, const double range[2], double out[2]) {
  out[1] = exp(range[0] - t->lw[i]);
  out[0] = t->outside[i] * out[1];
}

static cw_status add_masses(cw_context *ctx, cw_analysis_stage *s, const samples *t) {
  cw_estimate e;
  CW_TRY(of_two(ctx, t, weights, ess_of, &e));
  CW_TRY(cw_add_number(ctx, s, "ess", -1,
                       "effective sample size 1/(<w> <1/w>) over samples of the target", e));
  CW_TRY(cw_mean_of_rows(ctx, t->outside, t->n_step, t->n_chain, &e));
  CW_TRY(cw_add_number(ctx, s, "outside", -1,
                       "the target's mass outside of the model's effective support", e));
  CW_TRY(of_two(ctx, t, model_mass, ratio_of, &e));
  return cw_add_number(ctx, s, "outside_model", -1, "the model's own mass there", e);
}

/* ---- shells of equal action ---- */

typedef struct {
  double low, width;                    /* S/V */
  double mass[SHELLS], outside[SHELLS]; /* shares of the samples */
} shells;

static int shell_of(const shells *h, double action) {
  const double n = (action - h->low) / h->width;
  if (!(n > 0)) return 0; /* or no number */
  return n < SHELLS - 1 ? (int)n : SHELLS - 1;
}

static void fill_shells(const samples *t, int action, shells *h) {
  double high = -INFINITY;
  *h = (shells){.low = INFINITY};
  for (long i = 0; i < t->n; i++) {
    h->low = fmin(h->low, t->primary[i * t->n_primary + action]);
    high = fmax(high, t->primary[i * t->n_primary + action]);
  }
  h->width = high > h->low ? (high - h->low) / SHELLS : 1;
  for (long i = 0; i < t->n; i++) {
    const int n = shell_of(h, t->primary[i * t->n_primary + action]);
    h->mass[n] += 1 / (double)t->n;
    h->outside[n] += t->outside[i] / (double)t->n;
  }
}

static cw_status add_shell_curve(cw_context *ctx, cw_analysis_stage *s, const char *name,
                                 const shells *h, const double *share) {
  cw_curve *c = cw_add_curve(&s->curve, &s->n_curves, name, SHELLS, false);
  if (c == NULL) return cw_no_memory(ctx);
  for (int n = 0; n < SHELLS; n++) {
    c->x[n] = h->low + (n + 0.5) * h->width;
    c->y[n] = share[n] / h->width;
  }
  return CW_OK;
}

/* Of the mean of primary k. */
static double bias_bound(const samples *t, int action, const shells *h, int k) {
  double within = 0, farthest[SHELLS] = {0}, bound = 0;
  for (long i = 0; i < t->n; i++)
    within += (1 - t->outside[i]) * t->primary[i * t->n_primary + k] / (double)t->n;
  within /= 1 - t->share;
  for (long i = 0; i < t->n; i++) {
    const double *row = t->primary + i * t->n_primary;
    const int n = shell_of(h, row[action]);
    if (t->outside[i] > 0) farthest[n] = fmax(farthest[n], fabs(row[k] - within));
  }
  for (int n = 0; n < SHELLS; n++) bound += h->outside[n] * farthest[n];
  return bound;
}

const cw_quantity *cw_forward_mean(const cw_observer *o, int i) {
  for (const cw_quantity *q = o->ops->quantities; q->name != NULL; q++)
    if (q->mean_of > 0 && q->count == NULL && i-- == 0) return q;
  return NULL;
}

static cw_status add_shells(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                            const samples *t) {
  const cw_observer *o = &c->observer[0];
  const int action = cw_action_primary(o);
  const cw_quantity *q;
  shells h;
  if (action < 0) return CW_OK;
  fill_shells(t, action, &h);
  CW_TRY(add_shell_curve(ctx, s, "shells.target", &h, h.mass));
  CW_TRY(add_shell_curve(ctx, s, "shells.outside", &h, h.outside));
  for (int i = 0; (q = cw_forward_mean(o, i)) != NULL && t->share < 1; i++) {
    cw_estimate e = cw_estimate_undefined(t->n);
    e.value = bias_bound(t, action, &h, q->mean_of - 1);
    e.why = "it is a bound";
    CW_TRY(cw_add_number(ctx, s, "bias_bound", i,
                         "of the bias of an average by weights, from shells of equal action", e));
  }
  return CW_OK;
}

/* ---- all of it ---- */

static cw_status cover(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                       samples *t) {
  const cw_forward_plan *plan = s->section->own;
  for (long i = 0; i < t->n; i++) t->outside[i] = -t->lw[i];
  const double lnZ = log((double)t->n) - cw_logsumexp(t->outside, (size_t)t->n);
  t->limit = lnZ - log(plan->threshold);
  for (long i = 0; i < t->n; i++) {
    t->outside[i] = t->lw[i] > t->limit ? 1 : 0;
    t->share += t->outside[i] / (double)t->n;
  }
  CW_TRY(add_masses(ctx, s, t));
  return t->primary != NULL ? add_shells(ctx, c, s, t) : CW_OK;
}

cw_status cw_fill_coverage(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                           const cw_array *lw, const cw_array *primary) {
  samples t = {.n = cw_array_size(lw), .n_step = lw->dim[0], .n_chain = lw->dim[1], .lw = lw->data};
  t.n_primary = c->observer[0].ops->n_primary(&c->observer[0]);
  if (t.n_step < CW_GAMMA_MIN_STEPS) return CW_OK;
  if (primary != NULL && cw_array_size(primary) != t.n * t.n_primary)
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds measurements of other configurations",
                   s->part.name);
  if (primary != NULL) t.primary = primary->data;
  t.outside = malloc((size_t)t.n * sizeof *t.outside);
  if (t.outside == NULL) return cw_no_memory(ctx);
  const cw_status st = cover(ctx, c, s, &t);
  free(t.outside);
  return st;
}

/* ---- beside samples of the model ---- */

/* Where weights, and chains of the target, say what a mean is. */
static cw_status add_biases(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                            const cw_analysis_stage *model, const cw_analysis_stage *target) {
  const cw_quantity *q;
  for (int i = 0; (q = cw_forward_mean(&c->observer[0], i)) != NULL; i++) {
    const cw_result *a = cw_stage_result(model, q->name, -1),
                    *b = cw_stage_result(target, q->name, -1);
    if (a == NULL || b == NULL) continue;
    cw_estimate e = cw_estimate_undefined(a->e.n + b->e.n);
    e.value = a->e.value - b->e.value;
    e.error = hypot(a->e.error, b->e.error);
    CW_TRY(cw_add_number(ctx, s, "bias", i,
                         "an average by weights less that of chains of the target", e));
  }
  return CW_OK;
}

/* The probability that none of n samples of the model is outside: (1 - Q)^n, Q its mass there. */
static cw_status add_missed(cw_context *ctx, cw_analysis_stage *s, long n) {
  const cw_result *Q = cw_stage_result(s, "outside_model", -1);
  if (Q == NULL || !(Q->e.value < 1)) return CW_OK;
  cw_estimate e = cw_estimate_undefined(n);
  e.value = exp((double)n * log1p(-Q->e.value));
  e.error = (double)n * e.value / (1 - Q->e.value) * Q->e.error;
  return cw_add_number(ctx, s, "missed", -1,
                       "probability that all samples of the model miss what is outside", e);
}

cw_status cw_conclude_forward(cw_context *ctx, cw_analysis_case *c, cw_analysis_stage *s) {
  const cw_forward_plan *plan = s->section->own;
  const cw_analysis_stage *target = cw_analysis_find_stage(c, plan->data->kind.name);
  for (int i = 0; i < c->n_stages; i++) {
    const cw_analysis_stage *model = &c->stage[i];
    if (!model->present || model->sampled != CW_OF_MODEL) continue;
    CW_TRY(add_missed(ctx, s, model->n_step));
    return target != NULL ? add_biases(ctx, c, s, model, target) : CW_OK;
  }
  return CW_OK;
}
