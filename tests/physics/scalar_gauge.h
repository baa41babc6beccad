/* Gauge fields in plain scalar complex matrices, for one configuration at a time: everything is a
 * product of links along a path. The oracle of the gauge observables. */
#ifndef CW_TEST_SCALAR_GAUGE_H
#define CW_TEST_SCALAR_GAUGE_H

#include <complex.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/group.h"

typedef struct {
  int n;
  double complex e[3][3];
} matrix;

typedef struct {
  cw_lattice lat;
  cw_field_kind kind;
  int N;
  matrix *link; /* (sites, dim) */
} scalar_field;

static inline matrix one(int n) {
  matrix m = {.n = n};
  for (int i = 0; i < n; i++) m.e[i][i] = 1;
  return m;
}
static inline matrix times(matrix a, matrix b) {
  matrix m = {.n = a.n};
  for (int i = 0; i < a.n; i++)
    for (int j = 0; j < a.n; j++)
      for (int k = 0; k < a.n; k++) m.e[i][j] += a.e[i][k] * b.e[k][j];
  return m;
}
static inline matrix plus(matrix a, double complex s, matrix b) { /* a + s b */
  for (int i = 0; i < a.n; i++)
    for (int j = 0; j < a.n; j++) a.e[i][j] += s * b.e[i][j];
  return a;
}
static inline matrix dagger(matrix a) {
  matrix m = {.n = a.n};
  for (int i = 0; i < a.n; i++)
    for (int j = 0; j < a.n; j++) m.e[i][j] = conj(a.e[j][i]);
  return m;
}
static inline double complex trace(matrix a) {
  double complex t = 0;
  for (int i = 0; i < a.n; i++) t += a.e[i][i];
  return t;
}
/* (a - a^+)/2, without its trace unless n = 1 */
static inline matrix antihermitian(matrix a) {
  matrix m = plus((matrix){.n = a.n}, 0.5, plus(a, -1, dagger(a)));
  double complex t = trace(m) / a.n;
  for (int i = 0; a.n > 1 && i < a.n; i++) m.e[i][i] -= t;
  return m;
}
static inline matrix exponential(matrix a) {
  matrix sum = one(a.n), power = one(a.n);
  for (int k = 1; k < 40; k++) {
    power = plus((matrix){.n = a.n}, 1.0 / k, times(power, a));
    sum = plus(sum, 1, power);
  }
  return sum;
}

static inline scalar_field scalar_new(const cw_lattice *lat, cw_field_kind kind) {
  scalar_field f = {.lat = *lat, .kind = kind, .N = cw_kind(kind)->n_colours};
  f.link = calloc((size_t)(cw_lattice_sites(lat) * lat->dim), sizeof *f.link);
  return f;
}
static inline scalar_field scalar_from(const cw_field *x, cw_field_kind kind, long config) {
  scalar_field f = scalar_new(&x->geom->lat, kind);
  const int n_real = cw_kind(kind)->n_real, dim = f.lat.dim;
  for (long i = 0; i < cw_lattice_sites(&f.lat) * dim; i++) {
    double stored[18], m[18];
    for (int c = 0; c < n_real; c++)
      stored[c] = cw_field_get(x, config, i / dim, (int)(i % dim) * n_real + c);
    cw_link_to_matrix(kind, stored, m);
    f.link[i].n = f.N;
    for (int k = 0; k < f.N * f.N; k++) f.link[i].e[k / f.N][k % f.N] = m[2 * k] + I * m[2 * k + 1];
  }
  return f;
}
static inline void scalar_to(const scalar_field *f, cw_field *x, long config) {
  const int n_real = cw_kind(f->kind)->n_real, dim = f->lat.dim;
  for (long i = 0; i < cw_lattice_sites(&f->lat) * dim; i++) {
    double stored[18], m[18];
    for (int k = 0; k < f->N * f->N; k++) {
      m[2 * k] = creal(f->link[i].e[k / f->N][k % f->N]);
      m[2 * k + 1] = cimag(f->link[i].e[k / f->N][k % f->N]);
    }
    cw_link_from_matrix(f->kind, m, stored);
    for (int c = 0; c < n_real; c++)
      cw_field_set(x, config, i / dim, (int)(i % dim) * n_real + c, stored[c]);
  }
}

