/* The folder of a run: its store, and job.yaml, from which it can go on before there is a segment. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/run/run.h"

static cw_status fail_write(cw_context *ctx, const char *path) {
  return cw_fail(ctx, CW_EIO, "cannot write '%s': %s", path, strerror(errno));
}

/* To a temporary file that is renamed: a run that dies leaves it whole. */
static cw_status write_job(cw_context *ctx, const char *dir, const char *text) {
  char path[CW_PATH + 16], temporary[CW_PATH + 16];
  snprintf(path, sizeof path, "%s/job.yaml", dir);
  snprintf(temporary, sizeof temporary, "%s/.job.yaml.tmp", dir);
  FILE *f = fopen(temporary, "w");
  if (f == NULL) return fail_write(ctx, path);
  bool good = fputs(text, f) >= 0 && fflush(f) == 0 && fsync(fileno(f)) == 0;
  good = fclose(f) == 0 && good;
  good = good && rename(temporary, path) == 0;
  if (good) return CW_OK;
  const cw_status st = fail_write(ctx, path);
  unlink(temporary);
  return st;
}

/* Of a store that has another job. */
static cw_status change_job(cw_context *ctx, const cw_plans *plans, cw_store *store) {
  cw_plans was;
  cw_status st = cw_plans_of_store(ctx, store, &was);
  if (st == CW_OK) st = cw_plans_check_change(ctx, store, &was, plans);
  cw_plans_clear(&was);
  CW_TRY(cw_agree(ctx, st));
  return cw_store_change_job(store, plans->text);
}

cw_status cw_open_run(cw_context *ctx, const char *dir, const cw_plans *plans, bool resume,
                      cw_store **store) {
  CW_TRY(cw_store_create(ctx, dir, plans->text, resume, store));
  if (strcmp(cw_store_job(*store), plans->text) != 0) CW_TRY(change_job(ctx, plans, *store));
  return cw_agree(ctx, cw_rank(ctx) == 0 ? write_job(ctx, dir, plans->text) : CW_OK);
}
