/* The layer of the example where it is known in closed form: sinh(3 asinh x) = 3x + 4x^3, so that a
 * wrong power or a wrong slope shows, which the contract tests would take for another layer. */
#include "support/check.h"

#include <stdlib.h>

#include "causeway/model.h"

static void test_cube(void **state) {
  cw_context *ctx = *state;
  const cw_lattice lat = {2, {4, 3}};
  const double theta = log(3);
  const float theta_f = (float)theta;
  double logj[CW_LANES] CW_ALIGNED = {0}, expected[CW_LANES] = {0};
  cw_geometry *geom;
  cw_layer *L;
  void *frame;
  check_ok(ctx, cw_geometry_create(ctx, &lat, 1, &geom));
  check_ok(ctx, cw_layer_create(ctx, &(cw_layer_spec){.kind = "tails"}, CW_SITE_REAL, geom, &L));
  cw_arena *tape = cw_arena_create(0);
  const long n = geom->n_outer * CW_LANES;
  double *x = cw_alloc((size_t)n * sizeof *x);
  assert_true(tape != NULL && x != NULL);
  for (long i = 0; i < n; i++) x[i] = 0.05 * (double)(i - n / 2);
  check_ok(ctx, L->ops->forward(L, (cw_theta){&theta, &theta_f}, x, logj, tape, &frame));
  for (long i = 0; i < n; i++) {
    const double was = 0.05 * (double)(i - n / 2);
    check_close(x[i], 3 * was + 4 * was * was * was, 1e-13);
    expected[i % CW_LANES] += log(3 + 12 * was * was);
  }
  for (int l = 0; l < CW_LANES; l++) check_close(logj[l], expected[l], 1e-13);
  free(x);
  cw_arena_destroy(tape);
  L->ops->destroy(L);
  cw_geometry_destroy(geom);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cube)};
  return cmocka_run_group_tests_name("tails", tests, test_open_context_1, test_close_context);
}
