/* The SU(2) subgroups of SU(3) on lanes (Cabibbo and Marinari, Phys. Lett. B 119 (1982) 387), for
 * updates that move a link by one after the other. Only for kernel files, like template.h. */
#ifndef CW_GROUP_SUBGROUP_H
#define CW_GROUP_SUBGROUP_H

#include "group/template.h"

/* Subgroup k = 0, 1, 2 acts on rows and columns i < j. */
CW_INLINE int cw_subgroup_i(int k) { return k == 2 ? 1 : 0; }
CW_INLINE int cw_subgroup_j(int k) { return k == 0 ? 1 : 2; }

/* Re tr g w = Re tr g q for all g of the subgroup, but for what does not depend on g. */
CW_INLINE void cw_su3_subgroup(cw_su2_m *q, const cw_su3_m *w, int i, int j) {
  int ii = 4 * i, ij = 3 * i + j, ji = 3 * j + i, jj = 4 * j;
  q->a[0] = 0.5 * (w->re[ii] + w->re[jj]);
  q->a[1] = 0.5 * (w->im[ij] + w->im[ji]);
  q->a[2] = 0.5 * (w->re[ij] - w->re[ji]);
  q->a[3] = 0.5 * (w->im[ii] - w->im[jj]);
}

/* m <- g m, in rows i and j. */
CW_INLINE void cw_su3_rotate(cw_su3_m *m, const cw_su2_m *g, int i, int j) {
  const cw_vd g0 = g->a[0], g1 = g->a[1], g2 = g->a[2], g3 = g->a[3];
#pragma GCC unroll 3
  for (int k = 0; k < 3; k++) {
    int a = 3 * i + k, b = 3 * j + k;
    cw_vd ar = m->re[a], ai = m->im[a], br = m->re[b], bi = m->im[b];
    m->re[a] = cw_vd_fnma(g1, bi, cw_vd_fma(g2, br, cw_vd_fnma(g3, ai, g0 * ar)));
    m->im[a] = cw_vd_fma(g1, br, cw_vd_fma(g2, bi, cw_vd_fma(g3, ar, g0 * ai)));
    m->re[b] = cw_vd_fma(g3, bi, cw_vd_fnma(g1, ai, cw_vd_fnma(g2, ar, g0 * br)));
    m->im[b] = cw_vd_fnma(g3, br, cw_vd_fma(g1, ar, cw_vd_fnma(g2, ai, g0 * bi)));
  }
}

#endif
