/* Flows of links from Haar's measure: densities both ways, ln Z of two-dimensional gauge theories by
 * reweighting, which is exact whatever the flow, and a training that makes the weights more even. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/stats.h"
#include "causeway/train.h"
#include "support/check.h"

enum { LAYERS = 8, N = 4096, STEPS = 40 };

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_model *model;
} bench;

static void open_bench(bench *b, cw_context *ctx, const char *theory, double beta, int V) {
  const cw_theory_ops *ops = cw_theory_find(theory);
  const cw_lattice lat = {2, {4, 4}};
  cw_model_spec spec = {.field = ops->kind, .prior = {.kind = CW_PRIOR_HAAR}, .n_layers = LAYERS};
  for (int i = 0; i < LAYERS; i++) spec.layer[i] = (cw_layer_spec){.kind = "staple", .number = i};
  b->ctx = ctx;
  check_ok(ctx, cw_geometry_create(ctx, &lat, V, &b->geom));
  check_ok(ctx, cw_theory_create(ctx, ops, b->geom, 0, &beta, &b->th));
  check_ok(ctx, cw_model_create(ctx, &spec, b->geom, &b->model));
  cw_model_init(b->model, 1);
}

static void close_bench(bench *b) {
  cw_model_destroy(b->model);
  cw_geometry_destroy(b->geom);
}

/* ln<w> over samples of the model, its error, and their ESS. */
typedef struct {
  double lnZ, error, ess;
} quality;

static quality quality_of(bench *b, uint32_t step) {
  cw_field x;
  double *logq = cw_alloc(N * sizeof *logq), *again = cw_alloc(N * sizeof *again),
         *S = cw_alloc(N * sizeof *S), *T = cw_alloc(N * CW_MAX_TERMS * sizeof *T), sum = 0,
         square = 0;
  check_ok(b->ctx, cw_field_create(b->ctx, b->geom, b->th.n_comp, N, &x));
  check_ok(b->ctx, cw_model_sample(b->ctx, b->model, cw_rng_stream(2, "x"), step, &x, logq));
  check_ok(b->ctx, cw_model_log_prob(b->ctx, b->model, &x, again));
  cw_theory_action(&b->th, &x, b->th.c, T, S);
  for (int i = 0; i < N; i++) {
    check_close(again[i], logq[i], 1e-11);
    const double w = exp(-S[i] - logq[i]);
    sum += w;
    square += w * w;
  }
  cw_field_destroy(&x);
  free(logq);
  free(again);
  free(S);
  free(T);
  const double ess = sum * sum / square / N;
  return (quality){log(sum / N), sqrt((1 / ess - 1) / N), ess};
}

static void train(bench *b, cw_gradient gradient) {
  const cw_train_options options = {.gradient = gradient,
                                    .batch = 64,
                                    .steps = STEPS,
                                    .rate = 0.02,
                                    .beta1 = 0.9,
                                    .beta2 = 0.999,
                                    .epsilon = 1e-8};
  cw_trainer *t;
  cw_train_report report;
  check_ok(b->ctx,
           cw_trainer_create(b->ctx, &options, b->model, &b->th, cw_rng_stream(1, "train"), &t));
  for (int i = 0; i < STEPS; i++) check_ok(b->ctx, cw_trainer_step(t, NULL, &report));
  cw_trainer_destroy(t);
}

/* Weights of Haar draws, then of the trained flow, give the same, exact ln Z; the second are more
 * even. Every coefficient has turned links towards larger plaquettes. */
static void check_theory(cw_context *ctx, const char *theory, double beta, int V,
                         cw_gradient gradient) {
  bench b;
  open_bench(&b, ctx, theory, beta, V);
  const double exact = b.th.ops->known_lnz(0, &b.geom->lat, &beta);
  const quality haar = quality_of(&b, 0);
  check_sigma(haar.lnZ, haar.error, exact, 4);
  train(&b, gradient);
  const quality flow = quality_of(&b, 1);
  print_message("  %s, V = %d: ln Z = %.4f, Haar %.4f(%.4f), flow %.4f(%.4f); ESS %.3f, %.3f\n",
                theory, V, exact, haar.lnZ, haar.error, flow.lnZ, flow.error, haar.ess, flow.ess);
  check_sigma(flow.lnZ, flow.error, exact, 4);
  assert_true(flow.ess > 1.5 * haar.ess);
  for (int i = 0; i < LAYERS; i++) assert_true(cw_model_theta(b.model)[i] > 0.01);
  close_bench(&b);
}

