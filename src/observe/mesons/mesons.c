/* Mesons of a quenched quark: correlators of pion, rho and a0 with momenta, effective and fitted masses, and the quark
 * mass from the axial current. Definitions: docs/fermions.md. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "causeway/dirac.h"
#include "causeway/observe.h"

enum {
  KAPPA,
  CSW,
  BOUNDARY,
  SOURCE,
  SMEAR_STEPS,
  SMEAR_WEIGHT,
  MOMENTA,
  FIT_FROM,
  SOLVER,
  TOLERANCE,
  MAX_ITERATIONS
};

static const cw_param params[] = {
    {"kappa", "hopping parameter of the quark", NAN, 1e-6, 1, CW_REAL},
    {"csw", "of the clover term; 0: Wilson", 0, 0, 100, CW_REAL},
    {"boundary", "phase of the quark around time is exp(i pi boundary): 1 antiperiodic", 1, -1, 1,
     CW_REAL},
    {"source", "0: a point, 1: a wall, 2: a Gaussian", 0, 0, 2, CW_WHOLE},
    {"smear_steps", "steps that make the Gaussian", 20, 0, 1000, CW_WHOLE},
    {"smear_weight", "of a neighbour in such a step", 0.25, 0, 100, CW_REAL},
    {"momenta", "correlators also at 2 pi n/L, n = 1 .. momenta", 0, 0, 8, CW_WHOLE},
    {"fit_from", "the earliest time of a window of a fit", 1, 1, 1000, CW_WHOLE},
    {"solver", "0: conjugate gradients, 1: BiCGStab", 0, 0, 1, CW_WHOLE},
    {"tolerance", "residual of the Dirac equation by its right-hand side", 1e-10, 1e-14, 0.1,
     CW_REAL},
    {"max_iterations", "of the solver before it gives up", 10000, 1, 10000000, CW_WHOLE},
    {0}};

static int whole(const cw_observer *o, int i) { return (int)lround(o->param[i]); }
static int extent_of_time(const cw_observer *o) { return o->th->geom->lat.extent[3]; }
static int n_momenta(const cw_observer *o) { return 1 + whole(o, MOMENTA); }

static bool fits(const cw_theory *th) {
  return th->ops->kind == CW_LINK_SU3 && th->geom->lat.dim == 4;
}

/* Primaries: pion, rho and a0 at all momenta, each over time, then axial at rest. */
static int n_moving(const cw_observer *o) { return n_momenta(o) * extent_of_time(o); }
static int first_of(const cw_observer *o, cw_meson channel) { return (int)channel * n_moving(o); }
static int n_primary(const cw_observer *o) { return 3 * n_moving(o) + extent_of_time(o); }

static void primary_name(const cw_observer *o, int i, char name[32]) {
  static const char *const channels[CW_MESONS] = {"pion", "rho", "a0", "axial"};
  const int channel = i / n_moving(o), rest = i % n_moving(o), T = extent_of_time(o);
  snprintf(name, 32, "%s(%d,%d)", channels[channel], rest / T, rest % T);
}

/* ------------------------------------------------------------- measurement */

static cw_quark quark_of(const cw_observer *o) {
  return (cw_quark){o->param[KAPPA], o->param[CSW], {0, 0, 0, o->param[BOUNDARY]}};
}
static cw_source source_of(const cw_observer *o) {
  return (cw_source){
      (cw_source_kind)whole(o, SOURCE), {0}, whole(o, SMEAR_STEPS), o->param[SMEAR_WEIGHT]};
}
static cw_solver solver_of(const cw_observer *o) {
  return (cw_solver){.kind = (cw_solver_kind)whole(o, SOLVER),
                     .tolerance = o->param[TOLERANCE],
                     .max_iterations = whole(o, MAX_ITERATIONS)};
}

