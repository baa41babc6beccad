/* Gauge theories against published and exact numbers: the plaquette of SU(3) in four dimensions,
 * the plaquette and charge of U(1) on a finite torus, and errors that are neither too small nor too
 * large. test_gauge_long.c has more couplings and longer runs. */
#include "physics/gauge_runs.h"

/* 12^4: 0.59382(9), long runs of an independent program. */
static void plaquette_at_beta_6(void **state) {
  plan p = su3_plan(6.0, (cw_lattice){4, {12, 12, 12, 12}}, "heatbath");
  p.n_therm = 60;
  p.n_step = test_is_long() ? 50 : 10;
  check_plaquette(*state, &p, 0.59382, 9e-5, test_is_long() ? 4e-4 : 1e-3);
}

/* Two ways to sample the same theory, on four different extents. */
static void samplers_agree_on_unequal_extents(void **state) {
  const cw_lattice lat = {4, {4, 6, 8, 4}};
  plan heat = su3_plan(5.5, lat, "heatbath"), hmc = su3_plan(5.5, lat, "hmc");
  const uint32_t part = test_is_long() ? 1 : 2;
  heat.n_therm = 60;
  heat.n_step = 300 / part;
  hmc.n_chain = 8;
  hmc.n_therm = 120 / part;
  hmc.n_step = 120 / part;
  chains a = run_chains(*state, &heat), b = run_chains(*state, &hmc);
  const char *const names[] = {"plaquette", "plaquette_s", "plaquette_t", "rectangle", "polyakov"};
  for (int i = 0; i < 5; i++) {
    cw_estimate x = estimate(&a, names[i], 0), y = estimate(&b, names[i], 0);
    check_sigma(x.value - y.value, hypot(x.error, y.error), 0, 4);
    assert_true(hypot(x.error, y.error) < 3e-3 * part);
  }
  check_exp_dH(&b);
  free_chains(&a);
  free_chains(&b);
}

static void check_u1(cw_context *ctx, double beta, const char *sampler, uint32_t n_step) {
  plan p = {.theory = "u1",
            .form = "isotropic",
            .sampler = sampler,
            .lat = {2, {8, 8}},
            .param = {beta},
            .n_chain = 64,
            .n_therm = n_step / 4,
            .n_step = n_step,
            .seed = 5};
  chains r = run_chains(ctx, &p);
  cw_estimate plaquette = estimate(&r, "plaquette", 0), q = estimate(&r, "q", 0),
              q2 = estimate(&r, "q2", 0);
  check_sigma(plaquette.value, plaquette.error, exact_plaquette_2d(1, beta, 64), 4);
  check_sigma(q.value, q.error, 0, 4);
  check_sigma(q2.value, q2.error, exact_u1_q2(beta, 64), 4);
  assert_true(q2.error < 0.1 * q2.value);
  free_chains(&r);
}

static void u1_plaquette_and_charge(void **state) {
  check_u1(*state, 2, "heatbath", test_is_long() ? 1200 : 800);
  check_u1(*state, 2, "hmc", test_is_long() ? 1200 : 800);
}

/* Over 48 seeds the deviation from the exact plaquette of SU(2) on 4x4, in units of its error, has
 * mean 0 and variance 1: sum z^2 follows chi^2 with 48 degrees of freedom, 48 +- 9.8. */
static void errors_are_calibrated(void **state) {
  enum { N_SEED = 48 };
  if (!test_is_long()) skip();
  const char *const samplers[] = {"heatbath", "hmc"};
  double exact = exact_plaquette_2d(2, 3, 16);
  for (int k = 0; k < 2; k++) {
    double sum = 0, square = 0;
    for (uint32_t seed = 0; seed < N_SEED; seed++) {
      plan p = {.theory = "su2",
                .form = "isotropic",
                .sampler = samplers[k],
                .lat = {2, {4, 4}},
                .param = {3},
                .n_chain = 16,
                .n_therm = 60,
                .n_step = 200,
                .seed = 100 + seed};
      chains r = run_chains(*state, &p);
      cw_estimate e = estimate(&r, "plaquette", 0);
      double z = (e.value - exact) / e.error;
      sum += z;
      square += z * z;
      free_chains(&r);
    }
    print_message("%s: mean z %.3f, mean z^2 %.3f\n", samplers[k], sum / N_SEED, square / N_SEED);
    check_sigma(sum, sqrt(N_SEED), 0, 4);
    check_sigma(square, sqrt(2.0 * N_SEED), N_SEED, 4);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plaquette_at_beta_6),
      cmocka_unit_test(samplers_agree_on_unequal_extents),
      cmocka_unit_test(u1_plaquette_and_charge),
      cmocka_unit_test(errors_are_calibrated),
  };
  return cmocka_run_group_tests_name("gauge physics", tests, test_open_context_2,
                                     test_close_context);
}
