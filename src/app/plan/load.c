/* Plans out of a job file, with what the command line changes of it, and out of a store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/plan/plan.h"

static cw_status set_seed(cw_context *ctx, cw_job *job, const char *word) {
  char assignment[32], *end;
  unsigned long long seed = strtoull(word, &end, 10);
  if (word[0] < '0' || word[0] > '9' || *end != '\0' || seed > UINT32_MAX)
    return cw_fail(ctx, CW_EINVAL, "--seed: expected a number from 0 to %lu, found '%s'",
                   (unsigned long)UINT32_MAX, word);
  snprintf(assignment, sizeof assignment, "seed=%llu", seed);
  return cw_job_set(job, assignment);
}

static bool sets(const char *assignment, const char *key) {
  const size_t n = strlen(key);
  return strncmp(assignment, key, n) == 0 && strchr("=.[", assignment[n]) != NULL;
}

/* What a job says about itself is about the job as it was written: what is changed stands behind it, as far as
 * a line has room. */
static cw_status mark_changes(cw_job *job, const char *const *set, int n_set) {
  enum { LINE = 300 };
  char mark[LINE] = "";
  size_t at = 0;
  for (int i = 0; i < n_set; i++) {
    if (sets(set[i], "about")) return CW_OK; /* it is of the job as it is now */
    if (sets(set[i], "seed") || sets(set[i], "checkpoint") || sets(set[i], "expect") ||
        sets(set[i], "figures"))
      continue;
    const bool fits = at + strlen(set[i]) + sizeof ", ...)" < LINE - sizeof " (run with ";
    if (at > 0 && !fits && at + sizeof ", ...)" < LINE)
      at += (size_t)snprintf(mark + at, LINE - at, ", ...");
    if (!fits) break;
    at += (size_t)snprintf(mark + at, LINE - at, "%s%s", at > 0 ? ", " : " (run with ", set[i]);
  }
  if (at == 0) return CW_OK;
  snprintf(mark + at, LINE - at, ")");
  return cw_job_add_text(cw_job_root(job), "about", mark, sizeof((cw_plan *)NULL)->about - 1);
}

cw_status cw_job_of_words(cw_context *ctx, const char *path, const char *seed,
                          const char *const *set, int n_set, cw_job **out) {
  *out = NULL;
  CW_TRY(cw_job_load(ctx, path, out));
  for (int i = 0; i < n_set; i++) CW_TRY(cw_job_set(*out, set[i]));
  CW_TRY(mark_changes(*out, set, n_set));
  return seed != NULL ? set_seed(ctx, *out, seed) : CW_OK;
}

cw_status cw_plans_load(cw_context *ctx, const char *path, const char *seed, const char *const *set,
                        int n_set, cw_plans *out) {
  cw_job *job = NULL;
  *out = (cw_plans){0};
  cw_status st = cw_job_of_words(ctx, path, seed, set, n_set, &job);
  if (st == CW_OK) st = cw_plans_read(ctx, job, out);
  cw_job_destroy(job);
  return st;
}

/* The case of that name; NULL: the only one. *out = NULL: the job has no cases. */
static cw_status find_case(cw_context *ctx, const char *command, cw_job *job, const char *name,
                           cw_node **out) {
  const char *known[CW_MAX_CASES + 1] = {NULL};
  char list[300];
  cw_node *cases;
  int n = 0;
  *out = NULL;
  CW_TRY(cw_job_map(cw_job_root(job), "cases", CW_JOB_MAY, &cases));
  if (cases == NULL && name != NULL)
    return cw_fail(ctx, CW_EINVAL, "%s: --case %s: the job has no cases", command, name);
  if (cases == NULL) return CW_OK;
  for (cw_node *c = cw_job_first(cases); c != NULL && n < CW_MAX_CASES; c = cw_job_next(c)) {
    known[n++] = cw_job_key(c);
    if (name == NULL || strcmp(name, cw_job_key(c)) == 0) *out = c;
  }
  cw_list_words(known, list, sizeof list);
  if (name == NULL && n > 1)
    return cw_fail(ctx, CW_EINVAL,
                   "%s: the job has several cases, say which by --case (it has: %s)", command,
                   list);
  if (*out != NULL) return CW_OK;
  return cw_fail(ctx, CW_EINVAL, "%s: --case: the job has no case '%.60s' (it has: %s)", command,
                 name != NULL ? name : "", list);
}

