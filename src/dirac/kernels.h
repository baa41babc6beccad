/* Inside of the Dirac operator: what its kernels work on. A spinor field is data of one block,
 *     [outer site][right-hand side][component][lane],
 * components (spin, colour, (re, im)) as in causeway/dirac.h; links are those of the gauge field with
 * the phases of the boundary in them. All exist in double and in float. */
#ifndef CW_DIRAC_KERNELS_H
#define CW_DIRAC_KERNELS_H

#include "causeway/dirac.h"

enum {
  CW_SPINOR = 24, /* reals of a spinor */
  CW_SU3 = 18,    /* of a link */
  CW_CLOVER = 72  /* of the site term: two Hermitian 6x6 matrices, 6 diagonal elements and the 15
                     complex ones below, row by row, of each */
};
/* Sites of both parities, or of one. */
enum { CW_EVEN_SITES = 0, CW_ODD_SITES = 1, CW_ALL_SITES = 2 };

/* tr G S G' S^+ of each site: pion, three polarisations of rho, a0, axial. */
enum { CW_N_TRACES = 6 };

typedef double cw_dirac_row[CW_LANES];

/* The sites that a kernel is for, and the right-hand sides: number index[0 .. n-1] of every n_rhs. */
typedef struct {
  const cw_geometry *geom;
  const uint8_t *parity; /* (n_outer); NULL: CW_ALL_SITES only */
  int which;
  int n_rhs, n;
  const int *index;
} cw_dirac_range;

/* out = G (A base + s B hop), hop(x) = sum_mu [(1 - gamma_mu) U_mu(x) in(x + mu)
 *                                            + (1 + gamma_mu) U_mu(x - mu)^+ in(x - mu)],
 * on the sites of the range; in is read on their neighbours. */
typedef struct {
  cw_dirac_range range;
  const void *links; /* (n_outer, 4, CW_SU3, CW_LANES) */
  const void *in;
  const void *base;    /* NULL: 0 */
  const void *of_base; /* A (n_outer, CW_CLOVER, CW_LANES); NULL: 1 */
  const void *of_hop;  /* B, the same */
  double scale;        /* s */
  bool gamma5;         /* G = gamma5, else 1 */
  void *out;           /* neither in nor, where they share sites, base of other sites */
} cw_dirac_hop;

/* out = A in, site by site. */
typedef struct {
  cw_dirac_range range;
  const void *in, *matrix;
  void *out;
} cw_dirac_site;

/* Vectors of the range and coefficients for each right-hand side and lane: (n_rhs rows). */
typedef struct {
  cw_dirac_range range;
  const cw_dirac_row *re,
      *im; /* of a coefficient c = re + i im; advance and gather: im is not used */
  const void *x, *z;
  void *y, *w;
} cw_dirac_vectors;

/* Sums come by right-hand side, n_rhs rows, those of dot in pairs (re, im); they are overwritten where the range
 * has the right-hand side. Outer sites [begin, end). */
typedef struct {
  void (*hop)(const cw_dirac_hop *a, long begin, long end,
              cw_dirac_row *norm); /* |out|^2; NULL: no sum */
  void (*site)(const cw_dirac_site *a, long begin, long end);
  void (*advance)(const cw_dirac_vectors *v, long begin, long end,
                  cw_dirac_row *norm); /* y += c x, w -= c z, |w|^2 */
  void (*turn)(const cw_dirac_vectors *v, long begin, long end,
               cw_dirac_row *norm); /* y = x + c y, |y|^2 */
  void (*add)(const cw_dirac_vectors *v, long begin, long end,
              cw_dirac_row *norm); /* y += c x, |y|^2 */
  void (*dot)(const cw_dirac_vectors *v, long begin, long end, cw_dirac_row *sum); /* sum x^* z */
} cw_dirac_kernels_of;

typedef struct {
  cw_dirac_kernels_of in_double, in_float;
  /* Where c is not 0: y (double) += x (float), which becomes 0 (it is w, too). */
  void (*gather)(const cw_dirac_vectors *v, long begin, long end, cw_dirac_row *unused);
  /* Where c is not 0: y (float) = x (double). */
  void (*lower)(const cw_dirac_vectors *v, long begin, long end, cw_dirac_row *unused);
} cw_dirac_kernels;

/* What is done with links around the operator, in double. */
typedef struct {
  /* The site term 1 - (kappa csw/2) sum sigma_munu F_munu of links without phases, and its inverse, both
   * (n_outer, CW_CLOVER, CW_LANES). */
  void (*clover)(const cw_geometry *geom, const double *links, double strength, double *term,
                 double *inverse, long begin, long end);
  /* du = (sum w T) u of outer sites [begin, end): (4, CW_SU3, CW_LANES) each. */
  void (*turn_links)(const double *links, const double *w, double *du, long begin, long end);
  /* The derivative of the site term where that of the links is du. */
  void (*clover_slope)(const cw_geometry *geom, const double *links, const double *du,
                       double strength, double *term, long begin, long end);
  /* out = (in + weight H in)/(1 + 6 weight) of n_rhs spinors, H of CW_SOURCE_GAUSS. */
  void (*smear)(const cw_geometry *geom, const double *links, int n_rhs, double weight,
                const double *in, double *out, long begin, long end);
  /* c (n_outer, CW_N_TRACES, CW_LANES): traces of propagators s and r (12 right-hand sides), Re tr G s G' r^+. */
  void (*traces)(const double *s, const double *r, double *c, long begin, long end);
} cw_dirac_link_kernels;

#endif
