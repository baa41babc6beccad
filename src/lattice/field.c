#include <stdlib.h>
#include <string.h>

#include "causeway/lattice.h"

cw_status cw_field_create(cw_context *ctx, const cw_geometry *geom, int n_comp, long n_config,
                          cw_field *out) {
  CW_REQUIRE(n_comp > 0 && n_config > 0);
  *out = (cw_field){.geom = geom, .n_comp = n_comp, .B = CW_LANES / geom->V, .n_config = n_config};
  out->n_blocks = (n_config + out->B - 1) / out->B;
  size_t doubles = (size_t)out->n_blocks * cw_field_block_size(out);
  out->data = cw_alloc(doubles * sizeof *out->data);
  if (out->data == NULL)
    return cw_fail(ctx, CW_ENOMEM, "no memory for a field of %.1f GB", 8e-9 * (double)doubles);
  out->owns_data = true;
  return CW_OK;
}

void cw_field_share(const cw_context *ctx, long n, long B, int rank, long *first, long *count) {
  long begin, end;
  cw_share_of_rank(ctx, (n + B - 1) / B, rank, &begin, &end);
  *first = begin * B;
  *count = (end * B < n ? end * B : n) - *first;
}

cw_status cw_field_deal(cw_context *ctx, const cw_geometry *geom, int n_comp, long n,
                        const char *what, cw_field *out) {
  const long B = CW_LANES / geom->V, blocks = (n + B - 1) / B;
  long first, count;
  *out = (cw_field){0};
  if (blocks < cw_ranks(ctx))
    return cw_fail(ctx, CW_EINVAL, "%ld %s are %ld blocks of %ld, too few for %d ranks", n, what,
                   blocks, B, cw_ranks(ctx));
  cw_field_share(ctx, n, B, cw_rank(ctx), &first, &count);
  CW_TRY(cw_field_create(ctx, geom, n_comp, count, out));
  out->first_chain = first;
  return CW_OK;
}

void cw_field_destroy(cw_field *x) {
  if (x->owns_data) free(x->data);
  x->data = NULL;
  x->owns_data = false;
}

size_t cw_field_block_size(const cw_field *x) {
  if (x->patch != NULL) return (size_t)(x->patch->n * (x->n_comp / x->geom->lat.dim) * x->B);
  return (size_t)x->geom->n_outer * (size_t)x->n_comp * CW_LANES;
}

cw_field cw_field_blocks(const cw_field *x, long first, long n) {
  CW_REQUIRE(first >= 0 && n > 0 && first + n <= x->n_blocks);
  const long left = x->n_config - first * x->B;
  cw_field view = *x;
  view.data = x->data + (size_t)first * cw_field_block_size(x);
  view.owns_data = false;
  view.n_blocks = n;
  view.n_config = left < n * x->B ? left : n * x->B;
  view.first_chain = x->first_chain + first * x->B;
  return view;
}

cw_field cw_field_block(const cw_field *x, long block) { return cw_field_blocks(x, block, 1); }

void cw_field_copy(cw_field *to, const cw_field *from) {
  CW_REQUIRE(to->n_blocks == from->n_blocks &&
             cw_field_block_size(to) == cw_field_block_size(from));
  memcpy(to->data, from->data, (size_t)to->n_blocks * cw_field_block_size(to) * sizeof *to->data);
}

void cw_field_restore(cw_field *x, const cw_field *old, const bool *keep, long begin, long end) {
  const size_t row = (size_t)x->n_comp * CW_LANES;
  for (size_t i = (size_t)begin * row; i < (size_t)end * row; i += CW_LANES)
    for (size_t l = 0; l < CW_LANES; l++)
      x->data[i + l] = keep[l] ? x->data[i + l] : old->data[i + l];
}

double *cw_field_lane(const cw_field *x, long i) {
  return x->data + (size_t)(i / x->B) * cw_field_block_size(x) + i % x->B;
}

void cw_field_pack(const cw_field *x, long i, double *row) {
  const double *data = cw_field_lane(x, i);
  for (size_t n = cw_field_block_size(x) / (size_t)x->B; n > 0; n--, data += x->B) *row++ = *data;
}

void cw_field_unpack(cw_field *x, long i, const double *row) {
  double *data = cw_field_lane(x, i);
  for (size_t n = cw_field_block_size(x) / (size_t)x->B; n > 0; n--, data += x->B) *data = *row++;
}

static size_t place(const cw_field *x, long config, long site, int comp) {
  const cw_geometry *g = x->geom;
  size_t row = (size_t)g->outer[site] * (size_t)x->n_comp + (size_t)comp;
  return (size_t)(config / x->B) * cw_field_block_size(x) + row * CW_LANES +
         (size_t)(g->group[site] * x->B) + (size_t)(config % x->B);
}

