/* Works of proposals: their means, the ratio of partition functions, and how they are distributed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/analysis/fill.h"
#include "app/methods/rex/rex.h"

/* (n_chain, n_step, width) of work (n_step, n_chain, width). */
static double *by_chains(const cw_array *work) {
  const long n_step = work->dim[0], n_chain = work->dim[1], width = work->dim[2];
  double *out = malloc((size_t)(n_step * n_chain * width) * sizeof *out);
  for (long t = 0; out != NULL && t < n_step; t++)
    for (long i = 0; i < n_chain; i++)
      memcpy(out + (i * n_step + t) * width, work->data + (t * n_chain + i) * width,
             (size_t)width * sizeof *out);
  return out;
}

/* The pair of neighbours that swap least. */
static int hardest_pair(const cw_analysis_stage *s) {
  const int worst = cw_stage_extreme(s, "swap_acceptance", -1);
  return worst >= 0 ? worst : 0;
}

/* ---- the K of a pair ---- */

enum { N_EACH = 4 }; /* sum and number of works, one way and back */

static double both_works(const double *mean, const void *arg) {
  const double K = mean[0] / mean[1] + mean[2] / mean[3];
  (void)arg;
  return isfinite(K) ? K : NAN;
}

/* series (n, n_pair, 2); works that are no numbers: there was no proposal. */
static void works_of_pair(const double *series, long n, int n_pair, int pair, double *primary) {
  for (long i = 0; i < n; i++)
    for (int way = 0; way < 2; way++) {
      const double w = series[(i * n_pair + pair) * 2 + way];
      double *to = primary + i * N_EACH + 2 * way;
      to[0] = isnan(w) ? 0 : w;
      to[1] = !isnan(w);
    }
}

static cw_status fill_K(cw_context *ctx, cw_analysis_stage *s, const double *series, long n_chain,
                        long n_step, int n_pair) {
  const long n = n_chain * n_step;
  double *primary = malloc((size_t)(n * N_EACH) * sizeof *primary);
  cw_curve *curve = cw_add_curve(&s->curve, &s->n_curves, "ladder.K", n_pair, true);
  cw_status st = primary != NULL && curve != NULL ? CW_OK : cw_no_memory(ctx);
  for (int k = 0; k < n_pair && st == CW_OK; k++) {
    cw_estimate e;
    works_of_pair(series, n, n_pair, k, primary);
    st = cw_gamma(ctx, primary, n_chain, n_step, N_EACH, both_works, NULL, &e);
    if (st != CW_OK) break;
    st = cw_add_number(ctx, s, "K", k,
                       "mean works up and down together, between rung k and the next", e);
    curve->x[k] = (double)k + 0.5;
    curve->y[k] = e.value;
    curve->dy[k] = e.error;
  }
  free(primary);
  return st;
}

cw_status cw_fill_swap_works(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                             const cw_array *work) {
  const long n_step = work->dim[0], n_chain = work->dim[1], width = work->dim[2];
  const int n_pair = cw_rex_pairs(c->plan, s->section->own);
  if (width != 2 * n_pair)
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds works of another ladder", s->part.name);
  if (n_step < CW_GAMMA_MIN_STEPS) return CW_OK;
  double *series = by_chains(work);
  if (series == NULL) return cw_no_memory(ctx);
  cw_status st = fill_K(ctx, s, series, n_chain, n_step, n_pair);
  if (st == CW_OK) st = cw_bennett(ctx, series, n_chain, n_step, n_pair, &s->lnZ);
  free(series);
  CW_TRY(st);
  s->is_ratio = true;
  s->lnZ_unit = "steps";
  CW_TRY(cw_add_number(ctx, s, "lnZ_ratio", -1, "ln of Z(last rung)/Z(first rung)", s->lnZ));
  const double *hardest = work->data + 2 * hardest_pair(s);
  CW_TRY(cw_curve_works(ctx, s, "work", n_step * n_chain, width, hardest, 1));
  return cw_curve_works(ctx, s, "work.reverse", n_step * n_chain, width, hardest + 1, -1);
}
