/* The third-order Runge-Kutta scheme of arXiv:1006.4518, eq. (C.2), with steps adapted to the error
 * that the second-order scheme exp(eps (2 Z1 - Z0)) within it shows (after Fritzsch and Ramos,
 * arXiv:1301.4388). */
#include <math.h>
#include <string.h>

#include "observe/gauge/gauge.h"
#include "observe/gradient_flow/flow.h"
#include "simd/dispatch.h"

CW_ISA_TABLES(cw_flow_kernels, cw_flow_kernels);

static const cw_flow_kernels_of *kernels_for(const cw_theory *th) {
  const cw_flow_kernels *k = CW_DISPATCH(th->isa, cw_flow_kernels);
  return th->ops->kind == CW_LINK_U1 ? &k->u1 : th->ops->kind == CW_LINK_SU2 ? &k->su2 : &k->su3;
}

/* A field like that block, with n_comp components, in the first part of room; returns what is left.
 */
static double *place_field(cw_field *out, const cw_field *like, int n_comp, double *room) {
  *out = *like;
  out->n_comp = n_comp;
  out->owns_data = false;
  out->data = room;
  return room + cw_field_block_size(out);
}

/* The longest step that adapting may choose. A mode of momentum p of a weak field decays like
 * exp(-x) in a step eps, x = eps sum_mu 4 sin^2(p_mu/2), which is at most 4 D eps, and in this
 * scheme by the factor R = 1 - x + x^2/2 - x^3/6, as in every one of third order with three stages
 * (E. Hairer and G. Wanner, Solving Ordinary Differential Equations II, section IV.2). |R| < 1, and
 * the scheme is stable, for x < 2.5127; |R| <= exp(-x), and no mode stays longer than it should,
 * for x < 1.814. The distance that controls the step is an absolute one and does not see the modes
 * of fields that are close to trivial. The flow is isotropic and periodic whatever the action, and
 * all groups have the same free flow. */
static double longest_adapted_step(const cw_theory *th) { return 1.8 / (4 * th->geom->lat.dim); }

cw_status cw_flow_begin(cw_flow *f, const cw_theory *th, const cw_field *block, double tolerance,
                        double step, cw_arena *arena) {
  CW_REQUIRE(block->n_blocks == 1);
  *f = (cw_flow){.th = th, .tolerance = tolerance};
  f->longest_step = tolerance > 0 ? longest_adapted_step(th) : step;
  for (int b = 0; b < CW_LANES; b++) f->step[b] = fmin(step, f->longest_step);
  const size_t rows = (size_t)(th->geom->n_outer * (2 * th->n_comp + 3 * th->n_tangent));
  const size_t slices = (size_t)cw_slice_count(th->geom);
  double *room = cw_arena_alloc(arena, (rows + slices) * CW_LANES * sizeof *room);
  if (room == NULL) return CW_ENOMEM;
  room = place_field(&f->v, block, th->n_comp, room);
  room = place_field(&f->start, block, th->n_comp, room);
  for (int i = 0; i < 3; i++) room = place_field(&f->z[i], block, th->n_tangent, room);
  f->distance2 = room;
  cw_field_copy(&f->v, block);
  return CW_OK;
}

/* z_i = Z(v). With the coupling N/norm in front of every -Re tr P/N, g0^2 S_W = 2 sum Re tr(1 - P)
 * for SU(N) as in arXiv:1006.4518, and sum (1 - cos) for U(1), so that dA/dt = D F. */
static void evaluate(cw_flow *f, int i) {
  double c[CW_MAX_TERMS];
  const double weight = cw_kind(f->th->ops->kind)->n_colours / cw_gauge_trace_norm(f->th);
  for (int k = 0; k < CW_MAX_TERMS; k++) c[k] = weight;
  f->th->ops->force(f->th, &f->v, c, &f->z[i]);
}

static void advance(cw_flow *f, const cw_flow_generator *by, const double *eps, const double *in) {
  const cw_geometry *g = f->th->geom;
  const cw_flow_kernels_of *k = kernels_for(f->th);
  const long n = cw_slice_count(g);
#pragma omp parallel for num_threads(cw_theory_threads(f->th)) schedule(static)
  for (long i = 0; i < n; i++)
    k->advance(g, by, eps, in, f->v.data, cw_slice_begin(g, i), cw_slice_begin(g, i + 1));
}

