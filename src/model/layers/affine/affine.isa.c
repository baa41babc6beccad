/* y = x e^s + t (RealNVP, Dinh et al., arXiv:1605.08803), outputs h = (t, raw), s = S_MAX raw /
 * sqrt(S_MAX^2 + raw^2): the bound keeps a young network from overflowing. */
#include "model/layers/affine/affine.h"
#include "simd/simd.h"

static const double S_MAX = 3;

enum { KEEP_X, KEEP_E, N_KEEP = CW_AFFINE_KEEP }; /* x and e^s */

/* Outputs of site i, lanes l.. as double vectors: s, its derivative in raw, t. */
typedef struct {
  cw_vd s, ds, t;
} outputs;

static inline cw_vd widen(const float *p) {
  cw_vd v;
  for (int l = 0; l < CW_VD; l++) v[l] = (double)p[l];
  return v;
}

static inline outputs read_outputs(const float *h, int i, int l) {
  cw_vd t = widen(h + (2 * i) * CW_LANES + l), raw = widen(h + (2 * i + 1) * CW_LANES + l);
  cw_vd u = cw_vd_set1(1) / cw_vd_sqrt(cw_vd_fma(raw, raw, cw_vd_set1(S_MAX * S_MAX)));
  cw_vd smax = cw_vd_set1(S_MAX);
  return (outputs){.s = smax * raw * u, .ds = smax * smax * smax * u * u * u, .t = t};
}

static inline void keep_pair(double *keep, int i, int l, cw_vd x, cw_vd e) {
  cw_vd_store(keep + (i * N_KEEP + KEEP_X) * CW_LANES + l, x);
  cw_vd_store(keep + (i * N_KEEP + KEEP_E) * CW_LANES + l, e);
}

static void forward(const cw_sites *sites, const float *h, double *x, double *logj, double *keep) {
  for (int i = 0; i < sites->n; i++) {
    double *row = x + (size_t)sites->row[i] * CW_LANES;
    for (int l = 0; l < CW_LANES; l += CW_VD) {
      outputs o = read_outputs(h, i, l);
      cw_vd e = cw_vd_exp(o.s), v = cw_vd_load(row + l);
      keep_pair(keep, i, l, v, e);
      cw_vd_store(row + l, cw_vd_fma(v, e, o.t));
      cw_vd_store(logj + l, cw_vd_load(logj + l) + o.s);
    }
  }
}

static void inverse(const cw_sites *sites, const float *h, double *y, double *logj, double *keep) {
  for (int i = 0; i < sites->n; i++) {
    double *row = y + (size_t)sites->row[i] * CW_LANES;
    for (int l = 0; l < CW_LANES; l += CW_VD) {
      outputs o = read_outputs(h, i, l);
      cw_vd e = cw_vd_exp(o.s), v = (cw_vd_load(row + l) - o.t) / e;
      keep_pair(keep, i, l, v, e);
      cw_vd_store(row + l, v);
      cw_vd_store(logj + l, cw_vd_load(logj + l) - o.s);
    }
  }
}

static inline void put_gradients(float *gh, int i, int l, cw_vd gt, cw_vd graw) {
  for (int k = 0; k < CW_VD; k++) {
    gh[(2 * i) * CW_LANES + l + k] = (float)gt[k];
    gh[(2 * i + 1) * CW_LANES + l + k] = (float)graw[k];
  }
}

/* dy = e dx + x e ds + dt, dlogj = ds. */
static void forward_vjp(const cw_sites *sites, const float *h, const double *keep, double *g,
                        const double *glogj, float *gh) {
  for (int i = 0; i < sites->n; i++) {
    double *row = g + (size_t)sites->row[i] * CW_LANES;
    for (int l = 0; l < CW_LANES; l += CW_VD) {
      outputs o = read_outputs(h, i, l);
      cw_vd v = cw_vd_load(keep + (i * N_KEEP + KEEP_X) * CW_LANES + l);
      cw_vd gx = cw_vd_load(row + l) * cw_vd_load(keep + (i * N_KEEP + KEEP_E) * CW_LANES + l);
      put_gradients(gh, i, l, cw_vd_load(row + l), cw_vd_fma(gx, v, cw_vd_load(glogj + l)) * o.ds);
      cw_vd_store(row + l, gx);
    }
  }
}

/* dx = (dy - dt)/e - x ds, dlogj = -ds. */
static void inverse_vjp(const cw_sites *sites, const float *h, const double *keep, double *g,
                        const double *glogj, float *gh) {
  for (int i = 0; i < sites->n; i++) {
    double *row = g + (size_t)sites->row[i] * CW_LANES;
    for (int l = 0; l < CW_LANES; l += CW_VD) {
      outputs o = read_outputs(h, i, l);
      cw_vd v = cw_vd_load(keep + (i * N_KEEP + KEEP_X) * CW_LANES + l), gx = cw_vd_load(row + l);
      cw_vd gy = gx / cw_vd_load(keep + (i * N_KEEP + KEEP_E) * CW_LANES + l);
      put_gradients(gh, i, l, -gy, -cw_vd_fma(gx, v, cw_vd_load(glogj + l)) * o.ds);
      cw_vd_store(row + l, gy);
    }
  }
}

const cw_transform_kernels CW_ISA_NAME(cw_affine_kernels) = {forward, inverse, forward_vjp,
                                                             inverse_vjp};
