/* The fit of a flow of conjugacy classes on a grid, and its maps. */
#include "model/layers/snake/classes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_MAX = CW_CLASS_COLOURS, F_MAX = CW_CLASS_FEATURES, DEGREE_MAX = 12 };

/* ---- waves ---- */

static void add_wave(cw_classes *f, int a, int b, int c) {
  const int k[N_MAX] = {a, b, c};
  for (int w = 0; w < f->n_waves; w++)
    if (f->feature[w] == f->n_features && memcmp(f->k[w], k, sizeof k) == 0) return;
  f->feature[f->n_waves] = f->n_features;
  memcpy(f->k[f->n_waves++], k, sizeof k);
}

/* Permutations of (a, b, 0), each once, are a feature. */
static void add_feature(cw_classes *f, int a, int b) {
  if (f->n_colours == 1) add_wave(f, a, 0, 0);
  if (f->n_colours == 2) add_wave(f, a, 0, 0), add_wave(f, 0, a, 0);
  if (f->n_colours == 3) {
    add_wave(f, a, b, 0), add_wave(f, 0, a, b), add_wave(f, b, 0, a);
    add_wave(f, b, a, 0), add_wave(f, 0, b, a), add_wave(f, a, 0, b);
  }
  f->n_features++;
}

/* Of (a, b) = (p + q, q) charge conjugation makes (p + q, p). */
static void list_waves(cw_classes *f) {
  static const int degree[N_MAX + 1] = {0, 12, 10, 5}, steps[N_MAX + 1] = {0, 40, 16, 10};
  f->degree = degree[f->n_colours];
  f->steps = steps[f->n_colours];
  for (int a = 1; a <= f->degree; a++)
    for (int b = 0; b <= (f->n_colours == 3 ? a / 2 : 0); b++) add_feature(f, a, b);
}

/* ---- the field ---- */

/* Gradient and matrix of second derivatives along the directions in which det P = 1. */
typedef struct {
  double v[N_MAX], h[N_MAX][N_MAX];
} slope;

typedef struct {
  double re[N_MAX][DEGREE_MAX + 1], im[N_MAX][DEGREE_MAX + 1];
} powers;

static void powers_of(const cw_classes *f, const double *theta, powers *z) {
  for (int j = 0; j < f->n_colours; j++) {
    const double c = cos(theta[j]), s = sin(theta[j]);
    z->re[j][0] = 1;
    z->im[j][0] = 0;
    for (int m = 1; m <= f->degree; m++) {
      z->re[j][m] = c * z->re[j][m - 1] - s * z->im[j][m - 1];
      z->im[j][m] = s * z->re[j][m - 1] + c * z->im[j][m - 1];
    }
  }
}

static void add_wave_slope(const cw_classes *f, const powers *z, int w, double c, slope *to) {
  const int N = f->n_colours, *k = f->k[w];
  double re = 1, im = 0;
  for (int j = 0; j < N; j++) {
    const double a = z->re[j][k[j]], b = z->im[j][k[j]], was = re;
    re = re * a - im * b;
    im = was * b + im * a;
  }
  for (int j = 0; j < N; j++) {
    to->v[j] -= c * k[j] * im;
    for (int l = 0; l < N; l++) to->h[j][l] -= c * k[j] * k[l] * re;
  }
}

static void project(int N, slope *s) {
  if (N == 1) return;
  double mean = 0;
  for (int j = 0; j < N; j++) mean += s->v[j] / N;
  for (int j = 0; j < N; j++) s->v[j] -= mean;
  for (int l = 0; l < N; l++) {
    mean = 0;
    for (int j = 0; j < N; j++) mean += s->h[j][l] / N;
    for (int j = 0; j < N; j++) s->h[j][l] -= mean;
  }
}

static void slope_at(const cw_classes *f, const double *c, const double *theta, slope *s) {
  powers z;
  memset(s, 0, sizeof *s);
  powers_of(f, theta, &z);
  for (int w = 0; w < f->n_waves; w++) add_wave_slope(f, &z, w, c[f->feature[w]], s);
  project(f->n_colours, s);
}

/* ---- the fit ---- */

