#include "bridge/level.h"

#include <string.h>

/* -------------------------------------------------------------------- levels */

static cw_status check_box(cw_context *ctx, const cw_lattice *lat, const cw_box *box, int level) {
  for (int d = 0; d < lat->dim; d++)
    if (box->size[d] < 1 || box->size[d] > lat->extent[d])
      return cw_fail(ctx, CW_EINVAL,
                     "level %d: size %d of its box in direction %d: expected 1 to %d", level,
                     box->size[d], d, lat->extent[d]);
  return CW_OK;
}

static cw_status check_level(cw_context *ctx, const cw_lattice *lat, const cw_level *level, int l) {
  if (level->count < 1)
    return cw_fail(ctx, CW_EINVAL, "level %d: count %d, expected at least 1", l, level->count);
  if (!level->around) return check_box(ctx, lat, &level->box, l);
  if (level->hops < 0)
    return cw_fail(ctx, CW_EINVAL, "level %d: %d hops, expected at least 0", l, level->hops);
  return CW_OK;
}

cw_status cw_levels_check(cw_context *ctx, const cw_lattice *lat, const cw_levels *levels,
                          const cw_sampler_ops *sampler) {
  if (levels->n < 0 || levels->n > CW_MAX_LEVELS)
    return cw_fail(ctx, CW_EINVAL, "%d levels: expected 0 to %d", levels->n, CW_MAX_LEVELS);
  if (levels->n > 0 && sampler->restrict_to == NULL)
    return cw_fail(ctx, CW_EINVAL,
                   "sampler '%s' cannot be restricted to a set of links, as levels need it",
                   sampler->name);
  for (int l = 0; l < levels->n; l++) CW_TRY(check_level(ctx, lat, &levels->level[l], l));
  return CW_OK;
}

cw_status cw_level_links(cw_context *ctx, const cw_theory *th, const cw_levels *levels, int l,
                         cw_link_set *out) {
  const cw_level *level = &levels->level[l];
  cw_link_set defect = {.n = 0};
  *out = defect;
  if (!level->around) return cw_link_set_in_box(ctx, &th->geom->lat, &level->box, out);
  cw_status st = cw_theory_defect(ctx, th, &defect);
  if (st == CW_OK) st = cw_link_set_around(ctx, &defect, level->hops, out);
  cw_link_set_destroy(&defect);
  if (st == CW_OK && out->n == 0)
    st = cw_fail(ctx, CW_EINVAL, "level %d: the theory has no defect to be around", l);
  return st;
}

/* ---------------------------------------------------------- samplers of ways */

cw_status cw_way_samplers_open(cw_context *ctx, const cw_theory *th, const cw_sampler_ops *sampler,
                               const double *param, const int *choice, const cw_levels *levels,
                               const cw_patch *patch, long n_blocks, cw_way_samplers *out) {
  *out = (cw_way_samplers){.n_levels = levels->n};
  CW_TRY(cw_sampler_create(ctx, sampler, th, param, choice, n_blocks, &out->everywhere));
  for (int l = 0; l < levels->n; l++) {
    cw_link_set links;
    cw_status st = cw_level_links(ctx, th, levels, l, &links);
    if (st == CW_OK)
      st = cw_sampler_create(ctx, sampler, th, param, choice, n_blocks, &out->level[l]);
    if (st == CW_OK)
      st = patch != NULL ? sampler->restrict_on_patch(out->level[l], &links, patch)
                         : sampler->restrict_to(out->level[l], &links);
    cw_link_set_destroy(&links);
    CW_TRY(st);
  }
  return CW_OK;
}

void cw_way_samplers_close(cw_way_samplers *s) {
  cw_sampler_destroy(s->everywhere);
  for (int l = 0; l < s->n_levels; l++) cw_sampler_destroy(s->level[l]);
  *s = (cw_way_samplers){0};
}

void cw_way_samplers_take(cw_way_samplers *s, const double *state) {
  if (s->everywhere == NULL) return;
  const size_t bytes = (size_t)s->everywhere->ops->n_state * sizeof *state;
  memcpy(s->everywhere->state, state, bytes);
  for (int l = 0; l < s->n_levels; l++) memcpy(s->level[l]->state, state, bytes);
}
