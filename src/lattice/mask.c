/* Masks: cosets of sub-lattices that hold all even vectors, given by the sums of coordinates that are
 * even on them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/lattice.h"

const char *const cw_mask_words[] = {"half", "quarter", "eighth", "sixteenth", NULL};

/* The sums whose parities are the bits of a class, as sets of coordinates. All 0: no such mask. */
static const uint8_t sums[CW_MAX_DIM][CW_MASK_SIXTEENTH + 1][4] = {
    {{1}, {0}, {0}, {0}},
    {{3}, {1, 2}, {0}, {0}},
    {{7}, {3, 6}, {1, 2, 4}, {0}},
    {{15}, {3, 12}, {3, 6, 12}, {1, 2, 4, 8}}};

bool cw_mask_refuses(const cw_lattice *lat, cw_mask_kind kind, const cw_box *box, char why[160]) {
  if (sums[lat->dim - 1][kind][0] == 0) {
    snprintf(why, 160, "needs more than %d direction%s for the mask '%s'", lat->dim,
             lat->dim > 1 ? "s" : "", cw_mask_words[kind]);
    return true;
  }
  for (int d = 0; d < lat->dim; d++) {
    const int e = lat->extent[d];
    if (e % 2 == 0 || (box != NULL && box->size[d] < e)) continue;
    snprintf(why, 160, "needs even extents, but the lattice has extent %d", e);
    return true;
  }
  return false;
}

static bool is_odd(unsigned set) {
  unsigned n = 0;
  for (; set != 0; set >>= 1) n += set & 1;
  return n % 2 == 1;
}

/* Class of a unit among those of its direction. */
static int class_at(const cw_lattice *lat, cw_mask_kind kind, const int coord[], int direction) {
  unsigned odd = 0;
  int c = 0;
  for (int d = 0; d < lat->dim; d++) odd |= (unsigned)(coord[(direction + d) % lat->dim] % 2) << d;
  for (int k = 0; k <= (int)kind; k++) c |= is_odd(odd & sums[lat->dim - 1][kind][k]) << k;
  return c;
}

static void fill_site(const cw_geometry *g, cw_mask_kind kind, const cw_box *box, cw_mask *m,
                      long outer, int v) {
  const int B = CW_LANES / g->V, n = m->n_class / m->units;
  int coord[CW_MAX_DIM];
  cw_lattice_coord(&g->lat, g->site[outer * g->V + v], coord);
  const bool inside = box == NULL || cw_box_contains(&g->lat, box, coord);
  for (int d = 0; box != NULL && d < g->lat.dim; d++) {
    const int e = g->lat.extent[d];
    coord[d] = ((coord[d] - box->origin[d]) % e + e) % e;
  }
  for (int u = 0; u < m->units; u++) {
    const int c = inside ? u * n + class_at(&g->lat, kind, coord, u) : CW_NO_CLASS;
    memset(m->class_of + (outer * m->units + u) * CW_LANES + v * B, c, (size_t)B);
    if (inside) m->count[c]++;
  }
}

static bool row_has(const cw_mask *m, long r, int c) {
  return memchr(m->class_of + r * CW_LANES, c, CW_LANES) != NULL;
}

static cw_status list_rows(cw_context *ctx, const cw_geometry *g, cw_mask *m) {
  const long n_rows = g->n_outer * m->units;
  long n = 0;
  for (int fill = 0; fill < 2; fill++) {
    n = 0;
    for (int c = 0; c < m->n_class; c++) {
      m->begin[c] = n;
      for (long r = c / (m->n_class / m->units); r < n_rows; r += m->units)
        if (row_has(m, r, c)) {
          if (fill) m->row[n] = (int)r;
          n++;
        }
    }
    if (!fill && (m->row = malloc((size_t)(n + 1) * sizeof *m->row)) == NULL)
      return cw_fail(ctx, CW_ENOMEM, "no memory for a mask");
  }
  m->begin[m->n_class] = n;
  return CW_OK;
}

cw_status cw_mask_create(cw_context *ctx, const cw_geometry *g, int units, cw_mask_kind kind,
                         const cw_box *box, cw_mask *out) {
  char why[160];
  CW_REQUIRE(units == 1 || units == g->lat.dim);
  *out = (cw_mask){.units = units, .n_class = units << (kind + 1)};
  if (cw_mask_refuses(&g->lat, kind, box, why)) return cw_fail(ctx, CW_EINVAL, "a mask %s", why);
  out->class_of = malloc((size_t)(g->n_outer * units) * CW_LANES);
  out->begin = calloc((size_t)out->n_class + 1, sizeof *out->begin);
  out->count = calloc((size_t)out->n_class, sizeof *out->count);
  cw_status st = out->class_of && out->begin && out->count
                     ? CW_OK
                     : cw_fail(ctx, CW_ENOMEM, "no memory for a mask");
  for (long o = 0; st == CW_OK && o < g->n_outer; o++)
    for (int v = 0; v < g->V; v++) fill_site(g, kind, box, out, o, v);
  if (st == CW_OK) st = list_rows(ctx, g, out);
  if (st != CW_OK) cw_mask_destroy(out);
  return st;
}

void cw_mask_destroy(cw_mask *m) {
  free(m->class_of);
  free(m->begin);
  free(m->row);
  free(m->count);
  *m = (cw_mask){0};
}
