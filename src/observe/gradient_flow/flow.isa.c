/* Stages of the flow on lanes, once per group. */
#include "group/template.h"
#include "observe/gradient_flow/flow.h"

#define CW_GROUP u1
#include "observe/gradient_flow/flow_group.h"
#undef CW_GROUP
#define CW_GROUP su2
#include "observe/gradient_flow/flow_group.h"
#undef CW_GROUP
#define CW_GROUP su3
#include "observe/gradient_flow/flow_group.h"
#undef CW_GROUP

extern const cw_flow_kernels CW_ISA_NAME(cw_flow_kernels);
const cw_flow_kernels CW_ISA_NAME(cw_flow_kernels) = {
    .u1 = {cw_u1_advance, cw_u1_compare},
    .su2 = {cw_su2_advance, cw_su2_compare},
    .su3 = {cw_su3_advance, cw_su3_compare},
};
