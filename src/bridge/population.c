/* Weighted configurations on a ladder: the moves that carry them and change their weights. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/carried.h"
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
  p->work = cw_alloc(CW_CARRY_WORK * lanes * sizeof *p->work);
  p->arena = cw_arena_create(0);
  if (!p->lw || !p->T || !p->ancestor || !p->all || !p->work || !p->arena)
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
  free(p->work);
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
  memcpy(p->c, p->ladder->c[0], sizeof p->c);
  p->known = 0;
  p->lnz = 0;
}

/* ------------------------------------------------------------------- moves */

static cw_carried carried(cw_population *p) {
  return (cw_carried){.ctx = p->ctx,
                      .ladder = p->ladder,
                      .x = &p->x,
                      .c = p->c,
                      .lw = p->lw,
                      .T = p->T,
                      .known = &p->known,
                      .work = p->work};
}

/* A particle that went astray must not hide in an average. -inf is a weight, of 0. */
static cw_status check_weights(const cw_population *p, const char *move) {
  for (long i = 0; i < p->x.n_config; i++)
    if (!(p->lw[i] < INFINITY))
      return cw_fail(p->ctx, CW_ENUMERIC, "%s on rung %d: the weight of particle %ld is not finite",
                     move, p->rung, p->x.first_chain + i);
  return CW_OK;
}

cw_status cw_transport(cw_population *p, const cw_map *map) {
  cw_carried at = carried(p);
  CW_TRY(cw_carry(&at, map, false));
  return check_weights(p, "transport");
}

static cw_status retarget(cw_population *p, const double *c, int rung) {
  cw_carried at = carried(p);
  cw_retarget_to(&at, c);
  p->rung = rung;
  return check_weights(p, "retarget");
}

cw_status cw_retarget(cw_population *p, int rung) {
  CW_REQUIRE(rung >= 0 && rung < p->ladder->n);
  return retarget(p, p->ladder->c[rung], rung);
}

cw_status cw_retarget_between(cw_population *p, double t) {
  double c[CW_MAX_TERMS];
  CW_REQUIRE(p->rung + 1 < p->ladder->n && t >= 0 && t <= 1);
  cw_ladder_at(p->ladder, p->rung, t, c);
  return retarget(p, c, t == 1 ? p->rung + 1 : p->rung);
}

/* sum[i] of the steps' acceptances; the last step's in one. */
static cw_status steps(cw_population *p, cw_sampler *sampler, cw_rng rng, uint32_t step0,
                       long n_steps, double *one, double *sum) {
  cw_step_stats stats = {.accept = one};
  for (long t = 0; t < n_steps; t++) {
    CW_TRY(sampler->ops->step(sampler, p->c, &p->x, rng, step0 + (uint32_t)t,
                              one != NULL ? &stats : NULL));
    if (one != NULL)
      for (long i = 0; i < p->x.n_config; i++) sum[i] += one[i];
  }
  return CW_OK;
}

cw_status cw_mutate(cw_population *p, cw_sampler *sampler, cw_rng rng, uint32_t step0, long n_steps,
                    double *accept) {
  double *one = p->work, *sum = one + lanes_of(p);
  if (n_steps > 0) p->known = 0;
  if (accept == NULL) return steps(p, sampler, rng, step0, n_steps, NULL, NULL);
  memset(sum, 0, (size_t)lanes_of(p) * sizeof *sum);
  CW_TRY(cw_agree(p->ctx, steps(p, sampler, rng, step0, n_steps, one, sum)));
  cw_allgather(p->ctx, sum, p->x.n_config, p->all);
  *accept = cw_sum(p->all, (size_t)p->n) / (double)p->n / (double)n_steps;
  return CW_OK;
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
