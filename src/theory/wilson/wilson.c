/* The Wilson action S = -sum_P (beta_P/N) Re tr P in three forms (K. G. Wilson, Phys. Rev. D 10
 * (1974) 2445, without its constant):
 *   isotropic:   beta_P = beta;
 *   anisotropic: beta_s for planes of two spatial directions, beta_t for those with time, the last;
 *   defect:      beta_P = beta times the product of the factors of P's four links, which are 1
 * except on the defect, a piece of one slice (arXiv:2012.14000: factor 1 is periodic, 0 open). */
#include "theory/wilson/wilson.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "simd/dispatch.h"

const char *const cw_wilson_forms[] = {"isotropic", "anisotropic", "defect", NULL};
const cw_symbol cw_wilson_symbols[] = {{"beta", "β"}, {"beta_s", "β_s"}, {"beta_t", "β_t"}, {0}};

static const cw_param params_isotropic[] = {
    {"beta", "coupling of every plaquette: S = -(beta/N) sum Re tr P", NAN, 0, 1e6, CW_REAL}, {0}};
static const cw_param params_anisotropic[] = {
    {"beta_s", "coupling of plaquettes of two spatial directions", NAN, 0, 1e6, CW_REAL},
    {"beta_t", "coupling of plaquettes with the last direction, time", NAN, 0, 1e6, CW_REAL},
    {0}};
static const cw_param params_defect[] = {
    {"beta", "coupling of plaquettes without defect links", NAN, 0, 1e6, CW_REAL},
    {"factor", "factor of each defect link: 1 periodic, 0 open", NAN, 0, 1, CW_REAL},
    {"direction", "direction of the defect links; they start on its last slice", 0, 0,
     CW_MAX_DIM - 1, CW_WHOLE},
    {"edge_0", "size of the defect in direction 0, from coordinate 0 on", 1, 1, CW_MAX_SITES,
     CW_WHOLE},
    {"edge_1", "size of the defect in direction 1", 1, 1, CW_MAX_SITES, CW_WHOLE},
    {"edge_2", "size of the defect in direction 2", 1, 1, CW_MAX_SITES, CW_WHOLE},
    {"edge_3", "size of the defect in direction 3", 1, 1, CW_MAX_SITES, CW_WHOLE},
    {0}};
enum { DEFECT_FACTOR = 1, DEFECT_DIRECTION = 2, DEFECT_EDGE = 3 };
const cw_param *const cw_wilson_params[] = {params_isotropic, params_anisotropic, params_defect};

void cw_wilson_couplings(int form, const cw_lattice *lat, const double *p, double *c) {
  (void)lat;
  double spatial = p[0], temporal = form == CW_WILSON_ANISOTROPIC ? p[1] : p[0];
  double factor = form == CW_WILSON_DEFECT ? p[DEFECT_FACTOR] : 1;
  for (int k = 0; k < CW_WILSON_CLASSES; k += 2) {
    c[k] = spatial;
    c[k + 1] = temporal;
    spatial *= factor;
    temporal *= factor;
  }
}

static const char *refuse_defect(const cw_lattice *lat, const double *p) {
  double direction = p[DEFECT_DIRECTION];
  if (direction != floor(direction)) return "the defect's direction must be a whole number";
  if (direction >= lat->dim) return "the lattice has no such direction as the defect's";
  for (int d = 0; d < CW_MAX_DIM; d++) {
    double edge = p[DEFECT_EDGE + d];
    if (edge != floor(edge)) return "an edge of the defect must be a whole number";
    if (d >= lat->dim && edge != 1)
      return "the defect has an edge in a direction that the lattice does not have";
    if (d == (int)direction && edge != 1)
      return "the defect is one link thick: its edge in its own direction must be 1";
    if (d < lat->dim && edge > lat->extent[d])
      return "an edge of the defect is longer than the lattice";
  }
  return NULL;
}

