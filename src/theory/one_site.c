#include <math.h>
#include <string.h>

#include "causeway/theory.h"

enum { HALF = 2000, N = 2 * HALF + 1 };

/* -S of a single site. */
static double log_weight(const cw_theory_ops *ops, const double *c, double x) {
  const cw_lattice point = {.dim = 1, .extent = {1}};
  const cw_theory th = {.ops = ops};
  double T[CW_MAX_TERMS];
  ops->reference(&th, &point, &x, c, T, NULL);
  return -cw_dot(c, T, (size_t)ops->n_terms);
}

/* lw (N) = -S at x = reach*i/HALF, i = -HALF .. HALF; returns the largest. */
static double tabulate(const cw_theory_ops *ops, const double *c, double reach, double *lw) {
  double top = -INFINITY;
  for (int i = -HALF; i <= HALF; i++) {
    lw[i + HALF] = log_weight(ops, c, reach * i / HALF);
    top = fmax(top, lw[i + HALF]);
  }
  return top;
}

/* The trapezoidal rule converges exponentially for an analytic integrand that vanishes at both
 * ends: if every second point gives the same, all of them are exact. */
double cw_one_site_lnz(const cw_theory_ops *ops, const double *couplings) {
  double c[CW_MAX_TERMS], lw[N], every_second[HALF + 1], top, reach = 1;
  memcpy(c, couplings, (size_t)ops->n_terms * sizeof *c);
  if (ops->bond_term >= 0) c[ops->bond_term] = 0;
  if (ops->kind == CW_SITE_SPIN)
    return cw_logsumexp((double[]){log_weight(ops, c, 1), log_weight(ops, c, -1)}, 2);
  for (;; reach *= 1.25) { /* until the edge is negligible against the largest value */
    top = tabulate(ops, c, reach, lw);
    if (lw[0] < top - 80 && lw[N - 1] < top - 80) break;
    if (!isfinite(top) || reach > 1e9) return NAN;
  }
  for (int i = 0; i <= HALF; i++) every_second[i] = lw[2 * i];
  double lnz = cw_logsumexp(lw, N) + log(reach / HALF);
  double coarse = cw_logsumexp(every_second, HALF + 1) + log(2 * reach / HALF);
  return fabs(lnz - coarse) < 1e-10 ? lnz : NAN;
}
