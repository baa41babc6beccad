/* Masses of correlators: fits of a cosh over windows of time, on jackknife samples. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/derived.h"
#include "stats/jackknife.h"

enum { PARAMETERS = 2, MOST_TURNS = 60, GRID = 80, BLOCKS_OF_A_TIME = 4, FEWEST_TIMES = 3 };

/* C(t) and C(T - t) in one, t = 0 .. T/2. */
static void fold(const double *row, const void *arg, double *out) {
  const cw_decay *d = arg;
  for (int t = 0; t <= d->period / 2; t++)
    out[t] = 0.5 * (row[d->first + t] + row[d->first + (d->period - t) % d->period]);
}

/* The window [from, to] of the folded correlator y, and the matrix W (n, n) of chi^2 = r W r. */
typedef struct {
  int from, n, period;
  const double *W;
} window;

/* g(t) = cosh m (T/2 - t)/cosh m (T/2 - from) and its derivative in m. */
static void shape(const window *w, double m, double *g, double *dg) {
  const double half = 0.5 * w->period, far = half - w->from;
  const double below = 1 + exp(-2 * m * far), d_below = -2 * far * exp(-2 * m * far);
  for (int i = 0; i < w->n; i++) {
    const double x = i, y = 2 * far - i; /* e^{-m x} + e^{-m y} over 1 + e^{-2 m far} */
    const double above = exp(-m * x) + exp(-m * y), d_above = -x * exp(-m * x) - y * exp(-m * y);
    g[i] = above / below;
    dg[i] = d_above / below - above * d_below / (below * below);
  }
}

static double form(const window *w, const double *a, const double *b) {
  double sum = 0;
  for (int i = 0; i < w->n; i++)
    for (int j = 0; j < w->n; j++) sum += a[i] * w->W[i * w->n + j] * b[j];
  return sum;
}

/* chi^2 at m with the best amplitude. g, dg, r (n): scratch; left as they are there, r = y - A g. */
static double chi_square(const window *w, const double *y, double m, double *amplitude, double *g,
                         double *dg, double *r) {
  shape(w, m, g, dg);
  *amplitude = form(w, g, y) / form(w, g, g);
  for (int i = 0; i < w->n; i++) r[i] = y[i] - *amplitude * g[i];
  return form(w, r, r);
}

typedef struct {
  double mass, amplitude, chi2;
} minimum;

/* Gauss-Newton steps for m, A eliminated, each halved until chi^2 falls. false: there is no minimum at m > 0, A > 0.
 * scratch (3 n). */
static bool descend(const window *w, const double *y, minimum *f, double *scratch) {
  double *g = scratch, *dg = g + w->n, *r = dg + w->n;
  f->chi2 = chi_square(w, y, f->mass, &f->amplitude, g, dg, r);
  for (int turn = 0; turn < MOST_TURNS; turn++) {
    const double overlap = form(w, g, dg) / form(w, g, g);
    for (int i = 0; i < w->n; i++) dg[i] -= overlap * g[i]; /* what A cannot do */
    const double step = form(w, dg, r) / (f->amplitude * form(w, dg, dg));
    if (!isfinite(step)) return false;
    double size = 1, amplitude, chi2 = INFINITY;
    for (; size > 1e-6; size /= 2) {
      if (f->mass + size * step <= 0) continue;
      chi2 = chi_square(w, y, f->mass + size * step, &amplitude, g, dg, r);
      if (chi2 <= f->chi2 * (1 + 1e-14)) break;
    }
    if (size <= 1e-6) break; /* as low as rounding lets it */
    f->mass += size * step;
    f->amplitude = amplitude;
    f->chi2 = chi2;
    if (fabs(step) < 1e-13 * f->mass) break;
  }
  return f->amplitude > 0 && f->mass > 1e-6 && f->mass < 50;
}

/* The best of a grid, then downhill. */
static bool fit_mean(const window *w, const double *y, minimum *f, double *scratch) {
  f->chi2 = INFINITY;
  for (int i = 0; i < GRID; i++) {
    const double m = 0.01 * pow(1000, (double)i / (GRID - 1));
    double amplitude,
        chi2 = chi_square(w, y, m, &amplitude, scratch, scratch + w->n, scratch + 2 * w->n);
    if (chi2 < f->chi2 && amplitude > 0) *f = (minimum){m, amplitude, chi2};
  }
  return isfinite(f->chi2) && descend(w, y, f, scratch);
}

