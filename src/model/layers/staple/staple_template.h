/* Kernel of staple.isa.c for one group, CW_GROUP; included once for each. */
#include "group/staple.h"

static void G(sum_staples)(const double *x, const cw_geometry *g, long outer, int mu, double *v) {
  cw_corners at;
  cw_corners_find(&at, g, outer, mu);
  for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
    G(m) sum;
    G(staple)(&sum, x, &at, NULL, lane);
    G(store)(v + lane, &sum);
  }
}
