/* Stores with made-up but plausible content, laid out as `causeway run` writes them. */
#ifndef CW_TEST_SYNTHETIC_STORE_H
#define CW_TEST_SYNTHETIC_STORE_H

#include <stdlib.h>
#include <string.h>

#include "causeway/store.h"
#include "support/check.h"

/* phi^4 on 8 x 8: nine scalars, C[0..4] */
enum { SYN_V = 64, SYN_HALF = 4, SYN_PRIMARY = 9 + SYN_HALF + 1 };

typedef struct {
  cw_context *ctx;
  cw_store *store;
  const char *prefix; /* "" or "CASE/" */
  cw_rng rng;
  uint32_t draw;
} synthetic;

static inline double syn_normal(synthetic *s) {
  double z[2];
  cw_normal2(CW_ISA_BASE, s->rng, 0, 0, 0, s->draw++, z);
  return z[0];
}

static inline double syn_uniform(synthetic *s) {
  double u[2];
  cw_uniform2(s->rng, 0, 0, 1, s->draw++, u);
  return u[0];
}

/* Primaries of a made-up configuration with mean field m and fluctuation e of its local averages.
 */
static inline void syn_primaries(double m, double e, double *out) {
  out[0] = m;
  out[1] = fabs(m);
  out[2] = m * m;
  out[3] = m * m * m * m;
  out[4] = 0.1434 + 0.01 * e;
  out[5] = 0.051 + 0.006 * e;
  out[6] = 0.0885 + 0.01 * e;
  out[7] = 0.47 + 0.05 * e;
  out[8] = 0.35 * (1 + 0.5 * e);
  for (int t = 0; t <= SYN_HALF; t++)
    out[9 + t] = 0.35 * cosh(0.8 * (t - SYN_HALF)) / cosh(0.8 * SYN_HALF) * (1 + 0.1 * e) +
                 8 * (m * m - 0.0116) / 2;
}

static inline void syn_append(synthetic *s, const char *stage, cw_arrays *set) {
  char name[100];
  snprintf(name, sizeof name, "%s%s", s->prefix, stage);
  check_ok(s->ctx, cw_store_append(s->store, name, set));
  cw_arrays_clear(set);
}

static inline double *syn_doubles(long n) {
  double *x = calloc((size_t)n + 1, sizeof *x);
  assert_non_null(x);
  return x;
}

static inline void syn_put(synthetic *s, cw_arrays *set, const char *name, long n0, long n1,
                           long n2, const double *data) {
  long dim[3] = {n0, n1, n2};
  int rank = n2 > 0 ? 3 : n1 > 0 ? 2 : 1;
  check_ok(s->ctx, cw_arrays_put(s->ctx, set, name, rank, dim, data));
}

/* Chains whose m and e are AR(1) with autocorrelation time tau; thermalisation in a first segment
 * of its own. */
static inline void syn_sampler(synthetic *s, const char *name, long n_step, long n_chain,
                               double tau) {
  double a = (2 * tau - 1) / (2 * tau + 1), b = sqrt(1 - a * a);
  double *primary = syn_doubles(n_step * n_chain * SYN_PRIMARY), *accept = syn_doubles(n_step),
         *exp_mdH = syn_doubles(n_step);
  double *m = syn_doubles(n_chain), *e = syn_doubles(n_chain), therm[60], config[8] = {0};
  cw_arrays set = {0};
  for (int t = 0; t < 60; t++) therm[t] = 30 + 60 * exp(-t / 10.0) + syn_normal(s);
  syn_put(s, &set, "therm.action", 60, 0, 0, therm);
  check_ok(s->ctx, cw_arrays_put_scalar(s->ctx, &set, "timing.seconds", 0.5));
  syn_append(s, name, &set);
  for (long c = 0; c < n_chain; c++) {
    m[c] = syn_normal(s);
    e[c] = syn_normal(s);
  }
  for (long t = 0; t < n_step; t++) {
    for (long c = 0; c < n_chain; c++) {
      m[c] = a * m[c] + b * syn_normal(s);
      e[c] = a * e[c] + b * syn_normal(s);
      syn_primaries(0.1077 * m[c], e[c], primary + (t * n_chain + c) * SYN_PRIMARY);
    }
    accept[t] = 0.85 + 0.05 * syn_normal(s);
    exp_mdH[t] = 1 + 0.1 * syn_normal(s);
  }
  for (int part = 0; part < 2; part++) {
    long begin = part * n_step / 2, n = n_step / 2;
    syn_put(s, &set, "primary", n, n_chain, SYN_PRIMARY, primary + begin * n_chain * SYN_PRIMARY);
    syn_put(s, &set, "accept", n, 0, 0, accept + begin);
    syn_put(s, &set, "exp_mdH", n, 0, 0, exp_mdH + begin);
    syn_put(s, &set, "config", 1, 1, 8, config);
    syn_put(s, &set, "state.x", 1 + part, 0, 0, config);
    check_ok(s->ctx, cw_arrays_put_scalar(s->ctx, &set, "timing.seconds", 1.25));
    syn_append(s, name, &set);
  }
  free(primary);
  free(accept);
  free(exp_mdH);
  free(m);
  free(e);
}

