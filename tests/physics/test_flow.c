/* Flows against numbers that are known by other means: the Gaussian theory and the integral on 2x2,
 * their errors over many seeds, and estimators from both sides. |z| < 4. */
#include "physics/flows.h"
#include "physics/quadrature_2x2.h"

static cw_context *context(void **state) { return *state; }

static const cw_prior_spec normal_prior = {.kind = CW_PRIOR_NORMAL, .sigma = 0.6};

/* ------------------------------------------------------------- free theory */

/* S = sum_k e_k |phi_k|^2 with e_k = m2 + sum_mu 4 sin^2(p_mu/2) in the m2 form and
 * 1 - 2 kappa sum_mu cos p_mu in the kappa form. As every real mode is a Gaussian integral,
 *   Z = prod_k sqrt(pi/e_k),   <phi^2> = (1/V) sum_k 1/(2 e_k),   chi2 = 1/(2 e_0). */
typedef struct {
  double lnZ, phi2, chi2;
} gaussian;

static double mode_energy(const cw_lattice *lat, const char *form, double parameter, long mode) {
  int k[CW_MAX_DIM];
  bool hopping = strcmp(form, "kappa") == 0;
  double e = hopping ? 1 : parameter;
  cw_lattice_coord(lat, mode, k);
  for (int mu = 0; mu < lat->dim; mu++) {
    double p = 2 * M_PI * k[mu] / lat->extent[mu];
    e += hopping ? -2 * parameter * cos(p) : 4 * pow(sin(p / 2), 2);
  }
  return e;
}

static gaussian free_field(const cw_lattice *lat, const char *form, double parameter) {
  gaussian g = {.chi2 = 0.5 / mode_energy(lat, form, parameter, 0)};
  long V = cw_lattice_sites(lat);
  for (long k = 0; k < V; k++) {
    double e = mode_energy(lat, form, parameter, k);
    g.lnZ += 0.5 * log(M_PI / e);
    g.phi2 += 0.5 / e / (double)V;
  }
  return g;
}

/* Importance sampling and independence Metropolis with a flow, over seeds. */
static void check_gaussian(const flow *f, const gaussian *exact, uint32_t n_seed, long n) {
  calibration z[] = {{.what = "nis lnZ", .exact = exact->lnZ},
                     {.what = "nis phi2", .exact = exact->phi2},
                     {.what = "nis chi2", .exact = exact->chi2},
                     {.what = "nmcmc phi2", .exact = exact->phi2},
                     {.what = "nmcmc chi2", .exact = exact->chi2}};
  for (uint32_t seed = 0; seed < n_seed; seed++) {
    samples s = draw(f, seed, n);
    cw_flow_quality q = judge(&s);
    add_score(&z[0], q.lnZ, q.lnZ_error);
    add_estimate(&z[1], weighted(&s, "phi2"));
    add_estimate(&z[2], weighted(&s, "chi2"));
    free_samples(&s);
    chains r = independence_chains(f, 1000 + seed, 8, n / 8);
    add_estimate(&z[3], estimate(&r, "phi2", 0));
    add_estimate(&z[4], estimate(&r, "chi2", 0));
    free_chains(&r);
  }
  for (size_t i = 0; i < sizeof z / sizeof *z; i++) check_calibration(&z[i]);
}

/* Networks that are linear far out follow a Gaussian there. */
static flow open_gaussian_flow(cw_context *ctx, int L, const char *form, double parameter,
                               const cw_prior_spec *prior, int n_hidden) {
  cw_model_spec spec;
  stack(&spec, *prior, "affine", 4, 8, false);
  for (int i = 0; i < 4; i++) {
    spec.layer[i].net.activation = CW_ACT_LEAKY_RELU;
    spec.layer[i].net.n_hidden = n_hidden;
  }
  return open_flow(ctx, (cw_lattice){2, {L, L}}, form, (double[]){parameter, 0}, &spec);
}

/* A flow that is everywhere a little wider than its target has bounded weights, so that means of
 * thousands of them are normal. */
static void widen(const flow *f, double log_factor) {
  size_t n = (size_t)cw_model_n_theta(f->model);
  double *theta = cw_alloc(n * sizeof *theta);
  memcpy(theta, cw_model_theta(f->model), n * sizeof *theta);
  theta[n - 1] += log_factor; /* the global scale */
  cw_model_set_theta(f->model, theta);
  free(theta);
}

