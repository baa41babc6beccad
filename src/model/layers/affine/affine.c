#include "model/layers/affine/affine.h"

static const cw_layer_ops ops = CW_COUPLING_OPS("affine", "affine coupling: y = x e^s + t",
                                                "RealNVP, arXiv:1605.08803, eq. (4)");

static void outputs(const cw_transform_spec *spec, int *n_out, int *n_odd) {
  (void)spec;
  *n_out = 2;
  *n_odd = 1; /* t is odd, s even */
}

static const cw_transform transform = {
    .outputs = outputs, .n_keep = CW_AFFINE_KEEP, .last_gain = 0.1};

static cw_status create(cw_context *ctx, const cw_layer_spec *spec, const cw_geometry *geom,
                        cw_layer **out) {
  return cw_coupling_create(ctx, &ops, spec, geom, &transform,
                            CW_DISPATCH(cw_context_isa(ctx), cw_affine_kernels), out);
}

const cw_layer_kind cw_layer_affine = {
    .ops = &ops, .masked = true, .z2 = true, .net = true, .create = create};
