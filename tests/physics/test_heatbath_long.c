/* Rounding errors of 10^5 sweeps: make check-long, which sets CW_LONG=1. */
#include "physics/links.h"

static void drift(cw_context *ctx, const char *group) {
  if (!test_is_long()) skip();
  links k;
  open_links(&k, ctx, group, (cw_lattice){4, {4, 4, 4, 4}}, 0, 1, ISOTROPIC, (double[]){6}, 3, 7,
             1);
  for (uint32_t step = 0; step < 10000; step++) advance(&k, step);
  double d = group_drift(&k);
  print_message("%s: %g from the group after 10^5 sweeps\n", group, d);
  assert_true(d < 1e-13);
  close_links(&k);
}

static void test_u1(void **state) { drift(*state, "u1"); }
static void test_su2(void **state) { drift(*state, "su2"); }
static void test_su3(void **state) { drift(*state, "su3"); }

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_u1), cmocka_unit_test(test_su2),
                                     cmocka_unit_test(test_su3)};
  return cmocka_run_group_tests_name("heat bath, long", tests, test_open_context_2,
                                     test_close_context);
}
