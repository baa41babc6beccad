/* Monotone rational-quadratic splines (Durkan et al., arXiv:1906.04032). K bins cover [-R, R];
 * outside the map is the identity. With z2 they cover [0, R] and the map is odd: f(-x) = -f(x).
 * Network outputs per site: K raw widths, K raw heights, raw slopes. Notation of the paper: xi = (x
 * - x_k)/w, s = h/w, slopes d0 and d1 at the bin's ends. */
#include "model/layers/spline/spline.h"
#include "simd/simd.h"

enum { MAX = CW_SPLINE_MAX_BINS };
static const double MIN_SHARE = 1e-3; /* of a bin in the range, and smallest slope */

/* The spline of one site on CW_VD lanes. */
typedef struct {
  int bins;
  bool z2;
  double left, length;    /* of the covered interval */
  cw_vd pw[MAX], ph[MAX]; /* softmax of raw widths and heights */
  cw_vd w[MAX], h[MAX];   /* widths and heights */
  cw_vd d[MAX + 1];       /* slopes at the knots */
  cw_vd dd[MAX + 1];      /* their derivatives in the raw outputs */
} spline;

/* The bin that holds a point, with everything local to it. */
typedef struct {
  cw_vd k, xk, yk, w, h, d0, d1;
} bin;

static inline cw_vd widen(const float *p) {
  cw_vd v;
  for (int l = 0; l < CW_VD; l++) v[l] = (double)p[l];
  return v;
}

static void softmax_shares(int n, const float *raw, double length, cw_vd *p, cw_vd *size) {
  cw_vd top = widen(raw), sum = {0};
  for (int k = 1; k < n; k++) top = cw_vd_max(top, widen(raw + k * CW_LANES));
  for (int k = 0; k < n; k++) sum += p[k] = cw_vd_exp(widen(raw + k * CW_LANES) - top);
  for (int k = 0; k < n; k++) {
    p[k] /= sum;
    size[k] = cw_vd_set1(length) * (cw_vd_set1(MIN_SHARE) + cw_vd_set1(1 - n * MIN_SHARE) * p[k]);
  }
}

/* d = min + softplus(raw + c) with c such that raw = 0 is slope 1. */
static inline void slope(const float *raw, cw_vd *d, cw_vd *dd) {
  const double c = 0.539742417236952; /* ln(e^(1-MIN_SHARE) - 1) */
  cw_vd r = widen(raw) + cw_vd_set1(c), e = cw_vd_exp(-cw_vd_abs(r)), one = cw_vd_set1(1);
  cw_vd soft = cw_vd_max(r, (cw_vd){0}) + cw_vd_log1p(e);
  *d = cw_vd_set1(MIN_SHARE) + soft;
  *dd = cw_vd_select(r > (cw_vd){0}, one, e) / (one + e);
}

static void read_spline(const cw_sites *s, const float *h, int l, spline *f) {
  int K = s->spec.bins;
  f->bins = K;
  f->z2 = s->spec.z2;
  f->left = f->z2 ? 0 : -s->spec.range;
  f->length = s->spec.range - f->left;
  softmax_shares(K, h + l, f->length, f->pw, f->w);
  softmax_shares(K, h + K * CW_LANES + l, f->length, f->ph, f->h);
  const float *raw = h + 2 * K * CW_LANES + l;
  int first = f->z2 ? 0 : 1;
  f->d[0] = f->d[K] = cw_vd_set1(1);
  f->dd[0] = f->dd[K] = (cw_vd){0};
  for (int k = first; k < K; k++) slope(raw + (k - first) * CW_LANES, &f->d[k], &f->dd[k]);
}

/* Finds the bin of v among knots that start at f->left and are apart by size (widths or heights).
 */
static bin find_bin(const spline *f, const cw_vd *size, cw_vd v) {
  cw_vd x = cw_vd_set1(f->left), y = x, at = x;
  bin b = {.k = {0}, .xk = x, .yk = y, .w = f->w[0], .h = f->h[0], .d0 = f->d[0], .d1 = f->d[1]};
  for (int k = 1; k < f->bins; k++) {
    x += f->w[k - 1];
    y += f->h[k - 1];
    at += size[k - 1];
    cw_vl in = v >= at;
    b.k = cw_vd_select(in, cw_vd_set1(k), b.k);
    b.xk = cw_vd_select(in, x, b.xk);
    b.yk = cw_vd_select(in, y, b.yk);
    b.w = cw_vd_select(in, f->w[k], b.w);
    b.h = cw_vd_select(in, f->h[k], b.h);
    b.d0 = cw_vd_select(in, f->d[k], b.d0);
    b.d1 = cw_vd_select(in, f->d[k + 1], b.d1);
  }
  return b;
}

/* Terms of eqs. (4) and (5) of the paper: y = yk + h P/D, dy/dx = s^2 M/D^2. */
typedef struct {
  cw_vd xi, q, s, P, D, M;
} terms;