static inline void syn_train(synthetic *s, long n, double F) {
  cw_arrays set = {0};
  double *x[5];
  for (int i = 0; i < 5; i++) x[i] = syn_doubles(n);
  for (long t = 0; t < n; t++) {
    double gap = 0.2 + 60 * exp(-(double)t / 8) + 2.5 * exp(-(double)t / (0.12 * (double)n));
    x[0][t] = F + gap + 0.03 * syn_normal(s);
    x[1][t] = 0.03;
    x[2][t] = exp(-2 * gap) * (1 + 0.04 * syn_normal(s));
    x[3][t] = (0.3 + 3 * exp(-(double)t / (0.1 * (double)n))) * exp(0.3 * syn_normal(s));
    x[4][t] =
        1e-3 * fmin(1, ((double)t + 1) / 50) * 0.5 * (1 + cos(3.14159 * (double)t / (double)n));
  }
  static const char *const names[] = {"loss", "loss_error", "ess", "grad_norm", "rate"};
  for (int i = 0; i < 5; i++) {
    syn_put(s, &set, names[i], n, 0, 0, x[i]);
    free(x[i]);
  }
  check_ok(s->ctx, cw_arrays_put_scalar(s->ctx, &set, "timing.seconds", 100));
  syn_append(s, "train", &set);
}

/* Log-weights of a flow whose ln w is Gaussian of variance s2 around the target: mean lnZ - s2/2
 * under q. covered: share of the target that the flow reaches. NMCMC proposes the same kind of
 * samples. */
static inline void syn_flow(synthetic *s, long n, double lnZ, double s2, double covered) {
  cw_arrays set = {0};
  double *lw = syn_doubles(n), *primary = syn_doubles(n * SYN_PRIMARY);
  for (long i = 0; i < n; i++) {
    double z = syn_normal(s);
    lw[i] = lnZ + log(covered) - s2 / 2 + sqrt(s2) * z;
    syn_primaries(0.1077 * syn_normal(s), syn_normal(s), primary + i * SYN_PRIMARY);
  }
  syn_put(s, &set, "lw", n, 0, 0, lw);
  syn_put(s, &set, "primary", n, SYN_PRIMARY, 0, primary);
  check_ok(s->ctx, cw_arrays_put_scalar(s->ctx, &set, "timing.seconds", 3));
  syn_append(s, "nis", &set);
  long n_chain = 4, n_step = n / n_chain;
  double *accept = syn_doubles(n), *chain_lw = syn_doubles(n),
         *chain = syn_doubles(n * SYN_PRIMARY);
  for (long i = 0; i < n_chain * n_step;
       i++) { /* row t of chain c is i = t n_chain + c; before it comes i - n_chain */
    bool take = i < n_chain || log(syn_uniform(s)) < lw[i] - chain_lw[i - n_chain];
    const double *from = take ? primary + i * SYN_PRIMARY : chain + (i - n_chain) * SYN_PRIMARY;
    memcpy(chain + i * SYN_PRIMARY, from, SYN_PRIMARY * sizeof *chain);
    chain_lw[i] = take ? lw[i] : chain_lw[i - n_chain];
    accept[i] = take;
  }
  syn_put(s, &set, "primary", n_step, n_chain, SYN_PRIMARY, chain);
  syn_put(s, &set, "accept", n_step, n_chain, 0, accept);
  syn_put(s, &set, "lw", n_step, n_chain, 0, chain_lw);
  check_ok(s->ctx, cw_arrays_put_scalar(s->ctx, &set, "timing.seconds", 4));
  syn_append(s, "nmcmc", &set);
  free(lw);
  free(primary);
  free(accept);
  free(chain_lw);
  free(chain);
}

/* Log-weights on samples of the target: mean lnZ + s2/2 where the flow reaches, far above
 * elsewhere. */
static inline void syn_forward(synthetic *s, long n_step, long n_chain, double lnZ, double s2,
                               double covered) {
  cw_arrays set = {0};
  double *lw = syn_doubles(n_step * n_chain);
  for (long i = 0; i < n_step * n_chain; i++) {
    bool inside = syn_uniform(s) < covered;
    lw[i] = inside ? lnZ + log(covered) + s2 / 2 + sqrt(s2) * syn_normal(s)
                   : lnZ + 14 + 2 * syn_normal(s);
  }
  syn_put(s, &set, "lw", n_step, n_chain, 0, lw);
  check_ok(s->ctx, cw_arrays_put_scalar(s->ctx, &set, "timing.seconds", 1));
  syn_append(s, "forward", &set);
  free(lw);
}

/* The first n_done of three Gauss-Legendre nodes on [0, 0.3]; the slope is 1 + 20 kappa + 300
 * kappa^2 plus noise. */
static inline void syn_chain(synthetic *s, int n_done, double lnZ0, double noise) {
  const double x[] = {-0.774596669241483377, 0, 0.774596669241483377},
               w[] = {5 / 9.0, 8 / 9.0, 5 / 9.0};
  for (int i = 0; i < n_done; i++) {
    cw_arrays set = {0};
    double kappa = 0.15 * (1 + x[i]), weight = 0.15 * w[i], slope[400];
    for (int k = 0; k < 400; k++)
      slope[k] = 1 + 20 * kappa + 300 * kappa * kappa + noise * syn_normal(s);
    syn_put(s, &set, "kappa", 1, 0, 0, &kappa);
    syn_put(s, &set, "weight", 1, 0, 0, &weight);
    syn_put(s, &set, "lnZ0", 1, 0, 0, &lnZ0);
    syn_put(s, &set, "slope", 1, 100, 4, slope);
    check_ok(s->ctx, cw_arrays_put_scalar(s->ctx, &set, "timing.seconds", 2));
    syn_append(s, "chain", &set);
  }
}

#endif
