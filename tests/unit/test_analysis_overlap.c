/* What is said of weights whose model and target overlap badly. */
#include "app/analysis/analysis.h"
#include "app/page/page.h"
#include "support/check.h"
#include "support/directory.h"
#include "support/synthetic_store.h"
#include "unit/analysed.h"

/* Weights of the flow at ln w = 0 +- scatter, of the target at lw_p. */
static void weights_around(synthetic *s, double scatter, double lw_p) {
  cw_arrays set = {0};
  double q[400], p[80];
  for (int i = 0; i < 400; i++) q[i] = scatter * syn_normal(s);
  for (int i = 0; i < 80; i++) p[i] = lw_p + 0.01 * syn_normal(s);
  syn_put(s, &set, "lw", 400, 0, 0, q);
  syn_append(s, "nis", &set);
  syn_put(s, &set, "lw", 20, 4, 0, p);
  syn_append(s, "forward", &set);
}

/* w_hat far above 1, samples apart on both sides, and one that may be interpreted. */
static void heavy_tails_are_not_interpreted(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  static const struct {
    double scatter, lw_p;
    const char *says;
  } sets[] = {
      {0.01, -1, "heavy-tailed"}, {8, 30, "F_p is not usable"}, {0.01, 0, "compatible with 1"}};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    char *dir = new_directory();
    cw_analysis *a = NULL;
    cw_prose p = {0};
    synthetic s = begin(
        ctx, dir, HEAD MODEL "hmc: {chains: 4, keep: 80}\nnis: {samples: 400}\nforward: {}\n");
    weights_around(&s, sets[i].scatter, sets[i].lw_p);
    cw_store_close(s.store);
    check_ok(ctx, cw_analysis_create(ctx, dir, &a));
    if (i == 1) assert_true(a->cases[0].flow.ess < 0.01);
    cw_say_coverage(&p, &a->cases[0]);
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++)
      assert_int_equal(strstr(p.text, sets[k].says) != NULL, k == i);
    cw_analysis_destroy(a);
    remove_directory(dir);
  }
  cw_context_destroy(ctx);
}

/* Log-weights of samples x = spread z of a Gaussian on so many sites, up to a constant, for the
 * normal target: lw = -x^2/2 + x^2/(2 s^2) + sites ln s, s of the flow. */
enum { SITES = 2, FLOW_SAMPLES = 4000, CHAINS = 40, ROWS = 50 };

static void gaussian_weights(synthetic *s, double of_samples, double of_flow, long n, double *lw) {
  for (long i = 0; i < n; i++) {
    double r2 = 0;
    for (int k = 0; k < SITES; k++) r2 += pow(of_samples * syn_normal(s), 2);
    lw[i] = 0.5 * r2 * (1 / (of_flow * of_flow) - 1) + SITES * log(of_flow);
  }
}

/* The lower tail of chi^2 with an even number of degrees of freedom. */
static double chi2_below(double r2, int dof) {
  double term = exp(-r2 / 2), sum = term;
  for (int k = 1; k < dof / 2; k++) sum += term *= r2 / (2 * k);
  return 1 - sum;
}

/* Exact share of the target with a weight above, or of the flow with one below, that of a sample.
 */
static double mass_beyond(double lw, double of_samples, double of_flow, bool above) {
  const double r2 = 2 * (lw - SITES * log(of_flow)) / (1 / (of_flow * of_flow) - 1);
  const double below = chi2_below(r2 / (of_samples * of_samples), SITES);
  const bool grows = of_flow < 1; /* with r2 */
  return above == grows ? 1 - below : below;
}

static double end_of(const double *lw, long n, double sign) {
  double end = -INFINITY;
  for (long i = 0; i < n; i++) end = fmax(end, sign * lw[i]);
  return sign * end;
}

/* What the report says of a flow with the given weights. */
static void judged(const char *dir, synthetic *s, double *q, double *p, cw_prose *said,
                   cw_flow_quality *quality) {
  cw_arrays set = {0};
  cw_analysis *a = NULL;
  syn_put(s, &set, "lw", FLOW_SAMPLES, 0, 0, q);
  syn_append(s, "nis", &set);
  syn_put(s, &set, "lw", ROWS, CHAINS, 0, p);
  syn_append(s, "forward", &set);
  cw_store_close(s->store);
  check_ok(s->ctx, cw_analysis_create(s->ctx, dir, &a));
  cw_say_coverage(said, &a->cases[0]);
  *quality = a->cases[0].flow;
  cw_analysis_destroy(a);
}