/* Exact samples of the Gaussian theory in the m2 form: a flow without layers. */
static cw_field exact_samples(const flow *f, double m2, long n) {
  cw_model_spec spec = {.prior = {.kind = CW_PRIOR_FREE, .sigma = sqrt(0.5), .mass2 = m2}};
  cw_model *m;
  cw_field x;
  double *logq = cw_alloc((size_t)n * sizeof *logq);
  check_ok(f->ctx, cw_model_create(f->ctx, &spec, f->geom, &m));
  check_ok(f->ctx, cw_field_create(f->ctx, f->geom, 1, n, &x));
  check_ok(f->ctx, cw_model_sample(f->ctx, m, cw_rng_stream(2, "exact"), 0, &x, logq));
  cw_model_destroy(m);
  free(logq);
  return x;
}

static void free_theory(cw_context *ctx, int L, const char *form, double parameter,
                        const cw_prior_spec *prior, cw_loss loss) {
  flow f = open_gaussian_flow(ctx, L, form, parameter, prior, 1);
  gaussian exact = free_field(&f.geom->lat, form, parameter);
  cw_train_options opt = options(loss, CW_GRADIENT_PATH, 512, 300, 1e-2);
  cw_field x = exact_samples(&f, parameter, 16384);
  train(&f, &opt, loss == CW_LOSS_FORWARD_KL ? &x : NULL);
  cw_field_destroy(&x);
  widen(&f, 0.03);
  samples s = draw(&f, 1, 8192);
  print_message("  %s form, %dx%d: ess %.3f\n", form, L, L, judge(&s).ess);
  assert_true(judge(&s).ess > 0.6);
  free_samples(&s);
  check_gaussian(&f, &exact, 80, 4096);
  close_flow(&f);
}

static void test_free_theory(void **state) {
  const cw_prior_spec wrong_mass = {.kind = CW_PRIOR_FREE, .sigma = 1, .mass2 = 3};
  free_theory(context(state), 4, "m2", 1.0, &normal_prior, CW_LOSS_FORWARD_KL);
  free_theory(context(state), 8, "kappa", 0.2, &wrong_mass, CW_LOSS_REVERSE_KL);
}

/* Parameters of a convolutional flow serve any volume: ln ESS is extensive, results stay exact. The
 * networks reach one site far, less than half of the small volume: taps that meet around the torus
 * would share their weights in a way that says nothing about a larger one. */
static void test_volume_transfer(void **state) {
  const double m2 = 3;
  flow small = open_gaussian_flow(context(state), 4, "m2", m2, &normal_prior, 0);
  flow large = open_gaussian_flow(context(state), 8, "m2", m2, &normal_prior, 0);
  assert_int_equal(cw_model_n_theta(small.model), cw_model_n_theta(large.model));
  cw_train_options opt = options(CW_LOSS_REVERSE_KL, CW_GRADIENT_PATH, 512, 400, 1e-2);
  train(&small, &opt, NULL);
  widen(&small, 0.03);
  cw_model_set_theta(large.model, cw_model_theta(small.model));
  samples s = draw(&small, 1, 32768), l = draw(&large, 1, 32768);
  double ratio = log(judge(&l).ess) / log(judge(&s).ess);
  print_message("  ess %.4f on 4x4, %.4f on 8x8: exponent %.2f\n", judge(&s).ess, judge(&l).ess,
                ratio);
  assert_true(ratio > 2.5 && ratio < 5);
  free_samples(&s);
  free_samples(&l);
  gaussian exact = free_field(&large.geom->lat, "m2", m2);
  check_gaussian(&large, &exact, 40, 4096);
  close_flow(&small);
  close_flow(&large);
}

/* ------------------------------------------------------------------- 2x2 */

typedef struct {
  const char *kind;
  double ess; /* least that each way of training must reach */
} coupling_2x2;

static const double param_2x2[2] = {-1, 3}; /* m2 form */

static void check_2x2(const flow *f, const moments_2x2 *exact) {
  calibration z[] = {{.what = "lnZ", .exact = exact->lnZ},
                     {.what = "phi2", .exact = exact->phi2},
                     {.what = "phi4", .exact = exact->phi4},
                     {.what = "nn", .exact = exact->nn},
                     {.what = "chi2", .exact = exact->chi2}};
  for (uint32_t seed = 0; seed < 50; seed++) {
    samples s = draw(f, seed, 2048);
    cw_flow_quality q = judge(&s);
    add_score(&z[0], q.lnZ, q.lnZ_error);
    for (int k = 1; k < 5; k++) add_estimate(&z[k], weighted(&s, z[k].what));
    free_samples(&s);
  }
  for (int k = 0; k < 5; k++) check_calibration(&z[k]);
}

