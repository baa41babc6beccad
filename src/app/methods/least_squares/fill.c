/* What the fits leave of the variance of the works, and what it says of swaps. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/analysis/fill.h"
#include "app/methods/least_squares/least_squares.h"

/* Rows of the stage, checked: (rounds, n_pairs, n_rows, n_chain). */
typedef struct {
  const cw_least_squares_plan *plan;
  int n_pairs;
  long rounds; /* that are finished */
  long n_rows, n_chain, n_theta;
  const double *work, *slope, *residual;
} rows;

static long first_row(const rows *r, long round, int pair) {
  return (round * r->n_pairs + pair) * r->n_rows * r->n_chain;
}

static cw_status take_rows(cw_context *ctx, const cw_analysis_case *c, const cw_analysis_stage *s,
                           const cw_arrays *data, rows *r) {
  const cw_array *work, *slope, *residual;
  const cw_least_squares_plan *plan = s->section->own;
  *r = (rows){.plan = plan, .n_pairs = c->plan->ladder.n - 1, .n_rows = cw_fit_rows(plan)};
  CW_TRY(cw_get_array(ctx, s, data, "work", 2, &work));
  CW_TRY(cw_get_array(ctx, s, data, "slope", 3, &slope));
  CW_TRY(cw_get_array(ctx, s, data, "residual", 2, &residual));
  if (work == NULL || slope == NULL || residual == NULL) return CW_OK;
  r->n_chain = plan->mcmc.chains;
  r->n_theta = slope->dim[2];
  r->rounds = residual->dim[0] / (r->n_pairs * r->n_rows);
  if (work->dim[1] != r->n_chain || residual->dim[1] != r->n_chain || slope->dim[1] != r->n_chain ||
      work->dim[0] != slope->dim[0] || residual->dim[0] > work->dim[0] ||
      residual->dim[0] % (r->n_pairs * r->n_rows) != 0)
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds fits of another ladder", s->part.name);
  r->work = work->data;
  r->slope = slope->data;
  r->residual = residual->data;
  return CW_OK;
}

/* ---- numbers of a pair ---- */

/* Of the means of r^2, w and w^2. */
static double K_of(const double *mean, const void *arg) {
  (void)arg;
  return mean[0];
}
static double K_without_of(const double *mean, const void *arg) {
  (void)arg;
  return mean[2] - mean[1] * mean[1];
}
static double rho_of(const double *mean, const void *arg) {
  return K_of(mean, arg) / K_without_of(mean, arg);
}
static double acceptance_of(const double *mean, const void *arg) {
  return cw_gaussian_acceptance(K_of(mean, arg));
}
static double acceptance_without_of(const double *mean, const void *arg) {
  return cw_gaussian_acceptance(K_without_of(mean, arg));
}

static const struct {
  const char *name, *help;
  cw_derived f;
  bool first_round; /* is it of works without a flow? */
} numbers[] = {
    {"rho", "variance of the work that the flow leaves, over that without it", rho_of, false},
    {"K", "mean works up and down together, as the fit predicts", K_of, false},
    {"K_without", "the same without a flow", K_without_of, true},
    {"acceptance", "of swaps by the flow, as K predicts", acceptance_of, false},
    {"acceptance_without", "of swaps without a flow, as K predicts", acceptance_without_of, true}};
enum { N_NUMBERS = sizeof numbers / sizeof *numbers, RHO = 0, K = 1 };

/* (n_chain, n_rows, 3) of r^2, w - its mean, and the square of that. */
static void series_of(const rows *r, long round, int pair, double *out) {
  const long at = first_row(r, round, pair), n = r->n_rows * r->n_chain;
  const double mean = cw_sum(r->work + at, (size_t)n) / (double)n;
  for (long t = 0; t < r->n_rows; t++)
    for (long i = 0; i < r->n_chain; i++) {
      const long row = at + t * r->n_chain + i;
      const double w = r->work[row] - mean;
      double *to = out + (i * r->n_rows + t) * 3;
      to[0] = r->residual[row] * r->residual[row];
      to[1] = w;
      to[2] = w * w;
    }
}

