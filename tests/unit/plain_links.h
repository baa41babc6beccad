/* Links of one configuration as plain matrices, for definitions that layers are held against. */
#ifndef CW_TEST_PLAIN_LINKS_H
#define CW_TEST_PLAIN_LINKS_H

#include <stdlib.h>
#include <string.h>

#include "unit/group_matrices.h"

typedef struct {
  cw_lattice lat;
  int kind_N;
  matrix *link; /* (sites, dim) */
} plain;

static inline matrix *link_at(const plain *f, const int *coord, int mu) {
  return &f->link[cw_lattice_site(&f->lat, coord) * f->lat.dim + mu];
}

static inline void moved(const int *coord, int nu, int by, int *to) {
  memcpy(to, coord, CW_MAX_DIM * sizeof *to);
  to[nu] += by;
}

static inline matrix unitary(matrix w, int turns) {
  const long double norm = sqrtl(creall(trace(times(dagger(w), w))));
  w = plus((matrix){.n = w.n}, sqrtl(w.n) / norm, w);
  for (int i = 0; i < turns; i++)
    w = plus(plus((matrix){.n = w.n}, 1.5L, w), -0.5L, times(w, times(dagger(w), w)));
  return w;
}

static inline plain copy_of(const plain *f) {
  const size_t n = (size_t)(cw_lattice_sites(&f->lat) * f->lat.dim);
  plain g = *f;
  g.link = malloc(n * sizeof *g.link);
  assert_non_null(g.link);
  memcpy(g.link, f->link, n * sizeof *g.link);
  return g;
}

static inline matrix link_of_field(cw_field_kind kind, const cw_field *x, long config, long site,
                                   int mu) {
  const int n = cw_kind(kind)->n_real;
  double link[18], flat[18];
  matrix m = {.n = cw_kind(kind)->n_colours};
  for (int k = 0; k < n; k++) link[k] = cw_field_get(x, config, site, mu * n + k);
  cw_link_to_matrix(kind, link, flat);
  for (int i = 0; i < m.n * m.n; i++)
    m.at[i / m.n][i % m.n] = (number)flat[2 * i] + 1.0iL * (number)flat[2 * i + 1];
  return m;
}

static inline plain plain_of(cw_field_kind kind, const cw_field *x, long config) {
  plain f = {x->geom->lat, cw_kind(kind)->n_colours, NULL};
  const long n = x->geom->n_sites * f.lat.dim;
  f.link = malloc((size_t)n * sizeof *f.link);
  assert_non_null(f.link);
  for (long r = 0; r < n; r++)
    f.link[r] = link_of_field(kind, x, config, r / f.lat.dim, (int)(r % f.lat.dim));
  return f;
}

/* The largest |dx t|/|t| in any lane, by iteration with dx^T dx. */
static inline double largest_singular_value(int d, const double *dx) {
  double most = 0;
  for (int l = 0; l < CW_LANES; l++) {
    double t[8], size = 0;
    for (int a = 0; a < d; a++) t[a] = 1 + 0.1 * a;
    for (int i = 0; i < 200; i++) {
      double s[8] = {0}, r[8] = {0};
      size = 0;
      for (int a = 0; a < d * d; a++) s[a / d] += dx[a * CW_LANES + l] * t[a % d];
      for (int a = 0; a < d * d; a++) r[a % d] += dx[a * CW_LANES + l] * s[a / d];
      for (int a = 0; a < d; a++) size += r[a] * r[a];
      size = sqrt(size);
      for (int a = 0; a < d; a++) t[a] = r[a] / (size + 1e-300);
    }
    most = fmax(most, sqrt(size));
  }
  return most;
}

#endif
