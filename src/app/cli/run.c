/* causeway run: a job file in, a store, results.json and report.html out. The data path, top to
 * bottom, is run_plans. */
#include <stdio.h>
#include <string.h>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "app/run/run.h"

typedef struct {
  const char *job, *out, *seed;
  bool resume, plan;
  int n_set;
  const char *set[CW_MAX_SETS];
} run_options;

static cw_status usage(cw_context *ctx) {
  return cw_fail(ctx, CW_EINVAL,
                 "usage: causeway run JOB.yaml [--out DIR] [--seed N] [--threads N] [--resume] "
                 "[--plan] [--set path=value]... [--quiet]");
}

/* --threads and --quiet were taken by main, before there was a context. */
static cw_status parse_options(cw_context *ctx, int argc, char **argv, run_options *o) {
  int n;
  bool quiet;
  *o = (run_options){0};
  const cw_option options[] = {
      {.word = "--out", .value = &o->out},
      {.word = "--seed", .value = &o->seed},
      {.word = "--threads"},
      {.word = "--resume", .flag = &o->resume},
      {.word = "--plan", .flag = &o->plan},
      {.word = "--set", .value = o->set, .most = CW_MAX_SETS, .n = &o->n_set},
      {.word = "--quiet", .flag = &quiet},
      {.word = NULL}};
  CW_TRY(cw_options_read(ctx, "run", argc, argv, options, "one job at a time", &o->job, 1, &n));
  if (o->out != NULL && o->out[0] == '\0')
    return cw_fail(ctx, CW_EINVAL, "run: --out: expected a directory, found nothing");
  if (o->out != NULL && strlen(o->out) >= CW_PATH)
    return cw_fail(ctx, CW_EINVAL, "run: --out: %zu bytes, at most %d", strlen(o->out),
                   CW_PATH - 1);
  return n == 1 ? CW_OK : usage(ctx);
}

cw_status cw_finish_run(cw_context *ctx, const char *dir) {
  char path[CW_PATH + 16];
  snprintf(path, sizeof path, "%s/results.json", dir);
  return cw_write_results(ctx, dir, path);
}

cw_status cw_run_into(cw_context *ctx, const char *dir, const cw_plans *plans, bool resume) {
  cw_store *store = NULL;
  cw_status st = cw_check_room(ctx, dir, plans, NULL);
  if (st == CW_OK) st = cw_open_run(ctx, dir, plans, resume, &store);
  if (st == CW_OK) st = cw_run_job(ctx, plans, store);
  const bool nothing_new = st == CW_OK && resume && cw_store_appended(store) == 0;
  cw_store_close(store);
  if (st == CW_OK) st = cw_finish_run(ctx, dir);
  if (st != CW_OK || cw_rank(ctx) != 0) return st;
  if (nothing_new) printf("%s: the run is finished; there was nothing left to do\n", dir);
  printf("results: causeway show %s\nreport:  %s/report.html\n", dir, dir);
  return CW_OK;
}

/* runs/NAME where the user names no directory. */
static cw_status run_plans(cw_context *ctx, const run_options *o, const cw_plans *plans) {
  char own[sizeof "runs/" + sizeof plans->plan[0].job];
  snprintf(own, sizeof own, "runs/%s", plans->plan[0].job);
  const char *dir = o->out != NULL ? o->out : own;
  return o->plan ? cw_check_room(ctx, dir, plans, stdout) : cw_run_into(ctx, dir, plans, o->resume);
}

cw_status cw_command_run(cw_context *ctx, int argc, char **argv) {
  run_options o;
  cw_plans plans;
  CW_TRY(parse_options(ctx, argc, argv, &o));
  cw_status st = cw_agree(ctx, cw_plans_load(ctx, o.job, o.seed, o.set, o.n_set, &plans));
  if (st == CW_OK) st = run_plans(ctx, &o, &plans);
  cw_plans_clear(&plans);
  return st;
}
