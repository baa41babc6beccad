/* Layer `residual`: its passes, and how it is made. See residual.h. */
#include "model/layers/residual/residual.h"

#include <stdlib.h>
#include <string.h>

#include "model/layers/plain.h"

typedef double row[CW_LANES];
typedef struct {
  double at[CW_RESIDUAL_REAL * CW_LANES] CW_ALIGNED;
} link_rows;

void cw_residual_store(const cw_residual *s, int moved, long r, int n, const double *from,
                       double *to) {
  const uint8_t *class_of = s->mask.class_of + r * CW_LANES;
  for (int k = 0; k < n; k++)
    for (int l = 0; l < CW_LANES; l++)
      if (class_of[l] == moved) to[k * CW_LANES + l] = from[k * CW_LANES + l];
}

/* ---- passes ---- */

/* What a class needs at all of its links. */
typedef struct {
  const cw_layer *L;
  int moved;
  bool inverse;
  const cw_residual_c *c;
  const cw_residual_fields *f;
  double *x;    /* the block */
  double *part; /* (slices, CW_LANES): sums of ln|det| */
} turn;

/* Link row r of x; logdet (CW_LANES). false: no solution. */
static bool turn_row(const turn *t, long r, double *logdet) {
  const cw_residual *s = t->L->impl;
  const int dim = t->L->geom->lat.dim;
  const void *const field[CW_LEVELS] = {t->f->thin != NULL ? t->f->thin : t->x, t->f->at[s->steps],
                                        t->f->at[2 * s->steps]};
  double *u = t->x + r * s->n_real * CW_LANES;
  bool found = true;
  cw_sum_rows v;
  link_rows e, to;
  cw_algebra_rows w;
  cw_matrix_rows dx;
  t->f->op->sums(t->L->geom, field, r / dim, (int)(r % dim), v.at);
  if (t->inverse) {
    found = s->op->solve(u, v.at, t->c, to.at, w.at);
    s->op->terms(to.at, v.at, t->c, w.at, dx.at);
  } else {
    s->op->terms(u, v.at, t->c, w.at, dx.at);
    s->rows->exp(e.at, w.at);
    s->rows->mul(to.at, e.at, u);
  }
  s->jacobian->map(w.at, dx.at, NULL, logdet);
  cw_residual_store(s, t->moved, r, s->n_real, to.at, u);
  cw_residual_take(t->L, t->x, r, r + 1, t->f);
  return found;
}

/* The links of the class in a slice; their staples hold none of them, so that their order does not
 * matter. */
static bool turn_slice(const turn *t, long slice) {
  const cw_residual *s = t->L->impl;
  long n;
  const int *rows = cw_residual_rows(t->L, t->moved, slice, &n);
  bool found = true;
  for (long i = 0; i < n; i++) {
    const uint8_t *class_of = s->mask.class_of + (long)rows[i] * CW_LANES;
    row logdet CW_ALIGNED;
    found &= turn_row(t, rows[i], logdet);
    for (int l = 0; l < CW_LANES; l++)
      if (class_of[l] == t->moved) t->part[slice * CW_LANES + l] += logdet[l];
  }
  return found;
}

static bool turn_class(const turn *t) {
  const long n = cw_slice_count(t->L->geom);
  int lost = 0;
#pragma omp parallel for num_threads(cw_residual_threads(t->L)) schedule(static) reduction(| : lost)
  for (long i = 0; i < n; i++) lost |= !turn_slice(t, i);
  return !lost;
}

static cw_status pass(const cw_layer *L, cw_theta th, bool inverse, double *x, double *logj,
                      cw_arena *work) {
  const cw_residual *s = L->impl;
  const size_t bytes = (size_t)cw_slice_count(L->geom) * sizeof(row);
  const int n = s->mask.n_class;
  cw_residual_fields f;
  cw_residual_c c[2];
  double sum[CW_LANES], *part = cw_arena_alloc(work, bytes);
  if (part == NULL) return CW_ENOMEM;
  CW_TRY(cw_residual_open_fields(L, false, work, &f));
  cw_residual_coefficients(s, th.d, c);
  cw_residual_take(L, x, 0, L->geom->n_outer * L->geom->lat.dim, &f);
  for (int k = 0; k < n; k++) {
    const int moved = inverse ? n - 1 - k : k, mu = cw_residual_direction(s, moved);
    cw_residual_smear(L, moved, x, &f);
    memset(part, 0, bytes);
    const turn t = {.L = L,
                    .moved = moved,
                    .inverse = inverse,
                    .c = &c[mu == L->geom->lat.dim - 1 ? CW_TEMPORAL : CW_SPATIAL],
                    .f = &f,
                    .x = x,
                    .part = part};
    if (!turn_class(&t)) return CW_ENUMERIC;
    cw_sum_parts(L->geom, part, cw_slices(L->geom), sum);
    for (int b = 0; b < CW_LANES / L->geom->V; b++) logj[b] += inverse ? -sum[b] : sum[b];
  }
  return CW_OK;
}

static cw_status pass_with_frame(const cw_layer *L, cw_theta th, bool inverse, double *x,
                                 double *logj, cw_arena *tape, void **frame) {
  cw_residual_frame *f = cw_arena_alloc(tape, sizeof *f);
  void *side[2];
  if (f == NULL) return CW_ENOMEM;
  CW_TRY(cw_layer_keep(L, x, tape, &side[0]));
  side[1] = cw_arena_alloc(tape, cw_residual_field_bytes(L));
  if (side[1] == NULL) return CW_ENOMEM;
  cw_arena_mark mark = cw_arena_save(tape);
  CW_TRY(pass(L, th, inverse, x, logj, tape));
  cw_arena_rewind(tape, mark);
  memcpy(side[1], x, cw_residual_field_bytes(L));
  *f = (cw_residual_frame){side[inverse ? 1 : 0], side[inverse ? 0 : 1]};
  *frame = f;
  return CW_OK;
}

