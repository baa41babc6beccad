/* Operations of the groups on rows of lanes in memory, for code outside of kernels: one call does
 * CW_LANES matrices. Matrices (n_real, CW_LANES) are stored like links, also sums of group
 * elements; algebra coordinates are (n_algebra, CW_LANES). All aligned to 64 bytes. Outputs may not
 * overlap inputs. See template.h for the meaning of each. */
#ifndef CW_GROUP_ROWS_H
#define CW_GROUP_ROWS_H

#include "simd/dispatch.h"
#include "causeway/group.h"

typedef struct {
  void (*mul)(double *c, const double *a, const double *b);    /* a b */
  void (*mul_nd)(double *c, const double *a, const double *b); /* a b^+ */
  void (*mul_dn)(double *c, const double *a, const double *b); /* a^+ b */
  void (*mul_dd)(double *c, const double *a, const double *b); /* a^+ b^+ */
  void (*adjoint)(double *c, const double *a);
  void (*add)(double *c, const double *a);
  void (*add_scaled)(double *c, const double *s, const double *a); /* s (CW_LANES) */
  void (*permute)(double *c, const double *a, const int64_t *from);
  void (*trace)(const double *a, double *re, double *im); /* (CW_LANES) each */
  void (*re_trace_nd)(const double *a, const double *b, double *re);
  void (*to_algebra)(const double *a, double *w);
  void (*from_algebra)(double *x, const double *w);
  void (*exp)(double *u, const double *w);
  void (*log)(const double *u, double *w);
  void (*dexp)(double *d, const double *w); /* d (n_algebra, n_algebra, CW_LANES) */
  void (*project)(double *u);
} cw_row_ops;

typedef struct {
  cw_row_ops kind[CW_LINK_SU3 + 1]; /* by cw_field_kind; that of reals is empty */
} cw_row_kernels;
CW_ISA_TABLES(cw_row_kernels, cw_row_kernels);

#endif
