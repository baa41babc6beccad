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

cw_status cw_spline_check(cw_context *ctx, const cw_layer_spec *spec) {
  if (spec->bins < 2 || spec->bins > CW_SPLINE_MAX_BINS)
    return cw_fail(ctx, CW_EINVAL, "layer '%s': bins = %d, expected 2 to %d", spec->kind,
                   spec->bins, (int)CW_SPLINE_MAX_BINS);
  if (!(spec->range > 0))
    return cw_fail(ctx, CW_EINVAL, "layer '%s': range = %g, expected a positive number", spec->kind,
                   spec->range);
  return CW_OK;
}

static cw_status create(cw_context *ctx, const cw_layer_spec *spec, const cw_geometry *geom,
                        cw_layer **out) {
  CW_TRY(cw_spline_check(ctx, spec));
  return cw_coupling_create(ctx, &ops, spec, geom, &transform,
                            CW_DISPATCH(cw_context_isa(ctx), cw_spline_kernels), out);
}

const cw_layer_kind cw_layer_spline = {
    .ops = &ops, .masked = true, .z2 = true, .net = true, .bins = 8, .range = 4, .create = create};
