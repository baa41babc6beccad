/* One way along the ladder of a case: Markov chains on its first rung, one per particle, and walks
 * that start from where they are. */
#ifndef CW_APP_WAY_H
#define CW_APP_WAY_H

#include "app/methods/walk/walk.h"
#include "app/run/stage.h"

typedef struct {
  const char *prefix; /* of its arrays in the store: "", "reverse." */
  const cw_walk_plan *plan;
  long every; /* sampler steps from one walk to the next */
  cw_ladder ladder;
  cw_map *map; /* (n-1); NULL: none */
  cw_population p;
  cw_walk *walk;
  cw_chains chains; /* on the first rung */
  cw_rng rng, walk_rng;
} cw_way;

/* stage: the store's name of the stage, of which the random streams are. flows: NULL if the walk
 * has none; their models are borrowed. A way back down has the prefix "reverse.". The caller closes
 * *y in any case. Collective. */
cw_status cw_way_open(cw_case *c, const cw_walk_plan *plan, const char *stage, const char *prefix,
                      const cw_flows *flows, long particles, long every, cw_way *y);
void cw_way_close(cw_way *y);

/* Starts and thermalises the chains, and tunes the walk's samplers on all rungs. */
cw_status cw_way_thermalise(cw_case *c, cw_way *y);
/* Moves the chains on, and puts the population where they are, for the walk with index number. */
cw_status cw_way_start(cw_way *y, long number);

/* What goes on after a resumption. */
cw_status cw_way_put(cw_case *c, cw_arrays *set, const cw_way *y);
cw_status cw_way_get(cw_case *c, const cw_stage *s, const cw_arrays *last, cw_way *y);

/* Trains the flows that a walk section has of its own, as the stage "NAME.train", or brings them back
 * if that is done. The caller destroys *flows in any case. Collective. */
cw_status cw_run_flows(cw_case *c, const cw_walk_plan *plan, cw_flows *flows);

#endif
