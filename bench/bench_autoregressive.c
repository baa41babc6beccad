/* Rates of autoregressive models of spins at 16x16: samples drawn site by site, ln q of given
 * spins, samples drawn the naive way (the whole network again for every site) and training steps,
 * with the share of the float FMA peak measured here. Usage: bench_autoregressive [name]...;
 * default: every network.
 *
 * A layer does 2 ci co flops per configuration and link, a link being a site with one that it
 * reads. What lies outside the lattice, or comes later, is left out:
 *
 *                        links of each layer  channels        MFlop  weights
 *   PixelCNN, 13x13      13650, 13906, 13906  1, 64, 64, 1   117.45  1436 kB
 *   PixelCNN, 3x3          930,  1186,  1186  1, 64, 64, 1     9.99    84 kB
 *   MADE, one hidden     32640, 32896         1, 2, 1          0.26   524 kB
 *
 * The network is computed once at every site, when it is drawn, so that a sample costs one pass; a
 * training step costs three, for the gradients of weights and of channels. Arithmetic is the floor:
 * at 117 GFlop/s 996 samples/s for 13x13 and 11 700 for 3x3, a third of it in training. Sixteen
 * configurations are drawn together, so that four bytes of weights serve 32 flops: 13x13, whose
 * weights come from the last-level cache for every site, reads 15 GB/s at that rate.
 *
 * Beside them: the public PyTorch code of the same networks (github.com/wdphy16/stat-mech-van; its
 * MADE is half as wide), measured on two threads of another machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/ising.h"
#include "causeway/train.h"
#include "model/autoregressive/masked.h"
#include "model/autoregressive/parts.h"
#include "peak.h"

enum { L = 16, N = L * L, NAIVE_PASSES = 4 };

typedef struct {
  const char *name, *what;
  long batch;
  double torch; /* samples/s of the public code on two threads; 0: it has no such network */
  cw_autoregressive_spec spec;
} net_case;

