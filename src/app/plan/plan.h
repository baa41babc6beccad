/* What a job asks for, read and checked: one plan per case. */
#ifndef CW_APP_PLAN_H
#define CW_APP_PLAN_H

#include "app/job/job.h"
#include "app/plan/expect.h"
#include "app/plan/figures.h"
#include "app/plan/method.h"
#include "causeway/bridge.h"
#include "causeway/model.h"
#include "causeway/observe.h"
#include "causeway/sampler.h"
#include "causeway/store.h"
#include "causeway/train.h"

enum {
  CW_MAX_SECTIONS = 32,
  CW_MAX_CASES = 64,
  CW_MAX_GROUPS = 16,
  CW_PATH = 2048,
  CW_MAX_WORDS = 64
};

typedef enum { CW_START_HOT, CW_START_COLD } cw_start;

/* Markov chains of a sampler: a section named after one, or a part of another method's. */
struct cw_mcmc_plan {
  const cw_sampler_ops *ops;
  double param[CW_MAX_PARAMS];
  int choice[CW_MAX_PARAMS];
  long chains, thermalise, steps; /* steps after thermalisation */
  long every;                     /* measure every so many steps */
  long keep;                      /* configurations kept in the store, over all chains; 0: none */
  cw_start start;
  char start_file[CW_PATH]; /* a configuration that all chains start from; "": none */
  bool project_start;       /* its links may be far from the group: they are projected onto it */
  unsigned ignore_checks;   /* of it: bits of cw_configuration_check */
};

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

/* Run and case whose trained parameters a model starts from, of this run if only the case is named, or for
 * flows between rungs the model file that holds them; all of them "": none. */
typedef struct {
  char run[CW_PATH], name[64];
  char model[CW_PATH];
} cw_start_from;

static inline bool cw_has_start(const cw_start_from *s) {
  return s->run[0] != '\0' || s->name[0] != '\0' || s->model[0] != '\0';
}

/* From an earlier case of the same run? */
static inline bool cw_starts_here(const cw_start_from *s) {
  return s->run[0] == '\0' && s->name[0] != '\0';
}

/* A section of the job that is a method's. */
struct cw_section {
  const cw_method *method;
  cw_section_kind kind;
  void *own; /* what method->read filled, of the method's own type; owned */
};

/* What a section trains, under the name of one of its parts. */
struct cw_training {
  /* "train", "craft.train"; of flows on a ladder it may have results K[k], the mean works up and down
   * together which it predicts between rungs k and k+1. */
  char stage[64];
  const cw_model_spec *model;
  const cw_start_from *start; /* of flows; NULL: of none, or that of the job's model */
  bool is_ladder;             /* a flow for every step of the ladder; false: the job's model */
  long configurations;        /* of each flow of a ladder: how many it is trained or fitted on */
  const cw_section *data;     /* on whose kept configurations; NULL: on none */
  char text[240];             /* "reverse KL, path gradient, batch 1024, 2000 steps" */
};

struct cw_plan {
  char name[64]; /* of the case; "" in a job without cases */
  char job[64];
  char about[1400]; /* one sentence, and what --set changed */
  uint32_t seed;
  double checkpoint; /* seconds between checkpoints */
  cw_lattice lat;
  const cw_theory_ops *theory;
  int form;
  double param[CW_MAX_PARAMS];
  bool has_model;
  cw_model_spec model;
  cw_start_from start; /* of the model */
  cw_ladder_plan ladder;
  int n_sections;
  cw_section section[CW_MAX_SECTIONS]; /* in the order of running */
  int n_groups;                        /* at least one */
  cw_measure_plan
      group[CW_MAX_GROUPS]; /* the first, a standard one, is what flows are measured by */
  int n_expect;
  cw_expect expect[CW_MAX_EXPECT];
  int n_figures;
  cw_figure_plan figure[CW_MAX_FIGURES];
};

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
/* The job file at path with what --set (n_set assignments) and --seed (NULL: not given) change: as it is,
 * the caller destroys *out in any case; and read and checked. */
enum { CW_MAX_SETS = 1024 };
cw_status cw_job_of_words(cw_context *ctx, const char *path, const char *seed,
                          const char *const *set, int n_set, cw_job **out);
