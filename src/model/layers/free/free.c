/* The width of every wave, as one free field has it against another: y(p) = e^a sqrt[(p^2 + m0) / (p^2 + m0 e^b)]
 * x(p), p^2 = sum_mu 4 sin^2(p_mu/2), with parameters a and b. Behind a free prior of mass2 = m0 this is a free
 * prior whose width and mass are trained. */
#include <math.h>
#include <string.h>

#include "model/fourier/fourier.h"
#include "model/layers/plain.h"

typedef struct {
  cw_fourier fourier;
  const cw_fourier_kernels *waves;
  double mass2;
} free_layer;

enum { WIDTH, MASS, N_THETA };
enum { PAIR = 2 }; /* numbers of a wave in a kernel; the second is 0 */

/* ln of the factor of a wave, and its derivatives. */
static double log_factor(const free_layer *c, const double *theta, double p2, double by[N_THETA]) {
  const double m = c->mass2 * exp(theta[MASS]);
  by[WIDTH] = 1;
  by[MASS] = -0.5 * m / (p2 + m);
  return theta[WIDTH] + 0.5 * (log(p2 + c->mass2) - log(p2 + m));
}

/* Factors to the power of sign, over the number of sites, as a kernel (n_waves, PAIR). NULL: no memory. */
static double *kernel_of(const free_layer *c, const double *theta, int sign, cw_arena *work) {
  double *k = cw_arena_alloc(work, (size_t)c->fourier.n_waves * PAIR * sizeof *k), by[N_THETA];
  for (long w = 0; k != NULL && w < c->fourier.n_waves; w++) {
    const double factor = log_factor(c, theta, c->fourier.laplacian[w], by);
    k[PAIR * w] = exp(sign * factor) / (double)c->fourier.n_sites;
    k[PAIR * w + 1] = 0;
  }
  return k;
}

static double *room(const free_layer *c, cw_arena *work) {
  return cw_arena_alloc(work, (size_t)c->fourier.n_sites * 2 * CW_LANES * sizeof(double));
}

/* The transform of a block. NULL: no memory. */
static double *transformed(const cw_layer *L, const double *x, cw_arena *work) {
  const free_layer *c = L->impl;
  double *z = room(c, work);
  if (z == NULL) return NULL;
  cw_fourier_from_block(&c->fourier, L->geom->outer, x, z);
  c->waves->transform(&c->fourier, z);
  return z;
}

/* x = the block whose transform is z times a kernel. */
static cw_status apply(const cw_layer *L, const double *kernel, const double *z, double *x,
                       cw_arena *work) {
  const free_layer *c = L->impl;
  double *sum = room(c, work);
  if (kernel == NULL || z == NULL || sum == NULL) return CW_ENOMEM;
  c->waves->multiply(&c->fourier, kernel, PAIR, 0, z, true, sum);
  c->waves->transform_back(&c->fourier, sum);
  cw_fourier_to_block(&c->fourier, L->geom->outer, sum, x);
  return CW_OK;
}

static double log_jacobian(const free_layer *c, const double *theta, double by[N_THETA]) {
  double sum = 0, of_wave[N_THETA];
  for (int i = 0; i < N_THETA; i++) by[i] = 0;
  for (long s = 0; s < c->fourier.n_sites; s++) {
    sum += log_factor(c, theta, c->fourier.laplacian[c->fourier.wave[s]], of_wave);
    for (int i = 0; i < N_THETA; i++) by[i] += of_wave[i];
  }
  return sum;
}

static cw_status pass(const cw_layer *L, cw_theta th, int sign, double *x, double *logj,
                      cw_arena *work) {
  const free_layer *c = L->impl;
  double by[N_THETA];
  cw_arena_mark mark = cw_arena_save(work);
  CW_TRY(apply(L, kernel_of(c, th.d, sign, work), transformed(L, x, work), x, work));
  const double sum = log_jacobian(c, th.d, by);
  for (int l = 0; l < CW_LANES; l++) logj[l] += sign * sum;
  cw_arena_rewind(work, mark);
  return CW_OK;
}

static cw_status forward(const cw_layer *L, cw_theta th, double *x, double *logj, cw_arena *tape,
                         void **frame) {
  CW_TRY(cw_layer_keep(L, x, tape, frame));
  return pass(L, th, 1, x, logj, tape);
}

static cw_status inverse(const cw_layer *L, cw_theta th, double *y, double *logj, cw_arena *tape,
                         void **frame) {
  CW_TRY(pass(L, th, -1, y, logj, tape));
  return cw_layer_keep(L, y, tape, frame);
}

