/* What is always measured on gauge fields: plaquettes, rectangles, Polyakov loop, energy density,
 * and where there is one, a topological charge: exact for U(1) in two dimensions, from the clover
 * leaves of the unsmoothed field in four. Definitions: docs/gauge.md. */
#include "observe/gauge/gauge.h"

#include <math.h>
#include <stdio.h>

#include "causeway/observe.h"

enum {
  PLAQUETTE,
  RECTANGLE,
  POLYAKOV,
  POLYAKOV2,
  POLYAKOV_RE,
  POLYAKOV_IM,
  ENERGY,
  ACTION,
  N_COMMON,
  /* U(1) in two dimensions */
  CHARGE = N_COMMON,
  CHARGE2,
  N_CHARGE,
  /* three and four dimensions */
  PLAQUETTE_S = N_COMMON,
  PLAQUETTE_T,
  N_PLANES,
  /* four dimensions */
  CHARGE_BARE = N_PLANES,
  N_ALL
};

static int dimension(const cw_theory *th) { return th->geom->lat.dim; }

static bool has_exact_charge(const cw_theory *th) {
  return th->ops->kind == CW_LINK_U1 && dimension(th) == 2;
}

static bool fits_2d(const cw_theory *th) {
  return cw_gauge_theory(th) && dimension(th) == 2 && !has_exact_charge(th);
}
static bool fits_u1_2d(const cw_theory *th) { return has_exact_charge(th); }
static bool fits_3d(const cw_theory *th) { return cw_gauge_theory(th) && dimension(th) == 3; }
static bool fits_4d(const cw_theory *th) { return cw_gauge_theory(th) && dimension(th) == 4; }

static int n_primary(const cw_observer *o) {
  if (has_exact_charge(o->th)) return N_CHARGE;
  static const int of_dimension[] = {N_COMMON, N_PLANES, N_ALL};
  return of_dimension[dimension(o->th) - 2];
}

static void primary_name(const cw_observer *o, int i, char name[32]) {
  static const char *const common[] = {"plaquette",      "rectangle",     "polyakov",
                                       "polyakov2",      "polyakov_re",   "polyakov_im",
                                       "energy_density", "action_density"};
  static const char *const charge[] = {"q", "q2"};
  static const char *const planes[] = {"plaquette_s", "plaquette_t", "q_bare"};
  const char *const *more = has_exact_charge(o->th) ? charge : planes;
  snprintf(name, 32, "%s", i < N_COMMON ? common[i] : more[i - N_COMMON]);
}

/* ------------------------------------------------------------- measurement */

/* Sums over the sites of each configuration of a block. */
typedef struct {
  cw_lane_row loops[CW_N_LOOPS], polyakov[CW_N_POLYAKOV], angles[1];
  double T[CW_LANES * CW_MAX_TERMS], S[CW_LANES];
} block_sums;

static cw_status sum_block(const cw_theory *th, const cw_field *block, block_sums *s,
                           cw_arena *arena) {
  const cw_gauge_kernels_of *k = cw_gauge_kernels_for(th);
  CW_TRY(cw_gauge_sum(th, block->data, k->loops, NULL, CW_N_LOOPS, s->loops, arena));
  CW_TRY(cw_gauge_sum(th, block->data, k->polyakov, NULL, CW_N_POLYAKOV, s->polyakov, arena));
  if (has_exact_charge(th))
    CW_TRY(cw_gauge_sum(th, block->data, k->angles, NULL, 1, s->angles, arena));
  cw_theory_action(th, block, th->c, s->T, s->S);
  return CW_OK;
}

/* Products of plaquettes around a closed surface are 1: the angles add up to a multiple of 2 pi,
 * and rounding removes what the sum has lost (Panagiotakopoulos, Nucl. Phys. B 251 (1985) 61). */
static void charge_2d(const block_sums *s, int b, double *out) {
  const double Q = round(s->angles[0][b] / (2 * M_PI)) + 0.0;
  out[CHARGE] = Q;
  out[CHARGE2] = Q * Q;
}

static void planes(const cw_theory *th, const block_sums *s, int b, double *out) {
  const double n = (double)th->geom->n_sites * cw_kind(th->ops->kind)->n_colours;
  const int n_t = dimension(th) - 1, n_s = n_t * (n_t - 1) / 2;
  out[PLAQUETTE_S] = s->loops[CW_PLAQUETTES_S][b] / (n * n_s);
  out[PLAQUETTE_T] = s->loops[CW_PLAQUETTES_T][b] / (n * n_t);
}