static inline terms terms_at(const bin *b, cw_vd xi) {
  cw_vd one = cw_vd_set1(1), two = cw_vd_set1(2), q = xi * (one - xi), s = b->h / b->w;
  terms t = {.xi = xi, .q = q, .s = s};
  t.P = s * xi * xi + b->d0 * q;
  t.D = s + (b->d0 + b->d1 - two * s) * q;
  t.M = b->d1 * xi * xi + two * s * q + b->d0 * (one - xi) * (one - xi);
  return t;
}

static inline cw_vd log_slope(const terms *t) {
  return cw_vd_log(t->s * t->s * t->M / (t->D * t->D));
}

/* sign and magnitude for z2; the value itself otherwise. */
static inline cw_vd fold(const spline *f, cw_vd v, cw_vd *sign) {
  *sign = cw_vd_set1(1);
  if (!f->z2) return v;
  *sign = cw_vd_select(v < (cw_vd){0}, cw_vd_set1(-1), *sign);
  return cw_vd_abs(v);
}

static inline cw_vl inside(const spline *f, cw_vd v) {
  return (v >= cw_vd_set1(f->left)) & (v <= cw_vd_set1(f->left + f->length));
}

static void forward(const cw_sites *sites, const float *h, double *x, double *logj, double *keep) {
  spline f;
  for (int i = 0; i < sites->n; i++)
    for (int l = 0; l < CW_LANES; l += CW_VD) {
      double *at = x + (size_t)sites->row[i] * CW_LANES + l;
      cw_vd v = cw_vd_load(at), sign, a;
      read_spline(sites, h + i * sites->n_out * CW_LANES, l, &f);
      cw_vd_store(keep + i * CW_LANES + l, v);
      a = fold(&f, v, &sign);
      bin b = find_bin(&f, f.w, a);
      terms t = terms_at(&b, (a - b.xk) / b.w);
      cw_vl in = inside(&f, a);
      cw_vd_store(at, cw_vd_select(in, sign * (b.yk + b.h * t.P / t.D), v));
      cw_vd_store(logj + l, cw_vd_load(logj + l) + cw_vd_select(in, log_slope(&t), (cw_vd){0}));
    }
}

/* xi from y by the stable root of the quadratic, eqs. (6)-(8) of the paper. */
static inline cw_vd invert(const bin *b, cw_vd y) {
  cw_vd u = y - b->yk, s = b->h / b->w, two = cw_vd_set1(2), four = cw_vd_set1(4);
  cw_vd sum = b->d0 + b->d1 - two * s;
  cw_vd A = b->h * (s - b->d0) + u * sum, B = b->h * b->d0 - u * sum, C = -s * u;
  cw_vd root = cw_vd_sqrt(cw_vd_max(B * B - four * A * C, (cw_vd){0}));
  return two * C / (-B - root);
}

static void inverse(const cw_sites *sites, const float *h, double *y, double *logj, double *keep) {
  spline f;
  for (int i = 0; i < sites->n; i++)
    for (int l = 0; l < CW_LANES; l += CW_VD) {
      double *at = y + (size_t)sites->row[i] * CW_LANES + l;
      cw_vd v = cw_vd_load(at), sign, a;
      read_spline(sites, h + i * sites->n_out * CW_LANES, l, &f);
      a = fold(&f, v, &sign);
      bin b = find_bin(&f, f.h, a);
      terms t = terms_at(&b, invert(&b, a));
      cw_vl in = inside(&f, a);
      cw_vd x = cw_vd_select(in, sign * (b.xk + b.w * t.xi), v);
      cw_vd_store(at, x);
      cw_vd_store(keep + i * CW_LANES + l, x);
      cw_vd_store(logj + l, cw_vd_load(logj + l) - cw_vd_select(in, log_slope(&t), (cw_vd){0}));
    }
}

/* Partial derivatives of y and of L = ln dy/dx in one of the local variables. */
typedef struct {
  cw_vd y, L;
} partial;

static inline partial partial_of(const bin *b, const terms *t, cw_vd P, cw_vd D, cw_vd M) {
  return (partial){.y = b->h * (P - t->P / t->D * D) / t->D,
                   .L = M / t->M - cw_vd_set1(2) * D / t->D};
}

static inline partial partial_xi(const bin *b, const terms *t) {
  cw_vd one = cw_vd_set1(1), two = cw_vd_set1(2), tilt = one - two * t->xi;
  return partial_of(b, t, two * t->s * t->xi + b->d0 * tilt, (b->d0 + b->d1 - two * t->s) * tilt,
                    two * (b->d1 * t->xi + t->s * tilt - b->d0 * (one - t->xi)));
}

/* Adds d(gy y + gl L)/d(raw outputs) for a point in bin b to the gradients of widths, heights and
 * slopes; lanes outside are masked by gy = gl = 0. */
