/* From stores with known content to results: values, shapes and partial stores. */
#include "app/analysis/analysis.h"
#include "app/page/page.h"
#include "support/check.h"
#include "support/directory.h"
#include "support/synthetic_store.h"
#include "unit/analysed.h"

/* ------------------------------------------------------------------- chains */

/* Two chains of four steps of which every number is known: chain 0 is right only if steps and
 * chains are told apart. */
static void chains_are_read_step_by_step(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  synthetic s = begin(ctx, dir, HEAD "hmc: {steps: 6}\n");
  double primary[6 * 2 * SYN_PRIMARY] = {0};
  for (int t = 0; t < 6; t++)
    for (int c = 0; c < 2; c++) syn_primaries(0.1 * t + c, 0, primary + (t * 2 + c) * SYN_PRIMARY);
  cw_arrays set = {0};
  syn_put(&s, &set, "primary", 6, 2, SYN_PRIMARY, primary);
  syn_append(&s, "hmc", &set);
  cw_store_close(s.store);
  cw_analysis *a = NULL;
  check_ok(ctx, cw_analysis_create(ctx, dir, &a));
  const cw_analysis_case *c = &a->cases[0];
  assert_int_equal(a->n_cases, 1);
  assert_string_equal(a->job_name, "small");
  check_close(result(c, "hmc", "phi", -1)->e.value, 0.75, 1e-14);
  double m2 = 0;
  for (int t = 0; t < 6; t++) m2 += (0.01 * t * t + (0.1 * t + 1) * (0.1 * t + 1)) / 12;
  check_close(result(c, "hmc", "chi2", -1)->e.value, SYN_V * m2, 1e-13);
  assert_int_equal(result(c, "hmc", "phi", -1)->e.n, 12);
  assert_true(result(c, "hmc", "phi", -1)->e.rhat >
              1.5); /* the chains are 1 apart, far more than they fluctuate */
  const cw_curve *history = cw_stage_curve(cw_analysis_find_stage(c, "hmc"), "history.phi");
  assert_non_null(history);
  assert_int_equal(history->n, 6);
  for (int t = 0; t < 6; t++) check_close(history->y[t], 0.1 * t, 1e-15);
  assert_true(has_line(c->warning, c->n_warnings, "R-hat"));
  assert_true(has_line(c->warning, c->n_warnings, "fewer than 50 autocorrelation times"));
  cw_analysis_destroy(a);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

static void chains_have_errors_and_autocorrelation(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  synthetic s = begin(ctx, dir, HEAD "hmc: {steps: 2000}\ncluster: {steps: 5}\n");
  syn_sampler(&s, "hmc", 2000, 8, 3);
  cw_store_close(s.store);
  cw_analysis *a = NULL;
  check_ok(ctx, cw_analysis_create(ctx, dir, &a));
  const cw_analysis_case *c = &a->cases[0];
  const cw_estimate *phi = &result(c, "hmc", "phi", -1)->e;
  check_sigma(phi->tau_int, phi->tau_error, 3.0, 4); /* AR(1) built with tau_int = 3 */
  check_close(phi->error, 0.1077 * sqrt(6.0 / 16000), 0.15 * phi->error);
  check_sigma(phi->value, phi->error, 0, 4);
  assert_true(phi->rhat < 1.05);
  check_sigma(result(c, "hmc", "acceptance", -1)->e.value,
              result(c, "hmc", "acceptance", -1)->e.error, 0.85, 4);
  check_sigma(result(c, "hmc", "exp_mdH", -1)->e.value, result(c, "hmc", "exp_mdH", -1)->e.error, 1,
              4);
  const cw_analysis_stage *hmc = cw_analysis_find_stage(c, "hmc");
  check_close(hmc->seconds, 3.0, 1e-14); /* 0.5 + 1.25 + 1.25 */
  const cw_curve *rho = cw_stage_curve(hmc, "autocorrelation.phi");
  assert_non_null(rho);
  check_close(rho->y[0], 1, 1e-14);
  check_close(rho->y[1], 5.0 / 7, 0.03);
  assert_int_equal(cw_stage_curve(hmc, "thermalisation")->n, 60);
  assert_string_equal(result(c, "hmc", "correlator", 3)->name, "hmc.correlator[3]");
  assert_null(cw_stage_result(hmc, "correlator", SYN_HALF + 1));
  assert_int_equal(c->n_warnings, 0);
  assert_int_equal(c->n_missing, 1);
  assert_true(has_line(c->missing, c->n_missing, "Cluster has not started"));
  cw_analysis_destroy(a);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

/* ------------------------------------------------------------------ weights */

/* Weights 1 and 3 in equal numbers, phi 0 and 1: everything by hand. */
static void weighted_samples_are_exact(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  synthetic s =
      begin(ctx, dir, HEAD MODEL "hmc: {chains: 4, keep: 80}\nnis: {samples: 200}\nforward: {}\n");
  double lw[100], primary[100 * SYN_PRIMARY], lw_p[40];
  for (int i = 0; i < 100; i++) {
    lw[i] = 40 + (i % 2 == 0 ? 0 : log(3));
    syn_primaries(i % 2, 0, primary + i * SYN_PRIMARY);
  }
  for (int i = 0; i < 40; i++) lw_p[i] = 40 + log(4);
  cw_arrays set = {0};
  syn_put(&s, &set, "lw", 100, 0, 0, lw);
  syn_put(&s, &set, "primary", 100, SYN_PRIMARY, 0, primary);
  syn_append(&s, "nis", &set);
  syn_put(&s, &set, "lw", 10, 4, 0, lw_p);
  syn_append(&s, "forward", &set);
  cw_store_close(s.store);
  cw_analysis *a = NULL;
  check_ok(ctx, cw_analysis_create(ctx, dir, &a));
  const cw_analysis_case *c = &a->cases[0];
  check_close(result(c, "nis", "phi", -1)->e.value, 0.75, 1e-14);
  check_close(result(c, "nis", "phi", -1)->e.ess, 80, 1e-12); /* (1+3)^2 / (2 (1+9)) of 100 */
  check_close(c->flow.ess, 0.8, 1e-14);
  check_close(cw_case_result(c, "lnZ")->e.value, 40 + log(2), 1e-14);
  check_close(cw_case_result(c, "lnZ")->e.error, sqrt(0.25 / 100), 1e-12);
  check_close(cw_case_result(c, "F_q")->e.value, -40 - log(2), 1e-14);
  check_close(cw_case_result(c, "F_q_per_site")->e.value, (-40 - log(2)) / SYN_V, 1e-14);
  check_close(cw_case_result(c, "F_q_per_site")->e.error, sqrt(0.25 / 100) / SYN_V, 1e-12);
  check_close(cw_case_result(c, "F_p")->e.value, -40 - log(4), 1e-14);
  check_close(cw_case_result(c, "w_hat")->e.value, 0.5, 1e-13);
  assert_null(cw_case_result(c, "F_chain"));
  double area = 0;
  for (int i = 0; i < c->curve[0].n; i++)
    area += c->curve[0].y[i] * (c->curve[0].x[1] - c->curve[0].x[0]);
  assert_string_equal(c->curve[0].name, "log_weight.q");
  check_close(area, 1, 1e-12);
  assert_true(has_line(c->missing, c->n_missing, "NIS is at 100 of 200 samples"));
  assert_true(has_line(c->missing, c->n_missing,
                       "Forward weights is at 10 of 20 configurations per chain"));
  cw_analysis_destroy(a);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

/* Two chains of 12 steps: chain 0 always accepts, chain 1 rejects steps 2..8. */
static void put_rejections(synthetic *s) {
  double primary[24 * SYN_PRIMARY] = {0}, accept[24];
  for (int i = 0; i < 24; i++) {
    int t = i / 2;
    accept[i] = i % 2 == 0 || t < 2 || t > 8;
    syn_primaries(0.1 * t, 0, primary + i * SYN_PRIMARY);
  }
  cw_arrays set = {0};
  syn_put(s, &set, "primary", 12, 2, SYN_PRIMARY, primary);
  syn_put(s, &set, "accept", 12, 2, 0, accept);
  syn_append(s, "nmcmc", &set);
}

static void rejections_are_counted_along_chains(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  synthetic s = begin(ctx, dir, HEAD MODEL "nmcmc: {steps: 12}\n");
  put_rejections(&s);
  cw_store_close(s.store);
  cw_analysis *a = NULL;
  check_ok(ctx, cw_analysis_create(ctx, dir, &a));
  const cw_analysis_case *c = &a->cases[0];
  check_close(result(c, "nmcmc", "acceptance", -1)->e.value, 17.0 / 24, 1e-14);
  check_close(result(c, "nmcmc", "longest_rejection", -1)->e.value, 7, 0);
  const cw_curve *runs = cw_stage_curve(cw_analysis_find_stage(c, "nmcmc"), "rejection_runs");
  assert_int_equal(runs->n, 7);
  for (int i = 0; i < 7; i++)
    check_close(runs->y[i], 1, 0); /* one run, at least as long as 1, ..., 7 */
  cw_analysis_destroy(a);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

/* Chains that reject 7 times in a row must have had as many steps to forget a start that is not the
 * target's. */
static void starts_must_be_forgotten(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  static const struct {
    const char *keys;
    bool doubted;
  } jobs[] = {{"thermalise: 0", true},
              {"thermalise: 6", true},
              {"thermalise: 7", false},
              {"start: model", false}, /* the preset is long enough */
              {"start: data, thermalise: 0", false}};
  for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
    char *dir = new_directory(), job[600];
    snprintf(job, sizeof job,
             HEAD MODEL "hmc: {chains: 2, steps: 10, keep: 2}\nnmcmc: {chains: 2, steps: 12, %s}\n",
             jobs[i].keys);
    synthetic s = begin(ctx, dir, job);
    put_rejections(&s);
    cw_store_close(s.store);
    cw_analysis *a = NULL;
    check_ok(ctx, cw_analysis_create(ctx, dir, &a));
    const cw_analysis_case *c = &a->cases[0];
    assert_int_equal(has_line(c->warning, c->n_warnings, "biased towards the model"),
                     jobs[i].doubted);
    cw_analysis_destroy(a);
    remove_directory(dir);
  }
  cw_context_destroy(ctx);
}

/* <exp(-dH)> of a series 1 + off + noise z, and last as its last number. */
static void energy_violations_are_judged(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  enum { N = 400 };
  static const struct {
    double off, noise, last;
    const char *doubt; /* NULL: none */
  } series[] = {{0, 0.1, 1, NULL},
                {0.005, 0.01, 1, NULL}, /* significant, but small */
                {0.05, 1, 1, NULL},     /* large, but not significant */
                {0.05, 0.1, 1, "HMC: <exp(-dH)> = 1.0"},
                {-0.5, 0.1, 0.5, "HMC: <exp(-dH)> = 0.5"},
                {0.5, 9, 1, "standard deviations)"}, /* too few steps to know either */
                {-1, 0, 0, "by 100 %: smaller"},
                {0, 0.1, INFINITY, "HMC: <exp(-dH)> is undefined"},
                {0, 0.1, NAN, "HMC: <exp(-dH)> is undefined"}};
  for (size_t i = 0; i < sizeof series / sizeof *series; i++) {
    char *dir = new_directory();
    double primary[N * SYN_PRIMARY], accept[N], exp_mdH[N];
    synthetic s = begin(ctx, dir, HEAD "hmc: {chains: 1, steps: 400}\n");
    for (int t = 0; t < N; t++) {
      syn_primaries(0.1 * syn_normal(&s), syn_normal(&s), primary + t * SYN_PRIMARY);
      accept[t] = 0.9 + 0.01 * (t % 2);
      exp_mdH[t] =
          t + 1 < N ? 1 + series[i].off + series[i].noise * syn_normal(&s) : series[i].last;
    }
    cw_arrays set = {0};
    syn_put(&s, &set, "primary", N, 1, SYN_PRIMARY, primary);
    syn_put(&s, &set, "accept", N, 0, 0, accept);
    syn_put(&s, &set, "exp_mdH", N, 0, 0, exp_mdH);
    syn_append(&s, "hmc", &set);
    cw_store_close(s.store);
    cw_analysis *a = NULL;
    check_ok(ctx, cw_analysis_create(ctx, dir, &a));
    const cw_analysis_case *c = &a->cases[0];
    const bool doubted = has_line(c->warning, c->n_warnings, "<exp(-dH)>");
    if (doubted != (series[i].doubt != NULL)) print_error("series %zu\n", i);
    assert_int_equal(doubted, series[i].doubt != NULL);
    if (doubted) assert_true(has_line(c->warning, c->n_warnings, series[i].doubt));
    cw_analysis_destroy(a);
    remove_directory(dir);
  }
  cw_context_destroy(ctx);
}

/* -------------------------------------------------------- chain integration */

static void chain_integration_adds_up(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  for (int nodes = 2; nodes <= 3; nodes++) {
    char *dir = new_directory();
    synthetic s = begin(ctx, dir, HEAD "chain: {nodes: 3}\n");
    syn_chain(&s, nodes, 37, 2);
    cw_store_close(s.store);
    cw_analysis *a = NULL;
    check_ok(ctx, cw_analysis_create(ctx, dir, &a));
    const cw_analysis_case *c = &a->cases[0];
    const cw_result *F = cw_case_result(c, "F_chain");
    if (nodes == 2) { /* an integral up to nowhere in particular is not a result */
      assert_null(F);
      assert_true(has_line(c->missing, c->n_missing, "no F_chain yet"));
    } else {
      const double exact = 37 + 0.3 + 10 * 0.09 + 100 * 0.027;
      const double error =
          0.1 * 0.15 * sqrt(25 / 81.0 + 64 / 81.0 + 25 / 81.0); /* 2/sqrt(400) per node */
      check_close(F->e.error, error, 0.25 * error);
      check_sigma(F->e.value, F->e.error, -exact, 4);
      assert_int_equal(F->e.n, 1200);
      assert_int_equal(c->n_missing, 0);
    }
    cw_analysis_destroy(a);
    remove_directory(dir);
  }
  cw_context_destroy(ctx);
}

/* --------------------------------------------------------- damaged and partial */

static void wrong_shapes_are_refused(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  const double zeros[64] = {0};
  static const struct {
    const char *stage, *array;
    long dim[3];
  } bad[] = {{"hmc", "primary", {4, 2, 3}}, {"hmc", "primary", {4, 2, 0}},
             {"nis", "lw", {4, 2, 0}},      {"forward", "lw", {4, 0, 0}},
             {"train", "loss", {4, 2, 0}},  {"nmcmc", "accept", {4, 2, 2}}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char *dir = new_directory();
    cw_arrays set = {0};
    synthetic s = begin(
        ctx, dir, HEAD MODEL "hmc: {keep: 128}\nnis: {}\nforward: {}\ntrain: {}\nnmcmc: {}\n");
    syn_put(&s, &set, bad[i].array, bad[i].dim[0], bad[i].dim[1], bad[i].dim[2], zeros);
    syn_append(&s, bad[i].stage, &set);
    cw_store_close(s.store);
    cw_analysis *a = NULL;
    assert_int_equal(cw_analysis_create(ctx, dir, &a), CW_ECORRUPT);
    assert_null(a);
    assert_non_null(strstr(cw_error(ctx), bad[i].stage));
    cw_clear_error(ctx);
    remove_directory(dir);
  }
  cw_context_destroy(ctx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(chains_are_read_step_by_step),
      cmocka_unit_test(chains_have_errors_and_autocorrelation),
      cmocka_unit_test(weighted_samples_are_exact),
      cmocka_unit_test(rejections_are_counted_along_chains),
      cmocka_unit_test(starts_must_be_forgotten),
      cmocka_unit_test(energy_violations_are_judged),
      cmocka_unit_test(chain_integration_adds_up),
      cmocka_unit_test(wrong_shapes_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
