/* A layer residual on a field of rough links. */
#ifndef CW_TEST_RESIDUAL_SUBJECT_H
#define CW_TEST_RESIDUAL_SUBJECT_H

#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#include "model/layers/residual/residual.h"
#include "unit/group_matrices.h"

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_field_kind kind;
  cw_layer *L;
  const cw_residual *s;
  cw_field x;
} subject;

/* mask: word key. size: of what links are away from 1. */
static inline void open_fast(subject *a, cw_field_kind kind, cw_lattice lat, int V, int mask,
                             int coefficients, double size, bool fast) {
  double eps[CW_LANES] CW_ALIGNED;
  cw_field w;
  cw_layer_spec spec = cw_layer_presets(cw_layer_find("residual"));
  spec.choice[0] = mask;
  spec.choice[1] = coefficients;
  cw_layer_set(&spec, "float", fast);
  *a = (subject){.ctx = test_context(1), .kind = kind};
  check_ok(a->ctx, cw_geometry_create(a->ctx, &lat, V, &a->geom));
  check_ok(a->ctx, cw_layer_create(a->ctx, &spec, kind, a->geom, &a->L));
  a->s = a->L->impl;
  check_ok(a->ctx, cw_field_create(a->ctx, a->geom, a->L->n_comp, CW_LANES / V, &a->x));
  check_ok(a->ctx, cw_field_create(a->ctx, a->geom, a->L->n_tangent, CW_LANES / V, &w));
  for (int l = 0; l < CW_LANES; l++) eps[l] = size;
  cw_field_normal(CW_ISA_BASE, &w, cw_rng_stream(5, "x"), 0, 0);
  cw_kind(kind)->cold(&a->x);
  cw_kind(kind)->drift(CW_ISA_BASE, &a->x, &w, eps, 0, a->geom->n_outer);
  cw_field_destroy(&w);
}

static inline void open_subject(subject *a, cw_field_kind kind, cw_lattice lat, int V, int mask,
                                int coefficients, double size) {
  open_fast(a, kind, lat, V, mask, coefficients, size, false);
}

static inline void close_subject(subject *a) {
  a->L->ops->destroy(a->L);
  cw_field_destroy(&a->x);
  cw_geometry_destroy(a->geom);
  cw_context_destroy(a->ctx);
}

static inline cw_status run(const subject *a, bool inverse, const double *theta, cw_field *x,
                            double *logj) {
  cw_arena *tape = cw_arena_create(0);
  void *frame;
  memset(logj, 0, CW_LANES * sizeof *logj);
  cw_status st = (inverse ? a->L->ops->inverse : a->L->ops->forward)(a->L, (cw_theta){theta, NULL},
                                                                     x->data, logj, tape, &frame);
  cw_arena_destroy(tape);
  return st;
}

#endif
