/* From parameters to coefficients below the bound of a contraction, and back for gradients. */
#include <math.h>
#include <string.h>

#include "model/layers/bounded.h"
#include "model/layers/repair/repair.h"

/* A number of an orbit of links, and its b_i. */
typedef struct {
  long theta;
  double bound;
} slot;
typedef struct {
  int n;
  slot slot[2 * CW_REPAIR_STAPLES + 1];
} slots;

long cw_repair_n_theta(const cw_repair *s) {
  return 2 * s->orbits.n_staples + (s->trace ? s->orbits.n_links : 0);
}

static void add_slot(slots *to, long theta, double bound) {
  to->slot[to->n++] = (slot){theta, bound};
}

/* The numbers of an orbit of links, from any of them. */
static slots slots_of(const cw_repair *s, int orbit) {
  const cw_repair_orbits *o = &s->orbits;
  const int staples = 2 * (s->dim - 1), N = cw_kind(s->field)->n_colours;
  const cw_repair_near *near = o->link;
  slots to = {0};
  while (near->orbit != orbit) near++;
  for (int i = 0; i < staples; i++) {
    int same = 0, before = 0;
    for (int j = 0; j < staples; j++) {
      same += near->staple[j] == near->staple[i];
      before += j < i && near->staple[j] == near->staple[i];
    }
    if (before > 0) continue;
    add_slot(&to, near->staple[i], same);
    add_slot(&to, o->n_staples + near->staple[i], same);
  }
  if (s->trace)
    add_slot(&to, 2 * o->n_staples + orbit,
             N > 1 ? sqrt(2.0) * N * 0.25 * staples * staples : 0);
  return to;
}

static double shrink(const slots *k, const double *theta, double *slope) {
  double sum = 0;
  for (int i = 0; i < k->n; i++) sum += pow(k->slot[i].bound * theta[k->slot[i].theta], 2);
  return cw_bounded(k->n, sum, slope);
}

double cw_repair_held(const cw_layer *L, cw_theta th) {
  const cw_repair *s = L->impl;
  double slope, least = 1;
  for (int o = 0; o < s->orbits.n_links; o++) {
    const slots k = slots_of(s, o);
    least = fmin(least, shrink(&k, th.d, &slope));
  }
  return least;
}

void cw_repair_coefficients(const cw_repair *s, const double *theta, double *c) {
  for (int o = 0; o < s->orbits.n_links; o++) {
    const slots k = slots_of(s, o);
    double slope;
    const double factor = shrink(&k, theta, &slope);
    for (int i = 0; i < k.n; i++) c[k.slot[i].theta] = factor * theta[k.slot[i].theta];
  }
}

void cw_repair_coefficients_vjp(const cw_repair *s, const double *theta, const double *dc,
                                double *dtheta) {
  for (int o = 0; o < s->orbits.n_links; o++) {
    const slots k = slots_of(s, o);
    double slope, along = 0;
    const double factor = shrink(&k, theta, &slope);
    for (int i = 0; i < k.n; i++) {
      const double d = factor * dc[k.slot[i].theta];
      dtheta[k.slot[i].theta] += d;
      along += d * theta[k.slot[i].theta];
    }
    for (int i = 0; i < k.n; i++)
      dtheta[k.slot[i].theta] +=
          along * slope * pow(k.slot[i].bound, 2) * theta[k.slot[i].theta];
  }
}

void cw_repair_spread(const cw_repair *s, const cw_repair_class *k, const double *c,
                      cw_repair_weights *a, cw_repair_weights *b) {
  for (long i = 0; i < k->active.n; i++)
    for (int j = 0; j < 2 * (s->dim - 1); j++) {
      a[i][j] = c[k->near[i]->staple[j]];
      b[i][j] = c[s->orbits.n_staples + k->near[i]->staple[j]];
    }
}
