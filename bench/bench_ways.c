/* Cost of an exchange with a way: SU(3), beta = 6.3, a 2^3 defect that is open on one rung and closed on
 * the other, swapped by a switch of n steps (docs/ladders.md): both configurations go and come to be
 * accepted or not. Where some chains of a block swap and some do not, lanes of the whole fields trade
 * places, which is counted apart. Compared in turns with a heat-bath sweep of all links of 16^4, as many
 * chains and threads; the best of each is printed, in seconds of this thread, on one thread. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bridge/rex.h"

#include "bench.h"

typedef struct {
  cw_geometry *geom;
  cw_theory th;
} theory;

static const double rungs[2][CW_MAX_PARAMS] = {{6.3, 0, 0, 1, 2, 2, 2}, {6.3, 1, 0, 1, 2, 2, 2}};
static const double one_sweep[] = {1, 0, 1};

static void open_theory(cw_context *ctx, int L, int chains, theory *t) {
  const cw_lattice lat = {4, {L, L, L, L}};
  must(ctx, cw_geometry_create(ctx, &lat, CW_LANES / chains, &t->geom));
  must(ctx, cw_theory_create(ctx, cw_theory_find("su3"), t->geom, 2, rungs[1], &t->th));
}

static void close_theory(theory *t) {
  cw_theory_destroy(&t->th);
  cw_geometry_destroy(t->geom);
}

/* Links within 0, 1 and 2 hops after every retarget, every 4th and every 32nd. */
static cw_program make_way(int n, cw_move *move) {
  int k = 0;
  for (int i = 1; i <= n; i++) {
    move[k++] = (cw_move){.kind = CW_MOVE_RETARGET, .t = i == n ? 1 : pow((double)i / n, 0.7)};
    if (i < n)
      move[k++] = (cw_move){.kind = CW_MOVE_MUTATE,
                            .steps = 1,
                            .level = i % 32 == 0  ? 2
                                     : i % 4 == 0 ? 1
                                                  : 0};
  }
  return (cw_program){k, move};
}

/* An attempt, in seconds; *trades: did lanes trade places? */
static double attempt(cw_context *ctx, cw_rex *rex, int chains, uint32_t step, bool *trades) {
  int before[2 * CW_LANES];
  long swaps = 0;
  memcpy(before, cw_rex_labels(rex), 2 * (size_t)chains * sizeof *before);
  const double t = thread_seconds();
  must(ctx, cw_rex_exchange(rex, step, 0));
  const double seconds = thread_seconds() - t;
  for (int i = 0; i < chains; i++) swaps += cw_rex_labels(rex)[2 * i] != before[2 * i];
  *trades = swaps > 0 && swaps < chains;
  return seconds;
}

static void print(int L, int chains, int n, const double best[2], double best_sweep) {
  printf("  %2d^4, %2d chain%s n = %3d:", L, chains, chains > 1 ? "s," : ", ", n);
  for (int trades = 0; trades < 2; trades++)
    if (best[trades] < 1e9)
      printf(" %.3f (%.2f ms)%s", best[trades] / best_sweep, 1e3 * best[trades],
             trades ? " where some swap" : "");
  printf(" of a sweep of 16^4 (%.1f ms)\n", 1e3 * best_sweep);
}

static void bench(cw_context *ctx, int L, int chains, int n, double seconds) {
  theory small, large;
  cw_move *move = malloc(2 * (size_t)n * sizeof *move);
  if (move == NULL) exit(1);
  const cw_program way = make_way(n, move);
  cw_ladder ladder;
  cw_rex *rex;
  cw_sampler *sweep;
  cw_field x;
  cw_rex_options o = {.sampler = cw_sampler_find("heatbath"),
                      .param = one_sweep,
                      .mutations = 1,
                      .order = CW_SWAP_RANDOM,
                      .way = &way,
                      .way_levels = {.n = 3},
                      .periodic = 1,
                      .chains = chains,
                      .rng = cw_rng_stream(1, "bench")};
  for (int l = 0; l < 3; l++)
    o.way_levels.level[l] = (cw_level){.around = true, .hops = l, .count = 1};
  open_theory(ctx, L, chains, &small);
  open_theory(ctx, 16, chains, &large);
  must(ctx, cw_ladder_create(ctx, &small.th, 2, rungs, &ladder));
  must(ctx, cw_rex_create(ctx, &ladder, &o, &rex));
  for (uint32_t t = 0; t < 3; t++) must(ctx, cw_rex_step(rex, t, 0));
  must(ctx, cw_field_create(ctx, large.geom, large.th.n_comp, chains, &x));
  cw_kind(large.th.ops->kind)->hot(large.th.isa, &x, cw_rng_stream(1, "hot"), 0);
  must(ctx, cw_sampler_create(ctx, o.sampler, &large.th, one_sweep, NULL, 1, &sweep));
  double best[2] = {1e9, 1e9}, best_sweep = 1e9;
  uint32_t step = 3;
  for (double begin = cw_wall_seconds(); cw_wall_seconds() - begin < seconds;) {
    double t = thread_seconds();
    must(ctx, sweep->ops->step(sweep, large.th.c, &x, cw_rng_stream(2, "bench"), step, NULL));
    best_sweep = fmin(best_sweep, thread_seconds() - t);
    for (int i = 0; i < 3; i++) {
      bool trades;
      t = attempt(ctx, rex, chains, step++, &trades);
      best[trades] = fmin(best[trades], t);
    }
  }
  print(L, chains, n, best, best_sweep);
  cw_rex_destroy(rex);
  cw_ladder_destroy(&ladder);
  cw_sampler_destroy(sweep);
  cw_field_destroy(&x);
  close_theory(&small);
  close_theory(&large);
  free(move);
}

/* bench_ways [SECONDS]: of each line, 3 by default. */
int main(int argc, char **argv) {
  cw_context *ctx;
  double seconds = argc > 1 ? atof(argv[1]) : 3;
  must(NULL, cw_context_create(&(cw_context_options){.threads = 1, .quiet = true}, &ctx));
  printf("SU(3), an attempt to swap through a switch of a 2^3 defect, both ways, one thread\n");
  for (int chains = 1; chains <= 16; chains *= 16)
    for (int L = 8; L <= 16; L += 8)
      for (int n = 160; n <= 768; n += 608) bench(ctx, L, chains, n, seconds);
  cw_context_destroy(ctx);
  return 0;
}
