/* A population on a ladder of toys, of which the actions are known. */
#ifndef CW_TEST_POPULATIONS_H
#define CW_TEST_POPULATIONS_H

#include "support/check.h"
#include "support/toys.h"

static inline cw_context *context(void **state) { return *state; }

enum { MAX_RUNGS = 8 };

/* A population on a ladder from one set of parameters to another, on a straight line. */
typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_ladder ladder;
  cw_population p;
  cw_field start; /* hot */
} bench;

static inline void open_bench(bench *b, cw_context *ctx, const cw_theory_ops *ops, int form,
                              cw_lattice lat, int V, int rungs, const double *from,
                              const double *to, long n) {
  double params[MAX_RUNGS][CW_MAX_PARAMS] = {{0}};
  *b = (bench){.ctx = ctx};
  for (int r = 0; r < rungs; r++)
    for (int k = 0; ops->params[form][k].name != NULL; k++)
      params[r][k] = from[k] + (to[k] - from[k]) * r / (rungs - 1);
  check_ok(ctx, cw_geometry_create(ctx, &lat, V, &b->geom));
  check_ok(ctx, cw_theory_create(ctx, ops, b->geom, form, to, &b->th));
  check_ok(ctx, cw_ladder_create(ctx, &b->th, rungs, (const double(*)[CW_MAX_PARAMS])params,
                                 &b->ladder));
  check_ok(ctx, cw_population_create(ctx, &b->ladder, n, &b->p));
  check_ok(ctx, cw_field_create(ctx, b->geom, b->th.n_comp, n, &b->start));
  cw_kind(ops->kind)->hot(b->th.isa, &b->start, cw_rng_stream(3, "start"), 0);
  cw_population_start(&b->p, &b->start);
}

static inline void close_bench(bench *b) {
  cw_field_destroy(&b->start);
  cw_population_destroy(&b->p);
  cw_ladder_destroy(&b->ladder);
  cw_theory_destroy(&b->th);
  cw_geometry_destroy(b->geom);
}

static const double plain[TILTED_TERMS] = {0, 0.5, 0, 0},
                    skew[TILTED_TERMS] = {0.4, -0.6, 0.3, 0.3};

static inline void open_tilted(bench *b, cw_context *ctx, long n) {
  open_bench(b, ctx, &toy_tilted, 0, (cw_lattice){1, {3}}, 1, 3, plain, skew, n);
}

/* S of configuration i on a rung, by its formula. */
static inline double tilted_action(const bench *b, const cw_field *x, long i, int rung) {
  const double *c = b->ladder.c[rung];
  double S = 0;
  for (long s = 0; s < b->geom->n_sites; s++) {
    double v = cw_field_get(x, i, s, 0);
    S += v * (c[0] + v * (c[1] + v * (c[2] + v * c[3])));
  }
  return S;
}

static const toy_bend bend = {.scale = 0.9, .shift = 0.05, .bend = 0.15};

static const cw_map bend_map = {.self = &bend, .apply = bend_apply};

#endif
