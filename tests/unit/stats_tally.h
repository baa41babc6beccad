/* Shared by the tests of stats: averages over many seeds, and z-scores that must be standard
 * normal. */
#ifndef CW_TEST_STATS_TALLY_H
#define CW_TEST_STATS_TALLY_H

#include <stdlib.h>

#include "support/check.h"

typedef struct {
  double sum, squares;
  int n;
} tally;

static inline void count(tally *t, double z) {
  t->sum += z;
  t->squares += z * z;
  t->n++;
}

static inline double average(const tally *t) { return t->sum / t->n; }

/* Error of the average, from the spread of the entries. */
static inline double average_error(const tally *t) {
  const double mean = average(t);
  return sqrt((t->squares / t->n - mean * mean) / (t->n - 1));
}

/* Of n standard normal z: |mean| < 4/sqrt(n), |rms^2 - 1| < 4 sqrt(2/n). */
static inline void check_calibrated(const char *what, const tally *t) {
  const double n = t->n;
  print_message("%s: %d z-scores, mean %.3f, rms %.3f\n", what, t->n, average(t),
                sqrt(t->squares / n));
  check_sigma(average(t), 1 / sqrt(n), 0, 4);
  check_sigma(t->squares / n, sqrt(2 / n), 1, 4);
}

/* n standard normal numbers, element i keyed by (seed, stream, row, i). z has room for n. */
static inline void normals(uint32_t seed, const char *stream, uint32_t row, long n, double *z) {
  enum { TURN = 512 };
  const cw_rng rng = cw_rng_stream(seed, stream);
  double lanes[2 * TURN] __attribute__((aligned(64)));
  for (long i = 0; i < n; i++) {
    if (i % (2 * TURN) == 0) cw_normal_lanes(CW_ISA_BASE, rng, 0, (uint32_t)i, row, 0, TURN, lanes);
    z[i] = lanes[i % (2 * TURN)];
  }
}

/* x (n_chain, n_step, n_primary): independent AR(1) chains, stationary from the first step. */
static inline void ar1(uint32_t seed, double a, long n_chain, long n_step, int n_primary,
                       double *x) {
  const double b = sqrt(1 - a * a);
  for (long c = 0; c < n_chain; c++) {
    double *chain = x + c * n_step * n_primary;
    normals(seed, "ar1", (uint32_t)c, n_step * n_primary, chain);
    for (long i = n_primary; i < n_step * n_primary; i++)
      chain[i] = a * chain[i - n_primary] + b * chain[i];
  }
}

/* Exact variance of the mean of n_chain chains of n_step. Edges of chains take from it a share of
 * order tau_int/n_step: 2.7 % for a = 0.5 and 50 steps. */
static inline double ar1_variance(double a, long n_chain, long n_step) {
  double sum = 1;
  const double n = (double)n_step;
  for (long t = 1; t < n_step; t++) sum += 2 * (1 - (double)t / n) * pow(a, (double)t);
  return sum / (n * (double)n_chain);
}

static inline double *ar1_new(uint32_t seed, double a, long n_chain, long n_step, int n_primary) {
  double *x = malloc((size_t)(n_chain * n_step * n_primary) * sizeof *x);
  assert_non_null(x);
  ar1(seed, a, n_chain, n_step, n_primary, x);
  return x;
}

#endif
