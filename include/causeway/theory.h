/* causeway/theory.h - target densities exp(-S(x; c)) with actions linear in their couplings, S =
 * sum_k c_k T_k(x). */
#ifndef CAUSEWAY_THEORY_H
#define CAUSEWAY_THEORY_H

#include "causeway/lattice.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CW_MAX_TERMS  8
#define CW_MAX_PARAMS 8

/* A named real parameter of a theory, sampler, layer ...: what a job file may set. */
typedef struct {
  const char *name; /* "lambda" */
  const char *help; /* one line for docs and errors */
  double preset;    /* value when the job says nothing; NAN: the job must say */
  double min, max;  /* inclusive */
} cw_param;

typedef struct cw_theory cw_theory;

/* What the numbers of a field are. */
typedef enum {
  CW_SITE_REAL = 0 /* unbounded reals on sites, flat measure */
} cw_field_kind;

typedef struct {
  const char *name;   /* "phi4": name in job files */
  const char *title;  /* "scalar phi^4 theory" */
  const char *source; /* paper and equation */
  const char *const *
      forms; /* NULL-terminated names of conventions, first is the default: {"m2", "kappa", NULL} */
  const cw_param *const *params; /* one NULL-name-terminated table per form */
  cw_field_kind kind;
  int n_comp; /* reals per site */
  int n_terms;
  bool even;     /* S(-x; c) = S(x; c) for every c: global sign flips are exact */
  int bond_term; /* k if T_k = sum_{x,mu} x_x x_{x+mu} and no other term changes with the sign of
                    a single site, so that clusters can be flipped; -1: no such term */
  /* couplings c[n_terms] of the action from parameters p of a form on a lattice. Local. */
  void (*couplings)(int form, const cw_lattice *lat, const double *p, double *c);
  /* Why exp(-S) cannot be normalised at parameters p, as a phrase for the user; NULL: it can. */
  const char *(*refuse)(int form, const cw_lattice *lat, const double *p);
  /* Kernels on all blocks of x; T (n_blocks*B, n_terms): row i is configuration i (padding lanes
   * included). Local; the caller is the one who parallelises over blocks. f: same shape as x, f =
   * -dS/dx, overwritten. */
  void (*terms)(const cw_theory *th, const cw_field *x, double *T);
  void (*force)(const cw_theory *th, const cw_field *x, const double *c, cw_field *f);
  /* The slow oracle of the two kernels: plain loops over the global sites of one configuration x
   * (n_sites, n_comp). T (n_terms); f (n_sites, n_comp) or NULL. */
  void (*reference)(const cw_lattice *lat, const double *x, const double *c, double *T, double *f);
} cw_theory_ops;

/* One theory on one lattice. Immutable after creation. Pass c explicitly to sample the same fields
 * at other couplings; th->c are the couplings of the job. */
struct cw_theory {
  const cw_theory_ops *ops;
  const cw_geometry *geom; /* borrowed */
  cw_isa isa;
  int form;
  double param[CW_MAX_PARAMS];
  double c[CW_MAX_TERMS];
};

extern const cw_theory_ops *const cw_theories[]; /* NULL-terminated; from theory/theories.def */
const cw_theory_ops *cw_theory_find(const char *name); /* NULL: no such theory */

/* params: values in the order of ops->params[form], which ops->refuse lets pass. geom is borrowed
 * and must outlive the theory; fields given to its kernels may have another split of the same
 * lattice. */
cw_theory cw_theory_make(const cw_context *ctx, const cw_theory_ops *ops, const cw_geometry *geom,
                         int form, const double *params);

/* S (n_blocks*B) = sum_k c_k T_k, summed from k = 0 up. scratch: (n_blocks*B*n_terms). Local. */
void cw_theory_action(const cw_theory *th, const cw_field *x, const double *c, double *scratch,
                      double *S);

#ifdef __cplusplus
}
#endif
#endif
