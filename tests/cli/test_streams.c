/* No two things in a job share a stream of random numbers: every stream that a run of the small
 * jobs asks for is seen here, by the linker's --wrap, with the section that asks. */
#include <stdlib.h>
#include <string.h>

#include "app/run/run.h"
#include "app/run/stage.h"
#include "support/check.h"
#include "support/directory.h"

enum { MOST = 4096, PATH = 160 };

typedef struct {
  uint32_t key[2];
  char path[PATH];    /* "1 reverse/hmc start 0" */
  char section[PATH]; /* that asked while it ran, "": before any did */
} stream;

static stream seen[MOST];
static int n_seen, n_asked;
static char running[PATH];

static stream *find(cw_rng rng) {
  for (int i = 0; i < n_seen; i++)
    if (memcmp(seen[i].key, rng.key, sizeof rng.key) == 0) return &seen[i];
  return NULL;
}

/* Weights begin alike in all cases, on purpose: their starts can be compared. */
static bool is_shared(const char *path) { return strstr(path, " model") != NULL; }

static cw_rng note(cw_rng rng, const char *path) {
  stream *s = find(rng);
  n_asked++;
  if (s == NULL) {
    assert_true(n_seen < MOST);
    s = &seen[n_seen++];
    memcpy(s->key, rng.key, sizeof rng.key);
    snprintf(s->path, PATH, "%s", path);
    snprintf(s->section, PATH, "%s", running);
  }
  if (strcmp(s->path, path) != 0) fail_msg("'%s' and '%s' share a stream", s->path, path);
  bool other = running[0] != '\0' && s->section[0] != '\0' && strcmp(s->section, running) != 0;
  if (other && !is_shared(path))
    fail_msg("'%s' and '%s' both draw from '%s'", s->section, running, path);
  if (s->section[0] == '\0') snprintf(s->section, PATH, "%s", running);
  return rng;
}

cw_rng __real_cw_rng_stream(uint32_t seed, const char *name);
cw_rng __wrap_cw_rng_stream(uint32_t seed, const char *name);
cw_rng __wrap_cw_rng_stream(uint32_t seed, const char *name) {
  char path[PATH];
  snprintf(path, sizeof path, "%u %s", seed, name);
  return note(__real_cw_rng_stream(seed, name), path);
}

cw_rng __real_cw_rng_substream(cw_rng rng, const char *name, uint32_t number);
cw_rng __wrap_cw_rng_substream(cw_rng rng, const char *name, uint32_t number);
cw_rng __wrap_cw_rng_substream(cw_rng rng, const char *name, uint32_t number) {
  char path[PATH];
  const stream *parent = find(rng);
  assert_non_null(parent); /* a stream that nobody asked for: made by hand */
  snprintf(path, sizeof path, "%.100s %.20s %u", parent->path, name, number);
  return note(__real_cw_rng_substream(rng, name, number), path);
}

cw_status __real_cw_stage_run(cw_case *c, cw_stage *s);
cw_status __wrap_cw_stage_run(cw_case *c, cw_stage *s);
cw_status __wrap_cw_stage_run(cw_case *c, cw_stage *s) {
  cw_stage_name(c->plan, s->name, running);
  cw_status st = __real_cw_stage_run(c, s);
  running[0] = '\0';
  return st;
}

static void run_job(const char *name) {
  cw_context *ctx = test_context(2);
  char *dir = new_directory(), path[400];
  cw_plans plans;
  cw_store *store = NULL;
  n_seen = n_asked = 0;
  snprintf(path, sizeof path, "%s/%s.yaml", CW_SMALL_JOBS, name);
  check_ok(ctx, cw_plans_load(ctx, path, NULL, NULL, 0, &plans));
  check_ok(ctx, cw_store_create(ctx, dir, plans.text, false, &store));
  check_ok(ctx, cw_run_job(ctx, &plans, store));
  print_message("%s: %d streams, asked for %d times\n", name, n_seen, n_asked);
  assert_true(n_seen >= 6);
  cw_store_close(store);
  cw_plans_clear(&plans);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

static void no_stream_is_used_twice(void **state) {
  (void)state;
  static const char *const jobs[] = {"plain", "cases", "gauge", "ladder"};
  for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) run_job(jobs[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(no_stream_is_used_twice)};
  return cmocka_run_group_tests_name("streams of random numbers", tests, NULL, NULL);
}
