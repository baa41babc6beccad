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

#endif
