/* The flow of one transition of a ladder: its gradient against differences, exact cases, training
 * between Gaussian theories, and the same bits. */
#include "physics/flows.h"
#include "physics/transitions.h"

#define NET(...)                                                                                   \
  { .kind = CW_NET_CONV, .kernel = 3, __VA_ARGS__ }

/* --------------------------------------------------------- models and particles */

static cw_model_spec mixed_layers(void) {
  return (cw_model_spec){.prior = {.kind = CW_PRIOR_NORMAL, .sigma = 1},
                         .n_layers = 5,
                         .layer = {{.kind = "affine", .net = NET(.n_hidden = 1, .hidden = {6})},
                                   {.kind = "affine",
                                    .param = {1},
                                    .number = 1,
                                    .net = NET(.n_hidden = 2, .hidden = {5, 4})},
                                   {.kind = "additive", .net = NET(.n_hidden = 1, .hidden = {3})},
                                   {.kind = "mean", .param = {0, 4, 0.5, 1}},
                                   {.kind = "scale"}}};
}

/* Parameters away from anything special. */
static void stir(transition *t, double width) {
  long n = cw_model_n_theta(t->model);
  double *theta = cw_alloc((size_t)n * sizeof *theta);
  for (long i = 0; i < n; i++) {
    double z[2];
    cw_normal2(CW_ISA_BASE, cw_rng_stream(3, "theta"), (uint32_t)i, 0, 0, 0, z);
    theta[i] = (float)(width * z[0]);
  }
  cw_model_set_theta(t->model, theta);
  free(theta);
}

/* Sum 1, one of them 0, and ratios up to 30. */
static double *uneven_weights(const cw_field *x) {
  double *w = cw_alloc((size_t)(x->n_blocks * CW_LANES) * sizeof *w), sum = 0;
  for (long i = 0; i < x->n_config; i++) sum += w[i] = i == 5 ? 0 : 1 + (double)((i * i) % 30);
  for (long i = 0; i < x->n_blocks * CW_LANES; i++) w[i] = i < x->n_config ? w[i] / sum : NAN;
  return w;
}

/* ----------------------------------------------------------------- gradient */

static const double coupling_a[] = {-2, 5.5, 0.2}, coupling_b[] = {-1.5, 3.7, 0.9};

/* Loss, error and ESS against their formulas from works, with uneven weights. */
static void test_report(void **state) {
  cw_model_spec spec = mixed_layers();
  transition t = open_transition(*state, (cw_lattice){2, {4, 4}}, &spec);
  rungs r = {coupling_a, coupling_b};
  stir(&t, 0.15);
  cw_field x = normal_particles(&t, 41, 0.5, 1);
  double *weights = uneven_weights(&x), *w = works(&t, r, &x), loss = 0, error = 0, u1 = 0, u2 = 0;
  for (int i = 0; i < 41; i++) {
    loss += weights[i] * w[i];
    u1 += weights[i] * exp(-w[i]);
    u2 += pow(weights[i] * exp(-w[i]), 2);
  }
  for (int i = 0; i < 41; i++) error += pow(weights[i] * (w[i] - loss), 2);
  cw_train_report report = report_of(&t, r, CW_GRADIENT_PLAIN, &x, weights, NULL);
  check_close(report.loss, loss, 1e-12);
  check_close(report.loss_error, sqrt(error), 1e-12);
  check_close(report.ess, u1 * u1 / u2 / 41, 1e-12);
  cw_field_destroy(&x);
  free(weights);
  free(w);
  close_transition(&t);
}

/* The plain gradient against 4-point differences of the loss, with uneven weights. */
static void test_gradient(void **state) {
  static const double weight[4] = {1. / 12, -2. / 3, 2. / 3, -1. / 12}, at[4] = {-2, -1, 1, 2};
  cw_model_spec spec = mixed_layers();
  transition t = open_transition(*state, (cw_lattice){2, {4, 4}}, &spec);
  rungs r = {coupling_a, coupling_b};
  stir(&t, 0.15);
  cw_field x = normal_particles(&t, 41, 0.5, 1);
  long n = cw_model_n_theta(t.model);
  double *weights = uneven_weights(&x), *g = cw_alloc((size_t)n * sizeof *g),
         *theta = cw_alloc((size_t)n * sizeof *theta), *moved = cw_alloc((size_t)n * sizeof *moved);
  memcpy(theta, cw_model_theta(t.model), (size_t)n * sizeof *theta);
  report_of(&t, r, CW_GRADIENT_PLAIN, &x, weights, g);
  double norm = sqrt(cw_dot(g, g, (size_t)n)), h = 2e-3;
  for (uint32_t direction = 0; direction < 4; direction++) {
    double exact = 0, numeric = 0;
    for (int k = -1; k < 4; k++) {
      for (long i = 0; i < n; i++) {
        double z[2];
        cw_normal2(CW_ISA_BASE, cw_rng_stream(4, "d"), (uint32_t)i, direction, 0, 0, z);
        if (k < 0) exact += g[i] * z[0];
        moved[i] = theta[i] + (k < 0 ? 0 : at[k] * h * z[0]);
      }
      if (k < 0) continue;
      cw_model_set_theta(t.model, moved);
      numeric += weight[k] / h * report_of(&t, r, CW_GRADIENT_PLAIN, &x, weights, NULL).loss;
    }
    check_close(numeric / norm, exact / norm, 2e-3);
  }
  cw_field_destroy(&x);
  free(weights);
  free(g);
  free(theta);
  free(moved);
  close_transition(&t);
}

