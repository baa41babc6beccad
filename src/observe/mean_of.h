/* Quantities that are the mean of one primary number. */
#ifndef CW_OBSERVE_MEAN_OF_H
#define CW_OBSERVE_MEAN_OF_H

#include "causeway/observe.h"

/* Defines function as the value of such a quantity, for a table of cw_quantity. */
#define CW_MEAN_OF(function, primary)                                                              \
  static double function(const cw_observer *o, const double *mean, int i) {                        \
    (void)o, (void)i;                                                                              \
    return mean[primary];                                                                          \
  }

#endif
