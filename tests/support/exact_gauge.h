/* Exact numbers of two-dimensional gauge theories on a torus of V plaquettes.
 *
 * With the characters of the irreducible representations r (dimension d_r),
 *   exp((beta/N) Re tr U) = sum_r d_r a_r(beta) chi_r(U),   Z = sum_r a_r^V
 * (A. A. Migdal, Sov. Phys. JETP 42 (1975) 413: integrating links one by one glues plaquettes). All
 * a_r come as a_r exp(-beta), which leaves mean values alone and cannot overflow. */
#ifndef CW_TEST_EXACT_GAUGE_H
#define CW_TEST_EXACT_GAUGE_H

/* exp(-beta) a_r for U(1), SU(2) or SU(3), n_colours = 1, 2, 3. r = (p, q): U(1): charge p, any
 * sign; SU(2): p = 2j >= 0; SU(3): p, q >= 0 quark and antiquark indices. Unused q = 0. derivative:
 * NULL or exp(-beta) da_r/dbeta. */
double exact_character(int n_colours, double beta, int p, int q, double *derivative);
double exact_dimension(int n_colours, int p, int q);

/* <Re tr P>/N on a torus of V plaquettes; V = 0: infinite volume. */
double exact_plaquette_2d(int n_colours, double beta, long V);

/* <Q^2> of U(1) on a torus of V >= 3 plaquettes, Q = (1/2 pi) sum arg P. From Z(theta) = sum_n
 * c_n(theta)^V, c_n(theta) = int dphi/(2 pi) exp(beta cos phi + i (theta/(2 pi) - n) phi),  -pi <
 * phi < pi, as -d^2/dtheta^2 ln Z at 0. */
double exact_u1_q2(double beta, long V);

#endif
