/* Rungs for equal acceptance.
 *
 * A swap without a map is accepted with min(1, e^d). Detailed balance makes the distribution of d
 * obey P(-d) = e^d P(d); if it is Gaussian, its variance is then twice -<d>, and the mean
 * acceptance <min(1, e^d)> is erfc(l/2), l^2 = -<d>. Between couplings that differ by dc, <-d> = dc
 * (<T> - <T>') = Var(T) dc^2 to leading order, so that l = sqrt(Var T) |dc| is a length: it adds up
 * along a path. To first order in l rejections add up too (Syed et al., arXiv:1905.02939: the
 * communication barrier); the inverse of erfc takes that on to low acceptances. */
#include <math.h>

#include "causeway/bridge.h"

double cw_gaussian_acceptance(double K) { return erfc(sqrt(K < 0 ? 0 : K) / 2); }

double cw_gaussian_acceptance_slope(double K) { return -exp(-K / 4) / (2 * sqrt(M_PI * K)); }

/* l of an acceptance erfc(l/2), 0 < accept <= 1. erfc falls from 1 to the least double on [0, 27].
 */
static double length_of(double accept) {
  double low = 0, high = 27;
  for (int i = 0; i < 60; i++) {
    double middle = 0.5 * (low + high);
    if (erfc(middle) >= accept)
      low = middle;
    else
      high = middle;
  }
  return 2 * low;
}

/* l of every interval; false where an acceptance is 0 or no number: *bad is the interval. */
static bool measure(int n, const double *accept, double *length, int *bad) {
  for (int k = 0; k < n - 1; k++) {
    *bad = k;
    if (!(accept[k] > 0)) return false;
    length[k] = length_of(accept[k]);
  }
  return true;
}

cw_status cw_equal_rungs(cw_context *ctx, int n, const double *t, const double *accept, int n_new,
                         double *t_new) {
  double length[CW_MAX_RUNGS], passed = 0;
  int bad, k = 0;
  if (n < 2 || n > CW_MAX_RUNGS)
    return cw_fail(ctx, CW_EINVAL, "a ladder of %d rungs: expected 2 to %d", n, CW_MAX_RUNGS);
  if (!measure(n, accept, length, &bad))
    return cw_fail(ctx, CW_ENUMERIC, "no swaps between rungs %d and %d: put rungs between them",
                   bad, bad + 1);
  if (n_new < 2 || n_new > CW_MAX_RUNGS)
    return cw_fail(ctx, CW_EINVAL, "a new ladder of %d rungs: expected 2 to %d", n_new,
                   CW_MAX_RUNGS);
  double total = cw_sum(length, (size_t)n - 1);
  for (int i = 1; i < n_new - 1; i++) {
    double share = (double)i / (n_new - 1), aim = total * share;
    while (k < n - 2 && passed + length[k] < aim) passed += length[k++];
    t_new[i] = total > 0 ? t[k] + fmin((aim - passed) / length[k], 1) * (t[k + 1] - t[k])
                         : t[0] + share * (t[n - 1] - t[0]);
  }
  t_new[0] = t[0];
  t_new[n_new - 1] = t[n - 1];
  return CW_OK;
}

int cw_rungs_needed(int n, const double *accept, double target) {
  double length[CW_MAX_RUNGS];
  int bad;
  if (n < 2 || n > CW_MAX_RUNGS || !(target > 0 && target < 1)) return 0;
  if (!measure(n, accept, length, &bad)) return 0;
  double intervals = cw_sum(length, (size_t)n - 1) / length_of(target);
  return 1 + (int)fmax(ceil(intervals - 1e-9), 1);
}
