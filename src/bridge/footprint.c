#include "bridge/footprint.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/carried.h"

/* ------------------------------------------------------------------- which sites */

static cw_status mark_sites(cw_context *ctx, const cw_theory *th, const cw_levels *levels,
                            bool *mark) {
  for (int l = 0; l < levels->n; l++) {
    cw_link_set links;
    cw_status st = cw_level_links(ctx, th, levels, l, &links);
    for (long i = 0; st == CW_OK && i < links.n; i++)
      mark[th->geom->outer[links.link[i] / th->geom->lat.dim]] = true;
    cw_link_set_destroy(&links);
    CW_TRY(st);
  }
  return CW_OK;
}

static void find_runs(const bool *mark, long n, cw_footprint *f) {
  for (long o = 0; o < n; o++) {
    if (!mark[o]) continue;
    if (o == 0 || !mark[o - 1]) f->run[f->n_runs++][0] = o;
    f->run[f->n_runs - 1][1] = o + 1;
  }
}

/* The sites of the links of levels, or all. */
static cw_status open_runs(cw_context *ctx, const cw_theory *th, const cw_levels *levels,
                           bool local, cw_footprint *f) {
  const long n = th->geom->n_outer;
  bool *mark = malloc((size_t)n * sizeof *mark);
  f->run = cw_alloc((size_t)(n / 2 + 1) * sizeof *f->run);
  cw_status st = mark != NULL && f->run != NULL
                     ? CW_OK
                     : cw_fail(ctx, CW_ENOMEM, "no memory for the sites of moves");
  if (st == CW_OK) memset(mark, !local, (size_t)n * sizeof *mark);
  if (st == CW_OK && local) st = mark_sites(ctx, th, levels, mark);
  if (st == CW_OK) find_runs(mark, n, f);
  free(mark);
  return st;
}

/* The links of all levels and of the defect, with their plaquettes. */
static cw_status open_patch(cw_context *ctx, const cw_theory *th, const cw_levels *levels,
                            cw_patch *out) {
  cw_link_set set[CW_MAX_LEVELS + 1] = {{.n = 0}};
  cw_status st = cw_theory_defect(ctx, th, &set[levels->n]);
  for (int l = 0; l < levels->n && st == CW_OK; l++)
    st = cw_level_links(ctx, th, levels, l, &set[l]);
  if (st == CW_OK) st = cw_patch_create(ctx, th->geom, levels->n + 1, set, out);
  for (int l = 0; l <= levels->n; l++) cw_link_set_destroy(&set[l]);
  return st;
}

/* Fields whose lanes are chains have a link's numbers in whole rows, which nothing is gained by copying.
 */
static bool can_patch(const cw_ladder *ladder, const cw_sampler_ops *sampler) {
  unsigned changed = 0;
  for (int k = 0; k + 1 < ladder->n; k++)
    changed |= cw_terms_changed(ladder, ladder->c[k], ladder->c[k + 1]);
  return ladder->th->geom->V > 1 && sampler->restrict_on_patch != NULL && changed != 0 &&
         (changed & ~ladder->th->ops->patch_terms) == 0;
}

cw_status cw_footprint_open(cw_context *ctx, const cw_ladder *ladder, const cw_sampler_ops *sampler,
                            const cw_levels *levels, bool local, cw_footprint *out) {
  *out = (cw_footprint){.on_patch = local && can_patch(ladder, sampler)};
  return out->on_patch ? open_patch(ctx, ladder->th, levels, &out->patch)
                       : open_runs(ctx, ladder->th, levels, local, out);
}

void cw_footprint_close(cw_footprint *f) {
  cw_patch_destroy(&f->patch);
  free(f->run);
  *f = (cw_footprint){0};
}

const cw_patch *cw_footprint_patch(const cw_footprint *f) { return f->on_patch ? &f->patch : NULL; }

/* --------------------------------------------------------------- going and coming */

cw_status cw_footprint_spare(cw_context *ctx, const cw_footprint *f, const cw_field *x,
                             cw_field *out) {
  return f->on_patch ? cw_field_create_patch(ctx, &f->patch, x, out)
                     : cw_field_create(ctx, x->geom, x->n_comp, x->n_config, out);
}

/* old = x where it may change; the rest of old is never read. */
static void keep(const cw_footprint *f, const cw_field *x, cw_field *old) {
  const size_t row = (size_t)x->n_comp * CW_LANES, block = cw_field_block_size(x);
  for (long b = 0; b < x->n_blocks; b++)
    for (int i = 0; i < f->n_runs; i++) {
      const size_t at = (size_t)b * block + (size_t)f->run[i][0] * row;
      memcpy(old->data + at, x->data + at,
             (size_t)(f->run[i][1] - f->run[i][0]) * row * sizeof *old->data);
    }
}

static void restore(const cw_footprint *f, cw_field *x, const cw_field *old, const bool *go) {
  for (long b = 0; b < x->n_blocks; b++, go += x->B) {
    cw_field here = cw_field_block(x, b), there = cw_field_block(old, b);
    bool stays[CW_LANES] = {false}, all = true;
    for (long i = 0; i < here.n_config; i++) {
      all = all && go[i];
      for (int v = 0; v < CW_LANES; v += here.B) stays[v + i] = go[i];
    }
    for (int i = 0; i < f->n_runs && !all; i++)
      cw_field_restore(&here, &there, stays, f->run[i][0], f->run[i][1]);
  }
}

cw_field *cw_footprint_leave(const cw_footprint *f, cw_field *x, cw_field *spare) {
  if (f->on_patch) {
    spare->first_chain = x->first_chain;
    cw_field_to_patch(spare, x);
    return spare;
  }
  keep(f, x, spare);
  return x;
}

void cw_footprint_return(const cw_footprint *f, cw_field *x, const cw_field *spare,
                         const bool *go) {
  if (f->on_patch)
    cw_field_from_patch(x, spare, go);
  else
    restore(f, x, spare, go);
}