/* W of the times [from, from + n) out of the covariance (size, size): its inverse, by a Cholesky decomposition of what
 * is scaled to 1 on the diagonal, or that of the diagonal. false: there is none. scratch (n, n) */
static bool invert(const double *covariance, int size, int from, int n, bool correlated, double *W,
                   double *scratch) {
  double *l = scratch;
  for (int i = 0; i < n * n; i++) W[i] = 0;
  for (int i = 0; i < n; i++) {
    const double variance = covariance[(from + i) * (size + 1)];
    if (!(variance > 0)) return false;
    if (!correlated) W[i * n + i] = 1 / variance;
  }
  if (!correlated) return true;
#define CW_SCALE(i) sqrt(covariance[(from + (i)) * (size + 1)])
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++)
      l[i * n + j] = covariance[(from + i) * size + from + j] / (CW_SCALE(i) * CW_SCALE(j));
  if (!cw_cholesky(n, l, 1e-12)) return false;
  for (int column = 0; column < n; column++) {
    double *x = W + column * n; /* W is symmetric */
    for (int i = 0; i < n; i++) x[i] = i == column;
    cw_cholesky_solve(n, l, x);
  }
  for (int i = 0; i < n * n; i++) W[i] /= CW_SCALE(i / n) * CW_SCALE(i % n);
#undef CW_SCALE
  return true;
}

/* All windows: rows of sample (1 + n_blocks, 2) of each, mass and amplitude at t = 0. */
typedef struct {
  const cw_decay *decay;
  const double *y; /* (1 + n_blocks, size) */
  long n_blocks;
  int size; /* T/2 + 1 */
  const double *covariance;
  bool correlated;
  double *W, *scratch;
} workshop;

/* Fits of one window to all samples. false: there is none. */
static bool fit_window(const workshop *s, int from, int to, double *sample, double *chi2) {
  const int n = to - from + 1;
  const window w = {from, n, s->decay->period, s->W};
  minimum mean, f;
  if (!invert(s->covariance, s->size, from, n, s->correlated, s->W, s->scratch)) return false;
  if (!fit_mean(&w, s->y + from, &mean, s->scratch)) return false;
  for (long k = 0; k <= s->n_blocks; k++) {
    f = mean;
    if (!descend(&w, s->y + k * s->size + from, &f, s->scratch)) return false;
    sample[2 * k] = f.mass;
    /* A (e^{-m t} + e^{-m (T - t)}) */
    sample[2 * k + 1] =
        f.amplitude * exp(f.mass * from) / (1 + exp(-f.mass * (s->decay->period - 2 * from)));
  }
  *chi2 = mean.chi2;
  return true;
}

/* Sums over windows with weights exp((lowest - AIC)/2). */
typedef struct {
  double total, lowest, mass, square;
  bool begun;
} average;

static void rescale(average *a, const workshop *s, double aic, double *mean) {
  const double factor = a->begun ? exp(0.5 * (aic - a->lowest)) : 0;
  a->total *= factor;
  a->mass *= factor;
  a->square *= factor;
  for (long i = 0; i < 2 * (1 + s->n_blocks); i++) mean[i] *= factor;
  a->lowest = aic;
  a->begun = true;
}

static void add_window(average *a, const workshop *s, int from, int to, double chi2,
                       const double *sample, double *mean, cw_decay_fit *out) {
  const double aic = chi2 + 2 * PARAMETERS + 2 * (from - s->decay->from);
  const bool best = !a->begun || aic < a->lowest;
  if (best) rescale(a, s, aic, mean);
  const double weight = exp(0.5 * (a->lowest - aic));
  a->total += weight;
  a->mass += weight * sample[0];
  a->square += weight * sample[0] * sample[0];
  for (long i = 0; i < 2 * (1 + s->n_blocks); i++) mean[i] += weight * sample[i];
  out->n_windows++;
  if (!best) return;
  out->chi2 = chi2;
  out->dof = to - from + 1 - PARAMETERS;
  out->from = from;
  out->to = to;
}

