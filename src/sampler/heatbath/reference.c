/* The oracle of heatbath.isa.c: one configuration, global sites in order, complex matrices of any
 * N, the C library's functions, the same draws. */
#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/heatbath/set.h"

enum { MAX_N = 3 };

typedef double complex matrix[MAX_N][MAX_N];

typedef struct {
  const cw_sweep *s;
  const cw_lattice *lat;
  cw_field_kind kind;
  int N, n_real;
  double *x;
  uint32_t chain;
} oracle;

static void multiply(int N, const matrix a, const matrix b, matrix c) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      c[i][j] = 0;
      for (int k = 0; k < N; k++) c[i][j] += a[i][k] * b[k][j];
    }
}

static void adjoint(int N, const matrix a, matrix c) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) c[i][j] = conj(a[j][i]);
}

/* ----------------------------------------------------------------- links and staples */

static double *link_at(const oracle *o, const int coord[], int mu) {
  return o->x + (cw_lattice_site(o->lat, coord) * o->lat->dim + mu) * o->n_real;
}

static void read_link(const oracle *o, const int coord[], int mu, matrix u) {
  double m[2 * MAX_N * MAX_N];
  cw_link_to_matrix(o->kind, link_at(o, coord, mu), m);
  for (int i = 0; i < o->N; i++)
    for (int j = 0; j < o->N; j++) {
      const double *p = m + 2 * (i * o->N + j);
      u[i][j] = p[0] + I * p[1];
    }
}

static void write_link(const oracle *o, const int coord[], int mu, const matrix u) {
  double m[2 * MAX_N * MAX_N];
  for (int i = 0; i < o->N; i++)
    for (int j = 0; j < o->N; j++) {
      m[2 * (i * o->N + j)] = creal(u[i][j]);
      m[2 * (i * o->N + j) + 1] = cimag(u[i][j]);
    }
  cw_link_from_matrix(o->kind, m, link_at(o, coord, mu));
}

/* One staple of (coord, mu) in the plane with nu, up or down. */
static void staple(const oracle *o, const int coord[], int mu, int nu, bool down, matrix v) {
  int y[CW_MAX_DIM];
  matrix a, b, c, ab;
  memcpy(y, coord, sizeof y);
  if (down) y[nu]--;
  read_link(o, y, nu, a);
  if (!down) y[nu]++;
  read_link(o, y, mu, b);
  if (!down) y[nu]--;
  y[mu]++;
  read_link(o, y, nu, c);
  if (down) {
    matrix t;
    adjoint(o->N, a, t);
    multiply(o->N, t, b, ab);
    multiply(o->N, ab, c, v);
  } else {
    matrix t;
    multiply(o->N, a, b, ab);
    adjoint(o->N, c, t);
    multiply(o->N, ab, t, v);
  }
}

static void weighted_staples(const oracle *o, const int coord[], int mu, matrix v) {
  const cw_theory *th = o->s->th;
  long site = cw_lattice_site(o->lat, coord), outer = th->geom->outer[site];
  int lane = th->geom->group[site] * (CW_LANES / th->geom->V);
  double r[CW_WILSON_STAPLES][CW_LANES];
  cw_wilson_staple_weights(&o->s->weights, o->lat->dim, mu, cw_wilson_defects(th, outer, mu), r);
  memset(v, 0, sizeof(matrix));
  for (int k = 0; k < 2 * (o->lat->dim - 1); k++) {
    matrix one;
    staple(o, coord, mu, k / 2 + (k / 2 >= mu), k % 2 == 1, one);
    for (int i = 0; i < o->N; i++)
      for (int j = 0; j < o->N; j++) v[i][j] += r[k][lane] * one[i][j];
  }
}

/* ------------------------------------------------------------------------------ draws */

static double unit32(uint32_t word) { return (word + 0.5) * 0x1p-32; }

