/* Log-weights of configurations under a model. */
#include <math.h>

#include "app/run/stage.h"

/* lw = -S - ln q for every configuration of x. */
void cw_log_weights(cw_case *c, const cw_field *x, const double *logq, double *lw) {
#pragma omp parallel for num_threads(cw_threads(c->ctx)) schedule(static)
  for (long b = 0; b < x->n_blocks; b++) {
    double T[CW_LANES * CW_MAX_TERMS], S[CW_LANES];
    cw_field block = cw_field_block(x, b);
    cw_theory_action(&c->theory, &block, c->theory.c, T, S);
    for (long i = 0; i < block.n_config; i++) lw[b * x->B + i] = -S[i] - logq[b * x->B + i];
  }
}

cw_status cw_check_log_weights(cw_case *c, const char *stage, const double *lw, long n) {
  for (long i = 0; i < n; i++)
    if (isnan(lw[i]) || lw[i] == INFINITY)
      return cw_fail(c->ctx, CW_ENUMERIC, "%s: a log-weight is not finite; the flow is not usable",
                     stage);
  return CW_OK;
}

cw_status cw_nothing_to_load(cw_stage *s, cw_case *c, const cw_arrays *last) {
  (void)s;
  (void)c;
  (void)last;
  return CW_OK;
}
