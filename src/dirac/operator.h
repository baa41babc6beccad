/* Inside of the room: the operator on raw data, in either precision. */
#ifndef CW_DIRAC_OPERATOR_H
#define CW_DIRAC_OPERATOR_H

#include "dirac/kernels.h"

typedef enum { CW_DOUBLE = 0, CW_FLOAT = 1 } cw_precision;

struct cw_dirac {
  cw_context *ctx;         /* borrowed */
  const cw_geometry *geom; /* borrowed */
  cw_arena *arena;         /* borrowed */
  const cw_dirac_kernels *kernels;
  const cw_dirac_link_kernels *link_kernels;
  int threads;
  bool has_parity;
  uint8_t *parity;          /* (n_outer) of the sites; NULL: none */
  cw_dirac_row *part, *row; /* room for the sums of slices */
  cw_quark quark;
  bool slope; /* a derivative: without the 1 of the site term */
  long n_config, first_config;
  void *links[2];             /* by precision; (n_outer, 4, CW_SU3, CW_LANES), with phases */
  void *term[2], *inverse[2]; /* A and A^-1 (n_outer, CW_CLOVER, CW_LANES); NULL: none yet */
};

/* A and A^-1 in a precision; NULL: both are 1. */
const void *cw_dirac_term(const cw_dirac *d, cw_precision precision);
const void *cw_dirac_inverse(const cw_dirac *d, cw_precision precision);

const cw_dirac_kernels_of *cw_dirac_kernels_in(const cw_dirac *d, cw_precision precision);
/* The kernels on all sites of a range. norm, sum: totals (n_rhs rows; dot: pairs), the same in all lanes of a
 * configuration; NULL: not wanted. */
void cw_dirac_run_hop(const cw_dirac *d, cw_precision precision, cw_dirac_hop *a,
                      cw_dirac_row *norm);
void cw_dirac_run_site(const cw_dirac *d, cw_precision precision, const cw_dirac_site *a);
typedef void cw_dirac_vector_kernel(const cw_dirac_vectors *v, long begin, long end,
                                    cw_dirac_row *sum);
void cw_dirac_run_vectors(const cw_dirac *d, cw_dirac_vector_kernel *kernel,
                          const cw_dirac_vectors *v, int rows_of_one, cw_dirac_row *sum);

/* The matrix that a solver inverts, on the sites of range: D of all, or on odd ones what is left when the even ones
 * are eliminated. */
void cw_dirac_run_matrix(const cw_dirac *d, cw_precision precision, const cw_dirac_range *range,
                         const void *in, bool gamma5, void *out, cw_dirac_row *norm);

#endif
