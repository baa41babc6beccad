/* Autoregressive models of spins, every kind: probabilities that add up to one over all
 * configurations, samples that follow them, drawing site by site with the bits of a full pass,
 * gradients against differences and against enumeration, symmetries, and what is refused. */
#include <stdlib.h>
#include <string.h>

#include "causeway/ising.h"
#include "causeway/train.h"
#include "model/autoregressive/masked.h"
#include "support/check.h"

#define MIXTURE(n_shift, ...)                                                                      \
  { .clip = 1e-7, .shifts = (n_shift), __VA_ARGS__ }
#define SPEC(...) MIXTURE(1, __VA_ARGS__)

typedef struct {
  const char *what;
  cw_lattice lat;
  double h; /* of the target */
  cw_autoregressive_spec spec;
} model_case;

static const model_case cases[] = {
    {"no network", {2, {3, 3}}, 0.3, SPEC(.kind = "made", .bonds = true)},
    {"pixelcnn",
     {2, {3, 3}},
     0.3,
     SPEC(.kind = "pixelcnn", .n_hidden = 2, .hidden = {5, 18}, .kernel = 3)},
    {"pixelcnn, periodic, gated, residual",
     {2, {4, 4}},
     0.1,
     SPEC(.kind = "pixelcnn", .n_hidden = 3, .hidden = {6, 6, 6}, .kernel = 5, .periodic = true,
          .gated = true, .residual = true, .bonds = true)},
    {"pixelcnn, periodic, residual, leaky",
     {2, {3, 4}},
     0,
     SPEC(.kind = "pixelcnn", .n_hidden = 2, .hidden = {7, 7}, .kernel = 3, .periodic = true,
          .residual = true, .activation = CW_ACT_LEAKY_RELU)},
    {"pixelcnn, z2",
     {2, {4, 4}},
     0,
     SPEC(.kind = "pixelcnn", .n_hidden = 1, .hidden = {33}, .kernel = 3, .z2 = true)},
    {"made", {2, {4, 4}}, -0.2, SPEC(.kind = "made", .n_hidden = 1, .hidden = {3}, .bonds = true)},
    {"made in three dimensions",
     {3, {2, 2, 3}},
     0.2,
     SPEC(.kind = "made", .n_hidden = 2, .hidden = {4, 5})},
    {"frontier, own weights",
     {2, {4, 4}},
     0.2,
     SPEC(.kind = "frontier", .n_hidden = 2, .hidden = {8, 9}, .bonds = true)},
    {"frontier, shared along rows, z2",
     {2, {3, 4}},
     0,
     SPEC(.kind = "frontier", .n_hidden = 2, .hidden = {70, 6}, .share = CW_SHARE_ROWS, .z2 = true,
          .bonds = true)},
    {"frontier, shared, three dimensions",
     {3, {2, 3, 2}},
     0.3,
     SPEC(.kind = "frontier", .n_hidden = 1, .hidden = {6}, .share = CW_SHARE_ALL, .bonds = true)},
    {"hierarchical",
     {2, {4, 4}},
     0.2,
     SPEC(.kind = "hierarchical", .n_hidden = 2, .hidden = {5, 5}, .bonds = true)},
    {"hierarchical, odd extents, gated",
     {2, {3, 5}},
     0,
     SPEC(.kind = "hierarchical", .n_hidden = 1, .hidden = {5}, .gated = true)},
    {"mixture of all images",
     {2, {3, 3}},
     0,
     MIXTURE(3, .kind = "frontier", .n_hidden = 1, .hidden = {6}, .bonds = true, .mirror = true,
             .point_group = true)},
    {"mixture of some images",
     {2, {4, 2}},
     0,
     MIXTURE(2, .kind = "made", .n_hidden = 1, .hidden = {2}, .mirror = true)},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static const double BETA = 0.4;

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_model *model;
  cw_theory th;
  const model_case *k;
  double *theta;
  long n_theta;
  cw_arena *arena;
  cw_field all; /* every configuration */
  double *logq; /* of all */
} bench;

static void fill_all(bench *b) {
  const int n = (int)b->geom->n_sites;
  check_ok(b->ctx, cw_field_create(b->ctx, b->geom, 1, 1L << n, &b->all));
  for (long c = 0; c < 1L << n; c++)
    for (int s = 0; s < n; s++) cw_field_set(&b->all, c, s, 0, c >> s & 1 ? 1 : -1);
  b->logq = cw_alloc((size_t)(1L << n) * sizeof(double));
  check_ok(b->ctx, cw_model_log_prob(b->ctx, b->model, &b->all, b->logq));
}

