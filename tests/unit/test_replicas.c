/* Paths of replicas and their sectors, counted by hand on labels of a few rows; free energies of
 * several methods side by side. */
#include "app/analysis/analysis.h"
#include "app/cli/commands.h"
#include "support/check.h"
#include "support/directory.h"
#include "support/synthetic_store.h"

#define HEAD                                                                                       \
  "job: small\nlattice: [8, 8]\ntheory: {kind: phi4, form: kappa, kappa: 0.3, lambda: 0.022}\n"

enum { ROWS = 6, CHAINS = 2, RUNGS = 3 };

/* Which replica is on which rung. In the first chain replica 0 makes a round trip, in the second
 * one nothing reaches the other end. */
static const int labels[CHAINS][ROWS][RUNGS] = {
    {{0, 1, 2}, {1, 0, 2}, {1, 2, 0}, {2, 1, 0}, {2, 0, 1}, {0, 2, 1}},
    {{0, 1, 2}, {0, 1, 2}, {0, 1, 2}, {1, 0, 2}, {1, 0, 2}, {1, 0, 2}}};
/* The mean field that a replica holds. */
static const double field[CHAINS][ROWS][RUNGS] = {
    {{1, -1, 2}, {1, -2, 1}, {-1, -1, 1}, {-2, -1, 2}, {-1, 1, 1}, {1, 2, 1}},
    {{1, -1, 2}, {-1, -2, 1}, {1, -1, 1}, {-2, -1, 2}, {1, -1, 1}, {-1, -2, 1}}};

static synthetic begin(cw_context *ctx, const char *dir, const char *job) {
  synthetic s = {.ctx = ctx, .prefix = "", .rng = cw_rng_stream(11, "replicas")};
  check_ok(ctx, cw_store_create(ctx, dir, job, false, &s.store));
  return s;
}

static void put_labels(synthetic *s, cw_arrays *set) {
  double label[ROWS][CHAINS][RUNGS];
  for (int t = 0; t < ROWS; t++)
    for (int c = 0; c < CHAINS; c++)
      for (int k = 0; k < RUNGS; k++) label[t][c][k] = labels[c][t][k];
  syn_put(s, set, "label", ROWS, CHAINS, RUNGS, &label[0][0][0]);
}

static void put_rungs(synthetic *s, cw_arrays *set) {
  for (int k = 0; k < RUNGS; k++) {
    double rows[ROWS][CHAINS][SYN_PRIMARY];
    char name[32] = "primary";
    if (k < RUNGS - 1) snprintf(name, sizeof name, "rung%d.primary", k);
    for (int t = 0; t < ROWS; t++)
      for (int c = 0; c < CHAINS; c++) syn_primaries(field[c][t][labels[c][t][k]], 0, rows[t][c]);
    syn_put(s, set, name, ROWS, CHAINS, SYN_PRIMARY, &rows[0][0][0]);
  }
}

/* Ends the store with one stage more, and reads it. */
static cw_analysis *analyse(cw_context *ctx, const char *dir, synthetic *s, const char *stage,
                            cw_arrays *set) {
  cw_analysis *a = NULL;
  syn_append(s, stage, set);
  cw_store_close(s->store);
  check_ok(ctx, cw_analysis_create(ctx, dir, &a));
  return a;
}

