/* Sums of small loops over sites, on lanes; once per group. */
#include <string.h>

#include "group/template.h"
#include "group/leaves.h"
#include "observe/gauge/gauge.h"
#include "observe/gauge/stroll.h"

enum { N_VEC = CW_LANES / CW_VD };

static inline void add_row(double *row, const cw_vd *acc) {
  for (int k = 0; k < N_VEC; k++) cw_vd_store(row + k * CW_VD, acc[k]);
}

#define CW_GROUP u1
#include "group/leaves.h"
#include "observe/gauge/loops_group.h"
#undef CW_GROUP
#define CW_GROUP su2
#include "group/leaves.h"
#include "observe/gauge/loops_group.h"
#undef CW_GROUP
#define CW_GROUP su3
#include "group/leaves.h"
#include "observe/gauge/loops_group.h"
#undef CW_GROUP

/* Angles of the plaquettes in the plane (0, 1). */
static void angles(const cw_geometry *g, const double *x, const void *arg, long begin, long end,
                   cw_lane_row *sum) {
  cw_vd total[N_VEC] = {{0}};
  (void)arg;
  for (long o = begin; o < end; o++) {
    cw_link_places p;
    cw_places_from(g, o, 0, 1, &p);
    for (int k = 0; k < N_VEC; k++) {
      cw_u1_m up, u, loop;
      cw_u1_upper_staple(&up, x, g->lat.dim, &p, 0, 1, k * CW_VD);
      cw_u1_fetch(&u, x, g->lat.dim, p.at, 0, k * CW_VD);
      cw_u1_mul_nd(&loop, &u, &up);
      total[k] += cw_vd_atan2(loop.im, loop.re);
    }
  }
  add_row(sum[0], total);
}

extern const cw_gauge_kernels CW_ISA_NAME(cw_gauge_kernels);
const cw_gauge_kernels CW_ISA_NAME(cw_gauge_kernels) = {
    .u1 = {cw_u1_field_strength, cw_u1_all_loops, cw_u1_polyakov, angles},
    .su2 = {cw_su2_field_strength, cw_su2_all_loops, cw_su2_polyakov, NULL},
    .su3 = {cw_su3_field_strength, cw_su3_all_loops, cw_su3_polyakov, NULL},
};