const char *cw_wilson_refuse(int form, const cw_lattice *lat, const double *p) {
  if (lat->dim < 2) return "a gauge theory needs at least two dimensions: there are no plaquettes";
  for (int d = 0; d < lat->dim; d++)
    if (lat->extent[d] < 2)
      return "a gauge theory needs extents of at least 2: a plaquette has four different links";
  if (form == CW_WILSON_ANISOTROPIC && lat->dim == 2)
    return "two dimensions have no spatial plaquettes for beta_s to act on: use form isotropic";
  return form == CW_WILSON_DEFECT ? refuse_defect(lat, p) : NULL;
}

/* ------------------------------------------------------------------- defect */

cw_wilson_defect cw_wilson_defect_of(const double *params) {
  cw_wilson_defect d = {.direction = (int)params[DEFECT_DIRECTION]};
  for (int i = 0; i < CW_MAX_DIM; i++) d.edge[i] = (int)params[DEFECT_EDGE + i];
  return d;
}

bool cw_wilson_is_defect(const cw_lattice *lat, const cw_wilson_defect *d, const int x[], int mu) {
  if (mu != d->direction || x[mu] != lat->extent[mu] - 1) return false;
  for (int i = 0; i < lat->dim; i++)
    if (i != mu && x[i] >= d->edge[i]) return false;
  return true;
}

/* Its slices on both sides, and what lies beside its edges. */
bool cw_wilson_defect_box(int form, const cw_lattice *lat, const double *p, int margin,
                          cw_box *box) {
  if (form != CW_WILSON_DEFECT) return false;
  const cw_wilson_defect defect = cw_wilson_defect_of(p);
  *box = (cw_box){.size = {0}};
  for (int d = 0; d < lat->dim; d++) {
    const int size = d == defect.direction ? 0 : defect.edge[d], extent = lat->extent[d];
    const bool all = size + 2 * margin >= extent;
    box->origin[d] = all ? 0 : extent - margin;
    box->size[d] = all ? extent : size + 2 * margin;
  }
  return true;
}

bool cw_wilson_is_defect_link(int form, const cw_lattice *lat, const double *p, const int x[],
                              int mu) {
  if (form != CW_WILSON_DEFECT) return false;
  const cw_wilson_defect defect = cw_wilson_defect_of(p);
  return cw_wilson_is_defect(lat, &defect, x, mu);
}

/* Plaquettes with defect links have the couplings of the others. */
bool cw_wilson_is_homogeneous(const double *c) {
  for (int k = 2; k < CW_WILSON_CLASSES; k++)
    if (c[k] != c[k % 2]) return false;
  return true;
}

/* Defect links of the plaquette at x in the plane of the defect's direction and nu. */
static int defect_links(const cw_lattice *lat, const cw_wilson_defect *d, const int x[], int nu) {
  int y[CW_MAX_DIM];
  for (int i = 0; i < lat->dim; i++) y[i] = x[i];
  y[nu] = (x[nu] + 1) % lat->extent[nu];
  return cw_wilson_is_defect(lat, d, x, d->direction) +
         cw_wilson_is_defect(lat, d, y, d->direction);
}

/* defects[staple] of the link (x, mu) for one lane; true if any is not 0. Staples are numbered as
 * in causeway/wilson.h. */
static bool link_defects(const cw_lattice *lat, const cw_wilson_defect *d, const int x[], int mu,
                         uint8_t defects[CW_WILSON_STAPLES]) {
  bool any = false;
  for (int s = 0; s < 2 * (lat->dim - 1); s++) {
    int nu = s / 2 + (s / 2 >= mu), y[CW_MAX_DIM];
    for (int i = 0; i < lat->dim; i++) y[i] = x[i];
    if (s % 2 == 1) y[nu] = (x[nu] + lat->extent[nu] - 1) % lat->extent[nu];
    defects[s] = 0;
    if (mu == d->direction) defects[s] = (uint8_t)defect_links(lat, d, y, nu);
    if (nu == d->direction) defects[s] = (uint8_t)defect_links(lat, d, y, mu);
    any |= defects[s] > 0;
  }
  return any;
}

