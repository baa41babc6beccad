/* What walks of a population owe: what the moves do by hand, errors told, and the same bits for
 * any number of threads and any split. (Exact expectations of whole walks:
 * tests/physics/test_walk.c.) */
#include "support/check.h"

#include <stdlib.h>

#include "contract/populations.h"
#include "support/toys.h"

/* -------------------------------------------------------------------- walks */

/* All that a walk leaves behind, in an order that no split changes. */
typedef struct {
  long n, n_first; /* numbers; of the first walk */
  double *number;
} traces;

static void leave(traces *t, double number) { t->number[t->n++] = number; }

static void leave_population(traces *t, const cw_population *p) {
  for (long i = 0; i < p->n; i++) {
    leave(t, p->lw[i]);
    leave(t, (double)p->ancestor[i]);
    for (long s = 0; s < p->x.geom->n_sites; s++)
      for (int c = 0; c < p->x.n_comp; c++) leave(t, cw_field_get(&p->x, i, s, c));
  }
  leave(t, p->lnz);
}

typedef struct {
  const char *theory, *sampler;
  cw_lattice lat;
  double from[CW_MAX_PARAMS], to[CW_MAX_PARAMS];
  cw_map map;
  cw_resampling scheme;
  double threshold;
} route;

enum { RUNGS = 5, WALKERS = 37 };

/* Tunes, keeps the tuning in another walk as a checkpoint would, and walks with numbers 0 and 1,
 * and 0 with the other. */
static traces walk_along(cw_context *ctx, const route *r, int V) {
  bench b;
  cw_walk *w, *other;
  double ess[RUNGS], lnz[RUNGS];
  cw_map map[RUNGS] = {r->map, r->map, r->map, r->map};
  cw_move move[CW_USUAL_MOVES];
  cw_walk_options options = {.sampler = cw_sampler_find(r->sampler),
                             .program = cw_usual_walk(true, 2, r->threshold, r->scheme, move),
                             .map = map,
                             .tuning = 6};
  const cw_theory_ops *ops = cw_theory_find(r->theory);
  open_bench(&b, ctx, ops, 0, r->lat, V, RUNGS, r->from, r->to, WALKERS);
  long size = cw_lattice_sites(&r->lat) * b.th.n_comp;
  traces t = {.number = cw_alloc((size_t)(WALKERS * (size + 2) * 3 + 100) * sizeof *t.number)};
  check_ok(ctx, cw_walk_create(ctx, &b.ladder, &options, &b.p, &w));
  check_ok(ctx, cw_walk_create(ctx, &b.ladder, &options, &b.p, &other));
  check_ok(ctx, cw_walk_tune(w, &b.p, cw_rng_stream(8, "walk")));
  double *tuned = cw_alloc((size_t)cw_walk_state_size(w) * sizeof *tuned);
  cw_walk_save(w, tuned);
  cw_walk_load(other, tuned);
  for (uint32_t i = 0; i < 3; i++) {
    cw_population_start(&b.p, &b.start);
    check_ok(ctx, cw_walk_run(i < 2 ? w : other, &b.p, cw_rng_stream(8, "walk"), i % 2, ess, lnz));
    leave_population(&t, &b.p);
    for (int k = 0; k < RUNGS; k++) {
      leave(&t, ess[k]);
      leave(&t, lnz[k]);
    }
    t.n_first = i == 0 ? t.n : t.n_first;
    check_close(lnz[RUNGS - 1], cw_population_lnz(&b.p), 1e-12);
    assert_true(b.p.lnz != 0);
    assert_true(ess[0] == 1 && lnz[0] == 0 && ess[1] > 0 && ess[1] < 1);
  }
  assert_memory_equal(t.number + 2 * t.n_first, t.number, (size_t)t.n_first * sizeof *t.number);
  assert_true(t.number[2] != t.number[t.n_first + 2]); /* walks differ by their number */
  for (long i = 0; i < cw_walk_state_size(w) && i < 50; i++) leave(&t, tuned[i]);
  free(tuned);
  cw_walk_destroy(w);
  cw_walk_destroy(other);
  close_bench(&b);
  return t;
}

static void same_bits(const route *r) {
  cw_context *one = test_context(1), *two = test_context(2);
  int splits[5], n_splits = cw_geometry_splits(&r->lat, splits);
  traces expected = walk_along(one, r, 1);
  for (int i = 0; i < n_splits; i++) {
    traces found = walk_along(two, r, splits[i]);
    assert_int_equal(found.n, expected.n);
    assert_memory_equal(found.number, expected.number, (size_t)found.n * sizeof *found.number);
    free(found.number);
  }
  free(expected.number);
  cw_context_destroy(one);
  cw_context_destroy(two);
}

