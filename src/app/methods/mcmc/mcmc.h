/* What the files of this method share. */
#ifndef CW_APP_MCMC_H
#define CW_APP_MCMC_H

#include "app/plan/plan.h"
#include "app/run/stage.h"

typedef struct {
  cw_mcmc_plan mcmc;
  /* Of section `excursion`; way.steps is 0 in those named after samplers. */
  double from[CW_MAX_PARAMS]; /* away */
  cw_way_plan way;            /* from there to the job's theory */
  long dwell;
  int dwell_level;
  long each; /* excursions after every step of the sampler */
  bool translate;
} cw_chains_plan;

extern const cw_section_kind cw_excursion_kind;
cw_status cw_read_excursion(cw_node *map, const cw_plan *p, cw_chains_plan *plan);

/* Excursions of chains while they run. */
typedef struct {
  const cw_chains_plan *plan;
  cw_ladder ladder; /* away, home */
  cw_program *way;
  cw_excursion *excursion;
  double *accept; /* (lanes) of the last one */
  double *sum;    /* (n_mine) of acceptances since the last row */
  cw_record accepted;
} cw_excursions;

/* None where the plan has none. The caller closes *out in any case. */
cw_status cw_excursions_open(cw_case *c, const cw_section *s, const cw_chains *chains,
                             cw_excursions *out);
void cw_excursions_close(cw_excursions *e);
/* Those after step t of the sampler. */
cw_status cw_excursions_run(cw_case *c, cw_excursions *e, cw_chains *chains, long t);
cw_status cw_excursions_record(cw_case *c, cw_excursions *e, long n_mine);
cw_status cw_excursions_save(cw_case *c, cw_excursions *e, cw_arrays *set, long n_mine);
cw_status cw_excursions_load(cw_case *c, cw_excursions *e, const cw_arrays *last,
                             const cw_field *x);

/* Numbers of the chains of this rank that a checkpoint holds: width of each, sum[k] (n_mine).
 * Collective. */
cw_status cw_put_sums(cw_case *c, cw_arrays *set, const char *name, int width,
                      const double *const sum[], long n_mine, long n_chain);

cw_status cw_run_mcmc(cw_case *c, const cw_section *s);
cw_status cw_fill_mcmc(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                       const cw_arrays *data);
cw_status cw_warn_mcmc(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s);

#endif
