/* Works of swaps, what a fit predicted of them, and what an independent value costs: by hand, on stores
 * of a few rows. */
#include "app/analysis/analysis.h"
#include "app/cli/commands.h"
#include "support/check.h"
#include "support/directory.h"
#include "unit/analysed.h"

static char *read_page(cw_context *ctx, const char *dir) {
  char path[200], *text = calloc(1, 1 << 22);
  check_ok(ctx, cw_write_results(ctx, dir, NULL));
  snprintf(path, sizeof path, "%s/report.html", dir);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  assert_non_null(text);
  assert_true(fread(text, 1, (1 << 22) - 1, file) > 0);
  fclose(file);
  return text;
}

/* ---- a ladder of SU(3), replicas on its ends, and flows of two steps between ---- */

enum { ROWS = 8, FITTED = 8, PAIRS = 2, COOLING = 5, CHARGE2 = 2 };

static const char ladder_job[] =
    "job: costs\nlattice: [4, 4, 4, 4]\ntheory: {kind: su3, beta: 6}\n"
    "measure: {cooling: {every: 2}}\n"
    "cases:\n"
    "  flows:\n"
    "    ladder: {from: {beta: 5}, rungs: 3}\n"
    "    least_squares: {sampler: heatbath, chains: 1, steps: 8, folds: 2, degree: 0,\n"
    "      flow: {layers: [{kind: residual}]}}\n"
    "    rex: {sampler: heatbath, chains: 1, thermalise: 4, steps: 16, every: 2, measure: all,\n"
    "      way: {steps: 2, flow: least_squares}}\n"
    "  alone:\n"
    "    theory: {beta: 5.5}\n"
    "    heatbath: {chains: 1, thermalise: 0, steps: 8}\n";

/* Mean squares of residuals: K of the first step of the ladder is 0.01, of the second 0.04. */
static void put_fit(synthetic *s) {
  double work[PAIRS * FITTED], slope[PAIRS * FITTED] = {0}, residual[PAIRS * FITTED];
  const double held[PAIRS] = {1, 1};
  cw_arrays set = {0};
  for (int i = 0; i < PAIRS * FITTED; i++) {
    const double K = i < FITTED ? 0.01 : 0.04;
    work[i] = 0.1 * (i % 3);
    residual[i] = sqrt(K * (i % 2 == 0 ? 0.5 : 1.5));
  }
  syn_put(s, &set, "work", PAIRS * FITTED, 1, 0, work);
  syn_put(s, &set, "slope", PAIRS * FITTED, 1, 1, slope);
  syn_put(s, &set, "residual", PAIRS * FITTED, 1, 0, residual);
  syn_put(s, &set, "held", 1, PAIRS, 0, held);
  check_ok(s->ctx, cw_arrays_put_scalar(s->ctx, &set, "timing.seconds", 20));
  syn_append(s, "least_squares", &set);
}

/* Q^2 of a few rows, beginning with first. */
static void put_charges(synthetic *s, cw_arrays *set, const char *name, long n, int first) {
  double rows[ROWS][COOLING] = {0};
  for (long t = 0; t < n; t++) rows[t][CHARGE2] = (double)((t + first) / 2 % 2);
  syn_put(s, set, name, n, 1, COOLING, &rows[0][0]);
}

/* The standard group, which says how far chains are. */
static void put_loops(synthetic *s, cw_arrays *set, const char *name) {
  enum { LOOPS = 11 };
  double rows[ROWS][LOOPS] = {0};
  for (int t = 0; t < ROWS; t++) rows[t][0] = 0.6 + 0.01 * (t % 2);
  syn_put(s, set, name, ROWS, 1, LOOPS, &rows[0][0]);
}

/* In two segments; proposals at every second row: works up of mean 1.03, down of mean -1. */
static void put_exchange(synthetic *s) {
  double work[ROWS][2], swaps[ROWS][2], label[ROWS][2];
  const double shares[2][4] = {{3, 2, 1, 0.5}, {3, 2, 1, 0.5}}, seconds[2] = {10, 5};
  cw_arrays set = {0};
  for (int t = 0; t < ROWS; t++) {
    work[t][0] = t % 2 == 0 ? 1.03 + 0.1 * (t / 2 % 2 == 0 ? 1 : -1) : NAN;
    work[t][1] = t % 2 == 0 ? -1 : NAN;
    swaps[t][0] = t % 2 == 0 ? 0.9 - 0.01 * (t / 2 % 2) : 0;
    swaps[t][1] = t % 2 == 0;
    label[t][0] = 0;
    label[t][1] = 1;
  }
  put_loops(s, &set, "primary");
  put_loops(s, &set, "rung0.primary");
  put_charges(s, &set, "primary.cooling", ROWS / 2, 0);
  put_charges(s, &set, "rung0.primary.cooling", ROWS / 2, 1);
  syn_put(s, &set, "work", ROWS, 1, 2, &work[0][0]);
  syn_put(s, &set, "swaps", ROWS, 1, 2, &swaps[0][0]);
  syn_put(s, &set, "label", ROWS, 1, 2, &label[0][0]);
  syn_put(s, &set, "timing.shares", 2, 4, 0, &shares[0][0]);
  syn_put(s, &set, "timing.seconds", 2, 0, 0, seconds);
  syn_append(s, "rex", &set);
}

