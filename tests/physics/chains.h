/* Runs of many chains of a theory with a sampler, measured and analysed: what the physics tests
 * share. */
#ifndef CW_TEST_CHAINS_H
#define CW_TEST_CHAINS_H

#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#include "causeway/observe.h"
#include "causeway/sampler.h"
#include "causeway/stats.h"

typedef struct {
  const char *theory, *form, *sampler;
  cw_lattice lat;
  double param[CW_MAX_PARAMS]; /* of the theory's form */
  const char *choice;          /* a value of one of the sampler's word keys; NULL: presets */
  struct {
    const char *name;
    double value;
  } set[4]; /* parameters of the sampler other than their presets; ends with NULL */
  long n_chain;
  bool cold; /* start; else hot */
  uint32_t n_therm, n_step;
  uint32_t seed;
} plan;

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  const cw_observable_ops *ops;
  long n_chain, n_step;
  int n_primary;
  double *data;   /* (n_chain, n_step, n_primary) */
  double *weight; /* (n_chain, n_step) exp(-dH) */
  double accept;  /* mean */
} chains;

/* Made where it is used: it points to the theory. */
static inline cw_observer observer_of(const chains *r) {
  return cw_observer_make(r->ops, &r->th, NULL);
}

static inline int index_of(const char *const *names, const char *name) {
  for (int i = 0; names[i] != NULL; i++)
    if (strcmp(names[i], name) == 0) return i;
  return -1;
}

/* Values of the sampler's parameters and word keys, presets but for those that the plan sets. */
static inline const cw_sampler_ops *set_sampler(const plan *p, double *param, int *choice) {
  const cw_sampler_ops *ops = cw_sampler_find(p->sampler);
  for (int i = 0; ops->params[i].name != NULL; i++) {
    param[i] = ops->params[i].preset;
    for (int k = 0; k < 4 && p->set[k].name != NULL; k++)
      if (strcmp(ops->params[i].name, p->set[k].name) == 0) param[i] = p->set[k].value;
  }
  for (int k = 0; p->choice != NULL && ops->choices_name[k] != NULL; k++) {
    int found = index_of(ops->choices[k], p->choice);
    if (found >= 0) choice[k] = found;
  }
  return ops;
}

static inline cw_chains make_chains(cw_context *ctx, const plan *p, const cw_theory *th,
                                    long n_chain) {
  double param[CW_MAX_PARAMS];
  int choice[CW_MAX_PARAMS] = {0};
  const cw_sampler_ops *ops = set_sampler(p, param, choice);
  cw_chains h;
  check_ok(ctx, cw_chains_open(ctx, th, ops, param, choice, n_chain, &h));
  return h;
}

static inline void record(chains *r, const cw_field *x, double *row, long step) {
  cw_observer observer = observer_of(r);
  check_ok(r->ctx, cw_measure(r->ctx, &observer, x, row, NULL));
  for (long i = 0; i < r->n_chain; i++)
    memcpy(r->data + (i * r->n_step + step) * r->n_primary, row + i * r->n_primary,
           (size_t)r->n_primary * sizeof *row);
}

/* Thermalises while tuning, then measures after every step. */
static inline chains run_chains(cw_context *ctx, const plan *p) {
  const cw_theory_ops *ops = cw_theory_find(p->theory);
  chains r = {.ctx = ctx, .n_chain = p->n_chain, .n_step = p->n_step};
  int V = 1;
  if (cw_kind(ops->kind)->on_links)
    V = cw_geometry_choose(&p->lat, cw_kind_components(ops->kind, &p->lat), p->n_chain);
  check_ok(ctx, cw_geometry_create(ctx, &p->lat, V, &r.geom));
  check_ok(ctx, cw_theory_create(ctx, ops, r.geom, index_of(ops->forms, p->form), p->param, &r.th));
  r.ops = cw_observable_for(&r.th);
  cw_observer observer = observer_of(&r);
  r.n_primary = r.ops->n_primary(&observer);
  cw_chains h = make_chains(ctx, p, &r.th, p->n_chain);
  size_t lanes = (size_t)(h.x.n_blocks * h.x.B), steps = (size_t)(p->n_chain * p->n_step);
  double *row = calloc(lanes * (size_t)r.n_primary, sizeof *row);
  r.data = calloc(steps * (size_t)r.n_primary, sizeof *r.data);
  r.weight = calloc(steps, sizeof *r.weight);
  assert_true(row && r.data && r.weight);
  cw_rng rng = cw_rng_stream(p->seed, "chains");
  if (p->cold)
    cw_kind(ops->kind)->cold(&h.x);
  else
    cw_kind(ops->kind)->hot(r.th.isa, &h.x, cw_rng_stream(p->seed, "start"), 0);
  check_ok(ctx, cw_sampler_run(&h, r.th.c, rng, 0, p->n_therm, p->n_therm));
  for (uint32_t k = 0; k < p->n_step; k++) {
    check_ok(ctx, cw_sampler_run(&h, r.th.c, rng, p->n_therm + k, 1, 0));
    r.accept += cw_chains_mean(&h, h.accept) / p->n_step;
    for (long c = 0; c < p->n_chain; c++) r.weight[c * p->n_step + k] = exp(-h.dH[c]);
    record(&r, &h.x, row, k);
  }
  free(row);
  cw_chains_close(&h);
  return r;
}

