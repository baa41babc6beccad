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

cw_status cw_put_pieces(cw_case *c, cw_arrays *set, long pieces) {
  const double n = (double)pieces;
  return cw_put_alike(c, set, "state.pieces", 0, NULL, &n);
}

cw_status cw_get_pieces(cw_stage *s, cw_case *c, const cw_arrays *last, long wanted, long each,
                        long *pieces) {
  *pieces = (long)cw_arrays_scalar(last, "state.pieces", -1);
  if (*pieces < 0 || cw_steps_of(*pieces, each) != s->done)
    return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint of '%s' does not fit the job",
                   cw_store_dir(c->store), s->name);
  if (*pieces < wanted) s->done = *pieces / each;
  return CW_OK;
}

static long chains_per_block(const cw_case *c) { return CW_LANES / c->geom->V; }

/* (ranks)(rows, mine, inner) as the ranks send it -> (rows, n_chain, inner). */
static void interleave(const cw_case *c, const double *sent, long rows, long n_chain, long inner,
                       double *out) {
  for (int r = 0; r < cw_ranks(c->ctx); r++) {
    long first, n;
    cw_field_share(c->ctx, n_chain, chains_per_block(c), r, &first, &n);
    for (long i = 0; i < rows; i++, sent += n * inner)
      memcpy(out + (i * n_chain + first) * inner, sent, (size_t)(n * inner) * sizeof *out);
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

cw_status cw_measure_groups(cw_case *c, const cw_field *x, long rows,
                            cw_record primary[CW_MAX_GROUPS]) {
  for (int g = 0; g < c->plan->n_groups; g++) {
    const cw_observer *o = &c->observer[g];
    if ((rows + 1) % c->plan->group[g].every != 0) continue;
    double *row = cw_record_row(&primary[g], x->n_config * o->ops->n_primary(o));
    if (row == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
    CW_TRY(cw_measure(c->ctx, o, x, row, c->work));
  }
  return CW_OK;
}

cw_status cw_put_groups(cw_case *c, cw_arrays *set, cw_record primary[CW_MAX_GROUPS],
                        long n_chain) {
  for (int g = 0; g < c->plan->n_groups; g++) {
    char name[64];
    const cw_observer *o = &c->observer[g];
    cw_primary_name(c->plan, g, name);
    CW_TRY(cw_put_chains(c, set, name, &primary[g], n_chain, o->ops->n_primary(o)));
    CW_TRY(cw_note_columns(c, set, name, g));
  }
  return CW_OK;
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
