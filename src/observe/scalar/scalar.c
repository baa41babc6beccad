/* Observables of a real scalar field, and of a vector of them: of several components phi_x phi_y is an
 * inner product, and the mean field of the first component stands for all.
 *
 * Primary numbers of a configuration: mean field m, |m|, m^2, m^4, the averages over sites of
 * phi^2, phi^4, sum_mu phi_x phi_{x+mu} and S, the structure factor at the smallest momentum p = 2
 * pi/L along a direction of the longest extent L, averaged over those directions, and the
 * zero-momentum correlator along the first of them. */
#include "observe/scalar/scalar.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "simd/dispatch.h"

CW_ISA_TABLES(cw_scalar_kernels, cw_scalar_kernels);

cw_longest cw_longest_directions(const cw_lattice *lat) {
  cw_longest l = {0};
  for (int mu = 0; mu < lat->dim; mu++)
    if (lat->extent[mu] > l.extent) l.extent = lat->extent[mu];
  for (int mu = 0; mu < lat->dim; mu++)
    if (lat->extent[mu] == l.extent) l.direction[l.n_long++] = mu;
  return l;
}

static bool fits(const cw_theory *th) { return th->ops->kind == CW_SITE_REAL; }

static int half_extent(const cw_observer *o) {
  return cw_longest_directions(&o->th->geom->lat).extent / 2;
}

int cw_scalar_n_primary(const cw_observer *o) { return CW_SCALAR_CORRELATOR + half_extent(o) + 1; }

void cw_scalar_primary_name(const char *const *names, int i, char name[32]) {
  if (i < CW_SCALAR_CORRELATOR)
    snprintf(name, 32, "%s", names[i]);
  else
    snprintf(name, 32, "C[%d]", i - CW_SCALAR_CORRELATOR);
}

static void primary_name(const cw_observer *o, int i, char name[32]) {
  static const char *const names[] = {"phi",  "abs_m", "m2",     "m4",    "phi2",
                                      "phi4", "nn",    "energy", "G_pmin"};
  (void)o;
  cw_scalar_primary_name(names, i, name);
}

/* ------------------------------------------------------------- measurement */

/* Primary numbers of configuration b from the sums over its sites and its action:
 *   G(p) = |sum_x phi_x e^{ipx}|^2/V, mean over the longest directions;
 *   C(t) = sum_y <phi(x, t0) phi(y, t0 + t)>, y over a slice, mean over x and t0; sum_t C(t) = V
 * m^2. */
static void primaries(const cw_longest *l, const cw_scalar_sums *sums, int n_comp, int b, double S,
                      double n_sites, double *out) {
  double m = sums->total[0][b] / n_sites, m2 = m * m;
  for (int c = 1; c < n_comp; c++) m2 += pow(sums->total[c][b] / n_sites, 2);
  out[CW_SCALAR_PHI] = m;
  out[CW_SCALAR_ABS_M] = n_comp == 1 ? fabs(m) : sqrt(m2);
  out[CW_SCALAR_M2] = m2;
  out[CW_SCALAR_M4] = n_comp == 1 ? m * m * m * m : m2 * m2;
  out[CW_SCALAR_PHI2] = sums->square[b] / n_sites;
  out[CW_SCALAR_PHI4] = sums->quartic[b] / n_sites;
  out[CW_SCALAR_NN] = sums->bonds[b] / n_sites;
  out[CW_SCALAR_ENERGY] = S / n_sites;
  out[CW_SCALAR_G_PMIN] = sums->wave2[b] / (n_sites * l->n_long);
  for (int t = 0; t <= l->extent / 2; t++)
    out[CW_SCALAR_CORRELATOR + t] = sums->pairs[t][b] / n_sites;
}

static void fill_wave(int extent, double (*wave)[2]) {
  for (int t = 0; t < extent; t++) {
    double angle = 2 * M_PI * t / extent;
    wave[t][0] = cos(angle);
    wave[t][1] = sin(angle);
  }
}

cw_status cw_scalar_measure(const cw_observer *o, const cw_field *x, double *out, cw_arena *arena) {
  const cw_scalar_kernels *k = CW_DISPATCH(o->th->isa, cw_scalar_kernels);
  const cw_longest l = cw_longest_directions(&x->geom->lat);
  const size_t extent = (size_t)l.extent, n_comp = (size_t)x->n_comp;
  cw_scalar_sums sums;
  double T[CW_LANES * CW_MAX_TERMS], S[CW_LANES];
  sums.slice = cw_arena_alloc(arena, n_comp * (size_t)l.n_long * extent * sizeof(cw_row));
  sums.total = cw_arena_alloc(arena, n_comp * sizeof(cw_row));
  sums.pairs = cw_arena_alloc(arena, (extent / 2 + 1) * sizeof(cw_row));
  double(*wave)[2] = cw_arena_alloc(arena, extent * sizeof *wave);
  if (sums.slice == NULL || sums.total == NULL || sums.pairs == NULL || wave == NULL)
    return CW_ENOMEM;
  fill_wave(l.extent, wave);
  cw_theory_action(o->th, x, o->th->c, T, S);
  k->site_sums(x->geom, x->data, x->n_comp, &l, &sums);
  k->slice_sums(x->n_comp, &l, (const double(*)[2])wave, &sums);
  for (int b = 0; b < x->B; b++)
    primaries(&l, &sums, x->n_comp, b, S[b], (double)x->geom->n_sites,
              out + b * cw_scalar_n_primary(o));
  return CW_OK;
}