static void finish(cw_context *ctx, char *dir, cw_analysis *a) {
  cw_analysis_destroy(a);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

static const cw_estimate *number(const cw_analysis_stage *s, const char *quantity) {
  const cw_result *r = cw_stage_result(s, quantity, -1);
  assert_non_null(r);
  return &r->e;
}

/* Eight parts: rows 0 1 | 2 | 3 4 | 5 of each chain. */
static void check_flow(const cw_analysis_stage *s) {
  const cw_curve *f = cw_stage_curve(s, "ladder.flow");
  assert_non_null(f);
  assert_int_equal(f->n, RUNGS);
  check_close(f->y[0], 1, 0);
  check_close(f->dy[0], 0, 0);
  check_close(f->y[2], 0, 0);
  check_close(f->dy[2], 0, 0);
  /* from the first rung: 1 of 1, 0/1, 1/2, 1/1 in the first chain, 0/0, 0/0, 2/2, 1/1 in the other
   */
  check_close(f->y[1], 6.0 / 8, 1e-15);
  check_close(f->dy[1], sqrt(1.25 * 8 / 7) / 8, 1e-15);
  check_close(number(s, "round_trips")->value, 1, 0);
  check_close(number(s, "round_trip_time")->value, ROWS * CHAINS * RUNGS, 0);
}

static void replicas_are_followed(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  synthetic s = begin(ctx, dir,
                      HEAD "ladder: {from: {kappa: 0.2}, rungs: 3}\n"
                           "rex: {sampler: hmc, chains: 2, steps: 6, measure: all}\n");
  cw_arrays set = {0};
  put_labels(&s, &set);
  put_rungs(&s, &set);
  cw_analysis *a = analyse(ctx, dir, &s, "rex", &set);
  const cw_analysis_stage *rex = cw_analysis_find_stage(&a->cases[0], "rex");
  check_flow(rex);
  /* changes: of replicas 2 1 0 and 5 0 0, of five chances each; on the last rung 2 and 0 */
  const cw_estimate *e = number(rex, "tunnelling");
  check_close(e->value, 8.0 / 30, 1e-15);
  check_close(e->error, sqrt(1.36 * 8 / 7) / 30, 1e-14);
  assert_int_equal(e->n, 30);
  check_close(number(rex, "tunnelling_last_rung")->value, 2.0 / 10, 1e-15);
  const cw_curve *h =
      cw_stage_curve(cw_analysis_find_stage(&a->cases[0], "rex.rung1"), "history.phi");
  for (int t = 0; t < ROWS; t++) check_close(h->y[t], field[0][t][labels[0][t][1]], 0);
  finish(ctx, dir, a);
}

/* With only the last rung measured there are paths, but no sectors of replicas. */
static void paths_need_no_measurements(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  synthetic s = begin(ctx, dir,
                      HEAD "ladder: {from: {kappa: 0.2}, rungs: 3}\n"
                           "rex: {sampler: hmc, chains: 2, steps: 6}\n");
  cw_arrays set = {0};
  put_labels(&s, &set);
  cw_analysis *a = analyse(ctx, dir, &s, "rex", &set);
  const cw_analysis_stage *rex = cw_analysis_find_stage(&a->cases[0], "rex");
  check_flow(rex);
  assert_null(cw_stage_result(rex, "tunnelling", -1));
  finish(ctx, dir, a);
}

/* Charges measured at every second row of labels, and rounded: replica 0 holds 1 1 1 2, the other
 * 0 0 0 0, and at rows 1, 3, 5 and 7 they take turns on the last rung. */
static void charges_are_rounded_and_measured_now_and_then(void **state) {
  (void)state;
  enum { N = 8, COOLING = 5, INTEGER = 3 };
  static const int label[N][2] = {{0, 1}, {0, 1}, {1, 0}, {1, 0}, {1, 0}, {0, 1}, {0, 1}, {1, 0}};
  static const double charge[N / 2][2] = {{0.9, -0.2}, {1.1, 0.3}, {1, 0.1}, {2.1, 0}};
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  synthetic s = begin(ctx, dir,
                      "job: charges\nlattice: [2, 2, 2, 2]\ntheory: {kind: su3, beta: 6}\n"
                      "ladder: {from: {beta: 5}, rungs: 2}\n"
                      "rex: {sampler: heatbath, chains: 1, steps: 8, measure: all}\n"
                      "measure: {cooling: {every: 2}}\n");
  cw_arrays set = {0};
  double labels_of[N][2], rows[2][N / 2][COOLING] = {0};
  for (int t = 0; t < N; t++)
    for (int k = 0; k < 2; k++) {
      labels_of[t][k] = label[t][k];
      if (t % 2 == 1) rows[k][t / 2][INTEGER] = charge[t / 2][label[t][k]];
    }
  syn_put(&s, &set, "label", N, 1, 2, &labels_of[0][0]);
  syn_put(&s, &set, "rung0.primary.cooling", N / 2, 1, COOLING, &rows[0][0][0]);
  syn_put(&s, &set, "primary.cooling", N / 2, 1, COOLING, &rows[1][0][0]);
  cw_analysis *a = analyse(ctx, dir, &s, "rex", &set);
  const cw_analysis_stage *rex = cw_analysis_find_stage(&a->cases[0], "rex");
  check_close(number(rex, "tunnelling")->value, 1.0 / 6, 1e-15);
  check_close(number(rex, "tunnelling_last_rung")->value, 1, 0);
  finish(ctx, dir, a);
}

static void labels_that_are_no_order_are_refused(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  static const double bad[][3] = {{0, 1, 1}, {0, 1, 3}, {0, 1, -1}, {0, 1, 1.5}, {0, 1, NAN}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char *dir = new_directory();
    synthetic s = begin(ctx, dir,
                        HEAD "ladder: {from: {kappa: 0.2}, rungs: 3}\n"
                             "rex: {sampler: hmc, chains: 1}\n");
    cw_arrays set = {0};
    syn_put(&s, &set, "label", 1, 1, 3, bad[i]);
    syn_append(&s, "rex", &set);
    cw_store_close(s.store);
    cw_analysis *a = NULL;
    assert_int_equal(cw_analysis_create(ctx, dir, &a), CW_ECORRUPT);
    assert_non_null(strstr(cw_error(ctx), "labels"));
    cw_clear_error(ctx);
    remove_directory(dir);
  }
  cw_context_destroy(ctx);
}

/* Four walks with weights 1, 1, 3 and 3: ln 2 with an error of 1/4. */
static void put_walks(synthetic *s, const char *stage, double seconds) {
  const double lnz[4] = {0, 0, log(3), log(3)}, ess[4][2] = {{1, 1}, {1, 1}, {1, 1}, {1, 1}};
  double path[4][2] = {0}, mean[4][SYN_PRIMARY];
  cw_arrays set = {0};
  for (int i = 0; i < 4; i++) {
    path[i][1] = lnz[i];
    syn_primaries(0.1 * i, 0, mean[i]);
  }
  syn_put(s, &set, "lnz", 4, 0, 0, lnz);
  syn_put(s, &set, "ess", 4, 2, 0, &ess[0][0]);
  syn_put(s, &set, "path", 4, 2, 0, &path[0][0]);
  syn_put(s, &set, "mean", 4, SYN_PRIMARY, 0, &mean[0][0]);
  check_ok(s->ctx, cw_arrays_put_scalar(s->ctx, &set, "timing.seconds", seconds));
  syn_append(s, stage, &set);
}

static void check_method(const cw_free_energy *f, const char *name, bool is_ratio, double value,
                         double error, double training, double seconds) {
  assert_string_equal(f->stage->part.name, name);
  assert_int_equal(f->stage->is_ratio, is_ratio);
  check_close(f->stage->lnZ.value, value, 1e-12);
  check_close(f->stage->lnZ.error, error, 1e-12);
  check_close(f->training, training, 1e-14);
  check_close(f->cost, error * sqrt(seconds), 1e-12);
}

static char *read_page(const char *dir) {
  char path[200], *text = calloc(1, 1 << 22);
  assert_non_null(text);
  snprintf(path, sizeof path, "%s/report.html", dir);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  assert_true(fread(text, 1, (1 << 22) - 1, file) > 0);
  fclose(file);
  return text;
}

/* A line per method in what `show` prints. */
static void check_table(cw_context *ctx, const cw_analysis *a) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  assert_non_null(out);
  check_ok(ctx, cw_analysis_print(ctx, a, out));
  fclose(out);
  const char *table = strstr(text, "Free energies by method");
  assert_non_null(table);
  const char *ais = strstr(table, "  AIS ");
  assert_non_null(ais);
  assert_memory_equal(ais, "  AIS                   ln Z(last)/Z(first)   0.69(25) ", 55);
  assert_non_null(strstr(ais, "3.2           4           0         0.5\n"));
  free(text);
}

