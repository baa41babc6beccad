/* Free energies from works that were measured both ways (C. H. Bennett, J. Comput. Phys. 22 (1976)
 * 245). */
#include <math.h>
#include <stdlib.h>

#include "causeway/stats.h"

enum { N_EACH = 4 }; /* primaries of a pair: sum of f and number of works, one way and back */

typedef struct {
  int n_pair;
  double *shift; /* (n_pair): -ln Z(k+1)/Z(k), where both sides weigh alike */
} pairs;

static double fermi(double w) { return 1 / (1 + exp(w)); }

/* Mean of f over the works of pair k, one way (0) or back (1); NAN: there are none. */
static double mean_fermi(const double *work, long n, int n_pair, int k, int way, double shift) {
  double sum = 0, number = 0;
  for (long i = 0; i < n; i++) {
    const double w = work[(i * n_pair + k) * 2 + way];
    if (isnan(w)) continue;
    sum += fermi(way == 0 ? w - shift : w + shift);
    number++;
  }
  return sum / number;
}

/* Where the means of both sides are equal: they are monotonic in the shift, in opposite directions.
 */
static double find_shift(const double *work, long n, int n_pair, int k) {
  double low = INFINITY, high = -INFINITY;
  for (long i = 0; i < n; i++)
    for (int way = 0; way < 2; way++) {
      const double w = work[(i * n_pair + k) * 2 + way], side = way == 0 ? w : -w;
      if (isnan(w)) continue;
      low = fmin(low, side);
      high = fmax(high, side);
    }
  if (!(isfinite(low) && isfinite(high))) return NAN;
  for (int i = 0; i < 60 && high - low > 1e-9 * (1 + fabs(low)); i++) {
    const double middle = 0.5 * (low + high);
    if (mean_fermi(work, n, n_pair, k, 0, middle) < mean_fermi(work, n, n_pair, k, 1, middle))
      low = middle;
    else
      high = middle;
  }
  return 0.5 * (low + high);
}

/* sum_k ln Z(k+1)/Z(k) = sum_k ln <f(w - C)> - ln <f(w' + C)> - C, for any C. */
static double ln_ratio(const double *mean, const void *arg) {
  const pairs *p = arg;
  double sum = 0;
  for (int k = 0; k < p->n_pair; k++, mean += N_EACH)
    sum += log(mean[0] / mean[1]) - log(mean[2] / mean[3]) - p->shift[k];
  return sum;
}

static void set_primaries(const pairs *p, const double *work, long n, double *primary) {
  for (long i = 0; i < n * p->n_pair; i++) {
    const double there = work[2 * i], back = work[2 * i + 1], shift = p->shift[i % p->n_pair];
    double *row = primary + i * N_EACH;
    row[1] = !isnan(there);
    row[3] = !isnan(back);
    row[0] = row[1] > 0 ? fermi(there - shift) : 0;
    row[2] = row[3] > 0 ? fermi(back + shift) : 0;
  }
}

cw_status cw_bennett(cw_context *ctx, const double *work, long n_chain, long n_step, int n_pair,
                     cw_estimate *out) {
  const size_t n = (size_t)(n_chain * n_step);
  pairs p = {.n_pair = n_pair, .shift = malloc((size_t)n_pair * sizeof *p.shift)};
  double *primary = malloc(n * (size_t)n_pair * N_EACH * sizeof *primary);
  cw_status st =
      p.shift != NULL && primary != NULL ? CW_OK : cw_fail(ctx, CW_ENOMEM, "no memory for works");
  if (st == CW_OK) {
    for (int k = 0; k < n_pair; k++) p.shift[k] = find_shift(work, (long)n, n_pair, k);
    set_primaries(&p, work, (long)n, primary);
    st = cw_gamma(ctx, primary, n_chain, n_step, N_EACH * n_pair, ln_ratio, &p, out);
  }
  free(p.shift);
  free(primary);
  return st;
}
