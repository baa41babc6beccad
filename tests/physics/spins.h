/* Many chains of Ising spins on small lattices, and the probabilities of all their configurations:
 * what the tests of samplers share. */
#ifndef CW_TEST_SPINS_H
#define CW_TEST_SPINS_H

#include "physics/chains.h"

/* A sampler with one of its settings. */
typedef struct {
  const char *sampler, *choice;
} method;

/* Many chains of one lattice. */
typedef struct {
  cw_geometry *geom;
  cw_theory th;
  cw_sampler *sampler;
  cw_field x;
} walkers;

/* work: sweeps or clusters in a step. */
static inline void open_walkers(walkers *w, cw_context *ctx, const method *m, const cw_lattice *lat,
                                int V, const double *param, int work, long n) {
  plan p = {
      .sampler = m->sampler, .choice = m->choice, .set = {{"sweeps", work}, {"clusters", work}}};
  check_ok(ctx, cw_geometry_create(ctx, lat, V, &w->geom));
  check_ok(ctx, cw_theory_create(ctx, cw_theory_find("ising"), w->geom, 0, param, &w->th));
  check_ok(ctx, cw_field_create(ctx, w->geom, 1, n, &w->x));
  double values[CW_MAX_PARAMS];
  int choice[CW_MAX_PARAMS] = {0};
  const cw_sampler_ops *ops = set_sampler(&p, values, choice);
  check_ok(ctx, cw_sampler_create(ctx, ops, &w->th, values, choice, w->x.n_blocks, &w->sampler));
}

static inline void close_walkers(walkers *w) {
  cw_sampler_destroy(w->sampler);
  cw_field_destroy(&w->x);
  cw_geometry_destroy(w->geom);
}

static inline void step(cw_context *ctx, walkers *w, uint32_t i, double *accept) {
  cw_step_stats stats = {.accept = accept};
  check_ok(ctx,
           w->sampler->ops->step(w->sampler, w->th.c, &w->x, cw_rng_stream(3, "ising"), i, &stats));
}

static inline void step_back(cw_context *ctx, walkers *w, uint32_t i, double *accept) {
  cw_step_stats stats = {.accept = accept};
  check_ok(ctx, w->sampler->ops->step_back(w->sampler, w->th.c, &w->x, cw_rng_stream(3, "ising"), i,
                                           &stats));
}

/* ---------------------------------------------------------------- distributions */

/* A configuration as a number: bit s is set where spin s is -1. */
static inline unsigned state_of(const cw_field *x, long config) {
  unsigned state = 0;
  for (long s = 0; s < x->geom->n_sites; s++)
    state |= (unsigned)(cw_field_get(x, config, s, 0) < 0) << s;
  return state;
}

static inline void set_state(cw_field *x, long config, unsigned state) {
  for (long s = 0; s < x->geom->n_sites; s++)
    cw_field_set(x, config, s, 0, state >> s & 1 ? -1 : 1);
}

/* p (2^sites) of every configuration, by the formula. */
static inline double *enumerate(const cw_theory *th) {
  const long n = th->geom->n_sites;
  double *p = calloc(1u << n, sizeof *p), Z = 0, x[16], T[CW_MAX_TERMS];
  assert_true(p != NULL && n <= 16);
  for (unsigned state = 0; state < 1u << n; state++) {
    for (int s = 0; s < n; s++) x[s] = state >> s & 1 ? -1 : 1;
    th->ops->reference(th, &th->geom->lat, x, th->c, T, NULL);
    p[state] = exp(-th->c[0] * T[0] - th->c[1] * T[1]);
    Z += p[state];
  }
  for (unsigned state = 0; state < 1u << n; state++) p[state] /= Z;
  return p;
}

/* Independent configurations with probabilities p. */
static inline void start_in_equilibrium(cw_field *x, const double *p, unsigned n_states) {
  double *sum = malloc((n_states + 1) * sizeof *sum);
  sum[0] = 0;
  for (unsigned s = 0; s < n_states; s++) sum[s + 1] = sum[s] + p[s];
  for (long i = 0; i < x->n_config; i++) {
    double u[2];
    unsigned low = 0, high = n_states; /* sum[low] <= u < sum[high] */
    cw_uniform2(cw_rng_stream(9, "start"), 0, (uint32_t)i, 0, 0, u);
    while (high - low > 1) {
      unsigned middle = (low + high) / 2;
      *(sum[middle] <= u[0] ? &low : &high) = middle;
    }
    set_state(x, i, low);
  }
  free(sum);
}

/* chi^2 of independent chains against p; configurations that fewer than 20 chains should have count
 * as one. */
static inline void check_distribution(const cw_field *x, const double *p, unsigned n_states,
                                      const method *m, const char *when) {
  double *count = calloc(n_states, sizeof *count), n = (double)x->n_config;
  double chi2 = 0, rare = 0, of_rare = 0;
  int dof = -1;
  for (long i = 0; i < x->n_config; i++) count[state_of(x, i)]++;
  for (unsigned s = 0; s < n_states; s++) {
    bool is_rare = n * p[s] < 20;
    rare += is_rare ? n * p[s] : 0;
    of_rare += is_rare ? count[s] : 0;
    if (is_rare) continue;
    chi2 += (count[s] - n * p[s]) * (count[s] - n * p[s]) / (n * p[s]);
    dof++;
  }
  if (rare > 20) chi2 += (of_rare - rare) * (of_rare - rare) / rare, dof++;
  if (fabs(chi2 - dof) > 4.5 * sqrt(2.0 * dof) + 4) {
    print_error("%s, %s, %s, %d dim, %ld sites: chi^2 = %.1f of %d\n", m->sampler, m->choice, when,
                x->geom->lat.dim, x->geom->n_sites, chi2, dof);
    fail();
  }
  free(count);
}

#endif
