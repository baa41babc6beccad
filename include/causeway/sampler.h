/* causeway/sampler.h - Markov chains that leave exp(-S(x; c)) invariant, many chains in lanes. */
#ifndef CAUSEWAY_SAMPLER_H
#define CAUSEWAY_SAMPLER_H

#include "causeway/theory.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cw_sampler cw_sampler;

/* What one step did, per configuration; NULL members are not wanted. Arrays of n_blocks*B. */
typedef struct {
  double
      *accept; /* acceptance probability min(1, e^-dH) or its like; 1 for rejection-free samplers */
  double *dH;  /* energy violation of HMC; 0 elsewhere */
} cw_step_stats;

typedef struct {
  const char *name, *label; /* "hmc", and for people "HMC" */
  const char *title, *source;
  const cw_param *params;
  const char *const *choices_name; /* reserved word keys: {"integrator", NULL}; NULL: none */
  const char *const *const
      *choices; /* per word key its NULL-terminated values, the first is the default */
  bool (*fits)(const cw_theory *th,
               const double *params); /* can it sample this theory, so set? Asked of ops and form:
                                         geom may be NULL */
  /* Why chains of such steps alone would miss some configurations of the theory, whatever its
   * couplings, as a phrase for the user; NULL: they reach all. NULL member: so does every setting.
   * For those who run chains to ask: cw_sampler_create does not, as a step may be one of several
   * kinds. */
  const char *(*refuse)(const cw_theory_ops *theory, const double *param, const int *choice);
  /* What casts doubt on chains so set, as a sentence for the user; NULL, also as the member:
   * nothing. */
  const char *(*doubt)(const cw_theory_ops *theory, const double *param);
  int n_state; /* doubles of tunable state (step size, ...): saved in checkpoints */
  size_t (*work_size)(const cw_theory *th); /* bytes of work memory of one thread */
  cw_status (*init)(cw_sampler *s);         /* sets state[] to its starting values; CW_ENOMEM */
  /* One update of every configuration of x (in/out; split as th->geom), parallel over blocks with
   * the threads of ctx. A function of (x, c, rng, step, state) alone. Not-a-number in x:
   * CW_ENUMERIC. Local. */
  cw_status (*step)(cw_sampler *s, const double *c, cw_field *x, cw_rng rng, uint32_t step,
                    const cw_step_stats *stats);
  /* The reversal of a step: the same updates in the opposite order, each with draws of its own. With
   * K(x, y) the density of going from x to y by a step, that of step_back is K(y, x) e^-S(y) /
   * e^-S(x). step keys its draws: give it a stream or a number that no step has. As step; CW_EINVAL:
   * with these settings it cannot. NULL: this sampler cannot. */
  cw_status (*step_back)(cw_sampler *s, const double *c, cw_field *x, cw_rng rng, uint32_t step,
                         const cw_step_stats *stats);
  /* From now on only the links of a set are updated, all others are frozen, at a cost in proportion
   * to the set; NULL: all again. The order of updates depends on the set alone. Not to be called
   * while steps are taken. NULL member: this sampler cannot. CW_ENOMEM. */
  cw_status (*restrict_to)(cw_sampler *s, const cw_link_set *links);
  /* The same for steps of fields of a patch (cw_field, borrowed), which has the links of the set and of
   * their plaquettes, with the same bits. NULL: it does not take those. */
  cw_status (*restrict_on_patch)(cw_sampler *s, const cw_link_set *links, const cw_patch *patch);
  void (*release)(cw_sampler *s); /* frees own; NULL: nothing to free */
  /* Adapts state from the mean acceptance of all chains of all ranks after thermalisation step
   * number step (0..); NULL: nothing to tune. */
  void (*tune)(cw_sampler *s, double mean_accept, uint32_t step, uint32_t n_tune);
} cw_sampler_ops;

enum { CW_SAMPLER_STATE = 8 }; /* numbers of state, at most */

struct cw_sampler {
  const cw_sampler_ops *ops;
  cw_context *ctx;     /* borrowed */
  const cw_theory *th; /* borrowed */
  double param[CW_MAX_PARAMS];
  int choice[CW_MAX_PARAMS];
  double state[CW_SAMPLER_STATE];
  int n_areas;      /* threads that can work at once */
  size_t area_size; /* bytes of one thread's work memory, a multiple of 64 */
  void *work;       /* (n_areas, area_size), owned */
  void *own;        /* tables of the sampler itself, made by init; see release */
};

extern const cw_sampler_ops *const cw_samplers[]; /* NULL-terminated; from sampler/samplers.def */
const cw_sampler_ops *cw_sampler_find(const char *name);

/* params, choices: in the order of ops->params and ops->choices_name; NULL: presets. n_blocks:
 * blocks of the fields that will be stepped (fewer threads than blocks is all that matters).
 * CW_EINVAL if the sampler does not fit the theory, CW_ENOMEM. The caller destroys *out. */
cw_status cw_sampler_create(cw_context *ctx, const cw_sampler_ops *ops, const cw_theory *th,
                            const double *params, const int *choices, long n_blocks,
                            cw_sampler **out);
void cw_sampler_destroy(cw_sampler *s);

/* Markov chains of one sampler on one theory, dealt to the ranks in whole blocks. */
typedef struct {
  long n;              /* of all ranks */
  cw_field x;          /* where this rank's are; the caller says where they begin */
  cw_sampler *sampler; /* owned */
  double *accept, *dH; /* (n_blocks*B) of the last step */
  bool *
      ahead; /* (n_config) took a step that not all took: see cw_sampler_step; between steps none */
  double *all; /* (n) scratch */
} cw_chains;

/* params, choices: as of cw_sampler_create. The caller closes *out in any case. CW_EINVAL: fewer
 * blocks than ranks, or a sampler that does not fit; CW_ENOMEM. Local. */
cw_status cw_chains_open(cw_context *ctx, const cw_theory *th, const cw_sampler_ops *ops,
                         const double *params, const int *choices, long n, cw_chains *out);
void cw_chains_close(cw_chains *h); /* zeroed: nothing */
/* Steps number first .. first + n_steps - 1 of all chains at couplings c; those below n_tune tune
 * the sampler by the mean acceptance of all chains. Collective: all ranks return the same. */
cw_status cw_sampler_run(cw_chains *h, const double *c, cw_rng rng, uint32_t first, long n_steps,
                         uint32_t n_tune);
/* Of a step: shall it go on? Collective, the same on all ranks. */
typedef bool cw_go_on(void *of);
/* Step number step of all chains, as cw_sampler_run, but for those that are ahead, a few blocks at a time where
 * blocks are large; in between go_on is asked. *whole: all chains took it. Else those that did are ahead, and the
 * same call takes the others along, to the same bits: of chains that are ahead, x, accept and dH must be as they
 * were left, in blocks of whatever shape. Collective. CW_ENOMEM. */
cw_status cw_sampler_step(cw_chains *h, const double *c, cw_rng rng, uint32_t step, uint32_t n_tune,
                          cw_go_on *go_on, void *of, bool *whole);
/* Mean over the chains of all ranks of mine (x.n_config), in fixed order. Collective. */
double cw_chains_mean(cw_chains *h, const double *mine);

#ifdef __cplusplus
}
#endif
#endif