static void test_u1(void **state) { check_theory(*state, "u1", 0.5, 1, CW_GRADIENT_PATH); }
static void test_su2(void **state) { check_theory(*state, "su2", 0.9, 4, CW_GRADIENT_PATH); }
static void test_su3(void **state) { check_theory(*state, "su3", 1.6, 4, CW_GRADIENT_PLAIN); }

/* Samples and their densities have the same bits on every split. */
static void test_splits(void **state) {
  enum { FEW = 20 };
  bench b[2];
  cw_field x[2];
  double logq[2][FEW], theta[LAYERS];
  for (int i = 0; i < LAYERS; i++) theta[i] = 0.1 + 0.02 * i;
  for (int k = 0; k < 2; k++) {
    open_bench(&b[k], *state, "su3", 1, k == 0 ? 1 : 4);
    cw_model_set_theta(b[k].model, theta);
    check_ok(*state, cw_field_create(*state, b[k].geom, b[k].th.n_comp, FEW, &x[k]));
    check_ok(*state, cw_model_sample(*state, b[k].model, cw_rng_stream(3, "x"), 0, &x[k], logq[k]));
  }
  assert_memory_equal(logq[1], logq[0], sizeof logq[0]);
  for (long i = 0; i < FEW; i++)
    for (long s = 0; s < b[0].geom->n_sites; s++)
      for (int c = 0; c < b[0].th.n_comp; c++)
        assert_true(cw_field_get(&x[0], i, s, c) == cw_field_get(&x[1], i, s, c));
  for (int k = 0; k < 2; k++) {
    cw_field_destroy(&x[k]);
    close_bench(&b[k]);
  }
}

/* Combinations that are no flows, each in one line. */
static void test_refusals(void **state) {
  static const struct {
    cw_field_kind field;
    cw_prior_kind prior;
    const char *layer, *says;
    bool mixture;
    int V;
  } bad[] = {{CW_LINK_SU2, CW_PRIOR_NORMAL, "staple", "of links is haar", false, 1},
             {CW_SITE_REAL, CW_PRIOR_HAAR, "scale", "haar is for links", false, 1},
             {CW_SITE_REAL, CW_PRIOR_NORMAL, "scale", "not on 4 sub-lattices", false, 4},
             {CW_LINK_SU2, CW_PRIOR_HAAR, "scale", "does not move fields of kind 'su2'", false, 1},
             {CW_SITE_REAL, CW_PRIOR_NORMAL, "staple", "fields of kind 'real'", false, 1},
             {CW_LINK_U1, CW_PRIOR_HAAR, "staple", "z2_mixture is for reals", true, 1}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const cw_lattice lat = {2, {4, 4}};
    cw_geometry *geom;
    cw_model *model;
    const cw_model_spec spec = {.field = bad[i].field,
                                .prior = {.kind = bad[i].prior, .sigma = 1},
                                .z2_mixture = bad[i].mixture,
                                .n_layers = 1,
                                .layer = {{.kind = bad[i].layer}}};
    check_ok(*state, cw_geometry_create(*state, &lat, bad[i].V, &geom));
    assert_int_equal(cw_model_create(*state, &spec, geom, &model), CW_EINVAL);
    assert_null(model);
    assert_non_null(strstr(cw_error(*state), bad[i].says));
    cw_clear_error(*state);
    cw_geometry_destroy(geom);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_refusals), cmocka_unit_test(test_splits),
                                     cmocka_unit_test(test_u1), cmocka_unit_test(test_su2),
                                     cmocka_unit_test(test_su3)};
  return cmocka_run_group_tests_name("link flows", tests, test_open_context_1, test_close_context);
}
