/* Staples of a link on lanes. Include once per group, with CW_GROUP set (see template.h); without
 * it, only what the groups share is declared.
 *
 *   V = sum_i [ r_(2i)   U_nu(x) U_mu(x+nu) U_nu(x+mu)^+
 *             + r_(2i+1) U_nu(x-nu)^+ U_mu(x-nu) U_nu(x-nu+mu) ],
 * i = 0 .. dim-2 numbering the directions nu != mu in ascending order, as in causeway/wilson.h. A
 * weight of exactly 1 gives the same bits as no weight. */
#ifndef CW_GROUP_STAPLE_H
#define CW_GROUP_STAPLE_H

#include "group/template.h"
#include "group/walk.h"

/* The places around link (x, mu): found once for all lanes of an outer site. The neighbours of the
 * site that is visited next in directions 0 and 1 lie where the processor cannot guess, and staples
 * ask for their links one by one between the products. */
typedef struct {
  long outer; /* x */
  int dim, mu;
  cw_place ahead;                                                /* x + mu */
  cw_place up[CW_MAX_DIM], down[CW_MAX_DIM], corner[CW_MAX_DIM]; /* x + nu, x - nu, x - nu + mu */
  int n_soon, soon[4]; /* outer sites whose links in direction mu the next site will need */
} cw_corners;

/* next: the outer site that is visited after this one; a number beyond all of them: none. */
CW_INLINE void cw_corners_find_before(cw_corners *c, const cw_geometry *g, long outer, int mu,
                                      long next) {
  c->outer = outer;
  c->dim = g->lat.dim;
  c->mu = mu;
  c->ahead = cw_step(g, outer, 2 * mu);
  for (int nu = 0; nu < g->lat.dim; nu++) {
    if (nu == mu) continue;
    c->up[nu] = cw_step(g, outer, 2 * nu);
    c->down[nu] = cw_step(g, outer, 2 * nu + 1);
    c->corner[nu] = cw_step2(g, outer, 2 * nu + 1, 2 * mu);
  }
  c->n_soon = next >= 0 && next < g->n_outer ? (c->dim > 2 ? 4 : 2) : 0;
  for (int i = 0; i < c->n_soon; i++) c->soon[i] = g->neighbour[next * 2 * c->dim + i];
}

/* Where sites are visited in ascending order, at least in rows. */
CW_INLINE void cw_corners_find(cw_corners *c, const cw_geometry *g, long outer, int mu) {
  cw_corners_find_before(c, g, outer, mu, outer + 1);
}

/* p = a b c^+ and p = a^+ b c. */
CW_INLINE void cw_u1_path_up(cw_u1_m *p, const cw_u1_m *a, const cw_u1_m *b, const cw_u1_m *c) {
  cw_u1_m ab;
  cw_u1_mul(&ab, a, b);
  cw_u1_mul_nd(p, &ab, c);
}
CW_INLINE void cw_u1_path_down(cw_u1_m *p, const cw_u1_m *a, const cw_u1_m *b, const cw_u1_m *c) {
  cw_u1_m ab;
  cw_u1_mul_dn(&ab, a, b);
  cw_u1_mul(p, &ab, c);
}
CW_INLINE void cw_su2_path_up(cw_su2_m *p, const cw_su2_m *a, const cw_su2_m *b,
                              const cw_su2_m *c) {
  cw_su2_m ab;
  cw_su2_mul(&ab, a, b);
  cw_su2_mul_nd(p, &ab, c);
}
CW_INLINE void cw_su2_path_down(cw_su2_m *p, const cw_su2_m *a, const cw_su2_m *b,
                                const cw_su2_m *c) {
  cw_su2_m ab;
  cw_su2_mul_dn(&ab, a, b);
  cw_su2_mul(p, &ab, c);
}

/* The forms of products that staples take; literal at every call. */
enum { CW_A_B, CW_A_B_DAGGER, CW_A_DAGGER_B };

