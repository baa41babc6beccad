/* The topological charge after cooling (Bonati and D'Elia, arXiv:1401.2441): n sweeps that put
 * every link to the minimum of the Wilson action, about n/3 of flow time for SU(3) in four
 * dimensions. */
#include "observe/cooling/cooling.h"

#include <math.h>
#include <stdio.h>

#include "causeway/observe.h"
#include "observe/gauge/gauge.h"
#include "simd/dispatch.h"

CW_ISA_TABLES(cw_cooling_kernels, cw_cooling_kernels);

enum { SWEEPS };
static const cw_param params[] = {{"sweeps", "cooling sweeps", 20, 0, 10000, CW_WHOLE}, {0}};

enum { ENERGY, CHARGE, CHARGE2, INTEGER, INTEGER2, N_PRIMARY };

static bool fits(const cw_theory *th) { return cw_gauge_theory(th) && th->geom->lat.dim == 4; }

static int n_primary(const cw_observer *o) {
  (void)o;
  return N_PRIMARY;
}

static void primary_name(const cw_observer *o, int i, char name[32]) {
  static const char *const names[] = {"energy_cooled", "q_cooled", "q2_cooled", "q_cooled_integer",
                                      "q2_cooled_integer"};
  (void)o;
  snprintf(name, 32, "%s", names[i]);
}

/* ------------------------------------------------------------- measurement */

static void cool(const cw_theory *th, double *x, int n_sweeps) {
  const cw_cooling_kernels *k = CW_DISPATCH(th->isa, cw_cooling_kernels);
  cw_cooling_kernel *kernel = th->ops->kind == CW_LINK_U1    ? k->u1
                              : th->ops->kind == CW_LINK_SU2 ? k->su2
                                                             : k->su3;
  cw_wavefront wave;
  cw_wavefront_begin(&wave, th->geom);
#pragma omp parallel num_threads(cw_theory_threads(th))
  {
    cw_stretch t = {0};
    while (cw_wavefront_next(&wave, n_sweeps, &t)) kernel(th->geom, x, t.begin, t.n);
  }
}

static void record(const cw_theory *th, const cw_lane_row *sums, int B, double *out) {
  for (int b = 0; b < B; b++) {
    double *row = out + b * N_PRIMARY;
    row[ENERGY] = cw_gauge_energy(th, sums, b);
    row[CHARGE] = cw_gauge_charge(th, sums, b);
    row[CHARGE2] = row[CHARGE] * row[CHARGE];
    row[INTEGER] = round(row[CHARGE]) + 0.0;
    row[INTEGER2] = row[INTEGER] * row[INTEGER];
  }
}

static cw_status measure(const cw_observer *o, const cw_field *x, double *out, cw_arena *arena) {
  cw_slice_kernel *kernel = cw_gauge_kernels_for(o->th)->field_strength;
  cw_lane_row *sums = cw_arena_alloc(arena, CW_N_STRENGTH * sizeof *sums);
  cw_field cooled = cw_field_block(x, 0);
  cooled.data = cw_arena_alloc(arena, cw_field_block_size(x) * sizeof *cooled.data);
  if (sums == NULL || cooled.data == NULL) return CW_ENOMEM;
  cw_field_copy(&cooled, x);
  cool(o->th, cooled.data, (int)lround(o->param[SWEEPS]));
  CW_TRY(cw_gauge_sum(o->th, cooled.data, kernel, NULL, CW_N_STRENGTH, sums, arena));
  record(o->th, sums, x->B, out);
  return CW_OK;
}

/* -------------------------------------------------------------- quantities */

static double chi_t(const cw_observer *o, const double *mean, int i) {
  (void)i;
  return mean[CHARGE2] / (double)o->th->geom->n_sites;
}
static double chi_t_integer(const cw_observer *o, const double *mean, int i) {
  (void)i;
  return mean[INTEGER2] / (double)o->th->geom->n_sites;
}

static const cw_quantity quantities[] = {
    {.name = "energy_cooled",
     .help = "clover energy density of the cooled field",
     .units = "1/a^4",
     .jumps = true,
     .mean_of = 1 + ENERGY},
    {.name = "q_cooled",
     .help = "clover charge <Q> of the cooled field",
     .print = "clover charge ⟨Q⟩ of the cooled field",
     .units = "1",
     .jumps = true,
     .mean_of = 1 + CHARGE,
     .featured = true},
    {.name = "q2_cooled",
     .help = "<Q^2> of the cooled field",
     .print = "⟨Q²⟩ of the cooled field",
     .units = "1",
     .jumps = true,
     .mean_of = 1 + CHARGE2,
     .freezes = true},
    {.name = "chi_t_cooled",
     .help = "<Q^2>/V of the cooled field",
     .print = "⟨Q²⟩/V of the cooled field",
     .units = "1/a^4",
     .jumps = true,
     .value = chi_t},
    {.name = "q2_cooled_integer",
     .help = "<Q^2> of the cooled Q rounded to the nearest integer",
     .print = "⟨Q²⟩ of the cooled Q rounded to the nearest integer",
     .units = "1",
     .jumps = true,
     .mean_of = 1 + INTEGER2},
    {.name = "chi_t_cooled_integer",
     .help = "<Q^2>/V of the rounded Q",
     .print = "⟨Q²⟩/V of the rounded Q",
     .units = "1/a^4",
     .jumps = true,
     .value = chi_t_integer},
    {0}};

static const cw_primary notable[] = {
    {.name = "q_cooled_integer", .history = true, .sector = CW_SECTOR_INTEGER},
    {.name = "q_cooled", .history = true, .sector = CW_SECTOR_INTEGER},
    {0}};

extern const cw_observable_ops cw_observable_cooling;
const cw_observable_ops cw_observable_cooling = {
    .name = "cooling",
    .title = "topological charge after cooling",
    .params = params,
    .fits = fits,
    .n_primary = n_primary,
    .primary_name = primary_name,
    .measure = measure,
    .quantities = quantities,
    .notable = notable,
};
