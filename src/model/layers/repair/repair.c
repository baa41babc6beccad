/* Layer `repair`: its passes, and how it is made. See repair.h. */
#include "model/layers/repair/repair.h"

#include <stdlib.h>
#include <string.h>

#include "causeway/wilson.h"
#include "model/layers/plain.h"

typedef double row[CW_LANES];
typedef struct {
  double at[CW_RESIDUAL_REAL * CW_LANES] CW_ALIGNED;
} link_rows;

/* ---- a class ---- */

size_t cw_repair_local_size(const cw_repair *s) { return (size_t)(s->patch.n * s->B * s->n_real); }

cw_status cw_repair_open_local(const cw_layer *L, const double *theta, cw_arena *arena,
                               cw_repair_local *f) {
  const cw_repair *s = L->impl;
  const size_t local = cw_repair_local_size(s) * sizeof(double), most = (size_t)s->most;
  const size_t links = most * (size_t)(s->B * s->n_real) * sizeof(double);
  *f = (cw_repair_local){.x = cw_arena_alloc(arena, local),
                         .once = cw_arena_alloc(arena, local),
                         .twice = cw_arena_alloc(arena, local),
                         .kept = cw_arena_alloc(arena, links),
                         .filled = cw_arena_alloc(arena, links),
                         .a = cw_arena_alloc(arena, most * sizeof *f->a),
                         .b = cw_arena_alloc(arena, most * sizeof *f->b),
                         .theta = theta};
  if (!s->smears) f->twice = f->x;
  return f->x && f->once && f->twice && f->kept && f->filled && f->a && f->b ? CW_OK : CW_ENOMEM;
}

/* The active links of x go to `to`, or come back from it. */
static void copy_active(const cw_repair *s, const cw_repair_class *k, double *x, double *to,
                        bool back) {
  const size_t n = (size_t)(s->B * s->n_real);
  for (long i = 0; i < k->active.n; i++) {
    double *here = x + (size_t)k->active.link[i].to * n, *there = to + (size_t)i * n;
    memcpy(back ? here : there, back ? there : here, n * sizeof *x);
  }
}

void cw_repair_smear(const cw_repair *s, const cw_repair_class *k, cw_repair_local *f) {
  const int staples = 2 * (s->dim - 1);
  cw_repair_spread(s, k, f->theta, f->a, f->b);
  if (!s->smears) return;
  s->op->fill(&k->active, staples, s->B, f->x, f->filled);
  copy_active(s, k, f->x, f->kept, false);
  copy_active(s, k, f->x, f->filled, true);
  s->op->smear(&k->once, staples, s->B, s->weight, f->x, f->once);
  s->op->smear(&k->twice, staples, s->B, s->weight, f->once, f->twice);
  copy_active(s, k, f->x, f->kept, true);
}

long cw_repair_batch(const cw_repair *s, const cw_repair_class *k, long first) {
  const int orbit = k->near[first / s->B]->orbit;
  long n = 0;
  while (n < CW_LANES && first + n < k->active.n * s->B &&
         k->near[(first + n) / s->B]->orbit == orbit)
    n++;
  return n;
}

bool cw_repair_turn(const cw_repair *s, const cw_repair_class *k, bool inverse, cw_repair_local *f,
                    double *logj) {
  bool found = true;
  cw_repair_smear(s, k, f);
  for (long first = 0, n; first < k->active.n * s->B; first += n) {
    cw_repair_sum v;
    link_rows u, e, to;
    cw_algebra_rows w;
    cw_matrix_rows dx;
    row logdet CW_ALIGNED;
    n = cw_repair_batch(s, k, first);
    cw_repair_find_sum(s, k, f, first, &v);
    s->op->fetch(&k->active, s->B, first, f->x, u.at);
    if (inverse) {
      found &= s->of_link->solve(u.at, v.v.at, &v.c, to.at, w.at);
      s->of_link->terms(to.at, v.v.at, &v.c, w.at, dx.at);
    } else {
      s->of_link->terms(u.at, v.v.at, &v.c, w.at, dx.at);
      s->rows->exp(e.at, w.at);
      s->rows->mul(to.at, e.at, u.at);
    }
    s->jacobian->map(w.at, dx.at, NULL, logdet);
    s->op->store(&k->active, s->B, first, n, to.at, f->x);
    for (long i = 0; i < n; i++) logj[(first + i) % s->B] += inverse ? -logdet[i] : logdet[i];
  }
  return found;
}

/* ---- passes ---- */

static cw_status turn_all(const cw_layer *L, bool inverse, cw_repair_local *f, double *logj) {
  const cw_repair *s = L->impl;
  for (int c = 0; c < s->n_classes; c++)
    if (!cw_repair_turn(s, &s->class[inverse ? s->n_classes - 1 - c : c], inverse, f, logj))
      return CW_ENUMERIC;
  return CW_OK;
}

