/* The operator: links with phases and the site term in both precisions, and kernels over slices. */
#include "dirac/operator.h"

#include <math.h>
#include <string.h>

#include "simd/dispatch.h"

CW_ISA_TABLES(cw_dirac_kernels, cw_dirac_kernels);
CW_ISA_TABLES(cw_dirac_link_kernels, cw_dirac_link_kernels);

bool cw_dirac_has_parity(const cw_geometry *g) {
  for (int mu = 0; mu < g->lat.dim; mu++)
    if (g->piece[mu] % 2 != 0) return false;
  return true;
}

static size_t numbers(const cw_geometry *g, int of_site) {
  return (size_t)g->n_outer * (size_t)of_site * CW_LANES;
}

static void find_parity(cw_dirac *d) {
  for (long o = 0; o < d->geom->n_outer; o++) {
    int coord[CW_MAX_DIM], sum = 0;
    cw_lattice_coord(&d->geom->lat, d->geom->site[o * d->geom->V], coord);
    for (int mu = 0; mu < 4; mu++) sum += coord[mu];
    d->parity[o] = (uint8_t)(sum % 2);
  }
}

cw_status cw_dirac_create(cw_context *ctx, const cw_geometry *geom, cw_isa isa, int threads,
                          cw_arena *arena, cw_dirac **out) {
  CW_REQUIRE(geom->lat.dim == 4);
  const size_t n_slices = (size_t)cw_slice_count(geom), links = numbers(geom, 4 * CW_SU3);
  cw_dirac *d = cw_arena_alloc(arena, sizeof *d);
  if (d == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a Dirac operator");
  *d = (cw_dirac){.ctx = ctx, .geom = geom, .arena = arena, .threads = threads};
  d->kernels = CW_DISPATCH(isa, cw_dirac_kernels);
  d->link_kernels = CW_DISPATCH(isa, cw_dirac_link_kernels);
  d->has_parity = cw_dirac_has_parity(geom);
  d->parity = cw_arena_alloc(arena, (size_t)geom->n_outer);
  d->part = cw_arena_alloc(arena, n_slices * 2 * CW_DIRAC_MAX_RHS * sizeof *d->part);
  d->row = cw_arena_alloc(arena, n_slices * sizeof *d->row);
  d->links[CW_DOUBLE] = cw_arena_alloc(arena, links * sizeof(double));
  d->links[CW_FLOAT] = cw_arena_alloc(arena, links * sizeof(float));
  if (!d->parity || !d->part || !d->row || !d->links[CW_DOUBLE] || !d->links[CW_FLOAT])
    return cw_fail(ctx, CW_ENOMEM, "no memory for a Dirac operator on %ld sites", geom->n_sites);
  find_parity(d);
  *out = d;
  return CW_OK;
}

/* Multiplies the links that leave the lattice in direction mu with exp(i pi twist). */
static void twist_links(const cw_dirac *d, int mu, double twist) {
  const cw_geometry *g = d->geom;
  const double c = fabs(twist) == 1 ? -1 : cos(M_PI * twist),
               s = fabs(twist) == 1 ? 0 : sin(M_PI * twist);
  const int B = CW_LANES / g->V;
  double *links = d->links[CW_DOUBLE];
  for (long o = 0; o < g->n_outer; o++)
    for (int lane = 0; lane < CW_LANES; lane++) {
      int coord[CW_MAX_DIM];
      cw_lattice_coord(&g->lat, g->site[o * g->V + lane / B], coord);
      if (coord[mu] != g->lat.extent[mu] - 1) continue;
      double *u = links + (o * 4 + mu) * (CW_SU3 * CW_LANES) + lane;
      for (int k = 0; k < CW_SU3; k += 2, u += 2 * CW_LANES) {
        const double re = u[0], im = u[CW_LANES];
        u[0] = c * re - s * im;
        u[CW_LANES] = c * im + s * re;
      }
    }
}

static void to_float(const cw_dirac *d, void *const pair[2], int of_site) {
  const double *from = pair[CW_DOUBLE];
  float *to = pair[CW_FLOAT];
  const long n = (long)numbers(d->geom, of_site) / CW_LANES;
#pragma omp parallel for num_threads(d->threads) schedule(static)
  for (long i = 0; i < n; i++)
    for (int l = 0; l < CW_LANES; l++) to[i * CW_LANES + l] = (float)from[i * CW_LANES + l];
}

static cw_status make_room_for_site_term(cw_dirac *d) {
  const size_t n = numbers(d->geom, CW_CLOVER);
  for (int p = 0; p < 2 && (d->term[p] == NULL || d->inverse[p] == NULL); p++) {
    const size_t bytes = n * (p == CW_DOUBLE ? sizeof(double) : sizeof(float));
    d->term[p] = cw_arena_alloc(d->arena, bytes);
    d->inverse[p] = cw_arena_alloc(d->arena, bytes);
    if (d->term[p] == NULL || d->inverse[p] == NULL)
      return cw_fail(d->ctx, CW_ENOMEM, "no memory for the clover term on %ld sites",
                     d->geom->n_sites);
  }
  return CW_OK;
}

static cw_status load_site_term(cw_dirac *d, const double *links) {
  const long n_slices = cw_slice_count(d->geom);
  CW_TRY(make_room_for_site_term(d));
#pragma omp parallel for num_threads(d->threads) schedule(static)
  for (long i = 0; i < n_slices; i++)
    d->link_kernels->clover(d->geom, links, d->quark.kappa * d->quark.csw, d->term[CW_DOUBLE],
                            d->inverse[CW_DOUBLE], cw_slice_begin(d->geom, i),
                            cw_slice_begin(d->geom, i + 1));
  to_float(d, d->term, CW_CLOVER);
  to_float(d, d->inverse, CW_CLOVER);
  return CW_OK;
}

static void begin_load(cw_dirac *d, const cw_quark *quark, const cw_field *links) {
  CW_REQUIRE(links->n_blocks == 1 && links->n_comp == 4 * CW_SU3 && links->geom->V == d->geom->V);
  d->quark = *quark;
  d->n_config = links->n_config;
  d->first_config = links->first_chain;
}
static void finish_links(cw_dirac *d) {
  for (int mu = 0; mu < 4; mu++)
    if (d->quark.twist[mu] != 0) twist_links(d, mu, d->quark.twist[mu]);
  to_float(d, d->links, 4 * CW_SU3);
}

cw_status cw_dirac_load(cw_dirac *d, const cw_quark *quark, const cw_field *links) {
  begin_load(d, quark, links);
  d->slope = false;
  memcpy(d->links[CW_DOUBLE], links->data, numbers(d->geom, 4 * CW_SU3) * sizeof(double));
  finish_links(d);
  return quark->csw != 0 ? load_site_term(d, links->data) : CW_OK;
}

cw_status cw_dirac_load_slope(cw_dirac *d, const cw_quark *quark, const cw_field *links,
                              const cw_field *w) {
  const long n_slices = cw_slice_count(d->geom);
  CW_REQUIRE(w->n_blocks == 1 && w->n_comp == 32 && w->geom->V == d->geom->V);
  begin_load(d, quark, links);
  d->slope = true;
  if (quark->csw != 0) CW_TRY(make_room_for_site_term(d));
#pragma omp parallel for num_threads(d->threads) schedule(static)
  for (long i = 0; i < n_slices; i++)
    d->link_kernels->turn_links(links->data, w->data, d->links[CW_DOUBLE],
                                cw_slice_begin(d->geom, i), cw_slice_begin(d->geom, i + 1));
  if (quark->csw != 0) {
#pragma omp parallel for num_threads(d->threads) schedule(static)
    for (long i = 0; i < n_slices; i++) /* before the phases come in, which cancel in loops */
      d->link_kernels->clover_slope(d->geom, links->data, d->links[CW_DOUBLE],
                                    quark->kappa * quark->csw, d->term[CW_DOUBLE],
                                    cw_slice_begin(d->geom, i), cw_slice_begin(d->geom, i + 1));
    to_float(d, d->term, CW_CLOVER);
  }
  finish_links(d);
  return CW_OK;
}

const void *cw_dirac_term(const cw_dirac *d, cw_precision precision) {
  return d->quark.csw != 0 ? d->term[precision] : NULL;
}
const void *cw_dirac_inverse(const cw_dirac *d, cw_precision precision) {
  return d->quark.csw != 0 ? d->inverse[precision] : NULL;
}
const cw_dirac_kernels_of *cw_dirac_kernels_in(const cw_dirac *d, cw_precision precision) {
  return precision == CW_DOUBLE ? &d->kernels->in_double : &d->kernels->in_float;
}

/* Totals of n rows for each right-hand side of the range, out of the parts of all slices. */
static void add_parts(const cw_dirac *d, const cw_dirac_range *r, int of_one, cw_dirac_row *sum) {
  const cw_geometry *g = d->geom;
  const long n_slices = cw_slice_count(g);
  const int n_rows = r->n_rhs * of_one, B = CW_LANES / g->V;
  for (int i = 0; i < r->n; i++)
    for (int k = r->index[i] * of_one; k < (r->index[i] + 1) * of_one; k++) {
      double total[CW_LANES];
      for (long s = 0; s < n_slices; s++)
        memcpy(d->row[s], d->part[s * n_rows + k], sizeof *d->row);
      cw_sum_parts(g, d->row[0], cw_slices(g), total);
      for (int l = 0; l < CW_LANES; l++) sum[k][l] = total[l % B];
    }
}

void cw_dirac_run_hop(const cw_dirac *d, cw_precision precision, cw_dirac_hop *a,
                      cw_dirac_row *norm) {
  const cw_dirac_kernels_of *k = cw_dirac_kernels_in(d, precision);
  const long n_slices = cw_slice_count(d->geom);
  a->links = d->links[precision];
#pragma omp parallel for num_threads(d->threads) schedule(static)
  for (long i = 0; i < n_slices; i++)
    k->hop(a, cw_slice_begin(d->geom, i), cw_slice_begin(d->geom, i + 1),
           norm != NULL ? d->part + i * a->range.n_rhs : NULL);
  if (norm != NULL) add_parts(d, &a->range, 1, norm);
}

void cw_dirac_run_site(const cw_dirac *d, cw_precision precision, const cw_dirac_site *a) {
  const cw_dirac_kernels_of *k = cw_dirac_kernels_in(d, precision);
  const long n_slices = cw_slice_count(d->geom);
#pragma omp parallel for num_threads(d->threads) schedule(static)
  for (long i = 0; i < n_slices; i++)
    k->site(a, cw_slice_begin(d->geom, i), cw_slice_begin(d->geom, i + 1));
}

void cw_dirac_run_vectors(const cw_dirac *d, cw_dirac_vector_kernel *kernel,
                          const cw_dirac_vectors *v, int of_one, cw_dirac_row *sum) {
  const long n_slices = cw_slice_count(d->geom);
#pragma omp parallel for num_threads(d->threads) schedule(static)
  for (long i = 0; i < n_slices; i++)
    kernel(v, cw_slice_begin(d->geom, i), cw_slice_begin(d->geom, i + 1),
           sum != NULL ? d->part + i * v->range.n_rhs * of_one : NULL);
  if (sum != NULL) add_parts(d, &v->range, of_one, sum);
}

void cw_dirac_run_matrix(const cw_dirac *d, cw_precision precision, const cw_dirac_range *range,
                         const void *in, bool gamma5, void *out, cw_dirac_row *norm) {
  const double kappa = d->quark.kappa;
  cw_dirac_hop last = {
      .range = *range, .in = in, .base = in, .scale = -kappa, .gamma5 = gamma5, .out = out};
  last.of_base = cw_dirac_term(d, precision);
  if (range->which == CW_ODD_SITES) {
    cw_dirac_hop first = {.range = *range, .in = in, .scale = 1, .out = out};
    first.range.which = CW_EVEN_SITES;
    first.of_hop = cw_dirac_inverse(d, precision);
    cw_dirac_run_hop(d, precision, &first, NULL);
    last.in = out;
    last.scale = -kappa * kappa;
  }
  cw_dirac_run_hop(d, precision, &last, norm);
}

static const int all_of_them[CW_DIRAC_MAX_RHS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

static cw_dirac_range range_of(const cw_dirac *d, const cw_field *x, int which) {
  const int n = x->n_comp / CW_SPINOR;
  CW_REQUIRE(x->n_blocks == 1 && x->geom->V == d->geom->V && x->n_comp == n * CW_SPINOR &&
             n <= CW_DIRAC_MAX_RHS);
  return (cw_dirac_range){d->geom, d->parity, which, n, n, all_of_them};
}

void cw_dirac_apply(const cw_dirac *d, const cw_field *in, bool gamma5, cw_field *out) {
  const cw_dirac_range r = range_of(d, in, CW_ALL_SITES);
  CW_REQUIRE(out->n_comp == in->n_comp && out->data != in->data);
  cw_dirac_run_matrix(d, CW_DOUBLE, &r, in->data, gamma5, out->data, NULL);
}

void cw_dirac_apply_odd(const cw_dirac *d, const cw_field *in, bool gamma5, cw_field *out) {
  const cw_dirac_range r = range_of(d, in, CW_ODD_SITES);
  CW_REQUIRE(d->has_parity && out->n_comp == in->n_comp && out->data != in->data);
  cw_dirac_run_matrix(d, CW_DOUBLE, &r, in->data, gamma5, out->data, NULL);
}
