/* Any layer of reals on a coarser lattice: of every stride-th site in each direction, or of the means of blocks.
 * Private to src/model. */
#ifndef CW_MODEL_COARSE_H
#define CW_MODEL_COARSE_H

#include "causeway/model.h"

/* How much coarser the lattice is that a spec's layer works on; 1: not. */
int cw_layer_coarsening(const cw_layer_spec *spec);
/* That lattice. false: there is none; fault says why. */
bool cw_layer_coarse_lattice(const cw_layer_spec *spec, const cw_lattice *lat, cw_lattice *coarse,
                             cw_layer_fault *fault);
/* Of a spec with a coarsening, in order. As cw_layer_kind.create. */
cw_status cw_layer_create_coarse(cw_context *ctx, const cw_layer_spec *spec,
                                 const cw_geometry *geom, cw_layer **out);

#endif
