/* SU(2) gauge theory in 2 to 4 dimensions. Everything is in src/theory/wilson. */
#include "theory/wilson/torus.h"

static double known_lnz(int form, const cw_lattice *lat, const double *p) {
  return cw_torus_lnz(2, form, lat, p);
}

extern const cw_theory_ops cw_theory_su2;
const cw_theory_ops cw_theory_su2 = {
    .name = "su2",
    .title = "SU(2) gauge theory",
    .source = "S = -sum_P (beta_P/2) Re tr P: K. G. Wilson, Phys. Rev. D 10 (1974) 2445; defect: "
              "arXiv:2012.14000",
    .kind = CW_LINK_SU2,
    .known_lnz = known_lnz,
    CW_WILSON_OPS,
};
