/* y = e^theta x: one parameter for the whole field. */
#include <math.h>
#include <stdlib.h>

#include "causeway/model.h"

typedef struct {
  double *x; /* the input */
} frame_of_pass;

static cw_status keep_input(const cw_layer *L, const double *x, cw_arena *tape, void **frame) {
  size_t n = (size_t)L->geom->n_outer * CW_LANES;
  frame_of_pass *f = cw_arena_alloc(tape, sizeof *f);
  if (f == NULL) return CW_ENOMEM;
  f->x = cw_arena_alloc(tape, n * sizeof *x);
  if (f->x == NULL) return CW_ENOMEM;
  for (size_t i = 0; i < n; i++) f->x[i] = x[i];
  *frame = f;
  return CW_OK;
}

static void multiply(const cw_layer *L, double factor, double *x) {
  for (long i = 0; i < L->geom->n_outer * CW_LANES; i++) x[i] *= factor;
}

static void add_everywhere(double a, double *logj) {
  for (int l = 0; l < CW_LANES; l++) logj[l] += a;
}

static cw_status forward(const cw_layer *L, cw_theta th, double *x, double *logj, cw_arena *tape,
                         void **frame) {
  CW_TRY(keep_input(L, x, tape, frame));
  multiply(L, exp(th.d[0]), x);
  add_everywhere((double)L->geom->n_sites * th.d[0], logj);
  return CW_OK;
}

static cw_status inverse(const cw_layer *L, cw_theta th, double *y, double *logj, cw_arena *tape,
                         void **frame) {
  multiply(L, exp(-th.d[0]), y);
  add_everywhere(-(double)L->geom->n_sites * th.d[0], logj);
  return keep_input(L, y, tape, frame);
}

/* sum over sites and lanes of x g, plus V sum glogj. */
static double theta_gradient(const cw_layer *L, const double *x, const double *g,
                             const double *glogj) {
  double lanes[CW_LANES] = {0};
  for (long o = 0; o < L->geom->n_outer; o++)
    for (int l = 0; l < CW_LANES; l++) lanes[l] += x[o * CW_LANES + l] * g[o * CW_LANES + l];
  for (int l = 0; glogj && l < CW_LANES; l++) lanes[l] += (double)L->geom->n_sites * glogj[l];
  return cw_sum(lanes, CW_LANES);
}

static cw_status forward_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                             const double *glogj, float *gtheta, cw_arena *work) {
  (void)work;
  const frame_of_pass *f = frame;
  multiply(L, exp(th.d[0]), g);
  if (gtheta) gtheta[0] += (float)theta_gradient(L, f->x, g, glogj);
  return CW_OK;
}

static cw_status inverse_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                             const double *glogj, float *gtheta, cw_arena *work) {
  (void)work;
  const frame_of_pass *f = frame;
  if (gtheta) gtheta[0] -= (float)theta_gradient(L, f->x, g, glogj);
  multiply(L, exp(-th.d[0]), g);
  return CW_OK;
}

static void init(const cw_layer *L, double *theta, cw_rng rng, uint32_t index, double gain) {
  (void)L;
  (void)rng;
  (void)index;
  (void)gain;
  theta[0] = 0;
}

static void destroy(cw_layer *L) { free(L); }

static const cw_layer_ops ops = {.name = "scale",
                                 .title = "global scale: y = e^theta x",
                                 .source = "NICE, arXiv:1410.8516, section 3.3",
                                 .forward = forward,
                                 .inverse = inverse,
                                 .forward_vjp = forward_vjp,
                                 .inverse_vjp = inverse_vjp,
                                 .init = init,
                                 .destroy = destroy};

static cw_status create(cw_context *ctx, const cw_layer_spec *spec, const cw_geometry *geom,
                        cw_layer **out) {
  (void)spec;
  cw_layer *L = calloc(1, sizeof *L);
  if (L == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a layer");
  *L = (cw_layer){.ops = &ops, .geom = geom, .n_theta = 1};
  *out = L;
  return CW_OK;
}

const cw_layer_kind cw_layer_scale = {.ops = &ops, .create = create};
