/* A small job, and what is expected of its text. */
#ifndef CW_TEST_JOB_TEXT_H
#define CW_TEST_JOB_TEXT_H

#include "support/check.h"

#include <limits.h>
#include <string.h>

#include "app/job/job.h"

static const char JOB[] =
    "job: phi4-8x8\n"
    "about: one line, with a comma\n"
    "seed: 1\n"
    "lattice: [8, 8]\n"
    "theory: {kind: phi4, form: m2, m2: -4, lambda: 8.0}\n"
    "model:\n"
    "  prior: {kind: normal}\n"
    "  layers:\n"
    "    - {kind: affine, repeat: 16, z2: false, net: {kind: conv, hidden: [8, 8], kernel: 3}}\n"
    "    - kind: scale\n"
    "hmc:\n"
    "nis: {samples: 65536}\n"
    "cases:\n"
    "  k20: {theory: {kappa: 0.2}}\n"
    "  k30:\n"
    "    theory:\n"
    "      kappa: 0.3\n"
    "      m2: ~\n";

static const cw_param PARAMS[] = {{"m2", "bare mass squared", NAN, -1e3, 1e3, CW_REAL},
                                  {"lambda", "quartic coupling", 1.5, 0, 100, CW_REAL},
                                  {0}};

static cw_context *ctx;

static inline int setup(void **state) {
  (void)state;
  ctx = test_context(1);
  return 0;
}

static inline int teardown(void **state) {
  (void)state;
  cw_context_destroy(ctx);
  return 0;
}

static inline cw_status parse(const char *text, cw_job **job) {
  cw_clear_error(ctx);
  return cw_job_parse(ctx, text, strlen(text), "x.yaml", job);
}

static inline cw_job *must_parse(const char *text) {
  cw_job *job = NULL;
  check_ok(ctx, parse(text, &job));
  return job;
}

static inline char *emit(const cw_node *node) {
  char *text = NULL;
  check_ok(ctx, cw_job_emit(node, &text));
  return text;
}

static inline void expect_error(cw_status st, const char *message) {
  assert_int_equal(st, CW_EINVAL);
  assert_string_equal(cw_error(ctx), message);
  cw_clear_error(ctx);
}

#endif
