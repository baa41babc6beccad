/* What replica exchange owes: swaps that leave the product of the rungs' densities invariant, with
 * and without maps; labels that follow the configurations; and words for what it refuses. */
#include "support/check.h"

#include <string.h>

#include "bridge/rex.h"
#include "causeway/wilson.h"
#include "contract/rex_ladders.h"
#include "support/bijections.h"
#include "support/toys.h"

/* A sampler that does nothing: swaps alone. */
static cw_status rest(cw_sampler *s, const double *c, cw_field *x, cw_rng rng, uint32_t step,
                      const cw_step_stats *stats) {
  (void)s, (void)c, (void)rng, (void)step;
  for (long i = 0; i < x->n_blocks * x->B; i++) stats->accept[i] = 1;
  return CW_OK;
}

static const cw_sampler_ops resting = {.name = "resting",
                                       .params = no_params,
                                       .fits = fits_all,
                                       .work_size = no_work,
                                       .init = nothing_to_do,
                                       .step = rest};

/* ------------------------------------------------------------------- invariance */

/* Row of the transition matrix of a sweep, from the acceptance that the sweep counts and from where
 * it goes; that draws and acceptance agree is seen on the way. */
static void transition_row(bench *b, unsigned pair, double *row) {
  enum { TRIES = 400 };
  cw_field *low = cw_rex_field(b->rex, 0), *high = cw_rex_field(b->rex, 1);
  unsigned target = pair;
  long moved = 0;
  cw_rex_reset_counts(b->rex);
  for (uint32_t t = 0; t < TRIES; t++) { /* of even steps: an odd one has no pair */
    put_spins(low, 0, pair % N_STATE);
    put_spins(high, 0, pair / N_STATE);
    int before = cw_rex_labels(b->rex)[0];
    check_ok(b->ctx, cw_rex_exchange(b->rex, 2 * t, 0));
    if (cw_rex_labels(b->rex)[0] == before) continue;
    moved++;
    target = get_spins(low, 0) + N_STATE * get_spins(high, 0);
  }
  const cw_rex_swaps *swaps = cw_rex_swap_counts(b->rex);
  assert_int_equal(swaps->tries[0], TRIES);
  double p = swaps->accept[0] / TRIES;
  check_sigma((double)moved / TRIES, sqrt(p * (1 - p) / TRIES) + 1e-9, p, 4.5);
  assert_true(moved > 0);
  memset(row, 0, N_PAIR * sizeof *row);
  row[pair] += 1 - p;
  row[target] += p;
}

static void check_stationary(cw_context *ctx, const cw_map *map) {
  const double params[2][CW_MAX_PARAMS] = {{0.2, 0.15}, {0.45, 0.3}};
  static double P[N_PAIR][N_PAIR];
  double weight[N_PAIR];
  bench b;
  open_ladder(&b, ctx, "spins", 0, (cw_lattice){1, {N_SPIN}}, 1, 2, params);
  cw_rex_options o = {.sampler = &resting,
                      .mutations = 1,
                      .map = map,
                      .periodic = -1,
                      .chains = 1,
                      .rng = cw_rng_stream(1, "rex")};
  check_ok(ctx, cw_rex_create(ctx, &b.ladder, &o, &b.rex));
  pair_probabilities(&b, weight);
  for (unsigned pair = 0; pair < N_PAIR; pair++) transition_row(&b, pair, P[pair]);
  double changed = 0;
  for (unsigned to = 0; to < N_PAIR; to++) {
    double flow = 0;
    for (unsigned from = 0; from < N_PAIR; from++) flow += weight[from] * P[from][to];
    if (fabs(flow - weight[to]) > 1e-12)
      fail_msg("the flow into pair %u is %.15g, its weight %.15g", to, flow, weight[to]);
    changed += weight[to] * (1 - P[to][to]);
  }
  assert_true(changed > 0.1); /* swaps that do nothing would pass */
  close_bench(&b);
}

static void test_discrete_swaps(void **state) {
  check_stationary(*state, NULL);
  check_stationary(*state, &(cw_map){.apply = march_apply});
}

/* Acceptance at (u0, u1), and where the swap leads. */
static double swap_at(bench *b, double u0, double u1, double to[2]) {
  cw_field *low = cw_rex_field(b->rex, 0), *high = cw_rex_field(b->rex, 1);
  cw_rex_reset_counts(b->rex);
  for (uint32_t t = 0; t < 2000; t += 2) {
    cw_field_set(low, 0, 0, 0, u0);
    cw_field_set(high, 0, 0, 0, u1);
    int before = cw_rex_labels(b->rex)[0];
    check_ok(b->ctx, cw_rex_exchange(b->rex, t, 0));
    if (cw_rex_labels(b->rex)[0] != before) break;
  }
  to[0] = cw_field_get(low, 0, 0, 0);
  to[1] = cw_field_get(high, 0, 0, 0);
  const cw_rex_swaps *swaps = cw_rex_swap_counts(b->rex);
  return swaps->accept[0] / (double)swaps->tries[0];
}

