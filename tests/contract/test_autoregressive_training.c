/* Training of autoregressive models: gradients against differences and against enumeration, and the
 * target that training and annealing end at. */
#include <stdlib.h>

#include "causeway/ising.h"
#include "causeway/train.h"
#include "contract/autoregressive_cases.h"
#include "model/autoregressive/masked.h"
#include "support/check.h"

/* ---- gradients ---- */

static void direction(long n, double *d) {
  for (long i = 0; i < n; i++) {
    double z[2];
    cw_normal2(CW_ISA_BASE, cw_rng_stream(8, "direction"), (uint32_t)i, 0, 0, 0, z);
    d[i] = z[0];
  }
}

/* sum_l weight_l ln q of a block along a direction, by 4-point differences. */
static void score_is_the_gradient(bench *b) {
  if (b->n_theta == 0) return;
  static const double at[4] = {-2, -1, 1, 2}, of[4] = {1. / 12, -2. / 3, 2. / 3, -1. / 12};
  const size_t n = (size_t)b->n_theta;
  double *d = cw_alloc(n * sizeof *d), *moved = cw_alloc(n * sizeof *moved), numeric = 0, exact = 0;
  double *g = cw_alloc(n * sizeof *g);
  double weight[CW_LANES] CW_ALIGNED, norm = 0;
  const double h = b->k->spec.activation == CW_ACT_LEAKY_RELU ? 3e-3 : 1e-2;
  cw_model_pass pass, other;
  for (int l = 0; l < CW_LANES; l++) weight[l] = l % 3 - 0.7;
  direction(b->n_theta, d);
  check_ok(b->ctx, cw_model_sample_block(b->model, cw_rng_stream(1, "s"), 0, 0, &pass, b->arena));
  check_ok(b->ctx, cw_model_log_prob_vjp(b->model, &pass, weight, NULL, &(cw_gradient_of){.sum = g},
                                         b->arena));
  for (size_t i = 0; i < n; i++) {
    exact += d[i] * g[i];
    norm += g[i] * g[i];
  }
  for (int k = 0; k < 4; k++) {
    for (size_t i = 0; i < n; i++) moved[i] = b->theta[i] + at[k] * h * d[i];
    cw_model_set_theta(b->model, moved);
    check_ok(b->ctx, cw_model_log_prob_block(b->model, pass.x, &other, b->arena));
    for (int l = 0; l < CW_LANES; l++) numeric += of[k] / h * weight[l] * other.logq[l];
  }
  assert_true(norm > 0.1);
  check_close(numeric / sqrt(norm), exact / sqrt(norm), h < 1e-2 ? 1e-2 : 2e-3); /* kinks */
  free(d);
  free(moved);
  free(g);
}

/* One step of training with a vanishing rate; the gradient from the first moment of Adam. */
static void step_gradient(bench *b, uint32_t seed, double fraction, double *gradient) {
  cw_train_options opt = {.loss = CW_LOSS_REVERSE_KL,
                          .gradient = CW_GRADIENT_REINFORCE,
                          .batch = 512,
                          .steps = 1,
                          .anneal = 1,
                          .anneal_from = fraction,
                          .rate = 1e-300,
                          .beta1 = 0.5,
                          .beta2 = 0.5,
                          .epsilon = 1e-8};
  cw_trainer *t = NULL;
  cw_train_report report;
  check_ok(b->ctx, cw_trainer_create(b->ctx, &opt, b->model, &b->th, cw_rng_stream(seed, "g"), &t));
  check_ok(b->ctx, cw_trainer_step(t, NULL, &report));
  double *state = cw_alloc((size_t)cw_trainer_state_size(t) * sizeof *state);
  cw_trainer_save(t, state);
  for (long i = 0; i < b->n_theta; i++) gradient[i] = state[b->n_theta + i] / 0.5;
  free(state);
  cw_trainer_destroy(t);
}

/* The gradient of sum_s q (ln q + fraction beta E) along d, over all configurations. */
static double exact_slope(bench *b, double fraction, const double *d) {
  fill_all(b);
  const long n = b->all.n_config;
  double *g = cw_alloc((size_t)b->n_theta * sizeof *g);
  double slope = 0, *S = cw_alloc((size_t)n * sizeof *S), *T = cw_alloc((size_t)n * 2 * sizeof *T);
  const double c[2] = {fraction * b->th.c[0], fraction * b->th.c[1]};
  cw_theory_action(&b->th, &b->all, c, T, S);
  cw_model_set_couplings(b->model, b->th.ops, c);
  for (long i = 0; i < b->all.n_blocks; i++) {
    double weight[CW_LANES] CW_ALIGNED;
    cw_model_pass pass;
    cw_field block = cw_field_block(&b->all, i);
    cw_arena_mark mark = cw_arena_save(b->arena);
    check_ok(b->ctx, cw_model_log_prob_block(b->model, block.data, &pass, b->arena));
    for (int l = 0; l < CW_LANES; l++)
      weight[l] = exp(pass.logq[l]) * (pass.logq[l] + S[i * CW_LANES + l]);
    check_ok(b->ctx, cw_model_log_prob_vjp(b->model, &pass, weight, NULL,
                                           &(cw_gradient_of){.sum = g}, b->arena));
    cw_arena_rewind(b->arena, mark);
  }
  cw_model_set_couplings(b->model, b->th.ops, b->th.c);
  for (long i = 0; i < b->n_theta; i++) slope += d[i] * g[i];
  free(g);
  free(S);
  free(T);
  return slope;
}

