/* Models: densities that integrate to one and agree both ways, scores and gradients against
 * differences, the four gradient estimators against each other, bits for any number of threads,
 * checkpoints. */
#include <stdlib.h>
#include <string.h>

#include "causeway/train.h"
#include "support/check.h"

#define CONV(...)                                                                                  \
  { .kind = CW_NET_CONV, .kernel = 3, __VA_ARGS__ }

typedef struct {
  const char *what;
  cw_lattice lat;
  double width; /* of a product of normals that q covers with finite variance of the ratio */
  cw_model_spec spec;
} model_case;

static const model_case cases[] = {
    {"normal prior alone", {2, {2, 2}}, 0.6, {.prior = {.kind = CW_PRIOR_NORMAL, .sigma = 0.7}}},
    {"free prior alone",
     {2, {2, 3}},
     0.24,
     {.prior = {.kind = CW_PRIOR_FREE, .sigma = 0.7, .mass2 = 0.5}}},
    {"affine",
     {2, {4, 4}},
     0.8,
     {.prior = {.kind = CW_PRIOR_NORMAL, .sigma = 1},
      .n_layers = 3,
      .layer = {{.kind = "affine", .net = CONV(.n_hidden = 1, .hidden = {6})},
                {.kind = "affine", .number = 1, .net = CONV(.n_hidden = 1, .hidden = {6})},
                {.kind = "scale"}}}},
    {"spline z2 on a free prior",
     {2, {2, 4}},
     0.33,
     {.prior = {.kind = CW_PRIOR_FREE, .sigma = 1, .mass2 = 0.8},
      .n_layers = 2,
      .layer = {{.kind = "spline", .param = {1, 4, 3}, .net = CONV(.n_hidden = 1, .hidden = {6})},
                {.kind = "affine",
                 .param = {1},
                 .number = 1,
                 .net = CONV(.n_hidden = 1, .hidden = {6})}}}},
    {"mean of an odd lattice",
     {2, {3, 3}},
     0.5,
     {.prior = {.kind = CW_PRIOR_NORMAL, .sigma = 1},
      .n_layers = 2,
      .layer = {{.kind = "mean", .param = {0, 6, 1.5, 2}}, {.kind = "scale"}}}},
    {"mixture with derivatives of each",
     {2, {3, 3}},
     0.5,
     {.prior = {.kind = CW_PRIOR_NORMAL, .sigma = 1},
      .z2_mixture = true,
      .n_layers = 1,
      .layer = {{.kind = "mean", .param = {0, 6, 1.5, 2}}}}},
    {"mixture",
     {2, {4, 4}},
     0.8,
     {.prior = {.kind = CW_PRIOR_NORMAL, .sigma = 1},
      .z2_mixture = true,
      .n_layers = 2,
      .layer = {{.kind = "affine", .net = CONV(.n_hidden = 1, .hidden = {6})},
                {.kind = "affine", .number = 1, .net = CONV(.n_hidden = 1, .hidden = {6})}}}},
};
enum { N_CASES = sizeof cases / sizeof *cases };

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_model *model;
  cw_theory th;
  double *theta;
  cw_arena *arena;
  size_t n;
  double width;
  bool kinks;
} bench;

static void open_bench(bench *b, const model_case *k, int threads) {
  static const double params[] = {-1.0, 1.3}; /* m2 form, away from anything special */
  b->ctx = test_context(threads);
  b->width = k->width;
  b->kinks = k->spec.n_layers > 0 && strcmp(k->spec.layer[0].kind, "spline") == 0;
  check_ok(b->ctx, cw_geometry_create(b->ctx, &k->lat, 1, &b->geom));
  check_ok(b->ctx, cw_model_create(b->ctx, &k->spec, b->geom, &b->model));
  check_ok(b->ctx, cw_theory_create(b->ctx, cw_theory_find("phi4"), b->geom, 0, params, &b->th));
  long n = cw_model_n_theta(b->model);
  b->theta = cw_alloc((size_t)n * sizeof(double));
  for (long i = 0; i < n; i++) {
    double z[2];
    cw_normal2(CW_ISA_BASE, cw_rng_stream(3, "theta"), (uint32_t)i, 0, 0, 0, z);
    b->theta[i] = (float)(0.15 * z[0]);
  }
  cw_model_set_theta(b->model, b->theta);
  b->arena = cw_arena_create(1 << 18);
  b->n = (size_t)b->geom->n_outer * CW_LANES;
}

