/* Works of proposals: the ratio of partition functions, and how they are distributed. */
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
static int hardest_pair(const cw_analysis_stage *s, int n_pair) {
  int worst = 0;
  double least = INFINITY;
  for (int k = 0; k < n_pair; k++) {
    const cw_result *r = cw_stage_result(s, "swap_acceptance", k);
    if (r == NULL || !(r->e.value < least)) continue;
    least = r->e.value;
    worst = k;
  }
  return worst;
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
  cw_status st = cw_bennett(ctx, series, n_chain, n_step, n_pair, &s->lnZ);
  free(series);
  CW_TRY(st);
  s->is_ratio = true;
  s->lnZ_unit = "steps";
  CW_TRY(cw_add_number(ctx, s, "lnZ_ratio", -1, "ln of Z(last rung)/Z(first rung)", s->lnZ));
  const double *hardest = work->data + 2 * hardest_pair(s, n_pair);
  CW_TRY(cw_curve_works(ctx, s, "work", n_step * n_chain, width, hardest, 1));
  return cw_curve_works(ctx, s, "work.reverse", n_step * n_chain, width, hardest + 1, -1);
}
