/* From parameters to coefficients below the bound of a contraction, and back for gradients. */
#include <math.h>

#include "model/layers/residual/residual.h"

static const struct {
  double factor;
  bool by_plane, square;
  int order;
} features[CW_FEATURES] = {
#define LINEAR                                          false
#define SQUARE                                          true
#define CW_FEATURE(name, form, factor, by_plane, order) {factor, by_plane, form, order},
#include "model/layers/residual/features.def"
#undef CW_FEATURE
#undef LINEAR
#undef SQUARE
};

static const double contraction = 0.5;

/* b_i of residual.h for sums of n staples. conj(tr P) P of U(1) has no part in the algebra. */
static double bound_of(const cw_residual *s, int feature, int n) {
  const int N = cw_kind(s->field)->n_colours;
  const double root = N > 1 ? sqrt(2.0) * N : 0;
  return features[feature].factor * pow(n, features[feature].order) *
         (features[feature].square ? root : 1);
}

static void add_slot(cw_residual_slots *to, int theta, int feature, int plane, double bound) {
  to->slot[to->n++] = (cw_residual_slot){theta, feature, plane, bound};
}

/* One coefficient for all links and planes of each feature. */
static int list_common(cw_residual *s, int staples) {
  for (int kind = 0; kind < CW_PLANES; kind++)
    for (int f = 0; f < CW_FEATURES; f++)
      add_slot(&s->slots[kind], f, f, features[f].by_plane ? -1 : 0, bound_of(s, f, staples));
  return CW_FEATURES;
}

/* Of temporal links, and of spatial ones in temporal and in spatial planes. */
static int list_by_plane(cw_residual *s, int dim) {
  const int staples[CW_PLANES] = {2 * (dim - 2), 2};
  int theta = 0;
  for (int f = 0; f < CW_FEATURES; f++) {
    add_slot(&s->slots[CW_TEMPORAL], theta++, f, features[f].by_plane ? CW_TEMPORAL : 0,
             bound_of(s, f, 2 * (dim - 1)));
    for (int p = CW_TEMPORAL; features[f].by_plane && p >= CW_SPATIAL; p--)
      if (staples[p] > 0)
        add_slot(&s->slots[CW_SPATIAL], theta++, f, p, bound_of(s, f, staples[p]));
    if (!features[f].by_plane)
      add_slot(&s->slots[CW_SPATIAL], theta++, f, 0, bound_of(s, f, 2 * (dim - 1)));
  }
  return theta;
}

int cw_residual_list_slots(cw_residual *s, const cw_lattice *lat, bool by_plane) {
  return by_plane ? list_by_plane(s, lat->dim) : list_common(s, 2 * (lat->dim - 1));
}

/* s of c = s theta, and d ln s/d(theta_i) over b_i^2 theta_i. */
static double shrink(const cw_residual_slots *k, const double *theta, double *slope) {
  double sum = 0;
  for (int i = 0; i < k->n; i++) sum += pow(k->slot[i].bound * theta[k->slot[i].theta], 2);
  const double of_sum = k->n / (contraction * contraction), r = of_sum * sum;
  *slope = -r * r * r / (1 + r * r * r * r) * of_sum;
  return pow(1 + r * r * r * r, -0.125);
}

double cw_residual_held(const cw_layer *L, cw_theta th) {
  const cw_residual *s = L->impl;
  double slope, least = 1;
  for (int kind = 0; kind < CW_PLANES; kind++)
    least = fmin(least, shrink(&s->slots[kind], th.d, &slope));
  return least;
}

void cw_residual_coefficients(const cw_residual *s, const double *theta, cw_residual_c c[2]) {
  for (int kind = 0; kind < CW_PLANES; kind++) {
    const cw_residual_slots *k = &s->slots[kind];
    double slope;
    const double factor = shrink(k, theta, &slope);
    c[kind] = (cw_residual_c){{{0}}};
    for (int i = 0; i < k->n; i++)
      for (int p = 0; p < CW_PLANES; p++)
        if (k->slot[i].plane < 0 || k->slot[i].plane == p)
          c[kind].of[k->slot[i].feature][p] = factor * theta[k->slot[i].theta];
  }
}

void cw_residual_coefficients_vjp(const cw_residual *s, const double *theta, cw_residual_c dc[2],
                                  double *dtheta) {
  for (int kind = 0; kind < CW_PLANES; kind++) {
    const cw_residual_slots *k = &s->slots[kind];
    double slope, along = 0;
    const double factor = shrink(k, theta, &slope);
    for (int i = 0; i < k->n; i++)
      for (int p = 0; p < CW_PLANES; p++)
        if (k->slot[i].plane < 0 || k->slot[i].plane == p) {
          const double d = factor * dc[kind].of[k->slot[i].feature][p];
          dtheta[k->slot[i].theta] += d;
          along += d * theta[k->slot[i].theta];
        }
    for (int i = 0; i < k->n; i++)
      dtheta[k->slot[i].theta] +=
          along * slope * pow(k->slot[i].bound, 2) * theta[k->slot[i].theta];
  }
}
