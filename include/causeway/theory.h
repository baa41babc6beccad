/* causeway/theory.h - target densities exp(-S(x; c)) with actions linear in their couplings, S =
 * sum_k c_k T_k(x). */
#ifndef CAUSEWAY_THEORY_H
#define CAUSEWAY_THEORY_H

#include "causeway/group.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CW_MAX_TERMS      8
#define CW_MAX_PARAMS     12
#define CW_MAX_COMPONENTS 64 /* reals per site of a field on sites */

/* A named parameter of a theory, sampler, observable ...: what a job file may set. */
typedef struct {
  const char *name; /* "lambda" */
  const char *help; /* one line for docs and errors */
  double preset;    /* when the job says nothing; NAN: the job must say */
  double min, max;  /* inclusive */
  enum {
    CW_REAL = 0, /* any number, */
    CW_WHOLE,    /* whole ones only, */
    CW_FLAG      /* or true and false, as 1 and 0 */
  } numbers;
} cw_param;

typedef struct cw_theory cw_theory;
typedef struct cw_theory_part cw_theory_part; /* some of its links */

/* A word and how it looks in print, UTF-8. */
typedef struct {
  const char *word, *symbol; /* "lambda", "λ" */
} cw_symbol;

typedef struct {
  const char *name;   /* "phi4": name in job files */
  const char *title;  /* "scalar phi^4 theory" */
  const char *source; /* paper and equation */
  /* How its title and the names of its forms and parameters look in print, where that is not as
   * they are; NULL-word-terminated; NULL: nowhere. */
  const cw_symbol *symbols;
  const char *const *
      forms; /* NULL-terminated names of conventions, first is the default: {"m2", "kappa", NULL} */
  const cw_param *const *params; /* one NULL-name-terminated table per form */
  cw_field_kind kind;
  /* Reals per site of a field of reals, 1 .. CW_MAX_COMPONENTS, at parameters p of a form: of whole
   * numbers among them, which no ladder changes. NULL: one. */
  int (*components)(int form, const double *p);
  int n_terms;
  bool even;      /* S(-x; c) = S(x; c) for every c: global sign flips are exact */
  int bond_term;  /* k if T_k = sum_{x,mu} x_x x_{x+mu} and no other term, but for field_term,
                     changes with the sign of a single site, so that clusters can be flipped; -1: no
                     such term. Of several components: x_x . x_{x+mu}, and with the reflection of a
                     single site in any direction, of which sites know nothing but the length then */
  int field_term; /* k > 0 if T_k = sum_x x_x and all other terms are even; 0: no such term, as
                     where there are several components */
  /* couplings c[n_terms] of the action from parameters p of a form on a lattice. Local. */
  void (*couplings)(int form, const cw_lattice *lat, const double *p, double *c);
  /* Why exp(-S) cannot be normalised at parameters p, as a phrase for the user; NULL: it can. */
  const char *(*refuse)(int form, const cw_lattice *lat, const double *p);
  /* The box of the sites within so many of a defect, a piece of the lattice where the couplings are
   * others, at parameters p; margin >= 0. false: the form has none. NULL: no form has. */
  bool (*defect)(int form, const cw_lattice *lat, const double *p, int margin, cw_box *box);
  /* Does the link from a site (0 <= coordinate < extent) in direction mu belong to the defect? NULL:
   * none does. */
  bool (*is_defect)(int form, const cw_lattice *lat, const double *p, const int coord[], int mu);
  /* Is S at couplings c the same for a field and its translations? NULL: always. */
  bool (*is_homogeneous)(const double *c);
  /* Kernels on all blocks of x; T (n_blocks*B, n_terms): row i is configuration i (padding lanes
   * included). x is split as th->geom. Local. Callers parallelise over blocks; within a block a
   * kernel may use th->threads, which has no effect inside a parallel region. f (th->n_tangent
   * components): -dS along each tangent direction (group.h; reals: -dS/dx), overwritten. */
  void (*terms)(const cw_theory *th, const cw_field *x, double *T);
  void (*force)(const cw_theory *th, const cw_field *x, const double *c,
                cw_field *f); /* NULL: spins */
  /* Terms whose bit is set, with the bits that terms gives them, for less work where it can; the
   * others are anything finite. NULL: terms does it. */
  void (*some_terms)(const cw_theory *th, const cw_field *x, unsigned set, double *T);
  /* Terms that some_terms finds on fields of a patch (cw_field) too, which has the links of the defect
   * and of their plaquettes; it must not be asked for others there. 0: none. */
  unsigned patch_terms;
  /* The share of the terms that depends on the links of a set, so that changes of these can be weighed by
   * themselves, on fields of a patch, which has them and their plaquettes, or whole ones. T (n_blocks*B,
   * n_terms) of the same bits for any split, overwritten. *part is closed by the caller in any case, NULL: nothing.
   * open: CW_ENOMEM. NULL: there is no such thing. */
  cw_status (*part_open)(cw_context *ctx, const cw_theory *th, const cw_link_set *links,
                         cw_theory_part **part);
  void (*part_terms)(const cw_theory *th, const cw_theory_part *part, const cw_field *x, double *T);
  void (*part_close)(cw_theory_part *part);
  /* ln Z at parameters p where it is known exactly on this lattice; NAN: it is not. NULL: nowhere.
   */
  double (*known_lnz)(int form, const cw_lattice *lat, const double *p);
  /* The same of an observable, by the name that it has in results; per site where the observable is. NULL:
   * of none. */
  double (*known_value)(int form, const cw_lattice *lat, const double *p, const char *quantity);
  /* The slow oracle of the two kernels: plain loops over the global sites of one configuration x
   * (n_sites, n_comp) on lat with th's form and parameters. T (n_terms); f (n_sites, n_tangent) or
   * NULL. */
  void (*reference)(const cw_theory *th, const cw_lattice *lat, const double *x, const double *c,
                    double *T, double *f);
  /* Tables that the kernels need, kept in th->own; NULL: none. CW_ENOMEM. */
  cw_status (*prepare)(cw_context *ctx, cw_theory *th);
  void (*release)(cw_theory *th);
} cw_theory_ops;