static void train_2x2(cw_context *ctx, const coupling_2x2 *c, cw_loss loss, cw_gradient gradient,
                      const moments_2x2 *exact) {
  cw_model_spec spec;
  stack(&spec, normal_prior, c->kind, 4, 8, strcmp(c->kind, "spline") != 0);
  if (!cw_layer_find(c->kind)->net) /* one is enough of what moves all sites */
    spec = (cw_model_spec){
        .prior = normal_prior, .n_layers = 1, .layer = {cw_layer_presets(cw_layer_find(c->kind))}};
  flow f = open_flow(ctx, (cw_lattice){2, {2, 2}}, "m2", param_2x2, &spec);
  cw_field data = {0};
  if (loss == CW_LOSS_FORWARD_KL) data = draw_target(&f, "hmc", 64, 256, 2);
  cw_train_options opt = options(loss, gradient, 512, 300, 1e-2);
  train(&f, &opt, data.data ? &data : NULL);
  samples s = draw(&f, 1, 16384);
  cw_flow_quality q = judge(&s);
  print_message("  %s, %s KL, %s gradient: ess %.3f\n", c->kind, loss ? "forward" : "reverse",
                gradient == CW_GRADIENT_PATH ? "path" : "plain", q.ess);
  assert_true(q.ess > c->ess);
  check_sigma(q.lnZ, q.lnZ_error, exact->lnZ, 4);
  check_2x2(&f, exact);
  free_samples(&s);
  cw_field_destroy(&data);
  close_flow(&f);
}

static void test_2x2(void **state) {
  static const coupling_2x2 couplings[] = {
      {"affine", 0.7}, {"additive", 0.7}, {"spline", 0.7}, {"continuous", 0.95}};
  moments_2x2 exact = quadrature_2x2(-2, 4 + param_2x2[0], param_2x2[1]);
  for (int kind = 0; kind < 4; kind++)
    for (int loss = 0; loss < 2; loss++)
      for (int gradient = 0; gradient < 2; gradient++)
        if (test_is_long() ||
            (gradient == (kind + loss) % 2 && kind + loss < 4)) /* the last of all is slow */
          train_2x2(context(state), &couplings[kind], (cw_loss)loss, (cw_gradient)gradient, &exact);
}

/* Bad samples cost precision, never truth: an untrained flow, wider than its target. */
static void test_untrained_flow(void **state) {
  moments_2x2 exact = quadrature_2x2(-2, 4 + param_2x2[0], param_2x2[1]);
  cw_model_spec spec;
  stack(&spec, (cw_prior_spec){.kind = CW_PRIOR_NORMAL, .sigma = 0.8}, "affine", 4, 8, true);
  flow f = open_flow(context(state), (cw_lattice){2, {2, 2}}, "m2", param_2x2, &spec);
  samples s = draw(&f, 1, 16384);
  cw_flow_quality bad = judge(&s);
  free_samples(&s);
  check_2x2(&f, &exact);
  cw_train_options opt = options(CW_LOSS_REVERSE_KL, CW_GRADIENT_PATH, 512, 300, 1e-2);
  train(&f, &opt, NULL);
  s = draw(&f, 1, 16384);
  cw_flow_quality good = judge(&s);
  free_samples(&s);
  print_message("  untrained: ess %.3f, error of lnZ %.4f; trained: ess %.3f, error %.4f\n",
                bad.ess, bad.lnZ_error, good.ess, good.lnZ_error);
  assert_true(bad.ess < 0.4 && good.ess > 0.7);
  assert_true(bad.lnZ_error > 3 * good.lnZ_error);
  close_flow(&f);
}

/* ---------------------------------------------------- estimators, both sides */

/* Mean and error of a number over equal parts of some log-weights. */
static cw_estimate over_parts(const flow *f, const double *lw, long n,
                              double (*number)(const flow *f, const double *lw, long n)) {
  enum { PARTS = 32 };
  double part[PARTS];
  cw_estimate e = {0};
  for (long i = 0; i < PARTS; i++) part[i] = number(f, lw + i * (n / PARTS), n / PARTS);
  for (int i = 0; i < PARTS; i++) e.value += part[i] / PARTS;
  for (int i = 0; i < PARTS; i++) e.error += pow(part[i] - e.value, 2) / PARTS / (PARTS - 1);
  e.error = sqrt(e.error);
  return e;
}

static double reverse_ess(const flow *f, const double *lw, long n) {
  cw_flow_quality q;
  check_ok(f->ctx, cw_flow_judge(f->ctx, lw, n, NULL, 0, 0, &q));
  return q.ess;
}