typedef struct {
  cw_vd w[MAX], h[MAX], d[MAX + 1];
} knot_gradients;

static void knots_vjp(const spline *f, const bin *b, const terms *t, cw_vd gy, cw_vd gl,
                      knot_gradients *G) {
  cw_vd one = cw_vd_set1(1), two = cw_vd_set1(2), zero = {0};
  partial xi = partial_xi(b, t);
  partial s = partial_of(b, t, t->xi * t->xi, one - two * t->q, two * t->q);
  partial d0 = partial_of(b, t, t->q, t->q, (one - t->xi) * (one - t->xi));
  partial d1 = partial_of(b, t, zero, t->q, t->xi * t->xi);
  s.L += two / t->s;
  cw_vd gxi = gy * xi.y + gl * xi.L, gs = gy * s.y + gl * s.L;
  cw_vd gxk = -gxi / b->w, gw = -(gxi * t->xi + gs * t->s) / b->w,
        gh = gs / b->w + gy * t->P / t->D;
  cw_vd gd0 = gy * d0.y + gl * d0.L, gd1 = gy * d1.y + gl * d1.L;
  for (int k = 0; k <= f->bins; k++) {
    cw_vd at = cw_vd_set1(k);
    cw_vl here = b->k == at, before = b->k > at, next = b->k + one == at;
    if (k < f->bins) {
      G->w[k] = cw_vd_select(here, gw, cw_vd_select(before, gxk, zero));
      G->h[k] = cw_vd_select(here, gh, cw_vd_select(before, gy, zero));
    }
    G->d[k] = cw_vd_select(here, gd0, cw_vd_select(next, gd1, zero));
  }
}

static inline void narrow(float *p, cw_vd v) {
  for (int l = 0; l < CW_VD; l++) p[l] = (float)v[l];
}

static void softmax_vjp(int n, double length, const cw_vd *p, const cw_vd *g, float *out) {
  cw_vd mean = {0};
  for (int k = 0; k < n; k++) mean += p[k] * g[k];
  for (int k = 0; k < n; k++)
    narrow(out + k * CW_LANES, cw_vd_set1(length * (1 - n * MIN_SHARE)) * p[k] * (g[k] - mean));
}

static void outputs_vjp(const spline *f, const knot_gradients *G, float *gh) {
  int K = f->bins, first = f->z2 ? 0 : 1;
  softmax_vjp(K, f->length, f->pw, G->w, gh);
  softmax_vjp(K, f->length, f->ph, G->h, gh + K * CW_LANES);
  for (int k = first; k < K; k++) narrow(gh + (2 * K + k - first) * CW_LANES, G->d[k] * f->dd[k]);
}

/* Both vjps stand on the local derivatives at the point x of the forward map. For the inverse, with
 * mu = (gx - gl L_x)/y_x the adjoint in y, the outputs get -mu dy - gl dL (implicit function
 * theorem). */
static void pull_back(const cw_sites *sites, const float *h, const double *keep, double *g,
                      const double *glogj, float *gh, bool inverted) {
  spline f;
  knot_gradients G;
  for (int i = 0; i < sites->n; i++)
    for (int l = 0; l < CW_LANES; l += CW_VD) {
      double *at = g + (size_t)sites->row[i] * CW_LANES + l;
      cw_vd sign, zero = {0}, gl = cw_vd_load(glogj + l), go = cw_vd_load(at);
      read_spline(sites, h + i * sites->n_out * CW_LANES, l, &f);
      cw_vd a = fold(&f, cw_vd_load(keep + i * CW_LANES + l), &sign);
      bin b = find_bin(&f, f.w, a);
      terms t = terms_at(&b, (a - b.xk) / b.w);
      partial xi = partial_xi(&b, &t);
      cw_vl in = inside(&f, a);
      cw_vd yx = xi.y / b.w, Lx = xi.L / b.w, gin, gy;
      gy = sign * go;
      if (inverted) {
        gin = (gy - gl * Lx) / yx;
        gy = -gin;
        gl = -gl;
      } else {
        gin = gy * yx + gl * Lx;
      }
      knots_vjp(&f, &b, &t, cw_vd_select(in, gy, zero), cw_vd_select(in, gl, zero), &G);
      outputs_vjp(&f, &G, gh + i * sites->n_out * CW_LANES + l);
      cw_vd_store(at, cw_vd_select(in, sign * gin, go));
    }
}

static void forward_vjp(const cw_sites *s, const float *h, const double *keep, double *g,
                        const double *glogj, float *gh) {
  pull_back(s, h, keep, g, glogj, gh, false);
}

static void inverse_vjp(const cw_sites *s, const float *h, const double *keep, double *g,
                        const double *glogj, float *gh) {
  pull_back(s, h, keep, g, glogj, gh, true);
}

const cw_transform_kernels CW_ISA_NAME(cw_spline_kernels) = {forward, inverse, forward_vjp,
                                                             inverse_vjp};
