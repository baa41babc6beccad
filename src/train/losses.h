/* Losses and their gradients on one block; private to src/train. */
#ifndef CW_TRAIN_LOSSES_H
#define CW_TRAIN_LOSSES_H

#include "causeway/train.h"

/* One block of a batch: log-weights lw = -S - ln q (CW_LANES) out, gradient of the sum of the
 * losses of its configurations added to gtheta. x: the block's configurations for the forward KL;
 * NULL for the reverse. */
typedef struct {
  const cw_model *model;
  const cw_theory *th;
  cw_loss loss;
  cw_gradient gradient;
  cw_rng rng;
  uint32_t step;
} cw_loss_setup;

cw_status cw_loss_block(const cw_loss_setup *s, long first_chain, const double *x, double *lw,
                        double *logq, float *gtheta, cw_arena *work);

#endif
