/* Steps along the natural gradient against the normal equations in the parameters, and as an optimizer where the answer
 * is known. */
#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/natural_gradient.h"

/* ---- one step ---- */

static double random_number(uint32_t i, uint32_t draw) {
  double z[2];
  cw_normal2(CW_ISA_BASE, cw_rng_stream(7, "natural_gradient"), i, 0, 0, draw, z);
  return z[0];
}

/* Configurations with means that must not matter. */
enum { N = 48 };

static cw_scored_batch batch(long n_theta) {
  const long stride = cw_score_stride(n_theta);
  cw_scored_batch b = {.n = N, .n_theta = n_theta};
  b.w = cw_alloc(N * sizeof *b.w);
  b.score = cw_alloc((size_t)(N * stride) * sizeof *b.score);
  for (uint32_t i = 0; i < N; i++) {
    b.w[i] = 300 + 2 * random_number(i, 0);
    for (long k = 0; k < stride; k++)
      b.score[i * stride + k] =
          k < n_theta ? (double)(k % 3) + random_number(i, 1 + (uint32_t)k) : 0;
  }
  return b;
}

static void close_batch(cw_scored_batch *b) {
  free(b->w);
  free(b->score);
}

/* (S^T S + damping var) step = -S^T w, all about the mean; the change it foretells, and the gradient. */
static void expect_normal_equations(const cw_scored_batch *b, double damping, const double *step,
                                    const cw_natural_report *report) {
  const long p = b->n_theta;
  const long stride = cw_score_stride(p);
  double *gram = cw_alloc((size_t)(p * p) * sizeof *gram),
         *moment = cw_alloc((size_t)p * sizeof *moment), *mean = cw_alloc((size_t)p * sizeof *mean),
         w_mean = 0, variance = 0, square = 0;
  memset(gram, 0, (size_t)(p * p) * sizeof *gram);
  for (long k = 0; k < p; k++) mean[k] = moment[k] = 0;
  for (int i = 0; i < N; i++) {
    w_mean += b->w[i] / N;
    for (long k = 0; k < p; k++) mean[k] += b->score[i * stride + k] / N;
  }
  for (int i = 0; i < N; i++) {
    const double w = b->w[i] - w_mean, *s = b->score + i * stride;
    variance += w * w / N;
    double foretold = 0;
    for (long k = 0; k < p; k++) {
      foretold += (s[k] - mean[k]) * step[k];
      moment[k] -= (s[k] - mean[k]) * w;
      for (long j = 0; j <= k; j++) gram[k * p + j] += (s[k] - mean[k]) * (s[j] - mean[j]);
    }
    square += foretold * foretold / N;
  }
  for (long k = 0; k < p; k++) gram[k * p + k] += damping * variance;
  check_close(report->grad_norm, sqrt(cw_dot(moment, moment, (size_t)p)) / N,
              1e-8 * report->grad_norm);
  assert_true(cw_cholesky(p, gram, 0));
  cw_cholesky_solve(p, gram, moment);
  for (long k = 0; k < p; k++) check_close(step[k], moment[k], 1e-8);
  check_close(report->change, sqrt(square), 1e-8 * sqrt(square));
  free(gram);
  free(moment);
  free(mean);
}

/* Fewer parameters than configurations, more, and more than the kernels take at a time. */
static void steps_solve_the_normal_equations(void **state) {
  static const long sizes[] = {5, 65, 300, 1100};
  (void)state;
  for (int threads = 1; threads <= 2; threads++) {
    cw_context *ctx = test_context(threads);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
      cw_scored_batch given = batch(sizes[k]), b = batch(sizes[k]);
      double step[1100];
      cw_natural_report report;
      check_ok(ctx, cw_natural_gradient(ctx, &b, 0.7, step, &report));
      expect_normal_equations(&given, 0.7, step, &report);
      close_batch(&given);
      close_batch(&b);
    }
    cw_context_destroy(ctx);
  }
}

static void nothing_to_do(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  double step[5];
  cw_natural_report report;
  cw_scored_batch b = batch(5);
  for (int i = 0; i < N; i++) b.w[i] = 17; /* perfect weights */
  check_ok(ctx, cw_natural_gradient(ctx, &b, 1, step, &report));
  for (int k = 0; k < 5; k++) check_close(step[k], 0, 1e-12);
  for (long i = 0; i < N * cw_score_stride(5); i++) b.score[i] = 0;
  b.w[3] = 1; /* parameters that change nothing */
  check_ok(ctx, cw_natural_gradient(ctx, &b, 1, step, &report));
  for (int k = 0; k < 5; k++) check_close(step[k], 0, 0);
  check_close(report.change, 0, 0);
  b.score[cw_score_stride(5) + 1] = NAN;
  assert_int_equal(cw_natural_gradient(ctx, &b, 1, step, &report), CW_ENUMERIC);
  close_batch(&b);
  cw_context_destroy(ctx);
}

