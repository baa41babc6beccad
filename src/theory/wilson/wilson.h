/* Inside of the Wilson action: what the theories u1, su2 and su3 share. */
#ifndef CW_THEORY_WILSON_H
#define CW_THEORY_WILSON_H

#include "causeway/wilson.h"

/* Classes of plaquettes with defect links, a bit each. */
enum { CW_WILSON_DEFECT_TERMS = (1 << CW_WILSON_CLASSES) - (1 << 2) };

enum { CW_WILSON_ISOTROPIC = 0, CW_WILSON_ANISOTROPIC, CW_WILSON_DEFECT }; /* forms */

/* The defect of form CW_WILSON_DEFECT: links of `direction` that start on the last slice of that
 * direction, 0 <= x_i < edge[i] for the other coordinates. */
typedef struct {
  int direction;
  int edge[CW_MAX_DIM];
} cw_wilson_defect;

cw_wilson_defect cw_wilson_defect_of(const double *params);
/* Does the link from site x (coordinates, 0 <= x_i < extent) in direction mu carry the factor? */
bool cw_wilson_is_defect(const cw_lattice *lat, const cw_wilson_defect *d, const int x[], int mu);

/* Kernels of one group on one block of lanes, split as th->geom. */
typedef struct {
  /* x (n_outer, n_comp, CW_LANES) -> T (B, CW_WILSON_CLASSES) */
  void (*terms)(const cw_theory *th, const double *x, double *T);
  /* The same bits for the classes of plaquettes with defect links; the others are 0. */
  void (*defect_terms)(const cw_theory *th, const double *x, double *T);
  /* Of n plaquettes alone, for one block of a field, whole or of a patch: in the order of terms. */
  void (*lone_terms)(const cw_theory *th, const cw_wilson_lone *lone, long n, const cw_field *x,
                     double *T);
  /* x -> f (n_outer, n_tangent, CW_LANES) = -dS along T_a at couplings c */
  void (*force)(const cw_theory *th, const double *x, const double *c, double *f);
} cw_wilson_kernel;

typedef struct {
  cw_wilson_kernel group[3]; /* of CW_LINK_U1, CW_LINK_SU2, CW_LINK_SU3 */
} cw_wilson_kernels;

/* The plaquette (outer, mu, nu) in the lanes of sub-lattice v, which has so many links of the defect. */
cw_wilson_lone cw_wilson_lone_of(const cw_geometry *g, const cw_wilson_plaquette *p, int v,
                                 int defects);
const cw_wilson_kernel *cw_wilson_kernel_of(const cw_theory *th);

/* Members of cw_theory_ops that all three have in common. */
extern const cw_symbol cw_wilson_symbols[];
extern const char *const cw_wilson_forms[];
extern const cw_param *const cw_wilson_params[];
void cw_wilson_couplings(int form, const cw_lattice *lat, const double *p, double *c);
const char *cw_wilson_refuse(int form, const cw_lattice *lat, const double *p);
bool cw_wilson_defect_box(int form, const cw_lattice *lat, const double *p, int margin,
                          cw_box *box);
bool cw_wilson_is_defect_link(int form, const cw_lattice *lat, const double *p, const int x[],
                              int mu);
bool cw_wilson_is_homogeneous(const double *c);
void cw_wilson_terms(const cw_theory *th, const cw_field *x, double *T);
void cw_wilson_some_terms(const cw_theory *th, const cw_field *x, unsigned set, double *T);
cw_status cw_wilson_part_open(cw_context *ctx, const cw_theory *th, const cw_link_set *links,
                              cw_theory_part **part);
void cw_wilson_part_terms(const cw_theory *th, const cw_theory_part *part, const cw_field *x,
                          double *T);
void cw_wilson_part_close(cw_theory_part *part);
void cw_wilson_force(const cw_theory *th, const cw_field *x, const double *c, cw_field *f);
void cw_wilson_reference(const cw_theory *th, const cw_lattice *lat, const double *x,
                         const double *c, double *T, double *f);
cw_status cw_wilson_prepare(cw_context *ctx, cw_theory *th);
void cw_wilson_release(cw_theory *th);

#define CW_WILSON_OPS                                                                              \
  .symbols = cw_wilson_symbols, .forms = cw_wilson_forms, .params = cw_wilson_params,              \
  .n_terms = CW_WILSON_CLASSES, .bond_term = -1, .couplings = cw_wilson_couplings,                 \
  .refuse = cw_wilson_refuse, .defect = cw_wilson_defect_box,                                      \
  .is_defect = cw_wilson_is_defect_link, .is_homogeneous = cw_wilson_is_homogeneous,               \
  .terms = cw_wilson_terms, .some_terms = cw_wilson_some_terms, .force = cw_wilson_force,          \
  .patch_terms = CW_WILSON_DEFECT_TERMS, .part_open = cw_wilson_part_open,                         \
  .part_terms = cw_wilson_part_terms, .part_close = cw_wilson_part_close,                          \
  .reference = cw_wilson_reference, .prepare = cw_wilson_prepare, .release = cw_wilson_release

#endif
