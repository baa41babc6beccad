/* causeway/bridge.h - weighted populations and replicas on a ladder of theories.
 *
 * A ladder is a sequence of couplings of one theory, rung 0 .. n-1. Programs of moves carry
 * configurations along it:
 *   walk   a population starts on rung 0 and is carried to the last one, gathering weights:
 *          annealed importance sampling and stochastic flows (no resampling), sequential Monte
 *          Carlo and CRAFT (with it), flows between rungs or none;
 *   rex    one replica stays on each rung and neighbours swap configurations: replica exchange,
 *          with flows (T-REX), or along a defect with updates around it (PTBC).
 * All random draws are keyed by global numbers of chains and steps, all sums come in a fixed order:
 * results have the same bits for any number of threads and ranks and any split into lanes. */
#ifndef CAUSEWAY_BRIDGE_H
#define CAUSEWAY_BRIDGE_H

#include "causeway/model.h"
#include "causeway/sampler.h"
#include "causeway/train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ ladder */

#define CW_MAX_RUNGS 1024

typedef struct {
  const cw_theory *th; /* borrowed: the terms, which all rungs share */
  int n;
  double (*c)[CW_MAX_TERMS];      /* (n) couplings, owned */
  double (*param)[CW_MAX_PARAMS]; /* (n) parameters of the theory's form, owned */
} cw_ladder;

/* params (n): parameters of th's form on every rung. CW_EINVAL if n is not in [2, CW_MAX_RUNGS], the
 * theory refuses a rung (named in the message) or its fields there are not th's; CW_ENOMEM. The caller
 * destroys *out in any case. */
cw_status cw_ladder_create(cw_context *ctx, const cw_theory *th, int n,
                           const double (*params)[CW_MAX_PARAMS], cw_ladder *out);
void cw_ladder_destroy(cw_ladder *ladder);

/* Couplings at parameters between those of rung pair and of the next: t = 0 is the one, 1 the other.
 * Parameters are interpolated, couplings follow from them. */
void cw_ladder_at(const cw_ladder *ladder, int pair, double t, double c[CW_MAX_TERMS]);

/* -------------------------------------------------------------------- maps */

/* A bijection of configurations with a known Jacobian: a flow from one rung to the next. */
typedef struct cw_map cw_map;
struct cw_map {
  const void *self; /* borrowed */
  /* x <- f(x), or f^-1(x), for all its configurations; logj (n_blocks*B) = ln |det| of what was
   * applied, overwritten. Parallel over blocks. Local. */
  cw_status (*apply)(const cw_map *map, cw_context *ctx, cw_field *x, double *logj, bool inverse);
  /* The links that it moves, and those that it reads, borrowed: it takes fields of a patch too that has
   * these. NULL: all. */
  const cw_link_set *moves, *reads;
};
/* The layers of a model, without its prior. The model must outlive the map. */
cw_map cw_map_of_model(const cw_model *model);
cw_map cw_map_inverse(const cw_map *map); /* map must outlive it */

/* ---------------------------------------------------------------- programs */

typedef enum { CW_RESAMPLE_SYSTEMATIC = 0, CW_RESAMPLE_MULTINOMIAL } cw_resampling;

typedef enum {
  CW_MOVE_TRANSPORT = 0, /* by a map */
  CW_MOVE_RETARGET,      /* to parameters between those of the rung and of the next */
  CW_MOVE_RESAMPLE,      /* of populations */
  CW_MOVE_MUTATE,        /* sampler steps at the couplings that were reached */
  CW_MOVE_EXCHANGE,      /* of replicas: a sweep of swaps between neighbours */
  CW_MOVE_TRANSLATE,     /* of replicas: those of the periodic rung, by a random step */
  CW_MOVE_REPEAT,        /* a program within a program */
  CW_MOVE_KINDS
} cw_move_kind;

