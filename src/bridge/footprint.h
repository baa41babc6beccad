/* Inside of bridge: the sites that moves may change, and what was there before, for those who may have
 * to take it back. */
#ifndef CW_BRIDGE_FOOTPRINT_H
#define CW_BRIDGE_FOOTPRINT_H

#include "bridge/level.h"

typedef struct {
  int n_runs;
  long (*run)[2]; /* (n_runs) outer sites [begin, end), ascending; owned */
} cw_footprint;

/* Of moves on the links of levels alone (local), at a cost in proportion to these; or of any moves: all
 * sites. CW_EINVAL as cw_level_links, CW_ENOMEM. The caller closes *out in any case. */
cw_status cw_footprint_open(cw_context *ctx, const cw_theory *th, const cw_levels *levels,
                            bool local, cw_footprint *out);
void cw_footprint_close(cw_footprint *f);
/* old = x there; same shape. The rest of old is left as it is, and never read. */
void cw_footprint_keep(const cw_footprint *f, const cw_field *x, cw_field *old);
/* x = old there, in configurations that do not go on: go (n_config). */
void cw_footprint_restore(const cw_footprint *f, cw_field *x, const cw_field *old, const bool *go);

#endif