static inline void free_chains(chains *r) {
  free(r->data);
  free(r->weight);
  cw_theory_destroy(&r->th);
  cw_geometry_destroy(r->geom);
}

/* ------------------------------------------------------------------ estimates */

typedef struct {
  const cw_observer *observer;
  const cw_quantity *q;
  int i;
} derived_arg;

static inline double derived_value(const double *mean, const void *arg) {
  const derived_arg *a = arg;
  return cw_quantity_value(a->observer, a->q, mean, a->i);
}

static inline cw_estimate estimate(const chains *r, const char *name, int i) {
  cw_observer observer = observer_of(r);
  derived_arg arg = {.observer = &observer, .q = cw_quantity_find(r->ops, name), .i = i};
  assert_non_null(arg.q);
  cw_estimate e;
  check_ok(r->ctx,
           cw_gamma(r->ctx, r->data, r->n_chain, r->n_step, r->n_primary, derived_value, &arg, &e));
  return e;
}

static inline double first_primary(const double *mean, const void *arg) {
  (void)arg;
  return mean[0];
}

/* <e^-dH> = 1: holds for any reversible, volume-preserving trajectory in equilibrium. */
static inline void check_exp_dH(const chains *r) {
  cw_estimate e;
  check_ok(r->ctx, cw_gamma(r->ctx, r->weight, r->n_chain, r->n_step, 1, first_primary, NULL, &e));
  check_sigma(e.value, e.error, 1, 4);
}

/* ------------------------------------------------------------ reference table */

/* m2 form at m2 = -4, D = 2, from long runs of an independent cluster program: value and error of
 * each number. */
typedef struct {
  int L;
  double lambda;
  double chi2[2], abs_m[2], phi2[2], nn[2], xi[2];
} reference_row;

static const reference_row reference_table[] = {
    {8, 8.0, {0.74415, 44e-5}, {0.08702, 3e-5}, {0.14344, 1e-5}, {0.08851, 2e-5}, {1.2323, 8e-4}},
    {6, 6.975, {1.0634, 6e-4}, {0.14152, 5e-5}, {0.16139, 2e-5}, {0.11672, 4e-5}, {1.4836, 7e-4}},
    {8, 6.008, {1.8992, 14e-4}, {0.14234, 6e-5}, {0.18390, 2e-5}, {0.15123, 5e-5}, {2.0029, 11e-4}},
    {12, 5.276, {4.126, 4e-3}, {0.14035, 8e-5}, {0.21045, 3e-5}, {0.19835, 6e-5}, {3.007, 2e-3}},
    {20, 4.807, {10.59, 2e-2}, {0.13531, 12e-5}, {0.23711, 3e-5}, {0.25216, 8e-5}, {4.970, 6e-3}},
};

static inline void check_entry(const chains *r, const char *name, double unit,
                               const double *known) {
  cw_estimate e = estimate(r, name, 0);
  double error = hypot(unit * e.error, known[1]);
  double z = (unit * e.value - known[0]) / error;
  if (fabs(z) > 4) {
    print_error("%s = %.6g +- %.2g (tau_int %.2f), expected %.6g +- %.2g: %.1f sigma\n", name,
                unit * e.value, unit * e.error, e.tau_int, known[0], known[1], z);
    fail();
  }
}

/* A row of the table with a sampler, in either form: phi_A = sqrt(kappa) phi_kappa, lambda = 1/2,
 * kappa = (2 lambda_A)^-1/2 is m2 = -4 in two dimensions. */
static inline void check_row(cw_context *ctx, const reference_row *row, const char *form,
                             const char *sampler, const char *choice, long n_chain,
                             uint32_t n_step) {
  bool hopping = strcmp(form, "kappa") == 0;
  double kappa = 1 / sqrt(2 * row->lambda), unit = hopping ? kappa : 1;
  plan p = {.theory = "phi4",
            .form = form,
            .sampler = sampler,
            .choice = choice,
            .lat = {2, {row->L, row->L}},
            .n_chain = n_chain,
            .n_therm = 150,
            .n_step = n_step,
            .seed = 20};
  p.param[0] = hopping ? kappa : -4;
  p.param[1] = hopping ? 0.5 : row->lambda;
  chains r = run_chains(ctx, &p);
  check_entry(&r, "chi2", unit, row->chi2);
  check_entry(&r, "abs_m", sqrt(unit), row->abs_m);
  check_entry(&r, "phi2", unit, row->phi2);
  check_entry(&r, "nn", unit, row->nn);
  check_entry(&r, "xi", 1, row->xi);
  check_exp_dH(&r);
  free_chains(&r);
}

#endif
