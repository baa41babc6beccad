/* What layers share, and those that are nothing but parameters: no network, no tables. */
#ifndef CW_MODEL_LAYERS_PLAIN_H
#define CW_MODEL_LAYERS_PLAIN_H

#include "causeway/model.h"

/* A layer of n_theta parameters. CW_ENOMEM. */
cw_status cw_layer_create_plain(cw_context *ctx, const cw_layer_ops *ops, const cw_geometry *geom,
                                long n_theta, cw_layer **out);
/* The same with room for an impl of so many bytes, zeroed. */
cw_status cw_layer_create_holding(cw_context *ctx, const cw_layer_ops *ops, const cw_geometry *geom,
                                  long n_theta, size_t impl_bytes, cw_layer **out);
void cw_layer_destroy_plain(cw_layer *L); /* of either; NULL: nothing */
/* The frame of a layer whose products need nothing but the block x: a copy. CW_ENOMEM. */
cw_status cw_layer_keep(const cw_layer *L, const double *x, cw_arena *tape, void **frame);
/* Starting parameters 0, of layers that are the identity there. */
void cw_layer_init_zero(const cw_layer *L, double *theta, cw_rng rng, uint32_t index, double gain);

#endif
