/* Layer `repair`: as residual.h, for the links around a defect alone, with coefficients by the symmetry of
 * the defect. It carries configurations along the factor of the defect at a cost, and with a quality, that
 * do not depend on the lattice, and whatever lies outside stays as it is.
 *
 * Active are the links within `hops` plaquette hops of the defect's, class after class of a mask. Of a
 * class:
 *
 *   U' = e^X U,  X = -sum_s TA(U [a_s S_s + b_s S''_s]^+) - e TA(conj(tr P) P),  P = U (sum_s w_s S''_s)^+,
 *   times s below,
 *
 * s the staples of the link, S_s of thin links, S''_s of frozen ones smeared twice. The fields of a class:
 *   1. every active link is filled with N(sum_s w_s S_s/max_s w_s), two steps of Newton's (residual.h);
 *   2. two steps of V = N(U + weight sum_s w_s S_s), where they matter;
 * With `staples: thin` there is no b, nothing is filled or smeared, and S'' is S in P.
 * w_s is the coupling of the plaquette in units of one far from the defect, 0 to 1: half way between the two
 * theories that the layer is between (`between`), 1 until that is said.
 *
 * Coefficients. a_s and b_s are common to the orbit of (link, staple), e to that of the link, under the
 * group of the defect: exchanges of equal edges, and reflections of each axis, about the middle of its
 * links. X is then covariant under it; a pass is, up to the order of classes, with the mask `half`. Orbits
 * are those on the infinite lattice, so that parameters mean the same on each.
 *
 * Contraction. With A = sum_s (a_s S_s + b_s S''_s) and R = sum_s w_s S''_s X changes by no more than K |dU|
 * (Frobenius norm), K = [A] + |e| |R| sqrt(|R|^2 + N [R]^2), [m] >= the largest singular value of m: TA is a
 * projection, and of conj(tr TP) P + conj(t) T P with tr T = 0, t = tr P, the parts are bounded by sqrt(|P|^2 -
 * |t|^2/N) |P| and |t| [P]. [m] = (tr (m^+ m)^4)^(1/8), 1.15 times too large for a multiple of an element of
 * SU(3). A and R are frozen, so that X is multiplied by s = (1 + (2 K)^8)^(-1/8), the same number forwards and
 * backwards: s K < 1/2 for every theta and every field, and the layer is a bijection. Where K = 1/4 s is 1 -
 * 5e-4, where K = 1/8 1 - 2e-6. A bound by theta alone, as in residual.h, would have to do for fields whose
 * smeared staples have nothing to do with the thin ones; here a and b nearly cancel, and it would hold a flow
 * back to a tenth.
 *
 * Work is done on a copy of the links that matter, (place, configuration, number): those within hops + 3.
 * Private to this folder, to the benchmarks and to the tests. */
#ifndef CW_MODEL_REPAIR_H
#define CW_MODEL_REPAIR_H

#include "model/layers/residual/residual.h"

enum { CW_REPAIR_STAPLES = 2 * (CW_MAX_DIM - 1) };

/* ---- orbits: defect.c ---- */

/* A link near the defect on the infinite lattice. Coordinates are from the defect's first corner, those
 * in its direction from its links: they start at 0. */
typedef struct {
  int x[CW_MAX_DIM], mu;
  int orbit;                     /* of the link */
  int staple[CW_REPAIR_STAPLES]; /* orbits of its staples, in the order of cw_link_staples */
} cw_repair_near;

typedef struct {
  int dim, direction, edge[CW_MAX_DIM], hops;
  long n;
  cw_repair_near *link;   /* (n); owned */
  int n_links, n_staples; /* orbits */
} cw_repair_orbits;

/* dim, direction, edge and hops are set. The caller destroys it in any case. CW_ENOMEM. */
cw_status cw_repair_find_orbits(cw_context *ctx, cw_repair_orbits *o);
void cw_repair_orbits_destroy(cw_repair_orbits *o);

