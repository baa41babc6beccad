/* Adam (Kingma and Ba, arXiv:1412.6980, algorithm 1); private to src/train. */
#ifndef CW_TRAIN_ADAM_H
#define CW_TRAIN_ADAM_H

#include "causeway/train.h"

/* theta (n) -= rate * m_hat/(sqrt(v_hat) + epsilon) at step t = 1, 2, ..; m, v (n) are updated. */
void cw_adam_step(const cw_train_options *opt, double rate, long t, long n, const double *gradient,
                  double *m, double *v, double *theta);

#endif
