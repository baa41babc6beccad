/* O(N) symmetric phi^4 theory, phi_x a vector of N reals, in the convention of phi4's form m2:
 *   S = sum_x [ phi_x . sum_mu (2 phi_x - phi_{x+mu} - phi_{x-mu}) + m2 phi_x^2 + lambda (phi_x^2)^2 ]
 * with phi^2 = phi . phi. N is a parameter: with N = 1 this is phi4, without lambda N free fields. */
#include <math.h>
#include <string.h>

#include "causeway/theory.h"

enum { BOND, SQUARE, QUARTIC, N_TERMS }; /* sums of phi_x . phi_{x+mu}, phi_x^2, (phi_x^2)^2 */
enum { PARAM_N, PARAM_M2, PARAM_LAMBDA };

#define TITLE "O(N) symmetric phi^4 theory"
static const char *const forms[] = {"m2", NULL};
static const cw_symbol symbols[] = {
    {TITLE, "O(N) symmetric φ⁴ theory"}, {"m2", "m²"}, {"lambda", "λ"}, {0}};

static const cw_param params_m2[] = {
    {"n", "components of the field", NAN, 1, CW_MAX_COMPONENTS, CW_WHOLE},
    {"m2", "bare mass squared; the kinetic term is (d phi)^2 without 1/2", NAN, -1e6, 1e6, CW_REAL},
    {"lambda", "coupling of (phi^2)^2", NAN, 0, 1e6, CW_REAL},
    {0}};
static const cw_param *const params[] = {params_m2};

static int components(int form, const double *p) {
  (void)form;
  return (int)p[PARAM_N];
}

static void couplings(int form, const cw_lattice *lat, const double *p, double *c) {
  (void)form;
  c[BOND] = -2;
  c[SQUARE] = 2 * lat->dim + p[PARAM_M2];
  c[QUARTIC] = p[PARAM_LAMBDA];
}

static const char *refuse(int form, const cw_lattice *lat, const double *p) {
  (void)form, (void)lat;
  return p[PARAM_LAMBDA] > 0 || p[PARAM_M2] > 0 ? NULL : "with lambda = 0 m2 must be positive";
}

/* ---------------------------------------------------------------------- kernels */

/* N rows of lanes. */
typedef double rows[CW_MAX_COMPONENTS][CW_LANES];

/* Adds the field at the neighbour of outer site o in a direction. */
static void add_neighbour(const cw_geometry *g, const double *x, int n, long o, int direction,
                          rows sum) {
  const long at = o * 2 * g->lat.dim + direction;
  const double *there = x + (long)g->neighbour[at] * n * CW_LANES;
  const int64_t *from = g->turn[at] != 0 ? cw_lanes_from(g, g->turn[at], 0) : NULL;
  for (int c = 0; c < n && from == NULL; c++)
    for (int l = 0; l < CW_LANES; l++) sum[c][l] += there[c * CW_LANES + l];
  for (int c = 0; c < n && from != NULL; c++) /* another sub-lattice has it in another lane */
    for (int l = 0; l < CW_LANES; l++) sum[c][l] += there[c * CW_LANES + from[l]];
}

/* phi_x^2 */
static void squares(const double *phi, int n, double square[CW_LANES]) {
  for (int l = 0; l < CW_LANES; l++) square[l] = 0;
  for (int c = 0; c < n; c++)
    for (int l = 0; l < CW_LANES; l++) square[l] += phi[c * CW_LANES + l] * phi[c * CW_LANES + l];
}

/* What outer site o adds to the terms of one block. */
static void add_site(const cw_geometry *g, const double *x, int n, long o,
                     double part[N_TERMS][CW_LANES][CW_LANES]) {
  const double *phi = x + o * n * CW_LANES;
  const long sub = o / g->n_inner; /* sums are kept per canonical sub-lattice */
  double square[CW_LANES];
  rows ahead;
  memset(ahead, 0, (size_t)n * sizeof *ahead);
  for (int mu = 0; mu < g->lat.dim; mu++) add_neighbour(g, x, n, o, 2 * mu, ahead);
  squares(phi, n, square);
  for (int l = 0; l < CW_LANES; l++) {
    for (int c = 0; c < n; c++) part[BOND][sub][l] += phi[c * CW_LANES + l] * ahead[c][l];
    part[SQUARE][sub][l] += square[l];
    part[QUARTIC][sub][l] += square[l] * square[l];
  }
}

