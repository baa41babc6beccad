/* Kernels of the Wilson action: one template, three groups. */
#include "group/template.h"
#include "group/walk.h"
#include "theory/wilson/wilson.h"

#define CW_GROUP u1
#include "theory/wilson/kernels.h"
#undef CW_GROUP
#define CW_GROUP su2
#include "theory/wilson/kernels.h"
#undef CW_GROUP
#define CW_GROUP su3
#include "theory/wilson/kernels.h"
#undef CW_GROUP

extern const cw_wilson_kernels CW_ISA_NAME(cw_wilson_kernels);
const cw_wilson_kernels CW_ISA_NAME(cw_wilson_kernels) = {{
    {cw_u1_wilson_terms, cw_u1_wilson_defect_terms, cw_u1_wilson_lone_terms, cw_u1_wilson_force},
    {cw_su2_wilson_terms, cw_su2_wilson_defect_terms, cw_su2_wilson_lone_terms,
     cw_su2_wilson_force},
    {cw_su3_wilson_terms, cw_su3_wilson_defect_terms, cw_su3_wilson_lone_terms,
     cw_su3_wilson_force},
}};
