/* Observables of the gradient flow: the energy density along the Wilson flow, the scales t0 and w0
 * that it sets, and the topological charge of the flowed field. Definitions: docs/gauge.md. */
#include <math.h>
#include <stdio.h>

#include "causeway/observe.h"
#include "causeway/wilson.h"
#include "observe/gauge/gauge.h"
#include "observe/gradient_flow/flow.h"

enum { TIME, POINTS, TOLERANCE, STEP, LEVEL };

/* Steps of fixed size are stable below 2.51/(4 D) (integrate.c). */
/* clang-format off */
#define PARAMS(largest_step)                                                                       \
  {"time", "flow time to go to, in a^2", 4, 1e-3, 1e4, CW_REAL},                                   \
  {"points", "equidistant times from 0 to there at which the flowed field is measured", 40, 4, 48, \
   CW_WHOLE},                                                                                      \
  {"tolerance", "largest error of a step on any link; 0: steps of fixed size", 1e-5, 0, 1,         \
   CW_REAL},                                                                                       \
  {"step", "size of the first step, or of all if tolerance is 0, in a^2", 0.01, 1e-6,              \
   largest_step, CW_REAL}
/* clang-format on */

static const cw_param params[] = {
    PARAMS(0.15),
    {"level", "t^2 <E> at t0, and t d/dt t^2 <E> at w0^2", 0.3, 1e-3, 10, CW_REAL},
    {0}};
static const cw_param params_low[] = {PARAMS(0.2), {0}};

/* The flow is along the force of the Wilson action, which is asked of the theory. */
static bool has_flow(const cw_theory *th) { return cw_is_wilson(th->ops) && cw_gauge_theory(th); }
static bool fits(const cw_theory *th) { return has_flow(th) && th->geom->lat.dim == 4; }
static bool fits_low(const cw_theory *th) { return has_flow(th) && th->geom->lat.dim < 4; }

/* Primary numbers: curves of n_times points each, one after the other, then in four dimensions the
 * integer charge at the last time and its square, and E at times between the points, as many as t0
 * and w0 need. */
enum { ENERGY, ENERGY_PLAQUETTE, N_ENERGIES, CHARGE = N_ENERGIES, CHARGE2, N_CURVES };

static int n_times(const cw_observer *o) { return (int)lround(o->param[POINTS]) + 1; }
static double interval(const cw_observer *o) { return o->param[TIME] / (n_times(o) - 1); }
/* Four dimensions: there is a charge, and scales are wanted. */
static bool has_charge(const cw_observer *o) { return o->th->geom->lat.dim == 4; }
static int at(const cw_observer *o, int curve, int k) { return curve * n_times(o) + k; }
static int last(const cw_observer *o, int curve) { return at(o, curve, n_times(o) - 1); }
static int integer_charge(const cw_observer *o) { return N_CURVES * n_times(o); }
static int integer_charge2(const cw_observer *o) { return integer_charge(o) + 1; }
static int energy_between(const cw_observer *o) { return integer_charge2(o) + 1; }

/* When E is kept: at the points, and between them. */
static void choose_times(const cw_observer *o, cw_flow_times *g) {
  cw_flow_choose_times(g, o->param[TIME], n_times(o) - 1);
}

static int n_primary(const cw_observer *o) {
  cw_flow_times g;
  if (!has_charge(o)) return N_ENERGIES * n_times(o);
  choose_times(o, &g);
  return energy_between(o) + g.n - n_times(o);
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
  else if (has_charge(o) && i >= energy_between(o))
    snprintf(name, 32, "E_between[%d]", i - energy_between(o));
  else
    snprintf(name, 32, "%s[%d]", curve[i / n_times(o)], i % n_times(o));
}

static const char *primary_units(const cw_observer *o, int i) {
  const bool energy = i < at(o, CHARGE, 0) || (has_charge(o) && i >= energy_between(o));
  return energy ? "1/a^4" : "1";
}

/* ------------------------------------------------------------- measurement */

/* A block on its way. Steps end at times of their own, so that E is sampled where they do. */
typedef struct {
  const cw_observer *o;
  cw_flow flow;
  cw_lane_row *sums;        /* (CW_N_STRENGTH) of the flowed fields */
  cw_flow_samples *samples; /* (B); NULL: no scales are wanted */
  cw_arena *arena;
} journey;

static cw_status begin_journey(journey *j, const cw_observer *o, const cw_field *x,
                               cw_arena *arena) {
  *j = (journey){.o = o, .arena = arena};
  j->sums = cw_arena_alloc(arena, CW_N_STRENGTH * sizeof *j->sums);
  if (j->sums == NULL) return CW_ENOMEM;
  if (has_charge(o)) {
    j->samples = cw_arena_alloc(arena, (size_t)x->B * sizeof *j->samples);
    if (j->samples == NULL) return CW_ENOMEM;
    for (int b = 0; b < x->B; b++) j->samples[b].n = 0;
  }
  return cw_flow_begin(&j->flow, o->th, x, o->param[TOLERANCE], o->param[STEP], arena);
}

