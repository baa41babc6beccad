/* The flow of one transition of a ladder: its gradient against differences, exact cases, the same
 * bits, and training between Gaussian theories and phi^4 theories. */
#include "physics/flows.h"

#include "causeway/bridge.h"

#define NET(...)                                                                                   \
  { .kind = CW_NET_CONV, .kernel = 3, __VA_ARGS__ }

/* --------------------------------------------------------- models and particles */

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th; /* phi4; its own couplings are not those of any rung here */
  cw_model *model;
} transition;

static transition open_transition(cw_context *ctx, cw_lattice lat, const cw_model_spec *spec) {
  transition t = {.ctx = ctx};
  static const double params[CW_MAX_PARAMS] = {1, 0.1};
  check_ok(ctx, cw_geometry_create(ctx, &lat, 1, &t.geom));
  check_ok(ctx, cw_theory_create(ctx, cw_theory_find("phi4"), t.geom, 0, params, &t.th));
  check_ok(ctx, cw_model_create(ctx, spec, t.geom, &t.model));
  cw_model_init_identity(t.model, 1);
  return t;
}

static void close_transition(transition *t) {
  cw_model_destroy(t->model);
  cw_theory_destroy(&t->th);
  cw_geometry_destroy(t->geom);
}

static cw_model_spec mixed_layers(void) {
  return (cw_model_spec){
      .prior = {.kind = CW_PRIOR_NORMAL, .sigma = 1},
      .n_layers = 5,
      .layer = {
          {.kind = "affine", .net = NET(.n_hidden = 1, .hidden = {6})},
          {.kind = "affine", .z2 = true, .parity = 1, .net = NET(.n_hidden = 2, .hidden = {5, 4})},
          {.kind = "additive", .net = NET(.n_hidden = 1, .hidden = {3})},
          {.kind = "mean", .bins = 4, .range = 0.5},
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

/* n normal particles of a width; not-a-number in the lanes beyond. */
static cw_field normal_particles(const transition *t, long n, double width, uint32_t seed) {
  cw_field x;
  check_ok(t->ctx, cw_field_create(t->ctx, t->geom, 1, n, &x));
  cw_field_normal(CW_ISA_BASE, &x, cw_rng_stream(seed, "particles"), 0, 0);
  size_t last = (size_t)x.n_blocks * cw_field_block_size(&x), beyond = (size_t)(n % CW_LANES);
  for (size_t i = 0; i < last; i++) x.data[i] *= width;
  for (size_t i = last - cw_field_block_size(&x); beyond > 0 && i < last; i++)
    if (i % CW_LANES >= beyond) x.data[i] = NAN;
  return x;
}

/* Sum 1, one of them 0, and ratios up to 30. */
static double *uneven_weights(const cw_field *x) {
  double *w = cw_alloc((size_t)(x->n_blocks * CW_LANES) * sizeof *w), sum = 0;
  for (long i = 0; i < x->n_config; i++) sum += w[i] = i == 5 ? 0 : 1 + (double)((i * i) % 30);
  for (long i = 0; i < x->n_blocks * CW_LANES; i++) w[i] = i < x->n_config ? w[i] / sum : NAN;
  return w;
}

static double *even_weights(const cw_field *x) {
  double *w = cw_alloc((size_t)(x->n_blocks * CW_LANES) * sizeof *w);
  for (long i = 0; i < x->n_config; i++) w[i] = 1 / (double)x->n_config;
  return w;
}

static cw_train_options transition_options(cw_gradient gradient, long batch, long steps,
                                           double rate) {
  cw_train_options opt = options(CW_LOSS_TRANSITION, gradient, batch, steps, rate);
  opt.warmup = 0;
  opt.clip = 0;
  opt.beta2 = 0.99;
  opt.rate_end = 0.1;
  return opt;
}

static cw_trainer *make_trainer(const transition *t, const cw_train_options *opt) {
  cw_trainer *trainer;
  check_ok(t->ctx,
           cw_trainer_create(t->ctx, opt, t->model, &t->th, cw_rng_stream(1, "t"), &trainer));
  return trainer;
}

typedef struct {
  const double *from, *to; /* couplings of two rungs */
} rungs;

/* A step that moves nothing: report, and from the first Adam moment the gradient (NULL: not
 * wanted). */
static cw_train_report report_of(const transition *t, rungs r, cw_gradient kind, const cw_field *x,
                                 const double *weights, double *gradient) {
  cw_train_options opt = transition_options(kind, x->n_config, 1, 1e-300);
  opt.beta1 = 0.5;
  cw_trainer *trainer = make_trainer(t, &opt);
  cw_train_report report;
  check_ok(t->ctx, cw_trainer_transition(trainer, x, weights, r.from, r.to, &report));
  long n = cw_model_n_theta(t->model);
  double *state = cw_alloc((size_t)cw_trainer_state_size(trainer) * sizeof *state);
  cw_trainer_save(trainer, state);
  for (long i = 0; gradient && i < n; i++) gradient[i] = state[n + i] / 0.5;
  free(state);
  cw_trainer_destroy(trainer);
  return report;
}

/* Work w_i of every particle by the layers and actions themselves. */
static double *works(const transition *t, rungs r, const cw_field *x) {
  double *w = cw_alloc((size_t)(x->n_blocks * CW_LANES) * sizeof *w);
  double T[CW_LANES * CW_MAX_TERMS], from[CW_LANES], to[CW_LANES];
  cw_arena *tape = cw_arena_create(1 << 20);
  for (long b = 0; b < x->n_blocks; b++) {
    cw_field block = cw_field_block(x, b);
    cw_model_pass pass;
    cw_arena_mark mark = cw_arena_save(tape);
    check_ok(t->ctx, cw_model_forward_block(t->model, block.data, &pass, tape));
    cw_theory_action(&t->th, &block, r.from, T, from);
    block.data = pass.x;
    cw_theory_action(&t->th, &block, r.to, T, to);
    for (long l = 0; l < block.n_config; l++) w[b * CW_LANES + l] = to[l] - from[l] + pass.logq[l];
    cw_arena_rewind(tape, mark);
  }
  cw_arena_destroy(tape);
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
        .kind = "affine", .parity = i, .net = {.kind = CW_NET_DENSE, .n_hidden = 0}};
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
  spec.layer[0] = (cw_layer_spec){.kind = "mean", .z2 = true, .bins = 12, .range = 3};
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

/* ------------------------------------------------------- walks that train */

/* On one site with S = a x^2, a = m2, every flow learns sqrt(a/b), wherever on the ladder it is,
 * with the particles of a walk for a batch; and then no work is done by any of them. Rung k-1's
 * mean work is the exact -ln(Z_k/Z_{k-1}). */
static void train_ladder(cw_context *ctx, double threshold) {
  enum { RUNGS = 4, N = 100, STEPS = 300 };
  static const double params[RUNGS][CW_MAX_PARAMS] = {{1.5}, {0.4}, {3}, {2}};
  cw_model_spec spec = {
      .prior = {.kind = CW_PRIOR_NORMAL, .sigma = 1}, .n_layers = 1, .layer = {{.kind = "scale"}}};
  transition t[RUNGS - 1];
  cw_map map[RUNGS - 1];
  cw_trainer *trainer[RUNGS - 1];
  cw_train_report report[RUNGS - 1];
  cw_ladder ladder;
  cw_population p;
  cw_walk *w;
  cw_train_options opt = transition_options(CW_GRADIENT_PATH, N, STEPS, 0.03);
  for (int k = 0; k < RUNGS - 1; k++) {
    t[k] = open_transition(ctx, (cw_lattice){1, {1}}, &spec);
    map[k] = cw_map_of_model(t[k].model);
    trainer[k] = make_trainer(&t[k], &opt);
  }
  check_ok(ctx, cw_ladder_create(ctx, &t[0].th, RUNGS, params, &ladder));
  check_ok(ctx, cw_population_create(ctx, &ladder, N, &p));
  cw_walk_options options = {
      .sampler = cw_sampler_find("hmc"), .mutations = 1, .threshold = threshold, .map = map};
  check_ok(ctx, cw_walk_create(ctx, &ladder, &options, &p, &w));
  for (uint32_t step = 0; step < STEPS; step++) {
    cw_field x = normal_particles(&t[0], N, sqrt(0.5 / params[0][0]), step);
    cw_population_start(&p, &x);
    check_ok(ctx, cw_walk_train(w, &p, cw_rng_stream(2, "walk"), step, trainer, report));
    cw_field_destroy(&x);
  }
  for (int k = 0; k < RUNGS - 1; k++) {
    double exact = 0.5 * log(params[k][0] / params[k + 1][0]);
    check_close(cw_model_theta(t[k].model)[0], exact, 1e-3);
    check_close(report[k].loss, -exact, 3e-3);
    assert_true(report[k].ess > 0.9999);
    cw_trainer_destroy(trainer[k]);
    close_transition(&t[k]);
  }
  cw_walk_destroy(w);
  cw_population_destroy(&p);
  cw_ladder_destroy(&ladder);
}

static void test_trained_ladder(void **state) {
  train_ladder(*state, 0);
  train_ladder(*state, 1);
}

/* The batch is weighted as the population is, where the program resamples, and else not: seen in
 * the work reported for the second of two transitions, whose particles arrive with the weights of
 * an untrained first. */
static void test_training_weights(void **state) {
  enum { RUNGS = 3, N = 60 };
  static const double params[RUNGS][CW_MAX_PARAMS] = {{0.5}, {1.5}, {4}};
  cw_model_spec spec = {
      .prior = {.kind = CW_PRIOR_NORMAL, .sigma = 1}, .n_layers = 1, .layer = {{.kind = "scale"}}};
  transition t = open_transition(*state, (cw_lattice){1, {1}}, &spec);
  cw_map map = cw_map_of_model(t.model);
  cw_ladder ladder;
  cw_population p;
  check_ok(t.ctx, cw_ladder_create(t.ctx, &t.th, RUNGS, params, &ladder));
  check_ok(t.ctx, cw_population_create(t.ctx, &ladder, N, &p));
  cw_field x = normal_particles(&t, N, 0.7, 1);
  for (int resamples = 0; resamples < 2; resamples++) {
    cw_train_options opt = transition_options(CW_GRADIENT_PLAIN, N, 1, 1e-300);
    cw_trainer *one = make_trainer(&t, &opt), *two = make_trainer(&t, &opt);
    cw_train_report report[RUNGS - 1];
    /* so low a threshold that it never happens */
    cw_walk_options options = {.sampler = cw_sampler_find("hmc"),
                               .threshold = resamples ? 1e-9 : 0,
                               .map = (cw_map[]){map, map}};
    cw_walk *w;
    check_ok(t.ctx, cw_walk_create(t.ctx, &ladder, &options, &p, &w));
    cw_population_start(&p, &x);
    check_ok(t.ctx,
             cw_walk_train(w, &p, cw_rng_stream(2, "walk"), 0, (cw_trainer *[]){one, two}, report));
    double expected = 0, total = 0, d01 = ladder.c[1][1] - ladder.c[0][1];
    for (long i = 0; i < N; i++) {
      double x2 = pow(cw_field_get(&x, i, 0, 0), 2), weight = resamples ? exp(-d01 * x2) : 1;
      expected += weight * (ladder.c[2][1] - ladder.c[1][1]) * x2;
      total += weight;
    }
    check_close(report[1].loss, expected / total, 1e-12);
    cw_walk_destroy(w);
    cw_trainer_destroy(one);
    cw_trainer_destroy(two);
  }
  cw_field_destroy(&x);
  cw_population_destroy(&p);
  cw_ladder_destroy(&ladder);
  close_transition(&t);
}

/* -------------------------------------------------- start and diagnosis */

/* Every kind of layer starts at the identity, and can leave it: its gradient is not zero. */
static void test_identity(void **state) {
  for (int k = 0; cw_layers[k] != NULL; k++)
    for (int z2 = 0; z2 < 2; z2++) {
      cw_model_spec spec = {.prior = {.kind = CW_PRIOR_NORMAL, .sigma = 1}, .n_layers = 2};
      for (int i = 0; i < 2; i++)
        spec.layer[i] = (cw_layer_spec){.kind = cw_layers[k]->ops->name,
                                        .parity = i,
                                        .z2 = z2,
                                        .bins = 5,
                                        .range = 3,
                                        .net = NET(.n_hidden = 1, .hidden = {6})};
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

/* --------------------------------------------------------------------- phi^4 */

/* ln <e^-w> and its error. */
static cw_estimate log_mean(const double *w, long n) {
  double top = -INFINITY, sum = 0, square = 0;
  for (long i = 0; i < n; i++) top = fmax(top, -w[i]);
  for (long i = 0; i < n; i++) {
    double u = exp(-w[i] - top);
    sum += u;
    square += u * u;
  }
  return (cw_estimate){.value = top + log(sum / (double)n),
                       .error = sqrt(square / (sum * sum) - 1 / (double)n)};
}

static cw_field part_of_field(const cw_field *x, long first_block, long n_blocks) {
  cw_field part = *x;
  part.data += (size_t)first_block * cw_field_block_size(x);
  part.n_blocks = n_blocks;
  part.n_config = n_blocks * CW_LANES;
  part.owns_data = false;
  return part;
}

/* 8x8, m2 = -4, from lambda = 8 to 6.008 with configurations of HMC: training lowers the loss, the
 * ESS of new configurations rises well above that without flow, and ln(Z'/Z) from their works
 * stays. */
static void test_phi4(void **state) {
  enum { STEPS = 300, BATCH = 32, BLOCKS = 512 }; /* blocks of 16 */
  static const double from_params[] = {-4, 8}, to_params[CW_MAX_PARAMS] = {-4, 6.008};
  cw_model_spec spec;
  stack(&spec, (cw_prior_spec){.sigma = 1}, "affine", 2, 8, true);
  flow f = open_flow(*state, (cw_lattice){2, {8, 8}}, "m2", from_params, &spec);
  double to[CW_MAX_TERMS];
  f.th.ops->couplings(0, &f.geom->lat, to_params, to);
  rungs r = {f.th.c, to};
  cw_field all =
      draw_target(&f, "hmc", 512, 32, 2); /* half of the chains to train, half to judge */
  cw_model_init_identity(f.model, 1);
  transition t = {.ctx = f.ctx, .geom = f.geom, .th = f.th, .model = f.model};
  cw_field fresh = part_of_field(&all, BLOCKS, BLOCKS), x;
  double *weights = even_weights(&fresh), *w0 = works(&t, r, &fresh);
  cw_train_report before = report_of(&t, r, CW_GRADIENT_PATH, &fresh, weights, NULL);
  cw_train_options opt = transition_options(CW_GRADIENT_PATH, BATCH * CW_LANES, STEPS, 2e-3);
  cw_trainer *trainer = make_trainer(&t, &opt);
  cw_train_report report;
  double third[3] = {0};
  for (int i = 0; i < BATCH * CW_LANES; i++) weights[i] = 1. / (BATCH * CW_LANES);
  for (int i = 0; i < STEPS; i++) {
    x = part_of_field(&all, i * BATCH % BLOCKS, BATCH);
    check_ok(f.ctx, cw_trainer_transition(trainer, &x, weights, r.from, r.to, &report));
    third[3 * i / STEPS] += 3 * report.loss / STEPS;
  }
  for (long i = 0; i < fresh.n_config; i++) weights[i] = 1 / (double)fresh.n_config;
  cw_train_report after = report_of(&t, r, CW_GRADIENT_PATH, &fresh, weights, NULL);
  print_message("  loss %.4f +- %.4f -> %.4f, in thirds of the training %.4f %.4f %.4f; "
                "ess %.3f -> %.3f\n",
                before.loss, before.loss_error, after.loss, third[0], third[1], third[2],
                before.ess, after.ess);
  assert_true(third[1] < third[0] && third[2] < third[1] + 0.01);
  assert_true(after.loss < before.loss - 10 * before.loss_error);
  assert_true(after.ess > before.ess + 0.25);
  double *w1 = works(&t, r, &fresh);
  cw_estimate lnz0 = log_mean(w0, fresh.n_config), lnz1 = log_mean(w1, fresh.n_config);
  print_message("  ln(Z'/Z) %.4f(%.4f) without, %.4f(%.4f) with the flow\n", lnz0.value, lnz0.error,
                lnz1.value, lnz1.error);
  check_sigma(lnz1.value, 2 * lnz0.error, lnz0.value, 4); /* errors without autocorrelation */
  assert_true(lnz1.value > -after.loss - 4 * after.loss_error);
  cw_trainer_destroy(trainer);
  cw_field_destroy(&all);
  free(weights);
  free(w0);
  free(w1);
  close_flow(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_report),           cmocka_unit_test(test_gradient),
      cmocka_unit_test(test_path_gradient),    cmocka_unit_test(test_exact_scale),
      cmocka_unit_test(test_trained_scale),    cmocka_unit_test(test_trained_affine),
      cmocka_unit_test(test_trained_mean),     cmocka_unit_test(test_trained_ladder),
      cmocka_unit_test(test_training_weights), cmocka_unit_test(test_identity),
      cmocka_unit_test(test_bad_input),        cmocka_unit_test(test_not_a_number),
      cmocka_unit_test(test_same_bits),        cmocka_unit_test(test_phi4),
  };
  return cmocka_run_group_tests_name("transition", tests, test_open_context_1, test_close_context);
}
