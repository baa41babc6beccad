/* Kernels around the operator: smearing of sources, tangents of links and of the site term, traces. */
#include <string.h>

#include "group/template.h"
#include "group/leaves.h"
#include "dirac/gamma.h"
#include "dirac/kernels.h"
#include "dirac/clover_lanes.h"
#include "dirac/mesons_lanes.h"

/* out += weight u x, or u^+ x, for the four colour vectors of a spinor. */
CW_INLINE void add_transported(double *out, const cw_su3_m *u, bool back, const double *x,
                               cw_vd weight, int lane) {
  for (int spin = 0; spin < 4; spin++)
    for (int i = 0; i < 3; i++) {
      double *y = out + (6 * spin + 2 * i) * CW_LANES + lane;
      cw_vd re = cw_vd_set1(0), im = cw_vd_set1(0);
      for (int k = 0; k < 3; k++) {
        const double *p = x + (6 * spin + 2 * k) * CW_LANES + lane;
        const cw_vd xr = cw_vd_load(p), xi = cw_vd_load(p + CW_LANES);
        const cw_vd ur = u->re[back ? 3 * k + i : 3 * i + k],
                    ui = u->im[back ? 3 * k + i : 3 * i + k];
        re = cw_vd_fma(ur, xr, re);
        re = back ? cw_vd_fma(ui, xi, re) : cw_vd_fnma(ui, xi, re);
        im = cw_vd_fma(ur, xi, im);
        im = back ? cw_vd_fnma(ui, xr, im) : cw_vd_fma(ui, xr, im);
      }
      cw_vd_store(y, cw_vd_fma(weight, re, cw_vd_load(y)));
      cw_vd_store(y + CW_LANES, cw_vd_fma(weight, im, cw_vd_load(y + CW_LANES)));
    }
}

static void smear(const cw_geometry *g, const double *links, int n_rhs, double weight,
                  const double *in, double *out, long begin, long end) {
  const cw_vd one = cw_vd_set1(1 / (1 + 6 * weight)), some = cw_vd_set1(weight / (1 + 6 * weight));
  const long row = (long)n_rhs * CW_SPINOR * CW_LANES;
  double room[CW_SPINOR * CW_LANES] CW_ALIGNED;
  for (long o = begin; o < end; o++) {
    for (long k = 0; k < row; k += CW_VD)
      cw_vd_store(out + o * row + k, one * cw_vd_load(in + o * row + k));
    for (int direction = 0; direction < 6; direction++) {
      const bool back = direction % 2 == 1;
      const cw_place next = cw_step(g, o, direction), here = {o, NULL};
      for (int k = 0; k < n_rhs; k++) {
        const double *x = in + next.outer * row + k * CW_SPINOR * CW_LANES;
        for (int c = 0; c < CW_SPINOR && next.from != NULL; c++)
          for (int lane = 0; lane < CW_LANES; lane += CW_VD)
            cw_vd_store(room + c * CW_LANES + lane,
                        cw_vd_permute(x + c * CW_LANES, next.from + lane));
        for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
          cw_su3_m u;
          cw_su3_fetch(&u, links, 4, back ? next : here, direction / 2, lane);
          add_transported(out + o * row + k * CW_SPINOR * CW_LANES, &u, back,
                          next.from != NULL ? room : x, some, lane);
        }
      }
    }
  }
}

static void turn_links(const double *links, const double *w, double *du, long begin, long end) {
  for (long i = 4 * begin; i < 4 * end; i++)
    for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
      cw_vd algebra[cw_su3_N_ALGEBRA];
      cw_su3_m x, u, product;
      for (int a = 0; a < cw_su3_N_ALGEBRA; a++)
        algebra[a] = cw_vd_load(w + (i * cw_su3_N_ALGEBRA + a) * CW_LANES + lane);
      cw_su3_from_algebra(&x, algebra);
      cw_su3_load(&u, links + i * CW_SU3 * CW_LANES + lane);
      cw_su3_mul(&product, &x, &u);
      cw_su3_store(du + i * CW_SU3 * CW_LANES + lane, &product);
    }
}

extern const cw_dirac_link_kernels CW_ISA_NAME(cw_dirac_link_kernels);
const cw_dirac_link_kernels CW_ISA_NAME(cw_dirac_link_kernels) = {.clover = clover,
                                                                  .turn_links = turn_links,
                                                                  .clover_slope = clover_slope,
                                                                  .smear = smear,
                                                                  .traces = traces};
