/* Exact draws on lanes, for heatbath.isa.c: elements of SU(2) weighted with exp(alpha h_0), and
 * phases weighted with exp(kappa cos t).
 *
 * Numbers in logarithms, and those that become a0 or an angle directly, have 52 bits; directions
 * and acceptances have 32. These bend a distribution function by at most 2^-33 = 1e-10, which 10^19
 * updates could not show. */
#ifndef CW_HEATBATH_DRAWS_H
#define CW_HEATBATH_DRAWS_H

#include "group/template.h"
#include "sampler/heatbath/heatbath.h"
#include "simd/philox.h"

enum { CW_N_VEC = CW_LANES / CW_VD };

/* Whose draws: the site and chain of every lane, and which lanes count. */
typedef struct {
  cw_philox_keys key;
  uint32_t step;
  cw_vl active[CW_N_VEC];
  uint64_t site[CW_LANES] CW_ALIGNED, chain[CW_LANES] CW_ALIGNED;
} cw_draws;

/* Without chains, which the lanes of a sweep over a field keep. */
CW_INLINE void cw_draws_of(cw_draws *d, const cw_sweep *s) {
  d->key = cw_philox_schedule(s->rng);
  d->step = s->step;
}

CW_INLINE void cw_draws_begin(cw_draws *d, const cw_sweep *s, const cw_field *x) {
  cw_draws_of(d, s);
  for (int v = 0; v < x->geom->V; v++)
    for (int b = 0; b < x->B; b++) d->chain[v * x->B + b] = (uint64_t)(x->first_chain + b);
}

CW_INLINE void cw_draws_at(cw_draws *d, const cw_field *x, long outer) {
  const int *site = x->geom->site + outer * x->geom->V;
  if (x->B == 1) {
    for (int l = 0; l < CW_LANES; l++) d->site[l] = (uint64_t)site[l];
  } else {
    for (int v = 0; v < x->geom->V; v++)
      for (int b = 0; b < x->B; b++) d->site[v * x->B + b] = (uint64_t)site[v];
  }
}

CW_INLINE void cw_draws_counter(const cw_draws *d, int lane, uint32_t draw, cw_vu c[4]) {
  memcpy(&c[0], d->site + lane, sizeof *c);
  memcpy(&c[1], d->chain + lane, sizeof *c);
  c[2] = cw_vu_set1(d->step);
  c[3] = cw_vu_set1(draw);
}

/* Sine and cosine of 2 pi u, 0 < u < 1: Taylor series to x^23 and x^22 of x = pi (u - 1/2),
 * |x| < pi/2, which leave out less than 2^-53, and twice that angle. */
CW_INLINE void cw_circle(cw_vd u, cw_vd *sine, cw_vd *cosine) {
  static const double s_term[] = {1.0 / 51090942171709440000.0,
                                  -1.0 / 121645100408832000.0,
                                  1.0 / 355687428096000.0,
                                  -1.0 / 1307674368000.0,
                                  1.0 / 6227020800.0,
                                  -1.0 / 39916800.0,
                                  1.0 / 362880.0,
                                  -1.0 / 5040.0,
                                  1.0 / 120.0,
                                  -1.0 / 6.0};
  static const double c_term[] = {1.0 / 2432902008176640000.0,
                                  -1.0 / 6402373705728000.0,
                                  1.0 / 20922789888000.0,
                                  -1.0 / 87178291200.0,
                                  1.0 / 479001600.0,
                                  -1.0 / 3628800.0,
                                  1.0 / 40320.0,
                                  -1.0 / 720.0,
                                  1.0 / 24.0,
                                  -1.0 / 2.0};
  cw_vd x = (u - 0.5) * 3.14159265358979323846, y = x * x;
  cw_vd s = cw_vd_set1(-1.0 / 25852016738884976640000.0);
  cw_vd c = cw_vd_set1(-1.0 / 1124000727777607680000.0);
#pragma GCC unroll 10
  for (int n = 0; n < 10; n++) {
    s = cw_vd_fma(s, y, cw_vd_set1(s_term[n]));
    c = cw_vd_fma(c, y, cw_vd_set1(c_term[n]));
  }
  s = cw_vd_fma(s, y, cw_vd_set1(1));
  c = cw_vd_fma(c, y, cw_vd_set1(1));
  s *= x;
  *sine = -2 * s * c;
  *cosine = cw_vd_fma(2 * s, s, cw_vd_set1(-1));
}

