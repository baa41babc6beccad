/* A continuous flow that is equivariant under all symmetries of the lattice and odd (M. Gerdes, P. de Haan, C.
 * Rainone, R. Bondesan, M. C. N. Cheng, arXiv:2207.00283): the field moves from time 0 to 1 with the
 * velocity of velocity.h, in fixed steps. */
#include <math.h>
#include <string.h>

#include "model/layers/continuous/steps.h"
#include "model/layers/plain.h"

typedef struct {
  cw_velocity v;
  int steps[CW_FINER + 1]; /* for each precision */
  cw_precision precision;
} continuous;

enum { STEPS, TRAIN_STEPS, FEATURES, HARMONICS, TIMES, RADIUS, RANGE };

static int steps_of(const continuous *c) { return c->steps[c->precision]; }

/* Fields of all stages of so many steps: (n_steps, CW_RUNGE_KUTTA, n_outer, CW_LANES). A frame has those of all steps. */
static double *open_stages(const cw_layer *L, int n_steps, cw_arena *tape) {
  return cw_arena_alloc(tape, (size_t)(n_steps * CW_RUNGE_KUTTA) * (size_t)L->geom->n_outer *
                                  CW_LANES * sizeof(double));
}

static double *stages_of(const cw_steps *p, const void *frame, int s) {
  return (double *)frame + (size_t)s * CW_RUNGE_KUTTA * p->n;
}

