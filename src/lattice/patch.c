/* Patches: some links of a lattice, copied out of fields and back. */
#include <stdlib.h>
#include <string.h>

#include "causeway/lattice.h"

static void mark_links(const cw_link_set *set, int32_t *mark) {
  long around[CW_LINKS_AROUND];
  for (long i = 0; i < set->n; i++) {
    const int n = cw_link_staples(&set->lat, set->link[i], around);
    mark[set->link[i]] = 1;
    for (int k = 0; k < n; k++) mark[around[k]] = 1;
  }
}

/* Places in the order of rows, and in these of lanes: where several are read together. */
static void number_places(cw_patch *p) {
  const cw_geometry *g = p->geom;
  const int dim = g->lat.dim;
  long n = 0;
  for (long row = 0; row < g->n_outer * dim; row++)
    for (int v = 0; v < g->V; v++) {
      const long link = (long)g->site[row / dim * g->V + v] * dim + row % dim;
      if (p->place[link] < 0) continue;
      p->row[n] = (uint32_t)row;
      p->group[n] = v;
      p->place[link] = (int32_t)n++;
    }
}

cw_status cw_patch_create(cw_context *ctx, const cw_geometry *geom, int n_sets,
                          const cw_link_set *sets, cw_patch *out) {
  const long n_links = geom->n_sites * geom->lat.dim;
  *out = (cw_patch){.geom = geom, .place = cw_alloc((size_t)n_links * sizeof *out->place)};
  if (out->place == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a patch of links");
  for (long i = 0; i < n_links; i++) out->place[i] = -1;
  for (int s = 0; s < n_sets; s++) mark_links(&sets[s], out->place);
  for (long i = 0; i < n_links; i++) out->n += out->place[i] >= 0;
  out->row = cw_alloc((size_t)out->n * sizeof *out->row);
  out->group = cw_alloc((size_t)out->n * sizeof *out->group);
  if (out->row == NULL || out->group == NULL)
    return cw_fail(ctx, CW_ENOMEM, "no memory for a patch of links");
  number_places(out);
  return CW_OK;
}

void cw_patch_destroy(cw_patch *patch) {
  free(patch->place);
  free(patch->row);
  free(patch->group);
  *patch = (cw_patch){0};
}

cw_status cw_field_create_patch(cw_context *ctx, const cw_patch *patch, const cw_field *x,
                                cw_field *out) {
  *out = *x;
  out->patch = patch;
  out->data = cw_alloc((size_t)x->n_blocks * cw_field_block_size(out) * sizeof *out->data);
  out->owns_data = out->data != NULL;
  return out->data != NULL ? CW_OK : cw_fail(ctx, CW_ENOMEM, "no memory for a patch of links");
}

/* The numbers of a link and configuration of one block, CW_LANES apart, and those side by side. */
static double *in_field(const cw_field *x, const cw_patch *p, long n_real, long place,
                        long config) {
  return x->data + (long)p->row[place] * n_real * CW_LANES + p->group[place] * x->B + config;
}

static double *in_patch(const cw_field *patch, long n_real, long place, long config) {
  return patch->data + (place * patch->B + config) * n_real;
}

void cw_field_to_patch(cw_field *patch, const cw_field *x) {
  const cw_patch *p = patch->patch;
  const long n_real = x->n_comp / x->geom->lat.dim;
  for (long b = 0; b < x->n_blocks; b++) {
    const cw_field from = cw_field_block(x, b), to = cw_field_block(patch, b);
    for (long i = 0; i < p->n; i++)
      for (long config = 0; config < from.n_config; config++) {
        const double *there = in_field(&from, p, n_real, i, config);
        double *here = in_patch(&to, n_real, i, config);
        for (long k = 0; k < n_real; k++) here[k] = there[k * CW_LANES];
      }
  }
}

void cw_field_from_patch(cw_field *x, const cw_field *patch, const bool *go) {
  const cw_patch *p = patch->patch;
  const long n_real = x->n_comp / x->geom->lat.dim;
  for (long b = 0; b < x->n_blocks; b++) {
    const cw_field to = cw_field_block(x, b), from = cw_field_block(patch, b);
    for (long i = 0; i < p->n; i++)
      for (long config = 0; config < to.n_config; config++) {
        if (go != NULL && !go[b * x->B + config]) continue;
        const double *here = in_patch(&from, n_real, i, config);
        double *there = in_field(&to, p, n_real, i, config);
        for (long k = 0; k < n_real; k++) there[k * CW_LANES] = here[k];
      }
  }
}
