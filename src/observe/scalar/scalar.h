/* Inside of the scalar observables: sums over the sites of a block, by instruction set, and what
 * the observables of spins share. */
#ifndef CW_OBSERVE_SCALAR_H
#define CW_OBSERVE_SCALAR_H

#include "causeway/observe.h"

/* The directions whose extent is the largest one, in order. */
typedef struct {
  int n_long;
  int direction[CW_MAX_DIM];
  int extent;
} cw_longest;
cw_longest cw_longest_directions(const cw_lattice *lat);

/* Rows of CW_LANES numbers; number b of a row belongs to configuration b of the block, those beyond
 * B are zero. */
typedef double cw_row[CW_LANES];

/* Sums over the sites of each configuration. Of several components products of two fields are inner
 * products. */
typedef struct {
  cw_row square;  /* phi^2 */
  cw_row quartic; /* phi^4 */
  cw_row bonds;   /* sum_mu phi_x phi_{x+mu} */
  cw_row *total;  /* (n_comp): phi */
  cw_row wave2; /* |sum_x phi_x e^{ipx}|^2 at p = 2 pi/extent, summed over the longest directions */
  cw_row *slice; /* (n_comp, n_long, extent): phi over the sites with x_mu = t */
  cw_row *pairs; /* (extent/2 + 1): sum over t0 of slice(t0) slice(t0 + t) along the first longest
                    direction */
} cw_scalar_sums;

typedef struct {
  /* x: data of one block -> square, quartic, bonds, slice. Goes over global sites in order, so that
   * the bits do not depend on the split. */
  void (*site_sums)(const cw_geometry *geom, const double *x, int n_comp, const cw_longest *longest,
                    cw_scalar_sums *out);
  /* slice -> total, wave2, pairs. wave (extent, 2): cos and sin of 2 pi t/extent. */
  void (*slice_sums)(int n_comp, const cw_longest *longest, const double (*wave)[2],
                     cw_scalar_sums *out);
} cw_scalar_kernels;

/* Primary numbers of scalar fields. */
enum {
  CW_SCALAR_PHI,
  CW_SCALAR_ABS_M,
  CW_SCALAR_M2,
  CW_SCALAR_M4,
  CW_SCALAR_PHI2,
  CW_SCALAR_PHI4,
  CW_SCALAR_NN,
  CW_SCALAR_ENERGY,
  CW_SCALAR_G_PMIN,
  CW_SCALAR_CORRELATOR
};
int cw_scalar_n_primary(const cw_observer *o);
cw_status cw_scalar_measure(const cw_observer *o, const cw_field *x, double *out, cw_arena *arena);
/* The name of primary i, the names of those before the correlator being given. */
void cw_scalar_primary_name(const char *const *names, int i, char name[32]);

/* Quantities made of M2, M4, G_PMIN and CORRELATOR. */
double cw_scalar_chi2(const cw_observer *o, const double *mean, int i);
double cw_scalar_binder(const cw_observer *o, const double *mean, int i);
double cw_scalar_xi(const cw_observer *o, const double *mean, int i);
const char *cw_scalar_why_no_xi(const cw_observer *o, const double *mean, int i);
/* <x^2> - <x>^2, which is 0 where no more than rounding is left of it; of the means of any samples
 * it is not negative. */
double cw_scalar_variance(double square, double mean);
int cw_scalar_n_correlator(const cw_observer *o);
int cw_scalar_n_effective_mass(const cw_observer *o);
/* Entry i is at t = i + 1, in the middle of the three times that it is made of. */
double cw_scalar_effective_mass(const cw_observer *o, const double *mean, int i);
double cw_scalar_effective_time(const cw_observer *o, int i);

/* Rows of the tables of both. */
/* clang-format off */
#define CW_SCALAR_ROW_ABS_M                                                                        \
  {.name = "abs_m",                                                                                \
   .help = "<|m|>",                                                                                \
   .print = "⟨|m|⟩",                                                                               \
   .units = "1",                                                                                   \
   .mean_of = 1 + CW_SCALAR_ABS_M,                                                                 \
   .featured = true}
#define CW_SCALAR_ROW_CHI2                                                                         \
  {.name = "chi2",                                                                                 \
   .help = "two-point susceptibility V <m^2>",                                                     \
   .print = "two-point susceptibility V ⟨m²⟩",                                                     \
   .units = "1",                                                                                   \
   .value = cw_scalar_chi2,                                                                        \
   .headline = true,                                                                               \
   .featured = true}
#define CW_SCALAR_ROW_BINDER                                                                       \
  {.name = "binder",                                                                               \
   .help = "Binder cumulant 1 - <m^4>/(3 <m^2>^2)",                                                \
   .print = "Binder cumulant 1 − ⟨m⁴⟩/(3 ⟨m²⟩²)",                                                  \
   .units = "1",                                                                                   \
   .value = cw_scalar_binder}
#define CW_SCALAR_ROW_XI                                                                           \
  {.name = "xi",                                                                                   \
   .help = "second-moment correlation length, p = 2 pi/L along the longest extent",                \
   .print = "second-moment correlation length, p = 2 π/L along the longest extent",                \
   .units = "a",                                                                                   \
   .value = cw_scalar_xi,                                                                          \
   .why = cw_scalar_why_no_xi}
#define CW_SCALAR_ROW_CORRELATOR(product, printed)                                                 \
  {.name = "correlator",                                                                           \
   .help = "zero-momentum correlator C(t) = sum_x " product,                                       \
   .print = "zero-momentum correlator C(t) = Σ_x " printed,                                        \
   .units = "1",                                                                                   \
   .count = cw_scalar_n_correlator,                                                                \
   .mean_of = 1 + CW_SCALAR_CORRELATOR,                                                            \
   .figure = {.title = "Correlator", .x_label = "t/a", .y_label = "C(t)", .log_y = true}}
#define CW_SCALAR_ROW_M_EFF                                                                        \
  {.name = "m_eff",                                                                                \
   .help = "effective mass acosh[(C(t-1) + C(t+1)) / (2 C(t))], index t-1",                        \
   .print = "effective mass arcosh (C(t−1) + C(t+1))/(2 C(t))",                                    \
   .units = "1/a",                                                                                 \
   .count = cw_scalar_n_effective_mass,                                                            \
   .value = cw_scalar_effective_mass,                                                              \
   .figure = {.title = "Effective mass",                                                           \
              .x_label = "t/a",                                                                    \
              .y_label = "a m_eff",                                                                \
              .x = cw_scalar_effective_time}}
/* clang-format on */

#endif
