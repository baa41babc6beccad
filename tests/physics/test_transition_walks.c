/* Transitions that are trained while particles walk up a ladder, and between phi^4 theories. */
#include "causeway/bridge.h"
#include "physics/flows.h"
#include "physics/transitions.h"

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
  cw_move move[CW_USUAL_MOVES];
  cw_walk_options options = {.sampler = cw_sampler_find("hmc"),
                             .program = cw_usual_walk(true, 1, threshold, 0, move),
                             .map = map};
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
    cw_move move[CW_USUAL_MOVES];
    cw_walk_options options = {.sampler = cw_sampler_find("hmc"),
                               .program = cw_usual_walk(true, 0, resamples ? 1e-9 : 0, 0, move),
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
      cmocka_unit_test(test_trained_ladder),
      cmocka_unit_test(test_training_weights),
      cmocka_unit_test(test_phi4),
  };
  return cmocka_run_group_tests_name("transition", tests, test_open_context_1, test_close_context);
}
