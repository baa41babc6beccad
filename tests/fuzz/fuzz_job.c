/* Any bytes as a job file: parse, override, merge, read in every way, finish, emit; and read as the
 * program does. What is emitted must parse again and come out the same. The text before the first
 * zero byte, if there is one, is an override instead. */
#include <stdlib.h>
#include <string.h>

#include "app/plan/plan.h"

static const char *const KINDS[] = {"phi4", "affine", "conv", NULL};
static const cw_param PARAMS[] = {{"m2", "", NAN, -10, 10, CW_REAL},
                                  {"lambda", "", 1, 0, INFINITY, CW_REAL},
                                  {"kappa", "", 0.1, -INFINITY, 1, CW_REAL},
                                  {.name = NULL}};

/* Failures are expected everywhere; only crashes and broken promises are findings. */
static void read_map(cw_node *map, int depth) {
  double d[8];
  long l;
  int i[4], n, choice;
  bool b;
  const char *s;
  cw_node *child;
  (void)cw_job_params(map, PARAMS, d);
  (void)cw_job_long(map, "seed", 1, 0, 100, &l);
  (void)cw_job_bool(map, "z2", 0, &b);
  (void)cw_job_string(map, "about", "", &s);
  (void)cw_job_choice(map, "kind", "kind", KINDS, CW_JOB_REQUIRED, &choice);
  (void)cw_job_int_list(map, "lattice", NULL, 0, 1, 100, 4, i, &n);
  (void)cw_job_double_list(map, "sizes", (double[]){0.5, 2}, 2, -1, 1, 8, d, &n);
  if (depth > 4) return;
  static const char *const sections[] = {"theory", "model", "net", "a"};
  for (int k = 0; k < 4; k++)
    if (cw_job_map(map, sections[k], CW_JOB_MAY, &child) == CW_OK && child != NULL)
      read_map(child, depth + 1);
  if (cw_job_list(map, "layers", CW_JOB_PRESET, &child) != CW_OK) return;
  for (cw_node *item = cw_job_first(child); item != NULL; item = cw_job_next(item))
    if (cw_job_as_map(item) == CW_OK) read_map(item, depth + 1);
}

/* Emission is a fixed point. */
static void check_emit(cw_context *ctx, cw_job *job) {
  char *once = NULL, *twice = NULL;
  cw_job *again = NULL;
  if (cw_job_emit(cw_job_root(job), &once) != CW_OK) abort();
  cw_status st = cw_job_parse(ctx, once, strlen(once), "again", &again);
  if (st == CW_OK) {
    if (cw_job_emit(cw_job_root(again), &twice) != CW_OK || strcmp(once, twice) != 0) abort();
  } else if (strlen(once) <=
             1 << 18) { /* longer than a job may be: escapes and indents add bytes */
    abort();
  }
  free(once);
  free(twice);
  cw_job_destroy(again);
}

static void try_cases(cw_context *ctx, cw_job *job) {
  cw_node *cases;
  if (cw_job_map(cw_job_root(job), "cases", CW_JOB_PRESET, &cases) != CW_OK) return;
  for (cw_node *c = cw_job_first(cases); c != NULL; c = cw_job_next(c)) {
    cw_job *merged = NULL;
    if (cw_job_merge(job, c, &merged) != CW_OK) continue;
    cw_job_remove(cw_job_root(merged), "cases");
    read_map(cw_job_root(merged), 0);
    (void)cw_job_finish(cw_job_root(merged));
    check_emit(ctx, merged);
    (void)cw_job_replace(c, cw_job_root(merged));
    cw_job_destroy(merged);
  }
}

/* The job as causeway run reads it, on a lattice ("lattice=...") that does not fill the memory. The
 * resolved job must be a job that resolves to itself. */
static void try_plans(cw_context *ctx, const uint8_t *data, size_t size, const char *lattice) {
  cw_job *job = NULL, *resolved = NULL;
  cw_plans plans, again;
  cw_clear_error(ctx);
  if (cw_job_parse(ctx, (const char *)data, size, "fuzz.yaml", &job) == CW_OK &&
      cw_job_set(job, "cases=null") == CW_OK && cw_job_set(job, lattice) == CW_OK &&
      cw_plans_read(ctx, job, &plans) == CW_OK) {
    if (cw_job_parse(ctx, plans.text, strlen(plans.text), "resolved", &resolved) == CW_OK) {
      if (cw_plans_read(ctx, resolved, &again) != CW_OK || strcmp(plans.text, again.text) != 0)
        abort();
      cw_plans_clear(&again);
    }
    cw_plans_clear(&plans);
  }
  cw_job_destroy(resolved);
  cw_job_destroy(job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  cw_context *ctx = NULL;
  cw_context_options options = {.threads = 1, .quiet = true};
  if (cw_context_create(&options, &ctx) != CW_OK) abort();
  const uint8_t *zero = memchr(data, 0, size);
  char *set = NULL;
  if (zero != NULL) {
    size_t n = (size_t)(zero - data);
    set = malloc(n + 1);
    if (set == NULL) abort();
    memcpy(set, data, n + 1);
    data += n + 1;
    size -= n + 1;
  }
  cw_job *job = NULL;
  if (cw_job_parse(ctx, (const char *)data, size, "fuzz.yaml", &job) == CW_OK) {
    if (set != NULL) (void)cw_job_set(job, set);
    check_emit(ctx, job);
    try_cases(ctx, job);
    read_map(cw_job_root(job), 0);
    (void)cw_job_finish(cw_job_root(job));
    check_emit(ctx, job);
  }
  cw_job_destroy(job);
  try_plans(ctx, data, size, "lattice=[4, 4]");
  try_plans(ctx, data, size, "lattice=[4, 4, 4, 4]"); /* only there are start files */
  free(set);
  cw_context_destroy(ctx);
  return 0;
}
