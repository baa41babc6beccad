/* Replica exchange against sums and integrals that are known by other means, on every rung, with
 * and without maps between them: scores over many seeds. */
#include "support/bijections.h"

#include <stdlib.h>

#include "causeway/stats.h"
#include "causeway/wilson.h"
#include "physics/quadrature_2x2.h"
#include "physics/rex_runs.h"
#include "support/check.h"
#include "support/exact_gauge.h"
#include "support/toys.h"

/* ------------------------------------------------------------------ calibration */

/* <T_k>/scale on a rung with couplings c; NAN: not looked at. */
typedef void exact_terms(const plan *p, const double *c, double *mean);

enum { SEEDS = 40, CHAINS = 64 }; /* at most */

static int n_seeds(void) { return test_is_long() ? SEEDS : 10; }

/* mean (n_terms) += T of one configuration after the other over steps and chains. */
static void add_terms(run *r, int k, double *sum) {
  const int n_terms = r->th.ops->n_terms;
  cw_field *x = cw_rex_field(r->rex, k);
  r->th.ops->terms(&r->th, x, r->T);
  for (long i = 0; i < CHAINS * n_terms; i++) sum[i] += r->T[i];
}

typedef double chain_sums[CHAINS * CW_MAX_TERMS]; /* (chain, term) */

static void collect(cw_context *ctx, plan p, uint32_t seed, chain_sums *sum, double *swapped) {
  run r;
  p.seed = seed;
  p.options.chains = CHAINS;
  open_run(&r, ctx, &p);
  for (uint32_t t = 0; t < p.n_therm + p.n_step; t++) {
    if (t == p.n_therm) cw_rex_reset_counts(r.rex);
    advance(&r, t);
    for (int k = 0; k < p.rungs && t >= p.n_therm; k++) add_terms(&r, k, sum[k]);
  }
  *swapped = 1;
  for (int k = 0; k + 1 < p.rungs; k++) *swapped = fmin(*swapped, acceptance(&r, k));
  close_run(&r);
}

/* z of the mean over independent chains. */
static double score(const double *sum, int n_terms, double unit, double exact) {
  double mean = 0, square = 0;
  for (int i = 0; i < CHAINS; i++) mean += sum[i * n_terms] / unit / CHAINS;
  for (int i = 0; i < CHAINS; i++) square += pow(sum[i * n_terms] / unit - mean, 2);
  return (mean - exact) / sqrt(square / (CHAINS * (CHAINS - 1.0)));
}

/* z of every term on every rung for every seed: no bias that all seeds together show, and errors
 * that are as large as they are said to be. z is t distributed with 63 degrees of freedom: its
 * variance is 63/61, and that of z^2 a little more than 2. */
static void check_scores(const plan *p, int k, int term, const double *z) {
  const double variance = (CHAINS - 1.0) / (CHAINS - 3.0);
  const int n = n_seeds();
  double sum = 0, square = 0;
  for (int s = 0; s < n; s++) sum += z[s], square += z[s] * z[s];
  double bias = sum / sqrt(n * variance);
  double spread = (square - n * variance) / sqrt(2.2 * n);
  if (!(fabs(bias) < 4) || !(fabs(spread) < 4.5))
    fail_msg("%s, rung %d, term %d: %g sigma off, and z^2 by %g", p->what, k, term, bias, spread);
}

/* mean (rungs, CW_MAX_TERMS): exact. The least acceptance shows that there is something to test. */
static void calibrate(cw_context *ctx, const plan *p, const double (*mean)[CW_MAX_TERMS]) {
  const int n_terms = p->theory->n_terms, n = n_seeds();
  static double z[MOST_RUNGS][CW_MAX_TERMS][SEEDS];
  double swapped = 0;
  for (int seed = 0; seed < n; seed++) {
    chain_sums *sum = calloc((size_t)p->rungs, sizeof *sum);
    double of_seed;
    collect(ctx, *p, (uint32_t)seed, sum, &of_seed);
    swapped += of_seed / n;
    for (int k = 0; k < p->rungs; k++)
      for (int i = 0; i < n_terms; i++)
        z[k][i][seed] = score(sum[k] + i, n_terms, p->n_step, mean[k][i]);
    free(sum);
  }
  assert_true(swapped > 0.02 && swapped < 0.95);
  for (int k = 0; k < p->rungs; k++)
    for (int i = 0; i < n_terms; i++)
      if (!isnan(mean[k][i])) check_scores(p, k, i, z[k][i]);
}

