/* Layer `snake`: two-dimensional gauge theories from Haar's measure, link after link along a path through
 * all plaquettes (path.h). It has no parameters; what it is for, beta, is a key. */
#include <math.h>
#include <string.h>

#include "model/layers/plain.h"
#include "model/layers/snake/path.h"

enum { BETA, FAR, N_PARAMS };

typedef struct {
  cw_path path;
} snake;

/* ---- configurations ---- */

static double *component(const cw_geometry *g, int n_comp, double *x, int config, long site) {
  return x + (long)g->outer[site] * n_comp * CW_LANES + g->group[site] * (CW_LANES / g->V) + config;
}

/* Links of a configuration of a block to u (links, N, N, 2), or back. */
static void take(const cw_layer *L, double *x, int config, double *u, bool back) {
  const cw_kind_ops *kind = cw_kind(L->field);
  const int n = kind->n_real, N = kind->n_colours;
  double link[CW_PATH_REAL];
  for (long i = 0; i < 2 * L->geom->n_sites; i++) {
    double *at = component(L->geom, L->n_comp, x, config, i / 2) + i % 2 * n * CW_LANES;
    double *m = u + i * 2 * N * N;
    for (int k = 0; k < n; k++) link[k] = at[k * CW_LANES];
    if (!back) cw_link_to_matrix(L->field, link, m);
    if (back) cw_link_from_matrix(L->field, m, link);
    for (int k = 0; k < n && back; k++) at[k * CW_LANES] = link[k];
  }
}

/* ---- passes ---- */

static cw_status pass(const cw_layer *L, bool inverse, double *x, double *logj, cw_arena *tape) {
  const snake *s = L->impl;
  const int N = cw_kind(L->field)->n_colours;
  const cw_arena_mark mark = cw_arena_save(tape);
  double *u = cw_arena_alloc(tape, (size_t)(L->geom->n_sites * 4 * N * N) * sizeof *u);
  if (u == NULL) return CW_ENOMEM;
  cw_status st = CW_OK;
  for (int i = 0; i < CW_LANES / L->geom->V && st == CW_OK; i++) {
    take(L, x, i, u, false);
    const double by = cw_path_map(&s->path, inverse, u);
    take(L, x, i, u, true);
    logj[i] += by;
    if (isnan(by)) st = CW_ENUMERIC;
  }
  cw_arena_rewind(tape, mark);
  return st;
}

static cw_status forward(const cw_layer *L, cw_theta th, double *x, double *logj, cw_arena *tape,
                         void **frame) {
  (void)th;
  *frame = NULL;
  return pass(L, false, x, logj, tape);
}

static cw_status inverse(const cw_layer *L, cw_theta th, double *y, double *logj, cw_arena *tape,
                         void **frame) {
  (void)th;
  *frame = NULL;
  return pass(L, true, y, logj, tape);
}

/* ---- the layer ---- */

static void destroy(cw_layer *L) {
  if (L != NULL) cw_path_destroy(&((snake *)L->impl)->path);
  cw_layer_destroy_plain(L);
}

static const cw_layer_ops ops = {
    .name = "snake",
    .title =
        "links: two-dimensional theories from Haar's measure, along a path through all plaquettes",
    .source = "A. A. Migdal, Sov. Phys. JETP 42 (1975) 413; class maps as in arXiv:2008.05456",
    .forward = forward,
    .inverse = inverse,
    .init = cw_layer_init_zero,
    .destroy = destroy};

static bool fits(cw_field_kind field) { return cw_kind(field)->on_links; }

static bool refuse(const cw_layer_spec *spec, const cw_lattice *lat, cw_layer_fault *fault) {
  (void)spec;
  *fault = (cw_layer_fault){.why = "is for two dimensions, of two sites at least"};
  return lat->dim != 2 || lat->extent[0] < 2 || lat->extent[1] < 2;
}

static cw_status create(cw_context *ctx, const cw_layer_spec *spec, cw_field_kind field,
                        const cw_geometry *geom, cw_layer **out) {
  CW_TRY(cw_layer_create_holding(ctx, &ops, geom, 0, sizeof(snake), out));
  snake *s = (*out)->impl;
  const cw_status st = cw_path_create(cw_context_isa(ctx), &geom->lat, field, spec->param[BETA],
                                      (long)spec->param[FAR], &s->path);
  if (st == CW_OK) return CW_OK;
  destroy(*out);
  *out = NULL;
  return cw_fail(ctx, st, "no memory for layer 'snake'");
}

static const cw_param params[] = {
    {"beta", "coupling that it carries Haar's measure to", 1, 0, 24, CW_REAL},
    {"far", "plaquettes ahead on the path that a link sees at most", 256, 0, 1000000, CW_WHOLE},
    {NULL, NULL, 0, 0, 0, CW_REAL}};

const cw_layer_kind cw_layer_snake = {
    .ops = &ops, .params = params, .fits = fits, .split = true, .refuse = refuse, .create = create};
