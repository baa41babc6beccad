/* The bits of replica exchange depend on no number of threads, ranks or lanes and on no
 * interruption. Started by mpirun, all ranks together are compared with one alone. */
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/rex.h"
#include "contract/rex_ladders.h"
#include "support/bijections.h"
#include "support/toys.h"

enum { MOST_RUNGS = 5, MOST_CHAINS = 19, STEPS = 6, N_TUNE = 3 };

typedef struct {
  const char *theory;
  int form;
  cw_lattice lat;
  const char *sampler;
  int rungs;
  double params[MOST_RUNGS][CW_MAX_PARAMS];
  cw_rex_options options;
} job;

static const stretch gentle = {1.02, 0.01};

static const cw_map gentle_maps[MOST_RUNGS - 1] = {
    {.self = &gentle, .apply = stretch_apply},
    {.self = &gentle, .apply = stretch_apply},
    {.self = &gentle, .apply = stretch_apply},
    {.self = &gentle, .apply = stretch_apply},
};

/* The same way on the links of a level, and with a last move that may change all links and changes none.
 */
#define SWITCH                                                                                     \
  {.kind = CW_MOVE_RETARGET, .t = 0.5}, {.kind = CW_MOVE_MUTATE, .steps = 2, .level = 0}, {        \
    .kind = CW_MOVE_RETARGET, .t = 1                                                               \
  }
static const cw_move local_moves[] = {SWITCH};
static const cw_move wide_moves[] = {SWITCH, {.kind = CW_MOVE_MUTATE, .steps = 0, .level = -1}};
static const cw_program local_ways[] = {{3, local_moves}, {3, local_moves}};
static const cw_program wide_ways[] = {{4, wide_moves}, {4, wide_moves}};

/* By a flow first, at the couplings of where it comes from. */
static const cw_move local_flow_moves[] = {{.kind = CW_MOVE_TRANSPORT}, SWITCH};
static const cw_move wide_flow_moves[] = {
    {.kind = CW_MOVE_TRANSPORT}, SWITCH, {.kind = CW_MOVE_MUTATE, .steps = 0, .level = -1}};
static const cw_program local_flow_ways[] = {{4, local_flow_moves}, {4, local_flow_moves}};
static const cw_program wide_flow_ways[] = {{5, wide_flow_moves}, {5, wide_flow_moves}};

static const job jobs[] = {
    {"phi4", 1, {2, {8, 8}}, "hmc", 3, {{0.1, 0.3}, {0.13, 0.3}, {0.15, 0.3}}, {.mutations = 2}},
    {"phi4",
     1,
     {2, {8, 4}},
     "cluster",
     5,
     {{0.1, 0.3}, {0.12, 0.3}, {0.14, 0.3}, {0.16, 0.3}, {0.18, 0.3}},
     {.mutations = 1, .order = CW_SWAP_RANDOM, .map = gentle_maps}},
    {"su2",
     2,
     {3, {4, 4, 8}},
     "heatbath",
     4,
     {{2, 1, 2, 2, 2, 1, 1},
      {2, 0.8, 2, 2, 2, 1, 1},
      {2, 0.5, 2, 2, 2, 1, 1},
      {2, 0, 2, 2, 2, 1, 1}},
     {.mutations = 1,
      .levels = {.n = 2,
                 .level = {{.box = {{0, 3, 6}, {3, 2, 3}}, .count = 2},
                           {.around = true, .hops = 1, .count = 3}}}}},
    {"su3",
     2,
     {2, {8, 8}},
     "heatbath",
     3,
     {{4, 0.2, 0, 1, 3, 1, 1}, {4, 0.6, 0, 1, 3, 1, 1}, {4, 1, 0, 1, 3, 1, 1}},
     {.mutations = 1,
      .order = CW_SWAP_RANDOM,
      .levels = {.n = 1, .level = {{.box = {{5, 0}, {4, 6}}, .count = 3}}},
      .periodic = 2}},
    {"su3",
     2,
     {2, {8, 16}},
     "heatbath",
     3,
     {{4, 0.2, 0, 1, 2, 1, 1}, {4, 0.5, 0, 1, 2, 1, 1}, {4, 1, 0, 1, 2, 1, 1}},
     {.mutations = 1,
      .way = local_flow_ways,
      .way_levels = {.n = 1, .level = {{.around = true, .hops = 1, .count = 1}}},
      .periodic = -1}},
    {"su2",
     2,
     {2, {16, 8}},
     "heatbath",
     3,
     {{4, 0, 0, 1, 2, 1, 1}, {4, 0.5, 0, 1, 2, 1, 1}, {4, 1, 0, 1, 2, 1, 1}},
     {.mutations = 1,
      .way = local_ways,
      .way_levels = {.n = 1, .level = {{.around = true, .hops = 1, .count = 1}}},
      .periodic = 2}},
};

enum { N_JOBS = sizeof jobs / sizeof *jobs };

