#include <stdlib.h>
#include <string.h>

#include "causeway/sampler.h"

#define CW_SAMPLER(name) extern const cw_sampler_ops cw_sampler_##name;
#include "sampler/samplers.def"
#undef CW_SAMPLER

#define CW_SAMPLER(name) &cw_sampler_##name,
const cw_sampler_ops *const cw_samplers[] = {
#include "sampler/samplers.def"
    NULL};
#undef CW_SAMPLER

const cw_sampler_ops *cw_sampler_find(const char *name) {
  for (int i = 0; cw_samplers[i] != NULL; i++)
    if (strcmp(cw_samplers[i]->name, name) == 0) return cw_samplers[i];
  return NULL;
}

static void set_options(cw_sampler *s, const double *params, const int *choices) {
  for (int i = 0; s->ops->params[i].name != NULL; i++)
    s->param[i] = params != NULL ? params[i] : s->ops->params[i].preset;
  if (s->ops->choices_name == NULL || choices == NULL) return;
  for (int i = 0; s->ops->choices_name[i] != NULL; i++) s->choice[i] = choices[i];
}

cw_status cw_sampler_create(cw_context *ctx, const cw_sampler_ops *ops, const cw_theory *th,
                            const double *params, const int *choices, long n_blocks,
                            cw_sampler **out) {
  CW_REQUIRE(n_blocks > 0);
  *out = NULL;
  cw_sampler *s = cw_alloc(sizeof *s);
  if (s == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a sampler");
  *s = (cw_sampler){.ops = ops, .ctx = ctx, .th = th};
  set_options(s, params, choices);
  if (!ops->fits(th, s->param)) {
    free(s);
    return cw_fail(ctx, CW_EINVAL, "sampler '%s' with these settings cannot sample theory '%s'",
                   ops->name, th->ops->name);
  }
  s->n_areas = n_blocks < cw_threads(ctx) ? (int)n_blocks : cw_threads(ctx);
  s->area_size = (ops->work_size(th) + 63) & ~(size_t)63;
  s->work = cw_alloc((size_t)s->n_areas * s->area_size);
  if (s->work == NULL) {
    free(s);
    return cw_fail(ctx, CW_ENOMEM, "no memory for sampler '%s'", ops->name);
  }
  cw_status st = ops->init(s);
  if (st != CW_OK) {
    cw_sampler_destroy(s);
    return st;
  }
  *out = s;
  return CW_OK;
}

void cw_sampler_destroy(cw_sampler *s) {
  if (s == NULL) return;
  if (s->ops->release != NULL) s->ops->release(s);
  free(s->work);
  free(s);
}
