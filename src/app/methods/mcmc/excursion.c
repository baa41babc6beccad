/* Section `excursion`: chains of a sampler that go to other parameters and back between its steps. */
#include <stdlib.h>
#include <string.h>

#include "app/methods/mcmc/mcmc.h"

const cw_section_kind cw_excursion_kind = {
    "excursion", "Excursions", "a sampler, and excursions to other parameters and back", CW_PURPLE};

/* --------------------------------------------------------------------- read */

/* dwell: {steps: 4, hops: 2}, or {steps: 4} everywhere. */
static cw_status read_dwell(cw_node *map, const cw_plan *p, cw_chains_plan *e) {
  cw_node *dwell;
  e->dwell_level = -1;
  CW_TRY(cw_job_map(map, "dwell", CW_JOB_MAY, &dwell));
  if (dwell == NULL) return CW_OK;
  CW_TRY(cw_job_long(dwell, "steps", CW_JOB_REQUIRED_LONG, 1, 100000, &e->dwell));
  if (cw_job_has(dwell, "hops") || cw_job_has(dwell, "margin")) {
    e->dwell_level = e->way.levels.n;
    CW_TRY(cw_read_level(dwell, p, &e->mcmc, &e->way.levels));
  }
  return cw_job_finish(dwell);
}

/* Sampler steps on ways and away are numbered with 32 bits. */
static cw_status check_numbers(const cw_node *map, const cw_chains_plan *e) {
  const double excursions = ((double)e->mcmc.thermalise + (double)e->mcmc.steps) * (double)e->each;
  const double each =
      2.0 * (double)e->way.steps * (double)e->way.mutations + 2.0 * (double)e->dwell;
  return excursions * (each + 1) <= UINT32_MAX
             ? CW_OK
             : cw_job_fail(map, "steps", "more than 2^32 sampler steps");
}

cw_status cw_read_excursion(cw_node *map, const cw_plan *p, cw_chains_plan *e) {
  cw_box box;
  CW_TRY(cw_read_which_sampler(map, &e->mcmc));
  CW_TRY(cw_read_mcmc(map, p, &e->mcmc));
  CW_TRY(cw_read_other_params(map, "from", p, e->from));
  CW_TRY(cw_read_way(map, p, &e->mcmc, CW_JOB_MUST, false, &e->way));
  CW_TRY(read_dwell(map, p, e));
  CW_TRY(cw_job_long(map, "each", 1, 1, 100000, &e->each));
  CW_TRY(cw_job_bool(map, "translate", cw_find_defect(p, 0, &box), &e->translate));
  return check_numbers(map, e);
}

/* ---------------------------------------------------------------------- run */

static cw_status open_excursion(cw_case *c, const cw_section *s, const cw_chains *chains,
                                cw_excursions *e) {
  const cw_chains_plan *plan = e->plan;
  static const cw_ladder_plan two = {.n = 2, .t = {0, 1}};
  double param[2][CW_MAX_PARAMS];
  memcpy(param[0], plan->from, sizeof param[0]);
  memcpy(param[1], c->plan->param, sizeof param[1]);
  CW_TRY(
      cw_ladder_create(c->ctx, &c->theory, 2, (const double(*)[CW_MAX_PARAMS])param, &e->ladder));
  CW_TRY(cw_make_ways(c->ctx, &plan->way, &two, NULL, &e->way));
  const cw_excursion_options o = {.sampler = plan->mcmc.ops,
                                  .param = plan->mcmc.param,
                                  .choice = plan->mcmc.choice,
                                  .way = *e->way,
                                  .levels = plan->way.levels,
                                  .dwell = plan->dwell,
                                  .dwell_level = plan->dwell_level,
                                  .translate = plan->translate,
                                  .rng = cw_rng_substream(cw_case_rng(c, s->kind.name), "away", 0)};
  const cw_field *x = &chains->x;
  e->accept = cw_alloc((size_t)(x->n_blocks * x->B) * sizeof *e->accept);
  e->sum = cw_alloc((size_t)(x->n_config + 1) * sizeof *e->sum);
  if (e->accept == NULL || e->sum == NULL)
    return cw_fail(c->ctx, CW_ENOMEM, "no memory for excursions");
  return cw_excursion_create(c->ctx, &e->ladder, &o, x, &e->excursion);
}

cw_status cw_excursions_open(cw_case *c, const cw_section *s, const cw_chains *chains,
                             cw_excursions *out) {
  *out = (cw_excursions){.plan = s->own};
  return out->plan->way.steps > 0 ? open_excursion(c, s, chains, out) : CW_OK;
}

void cw_excursions_close(cw_excursions *e) {
  cw_excursion_destroy(e->excursion);
  cw_ladder_destroy(&e->ladder);
  cw_record_free(&e->accepted);
  free(e->way);
  free(e->accept);
  free(e->sum);
}

cw_status cw_excursions_run(cw_case *c, cw_excursions *e, cw_chains *chains, long t) {
  if (e->excursion == NULL) return CW_OK;
  for (long i = 0; i < e->plan->each; i++) {
    const uint32_t number = (uint32_t)(t * e->plan->each + i);
    CW_TRY(cw_agree(c->ctx, cw_excursion_run(e->excursion, chains->sampler->state, &chains->x,
                                             number, e->accept)));
    for (long k = 0; t >= e->plan->mcmc.thermalise && k < chains->x.n_config; k++)
      e->sum[k] += e->accept[k];
  }
  return CW_OK;
}

cw_status cw_excursions_record(cw_case *c, cw_excursions *e, long n_mine) {
  if (e->excursion == NULL) return CW_OK;
  double *row = cw_record_row(&e->accepted, n_mine);
  if (row == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  for (long i = 0; i < n_mine; i++) {
    row[i] = e->sum[i] / (double)(e->plan->mcmc.every * e->plan->each);
    e->sum[i] = 0;
  }
  return CW_OK;
}

/* -------------------------------------------------------------- checkpoints */

cw_status cw_excursions_save(cw_case *c, cw_excursions *e, cw_arrays *set, long n_mine) {
  if (e->excursion == NULL) return CW_OK;
  const long n_chain = e->plan->mcmc.chains;
  const double *const sum[] = {e->sum};
  CW_TRY(cw_put_chain_means(c, set, "away.accept", &e->accepted, n_chain));
  return cw_put_sums(c, set, "state.away", 1, sum, n_mine, n_chain);
}

cw_status cw_excursions_load(cw_case *c, cw_excursions *e, const cw_arrays *last,
                             const cw_field *x) {
  if (e->excursion == NULL) return CW_OK;
  const cw_array *sum = cw_arrays_get(last, "state.away");
  if (sum == NULL || cw_array_size(sum) != e->plan->mcmc.chains)
    return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint of excursions does not fit the job",
                   cw_store_dir(c->store));
  memcpy(e->sum, sum->data + x->first_chain, (size_t)x->n_config * sizeof *e->sum);
  return CW_OK;
}