static void close_bench(bench *b) {
  cw_model_destroy(b->model);
  cw_geometry_destroy(b->geom);
  cw_arena_destroy(b->arena);
  free(b->theta);
  cw_context_destroy(b->ctx);
}

static void for_cases(void (*test)(bench *)) {
  for (int i = 0; i < N_CASES; i++) {
    print_message("  %s\n", cases[i].what);
    bench b = {0};
    open_bench(&b, &cases[i], 1);
    test(&b);
    close_bench(&b);
  }
}

/* log q reported with a sample is log q of the sample. */
static void both_ways_agree(bench *b) {
  enum { N = 100 };
  cw_field x;
  double *a = cw_alloc(N * sizeof *a), *c = cw_alloc(N * sizeof *c);
  check_ok(b->ctx, cw_field_create(b->ctx, b->geom, 1, N, &x));
  check_ok(b->ctx, cw_model_sample(b->ctx, b->model, cw_rng_stream(1, "s"), 0, &x, a));
  check_ok(b->ctx, cw_model_log_prob(b->ctx, b->model, &x, c));
  for (int i = 0; i < N; i++) check_close(a[i], c[i], 1e-11);
  cw_field_destroy(&x);
  free(a);
  free(c);
}

/* Integral of q = 1: <r(x)/q(x)> over x ~ q for a known normalised density r that is nowhere much
 * wider than q. */
static void density_is_normalised(bench *b) {
  enum { N = 40000 };
  cw_field x;
  double *logq = cw_alloc(N * sizeof *logq), mean = 0, square = 0;
  const double sigma = b->width;
  check_ok(b->ctx, cw_field_create(b->ctx, b->geom, 1, N, &x));
  check_ok(b->ctx, cw_model_sample(b->ctx, b->model, cw_rng_stream(1, "s"), 0, &x, logq));
  for (long i = 0; i < N; i++) {
    double logr = 0;
    for (long s = 0; s < b->geom->n_sites; s++) {
      double v = cw_field_get(&x, i, s, 0) / sigma;
      logr -= 0.5 * v * v + 0.5 * log(2 * M_PI) + log(sigma);
    }
    double w = exp(logr - logq[i]);
    mean += w / N;
    square += w * w / N;
  }
  check_sigma(mean, sqrt((square - mean * mean) / N), 1, 4);
  cw_field_destroy(&x);
  free(logq);
}

/* Score against 4-point differences of log q along a random direction in each lane. A spline's
 * second derivative jumps at its knots: a few lanes may have a knot within the step, and no more
 * than a few. */
static void score_is_the_gradient(bench *b) {
  static const double weight[4] = {1. / 12, -2. / 3, 2. / 3, -1. / 12}, at[4] = {-2, -1, 1, 2};
  cw_model_pass pass, moved;
  double *g = cw_alloc(b->n * sizeof *g), *x = cw_alloc(b->n * sizeof *x),
         *d = cw_alloc(b->n * sizeof *d);
  check_ok(b->ctx, cw_model_sample_block(b->model, cw_rng_stream(1, "s"), 0, 0, &pass, b->arena));
  check_ok(b->ctx, cw_model_score_block(b->model, &pass, g, b->arena));
  cw_field direction = {
      .geom = b->geom, .n_comp = 1, .B = CW_LANES, .n_config = CW_LANES, .n_blocks = 1, .data = d};
  cw_field_normal(CW_ISA_BASE, &direction, cw_rng_stream(9, "d"), 0, 0);
  double h = 2e-3, numeric[CW_LANES] = {0};
  int off = 0;
  for (int k = 0; k < 4; k++) {
    for (size_t i = 0; i < b->n; i++) x[i] = pass.x[i] + at[k] * h * d[i];
    check_ok(b->ctx, cw_model_log_prob_block(b->model, x, &moved, b->arena));
    for (int l = 0; l < CW_LANES; l++) numeric[l] += weight[k] / h * moved.logq[l];
  }
  for (int l = 0; l < CW_LANES; l++) {
    double exact = 0, norm = 0;
    for (size_t o = 0; o < b->n / CW_LANES; o++) {
      exact += g[o * CW_LANES + (size_t)l] * d[o * CW_LANES + (size_t)l];
      norm += g[o * CW_LANES + (size_t)l] * g[o * CW_LANES + (size_t)l];
    }
    if (fabs(numeric[l] - exact) > 2e-3 * sqrt(norm)) off++;
  }
  assert_true(off <= (b->kinks ? 4 : 0));
  free(g);
  free(x);
  free(d);
}

