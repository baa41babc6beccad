/* causeway/observe.h - observables: numbers measured on single configurations, and quantities made
 * of their means.
 *
 * A group measures n_primary numbers on each configuration. A quantity is a function of the
 * expectation values of those numbers (chi2 = V <m^2>, Binder = 1 - <m^4>/(3 <m^2>^2), ...). Errors
 * are computed downstream (stats.h). */
#ifndef CAUSEWAY_OBSERVE_H
#define CAUSEWAY_OBSERVE_H

#include "causeway/theory.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cw_observer cw_observer;

typedef struct {
  const char *name;  /* result name: "chi2"; a vector quantity appears as "correlator[0]",
                        "correlator[1]", ... */
  const char *help;  /* one line with the definition */
  const char *units; /* "1" or lattice units: "a", "1/a", ... */
  int (*count)(const cw_observer *o); /* NULL: a scalar */
  double (*value)(const cw_observer *o, const double *primary_mean,
                  int i); /* NAN where undefined */
  /* In words, why value is NAN at these means: a static string that names the keys to change; NULL:
   * it is not, or nobody can tell. NULL member: never undefined for a known reason. */
  const char *(*why)(const cw_observer *o, const double *primary_mean, int i);
} cw_quantity;

/* How a primary tells the sectors apart between which chains change seldom. */
typedef enum {
  CW_SECTOR_INTEGER, /* the integer next to it: of a topological charge */
  CW_SECTOR_SIGN     /* its sign: of a mean field */
} cw_sector_rule;

typedef struct {
  const char *primary;
  cw_sector_rule rule;
} cw_sector;

typedef struct {
  const char *name, *title; /* "scalar" */
  bool standard; /* measured unless the job says otherwise; else only when it asks for it */
  const cw_param *params; /* what a job may set; NULL: nothing */
  bool (*fits)(const cw_theory *th);
  int (*n_primary)(const cw_observer *o);
  void (*primary_name)(const cw_observer *o, int i, char name[32]);
  /* out (B, n_primary) of one block x, which is split as th->geom and not changed. Local. Callers
   * parallelise over blocks; within a block th->threads may be used, which has no effect inside a
   * parallel region. Scratch from the arena, which the caller rewinds. CW_ENOMEM. */
  cw_status (*measure)(const cw_observer *o, const cw_field *x, double *out, cw_arena *arena);
  const cw_quantity *quantities; /* NULL-name-terminated */
  /* Primaries worth a picture of their history, and quantities worth one of their autocorrelation;
   * NULL-terminated. */
  const char *const *featured;
  /* Featured primaries that tell sectors apart, worth a picture of their distribution; changes of
   * sector are counted by the first. NULL-name-terminated; NULL: none. */
  const cw_sector *sectors;
} cw_observable_ops;

/* A group with its parameters, for one theory. */
struct cw_observer {
  const cw_observable_ops *ops;
  const cw_theory *th; /* borrowed */
  double param[CW_MAX_PARAMS];
};

extern const cw_observable_ops
    *const cw_observables[]; /* NULL-terminated; from observe/observables.def */
const cw_observable_ops *cw_observable_find(const char *name); /* NULL: no such group */
/* The standard group that fits a theory; NULL: none. */
const cw_observable_ops *cw_observable_for(const cw_theory *th);

/* params: in the order of ops->params; NULL: presets. */
cw_observer cw_observer_make(const cw_observable_ops *ops, const cw_theory *th,
                             const double *params);
/* Measures all blocks in parallel: out (n_config, n_primary). work: scratch memory, which measuring
 * again and again with the same one allocates only once; NULL: memory of its own for this call.
 * CW_ENOMEM. Local. */
cw_status cw_measure(cw_context *ctx, const cw_observer *o, const cw_field *x, double *out,
                     cw_arena *work);

#ifdef __cplusplus
}
#endif
#endif
