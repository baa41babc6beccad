/* The cross-validated fit where it is known, and works and slopes against differences. */
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#include "causeway/train.h"

static cw_context *context(void **state) { return *state; }

/* ------------------------------------------------------------------------- the fit */

enum { ROWS = 60, COLUMNS = 3 };

typedef struct {
  double x[ROWS * COLUMNS], y[ROWS], b[COLUMNS], residual[ROWS];
  cw_fit_report report;
  cw_arena *work;
} problem;

/* Four numbers with mean 0 and variance 1 of row i. */
static void noise_of(const char *what, int i, double z[4]) {
  const cw_rng rng = cw_rng_stream(9, what);
  for (uint32_t k = 0; k < 2; k++) cw_uniform2(rng, (uint32_t)i, 0, 0, k, z + 2 * k);
  for (int k = 0; k < 4; k++) z[k] = sqrt(12) * (z[k] - 0.5);
}

static void random_rows(problem *f, double noise) {
  static const double truth[COLUMNS] = {0.5, -2, 30};
  for (int i = 0; i < ROWS; i++) {
    double z[4];
    noise_of("rows", i, z);
    f->y[i] = 7 + noise * z[3];
    for (int k = 0; k < COLUMNS; k++) {
      f->x[i * COLUMNS + k] = 3 * k + z[k] * (k == 2 ? 0.01 : 1);
      f->y[i] += truth[k] * f->x[i * COLUMNS + k];
    }
  }
  f->work = cw_arena_create(0);
}

static void fit(cw_context *ctx, problem *f, int folds) {
  check_ok(ctx, cw_least_squares(ctx, ROWS, COLUMNS, f->x, f->y, folds, f->b, f->residual,
                                 &f->report, f->work));
}

static void finds_what_rows_are_made_of(void **state) {
  problem f;
  random_rows(&f, 0);
  fit(context(state), &f, 5);
  check_close(f.b[0], 0.5, 1e-10);
  check_close(f.b[1], -2, 1e-10);
  check_close(f.b[2], 30, 1e-8);
  assert_true(f.report.ridge == 0 && f.report.left_out < 1e-20);
  cw_arena_destroy(f.work);
}

/* The straight line through the rows that are not in [begin, end), by its two sums. */
static double line_without(const problem *f, int begin, int end, int at) {
  double n = 0, mx = 0, my = 0, xx = 0, xy = 0;
  for (int i = 0; i < ROWS; i++)
    if (i < begin || i >= end) n++, mx += f->x[i], my += f->y[i];
  mx /= n, my /= n;
  for (int i = 0; i < ROWS; i++)
    if (i < begin || i >= end) xx += pow(f->x[i] - mx, 2), xy += (f->x[i] - mx) * (f->y[i] - my);
  return f->y[at] - my - xy / xx * (f->x[at] - mx);
}

static void residuals_are_those_of_fits_that_did_not_see_their_row(void **state) {
  cw_context *ctx = context(state);
  problem f;
  double sum = 0;
  random_rows(&f, 1);
  for (int i = 0; i < ROWS; i++) f.x[i] = f.x[i * COLUMNS]; /* one column */
  check_ok(ctx, cw_least_squares(ctx, ROWS, 1, f.x, f.y, 7, f.b, f.residual, &f.report, f.work));
  assert_true(f.report.ridge <= 1e-6);
  for (int k = 0; k < 7; k++)
    for (int i = ROWS * k / 7; i < ROWS * (k + 1) / 7; i++) {
      check_close(f.residual[i], line_without(&f, ROWS * k / 7, ROWS * (k + 1) / 7, i), 1e-5);
      sum += f.residual[i] * f.residual[i] / ROWS;
    }
  check_close(f.report.left_out, sum, 1e-12);
  cw_arena_destroy(f.work);
}

/* Two columns that are alike and one that is constant: a penalty decides, and the sum of the two is
 * right. */
static void columns_without_a_solution_of_their_own(void **state) {
  problem f;
  random_rows(&f, 0.01);
  for (int i = 0; i < ROWS; i++) {
    double *x = f.x + i * COLUMNS;
    f.y[i] = 4 * x[0];
    x[1] = x[0];
    x[2] = 5;
  }
  fit(context(state), &f, 5);
  assert_true(f.report.ridge > 0);
  check_close(f.b[0] + f.b[1], 4, 1e-6);
  check_close(f.b[0], f.b[1], 1e-6);
  assert_true(f.b[2] == 0);
  cw_arena_destroy(f.work);
}

/* Columns of pure noise: without a penalty they would add to what is left. */
static void a_penalty_where_nothing_can_be_learned(void **state) {
  problem f;
  random_rows(&f, 1);
  for (int i = 0; i < ROWS; i++) {
    double z[4];
    noise_of("noise", i, z);
    f.y[i] = z[0];
  }
  fit(context(state), &f, 10);
  assert_true(f.report.ridge >= 0.1);
  assert_true(f.report.left_out < 1.1 * f.report.variance);
  cw_arena_destroy(f.work);
}

static void refuses_what_cannot_be_fitted(void **state) {
  cw_context *ctx = context(state);
  problem f;
  random_rows(&f, 1);
  check_failure(ctx,
                cw_least_squares(ctx, 5, COLUMNS, f.x, f.y, 2, f.b, f.residual, &f.report, f.work),
                CW_EINVAL, "5 rows for 3 coefficients");
  f.y[3] = NAN;
  check_failure(
      ctx, cw_least_squares(ctx, ROWS, COLUMNS, f.x, f.y, 5, f.b, f.residual, &f.report, f.work),
      CW_ENUMERIC, "not a number");
  cw_arena_destroy(f.work);
}

