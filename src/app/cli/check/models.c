/* Models that are trained in a second or two: exact ln Z, and the same bits on one thread and two. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/check/checks.h"
#include "causeway/ising.h"
#include "causeway/stats.h"
#include "causeway/train.h"

enum { SAMPLES = 8192 };

/* ln Z of the free theory, S = sum_x [(d phi)^2 + m2 phi^2]: every mode is a Gaussian integral. */
static double free_lnZ(const cw_lattice *lat, double m2) {
  double lnZ = 0;
  for (long s = 0; s < cw_lattice_sites(lat); s++) {
    int n[CW_MAX_DIM];
    double p2 = m2;
    cw_lattice_coord(lat, s, n);
    for (int d = 0; d < lat->dim; d++) p2 += 4 * pow(sin(M_PI * n[d] / lat->extent[d]), 2);
    lnZ += 0.5 * log(M_PI / p2);
  }
  return lnZ;
}

static void small_flow(cw_model_spec *spec) {
  enum { COUPLINGS = 8 };
  *spec = (cw_model_spec){
      .prior.sigma = 0.6, .n_layers = COUPLINGS + 1, .layer[COUPLINGS].kind = "scale"};
  for (int i = 0; i < COUPLINGS; i++)
    spec->layer[i] = (cw_layer_spec){
        .kind = "affine", .number = i, .net = {.n_hidden = 1, .hidden = {8}, .kernel = 3}};
}

static cw_status train_model(cw_context *ctx, cw_model *model, const cw_theory *th, long steps) {
  const cw_train_options options = {.batch = 256,
                                    .gradient = cw_model_is_discrete(model) ? CW_GRADIENT_REINFORCE
                                                                            : CW_GRADIENT_PATH,
                                    .steps = steps,
                                    .rate = 0.01,
                                    .clip = 10,
                                    .rate_end = 0.1,
                                    .schedule = CW_SCHEDULE_COSINE,
                                    .beta1 = 0.9,
                                    .beta2 = 0.999,
                                    .epsilon = 1e-8};
  cw_trainer *trainer = NULL;
  cw_train_report report;
  cw_model_init(model, 1);
  CW_TRY(cw_trainer_create(ctx, &options, model, th, cw_rng_stream(1, "train"), &trainer));
  cw_status st = CW_OK;
  for (long t = 0; t < steps && st == CW_OK; t++) st = cw_trainer_step(trainer, NULL, &report);
  cw_trainer_destroy(trainer);
  return st;
}

/* log_weight (SAMPLES) of samples of the model. */
static cw_status draw_weights(cw_context *ctx, const cw_model *model, const cw_theory *th,
                              double *log_weight) {
  cw_field x = {0};
  CW_TRY(cw_field_create(ctx, th->geom, 1, SAMPLES, &x));
  double *logq = cw_alloc(SAMPLES * sizeof *logq), *S = cw_alloc(SAMPLES * sizeof *S),
         *T = cw_alloc(SAMPLES * CW_MAX_TERMS * sizeof *T);
  cw_status st = logq && S && T ? cw_model_sample(ctx, model, cw_rng_stream(1, "draw"), 0, &x, logq)
                                : cw_check_no_memory(ctx);
  if (st == CW_OK) {
    cw_theory_action(th, &x, th->c, T, S);
    for (long i = 0; i < SAMPLES; i++) log_weight[i] = -S[i] - logq[i];
  }
  free(logq);
  free(S);
  free(T);
  cw_field_destroy(&x);
  return st;
}

/* A theory that a model is trained for. */
typedef struct {
  const char *theory;
  cw_lattice lat;
  double param[2];
  long steps;
} target;

/* log_weight (SAMPLES) of the model of the spec after its training. */
static cw_status trained_weights(cw_context *ctx, const target *t, const cw_model_spec *spec,
                                 double *log_weight) {
  cw_geometry *geom = NULL;
  cw_model *model = NULL;
  cw_theory th = {0};
  cw_status st = cw_geometry_create(ctx, &t->lat, 1, &geom);
  if (st == CW_OK) st = cw_theory_create(ctx, cw_theory_find(t->theory), geom, 0, t->param, &th);
  if (st == CW_OK) st = cw_model_create(ctx, spec, geom, &model);
  if (st == CW_OK) st = train_model(ctx, model, &th, t->steps);
  if (st == CW_OK) st = draw_weights(ctx, model, &th, log_weight);
  cw_model_destroy(model);
  cw_theory_destroy(&th);
  cw_geometry_destroy(geom);
  return st;
}

