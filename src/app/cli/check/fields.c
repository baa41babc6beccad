/* Actions and forces of every layout against the reference. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/cli/check/checks.h"
#include "causeway/theory.h"

/* A configuration and its force, by kernels and by the reference. */
typedef struct {
  cw_field x, f;
  double *plain, *plain_f; /* (n_sites, n_comp), (n_sites, n_tangent) */
} pair;

static cw_status open_pair(cw_context *ctx, const cw_theory *th, pair *p) {
  long sites = th->geom->n_sites, n = CW_LANES / th->geom->V;
  *p = (pair){0};
  CW_TRY(cw_field_create(ctx, th->geom, th->n_comp, n, &p->x));
  CW_TRY(cw_field_create(ctx, th->geom, th->n_tangent, n, &p->f));
  p->plain = cw_alloc((size_t)(sites * th->n_comp) * sizeof(double));
  p->plain_f = cw_alloc((size_t)(sites * th->n_tangent) * sizeof(double));
  return p->plain != NULL && p->plain_f != NULL ? CW_OK : cw_check_no_memory(ctx);
}

static void close_pair(pair *p) {
  cw_field_destroy(&p->x);
  cw_field_destroy(&p->f);
  free(p->plain);
  free(p->plain_f);
}

static cw_status compare_number(cw_context *ctx, const cw_theory *th, const char *what, long at,
                                double found, double expected) {
  if (fabs(found - expected) < 1e-11 * (1 + fabs(expected))) return CW_OK;
  return cw_fail(ctx, CW_ENUMERIC, "%s: %s %ld is %.15g, expected %.15g", th->ops->name, what, at,
                 found, expected);
}

static cw_status compare_configuration(cw_context *ctx, const cw_theory *th, pair *p, long i,
                                       const double *T) {
  double T0[CW_MAX_TERMS];
  int n = th->n_tangent;
  for (long k = 0; k < th->geom->n_sites * th->n_comp; k++)
    p->plain[k] = cw_field_get(&p->x, i, k / th->n_comp, (int)(k % th->n_comp));
  th->ops->reference(th, &th->geom->lat, p->plain, th->c, T0, p->plain_f);
  for (int k = 0; k < th->ops->n_terms; k++)
    CW_TRY(compare_number(ctx, th, "term", k, T[i * th->ops->n_terms + k], T0[k]));
  for (long k = 0; k < th->geom->n_sites * n; k++)
    CW_TRY(compare_number(ctx, th, "force component", k,
                          cw_field_get(&p->f, i, k / n, (int)(k % n)), p->plain_f[k]));
  return CW_OK;
}

/* The kernels against plain loops over sites. */
static cw_status compare_kernels(cw_context *ctx, const cw_theory *th) {
  double T[CW_LANES * CW_MAX_TERMS];
  pair p;
  cw_status st = open_pair(ctx, th, &p);
  if (st == CW_OK) {
    cw_kind(th->ops->kind)->hot(cw_context_isa(ctx), &p.x, cw_rng_stream(1, "check"), 0);
    th->ops->terms(th, &p.x, T);
    th->ops->force(th, &p.x, th->c, &p.f);
  }
  for (long i = 0; st == CW_OK && i < p.x.n_config; i++)
    st = compare_configuration(ctx, th, &p, i, T);
  close_pair(&p);
  return st;
}

/* The same for every split of the lattice into lanes; *n: how many there are. */
static cw_status compare_splits(cw_context *ctx, const char *theory, int form,
                                const cw_lattice *lat, const double *param, int *n) {
  int split[5];
  *n = cw_geometry_splits(lat, split);
  for (int k = 0; k < *n; k++) {
    cw_geometry *geom = NULL;
    cw_theory th = {0};
    cw_status st = cw_geometry_create(ctx, lat, split[k], &geom);
    if (st == CW_OK) st = cw_theory_create(ctx, cw_theory_find(theory), geom, form, param, &th);
    if (st == CW_OK) st = compare_kernels(ctx, &th);
    cw_theory_destroy(&th);
    cw_geometry_destroy(geom);
    CW_TRY(st);
  }
  return CW_OK;
}

cw_status cw_check_theory(cw_context *ctx, char *found, size_t size) {
  const cw_lattice lat = {.dim = 2, .extent = {8, 8}};
  const double param[] = {-4, 8};
  int n;
  CW_TRY(compare_splits(ctx, "phi4", 0, &lat, param, &n));
  snprintf(found, size, "%d ways to lay out 8x8, kernels %s", n, cw_isa_name(cw_context_isa(ctx)));
  return CW_OK;
}

/* Gauge actions with a defect, so that every class of plaquettes counts. */
cw_status cw_check_gauge(cw_context *ctx, char *found, size_t size) {
  static const char *const theories[] = {"u1", "su2", "su3"};
  const cw_lattice lat = {.dim = 4, .extent = {4, 2, 6, 4}};
  const double param[] = {5.7, 0.5, 2, 2, 1, 1, 2};
  int n = 0;
  for (int i = 0; i < 3; i++) CW_TRY(compare_splits(ctx, theories[i], 2, &lat, param, &n));
  snprintf(found, size, "U(1), SU(2) and SU(3), %d ways to lay out 4x2x6x4", n);
  return CW_OK;
}
