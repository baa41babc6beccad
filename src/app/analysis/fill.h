/* What the files of this room and those of methods that fill and doubt stages make results with. */
#ifndef CW_APP_FILL_H
#define CW_APP_FILL_H

#include "app/analysis/analysis.h"

/* All segments of a stage joined along the first dimension, without kept configurations and states,
 * which may be large. Unlike cw_store_read_all it takes arrays that only some segments have. The
 * caller clears out, also after a failure. Collective. */
cw_status cw_analysis_collect(cw_context *ctx, cw_store *store, const char *stage, cw_arrays *out);

/* Judges the model by the log-weights that stages kept. */
cw_status cw_judge_model(cw_context *ctx, cw_analysis_case *c);
/* Copies log-weights lw into a stage, by which the model will be judged. */
cw_status cw_keep_log_weights(cw_context *ctx, cw_analysis_stage *s, cw_sampled of,
                              const cw_array *lw);
/* Numbers of the case: F = -ln Z, and the same per site. Names and help: static. */
cw_status cw_add_free_energy(cw_context *ctx, cw_analysis_case *c, const char *name,
                             const char *name_per_site, const char *help, cw_estimate lnZ);
/* One number of the case. */
cw_status cw_add_case_number(cw_context *ctx, cw_analysis_case *c, const char *name,
                             const char *help, const cw_estimate *e);
/* The primary of a group that is the action per site; -1: it measures none. */
int cw_action_primary(const cw_observer *o);
/* Its mean, of the first stage that samples the target without a model; NULL: there is none. */
const cw_result *cw_action_result(const cw_analysis_case *c);
/* The mean of rows (n_step, n_chain) of chains. */
cw_status cw_mean_of_rows(cw_context *ctx, const double *rows, long n_step, long n_chain,
                          cw_estimate *e);
/* Results, histories and autocorrelations of all groups that a set of chains measured. */
cw_status cw_fill_groups(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                         const cw_arrays *data);
/* Quantities of the first group from rows (n, n_primary) of independent weighted samples. */
cw_status cw_fill_weighted(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                           const cw_array *primary, const cw_array *log_weight);
/* The same from chains, whose errors know autocorrelations: primary (n_step, n_chain, n_primary),
 * log_weight (n_step, n_chain). Sets n_step, n_chain and present. */
cw_status cw_fill_reweighted(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                             const cw_array *primary, const cw_array *log_weight);
/* Results and curves of chains that measured the first group: primary (n_step, n_chain, n_primary).
 * at: the array of the stage that says which rows of the one with primary's name these are; "": it is
 * that array. */
cw_status cw_fill_chains(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                         const cw_array *primary, const char *at);
/* Those of proposals: accept (n_chain, n_step) of 0 and 1; array: as of cw_add_series. */
cw_status cw_fill_acceptance(cw_context *ctx, cw_analysis_stage *s, const char *array,
                             const double *accept);
/* The array of that name and rank; NULL: absent or empty. */
cw_status cw_get_array(cw_context *ctx, const cw_analysis_stage *s, const cw_arrays *data,
                       const char *name, int rank, const cw_array **out);

/* Geometry, theory and observers of a case, and its theory, model and training in words. */
cw_status cw_describe_case(cw_context *ctx, cw_analysis_case *c);
/* Parameter number i of a theory: "beta = 6" or, in print, "β = 6"; returns as snprintf. */
int cw_describe_parameter(const cw_plan *plan, int i, double value, bool in_print, char *text,
                          size_t size);
/* Notes what the job asks for and the store does not hold. */
cw_status cw_note_missing(cw_context *ctx, cw_analysis_case *c);
/* The rows of group g, checked against its observables; *primary = NULL: nothing measured yet. */
cw_status cw_get_primary(cw_context *ctx, const cw_analysis_case *c, const cw_analysis_stage *s,
                         const cw_arrays *data, int g, int rank, const cw_array **primary);

/* Finds the expectation of every result of a filled case, and warns. CW_ENOMEM. */
cw_status cw_expect_compare(cw_context *ctx, cw_analysis_case *c);
/* Warnings about a filled case. */
cw_status cw_analysis_warn(cw_context *ctx, cw_analysis_case *c);
/* The result of s for which measure is largest, among the scalar quantities; NULL: of none it is a
 * number. Chains that each stand still at a value of their own have an infinite R-hat. */
const cw_result *cw_worst_result(const cw_analysis_stage *s,
                                 double (*measure)(const cw_estimate *));
/* The quantity that shows that the chains disagree, or that they are too short; NULL: none does. */
const cw_result *cw_disagreeing(const cw_analysis_stage *s);
const cw_result *cw_too_short(const cw_analysis_stage *s);
#define CW_LARGEST_RHAT 1.1
enum { CW_FEWEST_TIMES = 50 }; /* autocorrelation times that a chain is long */

/* (n_step, n_chain, n_col) -> (n_chain, n_step, n_col), the order of stats.h. NULL: no memory; the
 * caller frees it. */
double *cw_chains_first(const double *data, long n_step, long n_chain, long n_col);

/* A number of a stage, "STAGE.QUANTITY" or, index >= 0, "STAGE.QUANTITY[INDEX]". */
cw_status cw_add_number(cw_context *ctx, cw_analysis_stage *s, const char *quantity, int index,
                        const char *help, cw_estimate e);
/* Of the seconds of a stage, those that what (static) took; at most CW_MOST_SPENT of them. */
void cw_add_spent(cw_analysis_stage *s, const char *what, double seconds);
/* A number of a stage that no observable group knows: series (n_chain, n_step). array: what it is
 * called in the store, (n_step) or (n_step, n_chain); "": it is not there. */
cw_status cw_add_series(cw_context *ctx, cw_analysis_stage *s, const char *quantity,
                        const char *help, const char *array, const double *series, long n_chain,
                        long n_step);
/* Mean of n independent numbers y[0], y[stride], ... */
cw_estimate cw_independent_mean(const double *y, long n, long stride);

/* A new last result or curve, zeroed, in a list that grows; NULL: no memory. */
cw_result *cw_add_result(cw_result **list, int *n);
void cw_result_clear(cw_result *r); /* frees what it owns */
/* x, y uninitialised; dy only with_dy. */
cw_curve *cw_add_curve(cw_curve **list, int *n, const char *name, long n_points, bool with_dy);
/* Adds a formatted line to a list of owned strings. */
cw_status cw_add_line(cw_context *ctx, char ***list, int *n, const char *format, ...)
    CW_PRINTF(4, 5);

/* What the curves of a stage show; NULL series are skipped. */
cw_status cw_curve_history(cw_context *ctx, cw_analysis_stage *s, const char *name, long n,
                           long stride, const double *y);
/* Density of the n numbers y[0], y[stride], ...: one bin per integer where all are integers. */
cw_status cw_curve_histogram(cw_context *ctx, cw_analysis_stage *s, const char *name, long n,
                             long stride, const double *y);
/* Density of n works y[0], y[stride], ..., those that are no numbers apart, over the bulk of them; sign: -1
 * turns them. */
cw_status cw_curve_works(cw_context *ctx, cw_analysis_stage *s, const char *name, long n,
                         long stride, const double *y, double sign);
cw_status cw_curve_binned(cw_context *ctx, cw_analysis_stage *s, const char *name,
                          const cw_array *series);
cw_status cw_curve_rejections(cw_context *ctx, cw_analysis_stage *s, const double *accept,
                              long n_chain, long n_step);
cw_status cw_curve_log_weights(cw_context *ctx, cw_analysis_case *c, const cw_array *q,
                               const cw_array *p);

#endif
