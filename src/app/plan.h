/* What a job asks for, read and checked: one plan per case. */
#ifndef CW_APP_PLAN_H
#define CW_APP_PLAN_H

#include "app/job.h"
#include "causeway/model.h"
#include "causeway/sampler.h"
#include "causeway/train.h"

enum { CW_MAX_MCMC = 8, CW_MAX_CASES = 64 };

/* A section named after a sampler. */
typedef struct {
  const cw_sampler_ops *ops;
  double param[CW_MAX_PARAMS];
  int choice[CW_MAX_PARAMS];
  long chains, thermalise, steps; /* steps after thermalisation */
  long every;                     /* measure every so many steps */
  long keep;                      /* configurations kept in the store, over all chains; 0: none */
} cw_mcmc_plan;

typedef struct {
  char name[64]; /* of the case; "" in a job without cases */
  char job[64];
  char about[1024]; /* one sentence */
  uint32_t seed;
  double checkpoint; /* seconds between checkpoints */
  cw_lattice lat;
  const cw_theory_ops *theory;
  int form;
  double param[CW_MAX_PARAMS];
  int n_mcmc;
  cw_mcmc_plan mcmc[CW_MAX_MCMC];
  bool has_model, has_train, has_nis, has_nmcmc, has_forward, has_chain;
  cw_model_spec model;
  /* Run (and case) whose trained parameters the model starts from; "": fresh. */
  char start_run[2048], start_case[64];
  cw_train_options train;
  int train_data; /* forward KL: index into mcmc */
  long nis_samples;
  long nmcmc_chains, nmcmc_steps;
  int forward_data; /* index into mcmc */
  struct {
    cw_mcmc_plan mcmc; /* how each node is sampled */
    long nodes;
  } chain;
} cw_plan;

/* A job with its cases resolved. */
typedef struct {
  int n;
  cw_plan *plan; /* (n) */
  char *text;    /* the resolved job: every default visible */
} cw_plans;

/* Reads and checks every section of every case. CW_EINVAL with the place in the job. job is
 * completed with its defaults. The caller clears *out. */
cw_status cw_plans_read(cw_context *ctx, cw_job *job, cw_plans *out);
void cw_plans_clear(cw_plans *plans);

/* Rows, of one configuration of every chain, that a sampler section keeps. */
long cw_kept_rows(const cw_mcmc_plan *m);
/* Was the model trained on configurations of the section that `forward` judges it on? Then it was
 * on the first half of the kept rows, and `forward` has the second. */
bool cw_forward_shares_data(const cw_plan *plan);
long cw_forward_rows(const cw_plan *plan); /* rows that `forward` judges on */

/* The store's name of a stage of a case. */
void cw_stage_name(const cw_plan *plan, const char *stage, char name[160]);

#endif
