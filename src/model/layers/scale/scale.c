/* y = e^theta x: one parameter for the whole field. */
#include <math.h>

#include "model/gradient.h"
#include "model/layers/plain.h"

static void multiply(const cw_layer *L, double factor, double *x) {
  for (long i = 0; i < L->geom->n_outer * CW_LANES; i++) x[i] *= factor;
}

static void add_everywhere(double a, double *logj) {
  for (int l = 0; l < CW_LANES; l++) logj[l] += a;
}

static cw_status forward(const cw_layer *L, cw_theta th, double *x, double *logj, cw_arena *tape,
                         void **frame) {
  CW_TRY(cw_layer_keep(L, x, tape, frame));
  multiply(L, exp(th.d[0]), x);
  add_everywhere((double)L->geom->n_sites * th.d[0], logj);
  return CW_OK;
}

static cw_status inverse(const cw_layer *L, cw_theta th, double *y, double *logj, cw_arena *tape,
                         void **frame) {
  multiply(L, exp(-th.d[0]), y);
  add_everywhere(-(double)L->geom->n_sites * th.d[0], logj);
  return cw_layer_keep(L, y, tape, frame);
}

/* Adds sign times the sum over sites of x g, plus V glogj, of every lane. */
static void add_gradient(const cw_layer *L, double sign, const double *x, const double *g,
                         const double *glogj, cw_gradient_of *gtheta) {
  double lanes[CW_LANES] = {0};
  if (gtheta == NULL) return;
  for (long o = 0; o < L->geom->n_outer; o++)
    for (int l = 0; l < CW_LANES; l++) lanes[l] += x[o * CW_LANES + l] * g[o * CW_LANES + l];
  for (int l = 0; glogj && l < CW_LANES; l++) lanes[l] += (double)L->geom->n_sites * glogj[l];
  for (int l = 0; l < CW_LANES; l++) lanes[l] *= sign;
  cw_gradient_add_rounded(gtheta, 0, lanes);
}

static cw_status forward_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                             const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  (void)work;
  multiply(L, exp(th.d[0]), g);
  add_gradient(L, 1, frame, g, glogj, gtheta);
  return CW_OK;
}

static cw_status inverse_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                             const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  (void)work;
  add_gradient(L, -1, frame, g, glogj, gtheta);
  multiply(L, exp(-th.d[0]), g);
  return CW_OK;
}

static const cw_layer_ops ops = {.name = "scale",
                                 .title = "global scale: y = e^theta x",
                                 .source = "NICE, arXiv:1410.8516, section 3.3",
                                 .forward = forward,
                                 .inverse = inverse,
                                 .forward_vjp = forward_vjp,
                                 .inverse_vjp = inverse_vjp,
                                 .init = cw_layer_init_zero,
                                 .destroy = cw_layer_destroy_plain,
                                 .each = true};

static cw_status create(cw_context *ctx, const cw_layer_spec *spec, cw_field_kind field,
                        const cw_geometry *geom, cw_layer **out) {
  (void)spec;
  (void)field;
  return cw_layer_create_plain(ctx, &ops, geom, 1, out);
}

const cw_layer_kind cw_layer_scale = {.ops = &ops, .create = create};
