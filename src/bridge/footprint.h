/* Inside of bridge: the links that moves may change, and how those who may have to take it back let
 * configurations go and come back. */
#ifndef CW_BRIDGE_FOOTPRINT_H
#define CW_BRIDGE_FOOTPRINT_H

#include "bridge/level.h"

/* Moves on the links of levels alone need not know the rest of the lattice: where theory and sampler can
 * do with it a copy of a patch goes. Elsewhere a field goes where it is, and what was on the sites that
 * may change is kept. */
typedef struct {
  bool on_patch;
  cw_patch patch; /* of what goes; owned */
  int n_runs;
  long (*run)[2]; /* (n_runs) outer sites that may change, [begin, end), ascending; owned */
  const cw_theory_ops *of;
  cw_theory_part
      *part; /* the links that maps move; NULL: there are none, or they move all; owned */
} cw_footprint;

/* The maps that moves go by: n programs, and maps of their owner, one of each, NULL: none. */
typedef struct {
  int n;
  const cw_program *program;
  const cw_map *map;
} cw_footprint_maps;

/* Of moves between the rungs of a ladder, on the links of levels and of maps alone (local), at a cost in
 * proportion to these; or of any moves: all sites. CW_EINVAL as cw_level_links, CW_ENOMEM. The caller
 * closes *out in any case. */
cw_status cw_footprint_open(cw_context *ctx, const cw_ladder *ladder, const cw_sampler_ops *sampler,
                            const cw_levels *levels, const cw_footprint_maps *maps, bool local,
                            cw_footprint *out);
void cw_footprint_close(cw_footprint *f);
/* What fields of the samplers of moves are: NULL: whole. */
const cw_patch *cw_footprint_patch(const cw_footprint *f);
/* What a field like x needs beside it. CW_ENOMEM. The caller destroys *out. */
cw_status cw_footprint_spare(cw_context *ctx, const cw_footprint *f, const cw_field *x,
                             cw_field *out);
/* What goes for x: itself, or spare. */
cw_field *cw_footprint_leave(const cw_footprint *f, cw_field *x, cw_field *spare);
/* Afterwards configurations of x are what has gone where go (n_config), and else what they were. */
void cw_footprint_return(const cw_footprint *f, cw_field *x, const cw_field *spare, const bool *go);

#endif
