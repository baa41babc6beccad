/* Weighted configurations on a ladder: the moves that carry them and change their weights. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/population.h"

/* --------------------------------------------------------- create and start */

static long lanes_of(const cw_population *p) { return p->x.n_blocks * p->x.B; }

int cw_population_threads(const cw_population *p) {
  return p->x.n_blocks < cw_threads(p->ctx) ? (int)p->x.n_blocks : cw_threads(p->ctx);
}

static cw_status create_mine(cw_population *p) {
  const cw_theory *th = p->ladder->th;
  CW_TRY(cw_field_deal(p->ctx, th->geom, th->n_comp, p->n, "particles", &p->x));
  size_t lanes = (size_t)lanes_of(p);
  p->lw = cw_alloc(lanes * sizeof *p->lw);
  p->T = cw_alloc(lanes * (size_t)th->ops->n_terms * sizeof *p->T);
  p->ancestor = cw_alloc((size_t)p->x.n_config * sizeof *p->ancestor);
  p->all = cw_alloc((size_t)p->n * sizeof *p->all);
  p->arena = cw_arena_create(4 * lanes * sizeof(double));
  if (!p->lw || !p->T || !p->ancestor || !p->all || !p->arena)
    return cw_fail(p->ctx, CW_ENOMEM, "no memory for %ld particles", p->n);
  return CW_OK;
}

cw_status cw_population_create(cw_context *ctx, const cw_ladder *ladder, long n,
                               cw_population *out) {
  *out = (cw_population){.ctx = ctx, .ladder = ladder, .n = n};
  if (n < 1 || n > INT32_MAX) /* their numbers key random draws */
    return cw_fail(ctx, CW_EINVAL, "a population of %ld particles: expected 1 to %d", n, INT32_MAX);
  return cw_agree(ctx, create_mine(out));
}

void cw_population_destroy(cw_population *p) {
  cw_field_destroy(&p->x);
  free(p->lw);
  free(p->T);
  free(p->ancestor);
  free(p->all);
  cw_arena_destroy(p->arena);
  *p = (cw_population){0};
}

void cw_population_start(cw_population *p, const cw_field *start) {
  CW_REQUIRE(start->n_config == p->x.n_config && start->first_chain == p->x.first_chain &&
             start->geom->V == p->x.geom->V);
  cw_field_copy(&p->x, start);
  memset(p->lw, 0, (size_t)lanes_of(p) * sizeof *p->lw);
  for (long i = 0; i < p->x.n_config; i++) p->ancestor[i] = p->x.first_chain + i;
  p->rung = 0;
  p->known = 0;
  p->lnz = 0;
}

/* ------------------------------------------------------------------- moves */

/* Terms of a set at x, unless they are known already. */
static void know_terms(cw_population *p, unsigned set) {
  if ((set & ~p->known) == 0) return;
#pragma omp parallel for num_threads(cw_population_threads(p)) schedule(static)
  for (long b = 0; b < p->x.n_blocks; b++) {
    cw_field block = cw_field_block(&p->x, b);
    cw_ladder_terms(p->ladder, set, &block, p->T + b * p->x.B * p->ladder->th->ops->n_terms);
  }
  p->known = set;
}

/* S (n_blocks*B) at x on the present rung. */
static void know_action(cw_population *p, double *S) {
  const double *c = p->ladder->c[p->rung];
  int n_terms = p->ladder->th->ops->n_terms;
  unsigned set = 0;
  for (int k = 0; k < n_terms; k++) set |= c[k] != 0 ? 1u << k : 0;
  know_terms(p, set);
  for (long i = 0; i < lanes_of(p); i++) {
    S[i] = 0;
    for (int k = 0; k < n_terms; k++)
      if (c[k] != 0) S[i] += c[k] * p->T[i * n_terms + k];
  }
}

/* A particle that went astray must not hide in an average. -inf is a weight, of 0. */
static cw_status check_weights(const cw_population *p, const char *move) {
  for (long i = 0; i < p->x.n_config; i++)
    if (!(p->lw[i] < INFINITY))
      return cw_fail(p->ctx, CW_ENUMERIC, "%s on rung %d: the weight of particle %ld is not finite",
                     move, p->rung, p->x.first_chain + i);
  return CW_OK;
}

