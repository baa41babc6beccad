/* What a job asks for, read and checked: one plan per case. */
#ifndef CW_APP_PLAN_H
#define CW_APP_PLAN_H

#include "app/plan/expect.h"
#include "app/job/job.h"
#include "causeway/bridge.h"
#include "causeway/model.h"
#include "causeway/observe.h"
#include "causeway/sampler.h"
#include "causeway/store.h"
#include "causeway/train.h"

enum { CW_MAX_MCMC = 8, CW_MAX_CASES = 64, CW_MAX_GROUPS = 16, CW_PATH = 2048, CW_MAX_WORDS = 64 };

typedef enum { CW_START_HOT, CW_START_COLD } cw_start;

/* A section named after a sampler. */
typedef struct {
  const cw_sampler_ops *ops;
  double param[CW_MAX_PARAMS];
  int choice[CW_MAX_PARAMS];
  long chains, thermalise, steps; /* steps after thermalisation */
  long every;                     /* measure every so many steps */
  long keep;                      /* configurations kept in the store, over all chains; 0: none */
  cw_start start;
  char start_file[CW_PATH]; /* a gauge configuration that all chains start from; "": none */
  bool project_start;       /* its links may be far from SU(3): they are projected onto it */
  unsigned ignore_checks;   /* of it: bits of cw_configuration_check */
} cw_mcmc_plan;

/* A group of observables that sampler sections measure. */
typedef struct {
  const cw_observable_ops *ops;
  double param[CW_MAX_PARAMS];
  long every; /* measured rows of the sampler between two of this group */
} cw_measure_plan;

/* Section `ladder`: parameters of the theory on a straight line, the last rung is the job's theory.
 */
typedef struct {
  int n;                  /* 0: no ladder */
  double t[CW_MAX_RUNGS]; /* positions, 0 to 1 */
  double param[CW_MAX_RUNGS][CW_MAX_PARAMS];
} cw_ladder_plan;

/* Sections `rex` and `ptbc`. */
typedef struct {
  const char *name;
  cw_mcmc_plan mcmc; /* chains: of copies of the whole ladder; steps: each with its swaps */
  long mutations;
  cw_swap_order order;
  bool all_rungs; /* are all rungs measured, or only the last */
  bool translate;
  cw_levels levels;
  int flow; /* index into walk: whose flows carry configurations between rungs; -1: none */
} cw_rex_plan;

/* Run (and case) whose trained parameters flows start from; run "": none. */
typedef struct {
  char run[CW_PATH], name[64];
} cw_start_from;

/* Flows between the rungs, one per pair, of the same layers each. */
typedef struct {
  cw_model_spec model;    /* its prior is not used */
  cw_train_options train; /* batch: particles of the walks that train; steps: such walks */
  long every;             /* sampler steps on rung 0 from one of them to the next */
  cw_start_from start;
} cw_flow_plan;

/* Sections `ais`, `smc`, `snf`, `craft` and `walk`. */
typedef struct {
  const char *name;
  cw_mcmc_plan mcmc; /* chains: particles; steps: walks; every: sampler steps on rung 0 from walk to
                        walk */
  int n_stages;
  cw_walk_stage stage[CW_MAX_WALK_STAGES];
  long mutations, tuning;
  bool reverse; /* walks back from the last rung to the first as well */
  bool pimh;    /* a Markov chain of walks */
  double threshold;
  cw_resampling scheme;
  bool has_flow;
  cw_flow_plan flow;
} cw_walk_plan;
enum { CW_MAX_WALKS = 5, CW_MAX_REX = 2 };

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
  int n_groups; /* at least one */
  cw_measure_plan
      group[CW_MAX_GROUPS]; /* the first, a standard one, is what flows are measured by */
  int n_expect;
  cw_expect expect[CW_MAX_EXPECT];
  bool has_model, has_train, has_nis, has_nmcmc, has_forward, has_chain;
  cw_model_spec model;
  cw_start_from start; /* of the model */
  cw_train_options train;
  int train_data; /* forward KL: index into mcmc */
  long nis_samples;
  long nmcmc_chains, nmcmc_thermalise, nmcmc_steps; /* steps after thermalisation */
  int nmcmc_data; /* index into mcmc: whose kept configurations they start from; -1: of the model */
  int forward_data; /* index into mcmc */
  cw_ladder_plan ladder;
  int n_rex, n_walks;
  cw_rex_plan rex[CW_MAX_REX];
  cw_walk_plan walk[CW_MAX_WALKS];
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
/* The job file at path with what --set (n_set assignments) and --seed (NULL: not given) change. */
enum { CW_MAX_SETS = 256 };
cw_status cw_plans_load(cw_context *ctx, const char *path, const char *seed, const char *const *set,
                        int n_set, cw_plans *out);

