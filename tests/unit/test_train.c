/* The trainer where its numbers are known: Adam by hand, schedules, clipping, the plateau. */
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#include "causeway/train.h"
#include "train/adam.h"

/* Gradients 1, -2, 1/2 of one parameter, from 1/2 on: algorithm 1 of arXiv:1412.6980, worked out apart. */
static void adam_takes_the_steps_of_its_paper(void **state) {
  (void)state;
  static const double gradient[] = {1, -2, 0.5};
  static const double expected[] = {0.4000000009999999, 0.4366103534720747, 0.45027941967382135};
  const cw_train_options opt = {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
  double theta = 0.5, m = 0, v = 0;
  for (int t = 0; t < 3; t++) {
    cw_adam_step(&opt, 0.1, t + 1, 1, &gradient[t], &m, &v, &theta);
    check_close(theta, expected[t], 1e-15);
  }
}

/* Independent sites S = phi^2 of a 4x4 lattice, and a flow of one scale on a prior of width sigma: its
 * one parameter is ln of the scale, and at sigma = 1/sqrt 2 it is perfect. */
typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_model *model;
  cw_trainer *trainer;
} subject;

static void open_subject(subject *s, double sigma, const cw_train_options *opt) {
  const cw_lattice lat = {2, {4, 4}};
  const double param[CW_MAX_PARAMS] = {0, 0}; /* kappa, lambda */
  cw_model_spec spec = {.prior = {.kind = CW_PRIOR_NORMAL, .sigma = sigma}, .n_layers = 1};
  spec.layer[0].kind = "scale";
  s->ctx = test_context(1);
  check_ok(s->ctx, cw_geometry_create(s->ctx, &lat, 1, &s->geom));
  check_ok(s->ctx, cw_theory_create(s->ctx, cw_theory_find("phi4"), s->geom, 0, param, &s->th));
  check_ok(s->ctx, cw_model_create(s->ctx, &spec, s->geom, &s->model));
  cw_model_init(s->model, 1);
  check_ok(s->ctx, cw_trainer_create(s->ctx, opt, s->model, &s->th, cw_rng_stream(1, "train"),
                                     &s->trainer));
}

static void close_subject(subject *s) {
  cw_trainer_destroy(s->trainer);
  cw_model_destroy(s->model);
  cw_theory_destroy(&s->th);
  cw_geometry_destroy(s->geom);
  cw_context_destroy(s->ctx);
}

static cw_train_report step(subject *s) {
  cw_train_report report;
  check_ok(s->ctx, cw_trainer_step(s->trainer, NULL, &report));
  return report;
}

static cw_train_options options(cw_schedule schedule) {
  return (cw_train_options){.schedule = schedule,
                            .batch = 64,
                            .steps = 20,
                            .warmup = 4,
                            .rate = 0.1,
                            .rate_end = 0.25,
                            .patience = 3,
                            .beta1 = 0.9,
                            .beta2 = 0.999,
                            .epsilon = 1e-8};
}

static void rates_follow_their_schedule(void **state) {
  (void)state;
  for (int cosine = 0; cosine < 2; cosine++) {
    const cw_train_options opt = options(cosine ? CW_SCHEDULE_COSINE : CW_SCHEDULE_CONSTANT);
    subject s;
    open_subject(&s, 0.5, &opt);
    for (int t = 0; t < 20; t++) {
      double expected = t < 4 ? 0.1 * (t + 1) / 4 : 0.1;
      if (cosine && t >= 4) expected = 0.1 * (0.25 + 0.75 * 0.5 * (1 + cos(M_PI * (t - 4) / 16)));
      check_close(step(&s).rate, expected, 1e-14);
    }
    close_subject(&s);
  }
}

/* A perfect flow has no loss to gain: the rate is halved again and again, down to its floor. */
static void a_plateau_halves_the_rate(void **state) {
  (void)state;
  cw_train_options opt = options(CW_SCHEDULE_PLATEAU);
  opt.warmup = 0;
  subject s;
  open_subject(&s, sqrt(0.5), &opt);
  double last = 0.1;
  int halved = 0;
  for (int t = 0; t < 400; t++) {
    const double rate = step(&s).rate;
    if (rate != last) check_close(rate, fmax(0.5 * last, 0.025), 1e-15);
    halved += rate != last;
    last = rate;
  }
  assert_int_equal(halved, 2); /* 0.1, 0.05, and the floor 0.025 */
  close_subject(&s);
}

/* With a large epsilon Adam's first step is rate g/(|g| + epsilon): the gradient shows in it. */
static void gradients_are_clipped(void **state) {
  (void)state;
  for (int clipped = 0; clipped < 2; clipped++) {
    cw_train_options opt = options(CW_SCHEDULE_CONSTANT);
    opt.warmup = 0;
    opt.epsilon = 1;
    opt.clip = clipped ? 0.5 : 0;
    subject s;
    open_subject(&s, 0.3, &opt);
    double before[4], after[4];
    const long n = cw_model_n_theta(s.model);
    assert_int_equal(n, 1);
    memcpy(before, cw_model_theta(s.model), sizeof *before);
    const cw_train_report report = step(&s);
    memcpy(after, cw_model_theta(s.model), sizeof *after);
    assert_true(report.grad_norm > 1); /* as it was before it was clipped */
    const double g = clipped ? 0.5 : report.grad_norm;
    check_close(fabs(after[0] - before[0]), 0.1 * g / (g + 1), 1e-12);
    close_subject(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(adam_takes_the_steps_of_its_paper),
                                     cmocka_unit_test(rates_follow_their_schedule),
                                     cmocka_unit_test(a_plateau_halves_the_rate),
                                     cmocka_unit_test(gradients_are_clipped)};
  return cmocka_run_group_tests_name("training", tests, NULL, NULL);
}