static double acceptance(const flow *f, const double *lw, long n) {
  cw_flow_quality q;
  check_ok(f->ctx, cw_flow_judge(f->ctx, lw, n, NULL, 0, 0, &q));
  return q.acceptance;
}

static double forward_ess(const flow *f, const double *lw, long n) {
  cw_flow_quality q;
  check_ok(f->ctx, cw_flow_judge(f->ctx, NULL, 0, lw, 16, n / 16, &q));
  return q.ess_forward;
}

/* The flow of an interacting theory, whose ln Z is known from neither side but the same from both.
 */
static void test_both_sides(void **state) {
  enum { CHAINS = 512, KEEP = 64 };
  cw_model_spec spec;
  stack(&spec, (cw_prior_spec){.kind = CW_PRIOR_FREE, .sigma = 0.5, .mass2 = 1}, "affine", 6, 8,
        true);
  flow f = open_flow(context(state), (cw_lattice){2, {4, 4}}, "m2", (double[]){-4, 8}, &spec);
  cw_field x = draw_target(&f, "cluster", CHAINS, KEEP, 4);
  cw_train_options opt = options(CW_LOSS_REVERSE_KL, CW_GRADIENT_PATH, 512, 400, 1e-2);
  train(&f, &opt, NULL);
  widen(&f, 0.03);
  samples s = draw(&f, 1, 65536);
  double *lw = target_weights(&f, &x);
  cw_flow_quality q;
  check_ok(f.ctx, cw_flow_judge(f.ctx, s.lw, s.n, lw, CHAINS, KEEP, &q));
  print_message("  lnZ_q %.5f +- %.5f, lnZ_p %.5f +- %.5f, w_hat %.4f +- %.4f\n", q.lnZ,
                q.lnZ_error, q.lnZ_p, q.lnZ_p_error, q.w_hat, q.w_hat_error);
  check_sigma(q.lnZ - q.lnZ_p, hypot(q.lnZ_error, q.lnZ_p_error), 0, 4);
  check_sigma(q.w_hat, q.w_hat_error, 1, 4);
  assert_true(q.w_hat_error < 0.01);

  cw_estimate reverse = over_parts(&f, s.lw, s.n, reverse_ess);
  cw_estimate forward = over_parts(&f, lw, x.n_config, forward_ess);
  print_message("  ess: reverse %.4f +- %.4f, forward %.4f +- %.4f\n", reverse.value, reverse.error,
                forward.value, forward.error);
  check_sigma(reverse.value - forward.value, hypot(reverse.error, forward.error), 0, 4);
  assert_true(reverse.value > 0.7);

  cw_estimate formula = over_parts(&f, s.lw, s.n, acceptance), actual;
  chains r = independence_chains(&f, 9, 64, 1024);
  check_ok(f.ctx, cw_gamma(f.ctx, r.weight, 64, 1024, 1, NULL, NULL, &actual));
  print_message("  acceptance: formula %.4f +- %.4f, actual %.4f +- %.4f\n", formula.value,
                formula.error, actual.value, actual.error);
  check_sigma(actual.value - formula.value, hypot(actual.error, formula.error), 0, 4);
  free_chains(&r);
  free(lw);
  cw_field_destroy(&x);
  free_samples(&s);
  close_flow(&f);
}

/* --------------------------------------------------------------- two modes */

static void make_positive(cw_field *x) {
  for (long i = 0; i < x->n_config; i++) {
    double sum = 0;
    for (long s = 0; s < x->geom->n_sites; s++) sum += cw_field_get(x, i, s, 0);
    for (long s = 0; sum < 0 && s < x->geom->n_sites; s++)
      cw_field_set(x, i, s, 0, -cw_field_get(x, i, s, 0));
  }
}

static cw_flow_quality judge_two_modes(const flow *f, const cw_field *x, long n_chain,
                                       cw_estimate *mean_field) {
  samples s = draw(f, 5, 32768);
  double *lw = target_weights(f, x);
  cw_flow_quality q;
  check_ok(f->ctx, cw_flow_judge(f->ctx, s.lw, s.n, lw, n_chain, x->n_config / n_chain, &q));
  *mean_field = weighted(&s, "phi");
  print_message("  ess %.3f, forward %.3f, w_hat %.4f +- %.4f, <phi> %.3f +- %.3f\n", q.ess,
                q.ess_forward, q.w_hat, q.w_hat_error, mean_field->value, mean_field->error);
  free(lw);
  free_samples(&s);
  return q;
}

/* Deep in the broken phase a flow that knows one mode looks perfect from its own samples, and
 * w_hat tells that it covers half of the target; its mixture with its mirror image covers all. */