/* Reads the job that a store carries. Local. The caller clears *plans, also after a failure. */
cw_status cw_plans_of_store(cw_context *ctx, const cw_store *store, cw_plans *plans);

/* What theories, samplers and observables can be asked about a plan's theory before its lattice is
 * laid out: of the geometry only lat and n_sites are there. */
typedef struct {
  cw_geometry geom;
  cw_theory theory;
} cw_probe;
void cw_probe_make(const cw_plan *plan, cw_probe *probe); /* probe points into itself */

/* How the sections of sampler stages are read: which sampler, under key `sampler`; chains, steps
 * and parameters. */
cw_status cw_read_which_sampler(cw_node *map, cw_mcmc_plan *m);
cw_status cw_read_mcmc(cw_node *map, const cw_plan *plan, cw_mcmc_plan *m);
cw_status cw_read_samplers(cw_node *root, cw_plan *plan); /* all of them */
/* Only its parameters, and whether it fits. */
cw_status cw_read_sampler(cw_node *map, const cw_plan *plan, cw_mcmc_plan *m);

/* A text that fits into out (size). */
cw_status cw_read_text(cw_node *root, const char *key, const char *preset, char *out, size_t size);
/* Which sampler section another one takes its data from; it keeps two configurations per chain or
 * more. */
cw_status cw_read_data(cw_node *root, cw_node *map, const cw_plan *p, int *index);
/* The same without asking how many it keeps. */
cw_status cw_read_data_section(cw_node *root, cw_node *map, const cw_plan *p, int *index);
cw_status cw_needs_model(cw_node *root, const cw_plan *p, const char *section);

/* Sections `model` and `train`. */
cw_status cw_read_model(cw_node *root, cw_plan *p);
cw_status cw_read_train(cw_node *root, cw_plan *p);
cw_status cw_read_layers(cw_node *map, const cw_plan *p, cw_model_spec *model); /* key `layers` */
/* Equal but for the half of the lattice that they act on? */
bool cw_same_layer(const cw_layer_spec *a, const cw_layer_spec *b);
/* The key in which two models differ whose parameters would not mean the same; NULL: none. */
const char *cw_model_difference(const cw_model_spec *a, const cw_model_spec *b);
/* Keys `flow` and `train` of a walk. */
cw_status cw_read_flow(cw_node *map, const cw_plan *p, cw_flow_plan *flow);
/* Sections `ladder`, `rex`, `ptbc`, and the walks. */
cw_status cw_read_ladder(cw_node *root, cw_plan *plan);
/* How often a stage comes in the program of a walk. */
int cw_count_stages(const cw_walk_plan *walk, cw_walk_stage kind);
/* Sections `measure` and `expect`. */
cw_status cw_read_measure(cw_node *root, cw_plan *plan);
cw_status cw_read_expect(cw_node *root, cw_plan *plan);
/* The store's name of the rows of group number g: "primary", "primary.NAME". */
void cw_primary_name(const cw_plan *plan, int g, char name[64]);
/* That of the rows on a rung of a ladder; those of the last rung are named as in any chain. */
void cw_rung_array(const cw_plan *plan, int rung, int g, char name[80]);
/* V of the case's geometry, 1 beside a model: links and spins of few chains are cut into
 * sub-lattices so that no lane is idle and, if that is enough, each of so many threads of all ranks
 * has a block of its own. */
int cw_plan_split(const cw_plan *plan, long threads);

/* Rows, of one configuration of every chain, that a sampler section keeps. */
long cw_kept_rows(const cw_mcmc_plan *m);
/* Those among its first so many measured rows: each kept row ends one of equal intervals. */
long cw_kept_rows_of(const cw_mcmc_plan *m, long measured);
/* Are its configurations what configuration files hold, SU(3) links in four dimensions? */
bool cw_plan_fits_files(const cw_plan *plan);
/* Was the model trained on configurations of sampler section number data? Then it was on the first
 * half of the kept rows, and what is to be fair to the model takes the second. */
bool cw_trained_on(const cw_plan *plan, int data);
long cw_fair_rows(const cw_plan *plan, int data);
long cw_forward_rows(const cw_plan *plan); /* rows that `forward` judges on */

/* The store's name of a stage of a case. */
void cw_stage_name(const cw_plan *plan, const char *stage, char name[160]);

#endif