/* Classes of a grid, shifted so that no two angles are equal on it: the first N - 1 angles. */
static int grid_points(int N) { return N == 3 ? 64 : 256; }
static long n_grid(int N) { return N == 3 ? 64L * 64 : 256; }

static void grid_at(int N, long i, double *theta) {
  const int n = grid_points(N);
  const double step = 2 * M_PI / n;
  theta[0] = step * ((double)(i % n) + 0.2);
  if (N == 2) theta[1] = -theta[0];
  if (N < 3) return;
  theta[1] = step * ((double)(i / n) + 0.5);
  theta[2] = -theta[0] - theta[1];
}

static double re_trace(int N, const double *theta) {
  double sum = 0;
  for (int j = 0; j < N; j++) sum += cos(theta[j]);
  return sum / N;
}

/* Haar's measure of a class times exp(kappa (Re tr P/N - 1)). */
static double weight_at(int N, double kappa, const double *theta) {
  double w = exp(kappa * (re_trace(N, theta) - 1));
  for (int i = 0; i < N; i++)
    for (int j = 0; j < i; j++) {
      const double s = sin(0.5 * (theta[i] - theta[j]));
      w *= s * s;
    }
  return w;
}

/* div v + v . d ln p of each feature. */
static void columns_at(const cw_classes *f, double kappa, const double *theta, double *x) {
  const int N = f->n_colours;
  slope s[F_MAX];
  powers z;
  memset(s, 0, sizeof s);
  powers_of(f, theta, &z);
  for (int w = 0; w < f->n_waves; w++) add_wave_slope(f, &z, w, 1, &s[f->feature[w]]);
  for (int k = 0; k < f->n_features; k++) {
    project(N, &s[k]);
    x[k] = 0;
    for (int i = 0; i < N; i++) {
      x[k] += s[k].h[i][i] - kappa / N * sin(theta[i]) * s[k].v[i];
      for (int j = 0; j < i; j++)
        x[k] += (s[k].v[i] - s[k].v[j]) / tan(0.5 * (theta[i] - theta[j]));
    }
  }
}

double cw_classes_mean(int N, double kappa) {
  double sum = 0, total = 0, theta[N_MAX];
  for (long i = 0; i < n_grid(N); i++) {
    grid_at(N, i, theta);
    const double w = weight_at(N, kappa, theta);
    sum += w * re_trace(N, theta);
    total += w;
  }
  return sum / total;
}

/* b of gram b = moment; columns that depend on others get what a small penalty leaves them. */
static void solve(int n, double *gram, double *moment) {
  for (int k = 0; k < n; k++) gram[k * n + k] *= 1 + 1e-11;
  CW_REQUIRE(cw_cholesky(n, gram, 0));
  cw_cholesky_solve(n, gram, moment);
}

static void fit_at(const cw_classes *f, double kappa, double *gram, double *c) {
  const int N = f->n_colours, n = f->n_features;
  const double mean = cw_classes_mean(N, kappa);
  double theta[N_MAX], x[F_MAX];
  memset(gram, 0, (size_t)(n * n) * sizeof *gram);
  memset(c, 0, (size_t)n * sizeof *c);
  for (long i = 0; i < n_grid(N); i++) {
    grid_at(N, i, theta);
    const double w = weight_at(N, kappa, theta), y = re_trace(N, theta) - mean;
    columns_at(f, kappa, theta, x);
    for (int k = 0; k < n; k++) {
      c[k] -= w * x[k] * y;
      for (int l = 0; l <= k; l++) gram[k * n + l] += w * x[k] * x[l];
    }
  }
  solve(n, gram, c);
}

/* Steps are even in ln(1 + kappa/N), as fields change with 1/kappa. */
static double even_of(const cw_classes *f, double kappa) { return log1p(kappa / f->n_colours); }
static double kappa_of(const cw_classes *f, double even) { return f->n_colours * expm1(even); }

