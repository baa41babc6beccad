#include "model/layers/additive/additive.h"

static const cw_layer_ops ops = CW_COUPLING_OPS("additive", "additive coupling: y = x + t",
                                                "NICE, arXiv:1410.8516, section 3.2");

static void outputs(const cw_transform_spec *spec, int *n_out, int *n_odd) {
  (void)spec;
  *n_out = *n_odd = 1;
}

static const cw_transform transform = {
    .outputs = outputs, .n_keep = CW_ADDITIVE_KEEP, .last_gain = 0.1};

static cw_status create(cw_context *ctx, const cw_layer_spec *spec, cw_field_kind field,
                        const cw_geometry *geom, cw_layer **out) {
  (void)field;
  const cw_transform_spec constants = {.z2 = spec->param[CW_COUPLING_Z2] != 0};
  return cw_coupling_create(ctx, &ops, spec, &constants, geom, &transform,
                            CW_DISPATCH(cw_context_isa(ctx), cw_additive_kernels), out);
}

static const cw_param params[] = {CW_COUPLING_PARAM_Z2, {0}};

const cw_layer_kind cw_layer_additive = {.ops = &ops,
                                         .params = params,
                                         .net = true,
                                         .masked = true,
                                         .refuse = cw_coupling_refuse,
                                         .create = create};
