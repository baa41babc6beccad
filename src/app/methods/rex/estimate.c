/* What swaps tell of a pair of rungs: how often they are accepted, and the mean works. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/methods/rex/rex.h"

static cw_status no_memory(cw_context *ctx) {
  return cw_fail(ctx, CW_ENOMEM, "no memory for estimates of swaps");
}

static double ratio(const double *mean, const void *arg) {
  (void)arg;
  return mean[1] > 0 ? mean[0] / mean[1] : NAN;
}

cw_status cw_swap_acceptance(cw_context *ctx, const double *rows, long n_step, long n_pair,
                             long pair, cw_estimate *out) {
  double *own = malloc((size_t)(2 * n_step) * sizeof *own);
  if (own == NULL) return no_memory(ctx);
  for (long t = 0; t < n_step; t++)
    memcpy(own + 2 * t, rows + (t * n_pair + pair) * 2, 2 * sizeof *own);
  cw_status st = cw_gamma(ctx, own, 1, n_step, 2, ratio, NULL, out);
  free(own);
  return st;
}

double *cw_rows_by_chains(const double *rows, long n_step, long n_chain, long width) {
  double *out = malloc((size_t)(n_step * n_chain * width) * sizeof *out);
  for (long t = 0; out != NULL && t < n_step; t++)
    for (long i = 0; i < n_chain; i++)
      memcpy(out + (i * n_step + t) * width, rows + (t * n_chain + i) * width,
             (size_t)width * sizeof *out);
  return out;
}

enum { N_EACH = 4 }; /* sum and number of works, one way and back */

static double both_works(const double *mean, const void *arg) {
  const double K = mean[0] / mean[1] + mean[2] / mean[3];
  (void)arg;
  return isfinite(K) ? K : NAN;
}

/* series (n, n_pair, 2); works that are no numbers: there was no proposal. */
static void works_of_pair(const double *series, long n, int n_pair, int pair, double *primary) {
  for (long i = 0; i < n; i++)
    for (int way = 0; way < 2; way++) {
      const double w = series[(i * n_pair + pair) * 2 + way];
      double *to = primary + i * N_EACH + 2 * way;
      to[0] = isnan(w) ? 0 : w;
      to[1] = !isnan(w);
    }
}

cw_status cw_swap_K(cw_context *ctx, const double *series, long n_chain, long n_step, int n_pair,
                    int pair, cw_estimate *out) {
  const long n = n_chain * n_step;
  double *primary = malloc((size_t)(n * N_EACH) * sizeof *primary);
  if (primary == NULL) return no_memory(ctx);
  works_of_pair(series, n, n_pair, pair, primary);
  cw_status st = cw_gamma(ctx, primary, n_chain, n_step, N_EACH, both_works, NULL, out);
  free(primary);
  return st;
}

cw_estimate cw_gaussian_acceptance_of(cw_estimate K) {
  cw_estimate e = K;
  e.value = cw_gaussian_acceptance(K.value);
  e.error = 0.5 * fabs(cw_gaussian_acceptance(K.value + K.error) -
                       cw_gaussian_acceptance(K.value - K.error));
  return e;
}
