/* Steps of Gauss and Newton on the variance of works; private to src/train. */
#ifndef CW_TRAIN_GAUSS_NEWTON_H
#define CW_TRAIN_GAUSS_NEWTON_H

#include "causeway/train.h"

/* What a batch of n configurations in n_blocks blocks knows of the parameters: works w_i, which become those about
 * their mean, and their derivatives a_i (n_blocks, n_theta, CW_LANES), which become those about theirs. Blocks hold
 * equally many; lanes beyond these hold zeros. */
typedef struct {
  long n, n_blocks, n_theta;
  double *work;  /* (n_blocks, CW_LANES) */
  double *slope; /* (n_blocks, n_theta, CW_LANES) */
} cw_batch_works;

/* step (n_theta): the minimum of
 *     sum_i (w_i + a_i . step)^2 + damping var(w) |step|^2,
 * by the n equations of the dual problem, so that many more parameters than configurations cost little (A. Chen,
 * M. Heyl, arXiv:2302.01941, for the same in wave functions). change: the root of the mean of (a_i . step)^2, by how
 * much the step foretells that works change.
 * Cost: n^2 n_theta flops, n^3/3, and a few passes through the slopes. Same bits for any number of threads. Local.
 * CW_ENOMEM; CW_ENUMERIC: not-a-number among works or slopes. */
cw_status cw_gauss_newton(cw_context *ctx, cw_batch_works *of, double damping, double *step,
                          double *change);

#endif