cw_status cw_classes_fit(int n_colours, double most, cw_classes *out) {
  *out = (cw_classes){.n_colours = n_colours, .most = most};
  list_waves(out);
  double *gram = malloc((size_t)(out->n_features * out->n_features) * sizeof *gram);
  if (gram == NULL) return CW_ENOMEM;
  for (int i = 0; i < CW_CLASS_NODES; i++)
    fit_at(out, kappa_of(out, even_of(out, most) * i / (CW_CLASS_NODES - 1)), gram, out->c[i]);
  free(gram);
  return CW_OK;
}

/* ---- maps ---- */

/* c(kappa) by the cubic through the four nodes around it. */
static void coefficients(const cw_classes *f, double kappa, double *c) {
  const double at = even_of(f, kappa) / even_of(f, f->most) * (CW_CLASS_NODES - 1);
  int first = (int)at - 1;
  if (first < 0) first = 0;
  if (first > CW_CLASS_NODES - 4) first = CW_CLASS_NODES - 4;
  const double t = at - first, a = t * (t - 1), b = (t - 2) * (t - 3);
  const double share[4] = {-(t - 1) * b / 6, t * b / 2, -a * (t - 3) / 2, a * (t - 2) / 6};
  for (int k = 0; k < f->n_features; k++) {
    c[k] = 0;
    for (int i = 0; i < 4; i++) c[k] += share[i] * f->c[first + i][k];
  }
}

static double determinant(int N, const double m[N_MAX][N_MAX]) {
  if (N == 1) return m[0][0];
  if (N == 2) return m[0][0] * m[1][1] - m[0][1] * m[1][0];
  return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
         m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
         m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

/* to = theta + h v(theta + h v(theta)/2); returns ln of its determinant. */
static double step(const cw_classes *f, const double *c, double h, const double *theta,
                   double *to) {
  const int N = f->n_colours;
  double half[N_MAX] = {0}, m[N_MAX][N_MAX];
  slope a, b;
  slope_at(f, c, theta, &a);
  for (int j = 0; j < N; j++) half[j] = theta[j] + 0.5 * h * a.v[j];
  slope_at(f, c, half, &b);
  for (int j = 0; j < N; j++) {
    to[j] = theta[j] + h * b.v[j];
    for (int l = 0; l < N; l++) {
      m[j][l] = (j == l) + h * b.h[j][l];
      for (int i = 0; i < N; i++) m[j][l] += 0.5 * h * h * b.h[j][i] * a.h[i][l];
    }
  }
  return log(determinant(N, m));
}

/* The theta of which `to` is the image. */
static double step_back(const cw_classes *f, const double *c, double h, const double *to,
                        double *theta) {
  enum { TRIES = 100 };
  const int N = f->n_colours;
  double image[N_MAX], best = INFINITY, logdet = NAN;
  memcpy(theta, to, (size_t)N * sizeof *theta);
  for (int i = 0; i < TRIES; i++) {
    double most = 0;
    logdet = step(f, c, h, theta, image);
    for (int j = 0; j < N; j++) most = fmax(most, fabs(to[j] - image[j]));
    if (most < 1e-15 || (most < 1e-13 && most >= best)) return logdet;
    best = most;
    for (int j = 0; j < N; j++) theta[j] += to[j] - image[j];
  }
  return NAN;
}

/* Finite where two angles are equal. */
static double log_measure(int N, const double *theta) {
  double sum = 0;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < i; j++) sum += 2 * log(fabs(sin(0.5 * (theta[i] - theta[j]))) + 1e-300);
  return sum;
}

double cw_classes_map(const cw_classes *f, double kappa, bool inverse, double *theta) {
  const int N = f->n_colours;
  const double end = even_of(f, kappa);
  double c[F_MAX], to[N_MAX], logj = -log_measure(N, theta);
  for (int i = 0; i < f->steps; i++) {
    const int s = inverse ? f->steps - 1 - i : i;
    const double from = kappa_of(f, end * s / f->steps),
                 h = kappa_of(f, end * (s + 1) / f->steps) - from;
    coefficients(f, from + 0.5 * h, c);
    logj += inverse ? -step_back(f, c, h, theta, to) : step(f, c, h, theta, to);
    memcpy(theta, to, (size_t)N * sizeof *theta);
  }
  return logj + log_measure(N, theta);
}
