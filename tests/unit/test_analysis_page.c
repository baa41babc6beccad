/* What people see of a store: the table, the page, the JSON and the warnings, of whole and of
 * partial runs. */
#include <spawn.h>
#include <sys/wait.h>

#include "app/analysis/analysis.h"
#include "app/cli/commands.h"
#include "app/page/page.h"
#include "causeway/report.h"
#include "support/check.h"
#include "support/directory.h"
#include "support/synthetic_store.h"
#include "unit/analysed.h"

extern char **environ;

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

/* --------------------------------------------------------- damaged and partial */

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

static const cw_curve *case_curve(const cw_analysis_case *c, const char *name) {
  for (int i = 0; i < c->n_curves; i++)
    if (strcmp(c->curve[i].name, name) == 0) return &c->curve[i];
  fail();
  return NULL;
}

/* One weight far off does not squeeze the others, and neither do samples without weight; all are counted. */
static void histograms_leave_out_outliers(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  enum { N = 400 };
  double lw[N], *primary = syn_doubles(N * SYN_PRIMARY), mass = 0;
  synthetic s = begin(ctx, dir, HEAD MODEL "nis: {samples: 400}\n");
  for (int i = 0; i < N; i++) {
    syn_primaries(0.1 * syn_normal(&s), syn_normal(&s), primary + i * SYN_PRIMARY);
    lw[i] = syn_normal(&s);
  }
  lw[7] = -1000;
  lw[8] = lw[9] = -INFINITY;
  cw_arrays set = {0};
  syn_put(&s, &set, "lw", N, 0, 0, lw);
  syn_put(&s, &set, "primary", N, SYN_PRIMARY, 0, primary);
  syn_append(&s, "nis", &set);
  cw_store_close(s.store);
  free(primary);
  cw_analysis *a = NULL;
  check_ok(ctx, cw_analysis_create(ctx, dir, &a));
  const cw_curve *q = case_curve(&a->cases[0], "log_weight.q");
  assert_true(q->x[0] > -10 && q->x[q->n - 1] < 10);
  assert_int_equal(q->n_outside, 3);
  for (long b = 0; b < q->n; b++) mass += q->y[b] * (q->x[1] - q->x[0]);
  check_close(mass, 1 - 3. / N, 1e-10);
  cw_analysis_destroy(a);
  char *html = write_everything(ctx, dir);
  assert_non_null(strstr(html, "3 samples of the model lie outside of the axis."));
  free(html);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

/* Chains in different sectors that never leave them. */
static void chains_that_stand_still_are_called_so(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  enum { T = 40, C = 4 };
  double rows[T * C * GAUGE_PRIMARY];
  synthetic s = begin(ctx, dir,
                      "job: gauge\nlattice: [4, 4]\ntheory: {kind: u1, beta: 2}\n"
                      "heatbath: {chains: 4, thermalise: 1, steps: 40}\n");
  for (int i = 0; i < T * C; i++)
    for (int k = 0; k < GAUGE_PRIMARY; k++)
      rows[i * GAUGE_PRIMARY + k] = k == 8 ? i % C + (i / C % 3) * 1e-16 : syn_normal(&s);
  cw_arrays set = {0};
  syn_put(&s, &set, "primary", T, C, GAUGE_PRIMARY, rows);
  syn_append(&s, "heatbath", &set);
  cw_store_close(s.store);
  char *html = write_everything(ctx, dir);
  assert_non_null(strstr(html, "<td>not defined<small>q stands still</small></td>"));
  assert_non_null(
      strstr(html, "each stands still at a value of q of its own, so that R-hat is not defined"));
  assert_non_null(strstr(html, "Measuring began after 1 discarded step."));
  assert_null(strstr(html, "e+1"));
  free(html);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

/* One name and one colour for each section that measures, and none of them is grey. */
static void methods_have_colours_of_their_own(void **state) {
  (void)state;
  const unsigned measures = CW_MEASURES_FIRST_GROUP | CW_MEASURES_ALL_GROUPS;
  const char *label[64];
  int colour[64], n = 0;
  for (int m = 0; cw_methods[m] != NULL; m++)
    for (int i = 0; cw_methods[m]->kind(i).name != NULL; i++) {
      const cw_section_kind kind = cw_methods[m]->kind(i);
      if (!(cw_methods[m]->needs & measures)) continue;
      assert_true(n < 64 && kind.colour != CW_GREY && kind.colour < CW_FIGURE_COLOURS);
      for (int k = 0; k < n; k++) {
        if (colour[k] == kind.colour || strcmp(label[k], kind.label) == 0)
          fail_msg("'%s' and '%s' look alike", label[k], kind.label);
      }
      label[n] = kind.label;
      colour[n++] = kind.colour;
    }
  assert_true(n >= 16);
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
    cw_status (*command)(cw_context *, int, char **) = i == 1 ? cw_command_report : cw_command_show;
    assert_int_equal(command(ctx, 2, wrong[i]), CW_EINVAL);
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
      cmocka_unit_test(groups_have_rows_of_their_own),
      cmocka_unit_test(a_run_that_has_only_begun_has_a_page),
      cmocka_unit_test(cases_have_their_own_names_and_words),
      cmocka_unit_test(doubts_are_voiced),
      cmocka_unit_test(a_case_keeps_what_it_is_without),
      cmocka_unit_test(too_few_is_not_unfinished),
      cmocka_unit_test(histograms_leave_out_outliers),
      cmocka_unit_test(chains_that_stand_still_are_called_so),
      cmocka_unit_test(methods_have_colours_of_their_own),
      cmocka_unit_test(the_table_is_for_people),
      cmocka_unit_test(bad_arguments_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
