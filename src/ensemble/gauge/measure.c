#include "ensemble/gauge/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sums and extremes over the sites of one (x, y, z), t = 0.. in order. */
typedef struct {
  double spatial, temporal, trace, unitarity, determinant;
} row_result;

/* To 32 bits. volatile: gcc 12.2 at -O3 vectorises the loop below and leaves the last two of 18
 * numbers as they were. */
static double rounded(double x) {
  volatile float y = (float)x;
  return (double)y;
}

static void load(const cw_configuration *conf, const cw_site_layout *layout, const int x[4], int mu,
                 double *u) {
  long site = cw_lattice_site(&conf->lat, x);
  memcpy(u, conf->link + ((size_t)site * 4 + (size_t)mu) * CW_LINK_REALS,
         CW_LINK_REALS * sizeof *u);
  if (layout->precision == 32)
    for (int k = 0; k < CW_LINK_REALS; k++) u[k] = rounded(u[k]);
  if (layout->rows == 2) cw_third_row(u);
}

/* c = a b */
static void multiply(const double *a, const double *b, double *c) {
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      double re = 0, im = 0;
      for (int k = 0; k < 3; k++) {
        const double *p = a + 2 * (3 * i + k), *q = b + 2 * (3 * k + j);
        re += p[0] * q[0] - p[1] * q[1];
        im += p[0] * q[1] + p[1] * q[0];
      }
      c[2 * (3 * i + j)] = re;
      c[2 * (3 * i + j) + 1] = im;
    }
}

/* Re tr(a b^dagger): the scalar product of all reals. */
static double trace_dagger(const double *a, const double *b) {
  double s = 0;
  for (int k = 0; k < CW_LINK_REALS; k++) s += a[k] * b[k];
  return s;
}

/* Re tr U_mu(x) U_nu(x+mu) (U_nu(x) U_mu(x+nu))^dagger / 3. Source: K. Wilson, PRD 10 (1974) 2445.
 */
static double plaquette(const cw_configuration *conf, const cw_site_layout *layout, const int x[4],
                        int mu, int nu) {
  double a[CW_LINK_REALS], b[CW_LINK_REALS], ab[CW_LINK_REALS], cd[CW_LINK_REALS];
  int x_mu[4], x_nu[4];
  memcpy(x_mu, x, sizeof x_mu);
  memcpy(x_nu, x, sizeof x_nu);
  x_mu[mu]++;
  x_nu[nu]++;
  load(conf, layout, x, mu, a);
  load(conf, layout, x_mu, nu, b);
  multiply(a, b, ab);
  load(conf, layout, x, nu, a);
  load(conf, layout, x_nu, mu, b);
  multiply(a, b, cd);
  return trace_dagger(ab, cd) / 3;
}

/* A larger value, or one that is not a number. */
static double worse(double a, double b) { return isnan(b) || b > a ? b : a; }

static double unitarity(const double *u) {
  double most = 0;
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      double re = i == j ? -1 : 0, im = 0;
      for (int k = 0; k < 3; k++) {
        const double *p = u + 2 * (3 * i + k), *q = u + 2 * (3 * j + k);
        re += p[0] * q[0] + p[1] * q[1];
        im += p[1] * q[0] - p[0] * q[1];
      }
      most = worse(most, hypot(re, im));
    }
  return most;
}

/* |det u - 1|: the third row of an SU(3) matrix made of its first two, times u's own. */
static double determinant(const double *u) {
  double v[CW_LINK_REALS], re = -1, im = 0;
  memcpy(v, u, sizeof v);
  cw_third_row(v);
  for (int k = 0; k < 3; k++) {
    const double *p = u + 12 + 2 * k, *q = v + 12 + 2 * k; /* p times conj(q) */
    re += p[0] * q[0] + p[1] * q[1];
    im += p[1] * q[0] - p[0] * q[1];
  }
  return hypot(re, im);
}

static void measure_site(const cw_configuration *conf, const cw_site_layout *layout, const int x[4],
                         row_result *r) {
  double u[CW_LINK_REALS];
  for (int mu = 0; mu < 4; mu++) {
    load(conf, layout, x, mu, u);
    r->trace += (u[0] + u[8] + u[16]) / 3;
    r->unitarity = worse(r->unitarity, unitarity(u));
    r->determinant = worse(r->determinant, determinant(u));
    for (int nu = mu + 1; nu < 4; nu++)
      *(nu == 3 ? &r->temporal : &r->spatial) += plaquette(conf, layout, x, mu, nu);
  }
}

static void measure_row(const cw_configuration *conf, const cw_site_layout *layout, long row,
                        row_result *r) {
  int x[4];
  cw_lattice_coord(&conf->lat, row * conf->lat.extent[3], x);
  for (x[3] = 0; x[3] < conf->lat.extent[3]; x[3]++) measure_site(conf, layout, x, r);
}

/* Sum of one member of all rows. work (n). */
static double sum_member(const row_result *r, long n, size_t offset, double *work) {
  for (long i = 0; i < n; i++) memcpy(work + i, (const char *)(r + i) + offset, sizeof *work);
  return cw_sum(work, (size_t)n);
}

cw_status cw_gauge_measure(cw_context *ctx, const cw_configuration *conf,
                           const cw_site_layout *layout, cw_configuration_info *info) {
  long n_sites = cw_lattice_sites(&conf->lat), n = n_sites / conf->lat.extent[3];
  row_result *row = calloc((size_t)n, sizeof *row);
  double *work = malloc((size_t)n * sizeof *work), sites = (double)n_sites;
  cw_status st = CW_OK;
  if (row == NULL || work == NULL) {
    st = cw_fail(ctx, CW_ENOMEM, "no memory to measure a configuration");
    goto done;
  }
#pragma omp parallel for schedule(static) num_threads(cw_threads(ctx))
  for (long i = 0; i < n; i++) measure_row(conf, layout, i, &row[i]);
  double spatial = sum_member(row, n, offsetof(row_result, spatial), work);
  double temporal = sum_member(row, n, offsetof(row_result, temporal), work);
  info->plaquette = (spatial + temporal) / (6 * sites);
  info->plaquette_spatial = spatial / (3 * sites);
  info->plaquette_temporal = temporal / (3 * sites);
  info->link_trace = sum_member(row, n, offsetof(row_result, trace), work) / (4 * sites);
  info->unitarity = info->determinant = 0;
  for (long i = 0; i < n; i++) {
    info->unitarity = worse(info->unitarity, row[i].unitarity);
    info->determinant = worse(info->determinant, row[i].determinant);
  }
done:
  free(row);
  free(work);
  return st;
}
