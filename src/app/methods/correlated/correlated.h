/* What the files of this method share: correlated ensembles (T. Abbott, D. Hackett et al.,
 * arXiv:2401.10874; without a step arXiv:2603.02984), a base ensemble U of the job's theory r and its
 * images f(U) at other parameters p, whose differences have little noise. */
#ifndef CW_APP_CORRELATED_H
#define CW_APP_CORRELATED_H

#include "app/plan/plan.h"

enum { CW_MOST_TARGETS = 8, CW_MOST_IMAGES = CW_MOST_TARGETS + 1 };

/* A product of powers of scalar quantities of one group of observables. */
enum { CW_MOST_FACTORS = 4 };
typedef struct {
  int n; /* 0: none */
  const cw_observable_ops *group;
  const cw_quantity *q[CW_MOST_FACTORS];
  double power[CW_MOST_FACTORS];
} cw_power_product;

typedef struct {
  cw_mcmc_plan mcmc; /* of the base ensemble */
  /* The line on which the targets are: position 0 is the job's theory, 1 is `to`. */
  double to[CW_MAX_PARAMS];
  double step; /* of the variable of derivatives, lambda, from 0 to 1 */
  int n_targets;
  double position[CW_MOST_TARGETS];
  const cw_section *flow;   /* whose last flow is taken; NULL: none */
  double share;             /* of its step on the ladder that goes from 0 to 1 */
  bool at_targets, tangent; /* which images it takes; without a flow neither */
  cw_power_product of, in;  /* `of` is extrapolated to where `in` vanishes; n = 0: nothing is */
  bool differences;         /* from the base to each target, too */
} cw_correlated_plan;

/* Images of a configuration under the flow: at the targets, then the tangent, a tiny step of the flow at
 * the job's own couplings. */
static inline int cw_target_images(const cw_correlated_plan *p) {
  return p->at_targets ? p->n_targets : 0;
}
static inline int cw_images(const cw_correlated_plan *p) {
  return cw_target_images(p) + p->tangent;
}

/* Parameters, and couplings (n_terms) of the theory, at a position. */
void cw_correlated_params(const cw_plan *p, const cw_correlated_plan *r, double position,
                          double param[CW_MAX_PARAMS]);
void cw_correlated_couplings(const cw_plan *p, const cw_correlated_plan *r, double position,
                             double *c);

/* The name of lambda: that of the only parameter that changes, for terminals or in print, or "lambda". */
void cw_correlated_variable(const cw_plan *p, const cw_correlated_plan *r, bool in_print,
                            char *text, size_t size);

/* ---- estimators ---- */

typedef enum {
  CW_BASE,        /* observables of the base ensemble */
  CW_COVARIANCE,  /* d<O>/dlambda = Cov(O, Y), Y = d ln p/dlambda = -dS/dlambda */
  CW_LINEARISED,  /* the same with the flow's residual, and its derivative of O */
  CW_REWEIGHTING, /* differences with weights p/r */
  CW_FLOW,        /* differences with images and what weights are left */
  CW_IMAGES       /* values at a target and their differences from the base, by images */
} cw_estimator_kind;

typedef struct {
  cw_estimator_kind kind;
  int up, down; /* of differences, targets; down -1: the base */
  char name[32], label[64];
} cw_estimator;
enum { CW_MOST_ESTIMATORS = 3 + 5 * CW_MOST_TARGETS };

/* Those of a section, the base first; returns how many. */
int cw_list_estimators(const cw_plan *p, const cw_section *s,
                       cw_estimator list[CW_MOST_ESTIMATORS]);
/* The change of lambda of a difference. */
double cw_estimator_step(const cw_correlated_plan *r, const cw_estimator *e);

/* What the seconds of the stage went into. */
enum {
  CW_SPENT_SAMPLER,
  CW_SPENT_MEASURED,
  CW_SPENT_FLOW,    /* images at targets, */
  CW_SPENT_IMAGES,  /* measuring them, */
  CW_SPENT_TANGENT, /* and both of the tangent */
  CW_SPENT_KINDS
};

/* The quantity of an observer that a summary quotes; NULL: none. */
const cw_quantity *cw_correlated_headline(const cw_observer *o);
/* Rows of images of group g, "image0.primary". */
void cw_image_array(const cw_plan *p, int image, int g, char name[80]);

cw_status cw_run_correlated(cw_case *c, const cw_section *s);
cw_status cw_fill_correlated(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                             const cw_arrays *data);
cw_status cw_warn_correlated(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s);
cw_status cw_draw_correlated(const cw_case_page *to, const cw_analysis_stage *s);

#endif
