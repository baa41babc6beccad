/* What the files of this method share: replica exchange on the ladder. */
#ifndef CW_APP_REX_H
#define CW_APP_REX_H

#include "app/plan/plan.h"
#include "causeway/stats.h"

typedef struct {
  const char *name;  /* of the section */
  cw_mcmc_plan mcmc; /* chains: of copies of the whole ladder; steps: each with its swaps */
  long mutations;
  int n_multiples;            /* 0: none */
  int multiple[CW_MAX_RUNGS]; /* of every replica's sampler steps */
  cw_swap_order order;
  bool all_rungs; /* are all rungs measured, or only the last */
  bool translate;
  cw_levels levels;
  cw_way_plan way;
  const cw_section *flow; /* whose flows carry configurations between rungs; NULL: none */
} cw_rex_plan;

/* What the time of a stage goes into: sampler steps, flows, the rest of swaps, measurements. */
enum { CW_REX_SHARES = 4 };

/* The section whose flows swaps go through, by themselves or on a way; NULL: none. */
static inline const cw_section *cw_rex_flow(const cw_rex_plan *x) {
  return x->flow != NULL ? x->flow : x->way.flow;
}
/* Rungs of the job's ladder from a replica to the next. */
static inline int cw_rex_stride(const cw_rex_plan *x) {
  return x->way.flow != NULL ? (int)x->way.steps : 1;
}
/* Pairs of neighbours among the replicas. */
static inline int cw_rex_pairs(const cw_plan *p, const cw_rex_plan *x) {
  return (p->ladder.n - 1) / cw_rex_stride(x);
}

/* ---- how a job becomes an exchange ---- */

typedef struct {
  cw_ladder ladder;
  cw_program *way; /* from every replica to the next; NULL: none */
  cw_rex *rex;
} cw_rex_setup;
/* Of the plan and the case's ladder, with the flows of its sections as they are now. Replicas start cold.
 * The caller closes *out in any case. Collective. */
cw_status cw_rex_open(cw_case *c, const cw_rex_plan *plan, cw_rng rng, cw_rex_setup *out);
void cw_rex_close(cw_rex_setup *s);

/* ---- what swaps tell ---- */

/* rows (n_step, n_pair, 2) of sums of acceptance probabilities and numbers of proposals: the mean
 * acceptance of a pair. Failures as cw_gamma. */
cw_status cw_swap_acceptance(cw_context *ctx, const double *rows, long n_step, long n_pair,
                             long pair, cw_estimate *out);
/* series (n_chain, n_step, n_pair, 2) of works of proposals, one way and back, NAN: there was none: the
 * mean works of a pair up and down together. Failures as cw_gamma. */
cw_status cw_swap_K(cw_context *ctx, const double *series, long n_chain, long n_step, int n_pair,
                    int pair, cw_estimate *out);
/* The acceptance of Gaussian works of that K, with its error. */
cw_estimate cw_gaussian_acceptance_of(cw_estimate K);
/* (n_chain, n_step, width) of rows (n_step, n_chain, width); the caller frees it. NULL: no memory. */
double *cw_rows_by_chains(const double *rows, long n_step, long n_chain, long width);

cw_section_kind cw_rex_kind(int i);
cw_status cw_read_rex(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s);
cw_status cw_run_rex(cw_case *c, const cw_section *s);
cw_status cw_fill_rex(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                      const cw_arrays *data);
/* Round trips, flow and tunnelling of replicas. label (n_step, n_chain, n): which replica is on a
 * rung. */
cw_status cw_fill_replicas(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                           const cw_arrays *data, const cw_array *label);
/* work (n_step, n_chain, 2 pairs) of proposals, one way and back: K of every pair, and ln Z. */
cw_status cw_fill_swap_works(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                             const cw_array *work);
cw_status cw_warn_rex(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s);
/* The K and the acceptance of every pair, beside those of Gaussian works and of a fit of the flows. */
cw_status cw_draw_rex_works(const cw_case_page *to, const cw_analysis_stage *s);
cw_status cw_draw_rex(const cw_case_page *to, const cw_analysis_stage *s);

#endif