cw_status cw_plans_load(cw_context *ctx, const char *path, const char *seed, const char *const *set,
                        int n_set, cw_plans *out);
/* Of the same, one case (NULL: the only one) without what samples, trains and expects: a job of
 * theory, lattice and measurements, to which section, a "path=value", is added. command: for
 * messages. */
cw_status cw_plans_load_bare(cw_context *ctx, const char *command, const char *path,
                             const char *in_case, const char *const *set, int n_set,
                             const char *section, cw_plans *out);

/* Reads a resolved job, as stores and runs keep it, with what --set changes of it; in a job with cases that
 * is changed in every case, unless its path names one. name: of text, for messages. Local. The caller
 * clears *out, also after a failure. */
cw_status cw_plans_of_text(cw_context *ctx, const char *text, const char *name,
                           const char *const *set, int n_set, cw_plans *out);
cw_status cw_plans_of_file(cw_context *ctx, const char *path, const char *const *set, int n_set,
                           cw_plans *out);
/* Reads the job that a store carries. Local. The caller clears *plans, also after a failure. */
cw_status cw_plans_of_store(cw_context *ctx, const cw_store *store, cw_plans *plans);

/* The case of a run that a command is about; name NULL: the only one. CW_EINVAL, as the two below
 * say. */
cw_status cw_choose_case(cw_context *ctx, const char *command, const cw_plans *plans,
                         const char *name, const cw_plan **out);
/* There is no such word among those known (NULL-terminated). */
cw_status cw_fail_unknown(cw_context *ctx, const char *command, const char *option,
                          const char *word, const char *const *known);
/* The user named none, and there are several. */
cw_status cw_fail_several(cw_context *ctx, const char *command, const char *option,
                          const char *const *known);

/* What theories, samplers and observables can be asked about a plan's theory before its lattice is
 * laid out: of the geometry only lat and n_sites are there. */
typedef struct {
  cw_geometry geom;
  cw_theory theory;
} cw_probe;
void cw_probe_make(const cw_plan *plan, cw_probe *probe); /* probe points into itself */

/* ---- what methods read their sections with ---- */

/* Which sampler, under key `sampler`; then chains, steps and the sampler's parameters. */
cw_status cw_read_which_sampler(cw_node *map, cw_mcmc_plan *m);
cw_status cw_read_mcmc(cw_node *map, const cw_plan *plan, cw_mcmc_plan *m);
/* Only its parameters, and whether it fits. */
cw_status cw_read_sampler(cw_node *map, const cw_plan *plan, cw_mcmc_plan *m);
/* A text that fits into out (size). */
cw_status cw_read_text(cw_node *root, const char *key, const char *preset, char *out, size_t size);
/* Key `ignore_checks`: a list of checks of configuration files, as bits. */
cw_status cw_read_ignored_checks(cw_node *map, unsigned *bits);
/* Key `data`: which section that keeps configurations another one takes its data from; it keeps
 * two per chain or more. */
cw_status cw_read_data(cw_node *root, cw_node *map, const cw_plan *p, const cw_section **data);
/* The same without asking how many it keeps. */
cw_status cw_read_data_section(cw_node *root, cw_node *map, const cw_plan *p,
                               const cw_section **data);
/* Key `start` of a model or, with_files, of a flow. */
cw_status cw_read_start(cw_node *flow, bool with_files, cw_start_from *start);
/* Key `flow`: layers without a prior, and whose parameters they start from. CW_EINVAL: the job's fields are
 * not what flows move, one real per site or links. */
cw_status cw_read_flow(cw_node *map, const cw_plan *p, cw_model_spec *model, cw_start_from *start);
/* Key `layers` of such a flow. */
cw_status cw_read_layers(cw_node *flow, const cw_plan *p, cw_model_spec *model);
/* A map under key (`from`, `to`): other parameters of the job's theory; those that it does not name
 * are the job's. Whole numbers are not couplings but say where a defect is: they must be the job's.
 */
cw_status cw_read_other_params(cw_node *map, const char *key, const cw_plan *p,
                               double other[CW_MAX_PARAMS]);
