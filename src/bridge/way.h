/* Inside of bridge: programs that can be run backwards, on a configuration between two rungs. */
#ifndef CW_BRIDGE_WAY_H
#define CW_BRIDGE_WAY_H

#include <math.h>

#include "bridge/carried.h"
#include "bridge/level.h"
#include "bridge/program.h"

/* Who is on the way, and what the way takes. */
typedef struct {
  cw_carried at;
  int pair;                      /* the way is between this rung and the next */
  const cw_map *map;             /* from rung pair to the next; NULL: none */
  cw_way_samplers *samplers;     /* of mutations */
  cw_rng rng;                    /* draws of mutations, keyed by chain and step number */
  uint32_t step;                 /* number of the next one */
  double seconds[CW_MOVE_KINDS]; /* that transports and mutations took, added to */
} cw_passage;

/* min(1, e^lw), with which what has such a log-weight is accepted; 0 where that is not a number. */
static inline double cw_acceptance(double lw) { return lw >= 0 ? 1 : lw < 0 ? exp(lw) : 0; }

/* CW_EINVAL: the program does not go from one rung to the next, or cannot come back. */
cw_status cw_way_check(cw_context *ctx, const cw_program *way, const cw_sampler_ops *sampler,
                       bool has_map, int n_levels);
/* Does it change the links of levels and of maps that move some alone? map: of its owner. */
bool cw_way_is_local(const cw_program *way, const cw_theory_ops *th, const cw_map *map);
/* From rung pair to the next or, back, the reversal, from couplings at->at.c on. Adds to the
 * log-weights ln [p_to(y) R(y -> x)] / [p_from(x) F(x -> y)]. Local. */
cw_status cw_way_run(const cw_program *way, cw_passage *on, bool back);

#endif
