/* From a store to numbers with errors: everything that `causeway show` prints and `causeway report`
 * draws, computed once.
 *
 *   cw_analysis *a = NULL;
 *   CW_TRY(cw_analysis_create(ctx, "out/phi4-8x8", &a));
 *   for (int k = 0; k < a->n_cases; k++) ... a->cases[k].stage[s].result[r] ...
 *   cw_analysis_destroy(a);
 *
 * A store may be unfinished, while its job runs or after it was stopped: what it does not hold yet
 * is absent, and `missing` of its case says so. docs/results.md defines every number. */
#ifndef CW_APP_ANALYSIS_H
#define CW_APP_ANALYSIS_H

#include <stdio.h>

#include "app/plan/plan.h"
#include "causeway/observe.h"
#include "causeway/report.h"
#include "causeway/stats.h"
#include "causeway/store.h"

enum {
  CW_RESULT_NAME = 64,
  CW_CASE_NAME = 64,
  CW_FULL_NAME = CW_CASE_NAME + CW_RESULT_NAME + 2,
  CW_TITLE = 240
};

/* Where in the store the history of a result is: the array of its stage, of which the entries of a row
 * with slopes other than 0 make it, linearised. docs/results.md. */
typedef struct {
  char array[CW_ARRAY_NAME]; /* "": it has none */
  char log_weight
      [CW_ARRAY_NAME];    /* array of the log-weights of rows; "": rows are those of chains */
  char at[CW_ARRAY_NAME]; /* array of the numbers of the rows where a chain is, in order; "": all */
  long every;             /* measurements of the sampler from one row to the next */
  double *slope;          /* (n), owned; NULL: the array itself, one number in each row */
  int n;
} cw_history;

/* Of a fit to a correlator: the times of the window with the largest weight, and how many windows were
 * averaged. */
typedef struct {
  int from, to, n_windows; /* 0: it is no fit, or there was none */
} cw_fit_window;

/* One number. Names are without the case: "nis.chi2", "lnZ". */
typedef struct {
  char name[CW_RESULT_NAME];
  const char *quantity; /* "chi2", "correlator": borrowed from the observable group, or static */
  const char *help;     /* definition; borrowed or static */
  const char *units;    /* borrowed or static */
  int index;            /* of a vector quantity; -1: a scalar */
  int group;            /* number of the observable group that it is a quantity of; -1: none */
  int derivative_of;    /* the same of the quantity whose derivative it is: "d_chi2"; -1: of none */
  cw_estimate e;        /* NAN where there is no such number */
  /* Derivatives: what independent chains would have as variance for as many configurations, and for as
   * many seconds, over that of this one; NAN: unknown. */
  double gain, gain_at_cost;
  cw_history history;
  cw_fit_window fit;
  double *tau_chain; /* (n_tau) tau_int of each chain alone, owned; NULL: not a featured one */
  long n_tau;
  const cw_expect *expected; /* what the job expects; NULL: nothing */
  double pull;               /* distance from that in standard deviations; NAN: no such thing */
} cw_result;

/* Points to draw. */
typedef struct {
  char
      name[CW_RESULT_NAME]; /* "loss", "history.phi", "autocorrelation.chi2", "log_weight.q", ... */
  long n;
  double *x, *y, *dy; /* (n), owned; dy: NULL if there is none */
  bool thinned;       /* of a history: not every number is drawn */
  long n_outside;     /* of a histogram: numbers beyond its ends, and infinite ones */
} cw_curve;

/* Of the seconds of a stage. */
typedef struct {
  const char *what; /* "sampler", "measurements"; static */
  double seconds;
} cw_spent;
enum { CW_MOST_SPENT = 8 };

/* Whose samples a stage has log-weights of, by which the job's model is judged. */
typedef enum { CW_OF_NOTHING, CW_OF_MODEL, CW_OF_TARGET } cw_sampled;