/* How parameters move, the same for every loss; presets of the estimator and of the warm-up. */
cw_status cw_read_descent(cw_node *map, cw_gradient preset, long warmup, cw_train_options *t);
/* The same for steps along the natural gradient, which have no choice of estimator. CW_EINVAL: a loss or a model that
 * they are not for. */
cw_status cw_read_natural_gradient(cw_node *map, const cw_model_spec *model, cw_train_options *t);
/* Would more steps change the rates of those that are done? Then so, into why (size). */
bool cw_refuse_more_training(const cw_train_options *t, char *why, size_t size);
/* ---- what a job takes ---- */

/* Bytes, at least, and the keys on which most of them depend: "hmc.chains", "lattice". */
typedef struct {
  double memory, checkpoint, disk; /* while it runs; of each checkpoint; that are left at the end */
  double working;                  /* of memory, what is no copy of a checkpoint */
  char memory_key[96], disk_key[96];
} cw_room;
/* Of a section, with so many threads on all ranks. */
cw_room cw_section_room(const cw_plan *p, const cw_section *s, long threads);
/* Numbers that a row of all groups of observables has for a chain, on average. */
double cw_numbers_per_row(const cw_plan *p);

/* ---- ways from a theory to another ---- */

enum { CW_WAY_STEPS = 100000 }; /* at most */

/* Key `way`: retargets to (k/steps)^power of the parameters, k = 1 .. steps, or with flows to the
 * rungs between, and sampler steps after each but the last. */
typedef struct {
  long steps; /* 0: none */
  double power;
  const cw_section
      *flow; /* whose flows come before the retargets, from a rung of the job's ladder to
                             the next: replicas are on every steps-th rung; NULL: none */
  long mutations;
  cw_levels levels;          /* n = 0: mutations are everywhere */
  int n_turns;               /* of these, the first, which mutations of the way are on */
  long every[CW_MAX_LEVELS]; /* retargets from one of them to the next */
} cw_way_plan;

/* The sites within margin of the defect of the job's theory; false: it has none. */
bool cw_find_defect(const cw_plan *p, int margin, cw_box *box);
/* One more level, swept once: the links that m's sampler updates around the defect, hops: 2, or margin:
 * 2, of sites. */
cw_status cw_read_level(cw_node *map, const cw_plan *p, const cw_mcmc_plan *m, cw_levels *levels);
/* Key `levels`: a list of such maps, whose other keys rest reads, of level l into self. */
typedef cw_status cw_level_rest(cw_node *map, int l, void *self);
cw_status cw_read_levels(cw_node *map, const cw_plan *p, const cw_mcmc_plan *m, cw_levels *levels,
                         cw_level_rest *rest, void *self);
/* flow: none, or a section with flows along the ladder. */
cw_status cw_read_flow_section(cw_node *map, const cw_plan *p, const cw_section **flow);
/* w->steps stays 0 where the section has no key `way`, unless it is required. with_flows: it may have
 * flows. */
cw_status cw_read_way(cw_node *map, const cw_plan *p, const cw_mcmc_plan *m,
                      cw_job_presence presence, bool with_flows, cw_way_plan *w);
/* A program from every replica to the next; NULL: no way. flow (rungs of the ladder - 1), with flows.
 * The caller frees *out. */
cw_status cw_make_ways(cw_context *ctx, const cw_way_plan *w, const cw_ladder_plan *ladder,
                       const cw_map *flow, cw_program **out);

/* ---- sections ---- */

