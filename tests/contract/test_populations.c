/* What the stages of a population owe: weights that say what the maps and targets say, terms
 * evaluated once, and resampling that copies as often as weights say and forgets nothing. */
#include "support/check.h"

#include <stdlib.h>

#include "contract/populations.h"
#include "support/toys.h"

/* --------------------------------------------------------------------- weights */

/* lw = ln|det| - S_k(y) + S_k(x), then -(S_k'(y) - S_k(y)), up and down the ladder. */
static void test_weights(void **state) {
  enum { N = 21 };
  bench b;
  open_tilted(&b, context(state), N);
  cw_population *p = &b.p;
  check_ok(b.ctx, cw_retarget(p, 1));
  for (long i = 0; i < N; i++)
    check_close(p->lw[i], tilted_action(&b, &b.start, i, 0) - tilted_action(&b, &b.start, i, 1),
                1e-13);
  check_ok(b.ctx, cw_transport(p, &bend_map));
  check_ok(b.ctx, cw_retarget(p, 2));
  check_ok(b.ctx, cw_retarget(p, 0));
  for (long i = 0; i < N; i++) {
    double logj = 0, before = tilted_action(&b, &b.start, i, 0);
    for (long s = 0; s < 3; s++)
      logj += log(0.9 + 0.15 / pow(cosh(cw_field_get(&b.start, i, s, 0)), 2));
    check_close(p->lw[i], logj - tilted_action(&b, &p->x, i, 0) + before, 1e-12);
    assert_int_equal(p->ancestor[i], i);
  }
  double all[N], sum = 0, square = 0;
  cw_population_weights(p, all);
  for (long i = 0; i < N; i++) {
    check_close(all[i], p->lw[i], 0);
    sum += exp(all[i]);
    square += exp(2 * all[i]);
  }
  check_close(cw_population_ess(p), sum * sum / square / N, 1e-13);
  check_close(cw_population_lnz(p), log(sum / N), 1e-13);
  cw_population_start(p, &b.start);
  check_close(cw_population_ess(p), 1, 1e-15);
  check_close(cw_population_lnz(p), 0, 1e-15);
  close_bench(&b);
}

/* Weights that differ by more than a double can hold are no trouble. */
static void test_far_weights(void **state) {
  bench b;
  open_tilted(&b, context(state), 5);
  const double lw[5] = {-3000, -5000, -INFINITY, -3000 + log(3), -8000};
  memcpy(b.p.lw, lw, sizeof lw);
  check_close(cw_population_lnz(&b.p), -3000 + log(4.0 / 5), 1e-13);
  check_close(cw_population_ess(&b.p), 16 / 10.0 / 5, 1e-13);
  close_bench(&b);
}

/* A toy that counts how often its terms are evaluated, and gives only those asked for. */
static int n_evaluations;

static unsigned last_set;

static void counted_some_terms(const cw_theory *th, const cw_field *x, unsigned set, double *T) {
  n_evaluations++;
  last_set = set;
  double all[CW_LANES * TILTED_TERMS];
  tilted_terms(th, x, all);
  for (int i = 0; i < CW_LANES * TILTED_TERMS; i++)
    T[i] = set >> i % TILTED_TERMS & 1 ? all[i] : 1e9;
}

static void counted_terms(const cw_theory *th, const cw_field *x, double *T) {
  (void)th;
  (void)x;
  (void)T;
  fail(); /* a ladder asks for what it needs */
}

static void test_terms_once(void **state) {
  cw_context *ctx = context(state);
  cw_theory_ops ops = toy_tilted;
  ops.terms = counted_terms;
  ops.some_terms = counted_some_terms;
  const double from[4] = {0, 0.5, 0, 0.1}, to[4] = {0, 0.7, 0.2, 0.1};
  bench b;
  open_bench(&b, ctx, &ops, 0, (cw_lattice){1, {3}}, 1, 3, from, to, 16);
  n_evaluations = 0;
  check_ok(ctx, cw_retarget(&b.p, 1));
  assert_int_equal(n_evaluations, 1);
  assert_int_equal(last_set, 2 + 4); /* the terms that change */
  check_ok(ctx, cw_retarget(&b.p, 2));
  check_ok(ctx, cw_resample(&b.p, CW_RESAMPLE_SYSTEMATIC, 1, cw_rng_stream(1, "r"), 0, NULL));
  check_ok(ctx, cw_retarget(&b.p, 1));
  assert_int_equal(n_evaluations, 1); /* copies keep their terms */
  for (long i = 0; i < 16; i++)
    check_close(b.p.lw[i], tilted_action(&b, &b.p.x, i, 2) - tilted_action(&b, &b.p.x, i, 1),
                1e-13);
  check_ok(ctx, cw_transport(&b.p, &bend_map));
  assert_int_equal(n_evaluations, 3);
  assert_int_equal(last_set, 2 + 4 + 8); /* the terms that are there */
  check_ok(ctx, cw_retarget(&b.p, 0));
  assert_int_equal(n_evaluations, 3);
  close_bench(&b);
}