typedef struct cw_program cw_program;
typedef struct {
  cw_move_kind kind;
  const cw_map *map; /* transport: NULL: the owner's, that starts on the rung */
  double t; /* retarget: how far the new parameters are from the rung's to the next one's, 0 to 1 */
  long steps;       /* mutate: sampler steps */
  int level;        /* mutate: whose links alone are updated, a level of the owner's; -1: all are */
  double threshold; /* resample: as of cw_resample */
  cw_resampling scheme;
  long count; /* repeat: so often */
  const cw_program *body;
} cw_move;

/* Moves in their order, borrowed. Walks are programs of transports, retargets, mutations and
 * resampling; ways between the rungs of an exchange and excursions of the first three, and such
 * programs can be run backwards; steps of replica exchange are programs of mutations, exchanges,
 * translations, and repetitions of them. */
struct cw_program {
  int n;
  const cw_move *move;
};
int cw_program_count(const cw_program *program, cw_move_kind kind); /* moves of a kind */
long cw_program_steps(const cw_program *program); /* sampler steps, without those of repetitions */

/* -------------------------------------------------------------- population */

/* Weighted configurations that target one rung: averages sum_i e^lw_i O(x_i) / sum_i e^lw_i. */
typedef struct {
  cw_context *ctx;         /* borrowed */
  const cw_ladder *ladder; /* borrowed */
  cw_field x;              /* this rank's particles, owned */
  long n;                  /* particles of all ranks */
  int rung;                /* the last one that was reached */
  double c[CW_MAX_TERMS];  /* couplings that they target: of the rung, or on the way to the next */
  double *lw;              /* (n_blocks*B) log-weights since the last resampling */
  double *T;      /* (n_blocks*B, n_terms) terms at x, of those whose bit is set in known */
  unsigned known; /* x changed by other means than the moves: set it to 0 */
  long *ancestor; /* (n_config) global number of the particle on rung 0 */
  double lnz;     /* ln of the mean weights that resampling has taken out */
  double *all;    /* (n) scratch: one number of every particle of all ranks */
  double *work;   /* (3, n_blocks*B) scratch */
  cw_arena *arena;
} cw_population;

/* n particles over all ranks, in whole blocks as cw_rank_share deals them. geom: of the ladder's
 * theory. CW_EINVAL (more ranks than blocks), CW_ENOMEM. The caller destroys *out in any case.
 * Collective. */
cw_status cw_population_create(cw_context *ctx, const cw_ladder *ladder, long n,
                               cw_population *out);
void cw_population_destroy(cw_population *p);
/* Back to rung 0 with weights 1, from start (same geometry, n_config and first_chain as p->x). */
void cw_population_start(cw_population *p, const cw_field *start);

/* The moves. Those that change weights are exact at any rung and with any map; see PIMH and the
 * estimators below for what their products mean. */
cw_status cw_transport(cw_population *p, const cw_map *map); /* lw += ln|det J| - S(y) + S(x) */
cw_status cw_retarget(cw_population *p, int rung);           /* lw -= (c' - c).T(x) */
/* To parameters between those of its rung and of the next, which is reached at t = 1. */
cw_status cw_retarget_between(cw_population *p, double t);
/* n_steps of a sampler at the couplings that were reached; step0: number of the first one. accept: mean
 * acceptance of the particles of all ranks, for tuning, n_steps > 0; then collective. NULL: not
 * wanted. */
cw_status cw_mutate(cw_population *p, cw_sampler *sampler, cw_rng rng, uint32_t step0, long n_steps,
                    double *accept);
/* Particles are copied as often as their weights say and weights are 1 again, if the effective
 * sample size is below threshold*n (1: always; 0: never). step keys the draws. CW_ENUMERIC: no
 * weight, or one that is not a number. Collective. */
cw_status cw_resample(cw_population *p, cw_resampling scheme, double threshold, cw_rng rng,
                      uint32_t step, bool *done);

