/* Sets of links. They are made by marking links of the whole lattice, and kept as ascending lists. */
#include <stdlib.h>
#include <string.h>

#include "causeway/lattice.h"

static cw_status no_memory(cw_context *ctx) {
  return cw_fail(ctx, CW_ENOMEM, "no memory for a set of links");
}

static long links_of(const cw_lattice *lat) { return cw_lattice_sites(lat) * lat->dim; }

static uint8_t *no_marks(const cw_lattice *lat) { return cw_alloc((size_t)links_of(lat)); }

/* The links whose mark is set; frees mark, NULL: there was no memory for it. */
static cw_status collect(cw_context *ctx, const cw_lattice *lat, uint8_t *mark, cw_link_set *out) {
  *out = (cw_link_set){.lat = *lat};
  if (mark == NULL) return no_memory(ctx);
  for (long i = 0; i < links_of(lat); i++) out->n += mark[i] != 0;
  out->link = cw_alloc((size_t)out->n * sizeof *out->link);
  for (long i = 0, n = 0; i < links_of(lat) && out->link != NULL; i++)
    if (mark[i] != 0) out->link[n++] = i;
  free(mark);
  return out->link != NULL ? CW_OK : no_memory(ctx);
}

cw_status cw_link_set_create(cw_context *ctx, const cw_lattice *lat, long n, const long *link,
                             cw_link_set *out) {
  *out = (cw_link_set){.lat = *lat};
  for (long i = 0; i < n; i++)
    if (link[i] < 0 || link[i] >= links_of(lat))
      return cw_fail(ctx, CW_EINVAL, "link %ld: expected 0 to %ld", link[i], links_of(lat) - 1);
  uint8_t *mark = no_marks(lat);
  for (long i = 0; i < n && mark != NULL; i++) mark[link[i]] = 1;
  return collect(ctx, lat, mark, out);
}

cw_status cw_link_set_in_box(cw_context *ctx, const cw_lattice *lat, const cw_box *box,
                             cw_link_set *out) {
  uint8_t *mark = no_marks(lat);
  for (long i = 0; i < links_of(lat) && mark != NULL; i++) {
    int coord[CW_MAX_DIM];
    cw_lattice_coord(lat, i / lat->dim, coord);
    mark[i] = cw_box_contains(lat, box, coord);
  }
  return collect(ctx, lat, mark, out);
}

/* Marks what is one hop from links reached in the turn before. */
static void hop(const cw_lattice *lat, uint8_t *mark, uint8_t turn) {
  long other[CW_LINKS_AROUND];
  for (long i = 0; i < links_of(lat); i++) {
    if (mark[i] != turn) continue;
    int n = cw_link_staples(lat, i, other);
    for (int k = 0; k < n; k++)
      if (mark[other[k]] == 0) mark[other[k]] = (uint8_t)(turn + 1);
  }
}

cw_status cw_link_set_around(cw_context *ctx, const cw_link_set *some, int hops, cw_link_set *out) {
  enum { MOST = 250 };
  *out = (cw_link_set){.lat = some->lat};
  if (hops < 0 || hops > MOST)
    return cw_fail(ctx, CW_EINVAL, "%d plaquette hops: expected 0 to %d", hops, MOST);
  uint8_t *mark = no_marks(&some->lat);
  for (long i = 0; i < some->n && mark != NULL; i++) mark[some->link[i]] = 1;
  for (int turn = 1; turn <= hops && mark != NULL; turn++) hop(&some->lat, mark, (uint8_t)turn);
  return collect(ctx, &some->lat, mark, out);
}

void cw_link_set_destroy(cw_link_set *set) {
  free(set->link);
  *set = (cw_link_set){.n = 0};
}

bool cw_link_set_has(const cw_link_set *set, long link) {
  long begin = 0, end = set->n;
  while (begin < end) {
    long middle = begin + (end - begin) / 2;
    if (set->link[middle] == link) return true;
    if (set->link[middle] < link)
      begin = middle + 1;
    else
      end = middle;
  }
  return false;
}

static long link_from(const cw_lattice *lat, const int x[], int mu) {
  return cw_lattice_site(lat, x) * lat->dim + mu;
}

int cw_link_staples(const cw_lattice *lat, long link, long out[]) {
  const int mu = (int)(link % lat->dim);
  int x[CW_MAX_DIM], n = 0;
  cw_lattice_coord(lat, link / lat->dim, x);
  for (int nu = 0; nu < lat->dim; nu++)
    for (int down = 0; down < 2 && nu != mu; down++) {
      x[nu] -= down;
      out[n++] = link_from(lat, x, nu);
      x[nu] += 1 - down;
      out[n++] = link_from(lat, x, mu);
      x[nu] -= 1 - down;
      x[mu]++;
      out[n++] = link_from(lat, x, nu);
      x[mu]--;
      x[nu] += down;
    }
  return n;
}
