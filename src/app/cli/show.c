/* causeway show DIR [--json]: the results of a store, for people and for programs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "app/page/report.h"

/* The one directory and the options of a command. */
static cw_status read_arguments(cw_context *ctx, const char *command, int argc, char **argv,
                                const cw_option *options, const char **dir) {
  int n;
  CW_TRY(cw_options_read(ctx, command, argc, argv, options, "one directory", dir, 1, &n));
  if (n == 0)
    return cw_fail(ctx, CW_EINVAL, "%s: which directory? Usage: causeway %s DIR%s", command,
                   command, options[0].word != NULL ? " [--json]" : "");
  return CW_OK;
}

cw_status cw_command_show(cw_context *ctx, int argc, char **argv) {
  const char *dir;
  bool json = false;
  cw_analysis *a = NULL;
  const cw_option options[] = {{.word = "--json", .flag = &json}, {.word = NULL}};
  CW_TRY(read_arguments(ctx, "show", argc, argv, options, &dir));
  CW_TRY(cw_analysis_create(ctx, dir, &a));
  cw_status st = CW_OK;
  if (cw_rank(ctx) == 0)
    st = json ? cw_analysis_json(ctx, a, stdout) : cw_analysis_print(ctx, a, stdout);
  cw_analysis_destroy(a);
  return cw_agree(ctx, st);
}

cw_status cw_command_report(cw_context *ctx, int argc, char **argv) {
  const char *dir;
  const cw_option options[] = {{.word = NULL}};
  CW_TRY(read_arguments(ctx, "report", argc, argv, options, &dir));
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
