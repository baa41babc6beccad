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

cw_status cw_job_of_words(cw_context *ctx, const char *path, const char *seed,
                          const char *const *set, int n_set, cw_job **out) {
  *out = NULL;
  CW_TRY(cw_job_load(ctx, path, out));
  for (int i = 0; i < n_set; i++) CW_TRY(cw_job_set(*out, set[i]));
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

cw_status cw_plans_of_store(cw_context *ctx, const cw_store *store, cw_plans *plans) {
  const char *text = cw_store_job(store);
  cw_job *job = NULL;
  *plans = (cw_plans){0};
  CW_TRY(cw_job_parse(ctx, text, strlen(text), cw_store_dir(store), &job));
  cw_status st = cw_plans_read(ctx, job, plans);
  cw_job_destroy(job);
  return st;
}
