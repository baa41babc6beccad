/* Where Markov chains begin: hot, cold, or from a gauge configuration of another code. */
#include "app/stage.h"
#include "causeway/configuration.h"

/* Every chain from the same file: the links of a configuration are the components of our SU(3)
 * field, in the same order of sites and directions. */
static cw_status start_from_file(cw_case *c, const char *path, cw_field *x) {
  cw_configuration conf = {0};
  cw_configuration_info info;
  CW_TRY(cw_configuration_read(c->ctx, path, &c->plan->lat, &conf, &info));
  for (int i = 0; i < info.n_warnings; i++) cw_log(c->ctx, "%s: %s", path, info.warning[i]);
  cw_kind(CW_LINK_SU3)->cold(x); /* lanes without a chain */
  for (long i = 0; i < x->n_config; i++) cw_copy_in(x, i, conf.link);
  cw_configuration_clear(&conf);
  for (long b = 0; b < x->n_blocks; b++) { /* files in single precision are off the group by 1e-7 */
    cw_field block = cw_field_block(x, b);
    cw_kind(CW_LINK_SU3)->project(cw_context_isa(c->ctx), &block, 0, x->geom->n_outer);
  }
  return CW_OK;
}

cw_status cw_start_field(cw_case *c, const cw_mcmc_plan *plan, uint32_t draw, cw_field *x) {
  const cw_kind_ops *kind = cw_kind(c->theory.ops->kind);
  if (plan->start_file[0] != '\0') return start_from_file(c, plan->start_file, x);
  if (plan->start == CW_START_COLD)
    kind->cold(x);
  else
    kind->hot(cw_context_isa(c->ctx), x, cw_rng_stream(c->plan->seed, "start"), draw);
  return CW_OK;
}
