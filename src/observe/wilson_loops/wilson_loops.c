/* Wilson loops of smeared spatial and plain temporal links on the axes, the static potential, and
 * Creutz ratios. Definitions: docs/gauge.md. */
#include "observe/wilson_loops/wilson_loops.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "causeway/observe.h"
#include "simd/dispatch.h"

CW_ISA_TABLES(cw_wilson_loop_kernels, cw_wilson_loop_kernels);

enum { MAX_R, MAX_T, SMEAR_STEPS, RHO };
enum { MOST = 14 };

static const cw_param params[] = {
    {"max_r", "largest spatial side", 6, 1, MOST, CW_WHOLE},
    {"max_t", "largest temporal side", 6, 2, MOST, CW_WHOLE},
    {"smear_steps", "steps of stout smearing of the spatial links", 10, 0, 1000, CW_WHOLE},
    {"rho", "weight of a staple in one such step", 0.1, 0, 0.25, CW_REAL},
    {0}};

static bool fits(const cw_theory *th) { return cw_gauge_theory(th); }

static int parameter(const cw_observer *o, int i) { return (int)lround(o->param[i]); }
static int n_primary(const cw_observer *o) { return parameter(o, MAX_R) * parameter(o, MAX_T); }

/* W(R, T) among the primary numbers */
static int at(const cw_observer *o, int R, int T) { return (R - 1) * parameter(o, MAX_T) + T - 1; }

static void primary_name(const cw_observer *o, int i, char name[32]) {
  const int max_t = parameter(o, MAX_T);
  snprintf(name, 32, "W(%d,%d)", 1 + i / max_t, 1 + i % max_t);
}

/* ------------------------------------------------------------- measurement */

typedef struct {
  const cw_observer *o;
  const cw_wilson_loop_kernels_of *k;
  const double *u;    /* links as they are */
  double *smeared[2]; /* smeared spatial links, and room for the next step */
  double *space[2];   /* spatial line, and the one before */
  double *time[MOST]; /* lines of 1 .. max_t links in the last direction */
  cw_lane_row *sums;  /* (max_t) */
} workshop;

static const cw_wilson_loop_kernels_of *kernels_for(const cw_theory *th) {
  const cw_wilson_loop_kernels *k = CW_DISPATCH(th->isa, cw_wilson_loop_kernels);
  return th->ops->kind == CW_LINK_U1 ? &k->u1 : th->ops->kind == CW_LINK_SU2 ? &k->su2 : &k->su3;
}

/* All memory in one piece: two fields of links, then lines. */
static cw_status open_workshop(workshop *w, const cw_observer *o, const cw_field *x,
                               cw_arena *arena) {
  const size_t links = cw_field_block_size(x), line = links / (size_t)x->geom->lat.dim;
  const int max_t = parameter(o, MAX_T);
  double *room = cw_arena_alloc(arena, (2 * links + (size_t)(2 + max_t) * line) * sizeof *room);
  *w = (workshop){.o = o, .k = kernels_for(o->th), .u = x->data};
  w->sums = cw_arena_alloc(arena, MOST * sizeof *w->sums);
  if (room == NULL || w->sums == NULL) return CW_ENOMEM;
  for (int i = 0; i < 2; i++, room += links) w->smeared[i] = room;
  for (int i = 0; i < 2; i++, room += line) w->space[i] = room;
  for (int i = 0; i < max_t; i++, room += line) w->time[i] = room;
  return CW_OK;
}

static void swap(double *pair[2]) {
  double *first = pair[0];
  pair[0] = pair[1];
  pair[1] = first;
}

static void smear(workshop *w, size_t bytes) {
  const cw_geometry *g = w->o->th->geom;
  const long n = cw_slice_count(g);
  memcpy(w->smeared[0], w->u, bytes);
  for (int i = 0; i < parameter(w->o, SMEAR_STEPS); i++) {
#pragma omp parallel for num_threads(cw_theory_threads(w->o->th)) schedule(static)
    for (long s = 0; s < n; s++)
      w->k->smear(g, w->o->param[RHO], w->smeared[0], w->smeared[1], cw_slice_begin(g, s),
                  cw_slice_begin(g, s + 1));
    swap(w->smeared);
  }
}

static void lengthen(const workshop *w, const double *u, int mu, const double *line,
                     double *longer) {
  const cw_geometry *g = w->o->th->geom;
  const long n = cw_slice_count(g);
#pragma omp parallel for num_threads(cw_theory_threads(w->o->th)) schedule(static)
  for (long s = 0; s < n; s++)
    w->k->lengthen(g, u, mu, line, longer, cw_slice_begin(g, s), cw_slice_begin(g, s + 1));
}

