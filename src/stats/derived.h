/* What the estimators of chains and of weighted samples share: derived quantities, linearised. */
#ifndef CW_STATS_DERIVED_H
#define CW_STATS_DERIVED_H

#include <math.h>

#include "causeway/stats.h"

/* f(mean), or mean[0] where f is NULL. */
double cw_derived_value(cw_derived f, const void *arg, const double *mean);

/* gradient (n_primary): df/dmean by central differences over a thousandth of step (n_primary), the
 * naive errors of the means. A step of 0, of a primary that does not fluctuate, gives 0. A difference
 * that leaves the domain of f is taken over less a few times; NAN if that does not help. point
 * (n_primary): scratch. */
void cw_derived_gradient(cw_derived f, const void *arg, const double *mean, const double *step,
                         int n_primary, double *point, double *gradient);

/* sum_k gradient_k (row_k - mean_k). Primaries with gradient 0 are left out, whatever they hold. */
double cw_derived_project(const double *row, const double *mean, const double *gradient,
                          int n_primary);

/* Is a deviation from value no more than what rounding makes of equal numbers? */
bool cw_is_rounding(double deviation, double value);

/* Why an error is undefined. */
extern const char *const cw_why_constant, *const cw_why_few, *const cw_why_alike;

#endif