/* Of all ranks, collective. */
double cw_population_ess(cw_population *p); /* (sum w)^2 / sum w^2 / n, in (0, 1] */
double cw_population_lnz(cw_population *p); /* ln of an unbiased estimate of Z(rung)/Z(rung 0) */
/* all (n) log-weights in the order of particles, on every rank. */
void cw_population_weights(cw_population *p, double *all);

/* ---------------------------------------------------------------- walk */

typedef struct {
  const cw_sampler_ops *sampler;
  const double *param; /* in the order of sampler->params; NULL: presets */
  const int *choice;
  cw_program program; /* from every rung to the next, copied: transports, at most one of which is
                         before the first retarget and none after it; retargets, the last to 1;
                         mutations everywhere, and resampling */
  const cw_map *map;  /* (n-1) from rung k to k+1, where the program has a transport */
  long tuning;        /* sampler steps of a mutation of cw_walk_tune */
} cw_walk_options;

#define CW_USUAL_MOVES 4
/* The usual program, made of move: transport if there are maps, retarget, resample if threshold is
 * not 0, mutate. */
cw_program cw_usual_walk(bool has_maps, long mutations, double threshold, cw_resampling scheme,
                         cw_move move[CW_USUAL_MOVES]);

typedef struct cw_walk cw_walk;
/* One sampler, whose tuned state is kept for every rung. ladder and options->map are borrowed; p:
 * like the populations that will walk. CW_EINVAL: options out of range, or as cw_sampler_create.
 * CW_ENOMEM. The caller destroys *out in any case. */
cw_status cw_walk_create(cw_context *ctx, const cw_ladder *ladder, const cw_walk_options *options,
                         const cw_population *p, cw_walk **out);
void cw_walk_destroy(cw_walk *w);
/* Tunes the sampler on all rungs, once, on a first walk of the population from rung 0, which is not
 * to be used for estimates: start it again. Collective. */
cw_status cw_walk_tune(cw_walk *w, cw_population *p, cw_rng rng);
/* From rung 0 to the last one. number: of the walk, keys its draws. ess (n) and lnz (n) of every
 * rung: after the last change of weights before a resampling; either may be NULL. CW_EINVAL: the
 * number makes step numbers beyond 2^32. CW_ENUMERIC: a weight or an action is not finite.
 * Collective. */
cw_status cw_walk_run(cw_walk *w, cw_population *p, cw_rng rng, uint32_t number, double *ess,
                      double *lnz);
/* The same, and before each transport a step of trainer[k] (n-1), whose model is map[k] and whose
 * batch is the population, with the particles that map[k] is about to carry: weighted as they are
 * where the program resamples (CRAFT, arXiv:2201.13117), and otherwise equal (the mean work, as of
 * stochastic flows). report (n-1). Not to be used for estimates. Collective. */
cw_status cw_walk_train(cw_walk *w, cw_population *p, cw_rng rng, uint32_t number,
                        cw_trainer *const *trainer, cw_train_report *report);
long cw_walk_state_size(const cw_walk *w); /* tuned states of all rungs, for checkpoints */
void cw_walk_save(const cw_walk *w, double *state);
void cw_walk_load(cw_walk *w, const double *state);

/* -------------------------------------------------------------------- levels */

/* Sets of links that are updated by themselves. In a step of replica exchange level l is swept count
 * times within each sweep of level l-1 (level 0 lies within a full step), and after each sweep come
 * swaps and a translation. */
#define CW_MAX_LEVELS 8
typedef struct {
  cw_box box;  /* the links that start here */
  bool around; /* instead: the links within hops of the defect, as of cw_link_set_around */
  int hops;
  int count;
} cw_level;
typedef struct {
  int n;
  cw_level level[CW_MAX_LEVELS];
} cw_levels;

/* ---------------------------------------------------------------- excursions */

/* From home to another theory and back, accepted as a whole: a step of a Markov chain that leaves the
 * theory of home invariant, whatever the way (J. P. Nilmeier et al., PNAS 108 (2011) E1009). */
