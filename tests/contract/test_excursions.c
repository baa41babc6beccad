/* Excursions are in detailed balance with the theory of home: transitions of rings of spins, which are
 * few enough to count. A way out that is not the reversal of the way back, a dwell that is no
 * palindrome, or accepting all turns this red. */
#include "support/check.h"

#include <string.h>

#include "contract/balance.h"
#include "contract/rex_ladders.h"
#include "support/bijections.h"
#include "support/toys.h"

enum { N_CHAIN = 4096 };

static void state_probabilities(const double *c, double p[N_STATE]) {
  double Z = 0;
  for (unsigned s = 0; s < N_STATE; s++) Z += p[s] = exp(-ring_action(c, s));
  for (unsigned s = 0; s < N_STATE; s++) p[s] /= Z;
}

static void start(cw_field *x, const double *p, uint32_t round, unsigned *before) {
  for (long i = 0; i < N_CHAIN; i++) {
    before[i] = draw_state(N_STATE, p, i, round);
    put_spins(x, i, before[i]);
  }
}

static void try_excursion(cw_context *ctx, const char *what, const cw_move *move, int n,
                          const cw_map *map, long dwell, bool translate) {
  /* away, and home, where nothing is symmetric */
  const double params[2][CW_MAX_PARAMS] = {{0.9, 0.3}, {0.4, -0.4}};
  static unsigned before[N_CHAIN];
  static long count[N_STATE][N_STATE];
  const cw_excursion_options o = {.sampler = &toy_ordered,
                                  .way = {n, move},
                                  .map = map,
                                  .dwell = dwell,
                                  .dwell_level = -1,
                                  .translate = translate,
                                  .rng = cw_rng_stream(1, "excursions")};
  enum { ROUNDS = SANITIZED ? 25 : 100 };
  cw_excursion *e;
  cw_field x;
  bench b;
  double p[N_STATE], accept[N_CHAIN], mean = 0;
  print_message("  %s\n", what);
  open_ladder(&b, ctx, "spins", 0, (cw_lattice){1, {N_SPIN}}, 1, 2, params);
  check_ok(ctx, cw_field_create(ctx, b.geom, 1, N_CHAIN, &x));
  check_ok(ctx, cw_excursion_create(ctx, &b.ladder, &o, &x, &e));
  state_probabilities(b.ladder.c[1], p);
  memset(count, 0, sizeof count);
  for (uint32_t round = 0; round < ROUNDS; round++) {
    start(&x, p, round, before);
    check_ok(ctx, cw_excursion_run(e, accept, &x, round, accept));
    for (long i = 0; i < N_CHAIN; i++) {
      count[before[i]][get_spins(&x, i)]++;
      mean += accept[i] / N_CHAIN / ROUNDS;
    }
  }
  /* a translation before it is another kernel, and the product of two is not its own reversal */
  (translate ? check_stationary : check_balance)(N_STATE, count[0], p, ROUNDS * N_CHAIN);
  print_message("  accepted: %.3f\n", mean);
  assert_true(mean > 0.03 && mean < 0.9);
  cw_excursion_destroy(e);
  cw_field_destroy(&x);
  close_bench(&b);
}

static void excursions_are_in_balance(void **state) {
  const cw_map map = {.apply = march_apply};
  const cw_move at_once = {.kind = CW_MOVE_RETARGET, .t = 1};
  try_excursion(*state, "at once, and a dwell", &at_once, 1, NULL, 2, false);
  try_excursion(*state, "a switch", switch_moves, 5, NULL, 0, false);
  try_excursion(*state, "a switch and a dwell", switch_moves, 5, NULL, 1, false);
  try_excursion(*state, "the same after a translation", switch_moves, 5, NULL, 1, true);
  try_excursion(*state, "with a map", flow_moves, 4, &map, 1, false);
}

/* A translation moves all configurations by one site, and a refused excursion leaves them there. */
static void refused_is_as_it_was(void **state) {
  const double params[2][CW_MAX_PARAMS] = {{10, 10}, {10, -10}}; /* far apart */
  const cw_move move = {.kind = CW_MOVE_RETARGET, .t = 1};
  const cw_excursion_options o = {.sampler = &toy_ordered,
                                  .way = {1, &move},
                                  .dwell = 3,
                                  .dwell_level = -1,
                                  .translate = true,
                                  .rng = cw_rng_stream(1, "excursions")};
  cw_excursion *e;
  cw_field x;
  bench b;
  double accept[CW_LANES * 2];
  unsigned seen = 0;
  open_ladder(&b, *state, "spins", 0, (cw_lattice){1, {N_SPIN}}, 1, 2, params);
  check_ok(b.ctx, cw_field_create(b.ctx, b.geom, 1, 20, &x));
  check_ok(b.ctx, cw_excursion_create(b.ctx, &b.ladder, &o, &x, &e));
  for (uint32_t number = 0; number < 8; number++) {
    for (long i = 0; i < 20; i++) put_spins(&x, i, 1); /* spin 0 is up, the others down */
    check_ok(b.ctx, cw_excursion_run(e, accept, &x, number, accept));
    for (long i = 0; i < 20; i++) {
      assert_int_equal(get_spins(&x, i), get_spins(&x, 0));
      assert_true(accept[i] < 1e-8);
    }
    assert_true(get_spins(&x, 0) == 2 || get_spins(&x, 0) == 4);
    seen |= get_spins(&x, 0);
  }
  assert_int_equal(seen, 6);
  cw_excursion_destroy(e);
  cw_field_destroy(&x);
  close_bench(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(excursions_are_in_balance),
                                     cmocka_unit_test(refused_is_as_it_was)};
  return cmocka_run_group_tests_name("excursions", tests, test_open_context_2, test_close_context);
}