/* With v the adjoint at y and x what was kept, parameters have sum over waves of conj(x) v times the derivative of
 * the factor, forwards, and minus that backwards. */
static cw_status add_gradient(const cw_layer *L, const double *theta, int sign, const double *x,
                              const double *v, const double *glogj, cw_gradient_of *gtheta,
                              cw_arena *work) {
  const free_layer *c = L->impl;
  const size_t bytes = (size_t)c->fourier.n_waves * PAIR * CW_LANES * sizeof(double);
  double *products = cw_arena_alloc(work, bytes), *z = transformed(L, x, work), by[N_THETA];
  const double *factor = kernel_of(c, theta, 1, work);
  if (products == NULL || z == NULL || factor == NULL) return CW_ENOMEM;
  memset(products, 0, bytes);
  c->waves->kernel_vjp(&c->fourier, PAIR, 0, z, v, products);
  double lanes[N_THETA][CW_LANES] = {{0}};
  for (long w = 0; w < c->fourier.n_waves; w++) {
    log_factor(c, theta, c->fourier.laplacian[w], by);
    for (int i = 0; i < N_THETA; i++)
      for (int l = 0; l < CW_LANES; l++)
        lanes[i][l] += products[PAIR * w * CW_LANES + l] * factor[PAIR * w] * by[i];
  }
  log_jacobian(c, theta, by);
  for (int i = 0; i < N_THETA; i++) {
    for (int l = 0; l < CW_LANES; l++)
      lanes[i][l] = sign * (lanes[i][l] + (glogj != NULL ? by[i] * glogj[l] : 0));
    gtheta->sum[i] += cw_sum(lanes[i], CW_LANES);
    for (int l = 0; gtheta->each != NULL && l < CW_LANES; l++)
      gtheta->each[i * CW_LANES + l] += lanes[i][l];
  }
  return CW_OK;
}

static cw_status vjp(const cw_layer *L, cw_theta th, int sign, const void *frame, double *g,
                     const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  const free_layer *c = L->impl;
  cw_arena_mark mark = cw_arena_save(work);
  const double *v = transformed(L, g, work);
  CW_TRY(apply(L, kernel_of(c, th.d, sign, work), v, g, work));
  if (sign < 0 && gtheta != NULL) v = transformed(L, g, work);
  if (gtheta != NULL) {
    if (v == NULL) return CW_ENOMEM;
    CW_TRY(add_gradient(L, th.d, sign, frame, v, glogj, gtheta, work));
  }
  cw_arena_rewind(work, mark);
  return CW_OK;
}

static cw_status forward_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                             const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  return vjp(L, th, 1, frame, g, glogj, gtheta, work);
}

static cw_status inverse_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                             const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  return vjp(L, th, -1, frame, g, glogj, gtheta, work);
}

static void destroy(cw_layer *L) {
  if (L == NULL) return;
  cw_fourier_destroy(&((free_layer *)L->impl)->fourier);
  cw_layer_destroy_plain(L);
}

static const cw_layer_ops ops = {.name = "free",
                                 .title = "width and mass of a free field, trained",
                                 .source = "the propagator of the free field: Montvay, Muenster, "
                                           "Quantum Fields on a Lattice, section 2.1",
                                 .forward = forward,
                                 .inverse = inverse,
                                 .forward_vjp = forward_vjp,
                                 .inverse_vjp = inverse_vjp,
                                 .init = cw_layer_init_zero,
                                 .destroy = destroy,
                                 .each = true};

static bool refuse(const cw_layer_spec *spec, const cw_lattice *lat, cw_layer_fault *fault) {
  (void)spec;
  return cw_fourier_refuse(lat, fault);
}

static cw_status create(cw_context *ctx, const cw_layer_spec *spec, cw_field_kind field,
                        const cw_geometry *geom, cw_layer **out) {
  (void)field;
  CW_TRY(cw_layer_create_holding(ctx, &ops, geom, N_THETA, sizeof(free_layer), out));
  free_layer *c = (*out)->impl;
  c->mass2 = spec->param[0];
  c->waves = CW_DISPATCH(cw_context_isa(ctx), cw_fourier_kernels);
  cw_status st = cw_fourier_create(ctx, &geom->lat, 1, &c->fourier);
  if (st == CW_OK) return CW_OK;
  destroy(*out);
  *out = NULL;
  return st;
}

static const cw_param params[] = {
    {"mass2", "squared mass at which the layer starts as the identity: that of a free prior", 1,
     1e-6, 1e6, CW_REAL},
    {0}};

const cw_layer_kind cw_layer_free = {
    .ops = &ops, .params = params, .refuse = refuse, .create = create};
