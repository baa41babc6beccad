/* The number that the contract tests cannot know: phi^4 on 2x2 from Metropolis, against the integral
 * over its four sites. */
#include "physics/chains.h"
#include "physics/quadrature_2x2.h"

static void check_mean(const chains *r, const char *name, double exact) {
  cw_estimate e = estimate(r, name, 0);
  check_sigma(e.value, e.error, exact, 4);
  assert_true(e.error < 4e-3 * fabs(exact)); /* it has teeth */
}

static void test_2x2(void **state) {
  const double m2 = -1.5, lambda = 1.2;
  const moments_2x2 exact = quadrature_2x2(-2, 4 + m2, lambda);
  plan p = {.theory = "phi4",
            .form = "m2",
            .sampler = "metropolis",
            .lat = {2, {2, 2}},
            .param = {m2, lambda},
            .n_chain = 256,
            .n_therm = 100,
            .n_step = 3000,
            .seed = 9};
  chains r = run_chains(*state, &p);
  check_mean(&r, "phi2", exact.phi2);
  check_mean(&r, "phi4", exact.phi4);
  check_mean(&r, "nn", exact.nn);
  check_mean(&r, "chi2", exact.chi2);
  check_close(r.accept, 0.5, 0.02); /* what the width was tuned for */
  free_chains(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_2x2)};
  return cmocka_run_group_tests_name("metropolis physics", tests, test_open_context_2,
                                     test_close_context);
}