static void open_bench(bench *b, const model_case *k, int threads) {
  const double params[] = {BETA, k->h};
  const cw_model_spec spec = {.kind = CW_MODEL_AUTOREGRESSIVE, .autoregressive = k->spec};
  *b = (bench){.ctx = test_context(threads), .k = k};
  check_ok(b->ctx, cw_geometry_create(b->ctx, &k->lat, 1, &b->geom));
  check_ok(b->ctx, cw_model_create(b->ctx, &spec, b->geom, &b->model));
  check_ok(b->ctx, cw_theory_create(b->ctx, cw_theory_find("ising"), b->geom, 0, params, &b->th));
  cw_model_set_couplings(b->model, b->th.ops, b->th.c);
  b->n_theta = cw_model_n_theta(b->model);
  b->theta = cw_alloc((size_t)b->n_theta * sizeof(double));
  for (long i = 0; i < b->n_theta; i++) {
    double z[2];
    cw_normal2(CW_ISA_BASE, cw_rng_stream(3, "theta"), (uint32_t)i, 0, 0, 0, z);
    b->theta[i] = (float)(0.25 * z[0]);
  }
  cw_model_set_theta(b->model, b->theta);
  b->arena = cw_arena_create(1 << 18);
  fill_all(b);
}

static void close_bench(bench *b) {
  cw_model_destroy(b->model);
  cw_theory_destroy(&b->th);
  cw_field_destroy(&b->all);
  cw_geometry_destroy(b->geom);
  cw_arena_destroy(b->arena);
  free(b->theta);
  free(b->logq);
  cw_context_destroy(b->ctx);
}

static void try_case(const model_case *k, void (*test)(bench *)) {
  print_message("  %s, %s\n", k->spec.kind, k->what);
  bench b;
  open_bench(&b, k, 1);
  test(&b);
  close_bench(&b);
}

/* Every kind of the registry, with a network of one hidden layer, and the cases of the table. */
static void for_cases(void (*test)(bench *)) {
  for (int i = 0; cw_autoregressives[i] != NULL; i++) {
    const model_case k = {"one hidden layer",
                          {2, {2, 4}},
                          0.2,
                          SPEC(.kind = cw_autoregressives[i]->name, .n_hidden = 1, .hidden = {6},
                               .kernel = 3, .bonds = true)};
    try_case(&k, test);
  }
  for (int i = 0; i < N_CASES; i++) try_case(&cases[i], test);
}

/* ---- probabilities ---- */

static void probabilities_add_up_to_one(bench *b) {
  check_close(cw_logsumexp(b->logq, (size_t)b->all.n_config), 0, 1e-13);
}

static long number_of(const bench *b, const cw_field *x, long i) {
  long c = 0;
  for (int s = 0; s < (int)b->geom->n_sites; s++) c |= (long)(cw_field_get(x, i, s, 0) > 0) << s;
  return c;
}

/* Pearson's chi^2 over all configurations with at least 8 expected; the others together. */
static void samples_follow_them(bench *b) {
  enum { N = 160005 }; /* the last block is not full */
  const long n = b->all.n_config;
  cw_field x;
  double *logq = cw_alloc(N * sizeof *logq), *seen = cw_alloc((size_t)n * sizeof *seen);
  check_ok(b->ctx, cw_field_create(b->ctx, b->geom, 1, N, &x));
  x.first_chain = 5;
  check_ok(b->ctx, cw_model_sample(b->ctx, b->model, cw_rng_stream(1, "s"), 2, &x, logq));
  for (long i = 0; i < N; i++) {
    const long c = number_of(b, &x, i);
    assert_true(logq[i] == b->logq[c]); /* bit by bit */
    seen[c]++;
  }
  double chi2 = 0, bins = 0, rest = 0, rest_seen = 0;
  for (long c = 0; c < n; c++) {
    const double expected = N * exp(b->logq[c]);
    if (expected >= 8) {
      chi2 += (seen[c] - expected) * (seen[c] - expected) / expected;
      bins++;
    } else {
      rest += expected;
      rest_seen += seen[c];
    }
  }
  if (rest >= 8) {
    chi2 += (rest_seen - rest) * (rest_seen - rest) / rest;
    bins++;
  }
  assert_true(bins > 20);
  check_sigma(chi2, sqrt(2 * (bins - 1)), bins - 1, 4);
  cw_field_destroy(&x);
  free(logq);
  free(seen);
}

