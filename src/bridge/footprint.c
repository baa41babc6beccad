#include "bridge/footprint.h"

#include <stdlib.h>
#include <string.h>

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

cw_status cw_footprint_open(cw_context *ctx, const cw_theory *th, const cw_levels *levels,
                            bool local, cw_footprint *out) {
  const long n = th->geom->n_outer;
  bool *mark = malloc((size_t)n * sizeof *mark);
  *out = (cw_footprint){.run = cw_alloc((size_t)(n / 2 + 1) * sizeof *out->run)};
  cw_status st = mark != NULL && out->run != NULL
                     ? CW_OK
                     : cw_fail(ctx, CW_ENOMEM, "no memory for the sites of moves");
  if (st == CW_OK) memset(mark, !local, (size_t)n * sizeof *mark);
  if (st == CW_OK && local) st = mark_sites(ctx, th, levels, mark);
  if (st == CW_OK) find_runs(mark, n, out);
  free(mark);
  return st;
}

void cw_footprint_close(cw_footprint *f) {
  free(f->run);
  *f = (cw_footprint){0};
}

/* --------------------------------------------------------------- what was there */

void cw_footprint_keep(const cw_footprint *f, const cw_field *x, cw_field *old) {
  const size_t row = (size_t)x->n_comp * CW_LANES, block = cw_field_block_size(x);
  for (long b = 0; b < x->n_blocks; b++)
    for (int i = 0; i < f->n_runs; i++) {
      const size_t at = (size_t)b * block + (size_t)f->run[i][0] * row;
      memcpy(old->data + at, x->data + at,
             (size_t)(f->run[i][1] - f->run[i][0]) * row * sizeof *old->data);
    }
}

void cw_footprint_restore(const cw_footprint *f, cw_field *x, const cw_field *old, const bool *go) {
  for (long b = 0; b < x->n_blocks; b++, go += x->B) {
    cw_field here = cw_field_block(x, b), there = cw_field_block(old, b);
    bool keep[CW_LANES] = {false}, all = true;
    for (long i = 0; i < here.n_config; i++) {
      all = all && go[i];
      for (int v = 0; v < CW_LANES; v += here.B) keep[v + i] = go[i];
    }
    for (int i = 0; i < f->n_runs && !all; i++)
      cw_field_restore(&here, &there, keep, f->run[i][0], f->run[i][1]);
  }
}
