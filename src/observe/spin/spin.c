/* Observables of Ising spins: those of a scalar field, with <s^2> and <s^4>, which are 1, replaced
 * by the energy per site and its square. */
#include "causeway/ising.h"
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
    {.name = "energy",
     .help = "energy per site <e>, e = E/V",
     .print = "energy per site ⟨e⟩, e = E/V",
     .units = "1",
     .mean_of = 1 + E,
     .featured = true},
    {.name = "specific_heat",
     .help = "specific heat beta^2 V (<e^2> - <e>^2)",
     .print = "specific heat β² V (⟨e²⟩ − ⟨e⟩²)",
     .units = "1",
     .value = specific_heat},
    {.name = "m",
     .help = "magnetisation <m>, m = (1/V) sum_x s_x",
     .print = "magnetisation ⟨m⟩, m = (1/V) Σ_x s_x",
     .units = "1",
     .mean_of = 1 + CW_SCALAR_PHI,
     .featured = true,
     .freezes = true},
    CW_SCALAR_ROW_ABS_M,
    CW_SCALAR_ROW_CHI2,
    {.name = "susceptibility",
     .help = "V (<m^2> - <|m|>^2)",
     .print = "V (⟨m²⟩ − ⟨|m|⟩²)",
     .units = "1",
     .value = susceptibility},
    CW_SCALAR_ROW_BINDER,
    {.name = "nn",
     .help = "sum_mu <s_x s_{x+mu}>",
     .print = "Σ_μ ⟨s_x s_{x+μ}⟩",
     .units = "1",
     .mean_of = 1 + CW_SCALAR_NN},
    CW_SCALAR_ROW_XI,
    CW_SCALAR_ROW_CORRELATOR("<s(0,0) s(x,t)>", "⟨s(0,0) s(x,t)⟩"),
    CW_SCALAR_ROW_M_EFF,
    {0}};

static const cw_primary notable[] = {{.name = "m", .history = true, .sector = CW_SECTOR_SIGN},
                                     {.name = "e", .history = true},
                                     {.name = "action", .gives_entropy = true},
                                     {0}};

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
    .notable = notable,
};
