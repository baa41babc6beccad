/* Inside of the gradient flow: the Wilson flow dV/dt = Z(V) V, Z = -g0^2 dS_W(V), of Luescher,
 * arXiv:1006.4518, on blocks of links. */
#ifndef CW_OBSERVE_FLOW_H
#define CW_OBSERVE_FLOW_H

#include "causeway/theory.h"

/* One stage of a Runge-Kutta step on the outer sites [begin, end) of a block: out = exp(eps sum_k
 * a_k z_k) in, k < n; in and out may be the same. eps (CW_LANES), aligned. */
typedef struct {
  int n;
  double a[3];
  const double *z[3];
} cw_flow_generator;

typedef struct {
  void (*advance)(const cw_geometry *geom, const cw_flow_generator *by, const double *eps,
                  const double *in, double *out, long begin, long end);
  /* distance2 (CW_LANES): max over links of |v - exp(eps sum_k a_k z_k) in|^2, Frobenius norm. */
  void (*compare)(const cw_geometry *geom, const cw_flow_generator *by, const double *eps,
                  const double *in, const double *v, long begin, long end, double *distance2);
} cw_flow_kernels_of;
typedef struct {
  cw_flow_kernels_of u1, su2, su3;
} cw_flow_kernels;

/* A block of fields on its way. Configurations go at their own pace. */
typedef struct {
  const cw_theory *th;
  cw_field v;     /* the flowed links; owned by the arena, like all memory here */
  cw_field start; /* room for the links at the beginning of a step */
  cw_field z[3];
  double *distance2;     /* (slices, CW_LANES) */
  double tolerance;      /* of one step; 0: steps of fixed size */
  double t[CW_LANES];    /* flow time in a^2, by configuration of the block */
  double step[CW_LANES]; /* size of the next step */
  long n_steps;          /* taken so far, by the block */
} cw_flow;

/* Starts at t = 0 from a block, which is copied. step: the first, or of fixed size if tolerance is
 * 0. CW_ENOMEM. */
cw_status cw_flow_begin(cw_flow *f, const cw_theory *th, const cw_field *block, double tolerance,
                        double step, cw_arena *arena);
/* Goes on until every configuration is at time. */
void cw_flow_to(cw_flow *f, double time);

/* Where y, known at t_k = k h (k < n), first rises through level: by the cubic through four
 * neighbours; NAN: nowhere. */
double cw_flow_crossing(const double *y, int n, double h, double level);
/* w_k = t dy/dt at t_k, from fourth-order differences; n >= 5. */
void cw_flow_log_derivative(const double *y, int n, double h, double *w);

#endif