/* v(t) -> start, v(t + eps) -> v. */
static void third_order(cw_flow *f, const double *eps) {
  const cw_field swap = f->start;
  const double *z0 = f->z[0].data, *z1 = f->z[1].data, *z2 = f->z[2].data;
  evaluate(f, 0);
  f->start = f->v;
  f->v = swap;
  advance(f, &(cw_flow_generator){1, {0.25}, {z0}}, eps, f->start.data);
  evaluate(f, 1);
  advance(f, &(cw_flow_generator){2, {8.0 / 9, -17.0 / 36}, {z1, z0}}, eps, f->v.data);
  evaluate(f, 2);
  advance(f, &(cw_flow_generator){3, {0.75, -8.0 / 9, 17.0 / 36}, {z2, z1, z0}}, eps, f->v.data);
}

/* distance (B): max over links of |v - second order|/N, by configuration. A maximum has the same
 * bits in any order. */
static void second_order_distance(cw_flow *f, const double *eps, double *distance) {
  const cw_geometry *g = f->th->geom;
  const cw_flow_kernels_of *k = kernels_for(f->th);
  const cw_flow_generator by = {2, {2, -1}, {f->z[1].data, f->z[0].data}};
  const long n = cw_slice_count(g);
  double largest[CW_LANES] = {0};
#pragma omp parallel for num_threads(cw_theory_threads(f->th)) schedule(static)
  for (long i = 0; i < n; i++)
    k->compare(g, &by, eps, f->start.data, f->v.data, cw_slice_begin(g, i),
               cw_slice_begin(g, i + 1), f->distance2 + i * CW_LANES);
  for (long i = 0; i < n; i++)
    for (int lane = 0; lane < CW_LANES; lane++) {
      const int b = lane % f->v.B;
      largest[b] = fmax(largest[b], f->distance2[i * CW_LANES + lane]);
    }
  for (int b = 0; b < f->v.B; b++)
    distance[b] = sqrt(largest[b]) / cw_kind(f->th->ops->kind)->n_colours;
}

/* Lanes that do not keep the step get their links at its beginning back. */
static void restore(cw_flow *f, const bool *keep) {
  const cw_geometry *g = f->th->geom;
  const long n = cw_slice_count(g);
  bool all = true;
  for (int lane = 0; lane < CW_LANES; lane++) all &= keep[lane];
  if (all) return;
#pragma omp parallel for num_threads(cw_theory_threads(f->th)) schedule(static)
  for (long i = 0; i < n; i++)
    cw_field_restore(&f->v, &f->start, keep, cw_slice_begin(g, i), cw_slice_begin(g, i + 1));
}

static const double smallest_step = 1e-5; /* its error is rounding */

/* The next step if one of size eps was off by distance, which grows like eps^3. */
static double better_step(const cw_flow *f, double eps, double distance) {
  const double factor = 0.95 * cbrt(f->tolerance / distance); /* NaN: as if there were no error */
  const double better = eps * (factor < 0.2 ? 0.2 : factor < 5 ? factor : 5);
  return fmin(fmax(better, smallest_step), f->longest_step);
}

bool cw_flow_step(cw_flow *f, double time) {
  double eps[CW_LANES] CW_ALIGNED = {0}, distance[CW_LANES] = {0};
  bool keep[CW_LANES], last[CW_LANES] = {false}, arrived = true;
  for (int b = 0; b < CW_LANES; b++) keep[b] = b >= f->v.n_config; /* padding goes nowhere */
  for (int b = 0; b < f->v.n_config; b++) {
    const double left = time - f->t[b], n_steps = ceil(left / f->step[b] * (1 - 1e-12));
    if (!(left > 0)) continue;
    arrived = false;
    last[b] = !(n_steps > 1);
    eps[b] = last[b] ? left : left / n_steps;
  }
  if (arrived) return false;
  for (int lane = f->v.B; lane < CW_LANES; lane++) eps[lane] = eps[lane % f->v.B];
  third_order(f, eps);
  if (f->tolerance > 0) second_order_distance(f, eps, distance);
  for (int b = 0; b < f->v.n_config; b++) {
    if (eps[b] == 0) continue; /* has arrived: is restored to the bit */
    keep[b] = !(distance[b] > f->tolerance) || eps[b] < smallest_step;
    if (f->tolerance > 0) f->step[b] = better_step(f, eps[b], distance[b]);
    if (keep[b]) f->t[b] = last[b] ? time : f->t[b] + eps[b];
  }
  for (int lane = f->v.B; lane < CW_LANES; lane++) keep[lane] = keep[lane % f->v.B];
  f->n_steps++;
  restore(f, keep);
  return true;
}
