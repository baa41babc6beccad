#include "group/template.h"
#include "group/walk.h"
#include "model/layers/staple/staple.h"

#define CW_GROUP u1
#include "model/layers/staple/staple_template.h"
#undef CW_GROUP
#define CW_GROUP su2
#include "model/layers/staple/staple_template.h"
#undef CW_GROUP
#define CW_GROUP su3
#include "model/layers/staple/staple_template.h"
#undef CW_GROUP

extern const cw_staple_kernels CW_ISA_NAME(cw_staple_kernels);
const cw_staple_kernels CW_ISA_NAME(cw_staple_kernels) = {{[CW_LINK_U1] = cw_u1_sum_staples,
                                                           [CW_LINK_SU2] = cw_su2_sum_staples,
                                                           [CW_LINK_SU3] = cw_su3_sum_staples}};