/* All that a run leaves: fields of this rank (config by config), labels, counts. */
typedef struct {
  int begin, end;
  long first, n, n_per_config, n_labels, n_swaps;
  double *field; /* (rungs, chains, n_per_config), of all ranks' parts only this one's */
  int *label;
  double *accept;
} outcome;

static void free_outcome(outcome *r) {
  free(r->field);
  free(r->label);
  free(r->accept);
}

static bool goes_by_flows(const job *j) {
  return j->options.way == local_flow_ways || j->options.way == wide_flow_ways;
}

/* Flows that move links by a few hundredths, and map little. */
static void open_flows(bench *b) {
  cw_model_spec spec = {.field = b->th.ops->kind, .prior = {.kind = CW_PRIOR_HAAR}, .n_layers = 1};
  spec.layer[0] = cw_layer_presets(cw_layer_find("repair"));
  cw_layer_set(&spec.layer[0], "edge_1", b->th.param[4]);
  for (int k = 0; k + 1 < b->ladder.n; k++) {
    double theta[64];
    check_ok(b->ctx, cw_model_create(b->ctx, &spec, b->geom, &b->flow[k]));
    for (long i = 0; i < cw_model_n_theta(b->flow[k]); i++) theta[i] = i % 2 ? 0.01 : -0.007;
    cw_model_set_theta(b->flow[k], theta);
    cw_model_between(b->flow[k], b->th.ops, b->ladder.c[k], b->ladder.c[k + 1]);
    b->map[k] = cw_map_of_model(b->flow[k]);
    assert_true(b->map[k].moves != NULL && b->map[k].reads->n > b->map[k].moves->n);
  }
}

static cw_rex *start(bench *b, cw_context *ctx, const job *j, int V, long chains) {
  cw_rex_options o = j->options;
  o.sampler = cw_sampler_find(j->sampler);
  o.chains = chains;
  o.rng = cw_rng_stream(6, "rex");
  open_ladder(b, ctx, j->theory, j->form, j->lat, V, j->rungs, j->params);
  if (goes_by_flows(j)) open_flows(b);
  if (goes_by_flows(j)) o.map = b->map;
  check_ok(ctx, cw_rex_create(ctx, &b->ladder, &o, &b->rex));
  for (int k = cw_rex_rung_begin(b->rex); k < cw_rex_rung_end(b->rex); k++)
    cw_kind(b->th.ops->kind)
        ->hot(b->th.isa, cw_rex_field(b->rex, k), cw_rng_stream(7, "start"), (uint32_t)k);
  return b->rex;
}

static outcome collect(bench *b, long chains) {
  cw_rex *rex = b->rex;
  const cw_field *x = cw_rex_field(rex, cw_rex_rung_begin(rex));
  outcome r = {.begin = cw_rex_rung_begin(rex),
               .end = cw_rex_rung_end(rex),
               .first = x->first_chain,
               .n = x->n_config,
               .n_per_config = b->geom->n_sites * x->n_comp,
               .n_labels = chains * b->ladder.n,
               .n_swaps = b->ladder.n - 1};
  r.field = calloc((size_t)(b->ladder.n * chains * r.n_per_config), sizeof *r.field);
  r.label = calloc((size_t)r.n_labels, sizeof *r.label);
  r.accept = calloc((size_t)r.n_swaps, sizeof *r.accept);
  assert_true(r.field && r.label && r.accept);
  for (int k = r.begin; k < r.end; k++)
    for (long i = 0; i < r.n; i++)
      for (long s = 0; s < r.n_per_config; s++)
        r.field[(k * chains + r.first + i) * r.n_per_config + s] =
            cw_field_get(cw_rex_field(rex, k), i, s / x->n_comp, (int)(s % x->n_comp));
  memcpy(r.label, cw_rex_labels(rex), (size_t)r.n_labels * sizeof *r.label);
  memcpy(r.accept, cw_rex_swap_counts(rex)->accept, (size_t)r.n_swaps * sizeof *r.accept);
  return r;
}

/* The part of b, bit by bit, in all of a. */
static void check_same(const outcome *a, const outcome *b, long chains) {
  for (int k = b->begin; k < b->end; k++) {
    size_t at = (size_t)((k * chains + b->first) * b->n_per_config);
    assert_memory_equal(a->field + at, b->field + at,
                        (size_t)(b->n * b->n_per_config) * sizeof *a->field);
  }
  assert_memory_equal(a->label, b->label, (size_t)a->n_labels * sizeof *a->label);
  assert_memory_equal(a->accept, b->accept, (size_t)a->n_swaps * sizeof *a->accept);
}

static outcome run(cw_context *ctx, const job *j, int V, long chains) {
  bench b;
  cw_rex *rex = start(&b, ctx, j, V, chains);
  for (uint32_t t = 0; t < STEPS; t++) check_ok(ctx, cw_rex_step(rex, t, N_TUNE));
  outcome r = collect(&b, chains);
  close_bench(&b);
  return r;
}

