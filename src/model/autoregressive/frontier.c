/* Networks that see the frontier only: drawn spins that touch the undrawn ones around a site. No
 * others matter, because couplings reach neighbours only: the conditional of a site knows of all
 * drawn spins what is next to undrawn ones that are connected with it. */
#include <string.h>

#include "model/autoregressive/parts.h"

/* ---- what reaches a site ---- */

/* A key of the displacement between two sites, the same wherever they are. */
static long displacement(const cw_lattice *lat, int from, int to) {
  int a[CW_MAX_DIM], b[CW_MAX_DIM];
  cw_lattice_coord(lat, from, a);
  cw_lattice_coord(lat, to, b);
  for (int d = 0; d < lat->dim; d++) a[d] -= b[d];
  return cw_lattice_site(lat, a);
}

static bool frontier_links(const cw_links_plan *p, int i, bool first, cw_links *all) {
  const long group = (long)p->order->group[i] * p->order->n;
  if (!first) return cw_links_add(all, group, i, i);
  int n = cw_order_frontier(p->order, p->lat, i, p->work, p->near);
  for (int k = 0; k < n; k++) {
    long d = displacement(p->lat, p->order->site[p->near[k]], p->order->site[i]);
    if (!cw_links_add(all, group + d, i, p->near[k])) return false;
  }
  return true;
}

/* ---- row after row ---- */

static const cw_autoregressive_parts rows = {
    .draw_order = cw_order_lexicographic, .add_links = frontier_links, .biases = CW_BIAS_SITES};

extern const cw_autoregressive_kind cw_autoregressive_frontier;
const cw_autoregressive_kind cw_autoregressive_frontier = {
    .name = "frontier",
    .title = "dense networks of the drawn spins that touch undrawn ones, row after row",
    .source = "Markov property as used in P. Bialas, P. Korcyl, T. Stebel, arXiv:2203.10989",
    .share = true,
    .parts = &rows};

/* ---- hierarchical: boxes cut by hyperplanes ---- */

/* A box of undrawn sites; a direction that is not cut open yet is periodic. */
typedef struct {
  int origin[CW_MAX_DIM], size[CW_MAX_DIM];
  bool open[CW_MAX_DIM];
} box;

typedef struct {
  const cw_lattice *lat;
  cw_order *order;
  int drawn;
  int n_shape;
  struct {
    box shape;
    int first_group;
  } known[CW_MAX_DIM * 64]; /* shapes met so far, each with a group per site of its cut */
} subdivision;

/* Normal to the next cut: the torus is cut open first, then boxes across their longest side. */
static int cut_direction(const box *b, int dim) {
  for (int d = 0; d < dim; d++)
    if (!b->open[d]) return d;
  int best = 0;
  for (int d = 1; d < dim; d++)
    if (b->size[d] > b->size[best]) best = d;
  return best;
}

static bool same_shape(const box *a, const box *b, int dim) {
  for (int d = 0; d < dim; d++)
    if (a->size[d] != b->size[d] || a->open[d] != b->open[d]) return false;
  return true;
}

static long plane_sites(const box *b, int dim, int normal) {
  long n = 1;
  for (int d = 0; d < dim; d++)
    if (d != normal) n *= b->size[d];
  return n;
}

/* The first group of boxes of this shape; new ones if there was none, or none can be noted. */
static int groups_of(subdivision *s, const box *b, int normal) {
  const int most = (int)(sizeof s->known / sizeof *s->known), dim = s->lat->dim;
  for (int k = 0; k < s->n_shape; k++)
    if (same_shape(&s->known[k].shape, b, dim)) return s->known[k].first_group;
  int first = s->order->n_group;
  s->order->n_group += (int)plane_sites(b, dim, normal);
  if (s->n_shape < most) {
    s->known[s->n_shape].shape = *b;
    s->known[s->n_shape++].first_group = first;
  }
  return first;
}

/* Draws the sites of b with coordinate `at` in direction `normal`, the last coordinate fastest. */
static void draw_plane(subdivision *s, const box *b, int normal, int at, int group) {
  int coord[CW_MAX_DIM];
  const int dim = s->lat->dim;
  const long n = plane_sites(b, dim, normal);
  for (long k = 0; k < n; k++) {
    long left = k;
    for (int d = dim - 1; d >= 0; d--) {
      coord[d] = d == normal ? at : b->origin[d] + (int)(left % b->size[d]);
      if (d != normal) left /= b->size[d];
    }
    s->order->site[s->drawn] = (int)cw_lattice_site(s->lat, coord);
    s->order->group[s->drawn++] = group + (int)k;
  }
}

static void subdivide(subdivision *s, box b) {
  const int dim = s->lat->dim;
  for (int d = 0; d < dim; d++)
    if (b.size[d] == 0) return;
  const int normal = cut_direction(&b, dim), half = b.open[normal] ? b.size[normal] / 2 : 0;
  draw_plane(s, &b, normal, b.origin[normal] + half, groups_of(s, &b, normal));
  box low = b, high = b;
  low.open[normal] = high.open[normal] = true;
  low.size[normal] = half;
  high.origin[normal] += half + 1;
  high.size[normal] -= half + 1;
  subdivide(s, low);
  subdivide(s, high);
}

static void hierarchical(const cw_autoregressive_spec *spec, const cw_lattice *lat,
                         cw_order *order) {
  (void)spec;
  subdivision s = {.lat = lat, .order = order};
  box all = {.origin = {0}};
  memcpy(all.size, lat->extent, sizeof all.size);
  subdivide(&s, all);
}

/* Boxes of equal shape share their networks. */
static const cw_autoregressive_parts boxes = {
    .draw_order = hierarchical, .add_links = frontier_links, .biases = CW_BIAS_GROUPS};

extern const cw_autoregressive_kind cw_autoregressive_hierarchical;
const cw_autoregressive_kind cw_autoregressive_hierarchical = {
    .name = "hierarchical",
    .title =
        "dense networks of the drawn spins that touch undrawn ones, from cuts through the torus "
        "to the middles of boxes",
    .source = "as in P. Bialas, P. Korcyl, T. Stebel, Comput. Phys. Commun. 281 (2022) 108502, "
              "arXiv:2203.10989",
    .parts = &boxes};
