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

typedef struct {
  const char *name;  /* result name: "chi2"; a vector quantity appears as "correlator[0]",
                        "correlator[1]", ... */
  const char *help;  /* one line with the definition */
  const char *units; /* "1" or lattice units: "a", "1/a", ... */
  int (*count)(const cw_theory *th);                                       /* NULL: a scalar */
  double (*value)(const cw_theory *th, const double *primary_mean, int i); /* NAN where undefined */
} cw_quantity;

typedef struct {
  const char *name, *title; /* "scalar" */
  bool (*fits)(const cw_theory *th);
  int (*n_primary)(const cw_theory *th);
  void (*primary_name)(const cw_theory *th, int i, char name[32]);
  /* out (n_blocks*B, n_primary); all blocks of x. Local; callers parallelise over blocks. scratch
   * from the arena. */
  cw_status (*measure)(const cw_theory *th, const cw_field *x, double *out, cw_arena *arena);
  const cw_quantity *quantities; /* NULL-name-terminated */
} cw_observable_ops;

extern const cw_observable_ops
    *const cw_observables[]; /* NULL-terminated; from observe/observables.def */
const cw_observable_ops *
cw_observable_for(const cw_theory *th); /* the group that fits; NULL: none */

/* Measures all blocks in parallel: out (n_config, n_primary). Local. */
cw_status cw_measure(cw_context *ctx, const cw_observable_ops *ops, const cw_theory *th,
                     const cw_field *x, double *out);

#ifdef __cplusplus
}
#endif
#endif