/* ---- the network, site by site ---- */

/* Drawn by running the whole network for every site, on spins that are zero where they are not
 * drawn yet, the same numbers come out as from what is computed once per site: bit by bit. */
static void site_by_site_has_the_bits_of_full_passes(bench *b) {
  cw_order order;
  cw_masked *net;
  cw_masked_pass once, full;
  check_ok(b->ctx, cw_order_create(b->ctx, &b->k->spec, &b->k->lat, &order));
  check_ok(b->ctx, cw_masked_create(b->ctx, &b->k->spec, b->geom, &order, &net));
  assert_int_equal(cw_masked_n_theta(net), b->n_theta);
  float *theta = cw_alloc((size_t)(b->n_theta + 1) * sizeof *theta);
  for (long i = 0; i < b->n_theta; i++) theta[i] = (float)b->theta[i];
  check_ok(b->ctx, cw_masked_open(net, &once, b->arena));
  check_ok(b->ctx, cw_masked_open(net, &full, b->arena));
  memset(full.rows[0], 0, (size_t)order.n * CW_LANES * sizeof(float));
  for (int i = 0; i < order.n * CW_LANES; i++) once.rows[0][i] = NAN; /* must not be read */
  for (int i = 0; i < order.n; i++) {
    const float *all = cw_masked_all(net, theta, &full) + i * CW_LANES;
    const float *one = cw_masked_site(net, theta, i, &once);
    assert_memory_equal(one, all, CW_LANES * sizeof(float));
    for (int l = 0; l < CW_LANES; l++) {
      uint32_t r[4];
      cw_random_bits(cw_rng_stream(4, "spin"), (uint32_t)i, (uint32_t)l, 0, 0, r);
      once.rows[0][i * CW_LANES + l] = full.rows[0][i * CW_LANES + l] = r[0] & 1 ? 1 : -1;
    }
  }
  const float *again = cw_masked_all(net, theta, &full);
  assert_memory_equal(again, cw_masked_logits(net, &once), (size_t)order.n * CW_LANES * 4);
  cw_masked_destroy(net);
  cw_order_destroy(&order);
  free(theta);
}

/* Every site is drawn once. */
static void orders_are_permutations(bench *b) {
  cw_order order;
  check_ok(b->ctx, cw_order_create(b->ctx, &b->k->spec, &b->k->lat, &order));
  int *seen = calloc((size_t)order.n, sizeof *seen);
  for (int i = 0; i < order.n; i++) {
    seen[order.site[i]]++;
    assert_int_equal(order.position[order.site[i]], i);
    assert_in_range(order.group[i], 0, order.n_group - 1);
  }
  for (int i = 0; i < order.n; i++) assert_int_equal(seen[i], 1);
  free(seen);
  cw_order_destroy(&order);
}

/* Without weights the logits are what the drawn neighbours and the field say. */
static void bonds_are_heat_baths(bench *b) {
  if (!b->k->spec.bonds || b->k->spec.mirror) return;
  cw_order order;
  check_ok(b->ctx, cw_order_create(b->ctx, &b->k->spec, &b->k->lat, &order));
  memset(b->theta, 0, (size_t)b->n_theta * sizeof *b->theta);
  cw_model_set_theta(b->model, b->theta);
  check_ok(b->ctx, cw_model_log_prob(b->ctx, b->model, &b->all, b->logq));
  for (long c = 0; c < b->all.n_config; c += 37) {
    double logq = 0;
    for (int i = 0; i < order.n; i++) {
      int coord[CW_MAX_DIM], site = order.site[i];
      double field = b->k->h, s = c >> site & 1 ? 1 : -1;
      cw_lattice_coord(&b->k->lat, site, coord);
      for (int d = 0; d < b->k->lat.dim; d++)
        for (int step = -1; step <= 1; step += 2) {
          coord[d] += step;
          int near = (int)cw_lattice_site(&b->k->lat, coord);
          if (order.position[near] < i) field += c >> near & 1 ? 1 : -1;
          coord[d] -= step;
        }
      logq -= log1p(exp(-2 * BETA * s * field));
    }
    check_close(b->logq[c], logq, 1e-13);
  }
  cw_order_destroy(&order);
}

