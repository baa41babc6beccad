/* Inside of the gauge observables: sums over the sites of a block of links, by group and by
 * instruction set, and what is made of them. */
#ifndef CW_OBSERVE_GAUGE_H
#define CW_OBSERVE_GAUGE_H

#include "causeway/theory.h"

/* Rows of CW_LANES numbers; see each function for what stands behind a lane. */
typedef double cw_lane_row[CW_LANES];

/* Sums over the outer sites [begin, end) of one block x of links -> sum (n rows), overwritten;
 * 64-byte aligned. arg: of the kernel. */
typedef void cw_slice_kernel(const cw_geometry *geom, const double *x, const void *arg, long begin,
                             long end, cw_lane_row *sum);

/* Rows of the kernels field_strength (the first CW_N_STRENGTH) and loops (all). Traces are of the
 * defining matrices, not divided by N; clover-leaf field strength F = F^a T_a, traceless for SU(N).
 */
enum {
  CW_PLAQUETTES_S, /* Re tr P over the planes without the last direction */
  CW_PLAQUETTES_T, /* and over those with it */
  CW_F_SQUARED,    /* sum_{mu<nu} F^a_munu F^a_munu */
  CW_F_DUAL,       /* F^a_01 F^a_23 - F^a_02 F^a_13 + F^a_03 F^a_12; 4 dimensions only */
  CW_N_STRENGTH,
  CW_RECTANGLES = CW_N_STRENGTH, /* Re tr of the 1x2 loops, both orientations of every plane */
  CW_N_LOOPS
};
enum { CW_POLYAKOV_RE, CW_POLYAKOV_IM, CW_POLYAKOV_COUNT, CW_N_POLYAKOV };

typedef struct {
  cw_slice_kernel *field_strength;
  cw_slice_kernel *loops;
  cw_slice_kernel *polyakov; /* tr of the lines in the last direction, every line as many times */
  cw_slice_kernel *angles;   /* one row: arg P in (-pi, pi] of the planes (0, 1); U(1) only, else
                                NULL */
} cw_gauge_kernels_of;
typedef struct {
  cw_gauge_kernels_of u1, su2, su3;
} cw_gauge_kernels;

const cw_gauge_kernels_of *cw_gauge_kernels_for(const cw_theory *th);

/* Is it a theory of links in at least two dimensions? */
bool cw_gauge_theory(const cw_theory *th);
/* -tr T_a T_a: 1/2 for SU(N), 1 for U(1). */
double cw_gauge_trace_norm(const cw_theory *th);
/* Runs a kernel over all slices of a block with th->threads: out (n rows), number b of a row is the
 * sum over the sites of configuration b. Same bits for all splits and threads. CW_ENOMEM. */
cw_status cw_gauge_sum(const cw_theory *th, const double *block, cw_slice_kernel *kernel,
                       const void *arg, int n, cw_lane_row *out, cw_arena *arena);

/* What the sums of field_strength or loops over configuration b of a block mean. */
double cw_gauge_plaquette(const cw_theory *th, const cw_lane_row *sums, int b); /* Re tr P/N */
/* E = F^a_munu F^a_munu/4 from the clover leaves, per site (arXiv:1006.4518) */
double cw_gauge_energy(const cw_theory *th, const cw_lane_row *sums, int b);
/* the same from the plaquettes: sum_{mu<nu} Re tr(1 - P)/norm (ibid.) */
double cw_gauge_energy_plaquette(const cw_theory *th, const cw_lane_row *sums, int b);
/* Q = (norm/(32 pi^2)) sum_x eps_munurhosigma F^a_munu F^a_rhosigma, eps_0123 = 1 (4 dimensions) */
double cw_gauge_charge(const cw_theory *th, const cw_lane_row *sums, int b);

#endif