/* From normal particles, that is couplings (0, a, 0) with sigma^2 = 1/2a, the path gradient has the
 * mean of the plain one and less noise. */
static void test_path_gradient(void **state) {
  static const double from[] = {0, 2, 0}, to[] = {-0.4, 2.5, 0.1};
  enum { BATCHES = 60, N = 256 };
  cw_model_spec spec = mixed_layers();
  transition t = open_transition(*state, (cw_lattice){2, {4, 4}}, &spec);
  stir(&t, 0.1);
  long n = cw_model_n_theta(t.model);
  double *g = cw_alloc((size_t)n * sizeof *g), mean = 0, square = 0;
  for (uint32_t k = 0; k < BATCHES; k++) {
    cw_field x = normal_particles(&t, N, 0.5, k);
    double *weights = even_weights(&x), d[2] = {0};
    for (int kind = 0; kind < 2; kind++) {
      report_of(&t, (rungs){from, to}, (cw_gradient)kind, &x, weights, g);
      for (long j = 0; j < n; j++) d[kind] += j % 2 ? g[j] : -g[j];
    }
    mean += (d[0] - d[1]) / BATCHES;
    square += (d[0] - d[1]) * (d[0] - d[1]) / BATCHES;
    cw_field_destroy(&x);
    free(weights);
  }
  check_sigma(mean, sqrt((square - mean * mean) / (BATCHES - 1)), 0, 4);
  free(g);
  close_transition(&t);
}

/* -------------------------------------------------------------- exact cases */

/* e^{-a x^2} to e^{-b x^2} is y = sqrt(a/b) x: all works are -ln(Z_b/Z_a), and the path gradient is
 * zero particle by particle, whatever the weights. */
static void test_exact_scale(void **state) {
  static const double a[] = {0, 2, 0}, b[] = {0, 0.7, 0};
  cw_model_spec spec = {
      .prior = {.kind = CW_PRIOR_NORMAL, .sigma = 1}, .n_layers = 1, .layer = {{.kind = "scale"}}};
  transition t = open_transition(*state, (cw_lattice){1, {3}}, &spec);
  double theta = 0.5 * log(a[1] / b[1]), gradient;
  cw_field x = normal_particles(&t, 200, 1.3, 1);
  double *weights = uneven_weights(&x);
  cw_model_set_theta(t.model, &theta);
  cw_train_report report = report_of(&t, (rungs){a, b}, CW_GRADIENT_PATH, &x, weights, &gradient);
  check_close(report.loss, -3 * theta, 1e-12); /* ln(Z_b/Z_a) = (3/2) ln(a/b) */
  check_close(report.loss_error, 0, 1e-12);
  check_close(gradient, 0, 1e-6);
  report_of(&t, (rungs){a, b}, CW_GRADIENT_PLAIN, &x, weights, &gradient);
  assert_true(fabs(gradient) > 0.1); /* these are not particles of a */
  cw_field_destroy(&x);
  free(weights);
  close_transition(&t);
}

/* Trains with new normal particles, of couplings (0, 2, 0), in every step. */
static cw_train_report train_gaussian(const transition *t, const double *to, cw_gradient kind,
                                      long steps, double rate) {
  static const double from[] = {0, 2, 0};
  enum { N = 250 };
  cw_train_options opt = transition_options(kind, N, steps, rate);
  cw_trainer *trainer = make_trainer(t, &opt);
  cw_train_report report;
  for (long k = 0; k < steps; k++) {
    cw_field x = normal_particles(t, N, 0.5, 100 + (uint32_t)k);
    double *weights = even_weights(&x);
    check_ok(t->ctx, cw_trainer_transition(trainer, &x, weights, from, to, &report));
    cw_field_destroy(&x);
    free(weights);
  }
  cw_trainer_destroy(trainer);
  return report;
}

