/* causeway tune: what a replica exchange should be like. The rungs of its ladder, and how many of them, for
 * equal acceptance of all swaps; the steps of its switches and what is updated on them, for the least cost
 * of a swap; or its defect, for the least cost of a change of sector. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "app/cli/tune/tune.h"

const char *const cw_tune_aims[] = {"rungs", "swaps", "tunnelling", NULL};
static const char *const costs[] = {"seconds", "updates", NULL};

typedef struct {
  const char *job, *seed, *name, *aim, *cost, *target, *rounds, *steps;
  int n_set;
  const char *set[CW_MAX_SETS];
} words;

static cw_status read_target(cw_context *ctx, const words *w, cw_tune_job *j) {
  char *end = NULL;
  j->target = 0.2;
  if (w->target == NULL) return CW_OK;
  if (j->aim != CW_TUNE_RUNGS)
    return cw_fail(ctx, CW_EINVAL, "tune: --target goes with --for rungs alone");
  j->target = strtod(w->target, &end);
  if (end == w->target || *end != '\0' || !(j->target > 0 && j->target < 1))
    return cw_fail(ctx, CW_EINVAL,
                   "tune: --target: expected an acceptance between 0 and 1, found '%s'", w->target);
  return CW_OK;
}

static cw_status parse_options(cw_context *ctx, int argc, char **argv, words *w, cw_tune_job *j) {
  int n, aim, cost;
  bool quiet;
  *w = (words){.name = "", .aim = "rungs", .cost = "seconds", .rounds = "5", .steps = "200"};
  const cw_option options[] = {
      {.word = "--for", .value = &w->aim},
      {.word = "--cost", .value = &w->cost},
      {.word = "--case", .value = &w->name},
      {.word = "--target", .value = &w->target},
      {.word = "--rounds", .value = &w->rounds},
      {.word = "--steps", .value = &w->steps},
      {.word = "--seed", .value = &w->seed},
      {.word = "--threads"},
      {.word = "--set", .value = w->set, .most = CW_MAX_SETS, .n = &w->n_set},
      {.word = "--quiet", .flag = &quiet},
      {.word = NULL}};
  CW_TRY(cw_options_read(ctx, "tune", argc, argv, options, "one job at a time", &w->job, 1, &n));
  if (n == 0) return cw_fail(ctx, CW_EINVAL, "tune: which job? Usage: causeway tune JOB.yaml");
  CW_TRY(cw_options_choice(ctx, "tune", "--for", w->aim, cw_tune_aims, &aim));
  CW_TRY(cw_options_choice(ctx, "tune", "--cost", w->cost, costs, &cost));
  j->aim = (cw_tune_aim)aim;
  j->by_visits = cost == 1;
  CW_TRY(read_target(ctx, w, j));
  CW_TRY(cw_options_count(ctx, "tune", "--rounds", w->rounds, &j->rounds));
  CW_TRY(cw_options_count(ctx, "tune", "--steps", w->steps, &j->steps));
  if (j->rounds < (j->aim == CW_TUNE_RUNGS) || j->steps < CW_GAMMA_MIN_STEPS)
    return cw_fail(ctx, CW_EINVAL, "tune: expected at least 1 round of %d steps",
                   CW_GAMMA_MIN_STEPS);
  return CW_OK;
}

/* ------------------------------------------------------------- what can be tuned */

static cw_status check_swaps(cw_context *ctx, const char *section, const cw_rex_plan *x) {
  if (x->way.steps > 0) return CW_OK;
  return cw_fail(
      ctx, CW_EINVAL,
      "tune: --for swaps: section '%s' has no key 'way', whose steps could be found; of a "
      "ladder without it, --for rungs finds the rungs",
      section);
}

static cw_status check_tunnelling(cw_context *ctx, const cw_plan *plan, const cw_tune_job *j) {
  int g;
  if (isnan(j->start.factor))
    return cw_fail(
        ctx, CW_EINVAL,
        "tune: --for tunnelling: needs a theory with a defect, form 'defect', and a ladder "
        "along its factor");
  if (cw_plan_sector(plan, &g) == NULL)
    return cw_fail(ctx, CW_EINVAL,
                   "tune: --for tunnelling: no observable of the job tells sectors apart; in four "
                   "dimensions those of cooling do, under 'measure'");
  return CW_OK;
}

static cw_status check(cw_context *ctx, const cw_plan *plan, const cw_rex_plan *x,
                       const cw_tune_job *j) {
  const cw_section *flow = cw_rex_flow(x);
  if (j->aim == CW_TUNE_RUNGS) {
    if (flow != NULL) cw_log(ctx, "note: the flows of '%s' are left out", flow->kind.name);
    return CW_OK;
  }
  if (flow != NULL)
    return cw_fail(ctx, CW_EINVAL,
                   "tune: --for %s: section '%s' swaps by the flows of '%s', which are not trained "
                   "here",
                   cw_tune_aims[j->aim], j->section, flow->kind.name);
  return j->aim == CW_TUNE_SWAPS ? check_swaps(ctx, j->section, x) : check_tunnelling(ctx, plan, j);
}

static cw_status read_job(cw_context *ctx, const words *w, cw_tune_job *j) {
  cw_plans plans = {0};
  cw_plan *plan;
  cw_rex_plan *x;
  cw_box box;
  CW_TRY(cw_job_of_words(ctx, w->job, w->seed, w->set, w->n_set, &j->job));
  cw_job *copy = NULL;
  CW_TRY(cw_job_merge(j->job, NULL, &copy));
  cw_status st = cw_plans_read(ctx, copy, &plans);
  cw_job_destroy(copy);
  if (st == CW_OK) st = cw_tune_find(ctx, &plans, w->name, &plan, &x);
  if (st == CW_OK) {
    j->case_name = w->name;
    if (plan->name[0] != '\0') snprintf(j->place, sizeof j->place, "cases.%s.", plan->name);
    snprintf(j->section, sizeof j->section, "%s", x->name);
    j->fixed_rungs = x->n_multiples > 0;
    j->can_restrict = x->mcmc.ops->restrict_to != NULL && cw_find_defect(plan, 0, &box);
    cw_tune_read_point(plan, x, &j->start);
    st = check(ctx, plan, x, j);
  }
  cw_plans_clear(&plans);
  return st;
}

cw_status cw_command_tune(cw_context *ctx, int argc, char **argv) {
  words w;
  cw_tune_job j = {.ctx = ctx};
  CW_TRY(parse_options(ctx, argc, argv, &w, &j));
  if (cw_ranks(ctx) > 1) return cw_fail(ctx, CW_EINVAL, "tune: runs on one rank");
  cw_status st = read_job(ctx, &w, &j);
  if (st == CW_OK) st = j.aim == CW_TUNE_RUNGS ? cw_tune_rungs(&j) : cw_tune_search(&j);
  cw_job_destroy(j.job);
  return st;
}
