/* Layer `residual`: a pass over all links, class after class of a mask,
 *
 *   U' = e^X U,  X = -sum_i c_i TA(Q_i),  TA(m) = (m - m^+)/2 - trace,
 *
 * Q_i = U R_i^+ or conj(tr P) P with P = U R_i^+, R_i of frozen links alone (features.def): sums of
 * staples of thin links and of smeared ones. With the coefficients of a least-squares fit it is the
 * first step of a flow along the coupling (M. Luescher, Commun. Math. Phys. 293 (2010) 899,
 * arXiv:0907.5491; fits of the residual: arXiv:2212.08469).
 *
 * The smeared field of a class of direction mu; N(w) = sqrt(N) w/|w|, then w -> w (3 - w^+ w)/2, a
 * step of Newton's to the nearest unitary matrix (of SU(2) and U(1) the first is all):
 *   1. T <- U: PRESMEARED steps of W = V + weight S in the planes without mu, V' = N(W), of links nu != mu;
 *   2. every active link is filled with N(S), S its staples in T, two steps of Newton's: it is made of
 *      frozen links, and no plaquette is left out of what follows;
 *   3. 2 n steps on all links. S0, SK, SL are sums of staples in U, after n and after 2 n steps.
 * Smeared links have no singular value above 1, as s (3 - s^2)/2 <= 1 for s^2 <= 3.
 *
 * Contraction. |dX| <= K |dU| (Frobenius norm) with K = sum_i |c_i| b_i, b_i = factor n^order for LINEAR
 * and sqrt(2) N factor n^2 for SQUARE, n the number of staples in the sum: TA is a projection, no sum
 * of n staples has a singular value above n, and of conj(tr TP) P + conj(tr P) T P with tr T = 0 the
 * parts are bounded by sqrt(N n^2 - |t|^2/N) sqrt(N) n and |t| n, t = tr P. The coefficients are c =
 * theta (1 + r^4)^(-1/8), r = m sum_i (b_i theta_i)^2/b^2 of m numbers: by Cauchy and Schwarz K < b = 1/2 for every
 * theta and every field. Where r = 1/4 it is theta to 5e-4, where r = 1/16 to 2e-6. So the
 * layer is a bijection, and each step of the inverse comes at least twice as near.
 *
 * Private to this folder and to the benchmarks. */
#ifndef CW_MODEL_RESIDUAL_H
#define CW_MODEL_RESIDUAL_H

#include "causeway/model.h"
#include "group/jacobian.h"
#include "group/rows.h"

#define CW_FEATURE(name, form, factor, by_plane, order) CW_FEATURE_##name,
enum {
#include "model/layers/residual/features.def"
  CW_FEATURES
};
#undef CW_FEATURE

enum { CW_THIN, CW_SHORT, CW_LONG, CW_LEVELS }; /* S0, SK, SL */
enum { CW_SPATIAL, CW_TEMPORAL, CW_PLANES };    /* the last direction is time */
enum { CW_RESIDUAL_REAL = 18, CW_RESIDUAL_ALGEBRA = 8, CW_RESIDUAL_STEPS = 4 };

/* c of the features, by the class of the plane where that matters (else [0]), for links of one kind. */
typedef struct {
  double of[CW_FEATURES][CW_PLANES];
} cw_residual_c;

/* Sums of staples of one link row: (CW_LEVELS, CW_PLANES, n_real, CW_LANES). Fields are blocks of
 * matrices, stored like links; adjoints of fields are g with dF = Re tr g^+ dm. [begin, end): outer
 * sites. without: planes that hold this direction are left out, and links of it are neither read nor
 * written; -1: none. */
typedef struct {
  size_t number; /* bytes of one of its fields: they are of double or float */
  void (*take)(const double *x, void *to, long n); /* n numbers */
  /* out = N(in + weight S). */
  void (*smear)(const cw_geometry *g, double weight, int without, const void *in, void *out,
                long begin, long end);
  /* Links of direction mu of t: those of the class are filled, others are x's. t: all others. */
  void (*fill)(const cw_mask *mask, const cw_geometry *g, int moved, const void *x, void *t,
               long begin, long end);
  /* v: of link (outer, mu); field: the three levels. */
  void (*sums)(const cw_geometry *g, const void *const field[CW_LEVELS], long outer, int mu,
               double *v);
} cw_residual_field_ops;

typedef struct {
  cw_residual_field_ops exact, fast; /* in double, and in float where that is faster: SU(3) */
  /* bar, the adjoint of smear's out, becomes that of W = in + weight S; k = weight bar. */
  void (*smear_vjp)(const cw_geometry *g, double weight, int without, const double *in, double *bar,
                    double *k, long begin, long end);
  /* Of links of the class, bar moves to k as the adjoint of S; t is filled. */
  void (*fill_vjp)(const cw_mask *mask, const cw_geometry *g, int moved, const double *t,
                   double *bar, double *k, long begin, long end);
  /* bar += the derivative of the sums of staples in x along k, k[plane]. Staples are the gradient of
   * sum Re tr P, their derivative its Hessian: a symmetric map, and its own adjoint. */
  void (*along)(const cw_geometry *g, int without, const double *x,
                const double *const k[CW_PLANES], double *bar, long begin, long end);
  /* grad (n_algebra) += sign times derivatives along T_a, from bar by the links x. */
  void (*tangent)(const cw_geometry *g, double sign, const double *x, const double *bar,
                  double *grad, long begin, long end);
  /* w (n_algebra) and dx (n_algebra, n_algebra) of X at links u, as in group/jacobian.h. */
  void (*terms)(const double *u, const double *v, const cw_residual_c *c, double *w, double *dx);
  /* u = e^X(u) y solved for u, X at it in w; false: some lane does not converge. */
  bool (*solve)(const double *y, const double *v, const cw_residual_c *c, double *u, double *w);
  /* Of F with derivatives gw and gdx: g (n_algebra) = those along T_a of u, gv by v, dc
   * (CW_FEATURES, CW_PLANES, CW_LANES) by c. All overwritten. */
  void (*pull)(const double *u, const double *v, const cw_residual_c *c, const double *gw,
               const double *gdx, double *g, double *gv, double *dc);
} cw_residual_ops;
typedef struct {
  cw_residual_ops kind[CW_LINK_SU3 + 1];
} cw_residual_kernels;
CW_ISA_TABLES(cw_residual_kernels, cw_residual_kernels);

