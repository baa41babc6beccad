#include "ensemble/gauge/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sums and extremes over the sites that differ in the last coordinate, in order. */
typedef struct {
  double spatial, temporal, trace, unitarity, determinant;
} row_result;

/* To 32 bits. volatile: gcc 12.2 at -O3 vectorises the loop below and leaves the last two of 18
 * numbers as they were. */
static double rounded(double x) {
  volatile float y = (float)x;
  return (double)y;
}

static void load(const cw_configuration *conf, const cw_site_layout *layout, const int *x, int mu,
                 double *u) {
  const size_t site = (size_t)cw_lattice_site(&conf->lat, x), dim = (size_t)conf->lat.dim;
  const int reals = 2 * layout->n * layout->n;
  memcpy(u, conf->data + (site * dim + (size_t)mu) * (size_t)reals, (size_t)reals * sizeof *u);
  if (layout->precision == 32)
    for (int k = 0; k < reals; k++) u[k] = rounded(u[k]);
  if (layout->rows < layout->n) cw_last_row(layout->n, u);
}

/* c = a b, (n, n) */
static void multiply(int n, const double *a, const double *b, double *c) {
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double re = 0, im = 0;
      for (int k = 0; k < n; k++) {
        const double *p = a + 2 * (n * i + k), *q = b + 2 * (n * k + j);
        re += p[0] * q[0] - p[1] * q[1];
        im += p[0] * q[1] + p[1] * q[0];
      }
      c[2 * (n * i + j)] = re;
      c[2 * (n * i + j) + 1] = im;
    }
}

/* Re tr(a b^dagger): the scalar product of all reals. */
static double trace_dagger(int n, const double *a, const double *b) {
  double s = 0;
  for (int k = 0; k < 2 * n * n; k++) s += a[k] * b[k];
  return s;
}

/* Re tr U_mu(x) U_nu(x+mu) (U_nu(x) U_mu(x+nu))^dagger / N. Source: K. Wilson, PRD 10 (1974) 2445.
 */
static double plaquette(const cw_configuration *conf, const cw_site_layout *layout,
                        const int x[CW_MAX_DIM], int mu, int nu) {
  double a[CW_LINK_REALS], b[CW_LINK_REALS], ab[CW_LINK_REALS], cd[CW_LINK_REALS];
  int x_mu[CW_MAX_DIM], x_nu[CW_MAX_DIM];
  const int n = layout->n;
  memcpy(x_mu, x, sizeof x_mu);
  memcpy(x_nu, x, sizeof x_nu);
  x_mu[mu]++;
  x_nu[nu]++;
  load(conf, layout, x, mu, a);
  load(conf, layout, x_mu, nu, b);
  multiply(n, a, b, ab);
  load(conf, layout, x, nu, a);
  load(conf, layout, x_nu, mu, b);
  multiply(n, a, b, cd);
  return trace_dagger(n, ab, cd) / n;
}

/* A larger value, or one that is not a number. */
static double worse(double a, double b) { return isnan(b) || b > a ? b : a; }

static double unitarity(int n, const double *u) {
  double most = 0;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double re = i == j ? -1 : 0, im = 0;
      for (int k = 0; k < n; k++) {
        const double *p = u + 2 * (n * i + k), *q = u + 2 * (n * j + k);
        re += p[0] * q[0] + p[1] * q[1];
        im += p[1] * q[0] - p[0] * q[1];
      }
      most = worse(most, hypot(re, im));
    }
  return most;
}

/* |det u - 1|: the last row of an SU(n) matrix made of those above it, times u's own. */
static double determinant(int n, const double *u) {
  const int last = 2 * n * (n - 1);
  double v[CW_LINK_REALS], re = -1, im = 0;
  if (n == 1) return 0; /* of U(1) it is any phase */
  memcpy(v, u, (size_t)(2 * n * n) * sizeof *v);
  cw_last_row(n, v);
  for (int k = 0; k < n; k++) {
    const double *p = u + last + 2 * k, *q = v + last + 2 * k; /* p times conj(q) */
    re += p[0] * q[0] + p[1] * q[1];
    im += p[1] * q[0] - p[0] * q[1];
  }
  return hypot(re, im);
}

static void measure_site(const cw_configuration *conf, const cw_site_layout *layout,
                         const int x[CW_MAX_DIM], row_result *r) {
  const int n = layout->n, dim = conf->lat.dim;
  double u[CW_LINK_REALS];
  for (int mu = 0; mu < dim; mu++) {
    double trace = 0;
    load(conf, layout, x, mu, u);
    for (int i = 0; i < n; i++) trace += u[2 * i * (n + 1)];
    r->trace += trace / n;
    r->unitarity = worse(r->unitarity, unitarity(n, u));
    r->determinant = worse(r->determinant, determinant(n, u));
    for (int nu = mu + 1; nu < dim; nu++)
      *(nu == dim - 1 ? &r->temporal : &r->spatial) += plaquette(conf, layout, x, mu, nu);
  }
}

static void measure_row(const cw_configuration *conf, const cw_site_layout *layout, long row,
                        row_result *r) {
  const int last = conf->lat.dim - 1, n_t = conf->lat.extent[last];
  int x[CW_MAX_DIM] = {0};
  cw_lattice_coord(&conf->lat, row * n_t, x);
  for (x[last] = 0; x[last] < n_t; x[last]++) measure_site(conf, layout, x, r);
}

/* Sum of one member of all rows. work (n). */
static double sum_member(const row_result *r, long n, size_t offset, double *work) {
  for (long i = 0; i < n; i++) memcpy(work + i, (const char *)(r + i) + offset, sizeof *work);
  return cw_sum(work, (size_t)n);
}

/* Means over the links and planes of sites; 0 of them: not a number. */
static double mean(double sum, double sites, int of_site) {
  return of_site > 0 ? sum / (of_site * sites) : NAN;
}

static cw_status measure_links(cw_context *ctx, const cw_configuration *conf,
                               const cw_site_layout *layout, cw_configuration_info *info) {
  const int dim = conf->lat.dim, planes = dim * (dim - 1) / 2;
  long n_sites = cw_lattice_sites(&conf->lat), n = n_sites / conf->lat.extent[dim - 1];
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
  info->plaquette = mean(spatial + temporal, sites, planes);
  info->plaquette_spatial = mean(spatial, sites, planes - (dim - 1));
  info->plaquette_temporal = mean(temporal, sites, dim - 1);
  info->link_trace = mean(sum_member(row, n, offsetof(row_result, trace), work), sites, dim);
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

/* Of fields on sites only spins have something to be checked. */
static void measure_sites(const cw_configuration *conf, cw_configuration_info *info) {
  const long n = cw_lattice_sites(&conf->lat) * conf->n_comp;
  info->plaquette = info->plaquette_spatial = info->plaquette_temporal = info->link_trace = NAN;
  info->unitarity = info->determinant = 0;
  for (long i = 0; conf->kind == CW_SITE_SPIN && i < n; i++)
    if (fabs(conf->data[i]) != 1) info->unitarity = 1;
}

cw_status cw_gauge_measure(cw_context *ctx, const cw_configuration *conf,
                           const cw_site_layout *layout, cw_configuration_info *info) {
  if (cw_kind(conf->kind)->on_links) return measure_links(ctx, conf, layout, info);
  measure_sites(conf, info);
  return CW_OK;
}
