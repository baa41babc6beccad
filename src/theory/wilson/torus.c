#include "theory/wilson/torus.h"

#include <math.h>
#include <stddef.h>

enum { N_QUADRATURE = 256, LABELS = CW_TORUS_LABELS, TABLE = 2 * LABELS + 1 };

/* -------------------------------------------------------------- characters */

/* exp(-x) I_n(x), |n| <= LABELS, in I[n + LABELS]: the trapezoid rule converges exponentially for a
 * periodic function. */
static void bessel_table(double x, double I[TABLE]) {
  double cosine[N_QUADRATURE], weight[N_QUADRATURE];
  for (int i = 0; i < N_QUADRATURE; i++) {
    cosine[i] = cos(2 * M_PI * i / N_QUADRATURE);
    weight[i] = exp(x * (cosine[i] - 1)) / N_QUADRATURE;
  }
  for (int n = 0; n <= LABELS; n++) {
    double sum = 0;
    for (int i = 0; i < N_QUADRATURE; i++) sum += weight[i] * cosine[n * i % N_QUADRATURE];
    I[LABELS + n] = I[LABELS - n] = sum;
  }
}

static double bessel_at(const double I[TABLE], int n) {
  return n < -LABELS || n > LABELS ? 0 : I[n + LABELS];
}

/* exp(-x) dI_n/dx */
static double slope_at(const double I[TABLE], int n) {
  return 0.5 * (bessel_at(I, n - 1) + bessel_at(I, n + 1));
}

static double u1_character(double beta, int n, double *derivative) {
  double I[TABLE];
  bessel_table(beta, I);
  if (derivative != NULL) *derivative = slope_at(I, n);
  return bessel_at(I, n);
}

/* a = (2/beta) I_d(beta) = (I_(d-1) - I_(d+1))/d, d = p + 1. */
static double su2_character(double beta, int p, double *derivative) {
  double I[TABLE];
  bessel_table(beta, I);
  if (derivative != NULL) *derivative = (slope_at(I, p) - slope_at(I, p + 2)) / (p + 1);
  return (bessel_at(I, p) - bessel_at(I, p + 2)) / (p + 1);
}

static double det3(double m[3][3]) {
  return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
         m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
         m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

/* d a = sum_k det I_{lambda_j - j + i + k}(beta/3), lambda = (p + q, q, 0): the integral of chi_r
 * with exp((beta/6)(tr U + tr U^+)) over U(3), summed over k to fix the determinant. */
static double su3_character(double beta, int p, int q, double *derivative) {
  const int lambda[3] = {p + q, q, 0};
  const double d = cw_torus_dimension(3, p, q);
  double I[TABLE], value = 0, change = 0;
  bessel_table(beta / 3, I);
  for (int k = -LABELS / 2 - q; k <= LABELS / 2 - q; k++)
    for (int row = -1; row < 3; row++) { /* -1: the determinant; else its derivative in that row */
      double m[3][3];
      for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
          int n = lambda[j] - j + i + k;
          m[i][j] = i == row ? slope_at(I, n) : bessel_at(I, n);
        }
      *(row < 0 ? &value : &change) += det3(m);
    }
  if (derivative != NULL) *derivative = change / (3 * d);
  return value / d;
}

double cw_torus_dimension(int n_colours, int p, int q) {
  return n_colours == 1 ? 1 : n_colours == 2 ? p + 1 : 0.5 * (p + 1) * (q + 1) * (p + q + 2);
}

double cw_torus_character(int n_colours, double beta, int p, int q, double *derivative) {
  return n_colours == 1   ? u1_character(beta, p, derivative)
         : n_colours == 2 ? su2_character(beta, p, derivative)
                          : su3_character(beta, p, q, derivative);
}

int cw_torus_last_p(int n_colours) { return n_colours == 3 ? LABELS / 3 : LABELS - 2; }
int cw_torus_last_q(int n_colours) { return n_colours == 3 ? LABELS / 3 : 0; }

/* -------------------------------------------------------------------- ln Z */

enum { N_CLASSES = 3 }; /* plaquettes without, with one and with two defect links */

static void count_plaquettes(int form, const cw_lattice *lat, const double *p,
                             double n[N_CLASSES]) {
  n[0] = (double)cw_lattice_sites(lat);
  n[1] = n[2] = 0;
  if (form != CW_WILSON_DEFECT) return;
  cw_wilson_defect d = cw_wilson_defect_of(p);
  int across = 1 - d.direction, edge = d.edge[across];
  bool whole = edge == lat->extent[across];
  n[1] = whole ? 0 : 2;
  n[2] = whole ? edge : edge - 1;
  n[0] -= n[1] + n[2];
}

/* sum_r prod_k (a_r/a_0)^n_k; edge: what the last representations of the tables add. */
static double sum_over_representations(int n_colours, const double *beta, const double *n,
                                       double *edge) {
  const int last_p = cw_torus_last_p(n_colours), last_q = cw_torus_last_q(n_colours);
  double sum = 0;
  *edge = 0;
  for (int p = n_colours == 1 ? -last_p : 0; p <= last_p; p++)
    for (int q = 0; q <= last_q; q++) {
      double w = 1;
      for (int k = 0; k < N_CLASSES; k++)
        if (n[k] > 0) /* tiny ones are rounding errors of either sign */
          w *= pow(fabs(cw_torus_character(n_colours, beta[k], p, q, NULL) /
                        cw_torus_character(n_colours, beta[k], 0, 0, NULL)),
                   n[k]);
      sum += w;
      if (p == last_p || p == -last_p || (n_colours == 3 && q == last_q)) *edge += w;
    }
  return sum;
}

double cw_torus_lnz(int n_colours, int form, const cw_lattice *lat, const double *p) {
  double c[CW_WILSON_CLASSES], n[N_CLASSES], beta[N_CLASSES], edge, lnz = 0;
  bool zero = true;
  cw_wilson_couplings(form, lat, p, c);
  for (int k = 0; k < CW_WILSON_CLASSES; k++) zero &= c[k] == 0;
  if (zero) return 0;
  if (lat->dim != 2 || cw_wilson_refuse(form, lat, p) != NULL) return NAN;
  count_plaquettes(form, lat, p, n);
  for (int k = 0; k < N_CLASSES; k++) {
    beta[k] = c[2 * k + 1]; /* in two dimensions all planes are temporal */
    if (!(beta[k] < 100)) return NAN;
    lnz += n[k] * (beta[k] + log(cw_torus_character(n_colours, beta[k], 0, 0, NULL)));
  }
  lnz += log(sum_over_representations(n_colours, beta, n, &edge));
  return edge < 1e-13 ? lnz : NAN;
}