/* One number per lane each. Scratch; the caller rewinds. */
static cw_status lane_arrays(cw_population *p, int n, double **array) {
  for (int i = 0; i < n; i++) {
    array[i] = cw_arena_alloc(p->arena, (size_t)lanes_of(p) * sizeof(double));
    if (array[i] == NULL) return cw_fail(p->ctx, CW_ENOMEM, "no memory for %ld particles", p->n);
  }
  return CW_OK;
}

static cw_status transport(cw_population *p, const cw_map *map) {
  double *array[3];
  CW_TRY(lane_arrays(p, 3, array));
  double *before = array[0], *after = array[1], *logj = array[2];
  know_action(p, before);
  p->known = 0;
  CW_TRY(map->apply(map, p->ctx, &p->x, logj, false));
  know_action(p, after);
  for (long i = 0; i < lanes_of(p); i++) p->lw[i] += logj[i] - (after[i] - before[i]);
  return check_weights(p, "transport");
}

cw_status cw_transport(cw_population *p, const cw_map *map) {
  cw_arena_mark mark = cw_arena_save(p->arena);
  cw_status st = transport(p, map);
  cw_arena_rewind(p->arena, mark);
  return st;
}

static cw_status retarget(cw_population *p, int rung) {
  double *dS;
  CW_TRY(lane_arrays(p, 1, &dS));
  know_terms(p, cw_ladder_changes(p->ladder, p->rung, rung));
  cw_ladder_difference(p->ladder, p->rung, rung, &p->x, p->T, dS);
  for (long i = 0; i < lanes_of(p); i++) p->lw[i] -= dS[i];
  return CW_OK;
}

cw_status cw_retarget(cw_population *p, int rung) {
  CW_REQUIRE(rung >= 0 && rung < p->ladder->n);
  cw_arena_mark mark = cw_arena_save(p->arena);
  cw_status st = retarget(p, rung);
  cw_arena_rewind(p->arena, mark);
  CW_TRY(st);
  p->rung = rung;
  return check_weights(p, "retarget");
}

/* sum[i] of the steps' acceptances; the last step's in one. */
static cw_status steps(cw_population *p, cw_sampler *sampler, cw_rng rng, uint32_t step0,
                       long n_steps, double *one, double *sum) {
  cw_step_stats stats = {.accept = one};
  for (long t = 0; t < n_steps; t++) {
    CW_TRY(sampler->ops->step(sampler, p->ladder->c[p->rung], &p->x, rng, step0 + (uint32_t)t,
                              one != NULL ? &stats : NULL));
    if (one != NULL)
      for (long i = 0; i < p->x.n_config; i++) sum[i] += one[i];
  }
  return CW_OK;
}

cw_status cw_mutate(cw_population *p, cw_sampler *sampler, cw_rng rng, uint32_t step0, long n_steps,
                    double *accept) {
  double *array[2];
  if (n_steps > 0) p->known = 0;
  if (accept == NULL) return steps(p, sampler, rng, step0, n_steps, NULL, NULL);
  cw_arena_mark mark = cw_arena_save(p->arena);
  cw_status st = lane_arrays(p, 2, array);
  if (st == CW_OK) {
    memset(array[1], 0, (size_t)lanes_of(p) * sizeof(double));
    st = steps(p, sampler, rng, step0, n_steps, array[0], array[1]);
  }
  st = cw_agree(p->ctx, st);
  if (st == CW_OK) {
    cw_allgather(p->ctx, array[1], p->x.n_config, p->all);
    *accept = cw_sum(p->all, (size_t)p->n) / (double)p->n / (double)n_steps;
  }
  cw_arena_rewind(p->arena, mark);
  return st;
}

/* ----------------------------------------------------------------- estimates */

void cw_population_weights(cw_population *p, double *all) {
  cw_allgather(p->ctx, p->lw, p->x.n_config, all);
}

double cw_population_shares(cw_population *p) {
  cw_population_weights(p, p->all);
  double lnsum = cw_logsumexp(p->all, (size_t)p->n);
  for (long i = 0; i < p->n; i++) p->all[i] = exp(p->all[i] - lnsum);
  return lnsum;
}

double cw_ess_of_shares(const double *share, long n) {
  return fmin(1 / ((double)n * cw_dot(share, share, (size_t)n)), 1);
}

double cw_population_ess(cw_population *p) {
  cw_population_shares(p);
  return cw_ess_of_shares(p->all, p->n);
}

double cw_population_lnz(cw_population *p) {
  return p->lnz + cw_population_shares(p) - log((double)p->n);
}
