/* Where Markov chains begin: hot, cold, or from a configuration in a file. */
#include <math.h>

#include "app/run/stage.h"

void cw_warn_configuration(cw_case *c, const char *path, bool doubtful,
                           const cw_configuration_info *info) {
  for (int i = 0; i < info->n_warnings; i++)
    if (doubtful)
      cw_warn(c->ctx, "'%s': %s", path, info->warning[i]);
    else
      cw_log(c->ctx, "warning: '%s': %s", path, info->warning[i]);
}

/* The doubt about a start goes into the case, too. */
static void warn(cw_case *c, const char *path, unsigned ignored,
                 const cw_configuration_info *info) {
  bool projected = info->wrong & CW_CHECK_UNITARITY;
  if (c->doubt.any) return; /* said already, of another rung's chains */
  c->doubt.any = projected || ignored != 0;
  c->doubt.off_group = projected ? fmax(info->unitarity, info->determinant) : 0;
  c->doubt.ignored = ignored;
  cw_warn_configuration(c, path, c->doubt.any, info);
}

/* Links that have no direction, such as zeros, have no projection. */
static cw_status check_projected(cw_case *c, const char *path, const cw_field *x) {
  for (long s = 0; x->n_config > 0 && s < x->geom->n_sites; s++)
    for (int k = 0; k < x->n_comp; k++)
      if (!isfinite(cw_field_get(x, 0, s, k)))
        return cw_fail(c->ctx, CW_EINVAL, "'%s': links cannot be projected onto %s (site %ld)",
                       path, cw_kind_title(c->theory.ops->kind), s);
  return CW_OK;
}

cw_status cw_read_configuration(cw_case *c, const char *path, unsigned ignore,
                                cw_configuration *conf, cw_configuration_info *info) {
  const cw_configuration_options known = {.lattice = &c->plan->lat,
                                          .kind = &c->theory.ops->kind,
                                          .n_comp = c->theory.n_comp,
                                          .ignore = ignore};
  return cw_configuration_read(c->ctx, path, &known, conf, info);
}

/* The matrices of links are in the order in which their numbers are components of a field. */
void cw_set_configuration(const cw_configuration *conf, cw_field *x, long i) {
  const cw_kind_ops *kind = cw_kind(conf->kind);
  const int n_links = kind->on_links ? conf->lat.dim : 0,
            reals = 2 * kind->n_colours * kind->n_colours;
  double link[18];
  if (!kind->on_links) cw_copy_in(x, i, conf->data);
  for (long l = 0; l < x->geom->n_sites * n_links; l++) {
    cw_link_from_matrix(conf->kind, conf->data + l * reals, link);
    for (int k = 0; k < kind->n_real; k++)
      cw_field_set(x, i, l / n_links, (int)(l % n_links) * kind->n_real + k, link[k]);
  }
}

/* Every chain from the same file. Files in single precision are off the group by 1e-7, which
 * projection mends; what is farther off needs the user's word. */
static cw_status start_from_file(cw_case *c, const cw_mcmc_plan *plan, cw_field *x) {
  cw_configuration conf = {0};
  cw_configuration_info info;
  const char *path = plan->start_file;
  const cw_kind_ops *kind = cw_kind(c->theory.ops->kind);
  CW_TRY(cw_read_configuration(
      c, path, plan->ignore_checks | (plan->project_start ? CW_CHECK_UNITARITY : 0), &conf, &info));
  kind->cold(x); /* lanes without a chain */
  for (long i = 0; i < x->n_config; i++) cw_set_configuration(&conf, x, i);
  unsigned ignored = conf.ignored;
  cw_configuration_clear(&conf);
  for (long b = 0; b < x->n_blocks; b++) {
    cw_field block = cw_field_block(x, b);
    kind->project(cw_context_isa(c->ctx), &block, 0, x->geom->n_outer);
  }
  CW_TRY(check_projected(c, path, x));
  warn(c, path, ignored, &info);
  return CW_OK;
}

cw_status cw_start_field(cw_case *c, const cw_mcmc_plan *plan, cw_rng rng, uint32_t draw,
                         cw_field *x) {
  const cw_kind_ops *kind = cw_kind(c->theory.ops->kind);
  if (plan->start_file[0] != '\0') return start_from_file(c, plan, x);
  if (plan->start == CW_START_COLD)
    kind->cold(x);
  else
    kind->hot(cw_context_isa(c->ctx), x, cw_rng_substream(rng, "start", draw), 0);
  return CW_OK;
}
