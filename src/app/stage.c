#include "app/stage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/signals.h"

/* ---- a case ---- */

/* Less work than it takes to wake the other threads. Measured: half the links of one direction of a
 * block, one parallel region, must be worth some 20 microseconds. */
static bool block_is_small(const cw_geometry *geom, const cw_theory_ops *theory) {
  return geom->n_outer * cw_kind(theory->kind)->n_real < 2048;
}

cw_status cw_case_open(cw_context *ctx, const cw_plan *plan, cw_store *store, cw_case *out) {
  long threads = (long)cw_ranks(ctx) * cw_threads(ctx);
  *out = (cw_case){.ctx = ctx, .plan = plan, .store = store};
  CW_TRY(cw_geometry_create(ctx, &plan->lat, cw_plan_split(plan, threads), &out->geom));
  CW_TRY(cw_theory_create(ctx, plan->theory, out->geom, plan->form, plan->param, &out->theory));
  if (block_is_small(out->geom, plan->theory)) out->theory.threads = 1;
  for (int g = 0; g < plan->n_groups; g++)
    out->observer[g] = cw_observer_make(plan->group[g].ops, &out->theory, plan->group[g].param);
  out->work = cw_arena_create(0);
  if (out->work == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for measurements");
  if (!plan->has_model) return CW_OK;
  CW_TRY(cw_model_create(ctx, &plan->model, out->geom, &out->model));
  cw_model_init(out->model, plan->seed);
  cw_model_set_couplings(out->model, out->theory.ops, out->theory.c);
  return cw_start_parameters(out, &plan->start, "train", &plan->model, 1, &out->model);
}

void cw_case_close(cw_case *c) {
  for (int i = 0; i < CW_MAX_WALKS; i++) cw_flows_destroy(&c->flows[i]);
  cw_model_destroy(c->model);
  cw_arena_destroy(c->work);
  cw_theory_destroy(&c->theory);
  cw_geometry_destroy(c->geom);
  *c = (cw_case){0};
}

cw_rng cw_case_rng(const cw_case *c, const char *stage) {
  char name[160];
  cw_stage_name(c->plan, stage, name);
  return cw_rng_stream(c->plan->seed, name);
}

cw_status cw_case_ladder(const cw_case *c, bool reverse, cw_ladder *out) {
  const cw_ladder_plan *l = &c->plan->ladder;
  double(*param)[CW_MAX_PARAMS] = malloc((size_t)l->n * sizeof *param);
  if (param == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a ladder");
  for (int r = 0; r < l->n; r++)
    memcpy(param[r], l->param[reverse ? l->n - 1 - r : r], sizeof *param);
  cw_status st =
      cw_ladder_create(c->ctx, &c->theory, l->n, (const double(*)[CW_MAX_PARAMS])param, out);
  free(param);
  return st;
}

/* ---- the driver ---- */

typedef struct {
  char name[160];
  double began; /* of the running segment */
} driver;

/* Only where there is a doubt: other stores hold no such arrays. */
static cw_status put_doubt(cw_case *c, cw_arrays *set) {
  CW_TRY(cw_arrays_put_scalar(c->ctx, set, "start.off_group", c->doubt.off_group));
  CW_TRY(cw_arrays_put_scalar(c->ctx, set, "start.ignored", (double)c->doubt.ignored));
  c->doubt = (cw_start_doubt){.any = false};
  return CW_OK;
}

static cw_status checkpoint(cw_case *c, cw_stage *s, driver *d, long done) {
  cw_arrays set = {0};
  cw_status st = cw_agree(c->ctx, s->save(s, c, &set));
  double now = cw_wall_seconds();
  if (st == CW_OK) st = cw_arrays_put_scalar(c->ctx, &set, "state.step", (double)done);
  if (st == CW_OK) st = cw_arrays_put_scalar(c->ctx, &set, "timing.seconds", now - d->began);
  if (st == CW_OK && c->doubt.any) st = put_doubt(c, &set);
  if (st == CW_OK) st = cw_store_append(c->store, d->name, &set);
  cw_arrays_clear(&set);
  d->began = now;
  return st;
}

static cw_status resume(cw_case *c, cw_stage *s, const driver *d, long *step) {
  *step = 0;
  if (cw_store_segments(c->store, d->name) == 0) return CW_OK;
  cw_arrays last = {0};
  cw_status st = cw_store_read(c->store, d->name, -1, &last);
  if (st == CW_OK) {
    *step = (long)cw_arrays_scalar(&last, "state.step", 0);
    st = s->load(s, c, &last);
  }
  cw_arrays_clear(&last);
  return st;
}

/* Rank 0 looks at its clock and its signals; all ranks do as it says. */
enum { GO_ON, WRITE, WRITE_AND_STOP };
static int what_now(cw_case *c, const driver *d) {
  int word = GO_ON;
  if (cw_wall_seconds() - d->began > c->plan->checkpoint) word = WRITE;
  if (cw_stop_wanted()) word = WRITE_AND_STOP;
  cw_broadcast(c->ctx, &word, sizeof word);
  return word;
}

static cw_status drive(cw_case *c, cw_stage *s, driver *d, long from) {
  char note[96] = "";
  for (long step = from; step < s->n_steps; step++) {
    CW_TRY(cw_agree(c->ctx, s->step(s, c, step)));
    if (s->note) s->note(s, note, sizeof note);
    cw_progress_update(c->ctx, (double)(step + 1), "%s", note);
    bool last = step + 1 == s->n_steps;
    int word = what_now(c, d);
    if (last || s->every_step || word != GO_ON) CW_TRY(checkpoint(c, s, d, step + 1));
    if (word == WRITE_AND_STOP && !last)
      return cw_fail(c->ctx, CW_EINTERRUPTED,
                     "stopped in stage '%s' after step %ld of %ld; --resume goes on from there",
                     d->name, step + 1, s->n_steps);
  }
  return CW_OK;
}

cw_status cw_stage_run(cw_case *c, cw_stage *s) {
  driver d = {.began = cw_wall_seconds()};
  long from;
  cw_stage_name(c->plan, s->name, d.name);
  CW_TRY(cw_agree(c->ctx, resume(c, s, &d, &from)));
  if (from >= s->n_steps) return CW_OK;
  cw_progress_begin(c->ctx, d.name, (double)s->n_steps);
  cw_status st = drive(c, s, &d, from);
  cw_progress_end(c->ctx);
  return st;
}

/* ---- records ---- */

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

cw_status cw_record_put(cw_case *c, cw_arrays *set, const char *name, cw_record *r, int rank) {
  long dim[2] = {r->n, r->width};
  if (r->n == 0) return CW_OK;
  cw_status st = cw_arrays_put(c->ctx, set, name, rank, dim, r->data);
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

cw_status cw_my_chains(const cw_case *c, long n_chain, long *first, long *n_mine) {
  long B = chains_per_block(c), blocks = (n_chain + B - 1) / B, begin, end;
  if (blocks < cw_ranks(c->ctx))
    return cw_fail(c->ctx, CW_EINVAL, "%ld chains are %ld blocks of %ld, too few for %d ranks",
                   n_chain, blocks, B, cw_ranks(c->ctx));
  cw_rank_share(c->ctx, blocks, &begin, &end);
  *first = begin * B;
  *n_mine = (end * B < n_chain ? end * B : n_chain) - *first;
  return CW_OK;
}

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

/* All ranks' rows, in the order of chains; NULL: no memory. The caller frees it. */
static double *gather_chains(cw_case *c, const cw_record *r, long n_chain, long inner) {
  size_t n = (size_t)(r->n * n_chain * inner);
  double *sent = malloc((n + 1) * sizeof *sent), *all = malloc((n + 1) * sizeof *all);
  if (sent && all) {
    cw_allgather(c->ctx, r->data, r->n * r->width, sent);
    interleave(c, sent, r->n, n_chain, inner, all);
  } else {
    free(all);
    all = NULL;
  }
  free(sent);
  return all;
}

cw_status cw_put_chains(cw_case *c, cw_arrays *set, const char *name, cw_record *r, long n_chain,
                        long inner) {
  long dim[3] = {r->n, n_chain, inner};
  double *all = gather_chains(c, r, n_chain, inner > 0 ? inner : 1);
  if (all == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for '%s'", name);
  cw_status st = cw_arrays_put(c->ctx, set, name, inner > 0 ? 3 : 2, dim, all);
  free(all);
  r->n = 0;
  return st;
}

cw_status cw_put_chain_means(cw_case *c, cw_arrays *set, const char *name, cw_record *r,
                             long n_chain) {
  double *all = gather_chains(c, r, n_chain, 1);
  if (all == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for '%s'", name);
  for (long i = 0; i < r->n; i++)
    all[i] = cw_sum(all + i * n_chain, (size_t)n_chain) / (double)n_chain;
  cw_status st = cw_arrays_put(c->ctx, set, name, 1, &r->n, all);
  free(all);
  r->n = 0;
  return st;
}

double cw_mean_over_chains(cw_case *c, long n_chain, const double *mine, long n_mine) {
  double *all = malloc((size_t)n_chain * sizeof *all);
  if (all == NULL) return NAN;
  cw_allgather(c->ctx, mine, n_mine, all);
  double mean = cw_sum(all, (size_t)n_chain) / (double)n_chain;
  free(all);
  return mean;
}

void cw_copy_out(const cw_field *x, long i, double *out) {
  for (long s = 0; s < x->geom->n_sites; s++)
    for (int k = 0; k < x->n_comp; k++) out[s * x->n_comp + k] = cw_field_get(x, i, s, k);
}

void cw_copy_in(cw_field *x, long i, const double *in) {
  for (long s = 0; s < x->geom->n_sites; s++)
    for (int k = 0; k < x->n_comp; k++) cw_field_set(x, i, s, k, in[s * x->n_comp + k]);
}

/* Chains lie in rank order, so that what the ranks send one after another is in order. */
cw_status cw_put_field(cw_case *c, cw_arrays *set, const char *name, const cw_field *x,
                       long n_chain) {
  long size = x->geom->n_sites * x->n_comp, dim[3] = {n_chain, x->geom->n_sites, x->n_comp};
  double *all = malloc((size_t)(n_chain * size) * sizeof *all);
  if (all == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for '%s'", name);
  double *mine = all + x->first_chain * size;
  for (long i = 0; i < x->n_config; i++) cw_copy_out(x, i, mine + i * size);
  cw_allgather(c->ctx, mine, x->n_config * size, all);
  cw_status st = cw_arrays_put(c->ctx, set, name, x->n_comp > 1 ? 3 : 2, dim, all);
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
