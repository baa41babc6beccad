/* Jackknife samples: means without one block of neighbouring measurements each. */
#include "stats/jackknife.h"

#include <math.h>
#include <string.h>

static long blocks_of_chain(long n_chain, long n_step) {
  const long per_chain = n_chain < CW_JACKKNIFE_BLOCKS ? CW_JACKKNIFE_BLOCKS / n_chain : 1;
  return per_chain < n_step ? per_chain : n_step;
}

long cw_jackknife_count(long n_chain, long n_step) {
  return n_chain * blocks_of_chain(n_chain, n_step);
}

/* Adds the folded rows of block k to sum (n); how many they were. scratch (n). */
static long add_block(const double *data, long n_chain, long n_step, int n_primary, long k,
                      cw_jackknife_fold *fold, const void *arg, int n, double *scratch,
                      double *sum) {
  const long per_chain = blocks_of_chain(n_chain, n_step), chain = k / per_chain, i = k % per_chain;
  const long begin = chain * n_step + i * n_step / per_chain,
             end = chain * n_step + (i + 1) * n_step / per_chain;
  for (long step = begin; step < end; step++) {
    fold(data + step * n_primary, arg, scratch);
    for (int j = 0; j < n; j++) sum[j] += scratch[j];
  }
  return end - begin;
}

void cw_jackknife(const double *data, long n_chain, long n_step, int n_primary,
                  cw_jackknife_fold *fold, const void *arg, int n, double *scratch,
                  double *sample) {
  const long n_blocks = cw_jackknife_count(n_chain, n_step);
  const double total = (double)(n_chain * n_step);
  memset(sample, 0, (size_t)((1 + n_blocks) * n) * sizeof *sample);
  for (long k = 0; k < n_blocks; k++) {
    double *block = sample + (1 + k) * n;
    add_block(data, n_chain, n_step, n_primary, k, fold, arg, n, scratch, block);
    for (int j = 0; j < n; j++) sample[j] += block[j] / total;
  }
  for (long k = 0; k < n_blocks; k++) {
    const long per_chain = n_blocks / n_chain, i = k % per_chain;
    const double left = total - (double)((i + 1) * n_step / per_chain - i * n_step / per_chain);
    double *block = sample + (1 + k) * n;
    for (int j = 0; j < n; j++) block[j] = (total * sample[j] - block[j]) / left;
  }
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