static cw_status forward(const cw_layer *L, cw_theta th, double *x, double *logj, cw_arena *tape,
                         void **frame) {
  return pass_with_frame(L, th, false, x, logj, tape, frame);
}

static cw_status inverse(const cw_layer *L, cw_theta th, double *y, double *logj, cw_arena *tape,
                         void **frame) {
  return pass_with_frame(L, th, true, y, logj, tape, frame);
}

/* ---- the layer ---- */

static void destroy(cw_layer *L) {
  cw_residual *s = L->impl;
  cw_mask_destroy(&s->mask);
  free(s->cut);
  cw_layer_destroy_plain(L);
}

static const cw_layer_ops ops = {.name = "residual",
                                 .title = "all links turned, class after class, along staples of "
                                          "thin and smeared links",
                                 .source = "Luescher, arXiv:0907.5491, section 3; Bacchio et al., "
                                           "arXiv:2212.08469",
                                 .forward = forward,
                                 .inverse = inverse,
                                 .forward_vjp = cw_residual_forward_vjp,
                                 .inverse_vjp = cw_residual_inverse_vjp,
                                 .init = cw_layer_init_zero,
                                 .destroy = destroy,
                                 .held = cw_residual_held,
                                 .each = true};

static bool fits(cw_field_kind field) { return cw_kind(field)->on_links; }

enum { MASK, COEFFICIENTS };   /* word keys */
enum { WEIGHT, STEPS, FLOAT }; /* numbers */
enum { IN_COMMON, BY_PLANE };  /* coefficients */

static bool refuse(const cw_layer_spec *spec, const cw_lattice *lat, cw_layer_fault *fault) {
  *fault = (cw_layer_fault){0};
  if (cw_mask_refuses(lat, (cw_mask_kind)spec->choice[MASK], NULL, fault->why)) return true;
  if (lat->dim > 1) return false;
  *fault = (cw_layer_fault){.why = "needs plaquettes, so two directions at least"};
  return true;
}

/* Rows are in the order of outer sites: each slice has a stretch of those of a class. */
static cw_status cut_classes(cw_context *ctx, const cw_geometry *g, cw_residual *s) {
  const long n = cw_slice_count(g);
  s->cut = calloc((size_t)(s->mask.n_class * (n + 1)), sizeof *s->cut);
  if (s->cut == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a layer");
  for (int c = 0; c < s->mask.n_class; c++) {
    long at = s->mask.begin[c];
    for (long i = 0; i <= n; i++) {
      const long first = cw_slice_begin(g, i) * s->mask.units;
      while (at < s->mask.begin[c + 1] && s->mask.row[at] < first) at++;
      s->cut[c * (n + 1) + i] = at;
    }
  }
  return CW_OK;
}

static cw_status create(cw_context *ctx, const cw_layer_spec *spec, cw_field_kind field,
                        const cw_geometry *geom, cw_layer **out) {
  const cw_isa isa = cw_context_isa(ctx);
  CW_TRY(cw_layer_create_holding(ctx, &ops, geom, 0, sizeof(cw_residual), out));
  cw_residual *s = (*out)->impl;
  *s = (cw_residual){.field = field,
                     .n_real = cw_kind(field)->n_real,
                     .d = cw_kind(field)->n_algebra,
                     .threads = cw_threads(ctx),
                     .weight = spec->param[WEIGHT],
                     .steps = (int)spec->param[STEPS],
                     .op = &CW_DISPATCH(isa, cw_residual_kernels)->kind[field],
                     .rows = &CW_DISPATCH(isa, cw_row_kernels)->kind[field],
                     .jacobian = &CW_DISPATCH(isa, cw_jacobian_kernels)->kind[field]};
  s->field_of_pass = spec->param[FLOAT] != 0 ? &s->op->fast : &s->op->exact;
  (*out)->n_theta = cw_residual_list_slots(s, &geom->lat, spec->choice[COEFFICIENTS] == BY_PLANE);
  cw_status st =
      cw_mask_create(ctx, geom, geom->lat.dim, (cw_mask_kind)spec->choice[MASK], NULL, &s->mask);
  if (st == CW_OK) st = cut_classes(ctx, geom, s);
  if (st == CW_OK) return CW_OK;
  destroy(*out);
  *out = NULL;
  return st;
}

static const cw_param params[] = {
    {"weight", "of the staples of a link that is smeared", 0.4, 0, 1, CW_REAL},
    {"steps", "of smearing to the nearer of two smeared fields, and from it to the other", 2, 1,
     CW_RESIDUAL_STEPS, CW_WHOLE},
    {"float", "frozen fields of SU(3) in float, in less time; products are those of double", 0, 0,
     1, CW_FLAG},
    {NULL, NULL, 0, 0, 0, CW_REAL}};
static const char *const coefficient_words[] = {"common", "planes", NULL};
static const char *const choices_name[] = {"mask", "coefficients", NULL};
static const char *const *const choices[] = {cw_mask_words, coefficient_words};

const cw_layer_kind cw_layer_residual = {.ops = &ops,
                                         .params = params,
                                         .choices_name = choices_name,
                                         .choices = choices,
                                         .fits = fits,
                                         .split = true,
                                         .refuse = refuse,
                                         .create = create};
