/* Of a block of sites with mean m the layer makes m' out of all means, and every site moves by m' - m: in an
 * orthonormal basis of the block nothing but its first member moves, so that log-Jacobians are those of the means'
 * map. Of every stride-th site, those alone move. */
#include "model/layers/coarse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/layers/implicit.h"
#include "model/layers/plain.h"

typedef struct {
  cw_layer_ops ops; /* the layer's own, by what the inner one has */
  cw_geometry *geom;
  cw_layer *inner;
  int members; /* fine sites of a coarse one that count */
  int *row;    /* (coarse n_outer, members) their outer sites */
} coarse_layer;

int cw_layer_coarsening(const cw_layer_spec *spec) {
  return spec->stride > 1 ? spec->stride : spec->block > 1 ? spec->block : 1;
}

bool cw_layer_coarse_lattice(const cw_layer_spec *spec, const cw_lattice *lat, cw_lattice *coarse,
                             cw_layer_fault *fault) {
  const int by = cw_layer_coarsening(spec);
  const char *key = spec->stride > 1 ? "stride" : "block";
  *coarse = *lat;
  if (spec->stride > 1 && spec->block > 1) {
    *fault = (cw_layer_fault){"block", "there is a 'stride' too: a layer moves one or the other"};
    return false;
  }
  for (int d = 0; d < lat->dim; d++) {
    coarse->extent[d] /= by;
    if (lat->extent[d] % by == 0) continue;
    fault->key = key;
    snprintf(fault->why, sizeof fault->why, "%d does not divide the extent %d", by, lat->extent[d]);
    return false;
  }
  return true;
}

static size_t coarse_bytes(const coarse_layer *c) {
  return (size_t)c->geom->n_outer * CW_LANES * sizeof(double);
}

/* Sums over members, times a factor. NULL: no memory. */
static double *gather(const coarse_layer *c, const double *x, double factor, cw_arena *arena) {
  double *sum = cw_arena_alloc(arena, coarse_bytes(c));
  for (long o = 0; sum != NULL && o < c->geom->n_outer; o++)
    for (int l = 0; l < CW_LANES; l++) {
      double s = 0;
      for (int i = 0; i < c->members; i++) s += x[(long)c->row[o * c->members + i] * CW_LANES + l];
      sum[o * CW_LANES + l] = factor * s;
    }
  return sum;
}

/* Every member moves by factor (to - from). */
static void scatter(const coarse_layer *c, const double *from, const double *to, double factor,
                    double *x) {
  for (long o = 0; o < c->geom->n_outer; o++)
    for (int i = 0; i < c->members; i++) {
      double *row = x + (long)c->row[o * c->members + i] * CW_LANES;
      const long at = o * CW_LANES;
      for (int l = 0; l < CW_LANES; l++)
        row[l] = c->members == 1 ? to[at + l] : row[l] + factor * (to[at + l] - from[at + l]);
    }
}

static double *copy_of(const coarse_layer *c, const double *x, cw_arena *arena) {
  double *copy = x != NULL ? cw_arena_alloc(arena, coarse_bytes(c)) : NULL;
  if (copy != NULL) memcpy(copy, x, coarse_bytes(c));
  return copy;
}

static cw_status pass(const cw_layer *L, cw_theta th, bool inverse, double *x, double *logj,
                      cw_arena *tape, void **frame) {
  const coarse_layer *c = L->impl;
  double *from = gather(c, x, 1.0 / c->members, tape), *to = copy_of(c, from, tape);
  if (to == NULL) return CW_ENOMEM;
  const cw_layer_ops *ops = c->inner->ops;
  CW_TRY((inverse ? ops->inverse : ops->forward)(c->inner, th, to, logj, tape, frame));
  scatter(c, from, to, 1, x);
  return CW_OK;
}

static cw_status forward(const cw_layer *L, cw_theta th, double *x, double *logj, cw_arena *tape,
                         void **frame) {
  return pass(L, th, false, x, logj, tape, frame);
}
static cw_status inverse(const cw_layer *L, cw_theta th, double *y, double *logj, cw_arena *tape,
                         void **frame) {
  return pass(L, th, true, y, logj, tape, frame);
}

/* The adjoint of a mean is the sum of those of its members, and comes back in equal parts. */
static cw_status vjp(const cw_layer *L, cw_theta th, bool inverse, const void *frame, double *g,
                     const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  const coarse_layer *c = L->impl;
  cw_arena_mark mark = cw_arena_save(work);
  double *from = gather(c, g, 1, work), *to = copy_of(c, from, work);
  if (to == NULL) return CW_ENOMEM;
  CW_TRY((inverse ? cw_layer_inverse_vjp : c->inner->ops->forward_vjp)(c->inner, th, frame, to,
                                                                       glogj, gtheta, work));
  scatter(c, from, to, 1.0 / c->members, g);
  cw_arena_rewind(work, mark);
  return CW_OK;
}