static cw_analysis *open_ladder(cw_context *ctx, const char *dir) {
  cw_analysis *a = NULL;
  synthetic s = begin(ctx, dir, ladder_job);
  cw_arrays set = {0};
  s.prefix = "flows/";
  put_fit(&s);
  put_exchange(&s);
  s.prefix = "alone/";
  put_loops(&s, &set, "primary");
  put_charges(&s, &set, "primary.cooling", ROWS / 2, 0);
  check_ok(ctx, cw_arrays_put_scalar(ctx, &set, "timing.seconds", 2));
  syn_append(&s, "heatbath", &set);
  cw_store_close(s.store);
  check_ok(ctx, cw_analysis_create(ctx, dir, &a));
  return a;
}

static void works_of_swaps_add_up(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  cw_analysis *a = open_ladder(ctx, dir);
  const cw_analysis_stage *rex = cw_analysis_find_stage(&a->cases[0], "rex");
  const cw_result *K = result(&a->cases[0], "rex", "K", 0);
  check_close(K->e.value, 0.03, 1e-14);
  assert_true(K->e.error > 0 && K->e.error < 0.1);
  assert_null(cw_stage_result(rex, "K", 1));
  check_close(cw_stage_curve(rex, "ladder.K")->y[0], 0.03, 1e-14);
  assert_string_equal(rex->part.training, "least_squares");
  assert_int_equal(rex->n_spent, 4);
  assert_string_equal(rex->spent[1].what, "flows");
  check_close(rex->spent[1].seconds, 4, 1e-14);
  check_close(rex->seconds, 15, 1e-14);
  cw_analysis_destroy(a);
  char *html = read_page(ctx, dir);
  assert_non_null(strstr(html, "K of fit"));
  assert_non_null(strstr(html, "<td>≤ 0.09")); /* (0.1 + 0.2)^2 */
  assert_non_null(strstr(html, "0.05 if all relaxes"));
  assert_non_null(
      strstr(html, "<small>sampler 40 %, flows 27 %, swaps 13 %, measurements 7 %</small>"));
  free(html);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

static void check_cost(const cw_cost *list, int n, int i, const char *label, double seconds,
                       double every, double per_step, double training) {
  char text[CW_TITLE];
  const cw_estimate *e = &list[i].result->e;
  cw_cost_label(list, n, i, true, text);
  assert_string_equal(text, label);
  assert_string_equal(list[i].result->quantity, "q2_cooled");
  check_close(list[i].tau, every * e->tau_int, 1e-14);
  check_close(list[i].tau_error, every * e->tau_error, 1e-14);
  check_close(list[i].cost, seconds / e->ess, 1e-14);
  check_close(list[i].cost_error, seconds / e->ess * e->tau_error / e->tau_int, 1e-14);
  check_close(list[i].per_step, per_step, 1e-14);
  check_close(list[i].training, training, 1e-14);
}

/* 16 steps of replica exchange and 4 before them took 15 seconds, 8 steps of a chain 2. */
static void values_have_a_price(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory(), *text = NULL;
  size_t size = 0;
  cw_analysis *a = open_ladder(ctx, dir);
  const cw_quantity *q;
  cw_cost *list;
  int n;
  check_ok(ctx, cw_list_costs(ctx, a, &q, &list, &n));
  assert_string_equal(q->name, "q2_cooled");
  assert_int_equal(n, 3);
  check_cost(list, n, 0, "flows: Replica exchange, β = 6", 15, 4, 15.0 / 20, 20);
  check_cost(list, n, 1, "flows: Replica exchange, β = 5", 15, 4, 15.0 / 20, 20);
  check_cost(list, n, 2, "alone: Heat bath, β = 5.5", 2, 2, 2.0 / 8, 0);
  free(list);
  FILE *out = open_memstream(&text, &size);
  check_ok(ctx, cw_analysis_print(ctx, a, out));
  fclose(out);
  const char *table = strstr(text, "Seconds per independent value of q2_cooled");
  assert_non_null(table);
  assert_non_null(strstr(table, "  alone: Heat bath, beta = 5.5  "));
  free(text);
  cw_analysis_destroy(a);
  char *html = read_page(ctx, dir);
  assert_non_null(strstr(html, "What an independent value costs"));
  assert_non_null(strstr(html, "flows: Replica exchange, β = 5</th>"));
  free(html);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

/* A chain alone is no comparison, and of weighted samples there is no autocorrelation. */
static void weighted_samples_have_no_time(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  for (int both = 0; both < 2; both++) {
    char *dir = new_directory();
    cw_analysis *a = NULL;
    const cw_quantity *q;
    cw_cost *list;
    int n;
    synthetic s = begin(ctx, dir,
                        HEAD MODEL "hmc: {chains: 4, thermalise: 60, steps: 400}\n"
                                   "nis: {samples: 400}\n");
    syn_sampler(&s, "hmc", 400, 4, 2);
    if (both) syn_flow(&s, 400, 40, 0.1, 1);
    cw_store_close(s.store);
    check_ok(ctx, cw_analysis_create(ctx, dir, &a));
    check_ok(ctx, cw_list_costs(ctx, a, &q, &list, &n));
    assert_string_equal(q->name, "phi");
    assert_int_equal(n, 1 + both);
    check_close(list[0].per_step, 3.0 / 460, 1e-14);
    if (both) {
      assert_true(isnan(list[1].tau) && isnan(list[1].cost_error));
      check_close(list[1].cost, 3 / list[1].result->e.ess, 1e-14);
      check_close(list[1].per_step, 3.0 / 400, 1e-14);
    }
    free(list);
    cw_analysis_destroy(a);
    char *html = read_page(ctx, dir);
    assert_int_equal(strstr(html, "What an independent value costs") != NULL, both);
    free(html);
    remove_directory(dir);
  }
  cw_context_destroy(ctx);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(works_of_swaps_add_up),
                                     cmocka_unit_test(values_have_a_price),
                                     cmocka_unit_test(weighted_samples_have_no_time)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