/* -------------------------------------------------------------- quantities */

double cw_scalar_chi2(const cw_observer *o, const double *mean, int i) {
  (void)i;
  return (double)o->th->geom->n_sites * mean[CW_SCALAR_M2];
}

double cw_scalar_binder(const cw_observer *o, const double *mean, int i) {
  const double normal = 1 + 2.0 / o->th->n_comp; /* <m^4>/<m^2>^2 of a Gaussian */
  (void)i;
  return 1 - mean[CW_SCALAR_M4] / (normal * mean[CW_SCALAR_M2] * mean[CW_SCALAR_M2]);
}

/* G(0)/G(p) beyond which G(p) is no more than what rounding leaves of 0. */
static const double largest_ratio = 1e12;

/* Second-moment correlation length: xi^2 = (G(0)/G(p) - 1) / (4 sin^2(p/2)), p = 2 pi/L (Cooper,
 * Freedman, Preston, Nucl. Phys. B 210 (1982) 210). */
double cw_scalar_xi(const cw_observer *o, const double *mean, int i) {
  double half_p = M_PI / cw_longest_directions(&o->th->geom->lat).extent;
  double ratio = cw_scalar_chi2(o, mean, i) / mean[CW_SCALAR_G_PMIN] - 1;
  return ratio > 0 && ratio < largest_ratio ? sqrt(ratio) / (2 * sin(half_p)) : NAN;
}

const char *cw_scalar_why_no_xi(const cw_observer *o, const double *mean, int i) {
  if (!isnan(cw_scalar_xi(o, mean, i))) return NULL;
  if (cw_scalar_chi2(o, mean, i) > largest_ratio * mean[CW_SCALAR_G_PMIN])
    return "the field is ordered: its structure factor at p is 0 to rounding";
  return "the structure factor at p is not below that at 0";
}

double cw_scalar_variance(double square, double mean) {
  double v = square - mean * mean;
  return fabs(v) > 16 * DBL_EPSILON * square ? v : 0;
}

int cw_scalar_n_correlator(const cw_observer *o) { return half_extent(o) + 1; }

/* One value per triple (t, t+1, t+2) of times up to one past the middle, by C(t) = C(L-t). */
int cw_scalar_n_effective_mass(const cw_observer *o) { return half_extent(o); }

double cw_scalar_effective_mass(const cw_observer *o, const double *mean, int i) {
  int extent = cw_longest_directions(&o->th->geom->lat).extent, t = i + 1;
  int after = t + 1 <= extent / 2 ? t + 1 : extent - (t + 1);
  const double *C = mean + CW_SCALAR_CORRELATOR;
  return acosh((C[t - 1] + C[after]) / (2 * C[t]));
}

double cw_scalar_effective_time(const cw_observer *o, int i) {
  (void)o;
  return i + 1;
}

static const cw_quantity quantities[] = {
    {.name = "phi",
     .help = "mean field <m>, m = (1/V) sum_x phi_x",
     .print = "mean field ⟨m⟩, m = (1/V) Σ_x φ_x",
     .units = "1",
     .mean_of = 1 + CW_SCALAR_PHI,
     .featured = true,
     .freezes = true},
    CW_SCALAR_ROW_ABS_M,
    CW_SCALAR_ROW_CHI2,
    {.name = "phi2",
     .help = "<phi_x^2>",
     .print = "⟨φ_x²⟩",
     .units = "1",
     .mean_of = 1 + CW_SCALAR_PHI2},
    {.name = "phi4",
     .help = "<phi_x^4>",
     .print = "⟨φ_x⁴⟩",
     .units = "1",
     .mean_of = 1 + CW_SCALAR_PHI4},
    {.name = "nn",
     .help = "sum_mu <phi_x phi_{x+mu}>",
     .print = "Σ_μ ⟨φ_x φ_{x+μ}⟩",
     .units = "1",
     .mean_of = 1 + CW_SCALAR_NN},
    {.name = "energy",
     .help = "action per site <S>/V",
     .print = "action per site ⟨S⟩/V",
     .units = "1",
     .mean_of = 1 + CW_SCALAR_ENERGY,
     .featured = true},
    CW_SCALAR_ROW_BINDER,
    CW_SCALAR_ROW_XI,
    CW_SCALAR_ROW_CORRELATOR("<phi(0,0) phi(x,t)>", "⟨φ(0,0) φ(x,t)⟩"),
    CW_SCALAR_ROW_M_EFF,
    {0}};

static const cw_primary notable[] = {{.name = "phi", .history = true, .sector = CW_SECTOR_SIGN},
                                     {.name = "energy", .history = true, .gives_entropy = true},
                                     {0}};

extern const cw_observable_ops cw_observable_scalar;
const cw_observable_ops cw_observable_scalar = {
    .name = "scalar",
    .title = "observables of a real scalar field",
    .standard = true,
    .fits = fits,
    .n_primary = cw_scalar_n_primary,
    .primary_name = primary_name,
    .measure = cw_scalar_measure,
    .quantities = quantities,
    .notable = notable,
};