static double powers(const double *c, double u) {
  return u * (c[0] + u * (c[1] + u * (c[2] + u * c[3])));
}

/* pi(z) a(z) = pi(z') a(z') |dz'/dz| at z' = (f^-1(u1), f(u0)): all that a deterministic proposal
 * which is its own inverse needs. */
static void test_swaps_with_jacobian(void **state) {
  const double params[2][CW_MAX_PARAMS] = {{0.3, 0.5, -0.1, 0.2}, {-0.4, 0.1, 0.2, 0.5}};
  const double at[] = {-0.9, -0.4, 0.1, 0.5, 0.8};
  const stretch f = {1.2, 0.1};
  const cw_map map = {.self = &f, .apply = stretch_apply};
  cw_rex_options o = {.sampler = &resting,
                      .mutations = 1,
                      .map = &map,
                      .periodic = -1,
                      .chains = 1,
                      .rng = cw_rng_stream(2, "rex")};
  bench b;
  double least = 1;
  open_ladder(&b, *state, "tilted", 0, (cw_lattice){1, {1}}, 1, 2, params);
  check_ok(*state, cw_rex_create(*state, &b.ladder, &o, &b.rex));
  for (int i = 0; i < 5; i++)
    for (int j = 0; j < 5; j++) {
      double to[2], back[2], j0, j1;
      double go = swap_at(&b, at[i], at[j], to), come = swap_at(&b, to[0], to[1], back);
      check_close(to[1], stretched(&f, at[i], false, &j0), 1e-14);
      check_close(to[0], stretched(&f, at[j], true, &j1), 1e-14);
      check_close(back[0], at[i], 1e-12);
      check_close(back[1], at[j], 1e-12);
      double S = powers(b.ladder.c[0], at[i]) + powers(b.ladder.c[1], at[j]);
      double S_to = powers(b.ladder.c[0], to[0]) + powers(b.ladder.c[1], to[1]);
      check_close(log(go) - S, log(come) - S_to + j0 + j1, 1e-12);
      least = fmin(least, fmin(go, come));
    }
  assert_true(least < 0.9);
  close_bench(&b);
}

/* ---------------------------------------------------------- acceptance of a theory */

/* What the sweep counts for a defect, by few plaquettes, is what the whole action says. */
static void check_acceptance(cw_context *ctx, const char *theory, int form, cw_lattice lat,
                             const double (*params)[CW_MAX_PARAMS]) {
  enum { CHAINS = 5 };
  int splits[5], n_splits = cw_geometry_splits(&lat, splits);
  bench b;
  open_ladder(&b, ctx, theory, form, lat, splits[n_splits / 2], 2, params);
  cw_rex_options o = {.sampler = &resting,
                      .mutations = 1,
                      .periodic = -1,
                      .chains = CHAINS,
                      .rng = cw_rng_stream(3, "rex")};
  check_ok(ctx, cw_rex_create(ctx, &b.ladder, &o, &b.rex));
  double T[CW_LANES * CW_MAX_TERMS], S[2][2][CW_LANES], expected = 0;
  for (int k = 0; k < 2; k++) {
    cw_field *x = cw_rex_field(b.rex, k);
    cw_kind(b.th.ops->kind)->hot(b.th.isa, x, cw_rng_stream(4, "start"), (uint32_t)k);
    for (int c = 0; c < 2; c++) {
      assert_true(x->n_blocks * x->B <= CW_LANES);
      cw_theory_action(&b.th, x, b.ladder.c[c], T, S[c][k]);
    }
  }
  for (int i = 0; i < CHAINS; i++)
    expected += fmin(1, exp(S[0][0][i] + S[1][1][i] - S[0][1][i] - S[1][0][i]));
  check_ok(ctx, cw_rex_step(b.rex, 0, 0));
  assert_true(expected > 1e-4 && expected < CHAINS - 1e-4);
  check_close(cw_rex_swap_counts(b.rex)->accept[0], expected, 1e-10);
  close_bench(&b);
}

static void test_acceptance(void **state) {
  const double kappa[2][CW_MAX_PARAMS] = {{0.1, 0.3}, {0.13, 0.3}};
  const double defect[2][CW_MAX_PARAMS] = {{3, 0.9, 1, 2, 1, 2, 2}, {3, 0.6, 1, 2, 1, 2, 2}};
  const double beta[2][CW_MAX_PARAMS] = {{3}, {3.05}};
  check_acceptance(*state, "phi4", 1, (cw_lattice){2, {8, 4}}, kappa);
  check_acceptance(*state, "su3", 2, (cw_lattice){4, {4, 4, 2, 4}}, defect);
  check_acceptance(*state, "su2", 0, (cw_lattice){3, {4, 4, 4}}, beta);
}

