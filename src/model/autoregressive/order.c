/* Drawing orders. */
#include "model/autoregressive/order.h"

#include <stdlib.h>
#include <string.h>

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

static int longest(const box *b, int dim) {
  for (int d = 0; d < dim; d++)
    if (!b->open[d] && b->size[d] > 0) return d; /* the torus first */
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
  const int normal = longest(&b, dim), half = b.open[normal] ? b.size[normal] / 2 : 0;
  draw_plane(s, &b, normal, b.origin[normal] + half, groups_of(s, &b, normal));
  box low = b, high = b;
  low.open[normal] = high.open[normal] = true;
  low.size[normal] = half;
  high.origin[normal] += half + 1;
  high.size[normal] -= half + 1;
  subdivide(s, low);
  subdivide(s, high);
}

static void hierarchical(const cw_lattice *lat, cw_order *order) {
  subdivision s = {.lat = lat, .order = order};
  box all = {.origin = {0}};
  memcpy(all.size, lat->extent, sizeof all.size);
  subdivide(&s, all);
}

static void lexicographic(const cw_lattice *lat, cw_share share, cw_order *order) {
  const int last = lat->extent[lat->dim - 1];
  for (int i = 0; i < order->n; i++) {
    order->site[i] = i;
    order->group[i] = share == CW_SHARE_ALL ? 0 : share == CW_SHARE_ROWS ? i / last : i;
  }
  order->n_group = order->group[order->n - 1] + 1;
}

cw_status cw_order_create(cw_context *ctx, const cw_autoregressive_spec *spec,
                          const cw_lattice *lat, cw_order *out) {
  *out = (cw_order){.n = (int)cw_lattice_sites(lat)};
  const size_t n = (size_t)out->n;
  out->site = calloc(n, sizeof(int));
  out->position = calloc(n, sizeof(int));
  out->group = calloc(n, sizeof(int));
  if (!out->site || !out->position || !out->group)
    return cw_fail(ctx, CW_ENOMEM, "no memory for the order of %d sites", out->n);
  if (spec->kind == CW_AUTOREGRESSIVE_HIERARCHICAL)
    hierarchical(lat, out);
  else
    lexicographic(lat, spec->share, out);
  for (int i = 0; i < out->n; i++) out->position[out->site[i]] = i;
  return CW_OK;
}

void cw_order_destroy(cw_order *order) {
  free(order->site);
  free(order->position);
  free(order->group);
  *order = (cw_order){0};
}

/* ---- neighbours ---- */

static int neighbours(const cw_lattice *lat, int site, int *out) {
  int coord[CW_MAX_DIM], n = 0;
  cw_lattice_coord(lat, site, coord);
  for (int d = 0; d < lat->dim; d++)
    for (int step = -1; step <= 1 && lat->extent[d] > 1; step += 2) {
      coord[d] += step;
      out[n++] = (int)cw_lattice_site(lat, coord);
      coord[d] -= step;
    }
  return n;
}

int cw_order_drawn_neighbours(const cw_order *order, const cw_lattice *lat, int site, int before,
                              int *out) {
  int near[2 * CW_MAX_DIM], n = neighbours(lat, site, near), kept = 0;
  for (int k = 0; k < n; k++)
    if (order->position[near[k]] < before) out[kept++] = near[k];
  return kept;
}

static int ascending(const void *a, const void *b) {
  const int x = *(const int *)a, y = *(const int *)b;
  return (x > y) - (x < y);
}

int cw_order_frontier(const cw_order *order, const cw_lattice *lat, int i, int *work, int *out) {
  int *seen = work, *queue = work + order->n; /* seen: by global site */
  int begin = 0, end = 0, n = 0;
  memset(seen, 0, (size_t)order->n * sizeof *seen);
  queue[end++] = order->site[i];
  seen[order->site[i]] = 1;
  while (begin < end) {
    int near[2 * CW_MAX_DIM], n_near = neighbours(lat, queue[begin++], near);
    for (int k = 0; k < n_near; k++) {
      if (seen[near[k]]) continue;
      seen[near[k]] = 1;
      if (order->position[near[k]] < i)
        out[n++] = order->position[near[k]];
      else
        queue[end++] = near[k];
    }
  }
  qsort(out, (size_t)n, sizeof *out, ascending);
  return n;
}
