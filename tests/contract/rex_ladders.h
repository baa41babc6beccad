/* Ladders of any theory with replicas on them. */
#ifndef CW_TEST_REX_LADDERS_H
#define CW_TEST_REX_LADDERS_H

#include "support/check.h"

#include <string.h>

#include "bridge/rex.h"
#include "causeway/wilson.h"
#include "support/toys.h"

static inline const cw_theory_ops *theory_named(const char *name) {
  if (strcmp(name, toy_tilted.name) == 0) return &toy_tilted;
  if (strcmp(name, toy_spins.name) == 0) return &toy_spins;
  return cw_theory_find(name);
}

/* A ladder of a theory on a lattice in a split, and replicas on it. */
typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_ladder ladder;
  cw_rex *rex;
} bench;

static inline void open_ladder(bench *b, cw_context *ctx, const char *theory, int form,
                               cw_lattice lat, int V, int n,
                               const double (*params)[CW_MAX_PARAMS]) {
  *b = (bench){.ctx = ctx};
  check_ok(ctx, cw_geometry_create(ctx, &lat, V, &b->geom));
  check_ok(ctx, cw_theory_create(ctx, theory_named(theory), b->geom, form, params[0], &b->th));
  check_ok(ctx, cw_ladder_create(ctx, &b->th, n, params, &b->ladder));
}

static inline void close_bench(bench *b) {
  cw_rex_destroy(b->rex);
  cw_ladder_destroy(&b->ladder);
  cw_theory_destroy(&b->th);
  cw_geometry_destroy(b->geom);
}

#endif