/* One theory on one lattice. Immutable after creation. Pass c explicitly to sample the same fields
 * at other couplings; th->c are the couplings of the job. */
struct cw_theory {
  const cw_theory_ops *ops;
  const cw_geometry *geom; /* borrowed */
  cw_isa isa;
  int threads;
  int n_comp, n_tangent; /* reals per site of a field, and of a force or momentum */
  int form;
  double param[CW_MAX_PARAMS];
  double c[CW_MAX_TERMS];
  void *own; /* of ops->prepare */
};

extern const cw_theory_ops *const cw_theories[]; /* NULL-terminated; from theory/theories.def */
const cw_theory_ops *cw_theory_find(const char *name); /* NULL: no such theory */

/* Components per site of a field, and of its tangent vectors, at parameters of a form. */
int cw_theory_components(const cw_theory_ops *ops, const cw_lattice *lat, int form,
                         const double *params);
int cw_theory_tangent(const cw_theory_ops *ops, const cw_lattice *lat, int form,
                      const double *params);

/* params: values in the order of ops->params[form], which ops->refuse lets pass. geom is borrowed
 * and must outlive the theory. The caller destroys *out, in any case. CW_ENOMEM. */
cw_status cw_theory_create(cw_context *ctx, const cw_theory_ops *ops, const cw_geometry *geom,
                           int form, const double *params, cw_theory *out);
void cw_theory_destroy(cw_theory *th); /* zeroed or destroyed before: nothing */

/* th at other params, which change couplings and nothing else: on a rung of a ladder. It borrows
 * what th owns; th must outlive it, and it is not destroyed. */
cw_theory cw_theory_at(const cw_theory *th, const double *params);

/* The links of the defect of th; none where it has no defect. The caller destroys *out in any case.
 * CW_ENOMEM. */
cw_status cw_theory_defect(cw_context *ctx, const cw_theory *th, cw_link_set *out);

/* The exact value of a quantity per site at parameters p of a form: "free_energy", -ln Z/V, or an
 * observable. NAN: it is not known. */
double cw_theory_known(const cw_theory_ops *ops, int form, const cw_lattice *lat, const double *p,
                       const char *quantity);

/* Is S(-x; c) = S(x; c) at these couplings? */
static inline bool cw_theory_is_even(const cw_theory_ops *ops, const double *c) {
  return ops->even || (ops->field_term > 0 && c[ops->field_term] == 0);
}

/* Has it the same couplings everywhere, so that configurations can be translated? */
static inline bool cw_theory_is_homogeneous(const cw_theory_ops *ops, const double *c) {
  return ops->is_homogeneous == NULL || ops->is_homogeneous(c);
}

/* Threads that the work on one block of fields is worth: th->threads, or 1 where the block is
 * small. */
int cw_theory_threads(const cw_theory *th);

/* ln of the integral of exp(-S) over a single site of n_comp reals, or of its sum over a single spin,
 * without its bonds, at couplings c (ops->n_terms; that of ops->bond_term is not used). Several reals:
 * of a theory with a bond_term, which promises that S knows their length alone. NAN: it diverges, or is
 * too narrow for the quadrature. */
double cw_one_site_lnz(const cw_theory_ops *ops, int n_comp, const double *c);

/* S (n_blocks*B) = sum_k c_k T_k, summed from k = 0 up. scratch: (n_blocks*B*n_terms). Local. */
void cw_theory_action(const cw_theory *th, const cw_field *x, const double *c, double *scratch,
                      double *S);

#ifdef __cplusplus
}
#endif
#endif