static cw_status measure(const cw_observer *o, const cw_field *x, double *out, cw_arena *arena) {
  const cw_theory *th = o->th;
  const cw_quark quark = quark_of(o);
  const cw_source source = source_of(o);
  const cw_solver solver = solver_of(o);
  const size_t n = (size_t)n_primary(o), per_config = (size_t)(CW_MESONS * n_moving(o));
  cw_dirac *d;
  cw_field s = *x;
  s.n_comp = CW_COLUMNS * CW_SPINOR_REALS;
  s.owns_data = false;
  s.data = cw_arena_alloc(arena, cw_field_block_size(&s) * sizeof *s.data);
  double *c = cw_arena_alloc(arena, (size_t)x->B * per_config * sizeof *c);
  if (s.data == NULL || c == NULL) return CW_ENOMEM;
  CW_TRY(cw_dirac_create(o->ctx, th->geom, th->isa, th->threads, arena, &d));
  CW_TRY(cw_dirac_load(d, &quark, x));
  CW_TRY(cw_dirac_propagator(d, &solver, &source, &s, arena, NULL));
  CW_TRY(cw_dirac_mesons(d, &s, NULL, &source, n_momenta(o), c, arena));
  for (int b = 0; b < x->B; b++)
    memcpy(out + (size_t)b * n, c + (size_t)b * per_config, n * sizeof *c);
  return CW_OK;
}

/* -------------------------------------------------------------- quantities */

static int time_of(const cw_observer *o, int i) { return i % extent_of_time(o); }
static double time_axis(const cw_observer *o, int i) { return time_of(o, i); }
static int momentum_curve(const cw_observer *o, int i) { return 1 + i / extent_of_time(o); }
static double rho_value(const cw_observer *o, const double *mean, int i) {
  return mean[first_of(o, CW_MESON_RHO) + i];
}
static double a0_value(const cw_observer *o, const double *mean, int i) {
  return mean[first_of(o, CW_MESON_A0) + i];
}

/* Effective masses at t = 1 .. T/2 - 1, i = t - 1. */
static int n_effective(const cw_observer *o) { return extent_of_time(o) / 2 - 1; }
static double effective_time(const cw_observer *o, int i) {
  (void)o;
  return 1 + i;
}
/* arcosh (C(t - 1) + C(t + 1))/(2 C(t)) of C(t) + C(T - t), as of a cosh. */
static double effective(const cw_observer *o, const double *c, int i) {
  const int T = extent_of_time(o), t = 1 + i;
  const double before = c[t - 1] + c[(T - t + 1) % T], here = c[t] + c[T - t],
               after = c[t + 1] + c[T - t - 1];
  const double ratio = (before + after) / (2 * here);
  return ratio >= 1 ? acosh(ratio) : NAN;
}
static double pion_effective(const cw_observer *o, const double *mean, int i) {
  return effective(o, mean, i);
}
static double rho_effective(const cw_observer *o, const double *mean, int i) {
  return effective(o, mean + first_of(o, CW_MESON_RHO), i);
}

/* m = (A(t + 1) - A(t - 1))/(4 P(t)) with A of axial and P of pion, both with their images: d_t A = 2 m P. */
static double pcac(const cw_observer *o, const double *mean, int i) {
  const int T = extent_of_time(o), t = 1 + i;
  const double *a = mean + 3 * n_moving(o), *p = mean;
  const double after = a[t + 1] - a[T - t - 1], before = a[t - 1] - a[(T - t + 1) % T];
  return (after - before) / (4 * (p[t] + p[T - t]));
}
/* The mean from T/4 to T/2 - 1. */
static int pcac_first(const cw_observer *o) {
  return extent_of_time(o) / 4 > 1 ? extent_of_time(o) / 4 : 1;
}
static double pcac_mass(const cw_observer *o, const double *mean, int i) {
  const int first = pcac_first(o), last = n_effective(o);
  double sum = 0;
  (void)i;
  for (int t = first; t <= last; t++) sum += pcac(o, mean, t - 1) / (last - first + 1);
  return last >= first ? sum : NAN;
}

static void pcac_range(const cw_observer *o, double range[2]) {
  range[0] = pcac_first(o);
  range[1] = n_effective(o);
}

static cw_correlator correlator(const cw_observer *o, cw_meson channel) {
  const int T = extent_of_time(o), latest = T / 2 - 2, from = whole(o, FIT_FROM);
  return (cw_correlator){first_of(o, channel), T, from < latest ? from : latest};
}
static cw_correlator pion_correlator(const cw_observer *o) { return correlator(o, CW_MESON_PION); }
static cw_correlator rho_correlator(const cw_observer *o) { return correlator(o, CW_MESON_RHO); }

