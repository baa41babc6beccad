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
      if (s->smears) b[i][j] = theta[s->orbits.n_staples + k->near[i]->staple[j]];
    }
}

/* s of K, and d ln s/dK. */
static double hold(double K, double *slope) {
  const double q = pow(K / bound, 8);
  *slope = K > 0 ? -q / ((1 + q) * K) : 0;
  return pow(1 + q, -0.125);
}

/* [m] = (tr B^4)^(1/8), B = m^+ m: g = [m] m B^3/tr B^4. */
static void find_norms(const cw_repair *s, cw_repair_normed *a) {
  cw_repair_rows b, b2, b3;
  double fourth[CW_LANES] CW_ALIGNED;
  s->rows->mul_dn(b.at, a->m.at, a->m.at);
  s->rows->mul(b2.at, b.at, b.at);
  s->rows->mul(b3.at, b2.at, b.at);
  s->rows->mul(a->g.at, a->m.at, b3.at);
  s->rows->re_trace_nd(a->m.at, a->m.at, a->square);
  s->rows->re_trace_nd(b2.at, b2.at, fourth);
  for (int l = 0; l < CW_LANES; l++) a->norm[l] = pow(fourth[l], 0.125);
  for (int i = 0; i < s->n_real * CW_LANES; i++) {
    const int l = i % CW_LANES;
    a->g.at[i] *= fourth[l] > 0 ? a->norm[l] / fourth[l] : 0;
  }
}

/* Of U(1) conj(tr P) P has no part in the algebra. */
static double e_of(const cw_repair *s, double theta) {
  return cw_kind(s->field)->n_colours > 1 ? theta / 4 : 0;
}

/* What a bound of conj(tr P) P is made of: |R| sqrt(|R|^2 + N [R]^2). */
static double of_trace(int N, double square, double norm) {
  return sqrt(square * (square + N * norm * norm));
}

void cw_repair_find_sum(const cw_repair *s, const cw_repair_class *k, const cw_repair_local *f,
                        long first, cw_repair_sum *to) {
  const int staples = 2 * (s->dim - 1), level = CW_PLANES * s->n_real * CW_LANES;
  const int orbit = k->near[first / s->B]->orbit, N = cw_kind(s->field)->n_colours;
  const double theta = s->trace ? f->theta[cw_repair_first_e(s) + orbit] : 0;
  *to = (cw_repair_sum){.e = e_of(s, theta)};
  to->c.of[CW_FEATURE_s0][0] = 1;
  to->c.of[CW_FEATURE_trace][0] = theta;
  if (s->smears) s->op->sum(&k->active, staples, s->B, first, f->x, f->a, to->a.m.at, NULL, NULL);
  s->op->sum(&k->active, staples, s->B, first, f->twice, s->smears ? f->b : f->a, to->a.m.at, k->w,
             s->trace ? to->r.m.at : NULL);
  find_norms(s, &to->a);
  find_norms(s, &to->r);
  for (int l = 0; l < CW_LANES; l++)
    to->s[l] = hold(to->a.norm[l] + fabs(to->e) * of_trace(N, to->r.square[l], to->r.norm[l]),
                    &to->slope[l]);
  for (int i = 0; i < s->n_real * CW_LANES; i++) {
    to->v.at[CW_THIN * level + i] = to->s[i % CW_LANES] * to->a.m.at[i];
    to->v.at[CW_SHORT * level + i] = sqrt(to->s[i % CW_LANES]) * to->r.m.at[i];
  }
}

/* With v = (s A, sqrt(s) R) F changes by s itself by Re tr gv^+ (A, R/(2 sqrt s)). */
void cw_repair_pull_sum(const cw_repair *s, const cw_repair_sum *at, cw_sum_rows *gv, double *de) {
  const int level = CW_PLANES * s->n_real * CW_LANES, N = cw_kind(s->field)->n_colours;
  double *ga = gv->at + CW_THIN * level, *gr = gv->at + CW_SHORT * level;
  double by_a[CW_LANES] CW_ALIGNED, by_r[CW_LANES] CW_ALIGNED, by_K[CW_LANES], to_r[CW_LANES],
      to_norm[CW_LANES];
  s->rows->re_trace_nd(at->a.m.at, ga, by_a);
  s->rows->re_trace_nd(at->r.m.at, gr, by_r);
  for (int l = 0; l < CW_LANES; l++) {
    const double square = at->r.square[l], norm = at->r.norm[l], root = of_trace(N, square, norm);
    const double of_root = root > 0 ? fabs(at->e) / root : 0;
    by_K[l] = (at->s[l] * by_a[l] + 0.5 * sqrt(at->s[l]) * by_r[l]) * at->slope[l];
    to_r[l] = by_K[l] * of_root * (2 * square + N * norm * norm);
    to_norm[l] = by_K[l] * of_root * N * square * norm;
    de[l] += by_K[l] * (at->e > 0 ? 0.25 : at->e < 0 ? -0.25 : 0) * root;
  }
  for (int i = 0; i < s->n_real * CW_LANES; i++) {
    const int l = i % CW_LANES;
    ga[i] = at->s[l] * ga[i] + by_K[l] * at->a.g.at[i];
    gr[i] = sqrt(at->s[l]) * gr[i] + to_r[l] * at->r.m.at[i] + to_norm[l] * at->r.g.at[i];
  }
}

/* Of links that are 1 A and R are multiples of it. */
double cw_repair_held(const cw_layer *L, cw_theta th) {
  const cw_repair *s = L->impl;
  const cw_repair_orbits *o = &s->orbits;
  const int N = cw_kind(s->field)->n_colours;
  const double to_norm = pow(N, 0.125);
  double least = 1, slope;
  for (int c = 0; c < s->n_classes; c++)
    for (long i = 0; i < s->class[c].active.n; i++) {
      const cw_repair_near *near = s->class[c].near[i];
      const double e = s->trace ? e_of(s, th.d[cw_repair_first_e(s) + near->orbit]) : 0;
      double a = 0, r = 0;
      for (int j = 0; j < 2 * (s->dim - 1); j++) {
        a += th.d[near->staple[j]] + (s->smears ? th.d[o->n_staples + near->staple[j]] : 0);
        r += s->class[c].w[i][j];
      }
      const double K = to_norm * fabs(a) + fabs(e) * of_trace(N, N * r * r, to_norm * r);
      least = fmin(least, hold(K, &slope));
    }
  return least;
}
