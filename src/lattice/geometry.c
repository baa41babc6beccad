#include <stdlib.h>
#include <string.h>

#include "causeway/lattice.h"

long cw_lattice_sites(const cw_lattice *lat) {
  long n = 1;
  for (int d = 0; d < lat->dim; d++) n *= lat->extent[d];
  return n;
}

long cw_lattice_site(const cw_lattice *lat, const int coord[]) {
  long s = 0;
  for (int d = 0; d < lat->dim; d++) {
    int e = lat->extent[d], x = coord[d] % e;
    s = s * e + (x < 0 ? x + e : x);
  }
  return s;
}

bool cw_lattice_equal(const cw_lattice *a, const cw_lattice *b) {
  return a->dim == b->dim && memcmp(a->extent, b->extent, (size_t)a->dim * sizeof(int)) == 0;
}

void cw_lattice_coord(const cw_lattice *lat, long site, int coord[]) {
  for (int d = lat->dim - 1; d >= 0; d--) {
    coord[d] = (int)(site % lat->extent[d]);
    site /= lat->extent[d];
  }
}

/* The canonical cut: halve, turn by turn, the direction with the longest piece, until there are
 * CW_LANES pieces or no half would keep two sites: sub-lattices are never so thin that a site and
 * its image in the next one are neighbours. Lanes take whole directions, in order, so that a step
 * over an edge is one permutation for all of them. */
typedef struct {
  int cut[CW_MAX_DIM]; /* pieces per direction */
  int n_sub;
} cut_plan;

static int longest_piece(const cw_lattice *lat, const cut_plan *p) {
  int best = -1, length = 3;
  for (int d = 0; d < lat->dim; d++) {
    int piece = lat->extent[d] / p->cut[d];
    if (piece % 2 == 0 && piece > length) best = d, length = piece;
  }
  return best;
}

static cut_plan canonical_cut(const cw_lattice *lat) {
  cut_plan p = {.cut = {1, 1, 1, 1}, .n_sub = 1};
  int best;
  while (p.n_sub < CW_LANES && (best = longest_piece(lat, &p)) >= 0) {
    p.cut[best] *= 2;
    p.n_sub *= 2;
  }
  return p;
}

/* Which directions are lanes for a given V: the first subset (in binary order) whose cuts multiply
 * to V; -1: none. */
static int lane_directions(const cw_lattice *lat, const cut_plan *p, int V) {
  for (int set = 0; set < 1 << lat->dim; set++) {
    int product = 1;
    bool redundant = false;
    for (int d = 0; d < lat->dim; d++)
      if (set >> d & 1) {
        product *= p->cut[d];
        redundant |= p->cut[d] == 1;
      }
    if (product == V && !redundant) return set;
  }
  return -1;
}

int cw_geometry_splits(const cw_lattice *lat, int splits[5]) {
  cut_plan p = canonical_cut(lat);
  int n = 0;
  for (int V = 1; V <= CW_LANES; V *= 2)
    if (lane_directions(lat, &p, V) >= 0) splits[n++] = V;
  return n;
}

int cw_geometry_choose(const cw_lattice *lat, int n_comp, long n_config) {
  const double cache = 2 << 20; /* bytes */
  cut_plan p = canonical_cut(lat);
  int best = 1;
  for (int V = 1; V <= CW_LANES; V *= 2) {
    if (lane_directions(lat, &p, V) < 0) continue;
    best = V;
    double bytes = (double)cw_lattice_sites(lat) / V * n_comp * CW_LANES * sizeof(double);
    if (CW_LANES / V <= n_config && bytes <= cache) break;
  }
  return best;
}

/* Where a global site lives: sub-lattice coordinates in mixed radix give v (lane directions) and r
 * (the others). */
static void place(const cw_geometry *g, const cut_plan *p, int lanes, const int coord[],
                  long *outer, int *group) {
  long v = 0, r = 0, inner = 0;
  for (int d = 0; d < g->lat.dim; d++) {
    int piece = g->lat.extent[d] / p->cut[d];
    int sub = coord[d] / piece;
    if (lanes >> d & 1)
      v = v * p->cut[d] + sub;
    else
      r = r * p->cut[d] + sub;
    inner = inner * piece + coord[d] % piece;
  }
  *outer = r * g->n_inner + inner;
  *group = (int)v;
}