/* Three replicas that nothing but swaps changes: S[rung][replica][chain]. A sweep in random order
 * is one pair and then the other; labels tell which of them swapped. */
enum { TRIO = 3, TRIO_CHAINS = 3 };

typedef double trio_actions[TRIO][TRIO][CW_LANES];

static double pair_acceptance(trio_actions S, const int *label, int k, long chain) {
  int a = label[k], b = label[k + 1];
  return fmin(1, exp(S[k][a][chain] + S[k + 1][b][chain] - S[k][b][chain] - S[k + 1][a][chain]));
}

static void exchange_labels(int *label, int k) {
  int a = label[k];
  label[k] = label[k + 1];
  label[k + 1] = a;
}

/* Adds to p (2) the acceptances of a chain that went from `before` to `after` with pair `first`
 * first. */
static void follow(trio_actions S, const int *before, const int *after, int first, long chain,
                   double *p) {
  for (int swaps = 0; swaps < 4; swaps++) {
    int label[TRIO];
    double q[2];
    memcpy(label, before, sizeof label);
    q[first] = pair_acceptance(S, label, first, chain);
    if (swaps & 1) exchange_labels(label, first);
    q[!first] = pair_acceptance(S, label, !first, chain);
    if (swaps & 2) exchange_labels(label, !first);
    if (memcmp(label, after, sizeof label) != 0) continue;
    p[0] += q[0];
    p[1] += q[1];
  }
}

static void follow_sweep(bench *b, trio_actions S, uint32_t step, int *seen) {
  int before[TRIO_CHAINS * TRIO];
  memcpy(before, cw_rex_labels(b->rex), sizeof before);
  cw_rex_reset_counts(b->rex);
  check_ok(b->ctx, cw_rex_step(b->rex, step, 0));
  const int *after = cw_rex_labels(b->rex);
  const double *found = cw_rex_swap_counts(b->rex)->accept;
  bool fits = false;
  for (int first = 0; first < 2; first++) {
    double p[2] = {0};
    for (long i = 0; i < TRIO_CHAINS; i++)
      follow(S, before + i * TRIO, after + i * TRIO, first, i, p);
    bool same = fabs(p[0] - found[0]) < 1e-10 && fabs(p[1] - found[1]) < 1e-10;
    fits |= same;
    seen[first] += same;
  }
  assert_true(fits);
}

static void test_random_order(void **state) {
  const double kappa[TRIO][CW_MAX_PARAMS] = {{0.1, 0.3}, {0.14, 0.3}, {0.17, 0.3}};
  cw_rex_options o = {.sampler = &resting,
                      .mutations = 1,
                      .order = CW_SWAP_RANDOM,
                      .periodic = -1,
                      .chains = TRIO_CHAINS,
                      .rng = cw_rng_stream(3, "rex")};
  trio_actions S;
  int seen[2] = {0};
  bench b;
  open_ladder(&b, *state, "phi4", 1, (cw_lattice){2, {4, 4}}, 1, TRIO, kappa);
  check_ok(*state, cw_rex_create(*state, &b.ladder, &o, &b.rex));
  for (int r = 0; r < TRIO; r++) {
    double T[CW_LANES * CW_MAX_TERMS];
    cw_field *x = cw_rex_field(b.rex, r);
    cw_kind(b.th.ops->kind)->hot(b.th.isa, x, cw_rng_stream(4, "start"), (uint32_t)r);
    for (int k = 0; k < TRIO; k++) cw_theory_action(&b.th, x, b.ladder.c[k], T, S[k][r]);
  }
  for (uint32_t t = 0; t < 50; t++) follow_sweep(&b, S, t, seen);
  assert_in_range(seen[0], 10, 40);
  assert_in_range(seen[1], 10, 40);
  close_bench(&b);
}

/* ------------------------------------------------------------------------ labels */

