/* The number that the contract tests cannot know: <phi^2> of independent sites from HMC, against
 * the one-site integral. A theory with a stray factor passes every contract test and fails here. */
#include "support/check.h"

#include <stdlib.h>

#include "causeway/sampler.h"
#include "causeway/stats.h"

enum { N_CHAIN = 256, N_THERMALISE = 100, N_STEP = 200 };

static const double a = 1 - 2 * 0.022, b = 0.022; /* lambda = 0.022 of arXiv:2007.07115 */

/* int phi^n exp(-a phi^2 - b phi^4) dphi by the trapezoidal rule, exact to rounding for such an
 * integrand. */
static double moment(int n) {
  double sum = 0, h = 0.01;
  for (int i = -1000; i <= 1000; i++) {
    double phi = i * h;
    sum += h * pow(phi, n) * exp(-a * phi * phi - b * phi * phi * phi * phi);
  }
  return sum;
}

static void test_one_site_integral(void **state) {
  (void)state;
  double y = a * a / (8 * b), z = moment(0);
  /* z = sqrt(a/(4b)) e^y K_{1/4}(y) for this measure; -ln z(0.022) = -0.57827797685697. */
  assert_true(y > 0);
  check_close(-log(z), -0.57827797685697, 1e-12);
}

static void test_phi2(void **state) {
  (void)state;
  cw_context *ctx = test_context(2);
  cw_lattice lattice = {2, {4, 4}};
  cw_geometry *geom;
  cw_chains hmc;
  cw_estimate e;
  double T[N_CHAIN * CW_MAX_TERMS];
  double *phi2 = calloc(N_CHAIN * N_STEP, sizeof *phi2);
  assert_non_null(phi2);
  check_ok(ctx, cw_geometry_create(ctx, &lattice, 1, &geom));
  cw_theory th;
  check_ok(ctx, cw_theory_create(ctx, cw_theory_find("sites"), geom, 0, (double[]){a, b}, &th));
  check_ok(ctx, cw_chains_open(ctx, &th, cw_sampler_find("hmc"), NULL, NULL, N_CHAIN, &hmc));
  cw_field_normal(th.isa, &hmc.x, cw_rng_stream(1, "start"), 0, 0);
  const cw_rng rng = cw_rng_stream(1, "hmc");
  check_ok(ctx, cw_sampler_run(&hmc, th.c, rng, 0, N_THERMALISE, N_THERMALISE));
  for (uint32_t step = 0; step < N_STEP; step++) {
    check_ok(ctx, cw_sampler_run(&hmc, th.c, rng, N_THERMALISE + step, 1, 0));
    th.ops->terms(&th, &hmc.x, T);
    for (long i = 0; i < N_CHAIN; i++)
      phi2[i * N_STEP + step] = T[i * th.ops->n_terms] / (double)geom->n_sites;
  }
  check_ok(ctx, cw_gamma(ctx, phi2, N_CHAIN, N_STEP, 1, NULL, NULL, &e));
  check_sigma(e.value, e.error, moment(2) / moment(0), 4);
  assert_true(e.error < 2e-3 * e.value);
  free(phi2);
  cw_chains_close(&hmc);
  cw_geometry_destroy(geom);
  cw_context_destroy(ctx);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_site_integral),
                                     cmocka_unit_test(test_phi2)};
  return cmocka_run_group_tests_name("sites physics", tests, NULL, NULL);
}
