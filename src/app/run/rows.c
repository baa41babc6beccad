/* Rows recorded between checkpoints, and configurations, of all ranks. */
#include <stdlib.h>
#include <string.h>

#include "app/run/stage.h"

double *cw_record_row(cw_record *r, long width) {
  CW_REQUIRE(r->n == 0 || r->width == width);
  if (r->n == r->capacity || r->width != width) {
    long capacity = r->capacity > 0 ? 2 * r->capacity : 64;
    double *data = realloc(r->data, (size_t)(capacity * width) * sizeof *data);
    if (data == NULL) return NULL;
    r->data = data;
    r->capacity = capacity;
    r->width = width;
  }
  return r->data + r->width * r->n++;
}

cw_status cw_put_alike(cw_case *c, cw_arrays *set, const char *name, int rank, const long *dim,
                       const double *data) {
  return cw_agree(c->ctx, cw_arrays_put(c->ctx, set, name, rank, dim, data));
}

cw_status cw_record_put(cw_case *c, cw_arrays *set, const char *name, cw_record *r, int rank) {
  long dim[2] = {r->n, r->width};
  if (r->n == 0) return CW_OK;
  cw_status st = cw_put_alike(c, set, name, rank, dim, r->data);
  r->n = 0;
  return st;
}

void cw_record_free(cw_record *r) {
  free(r->data);
  *r = (cw_record){0};
}

int cw_block_threads(const cw_case *c, const cw_field *x) {
  return x->n_blocks < cw_threads(c->ctx) ? (int)x->n_blocks : cw_threads(c->ctx);
}

static long chains_per_block(const cw_case *c) { return CW_LANES / c->geom->V; }

/* (ranks)(rows, mine, inner) as the ranks send it -> (rows, n_chain, inner). */
static void interleave(const cw_case *c, const double *sent, long rows, long n_chain, long inner,
                       double *out) {
  long B = chains_per_block(c), blocks = (n_chain + B - 1) / B, first = 0;
  int ranks = cw_ranks(c->ctx);
  for (int r = 0; r < ranks; r++) {
    long end = blocks * (r + 1) / ranks * B;
    if (end > n_chain) end = n_chain;
    size_t bytes = (size_t)((end - first) * inner) * sizeof *out;
    for (long i = 0; i < rows; i++, sent += (end - first) * inner)
      memcpy(out + (i * n_chain + first) * inner, sent, bytes);
    first = end;
  }
}

/* CW_ENOMEM, on all ranks, if one of them has no room. Collective. */
static cw_status agree_on_room(cw_case *c, const char *name, bool room) {
  return cw_agree(c->ctx, room ? CW_OK : cw_fail(c->ctx, CW_ENOMEM, "no memory for '%s'", name));
}

/* All ranks' rows, in the order of chains, which the caller frees in any case. Collective. */
static cw_status gather_chains(cw_case *c, const char *name, const cw_record *r, long n_chain,
                               long inner, double **out) {
  size_t n = (size_t)(r->n * n_chain * inner);
  double *sent = malloc((n + 1) * sizeof *sent), *all = *out = malloc((n + 1) * sizeof *all);
  cw_status st = agree_on_room(c, name, sent != NULL && all != NULL);
  if (st == CW_OK) {
    cw_allgather(c->ctx, r->data, r->n * r->width, sent);
    interleave(c, sent, r->n, n_chain, inner, all);
  }
  free(sent);
  return st;
}

cw_status cw_put_chains(cw_case *c, cw_arrays *set, const char *name, cw_record *r, long n_chain,
                        long inner) {
  long dim[3] = {r->n, n_chain, inner};
  double *all;
  cw_status st = gather_chains(c, name, r, n_chain, inner > 0 ? inner : 1, &all);
  if (st == CW_OK) st = cw_put_alike(c, set, name, inner > 0 ? 3 : 2, dim, all);
  free(all);
  r->n = 0;
  return st;
}

cw_status cw_put_chain_means(cw_case *c, cw_arrays *set, const char *name, cw_record *r,
                             long n_chain) {
  double *all;
  cw_status st = gather_chains(c, name, r, n_chain, 1, &all);
  for (long i = 0; st == CW_OK && i < r->n; i++)
    all[i] = cw_sum(all + i * n_chain, (size_t)n_chain) / (double)n_chain;
  if (st == CW_OK) st = cw_put_alike(c, set, name, 1, &r->n, all);
  free(all);
  r->n = 0;
  return st;
}

/* Chains lie in rank order, so that what the ranks send one after another is in order. */
cw_status cw_put_field(cw_case *c, cw_arrays *set, const char *name, const cw_field *x,
                       long n_chain) {
  long size = x->geom->n_sites * x->n_comp, dim[3] = {n_chain, x->geom->n_sites, x->n_comp};
  double *all = malloc((size_t)(n_chain * size) * sizeof *all);
  cw_status st = agree_on_room(c, name, all != NULL);
  if (st == CW_OK) {
    double *mine = all + x->first_chain * size;
    for (long i = 0; i < x->n_config; i++) cw_copy_out(x, i, mine + i * size);
    cw_allgather(c->ctx, mine, x->n_config * size, all);
    st = cw_put_alike(c, set, name, x->n_comp > 1 ? 3 : 2, dim, all);
  }
  free(all);
  return st;
}

cw_status cw_get_field(cw_case *c, const cw_arrays *set, const char *name, cw_field *x) {
  const cw_array *a = cw_arrays_get(set, name);
  long sites = x->geom->n_sites, size = sites * x->n_comp;
  if (a == NULL || a->rank != (x->n_comp > 1 ? 3 : 2) || a->dim[1] != sites ||
      (a->rank == 3 && a->dim[2] != x->n_comp) || a->dim[0] < x->first_chain + x->n_config)
    return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint's array '%s' does not fit the job",
                   cw_store_dir(c->store), name);
  cw_kind(c->theory.ops->kind)->cold(x); /* lanes without a chain */
  for (long i = 0; i < x->n_config; i++) cw_copy_in(x, i, a->data + (x->first_chain + i) * size);
  return CW_OK;
}
