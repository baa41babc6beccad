/* What a stage of correlated ensembles holds, and rows of it for estimators of chains. */
#ifndef CW_APP_CORRELATED_ROWS_H
#define CW_APP_CORRELATED_ROWS_H

#include "app/analysis/fill.h"
#include "app/methods/correlated/correlated.h"

/* The arrays of a stage, checked; borrowed from it. */
typedef struct {
  const cw_analysis_case *c;
  const cw_correlated_plan *plan;
  long n_step, n_chain; /* measured rows; n_step 0: there are none yet */
  int n_terms, n_images;
  const double *terms;                        /* (n_step, n_chain, n_terms) */
  const double *lw;                           /* (n_step, n_chain, n_images); NULL: no flow */
  double tangent;                             /* position of the tangent */
  double slope[CW_MAX_TERMS];                 /* d c_k/d lambda at the base */
  double move[CW_MOST_TARGETS][CW_MAX_TERMS]; /* c at a target less c at the base */
  double Y;                                   /* mean of -dS/dlambda */
  double seconds[CW_SPENT_KINDS];
} cw_ensemble;

/* Those of a group of observables: every so many of the rows of the ensemble. */
typedef struct {
  const cw_observer *o;
  int number, n; /* of the group; of its primaries */
  long n_step, every;
  const double *primary; /* (n_step, n_chain, n); NULL: nothing is measured yet */
  const double *image[CW_MOST_IMAGES];
  double *mean,
      *spread; /* (n) of the base: means, and their errors without autocorrelations; owned */
} cw_ensemble_group;

cw_status cw_ensemble_read(cw_context *ctx, const cw_analysis_case *c, const cw_analysis_stage *s,
                           const cw_arrays *data, cw_ensemble *out);
/* The caller clears *out in any case. */
cw_status cw_ensemble_group_read(cw_context *ctx, const cw_ensemble *e, const cw_analysis_stage *s,
                                 const cw_arrays *data, int g, cw_ensemble_group *out);
void cw_ensemble_group_clear(cw_ensemble_group *g);

/* ln p(f(U))/r(U) + ln|det J| of target k (by_flow), or ln p(U)/r(U), of a row of the ensemble. */
double cw_ensemble_weight(const cw_ensemble *e, int k, bool by_flow, long row, long chain);
/* (sum w)^2 / sum w^2 / n of these weights. */
double cw_ensemble_ess(const cw_ensemble *e, int k, bool by_flow);

/* Rows (n_chain, n_step, width) of a group for cw_gamma; NULL: no memory. The caller frees them.
 * Of differences width 2 (n + 1): weight and weight times primaries at target up, then at down (-1: of
 * the base, with weight 1). */
double *cw_difference_rows(const cw_ensemble *e, const cw_ensemble_group *g, int up, int down,
                           bool by_flow);
/* Of derivatives width 2 n + 1: primaries O_i; r = Y + C(1), less the mean of Y; and
 * (O_i - mean) (Y - mean) + C(O_i - mean), with C(O) = (w O(f(U)) - O(U))/step of the tangent and its weight
 * w, whose mean is 0 for any flow and step (by_flow), or C = 0. In the limit of small steps C(O) is
 * v.dO + O (div v + v.d ln p) of the vector field v of the flow. */
double *cw_derivative_rows(const cw_ensemble *e, const cw_ensemble_group *g, bool by_flow);

#endif