static void methods_stand_side_by_side(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  synthetic s = begin(ctx, dir,
                      HEAD "model: {layers: [{kind: scale}]}\n"
                           "train: {steps: 200}\nnis: {samples: 4}\n"
                           "ladder: {from: {kappa: 0.2}, rungs: 2}\n"
                           "ais: {sampler: hmc, walks: 4}\nsmc: {sampler: hmc, walks: 4}\n"
                           "craft: {sampler: hmc, walks: 4, flow: {layers: [{kind: scale}]},\n"
                           "  train: {steps: 3}}\n");
  const double lw[4] = {40, 40, 40 + log(3), 40 + log(3)}, seven = 7;
  cw_arrays set = {0};
  syn_train(&s, 200, -41); /* takes 100 seconds */
  syn_put(&s, &set, "lw", 4, 0, 0, lw);
  check_ok(ctx, cw_arrays_put_scalar(ctx, &set, "timing.seconds", 9));
  syn_append(&s, "nis", &set);
  put_walks(&s, "ais", 4);
  put_walks(&s, "craft", 16);
  check_ok(ctx, cw_arrays_put_scalar(ctx, &set, "timing.seconds", seven));
  syn_append(&s, "craft.train", &set);
  cw_store_close(s.store);
  cw_analysis *a = NULL;
  cw_free_energy f[CW_MOST_FREE_ENERGIES];
  check_ok(ctx, cw_analysis_create(ctx, dir, &a));
  assert_int_equal(cw_list_free_energies(&a->cases[0], f), 3);
  check_method(&f[0], "nis", false, 40 + log(2), 0.25, 100, 9);
  check_method(&f[1], "ais", true, log(2), 0.25, 0, 4);
  check_method(&f[2], "craft", true, log(2), 0.25, seven, 16);
  check_close(f[1].stage->lnZ.ess, 3.2, 1e-12); /* (1+1+3+3)^2/(1+1+9+9) */
  check_table(ctx, a);
  cw_analysis_destroy(a);
  check_ok(ctx, cw_write_results(ctx, dir, NULL));
  char *html = read_page(dir);
  assert_non_null(strstr(html, "Free energies by method"));
  free(html);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

/* From kappa = 0, where ln Z is known, walks give ln Z; one method alone is no comparison. */
static void walks_from_where_lnZ_is_known(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char *dir = new_directory();
  synthetic s = begin(ctx, dir,
                      HEAD "ladder: {from: {kappa: 0}, rungs: 2}\n"
                           "ais: {sampler: hmc, walks: 4}\n");
  put_walks(&s, "ais", 4);
  cw_store_close(s.store);
  cw_analysis *a = NULL;
  cw_free_energy f[CW_MOST_FREE_ENERGIES];
  check_ok(ctx, cw_analysis_create(ctx, dir, &a));
  assert_int_equal(cw_list_free_energies(&a->cases[0], f), 1);
  const cw_plan *p = a->cases[0].plan;
  double first = p->theory->known_lnz(p->form, &p->lat, p->ladder.param[0]);
  check_method(&f[0], "ais", false, first + log(2), 0.25, 0, 4);
  cw_analysis_destroy(a);
  check_ok(ctx, cw_write_results(ctx, dir, NULL));
  char *html = read_page(dir);
  assert_null(strstr(html, "Free energies by method"));
  free(html);
  remove_directory(dir);
  cw_context_destroy(ctx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(replicas_are_followed),
      cmocka_unit_test(paths_need_no_measurements),
      cmocka_unit_test(charges_are_rounded_and_measured_now_and_then),
      cmocka_unit_test(labels_that_are_no_order_are_refused),
      cmocka_unit_test(methods_stand_side_by_side),
      cmocka_unit_test(walks_from_where_lnZ_is_known)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
