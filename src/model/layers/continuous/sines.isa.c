#include "model/layers/continuous/sines.h"
#include "simd/simd.h"

/* The lanes of one feature at one site. */
static inline double *row(double *z, int feature, long n_sites, long site) {
  return z + ((feature / 2 * n_sites + site) * 2 + feature % 2) * CW_LANES;
}
static inline const double *row_of(const double *z, int feature, long n_sites, long site) {
  return z + ((feature / 2 * n_sites + site) * 2 + feature % 2) * CW_LANES;
}

/* Two vectors of lanes, which keep both multipliers busy. */
enum { PAIR = 2 };
typedef struct {
  cw_vd v[PAIR];
} pair;

static inline pair load(const double *x) { return (pair){{cw_vd_load(x), cw_vd_load(x + CW_VD)}}; }
static inline void store(double *x, pair a) {
  for (int i = 0; i < PAIR; i++) cw_vd_store(x + i * CW_VD, a.v[i]);
}
static inline pair number(double a) { return (pair){{cw_vd_set1(a), cw_vd_set1(a)}}; }
/* a b + c. */
static inline pair fma_of(pair a, pair b, pair c) {
  for (int i = 0; i < PAIR; i++) c.v[i] = cw_vd_fma(a.v[i], b.v[i], c.v[i]);
  return c;
}
static inline void add_to(double *sum, pair a) {
  for (int i = 0; i < PAIR; i++) cw_vd_store(sum + i * CW_VD, cw_vd_load(sum + i * CW_VD) + a.v[i]);
}

/* s_k = sin(k a), c_k = cos(k a) for k = 0 ... H, by Chebyshev's recursion; s_0 holds phi. */
static inline void harmonics(int H, pair phi, double omega, pair *s, pair *c) {
  s[0] = phi;
  c[0] = number(1);
  for (int i = 0; i < PAIR; i++) {
    cw_vd_sincos(cw_vd_set1(omega) * phi.v[i], &s[1].v[i], &c[1].v[i]);
    const cw_vd twice = c[1].v[i] + c[1].v[i];
    cw_vd before = cw_vd_set1(0);
    for (int k = 2; k <= H; k++) {
      s[k].v[i] = twice * s[k - 1].v[i] - before;
      c[k].v[i] = twice * c[k - 1].v[i] - c[k - 2].v[i];
      before = s[k - 1].v[i];
    }
  }
}

/* Four features. */
static inline void four(const cw_sine_features *p, int f, const pair *s, pair *g) {
  const double *mix = p->mix_of_k + f;
  pair sum[4] = {number(0), number(0), number(0), number(0)};
  for (int k = 0; k <= p->H; k++, mix += p->F)
    for (int i = 0; i < 4; i++) sum[i] = fma_of(number(mix[i]), s[k], sum[i]);
  for (int i = 0; i < 4; i++) g[i] = sum[i];
}

static void features(const cw_sine_features *p, const int *outer, long n_sites, const double *x,
                     const double *own, double *z, double *divergence) {
  for (int l = 0; l < CW_LANES; l += PAIR * CW_VD) {
    pair sum = number(0), s[CW_CONTINUOUS_HARMONICS + 1], c[CW_CONTINUOUS_HARMONICS + 1], g[4];
    for (long site = 0; site < n_sites; site++) {
      harmonics(p->H, load(x + (long)outer[site] * CW_LANES + l), p->omega, s, c);
      sum = fma_of(number(own[0]), c[0], sum);
      for (int k = 1; k <= p->H; k++) sum = fma_of(number(own[k] * k * p->omega), c[k], sum);
      for (int f = 0; f < p->F; f += 4) {
        four(p, f, s, g);
        for (int i = 0; i < 4; i++) store(row(z, f + i, n_sites, site) + l, g[i]);
      }
    }
    add_to(divergence + l, sum);
  }
}

enum { CHUNK = 16 }; /* sites whose sines are kept to add up derivatives by mix */

typedef struct {
  pair s[CHUNK][CW_CONTINUOUS_HARMONICS + 1];
  int n;
  long first;
} chunk;

/* to.mix += u_f s_k of the sites of a chunk, for four f and n k. */
static inline __attribute__((always_inline)) void add_tile(const cw_sine_features *p,
                                                           const chunk *at, long n_sites, int l,
                                                           const double *u, int f, int k, int n,
                                                           double *mix) {
  pair acc[4][4];
  for (int j = 0; j < 4; j++)
    for (int m = 0; m < n; m++) acc[j][m] = number(0);
  for (int i = 0; i < at->n; i++)
    for (int j = 0; j < 4; j++) {
      const pair v = load(row_of(u, f + j, n_sites, at->first + i) + l);
      for (int m = 0; m < n; m++) acc[j][m] = fma_of(v, at->s[i][k + m], acc[j][m]);
    }
  for (int j = 0; j < 4; j++)
    for (int m = 0; m < n; m++)
      add_to(mix + ((f + j) * (p->H + 1) + k + m) * CW_LANES + l, acc[j][m]);
}