static cw_status allocate_tables(cw_context *ctx, cw_geometry *g) {
  size_t links = (size_t)g->n_outer * 2 * (size_t)g->lat.dim;
  g->site = cw_alloc((size_t)g->n_sites * sizeof *g->site);
  g->outer = cw_alloc((size_t)g->n_sites * sizeof *g->outer);
  g->group = cw_alloc((size_t)g->n_sites * sizeof *g->group);
  g->sub = cw_alloc((size_t)g->n_sub * sizeof *g->sub);
  g->neighbour = cw_alloc(links * sizeof *g->neighbour);
  g->turn = cw_alloc(links * sizeof *g->turn);
  size_t turns = 1 + 2 * (size_t)g->lat.dim;
  g->from = cw_alloc(turns * turns * sizeof *g->from);
  if (!g->site || !g->outer || !g->group || !g->sub || !g->neighbour || !g->turn || !g->from)
    return cw_fail(ctx, CW_ENOMEM, "no memory for the tables of a lattice of %ld sites",
                   g->n_sites);
  return CW_OK;
}

static void fill_places(cw_geometry *g, const cut_plan *p, int lanes) {
  int coord[CW_MAX_DIM];
  for (long s = 0; s < g->n_sites; s++) {
    long outer;
    cw_lattice_coord(&g->lat, s, coord);
    place(g, p, lanes, coord, &outer, &g->group[s]);
    g->outer[s] = (int)outer;
    g->site[outer * g->V + g->group[s]] = (int)s;
  }
}

/* Sub-lattices are numbered canonically by their lexicographic coordinates; sub maps (r, v) to that
 * number. */
static void fill_canonical_order(cw_geometry *g, const cut_plan *p) {
  int coord[CW_MAX_DIM];
  for (int r = 0; r < g->n_sub / g->V; r++)
    for (int v = 0; v < g->V; v++) {
      cw_lattice_coord(&g->lat, g->site[(long)r * g->n_inner * g->V + v], coord);
      int number = 0;
      for (int d = 0; d < g->lat.dim; d++)
        number = number * p->cut[d] + coord[d] / (g->lat.extent[d] / p->cut[d]);
      g->sub[r * g->V + v] = number;
    }
}

/* perm[k][v]: the sub-lattice, as a lane group, that is entered over the edge of v in direction k.
 */
static void fill_neighbours(cw_geometry *g, uint8_t perm[][CW_LANES]) {
  int coord[CW_MAX_DIM];
  int n_dir = 2 * g->lat.dim;
  for (long o = 0; o < g->n_outer; o++)
    for (int k = 0; k < n_dir; k++) {
      uint8_t from[CW_LANES] = {0};
      bool turned = false;
      for (int v = 0; v < g->V; v++) {
        cw_lattice_coord(&g->lat, g->site[o * g->V + v], coord);
        coord[k / 2] += k % 2 == 0 ? 1 : -1;
        long s = cw_lattice_site(&g->lat, coord);
        if (v == 0) g->neighbour[o * n_dir + k] = g->outer[s];
        CW_REQUIRE(g->neighbour[o * n_dir + k] == g->outer[s]);
        from[v] = (uint8_t)g->group[s];
        turned |= g->group[s] != v;
      }
      g->turn[o * n_dir + k] = turned ? (uint8_t)(k + 1) : 0;
      if (turned) memcpy(perm[k], from, sizeof from);
    }
}

static void fill_lanes(cw_geometry *g, uint8_t perm[][CW_LANES]) {
  int n = 1 + 2 * g->lat.dim, B = CW_LANES / g->V;
  for (int t = 0; t < n; t++)
    for (int u = 0; u < n; u++)
      for (int lane = 0; lane < CW_LANES; lane++) {
        int v = lane / B;
        if (t > 0) v = perm[t - 1][v];
        if (u > 0) v = perm[u - 1][v];
        g->from[t * n + u][lane] = v * B + lane % B;
      }
}

