/* SU(3) gauge theory in 2 to 4 dimensions. Everything is in src/theory/wilson. */
#include "theory/wilson/torus.h"

static double known_lnz(int form, const cw_lattice *lat, const double *p) {
  return cw_torus_lnz(3, form, lat, p);
}

extern const cw_theory_ops cw_theory_su3;
const cw_theory_ops cw_theory_su3 = {
    .name = "su3",
    .title = "SU(3) gauge theory",
    .source = "S = -sum_P (beta_P/3) Re tr P: K. G. Wilson, Phys. Rev. D 10 (1974) 2445; defect: "
              "arXiv:2012.14000",
    .kind = CW_LINK_SU3,
    .known_lnz = known_lnz,
    CW_WILSON_OPS,
};
