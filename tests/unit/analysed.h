/* Stores with known content, their analysis, and results of it by name. */
#ifndef CW_TEST_ANALYSED_H
#define CW_TEST_ANALYSED_H

#include "app/analysis/analysis.h"
#include "support/check.h"
#include "support/synthetic_store.h"

#define HEAD                                                                                       \
  "job: small\nseed: 5\nlattice: [8, 8]\ntheory: {kind: phi4, form: kappa, kappa: 0.3, lambda: "   \
  "0.022}\n"
#define MODEL "model: {layers: [{kind: affine, repeat: 2, net: {hidden: [4]}}, {kind: scale}]}\n"

static inline synthetic begin(cw_context *ctx, const char *dir, const char *job) {
  synthetic s = {.ctx = ctx, .prefix = "", .rng = cw_rng_stream(11, "synthetic")};
  check_ok(ctx, cw_store_create(ctx, dir, job, false, &s.store));
  return s;
}

static inline const cw_result *result(const cw_analysis_case *c, const char *stage,
                                      const char *quantity, int index) {
  const cw_analysis_stage *s = cw_analysis_find_stage(c, stage);
  assert_non_null(s);
  const cw_result *r = cw_stage_result(s, quantity, index);
  assert_non_null(r);
  return r;
}

static inline bool has_line(char *const *line, int n, const char *word) {
  for (int i = 0; i < n; i++)
    if (strstr(line[i], word) != NULL) return true;
  return false;
}

#endif
