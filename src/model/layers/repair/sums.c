/* What is frozen of X at active links, below the bound of a contraction. See repair.h. */
#include <math.h>
#include <string.h>

#include "model/layers/repair/repair.h"

static const double bound = 0.5;

void cw_repair_spread(const cw_repair *s, const cw_repair_class *k, const double *theta,
                      cw_repair_weights *a, cw_repair_weights *b) {
  for (long i = 0; i < k->active.n; i++)
    for (int j = 0; j < 2 * (s->dim - 1); j++) {
      a[i][j] = theta[k->near[i]->staple[j]];
      b[i][j] = theta[s->orbits.n_staples + k->near[i]->staple[j]];
    }
}

/* s of K, and d ln s/dK. */
static double hold(double K, double *slope) {
  const double q = pow(K / bound, 8);
  *slope = K > 0 ? -q / ((1 + q) * K) : 0;
  return pow(1 + q, -0.125);
}

/* Of U(1) conj(tr P) P has no part in the algebra. */
static double of_trace(const cw_repair *s) {
  const int N = cw_kind(s->field)->n_colours;
  return N > 1 ? sqrt(1.0 + N) : 0;
}

void cw_repair_find_sum(const cw_repair *s, const cw_repair_class *k, const cw_repair_local *f,
                        long first, cw_repair_sum *to) {
  const int staples = 2 * (s->dim - 1), level = CW_PLANES * s->n_real * CW_LANES;
  const int orbit = k->near[first / s->B]->orbit;
  const double theta = s->trace ? f->theta[2 * s->orbits.n_staples + orbit] : 0;
  memset(&to->v, 0, (size_t)(CW_LEVELS * level) * sizeof(double));
  memset(to->a, 0, sizeof to->a);
  memset(to->r, 0, sizeof to->r);
  to->e = theta / 4;
  to->c = (cw_residual_c){{{0}}};
  to->c.of[CW_FEATURE_s0][0] = 1;
  to->c.of[CW_FEATURE_trace][0] = theta;
  s->op->sum(&k->active, staples, s->B, first, f->x, f->a, to->a, NULL, NULL);
  s->op->sum(&k->active, staples, s->B, first, f->twice, f->b, to->a, k->w,
             s->trace ? to->r : NULL);
  s->rows->re_trace_nd(to->a, to->a, to->a2);
  s->rows->re_trace_nd(to->r, to->r, to->r2);
  for (int l = 0; l < CW_LANES; l++)
    to->s[l] = hold(sqrt(to->a2[l]) + fabs(to->e) * of_trace(s) * to->r2[l], &to->slope[l]);
  for (int i = 0; i < s->n_real * CW_LANES; i++) {
    to->v.at[CW_THIN * level + i] = to->s[i % CW_LANES] * to->a[i];
    to->v.at[CW_SHORT * level + i] = sqrt(to->s[i % CW_LANES]) * to->r[i];
  }
}

/* With v = (s A, sqrt(s) R) F changes by s itself by Re tr gv^+ (A, R/(2 sqrt s)). */
void cw_repair_pull_sum(const cw_repair *s, const cw_repair_sum *at, cw_sum_rows *gv, double *de) {
  const int level = CW_PLANES * s->n_real * CW_LANES;
  double *ga = gv->at + CW_THIN * level, *gr = gv->at + CW_SHORT * level;
  double by_a[CW_LANES] CW_ALIGNED, by_r[CW_LANES] CW_ALIGNED, to_a[CW_LANES], to_r[CW_LANES];
  s->rows->re_trace_nd(at->a, ga, by_a);
  s->rows->re_trace_nd(at->r, gr, by_r);
  for (int l = 0; l < CW_LANES; l++) {
    const double root = sqrt(at->s[l]);
    const double by_K = (at->s[l] * by_a[l] + 0.5 * root * by_r[l]) * at->slope[l];
    to_a[l] = at->a2[l] > 0 ? by_K / sqrt(at->a2[l]) : 0;
    to_r[l] = by_K * 2 * fabs(at->e) * of_trace(s);
    de[l] += by_K * (at->e > 0 ? 1 : at->e < 0 ? -1 : 0) * of_trace(s) * at->r2[l] / 4;
  }
  for (int i = 0; i < s->n_real * CW_LANES; i++) {
    const int l = i % CW_LANES;
    ga[i] = at->s[l] * ga[i] + to_a[l] * at->a[i];
    gr[i] = sqrt(at->s[l]) * gr[i] + to_r[l] * at->r[i];
  }
}

/* Of links that are all 1 A and R are sums of numbers. */
double cw_repair_held(const cw_layer *L, cw_theta th) {
  const cw_repair *s = L->impl;
  const cw_repair_orbits *o = &s->orbits;
  const int staples = 2 * (s->dim - 1), N = cw_kind(s->field)->n_colours;
  double least = 1;
  for (long i = 0; i < o->n; i++) {
    const cw_repair_near *near = &o->link[i];
    const double e = s->trace ? th.d[2 * o->n_staples + near->orbit] / 4 : 0;
    double sum = 0, slope;
    for (int j = 0; j < staples; j++)
      sum += th.d[near->staple[j]] + th.d[o->n_staples + near->staple[j]];
    const double K = sqrt(N) * fabs(sum) + fabs(e) * of_trace(s) * N * staples * staples;
    least = fmin(least, hold(K, &slope));
  }
  return least;
}
