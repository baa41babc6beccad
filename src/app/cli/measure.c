/* causeway measure FILES --job JOB: the observables of a job on configurations as they are. The job
 * loses its samplers and gets a section `files`; from there on it is a run. The data path is
 * measure(). */
#define _GNU_SOURCE /* scandir, versionsort, open_memstream */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/cli/measured.h"
#include "app/cli/options.h"
#include "app/cli/temporary.h"
#include "app/methods/files/files.h"
#include "app/run/run.h"

typedef struct {
  int n;
  const char **place; /* files and directories, (n), owned */
  const char *list, *job, *out, *in_case, *ignore;
  bool resume, json;
  int n_set;
  const char *set[CW_MAX_SETS];
} request;

/* ----------------------------------------------------------------------- words */

static cw_status check_words(cw_context *ctx, const request *r) {
  if (cw_ranks(ctx) > 1)
    return cw_fail(ctx, CW_EINVAL, "measure: runs on one rank, not on %d", cw_ranks(ctx));
  if (r->n == 0 && r->list == NULL)
    return cw_fail(
        ctx, CW_EINVAL,
        "measure: which files? Usage: causeway measure FILE|DIR... --job JOB.yaml [--list "
        "FILE] [--out DIR] [--json]");
  if (r->job == NULL)
    return cw_fail(ctx, CW_EINVAL,
                   "measure: --job JOB.yaml is needed: theory, lattice and what to measure");
  if (r->out != NULL && (r->out[0] == '\0' || strlen(r->out) >= CW_PATH))
    return cw_fail(ctx, CW_EINVAL, "measure: --out: expected a directory of 1 to %d bytes",
                   CW_PATH - 1);
  if (r->resume && r->out == NULL)
    return cw_fail(ctx, CW_EINVAL, "measure: --resume goes on in a directory: say --out DIR");
  return CW_OK;
}

/* r->place has room for argc words. */
static cw_status read_words(cw_context *ctx, int argc, char **argv, request *r) {
  unsigned bits;
  bool quiet;
  const cw_option options[] = {
      {.word = "--list", .value = &r->list},
      {.word = "--job", .value = &r->job},
      {.word = "--case", .value = &r->in_case},
      {.word = "--ignore-checks", .value = &r->ignore},
      {.word = "--out", .value = &r->out},
      {.word = "--resume", .flag = &r->resume},
      {.word = "--json", .flag = &r->json},
      {.word = "--threads"},
      {.word = "--set", .value = r->set, .most = CW_MAX_SETS, .n = &r->n_set},
      {.word = "--quiet", .flag = &quiet},
      {.word = NULL}};
  CW_TRY(cw_options_read(ctx, "measure", argc, argv, options, "files", r->place, argc, &r->n));
  if (r->ignore != NULL)
    CW_TRY(cw_options_bits(ctx, "measure", "--ignore-checks", r->ignore, cw_check_names(), &bits));
  return check_words(ctx, r);
}

/* ----------------------------------------------------------------------- files */

/* The section as a --set would say it, which grows: "files={paths: ['a', 'b']". */
typedef struct {
  cw_context *ctx;
  FILE *text;
  long n;
} section;

/* In single quotes, within which only they are special. */
static cw_status add_file(section *s, const char *path) {
  for (const char *c = path; *c != '\0'; c++)
    if ((unsigned char)*c < ' ')
      return cw_fail(s->ctx, CW_EINVAL,
                     "measure: a control character in the name of a file, behind '%.*s'",
                     (int)(c - path < 60 ? c - path : 60), path);
  if (s->n == CW_MOST_FILES)
    return cw_fail(s->ctx, CW_EINVAL, "measure: more than %d files at a time", CW_MOST_FILES);
  fputs(s->n++ > 0 ? ", '" : "'", s->text);
  for (const char *c = path; *c != '\0'; c++)
    fputs(*c == '\'' ? "''" : (char[]){*c, '\0'}, s->text);
  fputc('\'', s->text);
  return CW_OK;
}

static int is_visible(const struct dirent *e) { return e->d_name[0] != '.'; }

static cw_status add_entry(section *s, const char *dir, const char *name) {
  struct stat about;
  const size_t n = strlen(dir);
  char *path = NULL;
  if (asprintf(&path, "%s%s%s", dir, n > 0 && dir[n - 1] == '/' ? "" : "/", name) < 0)
    return cw_no_memory(s->ctx);
  const bool is_dir = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
  cw_status st = is_dir ? CW_OK : add_file(s, path);
  free(path);
  return st;
}

/* All files of a directory, in an order in which 9 comes before 10. */
static cw_status add_directory(section *s, const char *dir) {
  struct dirent **entry = NULL;
  const long before = s->n;
  const int n = scandir(dir, &entry, is_visible, versionsort);
  cw_status st =
      n >= 0 ? CW_OK : cw_fail(s->ctx, CW_EIO, "cannot read '%s': %s", dir, strerror(errno));
  for (int i = 0; i < n; i++) {
    if (st == CW_OK) st = add_entry(s, dir, entry[i]->d_name);
    free(entry[i]);
  }
  free(entry);
  if (st == CW_OK && s->n == before)
    return cw_fail(s->ctx, CW_EINVAL, "measure: there are no files in '%s'", dir);
  return st;
}

static cw_status add_place(section *s, const char *path) {
  struct stat about;
  const bool is_dir = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
  return is_dir ? add_directory(s, path) : add_file(s, path);
}

