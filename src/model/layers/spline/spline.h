/* Rational-quadratic spline coupling; private to src/model/layers/spline. */
#ifndef CW_MODEL_SPLINE_H
#define CW_MODEL_SPLINE_H

#include "model/layers/coupling/coupling.h"

enum { CW_SPLINE_KEEP = 1, CW_SPLINE_MAX_BINS = 32 };
CW_ISA_TABLES(cw_transform_kernels, cw_spline_kernels);

#endif
