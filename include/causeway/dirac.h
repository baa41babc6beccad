/* causeway/dirac.h - Wilson and clover fermions on SU(3) gauge fields in four dimensions: the operator, its
 * inverse, sources, and correlators of mesons.
 *
 *   D = A - kappa sum_mu [(1 - gamma_mu) U_mu(x) delta_{x+mu} + (1 + gamma_mu) U_mu(x-mu)^+ delta_{x-mu}],
 *   A = 1 - (kappa csw/2) sum_{mu,nu} sigma_munu F_munu,   sigma_munu = (i/2) [gamma_mu, gamma_nu],
 * F = (Q - Q^+)/(8i) without its trace, Q the sum of the four plaquette leaves in the plane (mu, nu)
 * (B. Sheikholeslami and R. Wohlert, Nucl. Phys. B 259 (1985) 572; csw = 0: Wilson). Time is the last direction.
 * gamma_k = (0 -i sigma_k; i sigma_k 0), gamma_t = (0 -1; -1 0), gamma5 = gamma_t gamma_0 gamma_1 gamma_2 =
 * diag(1, 1, -1, -1).
 *
 * A spinor field is a cw_field of CW_SPINOR_REALS n components: those of right-hand side k begin with 24 k, and are
 * (spin, colour, (re, im)). Each configuration of a block has its own. All functions are Local, and give the same bits
 * for any split into lanes and any number of threads; they take one block of configurations. */
#ifndef CAUSEWAY_DIRAC_H
#define CAUSEWAY_DIRAC_H

#include "causeway/group.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CW_SPINOR_REALS = 24, CW_DIRAC_MAX_RHS = 12 };

/* One flavour. psi(x + L_mu e_mu) = exp(i pi twist[mu]) psi(x): 0 periodic, 1 antiperiodic. */
typedef struct {
  double kappa, csw;
  double twist[4];
} cw_quark;

/* D on one block of configurations. */
typedef struct cw_dirac cw_dirac;

/* Its memory is the arena's, who rewinds it is done with it: about 1.5 times the links, with csw 5 times. geom, of four
 * dimensions, and ctx, for messages, are borrowed. threads: as many as may be used outside of parallel regions.
 * CW_ENOMEM. */
cw_status cw_dirac_create(cw_context *ctx, const cw_geometry *geom, cw_isa isa, int threads,
                          cw_arena *arena, cw_dirac **out);
/* The quark and the links (one block of an SU(3) field, in the group to
 * rounding, which is not needed afterwards) that it is about from now on.
 * first_config: the number of its first configuration, for messages. CW_ENOMEM: csw needs memory of the arena the
 * first time. */
cw_status cw_dirac_load(cw_dirac *d, const cw_quark *quark, const cw_field *links);

/* Can sites be dealt to even and odd ones, the same in all lanes? If all extents of a canonical sub-lattice are even. */
bool cw_dirac_has_parity(const cw_geometry *geom);

/* out = D in, or gamma5 D in, which is Hermitian: D^+ = gamma5 D gamma5. in and out: other data, as many right-hand
 * sides. Cost: 1320 flops a site and right-hand side for the hops, 72 to add them up, 504 more for csw. */
void cw_dirac_apply(const cw_dirac *d, const cw_field *in, bool gamma5, cw_field *out);
/* The same on odd sites with the even ones eliminated: A_oo - kappa^2 H_oe A_ee^-1 H_eo, H the sum over mu of D; even
 * sites of out are scratch. Needs cw_dirac_has_parity. */
void cw_dirac_apply_odd(const cw_dirac *d, const cw_field *in, bool gamma5, cw_field *out);

/* ------------------------------------------------------------------ solvers */

typedef enum {
  CW_SOLVER_CG = 0,  /* conjugate gradients on the normal equations: always converges */
  CW_SOLVER_BICGSTAB /* H. A. van der Vorst, SIAM J. Sci. Stat. Comput. 13 (1992) 631: about half the work; where it fails, after a tenth of
                        the iterations, conjugate gradients go on */
} cw_solver_kind;
extern const char *const cw_solver_words[]; /* "cg", "bicgstab"; NULL-terminated */

typedef struct {
  cw_solver_kind kind;
  double tolerance;    /* of |b - D x|/|b|, computed in double, 1e-15 .. 1 */
  long max_iterations; /* of all together */
  bool no_parity;      /* of the whole operator, also where there are even and odd sites */
} cw_solver;

enum { CW_SOLVE_HISTORY = 64 };
typedef struct {
  long iterations; /* of the slowest right-hand side */
  long updates;    /* times that the residual was computed in double */
  double
      residual; /* the largest |b - D x|/|b|, computed anew at the end, of configurations that there are */
  /* The largest one after each update, and the iteration: the last ones that there is room for. */
  int n_history;
  double history[CW_SOLVE_HISTORY];
  long at[CW_SOLVE_HISTORY];
} cw_solve_report;

