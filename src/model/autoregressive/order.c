/* Drawing orders. */
#include "model/autoregressive/order.h"

#include <stdlib.h>

#include "model/autoregressive/parts.h"

void cw_order_lexicographic(const cw_autoregressive_spec *spec, const cw_lattice *lat,
                            cw_order *order) {
  const int row = lat->extent[lat->dim - 1];
  for (int i = 0; i < order->n; i++) {
    order->site[i] = i;
    order->group[i] = spec->share == CW_SHARE_ALL ? 0 : spec->share == CW_SHARE_ROWS ? i / row : i;
  }
  order->n_group = order->group[order->n - 1] + 1;
}

cw_status cw_order_create(cw_context *ctx, const cw_autoregressive_spec *spec,
                          const cw_lattice *lat, cw_order *out) {
  const cw_autoregressive_kind *kind = cw_autoregressive_find(spec->kind);
  *out = (cw_order){.n = (int)cw_lattice_sites(lat)};
  if (kind == NULL)
    return cw_fail(ctx, CW_EINVAL, "model: unknown autoregressive model '%s'", spec->kind);
  const size_t n = (size_t)out->n;
  out->site = calloc(n, sizeof(int));
  out->position = calloc(n, sizeof(int));
  out->group = calloc(n, sizeof(int));
  if (!out->site || !out->position || !out->group)
    return cw_fail(ctx, CW_ENOMEM, "no memory for the order of %d sites", out->n);
  kind->parts->draw_order(spec, lat, out);
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
  int *seen = work, *queue = work + order->n; /* seen: i + 1 at global sites */
  int begin = 0, end = 0, n = 0;
  queue[end++] = order->site[i];
  seen[order->site[i]] = i + 1;
  while (begin < end) {
    int near[2 * CW_MAX_DIM], n_near = neighbours(lat, queue[begin++], near);
    for (int k = 0; k < n_near; k++) {
      if (seen[near[k]] == i + 1) continue;
      seen[near[k]] = i + 1;
      if (order->position[near[k]] < i)
        out[n++] = order->position[near[k]];
      else
        queue[end++] = near[k];
    }
  }
  qsort(out, (size_t)n, sizeof *out, ascending);
  return n;
}