/* What one try for an element of SU(2) needs of random numbers, before alpha is known: u uniform,
 * gamma of the gamma distribution with shape 3/2, a uniform accept and a direction. */
typedef struct {
  cw_vd u, gamma, accept, n[3];
} cw_try;

CW_INLINE void cw_try_draw(cw_try *t, const cw_draws *d, int lane, uint32_t draw) {
  cw_vu w[2][4];
  cw_vd s, c;
  cw_draws_counter(d, lane, draw, w[0]);
  cw_draws_counter(d, lane, draw + 1, w[1]);
  cw_vu_philox_all(&d->key, w, 2);
  t->u = cw_vu_open_unit(w[0][0], w[0][1]);
  cw_circle(cw_vu_open_unit32(w[1][0]), &s, &c);
  t->gamma = -cw_vd_fma(c * c, cw_vd_log(t->u), cw_vd_log(cw_vu_open_unit(w[0][2], w[0][3])));
  t->accept = cw_vu_open_unit32(w[1][1]);
  cw_vd z = cw_vu_open_unit32(w[1][2]), rho = 2 * cw_vd_sqrt(z * (1 - z));
  cw_circle(cw_vu_open_unit32(w[1][3]), &s, &c);
  t->n[0] = rho * c;
  t->n[1] = rho * s;
  t->n[2] = 2 * z - 1;
}

/* delta = 1 - a0 of a try for the density sqrt(1 - a0^2) exp(alpha a0); returns where it is
 * accepted. Kennedy and Pendleton, PLB 156 (1985) 393: delta is gamma distributed with shape 3/2
 * and accepted with sqrt(1 - delta/2). At small alpha, where that seldom happens: a0 uniform in
 * (-1, 1), accepted with the density over its maximum, which it has at a0 = top. */
CW_INLINE cw_vl cw_try_accept(const cw_try *t, cw_vd alpha, cw_vd inverse, cw_vd *delta) {
  *delta = t->gamma * inverse;
  cw_vd a2 = t->accept * t->accept;
  cw_vl accept = a2 <= cw_vd_fma(cw_vd_set1(-0.5), *delta, cw_vd_set1(1));
  cw_vl small = alpha < cw_vd_set1(CW_HEATBATH_SMALL);
  if (cw_any(small)) {
    cw_vd root = cw_vd_sqrt(cw_vd_fma(4 * alpha, alpha, cw_vd_set1(1)));
    cw_vd top = 2 * alpha / (1 + root), d = 2 * t->u;
    cw_vd weight = d * (2 - d) * cw_vd_exp(2 * alpha * (1 - d - top));
    cw_vl low = a2 * cw_vd_fma(-top, top, cw_vd_set1(1)) <= weight;
    *delta = cw_vd_select(small, d, *delta);
    accept = (small & low) | (~small & accept);
  }
  return accept;
}

/* Fills the lanes of left, whose first try was refused, with others. */
static __attribute__((noinline)) void cw_try_again(const cw_draws *d, int lane, uint32_t draw,
                                                   cw_vl left, cw_vd alpha, cw_vd inverse,
                                                   cw_try *t, cw_vd *delta) {
  for (uint32_t try = 1; cw_any(left); try++) {
    cw_try other;
    cw_vd new_delta;
    cw_try_draw(&other, d, lane, draw + 2 * try);
    cw_vl take = left & cw_try_accept(&other, alpha, inverse, &new_delta);
    *delta = cw_vd_select(take, new_delta, *delta);
    for (int k = 0; k < 3; k++) t->n[k] = cw_vd_select(take, other.n[k], t->n[k]);
    left &= ~take;
  }
}

/* First tries of the first n_vec vectors of lanes of a link, for each of n subgroups: t (n,
 * CW_N_VEC). All at once, and out of line, so that their arithmetic overlaps. */
