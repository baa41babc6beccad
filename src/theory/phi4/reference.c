/* The oracle: one configuration, global sites, loops as in the formula. */
#include "theory/phi4/phi4.h"

static long neighbour_of(const cw_lattice *lat, const int coord[], int mu, int shift) {
  int y[CW_MAX_DIM];
  for (int d = 0; d < lat->dim; d++) y[d] = coord[d];
  y[mu] += shift;
  return cw_lattice_site(lat, y);
}

void cw_phi4_reference(const cw_theory *th, const cw_lattice *lat, const double *x, const double *c,
                       double *T, double *f) {
  (void)th;
  T[0] = T[1] = T[2] = 0;
  for (long s = 0; s < cw_lattice_sites(lat); s++) {
    int coord[CW_MAX_DIM];
    cw_lattice_coord(lat, s, coord);
    double forward = 0, backward = 0, phi = x[s];
    for (int mu = 0; mu < lat->dim; mu++) {
      forward += x[neighbour_of(lat, coord, mu, 1)];
      backward += x[neighbour_of(lat, coord, mu, -1)];
    }
    T[0] += phi * forward;
    T[1] += phi * phi;
    T[2] += phi * phi * phi * phi;
    if (f != NULL)
      f[s] = -c[0] * (forward + backward) - 2 * c[1] * phi - 4 * c[2] * phi * phi * phi;
  }
}
