/* What an exchange with a way owes: swaps in detailed balance, seen on a ladder small enough to
 * count all pairs of configurations, for programs with maps, mutations and retargets between rungs.
 * A way back that is not the reversal of the way there turns this red. */
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/rex.h"
#include "contract/balance.h"
#include "contract/rex_ladders.h"
#include "support/bijections.h"
#include "support/toys.h"

/* ------------------------------------------------------------- pairs of rings */

enum { N_CHAIN = 4096 };

/* Pairs in equilibrium, one of each chain. */
static void start(bench *b, const double *p, uint32_t round, unsigned *before) {
  cw_field *low = cw_rex_field(b->rex, 0), *high = cw_rex_field(b->rex, 1);
  for (long i = 0; i < N_CHAIN; i++) {
    const unsigned pair = before[i] = draw_state(N_PAIR, p, i, round);
    put_spins(low, i, pair % N_STATE);
    put_spins(high, i, pair / N_STATE);
  }
}

/* Terms that rungs are said to know are those of the configurations that are there now. */
static void check_known_terms(const bench *b) {
  double T[N_CHAIN * SPIN_TERMS];
  for (int k = 0; k < 2; k++) {
    const cw_rex_rung *r = &b->rex->rung[k];
    b->th.ops->terms(&b->th, &r->x, T);
    assert_int_equal(r->known, b->rex->wanted);
    for (long i = 0; i < N_CHAIN * SPIN_TERMS; i++)
      if (r->known & 1u << i % SPIN_TERMS) check_close(r->T[i], T[i], 1e-13);
  }
}

/* Transitions that swaps made, from pair to pair. */
static long (*count_swaps(bench *b, int rounds))[N_PAIR] {
  static long count[N_PAIR][N_PAIR];
  static unsigned before[N_CHAIN];
  double p[N_PAIR];
  memset(count, 0, sizeof count);
  pair_probabilities(b, p);
  for (int round = 0; round < rounds; round++) {
    start(b, p, (uint32_t)round, before);
    check_ok(b->ctx, cw_rex_exchange(b->rex, 2 * (uint32_t)round, 0));
    check_known_terms(b);
    const cw_field *low = cw_rex_field(b->rex, 0), *high = cw_rex_field(b->rex, 1);
    for (long i = 0; i < N_CHAIN; i++)
      count[before[i]][get_spins(low, i) + N_STATE * get_spins(high, i)]++;
  }
  return count;
}

static void check_swaps(bench *b, int rounds) {
  long(*count)[N_PAIR] = count_swaps(b, rounds);
  double p[N_PAIR];
  pair_probabilities(b, p);
  check_balance(N_PAIR, count[0], p, (double)rounds * N_CHAIN);
}

static void try_way(cw_context *ctx, const char *what, const cw_move *move, int n,
                    const cw_map *map) {
  const double params[2][CW_MAX_PARAMS] = {{0.1, 0.6}, {0.7, -0.4}};
  const cw_program way = {n, move};
  bench b;
  print_message("  %s\n", what);
  open_ladder(&b, ctx, "spins", 0, (cw_lattice){1, {N_SPIN}}, 1, 2, params);
  const cw_rex_options o = {.sampler = &toy_ordered,
                            .mutations = 1,
                            .map = map,
                            .way = &way,
                            .periodic = -1,
                            .chains = N_CHAIN,
                            .rng = cw_rng_stream(1, "ways")};
  check_ok(ctx, cw_rex_create(ctx, &b.ladder, &o, &b.rex));
  check_swaps(&b, SANITIZED ? 25 : 100);
  close_bench(&b);
}

static const cw_move both_moves[] = {{.kind = CW_MOVE_MUTATE, .steps = 1, .level = -1},
                                     {.kind = CW_MOVE_TRANSPORT},
                                     {.kind = CW_MOVE_RETARGET, .t = 0.6},
                                     {.kind = CW_MOVE_MUTATE, .steps = 1, .level = -1},
                                     {.kind = CW_MOVE_RETARGET, .t = 1},
                                     {.kind = CW_MOVE_MUTATE, .steps = 1, .level = -1}};

static void swaps_are_in_balance(void **state) {
  const cw_map map = {.apply = march_apply};
  try_way(*state, "at once", &(cw_move){.kind = CW_MOVE_RETARGET, .t = 1}, 1, NULL);
  try_way(*state, "a switch", switch_moves, 5, NULL);
  try_way(*state, "a map and a mutation", flow_moves, 4, &map);
  try_way(*state, "a map, and mutations on both rungs", both_moves, 6, &map);
}

/* The time of steps is shared out among what they do, and each share is taken once. */
static void seconds_are_shared_out(void **state) {
  const double params[2][CW_MAX_PARAMS] = {{0.1, 0.6}, {0.7, -0.4}};
  const cw_map map = {.apply = march_apply};
  const cw_program ways[2] = {{4, flow_moves}, {5, switch_moves}};
  for (int without = 0; without < 2; without++) {
    bench b;
    open_ladder(&b, *state, "spins", 0, (cw_lattice){1, {N_SPIN}}, 1, 2, params);
    const cw_rex_options o = {.sampler = &toy_ordered,
                              .mutations = 1,
                              .map = without ? NULL : &map,
                              .way = &ways[without],
                              .periodic = -1,
                              .chains = N_CHAIN,
                              .rng = cw_rng_stream(1, "ways")};
    check_ok(*state, cw_rex_create(*state, &b.ladder, &o, &b.rex));
    const double began = cw_wall_seconds();
    for (uint32_t step = 0; step < 10; step++) check_ok(*state, cw_rex_step(b.rex, step, 0));
    const double wall = cw_wall_seconds() - began;
    cw_rex_seconds s = cw_rex_take_seconds(b.rex);
    assert_true(s.sampler > 0 && s.swap > 0 && s.sampler + s.transport + s.swap <= wall);
    assert_int_equal(s.transport > 0, !without);
    s = cw_rex_take_seconds(b.rex);
    assert_true(s.sampler == 0 && s.transport == 0 && s.swap == 0);
    close_bench(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(swaps_are_in_balance),
                                     cmocka_unit_test(seconds_are_shared_out)};
  return cmocka_run_group_tests_name("ways", tests, test_open_context_2, test_close_context);
}
