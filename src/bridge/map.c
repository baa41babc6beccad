/* Flows as maps between rungs. */
#include "causeway/bridge.h"

static cw_status apply_model(const cw_map *map, cw_context *ctx, cw_field *x, double *logj,
                             bool inverse) {
  return cw_model_carry(ctx, map->self, x, logj, inverse);
}

cw_map cw_map_of_model(const cw_model *model) {
  return (cw_map){.self = model,
                  .apply = apply_model,
                  .moves = cw_model_moves(model),
                  .reads = cw_model_reads(model)};
}

static cw_status apply_inverse(const cw_map *map, cw_context *ctx, cw_field *x, double *logj,
                               bool inverse) {
  const cw_map *forward = map->self;
  return forward->apply(forward, ctx, x, logj, !inverse);
}

cw_map cw_map_inverse(const cw_map *map) {
  return (cw_map){.self = map, .apply = apply_inverse, .moves = map->moves, .reads = map->reads};
}
