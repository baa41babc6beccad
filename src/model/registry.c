#include <math.h>
#include <string.h>

#include "model/layers/coarse.h"

#define CW_LAYER(symbol) extern const cw_layer_kind cw_layer_##symbol;
#include "model/layers.def"
#undef CW_LAYER

#define CW_LAYER(symbol) &cw_layer_##symbol,
const cw_layer_kind *const cw_layers[] = {
#include "model/layers.def"
    NULL};
#undef CW_LAYER

const cw_layer_kind *cw_layer_find(const char *name) {
  for (int i = 0; cw_layers[i]; i++)
    if (strcmp(cw_layers[i]->ops->name, name) == 0) return cw_layers[i];
  return NULL;
}

static int count_params(const cw_layer_kind *kind) {
  int n = 0;
  while (kind->params && kind->params[n].name) n++;
  return n;
}

static int count_choices(const cw_layer_kind *kind) {
  int n = 0;
  while (kind->choices_name && kind->choices_name[n]) n++;
  return n;
}

cw_layer_spec cw_layer_presets(const cw_layer_kind *kind) {
  cw_layer_spec spec = {.kind = kind->ops->name};
  for (int i = 0; i < count_params(kind); i++) spec.param[i] = kind->params[i].preset;
  return spec;
}

bool cw_layer_set(cw_layer_spec *spec, const char *name, double value) {
  const cw_layer_kind *kind = cw_layer_find(spec->kind);
  for (int i = 0; kind && i < count_params(kind); i++)
    if (strcmp(kind->params[i].name, name) == 0) {
      spec->param[i] = value;
      return true;
    }
  return false;
}

static bool same_net(const cw_net_spec *a, const cw_net_spec *b) {
  return a->kind == b->kind && a->kernel == b->kernel && a->activation == b->activation &&
         a->n_hidden == b->n_hidden && memcmp(a->hidden, b->hidden, sizeof a->hidden) == 0;
}

static bool is_precision(const cw_layer_kind *kind, const char *name) {
  for (int i = 0; kind->precision != NULL && kind->precision[i] != NULL; i++)
    if (strcmp(kind->precision[i], name) == 0) return true;
  return false;
}

bool cw_layer_alike(const cw_layer_spec *a, const cw_layer_spec *b) {
  const cw_layer_kind *kind = cw_layer_find(a->kind);
  if (kind == NULL || strcmp(a->kind, b->kind) != 0) return false;
  if (cw_layer_coarsening(a) != cw_layer_coarsening(b)) return false;
  if (cw_layer_coarsening(a) > 1 && (a->stride > 1) != (b->stride > 1)) return false;
  for (int i = 0; i < count_params(kind); i++)
    if (a->param[i] != b->param[i] && !is_precision(kind, kind->params[i].name)) return false;
  for (int i = 0; i < count_choices(kind); i++)
    if (a->choice[i] != b->choice[i]) return false;
  return !kind->net || same_net(&a->net, &b->net);
}

static bool fits_table(const cw_param *p, double value) {
  if (!(value >= p->min && value <= p->max)) return false;
  return p->numbers == CW_REAL || value == floor(value);
}

static cw_status check_keys(cw_context *ctx, const cw_layer_kind *kind, const cw_layer_spec *spec) {
  for (int i = 0; i < count_params(kind); i++) {
    const cw_param *p = &kind->params[i];
    if (!fits_table(p, spec->param[i]))
      return cw_fail(ctx, CW_EINVAL, "layer '%s': %s = %g, expected %s %g to %g", spec->kind,
                     p->name, spec->param[i],
                     p->numbers == CW_REAL ? "a number," : "a whole number,", p->min, p->max);
  }
  for (int i = 0; i < count_choices(kind); i++) {
    int n = 0;
    while (kind->choices[i][n]) n++;
    if (spec->choice[i] < 0 || spec->choice[i] >= n)
      return cw_fail(ctx, CW_EINVAL, "layer '%s': %s has %d values, not number %d", spec->kind,
                     kind->choices_name[i], n, spec->choice[i]);
  }
  return CW_OK;
}

bool cw_layer_fits(const cw_layer_kind *kind, cw_field_kind field) {
  return kind->fits != NULL ? kind->fits(field) : field == CW_SITE_REAL;
}

const cw_layer_spec *cw_model_inexact(const cw_model_spec *spec) {
  for (int i = 0; spec->kind == CW_MODEL_FLOW && i < spec->n_layers; i++) {
    const cw_layer_kind *kind = cw_layer_find(spec->layer[i].kind);
    if (kind != NULL && kind->precision != NULL) return &spec->layer[i];
  }
  return NULL;
}

bool cw_layer_refuse(const cw_layer_spec *spec, const cw_lattice *lat, cw_layer_fault *fault) {
  const cw_layer_kind *kind = cw_layer_find(spec->kind);
  cw_lattice coarse;
  *fault = (cw_layer_fault){0};
  if (!cw_layer_coarse_lattice(spec, lat, &coarse, fault)) return true;
  return kind->refuse != NULL && kind->refuse(spec, &coarse, fault);
}

cw_status cw_layer_create(cw_context *ctx, const cw_layer_spec *spec, cw_field_kind field,
                          const cw_geometry *geom, cw_layer **out) {
  cw_layer_fault fault = {0};
  *out = NULL;
  const cw_layer_kind *kind = cw_layer_find(spec->kind);
  if (kind == NULL) return cw_fail(ctx, CW_EINVAL, "model: unknown layer '%s'", spec->kind);
  if (!cw_layer_fits(kind, field))
    return cw_fail(ctx, CW_EINVAL, "layer '%s' does not move fields of kind '%s'", spec->kind,
                   cw_kind(field)->name);
  if (geom->V > 1 && !kind->split)
    return cw_fail(ctx, CW_EINVAL, "layer '%s' works on whole lattices, not on %d sub-lattices",
                   spec->kind, geom->V);
  CW_TRY(check_keys(ctx, kind, spec));
  if (cw_layer_refuse(spec, &geom->lat, &fault))
    return cw_fail(ctx, CW_EINVAL, "layer '%s'%s%s %s", spec->kind, fault.key ? ": " : "",
                   fault.key ? fault.key : "", fault.why);
  const bool coarse = cw_layer_coarsening(spec) > 1;
  if (coarse && field != CW_SITE_REAL)
    return cw_fail(ctx, CW_EINVAL, "layer '%s': stride and block are for reals", spec->kind);
  CW_TRY(coarse ? cw_layer_create_coarse(ctx, spec, geom, out)
                : kind->create(ctx, spec, field, geom, out));
  (*out)->field = field;
  (*out)->n_comp = cw_kind_components(field, &geom->lat);
  (*out)->n_tangent = cw_kind_tangent(field, &geom->lat);
  return CW_OK;
}

#define CW_AUTOREGRESSIVE(symbol) extern const cw_autoregressive_kind cw_autoregressive_##symbol;
#include "model/autoregressive.def"
#undef CW_AUTOREGRESSIVE

#define CW_AUTOREGRESSIVE(symbol) &cw_autoregressive_##symbol,
const cw_autoregressive_kind *const cw_autoregressives[] = {
#include "model/autoregressive.def"
    NULL};
#undef CW_AUTOREGRESSIVE

const cw_autoregressive_kind *cw_autoregressive_find(const char *name) {
  for (int i = 0; cw_autoregressives[i]; i++)
    if (strcmp(cw_autoregressives[i]->name, name) == 0) return cw_autoregressives[i];
  return NULL;
}
