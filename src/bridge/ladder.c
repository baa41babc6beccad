#include <stdlib.h>
#include <string.h>

#include "causeway/bridge.h"

cw_status cw_ladder_create(cw_context *ctx, const cw_theory *th, int n,
                           const double (*params)[CW_MAX_PARAMS], cw_ladder *out) {
  *out = (cw_ladder){.th = th};
  if (n < 2 || n > CW_MAX_RUNGS)
    return cw_fail(ctx, CW_EINVAL, "a ladder of %d rungs: expected 2 to %d", n, CW_MAX_RUNGS);
  const cw_lattice *lat = &th->geom->lat;
  for (int r = 0; r < n; r++) {
    const char *why = th->ops->refuse ? th->ops->refuse(th->form, lat, params[r]) : NULL;
    if (why != NULL) return cw_fail(ctx, CW_EINVAL, "rung %d of the ladder: %s", r, why);
  }
  out->c = cw_alloc((size_t)n * sizeof *out->c);
  out->param = cw_alloc((size_t)n * sizeof *out->param);
  if (out->c == NULL || out->param == NULL)
    return cw_fail(ctx, CW_ENOMEM, "no memory for a ladder");
  memcpy(out->param, params, (size_t)n * sizeof *out->param);
  out->n = n;
  for (int r = 0; r < n; r++) th->ops->couplings(th->form, lat, params[r], out->c[r]);
  return CW_OK;
}

void cw_ladder_destroy(cw_ladder *ladder) {
  free(ladder->c);
  free(ladder->param);
  *ladder = (cw_ladder){0};
}

unsigned cw_ladder_changes(const cw_ladder *ladder, int a, int b) {
  unsigned set = 0;
  for (int k = 0; k < ladder->th->ops->n_terms; k++)
    if (ladder->c[a][k] != ladder->c[b][k]) set |= 1u << k;
  return set;
}

void cw_ladder_terms(const cw_ladder *ladder, unsigned set, const cw_field *x, double *T) {
  const cw_theory *th = ladder->th;
  if (th->ops->some_terms != NULL)
    th->ops->some_terms(th, x, set, T);
  else
    th->ops->terms(th, x, T);
}

void cw_ladder_difference(const cw_ladder *ladder, int a, int b, const cw_field *x, const double *T,
                          double *out) {
  int n_terms = ladder->th->ops->n_terms;
  for (long i = 0; i < x->n_blocks * x->B; i++) {
    out[i] = 0;
    for (int k = 0; k < n_terms; k++)
      if (ladder->c[a][k] != ladder->c[b][k])
        out[i] += (ladder->c[b][k] - ladder->c[a][k]) * T[i * n_terms + k];
  }
}
