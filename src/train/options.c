#include "train/options.h"

static cw_status check_gradient(cw_context *ctx, const cw_train_options *o, const cw_model *model) {
  const bool reinforce = o->gradient == CW_GRADIENT_REINFORCE;
  if (!cw_model_is_discrete(model) && reinforce)
    return cw_fail(ctx, CW_EINVAL, "train: reinforce is for models of spins");
  if (cw_model_is_discrete(model) &&
      (o->loss == CW_LOSS_TRANSITION || reinforce != (o->loss == CW_LOSS_REVERSE_KL) ||
       o->gradient == CW_GRADIENT_PATH))
    return cw_fail(ctx, CW_EINVAL,
                   "train: models of spins take the reverse KL with reinforce or the forward KL "
                   "with the plain gradient");
  if (cw_model_is_mixture(model) && o->loss == CW_LOSS_FORWARD_KL &&
      o->gradient == CW_GRADIENT_PATH)
    return cw_fail(ctx, CW_EINVAL,
                   "train: the path gradient of the forward KL needs a single flow, not a mixture");
  if (cw_model_is_mixture(model) && o->loss == CW_LOSS_TRANSITION)
    return cw_fail(ctx, CW_EINVAL, "train: a transition needs a single flow, not a mixture");
  return CW_OK;
}

static cw_status check_numbers(cw_context *ctx, const cw_train_options *o) {
  if (o->batch < 1 || (o->loss != CW_LOSS_TRANSITION && o->batch % CW_LANES != 0))
    return cw_fail(ctx, CW_EINVAL, "train: batch = %ld, expected a positive multiple of %d",
                   o->batch, o->loss == CW_LOSS_TRANSITION ? 1 : CW_LANES);
  if (o->steps < 0 || o->warmup < 0)
    return cw_fail(ctx, CW_EINVAL, "train: steps and warmup must not be negative");
  if (o->anneal < 0 || (o->anneal > 0 && o->loss != CW_LOSS_REVERSE_KL) ||
      !(o->anneal_from >= 0 && o->anneal_from <= 1))
    return cw_fail(ctx, CW_EINVAL,
                   "train: expected anneal >= 0, for the reverse KL, from a fraction of 0 to 1");
  if (!(o->rate > 0))
    return cw_fail(ctx, CW_EINVAL, "train: rate = %g, expected a positive number", o->rate);
  if (o->optimizer == CW_OPTIMIZER_ADAM &&
      !(o->beta1 >= 0 && o->beta1 < 1 && o->beta2 >= 0 && o->beta2 < 1 && o->epsilon > 0))
    return cw_fail(ctx, CW_EINVAL, "train: expected 0 <= beta1, beta2 < 1 and epsilon > 0");
  return CW_OK;
}

static cw_status check_optimizer(cw_context *ctx, const cw_train_options *o,
                                 const cw_model *model) {
  if (o->optimizer != CW_OPTIMIZER_NATURAL_GRADIENT) return CW_OK;
  if (o->loss != CW_LOSS_REVERSE_KL)
    return cw_fail(ctx, CW_EINVAL, "train: the natural gradient is that of the reverse KL");
  if (!cw_model_has_each(model))
    return cw_fail(ctx, CW_EINVAL,
                   "train: the natural gradient needs derivatives of each configuration, which a "
                   "layer of the model has not");
  if (!(o->damping > 0))
    return cw_fail(ctx, CW_EINVAL, "train: damping = %g, expected a positive number", o->damping);
  return CW_OK;
}

cw_status cw_train_check(cw_context *ctx, const cw_train_options *o, const cw_model *model) {
  CW_TRY(check_numbers(ctx, o));
  if (!cw_model_has_products(model))
    return cw_fail(ctx, CW_EINVAL, "train: a layer of the model has no derivatives");
  CW_TRY(check_gradient(ctx, o, model));
  return check_optimizer(ctx, o, model);
}
