/* SU(3) on lanes: 3x3 complex matrices, row by row. See template.h;
 * exponentials are in su3_exp.h. */
#ifndef CW_GROUP_SU3_H
#define CW_GROUP_SU3_H

enum { cw_su3_N = 3, cw_su3_N_REAL = 18, cw_su3_N_ALGEBRA = 8 };

#define CW_MATRIX su3
#define CW_VECTOR vd
#define CW_NUMBER double
#include "group/su3_matrix.h"
#undef CW_MATRIX
#undef CW_VECTOR
#undef CW_NUMBER

CW_INLINE void cw_su3_gather(cw_su3_m *m, const double *const p[CW_VD]) {
#pragma GCC unroll 9
  for (int k = 0; k < 9; k++) cw_vd_gather_pairs(p, 2 * k, &m->re[k], &m->im[k]);
}
CW_INLINE void cw_su3_scatter(double *const p[CW_VD], const cw_su3_m *m, int n) {
#pragma GCC unroll 9
  for (int k = 0; k < 9; k++) cw_vd_scatter_pairs(p, 2 * k, m->re[k], m->im[k], n);
}
CW_INLINE void cw_su3_adjoint(cw_su3_m *c, const cw_su3_m *a) {
#pragma GCC unroll 9
  for (int k = 0; k < 9; k++) {
    c->re[k] = a->re[k % 3 * 3 + k / 3];
    c->im[k] = -a->im[k % 3 * 3 + k / 3];
  }
}

/* w_a = Im tr(lambda_a m) with the Gell-Mann matrices. */
CW_INLINE void cw_su3_to_algebra(const cw_su3_m *m, cw_vd *w) {
  w[0] = m->im[1] + m->im[3];
  w[1] = m->re[1] - m->re[3];
  w[2] = m->im[0] - m->im[4];
  w[3] = m->im[2] + m->im[6];
  w[4] = m->re[2] - m->re[6];
  w[5] = m->im[5] + m->im[7];
  w[6] = m->re[5] - m->re[7];
  w[7] = (m->im[0] + m->im[4] - 2 * m->im[8]) * 0.57735026918962576451;
}
CW_INLINE void cw_su3_from_algebra(cw_su3_m *x, const cw_vd *w) {
  cw_vd w8 = w[7] * 0.57735026918962576451;
  const int at[3] = {1, 2, 5}, of[3] = {0, 3, 5};
  x->re[0] = x->re[4] = x->re[8] = cw_vd_set1(0);
  x->im[0] = 0.5 * (w[2] + w8);
  x->im[4] = 0.5 * (w8 - w[2]);
  x->im[8] = -w8;
#pragma GCC unroll 3
  for (int k = 0; k < 3; k++) { /* upper triangle at[k] and its mirror image */
    int mirror = at[k] % 3 * 3 + at[k] / 3;
    x->re[at[k]] = 0.5 * w[of[k] + 1];
    x->im[at[k]] = 0.5 * w[of[k]];
    x->re[mirror] = -0.5 * w[of[k] + 1];
    x->im[mirror] = 0.5 * w[of[k]];
  }
}
/* Gram-Schmidt on the first two rows; the third is the conjugate of their vector product. */
CW_INLINE void cw_su3_project(cw_su3_m *u) {
  cw_vd n = cw_vd_set1(0), pr = cw_vd_set1(0), pi = cw_vd_set1(0);
  for (int j = 0; j < 3; j++) n = cw_vd_fma(u->re[j], u->re[j], cw_vd_fma(u->im[j], u->im[j], n));
  n = cw_vd_set1(1) / cw_vd_sqrt(n);
  for (int j = 0; j < 3; j++) {
    u->re[j] *= n;
    u->im[j] *= n;
  }
  for (int j = 0; j < 3; j++) { /* p = <row 0, row 1> */
    pr = cw_vd_fma(u->re[j], u->re[j + 3], cw_vd_fma(u->im[j], u->im[j + 3], pr));
    pi = cw_vd_fma(u->re[j], u->im[j + 3], cw_vd_fma(-u->im[j], u->re[j + 3], pi));
  }
  n = cw_vd_set1(0);
  for (int j = 0; j < 3; j++) {
    u->re[j + 3] -= cw_vd_fma(pr, u->re[j], -(pi * u->im[j]));
    u->im[j + 3] -= cw_vd_fma(pr, u->im[j], pi * u->re[j]);
    n = cw_vd_fma(u->re[j + 3], u->re[j + 3], cw_vd_fma(u->im[j + 3], u->im[j + 3], n));
  }
  n = cw_vd_set1(1) / cw_vd_sqrt(n);
  for (int j = 3; j < 6; j++) {
    u->re[j] *= n;
    u->im[j] *= n;
  }
  for (int j = 0; j < 3; j++) {
    int k = (j + 1) % 3, l = (j + 2) % 3;
    u->re[6 + j] = u->re[k] * u->re[3 + l] - u->im[k] * u->im[3 + l] -
                   (u->re[l] * u->re[3 + k] - u->im[l] * u->im[3 + k]);
    u->im[6 + j] = -(u->re[k] * u->im[3 + l] + u->im[k] * u->re[3 + l]) +
                   (u->re[l] * u->im[3 + k] + u->im[l] * u->re[3 + k]);
  }
}

#endif