/* d ln q/dtheta at x of either pass: sums, and of each configuration (NULL: layers that cannot). */
static void scores_of(bench *b, const cw_model_pass *pass, double *sum, double *each) {
  const size_t n = (size_t)cw_model_n_theta(b->model);
  double one[CW_LANES] CW_ALIGNED, *g = cw_alloc(b->n * sizeof *g);
  for (int l = 0; l < CW_LANES; l++) one[l] = 1;
  for (size_t k = 0; k < n; k++) sum[k] = 0;
  if (each != NULL) memset(each, 0, n * CW_LANES * sizeof *each);
  check_ok(b->ctx,
           cw_model_log_prob_vjp(b->model, pass, one, g, &(cw_gradient_of){sum, each}, b->arena));
  free(g);
}

/* The natural gradient takes scores behind the pass that drew the configurations. */
static void scores_do_not_ask_who_drew(bench *b) {
  const size_t n = (size_t)cw_model_n_theta(b->model);
  const bool has_each = cw_model_has_each(b->model);
  double *x = cw_alloc(b->n * sizeof *x), *sum[2], *each[2] = {NULL, NULL};
  cw_model_pass pass;
  for (int i = 0; i < 2; i++) {
    sum[i] = cw_alloc(n * sizeof **sum);
    if (has_each) each[i] = cw_alloc(n * CW_LANES * sizeof **each);
  }
  check_ok(b->ctx, cw_model_sample_block(b->model, cw_rng_stream(1, "s"), 0, 0, &pass, b->arena));
  memcpy(x, pass.x, b->n * sizeof *x);
  scores_of(b, &pass, sum[0], each[0]);
  check_ok(b->ctx, cw_model_log_prob_block(b->model, x, &pass, b->arena));
  scores_of(b, &pass, sum[1], each[1]);
  for (size_t k = 0; k < n; k++) {
    check_close(sum[0][k], sum[1][k], 1e-4); /* networks are in float */
    for (int l = 0; has_each && l < CW_LANES; l++)
      check_close(each[0][k * CW_LANES + (size_t)l], each[1][k * CW_LANES + (size_t)l], 1e-8);
  }
  for (int i = 0; i < 2; i++) free(sum[i]), free(each[i]);
  free(x);
}

/* ---- gradients of losses in the parameters ---- */

/* A training step with a vanishing rate: loss and, from the first Adam moment, its gradient. */
static double loss_and_gradient(bench *b, cw_loss loss, cw_gradient kind, long batch,
                                const cw_field *data, uint32_t seed, double *gradient) {
  cw_train_options opt = {.loss = loss,
                          .gradient = kind,
                          .batch = batch,
                          .steps = 1,
                          .rate = 1e-300,
                          .beta1 = 0.5,
                          .beta2 = 0.5,
                          .epsilon = 1e-8};
  cw_trainer *t = NULL;
  cw_train_report report;
  cw_model_set_theta(b->model, b->theta);
  check_ok(b->ctx, cw_trainer_create(b->ctx, &opt, b->model, &b->th, cw_rng_stream(seed, "g"), &t));
  check_ok(b->ctx, cw_trainer_step(t, data, &report));
  long n = cw_model_n_theta(b->model);
  double *state = cw_alloc((size_t)cw_trainer_state_size(t) * sizeof *state);
  cw_trainer_save(t, state);
  for (long i = 0; i < n; i++) gradient[i] = state[n + i] / 0.5;
  free(state);
  cw_trainer_destroy(t);
  cw_model_set_theta(b->model, b->theta);
  return report.loss;
}

static void fill_data(bench *b, cw_field *data) {
  check_ok(b->ctx, cw_field_create(b->ctx, b->geom, 1, 64, data));
  cw_field_normal(CW_ISA_BASE, data, cw_rng_stream(2, "data"), 0, 0);
}

