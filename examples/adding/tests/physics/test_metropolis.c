/* The numbers that the contract tests cannot know: phi^4 from Metropolis on 2x2, against the integral
 * over its four sites, and on one site, which is its own neighbour. */
#include "physics/chains.h"
#include "physics/quadrature_2x2.h"

static void check_mean(const chains *r, const char *name, double exact) {
  cw_estimate e = estimate(r, name, 0);
  check_sigma(e.value, e.error, exact, 4);
  assert_true(e.error < 4e-3 * fabs(exact)); /* it has teeth */
}

static const double m2 = -1.5, lambda = 1.2;

static chains run_on(cw_context *ctx, cw_lattice lat, uint32_t n_step) {
  const plan p = {.theory = "phi4",
                  .form = "m2",
                  .sampler = "metropolis",
                  .lat = lat,
                  .param = {m2, lambda},
                  .n_chain = 256,
                  .n_therm = 100,
                  .n_step = n_step,
                  .seed = 9};
  return run_chains(ctx, &p);
}

/* There is no gradient: S = m2 phi^2 + lambda phi^4. */
static void test_one_site(void **state) {
  double sum[5] = {0};
  for (int i = -3000; i <= 3000; i++)
    for (int n = 0; n <= 4; n += 2) {
      const double phi = 1e-3 * i;
      sum[n] += pow(phi, n) * exp(-m2 * phi * phi - lambda * pow(phi, 4));
    }
  chains r = run_on(*state, (cw_lattice){2, {1, 1}}, 1000);
  check_mean(&r, "phi2", sum[2] / sum[0]);
  check_mean(&r, "phi4", sum[4] / sum[0]);
  free_chains(&r);
}

static void test_2x2(void **state) {
  const moments_2x2 exact = quadrature_2x2(-2, 4 + m2, lambda);
  chains r = run_on(*state, (cw_lattice){2, {2, 2}}, 3000);
  check_mean(&r, "phi2", exact.phi2);
  check_mean(&r, "phi4", exact.phi4);
  check_mean(&r, "nn", exact.nn);
  check_mean(&r, "chi2", exact.chi2);
  check_close(r.accept, 0.5, 0.02); /* what the width was tuned for */
  free_chains(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_site), cmocka_unit_test(test_2x2)};
  return cmocka_run_group_tests_name("metropolis physics", tests, test_open_context_2,
                                     test_close_context);
}