/* One site: training finds sqrt(a/b), by either gradient. */
static void test_trained_scale(void **state) {
  static const double to[] = {0, 0.7, 0};
  cw_model_spec spec = {
      .prior = {.kind = CW_PRIOR_NORMAL, .sigma = 1}, .n_layers = 1, .layer = {{.kind = "scale"}}};
  for (int kind = 0; kind < 2; kind++) {
    transition t = open_transition(*state, (cw_lattice){1, {1}}, &spec);
    train_gaussian(&t, to, (cw_gradient)kind, 300, 0.02);
    double exact = 0.5 * log(2 / 0.7), theta = cw_model_theta(t.model)[0];
    print_message("  %s gradient: scale off by %.1e\n", kind ? "plain" : "path", theta - exact);
    check_close(theta, exact, kind == CW_GRADIENT_PATH ? 1e-5 : 0.02);
    close_transition(&t);
  }
}

/* Two coupled sites, S = 2 c0 xy + c1 (x^2 + y^2): two affine couplings, x' = e^s x + t y and then
 * y' = e^u y + v x', are triangular maps, of which some product carries any Gaussian to any other.
 * The work is then the same for all particles: -ln(Z_to/Z_from) = ln(sqrt(det to/det from)). */
static void test_trained_affine(void **state) {
  static const double to[] = {-0.6, 1.4, 0};
  cw_model_spec spec = {.prior = {.kind = CW_PRIOR_NORMAL, .sigma = 1}, .n_layers = 2};
  for (int i = 0; i < 2; i++)
    spec.layer[i] = (cw_layer_spec){
        .kind = "affine", .number = i, .net = {.kind = CW_NET_DENSE, .n_hidden = 0}};
  transition t = open_transition(*state, (cw_lattice){1, {2}}, &spec);
  cw_train_report report = train_gaussian(&t, to, CW_GRADIENT_PATH, 600, 0.02);
  double exact = 0.5 * log((to[1] * to[1] - to[0] * to[0]) / (2. * 2.));
  print_message("  loss - exact %.1e, ess %.6f\n", report.loss - exact, report.ess);
  check_close(report.loss, exact, 1e-3);
  assert_true(report.ess > 0.999);
  close_transition(&t);
}

/* On one site the mean is the field: a spline carries the Gaussian to the double well S = -x^2 +
 * 0.3 x^4, and the loss to -ln(Z_to/Z_from), with Z_to by quadrature. */
static void test_trained_mean(void **state) {
  static const double to[] = {0, -1, 0.3};
  cw_model_spec spec = {.prior = {.kind = CW_PRIOR_NORMAL, .sigma = 1}, .n_layers = 1};
  spec.layer[0] = (cw_layer_spec){.kind = "mean", .param = {1, 12, 3, 1}};
  transition t = open_transition(*state, (cw_lattice){1, {1}}, &spec);
  cw_train_report report = train_gaussian(&t, to, CW_GRADIENT_PATH, 400, 0.05);
  double z = 0;
  for (int i = -6000; i <= 6000; i++) {
    double x2 = 1e-6 * i * i;
    z += 1e-3 * exp(x2 - 0.3 * x2 * x2);
  }
  double exact = log(sqrt(M_PI / 2) / z);
  print_message("  loss - exact %.1e, ess %.4f\n", report.loss - exact, report.ess);
  check_close(report.loss, exact, 5e-3);
  assert_true(report.ess > 0.99);
  close_transition(&t);
}

/* -------------------------------------------------- start and diagnosis */

static cw_layer_spec lively_layer(const cw_layer_kind *kind, int number, bool z2) {
  cw_layer_spec spec = cw_layer_presets(kind);
  spec.number = number;
  spec.net = (cw_net_spec)NET(.n_hidden = 1, .hidden = {6});
  cw_layer_set(&spec, "z2", z2);
  cw_layer_set(&spec, "bins", 5);
  cw_layer_set(&spec, "range", 3);
  return spec;
}

/* Every kind of layer for reals starts at the identity, and can leave it: its gradient is not zero. */
static void test_identity(void **state) {
  for (int k = 0; cw_layers[k] != NULL; k++)
    for (int z2 = 0; z2 < 2; z2++) {
      if (!cw_layer_fits(cw_layers[k], CW_SITE_REAL)) break;
      cw_model_spec spec = {.prior = {.kind = CW_PRIOR_NORMAL, .sigma = 1}, .n_layers = 2};
      for (int i = 0; i < 2; i++) spec.layer[i] = lively_layer(cw_layers[k], i, z2);
      transition t = open_transition(*state, (cw_lattice){2, {6, 6}}, &spec);
      rungs r = {coupling_a, coupling_b};
      cw_field x = normal_particles(&t, 32, 0.5, 1);
      cw_arena *tape = cw_arena_create(1 << 18);
      cw_model_pass pass;
      double *weights = even_weights(&x),
             *g = cw_alloc((size_t)cw_model_n_theta(t.model) * sizeof *g), most = 0;
      check_ok(t.ctx, cw_model_forward_block(t.model, x.data, &pass, tape));
      for (size_t i = 0; i < cw_field_block_size(&x); i++) check_close(pass.x[i], x.data[i], 1e-13);
      for (int l = 0; l < CW_LANES; l++) check_close(pass.logq[l], 0, 1e-11);
      report_of(&t, r, CW_GRADIENT_PLAIN, &x, weights, g);
      for (long i = 0; i < cw_model_n_theta(t.model); i++) most = fmax(most, fabs(g[i]));
      assert_true(most > 1e-3);
      cw_arena_destroy(tape);
      cw_field_destroy(&x);
      free(weights);
      free(g);
      close_transition(&t);
    }
}

