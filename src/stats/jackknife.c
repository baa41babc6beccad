/* Errors and covariances from leaving out one block of steps after the other (M. H. Quenouille,
 * Biometrika 43 (1956) 353): no linearisation, and no autocorrelation function. */
#include "stats/jackknife.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/derived.h"

cw_blocks cw_jackknife_blocks(long n_chain, long n_step, long fewest) {
  cw_blocks b = {n_chain, n_step, n_chain, 1};
  if (n_chain > CW_JACKKNIFE_MOST) b.n = CW_JACKKNIFE_MOST;
  if (n_chain >= fewest) return b;
  b.pieces = (fewest + n_chain - 1) / n_chain;
  if (b.pieces > n_step) b.pieces = n_step;
  b.n = n_chain * b.pieces;
  return b;
}

/* Rows [*begin, *end) of (n_chain n_step): block k. */
static void bounds(const cw_blocks *b, long k, long *begin, long *end) {
  if (b->pieces == 1) {
    *begin = b->n_chain * k / b->n * b->n_step;
    *end = b->n_chain * (k + 1) / b->n * b->n_step;
    return;
  }
  const long chain = k / b->pieces, piece = k % b->pieces;
  *begin = chain * b->n_step + b->n_step * piece / b->pieces;
  *end = chain * b->n_step + b->n_step * (piece + 1) / b->pieces;
}

void cw_jackknife_samples(const cw_blocks *b, const double *data, int n_primary,
                          cw_jackknife_fold *fold, const void *arg, int n, double *scratch,
                          double *sample) {
  const double total = (double)(b->n_chain * b->n_step);
  long begin, end;
  memset(sample, 0, (size_t)((1 + b->n) * n) * sizeof *sample);
  for (long k = 0; k < b->n; k++) {
    double *block = sample + (1 + k) * n;
    bounds(b, k, &begin, &end);
    for (long i = begin; i < end; i++) {
      fold(data + i * n_primary, arg, scratch);
      for (int j = 0; j < n; j++) block[j] += scratch[j];
    }
    for (int j = 0; j < n; j++) sample[j] += block[j];
  }
  for (long k = 0; k < b->n; k++) {
    double *block = sample + (1 + k) * n;
    bounds(b, k, &begin, &end);
    for (int j = 0; j < n; j++) block[j] = (sample[j] - block[j]) / (total - (double)(end - begin));
  }
  for (int j = 0; j < n; j++) sample[j] /= total;
}

void cw_jackknife_covariance(const double *sample, long n_blocks, int n, double *covariance) {
  const double scale = (double)(n_blocks - 1) / (double)n_blocks;
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++) {
      double mean_i = 0, mean_j = 0, sum = 0;
      for (long k = 1; k <= n_blocks; k++) {
        mean_i += (sample[k * n + i] - sample[i]) / (double)n_blocks;
        mean_j += (sample[k * n + j] - sample[j]) / (double)n_blocks;
      }
      for (long k = 1; k <= n_blocks; k++)
        sum += (sample[k * n + i] - sample[i] - mean_i) * (sample[k * n + j] - sample[j] - mean_j);
      covariance[i * n + j] = covariance[j * n + i] = scale * sum;
    }
}

double cw_jackknife_error(const double *sample, long n_blocks, int n, int i) {
  double mean = 0, sum = 0;
  for (long k = 1; k <= n_blocks; k++) mean += (sample[k * n + i] - sample[i]) / (double)n_blocks;
  for (long k = 1; k <= n_blocks; k++) sum += pow(sample[k * n + i] - sample[i] - mean, 2);
  return sqrt(sum * (double)(n_blocks - 1) / (double)n_blocks);
}

/* Rows about the first one, so that large means cost no digits. */
typedef struct {
  const double *first;
  int n;
} rows;

static void about_first(const double *row, const void *arg, double *out) {
  const rows *r = arg;
  for (int j = 0; j < r->n; j++) out[j] = row[j] - r->first[j];
}

cw_status cw_jackknife(cw_context *ctx, const double *data, long n_chain, long n_step,
                       int n_primary, cw_derived f, const void *arg, double *error) {
  *error = NAN;
  if (n_chain < 1 || n_chain * n_step < 2) return CW_OK;
  const cw_blocks b = cw_jackknife_blocks(n_chain, n_step, CW_JACKKNIFE_FEWEST);
  double *sample = malloc((size_t)((b.n + 2) * n_primary + b.n + 1) * sizeof *sample);
  if (sample == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for %ld blocks of chains", b.n);
  double *scratch = sample + (1 + b.n) * n_primary, *value = scratch + n_primary;
  const rows r = {data, n_primary};
  cw_jackknife_samples(&b, data, n_primary, about_first, &r, n_primary, scratch, sample);
  for (long k = 0; k <= b.n; k++) {
    for (int j = 0; j < n_primary; j++) scratch[j] = data[j] + sample[k * n_primary + j];
    value[k] = cw_derived_value(f, arg, scratch);
  }
  *error = cw_jackknife_error(value, b.n, 1, 0);
  if (!isfinite(*error)) *error = NAN;
  free(sample);
  return CW_OK;
}
