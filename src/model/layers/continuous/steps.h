/* Steps of the classical Runge-Kutta method along the velocity of layer `continuous`: the map, its
 * inverse and their products. Private to the layer.
 *
 * The map is the discrete one, exactly invertible where steps are short against the velocity. Its
 * log-Jacobian is the integral of the divergence by the same rule, which differs from the determinant
 * of the discrete map by O(h^4) in all. */
#ifndef CW_MODEL_CONTINUOUS_STEPS_H
#define CW_MODEL_CONTINUOUS_STEPS_H

#include "model/layers/continuous/velocity.h"

enum { CW_RUNGE_KUTTA = 4 }; /* stages of a step */

/* One pass over a block: tables of its parameters and memory. */
typedef struct {
  const cw_velocity *v;
  int n_steps;
  bool rough;
  size_t n; /* doubles in a block */
  cw_velocity_tables tables;
  cw_velocity_work work;
  cw_arena *arena; /* of what a step needs for itself */
} cw_steps;

/* CW_ENOMEM. */
cw_status cw_steps_open(const cw_velocity *v, int n_steps, bool rough, cw_theta th, cw_arena *arena,
                        cw_steps *out);

/* x (n) through step s; logj += the integral of the divergence; stage (CW_RUNGE_KUTTA, n): the fields at which the velocity was
 * taken, which products need. CW_ENOMEM. */
cw_status cw_step_forward(cw_steps *p, int s, double *x, double *logj, double *stage);
/* The inverse of the same map, to rounding: a step back, corrected until a step forward ends where it began. Of
 * rough steps, the step back alone.
 * CW_ENUMERIC: corrections do not converge. */
cw_status cw_step_back(cw_steps *p, int s, double *x, double *logj, double *stage);
/* g (n) = dF/dy in, dF/dx out, for F(y, logj) with dF/dlogj = c (CW_LANES); to: NULL: not wanted. */
cw_status cw_step_pull(cw_steps *p, int s, const double *stage, double *g, const double *c,
                       cw_velocity_gradient *to);
/* The other way: g = dF/dx in, dF/dy out, for F(x, logj of the inverse) with c for its log-Jacobian; to
 * gets minus its derivatives. Of rough steps, g is that of the exact flow up to the rule's error; else it is
 * corrected to rounding. CW_ENUMERIC as above. */
cw_status cw_step_push(cw_steps *p, int s, const double *stage, double *g, const double *c,
                       cw_velocity_gradient *to);

#endif
