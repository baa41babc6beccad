/* causeway tune: the rungs of a ladder, and how many of them, for equal acceptance of all swaps.
 * Every round runs replica exchange for a while, and moves the rungs by what it saw. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "app/methods/rex/rex.h"
#include "app/run/stage.h"

typedef struct {
  const char *job, *seed, *name, *target_word, *rounds_word, *steps_word;
  double target;
  long rounds, steps;
  int n_set;
  const char *set[CW_MAX_SETS];
} tune_options;

static cw_status parse_options(cw_context *ctx, int argc, char **argv, tune_options *o) {
  int n;
  bool quiet;
  char *end = NULL;
  *o = (tune_options){.name = "", .target_word = "0.2", .rounds_word = "5", .steps_word = "200"};
  const cw_option options[] = {
      {.word = "--case", .value = &o->name},
      {.word = "--target", .value = &o->target_word},
      {.word = "--rounds", .value = &o->rounds_word},
      {.word = "--steps", .value = &o->steps_word},
      {.word = "--seed", .value = &o->seed},
      {.word = "--threads"},
      {.word = "--set", .value = o->set, .most = CW_MAX_SETS, .n = &o->n_set},
      {.word = "--quiet", .flag = &quiet},
      {.word = NULL}};
  CW_TRY(cw_options_read(ctx, "tune", argc, argv, options, "one job at a time", &o->job, 1, &n));
  if (n == 0) return cw_fail(ctx, CW_EINVAL, "tune: which job? Usage: causeway tune JOB.yaml");
  o->target = strtod(o->target_word, &end);
  if (end == o->target_word || *end != '\0' || !(o->target > 0 && o->target < 1))
    return cw_fail(ctx, CW_EINVAL,
                   "tune: --target: expected an acceptance between 0 and 1, found '%s'",
                   o->target_word);
  CW_TRY(cw_options_count(ctx, "tune", "--rounds", o->rounds_word, &o->rounds));
  CW_TRY(cw_options_count(ctx, "tune", "--steps", o->steps_word, &o->steps));
  if (o->rounds < 1 || o->steps < 2)
    return cw_fail(ctx, CW_EINVAL, "tune: expected at least 1 round of 2 steps");
  return CW_OK;
}

static cw_status find_plan(cw_context *ctx, const cw_plans *plans, const char *name,
                           const cw_plan **out) {
  *out = NULL;
  for (int i = 0; i < plans->n; i++)
    if (strcmp(plans->plan[i].name, name) == 0 || (name[0] == '\0' && i == 0))
      *out = &plans->plan[i];
  if (*out == NULL) return cw_fail(ctx, CW_EINVAL, "tune: the job has no case '%s'", name);
  return CW_OK;
}

static cw_status find_exchange(cw_context *ctx, const cw_plan *plan, const cw_rex_plan **out) {
  for (int i = 0; cw_rex_kind(i).name != NULL; i++) {
    const cw_section *s = cw_plan_section(plan, cw_rex_kind(i).name);
    if (s == NULL) continue;
    *out = s->own;
    return CW_OK;
  }
  return cw_fail(ctx, CW_EINVAL, "tune: the job has no section 'rex' or 'ptbc'");
}

/* Parameters at positions t (n) of the plan's ladder. */
static cw_status make_ladder(const cw_case *c, int n, const double *t, cw_ladder *out) {
  const cw_ladder_plan *l = &c->plan->ladder;
  double(*param)[CW_MAX_PARAMS] = calloc((size_t)n, sizeof *param);
  if (param == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a ladder");
  for (int r = 0; r < n; r++)
    for (int k = 0; k < CW_MAX_PARAMS; k++)
      param[r][k] = l->param[0][k] + t[r] * (l->param[l->n - 1][k] - l->param[0][k]);
  cw_status st =
      cw_ladder_create(c->ctx, &c->theory, n, (const double(*)[CW_MAX_PARAMS])param, out);
  free(param);
  return st;
}

/* The exchange of one round. */
typedef struct {
  int n;
  double t[CW_MAX_RUNGS];
  cw_rex *rex;
  cw_ladder ladder;
} setup;

static void close_setup(setup *s) {
  cw_rex_destroy(s->rex);
  cw_ladder_destroy(&s->ladder);
}

/* Configurations for the rungs of a round: those of the nearest rung of the last one. */
static cw_status start_rungs(cw_case *c, const cw_mcmc_plan *m, const setup *old, setup *s) {
  for (int r = 0; r < s->n; r++) {
    int near = 0;
    for (int k = 1; k < old->n; k++)
      if (fabs(old->t[k] - s->t[r]) < fabs(old->t[near] - s->t[r])) near = k;
    if (old->rex == NULL)
      CW_TRY(cw_start_field(c, m, cw_case_rng(c, "tune"), (uint32_t)r, cw_rex_field(s->rex, r)));
    else
      cw_field_copy(cw_rex_field(s->rex, r), cw_rex_field(old->rex, near));
  }
  return CW_OK;
}

static cw_status open_setup(cw_case *c, const cw_rex_plan *x, long round, const setup *old,
                            setup *s) {
  const cw_rng rng = cw_rng_substream(cw_case_rng(c, "tune"), "round", (uint32_t)round);
  CW_TRY(make_ladder(c, s->n, s->t, &s->ladder));
  const cw_rex_options options = {.sampler = x->mcmc.ops,
                                  .param = x->mcmc.param,
                                  .choice = x->mcmc.choice,
                                  .mutations = x->mutations,
                                  .order = x->order,
                                  .periodic = -1,
                                  .chains = x->mcmc.chains,
                                  .rng = rng};
  CW_TRY(cw_rex_create(c->ctx, &s->ladder, &options, &s->rex));
  return start_rungs(c, &x->mcmc, old, s);
}

/* accept (n - 1): mean acceptances of steps after the thermalisation. */
static cw_status measure(cw_case *c, const cw_rex_plan *x, long steps, long round, setup *s,
                         double *accept) {
  long thermalise = x->mcmc.thermalise;
  cw_progress_begin(c->ctx, "tune", (double)(thermalise + steps));
  cw_status st = CW_OK;
  for (long t = 0; t < thermalise + steps && st == CW_OK; t++) {
    if (t == thermalise) cw_rex_reset_counts(s->rex);
    st = cw_rex_step(s->rex, (uint32_t)t, t < thermalise ? (uint32_t)thermalise : 0);
    cw_progress_update(c->ctx, (double)(t + 1), "round %ld, %d rungs", round + 1, s->n);
  }
  cw_progress_end(c->ctx);
  CW_TRY(st);
  const cw_rex_swaps *swaps = cw_rex_swap_counts(s->rex);
  for (int k = 0; k < s->n - 1; k++)
    accept[k] = swaps->tries[k] > 0 ? swaps->accept[k] / (double)swaps->tries[k] : 0;
  return CW_OK;
}

static void print_round(long round, const setup *s, const double *accept, int needed,
                        double target) {
  printf("round %ld: %d rungs; for %.3g ", round + 1, s->n, target);
  if (needed > 0)
    printf("%d are needed\n  positions ", needed);
  else
    printf("how many are needed cannot be estimated\n  positions ");
  for (int k = 0; k < s->n; k++) printf(" %.4f", s->t[k]);
  printf("\n  acceptance");
  for (int k = 0; k < s->n - 1; k++) printf(" %.3f ", accept[k]);
  printf("\n");
}

/* A line for the job file, with the numbers that reproduce the ladder. */
static void print_positions(const setup *s) {
  printf("ladder: {positions: [");
  for (int k = 0; k < s->n; k++) printf("%s%.5g", k > 0 ? ", " : "", s->t[k]);
  printf("]}\n");
}

static cw_status tune(cw_case *c, const cw_rex_plan *x, const tune_options *o) {
  setup old = {0}, now = {.n = c->plan->ladder.n};
  double accept[CW_MAX_RUNGS];
  memcpy(now.t, c->plan->ladder.t, sizeof now.t);
  cw_status st = CW_OK;
  for (long round = 0; round < o->rounds && st == CW_OK; round++) {
    st = open_setup(c, x, round, &old, &now);
    if (st == CW_OK) st = measure(c, x, o->steps, round, &now, accept);
    if (st != CW_OK) break;
    int needed = cw_rungs_needed(now.n, accept, o->target);
    if (needed > CW_MAX_RUNGS) needed = CW_MAX_RUNGS;
    print_round(round, &now, accept, needed, o->target);
    if (round + 1 == o->rounds) break;
    close_setup(&old);
    old = now;
    now = (setup){.n = needed};
    st = cw_equal_rungs(c->ctx, old.n, old.t, accept, needed, now.t);
  }
  if (st == CW_OK) print_positions(&now);
  close_setup(&old);
  close_setup(&now);
  return st;
}

cw_status cw_command_tune(cw_context *ctx, int argc, char **argv) {
  tune_options o;
  cw_plans plans;
  cw_case c = {0};
  const cw_plan *plan;
  const cw_rex_plan *exchange = NULL;
  CW_TRY(parse_options(ctx, argc, argv, &o));
  if (cw_ranks(ctx) > 1) return cw_fail(ctx, CW_EINVAL, "tune: runs on one rank");
  CW_TRY(cw_plans_load(ctx, o.job, o.seed, o.set, o.n_set, &plans));
  cw_status st = find_plan(ctx, &plans, o.name, &plan);
  if (st == CW_OK) st = find_exchange(ctx, plan, &exchange);
  if (st == CW_OK) st = cw_case_open(ctx, plan, NULL, &c);
  if (st == CW_OK) st = tune(&c, exchange, &o);
  cw_case_close(&c);
  cw_plans_clear(&plans);
  return st;
}
