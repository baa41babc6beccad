#include "train/natural_gradient.h"

#include <math.h>
#include <stdlib.h>

#include "train/gram.h"

/* Parameters that a thread combines at a time. */
enum { STRETCH = 512 };

typedef struct {
  cw_scored_batch *of;
  const cw_gram_kernels *kernels;
  int threads;
  double *gram; /* (n_blocks*CW_LANES, the same), the lower triangle */
  double *dual; /* (n_blocks*CW_LANES) */
} equations;

static double *scores_of(const cw_scored_batch *b, long block) {
  return b->score + block * b->n_theta * CW_LANES;
}

/* Lanes of a block that hold configurations. */
static int lanes_of(const cw_scored_batch *b) { return (int)(b->n / b->n_blocks); }

static void subtract_means(const equations *e) {
  const cw_scored_batch *b = e->of;
  const int lanes = lanes_of(b);
  const double mean = cw_sum(b->w, (size_t)(b->n_blocks * CW_LANES)) / (double)b->n;
  for (long i = 0; i < b->n_blocks * CW_LANES; i++)
    if (i % CW_LANES < lanes) b->w[i] -= mean;
#pragma omp parallel for num_threads(e->threads) schedule(static)
  for (long k = 0; k < b->n_theta; k++) {
    double sum = 0;
    for (long block = 0; block < b->n_blocks; block++)
      sum += cw_sum(scores_of(b, block) + k * CW_LANES, (size_t)lanes);
    for (long block = 0; block < b->n_blocks; block++)
      for (int l = 0; l < lanes; l++) scores_of(b, block)[k * CW_LANES + l] -= sum / (double)b->n;
  }
}

/* Products of all pairs of configurations. */
static void fill_gram(const equations *e) {
  const cw_scored_batch *b = e->of;
  const long size = b->n_blocks * CW_LANES, pairs = b->n_blocks * (b->n_blocks + 1) / 2;
#pragma omp parallel for num_threads(e->threads) schedule(dynamic)
  for (long pair = 0; pair < pairs; pair++) {
    double tile[CW_LANES * CW_LANES] CW_ALIGNED;
    long r = (long)((sqrt(8 * (double)pair + 1) - 1) / 2);
    while (r * (r + 1) / 2 > pair) r--;
    while ((r + 1) * (r + 2) / 2 <= pair) r++;
    const long c = pair - r * (r + 1) / 2;
    e->kernels->products(b->n_theta, scores_of(b, r), scores_of(b, c), tile);
    for (int i = 0; i < CW_LANES; i++)
      for (int j = 0; j < CW_LANES; j++)
        e->gram[(r * CW_LANES + i) * size + c * CW_LANES + j] = tile[i * CW_LANES + j];
  }
}

/* The penalty, above what rounding leaves of an equation that depends on others. */
static double penalty(const equations *e, double damping) {
  const cw_scored_batch *b = e->of;
  const long size = b->n_blocks * CW_LANES;
  double trace = 0;
  for (long i = 0; i < size; i++) trace += e->gram[i * size + i];
  const double x = damping * cw_dot(b->w, b->w, (size_t)size) / (double)b->n + 1e-12 * trace;
  return x != 0 ? x : 1;
}

/* (S S^T + penalty) dual = -w. Lanes without a configuration have rows of zeros, which the penalty keeps regular. */
static bool solve(const equations *e, double damping) {
  const cw_scored_batch *b = e->of;
  const long size = b->n_blocks * CW_LANES;
  const double ridge = penalty(e, damping);
  for (long i = 0; i < size; i++) {
    e->gram[i * size + i] += ridge;
    e->dual[i] = -b->w[i];
  }
  if (!cw_cholesky(size, e->gram, 0)) return false;
  cw_cholesky_solve(size, e->gram, e->dual);
  return true;
}

/* out (n_theta) = sum_i of s_i x_i, x (n_blocks, CW_LANES). */
static void combine(const equations *e, const double *x, double *out) {
  const cw_scored_batch *b = e->of;
#pragma omp parallel for num_threads(e->threads) schedule(static)
  for (long first = 0; first < b->n_theta; first += STRETCH) {
    const long n = b->n_theta - first < STRETCH ? b->n_theta - first : STRETCH;
    for (long k = first; k < first + n; k++) out[k] = 0;
    for (long block = 0; block < b->n_blocks; block++)
      e->kernels->combine(n, scores_of(b, block) + first * CW_LANES, x + block * CW_LANES,
                          out + first);
  }
}

/* Of all blocks; the dual's memory is taken. */
static double foretold_change(const equations *e, const double *step) {
  const cw_scored_batch *b = e->of;
#pragma omp parallel for num_threads(e->threads) schedule(static)
  for (long block = 0; block < b->n_blocks; block++)
    e->kernels->project(b->n_theta, scores_of(b, block), step, e->dual + block * CW_LANES);
  return sqrt(cw_dot(e->dual, e->dual, (size_t)(b->n_blocks * CW_LANES)) / (double)b->n);
}

cw_status cw_natural_gradient(cw_context *ctx, cw_scored_batch *of, double damping, double *step,
                              cw_natural_report *report) {
  const size_t size = (size_t)(of->n_blocks * CW_LANES), n_theta = (size_t)of->n_theta;
  CW_REQUIRE(damping > 0);
  equations e = {.of = of,
                 .kernels = CW_DISPATCH(cw_context_isa(ctx), cw_gram_kernels),
                 .threads = cw_threads(ctx),
                 .gram = cw_alloc(size * size * sizeof(double)),
                 .dual = cw_alloc(size * sizeof(double))};
  cw_status st = e.gram != NULL && e.dual != NULL ? CW_OK : CW_ENOMEM;
  if (st == CW_OK) {
    subtract_means(&e);
    combine(&e, of->w, step);
    report->grad_norm = sqrt(cw_dot(step, step, n_theta)) / (double)of->n;
    fill_gram(&e);
    if (!solve(&e, damping)) st = CW_ENUMERIC;
  }
  if (st == CW_OK) {
    combine(&e, e.dual, step);
    report->change = foretold_change(&e, step);
  }
  free(e.gram);
  free(e.dual);
  return st;
}
