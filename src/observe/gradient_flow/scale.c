/* Where the curves t^2 E and t d/dt (t^2 E) reach a level, from samples of E along the flow.
 *
 * ln E is interpolated as a function of ln(t + shift). In the free theory E is a sum of
 * exponentials of -2 p^2 t with positive weights, so that ln E is convex; it is linear in t where
 * one mode is left, and linear in ln t where E falls like a power. Distances that grow with t +
 * shift resolve both. */
#include <math.h>

#include "observe/gradient_flow/flow.h"

static const double widest_gap = 0.05; /* between neighbouring times, in units of t + shift */
static const double shift = 0.5;

/* ------------------------------------------------------------------- times */

static void append_time(cw_flow_times *g, double t, int point) {
  CW_REQUIRE(g->n < CW_FLOW_SAMPLES);
  g->t[g->n] = t;
  g->point[g->n++] = point;
}

/* Appends end, which is that point, and before it what halving (start, end] makes of it. */
static void append_halves(cw_flow_times *g, double start, double end, int point) {
  const double rounding = 1 + 1e-9, middle = 0.5 * (start + end);
  if (end - start > widest_gap * (start + shift) * rounding) {
    append_halves(g, start, middle, -1);
    append_halves(g, middle, end, point);
  } else {
    append_time(g, end, point);
  }
}

void cw_flow_choose_times(cw_flow_times *g, double time, int points) {
  const double interval = time / points;
  g->n = 0;
  append_time(g, 0, 0);
  for (int k = 1; k <= points; k++) append_halves(g, (k - 1) * interval, k * interval, k);
}

/* ----------------------------------------------------------------- samples */

bool cw_flow_sample_is_due(const cw_flow_samples *s, double t) {
  const double last = s->t[s->n - 1];
  return t - last >= 0.75 * widest_gap * (last + shift);
}

void cw_flow_add_sample(cw_flow_samples *s, double t, double E) {
  CW_REQUIRE(s->n < CW_FLOW_SAMPLES);
  s->t[s->n] = t;
  s->u[s->n] = log(t + shift);
  s->log_E[s->n++] = log(E);
}

/* ----------------------------------------------------------- interpolation */

enum { NODES = 8 };

/* ln E as a polynomial of u = ln(t + shift), in Newton's form c_0 + c_1 (u - u_0) + ... */
typedef struct {
  int n;
  double u[NODES], c[NODES];
} log_energy;

/* The polynomial through those of the first n samples that lie around the interval from t[k] to
 * t[k + 1]. */
static log_energy fit(const cw_flow_samples *s, int n, int k) {
  log_energy p = {.n = n < NODES ? n : NODES};
  int first = k + 1 - NODES / 2;
  first = first < 0 ? 0 : first > n - p.n ? n - p.n : first;
  for (int i = 0; i < p.n; i++) {
    p.u[i] = s->u[first + i];
    p.c[i] = s->log_E[first + i];
  }
  for (int order = 1; order < p.n; order++)
    for (int i = p.n - 1; i >= order; i--)
      p.c[i] = (p.c[i] - p.c[i - 1]) / (p.u[i] - p.u[i - order]);
  return p;
}

/* ln E, and its derivative along u, at time t. */
static double log_energy_at(const log_energy *p, double t, double *slope) {
  const double u = log(t + shift);
  double value = 0;
  *slope = 0;
  for (int i = p->n - 1; i >= 0; i--) {
    *slope = *slope * (u - p->u[i]) + value;
    value = value * (u - p->u[i]) + p->c[i];
  }
  return value;
}

double cw_flow_energy_at(const cw_flow_samples *s, double t) {
  double slope;
  int k = 0;
  while (k < s->n - 2 && s->t[k + 1] < t) k++;
  const log_energy p = fit(s, s->n, k);
  const double E = exp(log_energy_at(&p, t, &slope));
  return isfinite(E) ? E : 0; /* a trivial field, with ln E = -inf */
}

/* --------------------------------------------------------------- crossings */

/* The value of one of the curves at time t. */
static double curve_at(cw_flow_curve curve, const log_energy *p, double t) {
  double slope;
  const double t2_energy = t * t * exp(log_energy_at(p, t, &slope));
  return curve == CW_FLOW_T2_ENERGY ? t2_energy : t2_energy * (2 + slope * t / (t + shift));
}

/* Where a curve that is below level at low and not at high reaches it. */
static double bisect(cw_flow_curve curve, const log_energy *p, double low, double high,
                     double level) {
  for (int i = 0; i < 60; i++) {
    const double middle = 0.5 * (low + high);
    *(curve_at(curve, p, middle) < level ? &low : &high) = middle;
  }
  return 0.5 * (low + high);
}

cw_flow_crossing cw_flow_cross(cw_flow_curve curve, const cw_flow_samples *s, double level) {
  cw_flow_crossing crossing = {NAN, CW_FLOW_FALLS};
  double before = 0; /* both curves begin there */
  int n = 0;
  while (n < s->n && isfinite(s->log_E[n])) n++;
  if (n < 2) crossing.end = CW_FLOW_NO_ENERGY;
  for (int k = 0; k + 1 < n; k++) {
    const log_energy p = fit(s, n, k);
    const double after = curve_at(curve, &p, s->t[k + 1]);
    if (after >= level)
      return (cw_flow_crossing){bisect(curve, &p, s->t[k], s->t[k + 1], level), CW_FLOW_REACHES};
    crossing.end = after > before && after > 0 ? CW_FLOW_RISES : CW_FLOW_FALLS;
    before = after;
  }
  return crossing;
}
