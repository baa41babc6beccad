/* Jacobians of maps of single links, on rows of lanes. */
#include "group/jacobian.h"
#include "group/template.h"

enum { CW_PHI_TERMS = 24 };

/* ad X of each group, A_ab = d[X, T_b]_a: antisymmetric, linear in w; and the sum over a and b of
 * G_ab dA_ab/dw_c. */
CW_INLINE void cw_u1_ad(cw_vd *A, const cw_vd *w) {
  (void)w;
  A[0] = cw_vd_set1(0);
}
CW_INLINE void cw_u1_ad_vjp(cw_vd *gw, const cw_vd *G) {
  (void)G;
  gw[0] = cw_vd_set1(0);
}
CW_INLINE void cw_su2_ad(cw_vd *A, const cw_vd *w) {
  for (int a = 0; a < 3; a++) {
    const int b = (a + 1) % 3, c = (a + 2) % 3;
    A[4 * a] = cw_vd_set1(0);
    A[3 * a + b] = w[c];
    A[3 * b + a] = -w[c];
  }
}
CW_INLINE void cw_su2_ad_vjp(cw_vd *gw, const cw_vd *G) {
  for (int a = 0; a < 3; a++) {
    const int b = (a + 1) % 3, c = (a + 2) % 3;
    gw[c] = G[3 * a + b] - G[3 * b + a];
  }
}
CW_INLINE void cw_su3_ad(cw_vd *A, const cw_vd *w) {
  cw_vd rows[8][8];
  cw_su3_adjoint_action(rows, w);
  for (int a = 0; a < 64; a++) A[a] = rows[a / 8][a % 8];
}
CW_INLINE void cw_su3_ad_vjp(cw_vd *gw, const cw_vd *G) {
  for (int a = 0; a < 8; a++) gw[a] = cw_vd_set1(0);
  for (int k = 0; k < 9; k++) {
    const int e[3] = {cw_su3_structure[k].a, cw_su3_structure[k].b, cw_su3_structure[k].c};
    for (int i = 0; i < 3; i++) {
      const int a = e[i], b = e[(i + 1) % 3], c = e[(i + 2) % 3];
      gw[c] += cw_su3_structure[k].f * (G[8 * a + b] - G[8 * b + a]);
    }
  }
}

#define CW_GROUP u1
#include "group/jacobian_template.h"
#undef CW_GROUP
#define CW_GROUP su2
#include "group/jacobian_template.h"
#undef CW_GROUP
#define CW_GROUP su3
#include "group/jacobian_template.h"
#undef CW_GROUP

#define CW_JACOBIAN(group)                                                                         \
  {                                                                                                \
    .solve = cw_##group##_jacobian_solve, .map = cw_##group##_jacobian_map,                        \
    .map_vjp = cw_##group##_jacobian_map_vjp, .pull = cw_##group##_jacobian_pull,                  \
    .slopes = cw_##group##_jacobian_slopes, .slopes_vjp = cw_##group##_jacobian_slopes_vjp         \
  }

extern const cw_jacobian_kernels CW_ISA_NAME(cw_jacobian_kernels);
const cw_jacobian_kernels CW_ISA_NAME(cw_jacobian_kernels) = {
    .kind = {[CW_LINK_U1] = CW_JACOBIAN(u1),
             [CW_LINK_SU2] = CW_JACOBIAN(su2),
             [CW_LINK_SU3] = CW_JACOBIAN(su3)}};
