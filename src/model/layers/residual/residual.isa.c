/* Kernels of layer `residual`. */
#include "model/layers/residual/residual.h"

#include "group/staple.h"
#include "group/su3_float.h"
#include "group/walk.h"

enum { CW_FILL_TURNS = 2, CW_SOLVE_STEPS = 60 };

/* m += (re + i im) a and m += re + i im: of SU(2) im is 0. Sums of its elements have no Hermitian
 * part without trace; of U(1) no SQUARE has a field. */
CW_INLINE void cw_u1_add_complex(cw_u1_m *m, cw_vd re, cw_vd im, const cw_u1_m *a) {
  (void)im;
  cw_u1_add_scaled(m, re, a);
}
CW_INLINE void cw_u1_add_one(cw_u1_m *m, cw_vd re, cw_vd im) {
  m->re += re;
  m->im += im;
}
CW_INLINE void cw_u1_hermitian_part(const cw_u1_m *m, cw_vd *h) {
  (void)m;
  h[0] = cw_vd_set1(0);
}
CW_INLINE void cw_u1_hermitian_part_vjp(cw_u1_m *q, const cw_vd *g) { (void)q, (void)g; }
CW_INLINE void cw_su2_add_complex(cw_su2_m *m, cw_vd re, cw_vd im, const cw_su2_m *a) {
  (void)im;
  cw_su2_add_scaled(m, re, a);
}
CW_INLINE void cw_su2_add_one(cw_su2_m *m, cw_vd re, cw_vd im) {
  (void)im;
  m->a[0] += re;
}
CW_INLINE void cw_su2_hermitian_part(const cw_su2_m *m, cw_vd *h) {
  (void)m;
  h[0] = h[1] = h[2] = cw_vd_set1(0);
}
CW_INLINE void cw_su2_hermitian_part_vjp(cw_su2_m *q, const cw_vd *g) { (void)q, (void)g; }
CW_INLINE void cw_su3_add_complex(cw_su3_m *m, cw_vd re, cw_vd im, const cw_su3_m *a) {
  for (int k = 0; k < 9; k++) {
    m->re[k] = cw_vd_fma(re, a->re[k], cw_vd_fnma(im, a->im[k], m->re[k]));
    m->im[k] = cw_vd_fma(re, a->im[k], cw_vd_fma(im, a->re[k], m->im[k]));
  }
}
CW_INLINE void cw_su3_add_one(cw_su3_m *m, cw_vd re, cw_vd im) {
  for (int k = 0; k < 9; k += 4) {
    m->re[k] += re;
    m->im[k] += im;
  }
}

#define CW_GROUP u1
#include "group/staple.h"
#include "model/layers/residual/field_template.h"
#include "model/layers/residual/adjoint_template.h"
#include "model/layers/residual/turn_template.h"
#undef CW_GROUP
#define CW_GROUP su2
#include "group/staple.h"
#include "model/layers/residual/field_template.h"
#include "model/layers/residual/adjoint_template.h"
#include "model/layers/residual/turn_template.h"
#undef CW_GROUP
#define CW_GROUP su3
#include "group/staple.h"
#include "model/layers/residual/field_template.h"
#include "model/layers/residual/adjoint_template.h"
#include "model/layers/residual/turn_template.h"
#undef CW_GROUP

#define CW_GROUP su3f
#include "group/fetch.h"
#include "model/layers/residual/field_template.h"
#undef CW_GROUP

#define CW_FIELD(group)                                                                            \
  {                                                                                                \
    .number = sizeof(cw_##group##_real), .take = cw_##group##_take, .smear = cw_##group##_smear,   \
    .fill = cw_##group##_fill, .sums = cw_##group##_sums                                           \
  }
#define CW_RESIDUAL(group, quick)                                                                  \
  {                                                                                                \
    .exact = CW_FIELD(group), .fast = CW_FIELD(quick), .smear_vjp = cw_##group##_smear_vjp,        \
    .fill_vjp = cw_##group##_fill_vjp, .along = cw_##group##_along,                                \
    .tangent = cw_##group##_tangent, .terms = cw_##group##_terms, .solve = cw_##group##_solve,     \
    .pull = cw_##group##_pull                                                                      \
  }

extern const cw_residual_kernels CW_ISA_NAME(cw_residual_kernels);
const cw_residual_kernels CW_ISA_NAME(cw_residual_kernels) = {
    .kind = {[CW_LINK_U1] = CW_RESIDUAL(u1, u1),
             [CW_LINK_SU2] = CW_RESIDUAL(su2, su2),
             [CW_LINK_SU3] = CW_RESIDUAL(su3, su3f)}};
