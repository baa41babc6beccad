/* Gauge theories against exact and published numbers, with heat bath and over-relaxation and with
 * HMC: the plaquette of SU(3) in four dimensions, and everything of the two-dimensional theories on
 * finite lattices. */
#include "physics/chains.h"

#include "support/exact_gauge.h"

/* ------------------------------------------------------- four dimensions, SU(3) */

static plan su3(double beta, int L, const char *sampler) {
  return (plan){.theory = "su3",
                .form = "isotropic",
                .sampler = sampler,
                .lat = {4, {L, L, L, L}},
                .param = {beta},
                .n_chain = 1,
                .seed = 31};
}

/* The combined error of a run and the published value must be small enough to see a wrong factor. */
static void check_plaquette(cw_context *ctx, plan p, double known, double error, double at_most) {
  chains r = run_chains(ctx, &p);
  cw_estimate e = estimate(&r, "plaquette", 0);
  print_message("beta = %g, %s: plaquette %.6f +- %.6f, known %.6f +- %.6f\n", p.param[0],
                p.sampler, e.value, e.error, known, error);
  check_sigma(e.value, hypot(e.error, error), known, 4);
  assert_true(e.error < at_most);
  free_chains(&r);
}

/* 12^4: 0.59382(9), long runs of an independent program. */
static void plaquette_at_beta_6(void **state) {
  plan p = su3(6.0, 12, "heatbath");
  p.n_therm = 60;
  p.n_step = 60;
  check_plaquette(*state, p, 0.59382, 9e-5, 3e-4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plaquette_at_beta_6),
  };
  return cmocka_run_group_tests_name("gauge physics", tests, test_open_context_2,
                                     test_close_context);
}
