/* A path through all plaquettes of a two-dimensional torus, and maps of the links between them.
 *
 * Plaquettes p_0, p_1, ... follow each other along rows and from row to row; link l_k belongs to p_k and
 * p_{k+1}. With Haar's measure of links, plaquettes are independent but for the last one. Link after link
 * is moved from Haar's measure to the density in which it has the plaquettes of both sides: p_k itself,
 * with weight exp((beta/N) Re tr P), and all that come after it, which are integrated over: a loop W_n
 * round n plaquettes, of which the weight is sum_r d_r u_r^n chi_r(W) and is taken as exp((b_n/N) Re tr W)
 * with the same mean trace, u_1(b_n) = u_1(beta)^n. (A. A. Migdal, Sov. Phys. JETP 42 (1975) 413.) The
 * density of a link U is then exp(Re tr(U A^+)/N), A = beta a + b_n b of the paths a and b that close the
 * loops. The nearest V of the group to A and kappa = Re tr(A V^+)/N give a map of the classes of U V^+
 * (classes.h), and a step along the gradient of what that leaves of ln of the density follows (rest.c).
 *
 * Private to this folder. */
#ifndef CW_MODEL_PATH_H
#define CW_MODEL_PATH_H

#include "causeway/lattice.h"
#include "group/jacobian.h"
#include "group/rows.h"
#include "model/layers/snake/classes.h"

enum { CW_PATH_REAL = 2 * CW_CLASS_COLOURS * CW_CLASS_COLOURS, CW_PATH_MODES = 64 };

/* Three links of a product, in order, and which of them are conjugated. */
typedef struct {
  long link[3];
  bool dagger[3];
} cw_path_staple;

typedef struct {
  long link;                /* l_k, as site * 2 + direction */
  cw_path_staple own, next; /* a, and b if p_{k+1} is the last */
  int turn;                 /* which link of next is l_{k+1}; -1: p_{k+1} is the last */
} cw_path_turn;

typedef struct {
  long n; /* turns: plaquettes - 1 */
  cw_path_turn *turn;
  double beta;
  long n_far;              /* plaquettes that are looked at beyond p_k; b_n = 0 of more */
  double *far;             /* (n_far + 1) b_n */
  double *rest;            /* (n_far + 1) U(1): length of the steps of rest.c; 0: none */
  double u[CW_PATH_MODES]; /* U(1): u_r of plaquettes */
  cw_classes classes;
  const cw_row_ops *rows;
  const cw_jacobian_ops *jacobian;
} cw_path;

/* A link before or after its map of classes: V, kappa, A and b of it, n plaquettes beyond. */
typedef struct {
  long n;
  double kappa;
  double v[CW_PATH_REAL], a[CW_PATH_REAL], b[CW_PATH_REAL]; /* (N, N, 2) */
} cw_path_place;

/* far: at most so many plaquettes. The caller destroys *out in any case. CW_ENOMEM. */
cw_status cw_path_create(cw_isa isa, const cw_lattice *lat, cw_field_kind kind, double beta,
                         long far, cw_path *out);
void cw_path_destroy(cw_path *p);
/* u (links, N, N, 2): matrices of a configuration, moved; returns ln of the determinant. NAN: an
 * iteration does not converge. */
double cw_path_map(const cw_path *p, bool inverse, double *u);

/* c = a b of matrices (N, N, 2), the factors conjugated as asked; c overlaps neither. */
void cw_path_product(int N, const double *a, bool a_dagger, const double *b, bool b_dagger,
                     double *c);

/* rest.c: sets p->u and p->rest of U(1), whose far is there. */
void cw_rest_prepare(cw_path *p);
/* Moves a link u (N, N, 2) by the step for what its map of classes leaves, back if inverse; returns ln
 * of its determinant, NAN as above. */
double cw_rest_map(const cw_path *p, const cw_path_place *at, bool inverse, double *u);

#endif