static void test_dropped_mode(void **state) {
  enum { CHAINS = 256, KEEP = 64 };
  const double kappa_lambda[2] = {0.5, 0.022};
  cw_lattice lat = {2, {4, 4}};
  cw_model_spec spec;
  stack(&spec, (cw_prior_spec){.kind = CW_PRIOR_NORMAL, .sigma = 1}, "affine", 4, 8, false);
  flow one = open_flow(context(state), lat, "kappa", kappa_lambda, &spec);
  spec.z2_mixture = true;
  flow both = open_flow(context(state), lat, "kappa", kappa_lambda, &spec);
  cw_field x = draw_target(&one, "cluster", CHAINS, KEEP, 2), positive;
  check_ok(one.ctx, cw_field_create(one.ctx, one.geom, 1, x.n_config, &positive));
  cw_field_copy(&positive, &x);
  make_positive(&positive);
  cw_train_options opt = options(CW_LOSS_FORWARD_KL, CW_GRADIENT_PATH, 256, 500, 3e-2);
  train(&one, &opt, &positive);
  cw_model_set_theta(both.model, cw_model_theta(one.model));

  cw_estimate phi;
  cw_flow_quality q = judge_two_modes(&one, &x, CHAINS, &phi);
  assert_true(q.ess > 0.5 && q.w_hat_error < 0.03);
  check_sigma(q.w_hat, q.w_hat_error, 0.5, 4);
  assert_true(phi.value > 100 * phi.error);
  cw_flow_quality m = judge_two_modes(&both, &x, CHAINS, &phi);
  assert_true(m.ess > 0.5 && m.w_hat_error < 0.03);
  check_sigma(m.w_hat, m.w_hat_error, 1, 4);
  check_sigma(phi.value, phi.error, 0, 4);
  check_sigma(m.lnZ - q.lnZ, hypot(m.lnZ_error, q.lnZ_error), log(2), 4);
  cw_field_destroy(&x);
  cw_field_destroy(&positive);
  close_flow(&one);
  close_flow(&both);
}

/* --------------------------------------------------------- path gradients */

/* <|g|^2> over batches at fixed parameters: |mean|^2, which plain and path gradients share, and the
 * variance. */
static double mean_square_gradient(const flow *f, cw_loss loss, cw_gradient gradient,
                                   const cw_field *data) {
  enum { BATCHES = 40 };
  cw_train_options opt = options(loss, gradient, 256, BATCHES, 1e-300); /* moves nothing */
  cw_trainer *t;
  cw_train_report report;
  double sum = 0;
  opt.clip = 0;
  check_ok(f->ctx, cw_trainer_create(f->ctx, &opt, f->model, &f->th, cw_rng_stream(8, "g"), &t));
  for (int i = 0; i < BATCHES; i++) {
    check_ok(f->ctx, cw_trainer_step(t, data, &report));
    sum += report.grad_norm * report.grad_norm / BATCHES;
  }
  cw_trainer_destroy(t);
  return sum;
}

/* Near the optimum the path gradient is the quieter one. */
static void test_path_gradient_is_quieter(void **state) {
  cw_model_spec spec;
  stack(&spec, normal_prior, "affine", 4, 8, true);
  flow f = open_flow(context(state), (cw_lattice){2, {2, 2}}, "m2", param_2x2, &spec);
  cw_field data = draw_target(&f, "hmc", 64, 256, 2);
  for (int loss = 0; loss < 2; loss++) {
    const cw_field *x = loss == CW_LOSS_FORWARD_KL ? &data : NULL;
    cw_model_init(f.model, 1);
    cw_train_options opt = options((cw_loss)loss, CW_GRADIENT_PATH, 512, 400, 1e-2);
    train(&f, &opt, x);
    double path = mean_square_gradient(&f, (cw_loss)loss, CW_GRADIENT_PATH, x);
    double plain = mean_square_gradient(&f, (cw_loss)loss, CW_GRADIENT_PLAIN, x);
    print_message("  %s KL: path/plain = %.3f\n", loss ? "forward" : "reverse", path / plain);
    assert_true(path < 0.6 * plain);
  }
  cw_field_destroy(&data);
  close_flow(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_free_theory),
      cmocka_unit_test(test_volume_transfer),
      cmocka_unit_test(test_2x2),
      cmocka_unit_test(test_untrained_flow),
      cmocka_unit_test(test_both_sides),
      cmocka_unit_test(test_dropped_mode),
      cmocka_unit_test(test_path_gradient_is_quieter),
  };
  return cmocka_run_group_tests_name("flow physics", tests, test_open_context_1,
                                     test_close_context);
}