/* ---- lists of links that are worked on: lists.c ---- */

/* A link and its staples, as places of local fields: a, b and c of a b c^+ and, of every second staple, of
 * a^+ b c. */
typedef struct {
  int32_t to, at[CW_REPAIR_STAPLES][3];
  uint8_t defects[CW_REPAIR_STAPLES]; /* links of the defect in the plaquette */
} cw_repair_link;
typedef double cw_repair_weights[CW_REPAIR_STAPLES];
typedef struct {
  long n;
  cw_repair_link *link; /* (n); owned */
  cw_repair_weights *w; /* (n); owned */
} cw_repair_list;

typedef struct {
  cw_repair_list active;       /* in the order of their orbits; w: of filling */
  cw_repair_weights *w;        /* (active.n) those of the sums; owned */
  const cw_repair_near **near; /* (active.n); owned */
  cw_repair_list once, twice;  /* links that are smeared once, and of those twice */
} cw_repair_class;

typedef struct {
  cw_field_kind field;
  int n_real, d, dim, B;
  double weight;
  bool smears, trace;
  cw_repair_orbits orbits;
  int n_classes;
  cw_repair_class *class; /* (n_classes); owned */
  long most;              /* active links of a class */
  cw_patch patch;         /* the links of local fields */
  long *number;           /* (patch.n) of these links; owned */
  cw_link_set moves, reads;
  const struct cw_repair_ops *op;
  const cw_residual_ops *of_link;
  const cw_row_ops *rows;
  const cw_jacobian_ops *jacobian;
} cw_repair;

/* The classes of the layer, once orbits are there. CW_ENOMEM. */
cw_status cw_repair_list_classes(cw_context *ctx, const cw_geometry *g, cw_mask_kind mask,
                                 cw_repair *s);
void cw_repair_lists_destroy(cw_repair *s);
/* Weights for plaquettes with 0, 1 and 2 links of the defect. */
void cw_repair_weigh(cw_repair *s, const double ratio[3]);

/* theta: a of all orbits of staples, b where links are smeared, and with `trace` 4 e of all orbits of links,
 * from number cw_repair_first_e on. */
static inline int cw_repair_first_e(const cw_repair *s) {
  return (s->smears ? 2 : 1) * s->orbits.n_staples;
}
static inline long cw_repair_n_theta(const cw_repair *s) {
  return cw_repair_first_e(s) + (s->trace ? s->orbits.n_links : 0);
}

/* ---- sums.c ---- */

/* Sums of active items, as cw_residual_ops take them: s A and sqrt(s) R. */
typedef struct {
  double at[CW_RESIDUAL_REAL * CW_LANES] CW_ALIGNED;
} cw_repair_rows;
/* A matrix with |m|^2, [m] and its derivative g: d[m] = Re tr g^+ dm. */
typedef struct {
  cw_repair_rows m, g;
  double square[CW_LANES] CW_ALIGNED, norm[CW_LANES] CW_ALIGNED;
} cw_repair_normed;
typedef struct {
  cw_sum_rows v;
  cw_residual_c c;
  cw_repair_normed a, r;
  double e, s[CW_LANES], slope[CW_LANES]; /* d ln s/dK */
} cw_repair_sum;
struct cw_repair_local;
void cw_repair_find_sum(const cw_repair *s, const cw_repair_class *k,
                        const struct cw_repair_local *f, long first, cw_repair_sum *to);
/* gv, of v, becomes that of A and R; de (CW_LANES), of e at given v, that at given A and R. */
void cw_repair_pull_sum(const cw_repair *s, const cw_repair_sum *at, cw_sum_rows *gv, double *de);
/* a and b of the staples of active links (class->active.n). */
void cw_repair_spread(const cw_repair *s, const cw_repair_class *k, const double *theta,
                      cw_repair_weights *a, cw_repair_weights *b);
/* The smallest s of links that are all 1. */
double cw_repair_held(const cw_layer *L, cw_theta th);