double cw_field_get(const cw_field *x, long config, long site, int comp) {
  return x->data[place(x, config, site, comp)];
}

void cw_field_set(cw_field *x, long config, long site, int comp, double value) {
  x->data[place(x, config, site, comp)] = value;
}

/* Sites [begin, end) of a block that lie beside each other in from too, in the same lanes. */
static long translated_run(const cw_geometry *g, int back, long begin, long end) {
  long n_dir = 2 * g->lat.dim, n = 1;
  const int *source = g->neighbour + begin * n_dir + back;
  while (begin + n < end && g->turn[(begin + n) * n_dir + back] == 0 &&
         source[n * n_dir] == source[0] + n)
    n++;
  return n;
}

static void translate_sites(double *to, const double *from, const cw_field *x, int back, long begin,
                            long end) {
  const cw_geometry *g = x->geom;
  size_t row = (size_t)x->n_comp * CW_LANES;
  for (long o = begin, n; o < end; o += n) {
    long step = o * 2 * g->lat.dim + back;
    double *out = to + (size_t)o * row;
    const double *in = from + (size_t)g->neighbour[step] * row;
    n = 1;
    if (g->turn[step] == 0) {
      n = translated_run(g, back, o, end);
      memcpy(out, in, (size_t)n * row * sizeof *out);
    } else {
      const int64_t *lane = cw_lanes_from(g, g->turn[step], 0);
      for (size_t k = 0; k < row; k++)
        out[k] = in[k / CW_LANES * CW_LANES + (size_t)lane[k % CW_LANES]];
    }
  }
}

void cw_field_translate(cw_field *to, const cw_field *from, int direction, int threads) {
  const cw_geometry *g = from->geom;
  CW_REQUIRE(to->n_blocks == from->n_blocks && to->geom == g && to->n_comp == from->n_comp &&
             direction >= 0 && direction < 2 * g->lat.dim);
  long n = cw_slice_count(g);
  size_t size = cw_field_block_size(from);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long i = 0; i < from->n_blocks * n; i++) {
    size_t block = (size_t)(i / n) * size;
    translate_sites(to->data + block, from->data + block, from, direction ^ 1,
                    cw_slice_begin(g, i % n), cw_slice_begin(g, i % n + 1));
  }
}

/* Numbers 2j and 2j+1 of CW_LANES chains: one Box-Muller pair. */
static void normal_pair(cw_isa isa, cw_rng rng, long j, long chain, uint32_t step, uint32_t draw,
                        double *pair) {
  cw_normal_lanes(isa, rng, (uint32_t)j, (uint32_t)chain, step, cw_draw_of(draw, (uint64_t)j),
                  CW_LANES, pair);
}

/* V = 1: whole rows of lanes. */
static void normal_rows(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step, uint32_t draw) {
  long n = x->geom->n_sites * x->n_comp;
  for (long block = 0; block < x->n_blocks; block++) {
    cw_field view = cw_field_block(x, block);
    for (long j = 0; 2 * j < n; j++) {
      double pair[2 * CW_LANES] __attribute__((aligned(64)));
      normal_pair(isa, rng, j, view.first_chain, step, draw, pair);
      for (long k = 2 * j; k < 2 * j + 2 && k < n; k++) {
        size_t row =
            (size_t)x->geom->outer[k / x->n_comp] * (size_t)x->n_comp + (size_t)(k % x->n_comp);
        memcpy(view.data + row * CW_LANES, pair + (k % 2) * CW_LANES, CW_LANES * sizeof *pair);
      }
    }
  }
}

/* V > 1: draw for CW_LANES chains at a time and scatter those that live in the block. */
static void normal_scattered(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step, uint32_t draw) {
  long n = x->geom->n_sites * x->n_comp;
  for (long first = 0; first < x->n_blocks * x->B; first += CW_LANES)
    for (long j = 0; 2 * j < n; j++) {
      double pair[2 * CW_LANES] __attribute__((aligned(64)));
      normal_pair(isa, rng, j, x->first_chain + first, step, draw, pair);
      for (long k = 2 * j; k < 2 * j + 2 && k < n; k++)
        for (long i = 0; i < CW_LANES && first + i < x->n_blocks * x->B; i++)
          cw_field_set(x, first + i, k / x->n_comp, (int)(k % x->n_comp),
                       pair[(k % 2) * CW_LANES + i]);
    }
}

void cw_field_normal(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step, uint32_t draw) {
  CW_REQUIRE(x->geom->n_sites * x->n_comp <= 1L << 37 && draw < 1u << 28);
  if (x->geom->V == 1)
    normal_rows(isa, x, rng, step, draw);
  else
    normal_scattered(isa, x, rng, step, draw);
}