/* What makes numbers, and what is expected of them. */
static void strip(cw_node *root) {
  static const char *const others[] = {"cases", "model", "ladder", "expect", "figures", NULL};
  for (int i = 0; others[i] != NULL; i++) cw_job_remove(root, others[i]);
  for (int i = 0; cw_methods[i] != NULL; i++)
    for (int k = 0; cw_methods[i]->kind(k).name != NULL; k++)
      cw_job_remove(root, cw_methods[i]->kind(k).name);
}

cw_status cw_plans_load_bare(cw_context *ctx, const char *command, const char *path,
                             const char *in_case, const char *const *set, int n_set,
                             const char *section, cw_plans *out) {
  cw_job *job = NULL, *bare = NULL;
  cw_node *patch = NULL;
  *out = (cw_plans){0};
  cw_status st = cw_job_of_words(ctx, path, NULL, set, n_set, &job);
  if (st == CW_OK) st = find_case(ctx, command, job, in_case, &patch);
  if (st == CW_OK && patch != NULL) st = cw_job_as_map(patch);
  if (st == CW_OK) st = cw_job_merge(job, patch, &bare);
  if (st == CW_OK) {
    strip(cw_job_root(bare));
    st = cw_job_set(bare, section);
  }
  if (st == CW_OK) st = cw_plans_read(ctx, bare, out);
  cw_job_destroy(bare);
  cw_job_destroy(job);
  return st;
}

/* Of the whole job, not of a case. */
static bool is_of_job(const char *assignment) {
  static const char *const keys[] = {"job=", "about=", "seed=", "figures", "cases.", "cases="};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (strncmp(assignment, keys[i], strlen(keys[i])) == 0) return true;
  return false;
}

/* Every case of a resolved job is whole, so that what stands beside them would change none. */
static cw_status set_in_cases(cw_context *ctx, cw_job *job, cw_node *cases,
                              const char *assignment) {
  for (cw_node *c = cw_job_first(cases); c != NULL; c = cw_job_next(c)) {
    const size_t size = strlen(assignment) + strlen(cw_job_key(c)) + sizeof "cases..";
    char *one = malloc(size);
    if (one == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a job");
    snprintf(one, size, "cases.%s.%s", cw_job_key(c), assignment);
    const cw_status st = cw_job_set(job, one);
    free(one);
    CW_TRY(st);
  }
  return CW_OK;
}

static cw_status set_again(cw_context *ctx, cw_job *job, const char *const *set, int n_set) {
  cw_node *cases;
  CW_TRY(cw_job_map(cw_job_root(job), "cases", CW_JOB_MAY, &cases));
  for (int i = 0; i < n_set; i++)
    CW_TRY(cases == NULL || is_of_job(set[i]) ? cw_job_set(job, set[i])
                                              : set_in_cases(ctx, job, cases, set[i]));
  return CW_OK;
}

/* Takes the job. */
static cw_status read_again(cw_context *ctx, cw_job *job, const char *const *set, int n_set,
                            cw_plans *out) {
  cw_status st = set_again(ctx, job, set, n_set);
  if (st == CW_OK) st = cw_plans_read(ctx, job, out);
  cw_job_destroy(job);
  return st;
}

cw_status cw_plans_of_text(cw_context *ctx, const char *text, const char *name,
                           const char *const *set, int n_set, cw_plans *out) {
  cw_job *job = NULL;
  *out = (cw_plans){0};
  CW_TRY(cw_job_parse(ctx, text, strlen(text), name, &job));
  return read_again(ctx, job, set, n_set, out);
}

cw_status cw_plans_of_file(cw_context *ctx, const char *path, const char *const *set, int n_set,
                           cw_plans *out) {
  cw_job *job = NULL;
  *out = (cw_plans){0};
  CW_TRY(cw_job_load(ctx, path, &job));
  return read_again(ctx, job, set, n_set, out);
}

cw_status cw_plans_of_store(cw_context *ctx, const cw_store *store, cw_plans *plans) {
  return cw_plans_of_text(ctx, cw_store_job(store), cw_store_dir(store), NULL, 0, plans);
}