/* ---- kernels ---- */

/* Local fields x (places, B, n_real). Items of a list are its links in all configurations, link after link. */
typedef struct cw_repair_ops {
  /* out[to] = N(in[to] + weight sum_s w_s S_s of in). */
  void (*smear)(const cw_repair_list *k, int staples, int B, double weight, const double *in,
                double *out);
  /* out (n, B, n_real) = N(sum_s w_s S_s), two steps of Newton's. */
  void (*fill)(const cw_repair_list *k, int staples, int B, const double *in, double *out);
  /* v, and u if it is not NULL, (n_real, CW_LANES) += sum_s v_s S_s, u_s S_s of CW_LANES items from first
   * on. */
  void (*sum)(const cw_repair_list *k, int staples, int B, long first, const double *in,
              const cw_repair_weights *of_v, double *v, const cw_repair_weights *of_u, double *u);
  /* Items [first, first + n), n <= CW_LANES, from and to rows of lanes; other lanes get the last of the
   * list. */
  void (*fetch)(const cw_repair_list *k, int B, long first, const double *in, double *rows);
  void (*store)(const cw_repair_list *k, int B, long first, long n, const double *rows,
                double *out);
  /* Adjoints g of fields, dF = Re tr g^+ dm. From that of smear's out in bar to that of in, added to. */
  void (*smear_vjp)(const cw_repair_list *k, int staples, int B, double weight, const double *in,
                    const double *bar, double *to);
  /* Of filled links in bar (at place to), which become 0, to those of the others. */
  void (*fill_vjp)(const cw_repair_list *k, int staples, int B, const double *in, double *bar);
  /* Of items [first, first + n): gv and gu as of sum, bar += theirs; dc (staples, CW_LANES) =
   * derivatives by v_s. */
  void (*sum_vjp)(const cw_repair_list *k, int staples, int B, long first, long n, const double *in,
                  const cw_repair_weights *of_v, const double *gv, const cw_repair_weights *of_u,
                  const double *gu, double *bar, double *dc);
  /* g (items, n_algebra) += sign times derivatives along T_a, from bar by the links x. */
  void (*tangent)(long items, double sign, const double *x, const double *bar, double *g);
} cw_repair_ops;
typedef struct {
  cw_repair_ops kind[CW_LINK_SU3 + 1];
} cw_repair_kernels;
CW_ISA_TABLES(cw_repair_kernels, cw_repair_kernels);

/* ---- passes ---- */

/* Local fields of a pass. */
typedef struct cw_repair_local {
  double *x; /* thin links; while a class is filled and smeared, active ones are filled */
  double *once, *twice;     /* smeared; twice: x where nothing is */
  double *kept, *filled;    /* (s->most, B, n_real) */
  cw_repair_weights *a, *b; /* (s->most) of the class */
  const double *theta;
} cw_repair_local;
cw_status cw_repair_open_local(const cw_layer *L, const double *theta, cw_arena *arena,
                               cw_repair_local *f);
size_t cw_repair_local_size(const cw_repair *s); /* doubles of a local field */
void cw_repair_smear(const cw_repair *s, const cw_repair_class *k, cw_repair_local *f);
/* A class of the local field turned, and logj (B) of it; false: no solution. */
bool cw_repair_turn(const cw_repair *s, const cw_repair_class *k, bool inverse, cw_repair_local *f,
                    double *logj);
/* Active items of the orbit of links that begins with item first of a class: at most CW_LANES. */
long cw_repair_batch(const cw_repair *s, const cw_repair_class *k, long first);

/* A frame is the local field before and after the pass. */
typedef struct {
  double *x, *y;
} cw_repair_frame;
cw_status cw_repair_forward_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                                const double *glogj, cw_gradient_of *gtheta, cw_arena *work);
cw_status cw_repair_inverse_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                                const double *glogj, cw_gradient_of *gtheta, cw_arena *work);

#endif
