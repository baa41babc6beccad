/* Inside of the Ising theory: its kernels, on one block of lanes. */
#ifndef CW_THEORY_ISING_H
#define CW_THEORY_ISING_H

#include "causeway/ising.h"

enum { CW_ISING_TERMS = 2 }; /* sum_{x,mu} s_x s_{x+mu}, sum_x s_x */

typedef struct {
  /* x (n_outer, CW_LANES) -> T (B, CW_ISING_TERMS) */
  void (*terms)(const cw_geometry *geom, const double *x, double *T);
} cw_ising_kernels;

void cw_ising_reference(const cw_theory *th, const cw_lattice *lat, const double *x,
                        const double *c, double *T, double *f);

#endif