/* The plain gradients are exact derivatives of the batch loss at fixed random numbers. */
static void plain_gradient_is_exact(bench *b) {
  long n = cw_model_n_theta(b->model);
  if (n == 0) return;
  cw_field data;
  fill_data(b, &data);
  double *g = cw_alloc((size_t)n * sizeof *g), *unused = cw_alloc((size_t)n * sizeof *g),
         *theta = cw_alloc((size_t)n * sizeof *theta);
  memcpy(theta, b->theta, (size_t)n * sizeof *theta);
  for (int loss = 0; loss < 2; loss++) {
    const cw_field *p = loss == CW_LOSS_FORWARD_KL ? &data : NULL;
    loss_and_gradient(b, (cw_loss)loss, CW_GRADIENT_PLAIN, 32, p, 1, g);
    double numeric = 0, h = 2e-3, norm = sqrt(cw_dot(g, g, (size_t)n));
    static const double weight[4] = {1. / 12, -2. / 3, 2. / 3, -1. / 12}, at[4] = {-2, -1, 1, 2};
    for (int k = 0; k < 4; k++) {
      for (long i = 0; i < n; i++)
        b->theta[i] = theta[i] + at[k] * h * (i % 3 == 0 ? 1 : i % 3 == 1 ? -1 : 0.5);
      numeric +=
          weight[k] / h * loss_and_gradient(b, (cw_loss)loss, CW_GRADIENT_PLAIN, 32, p, 1, unused);
    }
    memcpy(b->theta, theta, (size_t)n * sizeof *theta);
    double exact = 0;
    for (long i = 0; i < n; i++) exact += g[i] * (i % 3 == 0 ? 1 : i % 3 == 1 ? -1 : 0.5);
    check_close(numeric / norm, exact / norm, 2e-3);
  }
  cw_field_destroy(&data);
  free(g);
  free(unused);
  free(theta);
}

/* Path and plain gradients of the reverse KL have the same mean: along random directions their
 * difference over many batches is zero within its error. */
static void path_gradient_is_unbiased(bench *b) {
  long n = cw_model_n_theta(b->model);
  if (n == 0) return;
  enum { BATCHES = 40, DIRECTIONS = 3 };
  double *g = cw_alloc((size_t)n * sizeof *g), mean[DIRECTIONS] = {0}, square[DIRECTIONS] = {0};
  for (uint32_t k = 0; k < BATCHES; k++) {
    double d[2][DIRECTIONS] = {{0}};
    for (int kind = 0; kind < 2; kind++) {
      loss_and_gradient(b, CW_LOSS_REVERSE_KL, (cw_gradient)kind, 256, NULL, k, g);
      for (uint32_t j = 0; j < DIRECTIONS; j++)
        for (long i = 0; i < n; i++) {
          uint32_t r[4];
          cw_random_bits(cw_rng_stream(1, "sign"), (uint32_t)i, j, 0, 0, r);
          d[kind][j] += r[0] & 1 ? g[i] : -g[i];
        }
    }
    for (int j = 0; j < DIRECTIONS; j++) {
      mean[j] += (d[0][j] - d[1][j]) / BATCHES;
      square[j] += (d[0][j] - d[1][j]) * (d[0][j] - d[1][j]) / BATCHES;
    }
  }
  for (int j = 0; j < DIRECTIONS; j++)
    check_sigma(mean[j], sqrt((square[j] - mean[j] * mean[j]) / (BATCHES - 1)), 0, 4);
  free(g);
}

/* A target that the flow's prior solves: lambda = 0, S = sum (d phi)^2 + m2 phi^2, sigma^2 = 1/2.
 */
static void open_gaussian(bench *b) {
  static const model_case k = {
      "",
      {2, {4, 4}},
      1,
      {.prior = {.kind = CW_PRIOR_FREE, .sigma = 0.70710678118654752, .mass2 = 0.6},
       .n_layers = 2,
       .layer = {{.kind = "affine", .net = CONV(.n_hidden = 1, .hidden = {6})},
                 {.kind = "scale"}}}};
  static const double params[] = {0.6, 0.0};
  open_bench(b, &k, 1);
  check_ok(b->ctx, cw_theory_create(b->ctx, cw_theory_find("phi4"), b->geom, 0, params, &b->th));
}