/* Both orders, without and with a map that does no good. */
static void calibrate_all(cw_context *ctx, plan p, cw_map map, exact_terms *exact) {
  double mean[MOST_RUNGS][CW_MAX_TERMS], params[CW_MAX_PARAMS], c[CW_MAX_TERMS];
  for (int k = 0; k < p.rungs; k++) {
    double t = (double)k / (p.rungs - 1);
    for (int i = 0; i < CW_MAX_PARAMS; i++) params[i] = (1 - t) * p.from[i] + t * p.to[i];
    p.theory->couplings(p.form, &p.lat, params, c);
    exact(&p, c, mean[k]);
  }
  for (int order = 0; order < 2; order++)
    for (int mapped = 0; mapped < 2; mapped++) {
      p.options.order = (cw_swap_order)order;
      p.map = mapped ? map : (cw_map){0};
      calibrate(ctx, &p, (const double(*)[CW_MAX_TERMS])mean);
    }
}

/* ---------------------------------------------------------------- four theories */

static void exact_tilted(const plan *p, const double *c, double *mean) {
  tilted_exact(c, mean);
  for (int k = 0; k < TILTED_TERMS; k++) mean[k] *= (double)cw_lattice_sites(&p->lat);
}

static void test_tilted(void **state) {
  const stretch bad = {1.2, -0.3};
  const plan p = {.what = "tilted sites",
                  .theory = &toy_tilted,
                  .lat = {1, {2}},
                  .rungs = 3,
                  .from = {0.5, 0.2, -0.3, 0.2},
                  .to = {-1, 0.8, 0.3, 0.4},
                  .options = {.sampler = cw_sampler_find("hmc"), .periodic = 1},
                  .n_therm = 20,
                  .n_step = 60};
  calibrate_all(context(state), p, (cw_map){.self = &bad, .apply = stretch_apply}, exact_tilted);
}

static void exact_spins(const plan *p, const double *c, double *mean) {
  (void)p;
  spin_exact(c, mean);
  for (int k = 0; k < SPIN_TERMS; k++) mean[k] *= 16;
}

static void test_spins(void **state) {
  const plan p = {.what = "spins",
                  .theory = &toy_spins,
                  .lat = {2, {4, 4}},
                  .rungs = 3,
                  .from = {0.2, 0.05},
                  .to = {0.5, 0.01},
                  .start = spin_start,
                  .options = {.sampler = &toy_metropolis, .periodic = -1},
                  .n_therm = 20,
                  .n_step = 60};
  calibrate_all(context(state), p, (cw_map){.apply = march_apply}, exact_spins);
}

static void exact_phi4(const plan *p, const double *c, double *mean) {
  (void)p;
  moments_2x2 m = quadrature_2x2(c[0], c[1], c[2]);
  mean[0] = 4 * m.nn;
  mean[1] = 4 * m.phi2;
  mean[2] = 4 * m.phi4;
}

static void test_phi4(void **state) {
  const stretch bad = {0.85, 0.15};
  const plan p = {.what = "phi^4 on 2 x 2",
                  .theory = cw_theory_find("phi4"),
                  .form = 0,
                  .lat = {2, {2, 2}},
                  .rungs = 4,
                  .from = {1, 1},
                  .to = {-4, 2.5},
                  .options = {.sampler = cw_sampler_find("hmc"), .periodic = 0},
                  .n_therm = 20,
                  .n_step = 60};
  calibrate_all(context(state), p, (cw_map){.self = &bad, .apply = stretch_apply}, exact_phi4);
}

static void exact_u1(const plan *p, const double *c, double *mean) {
  for (int k = 0; k < CW_WILSON_CLASSES; k++) mean[k] = NAN;
  mean[1] = -16 * exact_plaquette_2d(1, c[1], cw_lattice_sites(&p->lat));
}

static void test_u1(void **state) {
  const double angle = 0.4;
  const plan p = {.what = "U(1) on 4 x 4",
                  .theory = cw_theory_find("u1"),
                  .lat = {2, {4, 4}},
                  .rungs = 3,
                  .from = {0.5},
                  .to = {2},
                  .options = {.sampler = cw_sampler_find("heatbath"), .periodic = 2},
                  .n_therm = 10,
                  .n_step = 30};
  calibrate_all(context(state), p, (cw_map){.self = &angle, .apply = turn_apply}, exact_u1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_tilted),
      cmocka_unit_test(test_spins),
      cmocka_unit_test(test_phi4),
      cmocka_unit_test(test_u1),
  };
  return cmocka_run_group_tests_name("replica exchange", tests, test_open_context_2,
                                     test_close_context);
}
