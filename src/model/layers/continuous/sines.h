/* Features of layer `continuous`: kernels, once per instruction set. x and adjoints are (n_outer, CW_LANES);
 * features and their adjoints stand in pairs, (F/2, n_sites, 2, CW_LANES), which are the real and the
 * imaginary part of what is transformed. Private to the layer. */
#ifndef CW_MODEL_CONTINUOUS_SINES_H
#define CW_MODEL_CONTINUOUS_SINES_H

#include "causeway/lattice.h"
#include "simd/dispatch.h"

enum { CW_CONTINUOUS_FEATURES = 64, CW_CONTINUOUS_HARMONICS = 64 };

/* Features of one site: g_f = mix_f0 phi + sum_k mix_fk sin(k omega phi). */
typedef struct {
  int F, H; /* F a multiple of 4 */
  double omega;
  const double *mix;      /* (F, H+1) */
  const double *mix_of_k; /* (H+1, F): the same */
} cw_sine_features;

/* What an adjoint pass adds up besides adjoints of the field: derivatives by the parameters of the
 * features. */
typedef struct {
  double *mix;   /* (F, H+1, CW_LANES) */
  double *own;   /* (H+1, CW_LANES): by `own` of the divergence */
  double *omega; /* (CW_LANES) */
} cw_sine_gradient;

typedef struct {
  /* z: features of every site of x; divergence += sum over sites of own_0 + sum_k own_k k omega cos(k
   * omega phi). */
  void (*features)(const cw_sine_features *p, const int *outer, long n_sites, const double *x,
                   const double *own, double *z, double *divergence);
  /* g (overwritten): derivative by x of sum_f u_f g_f, u in the place of z, and of c times the
   * divergence. to: NULL: none wanted. */
  void (*features_vjp)(const cw_sine_features *p, const int *outer, long n_sites, const double *x,
                       const double *own, const double *u, const double *c, double *g,
                       cw_sine_gradient *to);
} cw_sine_kernels;

CW_ISA_TABLES(cw_sine_kernels, cw_sine_kernels);

#endif
