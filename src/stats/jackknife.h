/* Jackknife samples of chains: means without one block of neighbouring measurements each. */
#ifndef CW_STATS_JACKKNIFE_H
#define CW_STATS_JACKKNIFE_H

#include "causeway/stats.h"

/* Blocks: of many chains whole ones, one after the other, at most CW_JACKKNIFE_MOST; of fewer than `fewest` chains
 * pieces of them, so many in all. */
typedef struct {
  long n_chain, n_step;
  long n, pieces; /* blocks; of a chain, where chains are cut */
} cw_blocks;
cw_blocks cw_jackknife_blocks(long n_chain, long n_step, long fewest);

/* A row of primaries -> n numbers, linear in them. */
typedef void cw_jackknife_fold(const double *row, const void *arg, double *out);

/* sample (1 + blocks, n): the folded means of all rows, and those without block k in row 1 + k. data (n_chain, n_step,
 * n_primary). scratch (n). */
void cw_jackknife_samples(const cw_blocks *blocks, const double *data, int n_primary,
                          cw_jackknife_fold *fold, const void *arg, int n, double *scratch,
                          double *sample);
/* The covariance (n, n) of row 0. */
void cw_jackknife_covariance(const double *sample, long n_blocks, int n, double *covariance);
/* The error of number i of row 0. */
double cw_jackknife_error(const double *sample, long n_blocks, int n, int i);

#endif
