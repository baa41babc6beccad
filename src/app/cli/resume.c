/* causeway resume: a run goes on from its folder alone, perhaps with more to do. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/commands.h"
#include "app/cli/options.h"

typedef struct {
  const char *dir;
  int n_set;
  const char *set[CW_MAX_SETS];
} request;

/* --threads and --quiet were taken by main, before there was a context. */
static cw_status read_words(cw_context *ctx, int argc, char **argv, request *r) {
  int n;
  bool quiet;
  *r = (request){0};
  const cw_option options[] = {
      {.word = "--threads"},
      {.word = "--set", .value = r->set, .most = CW_MAX_SETS, .n = &r->n_set},
      {.word = "--quiet", .flag = &quiet},
      {.word = NULL}};
  CW_TRY(cw_options_read(ctx, "resume", argc, argv, options, "one directory", &r->dir, 1, &n));
  if (n == 0)
    return cw_fail(ctx, CW_EINVAL,
                   "resume: which directory? Usage: causeway resume DIR [--threads N] [--set "
                   "path=value]... [--quiet]");
  if (strlen(r->dir) >= CW_PATH)
    return cw_fail(ctx, CW_EINVAL, "resume: %zu bytes of a directory, at most %d", strlen(r->dir),
                   CW_PATH - 1);
  return CW_OK;
}

/* The job of a run without a segment is in its job.yaml, and nowhere else. */
static cw_status load_file(cw_context *ctx, const request *r, cw_plans *plans) {
  char path[CW_PATH + 16];
  snprintf(path, sizeof path, "%s/job.yaml", r->dir);
  cw_clear_error(ctx);
  if (access(path, R_OK) == 0) return cw_plans_of_file(ctx, path, r->set, r->n_set, plans);
  return cw_fail(ctx, CW_EIO, "resume: there is no run in '%s': neither results nor a job.yaml",
                 r->dir);
}

static cw_status find_plans(cw_context *ctx, const request *r, cw_plans *plans) {
  cw_store *store = NULL;
  *plans = (cw_plans){0};
  cw_status st = cw_store_open(ctx, r->dir, &store);
  if (st == CW_OK)
    st = cw_plans_of_text(ctx, cw_store_job(store), cw_store_dir(store), r->set, r->n_set, plans);
  else if (st == CW_EIO)
    st = load_file(ctx, r, plans);
  cw_store_close(store);
  return cw_agree(ctx, st);
}

cw_status cw_command_resume(cw_context *ctx, int argc, char **argv) {
  request r;
  cw_plans plans;
  CW_TRY(read_words(ctx, argc, argv, &r));
  cw_status st = find_plans(ctx, &r, &plans);
  if (st == CW_OK) st = cw_run_into(ctx, r.dir, &plans, true);
  cw_plans_clear(&plans);
  return st;
}