/* A part of a stage: its part.name is the prefix of its results. */
struct cw_analysis_stage {
  const cw_section *section; /* borrowed from the plan */
  cw_part part;
  bool present; /* the store holds something to analyse */
  bool stored;  /* the store holds at least one segment */
  /* measurements (of the first group) or judged configurations per chain, training steps,
   * samples, nodes */
  long n_step;
  long n_chain;                  /* 0: not a set of chains */
  double seconds;                /* spent in it */
  cw_spent spent[CW_MOST_SPENT]; /* what they went into, where that is known: not all of them */
  int n_spent;
  double start_off_group; /* how far a start file that was projected was from it; 0: none was */
  unsigned start_ignored; /* checks of it that failed and were ignored, as bits */
  long longest_rejection; /* run of rejected proposals; -1: none are counted */
  char shortfall[160];    /* what is missing although it is present; "": nothing but steps */
  cw_estimate lnZ;        /* value NAN: it does not know it */
  bool is_ratio;          /* lnZ is ln of the ratio Z(last rung)/Z(first rung) */
  const char *lnZ_unit;   /* of lnZ.ess: "walks", "samples" */
  cw_sampled sampled;
  cw_array log_weight;    /* of those samples, (n) or (n_step, n_chain), owned; see sampled */
  const char *sampled_so; /* a remark on them, " (the second half ...)"; "": none */
  cw_result *result;
  int n_results;
  cw_curve *curve;
  int n_curves;
};

struct cw_analysis_case {
  const char *name;      /* "" in a job without cases; borrowed from plan */
  const cw_plan *plan;   /* what the job asks for; borrowed */
  cw_geometry *geometry; /* owned */
  cw_theory theory;
  cw_observer observer[CW_MAX_GROUPS]; /* of the groups of the plan */
  char theory_text[CW_TITLE];          /* "scalar phi^4 theory (form m2: m2 = -4, lambda = 8)" */
  char theory_print[CW_TITLE];         /* "scalar φ⁴ theory (form m²: m² = −4, λ = 8)" */
  char model_text[CW_TITLE];           /* "16 affine layers, normal prior"; "": no model */
  char train_text[CW_TITLE]; /* "reverse KL, path gradient, batch 1024, 2000 steps"; "": no training
                              */
  const char *noun;          /* what the model is called: "flow", "network" */
  long n_parameters;         /* of the model; 0: no model */
  cw_analysis_stage *stage;  /* those that the job asks for, in the order of running */
  int n_stages;
  bool has_flow; /* flow holds something */
  cw_flow_quality flow;
  const char *target_samples; /* a remark on those of the target that judged it, or "" */
  cw_result *result;          /* that belong to no single method: lnZ, F_q, w_hat, ... */
  int n_results;
  cw_curve *curve; /* "log_weight.q", "log_weight.p", densities over the same bins */
  int n_curves;
  char **warning; /* (n_warnings), owned: what casts doubt on the numbers */
  int n_warnings;
  char **missing; /* (n_missing), owned: what the job asks for and the store does not hold */
  int n_missing;
};

typedef struct {
  cw_plans plans;               /* the job of the store, owned */
  const char *job_name, *about; /* borrowed from plans */
  long seed;
  cw_analysis_case *cases;
  int n_cases; /* >= 1 */
  double seconds;
  bool selected; /* only some of its results are left: cw_analysis_select */
} cw_analysis;

/* Reads DIR/store and computes everything. Collective: every rank gets the same. The caller
 * destroys *out. Failures: those of cw_store_open, cw_store_read and cw_plans_read; CW_ECORRUPT if
 * arrays do not have the shapes that their stage promises; CW_ENUMERIC for log-weights that are not
 * numbers. */
cw_status cw_analysis_create(cw_context *ctx, const char *dir, cw_analysis **out);
void cw_analysis_destroy(cw_analysis *a); /* NULL is allowed */

/* Is a name like a pattern, in which '*' stands for any characters and '?' for one? */
bool cw_is_like(const char *pattern, const char *name);
/* Calls visit for all results, stage by stage, then those of the case, for which s is NULL; stops at the first failure, which it
 * returns. */
typedef cw_status cw_result_visit(void *self, const cw_analysis_case *c, const cw_analysis_stage *s,
                                  const cw_result *r);
cw_status cw_analysis_visit(const cw_analysis *a, cw_result_visit *visit, void *self);

/* Its name with that of its case: "kappa0.3.nis.chi2". */
void cw_full_name(const cw_analysis_case *c, const cw_result *r, char name[CW_FULL_NAME]);
/* Of the results of analyses (n) keeps those whose full name, name, or quantity with its index or
 * without is like one of patterns (n_pattern; none: all are kept), in which '*' stands for any
 * characters and '?' for one. command: for messages. CW_EINVAL: a pattern that is like none of any
 * analysis, with the nearest; nothing is changed then. */
cw_status cw_analysis_select(cw_context *ctx, const char *command, int n, cw_analysis *const *list,
                             int n_pattern, const char *const *pattern);

/* The parts of a case; NULL if it has no such part. Borrowed. */
const cw_analysis_stage *cw_analysis_find_stage(const cw_analysis_case *c, const char *name);
/* The first that is present and is all of these bits of CW_IS_...; the same among the stages of
 * methods that need the job's model. */