/* Defects of all lanes of a link, defects NULL: only whether there are any. */
static bool lane_defects(const cw_geometry *geom, const cw_wilson_defect *d, long outer, int mu,
                         uint8_t (*defects)[CW_LANES]) {
  bool any = false;
  int B = CW_LANES / geom->V;
  for (int v = 0; v < geom->V; v++) {
    int x[CW_MAX_DIM];
    uint8_t of_lane[CW_WILSON_STAPLES] = {0};
    cw_lattice_coord(&geom->lat, geom->site[outer * geom->V + v], x);
    any |= link_defects(&geom->lat, d, x, mu, of_lane);
    if (defects == NULL) continue;
    for (int s = 0; s < CW_WILSON_STAPLES; s++)
      for (int b = 0; b < B; b++) defects[s][v * B + b] = of_lane[s];
  }
  return any;
}

cw_wilson_lone cw_wilson_lone_of(const cw_geometry *g, const cw_wilson_plaquette *p, int v,
                                 int defects) {
  const cw_lattice *lat = &g->lat;
  const long site = g->site[p->outer * g->V + v];
  cw_wilson_lone lone = {.group = v, .term = 2 * defects + (p->nu == lat->dim - 1)};
  int x[CW_MAX_DIM];
  while (p->outer >= cw_slice_begin(g, lone.piece + 1)) lone.piece++;
  cw_lattice_coord(lat, site, x);
  lone.link[0] = site * lat->dim + p->mu;
  lone.link[2] = site * lat->dim + p->nu;
  x[p->mu]++;
  lone.link[1] = cw_lattice_site(lat, x) * lat->dim + p->nu;
  x[p->mu]--;
  x[p->nu]++;
  lone.link[3] = cw_lattice_site(lat, x) * lat->dim + p->mu;
  return lone;
}

/* Those of all lanes, one by one. */
static cw_status list_lone(const cw_geometry *geom, cw_wilson *w) {
  const int B = CW_LANES / geom->V;
  w->lone = cw_alloc((size_t)(w->n_touched * geom->V) * sizeof *w->lone);
  if (w->lone == NULL) return CW_ENOMEM;
  for (long i = 0; i < w->n_touched; i++) {
    const cw_wilson_plaquette *p = &w->touched[i];
    const uint8_t *defects = w->defects[w->row[p->outer * geom->lat.dim + p->mu]][2 * (p->nu - 1)];
    for (int v = 0; v < geom->V; v++)
      if (defects[v * B] > 0) w->lone[w->n_lone++] = cw_wilson_lone_of(geom, p, v, defects[v * B]);
  }
  return CW_OK;
}

/* Of a link in direction mu, the staple that goes up in direction nu > mu is number 2 (nu - 1). */
static cw_status list_touched(const cw_geometry *geom, cw_wilson *w) {
  static const uint8_t none[CW_LANES] = {0};
  const int dim = geom->lat.dim;
  w->touched = cw_alloc((size_t)(w->n_rows * (dim - 1)) * sizeof *w->touched);
  if (w->touched == NULL) return CW_ENOMEM;
  for (long i = 0; i < geom->n_outer * dim; i++)
    for (int nu = (int)(i % dim) + 1; nu < dim && w->row[i] >= 0; nu++)
      if (memcmp(w->defects[w->row[i]][2 * (nu - 1)], none, sizeof none) != 0)
        w->touched[w->n_touched++] = (cw_wilson_plaquette){(int)(i / dim), (int)(i % dim), nu};
  return CW_OK;
}

static cw_status fill_tables(const cw_geometry *geom, const cw_wilson_defect *d, cw_wilson *w) {
  long n_links = geom->n_outer * geom->lat.dim;
  w->row = cw_alloc((size_t)n_links * sizeof *w->row);
  if (w->row == NULL) return CW_ENOMEM;
  for (long i = 0; i < n_links; i++) {
    bool any = lane_defects(geom, d, i / geom->lat.dim, (int)(i % geom->lat.dim), NULL);
    w->row[i] = any ? (int)w->n_rows++ : -1;
  }
  w->defects = cw_alloc((size_t)w->n_rows * sizeof *w->defects);
  if (w->defects == NULL) return CW_ENOMEM;
  for (long i = 0; i < n_links; i++)
    if (w->row[i] >= 0)
      lane_defects(geom, d, i / geom->lat.dim, (int)(i % geom->lat.dim), w->defects[w->row[i]]);
  CW_TRY(list_touched(geom, w));
  return list_lone(geom, w);
}

