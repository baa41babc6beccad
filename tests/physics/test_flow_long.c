/* Flows trained from scratch against the rows of the phi^4 reference table: make check-long, which
 * sets CW_LONG=1. */
#include "physics/flows.h"

enum { N_COUPLINGS = 16, STEPS = 1500, BATCH = 1024, N_SAMPLES = 65536 };

static void check_table_entry(const char *name, cw_estimate e, const double known[2]) {
  double error = hypot(e.error, known[1]), z = (e.value - known[0]) / error;
  print_message("  %-5s %.5f +- %.5f, table %.5f +- %.5f: z %+.2f\n", name, e.value, e.error,
                known[0], known[1], z);
  assert_true(fabs(z) < 4);
}

/* The flow of the shipped 8x8 job: affine couplings with exact sign symmetry on a free field. */
static flow open_table_flow(cw_context *ctx, const reference_row *row) {
  cw_model_spec spec;
  cw_prior_spec prior = {.kind = CW_PRIOR_FREE, .sigma = 0.4, .mass2 = 1};
  stack(&spec, prior, "affine", N_COUPLINGS, 8, true);
  for (int i = 0; i < N_COUPLINGS; i++) {
    spec.layer[i].net.n_hidden = 2;
    spec.layer[i].net.hidden[1] = 8;
  }
  return open_flow(ctx, (cw_lattice){2, {row->L, row->L}}, "m2", (double[]){-4, row->lambda},
                   &spec);
}

/* ess: least that the flow must reach; 0.91, 0.88 and 0.60 were seen. */
static void row(void **state, int i, double ess) {
  if (!test_is_long()) skip();
  const reference_row *known = &reference_table[i];
  flow f = open_table_flow(*state, known);
  cw_train_options opt = options(CW_LOSS_REVERSE_KL, CW_GRADIENT_PATH, BATCH, STEPS, 3e-3);
  train(&f, &opt, NULL);
  samples s = draw(&f, 1, N_SAMPLES);
  cw_flow_quality q = judge(&s);
  print_message("  %dx%d, lambda %g: ess %.3f, acceptance %.3f\n", known->L, known->L,
                known->lambda, q.ess, q.acceptance);
  assert_true(q.ess > ess);
  check_table_entry("chi2", weighted(&s, "chi2"), known->chi2);
  check_table_entry("abs_m", weighted(&s, "abs_m"), known->abs_m);
  check_table_entry("phi2", weighted(&s, "phi2"), known->phi2);
  check_table_entry("nn", weighted(&s, "nn"), known->nn);
  check_table_entry("xi", weighted(&s, "xi"), known->xi);
  free_samples(&s);
  close_flow(&f);
}

static void test_8(void **state) { row(state, 0, 0.6); }
static void test_6(void **state) { row(state, 1, 0.6); }
static void test_8_finer(void **state) { row(state, 2, 0.4); }

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_8), cmocka_unit_test(test_6),
                                     cmocka_unit_test(test_8_finer)};
  return cmocka_run_group_tests_name("flow physics, long", tests, test_open_context_2,
                                     test_close_context);
}
