/* Sums over sites for the scalar observables. Plain loops over the configurations of a row, which the compiler turns into
 * vectors; no fused multiply-add, so that all instruction sets agree to the bit. */
#include <string.h>

#include "observe/scalar/scalar.h"
#include "simd/dispatch.h"

static inline const double *row(const cw_geometry *g, const double *x, long site, int B) {
  return x + (long)g->outer[site] * CW_LANES + g->group[site] * B;
}

/* B is a literal constant where it matters, at B = CW_LANES. */
static inline __attribute__((always_inline)) void add_site(const cw_geometry *g, const double *x,
                                                           const cw_longest *longest, long site,
                                                           const int *coord, int B,
                                                           cw_scalar_sums *out) {
  const double *phi = row(g, x, site, B);
  double near[CW_LANES] = {0};
  long stride = 1;
  for (int mu = g->lat.dim - 1; mu >= 0; mu--) {
    int extent = g->lat.extent[mu];
    long forward = coord[mu] + 1 < extent ? site + stride : site - (extent - 1) * stride;
    const double *there = row(g, x, forward, B);
    for (int b = 0; b < B; b++) near[b] += there[b];
    stride *= extent;
  }
  for (int b = 0; b < B; b++) {
    double square = phi[b] * phi[b];
    out->square[b] += square;
    out->quartic[b] += square * square;
    out->bonds[b] += phi[b] * near[b];
  }
  for (int k = 0; k < longest->n_long; k++) {
    double *slice = out->slice + (k * longest->extent + coord[longest->direction[k]]) * CW_LANES;
    for (int b = 0; b < B; b++) slice[b] += phi[b];
  }
}

static void sums(const cw_geometry *geom, const double *x, const cw_longest *longest,
                 cw_scalar_sums *out) {
  memset(out->square, 0, sizeof out->square);
  memset(out->quartic, 0, sizeof out->quartic);
  memset(out->bonds, 0, sizeof out->bonds);
  memset(out->slice, 0,
         (size_t)longest->n_long * (size_t)longest->extent * CW_LANES * sizeof(double));
  int B = CW_LANES / geom->V;
  for (long site = 0; site < geom->n_sites; site++) {
    int coord[CW_MAX_DIM];
    cw_lattice_coord(&geom->lat, site, coord);
    if (B == CW_LANES)
      add_site(geom, x, longest, site, coord, CW_LANES, out);
    else
      add_site(geom, x, longest, site, coord, B, out);
  }
}

extern const cw_scalar_kernels CW_ISA_NAME(cw_scalar_kernels);
const cw_scalar_kernels CW_ISA_NAME(cw_scalar_kernels) = {sums};