static inline matrix *scalar_link(const scalar_field *f, const int *coord, int mu) {
  return &f->link[cw_lattice_site(&f->lat, coord) * f->lat.dim + mu];
}

/* Product of the links along n steps from a site: step mu + 1 forward, -(mu + 1) backward. */
static inline matrix path(const scalar_field *f, long site, int n, const int *step) {
  int coord[CW_MAX_DIM];
  matrix m = one(f->N);
  cw_lattice_coord(&f->lat, site, coord);
  for (int i = 0; i < n; i++) {
    const int mu = abs(step[i]) - 1;
    if (step[i] < 0) coord[mu]--;
    const matrix u = *scalar_link(f, coord, mu);
    m = times(m, step[i] < 0 ? dagger(u) : u);
    if (step[i] > 0) coord[mu]++;
  }
  return m;
}
static inline matrix plaquette_at(const scalar_field *f, long site, int a, int b) {
  return path(f, site, 4, (int[]){a, b, -a, -b});
}

/* Sum of the staples that run beside link (site, mu) in the planes with nu < n_nu. */
static inline matrix staples(const scalar_field *f, long site, int mu, int n_nu) {
  matrix v = {.n = f->N};
  for (int nu = 0; nu < n_nu; nu++) {
    if (nu == mu) continue;
    v = plus(v, 1, path(f, site, 3, (int[]){nu + 1, mu + 1, -(nu + 1)}));
    v = plus(v, 1, path(f, site, 3, (int[]){-(nu + 1), mu + 1, nu + 1}));
  }
  return v;
}

/* F_munu = (1/4) sum of the anti-Hermitian parts of the four leaves that turn the same way. */
static inline matrix clover(const scalar_field *f, long site, int mu, int nu) {
  const int a = mu + 1, b = nu + 1;
  matrix sum = plaquette_at(f, site, a, b);
  sum = plus(sum, 1, plaquette_at(f, site, b, -a));
  sum = plus(sum, 1, plaquette_at(f, site, -a, -b));
  sum = plus(sum, 1, plaquette_at(f, site, -b, a));
  return plus((matrix){.n = f->N}, 0.25, antihermitian(sum));
}

/* E = -tr F_munu F_munu/2 with generators of tr T_a T_b = -delta_ab/2; U(1) has tr T T = -1, E =
 * F_munu F_munu/4. */
static inline double scalar_energy(const scalar_field *f) {
  double sum = 0;
  for (long s = 0; s < cw_lattice_sites(&f->lat); s++)
    for (int mu = 0; mu < f->lat.dim; mu++)
      for (int nu = 0; nu < f->lat.dim; nu++) {
        if (nu == mu) continue;
        const matrix F = clover(f, s, mu, nu);
        sum -= creal(trace(times(F, F))) * (f->N == 1 ? 0.25 : 0.5);
      }
  return sum / (double)cw_lattice_sites(&f->lat);
}

static inline double sign_of(const int *p) { /* of a permutation of 0..3; 0 if it is none */
  double sign = 1;
  for (int i = 0; i < 4; i++)
    for (int j = i + 1; j < 4; j++) sign *= p[i] < p[j] ? 1 : p[i] > p[j] ? -1 : 0;
  return sign;
}

/* Q = -(1/32 pi^2) sum_x eps_munurhosigma tr F_munu F_rhosigma, F anti-Hermitian. */
static inline double scalar_charge(const scalar_field *f) {
  double sum = 0;
  for (long s = 0; s < cw_lattice_sites(&f->lat); s++) {
    matrix F[4][4];
    for (int mu = 0; mu < 4; mu++)
      for (int nu = 0; nu < 4; nu++)
        if (mu != nu) F[mu][nu] = clover(f, s, mu, nu);
    for (int i = 0; i < 256; i++) {
      const int p[4] = {i / 64, i / 16 % 4, i / 4 % 4, i % 4};
      const double sign = sign_of(p);
      if (sign != 0) sum -= sign * creal(trace(times(F[p[0]][p[1]], F[p[2]][p[3]])));
    }
  }
  return sum / (32 * M_PI * M_PI);
}

/* sum_P Re tr(1 - P)/norm per site */
static inline double scalar_energy_plaquette(const scalar_field *f) {
  double sum = 0;
  for (long s = 0; s < cw_lattice_sites(&f->lat); s++)
    for (int mu = 0; mu < f->lat.dim; mu++)
      for (int nu = mu + 1; nu < f->lat.dim; nu++)
        sum += f->N - creal(trace(plaquette_at(f, s, mu + 1, nu + 1)));
  return sum * (f->N == 1 ? 1 : 2) / (double)cw_lattice_sites(&f->lat);
}

