/* SU(3) plaquettes at three couplings with both samplers, four different extents, and the charge of
 * U(1) where it hardly moves: make check-long, which sets CW_LONG=1. */
#include "physics/gauge_runs.h"

static void need_long(void) {
  if (!test_is_long()) skip();
}

static const cw_lattice cube = {4, {12, 12, 12, 12}}, unequal = {4, {6, 8, 10, 12}};

static void both(void **state, double beta, const cw_lattice *lat, double known, double error) {
  need_long();
  plan heat = su3_plan(beta, *lat, "heatbath"), hmc = su3_plan(beta, *lat, "hmc");
  heat.n_chain = hmc.n_chain = 2;
  heat.n_therm = 200;
  const bool small = cw_lattice_sites(lat) < 20000; /* more steps, for as good an error */
  heat.n_step = small ? 1200 : 300;
  check_plaquette(*state, &heat, known, error, 2e-4);
  /* From a hot start HMC would keep the topological charge that it fell into, and at beta = 6.3
   * have a plaquette some 3e-4 too small for as long as this. */
  hmc.cold = true;
  hmc.n_therm = 400;
  hmc.n_step = small ? 1600 : 200;
  check_plaquette(*state, &hmc, known, error, 5e-4);
}

/* 12^4, long runs of an independent program; at 6.0 it agrees with hep-lat/9602007. */
static void beta_57(void **state) { both(state, 5.7, &cube, 0.54903, 18e-5); }
static void beta_60(void **state) { both(state, 6.0, &cube, 0.59382, 9e-5); }
static void beta_63(void **state) { both(state, 6.3, &cube, 0.62263, 8e-5); }
static void beta_57_unequal(void **state) { both(state, 5.7, &unequal, 0.54903, 18e-5); }

/* At beta = 7 a chain changes its charge once in thousands of sweeps. */
static void u1_at_beta_7(void **state) {
  need_long();
  plan p = {.theory = "u1",
            .form = "isotropic",
            .sampler = "heatbath",
            .lat = {2, {8, 8}},
            .param = {7},
            .set = {{"heatbath", 10}, {"overrelax", 1}},
            .n_chain = 256,
            .n_therm = 4000,
            .n_step = 8000,
            .seed = 6};
  chains r = run_chains(*state, &p);
  cw_estimate plaquette = estimate(&r, "plaquette", 0), q2 = estimate(&r, "q2", 0);
  print_message("q2 = %.4f +- %.4f, tau_int %.0f\n", q2.value, q2.error, q2.tau_int);
  check_sigma(plaquette.value, plaquette.error, exact_plaquette_2d(1, 7, 64), 4);
  check_sigma(q2.value, q2.error, exact_u1_q2(7, 64), 4);
  free_chains(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(beta_57), cmocka_unit_test(beta_60),
                                     cmocka_unit_test(beta_63), cmocka_unit_test(beta_57_unequal),
                                     cmocka_unit_test(u1_at_beta_7)};
  return cmocka_run_group_tests_name("gauge physics, long", tests, test_open_context_2,
                                     test_close_context);
}