/* For samples of the model itself the forward path gradient has the mean of the plain one, zero,
 * and less noise; and where q = p both path gradients vanish sample by sample: a free prior against
 * the same Gaussian theory. */
static void path_gradients_vanish_at_the_target(void **state) {
  (void)state;
  bench b = {0};
  open_gaussian(&b);
  long n = cw_model_n_theta(b.model);
  memset(b.theta, 0, (size_t)n * sizeof *b.theta); /* all networks give zero: q is the prior */
  double *g = cw_alloc((size_t)n * sizeof *g);
  cw_field data;
  fill_data(&b, &data);
  loss_and_gradient(&b, CW_LOSS_REVERSE_KL, CW_GRADIENT_PATH, 32, NULL, 1, g);
  for (long i = 0; i < n; i++) check_close(g[i], 0, 1e-6);
  loss_and_gradient(&b, CW_LOSS_FORWARD_KL, CW_GRADIENT_PATH, 32, &data, 1, g);
  for (long i = 0; i < n; i++) check_close(g[i], 0, 1e-6);
  loss_and_gradient(&b, CW_LOSS_REVERSE_KL, CW_GRADIENT_PLAIN, 32, NULL, 1, g);
  assert_true(cw_dot(g, g, (size_t)n) > 1e-2); /* the plain one is noise there */
  cw_field_destroy(&data);
  free(g);
  close_bench(&b);
}

/* Forward KL: for data drawn from q itself and p = another density, path and plain gradients agree
 * in the mean. Here p = q_theta0 is realised by a theory that the flow's prior solves exactly, and
 * theta is moved away from it. */
static void forward_path_gradient_is_unbiased(void **state) {
  (void)state;
  bench b = {0};
  open_gaussian(&b);
  long n = cw_model_n_theta(b.model);
  double *lively = cw_alloc((size_t)n * sizeof *lively), *g = cw_alloc((size_t)n * sizeof *g),
         *logq = cw_alloc(20000 * sizeof *logq);
  memcpy(lively, b.theta, (size_t)n * sizeof *lively);
  memset(b.theta, 0, (size_t)n * sizeof *b.theta);
  cw_model_set_theta(b.model, b.theta);
  cw_field data;
  check_ok(b.ctx, cw_field_create(b.ctx, b.geom, 1, 20000, &data));
  check_ok(b.ctx, cw_model_sample(b.ctx, b.model, cw_rng_stream(4, "p"), 0, &data,
                                  logq)); /* exact samples of the target */
  memcpy(b.theta, lively, (size_t)n * sizeof *lively);
  double mean = 0, square = 0;
  enum { BATCHES = 60 };
  for (uint32_t i = 0; i < BATCHES; i++) {
    double d[2] = {0};
    for (int kind = 0; kind < 2; kind++) {
      loss_and_gradient(&b, CW_LOSS_FORWARD_KL, (cw_gradient)kind, 256, &data, i, g);
      for (long j = 0; j < n; j++) d[kind] += j % 2 ? g[j] : -g[j];
    }
    mean += (d[0] - d[1]) / BATCHES;
    square += (d[0] - d[1]) * (d[0] - d[1]) / BATCHES;
  }
  check_sigma(mean, sqrt((square - mean * mean) / (BATCHES - 1)), 0, 4);
  cw_field_destroy(&data);
  free(lively);
  free(g);
  free(logq);
  close_bench(&b);
}

/* ---- bits ---- */

static void train_some(bench *b, long steps, double *state) {
  cw_train_options opt = {.batch = 160,
                          .steps = 20,
                          .rate = 1e-2,
                          .warmup = 3,
                          .schedule = CW_SCHEDULE_COSINE,
                          .clip = 5,
                          .beta1 = 0.9,
                          .beta2 = 0.99,
                          .epsilon = 1e-8};
  cw_trainer *t = NULL;
  cw_train_report report;
  check_ok(b->ctx, cw_trainer_create(b->ctx, &opt, b->model, &b->th, cw_rng_stream(1, "t"), &t));
  if (state[0] >= 0) cw_trainer_load(t, state + 1);
  for (long i = 0; i < steps; i++) check_ok(b->ctx, cw_trainer_step(t, NULL, &report));
  cw_trainer_save(t, state + 1);
  state[0] = 1;
  cw_trainer_destroy(t);
}