static cw_status fill_pair(cw_context *ctx, cw_analysis_stage *s, const rows *r, int pair,
                           double *series, cw_curve *curve) {
  cw_estimate last = {0};
  for (int i = 0; i < N_NUMBERS; i++) {
    cw_estimate e;
    series_of(r, numbers[i].first_round ? 0 : r->rounds - 1, pair, series);
    CW_TRY(cw_gamma(ctx, series, r->n_chain, r->n_rows, 3, numbers[i].f, NULL, &e));
    CW_TRY(cw_add_number(ctx, s, numbers[i].name, pair, numbers[i].help, e));
    if (i == RHO) last = e;
  }
  curve->x[pair] = pair + 0.5;
  curve->y[pair] = last.value;
  curve->dy[pair] = last.error;
  return CW_OK;
}

static cw_status fill_pairs(cw_context *ctx, cw_analysis_stage *s, const rows *r) {
  double *series = malloc((size_t)(r->n_rows * r->n_chain * 3) * sizeof *series);
  cw_curve *curve = cw_add_curve(&s->curve, &s->n_curves, "ladder.rho", r->n_pairs, true);
  cw_status st = series != NULL && curve != NULL ? CW_OK : cw_no_memory(ctx);
  for (int k = 0; k < r->n_pairs && st == CW_OK; k++) st = fill_pair(ctx, s, r, k, series, curve);
  free(series);
  return st;
}

/* ---- the check of slopes ---- */

/* Their means are 0 where the flow is the identity and chains sample the coupling of the slopes. */
static cw_status fill_scores(cw_context *ctx, cw_analysis_stage *s, const rows *r) {
  const long n = r->n_rows * r->n_chain, p = r->n_theta;
  double *series = malloc((size_t)n * sizeof *series);
  cw_curve *curve = cw_add_curve(&s->curve, &s->n_curves, "slope.score", r->n_pairs * p, false);
  cw_status st = series != NULL && curve != NULL ? CW_OK : cw_no_memory(ctx);
  for (long j = 0; j < r->n_pairs * p && st == CW_OK; j++) {
    const double *slope = r->slope + first_row(r, 0, (int)(j / p)) * p + j % p;
    cw_estimate e;
    for (long t = 0; t < r->n_rows; t++)
      for (long i = 0; i < r->n_chain; i++)
        series[i * r->n_rows + t] = slope[(t * r->n_chain + i) * p];
    st = cw_gamma(ctx, series, r->n_chain, r->n_rows, 1, NULL, NULL, &e);
    if (st != CW_OK) break;
    curve->x[j] = (double)j;
    curve->y[j] = e.error > 0 ? e.value / e.error : 0;
  }
  free(series);
  return st;
}

/* ---- how many configurations it takes ---- */

/* The share of the variance that fits of the first n configurations of a pair leave. */
static cw_status share_left(cw_context *ctx, const rows *r, int pair, long n, double variance,
                            cw_arena *scratch, double *share) {
  const long at = first_row(r, r->rounds - 1, pair);
  cw_fit_report report;
  double *b = cw_arena_alloc(scratch, (size_t)r->n_theta * sizeof *b);
  double *residual = cw_arena_alloc(scratch, (size_t)n * sizeof *residual);
  if (b == NULL || residual == NULL) return cw_no_memory(ctx);
  CW_TRY(cw_least_squares(ctx, n, (int)r->n_theta, r->slope + at * r->n_theta, r->work + at,
                          (int)r->plan->folds, b, residual, &report, scratch));
  *share = report.left_out / variance;
  return CW_OK;
}

