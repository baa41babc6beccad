/* The lattice mean m = (1/V) sum_x phi_x, alone: phi_x' = phi_x + h(m) - m with h(m) = s(c m), c a fixed factor and
 * s a spline of one number, that of layer `spline` with the layer's own parameters in place of a network's outputs.
 * In an orthonormal basis only the zero mode sqrt(V) m moves, so that |det J| = h'(m). */
#include <math.h>

#include "model/gradient.h"
#include "model/layers/plain.h"
#include "model/layers/spline/spline.h"

typedef struct {
  const cw_transform_kernels *kernel;
  cw_sites mean;  /* one "site": the mean */
  double stretch; /* c */
} impl_of_layer;

typedef struct {
  float *h;     /* (n_theta, CW_LANES): the parameters, the same in every lane */
  double *keep; /* (CW_LANES), of the spline */
} frame_of_pass;

static frame_of_pass *open_frame(const cw_layer *L, cw_theta th, cw_arena *tape) {
  frame_of_pass *f = cw_arena_alloc(tape, sizeof *f);
  if (f == NULL) return NULL;
  f->h = cw_arena_alloc(tape, (size_t)L->n_theta * CW_LANES * sizeof *f->h);
  f->keep = cw_arena_alloc(tape, CW_SPLINE_KEEP * CW_LANES * sizeof *f->keep);
  if (f->h == NULL || f->keep == NULL) return NULL;
  for (long i = 0; i < L->n_theta; i++)
    for (int l = 0; l < CW_LANES; l++) f->h[i * CW_LANES + l] = th.f[i];
  return f;
}

static void sum_sites(const cw_layer *L, const double *x, double *sum) {
  for (int l = 0; l < CW_LANES; l++) sum[l] = 0;
  for (long o = 0; o < L->geom->n_outer; o++)
    for (int l = 0; l < CW_LANES; l++) sum[l] += x[o * CW_LANES + l];
}

/* x_x += (to - from) scale. */
static void shift_sites(const cw_layer *L, const double *from, const double *to, double scale,
                        double *x) {
  double shift[CW_LANES];
  for (int l = 0; l < CW_LANES; l++) shift[l] = (to[l] - from[l]) * scale;
  for (long o = 0; o < L->geom->n_outer; o++)
    for (int l = 0; l < CW_LANES; l++) x[o * CW_LANES + l] += shift[l];
}

/* before and after: factors on the argument and the value of the spline's pass, c and 1 forwards, 1 and 1/c backwards. */
static cw_status pass(const cw_layer *L, cw_transform_pass carry, double before, double after,
                      cw_theta th, double *x, double *logj, cw_arena *tape, void **frame) {
  const impl_of_layer *c = L->impl;
  double from[CW_LANES] CW_ALIGNED, to[CW_LANES] CW_ALIGNED;
  frame_of_pass *f = open_frame(L, th, tape);
  if (f == NULL) return CW_ENOMEM;
  sum_sites(L, x, from);
  for (int l = 0; l < CW_LANES; l++) to[l] = before * (from[l] /= (double)L->geom->n_sites);
  carry(&c->mean, f->h, to, logj, f->keep);
  for (int l = 0; l < CW_LANES; l++) to[l] *= after;
  for (int l = 0; l < CW_LANES; l++) logj[l] += log(before * after);
  shift_sites(L, from, to, 1, x);
  *frame = f;
  return CW_OK;
}

static cw_status forward(const cw_layer *L, cw_theta th, double *x, double *logj, cw_arena *tape,
                         void **frame) {
  const impl_of_layer *c = L->impl;
  return pass(L, c->kernel->forward, c->stretch, 1, th, x, logj, tape, frame);
}

static cw_status inverse(const cw_layer *L, cw_theta th, double *y, double *logj, cw_arena *tape,
                         void **frame) {
  const impl_of_layer *c = L->impl;
  return pass(L, c->kernel->inverse, 1, 1 / c->stretch, th, y, logj, tape, frame);
}

/* The mean of the output depends on nothing but that of the input, m, and its adjoint is G = sum_x
 * g_x. The spline pulls G back to G', and what is not the mean passes: g_x += (G' - G)/V. */
