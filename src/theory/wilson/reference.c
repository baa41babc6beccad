/* The oracle: one configuration, global sites, complex matrices. Every plaquette is the product of
 * its four links, its class the count of those of the four that are defect links; the force
 * differentiates that product link by link, with the generators written out. Nothing here is shared
 * with the kernels, their staples or their tables. */
#include <complex.h>
#include <math.h>
#include <string.h>

#include "theory/wilson/wilson.h"

typedef double complex matrix[3][3]; /* the upper left N x N are used */

typedef struct {
  matrix
      u; /* the link as it stands in the plaquette's product: conjugated where it is walked back */
  long site;
  int mu, back;
} side;

static void multiply(int n, matrix a, matrix b, matrix out) {
  matrix c = {{0}};
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      for (int k = 0; k < n; k++) c[i][j] += a[i][k] * b[k][j];
  memcpy(out, c, sizeof c);
}

static double re_trace(int n, matrix a) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += creal(a[i][i]);
  return sum;
}

/* T_a of causeway/group.h: i for U(1), i sigma_a/2, i lambda_a/2 (Gell-Mann's order). */
static void generator(int n, int a, matrix t) {
  static const int row[8] = {0, 0, 0, 0, 0, 1, 1, 0}, column[8] = {1, 1, 0, 2, 2, 2, 2, 0};
  memset(t, 0, sizeof(matrix));
  if (n == 1)
    t[0][0] = I;
  else if (a == 7)
    for (int i = 0; i < 3; i++) t[i][i] = 0.5 * I / sqrt(3) * (i < 2 ? 1 : -2);
  else if (a == 2)
    t[0][0] = 0.5 * I, t[1][1] = -0.5 * I;
  else if (a == 0 || a == 3 || a == 5)
    t[row[a]][column[a]] = t[column[a]][row[a]] = 0.5 * I;
  else /* a = 1, 4, 6: lambda has -i above and i below the diagonal */
    t[row[a]][column[a]] = 0.5, t[column[a]][row[a]] = -0.5;
}

static side side_at(const cw_theory *th, const cw_lattice *lat, const double *x, const int coord[],
                    int mu, int back) {
  const cw_kind_ops *kind = cw_kind(th->ops->kind);
  side s = {.site = cw_lattice_site(lat, coord), .mu = mu, .back = back};
  int n = kind->n_colours;
  double m[18];
  cw_link_to_matrix(th->ops->kind, x + (s.site * lat->dim + mu) * kind->n_real, m);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double complex z = m[2 * (i * n + j)] + I * m[2 * (i * n + j) + 1];
      if (back)
        s.u[j][i] = conj(z);
      else
        s.u[i][j] = z;
    }
  return s;
}

/* The four sides of the plaquette at site in plane (mu, nu), in the order of the walk around it. */
static void sides_of(const cw_theory *th, const cw_lattice *lat, const double *x, long site, int mu,
                     int nu, side s[4]) {
  int coord[CW_MAX_DIM];
  cw_lattice_coord(lat, site, coord);
  s[0] = side_at(th, lat, x, coord, mu, 0);
  s[3] = side_at(th, lat, x, coord, nu, 1);
  coord[mu]++;
  s[1] = side_at(th, lat, x, coord, nu, 0);
  coord[mu]--;
  coord[nu]++;
  s[2] = side_at(th, lat, x, coord, mu, 1);
}

static int class_of(const cw_theory *th, const cw_lattice *lat, const side s[4], int nu) {
  int defects = 0;
  if (th->form == CW_WILSON_DEFECT) {
    cw_wilson_defect d = cw_wilson_defect_of(th->param);
    for (int k = 0; k < 4; k++) {
      int coord[CW_MAX_DIM];
      cw_lattice_coord(lat, s[k].site, coord);
      defects += cw_wilson_is_defect(lat, &d, coord, s[k].mu);
    }
  }
  return 2 * defects + (nu == lat->dim - 1);
}

/* f += c/N d/ds Re tr P along every T_a of the side s[k]: U -> exp(s T_a) U puts T_a before a side
 * that is walked forward, and -T_a behind one that is walked back. */
static void add_side_force(int n, int n_algebra, side s[4], int k, double coupling, double *f) {
  matrix p = {{0}}, t;
  int first = s[k].back ? (k + 1) % 4 : k; /* the trace is cyclic: begin where T_a stands */
  memcpy(p, s[first].u, sizeof p);
  for (int i = 1; i < 4; i++) multiply(n, p, s[(first + i) % 4].u, p);
  for (int a = 0; a < n_algebra; a++) {
    generator(n, a, t);
    multiply(n, t, p, t);
    f[a] += (s[k].back ? -1 : 1) * coupling / n * re_trace(n, t);
  }
}

void cw_wilson_reference(const cw_theory *th, const cw_lattice *lat, const double *x,
                         const double *c, double *T, double *f) {
  const cw_kind_ops *kind = cw_kind(th->ops->kind);
  int n = kind->n_colours, n_algebra = kind->n_algebra;
  long n_sites = cw_lattice_sites(lat);
  for (int k = 0; k < CW_WILSON_CLASSES; k++) T[k] = 0;
  for (long i = 0; f != NULL && i < n_sites * lat->dim * n_algebra; i++) f[i] = 0;
  for (long site = 0; site < n_sites; site++)
    for (int mu = 0; mu < lat->dim; mu++)
      for (int nu = mu + 1; nu < lat->dim; nu++) {
        side s[4];
        matrix p;
        sides_of(th, lat, x, site, mu, nu, s);
        int class = class_of(th, lat, s, nu);
        memcpy(p, s[0].u, sizeof p);
        for (int k = 1; k < 4; k++) multiply(n, p, s[k].u, p);
        T[class] -= re_trace(n, p) / n;
        for (int k = 0; f != NULL && k < 4; k++)
          add_side_force(n, n_algebra, s, k, c[class],
                         f + (s[k].site * lat->dim + s[k].mu) * n_algebra);
      }
}