static void test_bits(void **state) {
  static const double angle = 0.2;
  (void)state;
  same_bits(&(route){.theory = "phi4",
                     .sampler = "hmc",
                     .lat = {2, {8, 4}},
                     .from = {1, 0},
                     .to = {-2, 2},
                     .map = bend_map,
                     .threshold = 0.9});
  same_bits(&(route){.theory = "u1",
                     .sampler = "heatbath",
                     .lat = {2, {4, 4}},
                     .to = {2},
                     .map = {.self = &angle, .apply = turn_apply},
                     .scheme = CW_RESAMPLE_MULTINOMIAL,
                     .threshold = 1});
}

/* Without mutations a walk is the maps one after another, and what it notes on arrival can be had
 * by hand: lw = sum ln|det| - S_k(y) + S_0(x). */
static void test_walk_by_hand(void **state) {
  enum { N = 21 };
  cw_context *ctx = context(state);
  const toy_bend line[2] = {{0.8, 0.3, 0}, {1.3, -0.2, 0}};
  const cw_map map[2] = {{.self = &line[0], .apply = bend_apply},
                         {.self = &line[1], .apply = bend_apply}};
  cw_move move[CW_USUAL_MOVES];
  cw_walk_options options = {
      .sampler = cw_sampler_find("hmc"), .program = cw_usual_walk(true, 0, 0, 0, move), .map = map};
  double ess[3], lnz[3], logj = 0;
  cw_walk *w;
  bench b;
  open_tilted(&b, ctx, N);
  check_ok(ctx, cw_walk_create(ctx, &b.ladder, &options, &b.p, &w));
  check_ok(ctx, cw_walk_run(w, &b.p, cw_rng_stream(1, "walk"), 0, ess, lnz));
  cw_field *y = &b.start; /* moved along by hand */
  double before[N];
  for (long i = 0; i < N; i++) before[i] = tilted_action(&b, y, i, 0);
  for (int rung = 1; rung < 3; rung++) {
    double sum = 0, square = 0;
    logj += 3 * log(line[rung - 1].scale);
    for (long i = 0; i < N; i++) {
      for (long s = 0; s < 3; s++)
        cw_field_set(y, i, s, 0,
                     line[rung - 1].scale * cw_field_get(y, i, s, 0) + line[rung - 1].shift);
      double weight = exp(logj - tilted_action(&b, y, i, rung) + before[i]);
      sum += weight;
      square += weight * weight;
      if (rung == 2) check_close(b.p.lw[i], log(weight), 1e-12);
    }
    check_close(ess[rung], sum * sum / square / N, 1e-12);
    check_close(lnz[rung], log(sum / N), 1e-12);
  }
  cw_walk_destroy(w);
  close_bench(&b);
}

/* Mutations are steps of the sampler with numbers that follow each other, at the rung's couplings.
 */
static void test_mutate(void **state) {
  cw_context *ctx = context(state);
  cw_rng rng = cw_rng_stream(6, "mutate");
  double accept, one[32], sum = 0;
  cw_step_stats stats = {.accept = one};
  cw_sampler *s;
  bench b;
  open_tilted(&b, ctx, 20);
  check_ok(ctx, cw_sampler_create(ctx, cw_sampler_find("hmc"), &b.th, NULL, NULL, 2, &s));
  check_ok(ctx, cw_retarget(&b.p, 1));
  check_ok(ctx, cw_mutate(&b.p, s, rng, 7, 3, &accept));
  for (uint32_t step = 7; step < 10; step++) {
    check_ok(ctx, s->ops->step(s, b.ladder.c[1], &b.start, rng, step, &stats));
    for (int i = 0; i < 20; i++) sum += one[i] / 60;
  }
  check_close(accept, sum, 1e-14);
  assert_memory_equal(b.p.x.data, b.start.data,
                      2 * cw_field_block_size(&b.start) * sizeof *b.start.data);
  cw_sampler_destroy(s);
  close_bench(&b);
}