static const char of_flows[] =
    HEAD MODEL "hmc: {chains: 40, keep: 2000}\nnis: {samples: 4000}\nforward: {}\n";

/* A flow narrower than the target misses its tails; of one that is broader, samples of the target
 * miss most, and nothing is wrong with the flow. What is printed is compared with exact masses. */
static cw_flow_quality width_of_a_flow(double width, uint32_t seed) {
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  cw_prose said = {0};
  cw_flow_quality f;
  synthetic s = begin(ctx, dir, of_flows);
  double *q = syn_doubles(FLOW_SAMPLES), *p = syn_doubles(ROWS * CHAINS), share = NAN;
  s.draw = seed << 20;
  gaussian_weights(&s, width, width, FLOW_SAMPLES, q);
  gaussian_weights(&s, 1, width, ROWS * CHAINS, p);
  judged(dir, &s, q, p, &said, &f);
  if (width < 1) {
    assert_null(strstr(said.text, "not usable"));
    assert_non_null(strstr(said.text, "the flow misses"));
    const char *at = strstr(said.text, "target's samples weigh more");
    assert_non_null(at);
    while (*at != '.' || at[1] != ' ') at--;
    assert_int_equal(sscanf(at, ". %lf %%", &share), 1);
    const double exact = mass_beyond(end_of(q, FLOW_SAMPLES, 1), 1, width, true);
    check_sigma(share / 100, sqrt(exact / (ROWS * CHAINS)) + 0.005, exact, 4);
  } else {
    assert_null(strstr(said.text, "misses most"));
    assert_null(strstr(said.text, "misses about"));
    assert_non_null(strstr(said.text, "There is no sign that the flow misses"));
    const char *at = strstr(said.text, "with it: ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "with it: %lf %%", &share), 1);
    const double exact = mass_beyond(end_of(p, ROWS * CHAINS, -1), width, width, false);
    check_sigma(share / 100, sqrt(exact / FLOW_SAMPLES) + 0.005, exact, 4);
    check_sigma(f.lnZ, f.lnZ_error, 0, 5);
  }
  free(q);
  free(p);
  remove_directory(dir);
  cw_context_destroy(ctx);
  return f;
}

/* Of two modes the flow knows one: the weights of the other are far above all of its own. */
static void one_mode_of_two(uint32_t seed) {
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  cw_prose said = {0};
  cw_flow_quality f;
  synthetic s = begin(ctx, dir, of_flows);
  double *q = syn_doubles(FLOW_SAMPLES), *p = syn_doubles(ROWS * CHAINS);
  s.draw = seed << 20;
  for (int i = 0; i < FLOW_SAMPLES; i++) q[i] = log(0.5) + 0.1 * syn_normal(&s) - 0.005;
  for (int i = 0; i < ROWS * CHAINS; i++)
    p[i] = log(0.5) + 0.1 * syn_normal(&s) + 0.005 + (i % 2 == 0 ? 200 : 0);
  judged(dir, &s, q, p, &said, &f);
  assert_non_null(strstr(said.text, "One half"));
  assert_null(strstr(said.text, "not usable"));
  check_close(f.p_above_q, 0.5, 0.03);
  free(q);
  free(p);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

static void both_failures_of_overlap_are_told_apart(void **state) {
  (void)state;
  double narrow = 0, broad = 0;
  for (uint32_t seed = 0; seed < 20; seed++) {
    narrow += width_of_a_flow(0.3, seed).lnZ_p / 20;
    broad += width_of_a_flow(3, seed).lnZ_p / 20;
    one_mode_of_two(seed);
  }
  print_message("ln Z from the target, exactly 0: %.3f of a narrow flow, %.3f of a broad one\n",
                narrow, broad);
  check_close(narrow, 0, 0.05);
  assert_true(broad > 0.3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(heavy_tails_are_not_interpreted),
      cmocka_unit_test(both_failures_of_overlap_are_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