static void test_bad_input(void **state) {
  cw_context *ctx = *state;
  cw_model_spec spec = mixed_layers();
  transition t = open_transition(ctx, (cw_lattice){2, {4, 4}}, &spec);
  cw_train_options opt = transition_options(CW_GRADIENT_PATH, 0, 1, 1e-3);
  cw_trainer *trainer;
  assert_int_equal(cw_trainer_create(ctx, &opt, t.model, &t.th, cw_rng_stream(1, "t"), &trainer),
                   CW_EINVAL);
  cw_clear_error(ctx);
  opt.batch = 16;
  spec.z2_mixture = true;
  cw_model *mixture;
  check_ok(ctx, cw_model_create(ctx, &spec, t.geom, &mixture));
  assert_int_equal(cw_trainer_create(ctx, &opt, mixture, &t.th, cw_rng_stream(1, "t"), &trainer),
                   CW_EINVAL);
  assert_non_null(strstr(cw_error(ctx), "mixture"));
  cw_clear_error(ctx);
  cw_model_destroy(mixture);
  close_transition(&t);
}

/* A scale far outside of every double: training says at which step and layer. */
static void test_not_a_number(void **state) {
  cw_model_spec spec = mixed_layers();
  transition t = open_transition(*state, (cw_lattice){2, {4, 4}}, &spec);
  long n = cw_model_n_theta(t.model);
  double *theta = cw_alloc((size_t)n * sizeof *theta);
  theta[n - 1] = 1e30;
  cw_model_set_theta(t.model, theta);
  cw_field x = normal_particles(&t, 20, 0.5, 1);
  double *weights = even_weights(&x);
  cw_train_options opt = transition_options(CW_GRADIENT_PATH, 20, 1, 1e-3);
  cw_trainer *trainer = make_trainer(&t, &opt);
  cw_train_report report;
  assert_int_equal(cw_trainer_transition(trainer, &x, weights, coupling_a, coupling_b, &report),
                   CW_ENUMERIC);
  assert_non_null(strstr(cw_error(t.ctx), "step 0: layer 4 (scale)"));
  cw_clear_error(t.ctx);
  cw_trainer_destroy(trainer);
  cw_field_destroy(&x);
  free(theta);
  free(weights);
  close_transition(&t);
}

/* --------------------------------------------------------------------- bits */

static void train_bits(cw_context *ctx, double *state) {
  cw_model_spec spec = mixed_layers();
  transition t = open_transition(ctx, (cw_lattice){2, {4, 4}}, &spec);
  cw_field x = normal_particles(&t, 777, 0.5, 1); /* 49 blocks: chunks of one and of two */
  double *weights = uneven_weights(&x);
  cw_train_options opt = transition_options(CW_GRADIENT_PATH, 777, 8, 1e-2);
  cw_trainer *trainer = make_trainer(&t, &opt);
  cw_train_report report;
  for (int i = 0; i < 8; i++)
    check_ok(ctx, cw_trainer_transition(trainer, &x, weights, coupling_a, coupling_b, &report));
  cw_trainer_save(trainer, state + 2);
  state[0] = report.loss;
  state[1] = report.ess;
  cw_trainer_destroy(trainer);
  cw_field_destroy(&x);
  free(weights);
  close_transition(&t);
}

static void test_same_bits(void **state) {
  enum { MOST = 4096 };
  static double result[2][MOST];
  cw_context *two = test_context(2);
  train_bits(*state, result[0]);
  train_bits(two, result[1]);
  assert_true(result[0][0] != 0);
  assert_memory_equal(result[0], result[1], sizeof result[0]);
  cw_context_destroy(two);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_report),        cmocka_unit_test(test_gradient),
      cmocka_unit_test(test_path_gradient), cmocka_unit_test(test_exact_scale),
      cmocka_unit_test(test_trained_scale), cmocka_unit_test(test_trained_affine),
      cmocka_unit_test(test_trained_mean),  cmocka_unit_test(test_identity),
      cmocka_unit_test(test_bad_input),     cmocka_unit_test(test_not_a_number),
      cmocka_unit_test(test_same_bits),
  };
  return cmocka_run_group_tests_name("transition", tests, test_open_context_1, test_close_context);
}
