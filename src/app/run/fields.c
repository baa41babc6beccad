/* Configurations of all ranks in the store and back, site by site, without a copy of them all where there is one rank. */
#include <stdlib.h>
#include <string.h>

#include "app/run/stage.h"

/* ---- one configuration ---- */

void cw_copy_out(const cw_field *x, long i, double *out) {
  const cw_geometry *g = x->geom;
  const long n = x->n_comp;
  const double *lane = cw_field_lane(x, i);
  for (long o = 0; o < g->n_outer; o++, lane += n * CW_LANES)
    for (int v = 0; v < g->V; v++) {
      double *site = out + (long)g->site[o * g->V + v] * n;
      for (long k = 0; k < n; k++) site[k] = lane[k * CW_LANES + v * x->B];
    }
}

void cw_copy_in(cw_field *x, long i, const double *in) {
  const cw_geometry *g = x->geom;
  const long n = x->n_comp;
  double *lane = cw_field_lane(x, i);
  for (long o = 0; o < g->n_outer; o++, lane += n * CW_LANES)
    for (int v = 0; v < g->V; v++) {
      const double *site = in + (long)g->site[o * g->V + v] * n;
      for (long k = 0; k < n; k++) lane[k * CW_LANES + v * x->B] = site[k];
    }
}

/* ---- those of all chains ---- */

static long configuration_size(const cw_case *c) { return c->geom->n_sites * c->theory.n_comp; }

bool cw_holds_field(const cw_array *shape) {
  const char *last = strrchr(shape->name, '.');
  return strncmp(shape->name, "state.", 6) == 0 && last[1] == 'x' &&
         last[2 + strspn(last + 2, "0123456789")] == '\0';
}

static void rows_of_field(const void *of, long first, long n, double *out) {
  const cw_field *x = of;
  const long size = x->geom->n_sites * x->n_comp;
  for (long i = 0; i < n; i++) cw_copy_out(x, first + i, out + i * size);
}

/* Chains lie in rank order, so that what the ranks send one after another is in order. */
static cw_status gather_field(cw_case *c, cw_arrays *set, const cw_array *shape,
                              const cw_field *x) {
  const size_t size = (size_t)configuration_size(c), n_mine = x != NULL ? (size_t)x->n_config : 0;
  double *all = malloc((size_t)cw_array_size(shape) * sizeof *all);
  cw_status st = cw_agree(
      c->ctx, all != NULL ? CW_OK : cw_fail(c->ctx, CW_ENOMEM, "no memory for '%s'", shape->name));
  if (st != CW_OK) {
    free(all);
    return st;
  }
  double *mine = x != NULL ? all + (size_t)x->first_chain * size : all;
  if (x != NULL) rows_of_field(x, 0, x->n_config, mine);
  cw_allgather(c->ctx, mine, (long)(n_mine * size), all);
  return cw_agree(c->ctx, cw_arrays_give(c->ctx, set, shape->name, shape->rank, shape->dim, all));
}

cw_status cw_put_field(cw_case *c, cw_arrays *set, const char *name, const cw_field *x,
                       long n_chain) {
  cw_array shape = {.rank = c->theory.n_comp > 1 ? 3 : 2,
                    .dim = {n_chain, c->geom->n_sites, c->theory.n_comp}};
  CW_REQUIRE(strlen(name) < sizeof shape.name);
  memcpy(shape.name, name, strlen(name) + 1);
  CW_REQUIRE(cw_holds_field(&shape));
  if (cw_ranks(c->ctx) > 1) return gather_field(c, set, &shape, x);
  return cw_arrays_put_rows(c->ctx, set, name, shape.rank, shape.dim, rows_of_field, x);
}

/* The share of this rank. */
static void take_rows(void *of, long first, long n, const double *rows) {
  cw_field *x = of;
  const long size = x != NULL ? x->geom->n_sites * x->n_comp : 0;
  for (long i = first; x != NULL && i < first + n; i++)
    if (i >= x->first_chain && i < x->first_chain + x->n_config)
      cw_copy_in(x, i - x->first_chain, rows + (i - first) * size);
}

cw_status cw_get_field(cw_case *c, const cw_stage *s, const cw_arrays *last, const char *name,
                       cw_field *x, long n_chain) {
  const cw_array *a = cw_arrays_get(last, name);
  char stage[160];
  if (a == NULL || a->rank < 1 || a->dim[0] != n_chain ||
      cw_array_size(a) != n_chain * configuration_size(c))
    return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint's array '%s' does not fit the job",
                   cw_store_dir(c->store), name);
  if (x != NULL) cw_kind(c->theory.ops->kind)->cold(x); /* lanes without a chain */
  cw_stage_name(c->plan, s->name, stage);
  return cw_store_read_rows(c->store, stage, -1, a, take_rows, x);
}