/* ln Z from a trained model, which must be a good one. */
static cw_status check_lnZ(cw_context *ctx, const target *t, const cw_model_spec *spec,
                           double exact, char *found, size_t size) {
  double *log_weight = cw_alloc(SAMPLES * sizeof *log_weight);
  cw_flow_quality q = {0};
  cw_status st = log_weight ? trained_weights(ctx, t, spec, log_weight) : cw_check_no_memory(ctx);
  if (st == CW_OK) st = cw_flow_judge(ctx, log_weight, SAMPLES, NULL, 0, 0, &q);
  if (st == CW_OK) st = cw_within_4_sigma(ctx, "ln Z", q.lnZ, q.lnZ_error, exact, 0);
  if (st == CW_OK && q.ess < 0.7)
    st = cw_fail(ctx, CW_ENUMERIC, "the trained model has ESS %.2f, expected more than 0.7", q.ess);
  free(log_weight);
  snprintf(found, size, "ln Z = %.4f +- %.4f, exactly %.4f; ESS %.2f", q.lnZ, q.lnZ_error, exact,
           q.ess);
  return st;
}

cw_status cw_check_flow(cw_context *ctx, char *found, size_t size) {
  const target t = {"phi4", {2, {6, 6}}, {1, 0}, 1000}; /* a free field */
  cw_model_spec *spec = malloc(sizeof *spec);
  if (spec == NULL) return cw_check_no_memory(ctx);
  small_flow(spec);
  cw_status st = check_lnZ(ctx, &t, spec, free_lnZ(&t.lat, t.param[0]), found, size);
  free(spec);
  return st;
}

cw_status cw_check_autoregressive(cw_context *ctx, char *found, size_t size) {
  const target t = {"ising", {2, {6, 6}}, {0.44, 0}, 150};
  cw_model_spec *spec = calloc(1, sizeof *spec);
  if (spec == NULL) return cw_check_no_memory(ctx);
  spec->kind = CW_MODEL_AUTOREGRESSIVE;
  spec->autoregressive = (cw_autoregressive_spec){.kind = "frontier",
                                                  .n_hidden = 1,
                                                  .hidden = {16},
                                                  .share = CW_SHARE_ROWS,
                                                  .bonds = true,
                                                  .clip = 1e-7,
                                                  .shifts = 1};
  const double exact = 36 * cw_ising_torus(6, 6, t.param[0]).lnz;
  cw_status st = check_lnZ(ctx, &t, spec, exact, found, size);
  free(spec);
  return st;
}

/* ---- the same bits for any number of threads ---- */

static cw_status weights_on_threads(int threads, double *log_weight) {
  const target t = {"phi4", {2, {4, 4}}, {1, 0}, 20};
  const cw_context_options options = {.threads = threads, .quiet = true};
  cw_context *ctx = NULL;
  cw_model_spec *spec = malloc(sizeof *spec);
  if (spec == NULL) return CW_ENOMEM;
  small_flow(spec);
  cw_status st = cw_context_create(&options, &ctx);
  if (st == CW_OK) st = trained_weights(ctx, &t, spec, log_weight);
  cw_context_destroy(ctx);
  free(spec);
  return st;
}

cw_status cw_check_threads(cw_context *ctx, char *found, size_t size) {
  size_t bytes = SAMPLES * sizeof(double);
  double *one = cw_alloc(bytes), *two = cw_alloc(bytes);
  cw_status st = one && two ? weights_on_threads(1, one) : CW_ENOMEM;
  if (st == CW_OK) st = weights_on_threads(2, two);
  if (st != CW_OK) st = cw_fail(ctx, st, "a training of 20 steps failed");
  if (st == CW_OK && memcmp(one, two, bytes) != 0)
    st = cw_fail(ctx, CW_ENUMERIC, "the results on 1 and on 2 threads differ");
  free(one);
  free(two);
  snprintf(found, size, "the same bits on 1 and 2 threads");
  return st;
}