static void primaries(const cw_theory *th, const block_sums *s, int b, double *out) {
  const double n_sites = (double)th->geom->n_sites, N = cw_kind(th->ops->kind)->n_colours;
  const int dim = dimension(th);
  const double n_lines = N * s->polyakov[CW_POLYAKOV_COUNT][b];
  const double re = s->polyakov[CW_POLYAKOV_RE][b] / n_lines;
  const double im = s->polyakov[CW_POLYAKOV_IM][b] / n_lines;
  out[PLAQUETTE] = cw_gauge_plaquette(th, s->loops, b);
  out[RECTANGLE] = s->loops[CW_RECTANGLES][b] / (N * n_sites * dim * (dim - 1));
  out[POLYAKOV] = hypot(re, im);
  out[POLYAKOV2] = re * re + im * im;
  out[POLYAKOV_RE] = re;
  out[POLYAKOV_IM] = im;
  out[ENERGY] = cw_gauge_energy(th, s->loops, b);
  out[ACTION] = s->S[b] / n_sites;
  if (has_exact_charge(th)) charge_2d(s, b, out);
  if (dim > 2) planes(th, s, b, out);
  if (dim > 3) out[CHARGE_BARE] = cw_gauge_charge(th, s->loops, b);
}

static cw_status measure(const cw_observer *o, const cw_field *x, double *out, cw_arena *arena) {
  block_sums *sums = cw_arena_alloc(arena, sizeof *sums);
  if (sums == NULL) return CW_ENOMEM;
  CW_TRY(sum_block(o->th, x, sums, arena));
  for (int b = 0; b < x->B; b++) primaries(o->th, sums, b, out + b * n_primary(o));
  return CW_OK;
}

/* -------------------------------------------------------------- quantities */

/* V_s (<|P|^2> - <|P|>^2) */
static double polyakov_chi(const cw_observer *o, const double *mean, int i) {
  const cw_lattice *lat = &o->th->geom->lat;
  (void)i;
  const double volume = (double)o->th->geom->n_sites / lat->extent[lat->dim - 1];
  return volume * (mean[POLYAKOV2] - mean[POLYAKOV] * mean[POLYAKOV]);
}

static double chi_t(const cw_observer *o, const double *mean, int i) {
  (void)i;
  return mean[CHARGE2] / (double)o->th->geom->n_sites;
}

/* clang-format off */
/* energy_featured: not in U(1) in two dimensions, where the charge is. */
#define QUANTITIES(energy_featured)                                                                \
  {.name = "plaquette",                                                                            \
   .help = "<Re tr P>/N, mean over sites and planes",                                              \
   .print = "⟨Re tr P⟩/N, mean over sites and planes",                                             \
   .units = "1",                                                                                   \
   .mean_of = 1 + PLAQUETTE,                                                                       \
   .headline = true,                                                                               \
   .fact = true,                                                                                   \
   .featured = true},                                                                              \
  {.name = "rectangle",                                                                            \
   .help = "<Re tr W(1x2)>/N, mean over sites and both orientations",                              \
   .print = "⟨Re tr W(1x2)⟩/N, mean over sites and both orientations",                             \
   .units = "1",                                                                                   \
   .mean_of = 1 + RECTANGLE},                                                                      \
  {.name = "polyakov",                                                                             \
   .help = "<|P|>, P = tr of the line in the last direction/N, mean over space",                   \
   .print = "⟨|P|⟩, P = tr of the line in the last direction/N, mean over space",                  \
   .units = "1",                                                                                   \
   .mean_of = 1 + POLYAKOV,                                                                        \
   .featured = true},                                                                              \
  {.name = "polyakov_re",                                                                          \
   .help = "Re <P>",                                                                               \
   .print = "Re ⟨P⟩",                                                                              \
   .units = "1",                                                                                   \
   .mean_of = 1 + POLYAKOV_RE},                                                                    \
  {.name = "polyakov_im",                                                                          \
   .help = "Im <P>",                                                                               \
   .print = "Im ⟨P⟩",                                                                              \
   .units = "1",                                                                                   \
   .mean_of = 1 + POLYAKOV_IM},                                                                    \
  {.name = "polyakov_chi",                                                                         \
   .help = "V_s (<|P|^2> - <|P|>^2)",                                                              \
   .print = "V_s (⟨|P|²⟩ − ⟨|P|⟩²)",                                                               \
   .units = "1",                                                                                   \
   .value = polyakov_chi},                                                                         \
  {.name = "energy_density",                                                                       \
   .help = "<F^a_munu F^a_munu>/4 from clover leaves",                                             \
   .print = "⟨F^a_μν F^a_μν⟩/4 from clover leaves",                                                \
   .units = "1/a^4",                                                                               \
   .mean_of = 1 + ENERGY,                                                                          \
   .featured = energy_featured},                                                                   \
  {.name = "action_density",                                                                       \
   .help = "<S>/V",                                                                                \
   .print = "⟨S⟩/V",                                                                               \
   .units = "1",                                                                                   \
   .mean_of = 1 + ACTION}
