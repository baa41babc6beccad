/* Hybrid Monte Carlo and the heat bath against known values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/check/checks.h"
#include "causeway/observe.h"
#include "causeway/sampler.h"
#include "causeway/stats.h"

typedef struct {
  long n_chain, n_step, n_therm;
  int n_primary;
  double *data; /* (n_chain, n_step, n_primary) */
} chains;

static cw_status measure(cw_context *ctx, const cw_observer *obs, cw_chains *h, double *row,
                         chains *r) {
  const cw_rng rng = cw_rng_stream(1, "check");
  const uint32_t n_therm = (uint32_t)r->n_therm;
  cw_kind(h->sampler->th->ops->kind)->hot(cw_context_isa(ctx), &h->x, cw_rng_stream(1, "start"), 0);
  CW_TRY(cw_sampler_run(h, obs->th->c, rng, 0, n_therm, n_therm));
  for (long t = 0; t < r->n_step; t++) {
    CW_TRY(cw_sampler_run(h, obs->th->c, rng, n_therm + (uint32_t)t, 1, 0));
    CW_TRY(cw_measure(ctx, obs, &h->x, row, NULL));
    for (long i = 0; i < r->n_chain; i++)
      memcpy(r->data + (i * r->n_step + t) * r->n_primary, row + i * r->n_primary,
             (size_t)r->n_primary * sizeof *row);
  }
  return CW_OK;
}

/* r->data is the caller's to free, also after a failure. */
static cw_status run_chains(cw_context *ctx, const cw_theory *th, const char *sampler, chains *r) {
  cw_chains h;
  const cw_observer obs = cw_observer_make(cw_observable_for(th), th, NULL);
  r->n_primary = obs.ops->n_primary(&obs);
  cw_status st = cw_chains_open(ctx, th, cw_sampler_find(sampler), NULL, NULL, r->n_chain, &h);
  double *row = cw_alloc((size_t)(r->n_chain * r->n_primary) * sizeof *row);
  r->data = cw_alloc((size_t)(r->n_chain * r->n_step * r->n_primary) * sizeof *r->data);
  if (row == NULL || r->data == NULL) st = cw_check_no_memory(ctx);
  if (st == CW_OK) st = measure(ctx, &obs, &h, row, r);
  cw_chains_close(&h);
  free(row);
  return st;
}

typedef struct {
  const cw_observer *observer;
  const cw_quantity *quantity;
} derived;

static double derived_value(const double *mean, const void *arg) {
  const derived *d = arg;
  return cw_quantity_value(d->observer, d->quantity, mean, 0);
}

/* m^2 = -4, lambda = 8 on 8x8: long runs of a cluster algorithm gave these; docs/conventions.md. */
static const struct {
  const char *name;
  double value, error;
} known[] = {{"chi2", 0.74415, 0.00044},
             {"abs_m", 0.08702, 0.00003},
             {"phi2", 0.14344, 0.00001},
             {"nn", 0.08851, 0.00002}};
enum { N_KNOWN = sizeof known / sizeof *known };

/* Quantity name of chains of th, against its known value. */
static cw_status compare_quantity(cw_context *ctx, const cw_theory *th, const chains *r,
                                  const char *name, double value, double error, cw_estimate *e) {
  const cw_observer obs = cw_observer_make(cw_observable_for(th), th, NULL);
  const derived d = {.observer = &obs, .quantity = cw_quantity_find(obs.ops, name)};
  CW_TRY(cw_gamma(ctx, r->data, r->n_chain, r->n_step, r->n_primary, derived_value, &d, e));
  return cw_within_4_sigma(ctx, name, e->value, e->error, value, error);
}

cw_status cw_check_hmc(cw_context *ctx, char *found, size_t size) {
  const cw_lattice lat = {.dim = 2, .extent = {8, 8}};
  const double param[] = {-4, 8};
  chains r = {.n_chain = 64, .n_therm = 500, .n_step = 6000};
  cw_geometry *geom = NULL;
  cw_theory th = {0};
  cw_estimate e = {0};
  CW_TRY(cw_geometry_create(ctx, &lat, 1, &geom));
  cw_status st = cw_theory_create(ctx, cw_theory_find("phi4"), geom, 0, param, &th);
  if (st == CW_OK) st = run_chains(ctx, &th, "hmc", &r);
  for (int k = N_KNOWN - 1; k >= 0 && st == CW_OK; k--)
    st = compare_quantity(ctx, &th, &r, known[k].name, known[k].value, known[k].error, &e);
  free(r.data);
  cw_theory_destroy(&th);
  cw_geometry_destroy(geom);
  snprintf(found, size, "chi2 = %.4f +- %.4f, expected %.4f", e.value, e.error, known[0].value);
  return st;
}

/* U(1) on 8x8 at beta = 2: Z(theta) = sum_n c_n(theta)^V; docs/conventions.md. */
cw_status cw_check_heatbath(cw_context *ctx, char *found, size_t size) {
  const cw_lattice lat = {.dim = 2, .extent = {8, 8}};
  const double beta = 2, plaquette = 0.697774658, q2 = 1.23929889;
  chains r = {.n_chain = 64, .n_therm = 200, .n_step = 2000};
  cw_geometry *geom = NULL;
  cw_theory th = {0};
  cw_estimate e = {0};
  CW_TRY(cw_geometry_create(ctx, &lat, 1, &geom));
  cw_status st = cw_theory_create(ctx, cw_theory_find("u1"), geom, 0, &beta, &th);
  if (st == CW_OK) st = run_chains(ctx, &th, "heatbath", &r);
  if (st == CW_OK) st = compare_quantity(ctx, &th, &r, "q2", q2, 0, &e);
  if (st == CW_OK) st = compare_quantity(ctx, &th, &r, "plaquette", plaquette, 0, &e);
  free(r.data);
  cw_theory_destroy(&th);
  cw_geometry_destroy(geom);
  snprintf(found, size, "U(1) <cos P> = %.5f +- %.5f, exactly %.5f", e.value, e.error, plaquette);
  return st;
}