/* A path per line; empty lines and those that begin with '#' are none. */
static cw_status add_list(section *s, const char *path) {
  FILE *file = fopen(path, "r");
  char *line = NULL;
  size_t size = 0;
  ssize_t n;
  cw_status st = CW_OK;
  const long before = s->n;
  if (file == NULL) return cw_fail(s->ctx, CW_EIO, "cannot open '%s': %s", path, strerror(errno));
  while (st == CW_OK && (n = getline(&line, &size, file)) >= 0) {
    while (n > 0 && strchr(" \t\r\n", line[n - 1]) != NULL) line[--n] = '\0';
    if (n > 0 && line[0] != '#') st = add_place(s, line);
  }
  if (st == CW_OK && ferror(file))
    st = cw_fail(s->ctx, CW_EIO, "cannot read '%s': %s", path, strerror(errno));
  free(line);
  fclose(file);
  if (st == CW_OK && s->n == before)
    return cw_fail(s->ctx, CW_EINVAL, "measure: --list: '%s' names no files", path);
  return st;
}

static cw_status add_all(section *s, const request *r) {
  fputs("files={paths: [", s->text);
  for (int i = 0; i < r->n; i++) CW_TRY(add_place(s, r->place[i]));
  if (r->list != NULL) CW_TRY(add_list(s, r->list));
  fputc(']', s->text);
  if (r->ignore != NULL) fprintf(s->text, ", ignore_checks: [%s]", r->ignore);
  fputc('}', s->text);
  return CW_OK;
}

/* The caller frees *text, also after a failure. */
static cw_status write_section(cw_context *ctx, const request *r, char **text) {
  size_t size;
  section s = {.ctx = ctx, .text = open_memstream(text, &size)};
  if (s.text == NULL) return cw_no_memory(ctx);
  cw_status st = add_all(&s, r);
  return fclose(s.text) == 0 || st != CW_OK ? st : cw_no_memory(ctx);
}

/* --------------------------------------------------------------------- results */

static cw_status print_measured(cw_context *ctx, const request *r, const cw_measured *m) {
  const long n = ((const cw_files_plan *)m->section->own)->n, refused = cw_measured_refused(m);
  if (refused < n) CW_TRY((r->json ? cw_measured_json : cw_measured_print)(ctx, m, stdout));
  if (refused == 0) return CW_OK;
  return cw_fail(ctx, CW_ECORRUPT, "measure: %ld of %ld files could not be measured", refused, n);
}

/* Of the run in dir. */
static cw_status print_results(cw_context *ctx, const request *r, const char *dir) {
  cw_analysis *a = NULL;
  cw_arrays rows = {0};
  CW_TRY(cw_analysis_create(ctx, dir, &a));
  const cw_analysis_case *c = &a->cases[0];
  const cw_measured m = {.analysis = a, .c = c, .section = &c->plan->section[0], .rows = &rows};
  cw_status st = cw_collect_files(ctx, dir, c->plan, m.section, &rows);
  if (st == CW_OK) st = print_measured(ctx, r, &m);
  cw_arrays_clear(&rows);
  cw_analysis_destroy(a);
  return st;
}

/* --------------------------------------------------------------------- command */

static cw_status measure_into(cw_context *ctx, const request *r, const char *dir,
                              const cw_plans *plans) {
  cw_store *store = NULL;
  cw_status st = cw_check_room(ctx, dir, plans, NULL);
  if (st == CW_OK) st = cw_open_run(ctx, dir, plans, r->resume, &store);
  if (st == CW_OK) st = cw_run_job(ctx, plans, store);
  cw_store_close(store);
  if (st == CW_OK && r->out != NULL) st = cw_finish_run(ctx, dir);
  return st == CW_OK ? print_results(ctx, r, dir) : st;
}

/* A directory of its own where the user names none. */
static cw_status measure_aside(cw_context *ctx, const request *r, const cw_plans *plans) {
  char dir[CW_TEMPORARY] = "";
  CW_TRY(cw_temporary_make(ctx, "measure", dir));
  cw_status st = measure_into(ctx, r, dir, plans);
  cw_temporary_remove(dir);
  if (st != CW_EINTERRUPTED) return st;
  cw_clear_error(ctx); /* which says that causeway resume goes on */
  return cw_fail(ctx, st,
                 "measure: stopped, and nothing is kept; with --out DIR it goes on where it was");
}

static cw_status measure(cw_context *ctx, const request *r) {
  char *text = NULL;
  cw_plans plans = {0};
  cw_status st = write_section(ctx, r, &text);
  if (st == CW_OK)
    st = cw_plans_load_bare(ctx, "measure", r->job, r->in_case, r->set, r->n_set, text, &plans);
  if (st == CW_OK)
    st = r->out != NULL ? measure_into(ctx, r, r->out, &plans) : measure_aside(ctx, r, &plans);
  cw_plans_clear(&plans);
  free(text);
  return st;
}

cw_status cw_command_measure(cw_context *ctx, int argc, char **argv) {
  request r = {.place = calloc((size_t)argc + 1, sizeof *r.place)};
  if (r.place == NULL) return cw_no_memory(ctx);
  cw_status st = read_words(ctx, argc, argv, &r);
  if (st == CW_OK) st = measure(ctx, &r);
  free(r.place);
  return st;
}
