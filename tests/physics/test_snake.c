/* Gauge theories on small tori from Haar's measure by layer `snake`: weights are exact whatever the
 * layer was made for, and even where it was made for the theory. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/stats.h"
#include "causeway/train.h"
#include "support/check.h"
#include "support/exact_gauge.h"

enum { N = 1024, AGAIN = 32 };

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_model *model;
  double beta;
} bench;

static void open_bench(bench *b, cw_context *ctx, const char *theory, double beta, double made_for,
                       double far) {
  const cw_theory_ops *ops = cw_theory_find(theory);
  const cw_lattice lat = {2, {4, 4}};
  cw_model_spec spec = {.field = ops->kind, .prior = {.kind = CW_PRIOR_HAAR}, .n_layers = 1};
  spec.layer[0] = cw_layer_presets(cw_layer_find("snake"));
  assert_true(cw_layer_set(&spec.layer[0], "beta", made_for));
  assert_true(cw_layer_set(&spec.layer[0], "far", far));
  b->ctx = ctx;
  b->beta = beta;
  check_ok(ctx, cw_geometry_create(ctx, &lat, 1, &b->geom));
  check_ok(ctx, cw_theory_create(ctx, ops, b->geom, 0, &beta, &b->th));
  check_ok(ctx, cw_model_create(ctx, &spec, b->geom, &b->model));
}

static void close_bench(bench *b) {
  cw_model_destroy(b->model);
  cw_geometry_destroy(b->geom);
}

/* Q^2 of a configuration of U(1). */
static double charge_squared(const cw_field *x, long config) {
  const int L = 4;
  double sum = 0;
  for (int i = 0; i < L; i++)
    for (int j = 0; j < L; j++) {
      const long at[4][2] = {
          {i * L + j, 0}, {(i + 1) % L * L + j, 1}, {i * L + (j + 1) % L, 0}, {i * L + j, 1}};
      double angle = 0;
      for (int k = 0; k < 4; k++) {
        const int c = 2 * (int)at[k][1];
        angle += (k < 2 ? 1 : -1) * atan2(cw_field_get(x, config, at[k][0], c + 1),
                                          cw_field_get(x, config, at[k][0], c));
      }
      sum += remainder(angle, 2 * M_PI) / (2 * M_PI);
    }
  return sum * sum;
}

/* The weighted mean of o against an exact value. */
static void check_mean(const double *w, const double *o, double exact) {
  double sum = 0, mean = 0, error = 0;
  for (int i = 0; i < N; i++) sum += w[i];
  for (int i = 0; i < N; i++) mean += w[i] / sum * o[i];
  for (int i = 0; i < N; i++) error += pow(w[i] / sum * (o[i] - mean), 2);
  check_sigma(mean, sqrt(error), exact, 4.5);
}

/* Densities of samples, found again by the inverse. */
static void check_densities(bench *b, cw_field *x, const double *logq) {
  double again[AGAIN];
  x->n_config = AGAIN;
  x->n_blocks = AGAIN / x->B;
  check_ok(b->ctx, cw_model_log_prob(b->ctx, b->model, x, again));
  for (int i = 0; i < AGAIN; i++) check_close(again[i], logq[i], 1e-10);
}

/* ESS of samples; ln Z, plaquette and charge by their weights are exact. */
static double ess_of(bench *b) {
  cw_field x;
  double *logq = cw_alloc(N * sizeof *logq), *S = cw_alloc(N * sizeof *S),
         *w = cw_alloc(N * sizeof *w), *o = cw_alloc(N * sizeof *o),
         *T = cw_alloc(N * CW_MAX_TERMS * sizeof *T), sum = 0, square = 0;
  const int n_colours = cw_kind(b->th.ops->kind)->n_colours;
  check_ok(b->ctx, cw_field_create(b->ctx, b->geom, b->th.n_comp, N, &x));
  check_ok(b->ctx, cw_model_sample(b->ctx, b->model, cw_rng_stream(2, "x"), 0, &x, logq));
  cw_theory_action(&b->th, &x, b->th.c, T, S);
  const double lnZ = b->th.ops->known_lnz(0, &b->geom->lat, &b->beta);
  for (int i = 0; i < N; i++) {
    w[i] = exp(-S[i] - logq[i] - lnZ);
    sum += w[i];
    square += w[i] * w[i];
    o[i] = -S[i] / (b->beta * 16);
  }
  check_sigma(sum / N, sqrt(square / N - sum * sum / N / N) / sqrt(N), 1, 4.5);
  check_mean(w, o, exact_plaquette_2d(n_colours, b->beta, 16));
  for (int i = 0; i < N && n_colours == 1; i++) o[i] = charge_squared(&x, i);
  if (n_colours == 1) check_mean(w, o, exact_u1_q2(b->beta, 16));
  check_densities(b, &x, logq);
  cw_field_destroy(&x);
  free(logq), free(S), free(w), free(o), free(T);
  return sum * sum / square / N;
}

static const struct {
  const char *theory;
  double beta, least; /* ESS */
} cases[] = {
    {"u1", 3, 0.97}, {"u1", 7, 0.96}, {"su2", 4, 0.98}, {"su3", 4, 0.98}, {"su3", 6, 0.97}};

static double ess_made_for(cw_context *ctx, int k, double share, double far) {
  bench b;
  open_bench(&b, ctx, cases[k].theory, cases[k].beta, share * cases[k].beta, far);
  const double ess = ess_of(&b);
  close_bench(&b);
  return ess;
}

static void test_weights(void **state) {
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    const double good = ess_made_for(*state, (int)k, 1, 256),
                 near = ess_made_for(*state, (int)k, 1, 0),
                 other = ess_made_for(*state, (int)k, 0.8, 256);
    print_message(
        "  %s, beta %g: ESS %.4f; without a look ahead %.3f; made for another beta %.3f\n",
        cases[k].theory, cases[k].beta, good, near, other);
    assert_true(good > cases[k].least);
    assert_true(near < 0.8 * good);
    assert_true(other < 0.9 * good);
  }
}

/* It has no products: models that hold it are not trained. */
static void test_training_is_refused(void **state) {
  const cw_train_options options = {
      .batch = 16, .rate = 0.1, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8};
  cw_trainer *t;
  bench b;
  open_bench(&b, *state, "u1", 1, 1, 4);
  assert_false(cw_model_has_products(b.model));
  assert_int_equal(cw_trainer_create(b.ctx, &options, b.model, &b.th, cw_rng_stream(1, "t"), &t),
                   CW_EINVAL);
  assert_non_null(strstr(cw_error(b.ctx), "no derivatives"));
  cw_clear_error(b.ctx);
  close_bench(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_weights),
                                     cmocka_unit_test(test_training_is_refused)};
  return cmocka_run_group_tests_name("snake", tests, test_open_context_1, test_close_context);
}
