/* Rates of layer `continuous` on one thread: samples and training samples per second of CPU time, with the share of
 * the double FMA peak measured here, and what they would be of direct convolutions. Usage: bench_continuous [L]...;
 * default 8 16 32. */
#include <math.h>

#include "bench.h"
#include "causeway/train.h"
#include "peak.h"

enum { BATCH = 64, NATURAL = 256, STEPS = 8, FEATURES = 8, HARMONICS = 12 };

/* Flops of one velocity at one site, and of its products without and with derivatives by parameters; sines and
 * cosines are not counted. */
typedef struct {
  double velocity, product, gradient;
} flops;

static flops flops_per_site(double transform) {
  const double F = FEATURES, H = HARMONICS, mix = 2 * F * (H + 1), sines = 4 * H;
  const double features = mix + sines + F / 2 * transform;
  const double product = mix + sines + 5 * H + (F / 2 + 1) * transform + 3 * F;
  return (flops){.velocity = features + 2 * H + transform + 4 * F,
                 .product = product,
                 .gradient = product + features + mix + 4 * H + 4 * F};
}

typedef struct {
  cw_context *ctx;
  cw_model *model;
  cw_field x;
  double *logq;
  cw_trainer *trainer;
} work;

static void sample(work *w) {
  must(w->ctx, cw_model_sample(w->ctx, w->model, cw_rng_stream(1, "bench"), 0, &w->x, w->logq));
}

static void train(work *w) {
  cw_train_report report;
  must(w->ctx, cw_trainer_step(w->trainer, NULL, &report));
}

/* Samples per second of this thread, of which a run makes n, the best of five. */
static double rate(void (*run)(work *), work *w, long n) {
  double best = 1e300;
  for (int i = 0; i < 5; i++) {
    const double t = thread_seconds();
    run(w);
    best = fmin(best, thread_seconds() - t);
  }
  return (double)n / best;
}

static double train_rate(work *w, const cw_theory *th, cw_gradient gradient,
                         cw_optimizer optimizer) {
  const cw_train_options opt = {.batch = optimizer == CW_OPTIMIZER_ADAM ? BATCH : NATURAL,
                                .optimizer = optimizer,
                                .damping = 1,
                                .steps = 1000,
                                .rate = 1e-6,
                                .gradient = gradient,
                                .beta1 = 0.9,
                                .beta2 = 0.999,
                                .epsilon = 1e-8};
  must(w->ctx,
       cw_trainer_create(w->ctx, &opt, w->model, th, cw_rng_stream(1, "train"), &w->trainer));
  const double r = rate(train, w, opt.batch);
  cw_trainer_destroy(w->trainer);
  return r;
}

static void bench(int L) {
  work w;
  cw_geometry *g;
  cw_theory th;
  const cw_context_options options = {.threads = 1};
  const cw_lattice lat = {2, {L, L}};
  const double V = L * L, params[] = {-4, 4.572};
  cw_model_spec spec = {.prior = {.kind = CW_PRIOR_NORMAL, .sigma = 0.4}, .n_layers = 1};
  spec.layer[0] = cw_layer_presets(cw_layer_find("continuous"));
  cw_layer_set(&spec.layer[0], "steps", STEPS);
  must(NULL, cw_context_create(&options, &w.ctx));
  must(w.ctx, cw_geometry_create(w.ctx, &lat, 1, &g));
  must(w.ctx, cw_model_create(w.ctx, &spec, g, &w.model));
  must(w.ctx, cw_field_create(w.ctx, g, 1, BATCH, &w.x));
  must(w.ctx, cw_theory_create(w.ctx, cw_theory_find("phi4"), g, 0, params, &th));
  cw_model_init(w.model, 1);
  w.logq = cw_alloc(BATCH * sizeof(double));
  const double peak = cw_peak_gflops(cw_context_isa(w.ctx), false, 1);
  const flops f = flops_per_site(5 * log2(V)), direct = flops_per_site(4 * V);
  const double unit = 4e-9 * STEPS * V / peak;
  const double s = rate(sample, &w, BATCH),
               plain = train_rate(&w, &th, CW_GRADIENT_PLAIN, CW_OPTIMIZER_ADAM),
               path = train_rate(&w, &th, CW_GRADIENT_PATH, CW_OPTIMIZER_ADAM),
               natural = train_rate(&w, &th, CW_GRADIENT_PLAIN, CW_OPTIMIZER_NATURAL_GRADIENT);
  printf("%3d %10.0f %5.0f %% %6.0f %% %10.0f %5.0f %% %6.0f %% %10.0f %5.0f %% %14.0f    %.0f\n",
         L, s, 100 * unit * s * f.velocity, 100 * unit * s * direct.velocity, plain,
         100 * unit * plain * (f.velocity + f.gradient),
         100 * unit * plain * (direct.velocity + direct.gradient), path,
         100 * unit * path * (f.velocity + f.product + f.gradient), natural, peak);
  free(w.logq);
  cw_field_destroy(&w.x);
  cw_model_destroy(w.model);
  cw_geometry_destroy(g);
  cw_context_destroy(w.ctx);
}

int main(int argc, char **argv) {
  static const int sizes[] = {8, 16, 32};
  printf("layer continuous, %d features, %d harmonics, %d steps, batch %d, of the natural gradient "
         "%d, one thread; shares of\n"
         "the double FMA peak, of the flops that are done and of those of direct convolutions\n",
         FEATURES, HARMONICS, STEPS, BATCH, NATURAL);
  printf("  L  samples/s   done  direct    train/s plain, done, direct    train/s path, done   "
         "natural gradient   peak GF/s\n");
  for (int i = 0; i < (argc > 1 ? argc - 1 : 3); i++)
    bench(argc > 1 ? atoi(argv[i + 1]) : sizes[i]);
  return 0;
}
