/* Observables of the gradient flow: the energy density along the Wilson flow, the scales t0 and w0
 * that it sets, and the topological charge of the flowed field. Definitions: docs/gauge.md. */
#include <math.h>
#include <stdio.h>

#include "causeway/observe.h"
#include "causeway/wilson.h"
#include "observe/gauge/gauge.h"
#include "observe/gradient_flow/flow.h"

enum { TIME, POINTS, TOLERANCE, STEP };
enum { MAX_POINTS = 48 };

static const cw_param params[] = {
    {"time", "flow time to go to, in a^2", 4, 1e-3, 1e4, CW_REAL},
    {"points", "equidistant times from 0 to there at which the flowed field is measured", 40, 4,
     MAX_POINTS, CW_WHOLE},
    {"tolerance", "largest error of a step on any link; 0: steps of fixed size", 1e-5, 0, 1,
     CW_REAL},
    {"step", "size of the first step, or of all if tolerance is 0, in a^2", 0.01, 1e-6, 1, CW_REAL},
    {0}};

/* The flow is along the force of the Wilson action, which is asked of the theory. */
static bool has_flow(const cw_theory *th) { return cw_is_wilson(th->ops) && cw_gauge_theory(th); }
static bool fits(const cw_theory *th) { return has_flow(th) && th->geom->lat.dim == 4; }
static bool fits_low(const cw_theory *th) { return has_flow(th) && th->geom->lat.dim < 4; }

/* Primary numbers: curves of n_times points each, one after the other, then in four dimensions the
 * integer charge at the last time and its square. */
enum { ENERGY, ENERGY_PLAQUETTE, N_ENERGIES, CHARGE = N_ENERGIES, CHARGE2, N_CURVES };

static int n_times(const cw_observer *o) { return (int)lround(o->param[POINTS]) + 1; }
static double interval(const cw_observer *o) { return o->param[TIME] / (n_times(o) - 1); }
static bool has_charge(const cw_observer *o) { return o->th->geom->lat.dim == 4; }
static int at(const cw_observer *o, int curve, int k) { return curve * n_times(o) + k; }
static int last(const cw_observer *o, int curve) { return at(o, curve, n_times(o) - 1); }
static int integer_charge(const cw_observer *o) { return N_CURVES * n_times(o); }
static int integer_charge2(const cw_observer *o) { return integer_charge(o) + 1; }

static int n_primary(const cw_observer *o) {
  return has_charge(o) ? integer_charge2(o) + 1 : N_ENERGIES * n_times(o);
}

static void primary_name(const cw_observer *o, int i, char name[32]) {
  static const char *const curve[] = {"E", "E_plaquette", "Q", "Q2"};
  if (has_charge(o) && i == integer_charge(o))
    snprintf(name, 32, "q_integer");
  else if (has_charge(o) && i == integer_charge2(o))
    snprintf(name, 32, "q2_integer");
  else if (has_charge(o) && i == last(o, CHARGE))
    snprintf(name, 32, "q");
  else if (has_charge(o) && i == last(o, CHARGE2))
    snprintf(name, 32, "q2");
  else
    snprintf(name, 32, "%s[%d]", curve[i / n_times(o)], i % n_times(o));
}

/* ------------------------------------------------------------- measurement */

/* Point k of every curve, for all configurations of a block. */
static void record(const cw_observer *o, const cw_lane_row *sums, int k, int B, double *out) {
  for (int b = 0; b < B; b++) {
    double *row = out + b * n_primary(o);
    row[at(o, ENERGY, k)] = cw_gauge_energy(o->th, sums, b);
    row[at(o, ENERGY_PLAQUETTE, k)] = cw_gauge_energy_plaquette(o->th, sums, b);
    if (!has_charge(o)) continue;
    const double Q = cw_gauge_charge(o->th, sums, b), nearest = round(Q) + 0.0;
    row[at(o, CHARGE, k)] = Q;
    row[at(o, CHARGE2, k)] = Q * Q;
    row[integer_charge(o)] = nearest;
    row[integer_charge2(o)] = nearest * nearest;
  }
}

static cw_status measure(const cw_observer *o, const cw_field *x, double *out, cw_arena *arena) {
  cw_slice_kernel *kernel = cw_gauge_kernels_for(o->th)->field_strength;
  cw_lane_row *sums = cw_arena_alloc(arena, CW_N_STRENGTH * sizeof *sums);
  cw_flow flow;
  if (sums == NULL) return CW_ENOMEM;
  CW_TRY(cw_flow_begin(&flow, o->th, x, o->param[TOLERANCE], o->param[STEP], arena));
  for (int k = 0; k < n_times(o); k++) {
    cw_flow_to(&flow, k * interval(o));
    CW_TRY(cw_gauge_sum(o->th, flow.v.data, kernel, NULL, CW_N_STRENGTH, sums, arena));
    record(o, sums, k, x->B, out);
  }
  return CW_OK;
}

/* -------------------------------------------------------------- quantities */