/* A block as a field, and its local one. */
static cw_field block_of(const cw_layer *L, const cw_patch *patch, double *data) {
  const cw_repair *s = L->impl;
  return (cw_field){.geom = L->geom,
                    .patch = patch,
                    .n_comp = L->n_comp,
                    .B = s->B,
                    .n_config = s->B,
                    .n_blocks = 1,
                    .data = data};
}

static cw_status pass(const cw_layer *L, cw_theta th, bool inverse, double *x, double *logj,
                      cw_arena *tape, void **frame) {
  const cw_repair *s = L->impl;
  const size_t bytes = cw_repair_local_size(s) * sizeof(double);
  cw_repair_frame *to = cw_arena_alloc(tape, sizeof *to);
  double *side[2] = {cw_arena_alloc(tape, bytes), cw_arena_alloc(tape, bytes)};
  cw_repair_local f;
  cw_field block = block_of(L, NULL, x);
  if (to == NULL || side[0] == NULL || side[1] == NULL) return CW_ENOMEM;
  const cw_arena_mark mark = cw_arena_save(tape);
  CW_TRY(cw_repair_open_local(L, th.d, tape, &f));
  cw_field local = block_of(L, &s->patch, f.x);
  cw_field_to_patch(&local, &block);
  memcpy(side[0], f.x, bytes);
  CW_TRY(turn_all(L, inverse, &f, logj));
  memcpy(side[1], f.x, bytes);
  cw_field_from_patch(&block, &local, NULL);
  cw_arena_rewind(tape, mark);
  *to = (cw_repair_frame){side[inverse ? 1 : 0], side[inverse ? 0 : 1]};
  *frame = to;
  return CW_OK;
}

static cw_status forward(const cw_layer *L, cw_theta th, double *x, double *logj, cw_arena *tape,
                         void **frame) {
  return pass(L, th, false, x, logj, tape, frame);
}

static cw_status inverse(const cw_layer *L, cw_theta th, double *y, double *logj, cw_arena *tape,
                         void **frame) {
  return pass(L, th, true, y, logj, tape, frame);
}

/* ---- on a patch of others ---- */

static void links(const cw_layer *L, const cw_link_set **moves, const cw_link_set **reads) {
  const cw_repair *s = L->impl;
  *moves = &s->moves;
  *reads = &s->reads;
}

/* The local field is the block's links in another order. */
static cw_status on_patch(const cw_layer *L, cw_theta th, bool turns_back, cw_field *block,
                          double *logj, cw_arena *work) {
  const cw_repair *s = L->impl;
  const size_t n = (size_t)(s->B * s->n_real);
  const int32_t *place = block->patch->place;
  const cw_arena_mark mark = cw_arena_save(work);
  cw_repair_local f;
  CW_TRY(cw_repair_open_local(L, th.d, work, &f));
  for (long i = 0; i < s->patch.n; i++)
    memcpy(f.x + (size_t)i * n, block->data + (size_t)place[s->number[i]] * n, n * sizeof *f.x);
  CW_TRY(turn_all(L, turns_back, &f, logj));
  for (int c = 0; c < s->n_classes; c++)
    for (long i = 0; i < s->class[c].active.n; i++) {
      const size_t from = (size_t)s->class[c].active.link[i].to;
      memcpy(block->data + (size_t)place[s->number[from]] * n, f.x + from * n, n * sizeof *f.x);
    }
  cw_arena_rewind(work, mark);
  return CW_OK;
}

/* ---- the layer ---- */

static void between(cw_layer *L, const cw_theory_ops *th, const double *from, const double *to) {
  double ratio[3];
  if (!cw_is_wilson(th)) return;
  for (int n = 0; n < 3; n++) { /* classes of planes with time */
    const double whole = from[1] + to[1];
    ratio[n] = whole > 0 ? (from[2 * n + 1] + to[2 * n + 1]) / whole : 1;
  }
  cw_repair_weigh(L->impl, ratio);
}

static void destroy(cw_layer *L) {
  cw_repair *s = L->impl;
  cw_repair_lists_destroy(s);
  cw_repair_orbits_destroy(&s->orbits);
  cw_layer_destroy_plain(L);
}

static const cw_layer_ops ops = {.name = "repair",
                                 .title = "links around a defect turned along staples of thin and "
                                          "smeared links",
                                 .source = "Luescher, arXiv:0907.5491, section 3; of defects "
                                           "arXiv:2404.11674",
                                 .forward = forward,
                                 .inverse = inverse,
                                 .forward_vjp = cw_repair_forward_vjp,
                                 .inverse_vjp = cw_repair_inverse_vjp,
                                 .init = cw_layer_init_zero,
                                 .destroy = destroy,
                                 .held = cw_repair_held,
                                 .between = between,
                                 .links = links,
                                 .on_patch = on_patch,
                                 .each = true};

