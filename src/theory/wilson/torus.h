/* Gauge theories on two-dimensional tori, solved exactly. With the characters of the irreducible
 * representations r (dimension d_r),
 *   exp((beta/N) Re tr U) = sum_r d_r a_r(beta) chi_r(U),   Z = sum_r prod_P a_r(beta_P)
 * (A. A. Migdal, Sov. Phys. JETP 42 (1975) 413: integrating links one by one glues plaquettes). All
 * a_r come as a_r exp(-beta), which cannot overflow. */
#ifndef CW_THEORY_TORUS_H
#define CW_THEORY_TORUS_H

#include "theory/wilson/wilson.h"

enum { CW_TORUS_LABELS = 40 }; /* |p| + q of representations are below this */

/* exp(-beta) a_r for U(1), SU(2) or SU(3), n_colours = 1, 2, 3; 0 <= beta < 100. r = (p, q): U(1):
 * charge p, any sign; SU(2): p = 2j >= 0; SU(3): p, q >= 0 quark and antiquark indices. Unused
 * q = 0. derivative: NULL or exp(-beta) da_r/dbeta. */
double cw_torus_character(int n_colours, double beta, int p, int q, double *derivative);
double cw_torus_dimension(int n_colours, int p, int q);

/* Largest p, and q, of sums over representations. */
int cw_torus_last_p(int n_colours);
int cw_torus_last_q(int n_colours);

/* ln Z in two dimensions, of a whole torus or with a defect; elsewhere only of couplings 0. NAN:
 * not known, or the sum over representations is longer than the tables. */
double cw_torus_lnz(int n_colours, int form, const cw_lattice *lat, const double *p);

#endif