static void training_has_the_same_bits(void **state) {
  (void)state;
  double *result[3];
  size_t size = 0;
  for (int i = 0; i < 3; i++) { /* one thread; two threads; one thread interrupted after 7 steps */
    bench b = {0};
    open_bench(&b, &cases[2], i == 1 ? 2 : 1);
    size = (size_t)(3 * cw_model_n_theta(b.model) + 16);
    result[i] = cw_alloc(size * sizeof **result);
    result[i][0] = -1;
    train_some(&b, i == 2 ? 7 : 20, result[i]);
    close_bench(&b);
    if (i != 2) continue;
    open_bench(&b, &cases[2], 1);
    train_some(&b, 13, result[i]);
    close_bench(&b);
  }
  assert_memory_equal(result[0], result[1], size * sizeof **result);
  assert_memory_equal(result[0], result[2], size * sizeof **result);
  for (int i = 0; i < 3; i++) free(result[i]);
}

static void sampling_has_the_same_bits(void **state) {
  enum { N = 200 };
  cw_field x[2];
  double logq[2][N];
  bench b[2] = {{0}, {0}};
  (void)state;
  for (int i = 0; i < 2; i++) {
    open_bench(&b[i], &cases[4], i + 1);
    check_ok(b[i].ctx, cw_field_create(b[i].ctx, b[i].geom, 1, N, &x[i]));
    check_ok(b[i].ctx,
             cw_model_sample(b[i].ctx, b[i].model, cw_rng_stream(1, "s"), 0, &x[i], logq[i]));
  }
  assert_memory_equal(logq[0], logq[1], sizeof logq[0]);
  assert_memory_equal(x[0].data, x[1].data,
                      (size_t)x[0].n_blocks * cw_field_block_size(&x[0]) * sizeof(double));
  for (int i = 0; i < 2; i++) {
    cw_field_destroy(&x[i]);
    close_bench(&b[i]);
  }
}

/* A mean far outside of every float: training must say at which step and layer. */
static void not_a_number_is_named(void **state) {
  (void)state;
  bench b = {0};
  open_bench(&b, &cases[2], 1);
  b.theta[cw_model_n_theta(b.model) - 1] = 1e30; /* the scale layer, number 2 */
  cw_model_set_theta(b.model, b.theta);
  cw_train_options opt = {
      .batch = 32, .steps = 1, .rate = 1e-3, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8};
  cw_trainer *t = NULL;
  cw_train_report report;
  check_ok(b.ctx, cw_trainer_create(b.ctx, &opt, b.model, &b.th, cw_rng_stream(1, "t"), &t));
  assert_int_equal(cw_trainer_step(t, NULL, &report), CW_ENUMERIC);
  assert_non_null(strstr(cw_error(b.ctx), "step 0"));
  assert_non_null(strstr(cw_error(b.ctx), "layer 2 (scale)"));
  cw_trainer_destroy(t);
  close_bench(&b);
}

static void test_both_ways(void **state) { (void)state, for_cases(both_ways_agree); }
static void test_normalised(void **state) { (void)state, for_cases(density_is_normalised); }
static void test_score(void **state) { (void)state, for_cases(score_is_the_gradient); }
static void test_scores(void **state) { (void)state, for_cases(scores_do_not_ask_who_drew); }
static void test_plain_gradient(void **state) { (void)state, for_cases(plain_gradient_is_exact); }
static void test_path_gradient(void **state) { (void)state, for_cases(path_gradient_is_unbiased); }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_both_ways),
      cmocka_unit_test(test_normalised),
      cmocka_unit_test(test_score),
      cmocka_unit_test(test_scores),
      cmocka_unit_test(test_plain_gradient),
      cmocka_unit_test(test_path_gradient),
      cmocka_unit_test(path_gradients_vanish_at_the_target),
      cmocka_unit_test(forward_path_gradient_is_unbiased),
      cmocka_unit_test(training_has_the_same_bits),
      cmocka_unit_test(sampling_has_the_same_bits),
      cmocka_unit_test(not_a_number_is_named),
  };
  return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