static void terms(const cw_theory *th, const cw_field *x, double *T) {
  const cw_geometry *g = x->geom;
  for (long b = 0; b < x->n_blocks; b++) {
    const double *block = x->data + (size_t)b * cw_field_block_size(x);
    double part[N_TERMS][CW_LANES][CW_LANES] = {{{0}}}, total[CW_LANES];
    for (long o = 0; o < g->n_outer; o++) add_site(g, block, th->n_comp, o, part);
    for (int k = 0; k < N_TERMS; k++) {
      cw_sum_parts(g, part[k][0], 1, total);
      for (int i = 0; i < x->B; i++) T[(b * x->B + i) * N_TERMS + k] = total[i];
    }
  }
}

static void force(const cw_theory *th, const cw_field *x, const double *c, cw_field *f) {
  const cw_geometry *g = x->geom;
  const int n = th->n_comp;
  for (long i = 0; i < x->n_blocks * g->n_outer; i++) {
    const double *block = x->data + (size_t)(i / g->n_outer) * cw_field_block_size(x);
    const double *phi = x->data + i * n * CW_LANES;
    double square[CW_LANES], stiffness[CW_LANES], *to = f->data + i * n * CW_LANES;
    rows near;
    memset(near, 0, (size_t)n * sizeof *near);
    for (int d = 0; d < 2 * g->lat.dim; d++) add_neighbour(g, block, n, i % g->n_outer, d, near);
    squares(phi, n, square);
    for (int l = 0; l < CW_LANES; l++) stiffness[l] = 2 * c[SQUARE] + 4 * c[QUARTIC] * square[l];
    for (int k = 0; k < n; k++)
      for (int l = 0; l < CW_LANES; l++)
        to[k * CW_LANES + l] = -c[BOND] * near[k][l] - stiffness[l] * phi[k * CW_LANES + l];
  }
}

/* ----------------------------------------------------------------------- oracle */

static void reference(const cw_theory *th, const cw_lattice *lat, const double *x, const double *c,
                      double *T, double *f) {
  const int n = th->n_comp;
  T[BOND] = T[SQUARE] = T[QUARTIC] = 0;
  for (long s = 0; s < cw_lattice_sites(lat); s++) {
    const double *phi = x + s * n;
    double square = 0;
    for (int i = 0; i < n; i++) square += phi[i] * phi[i];
    T[SQUARE] += square;
    T[QUARTIC] += square * square;
    for (int i = 0; i < n && f != NULL; i++)
      f[s * n + i] = -2 * c[SQUARE] * phi[i] - 4 * c[QUARTIC] * square * phi[i];
    for (int d = 0; d < 2 * lat->dim; d++) {
      int coord[CW_MAX_DIM];
      cw_lattice_coord(lat, s, coord);
      coord[d / 2] += d % 2 == 0 ? 1 : -1;
      const double *there = x + cw_lattice_site(lat, coord) * n;
      for (int i = 0; i < n; i++) {
        if (d % 2 == 0) T[BOND] += phi[i] * there[i];
        if (f != NULL) f[s * n + i] -= c[BOND] * there[i];
      }
    }
  }
}

extern const cw_theory_ops cw_theory_vector;
const cw_theory_ops cw_theory_vector = {
    .name = "vector",
    .title = TITLE,
    .source = "form m2 of phi4, arXiv:1904.12072, eqs. (20)-(21), with N components",
    .symbols = symbols,
    .forms = forms,
    .params = params,
    .kind = CW_SITE_REAL,
    .components = components,
    .n_terms = N_TERMS,
    .even = true,
    .bond_term = BOND,
    .couplings = couplings,
    .refuse = refuse,
    .terms = terms,
    .force = force,
    .reference = reference,
};
