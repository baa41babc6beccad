/* Gradients of parameters. Private to src/model. */
#ifndef CW_MODEL_GRADIENT_H
#define CW_MODEL_GRADIENT_H

#include "causeway/model.h"

/* Networks, and the layers that were trained along with them, add up their gradients in float: a
 * sum that has been through float is a float, so that nothing is lost on the way there and back.
 * Returns the n sums in float (NULL: no memory); cw_gradient_from_float puts them back. */
static inline float *cw_gradient_in_float(const double *sum, long n, cw_arena *work) {
  float *f = (float *)cw_arena_alloc(work, (size_t)n * sizeof *f);
  for (long i = 0; f != NULL && i < n; i++) f[i] = (float)sum[i];
  return f;
}

static inline void cw_gradient_from_float(double *sum, const float *f, long n) {
  for (long i = 0; i < n; i++) sum[i] = (double)f[i];
}

/* Adds the parts of all lanes (CW_LANES) to parameter i: their sum in float as above. */
static inline void cw_gradient_add_rounded(cw_gradient_of *to, long i, const double *lanes) {
  to->sum[i] = (double)((float)to->sum[i] + (float)cw_sum(lanes, CW_LANES));
  for (int l = 0; to->each != NULL && l < CW_LANES; l++) to->each[i * CW_LANES + l] += lanes[l];
}

#endif