static cw_status sum_fields(journey *j) {
  return cw_gauge_sum(j->o->th, j->flow.v.data, cw_gauge_kernels_for(j->o->th)->field_strength,
                      NULL, CW_N_STRENGTH, j->sums, j->arena);
}

static void sample(journey *j, int b) {
  const double E = cw_gauge_energy(j->o->th, j->sums, b);
  cw_flow_add_sample(&j->samples[b], j->flow.t[b], E);
}

/* Samples the configurations that want it on their way to time. */
static cw_status sample_on_the_way(journey *j, double time) {
  bool due[CW_LANES], any = false;
  for (int b = 0; b < j->flow.v.n_config; b++) {
    const double t = j->flow.t[b];
    due[b] = t < time && cw_flow_sample_is_due(&j->samples[b], t);
    any |= due[b];
  }
  if (!any) return CW_OK;
  CW_TRY(sum_fields(j));
  for (int b = 0; b < j->flow.v.n_config; b++)
    if (due[b]) sample(j, b);
  return CW_OK;
}

/* Point k of every curve, for one configuration of a block. */
static void record_point(const journey *j, int k, int b, double *row) {
  const cw_observer *o = j->o;
  row[at(o, ENERGY, k)] = cw_gauge_energy(o->th, j->sums, b);
  row[at(o, ENERGY_PLAQUETTE, k)] = cw_gauge_energy_plaquette(o->th, j->sums, b);
  if (!has_charge(o)) return;
  const double Q = cw_gauge_charge(o->th, j->sums, b), nearest = round(Q) + 0.0;
  row[at(o, CHARGE, k)] = Q;
  row[at(o, CHARGE2, k)] = Q * Q;
  row[integer_charge(o)] = nearest;
  row[integer_charge2(o)] = nearest * nearest;
}

/* E between the points, for one configuration. */
static void record_between(const cw_observer *o, const cw_flow_samples *s, double *row) {
  cw_flow_times g;
  int between = energy_between(o);
  choose_times(o, &g);
  for (int i = 0; i < g.n; i++)
    if (g.point[i] < 0) row[between++] = cw_flow_energy_at(s, g.t[i]);
}

static cw_status measure(const cw_observer *o, const cw_field *x, double *out, cw_arena *arena) {
  const int width = n_primary(o);
  journey j;
  CW_TRY(begin_journey(&j, o, x, arena));
  for (int k = 0; k < n_times(o); k++) {
    while (cw_flow_step(&j.flow, k * interval(o)))
      if (j.samples != NULL) CW_TRY(sample_on_the_way(&j, k * interval(o)));
    CW_TRY(sum_fields(&j));
    for (int b = 0; b < x->n_config; b++) {
      record_point(&j, k, b, out + b * width);
      if (j.samples != NULL) sample(&j, b);
    }
  }
  for (int b = 0; b < x->n_config && j.samples != NULL; b++)
    record_between(o, &j.samples[b], out + b * width);
  return CW_OK;
}

/* -------------------------------------------------------------- quantities */

/* Where a curve of the mean energy density reaches the level. */
static cw_flow_crossing cross(const cw_observer *o, cw_flow_curve curve, const double *mean) {
  cw_flow_times g;
  cw_flow_samples s = {.n = 0};
  int between = energy_between(o);
  choose_times(o, &g);
  for (int i = 0; i < g.n; i++)
    cw_flow_add_sample(&s, g.t[i], mean[g.point[i] >= 0 ? at(o, ENERGY, g.point[i]) : between++]);
  return cw_flow_cross(curve, &s, o->param[LEVEL]);
}

static double t0(const cw_observer *o, const double *mean, int i) {
  (void)i;
  return cross(o, CW_FLOW_T2_ENERGY, mean).t;
}
static double w0(const cw_observer *o, const double *mean, int i) {
  (void)i;
  return sqrt(cross(o, CW_FLOW_LOG_DERIVATIVE, mean).t);
}

