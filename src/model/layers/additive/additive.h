/* Additive coupling; private to src/model/layers/additive. */
#ifndef CW_MODEL_ADDITIVE_H
#define CW_MODEL_ADDITIVE_H

#include "model/layers/coupling/coupling.h"

enum { CW_ADDITIVE_KEEP = 0 };
CW_ISA_TABLES(cw_transform_kernels, cw_additive_kernels);

#endif