/* Z(V) of the Wilson flow: minus the anti-Hermitian part of U V^+. */
static inline matrix *scalar_flow_force(const scalar_field *f) {
  const int dim = f->lat.dim;
  const long n = cw_lattice_sites(&f->lat) * dim;
  matrix *z = calloc((size_t)n, sizeof *z);
  for (long i = 0; i < n; i++) {
    const matrix v = staples(f, i / dim, (int)(i % dim), dim);
    z[i] = plus((matrix){.n = f->N}, -1, antihermitian(times(f->link[i], dagger(v))));
  }
  return z;
}

/* One step of arXiv:1006.4518, eq. (C.2). */
static inline void scalar_flow_step(scalar_field *f, double eps) {
  const long n = cw_lattice_sites(&f->lat) * f->lat.dim;
  static const double weight[3][3] = {
      {0.25, 0, 0}, {-17.0 / 36, 8.0 / 9, 0}, {17.0 / 36, -8.0 / 9, 0.75}};
  matrix *z[3];
  for (int stage = 0; stage < 3; stage++) {
    z[stage] = scalar_flow_force(f);
    for (long i = 0; i < n; i++) {
      matrix x = {.n = f->N};
      for (int k = 0; k <= stage; k++) x = plus(x, eps * weight[stage][k], z[k][i]);
      f->link[i] = times(exponential(x), f->link[i]);
    }
  }
  for (int k = 0; k < 3; k++) free(z[k]);
}

/* One step of stout smearing of the links in space. */
static inline void scalar_smear(scalar_field *f, double rho) {
  const int dim = f->lat.dim;
  const long n = cw_lattice_sites(&f->lat) * dim;
  matrix *turn = calloc((size_t)n, sizeof *turn);
  for (long i = 0; i < n; i++) {
    if (i % dim == dim - 1) continue;
    const matrix v = staples(f, i / dim, (int)(i % dim), dim - 1);
    const matrix x = antihermitian(times(v, dagger(f->link[i])));
    turn[i] = exponential(plus((matrix){.n = f->N}, rho, x));
  }
  for (long i = 0; i < n; i++)
    if (i % dim != dim - 1) f->link[i] = times(turn[i], f->link[i]);
  free(turn);
}

/* The SU(2) matrix in rows and columns p, q that maximises Re tr a w; the identity elsewhere. */
static inline matrix best_rotation(matrix w, int p, int q) {
  matrix a = one(w.n);
  const double complex d = w.e[p][p] + conj(w.e[q][q]), o = w.e[p][q] - conj(w.e[q][p]);
  const double norm = sqrt(creal(d * conj(d) + o * conj(o)));
  a.e[p][p] = conj(d) / norm;
  a.e[q][q] = d / norm;
  a.e[p][q] = -o / norm;
  a.e[q][p] = conj(o) / norm;
  return a;
}

/* Moves u to where Re tr u v^+ is largest, by ten rounds over the SU(2) subgroups. */
static inline void relax(matrix *u, matrix v) {
  if (u->n == 1) u->e[0][0] = v.e[0][0] / cabs(v.e[0][0]);
  for (int round = 0; round < 10; round++)
    for (int p = 0; p < u->n; p++)
      for (int q = p + 1; q < u->n; q++) *u = times(best_rotation(times(*u, dagger(v)), p, q), *u);
}

/* One cooling sweep: in the order of cw_wavefront, at every site all directions in turn. */
static inline void scalar_cool(scalar_field *f, const cw_geometry *g) {
  const int dim = f->lat.dim;
  cw_wavefront w;
  cw_stretch t = {0};
  cw_wavefront_begin(&w, g);
  while (cw_wavefront_next(&w, 1, &t))
    for (long inner = t.begin; inner < t.begin + t.n; inner++)
      for (long i = 0; i < g->n_sub; i++) {
        long s = g->site[(inner + i / g->V * g->n_inner) * g->V + i % g->V];
        for (int mu = 0; mu < dim; mu++) relax(&f->link[s * dim + mu], staples(f, s, mu, dim));
      }
}

#endif