/* Tuning finds a step size for every rung, and not the same. */
static void test_tuning(void **state) {
  bench b;
  cw_walk *w;
  const double from[2] = {1, 0}, to[2] = {60, 40};
  const cw_sampler_ops *hmc = cw_sampler_find("hmc");
  cw_move move[CW_USUAL_MOVES];
  cw_walk_options options = {
      .sampler = hmc, .program = cw_usual_walk(false, 1, 0, 0, move), .tuning = 60};
  open_bench(&b, context(state), cw_theory_find("phi4"), 0, (cw_lattice){2, {8, 8}}, 1, 3, from, to,
             64);
  check_ok(b.ctx, cw_walk_create(b.ctx, &b.ladder, &options, &b.p, &w));
  assert_int_equal(cw_walk_state_size(w), 3 * hmc->n_state);
  check_ok(b.ctx, cw_walk_tune(w, &b.p, cw_rng_stream(8, "walk")));
  double *tuned = cw_alloc((size_t)cw_walk_state_size(w) * sizeof *tuned), accept;
  cw_walk_save(w, tuned);
  assert_true(tuned[hmc->n_state] != tuned[2 * hmc->n_state]);
  cw_sampler *s; /* as good as tuned alone: the preset target is not missed by much */
  check_ok(b.ctx, cw_sampler_create(b.ctx, hmc, &b.th, NULL, NULL, b.p.x.n_blocks, &s));
  memcpy(s->state, tuned + 2 * hmc->n_state, (size_t)hmc->n_state * sizeof *tuned);
  check_ok(b.ctx, cw_mutate(&b.p, s, cw_rng_stream(9, "walk"), 0, 20, &accept));
  assert_true(accept > 0.7 && accept < 0.99);
  cw_sampler_destroy(s);
  free(tuned);
  cw_walk_destroy(w);
  close_bench(&b);
}

/* ------------------------------------------------------------------------- flows */

/* The layers of a flow: ln q(y) = ln r(x) - ln|det J| with the prior r at x, and back again. */
static void test_flow(void **state) {
  enum { N = 35 };
  cw_context *ctx = context(state);
  const cw_lattice lat = {2, {4, 6}};
  const double sigma = 0.8, p[2] = {1, 1};
  cw_model_spec spec = {.prior = {CW_PRIOR_NORMAL, .sigma = sigma}, .n_layers = 3};
  for (int i = 0; i < 3; i++)
    spec.layer[i] =
        (cw_layer_spec){.kind = i < 2 ? "affine" : "scale",
                        .number = i,
                        .net = {CW_NET_CONV, .n_hidden = 1, .hidden = {6}, .kernel = 3}};
  bench b;
  cw_model *m;
  double logj[48], back[48], logq[N];
  open_bench(&b, ctx, cw_theory_find("phi4"), 0, lat, 1, 2, p, p, N);
  check_ok(ctx, cw_model_create(ctx, &spec, b.geom, &m));
  cw_model_init(m, 5);
  long n = cw_model_n_theta(m);
  double *theta = cw_alloc((size_t)n * sizeof *theta);
  for (long i = 0; i < n; i++) theta[i] = cw_model_theta(m)[i] + 0.1 * sin(3.0 * (double)i);
  cw_model_set_theta(m, theta);
  cw_map map = cw_map_of_model(m);
  cw_field x = b.p.x;
  check_ok(ctx, map.apply(&map, ctx, &x, logj, false));
  check_ok(ctx, cw_model_log_prob(ctx, m, &x, logq));
  for (long i = 0; i < N; i++) {
    double logr = -24 * log(sigma * sqrt(2 * M_PI));
    for (long s = 0; s < 24; s++) logr -= pow(cw_field_get(&b.start, i, s, 0) / sigma, 2) / 2;
    check_close(logq[i], logr - logj[i], 1e-12);
    assert_true(fabs(logj[i]) > 1e-3);
  }
  check_ok(ctx, map.apply(&map, ctx, &x, back, true));
  for (long i = 0; i < N; i++) {
    check_close(back[i], -logj[i], 1e-12);
    for (long s = 0; s < 24; s++)
      check_close(cw_field_get(&x, i, s, 0), cw_field_get(&b.start, i, s, 0), 1e-12);
  }
  free(theta);
  cw_model_destroy(m);
  close_bench(&b);
}

/* ------------------------------------------------------------------------ errors */

static void expect(cw_context *ctx, cw_status found, cw_status expected, const char *text) {
  assert_int_equal(found, expected);
  if (strstr(cw_error(ctx), text) == NULL) print_error("'%s'\n", cw_error(ctx));
  assert_non_null(strstr(cw_error(ctx), text));
  cw_clear_error(ctx);
}

static int components_of_mass(int form, const double *p) { return form < 0 ? 1 : (int)p[0]; }

/* Rungs with fields of their own cannot swap, nor be walked along. */
static void test_rungs_of_other_fields(void **state) {
  cw_context *ctx = context(state);
  const cw_lattice lat = {2, {4, 4}};
  const double params[3][CW_MAX_PARAMS] = {{2, 0.5}, {2, 1}, {3, 0.5}};
  cw_theory_ops ops = *cw_theory_find("phi4");
  ops.components = components_of_mass;
  cw_geometry *geom;
  cw_theory th;
  cw_ladder ladder;
  check_ok(ctx, cw_geometry_create(ctx, &lat, 1, &geom));
  check_ok(ctx, cw_theory_create(ctx, &ops, geom, 0, params[0], &th));
  check_ok(ctx, cw_ladder_create(ctx, &th, 2, params, &ladder));
  cw_ladder_destroy(&ladder);
  expect(ctx, cw_ladder_create(ctx, &th, 3, params, &ladder), CW_EINVAL,
         "rung 2 of the ladder: fields of 3 components, not 2");
  cw_ladder_destroy(&ladder);
  cw_theory_destroy(&th);
  cw_geometry_destroy(geom);
}

