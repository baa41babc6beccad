/* Quantities of observables as functions of the means of the rows of correlated ensembles. */
#ifndef CW_APP_CORRELATED_ESTIMATE_H
#define CW_APP_CORRELATED_ESTIMATE_H

#include "app/methods/correlated/rows.h"

/* How rows are made into a number. */
typedef enum {
  CW_AS_DERIVATIVE, /* cw_derivative_rows */
  CW_AS_DIFFERENCE, /* cw_difference_rows: the quantity at up less that at down, */
  CW_AS_VALUE       /* and the quantity at up alone */
} cw_way_of_estimate;

typedef struct {
  const cw_ensemble *e;
  const cw_ensemble_group *group;
  const double *rows;
  cw_way_of_estimate as;
  double per; /* the result is divided by this */
} cw_rows_of_group;

/* Entry i of a quantity, with both errors: cw_gamma's, and error2 of cw_jackknife. */
cw_status cw_estimate_rows(cw_context *ctx, const cw_rows_of_group *r, const cw_quantity *q, int i,
                           cw_estimate *out);
/* A product y of powers of quantities, extrapolated along a straight line to where another one, x, is 0:
 * y - x (dy/dlambda)/(dx/dlambda) at the base or, of differences, at the mean of both targets. */
cw_status cw_extrapolate_rows(cw_context *ctx, const cw_rows_of_group *r, const cw_power_product *y,
                              const cw_power_product *x, cw_estimate *out);

#endif