/* ---- symmetries ---- */

static void z2_is_exact(bench *b) {
  if (!b->k->spec.z2) return;
  const long last = b->all.n_config - 1;
  for (long c = 0; c <= last; c++) check_close(b->logq[c], b->logq[last - c], 1e-13);
}

/* Where the images are a whole group, the mixture is invariant: here for steps of one site in each
 * direction, reflection, exchange of axes, and the mirror image. */
static void a_mixture_is_symmetric(void **state) {
  (void)state;
  bench b;
  open_bench(&b, &cases[N_CASES - 2], 1);
  const int n = 3;
  double spread = 0;
  for (long c = 0; c < b.all.n_config; c++) {
    long shifted = 0, reflected = 0, exchanged = 0;
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) {
        const long s = c >> (i * n + j) & 1;
        shifted |= s << ((i + 1) % n * n + (j + 2) % n);
        reflected |= s << ((n - i) % n * n + j);
        exchanged |= s << (j * n + i);
      }
    check_close(b.logq[shifted], b.logq[c], 1e-12);
    check_close(b.logq[reflected], b.logq[c], 1e-12);
    check_close(b.logq[exchanged], b.logq[c], 1e-12);
    check_close(b.logq[b.all.n_config - 1 - c], b.logq[c], 1e-12);
    spread = fmax(spread, fabs(b.logq[c] - b.logq[0]));
  }
  assert_true(spread > 1);
  close_bench(&b);
}

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
  float *g = cw_alloc(n * sizeof *g);
  double weight[CW_LANES] CW_ALIGNED, norm = 0;
  const double h = b->k->spec.activation == CW_ACT_LEAKY_RELU ? 3e-3 : 1e-2;
  cw_model_pass pass, other;
  for (int l = 0; l < CW_LANES; l++) weight[l] = l % 3 - 0.7;
  direction(b->n_theta, d);
  check_ok(b->ctx, cw_model_sample_block(b->model, cw_rng_stream(1, "s"), 0, 0, &pass, b->arena));
  check_ok(b->ctx, cw_model_log_prob_vjp(b->model, &pass, weight, NULL, g, b->arena));
  for (size_t i = 0; i < n; i++) {
    exact += d[i] * (double)g[i];
    norm += (double)g[i] * (double)g[i];
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
  const long n = b->all.n_config;
  float *g = cw_alloc((size_t)b->n_theta * sizeof *g);
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
    check_ok(b->ctx, cw_model_log_prob_vjp(b->model, &pass, weight, NULL, g, b->arena));
    cw_arena_rewind(b->arena, mark);
  }
  cw_model_set_couplings(b->model, b->th.ops, b->th.c);
  for (long i = 0; i < b->n_theta; i++) slope += d[i] * (double)g[i];
  free(g);
  free(S);
  free(T);
  return slope;
}

/* REINFORCE with its baseline has the mean of the exact gradient, at annealed couplings too. */
static void reinforce_is_unbiased(void **state) {
  (void)state;
  static const int which[] = {1, 8};
  enum { BATCHES = 60 };
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

/* The mean of p/q over samples is 1. Here the model is as bad as its small random weights make it.
 */
static void importance_sampling_is_unbiased(bench *b) {
  enum { N = 60000 };
  for (long i = 0; i < b->n_theta; i++)
    b->theta[i] *= 0.3; /* or the weights' variance is infinite */
  cw_model_set_theta(b->model, b->theta);
  double *T = cw_alloc((size_t)b->all.n_config * 2 * sizeof *T),
         *S = cw_alloc((size_t)b->all.n_config * sizeof *S);
  cw_theory_action(&b->th, &b->all, b->th.c, T, S);
  for (long i = 0; i < b->all.n_config; i++) S[i] = -S[i];
  const double lnz = cw_logsumexp(S, (size_t)b->all.n_config);
  cw_field x;
  double *logq = cw_alloc(N * sizeof *logq), mean = 0, square = 0;
  check_ok(b->ctx, cw_field_create(b->ctx, b->geom, 1, N, &x));
  check_ok(b->ctx, cw_model_sample(b->ctx, b->model, cw_rng_stream(6, "nis"), 0, &x, logq));
  for (long i = 0; i < N; i++) {
    const double w = exp(S[number_of(b, &x, i)] - logq[i] - lnz);
    mean += w / N;
    square += w * w / N;
  }
  check_sigma(mean, sqrt((square - mean * mean) / N), 1, 4);
  cw_field_destroy(&x);
  free(T);
  free(S);
  free(logq);
}

#define FOR_CASES(test)                                                                            \
  static void every_##test(void **state) {                                                         \
    (void)state;                                                                                   \
    for_cases(test);                                                                               \
  }
