/* Losses and their gradients on one block; private to src/train. */
#ifndef CW_TRAIN_LOSSES_H
#define CW_TRAIN_LOSSES_H

#include "causeway/train.h"

typedef struct {
  const cw_model *model;
  const cw_theory *th;
  cw_loss loss;
  cw_gradient gradient;
  bool scores; /* reverse KL: gtheta gets d ln q/dtheta in place of the gradient of the loss */
  cw_rng rng;
  uint32_t step;
  const double *c;                /* couplings of the target */
  const double *c_from, *weights; /* transitions: couplings that the configurations come from, and
                                     weights of the batch with mean 1 */
} cw_loss_setup;

/* One block of a batch, B configurations: gradient of the sum of the (weighted) losses of its configurations added to
 * gtheta. x: the block's configurations for the forward KL and transitions; NULL for the reverse.
 * Out, the first B of (CW_LANES): log-weights lw = -S - ln q, of transitions -S(f(x); c) + S(x; c_from) + ln|det
 * J|, and ln q, of transitions -ln|det J|. */
cw_status cw_loss_block(const cw_loss_setup *s, long first_chain, const double *x, double *lw,
                        double *logq, cw_gradient_of *gtheta, cw_arena *work);

/* What cw_works says of c_from, c_to and c_at. */
typedef struct {
  const cw_model *model;
  const cw_theory *th;
  const double *c_from, *c_to, *c_at;
} cw_work_setup;
/* One block x: work, the first B of (CW_LANES), and slopes of each configuration added to gtheta. */
cw_status cw_work_block(const cw_work_setup *s, const double *x, double *work,
                        cw_gradient_of *gtheta, cw_arena *arena);

#endif
