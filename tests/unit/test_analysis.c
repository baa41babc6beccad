/* From stores with known content to results: values, shapes, partial stores, JSON, warnings and the
 * page. */
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/analysis/analysis.h"
#include "app/cli/commands.h"
#include "app/page/page.h"
#include "causeway/report.h"
#include "support/check.h"
#include "support/directory.h"
#include "support/synthetic_store.h"

extern char **environ;

#define HEAD                                                                                       \
  "job: small\nseed: 5\nlattice: [8, 8]\ntheory: {kind: phi4, form: kappa, kappa: 0.3, lambda: "   \
  "0.022}\n"
#define MODEL "model: {layers: [{kind: affine, repeat: 2, net: {hidden: [4]}}, {kind: scale}]}\n"

static synthetic begin(cw_context *ctx, const char *dir, const char *job) {
  synthetic s = {.ctx = ctx, .prefix = "", .rng = cw_rng_stream(11, "synthetic")};
  check_ok(ctx, cw_store_create(ctx, dir, job, false, &s.store));
  return s;
}

static const cw_result *result(const cw_analysis_case *c, const char *stage, const char *quantity,
                               int index) {
  const cw_analysis_stage *s = cw_analysis_find_stage(c, stage);
  assert_non_null(s);
  const cw_result *r = cw_stage_result(s, quantity, index);
  assert_non_null(r);
  return r;
}

static bool has_line(char *const *line, int n, const char *word) {
  for (int i = 0; i < n; i++)
    if (strstr(line[i], word) != NULL) return true;
  return false;
}

static char *write_everything(cw_context *ctx, const char *dir);

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

/* U(1) in two dimensions: numbers of the standard group, and of the flow at five times. */
enum { GAUGE_PRIMARY = 10, FLOW_PRIMARY = 2 * 5 };