/* Rows 0 and 1 of p = a b in one of the forms. */
CW_INLINE void cw_su3_two_rows(cw_su3_m *p, const cw_su3_m *a, const cw_su3_m *b, int form) {
#pragma GCC unroll 2
  for (int i = 0; i < 2; i++) {
    cw_vd re[3], im[3];
#pragma GCC unroll 3
    for (int k = 0; k < 3; k++) {
      int ik = form == CW_A_DAGGER_B ? 3 * k + i : 3 * i + k;
      cw_vd ar = a->re[ik], ai = a->im[ik];
#pragma GCC unroll 3
      for (int j = 0; j < 3; j++) {
        int kj = form == CW_A_B_DAGGER ? 3 * j + k : 3 * k + j;
        cw_vd br = b->re[kj], bi = b->im[kj];
        if (k == 0)
          re[j] = ar * br;
        else
          re[j] = cw_vd_fma(ar, br, re[j]);
        re[j] = form == CW_A_B ? cw_vd_fnma(ai, bi, re[j]) : cw_vd_fma(ai, bi, re[j]);
        if (form == CW_A_B_DAGGER) { /* im = ai br - ar bi */
          if (k == 0)
            im[j] = ai * br;
          else
            im[j] = cw_vd_fma(ai, br, im[j]);
          im[j] = cw_vd_fnma(ar, bi, im[j]);
        } else { /* im = ar bi + ai br, or - ai br */
          if (k == 0)
            im[j] = ar * bi;
          else
            im[j] = cw_vd_fma(ar, bi, im[j]);
          im[j] = form == CW_A_B ? cw_vd_fma(ai, br, im[j]) : cw_vd_fnma(ai, br, im[j]);
        }
      }
    }
#pragma GCC unroll 3
    for (int j = 0; j < 3; j++) {
      p->re[3 * i + j] = re[j];
      p->im[3 * i + j] = im[j];
    }
  }
}
/* The last row of an element of SU(3) is the conjugate of the vector product of the others: a ninth
 * of the work of the others instead of half of it. */
CW_INLINE void cw_su3_third_row(cw_su3_m *p) {
#pragma GCC unroll 3
  for (int j = 0; j < 3; j++) {
    int k = (j + 1) % 3, l = (j + 2) % 3;
    const cw_vd *r = p->re, *i = p->im;
    cw_vd re = r[k] * r[3 + l], im = r[l] * i[3 + k];
    re = cw_vd_fnma(i[k], i[3 + l], re);
    im = cw_vd_fma(i[l], r[3 + k], im);
    re = cw_vd_fnma(r[l], r[3 + k], re);
    im = cw_vd_fnma(r[k], i[3 + l], im);
    p->re[6 + j] = cw_vd_fma(i[l], i[3 + k], re);
    p->im[6 + j] = cw_vd_fnma(i[k], r[3 + l], im);
  }
}
CW_INLINE void cw_su3_path_up(cw_su3_m *p, const cw_su3_m *a, const cw_su3_m *b,
                              const cw_su3_m *c) {
  cw_su3_m ab;
  cw_su3_two_rows(&ab, a, b, CW_A_B);
  cw_su3_two_rows(p, &ab, c, CW_A_B_DAGGER);
  cw_su3_third_row(p);
}
CW_INLINE void cw_su3_path_down(cw_su3_m *p, const cw_su3_m *a, const cw_su3_m *b,
                                const cw_su3_m *c) {
  cw_su3_m ab;
  cw_su3_two_rows(&ab, a, b, CW_A_DAGGER_B);
  cw_su3_two_rows(p, &ab, c, CW_A_B);
  cw_su3_third_row(p);
}

#endif

#ifdef CW_GROUP

#include "group/fetch.h"

/* v += r times the staple of links a, b and c; r: of these lanes, NULL: 1. */
CW_INLINE void G(add_path)(G(m) * v, const G(m) * a, const G(m) * b, const G(m) * c, int down,
                           const double *r) {
  G(m) p;
  if (down)
    G(path_down)(&p, a, b, c);
  else
    G(path_up)(&p, a, b, c);
  if (r != NULL)
    G(add_scaled)(v, cw_vd_load(r), &p);
  else
    G(add)(v, &p);
}

/* v = V on lanes [lane, lane + CW_VD) of a block x. r (2*(dim-1), CW_LANES), aligned: weights of
 * the staples; NULL: all are 1. */
CW_INLINE void G(staple)(G(m) * v, const double *x, const cw_corners *at, const double *r,
                         int lane) {
  const cw_place here = {at->outer, NULL};
  const int mu = at->mu, dim = at->dim;
  int soon = 0;
  G(zero)(v);
  for (int nu = 0; nu < dim; nu++) {
    if (nu == mu) continue;
    for (int down = 0; down < 2; down++) {
      G(m) a, b, c;
      if (soon < at->n_soon) G(prefetch)(x, dim, at->soon[soon++], mu, lane);
      G(fetch)(&a, x, dim, down ? at->down[nu] : here, nu, lane);
      G(fetch)(&b, x, dim, down ? at->down[nu] : at->up[nu], mu, lane);
      G(fetch)(&c, x, dim, down ? at->corner[nu] : at->ahead, nu, lane);
      G(add_path)
      (v, &a, &b, &c, down, r != NULL ? r + (2 * (nu - (nu > mu)) + down) * CW_LANES + lane : NULL);
    }
  }
}

#endif