#define PLANES                                                                                     \
  {.name = "plaquette_s",                                                                          \
   .help = "plaquette, planes without the last direction",                                         \
   .units = "1",                                                                                   \
   .mean_of = 1 + PLAQUETTE_S},                                                                    \
  {.name = "plaquette_t",                                                                          \
   .help = "plaquette, planes with the last direction",                                            \
   .units = "1",                                                                                   \
   .mean_of = 1 + PLAQUETTE_T}
/* clang-format on */

static const cw_quantity quantities_2d[] = {QUANTITIES(true), {0}};
static const cw_quantity quantities_u1_2d[] = {
    QUANTITIES(false),
    {.name = "q",
     .help = "topological charge <Q>, Q = sum arg P/(2 pi), an integer",
     .print = "topological charge ⟨Q⟩, Q = Σ arg P/(2π), an integer",
     .units = "1",
     .jumps = true,
     .mean_of = 1 + CHARGE,
     .featured = true},
    {.name = "q2",
     .help = "<Q^2>",
     .print = "⟨Q²⟩",
     .units = "1",
     .jumps = true,
     .mean_of = 1 + CHARGE2,
     .fact = true,
     .featured = true,
     .freezes = true},
    {.name = "chi_t",
     .help = "topological susceptibility <Q^2>/V",
     .print = "topological susceptibility ⟨Q²⟩/V",
     .units = "1/a^2",
     .jumps = true,
     .value = chi_t,
     .fact = true},
    {0}};
static const cw_quantity quantities_3d[] = {QUANTITIES(true), PLANES, {0}};
static const cw_quantity quantities_4d[] = {QUANTITIES(true),
                                            PLANES,
                                            {.name = "q_bare",
                                             .help = "clover charge <Q> of the unsmoothed field",
                                             .print = "clover charge ⟨Q⟩ of the unsmoothed field",
                                             .units = "1",
                                             .mean_of = 1 + CHARGE_BARE,
                                             .featured = true},
                                            {0}};

#define PLAQUETTE_AND_LINE                                                                         \
  {.name = "plaquette", .history = true}, { .name = "polyakov", .history = true }
static const cw_primary notable_2d[] = {
    PLAQUETTE_AND_LINE, {.name = "energy_density", .history = true}, {0}};
static const cw_primary notable_u1_2d[] = {
    PLAQUETTE_AND_LINE, {.name = "q", .history = true, .sector = CW_SECTOR_INTEGER}, {0}};
static const cw_primary notable_4d[] = {PLAQUETTE_AND_LINE,
                                        {.name = "energy_density", .history = true},
                                        {.name = "q_bare", .history = true},
                                        {0}};

#define GROUP(NAME, TITLE, NOTABLE)                                                                \
  extern const cw_observable_ops cw_observable_gauge_##NAME;                                       \
  const cw_observable_ops cw_observable_gauge_##NAME = {                                           \
      .name = "gauge_" #NAME,                                                                      \
      .title = TITLE,                                                                              \
      .standard = true,                                                                            \
      .fits = fits_##NAME,                                                                         \
      .n_primary = n_primary,                                                                      \
      .primary_name = primary_name,                                                                \
      .measure = measure,                                                                          \
      .quantities = quantities_##NAME,                                                             \
      .notable = NOTABLE,                                                                          \
  }
GROUP(2d, "loops and field strength of SU(N) gauge fields in two dimensions", notable_2d);
GROUP(u1_2d, "loops, field strength and topological charge of U(1) in two dimensions",
      notable_u1_2d);
GROUP(3d, "loops and field strength of gauge fields in three dimensions", notable_2d);
GROUP(4d, "loops and field strength of gauge fields in four dimensions", notable_4d);