static const net_case cases[] = {
    {"pixelcnn13",
     "PixelCNN, 13x13, [64,64]",
     32,
     3.4,
     {.kind = "pixelcnn",
      .kernel = 13,
      .n_hidden = 2,
      .hidden = {64, 64},
      .activation = CW_ACT_LEAKY_RELU,
      .clip = 1e-7,
      .shifts = 1}},
    {"pixelcnn3",
     "PixelCNN, 3x3, [64,64]",
     64,
     34,
     {.kind = "pixelcnn",
      .kernel = 3,
      .n_hidden = 2,
      .hidden = {64, 64},
      .activation = CW_ACT_LEAKY_RELU,
      .clip = 1e-7,
      .shifts = 1}},
    {"made",
     "MADE, [2]",
     512,
     78,
     {.kind = "made",
      .n_hidden = 1,
      .hidden = {2},
      .activation = CW_ACT_LEAKY_RELU,
      .clip = 1e-7,
      .shifts = 1}},
    {"frontier",
     "frontier, rows, z2, [64,64]",
     512,
     0,
     {.kind = "frontier",
      .share = CW_SHARE_ROWS,
      .n_hidden = 2,
      .hidden = {64, 64},
      .z2 = true,
      .clip = 1e-7,
      .shifts = 1}},
    {"hierarchical",
     "hierarchical, z2, [64,64]",
     512,
     0,
     {.kind = "hierarchical",
      .n_hidden = 2,
      .hidden = {64, 64},
      .z2 = true,
      .clip = 1e-7,
      .shifts = 1}},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static void fail(cw_context *ctx, cw_status st) {
  if (st == CW_OK) return;
  fprintf(stderr, "error: %s\n", cw_error(ctx));
  exit(cw_exit_code(st));
}

/* ---- work ---- */

static double count_links(const cw_autoregressive_spec *s, const cw_order *order,
                          const cw_lattice *lat, bool first) {
  int work[2 * N], near[N];
  const cw_autoregressive_parts *parts = cw_autoregressive_find(s->kind)->parts;
  const cw_links_plan plan = {s, lat, order, work, near};
  cw_links all = {0};
  bool ok = true;
  for (int i = 0; ok && i < N; i++) ok = parts->add_links(&plan, i, first, &all);
  free(all.link);
  if (!ok) exit(1);
  return (double)all.n;
}

typedef struct {
  double pass, train; /* flops per configuration */
} flops;

static flops count_flops(const cw_autoregressive_spec *s, const cw_order *order,
                         const cw_lattice *lat) {
  flops f = {0};
  for (int k = 0, ci = 1; k <= s->n_hidden; k++) {
    const int co = k < s->n_hidden ? s->hidden[k] : 1;
    const double layer = 2 * count_links(s, order, lat, k == 0) * ci * co;
    f.pass += layer;
    f.train += (k > 0 ? 3 : 2) * layer; /* no one asks for the adjoints of spins */
    ci = co;
  }
  return f;
}

/* ---- one network on some threads ---- */

typedef struct {
  const net_case *k;
  int threads;
  cw_context *ctx;
  cw_geometry *geom;
  cw_model *model;
  cw_theory th;
  cw_trainer *trainer;
  cw_order order;
  cw_masked *net; /* the model's once more, for naive sampling, */
  float *theta;   /* with its parameters */
  cw_field x;
  double *logq, *logq_given;
  uint32_t step;
} bench;

static void open_trainer(bench *b) {
  const double params[] = {0.44, 0};
  const cw_train_options opt = {.gradient = CW_GRADIENT_REINFORCE,
                                .batch = b->k->batch,
                                .steps = 100000,
                                .rate = 1e-7,
                                .beta1 = 0.9,
                                .beta2 = 0.999,
                                .epsilon = 1e-8};
  fail(b->ctx, cw_theory_create(b->ctx, cw_theory_find("ising"), b->geom, 0, params, &b->th));
  fail(b->ctx,
       cw_trainer_create(b->ctx, &opt, b->model, &b->th, cw_rng_stream(1, "train"), &b->trainer));
}

static void open_net(bench *b) {
  const long n = cw_model_n_theta(b->model);
  fail(b->ctx, cw_order_create(b->ctx, &b->k->spec, &b->geom->lat, &b->order));
  fail(b->ctx, cw_masked_create(b->ctx, &b->k->spec, b->geom, &b->order, &b->net));
  b->theta = cw_alloc((size_t)n * sizeof(float));
  for (long i = 0; i < n; i++) b->theta[i] = (float)cw_model_theta(b->model)[i];
}

static void open_bench(bench *b, const net_case *k, int threads) {
  const cw_lattice lat = {2, {L, L}};
  const cw_model_spec spec = {.kind = CW_MODEL_AUTOREGRESSIVE, .autoregressive = k->spec};
  *b = (bench){.k = k, .threads = threads};
  fail(NULL, cw_context_create(&(cw_context_options){.threads = threads, .quiet = true}, &b->ctx));
  fail(b->ctx, cw_geometry_create(b->ctx, &lat, 1, &b->geom));
  fail(b->ctx, cw_model_create(b->ctx, &spec, b->geom, &b->model));
  cw_model_init(b->model, 1);
  open_net(b);
  open_trainer(b);
  fail(b->ctx, cw_field_create(b->ctx, b->geom, 1, k->batch, &b->x));
  b->logq = cw_alloc((size_t)k->batch * sizeof(double));
  b->logq_given = cw_alloc((size_t)k->batch * sizeof(double));
}

static void close_bench(bench *b) {
  free(b->logq);
  free(b->logq_given);
  free(b->theta);
  cw_field_destroy(&b->x);
  cw_trainer_destroy(b->trainer);
  cw_masked_destroy(b->net);
  cw_order_destroy(&b->order);
  cw_model_destroy(b->model);
  cw_geometry_destroy(b->geom);
  cw_context_destroy(b->ctx);
}

static void sample(bench *b) {
  const cw_rng rng = cw_rng_stream(1, "bench");
  fail(b->ctx, cw_model_sample(b->ctx, b->model, rng, b->step++, &b->x, b->logq));
}

static void log_prob(bench *b) {
  fail(b->ctx, cw_model_log_prob(b->ctx, b->model, &b->x, b->logq_given));
}

static void train(bench *b) {
  cw_train_report report;
  fail(b->ctx, cw_trainer_step(b->trainer, NULL, &report));
}

/* Configurations per second in the best turn of two seconds. */
static double best_rate(bench *b, void (*turn)(bench *)) {
  double best = 1e300;
  const double begin = cw_wall_seconds();
  for (int i = 0; i < 5 || cw_wall_seconds() - begin < 2; i++) {
    double t = cw_wall_seconds();
    turn(b);
    t = cw_wall_seconds() - t;
    if (t < best) best = t;
  }
  return (double)b->k->batch / best;
}

/* ---- the naive way ---- */

/* All sites of a block of samples, one by one. */
static void walk_sites(const bench *b, long block, cw_masked_pass *pass) {
  for (int i = 0; i < N; i++) {
    cw_masked_site(b->net, b->theta, i, pass);
    for (int l = 0; l < CW_LANES; l++)
      pass->rows[0][i * CW_LANES + l] =
          (float)cw_field_get(&b->x, block * CW_LANES + l, b->order.site[i], 0);
  }
}

/* Best seconds of one of the N passes through the whole network that a naive sample takes. Counts
 * the sites at which it gave other bits than site by site. */
static double naive_pass(const bench *b, long block, cw_arena *arena, long *n_other) {
  const size_t row = CW_LANES * sizeof(float);
  cw_masked_pass sites, whole;
  double best = 1e300;
  fail(NULL, cw_masked_open(b->net, &sites, arena));
  fail(NULL, cw_masked_open(b->net, &whole, arena));
  walk_sites(b, block, &sites);
  memset(whole.rows[0], 0, N * row);
  for (int p = 1; p <= NAIVE_PASSES; p++) {
    const int i = N * p / NAIVE_PASSES - 1;
    memcpy(whole.rows[0], sites.rows[0], (size_t)i * row);
    double t = cw_wall_seconds();
    const float *logit = cw_masked_all(b->net, b->theta, &whole);
    t = cw_wall_seconds() - t;
    if (t < best) best = t;
    *n_other +=
        memcmp(logit + i * CW_LANES, cw_masked_logits(b->net, &sites) + i * CW_LANES, row) != 0;
  }
  return best;
}

/* Samples per second of all threads, each with a block. */
static double naive_rate(const bench *b) {
  double seconds = 0;
  long n_other = 0;
#pragma omp parallel num_threads(b->threads) reduction(max : seconds) reduction(+ : n_other)
  {
    cw_arena *arena = cw_arena_create(1 << 20);
    seconds = naive_pass(b, omp_get_thread_num(), arena, &n_other);
    cw_arena_destroy(arena);
  }
  if (n_other == 0) return b->threads * CW_LANES / (N * seconds);
  fprintf(stderr, "error: drawn the naive way, %ld logits have other bits\n", n_other);
  exit(1);
}

/* ---- report ---- */

/* More often than elsewhere, because a short loop finds moments that passes do not. */
static double best_peak(cw_isa isa, int threads) {
  double best = 0;
  for (int i = 0; i < 10; i++) {
    const double peak = cw_peak_gflops(isa, true, threads);
    if (peak > best) best = peak;
  }
  return best;
}

static void print_rate(double rate, double work, double peak) {
  const double gflops = 1e-9 * rate * work;
  printf("  %7.0f %4.0f GF/s %3.0f %%", rate, gflops, 100 * gflops / peak);
}

static void run_case(const net_case *k, int threads) {
  bench b;
  open_bench(&b, k, threads);
  const flops f = count_flops(&k->spec, &b.order, &b.geom->lat);
  const double peak = best_peak(cw_context_isa(b.ctx), threads);
  const double sampling = best_rate(&b, sample), given = best_rate(&b, log_prob);
  if (memcmp(b.logq, b.logq_given, (size_t)k->batch * sizeof(double)) != 0) {
    fprintf(stderr, "error: ln q of samples has other bits than that of the same spins given\n");
    exit(1);
  }
  const double naive = naive_rate(&b);
  printf("  %-28s %7d", k->what, threads);
  print_rate(sampling, f.pass, peak);
  print_rate(given, f.pass, peak);
  printf("  %6.2f %4.0f", naive, sampling / naive);
  print_rate(best_rate(&b, train), f.train, peak);
  printf("  %5.0f", peak);
  if (k->torch > 0) printf("  %5g %5.0f", k->torch, sampling / k->torch);
  printf("\n");
  fflush(stdout);
  close_bench(&b);
}

static bool wanted(const char *name, int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], name) == 0) return true;
  return argc < 2;
}

int main(int argc, char **argv) {
  printf("Autoregressive models of Ising spins, %dx%d: per second, GFlop/s, and share of the float "
         "FMA peak of the same threads.\n"
         "Naive: the whole network again for each of %d sites, scaled from %d such passes of %d "
         "configurations on each thread; the same bits.\n"
         "Public: PyTorch code, sampling on two threads of another machine. Ratios are those of "
         "sampling.\n",
         L, L, N, NAIVE_PASSES, CW_LANES);
  printf("  %-28s %7s  %-23s  %-23s  %-11s  %-23s  %5s  %s\n", "network", "threads", "sampling",
         "ln q of given spins", "naive ratio", "training", "peak", "public ratio");
  for (int i = 0; i < N_CASES; i++)
    for (int threads = 1; threads <= 2 && wanted(cases[i].name, argc, argv); threads++)
      run_case(&cases[i], threads);
  return 0;
}
