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
    const int n_comp = cw_theory_components(th->ops, lat, th->form, params[r]);
    if (n_comp != th->n_comp)
      return cw_fail(ctx, CW_EINVAL, "rung %d of the ladder: fields of %d components, not %d", r,
                     n_comp, th->n_comp);
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

void cw_ladder_at(const cw_ladder *ladder, int pair, double t, double c[CW_MAX_TERMS]) {
  const cw_theory *th = ladder->th;
  const double *from = ladder->param[pair], *to = ladder->param[pair + 1];
  double p[CW_MAX_PARAMS];
  if (t == 0 || t == 1) {
    memcpy(c, ladder->c[t == 0 ? pair : pair + 1], sizeof ladder->c[0]);
    return;
  }
  for (int k = 0; k < CW_MAX_PARAMS; k++) p[k] = from[k] + t * (to[k] - from[k]);
  th->ops->couplings(th->form, &th->geom->lat, p, c);
}