/* REINFORCE with its baseline has the mean of the exact gradient, at annealed couplings too. */
static void reinforce_is_unbiased(void **state) {
  (void)state;
  static const int which[] = {1, 8};
  enum { BATCHES = SANITIZED ? 12 : 60 };
  for (int k = 0; k < 2; k++)
    for (int annealed = 0; annealed < 2; annealed++) {
      bench b;
      open_bench(&b, &cases[which[k]], 2);
      const double fraction = annealed ? 0.3 : 1;
      double *d = cw_alloc((size_t)b.n_theta * sizeof *d), mean = 0, square = 0,
             *g = cw_alloc((size_t)b.n_theta * sizeof *g);
      direction(b.n_theta, d);
      for (uint32_t i = 0; i < BATCHES; i++) {
        step_gradient(&b, i, fraction, g);
        double slope = cw_dot(d, g, (size_t)b.n_theta);
        mean += slope / BATCHES;
        square += slope * slope / BATCHES;
      }
      check_sigma(mean, sqrt((square - mean * mean) / (BATCHES - 1)), exact_slope(&b, fraction, d),
                  4);
      free(d);
      free(g);
      close_bench(&b);
    }
}

/* ---- what they are for ---- */

FOR_CASES(score_is_the_gradient)

/* Training: the exact ln Z bounds the loss from below and is reached closely; with the same bits on
 * two threads. */
static void training_finds_the_target(void **state) {
  (void)state;
  enum { STEPS = SANITIZED ? 60 : 300 };
  double loss[2];
  for (int threads = 1; threads <= 2; threads++) {
    bench b;
    open_bench(&b, &cases[8], threads);
    cw_model_init(b.model, 1);
    cw_train_options opt = {.loss = CW_LOSS_REVERSE_KL,
                            .gradient = CW_GRADIENT_REINFORCE,
                            .batch = 256,
                            .steps = STEPS,
                            .anneal = 50,
                            .anneal_from = 0.2,
                            .rate = 1e-2,
                            .schedule = CW_SCHEDULE_COSINE,
                            .beta1 = 0.9,
                            .beta2 = 0.999,
                            .epsilon = 1e-8};
    cw_trainer *t = NULL;
    cw_train_report report;
    check_ok(b.ctx, cw_trainer_create(b.ctx, &opt, b.model, &b.th, cw_rng_stream(1, "t"), &t));
    for (int i = 0; i < STEPS; i++) check_ok(b.ctx, cw_trainer_step(t, NULL, &report));
    const double lnz = 12 * cw_ising_torus(3, 4, BETA).lnz;
    loss[threads - 1] = report.loss;
    assert_true(report.ess > 0.999 || SANITIZED); /* whose few steps do not lead there */
    check_close(report.loss, -lnz, SANITIZED ? 1 : 1e-3);
    cw_trainer_destroy(t);
    close_bench(&b);
  }
  assert_true(loss[0] == loss[1]);
}

/* Annealed to the last step, the model is left with the couplings of the target. */
static void annealing_ends_at_the_target(void **state) {
  (void)state;
  bench b;
  open_bench(&b, &cases[0], 1);
  fill_all_and_logq(&b);
  cw_train_options opt = {.gradient = CW_GRADIENT_REINFORCE,
                          .batch = 16,
                          .steps = 3,
                          .anneal = 3,
                          .anneal_from = 0.1,
                          .rate = 1e-300,
                          .beta1 = 0.9,
                          .beta2 = 0.9,
                          .epsilon = 1};
  cw_trainer *t = NULL;
  cw_train_report report;
  double *after = cw_alloc((size_t)b.all.n_config * sizeof *after);
  cw_model_set_couplings(b.model, b.th.ops, (double[]){0, 0});
  check_ok(b.ctx, cw_trainer_create(b.ctx, &opt, b.model, &b.th, cw_rng_stream(1, "t"), &t));
  for (int step = 0; step < 3; step++) {
    check_ok(b.ctx, cw_model_log_prob(b.ctx, b.model, &b.all, after));
    for (long c = 0; c < b.all.n_config; c++) assert_true(after[c] == b.logq[c]);
    check_ok(b.ctx, cw_trainer_step(t, NULL, &report));
  }
  cw_trainer_destroy(t);
  free(after);
  close_bench(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_score_is_the_gradient),
      cmocka_unit_test(reinforce_is_unbiased),
      cmocka_unit_test(training_finds_the_target),
      cmocka_unit_test(annealing_ends_at_the_target),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