/* One try for delta = 1 - a0 (see draws.h); bits of the second draw in b. */
static bool try_su2(const oracle *o, uint32_t site, uint32_t draw, double alpha, uint32_t b[4],
                    double *delta) {
  double u[2], accept;
  cw_uniform2(o->s->rng, site, o->chain, o->s->step, draw, u);
  cw_random_bits(o->s->rng, site, o->chain, o->s->step, draw + 1, b);
  accept = unit32(b[1]);
  if (alpha < CW_HEATBATH_SMALL) {
    double top = 2 * alpha / (1 + sqrt(1 + 4 * alpha * alpha));
    *delta = 2 * u[0];
    return accept * sqrt(1 - top * top) <=
           sqrt(*delta * (2 - *delta)) * exp(alpha * (1 - *delta - top));
  }
  double c = cos(2 * M_PI * unit32(b[0]));
  *delta = -(c * c * log(u[0]) + log(u[1])) / alpha;
  return accept * accept <= 1 - *delta / 2;
}

static void draw_su2(const oracle *o, uint32_t site, uint32_t draw, double alpha, double h[4]) {
  uint32_t b[4];
  double delta;
  while (!try_su2(o, site, draw, alpha, b, &delta)) draw += 2;
  double r = sqrt(delta * (2 - delta)), z = 2 * unit32(b[2]) - 1, turn = 2 * M_PI * unit32(b[3]);
  h[0] = 1 - delta;
  h[1] = r * sqrt(1 - z * z) * cos(turn);
  h[2] = r * sqrt(1 - z * z) * sin(turn);
  h[3] = r * z;
}

static double complex draw_u1(const oracle *o, uint32_t site, uint32_t draw, double kappa) {
  double large = fmax(kappa, CW_HEATBATH_SMALL);
  double a = 1 + sqrt(1 + 4 * large * large), b = (a - sqrt(2 * a)) / (2 * large);
  double rho = (1 + b * b) / (2 * b), q = (1 - b * b) / (2 * b);
  for (;; draw++) {
    double u[2];
    uint32_t bits[4];
    cw_uniform2(o->s->rng, site, o->chain, o->s->step, draw, u);
    cw_random_bits(o->s->rng, site, o->chain, o->s->step, draw, bits);
    double z = cos(2 * M_PI * u[0]), s = sin(2 * M_PI * u[0]), w = kappa * q * q / (rho + z);
    if (kappa < CW_HEATBATH_SMALL) {
      if (unit32(bits[2]) <= exp(kappa * (z - 1))) return z + I * s;
    } else if (unit32(bits[2]) <= w * exp(1 - w)) {
      return (1 + rho * z + I * q * s) / (rho + z);
    }
  }
}

/* ---------------------------------------------------------------------------- updates */

static void update_u1(const oracle *o, uint32_t site, uint32_t draw, matrix u, const matrix v) {
  double size = cabs(v[0][0]);
  if (o->s->relax) {
    if (size > 0) u[0][0] = v[0][0] * v[0][0] * conj(u[0][0]) / (size * size);
    return;
  }
  double complex phase = size > 0 ? v[0][0] / size : 1;
  double kappa = o->s->weights.scale * size;
  u[0][0] = draw_u1(o, site, draw, fabs(kappa)) * (kappa < 0 && size > 0 ? -phase : phase);
}

/* q -> g = (q^+/|q|)^2, or h q^+/|q| with h drawn. */
static void update_su2(const oracle *o, uint32_t site, uint32_t draw, const double q[4],
                       double g[4]) {
  double size = sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]), p[4] = {1, 0, 0, 0},
         h[4];
  double factor = 2 * o->s->weights.scale / o->N;
  for (int k = 0; k < 4 && size > 0; k++) p[k] = q[k] / size;
  if (!o->s->relax && factor < 0 && size > 0)
    for (int k = 0; k < 4; k++) p[k] = -p[k];
  for (int k = 1; k < 4; k++) p[k] = -p[k];
  if (o->s->relax)
    memcpy(h, p, sizeof h);
  else
    draw_su2(o, site, draw, fabs(factor) * size, h);
  g[0] = h[0] * p[0] - h[1] * p[1] - h[2] * p[2] - h[3] * p[3];
  g[1] = h[0] * p[1] + h[1] * p[0] - h[2] * p[3] + h[3] * p[2];
  g[2] = h[0] * p[2] + h[2] * p[0] - h[3] * p[1] + h[1] * p[3];
  g[3] = h[0] * p[3] + h[3] * p[0] - h[1] * p[2] + h[2] * p[1];
}