static cw_status pass(const cw_layer *L, cw_theta th, bool inverse, double *x, double *logj,
                      cw_arena *tape, void **frame) {
  const continuous *c = L->impl;
  const int n_steps = steps_of(c);
  cw_steps p;
  cw_arena_mark mark = cw_arena_save(tape);
  double *stages = open_stages(L, frame != NULL ? n_steps : 1, tape);
  if (stages == NULL) return CW_ENOMEM;
  if (frame != NULL) {
    *frame = stages;
    mark = cw_arena_save(tape);
  }
  CW_TRY(cw_steps_open(&c->v, n_steps, c->precision == CW_ROUGH, th, tape, &p));
  for (int i = 0; i < n_steps; i++) {
    const int s = inverse ? n_steps - 1 - i : i;
    CW_TRY((inverse ? cw_step_back : cw_step_forward)(
        &p, s, x, logj, stages_of(&p, stages, frame != NULL ? s : 0)));
  }
  cw_arena_rewind(tape, mark);
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

static cw_status vjp(const cw_layer *L, cw_theta th, bool inverse, const void *frame, double *g,
                     const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  const continuous *c = L->impl;
  static const double none[CW_LANES] CW_ALIGNED;
  const int n_steps = steps_of(c);
  cw_steps p;
  cw_velocity_gradient to = {0};
  cw_arena_mark mark = cw_arena_save(work);
  CW_TRY(cw_steps_open(&c->v, n_steps, c->precision == CW_ROUGH, th, work, &p));
  if (gtheta != NULL) CW_TRY(cw_velocity_open_gradient(&c->v, 2 * n_steps + 1, work, &to));
  for (int i = 0; i < n_steps; i++) {
    const int s = inverse ? i : n_steps - 1 - i;
    CW_TRY((inverse ? cw_step_push : cw_step_pull)(&p, s, stages_of(&p, frame, s), g,
                                                   glogj != NULL ? glogj : none,
                                                   gtheta != NULL ? &to : NULL));
  }
  if (gtheta != NULL)
    CW_TRY(cw_velocity_fold(&c->v, &p.tables, &to, inverse ? -1 : 1, gtheta, work));
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

/* Features at random, kernels small or zero: there the layer is the identity and the kernels learn. */
static void init(const cw_layer *L, double *theta, cw_rng rng, uint32_t index, double gain) {
  const continuous *c = L->impl;
  const long n_mix = (long)c->v.F * (c->v.H + 1);
  theta[0] = 0;
  for (long i = 1; i < L->n_theta; i++) {
    double z[2];
    cw_normal2(CW_ISA_BASE, rng, (uint32_t)(i / 2), 0, index, 0, z);
    theta[i] = (i <= n_mix ? 1 / sqrt(c->v.H + 1) : 0.01 * gain) * z[i % 2];
  }
}

static void destroy(cw_layer *L) {
  if (L == NULL) return;
  continuous *c = L->impl;
  cw_fourier_destroy(&c->v.fourier);
  cw_layer_destroy_plain(L);
}

/* Kernels change with the lattice, features do not. */
static cw_status resize(cw_context *ctx, const cw_layer *L, const cw_lattice *other, long *n,
                        const double *theirs, double *mine) {
  const cw_velocity *v = &((const continuous *)L->impl)->v;
  const long before = cw_velocity_n_theta(v) - v->fourier.n_orbits * v->F * v->D;
  CW_TRY(cw_fourier_count(ctx, other, v->fourier.radius, n));
  *n = before + *n * v->F * v->D;
  if (mine == NULL) return CW_OK;
  memcpy(mine, theirs, (size_t)before * sizeof *mine);
  return cw_fourier_carry(ctx, &v->fourier, other, v->fourier.radius, (long)v->F * v->D,
                          theirs + before, mine + before);
}

static void set_precision(cw_layer *L, cw_precision precision) {
  ((continuous *)L->impl)->precision = precision;
}

static const cw_layer_ops ops = {
    .name = "continuous",
    .title = "continuous flow, equivariant and odd, of sines and kernels over the whole lattice",
    .source = "Gerdes et al., arXiv:2207.00283",
    .forward = forward,
    .inverse = inverse,
    .forward_vjp = forward_vjp,
    .inverse_vjp = inverse_vjp,
    .init = init,
    .destroy = destroy,
    .resize = resize,
    .set_precision = set_precision,
    .lean = true,
    .each = true};

static bool refuse(const cw_layer_spec *spec, const cw_lattice *lat, cw_layer_fault *fault) {
  if (cw_fourier_refuse(lat, fault)) return true;
  if ((int)spec->param[FEATURES] % 4 == 0) return false;
  *fault = (cw_layer_fault){"features", "must be a multiple of 4"};
  return true;
}

static cw_status create(cw_context *ctx, const cw_layer_spec *spec, cw_field_kind field,
                        const cw_geometry *geom, cw_layer **out) {
  (void)field;
  CW_TRY(cw_layer_create_holding(ctx, &ops, geom, 0, sizeof(continuous), out));
  continuous *c = (*out)->impl;
  c->steps[CW_PRECISE] = (int)spec->param[STEPS];
  c->steps[CW_ROUGH] = (int)spec->param[TRAIN_STEPS];
  c->steps[CW_FINER] = 2 * c->steps[CW_PRECISE];
  c->v = (cw_velocity){.geom = geom,
                       .F = (int)spec->param[FEATURES],
                       .H = (int)spec->param[HARMONICS],
                       .D = (int)spec->param[TIMES],
                       .range = spec->param[RANGE],
                       .waves = CW_DISPATCH(cw_context_isa(ctx), cw_fourier_kernels),
                       .sines = CW_DISPATCH(cw_context_isa(ctx), cw_sine_kernels)};
  cw_status st = cw_fourier_create(ctx, &geom->lat, (int)spec->param[RADIUS], &c->v.fourier);
  if (st != CW_OK) {
    destroy(*out);
    *out = NULL;
    return st;
  }
  (*out)->n_theta = cw_velocity_n_theta(&c->v);
  return CW_OK;
}

static const cw_param params[] = {
    [STEPS] = {"steps", "Runge-Kutta steps of draws and densities", 32, 1, 1000, CW_WHOLE},
    [TRAIN_STEPS] = {"train_steps", "as many while it is trained", 8, 1, 1000, CW_WHOLE},
    [FEATURES] = {"features", "features of a site, each with a kernel", 8, 4,
                  CW_CONTINUOUS_FEATURES, CW_WHOLE},
    [HARMONICS] = {"harmonics", "sines that a feature is made of", 12, 1, CW_CONTINUOUS_HARMONICS,
                   CW_WHOLE},
    [TIMES] = {"times", "cosines of time that a kernel is made of", 4, 1, 64, CW_WHOLE},
    [RADIUS] = {"radius", "sites that kernels reach in each direction; 0: the whole lattice", 0, 0,
                4096, CW_WHOLE},
    [RANGE] = {"range", "half the period of the lowest sine at the start", 4, 1e-3, 1e3, CW_REAL},
    {0}};

static const char *const precision[] = {"steps", "train_steps", NULL};

const cw_layer_kind cw_layer_continuous = {
    .ops = &ops, .params = params, .precision = precision, .refuse = refuse, .create = create};
