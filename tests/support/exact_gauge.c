#include "support/exact_gauge.h"

#include <math.h>
#include <stddef.h>

#include "causeway/stats.h"
#include "theory/wilson/torus.h"

enum { N_QUADRATURE = 256 };
static const double pi = 3.14159265358979323846;

/* (1/V) d ln Z/dbeta = sum a_r^(V-1) a_r' / sum a_r^V, in units of the trivial representation's
 * a_0. */
double exact_plaquette_2d(int n_colours, double beta, long V) {
  double slope, a0 = cw_torus_character(n_colours, beta, 0, 0, &slope);
  if (V == 0) return slope / a0;
  const int last = cw_torus_last_p(n_colours);
  double above = 0, below = 0;
  for (int p = n_colours == 1 ? -last : 0; p <= last; p++)
    for (int q = 0; q <= cw_torus_last_q(n_colours); q++) {
      double a = cw_torus_character(n_colours, beta, p, q, &slope);
      double w = pow(fabs(a) / a0, (double)(V - 1)); /* |a|: tiny ones are rounding errors */
      above += w * slope;
      below += w * a;
    }
  return above / below;
}

double exact_u1_q2(double beta, long V) {
  double phi[N_QUADRATURE], weight[N_QUADRATURE];
  cw_gauss_legendre(N_QUADRATURE, -pi, pi, phi, weight);
  double Z = 0, second = 0, c0 = cw_torus_character(1, beta, 0, 0, NULL);
  for (int n = -CW_TORUS_LABELS; n <= CW_TORUS_LABELS; n++) {
    double c = 0, c1 = 0, c2 = 0; /* c_n and its derivatives at theta = 0, all real */
    for (int i = 0; i < N_QUADRATURE; i++) {
      double w = weight[i] / (2 * pi) * exp(beta * (cos(phi[i]) - 1)), q = phi[i] / (2 * pi);
      c += w * cos(n * phi[i]);
      c1 += w * q * sin(n * phi[i]);
      c2 -= w * q * q * cos(n * phi[i]);
    }
    double v = (double)V, r = fabs(c) / c0;
    Z += pow(r, v);
    second += v * (v - 1) * pow(r, v - 2) * c1 * c1 / (c0 * c0) + v * pow(r, v - 1) * c2 / c0;
  }
  return -second / Z; /* the first derivative of Z is odd in n and vanishes */
}
