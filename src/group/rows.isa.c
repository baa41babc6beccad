/* Operations of the groups on rows of lanes in memory. */
#include "group/rows.h"
#include "group/template.h"

#define CW_GROUP u1
#include "group/rows_template.h"
#undef CW_GROUP
#define CW_GROUP su2
#include "group/rows_template.h"
#undef CW_GROUP
#define CW_GROUP su3
#include "group/rows_template.h"
#undef CW_GROUP

#define CW_ROWS(group)                                                                             \
  {                                                                                                \
    .mul = cw_##group##_row_mul, .mul_nd = cw_##group##_row_mul_nd,                                \
    .mul_dn = cw_##group##_row_mul_dn, .mul_dd = cw_##group##_row_mul_dd,                          \
    .adjoint = cw_##group##_row_adjoint, .add = cw_##group##_row_add,                              \
    .add_scaled = cw_##group##_row_add_scaled, .permute = cw_##group##_row_permute,                \
    .trace = cw_##group##_row_trace, .re_trace_nd = cw_##group##_row_re_trace_nd,                  \
    .to_algebra = cw_##group##_row_to_algebra, .from_algebra = cw_##group##_row_from_algebra,      \
    .exp = cw_##group##_row_exp, .log = cw_##group##_row_log, .dexp = cw_##group##_row_dexp,       \
    .project = cw_##group##_row_project                                                            \
  }

extern const cw_row_kernels CW_ISA_NAME(cw_row_kernels);
const cw_row_kernels CW_ISA_NAME(cw_row_kernels) = {
    .kind = {
        [CW_LINK_U1] = CW_ROWS(u1), [CW_LINK_SU2] = CW_ROWS(su2), [CW_LINK_SU3] = CW_ROWS(su3)}};
