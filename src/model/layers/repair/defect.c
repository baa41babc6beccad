/* The links near a defect, and their orbits under its symmetries. They are found on a lattice that is large
 * enough for the infinite one. */
#include <limits.h>
#include <stdlib.h>

#include "model/layers/repair/repair.h"

enum {
  FAR = 4
}; /* hops + FAR: from the defect to the edge of that lattice; staples reach one farther */

/* The lattice, and where the defect's first corner is on it. */
typedef struct {
  const cw_repair_orbits *o;
  cw_lattice lat;
  int corner;
} place;

/* Sites of the box of the defect along an axis. */
static int length(const cw_repair_orbits *o, int d) { return d == o->direction ? 2 : o->edge[d]; }

static place make_place(const cw_repair_orbits *o) {
  place p = {o, {.dim = o->dim}, o->hops + FAR};
  for (int d = 0; d < o->dim; d++) p.lat.extent[d] = length(o, d) + 2 * (o->hops + FAR);
  return p;
}

/* ---- the group ---- */

/* Reflections of axes, the set `flip`, then axis d becomes axis[d]. */
typedef struct {
  unsigned flip;
  int axis[CW_MAX_DIM];
} element;

/* Does it map the defect to itself? */
static bool is_symmetry(const cw_repair_orbits *o, const element *e) {
  unsigned seen = 0;
  for (int d = 0; d < o->dim; d++) {
    const int to = e->axis[d];
    if ((d == o->direction) != (to == o->direction) || length(o, d) != length(o, to)) return false;
    seen |= 1u << to;
  }
  return seen == (1u << o->dim) - 1;
}

static long image(const place *p, const element *e, long link) {
  const int dim = p->o->dim, mu = (int)(link % dim);
  int x[CW_MAX_DIM], y[CW_MAX_DIM];
  cw_lattice_coord(&p->lat, link / dim, x);
  for (int d = 0; d < dim; d++) {
    int from = x[d] - p->corner;
    if (e->flip >> d & 1) from = length(p->o, d) - 1 - from - (d == mu ? 1 : 0);
    y[e->axis[d]] = from + p->corner;
  }
  return cw_lattice_site(&p->lat, y) * dim + e->axis[mu];
}

/* The smallest images of a link, and of a link with the one that a staple runs beside, as a number. */
typedef struct {
  long link, staple[CW_REPAIR_STAPLES];
} least;

static void lower(long *to, long value) { *to = value < *to ? value : *to; }

static void look(const place *p, const element *e, long link, const long *around, least *to) {
  const long all = cw_lattice_sites(&p->lat) * p->o->dim, there = image(p, e, link);
  lower(&to->link, there);
  for (int s = 0; s < 2 * (p->o->dim - 1); s++)
    lower(&to->staple[s], there * all + image(p, e, around[3 * s + 1]));
}

static least least_images(const place *p, long link) {
  const int dim = p->o->dim;
  long around[CW_LINKS_AROUND], n = 1;
  least to = {.link = LONG_MAX};
  for (int s = 0; s < CW_REPAIR_STAPLES; s++) to.staple[s] = LONG_MAX;
  cw_link_staples(&p->lat, link, around);
  for (int d = 0; d < dim; d++) n *= dim;
  for (long i = 0; i < n; i++) {
    element e = {0};
    for (long d = 0, rest = i; d < dim; d++, rest /= dim) e.axis[d] = (int)(rest % dim);
    if (!is_symmetry(p->o, &e)) continue;
    for (e.flip = 0; e.flip < 1u << dim; e.flip++) look(p, &e, link, around, &to);
  }
  return to;
}

/* ---- numbers of orbits ---- */

/* The number of a key among those seen so far; a new one is added. */
static int number_of(long *keys, int *n, long key) {
  for (int i = 0; i < *n; i++)
    if (keys[i] == key) return i;
  keys[(*n)++] = key;
  return *n - 1;
}

static void describe(const place *p, long link, cw_repair_near *to) {
  to->mu = (int)(link % p->o->dim);
  cw_lattice_coord(&p->lat, link / p->o->dim, to->x);
  for (int d = 0; d < p->o->dim; d++) to->x[d] -= p->corner;
}

static void number_all(cw_repair_orbits *o, const place *p, const cw_link_set *set, long *keys) {
  long *of_links = keys, *of_staples = keys + set->n;
  for (long i = 0; i < set->n; i++) {
    const least l = least_images(p, set->link[i]);
    describe(p, set->link[i], &o->link[i]);
    o->link[i].orbit = number_of(of_links, &o->n_links, l.link);
    for (int s = 0; s < 2 * (o->dim - 1); s++)
      o->link[i].staple[s] = number_of(of_staples, &o->n_staples, l.staple[s]);
  }
}

/* The defect on that lattice. */
static cw_status defect_links(cw_context *ctx, const place *p, cw_link_set *out) {
  const cw_repair_orbits *o = p->o;
  cw_box box = {.size = {0}};
  for (int d = 0; d < o->dim; d++) {
    box.origin[d] = p->corner;
    box.size[d] = d == o->direction ? 1 : o->edge[d];
  }
  cw_link_set all = {.n = 0};
  cw_status st = cw_link_set_in_box(ctx, &p->lat, &box, &all);
  long n = 0;
  for (long i = 0; i < all.n; i++)
    if (all.link[i] % o->dim == o->direction) all.link[n++] = all.link[i];
  if (st == CW_OK) st = cw_link_set_create(ctx, &p->lat, n, all.link, out);
  cw_link_set_destroy(&all);
  return st;
}

cw_status cw_repair_find_orbits(cw_context *ctx, cw_repair_orbits *o) {
  const place p = make_place(o);
  cw_link_set defect = {.n = 0}, set = {.n = 0};
  long *keys = NULL;
  cw_status st = defect_links(ctx, &p, &defect);
  if (st == CW_OK) st = cw_link_set_around(ctx, &defect, o->hops, &set);
  if (st == CW_OK) {
    o->n = set.n;
    o->link = cw_alloc((size_t)set.n * sizeof *o->link);
    keys = cw_alloc((size_t)set.n * (1 + CW_REPAIR_STAPLES) * sizeof *keys);
    if (o->link == NULL || keys == NULL) st = cw_fail(ctx, CW_ENOMEM, "no memory for a layer");
  }
  if (st == CW_OK) number_all(o, &p, &set, keys);
  free(keys);
  cw_link_set_destroy(&defect);
  cw_link_set_destroy(&set);
  return st;
}

void cw_repair_orbits_destroy(cw_repair_orbits *o) {
  free(o->link);
  o->link = NULL;
}