cw_status cw_read_model(cw_node *root, cw_plan *p);
cw_status cw_read_ladder(cw_node *root, cw_plan *p);
/* The ladder has rungs at positions t (n), from the parameters `from` to the theory's. */
void cw_place_rungs(cw_plan *p, const double from[CW_MAX_PARAMS], int n, const double *t);
/* All sections that are methods'. */
cw_status cw_read_methods(cw_context *ctx, cw_node *root, cw_plan *p);
/* The names of all sections whose methods have a bit of needs (0: of all): "'a', 'b' or 'c'". */
const char *cw_section_words(unsigned needs, char *list, size_t size);
/* The chains that a section runs; NULL: none. */
const cw_mcmc_plan *cw_section_chains(const cw_section *s);
/* The section of that name; NULL: the job has none. */
const cw_section *cw_plan_section(const cw_plan *p, const char *name);
/* Has it a section whose method has one of these bits of needs? */
bool cw_plan_has(const cw_plan *p, unsigned needs);
/* What the job's model is trained by; false: it is not. */
bool cw_plan_training(const cw_plan *p, cw_training *out);
/* That of a stage or, stage NULL, of the job's model; false: there is none. */
bool cw_find_training(const cw_plan *p, const char *stage, cw_training *out);
/* "run X, case A", "case A" (of the same run) or "model F.h5". */
enum { CW_START_TEXT = CW_PATH + 96, CW_START_WHY = 160 };
void cw_start_text(const cw_start_from *s, char text[CW_START_TEXT]);
/* Would parameters of a model `other`, of the plan theirs, mean something else in spec, of p? Then why, to be
 * read behind "the parameters of ...". */
bool cw_start_misfits(const cw_plan *theirs, const cw_model_spec *other, const cw_plan *p,
                      const cw_model_spec *spec, char why[CW_START_WHY]);
/* Can what case i starts from be had from a case before it? root: its sections; entry: it among the cases,
 * NULL: the job has none. CW_EINVAL names the place. */
cw_status cw_check_starts(cw_node *root, const cw_node *entry, const cw_plans *plans, int i);
/* The key in which two models differ whose parameters would not mean the same; NULL: none. */
const char *cw_model_difference(const cw_model_spec *a, const cw_model_spec *b);
/* Sections `measure` and `expect`. */
cw_status cw_read_measure(cw_node *root, cw_plan *plan);
/* The group of observables of that quantity, of those that fit the job's theory, measured or not; NULL: none. */
const cw_observable_ops *cw_group_of_quantity(const cw_plan *p, const char *quantity);
cw_status cw_read_expect(cw_node *root, cw_plan *plan);
/* The parts of the name of a result, "nis.chi2", of some quantity and section that there are, given by this
 * job or not. entry: for the place in messages. */
cw_status cw_read_result_name(const cw_node *entry, const char *name, const cw_plan *p,
                              cw_expect *e);
/* Section `figures` of the job, with what its axes name out of the sections of the plan, which are read.
 * root: where these are; the same without cases. */
cw_status cw_read_figures(cw_node *job, cw_node *root, cw_plan *plan);
/* What changes of sector are counted by: of the first group of the job that has such a primary;
 * *group: its number. NULL: none has. */
const cw_primary *cw_plan_sector(const cw_plan *plan, int *group);
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
/* Rows of the first group of observables that chains of so many steps measure. */
long cw_measured_rows(const cw_plan *plan, const cw_mcmc_plan *m);
/* Was the model trained on configurations of that section? Then it was on the first half of the
 * kept rows, and what is to be fair to the model takes the second. */
bool cw_trained_on(const cw_plan *plan, const cw_section *data);
long cw_fair_rows(const cw_plan *plan, const cw_section *data);

/* A part without training on the job's theory, of one step per unit; its section says name, label
 * and colour. */
cw_part cw_part_of(const cw_section *s, unsigned is, const char *unit, long wanted);
/* Names the stage that trained the flows which a part goes through, those of a section; NULL: none. */
void cw_part_by_flows(const cw_plan *p, const cw_section *flow, cw_part *part);

/* The store's name of a stage of a case. */
void cw_stage_name(const cw_plan *plan, const char *stage, char name[160]);
/* Has a stage of the plan left something in the store? */
bool cw_has_begun(const cw_plan *plan, const cw_store *store, const char *stage);

/* ---- runs that are given more to do ---- */

/* May the run in a store, which was begun with the plans `was`, go on with the plans `is`, to the bits of a
 * run that had these from the start? CW_EINVAL names the first key that may not change, what it is, what was
 * asked, and why not. Local. */
cw_status cw_plans_check_change(cw_context *ctx, const cw_store *store, const cw_plans *was,
                                const cw_plans *is);

#endif
