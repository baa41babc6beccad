/* The convolution on tiles against the direct one. */
#include <stdlib.h>

#include "causeway/model.h"
#include "model/nets/net.h"
#include "model/nets/winograd.h"
#include "support/check.h"

/* Every site with its nine neighbours, tap by tap. */
static cw_stencil_class neighbours(const cw_geometry *g) {
  int n = (int)g->n_outer;
  cw_stencil_class c = {.n_row = n, .n_tap = 9};
  c.tap = cw_alloc(9 * sizeof(int));
  c.out = cw_alloc((size_t)n * sizeof(int));
  c.in = cw_alloc((size_t)n * 9 * sizeof(int));
  for (int i = 0; i < 9 * n; i++) {
    int coord[CW_MAX_DIM], k = i % 9;
    cw_lattice_coord(&g->lat, g->site[i / 9], coord);
    coord[0] += k / 3 - 1;
    coord[1] += k % 3 - 1;
    c.tap[k] = k;
    c.out[i / 9] = i / 9;
    c.in[i] = (int)g->outer[cw_lattice_site(&g->lat, coord)];
  }
  return c;
}

static float *normals(size_t n, uint32_t draw) {
  float *f = cw_alloc(n * sizeof *f);
  for (size_t i = 0; i < n; i++) {
    double z[2];
    cw_normal2(CW_ISA_BASE, cw_rng_stream(5, "fill"), (uint32_t)i, 0, 0, draw, z);
    f[i] = (float)z[0];
  }
  return f;
}

/* Largest difference over largest output, for ci -> co channels of normal numbers. */
static double tile_deviation(cw_context *ctx, cw_lattice lat, int ci, int co, bool bias) {
  const cw_net_kernels *kernel = CW_DISPATCH(cw_context_isa(ctx), cw_net_kernels);
  cw_geometry *g;
  cw_winograd tiles;
  check_ok(ctx, cw_geometry_create(ctx, &lat, 1, &g));
  assert_true(cw_winograd_build(g, &tiles) && tiles.n_tile > 0);
  cw_stencil_class cls = neighbours(g);
  cw_stencil st = {1, &cls, cls.n_row, cls.n_row, 9};
  size_t n_out = (size_t)(cls.n_row * co * CW_LANES);
  float *in = normals((size_t)(cls.n_row * ci * CW_LANES), 50),
        *w = normals((size_t)(9 * ci * co), 51), *b = normals((size_t)co, 52),
        *work = cw_alloc(cw_winograd_work(ci, co) * sizeof *work),
        *direct = cw_alloc(n_out * sizeof *direct), *tiled = cw_alloc(n_out * sizeof *tiled);
  kernel->conv(&st, ci, co, w, bias ? b : NULL, CW_NET_LINEAR, (cw_rows){in, ci},
               (cw_rows){direct, co});
  kernel->winograd(&tiles, ci, co, w, bias ? b : NULL, CW_NET_LINEAR, (cw_rows){in, ci},
                   (cw_rows){tiled, co}, work);
  double off = 0, largest = 0;
  for (size_t i = 0; i < n_out; i++) {
    off = fmax(off, fabs((double)tiled[i] - (double)direct[i]));
    largest = fmax(largest, fabs((double)direct[i]));
  }
  float *all[] = {in, w, b, work, direct, tiled};
  for (int i = 0; i < 6; i++) free(all[i]);
  free(cls.tap);
  free(cls.out);
  free(cls.in);
  cw_winograd_free(&tiles);
  cw_geometry_destroy(g);
  return off / largest;
}

/* 2e-5 of the largest output is 170 ulp; 15 to 60 are seen. A wrong weight shows at order one. */
static void tiles_match_the_direct_kernel(void **state) {
  (void)state;
  static const int channels[][2] = {{4, 4}, {8, 8}, {5, 11}, {9, 6}, {7, 31}, {64, 32}};
  static const cw_lattice lattices[] = {{2, {8, 8}}, {2, {8, 4}}, {2, {4, 12}}, {2, {12, 12}}};
  cw_context *ctx = test_context(1);
  for (int c = 0; c < 6; c++)
    for (int l = 0; l < 4; l++) {
      double off = tile_deviation(ctx, lattices[l], channels[c][0], channels[c][1], (c + l) % 2);
      check_close(off, 0, 2e-5);
    }
  cw_context_destroy(ctx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tiles_match_the_direct_kernel),
  };
  return cmocka_run_group_tests_name("layers", tests, NULL, NULL);
}
