/* Rates of autoregressive models of spins at 16x16: samples drawn site by site, samples drawn the
 * naive way (the whole network again for every site), ln q of given spins, and training steps, with
 * the share of the float FMA peak measured here. Usage: bench_autoregressive [name]...; default:
 * every network.
 *
 * A layer does 2 ci co flops per configuration and link, a link being a site with one that it
 * reads. At 16x16, zeros outside:
 *
 *                           links of the layers     MFlop    weights, kB
 *   13x13, 64 channels   13778, 14034, 14034        118.5       1415   (1, 64, 64, 1 channels)
 *   3x3, 64 channels       930,  1186,  1186          10.0         84
 *   MADE, width 2        32640, 32896                  0.26        525
 *
 * Training costs three times as much: the pass, and the gradients of weights and of channels. What
 * the network sees of a spin is computed once, when it is drawn, so that a sample costs one pass.
 * 16 configurations at a time read every weight that reaches a site: 13x13 moves 16 ci co bytes/4
 * of weights from the last-level cache for 2 16 ci co flops, 8 flops per byte; at 117 GFlop/s per
 * thread that is 15 GB/s. Arithmetic is the floor: 987 samples/s for 13x13 on a thread of 117
 * GFlop/s and 11 700 for 3x3. Of MADE's weights every one is used once: 2 flops per 4 bytes and
 * configuration, again 8 per byte.
 *
 * The public code in PyTorch of the same networks (github.com/wdphy16/stat-mech-van) was measured
 * on two threads of another machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/ising.h"
#include "causeway/train.h"
#include "model/autoregressive/masked.h"
#include "peak.h"

enum { L = 16, N = L * L, NAIVE_PASSES = 4 };
static const double BETA = 0.44;

typedef struct {
  const char *name, *what;
  long batch;
  double torch; /* samples/s of the public code on two threads; 0: has no such network */
  bool naive;
  cw_autoregressive_spec spec;
} net_case;

#define SPEC(...)                                                                                  \
  { .clip = 1e-7, .shifts = 1, __VA_ARGS__ }
#define PIXELCNN(size)                                                                             \
  SPEC(.kind = CW_AUTOREGRESSIVE_PIXELCNN, .n_hidden = 2, .hidden = {64, 64}, .kernel = (size),    \
       .activation = CW_ACT_LEAKY_RELU)

