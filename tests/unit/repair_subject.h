/* A layer repair on fields of rough links. */
#ifndef CW_TEST_REPAIR_SUBJECT_H
#define CW_TEST_REPAIR_SUBJECT_H

#include "unit/plain_links.h"

#include "model/layers/repair/repair.h"

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_field_kind kind;
  cw_layer *L;
  cw_repair *s;
  cw_field x;
  cw_arena *arena;
  double *theta; /* of small sizes, all different */
} subject;

static inline cw_layer_spec defect_spec(int dim, int hops, int edge) {
  cw_layer_spec spec = cw_layer_presets(cw_layer_find("repair"));
  cw_layer_set(&spec, "hops", hops);
  cw_layer_set(&spec, "edge_1", edge);
  if (dim > 2) cw_layer_set(&spec, "edge_2", edge);
  if (dim > 3) cw_layer_set(&spec, "edge_3", edge);
  return spec;
}

static inline void rough_links(const subject *a, const char *stream, double size, cw_field *x) {
  double eps[CW_LANES] CW_ALIGNED;
  cw_field w;
  check_ok(a->ctx, cw_field_create(a->ctx, a->geom, a->L->n_comp, CW_LANES / a->geom->V, x));
  check_ok(a->ctx, cw_field_create(a->ctx, a->geom, a->L->n_tangent, CW_LANES / a->geom->V, &w));
  for (int l = 0; l < CW_LANES; l++) eps[l] = size;
  cw_field_normal(CW_ISA_BASE, &w, cw_rng_stream(5, stream), 0, 0);
  cw_kind(a->kind)->cold(x);
  cw_kind(a->kind)->drift(CW_ISA_BASE, x, &w, eps, 0, a->geom->n_outer);
  cw_field_destroy(&w);
}

static inline void open_subject(subject *a, cw_field_kind kind, cw_lattice lat, int V,
                                const cw_layer_spec *spec) {
  *a = (subject){.ctx = test_context(1), .kind = kind, .arena = cw_arena_create(0)};
  check_ok(a->ctx, cw_geometry_create(a->ctx, &lat, V, &a->geom));
  check_ok(a->ctx, cw_layer_create(a->ctx, spec, kind, a->geom, &a->L));
  a->s = a->L->impl;
  a->theta = cw_alloc((size_t)a->L->n_theta * sizeof *a->theta);
  for (long i = 0; i < a->L->n_theta; i++)
    a->theta[i] = 4e-4 * (1 + 0.07 * (double)(i * i % 11)) * (i % 2 ? -1 : 1);
  rough_links(a, "x", 0.5, &a->x);
}

static inline void close_subject(subject *a) {
  a->L->ops->destroy(a->L);
  cw_field_destroy(&a->x);
  cw_geometry_destroy(a->geom);
  cw_arena_destroy(a->arena);
  free(a->theta);
  cw_context_destroy(a->ctx);
}

static inline cw_status run(const subject *a, bool inverse, cw_field *x, double *logj) {
  void *frame;
  memset(logj, 0, CW_LANES * sizeof *logj);
  cw_arena_mark mark = cw_arena_save(a->arena);
  cw_status st = (inverse ? a->L->ops->inverse : a->L->ops->forward)(
      a->L, (cw_theta){a->theta, NULL}, x->data, logj, a->arena, &frame);
  cw_arena_rewind(a->arena, mark);
  return st;
}

static inline cw_field copy_of_field(const subject *a, const cw_field *x) {
  cw_field y;
  check_ok(a->ctx, cw_field_create(a->ctx, a->geom, x->n_comp, x->n_config, &y));
  cw_field_copy(&y, x);
  return y;
}

/* x copied to the local field of a pass, and back. */
static inline void open_local(const subject *a, cw_repair_local *f) {
  check_ok(a->ctx, cw_repair_open_local(a->L, a->theta, a->arena, f));
}
static inline cw_field as_local(const subject *a, const cw_field *x, double *data) {
  cw_field local = *x;
  local.patch = &a->s->patch;
  local.data = data;
  local.owns_data = false;
  return local;
}

#endif