/* ------------------------------------------------------------------- resampling */

/* Every site of particle i is i + 1. */
static void mark_particles(bench *b, const double *lw) {
  for (long i = 0; i < b->p.n; i++)
    for (long s = 0; s < b->geom->n_sites; s++) cw_field_set(&b->start, i, s, 0, (double)(i + 1));
  cw_population_start(&b->p, &b->start);
  memcpy(b->p.lw, lw, (size_t)b->p.n * sizeof *lw);
}

/* Whose copy place i has; all that belongs to it must have come along. */
static long whose(const bench *b, long i) {
  const cw_population *p = &b->p;
  double mark = cw_field_get(&p->x, i, 0, 0);
  for (long s = 0; s < b->geom->n_sites; s++) check_close(cw_field_get(&p->x, i, s, 0), mark, 0);
  check_close(p->T[i * TILTED_TERMS], 3 * mark, 1e-15);
  assert_int_equal(p->ancestor[i], (long)mark - 1);
  check_close(p->lw[i], 0, 0);
  return (long)mark - 1;
}

enum { N_PARTICLES = 37, N_TRIALS = 4000 };

/* Weights over many orders of magnitude, some of them 0, the first and the last among them. */
static void some_weights(double *lw, double *share) {
  double sum = 0;
  for (int i = 0; i < N_PARTICLES; i++) {
    lw[i] = i % 7 == 0 || i == N_PARTICLES - 1 ? -INFINITY : -700 + 3 * sin(5.0 * i) - (i > 30) * 9;
    sum += exp(lw[i] + 700);
  }
  for (int i = 0; i < N_PARTICLES; i++) share[i] = exp(lw[i] + 700) / sum;
}

/* counts (N_TRIALS, N_PARTICLES) of copies. */
static void count_copies(cw_context *ctx, cw_resampling scheme, const double *lw, int *counts) {
  bench b;
  open_tilted(&b, ctx, N_PARTICLES);
  for (uint32_t t = 0; t < N_TRIALS; t++) {
    bool done = false;
    mark_particles(&b, lw);
    check_ok(ctx, cw_retarget(&b.p, 0)); /* no change: no terms */
    check_ok(ctx, cw_retarget(&b.p, 1));
    memcpy(b.p.lw, lw, N_PARTICLES * sizeof *lw);
    double before = cw_population_lnz(&b.p);
    check_ok(ctx, cw_resample(&b.p, scheme, 0.99, cw_rng_stream(4, "resample"), t, &done));
    assert_true(done);
    check_close(b.p.lnz, before, 1e-14);
    check_close(cw_population_lnz(&b.p), before, 1e-14);
    for (long i = 0; i < N_PARTICLES; i++) counts[t * N_PARTICLES + whose(&b, i)]++;
  }
  close_bench(&b);
}

/* Mean copies are n w_i. Variances: multinomial n w (1 - w); systematic f (1 - f) with the fraction
 * f of n w, as every count is floor or ceil of it. */
static void expected_copies(cw_context *ctx, cw_resampling scheme) {
  double lw[N_PARTICLES], share[N_PARTICLES], chi2 = 0, spread = 0, spread2 = 0;
  int *counts = calloc(N_TRIALS * N_PARTICLES, sizeof *counts), degrees = 0;
  some_weights(lw, share);
  count_copies(ctx, scheme, lw, counts);
  for (int i = 0; i < N_PARTICLES; i++) {
    double sum = 0, square = 0, want = N_PARTICLES * share[i], f = want - floor(want);
    double variance = scheme == CW_RESAMPLE_SYSTEMATIC ? f * (1 - f) : want * (1 - share[i]);
    for (int t = 0; t < N_TRIALS; t++) {
      int n = counts[t * N_PARTICLES + i];
      if (scheme == CW_RESAMPLE_SYSTEMATIC) assert_true(n == floor(want) || n == ceil(want));
      sum += n;
      square += (n - want) * (n - want);
    }
    if (share[i] == 0) assert_true(sum == 0);
    if (variance * N_TRIALS < 5) continue; /* hardly ever copied */
    check_sigma(sum / N_TRIALS, sqrt(variance / N_TRIALS), want, 4.5);
    chi2 += pow(sum / N_TRIALS - want, 2) / (variance / N_TRIALS);
    spread += square / N_TRIALS / variance;
    spread2 += (2 + 1 / variance) / N_TRIALS; /* of counts that are 0 or 1, or Poisson's, or more */
    degrees++;
  }
  check_sigma(spread, sqrt(spread2), degrees, 4);
  if (scheme == CW_RESAMPLE_MULTINOMIAL) check_sigma(chi2, sqrt(2.0 * degrees), degrees, 4);
  assert_true(degrees > 15);
  free(counts);
}

