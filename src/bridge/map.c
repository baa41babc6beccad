/* Flows as maps between rungs. */
#include <omp.h>
#include <string.h>

#include "causeway/bridge.h"

static cw_status carry(const cw_model *m, cw_field *x, long b, double *logj, bool inverse,
                       cw_arena *work) {
  double lanes[CW_LANES] CW_ALIGNED;
  if (work == NULL) return CW_ENOMEM;
  CW_TRY(cw_model_carry_block(m, cw_field_block(x, b).data, lanes, inverse, work));
  memcpy(logj + b * CW_LANES, lanes, sizeof lanes);
  return CW_OK;
}

static cw_status apply_model(const cw_map *map, cw_context *ctx, cw_field *x, double *logj,
                             bool inverse) {
  const cw_model *m = map->self;
  CW_REQUIRE(x->geom->V == 1 && x->n_comp == 1 &&
             x->geom->n_outer == cw_model_geometry(m)->n_outer);
  int threads = x->n_blocks < cw_threads(ctx) ? (int)x->n_blocks : cw_threads(ctx);
  cw_arena *work = cw_arena_create(0);
  cw_status worst = work != NULL ? CW_OK : CW_ENOMEM;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long b = 0; b < x->n_blocks; b++) {
    cw_arena *mine = work != NULL ? cw_arena_of_thread(work, omp_get_thread_num()) : NULL;
    cw_status st = carry(m, x, b, logj, inverse, mine);
    if (st != CW_OK) {
#pragma omp atomic write
      worst = st;
    }
  }
  cw_arena_destroy(work);
  return worst == CW_OK ? CW_OK : cw_fail(ctx, worst, "no memory for a pass through a flow");
}

cw_map cw_map_of_model(const cw_model *model) {
  return (cw_map){.self = model, .apply = apply_model};
}

static cw_status apply_inverse(const cw_map *map, cw_context *ctx, cw_field *x, double *logj,
                               bool inverse) {
  const cw_map *forward = map->self;
  return forward->apply(forward, ctx, x, logj, !inverse);
}

cw_map cw_map_inverse(const cw_map *map) { return (cw_map){.self = map, .apply = apply_inverse}; }
