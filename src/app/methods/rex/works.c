/* Works of proposals: their means, the ratio of partition functions, and how they are distributed. */
#include <math.h>
#include <stdlib.h>

#include "app/analysis/fill.h"
#include "app/methods/rex/rex.h"

/* The pair of neighbours that swap least. */
static int hardest_pair(const cw_analysis_stage *s) {
  const int worst = cw_stage_extreme(s, "swap_acceptance", -1);
  return worst >= 0 ? worst : 0;
}

static cw_status fill_K(cw_context *ctx, cw_analysis_stage *s, const double *series, long n_chain,
                        long n_step, int n_pair) {
  cw_curve *curve = cw_add_curve(&s->curve, &s->n_curves, "ladder.K", n_pair, true);
  cw_status st = curve != NULL ? CW_OK : cw_no_memory(ctx);
  for (int k = 0; k < n_pair && st == CW_OK; k++) {
    cw_estimate e;
    st = cw_swap_K(ctx, series, n_chain, n_step, n_pair, k, &e);
    if (st != CW_OK) break;
    st = cw_add_number(ctx, s, "K", k,
                       "mean works up and down together, between rung k and the next", e);
    curve->x[k] = (double)k + 0.5;
    curve->y[k] = e.value;
    curve->dy[k] = e.error;
  }
  return st;
}

cw_status cw_fill_swap_works(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                             const cw_array *work) {
  const long n_step = work->dim[0], n_chain = work->dim[1], width = work->dim[2];
  const int n_pair = cw_rex_pairs(c->plan, s->section->own);
  if (width != 2 * n_pair)
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds works of another ladder", s->part.name);
  if (n_step < CW_GAMMA_MIN_STEPS) return CW_OK;
  double *series = cw_rows_by_chains(work->data, n_step, n_chain, width);
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
