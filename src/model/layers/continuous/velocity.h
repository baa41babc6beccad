/* The velocity of layer `continuous` at a time t from 0 to 1,
 *
 *     v_x(phi, t) = sum_y sum_f K_f(x - y, t) g_f(phi_y),
 *     g_f(phi)    = m_f0 phi + sum_{k=1..H} m_fk sin(k omega phi),
 *
 * its divergence sum_x sum_f K_f(0, t) g_f'(phi_x), and products with their derivatives. Parameters are
 * ln(omega range/pi), then k m_fk (k = 0: m_f0), and sqrt(F) K as cosines of pi d t, d = 0 ... D-1: one
 * number for each orbit of displacements, feature and cosine, in this order. Private to the layer. */
#ifndef CW_MODEL_CONTINUOUS_VELOCITY_H
#define CW_MODEL_CONTINUOUS_VELOCITY_H

#include "causeway/model.h"
#include "model/fourier/fourier.h"
#include "model/layers/continuous/sines.h"

typedef struct {
  const cw_geometry *geom; /* borrowed */
  int F, H, D;
  double range;
  cw_fourier fourier;
  const cw_fourier_kernels *waves;
  const cw_sine_kernels *sines;
} cw_velocity;

long cw_velocity_n_theta(const cw_velocity *v);

/* What one set of parameters means. */
typedef struct {
  int n_times; /* at t = i/(n_times - 1) */
  cw_sine_features features;
  double *wave;   /* (n_times, n_waves, F): transforms of the kernels, over the number of sites */
  double *centre; /* (n_times, F): K_f(0, t) */
  double *own;    /* (n_times, H+1): of the divergence, sum_f K_f(0, t) m_fk */
} cw_velocity_tables;
/* In memory of the arena. CW_ENOMEM. Cost: F*D/32 transforms, and n_times * n_waves * F * D. */
cw_status cw_velocity_fill(const cw_velocity *v, int n_times, const double *theta, cw_arena *work,
                           cw_velocity_tables *out);

/* Derivatives by what stands in the tables, of each configuration. */
typedef struct {
  cw_sine_gradient sine; /* own stays NULL */
  double *wave;          /* (n_times, n_waves, F, CW_LANES) */
  double *own;           /* (n_times, H+1, CW_LANES) */
} cw_velocity_gradient;
cw_status cw_velocity_open_gradient(const cw_velocity *v, int n_times, cw_arena *work,
                                    cw_velocity_gradient *out); /* zeros */
/* gtheta += sign times the derivatives by parameters. CW_ENOMEM. Cost: F*D/32 transforms, F*D/2 where each
 * configuration's are wanted. */
cw_status cw_velocity_fold(const cw_velocity *v, const cw_velocity_tables *t,
                           const cw_velocity_gradient *from, double sign, cw_gradient_of *gtheta,
                           cw_arena *work);

/* Work space of the two below, of one thread. CW_ENOMEM. */
typedef struct {
  double *z, *u; /* features and their adjoints */
  double *sum;   /* one complex number per site and lane */
} cw_velocity_work;
cw_status cw_velocity_open_work(const cw_velocity *v, cw_arena *arena, cw_velocity_work *out);

/* x -> velocity (n_outer, CW_LANES) and divergence (CW_LANES), overwritten, at time `time`. */
void cw_velocity_at(const cw_velocity *v, const cw_velocity_tables *t, int time, const double *x,
                    double *velocity, double *divergence, cw_velocity_work *work);
/* g (overwritten) = d(a . v + c div v)/dx; c (CW_LANES). to: NULL: no derivatives by parameters. */
void cw_velocity_vjp(const cw_velocity *v, const cw_velocity_tables *t, int time, const double *x,
                     const double *a, const double *c, double *g, cw_velocity_gradient *to,
                     cw_velocity_work *work);

#endif
