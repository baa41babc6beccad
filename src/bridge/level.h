/* Inside of bridge: sets of links that are updated by themselves, and the samplers of ways. */
#ifndef CW_BRIDGE_LEVEL_H
#define CW_BRIDGE_LEVEL_H

#include "causeway/bridge.h"

/* CW_EINVAL: levels out of range, or a sampler that cannot be restricted to them. */
cw_status cw_levels_check(cw_context *ctx, const cw_lattice *lat, const cw_levels *levels,
                          const cw_sampler_ops *sampler);
/* The links of level l. The caller destroys *out in any case. CW_EINVAL: the theory has no defect for
 * them to be around; CW_ENOMEM. */
cw_status cw_level_links(cw_context *ctx, const cw_theory *th, const cw_levels *levels, int l,
                         cw_link_set *out);

/* Samplers of mutations on the way: everywhere, and on each level's links. */
typedef struct {
  cw_sampler *everywhere, *level[CW_MAX_LEVELS];
  int n_levels;
} cw_way_samplers;
/* patch: of the fields on whose levels they work; NULL: these are whole. The caller closes *out in any
 * case. As cw_sampler_create. */
cw_status cw_way_samplers_open(cw_context *ctx, const cw_theory *th, const cw_sampler_ops *sampler,
                               const double *param, const int *choice, const cw_levels *levels,
                               const cw_patch *patch, long n_blocks, cw_way_samplers *out);
void cw_way_samplers_close(cw_way_samplers *s);
/* All of them take the state (n_state) of a tuned one. */
void cw_way_samplers_take(cw_way_samplers *s, const double *state);

#endif
