/* U(1) gauge theory in 2 to 4 dimensions: phases on links. Everything is in src/theory/wilson. */
#include "theory/wilson/torus.h"

static double known_lnz(int form, const cw_lattice *lat, const double *p) {
  return cw_torus_lnz(1, form, lat, p);
}

extern const cw_theory_ops cw_theory_u1;
const cw_theory_ops cw_theory_u1 = {
    .name = "u1",
    .title = "U(1) gauge theory",
    .source = "S = -sum_P beta_P cos theta_P: K. G. Wilson, Phys. Rev. D 10 (1974) 2445; defect: "
              "arXiv:2012.14000",
    .kind = CW_LINK_U1,
    .known_lnz = known_lnz,
    CW_WILSON_OPS,
};
