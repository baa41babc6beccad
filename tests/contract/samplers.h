/* Every sampler on every theory with all settings of its word keys, for the tests that all of them must
 * pass. */
#ifndef CW_TEST_SAMPLERS_H
#define CW_TEST_SAMPLERS_H

#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#include "causeway/sampler.h"

/* A value in range for each parameter of a theory; strong couplings of links, so that a wrong step
 * shows; a defect is one link. */
static inline void some_params(const cw_theory_ops *theory, int form, double *p) {
  const cw_param *table = theory->params[form];
  const bool links = cw_kind(theory->kind)->on_links;
  for (int i = 0; table[i].name != NULL; i++) {
    p[i] = links && strncmp(table[i].name, "beta", 4) == 0 ? 3 + 0.5 * i : 0.3 + 0.1 * i;
    if (table[i].numbers == CW_WHOLE)
      p[i] = strncmp(table[i].name, "edge_", 5) == 0 ? table[i].min : table[i].min + 2;
    if (strcmp(table[i].name, "direction") == 0) p[i] = 0;
    p[i] = fmin(fmax(p[i], table[i].min), table[i].max);
  }
}

/* ------------------------------------------------- every sampler and setting */

typedef struct {
  cw_context *ctx;
  const cw_sampler_ops *sampler;
  int choice[CW_MAX_PARAMS];
  const cw_theory_ops *theory;
  int form;
  double theory_param[CW_MAX_PARAMS];
} subject;

typedef void test_body(const subject *who);

/* Counts through all combinations of the word keys; false after the last. */
static inline bool next_combination(const cw_sampler_ops *ops, int *choice) {
  for (int i = 0; ops->choices_name != NULL && ops->choices_name[i] != NULL; i++) {
    if (ops->choices[i][++choice[i]] != NULL) return true;
    choice[i] = 0;
  }
  return false;
}

/* Every word key goes on to its next value, or begins anew; false when the one with the most values does:
 * then each has had all of its own. */
static inline bool next_values(const cw_sampler_ops *ops, int *choice) {
  int longest = -1, most = 0;
  for (int i = 0; ops->choices_name != NULL && ops->choices_name[i] != NULL; i++) {
    int n = 0;
    while (ops->choices[i][n] != NULL) n++;
    choice[i] = (choice[i] + 1) % n;
    if (n > most) most = n, longest = i;
  }
  return longest >= 0 && choice[longest] > 0;
}

static inline bool next_choice(const cw_sampler_ops *ops, int *choice) {
  return test_is_long() ? next_combination(ops, choice) : next_values(ops, choice);
}

/* Settings are tried with all forms of theories on sites; those of links take longer, and try them
 * with their first form. Each value of each word key is tried, with make check-long each combination. */
static inline void for_all(test_body *body) {
  subject who = {.ctx = test_context(2)};
  for (int s = 0; cw_samplers[s] != NULL; s++)
    for (int t = 0; cw_theories[t] != NULL; t++)
      for (who.form = 0; cw_theories[t]->forms[who.form] != NULL; who.form++) {
        who.sampler = cw_samplers[s];
        who.theory = cw_theories[t];
        if (!test_is_new(who.sampler->name) && !test_is_new(who.theory->name)) continue;
        some_params(who.theory, who.form, who.theory_param);
        memset(who.choice, 0, sizeof who.choice);
        do body(&who);
        while (next_choice(who.sampler, who.choice) &&
               (!cw_kind(who.theory->kind)->on_links || who.form == 0));
      }
  cw_context_destroy(who.ctx);
}

/* A sampler on n_config configurations of a lattice in a split; cold fields. False: the sampler
 * does not fit this theory, or one of them this lattice. */
typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_sampler *sampler;
  cw_field x;
} bench;

static inline void close_bench(bench *b) {
  cw_sampler_destroy(b->sampler);
  cw_field_destroy(&b->x);
  cw_theory_destroy(&b->th);
  cw_geometry_destroy(b->geom);
}

static inline bool open_bench(bench *b, const subject *who, cw_context *ctx, const cw_lattice *lat,
                              int V, long n_config) {
  *b = (bench){.ctx = ctx};
  const char *why = who->theory->refuse(who->form, lat, who->theory_param);
  if (why != NULL) return false;
  check_ok(ctx, cw_geometry_create(ctx, lat, V, &b->geom));
  check_ok(ctx, cw_theory_create(ctx, who->theory, b->geom, who->form, who->theory_param, &b->th));
  check_ok(ctx, cw_field_create(ctx, b->geom, b->th.n_comp, n_config, &b->x));
  cw_kind(who->theory->kind)->cold(&b->x);
  cw_status st =
      cw_sampler_create(ctx, who->sampler, &b->th, NULL, who->choice, b->x.n_blocks, &b->sampler);
  if (st == CW_OK) return true;
  assert_int_equal(st, CW_EINVAL);
  cw_clear_error(ctx);
  close_bench(b);
  return false;
}

static inline void hot_start(bench *b, const char *stream, int seed) {
  cw_kind(b->th.ops->kind)->hot(b->th.isa, &b->x, cw_rng_stream((uint32_t)seed, stream), 0);
}

static inline void step(bench *b, uint32_t i, const cw_step_stats *stats) {
  cw_rng rng = cw_rng_stream(11, "contract/sampler");
  check_ok(b->ctx, b->sampler->ops->step(b->sampler, b->th.c, &b->x, rng, i, stats));
}

/* The same by the reversal of a step, with draws of its own. */
static inline void back(bench *b, uint32_t i, const cw_step_stats *stats) {
  cw_rng rng = cw_rng_stream(11, "contract/back");
  check_ok(b->ctx, b->sampler->ops->step_back(b->sampler, b->th.c, &b->x, rng, i, stats));
}

/* Forces of a theory that has them. */
static inline cw_field forces_of(const bench *b) {
  cw_field f = {0};
  if (b->th.ops->force == NULL) return f;
  check_ok(b->ctx, cw_field_create(b->ctx, b->geom, b->th.n_tangent, b->x.n_config, &f));
  b->th.ops->force(&b->th, &b->x, b->th.c, &f);
  return f;
}

/* Thermalises from a hot start and tunes; returns the next step number. */
static inline uint32_t thermalise(bench *b, uint32_t n) {
  double *accept = calloc((size_t)(b->x.n_blocks * b->x.B), sizeof *accept);
  cw_step_stats stats = {.accept = accept};
  hot_start(b, "contract/start", 11);
  for (uint32_t i = 0; i < n; i++) {
    step(b, i, &stats);
    if (b->sampler->ops->tune != NULL)
      b->sampler->ops->tune(b->sampler,
                            cw_sum(accept, (size_t)b->x.n_config) / (double)b->x.n_config, i, n);
  }
  free(accept);
  return n;
}

/* Mean and error of one number per chain; chains are independent. */
static inline void mean_and_error(const double *v, long n, double *mean, double *error) {
  double sum = 0, square = 0;
  for (long i = 0; i < n; i++) sum += v[i];
  *mean = sum / (double)n;
  for (long i = 0; i < n; i++) square += (v[i] - *mean) * (v[i] - *mean);
  *error = sqrt(square / ((double)n * (double)(n - 1)));
}

#endif
