/* Sources, propagators, and derivatives of propagators. */
#include <string.h>

#include "dirac/operator.h"

/* Right-hand sides that are solved for together: more share the links, but leave the caches. */
enum { TOGETHER = 3 };

static void put_one(const cw_dirac *d, cw_field *b, const int at[4], int first, int n) {
  const long site = cw_lattice_site(&d->geom->lat, at);
  for (long i = 0; i < b->B; i++)
    for (int k = 0; k < n; k++) /* the component (spin, colour) of column first + k */
      cw_field_set(b, i, site, CW_SPINOR * k + 2 * (first + k), 1);
}

static void smear_once(const cw_dirac *d, const cw_source *source, int n, const double *in,
                       double *out) {
  const long n_slices = cw_slice_count(d->geom);
#pragma omp parallel for num_threads(d->threads) schedule(static)
  for (long i = 0; i < n_slices; i++)
    d->link_kernels->smear(d->geom, d->links[CW_DOUBLE], n, source->weight, in, out,
                           cw_slice_begin(d->geom, i), cw_slice_begin(d->geom, i + 1));
}

static cw_status smear(const cw_dirac *d, const cw_source *source, int n, cw_field *b,
                       cw_arena *scratch) {
  const cw_arena_mark mark = cw_arena_save(scratch);
  const size_t bytes = cw_field_block_size(b) * sizeof *b->data;
  double *room[2] = {b->data, cw_arena_alloc(scratch, bytes)};
  if (room[1] == NULL)
    return cw_fail(d->ctx, CW_ENOMEM, "no memory to smear a source on %ld sites", d->geom->n_sites);
  for (int i = 0; i < source->steps; i++) smear_once(d, source, n, room[i % 2], room[1 - i % 2]);
  if (source->steps % 2 == 1) memcpy(room[0], room[1], bytes);
  cw_arena_rewind(scratch, mark);
  return CW_OK;
}

cw_status cw_dirac_source(const cw_dirac *d, const cw_source *source, int first, int n, cw_field *b,
                          cw_arena *scratch) {
  const int *extent = d->geom->lat.extent;
  CW_REQUIRE(first >= 0 && n >= 1 && first + n <= CW_COLUMNS && b->n_comp == n * CW_SPINOR &&
             b->n_blocks == 1);
  memset(b->data, 0, cw_field_block_size(b) * sizeof *b->data);
  if (source->kind != CW_SOURCE_WALL) {
    put_one(d, b, source->at, first, n);
    return source->kind == CW_SOURCE_GAUSS ? smear(d, source, n, b, scratch) : CW_OK;
  }
  for (int x = 0; x < extent[0]; x++)
    for (int y = 0; y < extent[1]; y++)
      for (int z = 0; z < extent[2]; z++)
        put_one(d, b, (const int[]){x, y, z, source->at[3]}, first, n);
  return CW_OK;
}

/* A field of n right-hand sides with memory of the arena. */
static cw_status borrow_field(const cw_dirac *d, int n, const cw_field *like, cw_arena *arena,
                              cw_field *out) {
  *out = *like;
  out->n_comp = n * CW_SPINOR;
  out->owns_data = false;
  out->data = cw_arena_alloc(arena, cw_field_block_size(out) * sizeof *out->data);
  if (out->data != NULL) return CW_OK;
  return cw_fail(d->ctx, CW_ENOMEM, "no memory for a propagator on %ld sites", d->geom->n_sites);
}

/* Right-hand sides first .. first + n - 1 of a field, out of it and into it. */
static void copy_columns(cw_field *few, cw_field *all, int first, bool in) {
  const size_t row = (size_t)few->n_comp * CW_LANES, stride = (size_t)all->n_comp * CW_LANES;
  double *at = all->data + (size_t)first * CW_SPINOR * CW_LANES;
  for (size_t o = 0; o < (size_t)all->geom->n_outer; o++) {
    double *to = in ? at + o * stride : few->data + o * row,
           *from = in ? few->data + o * row : at + o * stride;
    memcpy(to, from, row * sizeof *to);
  }
}