static void test_errors(void **state) {
  cw_context *ctx = context(state);
  cw_population none;
  cw_walk *w;
  bench b;
  open_tilted(&b, ctx, 20);
  cw_move move[CW_USUAL_MOVES], other[CW_USUAL_MOVES];
  cw_walk_options good = {.sampler = cw_sampler_find("hmc"),
                          .program = cw_usual_walk(false, 1000, 0, 0, move)},
                  bad;
  expect(ctx, cw_population_create(ctx, &b.ladder, 0, &none), CW_EINVAL, "0 particles");
  cw_population_destroy(&none);

  bad = good, bad.program = cw_usual_walk(false, 1L << 32, 0, 0, other);
  expect(ctx, cw_walk_create(ctx, &b.ladder, &bad, &b.p, &w), CW_EINVAL, "4294967296 mutations");
  bad = good, bad.tuning = -1;
  expect(ctx, cw_walk_create(ctx, &b.ladder, &bad, &b.p, &w), CW_EINVAL, "-1 steps of tuning");
  bad = good, bad.program = cw_usual_walk(false, 1, NAN, 0, other);
  expect(ctx, cw_walk_create(ctx, &b.ladder, &bad, &b.p, &w), CW_EINVAL, "threshold");
  bad = good, bad.sampler = cw_sampler_find("heatbath");
  expect(ctx, cw_walk_create(ctx, &b.ladder, &bad, &b.p, &w), CW_EINVAL, "cannot sample");
  cw_walk_destroy(w);

  static const cw_move to_next = {.kind = CW_MOVE_RETARGET, .t = 1},
                       half = {.kind = CW_MOVE_RETARGET, .t = 0.5},
                       beyond = {.kind = CW_MOVE_RETARGET, .t = 1.5},
                       transport = {.kind = CW_MOVE_TRANSPORT},
                       level = {.kind = CW_MOVE_MUTATE, .steps = 1},
                       mutate = {.kind = CW_MOVE_MUTATE, .steps = 1, .level = -1},
                       exchange = {.kind = CW_MOVE_EXCHANGE};
  const struct {
    int n;
    cw_move move[4];
    const char *text;
  } wrong[] = {{0, {mutate}, "expected a retarget"},
               {1, {mutate}, "expected a retarget"},
               {1, {half}, "it ends at 0.5"},
               {1, {beyond}, "expected 0 to 1"},
               {2, {to_next, to_next}, "after the one to the next rung"},
               {2, {to_next, transport}, "before the retarget"},
               {3, {half, transport, to_next}, "before the retarget"},
               {3, {transport, transport, to_next}, "at most one transport"},
               {2, {transport, to_next}, "a transport needs maps"},
               {2, {level, to_next}, "level 0 of 0"},
               {2, {exchange, to_next}, "no move 'exchange'"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    bad = good, bad.program = (cw_program){wrong[i].n, wrong[i].move};
    expect(ctx, cw_walk_create(ctx, &b.ladder, &bad, &b.p, &w), CW_EINVAL, wrong[i].text);
    cw_walk_destroy(w);
  }

  check_ok(ctx, cw_walk_create(ctx, &b.ladder, &good, &b.p, &w));
  expect(ctx, cw_walk_run(w, &b.p, cw_rng_stream(1, "w"), UINT32_MAX / 2000, NULL, NULL), CW_EINVAL,
         "beyond 2^32");
  cw_field_set(&b.p.x, 17, 1, 0, NAN);
  expect(ctx, cw_walk_run(w, &b.p, cw_rng_stream(1, "w"), 0, NULL, NULL), CW_ENUMERIC,
         "particle 17");
  for (int i = 0; i < 20; i++) b.p.lw[i] = -INFINITY;
  expect(ctx, cw_resample(&b.p, 0, 0.5, cw_rng_stream(1, "w"), 0, NULL), CW_ENUMERIC,
         "finite weight");
  cw_walk_destroy(w);
  close_bench(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bits),         cmocka_unit_test(test_tuning),
      cmocka_unit_test(test_walk_by_hand), cmocka_unit_test(test_mutate),
      cmocka_unit_test(test_flow),         cmocka_unit_test(test_rungs_of_other_fields),
      cmocka_unit_test(test_errors),
  };
  return cmocka_run_group_tests_name("populations and walks", tests, test_open_context_2,
                                     test_close_context);
}