typedef struct {
  const cw_sampler_ops
      *sampler; /* of mutations and of the dwell, whose steps can be run backwards */
  const double *param;
  const int *choice;
  cw_program way;    /* from rung 0, away, to rung 1, home; borrowed, as its maps are. It is run
                        backwards first */
  const cw_map *map; /* from rung 0 to rung 1, where the way has a transport without its own */
  cw_levels levels;  /* of mutations; their counts are not used */
  long dwell;        /* sampler steps away, then as many reversed */
  int dwell_level;   /* of the levels; -1: everywhere */
  bool translate;    /* before each by a random step, the same for all chains: home must be
                        translation invariant */
  cw_rng rng;
} cw_excursion_options;

typedef struct cw_excursion cw_excursion;
/* x: like the fields that will go. ladder (2 rungs) is borrowed. On failure *out is NULL. CW_EINVAL:
 * options out of range, a sampler that does not fit or whose steps cannot be run backwards. CW_ENOMEM.
 * Local. */
cw_status cw_excursion_create(cw_context *ctx, const cw_ladder *ladder,
                              const cw_excursion_options *options, const cw_field *x,
                              cw_excursion **out);
void cw_excursion_destroy(cw_excursion *e);
/* Excursion number `number` of all configurations of x, whose sampler is tuned to state (n_state).
 * accept (n_blocks*B): min(1, e^lw). Where all updates are on links of levels, the cost is that of
 * these (and of a translation). x may be given other data. CW_EINVAL: the number makes step numbers
 * beyond 2^32. Local. */
cw_status cw_excursion_run(cw_excursion *e, const double *state, cw_field *x, uint32_t number,
                           double *accept);

/* --------------------------------------------------------- replica exchange */

typedef enum {
  CW_SWAP_ALTERNATE = 0, /* even pairs in even sweeps, odd pairs in odd ones: non-reversible */
  CW_SWAP_RANDOM         /* all even and all odd pairs in every sweep, which first is drawn */
} cw_swap_order;

typedef struct {
  const cw_sampler_ops *sampler;
  const double *param;
  const int *choice;
  long mutations; /* sampler steps between swaps */
  /* (n) how often a rung's sampler steps, those of levels too, are taken where others take them once;
   * NULL: once everywhere. */
  const int *multiple;
  cw_swap_order order;
  const cw_map *map; /* (n-1) from rung k to k+1, called by several threads at once; NULL: none */
  /* (n-1) how configurations travel between rungs k and k+1 when they are to swap: transports,
   * retargets, the last to 1, and mutations, which take the state that the sampler is tuned to on
   * rung k and draws of their own. From the upper rung to the lower one it is run backwards: moves in
   * opposite order, inverse maps, retargets to where each came from, mutations by step_back of their
   * sampler. NULL: configurations stay as they are, or are carried by the map. */
  const cw_program *way;
  cw_levels way_levels; /* of mutations on the way; their counts are not used */
  cw_levels levels;     /* n = 0: none */
  int periodic;         /* the rung whose theory is translation invariant, and whose replicas are
                        translated by a random step, the same for all chains, after each sweep
                        of swaps; -1: none */
  long chains;          /* independent copies of the whole ladder */
  cw_rng rng;           /* streams of rungs, levels and swaps are named substreams of it */
} cw_rex_options;

typedef struct cw_rex cw_rex;
/* Replicas are dealt to ranks by blocks of chains, and where these are too few by rungs. They start
 * cold: fill their fields. The ladder and what options points to are borrowed. CW_EINVAL: options
 * out of range, a sampler that does not fit or that levels cannot restrict, a periodic rung with a
 * defect, more ranks than rungs; CW_ENOMEM; *out is then NULL. The caller destroys *out.
 * Collective.
 */
cw_status cw_rex_create(cw_context *ctx, const cw_ladder *ladder, const cw_rex_options *options,
                        cw_rex **out);