/* Of the pair that is hardest, by halves of its configurations. A joint fit has no such halves. */
static cw_status fill_learning(cw_context *ctx, cw_analysis_stage *s, const rows *r) {
  enum { MOST = 6 };
  const int pair = cw_stage_extreme(s, "K", 1);
  if (pair < 0) return CW_OK;
  const long n = r->n_rows * r->n_chain,
             fewest = 2 * (r->n_theta > r->plan->folds ? r->n_theta : r->plan->folds);
  const double variance =
      cw_stage_result(s, "K", pair)->e.value / cw_stage_result(s, "rho", pair)->e.value;
  int points = 1;
  while (points < MOST && n >> points >= fewest) points++;
  cw_curve *curve = cw_add_curve(&s->curve, &s->n_curves, "learning", points, false);
  cw_arena *scratch = cw_arena_create(1 << 16);
  cw_status st = curve != NULL && scratch != NULL ? CW_OK : cw_no_memory(ctx);
  for (int i = 0; i < points && st == CW_OK; i++) {
    const long first = n >> (points - 1 - i);
    curve->x[i] = (double)first;
    st = share_left(ctx, r, pair, first, variance, scratch, &curve->y[i]);
  }
  cw_arena_destroy(scratch);
  return st;
}

/* By how much a layer's bound holds the flows back, after the last round. */
static cw_status fill_held(cw_context *ctx, cw_analysis_stage *s, const rows *r,
                           const cw_arrays *data) {
  const cw_array *held;
  CW_TRY(cw_get_array(ctx, s, data, "held", 2, &held));
  if (held == NULL) return CW_OK;
  if (held->dim[0] != r->rounds || held->dim[1] != r->n_pairs)
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds fits of another ladder", s->part.name);
  return cw_curve_history(ctx, s, "held", r->n_pairs, 1, held->data + (r->rounds - 1) * r->n_pairs);
}

cw_status cw_fill_least_squares(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                                const cw_arrays *data) {
  rows r;
  CW_TRY(take_rows(ctx, c, s, data, &r));
  if (r.rounds == 0) return CW_OK;
  s->present = true;
  s->n_step = r.plan->rounds * r.n_pairs * (r.plan->mcmc.thermalise + r.plan->mcmc.steps);
  CW_TRY(fill_held(ctx, s, &r, data));
  if (r.n_rows < CW_GAMMA_MIN_STEPS) return CW_OK;
  CW_TRY(fill_pairs(ctx, s, &r));
  if (!cw_has_start(&r.plan->start)) CW_TRY(fill_scores(ctx, s, &r));
  return r.plan->joint ? CW_OK : fill_learning(ctx, s, &r);
}

/* ---- doubts ---- */

cw_status cw_warn_least_squares(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  enum { FAR = 5 };
  const cw_curve *score = cw_stage_curve(s, "slope.score"),
                 *learning = cw_stage_curve(s, "learning");
  double farthest = 0;
  for (long i = 0; score != NULL && i < score->n; i++) farthest = fmax(farthest, fabs(score->y[i]));
  if (farthest > FAR)
    CW_TRY(cw_add_line(
        ctx, &c->warning, &c->n_warnings,
        "%s: a slope whose mean is 0 in equilibrium lies %.1f errors from it: the chains "
        "have not thermalised, or are too short for their errors.",
        s->part.label, farthest));
  const cw_curve *held = cw_stage_curve(s, "held");
  double least = 1;
  for (long k = 0; held != NULL && k < held->n; k++) least = fmin(least, held->y[k]);
  if (least < 0.95)
    CW_TRY(cw_add_line(
        ctx, &c->warning, &c->n_warnings,
        "%s: a bound that keeps its layers invertible holds a flow back to %.2g of what "
        "was fitted, and swaps will be fewer than predicted: more rungs, of smaller "
        "steps, or layers one after the other help.",
        s->part.label, least));
  if (learning == NULL || learning->n < 2) return CW_OK;
  const double last = learning->y[learning->n - 1], half = learning->y[learning->n - 2];
  if (!(half > 1.3 * last)) return CW_OK;
  return cw_add_line(ctx, &c->warning, &c->n_warnings,
                     "%s: half of the configurations leave %.3g of the variance where all leave "
                     "%.3g: more of them make better flows.",
                     s->part.label, half, last);
}