/* ---- the layer ---- */

/* One coefficient of links of a kind: theta[theta] is c of feature and plane, -1: of both planes. */
typedef struct {
  int theta, feature, plane;
  double bound; /* b_i */
} cw_residual_slot;
typedef struct {
  int n;
  cw_residual_slot slot[2 * CW_FEATURES];
} cw_residual_slots;

typedef struct {
  cw_field_kind field;
  int n_real, d;
  int threads;
  double weight;
  int steps; /* n */
  cw_mask mask;
  long *cut;                  /* (n_class, slices + 1): rows of a class that a slice begins with */
  cw_residual_slots slots[2]; /* of spatial and temporal links */
  const cw_residual_ops *op;
  const cw_residual_field_ops *field_of_pass; /* one of op's */
  const cw_row_ops *rows;
  const cw_jacobian_ops *jacobian;
} cw_residual;

/* c of spatial and temporal links; and dtheta += what dc, of both and one configuration, becomes. */
void cw_residual_coefficients(const cw_residual *s, const double *theta, cw_residual_c c[2]);
void cw_residual_coefficients_vjp(const cw_residual *s, const double *theta, cw_residual_c dc[2],
                                  double *dtheta);
/* What their bound makes of theta: c/theta, the smaller of both. */
double cw_residual_held(const cw_layer *L, cw_theta th);
/* Fills s->slots; returns how many theta there are. */
int cw_residual_list_slots(cw_residual *s, const cw_lattice *lat, bool by_plane);

/* The smeared fields of a class. Those of level n and 2 n are kept; the others too, or they share
 * room. */
enum { CW_PRESMEARED = 2 };
typedef struct {
  const cw_residual_field_ops *op;
  void *thin;               /* the links themselves, in its numbers; NULL: it is in double */
  void *pre[CW_PRESMEARED]; /* after each step; the last becomes at[0] */
  void *at[2 * CW_RESIDUAL_STEPS + 1]; /* [0]: filled */
  int mu;                              /* direction that pre is of; -1: none */
} cw_residual_fields;
/* keep_all: in double, for products. */
cw_status cw_residual_open_fields(const cw_layer *L, bool keep_all, cw_arena *arena,
                                  cw_residual_fields *f);
/* For a class of the mask in x; what a class of the same direction left is used again. */
void cw_residual_smear(const cw_layer *L, int moved, const double *x, cw_residual_fields *f);
/* Rows [begin, end) of x have changed. Of all of them at first. */
void cw_residual_take(const cw_layer *L, const double *x, long begin, long end,
                      const cw_residual_fields *f);
size_t cw_residual_field_bytes(const cw_layer *L);
int cw_residual_threads(const cw_layer *L);

/* Rows outer * dim + mu of a class in a slice. */
static inline const int *cw_residual_rows(const cw_layer *L, int moved, long slice, long *n) {
  const cw_residual *s = (const cw_residual *)L->impl;
  const long *cut = s->cut + (long)moved * (cw_slice_count(L->geom) + 1) + slice;
  *n = cut[1] - cut[0];
  return s->mask.row + cut[0];
}
static inline int cw_residual_direction(const cw_residual *s, int moved) {
  return moved / (s->mask.n_class / s->mask.units);
}
/* to = from in the lanes of row r that are of the class. */
void cw_residual_store(const cw_residual *s, int moved, long r, int n, const double *from,
                       double *to);

/* Rows of lanes, one after the other: coordinates along the algebra, a matrix on it, sums of all levels
 * and planes. */
typedef struct {
  double at[CW_RESIDUAL_ALGEBRA * CW_LANES] CW_ALIGNED;
} cw_algebra_rows;
typedef struct {
  double at[CW_RESIDUAL_ALGEBRA * CW_RESIDUAL_ALGEBRA * CW_LANES] CW_ALIGNED;
} cw_matrix_rows;
typedef struct {
  double at[CW_LEVELS * CW_PLANES * CW_RESIDUAL_REAL * CW_LANES] CW_ALIGNED;
} cw_sum_rows;

/* A frame is the block before and after the pass. */
typedef struct {
  double *x, *y;
} cw_residual_frame;

cw_status cw_residual_forward_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                                  const double *glogj, cw_gradient_of *gtheta, cw_arena *work);
cw_status cw_residual_inverse_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                                  const double *glogj, cw_gradient_of *gtheta, cw_arena *work);

#endif