static void test_copies(void **state) {
  (void)state;
  cw_context *one = test_context(1);
  expected_copies(one, CW_RESAMPLE_SYSTEMATIC);
  expected_copies(one, CW_RESAMPLE_MULTINOMIAL);
  cw_context_destroy(one);
}

/* One particle takes all; copies of copies; equal weights change nothing. */
static void test_extreme_shares(void **state) {
  double lw[N_PARTICLES];
  bench b;
  open_tilted(&b, context(state), N_PARTICLES);
  for (int scheme = 0; scheme < 2; scheme++)
    for (int taker = 0; taker < N_PARTICLES; taker += 9) {
      for (int i = 0; i < N_PARTICLES; i++) lw[i] = i == taker ? 5 : -INFINITY;
      mark_particles(&b, lw);
      check_ok(b.ctx, cw_retarget(&b.p, 1));
      memcpy(b.p.lw, lw, sizeof lw);
      check_ok(b.ctx,
               cw_resample(&b.p, (cw_resampling)scheme, 0.5, cw_rng_stream(1, "r"), 0, NULL));
      for (long i = 0; i < N_PARTICLES; i++) assert_int_equal(whose(&b, i), taker);
      check_close(b.p.lnz, 5 - log(N_PARTICLES), 1e-14);
    }
  mark_particles(&b, lw);
  check_ok(b.ctx, cw_retarget(&b.p, 1));
  for (uint32_t step = 0; step < 3; step++) { /* copies of copies know where they come from */
    for (int i = 0; i < N_PARTICLES; i++) b.p.lw[i] = (step % 2 ? -0.05 : 0.05) * i;
    check_ok(b.ctx,
             cw_resample(&b.p, CW_RESAMPLE_MULTINOMIAL, 1, cw_rng_stream(1, "r"), step, NULL));
  }
  for (long i = 0; i < N_PARTICLES; i++) whose(&b, i);
  memset(lw, 0, sizeof lw);
  mark_particles(&b, lw);
  check_ok(b.ctx, cw_retarget(&b.p, 1));
  memcpy(b.p.lw, lw, sizeof lw);
  for (uint32_t step = 0; step < 20; step++)
    check_ok(b.ctx,
             cw_resample(&b.p, CW_RESAMPLE_SYSTEMATIC, 1, cw_rng_stream(1, "r"), step, NULL));
  for (long i = 0; i < N_PARTICLES; i++) assert_int_equal(whose(&b, i), i);
  close_bench(&b);
}

/* It happens below the threshold, and not above. */
static void test_threshold(void **state) {
  bench b;
  bool done = true;
  open_tilted(&b, context(state), 20);
  for (int i = 0; i < 20; i++) b.p.lw[i] = 0.3 * i;
  double ess = cw_population_ess(&b.p), lw = b.p.lw[7];
  cw_rng rng = cw_rng_stream(1, "r");
  check_ok(b.ctx, cw_resample(&b.p, CW_RESAMPLE_SYSTEMATIC, 0, rng, 0, &done));
  assert_false(done);
  check_ok(b.ctx, cw_resample(&b.p, CW_RESAMPLE_SYSTEMATIC, ess - 1e-6, rng, 0, &done));
  assert_false(done);
  check_close(b.p.lw[7], lw, 0);
  check_ok(b.ctx, cw_resample(&b.p, CW_RESAMPLE_SYSTEMATIC, ess + 1e-6, rng, 0, &done));
  assert_true(done);
  close_bench(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_weights),        cmocka_unit_test(test_far_weights),
      cmocka_unit_test(test_terms_once),     cmocka_unit_test(test_copies),
      cmocka_unit_test(test_extreme_shares), cmocka_unit_test(test_threshold),
  };
  return cmocka_run_group_tests_name("populations and walks", tests, test_open_context_2,
                                     test_close_context);
}
