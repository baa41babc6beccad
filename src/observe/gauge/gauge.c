/* What is always measured on gauge fields: plaquettes, rectangles, Polyakov loop, energy density,
 * and where there is one, a topological charge: exact for U(1) in two dimensions, from the clover
 * leaves of the unsmoothed field in four. Definitions: docs/gauge.md. */
#include "observe/gauge/gauge.h"

#include <math.h>
#include <stdio.h>

#include "causeway/observe.h"
#include "observe/mean_of.h"

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

CW_MEAN_OF(plaquette, PLAQUETTE)
CW_MEAN_OF(plaquette_s, PLAQUETTE_S)
CW_MEAN_OF(plaquette_t, PLAQUETTE_T)
CW_MEAN_OF(rectangle, RECTANGLE)
CW_MEAN_OF(polyakov, POLYAKOV)
CW_MEAN_OF(polyakov_re, POLYAKOV_RE)
CW_MEAN_OF(polyakov_im, POLYAKOV_IM)
CW_MEAN_OF(energy_density, ENERGY)
CW_MEAN_OF(action_density, ACTION)
CW_MEAN_OF(q, CHARGE)
CW_MEAN_OF(q2, CHARGE2)
CW_MEAN_OF(q_bare, CHARGE_BARE)

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
#define QUANTITIES                                                                                 \
  {"plaquette", "<Re tr P>/N, mean over sites and planes", "1", NULL, plaquette, NULL},            \
  {"rectangle", "<Re tr W(1x2)>/N, mean over sites and both orientations", "1", NULL, rectangle,   \
   NULL},                                                                                          \
  {"polyakov", "<|P|>, P = tr of the line in the last direction/N, mean over space", "1", NULL,    \
   polyakov, NULL},                                                                                \
  {"polyakov_re", "Re <P>", "1", NULL, polyakov_re, NULL},                                         \
  {"polyakov_im", "Im <P>", "1", NULL, polyakov_im, NULL},                                         \
  {"polyakov_chi", "V_s (<|P|^2> - <|P|>^2)", "1", NULL, polyakov_chi, NULL},                      \
  {"energy_density", "<F^a_munu F^a_munu>/4 from clover leaves", "1/a^4", NULL, energy_density,    \
   NULL},                                                                                          \
  {"action_density", "<S>/V", "1", NULL, action_density, NULL}
#define PLANES                                                                                     \
  {"plaquette_s", "plaquette, planes without the last direction", "1", NULL, plaquette_s, NULL},   \
  {"plaquette_t", "plaquette, planes with the last direction", "1", NULL, plaquette_t, NULL}
/* clang-format on */

static const cw_quantity quantities_2d[] = {QUANTITIES, {0}};
static const cw_quantity quantities_u1_2d[] = {
    QUANTITIES,
    {"q", "topological charge <Q>, Q = sum arg P/(2 pi), an integer", "1", NULL, q, NULL},
    {"q2", "<Q^2>", "1", NULL, q2, NULL},
    {"chi_t", "topological susceptibility <Q^2>/V", "1/a^2", NULL, chi_t, NULL},
    {0}};
static const cw_quantity quantities_3d[] = {QUANTITIES, PLANES, {0}};
static const cw_quantity quantities_4d[] = {
    QUANTITIES,
    PLANES,
    {"q_bare", "clover charge <Q> of the unsmoothed field", "1", NULL, q_bare, NULL},
    {0}};

static const char *const featured[] = {"plaquette", "polyakov", "energy_density", NULL};
static const char *const featured_u1_2d[] = {"plaquette", "polyakov", "q", "q2", NULL};
static const char *const featured_4d[] = {"plaquette", "polyakov", "energy_density", "q_bare",
                                          NULL};
static const cw_sector sectors_u1_2d[] = {{"q", CW_SECTOR_INTEGER}, {0}};

#define GROUP(NAME, TITLE, FEATURED, SECTORS)                                                      \
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
      .featured = FEATURED,                                                                        \
      .sectors = SECTORS,                                                                          \
  }
GROUP(2d, "loops and field strength of SU(N) gauge fields in two dimensions", featured, NULL);
GROUP(u1_2d, "loops, field strength and topological charge of U(1) in two dimensions",
      featured_u1_2d, sectors_u1_2d);
GROUP(3d, "loops and field strength of gauge fields in three dimensions", featured, NULL);
GROUP(4d, "loops and field strength of gauge fields in four dimensions", featured_4d, NULL);