static cw_status vjp(const cw_layer *L, cw_transform_vjp pull_back, double before, double after,
                     const frame_of_pass *f, double *g, const double *glogj, cw_gradient_of *gtheta,
                     cw_arena *work) {
  const impl_of_layer *c = L->impl;
  static const double no_logj[CW_LANES] CW_ALIGNED;
  double from[CW_LANES] CW_ALIGNED, to[CW_LANES] CW_ALIGNED, lanes[CW_LANES];
  cw_arena_mark mark = cw_arena_save(work);
  float *gh = cw_arena_alloc(work, (size_t)L->n_theta * CW_LANES * sizeof *gh);
  if (gh == NULL) return CW_ENOMEM;
  sum_sites(L, g, from);
  for (int l = 0; l < CW_LANES; l++) to[l] = after * from[l];
  pull_back(&c->mean, f->h, f->keep, to, glogj ? glogj : no_logj, gh);
  for (int l = 0; l < CW_LANES; l++) to[l] *= before;
  shift_sites(L, from, to, 1 / (double)L->geom->n_sites, g);
  for (long i = 0; gtheta && i < L->n_theta; i++) {
    for (int l = 0; l < CW_LANES; l++) lanes[l] = (double)gh[i * CW_LANES + l];
    cw_gradient_add_rounded(gtheta, i, lanes);
  }
  cw_arena_rewind(work, mark);
  return CW_OK;
}

static cw_status forward_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                             const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  (void)th;
  const impl_of_layer *c = L->impl;
  return vjp(L, c->kernel->forward_vjp, c->stretch, 1, frame, g, glogj, gtheta, work);
}

static cw_status inverse_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                             const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  (void)th;
  const impl_of_layer *c = L->impl;
  return vjp(L, c->kernel->inverse_vjp, 1, 1 / c->stretch, frame, g, glogj, gtheta, work);
}

/* All parameters zero are the factor c alone, with a gradient. */
static void init(const cw_layer *L, double *theta, cw_rng rng, uint32_t index, double gain) {
  for (long i = 0; i < L->n_theta; i++) {
    double z[2];
    cw_normal2(CW_ISA_BASE, rng, (uint32_t)(i / 2), 0, index, 0, z);
    theta[i] = gain * CW_SPLINE_GAIN * z[i % 2];
  }
}

static const cw_layer_ops ops = {
    .name = "mean",
    .title = "monotone rational-quadratic spline of the lattice mean, whatever is not mean stays",
    .source = "the spline: Durkan et al., arXiv:1906.04032, section 3.1",
    .forward = forward,
    .inverse = inverse,
    .forward_vjp = forward_vjp,
    .inverse_vjp = inverse_vjp,
    .init = init,
    .destroy = cw_layer_destroy_plain,
    .each = true};

static const int the_row = 0;
enum { STRETCH = CW_SPLINE_RANGE + 1 };

static bool never_identity(const cw_layer_spec *spec) { return spec->param[STRETCH] != 1; }

static cw_status create(cw_context *ctx, const cw_layer_spec *spec, cw_field_kind field,
                        const cw_geometry *geom, cw_layer **out) {
  (void)field;
  const cw_transform_spec constants = cw_spline_constants(spec);
  const int n_out = cw_spline_n_out(constants.bins, constants.z2);
  CW_TRY(cw_layer_create_holding(ctx, &ops, geom, n_out, sizeof(impl_of_layer), out));
  impl_of_layer *c = (*out)->impl;
  c->kernel = CW_DISPATCH(cw_context_isa(ctx), cw_spline_kernels);
  c->stretch = spec->param[STRETCH];
  c->mean = (cw_sites){.n = 1, .row = &the_row, .n_out = n_out, .spec = constants};
  return CW_OK;
}

static const cw_param params[] = {
    {"z2", "exactly odd under x -> -x", 0, 0, 1, CW_FLAG},
    CW_SPLINE_PARAMS,
    {"stretch", "factor on the mean before the spline sees it", 1, 1e-6, 1e6, CW_REAL},
    {0}};

const cw_layer_kind cw_layer_mean = {
    .ops = &ops, .params = params, .never_identity = never_identity, .create = create};