cw_status cw_wilson_prepare(cw_context *ctx, cw_theory *th) {
  cw_wilson *w = cw_alloc(sizeof *w);
  th->own = w;
  cw_status st = w == NULL ? CW_ENOMEM : CW_OK;
  if (st == CW_OK && th->form == CW_WILSON_DEFECT) {
    cw_wilson_defect d = cw_wilson_defect_of(th->param);
    st = fill_tables(th->geom, &d, w);
  }
  return st == CW_OK ? CW_OK : cw_fail(ctx, st, "no memory for the tables of a gauge theory");
}

void cw_wilson_release(cw_theory *th) {
  cw_wilson *w = th->own;
  if (w == NULL) return;
  free(w->row);
  free(w->defects);
  free(w->touched);
  free(w->lone);
  free(w);
  th->own = NULL;
}

/* ------------------------------------------------------------------ kernels */

bool cw_is_wilson(const cw_theory_ops *ops) { return ops->prepare == cw_wilson_prepare; }

cw_wilson_weights cw_wilson_weigh(const cw_lattice *lat, const double c[CW_WILSON_CLASSES]) {
  cw_wilson_weights w = {.scale = c[1] != 0 ? c[1] : 1};
  for (int k = 0; k < CW_WILSON_CLASSES; k++) w.ratio[k] = c[k] / w.scale;
  w.isotropic = w.ratio[1] == 1 && (lat->dim == 2 || w.ratio[0] == 1);
  return w;
}

CW_ISA_TABLES(cw_wilson_kernels, cw_wilson_kernels);

const cw_wilson_kernel *cw_wilson_kernel_of(const cw_theory *th) {
  CW_REQUIRE(th->ops->kind >= CW_LINK_U1 && th->ops->kind <= CW_LINK_SU3);
  return &CW_DISPATCH(th->isa, cw_wilson_kernels)->group[th->ops->kind - CW_LINK_U1];
}

void cw_wilson_terms(const cw_theory *th, const cw_field *x, double *T) {
  const cw_wilson_kernel *k = cw_wilson_kernel_of(th);
  size_t size = cw_field_block_size(x);
  for (long b = 0; b < x->n_blocks; b++)
    k->terms(th, x->data + (size_t)b * size, T + b * x->B * CW_WILSON_CLASSES);
}

void cw_wilson_some_terms(const cw_theory *th, const cw_field *x, unsigned set, double *T) {
  const cw_wilson_kernel *k = cw_wilson_kernel_of(th);
  const cw_wilson *own = th->own;
  const bool defect_alone = (set & ~(unsigned)CW_WILSON_DEFECT_TERMS) == 0;
  CW_REQUIRE(defect_alone || x->patch == NULL);
  if (!defect_alone) {
    cw_wilson_terms(th, x, T);
    return;
  }
  for (long b = 0; b < x->n_blocks; b++) {
    const cw_field block = cw_field_block(x, b);
    double *row = T + b * x->B * CW_WILSON_CLASSES;
    if (x->patch != NULL)
      k->lone_terms(th, own->lone, own->n_lone, &block, row);
    else
      k->defect_terms(th, block.data, row);
  }
}

void cw_wilson_force(const cw_theory *th, const cw_field *x, const double *c, cw_field *f) {
  const cw_wilson_kernel *k = cw_wilson_kernel_of(th);
  for (long b = 0; b < x->n_blocks; b++)
    k->force(th, x->data + (size_t)b * cw_field_block_size(x), c,
             f->data + (size_t)b * cw_field_block_size(f));
}