static cw_status forward_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                             const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  return vjp(L, th, false, frame, g, glogj, gtheta, work);
}
static cw_status inverse_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                             const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  return vjp(L, th, true, frame, g, glogj, gtheta, work);
}

static void init(const cw_layer *L, double *theta, cw_rng rng, uint32_t index, double gain) {
  const cw_layer *inner = ((const coarse_layer *)L->impl)->inner;
  inner->ops->init(inner, theta, rng, index, gain);
}

static void set_precision(cw_layer *L, cw_precision precision) {
  cw_layer *inner = ((coarse_layer *)L->impl)->inner;
  inner->ops->set_precision(inner, precision);
}

static double held(const cw_layer *L, cw_theta th) {
  const cw_layer *inner = ((const coarse_layer *)L->impl)->inner;
  return inner->ops->held(inner, th);
}

static cw_status resize(cw_context *ctx, const cw_layer *L, const cw_lattice *other, long *n,
                        const double *theirs, double *mine) {
  const coarse_layer *c = L->impl;
  cw_lattice coarse = *other;
  const int by = L->geom->lat.extent[0] / c->geom->lat.extent[0];
  for (int d = 0; d < other->dim; d++) {
    if (other->extent[d] % by != 0)
      return cw_fail(ctx, CW_EINVAL, "start: %d does not divide the extent %d of that lattice", by,
                     other->extent[d]);
    coarse.extent[d] /= by;
  }
  return c->inner->ops->resize(ctx, c->inner, &coarse, n, theirs, mine);
}

static void destroy(cw_layer *L) {
  coarse_layer *c = L->impl;
  if (c->inner != NULL) c->inner->ops->destroy(c->inner);
  cw_geometry_destroy(c->geom);
  free(c->row);
  cw_layer_destroy_plain(L);
}

/* The members of a coarse site: the corner of its block, or all of it. */
static bool list_members(const cw_geometry *fine, int by, bool blocks, coarse_layer *c) {
  const cw_lattice *lat = &c->geom->lat;
  c->members = 1;
  for (int d = 0; blocks && d < lat->dim; d++) c->members *= by;
  c->row = malloc((size_t)(c->geom->n_sites * c->members) * sizeof *c->row);
  for (long s = 0; c->row != NULL && s < c->geom->n_sites; s++)
    for (int i = 0; i < c->members; i++) {
      int x[CW_MAX_DIM], rest = i;
      cw_lattice_coord(lat, s, x);
      for (int d = 0; d < lat->dim; d++, rest /= by) x[d] = x[d] * by + rest % by;
      c->row[c->geom->outer[s] * c->members + i] = fine->outer[cw_lattice_site(&fine->lat, x)];
    }
  return c->row != NULL;
}

static cw_status build(cw_context *ctx, const cw_layer_spec *spec, const cw_geometry *geom,
                       cw_layer *L) {
  coarse_layer *c = L->impl;
  cw_lattice coarse;
  cw_layer_fault fault;
  cw_layer_spec inner = *spec;
  inner.stride = inner.block = 1;
  CW_REQUIRE(cw_layer_coarse_lattice(spec, &geom->lat, &coarse, &fault));
  CW_TRY(cw_geometry_create(ctx, &coarse, 1, &c->geom));
  CW_TRY(cw_layer_create(ctx, &inner, CW_SITE_REAL, c->geom, &c->inner));
  if (!list_members(geom, cw_layer_coarsening(spec), spec->block > 1, c))
    return cw_fail(ctx, CW_ENOMEM, "no memory for a layer");
  const cw_layer_ops *ops = c->inner->ops;
  c->ops.name = ops->name;
  c->ops.title = ops->title;
  c->ops.source = ops->source;
  c->ops.each = ops->each;
  c->ops.lean = ops->lean;
  c->ops.forward_vjp = ops->forward_vjp != NULL ? forward_vjp : NULL;
  c->ops.inverse_vjp = ops->forward_vjp != NULL ? inverse_vjp : NULL;
  c->ops.held = ops->held != NULL ? held : NULL;
  c->ops.set_precision = ops->set_precision != NULL ? set_precision : NULL;
  c->ops.resize = ops->resize != NULL ? resize : NULL;
  L->n_theta = c->inner->n_theta;
  return CW_OK;
}

cw_status cw_layer_create_coarse(cw_context *ctx, const cw_layer_spec *spec,
                                 const cw_geometry *geom, cw_layer **out) {
  CW_TRY(cw_layer_create_holding(ctx, NULL, geom, 0, sizeof(coarse_layer), out));
  coarse_layer *c = (*out)->impl;
  c->ops = (cw_layer_ops){.forward = forward, .inverse = inverse, .init = init, .destroy = destroy};
  (*out)->ops = &c->ops;
  cw_status st = build(ctx, spec, geom, *out);
  if (st == CW_OK) return CW_OK;
  destroy(*out);
  *out = NULL;
  return st;
}