static cw_status check_lattice(cw_context *ctx, const cw_lattice *lat) {
  if (lat->dim < 1 || lat->dim > CW_MAX_DIM)
    return cw_fail(ctx, CW_EINVAL, "lattice: expected 1 to %d extents, found %d", CW_MAX_DIM,
                   lat->dim);
  long n = 1;
  for (int d = 0; d < lat->dim; d++) {
    if (lat->extent[d] < 1)
      return cw_fail(ctx, CW_EINVAL, "lattice: extent %d must be at least 1", lat->extent[d]);
    if (lat->extent[d] > CW_MAX_SITES / n)
      return cw_fail(ctx, CW_EINVAL, "lattice: more than %ld sites", CW_MAX_SITES);
    n *= lat->extent[d];
  }
  return CW_OK;
}

cw_status cw_geometry_create(cw_context *ctx, const cw_lattice *lat, int V, cw_geometry **out) {
  *out = NULL;
  CW_TRY(check_lattice(ctx, lat));
  cut_plan p = canonical_cut(lat);
  int lanes = lane_directions(lat, &p, V);
  if (lanes < 0)
    return cw_fail(ctx, CW_EINVAL, "lattice: cannot be cut into %d sub-lattices in lanes", V);
  cw_geometry *g = cw_alloc(sizeof *g);
  if (g == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a lattice");
  g->lat = *lat;
  g->n_sites = cw_lattice_sites(lat);
  g->n_sub = p.n_sub;
  g->V = V;
  g->n_outer = g->n_sites / V;
  g->n_inner = g->n_sites / p.n_sub;
  for (int d = 0; d < lat->dim; d++) g->piece[d] = lat->extent[d] / p.cut[d];
  cw_status st = allocate_tables(ctx, g);
  if (st == CW_OK) {
    uint8_t perm[2 * CW_MAX_DIM][CW_LANES] = {{0}};
    fill_places(g, &p, lanes);
    fill_canonical_order(g, &p);
    fill_neighbours(g, perm);
    fill_lanes(g, perm);
  }
  if (st != CW_OK) {
    cw_geometry_destroy(g);
    return st;
  }
  *out = g;
  return CW_OK;
}

void cw_geometry_destroy(cw_geometry *g) {
  if (g == NULL) return;
  free(g->site);
  free(g->outer);
  free(g->group);
  free(g->sub);
  free(g->neighbour);
  free(g->turn);
  free(g->from);
  free(g);
}

/* --------------------------------------------------------------- slices and boxes */

int cw_slices(const cw_geometry *g) { return g->n_inner < CW_SLICES ? (int)g->n_inner : CW_SLICES; }

long cw_slice_count(const cw_geometry *g) { return (long)(g->n_sub / g->V) * cw_slices(g); }

long cw_slice_begin(const cw_geometry *g, long i) {
  long n = cw_slices(g);
  return i / n * g->n_inner + i % n * g->n_inner / n;
}

void cw_sum_parts(const cw_geometry *g, const double *part, int n, double *out) {
  int B = CW_LANES / g->V;
  CW_REQUIRE(n >= 1 && n <= CW_SLICES);
  for (int b = 0; b < B; b++) {
    double ordered[CW_LANES], of_one[CW_SLICES];
    for (int r = 0; r < g->n_sub / g->V; r++)
      for (int v = 0; v < g->V; v++) {
        for (int i = 0; i < n; i++) of_one[i] = part[(r * n + i) * CW_LANES + v * B + b];
        ordered[g->sub[r * g->V + v]] = cw_sum(of_one, (size_t)n);
      }
    out[b] = cw_sum(ordered, (size_t)g->n_sub);
  }
}

bool cw_box_contains(const cw_lattice *lat, const cw_box *box, const int coord[]) {
  for (int d = 0; d < lat->dim; d++) {
    int e = lat->extent[d], from_origin = ((coord[d] - box->origin[d]) % e + e) % e;
    if (from_origin >= box->size[d]) return false;
  }
  return true;
}
