#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/theory.h"

#define CW_THEORY(name) extern const cw_theory_ops cw_theory_##name;
#include "theory/theories.def"
#undef CW_THEORY

#define CW_THEORY(name) &cw_theory_##name,
const cw_theory_ops *const cw_theories[] = {
#include "theory/theories.def"
    NULL};
#undef CW_THEORY

const cw_theory_ops *cw_theory_find(const char *name) {
  for (int i = 0; cw_theories[i] != NULL; i++)
    if (strcmp(cw_theories[i]->name, name) == 0) return cw_theories[i];
  return NULL;
}

/* What a field of reals has of the components of its kind. */
static int times(const cw_theory_ops *ops, int form, const double *params) {
  if (ops->components == NULL) return 1;
  const int n = ops->components(form, params);
  CW_REQUIRE(ops->kind == CW_SITE_REAL && n >= 1 && n <= CW_MAX_COMPONENTS);
  return n;
}

int cw_theory_components(const cw_theory_ops *ops, const cw_lattice *lat, int form,
                         const double *params) {
  return times(ops, form, params) * cw_kind_components(ops->kind, lat);
}

double cw_theory_known(const cw_theory_ops *ops, int form, const cw_lattice *lat, const double *p,
                       const char *quantity) {
  if (strcmp(quantity, "free_energy") != 0)
    return ops->known_value != NULL ? ops->known_value(form, lat, p, quantity) : NAN;
  if (ops->known_lnz == NULL) return NAN;
  return -ops->known_lnz(form, lat, p) / (double)cw_lattice_sites(lat);
}

int cw_theory_tangent(const cw_theory_ops *ops, const cw_lattice *lat, int form,
                      const double *params) {
  return times(ops, form, params) * cw_kind_tangent(ops->kind, lat);
}

static void set_params(cw_theory *th, const double *params) {
  const cw_param *table = th->ops->params[th->form];
  for (int i = 0; table[i].name != NULL; i++) th->param[i] = params[i];
  th->ops->couplings(th->form, &th->geom->lat, params, th->c);
}

cw_status cw_theory_create(cw_context *ctx, const cw_theory_ops *ops, const cw_geometry *geom,
                           int form, const double *params, cw_theory *out) {
  *out = (cw_theory){.ops = ops,
                     .geom = geom,
                     .isa = cw_context_isa(ctx),
                     .threads = cw_threads(ctx),
                     .n_comp = cw_theory_components(ops, &geom->lat, form, params),
                     .n_tangent = cw_theory_tangent(ops, &geom->lat, form, params),
                     .form = form};
  set_params(out, params);
  return ops->prepare != NULL ? ops->prepare(ctx, out) : CW_OK;
}

cw_theory cw_theory_at(const cw_theory *th, const double *params) {
  cw_theory at = *th;
  set_params(&at, params);
  return at;
}

void cw_theory_destroy(cw_theory *th) {
  if (th->ops != NULL && th->ops->release != NULL) th->ops->release(th);
  *th = (cw_theory){0};
}

/* In ascending order into link, NULL: only counted. */
static long list_defect(const cw_theory *th, long *link) {
  const cw_lattice *lat = &th->geom->lat;
  long n = 0;
  for (long i = 0; i < th->geom->n_sites * lat->dim && th->ops->is_defect != NULL; i++) {
    int coord[CW_MAX_DIM], mu = (int)(i % lat->dim);
    cw_lattice_coord(lat, i / lat->dim, coord);
    if (!th->ops->is_defect(th->form, lat, th->param, coord, mu)) continue;
    if (link != NULL) link[n] = i;
    n++;
  }
  return n;
}

cw_status cw_theory_defect(cw_context *ctx, const cw_theory *th, cw_link_set *out) {
  long n = list_defect(th, NULL), *link = cw_alloc((size_t)n * sizeof *link);
  *out = (cw_link_set){.lat = th->geom->lat};
  if (link == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for the links of a defect");
  list_defect(th, link);
  cw_status st = cw_link_set_create(ctx, &th->geom->lat, n, link, out);
  free(link);
  return st;
}

int cw_theory_threads(const cw_theory *th) {
  enum { WORTH_A_THREAD = 1 << 14 }; /* doubles; fewer are done before another thread is awake */
  return th->geom->n_outer * th->n_comp * CW_LANES < WORTH_A_THREAD ? 1 : th->threads;
}

void cw_theory_action(const cw_theory *th, const cw_field *x, const double *c, double *scratch,
                      double *S) {
  th->ops->terms(th, x, scratch);
  int n = th->ops->n_terms;
  for (long i = 0; i < x->n_blocks * x->B; i++) {
    S[i] = 0;
    for (int k = 0; k < n; k++) S[i] += c[k] * scratch[i * n + k];
  }
}
