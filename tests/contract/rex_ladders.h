/* Ladders of any theory with replicas on them, and rings of spins small enough to count. */
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
  cw_model *flow[8]; /* between rungs, where there are such */
  cw_map map[8];
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
  for (int k = 0; k < 8; k++) cw_model_destroy(b->flow[k]);
  cw_ladder_destroy(&b->ladder);
  cw_theory_destroy(&b->th);
  cw_geometry_destroy(b->geom);
}

/* Rings of spins on both rungs of a ladder, few enough to count the pairs of their configurations;
 * a configuration is the bits of its spins. */
enum { N_SPIN = 3, N_STATE = 1 << N_SPIN, N_PAIR = N_STATE * N_STATE };

static inline void put_spins(cw_field *x, long i, unsigned config) {
  for (long s = 0; s < N_SPIN; s++) cw_field_set(x, i, s, 0, config >> s & 1 ? 1 : -1);
}

static inline unsigned get_spins(const cw_field *x, long i) {
  unsigned config = 0;
  for (long s = 0; s < N_SPIN; s++) config |= (unsigned)(cw_field_get(x, i, s, 0) > 0) << s;
  return config;
}

/* S = -sum_x (c_0 s_x s_(x+1) + c_1 s_x) around the ring. */
static inline double ring_action(const double *c, unsigned config) {
  double S = 0;
  for (int x = 0; x < N_SPIN; x++) {
    double here = config >> x & 1 ? 1 : -1, next = config >> (x + 1) % N_SPIN & 1 ? 1 : -1;
    S -= c[0] * here * next + c[1] * here;
  }
  return S;
}

/* Probability of each pair, of configuration pair % N_STATE on rung 0 and pair / N_STATE on rung 1.
 */
static inline void pair_probabilities(const bench *b, double p[N_PAIR]) {
  double Z = 0;
  for (unsigned pair = 0; pair < N_PAIR; pair++)
    Z += p[pair] = exp(-ring_action(b->ladder.c[0], pair % N_STATE) -
                       ring_action(b->ladder.c[1], pair / N_STATE));
  for (unsigned pair = 0; pair < N_PAIR; pair++) p[pair] /= Z;
}

/* ------------------------------------------------------- ways of such spins */

static const cw_move switch_moves[] = {{.kind = CW_MOVE_RETARGET, .t = 0.3},
                                       {.kind = CW_MOVE_MUTATE, .steps = 1, .level = -1},
                                       {.kind = CW_MOVE_RETARGET, .t = 0.8},
                                       {.kind = CW_MOVE_MUTATE, .steps = 2, .level = -1},
                                       {.kind = CW_MOVE_RETARGET, .t = 1}};
/* Nothing between its ends and the map, so that they show what it weighs. */
static const cw_move flow_moves[] = {{.kind = CW_MOVE_TRANSPORT},
                                     {.kind = CW_MOVE_RETARGET, .t = 0.6},
                                     {.kind = CW_MOVE_MUTATE, .steps = 1, .level = -1},
                                     {.kind = CW_MOVE_RETARGET, .t = 1}};

#endif