/* Adds the loops with R steps in direction mu to the rows of the configurations. */
static cw_status add_loops(workshop *w, int mu, int R, int B, double *out, cw_arena *arena) {
  const cw_theory *th = w->o->th;
  const int max_t = parameter(w->o, MAX_T), n = n_primary(w->o);
  const double n_loops =
      (double)th->geom->n_sites * (th->geom->lat.dim - 1) * cw_kind(th->ops->kind)->n_colours;
  const cw_wilson_lines lines = {mu, R, max_t, w->space[0], (const double *const *)w->time};
  CW_TRY(cw_gauge_sum(th, w->u, w->k->rectangles, &lines, max_t, w->sums, arena));
  for (int b = 0; b < B; b++)
    for (int T = 1; T <= max_t; T++) out[b * n + at(w->o, R, T)] += w->sums[T - 1][b] / n_loops;
  return CW_OK;
}

static cw_status measure(const cw_observer *o, const cw_field *x, double *out, cw_arena *arena) {
  const int time = x->geom->lat.dim - 1;
  workshop w;
  CW_TRY(open_workshop(&w, o, x, arena));
  memset(out, 0, (size_t)(x->B * n_primary(o)) * sizeof *out);
  smear(&w, cw_field_block_size(x) * sizeof(double));
  for (int i = 0; i < parameter(o, MAX_T); i++)
    lengthen(&w, w.u, time, i > 0 ? w.time[i - 1] : NULL, w.time[i]);
  for (int mu = 0; mu < time; mu++)
    for (int R = 1; R <= parameter(o, MAX_R); R++) {
      swap(w.space);
      lengthen(&w, w.smeared[0], mu, R > 1 ? w.space[1] : NULL, w.space[0]);
      CW_TRY(add_loops(&w, mu, R, x->B, out, arena));
    }
  return CW_OK;
}

/* -------------------------------------------------------------- quantities */

/* W(R,T): i = (R - 1) max_t + T - 1. */
static int loop_side(const cw_observer *o, int i) { return 1 + i / parameter(o, MAX_T); }
static double loop_time(const cw_observer *o, int i) { return 1 + i % parameter(o, MAX_T); }

/* aV(R) = ln W(R,T)/W(R,T+1) for large T, i = (R - 1) (max_t - 1) + T - 1. */
static int n_potential(const cw_observer *o) {
  return parameter(o, MAX_R) * (parameter(o, MAX_T) - 1);
}
static double potential_distance(const cw_observer *o, int i) {
  return 1 + i / (parameter(o, MAX_T) - 1);
}
static int potential_time(const cw_observer *o, int i) { return 1 + i % (parameter(o, MAX_T) - 1); }
static double potential(const cw_observer *o, const double *mean, int i) {
  const int R = (int)potential_distance(o, i), T = potential_time(o, i);
  return log(mean[at(o, R, T)] / mean[at(o, R, T + 1)]);
}

/* chi(R,R) = -ln W(R,R) W(R-1,R-1) / (W(R,R-1) W(R-1,R)), i = R - 1, W(0,T) = W(R,0) = 1. */
static int n_creutz(const cw_observer *o) {
  const int r = parameter(o, MAX_R), t = parameter(o, MAX_T);
  return r < t ? r : t;
}
static double creutz_side(const cw_observer *o, int i) {
  (void)o;
  return i + 1;
}
static double creutz(const cw_observer *o, const double *mean, int i) {
  const int R = i + 1;
  if (R == 1) return -log(mean[at(o, 1, 1)]);
  return -log(mean[at(o, R, R)] * mean[at(o, R - 1, R - 1)] /
              (mean[at(o, R, R - 1)] * mean[at(o, R - 1, R)]));
}

static const cw_quantity quantities[] = {
    {.name = "potential",
     .help = "static potential ln <W(R,T)>/<W(R,T+1)>, index (R-1) (max_t-1) + T-1",
     .print = "static potential ln ⟨W(R,T)⟩/⟨W(R,T+1)⟩",
     .units = "1/a",
     .count = n_potential,
     .value = potential,
     .figure = {.title = "Static potential",
                .x_label = "R/a",
                .y_label = "a V(R), from T and T + 1",
                .x = potential_distance,
                .curve = potential_time,
                .curve_label = "T"}},
    {.name = "creutz",
     .help = "Creutz ratio chi(R,R), index R-1",
     .print = "Creutz ratio χ(R,R)",
     .units = "1/a^2",
     .count = n_creutz,
     .value = creutz,
     .figure =
         {.title = "Creutz ratios", .x_label = "R/a", .y_label = "a² χ(R,R)", .x = creutz_side}},
    {.name = "wilson_loop",
     .help = "<Re tr W(R,T)>/N, index (R-1) max_t + T-1",
     .print = "⟨Re tr W(R,T)⟩/N",
     .units = "1",
     .count = n_primary,
     .mean_of = 1,
     .figure = {.title = "Wilson loops",
                .x_label = "T/a",
                .y_label = "W(R,T)",
                .x = loop_time,
                .curve = loop_side,
                .curve_label = "R",
                .log_y = true}},
    {0}};

extern const cw_observable_ops cw_observable_wilson_loops;
const cw_observable_ops cw_observable_wilson_loops = {
    .name = "wilson_loops",
    .title = "Wilson loops of smeared links and the static potential",
    .params = params,
    .fits = fits,
    .n_primary = n_primary,
    .primary_name = primary_name,
    .measure = measure,
    .quantities = quantities,
};