FOR_CASES(probabilities_add_up_to_one)
FOR_CASES(samples_follow_them)
FOR_CASES(site_by_site_has_the_bits_of_full_passes)
FOR_CASES(orders_are_permutations)
FOR_CASES(bonds_are_heat_baths)
FOR_CASES(z2_is_exact)
FOR_CASES(score_is_the_gradient)
FOR_CASES(importance_sampling_is_unbiased)

/* Training: the exact ln Z bounds the loss from below and is reached closely; with the same bits on
 * two threads. */
static void training_finds_the_target(void **state) {
  (void)state;
  double loss[2];
  for (int threads = 1; threads <= 2; threads++) {
    bench b;
    open_bench(&b, &cases[8], threads);
    cw_model_init(b.model, 1);
    cw_train_options opt = {.loss = CW_LOSS_REVERSE_KL,
                            .gradient = CW_GRADIENT_REINFORCE,
                            .batch = 256,
                            .steps = 300,
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
    for (int i = 0; i < 300; i++) check_ok(b.ctx, cw_trainer_step(t, NULL, &report));
    const double lnz = 12 * cw_ising_torus(3, 4, BETA).lnz;
    loss[threads - 1] = report.loss;
    assert_true(report.ess > 0.999);
    check_close(report.loss, -lnz, 1e-3);
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

static void bad_specs_are_refused(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  cw_geometry *geom;
  cw_model *m;
  check_ok(ctx, cw_geometry_create(ctx, &(cw_lattice){2, {4, 4}}, 1, &geom));
  static const struct {
    const char *message;
    cw_autoregressive_spec spec;
  } bad[] = {
      {"unknown autoregressive model", SPEC(.kind = "hierarchy")},
      {"kernel 4", SPEC(.kind = "pixelcnn", .kernel = 4)},
      {"reaches around", SPEC(.kind = "pixelcnn", .kernel = 9)},
      {"more than 134217728 parameters",
       SPEC(.kind = "frontier", .n_hidden = 3, .hidden = {4096, 4096, 4096})},
      {"mirror images", MIXTURE(1, .kind = "made", .z2 = true, .mirror = true)},
      {"hidden layers", SPEC(.kind = "made", .n_hidden = 9)},
      {"0 channels", SPEC(.kind = "made", .n_hidden = 1)},
      {"odd activation", SPEC(.kind = "made", .z2 = true, .activation = CW_ACT_LEAKY_RELU)},
      {"clip", {.kind = "made", .shifts = 1}},
      {"shifts", {.kind = "made", .clip = 1e-6}},
      {"shifts", MIXTURE(5, .kind = "made", .mirror = true, .point_group = true)},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const cw_model_spec spec = {.kind = CW_MODEL_AUTOREGRESSIVE, .autoregressive = bad[i].spec};
    check_failure(ctx, cw_model_create(ctx, &spec, geom, &m), CW_EINVAL, bad[i].message);
    assert_null(m);
  }
  cw_geometry_destroy(geom);
  cw_context_destroy(ctx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_probabilities_add_up_to_one),
      cmocka_unit_test(every_samples_follow_them),
      cmocka_unit_test(every_site_by_site_has_the_bits_of_full_passes),
      cmocka_unit_test(every_orders_are_permutations),
      cmocka_unit_test(every_bonds_are_heat_baths),
      cmocka_unit_test(every_z2_is_exact),
      cmocka_unit_test(a_mixture_is_symmetric),
      cmocka_unit_test(every_score_is_the_gradient),
      cmocka_unit_test(reinforce_is_unbiased),
      cmocka_unit_test(every_importance_sampling_is_unbiased),
      cmocka_unit_test(training_finds_the_target),
      cmocka_unit_test(annealing_ends_at_the_target),
      cmocka_unit_test(bad_specs_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