/* y[k] = t_k^2 <E(t_k)> */
static void t2_energy_curve(const cw_observer *o, const double *mean, double *y) {
  for (int k = 0; k < n_times(o); k++) {
    const double t = k * interval(o);
    y[k] = t * t * mean[at(o, ENERGY, k)];
  }
}

/* t^2 <E> = 0.3 (arXiv:1006.4518) */
static double t0(const cw_observer *o, const double *mean, int i) {
  double y[MAX_POINTS + 1];
  (void)i;
  t2_energy_curve(o, mean, y);
  return cw_flow_crossing(y, n_times(o), interval(o), 0.3);
}

/* t d/dt t^2 <E> = 0.3 at t = w0^2 (arXiv:1203.4469) */
static double w0(const cw_observer *o, const double *mean, int i) {
  double y[MAX_POINTS + 1], w[MAX_POINTS + 1];
  (void)i;
  t2_energy_curve(o, mean, y);
  cw_flow_log_derivative(y, n_times(o), interval(o), w);
  return sqrt(cw_flow_crossing(w, n_times(o), interval(o), 0.3));
}

static double volume(const cw_observer *o) { return (double)o->th->geom->n_sites; }

static double q(const cw_observer *o, const double *mean, int i) {
  (void)i;
  return mean[last(o, CHARGE)];
}
static double q2(const cw_observer *o, const double *mean, int i) {
  (void)i;
  return mean[last(o, CHARGE2)];
}
static double chi_t(const cw_observer *o, const double *mean, int i) {
  return q2(o, mean, i) / volume(o);
}
static double q2_integer(const cw_observer *o, const double *mean, int i) {
  (void)i;
  return mean[integer_charge2(o)];
}
static double chi_t_integer(const cw_observer *o, const double *mean, int i) {
  return q2_integer(o, mean, i) / volume(o);
}

static double time2(const cw_observer *o, int k) {
  const double t = k * interval(o);
  return t * t;
}
static double t2_energy(const cw_observer *o, const double *mean, int k) {
  return time2(o, k) * mean[at(o, ENERGY, k)];
}
static double t2_energy_plaquette(const cw_observer *o, const double *mean, int k) {
  return time2(o, k) * mean[at(o, ENERGY_PLAQUETTE, k)];
}
static double chi_t_flow(const cw_observer *o, const double *mean, int k) {
  return mean[at(o, CHARGE2, k)] / volume(o);
}

/* clang-format off */
#define CURVES                                                                                     \
  {"t2_energy", "t^2 <E(t)> at t = k time/points, E from clover leaves", "1", n_times, t2_energy,  \
   NULL},                                                                                          \
  {"t2_energy_plaquette", "t^2 <E(t)>, E from plaquettes", "1", n_times, t2_energy_plaquette, NULL}
/* clang-format on */

static const cw_quantity quantities[] = {
    {"t0", "flow time with t^2 <E> = 0.3", "a^2", NULL, t0, NULL},
    {"w0", "square root of the flow time with t d/dt t^2 <E> = 0.3", "a", NULL, w0, NULL},
    {"q", "clover charge <Q> at the last flow time", "1", NULL, q, NULL},
    {"q2", "<Q^2> there", "1", NULL, q2, NULL},
    {"chi_t", "topological susceptibility <Q^2>/V there", "1/a^4", NULL, chi_t, NULL},
    {"q2_integer", "<Q^2> of Q rounded to the nearest integer", "1", NULL, q2_integer, NULL},
    {"chi_t_integer", "<Q^2>/V of the rounded Q", "1/a^4", NULL, chi_t_integer, NULL},
    CURVES,
    {"chi_t_flow", "<Q^2>/V at flow time t", "1/a^4", n_times, chi_t_flow, NULL},
    {0}};
static const cw_quantity quantities_low[] = {CURVES, {0}};

static const char *const featured[] = {"q", "q2", "q_integer", "t0", NULL};
static const cw_sector sectors[] = {
    {"q_integer", CW_SECTOR_INTEGER}, {"q", CW_SECTOR_INTEGER}, {0}};
static const char *const featured_low[] = {NULL};

extern const cw_observable_ops cw_observable_gradient_flow;
const cw_observable_ops cw_observable_gradient_flow = {
    .name = "gradient_flow",
    .title = "scales and topological charge from the gradient flow",
    .params = params,
    .fits = fits,
    .n_primary = n_primary,
    .primary_name = primary_name,
    .measure = measure,
    .quantities = quantities,
    .featured = featured,
    .sectors = sectors,
};

extern const cw_observable_ops cw_observable_gradient_flow_low;
const cw_observable_ops cw_observable_gradient_flow_low = {
    .name = "gradient_flow_low",
    .title = "energy density along the gradient flow in two and three dimensions",
    .params = params,
    .fits = fits_low,
    .n_primary = n_primary,
    .primary_name = primary_name,
    .measure = measure,
    .quantities = quantities_low,
    .featured = featured_low,
};
