/* Inside of programs: a configuration on its way between two rungs. */
#ifndef CW_BRIDGE_PROGRAM_H
#define CW_BRIDGE_PROGRAM_H

#include "causeway/bridge.h"

/* Configurations that a program carries between rung pair and the next, and what it takes. */
typedef struct {
  cw_context *ctx;
  const cw_ladder *ladder;
  int pair;
  const cw_map *map;        /* from rung pair to the next; NULL: none */
  cw_sampler *everywhere;   /* of mutations */
  cw_sampler *const *level; /* restricted to the links of the way's levels */
  cw_rng rng;               /* draws of mutations, keyed by chain and step number */
  uint32_t step;            /* number of the next one */
  cw_field *x;              /* in: on one of the rungs; out: on the other */
  double *T; /* (n_blocks*B, n_terms) terms at x, of those whose bit is set in known */
  unsigned known;
  double *lw;   /* (n_blocks*B) added to: ln [p_to(y) R(y -> x)] / [p_from(x) F(x -> y)] */
  double *work; /* (n_blocks*B) scratch */
} cw_passage;

/* Sampler steps of a program. */
long cw_program_steps(const cw_program *program);
/* CW_EINVAL: the program does not go from one rung to the next, or cannot come back. */
cw_status cw_program_check(cw_context *ctx, const cw_program *program,
                           const cw_sampler_ops *sampler, bool has_map, int n_levels);
/* From rung pair to the next or, back, the reversal: moves in opposite order, inverse maps,
 * retargets to where each came from, mutations by the reversal of their kernels. Local. */
cw_status cw_program_run(const cw_program *program, cw_passage *at, bool back);
/* T of the terms in a set, of all blocks. */
void cw_ladder_find_terms(const cw_ladder *ladder, cw_context *ctx, unsigned set, const cw_field *x,
                          double *T);

#endif
