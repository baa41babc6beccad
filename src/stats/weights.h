#ifndef CW_STATS_WEIGHTS_H
#define CW_STATS_WEIGHTS_H

#include "causeway/core.h"

/* w (n) = exp(log_weight) / sum, and log_sum (may be NULL) = ln of that sum. CW_ENUMERIC: a
 * log-weight is NAN or +inf, or all are -inf. */
cw_status cw_normalise_weights(cw_context *ctx, const double *log_weight, long n, double *w,
                               double *log_sum);

#endif
