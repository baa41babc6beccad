#include "model/layers/continuous/sines.h"
#include "simd/simd.h"

/* The lanes of one feature at one site. */
static inline double *row(double *z, int feature, long n_sites, long site) {
  return z + ((feature / 2 * n_sites + site) * 2 + feature % 2) * CW_LANES;
}
static inline const double *row_of(const double *z, int feature, long n_sites, long site) {
  return z + ((feature / 2 * n_sites + site) * 2 + feature % 2) * CW_LANES;
}

/* s_k = sin(k a), c_k = cos(k a) for k = 0 ... H, by Chebyshev's recursion; s_0 holds phi. */
static inline void harmonics(int H, cw_vd phi, double omega, cw_vd *s, cw_vd *c) {
  cw_vd twice;
  s[0] = phi;
  c[0] = cw_vd_set1(1);
  cw_vd_sincos(cw_vd_set1(omega) * phi, &s[1], &c[1]);
  twice = c[1] + c[1];
  cw_vd before = cw_vd_set1(0);
  for (int k = 2; k <= H; k++) {
    s[k] = twice * s[k - 1] - before;
    c[k] = twice * c[k - 1] - c[k - 2];
    before = s[k - 1];
  }
}

/* Four features. */
static inline void four(const cw_sine_features *p, int f, const cw_vd *s, cw_vd *g) {
  for (int i = 0; i < 4; i++) g[i] = cw_vd_set1(0);
  for (int k = 0; k <= p->H; k++)
    for (int i = 0; i < 4; i++)
      g[i] = cw_vd_fma(cw_vd_set1(p->mix_of_k[k * p->F + f + i]), s[k], g[i]);
}

static void features(const cw_sine_features *p, const int *outer, long n_sites, const double *x,
                     const double *own, double *z, double *divergence) {
  for (int l = 0; l < CW_LANES; l += CW_VD) {
    cw_vd sum = cw_vd_set1(0), s[CW_CONTINUOUS_HARMONICS + 1], c[CW_CONTINUOUS_HARMONICS + 1], g[4];
    for (long site = 0; site < n_sites; site++) {
      harmonics(p->H, cw_vd_load(x + (long)outer[site] * CW_LANES + l), p->omega, s, c);
      sum += cw_vd_set1(own[0]);
      for (int k = 1; k <= p->H; k++) sum = cw_vd_fma(cw_vd_set1(own[k] * k * p->omega), c[k], sum);
      for (int f = 0; f < p->F; f += 4) {
        four(p, f, s, g);
        for (int i = 0; i < 4; i++) cw_vd_store(row(z, f + i, n_sites, site) + l, g[i]);
      }
    }
    cw_vd_store(divergence + l, cw_vd_load(divergence + l) + sum);
  }
}

enum { CHUNK = 16 }; /* sites whose sines are kept to add up derivatives by mix */

typedef struct {
  cw_vd s[CHUNK][CW_CONTINUOUS_HARMONICS + 1];
  int n;
  long first;
} chunk;

/* to.mix += u_f s_k of the sites of a chunk, four by four. */
static void add_products(const cw_sine_features *p, const chunk *at, long n_sites, int l,
                         const double *u, double *mix) {
  const int width = p->H + 1;
  for (int f = 0; f < p->F; f += 4)
    for (int k = 0; k < width; k += 4) {
      const int n = k + 4 <= width ? 4 : width - k;
      cw_vd acc[4][4] = {{{0}}};
      for (int i = 0; i < at->n; i++) {
        cw_vd v[4];
        for (int j = 0; j < 4; j++) v[j] = cw_vd_load(row_of(u, f + j, n_sites, at->first + i) + l);
        if (n == 4)
          for (int m = 0; m < 4; m++)
            for (int j = 0; j < 4; j++) acc[j][m] = cw_vd_fma(v[j], at->s[i][k + m], acc[j][m]);
        else
          for (int m = 0; m < n; m++)
            for (int j = 0; j < 4; j++) acc[j][m] = cw_vd_fma(v[j], at->s[i][k + m], acc[j][m]);
      }
      for (int j = 0; j < 4; j++)
        for (int m = 0; m < n; m++) {
          double *sum = mix + ((f + j) * width + k + m) * CW_LANES + l;
          cw_vd_store(sum, cw_vd_load(sum) + acc[j][m]);
        }
    }
}

/* sum_f u_f mix_fk. */
static inline cw_vd weight_of(const cw_sine_features *p, int k, const cw_vd *u) {
  cw_vd a = cw_vd_set1(0), b = cw_vd_set1(0);
  for (int f = 0; f < p->F; f += 2) {
    a = cw_vd_fma(cw_vd_set1(p->mix_of_k[k * p->F + f]), u[f], a);
    b = cw_vd_fma(cw_vd_set1(p->mix_of_k[k * p->F + f + 1]), u[f + 1], b);
  }
  return a + b;
}

static void add_own(const cw_sine_features *p, const cw_vd *c, cw_vd weight, int l, double *own) {
  for (int k = 0; k <= p->H; k++) {
    double *sum = own + k * CW_LANES + l;
    const cw_vd factor = weight * cw_vd_set1(k == 0 ? 1 : k * p->omega);
    cw_vd_store(sum, cw_vd_fma(factor, c[k], cw_vd_load(sum)));
  }
}

static void features_vjp(const cw_sine_features *p, const int *outer, long n_sites, const double *x,
                         const double *own, const double *u, const double *weight, double *g,
                         cw_sine_gradient *to) {
  const cw_vd omega = cw_vd_set1(p->omega);
  for (int l = 0; l < CW_LANES; l += CW_VD) {
    cw_vd c[CW_CONTINUOUS_HARMONICS + 1], at[CW_CONTINUOUS_FEATURES], by_omega = cw_vd_set1(0);
    const cw_vd b = cw_vd_load(weight + l);
    chunk part = {.n = 0};
    for (long site = 0; site < n_sites; site++) {
      const cw_vd phi = cw_vd_load(x + (long)outer[site] * CW_LANES + l);
      cw_vd *s = part.s[part.n];
      cw_vd slope = cw_vd_set1(0), own_s = slope, own_c = slope;
      harmonics(p->H, phi, p->omega, s, c);
      for (int f = 0; f < p->F; f++) at[f] = cw_vd_load(row_of(u, f, n_sites, site) + l);
      for (int k = 1; k <= p->H; k++) {
        const cw_vd a = cw_vd_set1(own[k] * k);
        slope = cw_vd_fma(weight_of(p, k, at) * cw_vd_set1(k), c[k], slope);
        own_s = cw_vd_fma(a * cw_vd_set1(k), s[k], own_s);
        own_c = cw_vd_fma(a, c[k], own_c);
      }
      const cw_vd rest = cw_vd_fnma(b * omega, own_s, slope);
      cw_vd_store(g + (long)outer[site] * CW_LANES + l,
                  cw_vd_fma(omega, rest, weight_of(p, 0, at)));
      if (to == NULL) continue;
      by_omega = cw_vd_fma(b, own_c, cw_vd_fma(phi, rest, by_omega));
      add_own(p, c, b, l, to->own);
      part.n++;
      if (part.n < CHUNK && site + 1 < n_sites) continue;
      part.first = site + 1 - part.n;
      add_products(p, &part, n_sites, l, u, to->mix);
      part.n = 0;
    }
    if (to != NULL) cw_vd_store(to->omega + l, cw_vd_load(to->omega + l) + by_omega);
  }
}

const cw_sine_kernels CW_ISA_NAME(cw_sine_kernels) = {features, features_vjp};
