/* The learning rate; private to src/train. */
#ifndef CW_TRAIN_SCHEDULE_H
#define CW_TRAIN_SCHEDULE_H

#include "causeway/train.h"

/* What schedule plateau remembers: its factor on the rate, the best loss, the step of the last gain, and the loss,
 * smoothed; at first 1, infinity, 0 and not-a-number. */
typedef struct {
  double rate, best, since, smooth;
} cw_plateau;

double cw_rate_at(const cw_train_options *opt, long step, const cw_plateau *p);
/* Halves the rate when the smoothed loss has not gained for `patience` steps. step: how many are done. */
void cw_plateau_watch(const cw_train_options *opt, long step, double loss, cw_plateau *p);

#endif
