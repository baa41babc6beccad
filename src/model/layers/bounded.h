/* Coefficients that stay below the bound of a contraction, whatever the parameters. */
#ifndef CW_MODEL_LAYERS_BOUNDED_H
#define CW_MODEL_LAYERS_BOUNDED_H

/* s of c = s theta for m numbers with sum = sum_i (b_i theta_i)^2, so that sum_i b_i |c_i| < 1/2 (Cauchy and
 * Schwarz): s = (1 + r^4)^(-1/8), r = 4 m sum. slope: d ln s/d theta_i over b_i^2 theta_i. */
double cw_bounded(int m, double sum, double *slope);

#endif
