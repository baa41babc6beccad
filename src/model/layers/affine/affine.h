/* Affine coupling; private to src/model/layers/affine. */
#ifndef CW_MODEL_AFFINE_H
#define CW_MODEL_AFFINE_H

#include "model/layers/coupling/coupling.h"

enum { CW_AFFINE_KEEP = 2 };
CW_ISA_TABLES(cw_transform_kernels, cw_affine_kernels);

#endif
