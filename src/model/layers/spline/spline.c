#include "model/layers/spline/spline.h"

static const cw_layer_ops ops =
    CW_COUPLING_OPS("spline", "monotone rational-quadratic spline coupling with identity tails",
                    "Durkan et al., arXiv:1906.04032, section 3.1");

int cw_spline_n_out(int bins, bool z2) { return 3 * bins - (z2 ? 0 : 1); }

static void outputs(const cw_transform_spec *spec, int *n_out, int *n_odd) {
  *n_out = cw_spline_n_out(spec->bins, spec->z2);
  *n_odd = 0;
}

static const cw_transform transform = {
    .outputs = outputs, .n_keep = CW_SPLINE_KEEP, .last_gain = CW_SPLINE_GAIN};

cw_transform_spec cw_spline_constants(const cw_layer_spec *spec) {
  return (cw_transform_spec){.z2 = spec->param[CW_COUPLING_Z2] != 0,
                             .bins = (int)spec->param[CW_SPLINE_BINS],
                             .range = spec->param[CW_SPLINE_RANGE]};
}

static cw_status create(cw_context *ctx, const cw_layer_spec *spec, cw_field_kind field,
                        const cw_geometry *geom, cw_layer **out) {
  (void)field;
  const cw_transform_spec constants = cw_spline_constants(spec);
  return cw_coupling_create(ctx, &ops, spec, &constants, geom, &transform,
                            CW_DISPATCH(cw_context_isa(ctx), cw_spline_kernels), out);
}

static double reach(const cw_layer_spec *spec) { return spec->param[CW_SPLINE_RANGE]; }

static const cw_param params[] = {CW_COUPLING_PARAM_Z2, CW_SPLINE_PARAMS, {0}};

const cw_layer_kind cw_layer_spline = {.ops = &ops,
                                       .params = params,
                                       .net = true,
                                       .masked = true,
                                       .refuse = cw_coupling_refuse,
                                       .reach = reach,
                                       .create = create};
