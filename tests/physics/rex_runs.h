/* Replicas on a ladder of rungs. */
#ifndef CW_TEST_REX_RUNS_H
#define CW_TEST_REX_RUNS_H

#include "support/bijections.h"

#include <stdlib.h>

#include "causeway/stats.h"
#include "causeway/wilson.h"
#include "physics/quadrature_2x2.h"
#include "support/check.h"
#include "support/toys.h"

static inline cw_context *context(void **state) { return *state; }

enum { MOST_RUNGS = 64 };

/* A ladder on a straight line of parameters and replicas on it. */
typedef struct {
  const char *what;
  const cw_theory_ops *theory;
  int form;
  cw_lattice lat;
  int rungs;
  double from[CW_MAX_PARAMS], to[CW_MAX_PARAMS];
  void (*start)(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step); /* NULL: hot */
  cw_map map;                                                        /* .apply NULL: none */
  cw_rex_options options;
  uint32_t seed, n_therm, n_step;
} plan;

typedef struct {
  const plan *p;
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  double t[MOST_RUNGS]; /* of the rungs, 0 .. 1 */
  cw_ladder ladder;
  cw_map map[MOST_RUNGS];
  cw_rex *rex;
  double *T; /* (lanes, n_terms) */
} run;

static inline void open_rungs(run *r) {
  const plan *p = r->p;
  double params[MOST_RUNGS][CW_MAX_PARAMS];
  for (int k = 0; k < p->rungs; k++)
    for (int i = 0; i < CW_MAX_PARAMS; i++)
      params[k][i] = (1 - r->t[k]) * p->from[i] + r->t[k] * p->to[i];
  check_ok(r->ctx, cw_ladder_create(r->ctx, &r->th, p->rungs, params, &r->ladder));
  cw_rex_options o = p->options;
  if (o.mutations == 0) o.mutations = 1;
  o.rng = cw_rng_stream(p->seed, "rex");
  if (p->map.apply != NULL) o.map = r->map;
  check_ok(r->ctx, cw_rex_create(r->ctx, &r->ladder, &o, &r->rex));
  for (int k = 0; k < p->rungs; k++)
    (p->start != NULL ? p->start : cw_kind(r->th.ops->kind)->hot)(
        r->th.isa, cw_rex_field(r->rex, k), cw_rng_stream(p->seed, "start"), (uint32_t)k);
}

static inline void open_run(run *r, cw_context *ctx, const plan *p) {
  *r = (run){.p = p, .ctx = ctx};
  int n_comp = cw_theory_components(p->theory, &p->lat, p->form, p->from);
  int V = p->options.chains < CW_LANES ? cw_geometry_choose(&p->lat, n_comp, p->options.chains) : 1;
  for (int k = 0; k < p->rungs; k++) {
    r->map[k] = p->map;
    r->t[k] = (double)k / (p->rungs - 1);
  }
  check_ok(ctx, cw_geometry_create(ctx, &p->lat, V, &r->geom));
  check_ok(ctx, cw_theory_create(ctx, p->theory, r->geom, p->form, p->from, &r->th));
  open_rungs(r);
  const cw_field *x = cw_rex_field(r->rex, 0);
  r->T = calloc((size_t)(x->n_blocks * x->B * r->th.ops->n_terms), sizeof *r->T);
  assert_non_null(r->T);
}

static inline void close_run(run *r) {
  free(r->T);
  cw_rex_destroy(r->rex);
  cw_ladder_destroy(&r->ladder);
  cw_theory_destroy(&r->th);
  cw_geometry_destroy(r->geom);
}

static inline void advance(run *r, uint32_t step) {
  check_ok(r->ctx, cw_rex_step(r->rex, step, r->p->n_therm));
}

static inline double acceptance(const run *r, int k) {
  const cw_rex_swaps *s = cw_rex_swap_counts(r->rex);
  return s->accept[k] / (double)s->tries[k];
}

#endif
