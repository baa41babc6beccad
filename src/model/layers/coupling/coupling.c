#include "model/layers/coupling/coupling.h"

#include <stdio.h>

#include "model/gradient.h"
#include "model/layers/plain.h"

typedef struct {
  const cw_transform *transform;
  const cw_transform_kernels *kernel;
  cw_net *net;
  cw_sites active;
  cw_mask mask;
} coupling;

typedef struct {
  cw_net_pass net;
  double *keep;
} frame_of_pass;

bool cw_coupling_refuse(const cw_layer_spec *spec, const cw_lattice *lat, cw_layer_fault *fault) {
  *fault = (cw_layer_fault){0};
  char why[160];
  if (cw_mask_refuses(lat, CW_MASK_HALF, NULL, why)) {
    snprintf(fault->why, sizeof fault->why, "works on a checkerboard, which %s", why);
    return true;
  }
  if (spec->param[CW_COUPLING_Z2] == 0 || spec->net.activation == CW_ACT_TANH) return false;
  *fault = (cw_layer_fault){"z2", "needs an odd activation: tanh"};
  return true;
}

typedef struct {
  int n;
  const int *row;
} half;

static half rows_of(const cw_mask *mask, int c) {
  return (half){(int)(mask->begin[c + 1] - mask->begin[c]), mask->row + mask->begin[c]};
}

static cw_status build(cw_context *ctx, const cw_layer_spec *spec,
                       const cw_transform_spec *constants, const cw_geometry *g, coupling *c) {
  int n_odd = 0;
  CW_TRY(cw_mask_create(ctx, g, 1, CW_MASK_HALF, NULL, &c->mask));
  const int moved = spec->number % 2;
  const half active = rows_of(&c->mask, moved), frozen = rows_of(&c->mask, 1 - moved);
  c->active.n = active.n;
  c->active.row = active.row;
  c->active.spec = *constants;
  c->transform->outputs(&c->active.spec, &c->active.n_out, &n_odd);
  return cw_net_create(ctx, &spec->net, g, frozen.row, frozen.n, active.row, active.n,
                       c->active.n_out, n_odd, constants->z2, &c->net);
}

cw_status cw_coupling_create(cw_context *ctx, const cw_layer_ops *ops, const cw_layer_spec *spec,
                             const cw_transform_spec *constants, const cw_geometry *geom,
                             const cw_transform *transform, const cw_transform_kernels *kernel,
                             cw_layer **out) {
  CW_TRY(cw_layer_create_holding(ctx, ops, geom, 0, sizeof(coupling), out));
  coupling *c = (*out)->impl;
  c->transform = transform;
  c->kernel = kernel;
  cw_status st = build(ctx, spec, constants, geom, c);
  if (st != CW_OK) {
    cw_coupling_destroy(*out);
    *out = NULL;
    return st;
  }
  (*out)->n_theta = cw_net_n_theta(c->net);
  return CW_OK;
}

void cw_coupling_destroy(cw_layer *L) {
  if (L == NULL) return;
  coupling *c = L->impl;
  cw_net_destroy(c->net);
  cw_mask_destroy(&c->mask);
  cw_layer_destroy_plain(L);
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

static cw_status net_vjp(const coupling *c, cw_theta th, const frame_of_pass *f, float *gh,
                         double *g, cw_gradient_of *gtheta, cw_arena *work) {
  const long n = cw_net_n_theta(c->net);
  if (gtheta == NULL) return cw_net_vjp(c->net, th.f, &f->net, gh, g, NULL, work);
  CW_REQUIRE(gtheta->each == NULL);
  float *sum = cw_gradient_in_float(gtheta->sum, n, work);
  if (sum == NULL) return CW_ENOMEM;
  CW_TRY(cw_net_vjp(c->net, th.f, &f->net, gh, g, sum, work));
  cw_gradient_from_float(gtheta->sum, sum, n);
  return CW_OK;
}

static cw_status vjp(const coupling *c, cw_transform_vjp pull_back, cw_theta th,
                     const frame_of_pass *f, double *g, const double *glogj, cw_gradient_of *gtheta,
                     cw_arena *work) {
  cw_arena_mark mark = cw_arena_save(work);
  float *gh = cw_arena_alloc(work, (size_t)(c->active.n * c->active.n_out) * CW_LANES * sizeof *gh);
  if (gh == NULL) return CW_ENOMEM;
  pull_back(&c->active, f->net.out, f->keep, g, glogj ? glogj : no_logj, gh);
  cw_status st = net_vjp(c, th, f, gh, g, gtheta, work);
  cw_arena_rewind(work, mark);
  return st;
}

cw_status cw_coupling_forward_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                                  const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  const coupling *c = L->impl;
  return vjp(c, c->kernel->forward_vjp, th, frame, g, glogj, gtheta, work);
}

cw_status cw_coupling_inverse_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                                  const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  const coupling *c = L->impl;
  return vjp(c, c->kernel->inverse_vjp, th, frame, g, glogj, gtheta, work);
}
