/* Trains a small flow for phi^4 theory on an 8x8 lattice, draws from it and reweights <phi^2>,
 * which is 0.14344(1). cc train_sample_reweight.c $(pkg-config --cflags --libs --static causeway)
 * -o train_sample_reweight */
#include <stdio.h>

#include "causeway/stats.h"
#include "causeway/train.h"

enum { LAYERS = 8, N = 8192 };
static double T[N * CW_MAX_TERMS], S[N], logq[N], log_weight[N], phi2[N];

static cw_status train(cw_context *ctx, const cw_theory *theory, cw_model **flow) {
  cw_model_spec spec = {.prior.sigma = 0.6, .n_layers = LAYERS};
  for (int i = 0; i < LAYERS; i++) /* affine couplings, 3x3 convolutions with 8 channels */
    spec.layer[i] = (cw_layer_spec){
        .kind = "affine", .number = i, .net = {.n_hidden = 1, .hidden = {8}, .kernel = 3}};
  cw_train_options options = {.batch = 256,
                              .steps = 800,
                              .rate = 0.01,
                              .rate_end = 0.1,
                              .schedule = CW_SCHEDULE_COSINE,
                              .clip = 10,
                              .beta1 = 0.9,
                              .beta2 = 0.999,
                              .epsilon = 1e-8};
  cw_trainer *trainer;
  cw_train_report report;
  CW_TRY(cw_model_create(ctx, &spec, theory->geom, flow));
  cw_model_init(*flow, 1);
  CW_TRY(cw_trainer_create(ctx, &options, *flow, theory, cw_rng_stream(1, "train"), &trainer));
  for (long i = 0; i < options.steps; i++) CW_TRY(cw_trainer_step(trainer, NULL, &report));
  cw_trainer_destroy(trainer);
  return CW_OK;
}

static cw_status run(cw_context *ctx, cw_estimate *e) {
  cw_lattice lattice = {2, {8, 8}};
  cw_geometry *geom;
  cw_model *flow;
  cw_field x;
  CW_TRY(cw_geometry_create(ctx, &lattice, 1, &geom));
  const double m2_lambda[] = {-4, 8};
  cw_theory phi4;
  CW_TRY(cw_theory_create(ctx, cw_theory_find("phi4"), geom, 0, m2_lambda, &phi4));
  CW_TRY(train(ctx, &phi4, &flow));
  CW_TRY(cw_field_create(ctx, geom, 1, N, &x));
  CW_TRY(cw_model_sample(ctx, flow, cw_rng_stream(1, "draw"), 0, &x, logq));
  cw_theory_action(&phi4, &x, phi4.c, T, S);
  for (int i = 0; i < N; i++) {
    log_weight[i] = -S[i] - logq[i];
    phi2[i] = T[i * phi4.ops->n_terms + 1] / (double)geom->n_sites; /* term 1: sum_x phi_x^2 */
  }
  cw_field_destroy(&x);
  cw_model_destroy(flow);
  cw_theory_destroy(&phi4);
  cw_geometry_destroy(geom);
  return cw_weighted(ctx, phi2, log_weight, N, 1, NULL, NULL, e);
}

int main(void) {
  cw_context *ctx;
  cw_estimate e;
  cw_status status = cw_context_create(NULL, &ctx);
  if (status != CW_OK) return cw_exit_code(status);
  if ((status = run(ctx, &e)) == CW_OK)
    printf("<phi^2> = %.5f +- %.5f   (%d samples, ESS %.2f)\n", e.value, e.error, N, e.ess / N);
  else
    fprintf(stderr, "error: %s\n", cw_error(ctx));
  cw_context_destroy(ctx);
  return cw_exit_code(status);
}