#define NO_ENERGY "<E> is not positive: the fields are trivial"
static const char *why_missed(const cw_observer *o, cw_flow_curve curve, const double *mean) {
  static const char *const why[][CW_FLOW_N_ENDS] = {
      {NULL, "t^2 <E> is still below 'level' at the last flow time: raise 'time' or lower 'level'",
       "t^2 <E> has its maximum below 'level': lower 'level' or take a larger lattice", NO_ENERGY},
      {NULL,
       "t d/dt t^2 <E> is still below 'level' at the last flow time: raise 'time' or lower 'level'",
       "t d/dt t^2 <E> has its maximum below 'level': lower 'level' or take a larger lattice",
       NO_ENERGY}};
  return why[curve][cross(o, curve, mean).end];
}
static const char *why_no_t0(const cw_observer *o, const double *mean, int i) {
  (void)i;
  return why_missed(o, CW_FLOW_T2_ENERGY, mean);
}
static const char *why_no_w0(const cw_observer *o, const double *mean, int i) {
  (void)i;
  return why_missed(o, CW_FLOW_LOG_DERIVATIVE, mean);
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

static double flow_time(const cw_observer *o, int k) { return k * interval(o); }
static double level(const cw_observer *o) { return o->param[LEVEL]; }

static double time2(const cw_observer *o, int k) { return flow_time(o, k) * flow_time(o, k); }
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
#define CURVES(level_function, scale)                                                              \
  {.name = "t2_energy",                                                                            \
   .help = "t^2 <E(t)> at t = k time/points, E from clover leaves",                                \
   .print = "t² ⟨E(t)⟩, E from clover leaves",                                                     \
   .units = "1",                                                                                   \
   .count = n_times,                                                                               \
   .value = t2_energy,                                                                             \
   .figure = {.title = "Gradient flow",                                                            \
              .x_label = "flow time t/a²",                                                         \
              .y_label = "t²⟨E⟩",                                                                  \
              .smooth = true,                                                                      \
              .x = flow_time,                                                                      \
              .beside = "t2_energy_plaquette",                                                     \
              .beside_label = "E from plaquettes",                                                 \
              .own_label = "E from clover leaves",                                                 \
              .level = level_function,                                                             \
              .reached_at = scale}},                                                               \
  {.name = "t2_energy_plaquette",                                                                  \
   .help = "t^2 <E(t)>, E from plaquettes",                                                        \
   .print = "t² ⟨E(t)⟩, E from plaquettes",                                                        \
   .units = "1",                                                                                   \
   .count = n_times,                                                                               \
   .value = t2_energy_plaquette}
/* clang-format on */

static const cw_quantity quantities[] = {
    {.name = "t0",
     .help = "flow time with t^2 <E> = level",
     .print = "flow time with t² ⟨E⟩ = level",
     .units = "a^2",
     .value = t0,
     .why = why_no_t0,
     .fact = true,
     .featured = true},
    {.name = "w0",
     .help = "square root of the flow time with t d/dt t^2 <E> = level",
     .print = "square root of the flow time with t d/dt t² ⟨E⟩ = level",
     .units = "a",
     .value = w0,
     .why = why_no_w0,
     .fact = true},
    {.name = "q",
     .help = "clover charge <Q> at the last flow time",
     .print = "clover charge ⟨Q⟩ at the last flow time",
     .units = "1",
     .value = q,
     .featured = true},
    {.name = "q2",
     .help = "<Q^2> there",
     .print = "⟨Q²⟩ there",
     .units = "1",
     .value = q2,
     .fact = true,
     .featured = true,
     .freezes = true},
    {.name = "chi_t",
     .help = "topological susceptibility <Q^2>/V there",
     .print = "topological susceptibility ⟨Q²⟩/V there",
     .units = "1/a^4",
     .value = chi_t,
     .fact = true},
    {.name = "q2_integer",
     .help = "<Q^2> of Q rounded to the nearest integer",
     .print = "⟨Q²⟩ of Q rounded to the nearest integer",
     .units = "1",
     .jumps = true,
     .value = q2_integer},
    {.name = "chi_t_integer",
     .help = "<Q^2>/V of the rounded Q",
     .print = "⟨Q²⟩/V of the rounded Q",
     .units = "1/a^4",
     .jumps = true,
     .value = chi_t_integer},
    CURVES(level, "t0"),
    {.name = "chi_t_flow",
     .help = "<Q^2>/V at flow time t",
     .print = "⟨Q²⟩/V at flow time t",
     .units = "1/a^4",
     .count = n_times,
     .value = chi_t_flow,
     .figure = {.title = "Topological susceptibility along the flow",
                .x_label = "flow time t/a²",
                .y_label = "a⁴⟨Q²⟩/V",
                .smooth = true,
                .x = flow_time}},
    {0}};
static const cw_quantity quantities_low[] = {CURVES(NULL, NULL), {0}};

static const cw_primary notable[] = {
    {.name = "q_integer", .history = true, .sector = CW_SECTOR_INTEGER},
    {.name = "q", .history = true, .sector = CW_SECTOR_INTEGER},
    {0}};

extern const cw_observable_ops cw_observable_gradient_flow;
const cw_observable_ops cw_observable_gradient_flow = {
    .name = "gradient_flow",
    .title = "scales and topological charge from the gradient flow",
    .params = params,
    .fits = fits,
    .n_primary = n_primary,
    .primary_name = primary_name,
    .primary_units = primary_units,
    .measure = measure,
    .quantities = quantities,
    .notable = notable,
};

extern const cw_observable_ops cw_observable_gradient_flow_low;
const cw_observable_ops cw_observable_gradient_flow_low = {
    .name = "gradient_flow_low",
    .title = "energy density along the gradient flow in two and three dimensions",
    .params = params_low,
    .fits = fits_low,
    .n_primary = n_primary,
    .primary_name = primary_name,
    .primary_units = primary_units,
    .measure = measure,
    .quantities = quantities_low,
};
