/* Scalar phi^4 theory in D = 1..4 dimensions, periodic, in two conventions:
 *   m2:    S = sum_x [ phi_x sum_mu (2 phi_x - phi_{x+mu} - phi_{x-mu}) + m2 phi_x^2 + lambda
 * phi_x^4 ] (arXiv:1904.12072, eqs. 20-21: no factors of 1/2) kappa: S = sum_x [ -2 kappa sum_mu
 * phi_x phi_{x+mu} + (1 - 2 lambda) phi_x^2 + lambda phi_x^4 ] (arXiv:2007.07115) */
#include "theory/phi4/phi4.h"

#include <math.h>

#include "simd/dispatch.h"

enum { FORM_M2 = 0, FORM_KAPPA = 1 };

#define TITLE "scalar phi^4 theory"
static const char *const forms[] = {"m2", "kappa", NULL};
static const cw_symbol symbols[] = {
    {TITLE, "scalar φ⁴ theory"}, {"m2", "m²"}, {"kappa", "κ"}, {"lambda", "λ"}, {0}};

static const cw_param params_m2[] = {
    {"m2", "bare mass squared; the kinetic term is (d phi)^2 without 1/2", NAN, -1e6, 1e6, CW_REAL},
    {"lambda", "coupling of phi^4", NAN, 0, 1e6, CW_REAL},
    {0}};
static const cw_param params_kappa[] = {
    {"kappa", "hopping parameter of -2 kappa sum phi_x phi_{x+mu}", NAN, -1e6, 1e6, CW_REAL},
    {"lambda", "coupling of phi^4; phi^2 has coupling 1 - 2 lambda", NAN, 0, 1e6, CW_REAL},
    {0}};
static const cw_param *const params[] = {params_m2, params_kappa};

/* In the m2 form the sum over x of phi_x phi_{x-mu} equals that of phi_x phi_{x+mu}: together -2
 * T_0. */
static void couplings(int form, const cw_lattice *lat, const double *p, double *c) {
  double lambda = p[1];
  if (form == FORM_M2) {
    c[0] = -2;
    c[1] = 2 * lat->dim + p[0];
  } else {
    c[0] = -2 * p[0];
    c[1] = 1 - 2 * lambda;
  }
  c[2] = lambda;
}

/* Without phi^4 the Gaussian must be positive at every momentum: c1 + c0 sum_mu cos k_mu > 0. The
 * cosines reach 1 on every lattice, and -1 only where the extent is even; odd extents are not told
 * apart here, on the safe side. */
static const char *refuse(int form, const cw_lattice *lat, const double *p) {
  double c[CW_PHI4_TERMS];
  couplings(form, lat, p, c);
  if (c[2] > 0 || c[1] > lat->dim * fabs(c[0])) return NULL;
  return "with lambda = 0 the action is not bounded from below at this mass";
}

extern const cw_theory_ops cw_theory_phi4;

/* S = sum_k (c1 + c0 sum_mu cos k_mu) |phi_k|^2, and every mode gives sqrt(pi/...). */
static double gaussian_lnz(const cw_lattice *lat, const double *c) {
  double lnz = 0;
  for (long k = 0; k < cw_lattice_sites(lat); k++) {
    int mode[CW_MAX_DIM];
    double stiffness = c[1];
    cw_lattice_coord(lat, k, mode);
    for (int mu = 0; mu < lat->dim; mu++)
      stiffness += c[0] * cos(2 * M_PI * mode[mu] / lat->extent[mu]);
    lnz += 0.5 * log(M_PI / stiffness);
  }
  return lnz;
}

static double known_lnz(int form, const cw_lattice *lat, const double *p) {
  double c[CW_PHI4_TERMS];
  couplings(form, lat, p, c);
  if (c[0] == 0) return (double)cw_lattice_sites(lat) * cw_one_site_lnz(&cw_theory_phi4, 1, c);
  return c[2] == 0 && refuse(form, lat, p) == NULL ? gaussian_lnz(lat, c) : NAN;
}

CW_ISA_TABLES(cw_phi4_kernels, cw_phi4_kernels);

static void terms(const cw_theory *th, const cw_field *x, double *T) {
  const cw_phi4_kernels *k = CW_DISPATCH(th->isa, cw_phi4_kernels);
  size_t size = cw_field_block_size(x);
  for (long b = 0; b < x->n_blocks; b++)
    k->terms(x->geom, x->data + (size_t)b * size, T + b * x->B * CW_PHI4_TERMS);
}

static void force(const cw_theory *th, const cw_field *x, const double *c, cw_field *f) {
  const cw_phi4_kernels *k = CW_DISPATCH(th->isa, cw_phi4_kernels);
  size_t size = cw_field_block_size(x);
  for (long b = 0; b < x->n_blocks; b++)
    k->force(x->geom, x->data + (size_t)b * size, c, f->data + (size_t)b * size);
}

const cw_theory_ops cw_theory_phi4 = {
    .name = "phi4",
    .title = TITLE,
    .source = "m2 form: arXiv:1904.12072, eqs. (20)-(21); kappa form: arXiv:2007.07115",
    .symbols = symbols,
    .forms = forms,
    .params = params,
    .kind = CW_SITE_REAL,
    .n_terms = CW_PHI4_TERMS,
    .even = true,
    .bond_term = 0,
    .couplings = couplings,
    .refuse = refuse,
    .terms = terms,
    .force = force,
    .known_lnz = known_lnz,
    .reference = cw_phi4_reference,
};
