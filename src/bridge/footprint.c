#include "bridge/footprint.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/carried.h"

/* ------------------------------------------------------------------- which sites */

/* The links that all maps move, or read, together; all of them say. */
static cw_status links_of_maps(cw_context *ctx, const cw_lattice *lat,
                               const cw_footprint_maps *maps, bool reads, cw_link_set *out) {
  long n = 0, *link = NULL;
  for (int fill = 0; fill < 2; fill++) {
    if (fill && (link = cw_alloc((size_t)(n + 1) * sizeof *link)) == NULL)
      return cw_fail(ctx, CW_ENOMEM, "no memory for the links of maps");
    n = 0;
    for (int k = 0; k < maps->n; k++)
      for (int i = 0; i < maps->program[k].n; i++) {
        const cw_move *m = &maps->program[k].move[i];
        if (m->kind != CW_MOVE_TRANSPORT) continue;
        const cw_map *map = m->map != NULL ? m->map : &maps->map[k];
        const cw_link_set *set = reads ? map->reads : map->moves;
        if (fill) memcpy(link + n, set->link, (size_t)set->n * sizeof *link);
        n += set->n;
      }
  }
  cw_status st = cw_link_set_create(ctx, lat, n, link, out);
  free(link);
  return st;
}

static void mark_set(const cw_geometry *g, const cw_link_set *set, bool *mark) {
  for (long i = 0; i < set->n; i++) mark[g->outer[set->link[i] / g->lat.dim]] = true;
}

static cw_status mark_sites(cw_context *ctx, const cw_theory *th, const cw_levels *levels,
                            const cw_footprint_maps *maps, bool *mark) {
  cw_link_set moved;
  cw_status of_maps = links_of_maps(ctx, &th->geom->lat, maps, false, &moved);
  if (of_maps == CW_OK) mark_set(th->geom, &moved, mark);
  cw_link_set_destroy(&moved);
  CW_TRY(of_maps);
  for (int l = 0; l < levels->n; l++) {
    cw_link_set links;
    cw_status st = cw_level_links(ctx, th, levels, l, &links);
    if (st == CW_OK) mark_set(th->geom, &links, mark);
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

/* The sites of the links of levels and maps, or all. */
static cw_status open_runs(cw_context *ctx, const cw_theory *th, const cw_levels *levels,
                           const cw_footprint_maps *maps, bool local, cw_footprint *f) {
  const long n = th->geom->n_outer;
  bool *mark = malloc((size_t)n * sizeof *mark);
  f->run = cw_alloc((size_t)(n / 2 + 1) * sizeof *f->run);
  cw_status st = mark != NULL && f->run != NULL
                     ? CW_OK
                     : cw_fail(ctx, CW_ENOMEM, "no memory for the sites of moves");
  if (st == CW_OK) memset(mark, !local, (size_t)n * sizeof *mark);
  if (st == CW_OK && local) st = mark_sites(ctx, th, levels, maps, mark);
  if (st == CW_OK) find_runs(mark, n, f);
  free(mark);
  return st;
}

/* The links of all levels, of the defect and those that maps read, with their plaquettes. */
static cw_status open_patch(cw_context *ctx, const cw_theory *th, const cw_levels *levels,
                            const cw_footprint_maps *maps, cw_patch *out) {
  cw_link_set set[CW_MAX_LEVELS + 2] = {{.n = 0}};
  cw_status st = cw_theory_defect(ctx, th, &set[levels->n]);
  if (st == CW_OK) st = links_of_maps(ctx, &th->geom->lat, maps, true, &set[levels->n + 1]);
  for (int l = 0; l < levels->n && st == CW_OK; l++)
    st = cw_level_links(ctx, th, levels, l, &set[l]);
  if (st == CW_OK) st = cw_patch_create(ctx, th->geom, levels->n + 2, set, out);
  for (int l = 0; l <= levels->n + 1; l++) cw_link_set_destroy(&set[l]);
  return st;
}

/* Of maps that move some links of a theory which can weigh those by themselves. */
static cw_status open_part(cw_context *ctx, const cw_theory *th, const cw_footprint_maps *maps,
                           cw_footprint *f) {
  bool any = false, all = false;
  for (int k = 0; k < maps->n; k++)
    for (int i = 0; i < maps->program[k].n; i++) {
      const cw_move *m = &maps->program[k].move[i];
      if (m->kind != CW_MOVE_TRANSPORT) continue;
      any = true;
      all = all || (m->map != NULL ? m->map : &maps->map[k])->moves == NULL;
    }
  if (!any || all || th->ops->part_open == NULL) return CW_OK;
  cw_link_set moved;
  cw_status st = links_of_maps(ctx, &th->geom->lat, maps, false, &moved);
  if (st == CW_OK) st = th->ops->part_open(ctx, th, &moved, &f->part);
  cw_link_set_destroy(&moved);
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
                            const cw_levels *levels, const cw_footprint_maps *maps, bool local,
                            cw_footprint *out) {
  *out = (cw_footprint){.on_patch = local && can_patch(ladder, sampler), .of = ladder->th->ops};
  CW_TRY(open_part(ctx, ladder->th, maps, out));
  return out->on_patch ? open_patch(ctx, ladder->th, levels, maps, &out->patch)
                       : open_runs(ctx, ladder->th, levels, maps, local, out);
}

void cw_footprint_close(cw_footprint *f) {
  if (f->part != NULL) f->of->part_close(f->part);
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
