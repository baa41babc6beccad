#include "model/layers/coupling/coupling.h"

#include <stdlib.h>

typedef struct {
  const cw_transform *transform;
  const cw_transform_kernels *kernel;
  cw_net *net;
  cw_sites active;
  int *active_rows;
} coupling;

typedef struct {
  cw_net_pass net;
  double *keep;
} frame_of_pass;

static int parity_of(const cw_geometry *g, int outer) {
  int coord[CW_MAX_DIM], sum = 0;
  cw_lattice_coord(&g->lat, g->site[outer], coord);
  for (int d = 0; d < g->lat.dim; d++) sum += coord[d];
  return sum % 2;
}

static cw_status check_mask(cw_context *ctx, const cw_layer_ops *ops, const cw_geometry *g) {
  for (int d = 0; d < g->lat.dim; d++)
    if (g->lat.extent[d] % 2 != 0)
      return cw_fail(ctx, CW_EINVAL,
                     "layer '%s': its checkerboard mask needs even extents, found %d", ops->name,
                     g->lat.extent[d]);
  return CW_OK;
}

static cw_status build(cw_context *ctx, const cw_layer_spec *spec, const cw_geometry *g,
                       coupling *c) {
  int n_half = (int)(g->n_outer / 2), n_frozen = 0, n_odd = 0;
  int *frozen = malloc((size_t)n_half * sizeof *frozen);
  c->active_rows = malloc((size_t)n_half * sizeof *c->active_rows);
  cw_status st =
      frozen && c->active_rows ? CW_OK : cw_fail(ctx, CW_ENOMEM, "no memory for a layer");
  if (st == CW_OK) {
    for (int o = 0; o < (int)g->n_outer; o++) {
      if (parity_of(g, o) == spec->parity)
        c->active_rows[c->active.n++] = o;
      else
        frozen[n_frozen++] = o;
    }
    c->active.row = c->active_rows;
    c->active.spec = (cw_transform_spec){.bins = spec->bins, .range = spec->range, .z2 = spec->z2};
    c->transform->outputs(&c->active.spec, &c->active.n_out, &n_odd);
    st = cw_net_create(ctx, &spec->net, g, frozen, n_frozen, c->active_rows, c->active.n,
                       c->active.n_out, n_odd, spec->z2, &c->net);
  }
  free(frozen);
  return st;
}

cw_status cw_coupling_create(cw_context *ctx, const cw_layer_ops *ops, const cw_layer_spec *spec,
                             const cw_geometry *geom, const cw_transform *transform,
                             const cw_transform_kernels *kernel, cw_layer **out) {
  *out = NULL;
  CW_TRY(check_mask(ctx, ops, geom));
  cw_layer *L = calloc(1, sizeof *L);
  coupling *c = calloc(1, sizeof *c);
  if (L == NULL || c == NULL) {
    free(L);
    free(c);
    return cw_fail(ctx, CW_ENOMEM, "no memory for a layer");
  }
  *L = (cw_layer){.ops = ops, .geom = geom, .impl = c};
  c->transform = transform;
  c->kernel = kernel;
  cw_status st = build(ctx, spec, geom, c);
  if (st != CW_OK) {
    cw_coupling_destroy(L);
    return st;
  }
  L->n_theta = cw_net_n_theta(c->net);
  *out = L;
  return CW_OK;
}

void cw_coupling_destroy(cw_layer *L) {
  if (L == NULL) return;
  coupling *c = L->impl;
  cw_net_destroy(c->net);
  free(c->active_rows);
  free(c);
  free(L);
}

void cw_coupling_init(const cw_layer *L, double *theta, cw_rng rng, uint32_t index, double gain) {
  const coupling *c = L->impl;
  cw_net_init(c->net, theta, rng, index, gain * c->transform->last_gain);
}

/* The network pass and the room for what the transform keeps. */
static frame_of_pass *open_frame(const coupling *c, cw_theta th, const double *x, cw_arena *tape) {
  frame_of_pass *f = cw_arena_alloc(tape, sizeof *f);
  if (f == NULL) return NULL;
  f->keep = cw_arena_alloc(tape, (size_t)(c->active.n * c->transform->n_keep) * CW_LANES *
                                     sizeof(double));
  if (f->keep == NULL || cw_net_forward(c->net, th.f, x, &f->net, tape) != CW_OK) return NULL;
  return f;
}

cw_status cw_coupling_forward(const cw_layer *L, cw_theta th, double *x, double *logj,
                              cw_arena *tape, void **frame) {
  const coupling *c = L->impl;
  frame_of_pass *f = open_frame(c, th, x, tape);
  if (f == NULL) return CW_ENOMEM;
  c->kernel->forward(&c->active, f->net.out, x, logj, f->keep);
  *frame = f;
  return CW_OK;
}

cw_status cw_coupling_inverse(const cw_layer *L, cw_theta th, double *y, double *logj,
                              cw_arena *tape, void **frame) {
  const coupling *c = L->impl;
  frame_of_pass *f = open_frame(c, th, y, tape);
  if (f == NULL) return CW_ENOMEM;
  c->kernel->inverse(&c->active, f->net.out, y, logj, f->keep);
  *frame = f;
  return CW_OK;
}

static const double no_logj[CW_LANES] CW_ALIGNED;

static cw_status vjp(const coupling *c, cw_transform_vjp pull_back, cw_theta th,
                     const frame_of_pass *f, double *g, const double *glogj, float *gtheta,
                     cw_arena *work) {
  cw_arena_mark mark = cw_arena_save(work);
  float *gh = cw_arena_alloc(work, (size_t)(c->active.n * c->active.n_out) * CW_LANES * sizeof *gh);
  if (gh == NULL) return CW_ENOMEM;
  pull_back(&c->active, f->net.out, f->keep, g, glogj ? glogj : no_logj, gh);
  cw_status st = cw_net_vjp(c->net, th.f, &f->net, gh, g, gtheta, work);
  cw_arena_rewind(work, mark);
  return st;
}

cw_status cw_coupling_forward_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                                  const double *glogj, float *gtheta, cw_arena *work) {
  const coupling *c = L->impl;
  return vjp(c, c->kernel->forward_vjp, th, frame, g, glogj, gtheta, work);
}

cw_status cw_coupling_inverse_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                                  const double *glogj, float *gtheta, cw_arena *work) {
  const coupling *c = L->impl;
  return vjp(c, c->kernel->inverse_vjp, th, frame, g, glogj, gtheta, work);
}
