/* Exact mean values of two-dimensional gauge theories on a torus of V plaquettes, from the
 * characters of src/theory/wilson/torus.h. */
#ifndef CW_TEST_EXACT_GAUGE_H
#define CW_TEST_EXACT_GAUGE_H

/* <Re tr P>/N on a torus of V plaquettes; V = 0: infinite volume. */
double exact_plaquette_2d(int n_colours, double beta, long V);

/* <Q^2> of U(1) on a torus of V >= 3 plaquettes, Q = (1/2 pi) sum arg P. From Z(theta) = sum_n
 * c_n(theta)^V, c_n(theta) = int dphi/(2 pi) exp(beta cos phi + i (theta/(2 pi) - n) phi),  -pi <
 * phi < pi, as -d^2/dtheta^2 ln Z at 0. */
double exact_u1_q2(double beta, long V);

#endif
