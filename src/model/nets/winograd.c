#include "model/nets/winograd.h"

#include <stdlib.h>

/* Rows of the n x n sites from `shift` before the corner of a tile on. */
static void square_rows(const cw_geometry *g, const int corner[2], int shift, int n, int *rows) {
  for (int i = 0; i < n * n; i++) {
    const int coord[CW_MAX_DIM] = {corner[0] + i / n - shift, corner[1] + i % n - shift};
    rows[i] = (int)g->outer[cw_lattice_site(&g->lat, coord)];
  }
}

bool cw_winograd_build(const cw_geometry *g, cw_winograd *tiles) {
  *tiles = (cw_winograd){0};
  const int *L = g->lat.extent;
  if (g->lat.dim != 2 || L[0] % 4 || L[1] % 4 || L[0] * L[1] < 32) return true;
  int n = L[0] * L[1] / 16;
  tiles->in = malloc((size_t)n * sizeof *tiles->in);
  tiles->out = malloc((size_t)n * sizeof *tiles->out);
  if (!tiles->in || !tiles->out) return false;
  tiles->n_tile = n;
  for (int t = 0; t < n; t++) {
    const int corner[2] = {4 * (t / (L[1] / 4)), 4 * (t % (L[1] / 4))};
    square_rows(g, corner, 1, 6, tiles->in[t]);
    square_rows(g, corner, 0, 4, tiles->out[t]);
  }
  return true;
}

void cw_winograd_free(cw_winograd *tiles) {
  free(tiles->in);
  free(tiles->out);
  *tiles = (cw_winograd){0};
}

/* Transformed weights and their half-way stage (54), and two tiles before and after the products.
 */
size_t cw_winograd_work(int ci, int co) {
  return 54 * (size_t)ci * (size_t)co + 2 * 36 * (size_t)(ci + co) * CW_LANES + 64;
}
