/* The Ising model in D = 1..4 dimensions, periodic: E = -sum_{x,mu} s_x s_{x+mu} - h sum_x s_x,
 * p ~ exp(-beta E). */
#include "theory/ising/ising.h"

#include <math.h>
#include <string.h>

#include "simd/dispatch.h"

static const char *const forms[] = {"beta", NULL};
static const cw_symbol symbols[] = {{"beta", "β"}, {0}};

static const cw_param params_beta[] = {
    {"beta", "inverse temperature: p ~ exp(-beta E), E = -sum s_x s_{x+mu} - h sum s_x", NAN, 0,
     CW_ISING_MAX_BETA, CW_REAL},
    {"h", "magnetic field, in units of the bond energy", 0, -100, 100, CW_REAL},
    {0}};
static const cw_param *const params[] = {params_beta};

static void couplings(int form, const cw_lattice *lat, const double *p, double *c) {
  (void)form, (void)lat;
  c[0] = -p[CW_ISING_BETA];
  c[1] = -p[CW_ISING_BETA] * p[CW_ISING_H];
}

/* There are finitely many configurations. */
static const char *refuse(int form, const cw_lattice *lat, const double *p) {
  (void)form, (void)lat, (void)p;
  return NULL;
}

/* Extents of 1 add the constant s_x s_x to every site; what is left is a point, a ring or a torus
 * that is solved. Without coupling every configuration has the same weight. */
static double known_lnz(int form, const cw_lattice *lat, const double *p) {
  const double beta = p[CW_ISING_BETA], h = p[CW_ISING_H];
  const double n_sites = (double)cw_lattice_sites(lat);
  long extent[CW_MAX_DIM];
  int dim = 0;
  (void)form;
  for (int mu = 0; mu < lat->dim; mu++)
    if (lat->extent[mu] > 1) extent[dim++] = lat->extent[mu];
  const double constant = beta * n_sites * (lat->dim - dim);
  if (beta == 0) return n_sites * M_LN2;
  if (dim == 0) return constant + cw_logsumexp((double[]){beta * h, -beta * h}, 2);
  if (dim == 1) return constant + cw_ising_ring_lnz(extent[0], beta, h);
  if (dim == 2 && h == 0)
    return constant + n_sites * cw_ising_torus(extent[0], extent[1], beta).lnz;
  return NAN;
}

/* Observables per site of the torus without field. */
static double known_value(int form, const cw_lattice *lat, const double *p, const char *quantity) {
  (void)form;
  if (lat->dim != 2 || p[CW_ISING_H] != 0) return NAN;
  const cw_ising_exact e = cw_ising_torus(lat->extent[0], lat->extent[1], p[CW_ISING_BETA]);
  const struct {
    const char *quantity;
    double value;
  } known[] = {{"energy", e.energy}, {"specific_heat", e.heat}, {"entropy", e.entropy}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(known[i].quantity, quantity) == 0) return known[i].value;
  return NAN;
}

CW_ISA_TABLES(cw_ising_kernels, cw_ising_kernels);

static void terms(const cw_theory *th, const cw_field *x, double *T) {
  const cw_ising_kernels *k = CW_DISPATCH(th->isa, cw_ising_kernels);
  size_t size = cw_field_block_size(x);
  for (long b = 0; b < x->n_blocks; b++)
    k->terms(x->geom, x->data + (size_t)b * size, T + b * x->B * CW_ISING_TERMS);
}

extern const cw_theory_ops cw_theory_ising;
const cw_theory_ops cw_theory_ising = {
    .name = "ising",
    .title = "Ising model",
    .source =
        "E. Ising, Z. Phys. 31 (1925) 253; exact in two dimensions: B. Kaufman, Phys. Rev. 76 "
        "(1949) 1232",
    .symbols = symbols,
    .forms = forms,
    .params = params,
    .kind = CW_SITE_SPIN,
    .n_terms = CW_ISING_TERMS,
    .even = false, /* where h = 0 it is: cw_theory_is_even */
    .bond_term = 0,
    .field_term = 1,
    .couplings = couplings,
    .refuse = refuse,
    .terms = terms,
    .known_lnz = known_lnz,
    .known_value = known_value,
    .reference = cw_ising_reference,
};

bool cw_is_ising(const cw_theory_ops *ops) { return ops == &cw_theory_ising; }
