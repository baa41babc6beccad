/* Observables of Ising spins: those of a scalar field, with <s^2> and <s^4>, which are 1, replaced
 * by the energy per site and its square. */
#include "causeway/ising.h"
#include "observe/mean_of.h"
#include "observe/scalar/scalar.h"

enum { E = CW_SCALAR_PHI2, E2 = CW_SCALAR_PHI4 };

static bool fits(const cw_theory *th) { return cw_is_ising(th->ops); }

static void primary_name(const cw_observer *o, int i, char name[32]) {
  static const char *const names[] = {"m",  "abs_m", "m2",     "m4",    "e",
                                      "e2", "nn",    "action", "G_pmin"};
  (void)o;
  cw_scalar_primary_name(names, i, name);
}

/* e = E/V = -sum_mu s_x s_{x+mu} - h s_x, averaged over x. */
static cw_status measure(const cw_observer *o, const cw_field *x, double *out, cw_arena *arena) {
  const double h = o->th->param[CW_ISING_H];
  CW_TRY(cw_scalar_measure(o, x, out, arena));
  for (int b = 0; b < x->B; b++) {
    double *row = out + b * cw_scalar_n_primary(o);
    row[E] = -row[CW_SCALAR_NN] - h * row[CW_SCALAR_PHI];
    row[E2] = row[E] * row[E];
  }
  return CW_OK;
}

CW_MEAN_OF(m, CW_SCALAR_PHI)
CW_MEAN_OF(abs_m, CW_SCALAR_ABS_M)
CW_MEAN_OF(energy, E)
CW_MEAN_OF(nn, CW_SCALAR_NN)

static double susceptibility(const cw_observer *o, const double *mean, int i) {
  (void)i;
  return (double)o->th->geom->n_sites *
         cw_scalar_variance(mean[CW_SCALAR_M2], mean[CW_SCALAR_ABS_M]);
}

static double specific_heat(const cw_observer *o, const double *mean, int i) {
  const double beta = o->th->param[CW_ISING_BETA];
  (void)i;
  return beta * beta * (double)o->th->geom->n_sites * cw_scalar_variance(mean[E2], mean[E]);
}

static const cw_quantity quantities[] = {
    {"energy", "energy per site <e>, e = E/V", "1", NULL, energy, NULL},
    {"specific_heat", "specific heat beta^2 V (<e^2> - <e>^2)", "1", NULL, specific_heat, NULL},
    {"m", "magnetisation <m>, m = (1/V) sum_x s_x", "1", NULL, m, NULL},
    {"abs_m", "<|m|>", "1", NULL, abs_m, NULL},
    {"chi2", "two-point susceptibility V <m^2>", "1", NULL, cw_scalar_chi2, NULL},
    {"susceptibility", "V (<m^2> - <|m|>^2)", "1", NULL, susceptibility, NULL},
    {"binder", "Binder cumulant 1 - <m^4>/(3 <m^2>^2)", "1", NULL, cw_scalar_binder, NULL},
    {"nn", "sum_mu <s_x s_{x+mu}>", "1", NULL, nn, NULL},
    {"xi", "second-moment correlation length, p = 2 pi/L along the longest extent", "a", NULL,
     cw_scalar_xi, cw_scalar_why_no_xi},
    {"correlator", "zero-momentum correlator C(t) = sum_x <s(0,0) s(x,t)>", "1",
     cw_scalar_n_correlator, cw_scalar_correlator, NULL},
    {"m_eff", "effective mass acosh[(C(t) + C(t+2)) / (2 C(t+1))]", "1/a",
     cw_scalar_n_effective_mass, cw_scalar_effective_mass, NULL},
    {0}};

static const char *const featured[] = {"m", "abs_m", "chi2", "e", "energy", NULL};
static const cw_sector sectors[] = {{"m", CW_SECTOR_SIGN}, {0}};

extern const cw_observable_ops cw_observable_spin;
const cw_observable_ops cw_observable_spin = {
    .name = "spin",
    .title = "observables of Ising spins",
    .standard = true,
    .fits = fits,
    .n_primary = cw_scalar_n_primary,
    .primary_name = primary_name,
    .measure = measure,
    .quantities = quantities,
    .featured = featured,
    .sectors = sectors,
};
