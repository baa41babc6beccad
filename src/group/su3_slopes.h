/* Products of two generators of SU(3), lambda_a lambda_b = 2/3 delta_ab + (d_abc + i f_abc) lambda_c,
 * and what follows from them; see template.h. */
#ifndef CW_GROUP_SU3_SLOPES_H
#define CW_GROUP_SU3_SLOPES_H

/* [T_a, T_b] = -sum_c f_abc T_c: each f once. */
static const struct {
  int a, b, c;
  double f;
} cw_su3_structure[9] = {{0, 1, 2, 1},
                         {0, 3, 6, 0.5},
                         {1, 3, 5, 0.5},
                         {1, 4, 6, 0.5},
                         {2, 3, 4, 0.5},
                         {0, 4, 5, -0.5},
                         {2, 5, 6, -0.5},
                         {3, 4, 7, 0.86602540378443864676},
                         {5, 6, 7, 0.86602540378443864676}};

/* d_abc, symmetric: each once, a <= b <= c. */
static const struct {
  int a, b, c;
  double d;
} cw_su3_symmetric[16] = {{0, 0, 7, 0.57735026918962576451},
                          {1, 1, 7, 0.57735026918962576451},
                          {2, 2, 7, 0.57735026918962576451},
                          {7, 7, 7, -0.57735026918962576451},
                          {3, 3, 7, -0.28867513459481288225},
                          {4, 4, 7, -0.28867513459481288225},
                          {5, 5, 7, -0.28867513459481288225},
                          {6, 6, 7, -0.28867513459481288225},
                          {0, 3, 5, 0.5},
                          {0, 4, 6, 0.5},
                          {1, 3, 6, -0.5},
                          {1, 4, 5, 0.5},
                          {2, 3, 3, 0.5},
                          {2, 4, 4, 0.5},
                          {2, 5, 5, -0.5},
                          {2, 6, 6, -0.5}};

/* h_a = Re tr(lambda_a m), the coordinates of to_algebra of i m; and q, Re tr q dm = sum_a g_a dh_a,
 * added. */
CW_INLINE void cw_su3_hermitian_part(const cw_su3_m *m, cw_vd *h) {
  h[0] = m->re[1] + m->re[3];
  h[1] = m->im[3] - m->im[1];
  h[2] = m->re[0] - m->re[4];
  h[3] = m->re[2] + m->re[6];
  h[4] = m->im[6] - m->im[2];
  h[5] = m->re[5] + m->re[7];
  h[6] = m->im[7] - m->im[5];
  h[7] = (m->re[0] + m->re[4] - 2 * m->re[8]) * 0.57735026918962576451;
}
CW_INLINE void cw_su3_hermitian_part_vjp(cw_su3_m *q,
                                         const cw_vd *g) { /* q += sum_a g_a lambda_a */
  cw_su3_m x;
  cw_su3_from_algebra(&x, g);
#pragma GCC unroll 9
  for (int k = 0; k < 9; k++) {
    q->re[k] = cw_vd_fma(cw_vd_set1(2), x.im[k], q->re[k]);
    q->im[k] = cw_vd_fma(cw_vd_set1(-2), x.re[k], q->im[k]);
  }
}

/* s_ab = Re tr(lambda_a lambda_b m)/2 = delta_ab Re tr m/3 + sum_c (d_abc h_c - f_abc w_c)/2. */
CW_INLINE void cw_su3_slopes(cw_vd *s, const cw_su3_m *m) {
  cw_vd h[8], w[8];
  const cw_vd third = cw_su3_re_trace(m) * 0.33333333333333333333;
  cw_su3_hermitian_part(m, h);
  cw_su3_to_algebra(m, w);
#pragma GCC unroll 64
  for (int a = 0; a < 64; a++) s[a] = a % 9 == 0 ? third : cw_vd_set1(0);
#pragma GCC unroll 16
  for (int k = 0; k < 16; k++) {
    const int e[3] = {cw_su3_symmetric[k].a, cw_su3_symmetric[k].b, cw_su3_symmetric[k].c};
    const cw_vd d = cw_vd_set1(0.5 * cw_su3_symmetric[k].d);
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++) { /* each of the three once as c, equal ones not twice */
      const int a = e[i], b = e[(i + 1) % 3], c = e[(i + 2) % 3];
      if ((i == 1 && c == e[2]) || (i == 2 && (c == e[2] || c == e[0]))) continue;
      s[8 * a + b] = cw_vd_fma(d, h[c], s[8 * a + b]);
      if (a != b) s[8 * b + a] = cw_vd_fma(d, h[c], s[8 * b + a]);
    }
  }
#pragma GCC unroll 9
  for (int k = 0; k < 9; k++) {
    const int e[3] = {cw_su3_structure[k].a, cw_su3_structure[k].b, cw_su3_structure[k].c};
    const cw_vd f = cw_vd_set1(0.5 * cw_su3_structure[k].f);
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++) {
      const int a = e[i], b = e[(i + 1) % 3], c = e[(i + 2) % 3];
      s[8 * a + b] = cw_vd_fnma(f, w[c], s[8 * a + b]);
      s[8 * b + a] = cw_vd_fma(f, w[c], s[8 * b + a]);
    }
  }
}

CW_INLINE void cw_su3_slopes_vjp(cw_su3_m *q, const cw_vd *g) {
  cw_vd gh[8], gw[8], third = cw_vd_set1(0);
  for (int a = 0; a < 8; a++) {
    gh[a] = gw[a] = cw_vd_set1(0);
    third += g[9 * a] * 0.33333333333333333333;
  }
  for (int k = 0; k < 16; k++) {
    const int e[3] = {cw_su3_symmetric[k].a, cw_su3_symmetric[k].b, cw_su3_symmetric[k].c};
    const cw_vd d = cw_vd_set1(0.5 * cw_su3_symmetric[k].d);
    for (int i = 0; i < 3; i++) {
      const int a = e[i], b = e[(i + 1) % 3], c = e[(i + 2) % 3];
      if ((i == 1 && c == e[2]) || (i == 2 && (c == e[2] || c == e[0]))) continue;
      gh[c] = cw_vd_fma(d, g[8 * a + b], gh[c]);
      if (a != b) gh[c] = cw_vd_fma(d, g[8 * b + a], gh[c]);
    }
  }
  for (int k = 0; k < 9; k++) {
    const int e[3] = {cw_su3_structure[k].a, cw_su3_structure[k].b, cw_su3_structure[k].c};
    const cw_vd f = cw_vd_set1(-0.5 * cw_su3_structure[k].f);
    for (int i = 0; i < 3; i++) {
      const int a = e[i], b = e[(i + 1) % 3], c = e[(i + 2) % 3];
      gw[c] = cw_vd_fma(f, g[8 * a + b] - g[8 * b + a], gw[c]);
    }
  }
  cw_su3_from_algebra(q, gw); /* w_a = -2 Re tr(T_a m) */
  for (int k = 0; k < 9; k++) {
    q->re[k] = -2 * q->re[k];
    q->im[k] = -2 * q->im[k];
    if (k % 4 == 0) q->re[k] += third;
  }
  cw_su3_hermitian_part_vjp(q, gh);
}

#endif