static bool fits(cw_field_kind field) { return cw_kind(field)->on_links; }

enum { MASK, STAPLES };                                            /* word keys */
enum { BOTH, THIN };                                               /* staples */
enum { HOPS, DIRECTION, EDGE, WEIGHT = EDGE + CW_MAX_DIM, TRACE }; /* numbers */

static bool refuse(const cw_layer_spec *spec, const cw_lattice *lat, cw_layer_fault *fault) {
  const double *p = spec->param;
  *fault = (cw_layer_fault){0};
  if (cw_mask_refuses(lat, (cw_mask_kind)spec->choice[MASK], NULL, fault->why)) return true;
  if (lat->dim < 2) {
    *fault = (cw_layer_fault){.why = "needs plaquettes, so two directions at least"};
    return true;
  }
  if (p[DIRECTION] >= lat->dim) {
    *fault = (cw_layer_fault){"direction", "the lattice has no such direction"};
    return true;
  }
  for (int d = 0; d < CW_MAX_DIM; d++) {
    const bool flat = d >= lat->dim || d == (int)p[DIRECTION];
    if (p[EDGE + d] <= (flat ? 1 : lat->extent[d])) continue;
    *fault = (cw_layer_fault){.why = "has a defect that does not fit the lattice"};
    return true;
  }
  return false;
}

static cw_repair_orbits defect_of(const cw_layer_spec *spec, int dim) {
  cw_repair_orbits o = {
      .dim = dim, .direction = (int)spec->param[DIRECTION], .hops = (int)spec->param[HOPS]};
  for (int d = 0; d < CW_MAX_DIM; d++) o.edge[d] = (int)spec->param[EDGE + d];
  return o;
}

static cw_status create(cw_context *ctx, const cw_layer_spec *spec, cw_field_kind field,
                        const cw_geometry *geom, cw_layer **out) {
  const cw_isa isa = cw_context_isa(ctx);
  CW_TRY(cw_layer_create_holding(ctx, &ops, geom, 0, sizeof(cw_repair), out));
  cw_repair *s = (*out)->impl;
  *s = (cw_repair){.field = field,
                   .n_real = cw_kind(field)->n_real,
                   .d = cw_kind(field)->n_algebra,
                   .dim = geom->lat.dim,
                   .B = CW_LANES / geom->V,
                   .weight = spec->param[WEIGHT],
                   .smears = spec->choice[STAPLES] == BOTH,
                   .trace = spec->param[TRACE] != 0,
                   .orbits = defect_of(spec, geom->lat.dim),
                   .op = &CW_DISPATCH(isa, cw_repair_kernels)->kind[field],
                   .of_link = &CW_DISPATCH(isa, cw_residual_kernels)->kind[field],
                   .rows = &CW_DISPATCH(isa, cw_row_kernels)->kind[field],
                   .jacobian = &CW_DISPATCH(isa, cw_jacobian_kernels)->kind[field]};
  cw_status st = cw_repair_find_orbits(ctx, &s->orbits);
  if (st == CW_OK) st = cw_repair_list_classes(ctx, geom, (cw_mask_kind)spec->choice[MASK], s);
  (*out)->n_theta = st == CW_OK ? cw_repair_n_theta(s) : 0;
  if (st == CW_OK) return CW_OK;
  destroy(*out);
  *out = NULL;
  return st;
}

/* Those of the defect have the names of the theory's. */
static const cw_param params[] = {
    {"hops", "plaquette hops from the links of the defect to those that move", 1, 0, 4, CW_WHOLE},
    {"direction", "of the links of the defect", 0, 0, CW_MAX_DIM - 1, CW_WHOLE},
    {"edge_0", "size of the defect in direction 0, from coordinate 0 on", 1, 1, 16, CW_WHOLE},
    {"edge_1", "size of the defect in direction 1", 1, 1, 16, CW_WHOLE},
    {"edge_2", "size of the defect in direction 2", 1, 1, 16, CW_WHOLE},
    {"edge_3", "size of the defect in direction 3", 1, 1, 16, CW_WHOLE},
    {"weight", "of the staples of a link that is smeared", 0.2, 0, 1, CW_REAL},
    {"trace", "a number more for each orbit of links, of |tr U S|^2", 1, 0, 1, CW_FLAG},
    {NULL, NULL, 0, 0, 0, CW_REAL}};
static const char *const staple_words[] = {"both", "thin", NULL};
static const char *const choices_name[] = {"mask", "staples", NULL};
static const char *const *const choices[] = {cw_mask_words, staple_words};

const cw_layer_kind cw_layer_repair = {.ops = &ops,
                                       .params = params,
                                       .choices_name = choices_name,
                                       .choices = choices,
                                       .fits = fits,
                                       .split = true,
                                       .defect = true,
                                       .refuse = refuse,
                                       .create = create};