static __attribute__((noinline)) void cw_first_tries(const cw_draws *d, uint32_t draw, int n,
                                                     int n_vec, cw_try *t) {
  for (int i = 0; i < n; i++)
    for (int v = 0; v < n_vec; v++)
      cw_try_draw(t + i * CW_N_VEC + v, d, v * CW_VD, draw + ((uint32_t)i << CW_HEATBATH_TRY_BITS));
}

/* h: elements of SU(2) with weight exp(alpha h_0), alpha >= 0, from their first try t. Where alpha
 * is not a number or CW_HEATBATH_HUGE, h is of no use. */
CW_INLINE void cw_draw_su2(const cw_draws *d, int lane, uint32_t draw, cw_vd alpha, cw_vd inverse,
                           cw_try *t, cw_su2_m *h) {
  cw_vd delta;
  cw_vl left = (alpha < cw_vd_set1(CW_HEATBATH_HUGE)) & ~cw_try_accept(t, alpha, inverse, &delta);
  if (cw_any(left)) cw_try_again(d, lane, draw, left, alpha, inverse, t, &delta);
  cw_vd r = cw_vd_sqrt(delta * (2 - delta));
  h->a[0] = 1 - delta;
  for (int k = 0; k < 3; k++) h->a[k + 1] = r * t->n[k];
}

/* The envelope of Best and Fisher, Appl. Statist. 28 (1979) 152, for kappa > 0: a uniform point (z,
 * s) of the circle is sent to cos t = (1 + rho z)/(rho + z), sin t = q s/(rho + z), q^2 = rho^2 -
 * 1, and accepted with w e^(1 - w), w = kappa q^2/(rho + z). */
CW_INLINE void cw_best_fisher(cw_vd kappa, cw_vd *rho, cw_vd *q) {
  cw_vd a = 1 + cw_vd_sqrt(cw_vd_fma(4 * kappa, kappa, cw_vd_set1(1)));
  cw_vd b = (a - cw_vd_sqrt(2 * a)) / (2 * kappa);
  *rho = cw_vd_fma(b, b, cw_vd_set1(1)) / (2 * b);
  *q = cw_vd_fma(-b, b, cw_vd_set1(1)) / (2 * b);
}

/* h (2, CW_LANES): phases with weight exp(kappa Re h), kappa >= 0, in the first n_vec vectors. At small kappa uniform, accepted
 * with exp(kappa (cos t - 1)). Where kappa is not a number, neither is h. */
static __attribute__((noinline)) void cw_draw_u1(const cw_draws *d, uint32_t draw, int n_vec,
                                                 const double *kappa, double *h) {
  for (int l = 0; l < n_vec * CW_VD; l += CW_VD) {
    cw_vd ka = cw_vd_load(kappa + l), re = ka, im = ka, rho, q;
    cw_vl left = ka < cw_vd_set1(CW_HEATBATH_HUGE), small = ka < cw_vd_set1(CW_HEATBATH_SMALL);
    cw_best_fisher(cw_vd_max(ka, cw_vd_set1(CW_HEATBATH_SMALL)), &rho, &q);
    for (uint32_t try = 0; cw_any(left); try++) {
      cw_vu a[1][4];
      cw_vd s, z;
      cw_draws_counter(d, l, draw + try, a[0]);
      cw_vu_philox_all(&d->key, a, 1);
      cw_circle(cw_vu_open_unit(a[0][0], a[0][1]), &s, &z);
      cw_vd inverse = 1 / (rho + z), w = ka * q * q * inverse;
      cw_vd log_accept = cw_vd_select(small, ka * (z - 1), 1 - w);
      cw_vd factor = cw_vd_select(small, cw_vd_set1(1), w);
      cw_vl take = left & (cw_vu_open_unit32(a[0][2]) <= factor * cw_vd_exp(log_accept));
      re = cw_vd_select(take, cw_vd_select(small, z, cw_vd_fma(rho, z, cw_vd_set1(1)) * inverse),
                        re);
      im = cw_vd_select(take, cw_vd_select(small, s, q * s * inverse), im);
      left &= ~take;
    }
    cw_vd_store(h + l, re);
    cw_vd_store(h + CW_LANES + l, im);
  }
}

#endif