/* ------------------------------------------------------------------- works and slopes */

enum { CONFIGS = 3, MOST_THETA = 32 };

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_model *model;
  cw_field x;
  cw_arena *scratch;
  double c[3][CW_MAX_TERMS]; /* from, to, at */
} flow;

static void open_flow(flow *f, cw_context *ctx, const char *theory, cw_lattice lat, int V) {
  const cw_theory_ops *ops = cw_theory_find(theory);
  cw_model_spec spec = {.field = ops->kind, .prior = {.kind = CW_PRIOR_HAAR}, .n_layers = 2};
  *f = (flow){.ctx = ctx};
  for (int i = 0; i < 2; i++) spec.layer[i] = cw_layer_presets(cw_layer_find("residual"));
  check_ok(ctx, cw_geometry_create(ctx, &lat, V, &f->geom));
  check_ok(ctx, cw_theory_create(ctx, ops, f->geom, 0, (const double[CW_MAX_PARAMS]){1.5}, &f->th));
  check_ok(ctx, cw_model_create(ctx, &spec, f->geom, &f->model));
  check_ok(ctx, cw_field_create(ctx, f->geom, f->th.n_comp, CONFIGS, &f->x));
  cw_kind(ops->kind)->hot(f->th.isa, &f->x, cw_rng_stream(2, "hot"), 0);
  f->scratch = cw_arena_create(0);
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < f->th.ops->n_terms; k++) f->c[i][k] = f->th.c[k] * (1 + 0.2 * i);
}

static void close_flow(flow *f) {
  cw_arena_destroy(f->scratch);
  cw_field_destroy(&f->x);
  cw_model_destroy(f->model);
  cw_theory_destroy(&f->th);
  cw_geometry_destroy(f->geom);
}

/* Works with c_to at the couplings of number to. */
static void find_works(const flow *f, const double *theta, int to, int at, double *work,
                       double *slope) {
  cw_model_set_theta(f->model, theta);
  check_ok(f->ctx, cw_works(f->ctx, f->model, &f->th, &f->x, f->c[0], f->c[to], f->c[at], work,
                            slope, f->scratch));
}

/* S(f(x); c_to) - S(x; c_from) - ln|det J| by the passes of the model and the actions themselves. */
static void works_by_hand(const flow *f, double *work) {
  cw_field y;
  double T[CW_LANES * CW_MAX_TERMS], S[CW_LANES], after[CW_LANES], logj[CW_LANES];
  check_ok(f->ctx, cw_field_create(f->ctx, f->geom, f->th.n_comp, CONFIGS, &y));
  cw_field_copy(&y, &f->x);
  cw_theory_action(&f->th, &y, f->c[0], T, S);
  check_ok(f->ctx, cw_model_carry(f->ctx, f->model, &y, logj, false));
  cw_theory_action(&f->th, &y, f->c[1], T, after);
  for (int i = 0; i < CONFIGS; i++) work[i] = after[i] - S[i] - logj[i];
  cw_field_destroy(&y);
}

/* d/dtheta of the work to `at` by four points. */
static void slopes_are_derivatives(cw_context *ctx, const char *theory, cw_lattice lat, int V) {
  static const double at[] = {-2, -1, 1, 2}, weight[] = {1. / 12, -2. / 3, 2. / 3, -1. / 12};
  const double h = 1e-4;
  flow f;
  double theta[MOST_THETA], work[CW_LANES], by_hand[CW_LANES], slope[CONFIGS * MOST_THETA];
  double unused[CONFIGS * MOST_THETA];
  open_flow(&f, ctx, theory, lat, V);
  const long n = cw_model_n_theta(f.model);
  assert_true(n <= MOST_THETA);
  for (long k = 0; k < n; k++) theta[k] = 0.004 * (double)(1 + (k * 5) % 7);
  find_works(&f, theta, 1, 2, work, slope);
  works_by_hand(&f, by_hand);
  for (int i = 0; i < CONFIGS; i++) check_close(work[i], by_hand[i], 1e-11);
  for (long k = 0; k < n; k++) {
    double difference[CONFIGS] = {0};
    for (int s = 0; s < 4; s++) {
      theta[k] += at[s] * h;
      find_works(&f, theta, 2, 2, work, unused);
      theta[k] -= at[s] * h;
      for (int i = 0; i < CONFIGS; i++) difference[i] += weight[s] * work[i] / h;
    }
    for (int i = 0; i < CONFIGS; i++) check_close(slope[i * n + k], difference[i], 1e-7);
  }
  close_flow(&f);
}

static void slopes_of_u1(void **state) {
  slopes_are_derivatives(*state, "u1", (cw_lattice){2, {4, 4}}, 1);
  slopes_are_derivatives(*state, "u1", (cw_lattice){2, {4, 4}}, 4);
}
static void slopes_of_su3(void **state) {
  slopes_are_derivatives(*state, "su3", (cw_lattice){SANITIZED ? 2 : 3, {2, 4, 2}}, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_what_rows_are_made_of),
      cmocka_unit_test(residuals_are_those_of_fits_that_did_not_see_their_row),
      cmocka_unit_test(columns_without_a_solution_of_their_own),
      cmocka_unit_test(a_penalty_where_nothing_can_be_learned),
      cmocka_unit_test(refuses_what_cannot_be_fitted),
      cmocka_unit_test(slopes_of_u1),
      cmocka_unit_test(slopes_of_su3),
  };
  return cmocka_run_group_tests(tests, test_open_context_2, test_close_context);
}