static void conclude(const average *a, const workshop *s, double *mean, cw_decay_fit *out) {
  for (long i = 0; i < 2 * (1 + s->n_blocks); i++) mean[i] /= a->total;
  const double m = a->mass / a->total;
  out->spread = sqrt(fmax(a->square / a->total - m * m, 0));
  out->statistical = cw_jackknife_error(mean, s->n_blocks, 2, 0);
  out->mass.value = mean[0];
  out->mass.error = hypot(out->statistical, out->spread);
  out->mass.error2 = out->statistical;
  out->amplitude.value = mean[1];
  out->amplitude.error = out->amplitude.error2 = cw_jackknife_error(mean, s->n_blocks, 2, 1);
}

static void fit_windows(const workshop *s, double *sample, double *mean, cw_decay_fit *out) {
  const int last = s->decay->to > 0 ? s->decay->from : s->size - FEWEST_TIMES;
  const int to = s->decay->to > 0 ? s->decay->to : s->size - 1;
  average a = {0};
  memset(mean, 0, (size_t)(2 * (1 + s->n_blocks)) * sizeof *mean);
  for (int from = s->decay->from; from <= last; from++) {
    double chi2;
    if (fit_window(s, from, to, sample, &chi2))
      add_window(&a, s, from, to, chi2, sample, mean, out);
  }
  if (a.begun)
    conclude(&a, s, mean, out);
  else
    out->mass.why = out->amplitude.why = "no window of the correlator falls like a cosh";
}

static bool fluctuates(const double *y, const double *covariance, int size, int from) {
  for (int t = from; t < size; t++)
    if (cw_is_rounding(sqrt(covariance[t * (size + 1)]), y[t])) return false;
  return true;
}

cw_status cw_fit_decay(cw_context *ctx, const double *data, long n_chain, long n_step,
                       int n_primary, const cw_decay *decay, cw_decay_fit *out) {
  const int size = decay->period / 2 + 1, to = decay->to > 0 ? decay->to : size - 1;
  if (n_step < CW_GAMMA_MIN_STEPS)
    return cw_fail(ctx, CW_EINVAL,
                   "chains of %ld steps are too short for a fit: at least %d are needed", n_step,
                   CW_GAMMA_MIN_STEPS);
  if (decay->from < 1 || to >= size || to - decay->from + 1 < FEWEST_TIMES)
    return cw_fail(ctx, CW_EINVAL,
                   "no window of at least %d times from %d to %d of a correlator over %d",
                   FEWEST_TIMES, decay->from, to, decay->period);
  const cw_blocks blocks = cw_jackknife_blocks(n_chain, n_step, CW_FIT_BLOCKS);
  const long n_blocks = blocks.n, n_samples = 1 + n_blocks;
  const size_t n = (size_t)size, square = n * n;
  double *y = malloc(((size_t)n_samples * (n + 4) + 3 * square + 4 * n) * sizeof *y);
  if (y == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory to fit a correlator");
  double *sample = y + (size_t)n_samples * n, *mean = sample + 2 * n_samples,
         *covariance = mean + 2 * n_samples;
  workshop s = {
      .decay = decay, .y = y, .n_blocks = n_blocks, .size = size, .covariance = covariance};
  s.W = covariance + square;
  s.scratch = s.W + square; /* n*n, or 3 n */
  s.correlated = decay->correlated && n_blocks >= BLOCKS_OF_A_TIME * (to - decay->from + 1);
  *out = (cw_decay_fit){.mass = cw_estimate_undefined(n_chain * n_step),
                        .amplitude = cw_estimate_undefined(n_chain * n_step),
                        .statistical = NAN,
                        .spread = NAN,
                        .chi2 = NAN,
                        .dof = NAN,
                        .correlated = s.correlated};
  cw_jackknife_samples(&blocks, data, n_primary, fold, decay, size, s.scratch, y);
  cw_jackknife_covariance(y, n_blocks, size, covariance);
  if (fluctuates(y, covariance, size, decay->from))
    fit_windows(&s, sample, mean, out);
  else
    out->mass.why = out->amplitude.why = cw_why_constant;
  free(y);
  return CW_OK;
}
