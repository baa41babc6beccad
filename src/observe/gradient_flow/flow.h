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
  double *distance2; /* (slices, CW_LANES) */
  double tolerance;  /* of one step; 0: steps of fixed size */
  double longest_step;
  double t[CW_LANES];    /* flow time in a^2, by configuration of the block */
  double step[CW_LANES]; /* size of the next step */
  long n_steps;          /* taken so far, by the block */
} cw_flow;

/* Starts at t = 0 from a block, which is copied. step: the first, or of fixed size if tolerance is
 * 0; one that adapts is kept where every mode of the free flow decays as it should. CW_ENOMEM. */
cw_status cw_flow_begin(cw_flow *f, const cw_theory *th, const cw_field *block, double tolerance,
                        double step, cw_arena *arena);
/* One step of every configuration that is not at time yet; false: all are. */
bool cw_flow_step(cw_flow *f, double time);

enum { CW_FLOW_SAMPLES = 400 };

/* E at times along a flow: 0 and later ones. */
typedef struct {
  int n;
  double t[CW_FLOW_SAMPLES], u[CW_FLOW_SAMPLES], log_E[CW_FLOW_SAMPLES]; /* u: of scale.c */
} cw_flow_samples;

/* Is t so far from the last sample that the curve wants one here? */
bool cw_flow_sample_is_due(const cw_flow_samples *s, double t);
void cw_flow_add_sample(cw_flow_samples *s, double t, double E);
/* E at a time between two samples, of which there are at least two. */
double cw_flow_energy_at(const cw_flow_samples *s, double t);

/* Times at which E is kept, from 0 on. */
typedef struct {
  int n;
  double t[CW_FLOW_SAMPLES];
  int point[CW_FLOW_SAMPLES]; /* k at the time k time/points, -1 between two of these */
} cw_flow_times;

/* The times k time/points, k = 0 ... points (at most 48), with halves, quarters ... of the
 * intervals between them as they are needed for cw_flow_cross. time: at most 1e4. */
void cw_flow_choose_times(cw_flow_times *g, double time, int points);

typedef enum {
  CW_FLOW_T2_ENERGY,     /* t^2 E (arXiv:1006.4518) */
  CW_FLOW_LOG_DERIVATIVE /* t d/dt (t^2 E) (arXiv:1203.4469) */
} cw_flow_curve;

typedef struct {
  double t; /* when the curve first reaches the level; NAN: never */
  enum {
    CW_FLOW_REACHES,
    CW_FLOW_RISES,     /* it is below the level, positive, and rises at the last time */
    CW_FLOW_FALLS,     /* it is below the level and was larger before the last time */
    CW_FLOW_NO_ENERGY, /* E is not positive */
    CW_FLOW_N_ENDS
  } end;
} cw_flow_crossing;

/* The first time at which a curve reaches level > 0, from samples at the times of
 * cw_flow_choose_times. */
cw_flow_crossing cw_flow_cross(cw_flow_curve curve, const cw_flow_samples *s, double level);

#endif