/* ---- the optimizer ---- */

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_model *model;
} subject;

/* phi^4 on 4x6 with m^2 = 1, and a flow of one layer on the prior of a heavier, wider free field. */
static subject open_subject(int threads, double lambda, const char *layer, bool mixture) {
  subject s = {.ctx = test_context(threads)};
  const cw_lattice lat = {2, {4, 6}};
  const cw_theory_ops *phi4 = cw_theory_find("phi4");
  const double param[CW_MAX_PARAMS] = {1, lambda};
  cw_model_spec spec = {.prior = {.kind = CW_PRIOR_FREE, .sigma = 0.8, .mass2 = 3},
                        .n_layers = 1,
                        .z2_mixture = mixture};
  spec.layer[0] = cw_layer_presets(cw_layer_find(layer));
  if (strcmp(layer, "free") == 0) spec.layer[0].param[0] = spec.prior.mass2;
  spec.layer[0].net = (cw_net_spec){.n_hidden = 1, .hidden = {4}, .kernel = 3};
  check_ok(s.ctx, cw_geometry_create(s.ctx, &lat, 1, &s.geom));
  int form = 0;
  while (strcmp(phi4->forms[form], "m2") != 0) form++;
  check_ok(s.ctx, cw_theory_create(s.ctx, phi4, s.geom, form, param, &s.th));
  check_ok(s.ctx, cw_model_create(s.ctx, &spec, s.geom, &s.model));
  cw_model_init(s.model, 1);
  return s;
}

static void close_subject(subject *s) {
  cw_model_destroy(s->model);
  cw_theory_destroy(&s->th);
  cw_geometry_destroy(s->geom);
  cw_context_destroy(s->ctx);
}

static cw_train_options natural_gradient(long steps) {
  return (cw_train_options){.optimizer = CW_OPTIMIZER_NATURAL_GRADIENT,
                            .batch = 64,
                            .steps = steps,
                            .rate = 1,
                            .clip = 1,
                            .damping = 1};
}

/* So many steps, after those of `from` (NULL: none); the state goes into `to` if it is not NULL. */
static cw_train_report train(subject *s, long steps, const double *from, double *to) {
  const cw_train_options opt = natural_gradient(steps);
  cw_trainer *t;
  cw_train_report report = {0};
  check_ok(s->ctx, cw_trainer_create(s->ctx, &opt, s->model, &s->th, cw_rng_stream(1, "t"), &t));
  if (from != NULL) cw_trainer_load(t, from);
  for (long i = 0; i < steps; i++) check_ok(s->ctx, cw_trainer_step(t, NULL, &report));
  if (to != NULL) cw_trainer_save(t, to);
  cw_trainer_destroy(t);
  return report;
}

/* Width and mass of a free field are two parameters; steps end at the exact flow, with equal weights. */
static void a_free_field_is_found_exactly(void **state) {
  (void)state;
  subject s = open_subject(1, 0, "free", false);
  double lnZ = 0;
  for (int x = 0; x < 4; x++)
    for (int y = 0; y < 6; y++)
      lnZ += 0.5 * log(M_PI / (1 + 4 * pow(sin(M_PI * x / 4), 2) + 4 * pow(sin(M_PI * y / 6), 2)));
  cw_train_report r = train(&s, 30, NULL, NULL);
  check_close(r.loss, -lnZ, 1e-9);
  check_close(r.loss_error, 0, 1e-9);
  check_close(r.ess, 1, 1e-12);
  close_subject(&s);
}

static void an_interacting_field_is_nearly_found(void **state) {
  (void)state;
  subject s = open_subject(1, 2, "continuous", false);
  const cw_train_report first = train(&s, 1, NULL, NULL), last = train(&s, 40, NULL, NULL);
  assert_true(first.ess < 0.9);
  assert_true(last.ess > 0.9999);
  assert_true(last.loss < first.loss);
  close_subject(&s);
}

/* How far the first parameter goes in a first step. */
static double first_move(double rate, double clip) {
  subject s = open_subject(1, 2, "free", false);
  cw_train_options opt = natural_gradient(1);
  opt.rate = rate;
  opt.clip = clip;
  cw_trainer *t;
  cw_train_report report;
  const double before = cw_model_theta(s.model)[0];
  check_ok(s.ctx, cw_trainer_create(s.ctx, &opt, s.model, &s.th, cw_rng_stream(1, "t"), &t));
  check_ok(s.ctx, cw_trainer_step(t, NULL, &report));
  const double move = cw_model_theta(s.model)[0] - before;
  cw_trainer_destroy(t);
  close_subject(&s);
  return move;
}

