#include "train/natural_gradient.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/gram.h"

/* Parameters that a thread combines at a time. */
enum { STRETCH = 512 };

typedef struct {
  cw_scored_batch *of;
  const cw_gram_kernels *kernels;
  int threads;
  long stride;
  double *gram; /* (n, n), the lower triangle */
  double *dual; /* (n) */
  double *row;  /* (stride) */
} equations;

long cw_score_stride(long n_theta) { return (n_theta + CW_LANES - 1) / CW_LANES * CW_LANES; }

static double *score_of(const equations *e, long i) { return e->of->score + i * e->stride; }

/* e->row = sum_i of s_i x_i. */
static void combine(const equations *e, const double *x) {
#pragma omp parallel for num_threads(e->threads) schedule(static)
  for (long first = 0; first < e->stride; first += STRETCH) {
    const long n = e->stride - first < STRETCH ? e->stride - first : STRETCH;
    memset(e->row + first, 0, (size_t)n * sizeof *e->row);
    e->kernels->combine(n, e->stride, e->of->n, e->of->score + first, x, e->row + first);
  }
}

static void subtract_means(const equations *e) {
  const cw_scored_batch *b = e->of;
  const double mean = cw_sum(b->w, (size_t)b->n) / (double)b->n;
  for (long i = 0; i < b->n; i++) {
    b->w[i] -= mean;
    e->dual[i] = 1 / (double)b->n;
  }
  combine(e, e->dual);
#pragma omp parallel for num_threads(e->threads) schedule(static)
  for (long i = 0; i < b->n; i++)
    for (long k = 0; k < e->stride; k++) score_of(e, i)[k] -= e->row[k];
}

/* Products of all pairs of configurations. */
static void fill_gram(const equations *e) {
  const long n = e->of->n, panels = n / CW_GRAM_PANEL, pairs = panels * (panels + 1) / 2;
#pragma omp parallel for num_threads(e->threads) schedule(dynamic)
  for (long pair = 0; pair < pairs; pair++) {
    double g[CW_GRAM_PANEL * CW_GRAM_PANEL];
    long r = (long)((sqrt(8 * (double)pair + 1) - 1) / 2);
    while (r * (r + 1) / 2 > pair) r--;
    while ((r + 1) * (r + 2) / 2 <= pair) r++;
    const long row = r * CW_GRAM_PANEL, column = (pair - r * (r + 1) / 2) * CW_GRAM_PANEL;
    e->kernels->products(e->stride, score_of(e, row), score_of(e, column), g);
    for (int i = 0; i < CW_GRAM_PANEL; i++)
      for (int j = 0; j < CW_GRAM_PANEL; j++)
        e->gram[(row + i) * n + column + j] = g[i * CW_GRAM_PANEL + j];
  }
}

/* The penalty, above what rounding leaves of an equation that depends on others. */
static double penalty(const equations *e, double damping) {
  const cw_scored_batch *b = e->of;
  double trace = 0;
  for (long i = 0; i < b->n; i++) trace += e->gram[i * b->n + i];
  const double x = damping * cw_dot(b->w, b->w, (size_t)b->n) / (double)b->n + 1e-12 * trace;
  return x != 0 ? x : 1;
}

/* (S S^T + penalty) dual = -w. */
static bool solve(const equations *e, double damping) {
  const cw_scored_batch *b = e->of;
  const double ridge = penalty(e, damping);
  for (long i = 0; i < b->n; i++) {
    e->gram[i * b->n + i] += ridge;
    e->dual[i] = -b->w[i];
  }
  if (!cw_cholesky(b->n, e->gram, 0)) return false;
  cw_cholesky_solve(b->n, e->gram, e->dual);
  return true;
}

/* The dual's memory is taken. */
static double foretold_change(const equations *e) {
#pragma omp parallel for num_threads(e->threads) schedule(static)
  for (long i = 0; i < e->of->n; i++)
    e->dual[i] = e->kernels->dot(e->stride, score_of(e, i), e->row);
  return sqrt(cw_dot(e->dual, e->dual, (size_t)e->of->n) / (double)e->of->n);
}

static cw_status find_step(const equations *e, double damping, cw_natural_report *report) {
  subtract_means(e);
  combine(e, e->of->w);
  report->grad_norm = sqrt(cw_dot(e->row, e->row, (size_t)e->stride)) / (double)e->of->n;
  fill_gram(e);
  if (!solve(e, damping)) return CW_ENUMERIC;
  combine(e, e->dual);
  report->change = foretold_change(e);
  return CW_OK;
}

cw_status cw_natural_gradient(cw_context *ctx, cw_scored_batch *of, double damping, double *step,
                              cw_natural_report *report) {
  const size_t n = (size_t)of->n;
  CW_REQUIRE(damping > 0 && of->n % CW_GRAM_PANEL == 0);
  equations e = {.of = of,
                 .kernels = CW_DISPATCH(cw_context_isa(ctx), cw_gram_kernels),
                 .threads = cw_threads(ctx),
                 .stride = cw_score_stride(of->n_theta)};
  e.gram = cw_alloc(n * n * sizeof *e.gram);
  e.dual = cw_alloc(n * sizeof *e.dual);
  e.row = cw_alloc((size_t)e.stride * sizeof *e.row);
  cw_status st = e.gram != NULL && e.dual != NULL && e.row != NULL ? CW_OK : CW_ENOMEM;
  if (st == CW_OK) st = find_step(&e, damping, report);
  if (st == CW_OK) memcpy(step, e.row, (size_t)of->n_theta * sizeof *step);
  free(e.gram);
  free(e.dual);
  free(e.row);
  return st;
}