/* The subgroup of rows and columns i < j: u <- g u with g chosen by the block of u v^+. */
static void update_subgroup(const oracle *o, uint32_t site, uint32_t draw, int i, int j, matrix u,
                            const matrix v) {
  matrix t, w, left, moved;
  double g[4];
  adjoint(o->N, v, t);
  multiply(o->N, u, t, w);
  const double q[4] = {0.5 * creal(w[i][i] + w[j][j]), 0.5 * cimag(w[i][j] + w[j][i]),
                       0.5 * creal(w[i][j] - w[j][i]), 0.5 * cimag(w[i][i] - w[j][j])};
  update_su2(o, site, draw, q, g);
  for (int a = 0; a < o->N; a++)
    for (int b = 0; b < o->N; b++) left[a][b] = a == b;
  left[i][i] = g[0] + I * g[3];
  left[i][j] = g[2] + I * g[1];
  left[j][i] = -g[2] + I * g[1];
  left[j][j] = g[0] - I * g[3];
  multiply(o->N, left, u, moved);
  memcpy(u, moved, sizeof moved);
}

static void update_link(const oracle *o, const int coord[], int mu) {
  matrix u, v;
  uint32_t site = (uint32_t)cw_lattice_site(o->lat, coord);
  read_link(o, coord, mu, u);
  weighted_staples(o, coord, mu, v);
  if (o->N == 1) {
    update_u1(o, site, cw_heatbath_draw(o->s->sweep, mu, 0), u, v);
  } else {
    static const int row[3][2] = {{0, 1}, {0, 2}, {1, 2}};
    const int n = o->N * (o->N - 1) / 2;
    for (int turn = 0; turn < n; turn++) {
      int k = o->s->back ? n - 1 - turn : turn;
      update_subgroup(o, site, cw_heatbath_draw(o->s->sweep, mu, k), row[k][0], row[k][1], u, v);
    }
  }
  write_link(o, coord, mu, u);
}

static void update_site(const oracle *o, long site) {
  int coord[CW_MAX_DIM];
  cw_lattice_coord(o->lat, site, coord);
  for (int turn = 0; turn < o->lat->dim; turn++)
    update_link(o, coord, o->s->back ? o->lat->dim - 1 - turn : turn);
}

static void update_set(const oracle *o, const cw_set_plan *set) {
  for (long i = 0; i < set->n; i++) {
    long link = set->link[o->s->back ? set->n - 1 - i : i];
    int coord[CW_MAX_DIM];
    cw_lattice_coord(o->lat, link / o->lat->dim, coord);
    update_link(o, coord, (int)(link % o->lat->dim));
  }
}

static void update_all(const oracle *o) {
  const cw_geometry *g = o->s->th->geom;
  long *order = cw_alloc((size_t)g->n_sites * sizeof *order), n = 0;
  cw_wavefront wave;
  cw_stretch t = {0};
  CW_REQUIRE(order != NULL);
  cw_wavefront_begin(&wave, g);
  while (cw_wavefront_next(&wave, 1, &t))
    for (long inner = t.begin; inner < t.begin + t.n; inner++)
      for (long outer = inner; outer < g->n_outer; outer += g->n_inner)
        for (int v = 0; v < g->V; v++) order[n++] = g->site[outer * g->V + v];
  for (long i = 0; i < n; i++) update_site(o, order[o->s->back ? n - 1 - i : i]);
  free(order);
}

void cw_heatbath_reference(const cw_sweep *s, const cw_set_plan *set, double *x, uint32_t chain) {
  const cw_geometry *g = s->th->geom;
  const cw_kind_ops *kind = cw_kind(s->th->ops->kind);
  oracle o = {.s = s,
              .lat = &g->lat,
              .kind = s->th->ops->kind,
              .N = kind->n_colours,
              .n_real = kind->n_real,
              .x = x,
              .chain = chain};
  if (set != NULL)
    update_set(&o, set);
  else
    update_all(&o);
}