/* Half a step is half as far; what a step may foretell bounds it, and the rate does not matter then. */
static void steps_are_shortened(void **state) {
  (void)state;
  const double whole = first_move(1, 0);
  assert_true(fabs(whole) > 1e-3);
  check_close(first_move(0.5, 0), 0.5 * whole, 1e-12);
  check_close(first_move(1, 1e6), whole, 0);
  const double bounded = first_move(1, 0.02);
  assert_true(fabs(bounded) < 0.5 * fabs(whole));
  check_close(first_move(1, 0.01), 0.5 * bounded, 1e-12);
  check_close(first_move(0.9, 0.02), bounded, 1e-15);
}

static void bits_do_not_depend_on_threads_or_stops(void **state) {
  (void)state;
  enum { STEPS = 6 };
  double *at[3];
  size_t size = 0;
  for (int i = 0; i < 3; i++) { /* one thread; two; one, interrupted */
    subject s = open_subject(i == 1 ? 2 : 1, 2, "continuous", false);
    const cw_train_options opt = natural_gradient(STEPS);
    cw_trainer *t;
    check_ok(s.ctx, cw_trainer_create(s.ctx, &opt, s.model, &s.th, cw_rng_stream(1, "t"), &t));
    size = (size_t)cw_trainer_state_size(t);
    cw_trainer_destroy(t);
    at[i] = cw_alloc(size * sizeof **at);
    train(&s, i == 2 ? 2 : STEPS, NULL, at[i]);
    if (i == 2) train(&s, STEPS - 2, at[i], at[i]);
    close_subject(&s);
  }
  for (int i = 1; i < 3; i++) /* without the counters, of which some are not-a-number */
    assert_memory_equal(at[0], at[i], (size_t)cw_trainer_state_theta((long)size) * sizeof **at);
  for (int i = 0; i < 3; i++) free(at[i]);
}

/* Parameters of a flow of links after two steps. */
static void train_links(int V, double *theta) {
  subject s = {.ctx = test_context(1)};
  const cw_lattice lat = {2, {4, 4}};
  const cw_theory_ops *u1 = cw_theory_find("u1");
  const double beta[CW_MAX_PARAMS] = {2};
  cw_model_spec spec = {.field = u1->kind, .prior = {.kind = CW_PRIOR_HAAR}, .n_layers = 2};
  for (int i = 0; i < 2; i++) spec.layer[i] = (cw_layer_spec){.kind = "staple", .number = i};
  check_ok(s.ctx, cw_geometry_create(s.ctx, &lat, V, &s.geom));
  check_ok(s.ctx, cw_theory_create(s.ctx, u1, s.geom, 0, beta, &s.th));
  check_ok(s.ctx, cw_model_create(s.ctx, &spec, s.geom, &s.model));
  cw_model_init(s.model, 1);
  train(&s, 2, NULL, NULL);
  assert_int_equal(cw_model_n_theta(s.model), 2);
  memcpy(theta, cw_model_theta(s.model), 2 * sizeof *theta);
  close_subject(&s);
}

/* Blocks hold fewer configurations where a lattice is split over lanes; the batch is the same. */
static void splits_do_not_matter(void **state) {
  (void)state;
  double whole[2], split[2];
  train_links(1, whole);
  assert_true(fabs(whole[0]) > 1e-3);
  for (int V = 2; V <= 4; V *= 2) {
    train_links(V, split);
    for (int k = 0; k < 2; k++) check_close(split[k], whole[k], 1e-9);
  }
}

static void what_it_is_not_for_is_refused(void **state) {
  (void)state;
  cw_trainer *t;
  cw_train_options opt = natural_gradient(1);
  subject s = open_subject(1, 2, "affine", false);
#define CW_REFUSED(part)                                                                           \
  check_failure(s.ctx, cw_trainer_create(s.ctx, &opt, s.model, &s.th, cw_rng_stream(1, "t"), &t),  \
                CW_EINVAL, part)
  CW_REFUSED("which a layer of the model has not");
  close_subject(&s);
  s = open_subject(1, 2, "scale", false);
  opt.loss = CW_LOSS_FORWARD_KL;
  CW_REFUSED("is that of the reverse KL");
  opt.loss = CW_LOSS_REVERSE_KL;
  opt.damping = 0;
  CW_REFUSED("damping = 0");
#undef CW_REFUSED
  close_subject(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(steps_solve_the_normal_equations),
      cmocka_unit_test(nothing_to_do),
      cmocka_unit_test(a_free_field_is_found_exactly),
      cmocka_unit_test(an_interacting_field_is_nearly_found),
      cmocka_unit_test(steps_are_shortened),
      cmocka_unit_test(bits_do_not_depend_on_threads_or_stops),
      cmocka_unit_test(splits_do_not_matter),
      cmocka_unit_test(what_it_is_not_for_is_refused),
  };
  return cmocka_run_group_tests_name("natural_gradient", tests, NULL, NULL);
}
