/* SU(3) in float, CW_GROUP su3f: matrices, and links of neighbours. No algebra: nothing that is exact is
 * computed with it. */
#ifndef CW_GROUP_SU3_FLOAT_H
#define CW_GROUP_SU3_FLOAT_H

#include "group/template.h"
#include "group/walk.h"

enum { cw_su3f_N = 3, cw_su3f_N_REAL = 18 };
CW_COMPUTED_IN(su3f, float, vf, CW_VF)

#define CW_MATRIX su3f
#define CW_VECTOR vf
#define CW_NUMBER float
#include "group/su3_matrix.h"
#undef CW_MATRIX
#undef CW_VECTOR
#undef CW_NUMBER

#endif
