/* Errors of derived quantities of Markov chains from leaving out one block of steps after the other
 * (M. H. Quenouille, Biometrika 43 (1956) 353): no linearisation, and no autocorrelation function. */
#include <stdlib.h>
#include <string.h>

#include "stats/derived.h"

/* Blocks: of many chains whole ones, one after the other; of few chains pieces of them. */
typedef struct {
  long n_chain, n_step;
  long n, pieces; /* blocks; of a chain, where chains are cut */
} blocks;

static blocks divide(long n_chain, long n_step) {
  blocks b = {n_chain, n_step, n_chain, 1};
  if (n_chain > CW_JACKKNIFE_MOST) b.n = CW_JACKKNIFE_MOST;
  if (n_chain >= CW_JACKKNIFE_FEWEST) return b;
  b.pieces = (CW_JACKKNIFE_FEWEST + n_chain - 1) / n_chain;
  if (b.pieces > n_step) b.pieces = n_step;
  b.n = n_chain * b.pieces;
  return b;
}

/* Rows [*begin, *end) of (n_chain n_step): block k. */
static void bounds(const blocks *b, long k, long *begin, long *end) {
  if (b->pieces == 1) {
    *begin = b->n_chain * k / b->n * b->n_step;
    *end = b->n_chain * (k + 1) / b->n * b->n_step;
    return;
  }
  const long chain = k / b->pieces, piece = k % b->pieces;
  *begin = chain * b->n_step + b->n_step * piece / b->pieces;
  *end = chain * b->n_step + b->n_step * (piece + 1) / b->pieces;
}

/* sum (b->n + 1, n_primary): of every block about the first row, and of all of them. */
static void add_blocks(const blocks *b, const double *data, int n_primary, double *sum) {
  double *all = sum + b->n * n_primary;
  memset(sum, 0, (size_t)((b->n + 1) * n_primary) * sizeof *sum);
  for (long k = 0; k < b->n; k++) {
    long begin, end;
    double *own = sum + k * n_primary;
    bounds(b, k, &begin, &end);
    for (long i = begin; i < end; i++)
      for (int j = 0; j < n_primary; j++) own[j] += data[i * n_primary + j] - data[j];
    for (int j = 0; j < n_primary; j++) all[j] += own[j];
  }
}

/* left (b->n): f of the means of all but one block. mean (n_primary): scratch. */
static void leave_out(const blocks *b, const double *data, int n_primary, cw_derived f,
                      const void *arg, const double *sum, double *mean, double *left) {
  const double *all = sum + b->n * n_primary;
  for (long k = 0; k < b->n; k++) {
    long begin, end;
    bounds(b, k, &begin, &end);
    const double rest = (double)(b->n_chain * b->n_step - (end - begin));
    for (int j = 0; j < n_primary; j++)
      mean[j] = data[j] + (all[j] - sum[k * n_primary + j]) / rest;
    left[k] = cw_derived_value(f, arg, mean);
  }
}

cw_status cw_jackknife(cw_context *ctx, const double *data, long n_chain, long n_step,
                       int n_primary, cw_derived f, const void *arg, double *error) {
  *error = NAN;
  if (n_chain < 1 || n_chain * n_step < 2) return CW_OK;
  const blocks b = divide(n_chain, n_step);
  double *sum = malloc((size_t)((b.n + 2) * n_primary + b.n) * sizeof *sum);
  if (sum == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for %ld blocks of chains", b.n);
  double *mean = sum + (b.n + 1) * n_primary, *left = mean + n_primary;
  add_blocks(&b, data, n_primary, sum);
  leave_out(&b, data, n_primary, f, arg, sum, mean, left);
  double middle = 0, square = 0;
  for (long k = 0; k < b.n; k++) middle += (left[k] - left[0]) / (double)b.n;
  for (long k = 0; k < b.n; k++) square += pow(left[k] - left[0] - middle, 2);
  *error = sqrt(square * (double)(b.n - 1) / (double)b.n);
  if (!isfinite(*error)) *error = NAN;
  free(sum);
  return CW_OK;
}
