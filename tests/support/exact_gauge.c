#include "support/exact_gauge.h"

#include <math.h>
#include <stddef.h>

#include "causeway/stats.h"

enum { N_QUADRATURE = 256, MAX_LABEL = 40, TABLE = 2 * MAX_LABEL + 1 };
static const double pi = 3.14159265358979323846;

/* exp(-x) I_n(x), |n| <= MAX_LABEL, in I[n + MAX_LABEL]: the trapezoid rule converges exponentially
 * for a periodic function. */
static void bessel_table(double x, double I[TABLE]) {
  double cosine[N_QUADRATURE], weight[N_QUADRATURE];
  for (int i = 0; i < N_QUADRATURE; i++) {
    cosine[i] = cos(2 * pi * i / N_QUADRATURE);
    weight[i] = exp(x * (cosine[i] - 1)) / N_QUADRATURE;
  }
  for (int n = 0; n <= MAX_LABEL; n++) {
    double sum = 0;
    for (int i = 0; i < N_QUADRATURE; i++) sum += weight[i] * cosine[n * i % N_QUADRATURE];
    I[MAX_LABEL + n] = I[MAX_LABEL - n] = sum;
  }
}

static double bessel_at(const double I[TABLE], int n) {
  return n < -MAX_LABEL || n > MAX_LABEL ? 0 : I[n + MAX_LABEL];
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

/* a = (2/beta) I_d(beta), d = p + 1. */
static double su2_character(double beta, int p, double *derivative) {
  double I[TABLE];
  bessel_table(beta, I);
  double value = 2 / beta * bessel_at(I, p + 1);
  if (derivative != NULL) *derivative = 2 / beta * slope_at(I, p + 1) - value / beta;
  return value;
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
  const double d = exact_dimension(3, p, q);
  double I[TABLE], value = 0, change = 0;
  bessel_table(beta / 3, I);
  for (int k = -MAX_LABEL / 2 - q; k <= MAX_LABEL / 2 - q; k++)
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

double exact_dimension(int n_colours, int p, int q) {
  return n_colours == 1 ? 1 : n_colours == 2 ? p + 1 : 0.5 * (p + 1) * (q + 1) * (p + q + 2);
}

double exact_character(int n_colours, double beta, int p, int q, double *derivative) {
  return n_colours == 1   ? u1_character(beta, p, derivative)
         : n_colours == 2 ? su2_character(beta, p, derivative)
                          : su3_character(beta, p, q, derivative);
}

/* (1/V) d ln Z/dbeta = sum a_r^(V-1) a_r' / sum a_r^V, in units of the trivial representation's
 * a_0. */
double exact_plaquette_2d(int n_colours, double beta, long V) {
  double slope, a0 = exact_character(n_colours, beta, 0, 0, &slope);
  if (V == 0) return slope / a0;
  const int last = n_colours == 3 ? MAX_LABEL / 3 : MAX_LABEL - 2;
  double above = 0, below = 0;
  for (int p = n_colours == 1 ? -last : 0; p <= last; p++)
    for (int q = 0; q <= (n_colours == 3 ? last : 0); q++) {
      double a = exact_character(n_colours, beta, p, q, &slope);
      double w = pow(fabs(a) / a0, (double)(V - 1)); /* |a|: tiny ones are rounding errors */
      above += w * slope;
      below += w * a;
    }
  return above / below;
}

double exact_u1_q2(double beta, long V) {
  double phi[N_QUADRATURE], weight[N_QUADRATURE];
  cw_gauss_legendre(N_QUADRATURE, -pi, pi, phi, weight);
  double Z = 0, second = 0, c0 = exact_character(1, beta, 0, 0, NULL);
  for (int n = -MAX_LABEL; n <= MAX_LABEL; n++) {
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
