/* Jackknife samples of the means of a few primaries. */
#ifndef CW_STATS_JACKKNIFE_H
#define CW_STATS_JACKKNIFE_H

#include "causeway/stats.h"

/* Blocks of so many chains and steps: at most CW_JACKKNIFE_BLOCKS, or one for each chain. */
long cw_jackknife_count(long n_chain, long n_step);
/* Row 0 of sample (1 + count, n): f(mean) of n numbers made linearly of the primaries; row 1 + k: the same without block k.
 * row of the data -> n numbers: fold. */
typedef void cw_jackknife_fold(const double *row, const void *arg, double *out);
void cw_jackknife(const double *data, long n_chain, long n_step, int n_primary,
                  cw_jackknife_fold *fold, const void *arg, int n, double *scratch, double *sample);
/* The covariance (n, n) of row 0. */
void cw_jackknife_covariance(const double *sample, long n_blocks, int n, double *covariance);
/* The error of number i of row 0. */
double cw_jackknife_error(const double *sample, long n_blocks, int n, int i);

#endif