const cw_analysis_stage *cw_analysis_find(const cw_analysis_case *c, unsigned is);
const cw_analysis_stage *cw_analysis_find_of_model(const cw_analysis_case *c, unsigned is);
const cw_result *cw_stage_result(const cw_analysis_stage *s, const char *quantity, int index);
/* Of a quantity of the pairs of rungs: the pair where sign times it is largest; -1: it has none. */
int cw_stage_extreme(const cw_analysis_stage *s, const char *quantity, double sign);
const cw_result *cw_case_result(const cw_analysis_case *c, const char *name);
const cw_curve *cw_stage_curve(const cw_analysis_stage *s, const char *name);
/* Measurements from one of group g to the next; methods that measure one group do so always. */
long cw_every_of(const cw_analysis_case *c, const cw_analysis_stage *s, int g);
/* Is it all of these bits of CW_IS_...? */
bool cw_stage_is(const cw_analysis_stage *s, unsigned is);
/* Its value and error, "(?)" for an error that the data do not tell, or "-". */
void cw_result_text(const cw_result *r, char text[CW_VALUE_TEXT]);
/* The i-th of the reasons why results of a list (n) or their errors are undefined, each reason
 * once, and in names (size) the quantities that it is the reason of; NULL: there are no more. */
const char *cw_why_undefined(const cw_result *list, int n, int i, char *names, size_t size);
/* Do samples of the target weigh more than all those of the model, which then misses a part of the
 * target; or samples of the model less than all those of the target, which then say nothing of F?
 */
bool cw_flow_misses(const cw_flow_quality *f);
bool cw_flow_is_missed(const cw_flow_quality *f);
/* A share in percent, two digits: "0.012", "4.5", "99.6". */
const char *cw_percent(double share, char text[16]);

/* What a method says of the free energy, and at which price. */
typedef struct {
  const cw_analysis_stage *stage; /* its lnZ, and seconds of sampling */
  double training;                /* seconds */
  double cost; /* error times the square root of the seconds of sampling; NAN: unknown */
} cw_free_energy;
enum { CW_MOST_FREE_ENERGIES = CW_MAX_SECTIONS };
/* All stages that know ln Z or a ratio, in the order of running; returns how many. */
int cw_list_free_energies(const cw_analysis_case *c, cw_free_energy list[CW_MOST_FREE_ENERGIES]);

/* Seconds of the part of that name; 0: there is none. */
double cw_seconds_of(const cw_analysis_case *c, const char *part);

/* What an independent value of a quantity costs a part that measures it. */
typedef struct {
  const cw_analysis_case *c;
  const cw_analysis_stage *stage;
  const cw_result *result; /* of the quantity */
  double tau, tau_error;   /* tau_int in steps; NAN: unknown, or weighted samples */
  double per_step; /* seconds of sampling, thermalisation included; NAN: unknown, as below */
  double cost, cost_error; /* seconds of sampling by the number of independent values */
  double training;         /* seconds */
} cw_cost;
/* Such a cost of any result of a part, and its error; NAN: unknown, the error also of weighted samples. */
double cw_cost_of_value(const cw_analysis_case *c, const cw_analysis_stage *s, const cw_result *r,
                        double *error);
enum { CW_MOST_COSTS = 48 }; /* from there on of ladders only the last rungs */
/* Of the quantity that freezes in the first case that has one: all parts of all cases that measure it,
 * in the order of running. The seconds of a ladder give all its rungs, each of which is listed at this
 * price. *quantity NULL, *n = 0: there is none. The caller frees *list. CW_ENOMEM. */
cw_status cw_list_costs(cw_context *ctx, const cw_analysis *a, const cw_quantity **quantity,
                        cw_cost **list, int *n);
/* "CASE: Method, beta = 6", with the parameters in which entries of the list of the same theory
 * differ. */
void cw_cost_label(const cw_cost *list, int n, int i, bool in_print, char text[CW_TITLE]);

#define CW_EXPECT_SIGMA 4 /* a result further from what the job expects is warned of */
/* What is expected in words (size): with its error, or all digits that an exact value may need. */
void cw_expect_format(const cw_expect *e, char *text, size_t size);

enum { CW_MOST_HISTORIES = 6 }; /* chains of which a history is drawn */

cw_status cw_no_memory(cw_context *ctx);
/* CW_EIO: something written to out was lost. */
cw_status cw_flush_results(cw_context *ctx, FILE *out);

/* The JSON of docs/results.schema.json into out. */
cw_status cw_analysis_json(cw_context *ctx, const cw_analysis *a, FILE *out);

#endif
