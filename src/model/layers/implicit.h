/* The product of an inverse pass out of that of the forward pass. Private to src/model. */
#ifndef CW_MODEL_IMPLICIT_H
#define CW_MODEL_IMPLICIT_H

#include "causeway/model.h"

/* As cw_layer_ops.inverse_vjp, for every layer: its own, or else by an adjoint solve. CW_ENUMERIC: it
 * does not converge. */
cw_status cw_layer_inverse_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                               const double *glogj, cw_gradient_of *gtheta, cw_arena *work);

#endif
