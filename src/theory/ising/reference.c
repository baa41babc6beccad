/* The oracle: one configuration, global sites, loops as in the formula. */
#include "theory/ising/ising.h"

void cw_ising_reference(const cw_theory *th, const cw_lattice *lat, const double *x,
                        const double *c, double *T, double *f) {
  (void)th, (void)c, (void)f; /* spins have no force */
  T[0] = T[1] = 0;
  for (long s = 0; s < cw_lattice_sites(lat); s++) {
    int coord[CW_MAX_DIM];
    cw_lattice_coord(lat, s, coord);
    for (int mu = 0; mu < lat->dim; mu++) {
      coord[mu]++;
      T[0] += x[s] * x[cw_lattice_site(lat, coord)];
      coord[mu]--;
    }
    T[1] += x[s];
  }
}