/* Two groups, of which the second is measured half as often; each with its own number of steps. */
static void groups_have_rows_of_their_own(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  synthetic s = begin(ctx, dir,
                      "job: gauge\nlattice: [4, 4]\ntheory: {kind: u1, beta: 2}\n"
                      "heatbath: {chains: 2, steps: 16}\n"
                      "measure: {gradient_flow_low: {every: 2, points: 4, time: 2}}\n"
                      "expect:\n  plaquette: {value: 0.5, source: made up}\n"
                      "  heatbath.t2_energy[4]: {value: 12, error: 1}\n"
                      "  t2_energy[4]: {value: 1, error: 1}\n");
  double rows[16 * 2 * GAUGE_PRIMARY], flow[8 * 2 * FLOW_PRIMARY];
  for (int i = 0; i < 16 * 2; i++)
    for (int k = 0; k < GAUGE_PRIMARY; k++)
      rows[i * GAUGE_PRIMARY + k] = k == 0 ? 0.7 + 0.01 * (i / 2 % 2) : k == 8 ? i % 2 : 1;
  for (int i = 0; i < 8 * 2; i++)
    for (int k = 0; k < FLOW_PRIMARY; k++)
      flow[i * FLOW_PRIMARY + k] = k == 4 ? 2.5 + 1e-9 * (i % 2) : 1;
  cw_arrays set = {0};
  syn_put(&s, &set, "primary", 16, 2, GAUGE_PRIMARY, rows);
  syn_put(&s, &set, "primary.gradient_flow_low", 8, 2, FLOW_PRIMARY, flow);
  syn_append(&s, "heatbath", &set);
  cw_store_close(s.store);
  cw_analysis *a = NULL;
  check_ok(ctx, cw_analysis_create(ctx, dir, &a));
  const cw_analysis_case *c = &a->cases[0];
  const cw_result *plaquette = result(c, "heatbath", "plaquette", -1);
  check_close(plaquette->e.value, 0.705, 1e-14);
  assert_int_equal(plaquette->e.n, 32);
  assert_int_equal(plaquette->n_tau, 2);                                /* of each chain */
  check_close(plaquette->tau_chain[0], plaquette->tau_chain[1], 1e-12); /* which are alike */
  assert_non_null(plaquette->expected);
  assert_string_equal(plaquette->expected->source, "made up");
  check_close(plaquette->pull, 0.205 / plaquette->e.error, 1e-12);
  assert_true(plaquette->pull > CW_EXPECT_SIGMA);
  assert_true(has_line(c->warning, c->n_warnings, "heatbath.plaquette is +"));
  const cw_result *energy = result(c, "heatbath", "t2_energy", 4);
  check_close(energy->e.value, 2 * 2 * 2.5, 1e-8); /* t^2 E at t = 2 */
  assert_int_equal(energy->e.n, 16);
  check_close(energy->pull, -2, 1e-8); /* what names the stage wins */
  assert_null(result(c, "heatbath", "q", -1)->expected);
  const cw_analysis_stage *stage = cw_analysis_find_stage(c, "heatbath");
  assert_int_equal(cw_stage_curve(stage, "history.q.1")->y[3], 1); /* the second chain */
  const cw_curve *bins = cw_stage_curve(stage, "histogram.q");
  assert_int_equal(bins->n, 2); /* of the integers 0 and 1 */
  check_close(bins->y[1], 0.5, 1e-14);
  cw_analysis_destroy(a);
  char *html = write_everything(ctx, dir);
  assert_non_null(strstr(html, "Expectations"));
  assert_non_null(strstr(html, "Gradient flow"));
  free(html);
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

static int validate(const char *json) {
  char schema[600], script[600];
  const char *slash = strrchr(__FILE__, '/');
  int root = (int)(slash - __FILE__) - (int)strlen("/tests/unit");
  assert_true(root >= 0);
  snprintf(schema, sizeof schema, "%.*s/docs/results.schema.json", root, __FILE__);
  snprintf(script, sizeof script, "%.*s/tests/cli/validate_json.py", root, __FILE__);
  char *const arguments[] = {"python3", script, schema, (char *)json, NULL};
  pid_t child;
  int status;
  assert_int_equal(posix_spawn(&child, "/usr/bin/python3", NULL, NULL, arguments, environ), 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char *read_text(const char *path) {
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  char *text = calloc(1, 1 << 22);
  assert_non_null(text);
  assert_true(fread(text, 1, (1 << 22) - 1, file) > 0);
  fclose(file);
  return text;
}

/* Writes page and JSON of a store, checks the JSON against the schema, and returns the page. */
static char *write_everything(cw_context *ctx, const char *dir) {
  char json[100], page[100];
  snprintf(json, sizeof json, "%s/results.json", dir);
  snprintf(page, sizeof page, "%s/report.html", dir);
  check_ok(ctx, cw_write_results(ctx, dir, json));
  int fits = validate(json);
  if (fits != 77) assert_int_equal(fits, 0);
  return read_text(page);
}

static void a_run_that_has_only_begun_has_a_page(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  cw_analysis *a = NULL;
  assert_int_equal(cw_analysis_create(ctx, dir, &a), CW_EIO); /* nothing at all */
  cw_clear_error(ctx);
  synthetic s =
      begin(ctx, dir,
            HEAD MODEL "hmc: {steps: 10, keep: 128}\ntrain: {steps: 3}\nnis: {samples: 10}\nnmcmc: "
                       "{steps: 4}\nforward: {}\nchain: {nodes: 3}\n");
  cw_arrays set = {0};
  double action[3] = {3, 2, 1};
  syn_put(&s, &set, "therm.action", 3, 0, 0, action);
  syn_append(&s, "hmc", &set);
  syn_put(&s, &set, "loss", 1, 0, 0, action);
  syn_append(&s, "train", &set);
  cw_store_close(s.store);
  char *html = write_everything(ctx, dir);
  assert_non_null(strstr(html, "HMC has begun, but holds no measurements yet"));
  assert_non_null(strstr(html, "Training is at 1 of 3 steps"));
  assert_non_null(strstr(html, "NIS has not started"));
  free(html);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

/* -------------------------------------------------------- cases, page and JSON */

static void cases_have_their_own_names_and_words(void **state) {
  (void)state;
  cw_context *ctx = test_context(2);
  char *dir = new_directory(), path[100];
  synthetic s =
      begin(ctx, dir,
            HEAD MODEL
            "hmc: {chains: 8, steps: 400, keep: 3200}\n"
            "train: {loss: reverse_kl, gradient: path, batch: 64, steps: 200}\n"
            "nis: {samples: 4000}\nnmcmc: {steps: 1000}\nforward: {data: hmc}\nchain: {nodes: 3}\n"
            "cases:\n  whole: {}\n  half: {train: {loss: forward_kl}}\n");
  for (int i = 0; i < 2; i++) {
    double covered = i == 0 ? 1 : 0.5;
    s.prefix = i == 0 ? "whole/" : "half/";
    syn_sampler(&s, "hmc", 400, 8, 1);
    syn_train(&s, 200, -41.2);
    syn_flow(&s, 4000, 41.2, 0.2, covered);
    syn_forward(&s, i == 0 ? 400 : 200, 8, 41.2, 0.2, covered);
    syn_chain(&s, 3, 37.3, 1);
  }
  cw_store_close(s.store);
  cw_analysis *a = NULL;
  check_ok(ctx, cw_analysis_create(ctx, dir, &a));
  assert_int_equal(a->n_cases, 2);
  assert_string_equal(a->cases[1].name, "half");
  check_sigma(a->cases[0].flow.w_hat, a->cases[0].flow.w_hat_error, 1, 4);
  check_sigma(a->cases[1].flow.w_hat, a->cases[1].flow.w_hat_error, 0.5, 4);
  cw_analysis_destroy(a);
  char *html = write_everything(ctx, dir);
  assert_non_null(strstr(html, "Case whole"));
  assert_non_null(strstr(html, "no sign that anything is missed"));
  assert_non_null(strstr(html, "One half is what"));
  assert_non_null(strstr(html, "3200 samples of the target: forward ESS"));
  assert_non_null(strstr(html, "1600 samples of the target (the second half"));
  assert_non_null(strstr(html, "Direct sampling and chain integration differ by"));
  assert_null(strstr(html, "Figure left out"));
  assert_null(strstr(html, "Not finished"));
  free(html);
  snprintf(path, sizeof path, "%s/results.json", dir);
  char *json = read_text(path);
  assert_non_null(strstr(json, "\"half.nis.chi2\""));
  assert_non_null(strstr(json, "\"whole.F_chain_per_site\""));
  assert_non_null(strstr(json, "\"half.nmcmc\":"));
  assert_null(strstr(json, "nan"));
  char *value = strstr(json, "\"value\"");
  memcpy(value, "\"valve\"", 7); /* and the schema can fail */
  FILE *file = fopen(path, "w");
  fputs(json, file);
  fclose(file);
  int fits = validate(path);
  if (fits != 77) assert_int_equal(fits, 1);
  free(json);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

static void doubts_are_voiced(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  synthetic s = begin(ctx, dir, HEAD MODEL "nis: {samples: 400}\n");
  double lw[400] = {0}, *primary = syn_doubles(400 * SYN_PRIMARY);
  for (int i = 0; i < 400; i++)
    syn_primaries(0.1 * syn_normal(&s), syn_normal(&s), primary + i * SYN_PRIMARY);
  lw[7] = log(420); /* 420 of 819 */
  syn_primaries(1, 0, primary + 7 * SYN_PRIMARY);
  cw_arrays set = {0};
  syn_put(&s, &set, "lw", 400, 0, 0, lw);
  syn_put(&s, &set, "primary", 400, SYN_PRIMARY, 0, primary);
  syn_append(&s, "nis", &set);
  cw_store_close(s.store);
  free(primary);
  cw_analysis *a = NULL;
  check_ok(ctx, cw_analysis_create(ctx, dir, &a));
  const cw_analysis_case *c = &a->cases[0];
  assert_true(has_line(c->warning, c->n_warnings, "one sample carries 51 % of all weight"));
  assert_true(has_line(c->warning, c->n_warnings, "the ESS is 0.0095"));
  assert_true(has_line(c->warning, c->n_warnings, "delta method and jackknife"));
  cw_analysis_destroy(a);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

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

/* The text that a run stores: its cases are whole, and what one of them removed is not in it again.
 */
static void a_case_keeps_what_it_is_without(void **state) {
  (void)state;
  static const char text[] =
      HEAD "model: {start: {run: runs/small, case: k30}, layers: [{kind: scale}]}\n"
           "train: {steps: 10}\nnis: {}\ncases:\n  trained: {}\n  started: {train: null}\n"
           "  other: {model: null, train: null, nis: null, hmc: {}, theory: {form: m2, kappa: "
           "null, m2: -4}}\n";
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  cw_job *job = NULL;
  cw_plans plans;
  cw_analysis *a = NULL;
  check_ok(ctx, cw_job_parse(ctx, text, strlen(text), "job.yaml", &job));
  check_ok(ctx, cw_plans_read(ctx, job, &plans));
  synthetic s = begin(ctx, dir, plans.text);
  double loss = 1;
  cw_arrays set = {0};
  syn_put(&s, &set, "loss", 1, 0, 0, &loss);
  syn_append(&s, "trained/train", &set);
  cw_store_close(s.store);
  check_ok(ctx, cw_analysis_create(ctx, dir, &a));
  assert_string_equal(a->plans.text, plans.text);
  assert_int_equal(a->n_cases, 3);
  assert_non_null(cw_analysis_find_stage(&a->cases[0], "train"));
  assert_null(cw_analysis_find_stage(&a->cases[1], "train"));
  assert_non_null(cw_analysis_find_stage(&a->cases[1], "nis"));
  assert_int_equal(a->cases[2].n_stages, 1);
  assert_non_null(strstr(a->cases[2].theory_text, "form m2: m2 = -4, lambda = 0.022"));
  assert_int_equal(a->cases[1].n_parameters, 1);
  static const char *const words[] = {
      "1 parameter, which started from those of the run runs/small, case k30; it was trained by",
      "1 parameter, which are those of the run runs/small, case k30."};
  for (int i = 0; i < 2; i++) {
    cw_prose p = {0};
    cw_say_summary(&p, &a->cases[i]);
    assert_non_null(strstr(p.text, words[i]));
  }
  cw_analysis_destroy(a);
  cw_plans_clear(&plans);
  cw_job_destroy(job);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

/* Six kept rows: a flow trained on them is judged on three, which the Gamma method cannot take. */
static void too_few_is_not_unfinished(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  cw_analysis *a = NULL;
  const double lw[12] = {0};
  cw_arrays set = {0};
  synthetic s = begin(ctx, dir,
                      HEAD MODEL "hmc: {chains: 4, keep: 24}\ntrain: {steps: 0, loss: forward_kl}\n"
                                 "forward: {}\n");
  syn_put(&s, &set, "lw", 3, 4, 0, lw);
  syn_append(&s, "forward", &set);
  cw_store_close(s.store);
  check_ok(ctx, cw_analysis_create(ctx, dir, &a));
  const cw_analysis_case *c = &a->cases[0];
  assert_int_equal(c->n_missing, 2);
  assert_true(has_line(c->missing, c->n_missing, "HMC has not started"));
  assert_true(has_line(c->missing, c->n_missing,
                       "Forward weights has too few configurations per chain for an estimate, 3"));
  cw_analysis_destroy(a);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

static void the_table_is_for_people(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory(), *text = NULL;
  size_t size = 0;
  synthetic s = begin(ctx, dir, HEAD MODEL "nis: {samples: 2000}\nnmcmc: {steps: 500}\n");
  syn_flow(&s, 2000, 41.2, 0.2, 1);
  cw_store_close(s.store);
  cw_analysis *a = NULL;
  check_ok(ctx, cw_analysis_create(ctx, dir, &a));
  FILE *out = open_memstream(&text, &size);
  check_ok(ctx, cw_analysis_print(ctx, a, out));
  fclose(out);
  assert_non_null(
      strstr(text, "theory    scalar phi^4 theory (form kappa: kappa = 0.3, lambda = 0.022)"));
  assert_non_null(strstr(text, "lattice   8 x 8 (64 sites)"));
  assert_non_null(strstr(
      text, "model     2 affine + 1 scale layers on a normal prior, 229 parameters")); /* 2 (40 +
                                                                                          74) + 1 */
  char row[100], value[CW_VALUE_TEXT];
  const cw_result *r = result(&a->cases[0], "nis", "phi2", -1);
  cw_format_value(r->e.value, r->e.error, value);
  snprintf(row, sizeof row, "  nis.phi2                    %s", value);
  assert_non_null(strstr(text, row));
  assert_non_null(strstr(text, "longest rejection"));
  free(text);
  cw_analysis_destroy(a);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

static void bad_arguments_are_named(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  static char *wrong[][3] = {
      {"dir", "--jsno", "--json"}, {"one", "two", "'two'"}, {"dir", "--xyzzy", "--xyzzy"}};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(cw_command_show(ctx, 2, wrong[i]), CW_EINVAL);
    assert_non_null(strstr(cw_error(ctx), wrong[i][2]));
    cw_clear_error(ctx);
  }
  assert_int_equal(cw_command_report(ctx, 0, NULL), CW_EINVAL);
  cw_clear_error(ctx);
  assert_int_equal(cw_command_report(ctx, 1, (char *[]){"--json"}), CW_EINVAL);
  cw_clear_error(ctx);
  assert_int_equal(cw_command_show(ctx, 1, (char *[]){"/nonexistent"}), CW_EIO);
  cw_context_destroy(ctx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(chains_are_read_step_by_step),
      cmocka_unit_test(chains_have_errors_and_autocorrelation),
      cmocka_unit_test(groups_have_rows_of_their_own),
      cmocka_unit_test(weighted_samples_are_exact),
      cmocka_unit_test(rejections_are_counted_along_chains),
      cmocka_unit_test(starts_must_be_forgotten),
      cmocka_unit_test(energy_violations_are_judged),
      cmocka_unit_test(chain_integration_adds_up),
      cmocka_unit_test(wrong_shapes_are_refused),
      cmocka_unit_test(a_run_that_has_only_begun_has_a_page),
      cmocka_unit_test(cases_have_their_own_names_and_words),
      cmocka_unit_test(doubts_are_voiced),
      cmocka_unit_test(heavy_tails_are_not_interpreted),
      cmocka_unit_test(both_failures_of_overlap_are_told_apart),
      cmocka_unit_test(a_case_keeps_what_it_is_without),
      cmocka_unit_test(too_few_is_not_unfinished),
      cmocka_unit_test(the_table_is_for_people),
      cmocka_unit_test(bad_arguments_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
