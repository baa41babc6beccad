/* Autoregressive models of every kind on lattices that are small enough to enumerate. */
#ifndef CW_TEST_AUTOREGRESSIVE_CASES_H
#define CW_TEST_AUTOREGRESSIVE_CASES_H

#include <stdlib.h>

#include "causeway/train.h"
#include "model/autoregressive/masked.h"
#include "support/check.h"

#define MIXTURE(n_shift, ...)                                                                      \
  { .clip = 1e-7, .shifts = (n_shift), __VA_ARGS__ }
#define SPEC(...) MIXTURE(1, __VA_ARGS__)

typedef struct {
  const char *what;
  cw_lattice lat;
  double h; /* of the target */
  cw_autoregressive_spec spec;
} model_case;

/* Of some: the sanitizers make enumerating 2^16 configurations long. */
enum { ROWS = SANITIZED ? 3 : 4 };

static const model_case cases[] = {
    {"no network", {2, {3, 3}}, 0.3, SPEC(.kind = "made", .bonds = true)},
    {"pixelcnn",
     {2, {3, 3}},
     0.3,
     SPEC(.kind = "pixelcnn", .n_hidden = 2, .hidden = {5, 18}, .kernel = 3)},
    {"pixelcnn, periodic, gated, residual",
     {2, {4, 4}},
     0.1,
     SPEC(.kind = "pixelcnn", .n_hidden = 3, .hidden = {6, 6, 6}, .kernel = 5, .periodic = true,
          .gated = true, .residual = true, .bonds = true)},
    {"pixelcnn, periodic, residual, leaky",
     {2, {3, 4}},
     0,
     SPEC(.kind = "pixelcnn", .n_hidden = 2, .hidden = {7, 7}, .kernel = 3, .periodic = true,
          .residual = true, .activation = CW_ACT_LEAKY_RELU)},
    {"pixelcnn, z2",
     {2, {ROWS, 4}},
     0,
     SPEC(.kind = "pixelcnn", .n_hidden = 1, .hidden = {33}, .kernel = 3, .z2 = true)},
    {"made",
     {2, {ROWS, 4}},
     -0.2,
     SPEC(.kind = "made", .n_hidden = 1, .hidden = {3}, .bonds = true)},
    {"made in three dimensions",
     {3, {2, 2, 3}},
     0.2,
     SPEC(.kind = "made", .n_hidden = 2, .hidden = {4, 5})},
    {"frontier, own weights",
     {2, {ROWS, 4}},
     0.2,
     SPEC(.kind = "frontier", .n_hidden = 2, .hidden = {8, 9}, .bonds = true)},
    {"frontier, shared along rows, z2",
     {2, {3, 4}},
     0,
     SPEC(.kind = "frontier", .n_hidden = 2, .hidden = {70, 6}, .share = CW_SHARE_ROWS, .z2 = true,
          .bonds = true)},
    {"frontier, shared, three dimensions",
     {3, {2, 3, 2}},
     0.3,
     SPEC(.kind = "frontier", .n_hidden = 1, .hidden = {6}, .share = CW_SHARE_ALL, .bonds = true)},
    {"hierarchical",
     {2, {4, 4}},
     0.2,
     SPEC(.kind = "hierarchical", .n_hidden = 2, .hidden = {5, 5}, .bonds = true)},
    {"hierarchical, odd extents, gated",
     {2, {3, 5}},
     0,
     SPEC(.kind = "hierarchical", .n_hidden = 1, .hidden = {5}, .gated = true)},
    {"mixture of all images",
     {2, {3, 3}},
     0,
     MIXTURE(3, .kind = "frontier", .n_hidden = 1, .hidden = {6}, .bonds = true, .mirror = true,
             .point_group = true)},
    {"mixture of some images",
     {2, {4, 2}},
     0,
     MIXTURE(2, .kind = "made", .n_hidden = 1, .hidden = {2}, .mirror = true)},
};

enum { N_CASES = sizeof cases / sizeof *cases };

static const double BETA = 0.4;

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_model *model;
  cw_theory th;
  const model_case *k;
  double *theta;
  long n_theta;
  cw_arena *arena;
  cw_field all; /* every configuration, and */
  double *logq; /* of all: for tests that ask for them, as there are up to 2^16 */
} bench;

static inline void fill_all(bench *b) {
  const int n = (int)b->geom->n_sites;
  check_ok(b->ctx, cw_field_create(b->ctx, b->geom, 1, 1L << n, &b->all));
  for (long c = 0; c < 1L << n; c++)
    for (int s = 0; s < n; s++) cw_field_set(&b->all, c, s, 0, c >> s & 1 ? 1 : -1);
}

static inline void fill_all_and_logq(bench *b) {
  fill_all(b);
  b->logq = cw_alloc((size_t)b->all.n_config * sizeof(double));
  check_ok(b->ctx, cw_model_log_prob(b->ctx, b->model, &b->all, b->logq));
}

static inline void open_bench(bench *b, const model_case *k, int threads) {
  const double params[] = {BETA, k->h};
  const cw_model_spec spec = {.kind = CW_MODEL_AUTOREGRESSIVE, .autoregressive = k->spec};
  *b = (bench){.ctx = test_context(threads), .k = k};
  check_ok(b->ctx, cw_geometry_create(b->ctx, &k->lat, 1, &b->geom));
  check_ok(b->ctx, cw_model_create(b->ctx, &spec, b->geom, &b->model));
  check_ok(b->ctx, cw_theory_create(b->ctx, cw_theory_find("ising"), b->geom, 0, params, &b->th));
  cw_model_set_couplings(b->model, b->th.ops, b->th.c);
  b->n_theta = cw_model_n_theta(b->model);
  b->theta = cw_alloc((size_t)b->n_theta * sizeof(double));
  for (long i = 0; i < b->n_theta; i++) {
    double z[2];
    cw_normal2(CW_ISA_BASE, cw_rng_stream(3, "theta"), (uint32_t)i, 0, 0, 0, z);
    b->theta[i] = (float)(0.25 * z[0]);
  }
  cw_model_set_theta(b->model, b->theta);
  b->arena = cw_arena_create(1 << 18);
}

static inline void close_bench(bench *b) {
  cw_model_destroy(b->model);
  cw_theory_destroy(&b->th);
  cw_field_destroy(&b->all);
  cw_geometry_destroy(b->geom);
  cw_arena_destroy(b->arena);
  free(b->theta);
  free(b->logq);
  cw_context_destroy(b->ctx);
}

static inline void try_case(const model_case *k, void (*test)(bench *)) {
  print_message("  %s, %s\n", k->spec.kind, k->what);
  bench b;
  open_bench(&b, k, 1);
  test(&b);
  close_bench(&b);
}

/* Every kind of the registry, with a network of one hidden layer, and the cases of the table. */
static inline void for_cases(void (*test)(bench *)) {
  for (int i = 0; cw_autoregressives[i] != NULL; i++) {
    const model_case k = {"one hidden layer",
                          {2, {2, 4}},
                          0.2,
                          SPEC(.kind = cw_autoregressives[i]->name, .n_hidden = 1, .hidden = {6},
                               .kernel = 3, .bonds = true)};
    try_case(&k, test);
  }
  for (int i = 0; i < N_CASES; i++) try_case(&cases[i], test);
}

#define FOR_CASES(test)                                                                            \
  static void every_##test(void **state) {                                                         \
    (void)state;                                                                                   \
    for_cases(test);                                                                               \
  }

#endif
