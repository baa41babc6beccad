#include <math.h>
#include <string.h>

#include "causeway/theory.h"

enum { HALF = 2000, N = 2 * HALF + 1 };

/* A single site without bonds. */
typedef struct {
  const cw_theory_ops *ops;
  int n_comp;
  double c[CW_MAX_TERMS];
} site;

/* -S where one of its reals is x and the others are 0. */
static double log_weight(const site *s, double x) {
  const cw_lattice point = {.dim = 1, .extent = {1}};
  const cw_theory th = {.ops = s->ops, .n_comp = s->n_comp, .n_tangent = s->n_comp};
  double T[CW_MAX_TERMS], field[CW_MAX_COMPONENTS] = {x};
  s->ops->reference(&th, &point, field, s->c, T, NULL);
  return -cw_dot(s->c, T, (size_t)s->ops->n_terms);
}

/* lw (N) = -S at x = reach*i/HALF, i = -HALF .. HALF; returns the largest. */
static double tabulate(const site *s, double reach, double *lw) {
  double top = -INFINITY;
  for (int i = -HALF; i <= HALF; i++) {
    lw[i + HALF] = log_weight(s, reach * i / HALF);
    top = fmax(top, lw[i + HALF]);
  }
  return top;
}

/* The same for n reals: their length e^t at t = reach*i/HALF, with the surface of their sphere. */
static double tabulate_lengths(const site *s, double reach, double *lw) {
  const int n = s->n_comp;
  const double sphere = log(2) + 0.5 * n * log(M_PI) - lgamma(0.5 * n);
  double top = -INFINITY;
  for (int i = -HALF; i <= HALF; i++) {
    const double t = reach * i / HALF;
    lw[i + HALF] = sphere + n * t + log_weight(s, exp(t));
    top = fmax(top, lw[i + HALF]);
  }
  return top;
}

/* The trapezoidal rule converges exponentially for an analytic integrand that vanishes at both
 * ends: if every second point gives the same, all of them are exact. */
double cw_one_site_lnz(const cw_theory_ops *ops, int n_comp, const double *couplings) {
  double lw[N], every_second[HALF + 1], top, reach = 1;
  site s = {.ops = ops, .n_comp = n_comp};
  memcpy(s.c, couplings, (size_t)ops->n_terms * sizeof *s.c);
  if (ops->bond_term >= 0) s.c[ops->bond_term] = 0;
  if (ops->kind == CW_SITE_SPIN)
    return cw_logsumexp((double[]){log_weight(&s, 1), log_weight(&s, -1)}, 2);
  if (n_comp > 1 && ops->bond_term < 0) return NAN;
  for (;; reach *= 1.25) { /* until the edge is negligible against the largest value */
    top = n_comp > 1 ? tabulate_lengths(&s, reach, lw) : tabulate(&s, reach, lw);
    if (lw[0] < top - 80 && lw[N - 1] < top - 80) break;
    if (!isfinite(top) || reach > 1e9) return NAN;
  }
  for (int i = 0; i <= HALF; i++) every_second[i] = lw[2 * i];
  double lnz = cw_logsumexp(lw, N) + log(reach / HALF);
  double coarse = cw_logsumexp(every_second, HALF + 1) + log(2 * reach / HALF);
  return fabs(lnz - coarse) < 1e-10 ? lnz : NAN;
}
