/* What an exchange with a way owes: swaps in detailed balance, seen on a ladder small enough to
 * count all pairs of configurations, for programs with maps, mutations and retargets between rungs.
 * A way back that is not the reversal of the way there turns this red. */
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/rex.h"
#include "contract/rex_ladders.h"
#include "support/bijections.h"
#include "support/toys.h"

/* ------------------------------------------------------------------ a sampler */

/* Heat bath of the spins one after the other: a sweep in a fixed order is not its own reversal.
 * Here spin s of the configurations of a block takes either sign with its probability given the
 * others. */
static void draw_spin(const cw_sampler *sampler, const double *c, cw_field *x, long block, long s,
                      cw_rng rng, uint32_t step) {
  double T[CW_LANES * CW_MAX_TERMS], S[2][CW_LANES];
  cw_field one = cw_field_block(x, block);
  for (int up = 0; up < 2; up++) {
    for (long i = 0; i < one.n_config; i++) cw_field_set(&one, i, s, 0, up ? 1 : -1);
    cw_theory_action(sampler->th, &one, c, T, S[up]);
  }
  for (long i = 0; i < one.n_config; i++) {
    double u[2];
    cw_uniform2(rng, (uint32_t)s, (uint32_t)(one.first_chain + i), step, 0, u);
    cw_field_set(&one, i, s, 0, u[0] < 1 / (1 + exp(S[1][i] - S[0][i])) ? 1 : -1);
  }
}

static cw_status sweep(cw_sampler *s, const double *c, cw_field *x, cw_rng rng, uint32_t step,
                       const cw_step_stats *stats) {
  (void)stats;
  for (long b = 0; b < x->n_blocks; b++)
    for (long site = 0; site < x->geom->n_sites; site++) draw_spin(s, c, x, b, site, rng, step);
  return CW_OK;
}

static cw_status sweep_back(cw_sampler *s, const double *c, cw_field *x, cw_rng rng, uint32_t step,
                            const cw_step_stats *stats) {
  (void)stats;
  for (long b = 0; b < x->n_blocks; b++)
    for (long site = x->geom->n_sites - 1; site >= 0; site--)
      draw_spin(s, c, x, b, site, rng, step);
  return CW_OK;
}

static const cw_sampler_ops ordered = {.name = "ordered",
                                       .params = no_params,
                                       .fits = fits_all,
                                       .work_size = no_work,
                                       .init = nothing_to_do,
                                       .step = sweep,
                                       .step_back = sweep_back};

/* ------------------------------------------------------------- pairs of rings */

enum { N_CHAIN = 4096 };

/* Pairs in equilibrium, one of each chain. */
static void start(bench *b, const double *p, uint32_t round, unsigned *before) {
  cw_field *low = cw_rex_field(b->rex, 0), *high = cw_rex_field(b->rex, 1);
  for (long i = 0; i < N_CHAIN; i++) {
    double u[2], sum = p[0];
    unsigned pair = 0;
    cw_uniform2(cw_rng_stream(9, "start"), (uint32_t)i, 0, round, 0, u);
    while (u[0] >= sum && pair + 1 < N_PAIR) sum += p[++pair];
    before[i] = pair;
    put_spins(low, i, pair % N_STATE);
    put_spins(high, i, pair / N_STATE);
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
    check_ok(b->ctx, cw_rex_sweep(b->rex, 2 * (uint32_t)round, 0));
    const cw_field *low = cw_rex_field(b->rex, 0), *high = cw_rex_field(b->rex, 1);
    for (long i = 0; i < N_CHAIN; i++)
      count[before[i]][get_spins(low, i) + N_STATE * get_spins(high, i)]++;
  }
  return count;
}

/* Standard deviations by which a chi^2 with so many degrees of freedom is too large. */
static double excess(double chi2, double n) { return (chi2 - n) / sqrt(2 * n); }

/* As many go from a pair to another as come back, and all pairs stay as likely as they were. */
static void check_balance(bench *b, int rounds) {
  long(*count)[N_PAIR] = count_swaps(b, rounds);
  double balance = 0, n_balance = 0, marginal = 0, p[N_PAIR], moved = 0;
  const double all = (double)rounds * N_CHAIN;
  pair_probabilities(b, p);
  for (unsigned to = 0; to < N_PAIR; to++) {
    double arrived = 0;
    for (unsigned from = 0; from < N_PAIR; from++) {
      const double there = (double)count[from][to], back = (double)count[to][from];
      arrived += there;
      moved += from != to ? there : 0;
      if (from >= to || there + back < 20) continue;
      balance += (there - back) * (there - back) / (there + back);
      n_balance++;
    }
    marginal += pow(arrived - all * p[to], 2) / (all * p[to]);
  }
  print_message("  %.0f %% move; balance %+.2f sigma of %.0f pairs, marginals %+.2f sigma\n",
                100 * moved / all, excess(balance, n_balance), n_balance,
                excess(marginal, N_PAIR - 1));
  assert_true(moved > 0.05 * all && n_balance > 20);
  assert_true(excess(balance, n_balance) < 4.5);
  assert_true(excess(marginal, N_PAIR - 1) < 4.5);
}

static void try_way(cw_context *ctx, const char *what, const cw_move *move, int n,
                    const cw_map *map) {
  const double params[2][CW_MAX_PARAMS] = {{0.1, 0.6}, {0.7, -0.4}};
  const cw_program way = {n, move};
  bench b;
  print_message("  %s\n", what);
  open_ladder(&b, ctx, "spins", 0, (cw_lattice){1, {N_SPIN}}, 1, 2, params);
  const cw_rex_options o = {.sampler = &ordered,
                            .mutations = 1,
                            .map = map,
                            .way = &way,
                            .periodic = -1,
                            .chains = N_CHAIN,
                            .rng = cw_rng_stream(1, "ways")};
  check_ok(ctx, cw_rex_create(ctx, &b.ladder, &o, &b.rex));
  check_balance(&b, SANITIZED ? 25 : 100);
  close_bench(&b);
}

static const cw_move switch_moves[] = {{.kind = CW_MOVE_RETARGET, .t = 0.3},
                                       {.kind = CW_MOVE_MUTATE, .steps = 1, .level = -1},
                                       {.kind = CW_MOVE_RETARGET, .t = 0.8},
                                       {.kind = CW_MOVE_MUTATE, .steps = 2, .level = -1},
                                       {.kind = CW_MOVE_RETARGET, .t = 1}};
/* Nothing between its ends and the map, so that they show what it weighs. */
static const cw_move flow_moves[] = {{.kind = CW_MOVE_TRANSPORT},
                                     {.kind = CW_MOVE_RETARGET, .t = 0.6},
                                     {.kind = CW_MOVE_MUTATE, .steps = 1, .level = -1},
                                     {.kind = CW_MOVE_RETARGET, .t = 1}};
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

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(swaps_are_in_balance)};
  return cmocka_run_group_tests_name("ways", tests, test_open_context_2, test_close_context);
}