static void keep_worst(cw_solve_report *worst, const cw_solve_report *r) {
  if (worst != NULL && !(r->residual <= worst->residual && r->iterations <= worst->iterations))
    *worst = *r;
}

/* out = D^-1 of what fill makes of columns first .. first + TOGETHER - 1. */
typedef cw_status filler(const cw_dirac *d, const void *arg, int first, cw_field *b,
                         cw_arena *scratch);
static cw_status solve_columns(const cw_dirac *d, const cw_solver *solver, filler *fill,
                               const void *arg, cw_field *out, cw_arena *scratch,
                               cw_solve_report *worst) {
  const cw_arena_mark mark = cw_arena_save(scratch);
  cw_field b, x;
  CW_REQUIRE(out->n_blocks == 1 && out->n_comp == CW_COLUMNS * CW_SPINOR);
  if (worst != NULL) *worst = (cw_solve_report){0};
  CW_TRY(borrow_field(d, TOGETHER, out, scratch, &b));
  CW_TRY(borrow_field(d, TOGETHER, out, scratch, &x));
  for (int first = 0; first < CW_COLUMNS; first += TOGETHER) {
    cw_solve_report report;
    CW_TRY(fill(d, arg, first, &b, scratch));
    const cw_status st = cw_dirac_solve(d, solver, &b, &x, scratch, &report);
    keep_worst(worst, &report);
    CW_TRY(st);
    copy_columns(&x, out, first, true);
  }
  cw_arena_rewind(scratch, mark);
  return CW_OK;
}

static cw_status fill_source(const cw_dirac *d, const void *arg, int first, cw_field *b,
                             cw_arena *scratch) {
  return cw_dirac_source(d, arg, first, TOGETHER, b, scratch);
}

cw_status cw_dirac_propagator(const cw_dirac *d, const cw_solver *solver, const cw_source *source,
                              cw_field *s, cw_arena *scratch, cw_solve_report *report) {
  return solve_columns(d, solver, fill_source, source, s, scratch, report);
}

/* -------------------------------------------------------------- derivatives */

typedef struct {
  const cw_dirac *slope; /* NULL: the columns themselves */
  const cw_field *s;
} slope_of;

/* b = -(dD/de) s */
static cw_status fill_slope(const cw_dirac *d, const void *arg, int first, cw_field *b,
                            cw_arena *scratch) {
  const slope_of *a = arg;
  const cw_arena_mark mark = cw_arena_save(scratch);
  cw_field columns, all = *a->s;
  if (a->slope == NULL) {
    copy_columns(b, &all, first, false);
    return CW_OK;
  }
  CW_TRY(borrow_field(d, TOGETHER, a->s, scratch, &columns));
  copy_columns(&columns, &all, first, false);
  cw_dirac_apply(a->slope, &columns, false, b);
  const size_t n = cw_field_block_size(b);
  for (size_t i = 0; i < n; i++) b->data[i] = -b->data[i];
  cw_arena_rewind(scratch, mark);
  return CW_OK;
}

cw_status cw_dirac_slope(const cw_dirac *d, const cw_dirac *slope, const cw_solver *solver,
                         const cw_field *s, cw_field *ds, cw_arena *scratch) {
  CW_REQUIRE(slope->slope && !d->slope && ds->data != s->data);
  return solve_columns(d, solver, fill_slope, &(slope_of){slope, s}, ds, scratch, NULL);
}

cw_status cw_dirac_kappa_slope(const cw_dirac *d, const cw_solver *solver, const cw_field *s,
                               cw_field *ds, cw_arena *scratch) {
  const size_t n = cw_field_block_size(s);
  const double kappa = d->quark.kappa;
  CW_REQUIRE(kappa != 0 && ds->data != s->data);
  CW_TRY(solve_columns(d, solver, fill_slope, &(slope_of){NULL, s}, ds, scratch, NULL));
  for (size_t i = 0; i < n; i++) ds->data[i] = (ds->data[i] - s->data[i]) / kappa;
  return CW_OK;
}
