/* Steps along the natural gradient of the reverse KL divergence; private to src/train. */
#ifndef CW_TRAIN_NATURAL_GRADIENT_H
#define CW_TRAIN_NATURAL_GRADIENT_H

#include "causeway/train.h"

/* A batch of n configurations of the model, a multiple of 16. */
typedef struct {
  long n, n_theta;
  double *w; /* (n) ln q + S; becomes that about its mean */
  double
      *score; /* (n, cw_score_stride) d ln q/dtheta at fixed configurations, zeros behind; as w */
} cw_scored_batch;

/* Numbers from row to row of scores. */
long cw_score_stride(long n_theta);

typedef struct {
  double change;    /* of ln q, as the step foretells it: root of the mean of (s_i . step)^2 */
  double grad_norm; /* of the gradient, the mean of w_i s_i */
} cw_natural_report;

/* step (n_theta) = -(F + damping var(w)/n)^-1 <w s>, F = <s s^T> (S. Amari, Neural Comput. 10 (1998) 251): the minimum of
 *     sum_i (w_i + s_i . step)^2 + damping var(w) |step|^2,
 * by the n equations of the dual problem, so that many more parameters than configurations cost little (A. Chen,
 * M. Heyl, arXiv:2302.01941, for the same in wave functions).
 * Cost: n^2 n_theta flops, n^3/3, and a few passes through the scores; n^2 doubles. Same bits for any number of threads.
 * Local. CW_ENOMEM; CW_ENUMERIC: not-a-number among w or scores. */
cw_status cw_natural_gradient(cw_context *ctx, cw_scored_batch *of, double damping, double *step,
                              cw_natural_report *report);

#endif
