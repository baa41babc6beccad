/* Rates of the 16-layer, [8,8]-channel, 3x3 affine flow (12 960 parameters): samples and training
 * samples per second, with the share of the FMA peak measured here. Usage: bench_flow [L]... ;
 * default 8 16 32. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/train.h"
#include "peak.h"

enum { BATCH = 1024 };

static void fail(cw_context *ctx, cw_status st) {
  if (st == CW_OK) return;
  fprintf(stderr, "error: %s\n", cw_error(ctx));
  exit(cw_exit_code(st));
}

static cw_model_spec paper_flow(cw_activation act) {
  cw_model_spec spec = {.prior = {.kind = CW_PRIOR_NORMAL, .sigma = 1}, .n_layers = 16};
  for (int i = 0; i < 16; i++)
    spec.layer[i] = (cw_layer_spec){
        .kind = "affine",
        .number = i,
        .net = {
            .kind = CW_NET_CONV, .kernel = 3, .n_hidden = 2, .hidden = {8, 8}, .activation = act}};
  return spec;
}

/* Multiply-adds of one network pass for one configuration, without the masked ones: conv 1->8 reads
 * half of its taps, 8->8 all, 8->2 writes half of the sites. */
static double flops_per_sample(int L) {
  return 2.0 * 16 * L * L * (0.5 * 9 * 8 + 9 * 64 + 0.5 * 9 * 16);
}

static double time_best(double (*run)(void *), void *arg) {
  double best = 1e300;
  for (int i = 0; i < 5; i++) {
    double t = run(arg);
    if (t < best) best = t;
  }
  return best;
}

typedef struct {
  cw_context *ctx;
  cw_model *model;
  cw_field x;
  double *logq;
  cw_trainer *trainer;
  int turns;
} work;

static double run_sample(void *arg) {
  work *w = arg;
  double t = cw_wall_seconds();
  for (int i = 0; i < w->turns; i++)
    fail(w->ctx,
         cw_model_sample(w->ctx, w->model, cw_rng_stream(1, "bench"), (uint32_t)i, &w->x, w->logq));
  return (cw_wall_seconds() - t) / w->turns;
}

static double run_train(void *arg) {
  work *w = arg;
  cw_train_report report;
  double t = cw_wall_seconds();
  for (int i = 0; i < w->turns; i++) fail(w->ctx, cw_trainer_step(w->trainer, NULL, &report));
  return (cw_wall_seconds() - t) / w->turns;
}

static double train_rate(work *w, const cw_theory *th, cw_gradient gradient) {
  cw_train_options opt = {.batch = BATCH,
                          .steps = 1000,
                          .rate = 1e-5,
                          .gradient = gradient,
                          .beta1 = 0.9,
                          .beta2 = 0.999,
                          .epsilon = 1e-8};
  fail(w->ctx,
       cw_trainer_create(w->ctx, &opt, w->model, th, cw_rng_stream(1, "train"), &w->trainer));
  double rate = BATCH / time_best(run_train, w);
  cw_trainer_destroy(w->trainer);
  return rate;
}

static void bench(int L, int threads, cw_activation act) {
  work w = {.turns = L <= 8 ? 8 : 1};
  cw_geometry *g;
  cw_context_options options = {.threads = threads};
  fail(NULL, cw_context_create(&options, &w.ctx));
  cw_lattice lat = {2, {L, L}};
  cw_model_spec spec = paper_flow(act);
  fail(w.ctx, cw_geometry_create(w.ctx, &lat, 1, &g));
  fail(w.ctx, cw_model_create(w.ctx, &spec, g, &w.model));
  fail(w.ctx, cw_field_create(w.ctx, g, 1, BATCH, &w.x));
  cw_model_init(w.model, 1);
  w.logq = cw_alloc(BATCH * sizeof(double));
  const double params[] = {-4, 8};
  cw_theory th;
  fail(w.ctx, cw_theory_create(w.ctx, cw_theory_find("phi4"), g, 0, params, &th));
  double peak = cw_peak_gflops(cw_context_isa(w.ctx), true, threads), f = flops_per_sample(L);
  double sample = BATCH / time_best(run_sample, &w);
  double plain = train_rate(&w, &th, CW_GRADIENT_PLAIN),
         path = train_rate(&w, &th, CW_GRADIENT_PATH);
  printf("%3d %8d  %-6s %12.0f %5.0f %% %12.0f %5.0f %% %12.0f %5.0f %%   %.0f\n", L, threads,
         act == CW_ACT_TANH ? "tanh" : "leaky", sample, 100e-9 * sample * f / peak, plain,
         300e-9 * plain * f / peak, path, 400e-9 * path * f / peak, peak);
  free(w.logq);
  cw_field_destroy(&w.x);
  cw_model_destroy(w.model);
  cw_geometry_destroy(g);
  cw_context_destroy(w.ctx);
}

int main(int argc, char **argv) {
  printf("16 affine layers, [8,8] channels, 3x3, batch %d; shares of the float FMA peak of the "
         "same threads\n",
         BATCH);
  printf("  L  threads  net       samples/s  share   train/s plain share   train/s path share   "
         "peak GF/s\n");
  static const int sizes[] = {8, 16, 32};
  for (int i = 0; i < (argc > 1 ? argc - 1 : 3); i++)
    for (int threads = 1; threads <= 2; threads++)
      for (int act = 1; act >= 0; act--)
        bench(argc > 1 ? atoi(argv[i + 1]) : sizes[i], threads, (cw_activation)act);
  return 0;
}