static void add_products(const cw_sine_features *p, const chunk *at, long n_sites, int l,
                         const double *u, double *mix) {
  for (int f = 0; f < p->F; f += 4) {
    int k = 0;
    for (; k + 3 <= p->H + 1; k += 3) add_tile(p, at, n_sites, l, u, f, k, 3, mix);
    for (; k <= p->H; k++) add_tile(p, at, n_sites, l, u, f, k, 1, mix);
  }
}

/* q_k = sum_f u_f mix_fk of n k. */
static inline __attribute__((always_inline)) void weigh(const cw_sine_features *p, int k, int n,
                                                        const pair *u, pair *q) {
  const double *mix = p->mix_of_k + k * p->F;
  const int F = p->F;
  pair sum[4];
  for (int m = 0; m < n; m++) sum[m] = number(0);
  for (int f = 0; f < F; f++)
    for (int m = 0; m < n; m++) sum[m] = fma_of(number(mix[m * F + f]), u[f], sum[m]);
  for (int m = 0; m < n; m++) q[k + m] = sum[m];
}

static void weigh_all(const cw_sine_features *p, const pair *u, pair *q) {
  int k = 0;
  for (; k + 4 <= p->H + 1; k += 4) weigh(p, k, 4, u, q);
  for (; k <= p->H; k++) weigh(p, k, 1, u, q);
}

/* The constants of a pass: k, and the factors of sines and cosines in the divergence. */
typedef struct {
  double k[CW_CONTINUOUS_HARMONICS + 1], sine[CW_CONTINUOUS_HARMONICS + 1],
      cosine[CW_CONTINUOUS_HARMONICS + 1];
} factors;

static factors factors_of(const cw_sine_features *p, const double *own) {
  factors f = {{0}, {0}, {0}};
  for (int k = 0; k <= p->H; k++) {
    f.k[k] = k;
    f.cosine[k] = own[k] * k;
    f.sine[k] = own[k] * k * k;
  }
  return f;
}

static void features_vjp(const cw_sine_features *p, const int *outer, long n_sites, const double *x,
                         const double *own, const double *u, const double *weight, double *g,
                         cw_sine_gradient *to) {
  const factors by = factors_of(p, own);
  const pair omega = number(p->omega);
  for (int l = 0; l < CW_LANES; l += PAIR * CW_VD) {
    pair c[CW_CONTINUOUS_HARMONICS + 1], q[CW_CONTINUOUS_HARMONICS + 1], at[CW_CONTINUOUS_FEATURES];
    pair sum_c[CW_CONTINUOUS_HARMONICS + 1], by_omega = number(0);
    const pair b = load(weight + l);
    pair minus_b_omega;
    chunk part = {.n = 0};
    for (int i = 0; i < PAIR; i++) minus_b_omega.v[i] = -b.v[i] * omega.v[i];
    for (int k = 0; k <= p->H; k++) sum_c[k] = number(0);
    for (long site = 0; site < n_sites; site++) {
      const pair phi = load(x + (long)outer[site] * CW_LANES + l);
      pair *s = part.s[part.n], slope = number(0), own_s = number(0), own_c = number(0);
      harmonics(p->H, phi, p->omega, s, c);
      for (int f = 0; f < p->F; f++) at[f] = load(row_of(u, f, n_sites, site) + l);
      weigh_all(p, at, q);
      for (int k = 1; k <= p->H; k++) {
        for (int i = 0; i < PAIR; i++) q[k].v[i] *= cw_vd_set1(by.k[k]);
        slope = fma_of(q[k], c[k], slope);
        own_s = fma_of(number(by.sine[k]), s[k], own_s);
      }
      const pair rest = fma_of(minus_b_omega, own_s, slope);
      store(g + (long)outer[site] * CW_LANES + l, fma_of(omega, rest, q[0]));
      if (to == NULL) continue;
      for (int k = 1; k <= p->H; k++) {
        own_c = fma_of(number(by.cosine[k]), c[k], own_c);
        sum_c[k] = fma_of(c[0], c[k], sum_c[k]);
      }
      by_omega = fma_of(b, own_c, fma_of(phi, rest, by_omega));
      part.n++;
      if (part.n < CHUNK && site + 1 < n_sites) continue;
      part.first = site + 1 - part.n;
      add_products(p, &part, n_sites, l, u, to->mix);
      part.n = 0;
    }
    if (to == NULL) continue;
    add_to(to->omega + l, by_omega);
    sum_c[0] = number((double)n_sites);
    for (int k = 0; k <= p->H; k++) {
      pair factor = number(k == 0 ? 1 : k * p->omega);
      for (int i = 0; i < PAIR; i++) factor.v[i] *= b.v[i];
      add_to(to->own + k * CW_LANES + l, fma_of(factor, sum_c[k], number(0)));
    }
  }
}

const cw_sine_kernels CW_ISA_NAME(cw_sine_kernels) = {features, features_vjp};
