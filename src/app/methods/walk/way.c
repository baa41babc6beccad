#include "app/methods/walk/way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cw_status cw_way_thermalise(cw_case *c, cw_way *y) {
  const long n = y->plan->mcmc.thermalise;
  CW_TRY(cw_agree(c->ctx, cw_start_field(c, &y->plan->mcmc, y->rng, 0, &y->chains.x)));
  CW_TRY(cw_sampler_run(&y->chains, y->ladder.c[0], y->rng, 0, n, (uint32_t)n));
  if (y->plan->tuning == 0) return CW_OK;
  cw_population_start(&y->p, &y->chains.x);
  return cw_walk_tune(y->walk, &y->p, y->walk_rng);
}

cw_status cw_way_start(cw_way *y, long number) {
  const uint32_t first = (uint32_t)(y->plan->mcmc.thermalise + number * y->every);
  CW_TRY(cw_sampler_run(&y->chains, y->ladder.c[0], y->rng, first, y->every, 0));
  cw_population_start(&y->p, &y->chains.x);
  return CW_OK;
}

/* ------------------------------------------------------------------- checkpoints */

static void name_array(const cw_way *y, const char *what, char name[64]) {
  snprintf(name, 64, "state.%s%s", y->prefix, what);
}

cw_status cw_way_put(cw_case *c, cw_arrays *set, const cw_way *y) {
  char name[64];
  long n_state = cw_walk_state_size(y->walk), n_own = y->chains.sampler->ops->n_state;
  double *state = malloc((size_t)(n_state + 1) * sizeof *state);
  cw_status st = state != NULL ? CW_OK : cw_fail(c->ctx, CW_ENOMEM, "no memory for a checkpoint");
  name_array(y, "walk", name);
  if (st == CW_OK) {
    cw_walk_save(y->walk, state);
    st = cw_arrays_put(c->ctx, set, name, 1, &n_state, state);
  }
  free(state);
  CW_TRY(cw_agree(c->ctx, st));
  name_array(y, "sampler", name);
  CW_TRY(cw_put_alike(c, set, name, 1, &n_own, y->chains.sampler->state));
  name_array(y, "x", name);
  return cw_put_field(c, set, name, &y->chains.x, y->p.n);
}

cw_status cw_way_get(cw_case *c, const cw_stage *s, const cw_arrays *last, cw_way *y) {
  char name[64];
  name_array(y, "walk", name);
  const cw_array *walk = cw_arrays_get(last, name);
  name_array(y, "sampler", name);
  const cw_array *own = cw_arrays_get(last, name);
  if (walk == NULL || cw_array_size(walk) != cw_walk_state_size(y->walk) || own == NULL ||
      cw_array_size(own) != y->chains.sampler->ops->n_state)
    return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint of '%s' does not fit the job",
                   cw_store_dir(c->store), s->name);
  cw_walk_load(y->walk, walk->data);
  if (own->dim[0] > 0)
    memcpy(y->chains.sampler->state, own->data, (size_t)own->dim[0] * sizeof *own->data);
  name_array(y, "x", name);
  return cw_get_field(c, s, last, name, &y->chains.x, y->p.n);
}

/* ------------------------------------------------------------------ open and close */

/* On the way back the maps come in reverse order, and backwards. */
static cw_status make_maps(cw_case *c, const cw_flows *flows, bool reverse, cw_way *y) {
  y->map = cw_alloc((size_t)flows->n * sizeof *y->map);
  if (y->map == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for flows");
  for (int k = 0; k < flows->n; k++)
    y->map[k] = reverse ? cw_map_inverse(&flows->map[flows->n - 1 - k]) : flows->map[k];
  return CW_OK;
}

static cw_status open_walk(cw_case *c, cw_way *y) {
  const cw_walk_plan *plan = y->plan;
  const cw_mcmc_plan *m = &plan->mcmc;
  const cw_walk_options options = {.sampler = m->ops,
                                   .param = m->param,
                                   .choice = m->choice,
                                   .program = cw_walk_program(plan),
                                   .map = y->map,
                                   .tuning = plan->tuning};
  CW_TRY(cw_walk_create(c->ctx, &y->ladder, &options, &y->p, &y->walk));
  return cw_chains_open(c->ctx, &c->theory, m->ops, m->param, m->choice, y->p.n, &y->chains);
}

cw_status cw_way_open(cw_case *c, const cw_walk_plan *plan, const char *stage, const char *prefix,
                      const cw_flows *flows, long particles, long every, cw_way *y) {
  char name[96];
  bool reverse = prefix[0] != '\0';
  *y = (cw_way){.prefix = prefix, .plan = plan, .every = every};
  snprintf(name, sizeof name, "%s.%schains", stage, prefix);
  y->rng = cw_case_rng(c, name);
  snprintf(name, sizeof name, "%s.%swalk", stage, prefix);
  y->walk_rng = cw_case_rng(c, name);
  cw_status st = cw_case_ladder(c, reverse ? -1 : 1, &y->ladder);
  if (st == CW_OK && flows != NULL) st = make_maps(c, flows, reverse, y);
  CW_TRY(cw_agree(c->ctx, st));
  CW_TRY(cw_population_create(c->ctx, &y->ladder, particles, &y->p));
  return cw_agree(c->ctx, open_walk(c, y));
}

void cw_way_close(cw_way *y) {
  cw_walk_destroy(y->walk);
  cw_chains_close(&y->chains);
  cw_population_destroy(&y->p);
  cw_ladder_destroy(&y->ladder);
  free(y->map);
}
