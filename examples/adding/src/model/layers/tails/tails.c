/* y = sinh(e^theta asinh x) at every site: one parameter for the weight of the tails. At large |x|
 * it is a power, y ~ |x|^(e^theta), so that theta > 0 makes heavier tails than the prior has and
 * theta < 0 lighter ones; near 0 it is a scale. The inverse is the same function of -theta, and both
 * are odd. */
#include <math.h>

#include "model/layers/plain.h"

/* The function at one site, with every derivative that the products need. */
typedef struct {
  double y, log_slope;     /* f(x), ln dy/dx */
  double slope, bend;      /* dy/dx, d(log_slope)/dx */
  double y_theta, l_theta; /* dy/dtheta, d(log_slope)/dtheta */
} local_map;

static local_map map_at(double x, double theta) {
  const double power = exp(theta), u = power * asinh(x); /* y = sinh u, du/dtheta = u */
  const double y = sinh(u), cosh_x = sqrt(1 + x * x), cosh_u = sqrt(1 + y * y);
  return (local_map){.y = y,
                     .log_slope = theta + log(cosh_u / cosh_x),
                     .slope = power * cosh_u / cosh_x,
                     .bend = power * tanh(u) / cosh_x - x / (cosh_x * cosh_x),
                     .y_theta = u * cosh_u,
                     .l_theta = 1 + u * tanh(u)};
}

/* x <- f(x), and its log-Jacobian, from site to site in a fixed order. */
static void apply(const cw_layer *L, double theta, double *x, double *logj) {
  for (long i = 0; i < L->geom->n_outer * CW_LANES; i++) {
    const local_map m = map_at(x[i], theta);
    x[i] = m.y;
    logj[i % CW_LANES] += m.log_slope;
  }
}

/* The frame is the side of x in both passes, so that either product works after either of them. */
static cw_status forward(const cw_layer *L, cw_theta th, double *x, double *logj, cw_arena *tape,
                         void **frame) {
  CW_TRY(cw_layer_keep(L, x, tape, frame));
  apply(L, th.d[0], x, logj);
  return CW_OK;
}

static cw_status inverse(const cw_layer *L, cw_theta th, double *y, double *logj, cw_arena *tape,
                         void **frame) {
  apply(L, -th.d[0], y, logj);
  return cw_layer_keep(L, y, tape, frame);
}

/* sum (CW_LANES): of the sites of each configuration. */
static void add_gradient(const double *sum, cw_gradient_of *gtheta) {
  if (gtheta == NULL) return;
  gtheta->sum[0] += cw_sum(sum, CW_LANES);
  for (int l = 0; gtheta->each != NULL && l < CW_LANES; l++) gtheta->each[l] += sum[l];
}

/* dF/dx = g y' + glogj d(logj)/dx, and the same for theta. */
static cw_status forward_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                             const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  const double *x = frame;
  double sum[CW_LANES] = {0};
  (void)work;
  for (long i = 0; i < L->geom->n_outer * CW_LANES; i++) {
    const local_map m = map_at(x[i], th.d[0]);
    const double gl = glogj != NULL ? glogj[i % CW_LANES] : 0;
    sum[i % CW_LANES] += g[i] * m.y_theta + gl * m.l_theta;
    g[i] = g[i] * m.slope + gl * m.bend;
  }
  add_gradient(sum, gtheta);
  return CW_OK;
}

/* The inverse has logj = -log_slope(x(y)): F changes with x by gx = g - glogj bend, and x with y by
 * 1/slope, with theta at fixed y by -y_theta/slope. */
static cw_status inverse_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                             const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  const double *x = frame;
  double sum[CW_LANES] = {0};
  (void)work;
  for (long i = 0; i < L->geom->n_outer * CW_LANES; i++) {
    const local_map m = map_at(x[i], th.d[0]);
    const double gl = glogj != NULL ? glogj[i % CW_LANES] : 0;
    g[i] = (g[i] - gl * m.bend) / m.slope;
    sum[i % CW_LANES] -= g[i] * m.y_theta + gl * m.l_theta;
  }
  add_gradient(sum, gtheta);
  return CW_OK;
}

static const cw_layer_ops ops = {.name = "tails",
                                 .title = "weight of the tails: y = sinh(e^theta asinh x)",
                                 .source =
                                     "C. Jones and A. Pewsey, Biometrika 96 (2009) 761, eq. 2, "
                                     "without skewness",
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

/* It reads nothing of a job but its name: no keys, no network, no mask. */
extern const cw_layer_kind cw_layer_tails;
const cw_layer_kind cw_layer_tails = {.ops = &ops, .create = create};
