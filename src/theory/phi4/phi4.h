/* Inside of the phi^4 theory: its kernels, on one block of lanes. */
#ifndef CW_THEORY_PHI4_H
#define CW_THEORY_PHI4_H

#include "causeway/theory.h"

enum { CW_PHI4_TERMS = 3 }; /* sum_{x,mu} phi_x phi_{x+mu}, sum_x phi_x^2, sum_x phi_x^4 */

typedef struct {
  /* x (n_outer, CW_LANES) -> T (B, CW_PHI4_TERMS) */
  void (*terms)(const cw_geometry *geom, const double *x, double *T);
  /* x -> f (n_outer, CW_LANES) = -dS/dx at couplings c[CW_PHI4_TERMS] */
  void (*force)(const cw_geometry *geom, const double *x, const double *c, double *f);
} cw_phi4_kernels;

void cw_phi4_reference(const cw_theory *th, const cw_lattice *lat, const double *x, const double *c,
                       double *T, double *f);

#endif
