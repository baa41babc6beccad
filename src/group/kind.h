/* Kernels of the kinds of field; private to src/group. */
#ifndef CW_GROUP_KIND_H
#define CW_GROUP_KIND_H

#include "simd/dispatch.h"
#include "causeway/group.h"

/* On units [first, last) of one block: links, or reals on sites, in the order of storage. */
typedef struct {
  /* x -> exp(eps[lane] p) x */
  void (*drift)(double *x, const double *p, const double *eps, long first, long last);
  void (*project)(double *x, long first, long last);
} cw_kind_kernel;

typedef struct {
  cw_kind_kernel kind[CW_LINK_SU3 + 1]; /* by cw_field_kind */
} cw_kind_kernels;
CW_ISA_TABLES(cw_kind_kernels, cw_kind_kernels);

typedef struct {
  void (*normal)(cw_field *x, cw_rng rng, uint32_t step, uint32_t draw, long begin, long end);
} cw_normal_kernels;
CW_ISA_TABLES(cw_normal_kernels, cw_normal_kernels);

#endif
