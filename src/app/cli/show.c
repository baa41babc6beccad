/* causeway show DIR [PATTERN]... [--json]: the results of a store, for people and for programs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "app/page/report.h"

enum { MOST_PATTERNS = 256 };

cw_status cw_command_show(cw_context *ctx, int argc, char **argv) {
  const char *place[1 + MOST_PATTERNS];
  bool json = false;
  int n;
  cw_analysis *a = NULL;
  const cw_option options[] = {{.word = "--json", .flag = &json}, {.word = NULL}};
  CW_TRY(cw_options_read(ctx, "show", argc, argv, options,
                         "one directory and at most 256 patterns of names", place,
                         1 + MOST_PATTERNS, &n));
  if (n == 0)
    return cw_fail(ctx, CW_EINVAL,
                   "show: which directory? Usage: causeway show DIR [PATTERN]... [--json]");
  CW_TRY(cw_analysis_create(ctx, place[0], &a));
  cw_status st = cw_analysis_select(ctx, "show", 1, &a, n - 1, place + 1);
  if (cw_rank(ctx) == 0 && st == CW_OK)
    st = json ? cw_analysis_json(ctx, a, stdout) : cw_analysis_print(ctx, a, stdout);
  cw_analysis_destroy(a);
  return cw_agree(ctx, st);
}

cw_status cw_command_report(cw_context *ctx, int argc, char **argv) {
  const char *dir;
  int n;
  const cw_option options[] = {{.word = NULL}};
  CW_TRY(cw_options_read(ctx, "report", argc, argv, options, "one directory", &dir, 1, &n));
  if (n == 0) return cw_fail(ctx, CW_EINVAL, "report: which directory? Usage: causeway report DIR");
  CW_TRY(cw_write_results(ctx, dir, NULL));
  if (cw_rank(ctx) == 0) printf("%s/report.html\n", dir);
  return CW_OK;
}

static cw_status write_page(cw_context *ctx, const cw_analysis *a, const char *dir) {
  size_t size = strlen(dir) + sizeof "/report.html";
  char *path = malloc(size);
  if (path == NULL) return cw_no_memory(ctx);
  snprintf(path, size, "%s/report.html", dir);
  cw_status st = cw_analysis_page(ctx, a, path);
  free(path);
  return st;
}

static cw_status fail_write(cw_context *ctx, const char *path) {
  return cw_fail(ctx, CW_EIO, "cannot write '%s': %s", path, strerror(errno));
}

/* To a temporary file beside path, then renamed. */
static cw_status write_json(cw_context *ctx, const cw_analysis *a, const char *path) {
  size_t size = strlen(path) + sizeof ".tmp";
  char *temporary = malloc(size);
  if (temporary == NULL) return cw_no_memory(ctx);
  snprintf(temporary, size, "%s.tmp", path);
  FILE *file = fopen(temporary, "w");
  cw_status st = file != NULL ? cw_analysis_json(ctx, a, file) : fail_write(ctx, path);
  if (file != NULL && fclose(file) != 0 && st == CW_OK) st = fail_write(ctx, path);
  if (st == CW_OK && rename(temporary, path) != 0) st = fail_write(ctx, path);
  if (st != CW_OK && file != NULL) unlink(temporary);
  free(temporary);
  return st;
}

cw_status cw_write_results(cw_context *ctx, const char *dir, const char *json) {
  cw_analysis *a = NULL;
  CW_TRY(cw_analysis_create(ctx, dir, &a));
  cw_status st = CW_OK;
  if (cw_rank(ctx) == 0 && json != NULL) st = write_json(ctx, a, json);
  if (cw_rank(ctx) == 0 && st == CW_OK) st = write_page(ctx, a, dir);
  cw_analysis_destroy(a);
  return cw_agree(ctx, st);
}
