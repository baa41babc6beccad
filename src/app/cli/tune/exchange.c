/* From a point of the search to an exchange that runs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/tune/tune.h"
#include "app/run/run.h"

cw_status cw_tune_find(cw_context *ctx, const cw_plans *plans, const char *name, cw_plan **plan,
                       cw_rex_plan **x) {
  *plan = NULL;
  for (int i = 0; i < plans->n; i++)
    if (strcmp(plans->plan[i].name, name) == 0 || (name[0] == '\0' && i == 0))
      *plan = &plans->plan[i];
  if (*plan == NULL) return cw_fail(ctx, CW_EINVAL, "tune: the job has no case '%s'", name);
  for (int i = 0; cw_rex_kind(i).name != NULL; i++) {
    const cw_section *s = cw_plan_section(*plan, cw_rex_kind(i).name);
    if (s == NULL) continue;
    *x = s->own;
    return CW_OK;
  }
  return cw_fail(ctx, CW_EINVAL, "tune: the job has no section 'rex' or 'ptbc'");
}

/* The acceptances of neighbours alone: what else an exchange does has no effect on them. */
static void strip(cw_rex_plan *x) {
  x->n_multiples = 0;
  x->levels.n = 0;
  x->translate = false;
  x->flow = NULL;
  if (x->way.flow != NULL) x->way = (cw_way_plan){.steps = 0};
}

static cw_status make_plan(const cw_tune_job *j, const cw_tune_point *at, cw_tune_exchange *e) {
  cw_job *copy = NULL;
  CW_TRY(cw_job_merge(j->job, NULL, &copy));
  cw_status st = cw_tune_set_point(j, at, copy);
  if (st == CW_OK) st = cw_plans_read(j->ctx, copy, &e->plans);
  cw_job_destroy(copy);
  CW_TRY(st);
  CW_TRY(cw_tune_find(j->ctx, &e->plans, j->case_name, &e->plan, &e->x));
  double from[CW_MAX_PARAMS];
  memcpy(from, e->plan->ladder.param[0], sizeof from);
  cw_place_rungs(e->plan, from, at->n, at->t);
  if (j->aim == CW_TUNE_RUNGS) strip(e->x);
  return CW_OK;
}

/* Have both the same theories on their rungs, so that equilibrium of one is that of the other? */
static bool same_rungs(const cw_tune_exchange *a, const cw_tune_exchange *b) {
  const cw_ladder_plan *l = &a->plan->ladder, *m = &b->plan->ladder;
  return l->n == m->n && memcmp(l->param, m->param, (size_t)l->n * sizeof *l->param) == 0;
}

/* What samplers are tuned to, and which replica is where. */
static cw_status carry_on(const cw_tune_exchange *from, cw_tune_exchange *to) {
  const long n = cw_rex_state_size(from->with.rex);
  double *state = malloc((size_t)n * sizeof *state);
  CW_REQUIRE(n == cw_rex_state_size(to->with.rex));
  if (state == NULL) return cw_fail(to->c.ctx, CW_ENOMEM, "no memory for a trial");
  cw_rex_save(from->with.rex, state);
  cw_rex_load(to->with.rex, state);
  cw_rex_reset_counts(to->with.rex);
  free(state);
  return CW_OK;
}

static cw_status start_rungs(const cw_tune_exchange *before, cw_tune_exchange *e) {
  for (int r = 0; r < e->at.n; r++) {
    cw_field *x = cw_rex_field(e->with.rex, r);
    int near = 0;
    if (before == NULL) {
      CW_TRY(cw_start_field(&e->c, &e->x->mcmc, cw_case_rng(&e->c, "tune"), (uint32_t)r, x));
      continue;
    }
    for (int k = 1; k < before->at.n; k++)
      if (fabs(before->at.t[k] - e->at.t[r]) < fabs(before->at.t[near] - e->at.t[r])) near = k;
    cw_field_copy(x, cw_rex_field(before->with.rex, near));
  }
  return CW_OK;
}

static cw_status open_exchange(const cw_tune_job *j, long number, const cw_tune_exchange *before,
                               cw_tune_exchange *e, long *thermalise) {
  CW_TRY(make_plan(j, &e->at, e));
  CW_TRY(cw_check_memory(j->ctx, e->plan, cw_plan_section(e->plan, j->section)));
  CW_TRY(cw_case_open(j->ctx, e->plan, NULL, &e->c));
  const cw_rng rng = cw_rng_substream(cw_case_rng(&e->c, "tune"), "round", (uint32_t)number);
  CW_TRY(cw_rex_open(&e->c, e->x, rng, &e->with));
  CW_TRY(start_rungs(before, e));
  *thermalise = e->x->mcmc.thermalise;
  if (before == NULL || j->aim == CW_TUNE_RUNGS || !same_rungs(before, e)) return CW_OK;
  *thermalise = 0;
  return carry_on(before, e);
}

cw_status cw_tune_open(const cw_tune_job *j, const cw_tune_point *at, long number,
                       const cw_tune_exchange *before, cw_tune_exchange **out, long *thermalise) {
  *out = calloc(1, sizeof **out);
  if (*out == NULL) return cw_fail(j->ctx, CW_ENOMEM, "no memory for a trial");
  (*out)->at = *at;
  return open_exchange(j, number, before, *out, thermalise);
}

void cw_tune_close(cw_tune_exchange *e) {
  if (e == NULL) return;
  cw_rex_close(&e->with);
  cw_case_close(&e->c);
  cw_plans_clear(&e->plans);
  free(e);
}
