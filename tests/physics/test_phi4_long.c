/* The larger rows of the phi^4 reference table: make check-long, which sets CW_LONG=1. */
#include "physics/chains.h"

static void row(void **state, int i, long n_chain, uint32_t n_step) {
  if (!test_is_long()) skip();
  check_row(*state, &reference_table[i], "m2", "hmc", "omelyan", n_chain, n_step);
  check_row(*state, &reference_table[i], "kappa", "cluster", "wolff", n_chain / 2, n_step / 2);
  check_row(*state, &reference_table[i], "m2", "cluster", "swendsen-wang", n_chain / 2, n_step / 2);
}

static void test_12(void **state) { row(state, 3, 512, 1000); }
static void test_20(void **state) { row(state, 4, 512, 800); }

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_12), cmocka_unit_test(test_20)};
  return cmocka_run_group_tests_name("phi4 physics, long", tests, test_open_context_2,
                                     test_close_context);
}
