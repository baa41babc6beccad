/* Independent sites: S = sum_x [ a phi_x^2 + b phi_x^4 ], the limit of phi^4 theory without
 * hopping. Z is the product of one-site integrals, so that everything about it is known. */
#include <math.h>

#include "causeway/theory.h"

enum { N_TERMS = 2 }; /* sum_x phi_x^2, sum_x phi_x^4 */

static const char *const forms[] = {"a-b", NULL};

static const cw_param params_ab[] = {{"a", "coupling of phi^2", NAN, -1e6, 1e6, CW_REAL},
                                     {"b", "coupling of phi^4", NAN, 0, 1e6, CW_REAL},
                                     {0}};
static const cw_param *const params[] = {params_ab};

static void couplings(int form, const cw_lattice *lat, const double *p, double *c) {
  (void)form, (void)lat;
  c[0] = p[0];
  c[1] = p[1];
}

static const char *refuse(int form, const cw_lattice *lat, const double *p) {
  (void)form, (void)lat;
  return p[1] > 0 || p[0] > 0 ? NULL : "with b = 0 the action is bounded from below only if a > 0";
}

/* Terms of one block, T (B, N_TERMS). Sums are kept per canonical sub-lattice, so that they have
 * the same bits for every split. */
static void block_terms(const cw_geometry *geom, const double *x, double *T) {
  double part[N_TERMS][CW_LANES][CW_LANES] = {0}; /* term, group of outer sites, lane */
  for (long o = 0; o < geom->n_outer; o++)
    for (int l = 0; l < CW_LANES; l++) {
      double square = x[o * CW_LANES + l] * x[o * CW_LANES + l];
      part[0][o / geom->n_inner][l] += square;
      part[1][o / geom->n_inner][l] += square * square;
    }
  for (int k = 0; k < N_TERMS; k++) {
    double total[CW_LANES];
    cw_sum_parts(geom, part[k][0], 1, total);
    for (int b = 0; b < CW_LANES / geom->V; b++) T[b * N_TERMS + k] = total[b];
  }
}

static void terms(const cw_theory *th, const cw_field *x, double *T) {
  (void)th;
  for (long b = 0; b < x->n_blocks; b++)
    block_terms(x->geom, x->data + (size_t)b * cw_field_block_size(x), T + b * x->B * N_TERMS);
}

static void force(const cw_theory *th, const cw_field *x, const double *c, cw_field *f) {
  (void)th;
  size_t n = (size_t)x->n_blocks * cw_field_block_size(x);
  for (size_t i = 0; i < n; i++) {
    double phi = x->data[i];
    f->data[i] = -2 * c[0] * phi - 4 * c[1] * phi * phi * phi;
  }
}

static void reference(const cw_theory *th, const cw_lattice *lat, const double *x, const double *c,
                      double *T, double *f) {
  (void)th;
  T[0] = T[1] = 0;
  for (long s = 0; s < cw_lattice_sites(lat); s++) {
    T[0] += pow(x[s], 2);
    T[1] += pow(x[s], 4);
    if (f != NULL) f[s] = -(2 * c[0] * x[s] + 4 * c[1] * pow(x[s], 3));
  }
}

extern const cw_theory_ops cw_theory_sites;
const cw_theory_ops cw_theory_sites = {
    .name = "sites",
    .title = "independent sites",
    .source = "phi^4 theory in the form of arXiv:2007.07115 at kappa = 0",
    .forms = forms,
    .params = params,
    .kind = CW_SITE_REAL,
    .n_terms = N_TERMS,
    .even = true,
    .bond_term = -1,
    .couplings = couplings,
    .refuse = refuse,
    .terms = terms,
    .force = force,
    .reference = reference,
};
