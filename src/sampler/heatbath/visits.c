/* The order in which sweeps visit the lattice. A pass over all sites for one direction and parity
 * reads nearly every link, so that one over a large lattice would fetch all from far memory, eight
 * times a sweep in four dimensions. Slabs small enough for the cache are done with all directions
 * before the next. */
#include <stdlib.h>

#include "sampler/heatbath/heatbath.h"

/* Sites of a slab per canonical sub-lattice to aim at: 64 are 590 kB of SU(3) links in 4
 * dimensions. The last coordinate is not cut, so that a colour has sites to share between threads.
 */
enum { SLAB_SITES = 64 };

cw_slabs cw_slabs_of(const cw_geometry *g) {
  cw_slabs s = {.n = 1};
  for (long i = 0; i < g->n_inner; i++) { /* outer sites of the sub-lattice at the origin */
    int coord[CW_MAX_DIM];
    cw_lattice_coord(&g->lat, g->site[i * g->V], coord);
    for (int d = 0; d < g->lat.dim; d++)
      if (coord[d] >= s.piece[d]) s.piece[d] = coord[d] + 1;
  }
  while (s.depth < g->lat.dim - 1 && g->n_inner / s.n > SLAB_SITES) s.n *= s.piece[s.depth++];
  return s;
}

int cw_slab(const cw_slabs *s, const int coord[]) {
  int slab = 0;
  for (int d = 0; d < s->depth; d++) slab = slab * s->piece[d] + coord[d] % s->piece[d];
  return slab;
}

/* Slab and parity of an outer site, on which its lanes agree. */
static int colour_of(const cw_geometry *g, const cw_slabs *s, long outer) {
  int coord[CW_MAX_DIM], parity = 0;
  cw_lattice_coord(&g->lat, g->site[outer * g->V], coord);
  for (int d = 0; d < g->lat.dim; d++) parity += coord[d];
  return 2 * cw_slab(s, coord) + parity % 2;
}

/* Lanes of an outer site whose sites lie in the box; NULL: all. */
static uint16_t lanes_inside(const cw_geometry *g, const cw_box *box, long outer) {
  int B = CW_LANES / g->V, lanes = 0, coord[CW_MAX_DIM];
  if (box == NULL) return 0xFFFF;
  for (int v = 0; v < g->V; v++) {
    cw_lattice_coord(&g->lat, g->site[outer * g->V + v], coord);
    if (cw_box_contains(&g->lat, box, coord)) lanes |= ((1 << B) - 1) << (v * B);
  }
  return (uint16_t)lanes;
}

/* Counts the sites of each colour, then puts every site behind those of its colour before it. */
static void fill(const cw_geometry *g, const cw_slabs *s, const cw_box *box, cw_visits *v) {
  long *end = v->colour + 1;
  for (long o = 0; o < g->n_outer; o++) {
    v->active[o] = lanes_inside(g, box, o);
    if (v->active[o] != 0) end[colour_of(g, s, o) + 1]++;
  }
  for (int c = 0; c < v->n_colours; c++) end[c + 1] += end[c];
  for (long o = 0; o < g->n_outer; o++)
    if (v->active[o] != 0) v->site[end[colour_of(g, s, o)]++] = (int)o;
}

cw_status cw_visits_create(cw_context *ctx, const cw_geometry *g, const cw_box *box,
                           cw_visits **out) {
  cw_slabs s = cw_slabs_of(g);
  cw_visits *v = *out = cw_alloc(sizeof *v);
  if (v != NULL) {
    v->n_colours = 2 * s.n;
    v->site = cw_alloc((size_t)g->n_outer * sizeof *v->site);
    v->colour = cw_alloc((size_t)(v->n_colours + 2) * sizeof *v->colour);
    v->active = cw_alloc((size_t)g->n_outer * sizeof *v->active);
  }
  if (v == NULL || v->site == NULL || v->colour == NULL || v->active == NULL) {
    cw_visits_destroy(v);
    *out = NULL;
    return cw_fail(ctx, CW_ENOMEM, "no memory for the order of heat-bath sweeps");
  }
  fill(g, &s, box, v);
  return CW_OK;
}

void cw_visits_destroy(cw_visits *v) {
  if (v == NULL) return;
  free(v->site);
  free(v->colour);
  free(v->active);
  free(v);
}
