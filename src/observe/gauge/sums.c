/* From kernels over slices to the numbers of a configuration. */
#include <math.h>
#include <string.h>

#include "observe/gauge/gauge.h"
#include "simd/dispatch.h"

CW_ISA_TABLES(cw_gauge_kernels, cw_gauge_kernels);

const cw_gauge_kernels_of *cw_gauge_kernels_for(const cw_theory *th) {
  const cw_gauge_kernels *k = CW_DISPATCH(th->isa, cw_gauge_kernels);
  switch (th->ops->kind) {
  case CW_LINK_U1:
    return &k->u1;
  case CW_LINK_SU2:
    return &k->su2;
  case CW_LINK_SU3:
    return &k->su3;
  default:
    return NULL;
  }
}

bool cw_gauge_theory(const cw_theory *th) {
  return cw_kind(th->ops->kind)->on_links && th->geom->lat.dim >= 2;
}

double cw_gauge_trace_norm(const cw_theory *th) { return th->ops->kind == CW_LINK_U1 ? 1 : 0.5; }

cw_status cw_gauge_sum(const cw_theory *th, const double *block, cw_slice_kernel *kernel,
                       const void *arg, int n, cw_lane_row *out, cw_arena *arena) {
  const cw_geometry *g = th->geom;
  const int per_sub = cw_slices(g);
  const long n_slices = cw_slice_count(g);
  cw_arena_mark mark = cw_arena_save(arena);
  /* by slice as the kernels write them, then by row as cw_sum_parts reads them */
  cw_lane_row *part = cw_arena_alloc(arena, (size_t)(n_slices * n) * sizeof *part);
  cw_lane_row *row = cw_arena_alloc(arena, (size_t)n_slices * sizeof *row);
  if (part == NULL || row == NULL) return CW_ENOMEM;
#pragma omp parallel for num_threads(cw_theory_threads(th)) schedule(static)
  for (long i = 0; i < n_slices; i++)
    kernel(g, block, arg, cw_slice_begin(g, i), cw_slice_begin(g, i + 1), part + i * n);
  for (int k = 0; k < n; k++) {
    for (long i = 0; i < n_slices; i++) memcpy(row[i], part[i * n + k], sizeof *row);
    memset(out[k], 0, sizeof *out);
    cw_sum_parts(g, row[0], per_sub, out[k]);
  }
  cw_arena_rewind(arena, mark);
  return CW_OK;
}

static double n_planes(const cw_theory *th) {
  return 0.5 * th->geom->lat.dim * (th->geom->lat.dim - 1);
}

double cw_gauge_plaquette(const cw_theory *th, const cw_lane_row *sums, int b) {
  const double n = n_planes(th) * (double)th->geom->n_sites * cw_kind(th->ops->kind)->n_colours;
  return (sums[CW_PLAQUETTES_S][b] + sums[CW_PLAQUETTES_T][b]) / n;
}

double cw_gauge_energy(const cw_theory *th, const cw_lane_row *sums, int b) {
  return 0.5 * sums[CW_F_SQUARED][b] / (double)th->geom->n_sites;
}

double cw_gauge_energy_plaquette(const cw_theory *th, const cw_lane_row *sums, int b) {
  const double n_colours = cw_kind(th->ops->kind)->n_colours;
  return n_planes(th) * n_colours * (1 - cw_gauge_plaquette(th, sums, b)) / cw_gauge_trace_norm(th);
}

/* Each of the three products stands for 8 terms of the sum over indices. */
double cw_gauge_charge(const cw_theory *th, const cw_lane_row *sums, int b) {
  return cw_gauge_trace_norm(th) / (4 * M_PI * M_PI) * sums[CW_F_DUAL][b];
}
