/* Every theory on a few lattices, for the tests that all of them must pass. */
#ifndef CW_TEST_THEORIES_H
#define CW_TEST_THEORIES_H

#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#include "causeway/wilson.h"

enum { N_CONFIG = 19 }; /* one block and a bit: padding lanes are at work too */

static const cw_lattice lattices[] = {
    {2, {8, 8}},      {2, {16, 8}},   {2, {6, 4}},  {4, {4, 4, SANITIZED ? 2 : 4, 2}},
    {1, {6}},         {2, {5, 3}},    {2, {2, 2}},  {1, {1}},
    {3, {4, 2, 6}},   {3, {3, 4, 5}}, {2, {32, 4}}, {4, {3, 2, 2, 3}},
    {4, {2, 3, 2, 1}}};

enum { N_LATTICES = sizeof lattices / sizeof *lattices };

/* A theory at home on a lattice split V ways, and random configurations. Spins have no force. */
typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_field x;
} fixture;

static inline void open_fixture(cw_context *ctx, const cw_theory_ops *ops, int form,
                                const cw_lattice *lat, int V, const double *params, fixture *fx) {
  fx->ctx = ctx;
  check_ok(ctx, cw_geometry_create(ctx, lat, V, &fx->geom));
  check_ok(ctx, cw_theory_create(ctx, ops, fx->geom, form, params, &fx->th));
  check_ok(ctx, cw_field_create(ctx, fx->geom, fx->th.n_comp, N_CONFIG, &fx->x));
}

static inline void close_fixture(fixture *fx) {
  cw_field_destroy(&fx->x);
  cw_theory_destroy(&fx->th);
  cw_geometry_destroy(fx->geom);
}

/* A value in range for each parameter, nowhere special. A defect stands in another direction on
 * each lattice and is a point, half a slice or all of it. */
static inline void some_params(const cw_param *table, const cw_lattice *lat, int number,
                               double *p) {
  int direction = number % lat->dim;
  for (int i = 0; table[i].name != NULL; i++) {
    p[i] = fmin(fmax(0.37 + 0.11 * i, table[i].min), table[i].max);
    if (table[i].numbers == CW_WHOLE) p[i] = fmin(table[i].min + number % 4, table[i].max);
    if (strcmp(table[i].name, "direction") == 0) p[i] = direction;
    if (strncmp(table[i].name, "edge_", 5) == 0) {
      int d = table[i].name[5] - '0', sizes[3] = {1, 0, 0};
      if (d < lat->dim) sizes[1] = (lat->extent[d] + 1) / 2, sizes[2] = lat->extent[d];
      p[i] = d == direction || d >= lat->dim ? 1 : sizes[number % 3];
    }
  }
}

typedef void test_body(const fixture *fx);

static inline void run_body(test_body *body, cw_context *ctx, const cw_theory_ops *ops, int form,
                            int l, int *runs) {
  double p[CW_MAX_PARAMS];
  some_params(ops->params[form], &lattices[l], l, p);
  if (ops->refuse(form, &lattices[l], p) != NULL) return;
  fixture fx;
  open_fixture(ctx, ops, form, &lattices[l], 1, p, &fx);
  cw_kind(ops->kind)->hot(fx.th.isa, &fx.x, cw_rng_stream(7, "contract"), (uint32_t)l);
  body(&fx);
  close_fixture(&fx);
  ++*runs;
}

/* Runs body for every theory, form and lattice with random fields at V = 1. */
static inline void for_all(test_body *body) {
  cw_context *ctx = test_context(1);
  for (int t = 0; cw_theories[t] != NULL; t++)
    for (int form = 0; cw_theories[t]->forms[form] != NULL; form++) {
      int runs = 0;
      for (int l = 0; l < N_LATTICES; l++) run_body(body, ctx, cw_theories[t], form, l, &runs);
      assert_true(runs >= 4); /* a form may refuse the others */
    }
  cw_context_destroy(ctx);
}

static inline double *row(const cw_field *x) {
  double *r = calloc((size_t)(x->n_blocks * x->B * CW_MAX_TERMS), sizeof *r);
  assert_non_null(r);
  return r;
}

static inline cw_field fields(const fixture *fx, int n_comp) {
  cw_field y;
  check_ok(fx->ctx, cw_field_create(fx->ctx, fx->geom, n_comp, N_CONFIG, &y));
  return y;
}

#endif