/* Stopped after `at` steps: what goes on has other samplers, and fields that were carried over. */
static outcome run_interrupted(cw_context *ctx, const job *j, int V, long chains, uint32_t at) {
  bench b, c;
  cw_rex *rex = start(&b, ctx, j, V, chains);
  for (uint32_t t = 0; t < at; t++) check_ok(ctx, cw_rex_step(rex, t, N_TUNE));
  double *state = calloc((size_t)cw_rex_state_size(rex), sizeof *state);
  cw_rex_save(rex, state);
  cw_rex *other = start(&c, ctx, j, V, chains);
  cw_rex_load(other, state);
  for (int k = cw_rex_rung_begin(rex); k < cw_rex_rung_end(rex); k++)
    cw_field_copy(cw_rex_field(other, k), cw_rex_field(rex, k));
  for (uint32_t t = at; t < STEPS; t++) check_ok(ctx, cw_rex_step(other, t, N_TUNE));
  outcome r = collect(&c, chains);
  free(state);
  close_bench(&b);
  close_bench(&c);
  return r;
}

/* Something happens: swaps of some replicas, refusals of others. */
static void check_lively(const outcome *r, const job *j, long chains) {
  double accepted = 0, moved = 0;
  for (long k = 0; k < r->n_swaps; k++) accepted += r->accept[k];
  for (long i = 0; i < r->n_labels; i++) moved += r->label[i] != i % j->rungs;
  assert_true(accepted > 0.05 * (double)(r->n_swaps * chains));
  assert_true(chains == 1 || moved > 0);
}

static void check_bits(cw_context *one, cw_context *two, cw_context *ranks, const job *j,
                       long chains) {
  int splits[5], n_splits = cw_geometry_splits(&j->lat, splits);
  outcome expected = run(one, j, 1, chains);
  check_lively(&expected, j, chains);
  for (int i = SANITIZED ? n_splits - 1 : 0; i < n_splits; i++) {
    outcome r;
    if (cw_ranks(ranks) > 1) { /* or else these are two threads, too */
      r = run(two, j, splits[i], chains);
      check_same(&expected, &r, chains);
      free_outcome(&r);
    }
    r = run(ranks, j, splits[i], chains);
    check_same(&expected, &r, chains);
    free_outcome(&r);
  }
  for (uint32_t at = SANITIZED ? 5 : 2; at <= 5; at += 3) {
    outcome r = run_interrupted(ranks, j, splits[n_splits - 1], chains, at);
    check_same(&expected, &r, chains);
    free_outcome(&r);
  }
  free_outcome(&expected);
}

static void test_bits(void **state) {
  cw_context *one = test_context(1), *two = test_context(2);
  for (int j = 0; j < N_JOBS; j++) {
    if (!SANITIZED || j % 2 == 0) check_bits(one, two, *state, &jobs[j], 1);
    if (!SANITIZED || j % 2 == 1) check_bits(one, two, *state, &jobs[j], MOST_CHAINS);
  }
  cw_context_destroy(one);
  cw_context_destroy(two);
}

static void check_ways(cw_context *ctx, job j, const cw_program *local, const cw_program *wide) {
  assert_ptr_equal(j.options.way, local);
  for (int chains = 1; chains <= MOST_CHAINS; chains += MOST_CHAINS - 1)
    for (int V = 1; V <= 16; V *= 16) {
      if (SANITIZED && (V > 1) != (chains == 1)) continue; /* a block of each: few lanes, and all */
      j.options.way = local;
      outcome a = run(ctx, &j, V, chains);
      j.options.way = wide;
      outcome b = run(ctx, &j, V, chains);
      check_same(&a, &b, chains);
      free_outcome(&a);
      free_outcome(&b);
    }
}

/* What is taken back after a way on levels is what the way changed, on fewer sites than there are. */
static void test_footprint(void **state) {
  const job *flows = &jobs[N_JOBS - 2], *switches = &jobs[N_JOBS - 1];
  bench b;
  assert_true(goes_by_flows(flows));
  check_ways(*state, *flows, local_flow_ways, wide_flow_ways);
  check_ways(*state, *switches, local_ways, wide_ways);
  const cw_footprint *f = &start(&b, *state, switches, 1, 1)->footprint;
  long n = 0;
  for (int i = 0; i < f->n_runs; i++) n += f->run[i][1] - f->run[i][0];
  assert_in_range(n, 1, 40);
  close_bench(&b);
}

static int open_ranks(void **state) {
  cw_context *ctx = NULL;
  check_ok(NULL, cw_context_create(
                     &(cw_context_options){.threads = 2, .quiet = true, .use_mpi = true}, &ctx));
  *state = ctx;
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_bits), cmocka_unit_test(test_footprint)};
  return cmocka_run_group_tests_name("replica exchange on ranks", tests, open_ranks,
                                     test_close_context);
}
