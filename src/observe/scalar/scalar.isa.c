/* Sums over sites for the scalar observables, on rows of configurations. Products and sums are
 * rounded one by one, so that all instruction sets and lane splits agree to the bit. */
#include "simd/simd.h"
#include "observe/scalar/scalar.h"

enum { N_VEC = CW_LANES / CW_VD };
typedef struct {
  cw_vd v[N_VEC];
} row_vec;

static inline row_vec load(const double *p) {
  row_vec r;
  for (int k = 0; k < N_VEC; k++) r.v[k] = cw_vd_load(p + k * CW_VD);
  return r;
}
static inline void add_to(double *p, row_vec a) {
  for (int k = 0; k < N_VEC; k++) cw_vd_store(p + k * CW_VD, cw_vd_load(p + k * CW_VD) + a.v[k]);
}
static inline row_vec add(row_vec a, row_vec b) {
  for (int k = 0; k < N_VEC; k++) a.v[k] += b.v[k];
  return a;
}
static inline row_vec multiply(row_vec a, row_vec b) {
  for (int k = 0; k < N_VEC; k++) a.v[k] *= b.v[k];
  return a;
}
static inline row_vec scaled(double s, row_vec a) {
  for (int k = 0; k < N_VEC; k++) a.v[k] *= s;
  return a;
}

/* One component of a field of several. */
typedef struct {
  const cw_geometry *geom;
  const double *x;
  int n_comp, comp;
} component;

/* The B configurations at a global site. */
static inline row_vec load_site(const component *f, long site, int B) {
  const cw_geometry *g = f->geom;
  const double *here =
      f->x + ((long)g->outer[site] * f->n_comp + f->comp) * CW_LANES + g->group[site] * B;
  if (B == CW_LANES) return load(here);
  cw_row padded __attribute__((aligned(64))) = {0};
  for (int b = 0; b < B; b++) padded[b] = here[b];
  return load(padded);
}

/* sum_mu phi_{x+mu} at a site with these coordinates. */
static inline row_vec forward_neighbours(const component *f, long site, const int *coord, int B) {
  const cw_geometry *g = f->geom;
  row_vec sum = {{{0}}};
  long stride = 1;
  for (int mu = g->lat.dim - 1; mu >= 0; mu--) {
    int extent = g->lat.extent[mu];
    bool wraps = coord[mu] + 1 == extent;
    sum = add(sum, load_site(f, wraps ? site - (extent - 1) * stride : site + stride, B));
    stride *= extent;
  }
  return sum;
}

static inline void next_site(const cw_lattice *lat, int *coord) {
  for (int mu = lat->dim - 1; mu >= 0 && ++coord[mu] == lat->extent[mu]; mu--) coord[mu] = 0;
}

static void site_sums(const cw_geometry *geom, const double *x, int n_comp,
                      const cw_longest *longest, cw_scalar_sums *out) {
  const int rows = longest->n_long * longest->extent;
  int B = CW_LANES / geom->V, coord[CW_MAX_DIM] = {0};
  row_vec squares = {{{0}}}, quartics = {{{0}}}, bonds = {{{0}}};
  memset(out->slice, 0, (size_t)(n_comp * rows) * sizeof(cw_row));
  for (long site = 0; site < geom->n_sites; site++) {
    row_vec square;
    for (int c = 0; c < n_comp; c++) {
      const component f = {geom, x, n_comp, c};
      cw_row *slice = out->slice + c * rows;
      row_vec phi = load_site(&f, site, B);
      square = c == 0 ? multiply(phi, phi) : add(square, multiply(phi, phi));
      bonds = add(bonds, multiply(phi, forward_neighbours(&f, site, coord, B)));
      for (int k = 0; k < longest->n_long; k++)
        add_to(slice[k * longest->extent + coord[longest->direction[k]]], phi);
    }
    squares = add(squares, square);
    quartics = add(quartics, multiply(square, square));
    next_site(&geom->lat, coord);
  }
  memcpy(out->square, &squares, sizeof squares);
  memcpy(out->quartic, &quartics, sizeof quartics);
  memcpy(out->bonds, &bonds, sizeof bonds);
}

static row_vec wave_squared(const cw_row *slice, int extent, const double (*wave)[2]) {
  row_vec re = {{{0}}}, im = {{{0}}};
  for (int t = 0; t < extent; t++) {
    row_vec s = load(slice[t]);
    re = add(re, scaled(wave[t][0], s));
    im = add(im, scaled(wave[t][1], s));
  }
  return add(multiply(re, re), multiply(im, im));
}

static void slice_sums(int n_comp, const cw_longest *longest, const double (*wave)[2],
                       cw_scalar_sums *out) {
  const int extent = longest->extent, rows = longest->n_long * extent;
  row_vec wave2 = {{{0}}};
  for (int c = 0; c < n_comp; c++) {
    row_vec total = {{{0}}};
    for (int t = 0; t < extent; t++) total = add(total, load(out->slice[c * rows + t]));
    memcpy(out->total[c], &total, sizeof total);
  }
  for (int k = 0; k < n_comp * longest->n_long; k++)
    wave2 = add(wave2, wave_squared(out->slice + k * extent, extent, wave));
  memcpy(out->wave2, &wave2, sizeof wave2);
  for (int t = 0; t <= extent / 2; t++) {
    row_vec sum = {{{0}}};
    for (const cw_row *slice = out->slice; slice < out->slice + n_comp * rows; slice += rows)
      for (int t0 = 0, t1 = t; t0 < extent; t0++, t1 = t1 + 1 < extent ? t1 + 1 : 0)
        sum = add(sum, multiply(load(slice[t0]), load(slice[t1])));
    memcpy(out->pairs[t], &sum, sizeof sum);
  }
}

extern const cw_scalar_kernels CW_ISA_NAME(cw_scalar_kernels);
const cw_scalar_kernels CW_ISA_NAME(cw_scalar_kernels) = {site_sums, slice_sums};
