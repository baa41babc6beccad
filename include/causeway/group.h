/* causeway/group.h - what the numbers of a field are: reals or spins on sites, or elements of U(1),
 * SU(2) or SU(3) on links.
 *
 * A link from site x in direction mu occupies n_real components of x, from mu*n_real on:
 *   U(1)  (re, im) of the phase;
 *   SU(2) (a0, a1, a2, a3) of U = a0 + i sum_k a_k sigma_k;
 *   SU(3) the 3x3 matrix row by row, (re, im) each.
 * Tangent vectors (momenta, forces) have n_algebra real coordinates w_a per link:
 *   U -> exp(sum_a w_a T_a) U,  T = i for U(1), i sigma_a/2 for SU(2), i lambda_a/2 for SU(3) with
 * the Gell-Mann matrices, so that tr T_a T_b = -delta_ab/2 for SU(N). The derivative of a function
 *   along T_a is d/ds f(exp(s T_a) U) at s = 0. For reals on sites a tangent vector is a field.
 * Spins have no tangent vectors: nothing moves them by forces. */
#ifndef CAUSEWAY_GROUP_H
#define CAUSEWAY_GROUP_H

#include "causeway/lattice.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  CW_SITE_REAL = 0, /* unbounded reals on sites, flat measure */
  CW_LINK_U1,       /* group elements on links, Haar measure */
  CW_LINK_SU2,
  CW_LINK_SU3,
  CW_SITE_SPIN /* +1 or -1 on sites, both with weight 1 */
} cw_field_kind;

typedef struct {
  const char *name; /* "real", "u1", "su2", "su3", "spin" */
  bool on_links;    /* else on sites */
  int n_colours;    /* N of U(N) or SU(N); 0: on sites */
  int n_real;       /* components per link or site */
  int n_algebra;    /* tangent coordinates per link or site; spins: 0 */
  /* Independent draws from the Haar measure (reals: N(0,1); spins: signs), keyed by site, chain and
   * step. All blocks. */
  void (*hot)(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step);
  void (*cold)(cw_field *x); /* the identity on every link (reals: 0, spins: +1). All blocks. */
  /* x -> exp(eps[lane] p) x on outer sites [begin, end) of one block. eps (CW_LANES), aligned.
   * Spins: NULL. */
  void (*drift)(cw_isa isa, cw_field *x, const cw_field *p, const double *eps, long begin,
                long end);
  /* Removes rounding errors: to the nearby element of the group (on sites: nothing). Outer sites
   * [begin, end) of one block. */
  void (*project)(cw_isa isa, cw_field *x, long begin, long end);
} cw_kind_ops;

const cw_kind_ops *cw_kind(cw_field_kind kind);
/* Components per site of a field, and of its tangent vectors, on a lattice. */
int cw_kind_components(cw_field_kind kind, const cw_lattice *lat);
int cw_kind_tangent(cw_field_kind kind, const cw_lattice *lat);

/* The defining matrix of one link, row by row: m (N, N, 2), N = n_colours; from and to stored
 * components (n_real). */
void cw_link_to_matrix(cw_field_kind kind, const double *link, double *m);
void cw_link_from_matrix(cw_field_kind kind, const double *m, double *link);

#ifdef __cplusplus
}
#endif
#endif