void cw_rex_destroy(cw_rex *rex);
/* Step number step: mutate all rungs, swap, and the levels. Samplers adapt in the first n_tune
 * steps of a thermalisation; 0: they do not. A function of the fields, the state and step.
 * CW_ENUMERIC: a configuration is not a number. Collective. */
cw_status cw_rex_step(cw_rex *rex, uint32_t step, uint32_t n_tune);

/* This rank's part: rungs [rung_begin, rung_end), and of each the chains of its field. */
int cw_rex_rung_begin(const cw_rex *rex);
int cw_rex_rung_end(const cw_rex *rex);
/* Of a rung of this rank; borrowed. A step may give it other data: ask the field, not a copy. */
cw_field *cw_rex_field(cw_rex *rex, int rung);

/* What the swaps of all chains did since the last reset: accept[k] is the sum of acceptance
 * probabilities min(1, e^..) over tries[k] proposals between rungs k and k+1. (n-1) each. work
 * (chains, n-1, 2): minus the log-weights of the latest proposal, of going up and of going down;
 * NAN: there was none. Same on all ranks. */
typedef struct {
  double *accept;
  long *tries;
  double *work;
} cw_rex_swaps;
const cw_rex_swaps *cw_rex_swap_counts(const cw_rex *rex);
void cw_rex_reset_counts(cw_rex *rex);
/* Wall seconds that steps took on this rank since they were last taken: of sampler steps on rungs
 * and on ways; of maps, with the actions before and after them; of all else that swaps do. What
 * threads do side by side on ways is shared out in proportion. propose: what of all of these it took
 * to carry configurations to their neighbours and to weigh them. Of no effect on anything else. */
typedef struct {
  double sampler, transport, swap, propose;
} cw_rex_seconds;
cw_rex_seconds cw_rex_take_seconds(cw_rex *rex);
/* What does not depend on the machine: how many links or sites, each once for every sampler step, the
 * samplers of a ladder visit in a step without its swaps (*of_step), and for one proposal to swap rungs
 * k and k+1, there and back (of_proposal (n-1)). Maps are not counted. CW_EINVAL, CW_ENOMEM. Local.
 * Cost: a pass over the lattice for every level. */
cw_status cw_rex_visits(const cw_rex *rex, double *of_step, double *of_proposal);
/* (chains, n): number of the replica that is on a rung now; replica r started on rung r. On all
 * ranks. */
const int *cw_rex_labels(const cw_rex *rex);

long cw_rex_state_size(const cw_rex *rex); /* labels, counts and tuned samplers; fields apart */
void cw_rex_save(const cw_rex *rex, double *state); /* collective: all rungs on every rank */
void cw_rex_load(cw_rex *rex, const double *state);

/* -------------------------------------------------------------- ladder tuning */

/* Positions t_new (n_new) on a path for equal acceptance, from those of a ladder t (n, ascending)
 * and its mean acceptances accept (n-1) without maps. Work that is Gaussian is accepted with
 * erfc(l/2), where l, the thermodynamic length, adds up along the path; between two rungs t is
 * taken as linear in it. The ends stay. CW_ENUMERIC where an acceptance is 0, CW_EINVAL: fewer than
 * 2 rungs. Local. */
cw_status cw_equal_rungs(cw_context *ctx, int n, const double *t, const double *accept, int n_new,
                         double *t_new);
/* Acceptance erfc(sqrt(K)/2) of swaps whose works are Gaussian, with K = l^2 the mean works up and down
 * together, and d acceptance/dK, negative. NAN of K: NAN; below 0, as measured K may be: as of 0. */
double cw_gaussian_acceptance(double K);
double cw_gaussian_acceptance_slope(double K);
/* How many rungs such a ladder needs for an acceptance target in (0, 1); 0: cannot be estimated. */
int cw_rungs_needed(int n, const double *accept, double target);

#ifdef __cplusplus
}
#endif
#endif