static const cw_quantity quantities[] = {
    {.name = "pion_mass",
     .help = "mass of the pion: cosh fits with the covariance, averaged over windows",
     .units = "1/a",
     .correlator = pion_correlator,
     .fit = CW_FIT_MASS,
     .fact = true},
    {.name = "pion_mass_uncorrelated",
     .help = "the same from fits with the errors of each time alone",
     .units = "1/a",
     .correlator = pion_correlator,
     .fit = CW_FIT_MASS_UNCORRELATED},
    {.name = "pion_chi2",
     .help = "chi^2 per degree of freedom of the window with the largest weight",
     .print = "χ² per degree of freedom of the window with the largest weight",
     .units = "1",
     .correlator = pion_correlator,
     .fit = CW_FIT_CHI2},
    {.name = "rho_mass",
     .help = "mass of the rho, as that of the pion",
     .print = "mass of the ρ, as that of the pion",
     .units = "1/a",
     .correlator = rho_correlator,
     .fit = CW_FIT_MASS,
     .fact = true},
    {.name = "pcac_mass",
     .help = "quark mass (A(t+1) - A(t-1))/(4 P(t)), mean from t = T/4 to T/2 - 1",
     .print = "quark mass (A(t+1) − A(t−1))/(4 P(t)), mean from t = T/4 to T/2 − 1",
     .units = "1/a",
     .value = pcac_mass,
     .fact = true,
     .featured = true},
    {.name = "pion_effective",
     .help = "effective mass of the pion, arcosh (C(t-1) + C(t+1))/(2 C(t)), index t-1",
     .print = "effective mass of the pion, arcosh (C(t−1) + C(t+1))/(2 C(t))",
     .units = "1/a",
     .count = n_effective,
     .value = pion_effective,
     .figure = {.title = "Effective mass of the pion",
                .x_label = "t/a",
                .y_label = "a m_eff",
                .x = effective_time,
                .band = "pion_mass"}},
    {.name = "rho_effective",
     .help = "effective mass of the rho, index t-1",
     .print = "effective mass of the ρ, arcosh (C(t−1) + C(t+1))/(2 C(t))",
     .units = "1/a",
     .count = n_effective,
     .value = rho_effective,
     .figure = {.title = "Effective mass of the ρ",
                .x_label = "t/a",
                .y_label = "a m_eff",
                .x = effective_time,
                .band = "rho_mass"}},
    {.name = "pcac",
     .help = "quark mass (A(t+1) - A(t-1))/(4 P(t)), index t-1",
     .print = "quark mass (A(t+1) − A(t−1))/(4 P(t))",
     .units = "1/a",
     .count = n_effective,
     .value = pcac,
     .figure = {.title = "Quark mass",
                .x_label = "t/a",
                .y_label = "a m",
                .x = effective_time,
                .band = "pcac_mass",
                .band_over = pcac_range}},
    {.name = "pion",
     .help = "correlator of the pion at p = 2 pi n/L, index n T + t",
     .print = "correlator of the pion at p = 2πn/L",
     .units = "1",
     .count = n_moving,
     .mean_of = 1,
     .figure = {.title = "Correlator of the pion",
                .x_label = "t/a",
                .y_label = "C(t)",
                .x = time_axis,
                .curve = momentum_curve,
                .curve_label = "momentum",
                .from_zero = true,
                .log_y = true}},
    {.name = "rho",
     .help = "correlator of the rho, mean over polarisations, index n T + t",
     .print = "correlator of the ρ, mean over polarisations",
     .units = "1",
     .count = n_moving,
     .value = rho_value,
     .figure = {.title = "Correlator of the ρ",
                .x_label = "t/a",
                .y_label = "C(t)",
                .x = time_axis,
                .curve = momentum_curve,
                .curve_label = "momentum",
                .from_zero = true,
                .log_y = true}},
    {.name = "a0",
     .help = "correlator of the a0, index n T + t",
     .print = "correlator of the a₀",
     .units = "1",
     .count = n_moving,
     .value = a0_value},
    {0}};

extern const cw_observable_ops cw_observable_mesons;
const cw_observable_ops cw_observable_mesons = {
    .name = "mesons",
    .title = "mesons of a quenched Wilson or clover quark",
    .params = params,
    .fits = fits,
    .n_primary = n_primary,
    .primary_name = primary_name,
    .measure = measure,
    .quantities = quantities,
};