/* x = D^-1 b, x and b other data; what x holds is overwritten. Right-hand sides and configurations are independent:
 * each has coefficients and an end of its own; |b|^2 must be a float, too. scratch: rewound. report may be NULL. CW_ENUMERIC: the largest residual
 * is above the tolerance after max_iterations; the message names configuration and right-hand side, and has the
 * history. CW_ENOMEM. */
cw_status cw_dirac_solve(const cw_dirac *d, const cw_solver *solver, const cw_field *b, cw_field *x,
                         cw_arena *scratch, cw_solve_report *report);

/* ------------------------------------------------------ sources, propagators */

typedef enum {
  CW_SOURCE_POINT = 0, /* one site */
  CW_SOURCE_WALL, /* all of space at its time: colours of different sites cancel in the mean over gauges alone */
  CW_SOURCE_GAUSS /* the point, and steps times (1 + weight H)/(1 + 6 weight), H the sum over the six neighbours in
                          space with their links (S. Guesken, Nucl. Phys. B Proc. Suppl. 17 (1990) 361) */
} cw_source_kind;

typedef struct {
  cw_source_kind kind;
  int at[4]; /* the point; of a wall: at[3] */
  int steps;
  double weight;
} cw_source;

enum { CW_COLUMNS = 12 }; /* spin 0 colour 0, 1, 2, spin 1 ... of the source */

/* Columns first .. first + n - 1 of a source as right-hand sides 0 .. n-1 of b (24 n components); all of b is
 * overwritten. Smearing takes scratch. CW_ENOMEM. */
cw_status cw_dirac_source(const cw_dirac *d, const cw_source *source, int first, int n, cw_field *b,
                          cw_arena *scratch);
/* s = D^-1 of all columns (12 right-hand sides), so many at a time as caches like. Fails as cw_dirac_solve. report: of
 * the worst of them; NULL allowed. */
cw_status cw_dirac_propagator(const cw_dirac *d, const cw_solver *solver, const cw_source *source,
                              cw_field *s, cw_arena *scratch, cw_solve_report *report);

/* -------------------------------------------------------------- derivatives */

/* Along U_mu(x) -> exp(e w T) U_mu(x) at e = 0, w (32 components, 8 for each link, causeway/group.h) a tangent vector on
 * the block links: makes of slope, created like d, the operator dD/de, that cw_dirac_apply then applies and nothing
 * inverts. Exact, with the clover term. CW_ENOMEM as cw_dirac_load. */
cw_status cw_dirac_load_slope(cw_dirac *slope, const cw_quark *quark, const cw_field *links,
                              const cw_field *w);
/* ds = -D^-1 (dD/de) s: the derivative of a propagator whose source does not depend on the links, by one more solve for
 * each column. Fails as cw_dirac_solve. */
cw_status cw_dirac_slope(const cw_dirac *d, const cw_dirac *slope, const cw_solver *solver,
                         const cw_field *s, cw_field *ds, cw_arena *scratch);
/* ds = ds/dkappa at fixed csw = (D^-1 s - s)/kappa, as D - 1 is proportional to kappa. */
cw_status cw_dirac_kappa_slope(const cw_dirac *d, const cw_solver *solver, const cw_field *s,
                               cw_field *ds, cw_arena *scratch);

/* ------------------------------------------------------------------- mesons */

/* C(p, t) = sum_x cos(p (x - x0)) c(x0 + (x, t)), the mean over p = 2 pi n/L along each of the directions of space, of
 *   pion   sum tr S S^+,
 *   rho    sum tr gamma5 gamma_i S gamma_i gamma5 S^+, the mean over i,
 *   a0    -sum tr gamma5 S gamma5 S^+,
 *   axial -sum tr gamma_t S S^+: gamma_t gamma5 at x, the pion at x0,
 * S = S(x, x0): -tr G S G' gamma5 S^+ gamma5 with G' = gamma_t G^+ gamma_t, positive where a state propagates. */
typedef enum { CW_MESON_PION = 0, CW_MESON_RHO, CW_MESON_A0, CW_MESON_AXIAL, CW_MESONS } cw_meson;

/* c (B, CW_MESONS, n_momenta, T), n = 0 .. n_momenta - 1, of a propagator (12 right-hand sides) from source->at. ds not
 * NULL: their derivatives, where that of s is ds. CW_ENOMEM. */
cw_status cw_dirac_mesons(const cw_dirac *d, const cw_field *s, const cw_field *ds,
                          const cw_source *source, int n_momenta, double *c, cw_arena *scratch);

#ifdef __cplusplus
}
#endif
#endif
