/* Drift and projection of every kind of field. */
#include "group/kind.h"
#include "group/template.h"

#define CW_GROUP u1
#include "group/kind_template.h"
#undef CW_GROUP
#define CW_GROUP su2
#include "group/kind_template.h"
#undef CW_GROUP
#define CW_GROUP su3
#include "group/kind_template.h"
#undef CW_GROUP

static void drift_reals(double *x, const double *p, const double *eps, long first, long last) {
  for (long row = first; row < last; row++)
    for (int v = 0; v < CW_LANES; v += CW_VD) {
      double *to = x + row * CW_LANES + v;
      cw_vd step = cw_vd_load(p + row * CW_LANES + v);
      cw_vd_store(to, cw_vd_fma(cw_vd_load(eps + v), step, cw_vd_load(to)));
    }
}

static void project_reals(double *x, long first, long last) {
  (void)x;
  (void)first;
  (void)last;
}

extern const cw_kind_kernels CW_ISA_NAME(cw_kind_kernels);
const cw_kind_kernels CW_ISA_NAME(cw_kind_kernels) = {{{drift_reals, project_reals},
                                                       {cw_u1_drift_links, cw_u1_project_links},
                                                       {cw_su2_drift_links, cw_su2_project_links},
                                                       {cw_su3_drift_links, cw_su3_project_links}}};
