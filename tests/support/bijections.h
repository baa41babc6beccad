/* Bijections of configurations with known Jacobians, both ways, as maps between rungs. */
#ifndef CW_TEST_BIJECTIONS_H
#define CW_TEST_BIJECTIONS_H

#include <math.h>

#include "causeway/bridge.h"

/* f(u) = sinh(a asinh u + b) of every number: f'(u) = a cosh(a asinh u + b) / sqrt(1 + u^2). */
typedef struct {
  double a, b;
} stretch;

static inline double stretched(const stretch *f, double u, bool inverse, double *log_slope) {
  double y = inverse ? sinh((asinh(u) - f->b) / f->a) : sinh(f->a * asinh(u) + f->b);
  double from = inverse ? y : u;
  double slope = f->a * cosh(f->a * asinh(from) + f->b) / sqrt(1 + from * from);
  *log_slope = inverse ? -log(slope) : log(slope);
  return y;
}

static inline cw_status stretch_apply(const cw_map *map, cw_context *ctx, cw_field *x, double *logj,
                                      bool inverse) {
  (void)ctx;
  for (long i = 0; i < x->n_blocks * x->B; i++) {
    logj[i] = 0;
    for (long s = 0; s < x->geom->n_sites; s++) {
      double one,
          y = stretched((const stretch *)map->self, cw_field_get(x, i, s, 0), inverse, &one);
      cw_field_set(x, i, s, 0, y);
      logj[i] += one;
    }
  }
  return CW_OK;
}

/* At most 16 spins go one site further, and the one that comes around is flipped: a permutation of
 * their states of order 2 n_sites. */
static inline cw_status march_apply(const cw_map *map, cw_context *ctx, cw_field *x, double *logj,
                                    bool inverse) {
  (void)map, (void)ctx;
  long n = x->geom->n_sites;
  for (long i = 0; i < x->n_blocks * x->B; i++) {
    double s[16];
    logj[i] = 0;
    for (long k = 0; k < n; k++) s[k] = cw_field_get(x, i, k, 0);
    for (long k = 0; k < n; k++) {
      double to = inverse ? (k + 1 == n ? -s[0] : s[k + 1]) : (k == 0 ? -s[n - 1] : s[k - 1]);
      cw_field_set(x, i, k, 0, to);
    }
  }
  return CW_OK;
}

#endif