static const net_case cases[] = {
    {"pixelcnn13", "PixelCNN, 13x13, [64,64]", 64, 3.4, true, PIXELCNN(13)},
    {"pixelcnn3", "PixelCNN, 3x3, [64,64]", 256, 34, true, PIXELCNN(3)},
    {"made", "MADE, [2]", 1024, 78, false,
     SPEC(.kind = CW_AUTOREGRESSIVE_MADE, .n_hidden = 1, .hidden = {2},
          .activation = CW_ACT_LEAKY_RELU)},
    {"frontier", "frontier, rows, z2, [64,64]", 1024, 0, false,
     SPEC(.kind = CW_AUTOREGRESSIVE_FRONTIER, .n_hidden = 2, .hidden = {64, 64},
          .share = CW_SHARE_ROWS, .z2 = true)},
    {"hierarchical", "hierarchical, z2, [64,64]", 1024, 0, false,
     SPEC(.kind = CW_AUTOREGRESSIVE_HIERARCHICAL, .n_hidden = 2, .hidden = {64, 64}, .z2 = true)},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static void fail(cw_context *ctx, cw_status st) {
  if (st == CW_OK) return;
  fprintf(stderr, "error: %s\n", cw_error(ctx));
  exit(cw_exit_code(st));
}

/* ---- work ---- */

static long conv_links(int kernel, bool first) {
  long n = 0;
  const int reach = kernel / 2;
  for (int y = 0; y < L; y++)
    for (int x = 0; x < L; x++)
      for (int v = y - reach; v <= y; v++)
        for (int u = x - reach; u <= x + reach; u++)
          n += u >= 0 && u < L && v >= 0 && (v < y || u < x || (u == x && !first));
  return n;
}

static long frontier_links(const cw_order *order, const cw_lattice *lat, bool first) {
  int work[2 * N], near[N];
  long n = 0;
  for (int i = 0; i < N; i++) n += first ? cw_order_frontier(order, lat, i, work, near) : 1;
  return n;
}

static double layer_links(const cw_autoregressive_spec *s, const cw_order *order,
                          const cw_lattice *lat, bool first) {
  if (s->kind == CW_AUTOREGRESSIVE_PIXELCNN) return (double)conv_links(s->kernel, first);
  if (s->kind == CW_AUTOREGRESSIVE_MADE) return N * (N + (first ? -1.0 : 1.0)) / 2;
  return (double)frontier_links(order, lat, first);
}

typedef struct {
  double pass, train; /* flops per configuration */
} work_of;

static work_of count_flops(const cw_autoregressive_spec *s, const cw_order *order,
                           const cw_lattice *lat) {
  work_of f = {0};
  for (int k = 0, ci = 1; k <= s->n_hidden; k++) {
    const int co = k < s->n_hidden ? s->hidden[k] : 1;
    const double layer = 2 * layer_links(s, order, lat, k == 0) * ci * co;
    f.pass += layer;
    f.train += (k > 0 ? 3 : 2) * layer; /* no one asks for the adjoint of the spins */
    ci = co;
  }
  return f;
}

/* ---- one network on some threads ---- */

typedef struct {
  cw_context *ctx;
  const net_case *k;
  cw_geometry *geom;
  cw_order order;
  cw_model *model;
  cw_theory th;
  cw_trainer *trainer;
  cw_masked *net; /* the model's, for naive sampling, with its parameters */
  float *theta;
  cw_field x;
  double *logq, *logq_again;
  int threads;
  uint32_t step;
} bench;

static void open_net(bench *b) {
  const long n = cw_model_n_theta(b->model);
  fail(b->ctx, cw_order_create(b->ctx, &b->k->spec, &b->geom->lat, &b->order));
  fail(b->ctx, cw_masked_create(b->ctx, &b->k->spec, b->geom, &b->order, &b->net));
  b->theta = cw_alloc((size_t)n * sizeof(float));
  for (long i = 0; i < n; i++) b->theta[i] = (float)cw_model_theta(b->model)[i];
}

static void open_bench(bench *b, const net_case *k, int threads) {
  const cw_lattice lat = {2, {L, L}};
  const double params[] = {BETA, 0};
  const cw_train_options opt = {.gradient = CW_GRADIENT_REINFORCE,
                                .batch = k->batch,
                                .steps = 100000,
                                .rate = 1e-7,
                                .beta1 = 0.9,
                                .beta2 = 0.999,
                                .epsilon = 1e-8};
  const cw_model_spec spec = {.kind = CW_MODEL_AUTOREGRESSIVE, .autoregressive = k->spec};
  *b = (bench){.k = k, .threads = threads};
  fail(NULL, cw_context_create(&(cw_context_options){.threads = threads, .quiet = true}, &b->ctx));
  fail(b->ctx, cw_geometry_create(b->ctx, &lat, 1, &b->geom));
  fail(b->ctx, cw_model_create(b->ctx, &spec, b->geom, &b->model));
  cw_model_init(b->model, 1);
  open_net(b);
  fail(b->ctx, cw_field_create(b->ctx, b->geom, 1, k->batch, &b->x));
  b->logq = cw_alloc((size_t)k->batch * sizeof(double));
  b->logq_again = cw_alloc((size_t)k->batch * sizeof(double));
  fail(b->ctx, cw_theory_create(b->ctx, cw_theory_find("ising"), b->geom, 0, params, &b->th));
  fail(b->ctx,
       cw_trainer_create(b->ctx, &opt, b->model, &b->th, cw_rng_stream(1, "train"), &b->trainer));
}

static void close_bench(bench *b) {
  cw_trainer_destroy(b->trainer);
  cw_field_destroy(&b->x);
  cw_masked_destroy(b->net);
  cw_order_destroy(&b->order);
  cw_model_destroy(b->model);
  cw_geometry_destroy(b->geom);
  cw_context_destroy(b->ctx);
  free(b->theta);
  free(b->logq);
  free(b->logq_again);
}

static void sample(bench *b) {
  fail(b->ctx,
       cw_model_sample(b->ctx, b->model, cw_rng_stream(1, "bench"), b->step++, &b->x, b->logq));
}
static void log_prob(bench *b) {
  fail(b->ctx, cw_model_log_prob(b->ctx, b->model, &b->x, b->logq_again));
}
static void train(bench *b) {
  cw_train_report report;
  fail(b->ctx, cw_trainer_step(b->trainer, NULL, &report));
}

/* Configurations per second, the best of many turns of a second and a half together. */
static double best_rate(bench *b, void (*turn)(bench *)) {
  double best = 1e300;
  const double begin = cw_wall_seconds();
  for (int i = 0; i < 5 || cw_wall_seconds() - begin < 1.5; i++) {
    double t = cw_wall_seconds();
    turn(b);
    t = cw_wall_seconds() - t;
    if (t < best) best = t;
  }
  return (double)b->k->batch / best;
}

/* ---- the naive way ---- */

static void spin_at(const bench *b, long block, int i, float *spin) {
  for (int l = 0; l < CW_LANES; l++)
    spin[l] = (float)cw_field_get(&b->x, block * CW_LANES + l, b->order.site[i], 0);
}

/* Seconds of one of the N passes through the whole network that a naive sample takes, the best of
 * some. Counts in *differ the logits that do not have the bits of those computed site by site. */
static double naive_pass(const bench *b, long block, cw_arena *arena, long *differ) {
  cw_masked_pass once, again;
  double best = 1e300;
  if (cw_masked_open(b->net, &once, arena) != CW_OK ||
      cw_masked_open(b->net, &again, arena) != CW_OK)
    exit(1);
  for (int i = 0; i < N; i++) {
    cw_masked_site(b->net, b->theta, i, &once);
    spin_at(b, block, i, once.rows[0] + (size_t)i * CW_LANES);
  }
  for (int p = 1; p <= NAIVE_PASSES; p++) {
    const size_t drawn = (size_t)(N * p / NAIVE_PASSES - 1) * CW_LANES;
    memset(again.rows[0], 0, N * CW_LANES * sizeof(float));
    memcpy(again.rows[0], once.rows[0], drawn * sizeof(float));
    double t = cw_wall_seconds();
    const float *logit = cw_masked_all(b->net, b->theta, &again);
    t = cw_wall_seconds() - t;
    if (t < best) best = t;
    for (size_t l = 0; l < CW_LANES; l++)
      *differ += logit[drawn + l] != cw_masked_logits(b->net, &once)[drawn + l];
  }
  return best;
}

/* Samples per second of all threads, from a few passes each. */
static double naive_rate(const bench *b) {
  double seconds = 0;
  long differ = 0;
#pragma omp parallel num_threads(b->threads) reduction(max : seconds) reduction(+ : differ)
  {
    cw_arena *arena = cw_arena_create(1 << 20);
    seconds = naive_pass(b, omp_get_thread_num(), arena, &differ);
    cw_arena_destroy(arena);
  }
  if (differ == 0) return b->threads * CW_LANES / (N * seconds);
  fprintf(stderr, "error: %ld logits differ from those computed site by site\n", differ);
  exit(1);
}

/* ---- report ---- */

static void print_rate(double rate, double flops, double peak) {
  const double gflops = 1e-9 * rate * flops;
  printf(" %8.0f %4.0f GF/s %3.0f %%", rate, gflops, 100 * gflops / peak);
}

static void run_case(const net_case *k, int threads) {
  bench b;
  open_bench(&b, k, threads);
  const work_of f = count_flops(&k->spec, &b.order, &b.geom->lat);
  const double peak = cw_peak_gflops(cw_context_isa(b.ctx), true, threads);
  const double rate = best_rate(&b, sample), judged = best_rate(&b, log_prob);
  if (memcmp(b.logq, b.logq_again, (size_t)k->batch * sizeof(double)) != 0) {
    fprintf(stderr, "error: ln q of samples differs from that of the same spins given\n");
    exit(1);
  }
  printf("  %-28s %d", k->what, threads);
  print_rate(rate, f.pass, peak);
  print_rate(judged, f.pass, peak);
  if (k->naive)
    printf(" %6.2f", naive_rate(&b));
  else
    printf("      -");
  print_rate(best_rate(&b, train), f.train, peak);
  if (k->torch > 0 && threads == 2) printf("  %4.1f (%.0f times)", k->torch, rate / k->torch);
  printf("   %.0f\n", peak);
  fflush(stdout);
  close_bench(&b);
}

static bool wanted(const char *name, int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], name) == 0) return true;
  return argc < 2;
}

int main(int argc, char **argv) {
  printf("Autoregressive models of Ising spins, %dx%d: per second, with the share of the float FMA "
         "peak of the same threads.\nnaive: the whole network again for each of %d sites, from %d "
         "such passes of 16 configurations a thread; same bits as site by site.\n"
         "torch: public code, sampling, two threads of another machine.\n",
         L, L, N, NAIVE_PASSES);
  printf("  network                threads  sampling                  ln q            naive"
         "            training        torch   peak GF/s\n");
  for (int i = 0; i < N_CASES; i++)
    for (int threads = 1; threads <= 2 && wanted(cases[i].name, argc, argv); threads++)
      run_case(&cases[i], threads);
  return 0;
}
