/* Smearing, lines and rectangles on lanes, once per group. */
#include "group/template.h"
#include "group/walk.h"
#include "observe/gauge/stroll.h"
#include "observe/wilson_loops/wilson_loops.h"

#define CW_GROUP u1
#include "group/staple.h"
#include "observe/wilson_loops/wilson_loops_group.h"
#undef CW_GROUP
#define CW_GROUP su2
#include "group/staple.h"
#include "observe/wilson_loops/wilson_loops_group.h"
#undef CW_GROUP
#define CW_GROUP su3
#include "group/staple.h"
#include "observe/wilson_loops/wilson_loops_group.h"
#undef CW_GROUP

extern const cw_wilson_loop_kernels CW_ISA_NAME(cw_wilson_loop_kernels);
const cw_wilson_loop_kernels CW_ISA_NAME(cw_wilson_loop_kernels) = {
    .u1 = {cw_u1_smear, cw_u1_lengthen, cw_u1_rectangles},
    .su2 = {cw_su2_smear, cw_su2_lengthen, cw_su2_rectangles},
    .su3 = {cw_su3_smear, cw_su3_lengthen, cw_su3_rectangles},
};