/* Replicas that carry their number and chain through swaps alone. */
static void check_labels(cw_context *ctx, cw_lattice lat, int V, long chains, cw_swap_order order) {
  enum { N = 5 };
  double params[N][CW_MAX_PARAMS];
  for (int k = 0; k < N; k++) params[k][0] = 0.001 * k, params[k][1] = 0.01;
  bench b;
  open_ladder(&b, ctx, "phi4", 1, lat, V, N, params);
  cw_rex_options o = {.sampler = &resting,
                      .mutations = 1,
                      .order = order,
                      .periodic = -1,
                      .chains = chains,
                      .rng = cw_rng_stream(5, "rex")};
  check_ok(ctx, cw_rex_create(ctx, &b.ladder, &o, &b.rex));
  for (int k = 0; k < N; k++)
    for (long i = 0; i < chains; i++)
      for (long s = 0; s < b.geom->n_sites; s++)
        cw_field_set(cw_rex_field(b.rex, k), i, s, 0, k + 0.01 * (double)i);
  long elsewhere = 0;
  for (uint32_t t = 0; t < 40; t++) {
    check_ok(ctx, cw_rex_step(b.rex, t, 0));
    for (long i = 0; i < chains; i++)
      for (int k = 0; k < N; k++) {
        int label = cw_rex_labels(b.rex)[i * N + k];
        elsewhere += label != k;
        for (long s = 0; s < b.geom->n_sites; s += 5)
          assert_true(cw_field_get(cw_rex_field(b.rex, k), i, s, 0) == label + 0.01 * (double)i);
      }
  }
  assert_true(elsewhere > 0);
  for (int k = 0; k + 1 < N; k++) { /* rejections too, or lanes are never told apart */
    const cw_rex_swaps *swaps = cw_rex_swap_counts(b.rex);
    assert_int_equal(swaps->tries[k], chains * (order == CW_SWAP_RANDOM ? 40 : 20));
    assert_true(swaps->accept[k] < (double)swaps->tries[k]);
  }
  close_bench(&b);
}

static void test_labels(void **state) {
  const cw_lattice lat = {2, {8, 8}};
  int splits[5], n_splits = cw_geometry_splits(&lat, splits);
  for (int i = 0; i < n_splits; i++)
    for (int order = 0; order < 2; order++) {
      check_labels(*state, lat, splits[i], 1, (cw_swap_order)order);
      check_labels(*state, lat, splits[i], 19, (cw_swap_order)order);
    }
}

/* ---------------------------------------------------------------------- refusals */

static void check_refused(bench *b, cw_rex_options o, const char *word) {
  cw_rex *rex;
  assert_int_equal(cw_rex_create(b->ctx, &b->ladder, &o, &rex), CW_EINVAL);
  assert_null(rex);
  if (strstr(cw_error(b->ctx), word) == NULL)
    fail_msg("'%s' does not say '%s'", cw_error(b->ctx), word);
  cw_clear_error(b->ctx);
}

static void test_refusals(void **state) {
  cw_context *ctx = test_context(1);
  const double defect[2][CW_MAX_PARAMS] = {{3, 1, 1, 2, 1, 1, 1}, {3, 0.6, 1, 2, 1, 1, 1}};
  const cw_rex_options good = {.sampler = cw_sampler_find("heatbath"),
                               .mutations = 1,
                               .levels = {.n = 1, .level = {{.box = {{0, 0}, {2, 4}}, .count = 1}}},
                               .periodic = 0,
                               .chains = 2};
  (void)state;
  bench b;
  open_ladder(&b, ctx, "u1", 2, (cw_lattice){2, {4, 4}}, 1, 2, defect);
  cw_rex_options o = good;
  o.chains = 0;
  check_refused(&b, o, "0 chains");
  o = good, o.mutations = 0;
  check_refused(&b, o, "0 sampler steps");
  o = good, o.periodic = 2;
  check_refused(&b, o, "periodic rung is 2");
  o = good, o.periodic = 1;
  check_refused(&b, o, "has a defect");
  o = good, o.levels.n = CW_MAX_LEVELS + 1;
  check_refused(&b, o, "9 levels");
  o = good, o.levels.level[0].count = 0;
  check_refused(&b, o, "count 0");
  o = good, o.levels.level[0].box.size[1] = 5;
  check_refused(&b, o, "size 5");
  o = good, o.sampler = cw_sampler_find("hmc");
  check_refused(&b, o, "'hmc' cannot be restricted");
  o = good, o.levels.n = 0, o.sampler = cw_sampler_find("cluster");
  check_refused(&b, o, "cannot sample");
  o = good;
  check_ok(ctx, cw_rex_create(ctx, &b.ladder, &o, &b.rex));
  cw_field_set(cw_rex_field(b.rex, 1), 1, 3, 0, NAN);
  assert_int_equal(cw_rex_step(b.rex, 0, 0), CW_ENUMERIC);
  cw_clear_error(ctx);
  close_bench(&b);
  cw_context_destroy(ctx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_discrete_swaps), cmocka_unit_test(test_swaps_with_jacobian),
      cmocka_unit_test(test_acceptance),     cmocka_unit_test(test_labels),
      cmocka_unit_test(test_refusals),       cmocka_unit_test(test_random_order),
  };
  return cmocka_run_group_tests_name("replica exchange", tests, test_open_context_2,
                                     test_close_context);
}
