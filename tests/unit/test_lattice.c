#include <stdlib.h>
#include <string.h>

#include "causeway/lattice.h"
#include "support/check.h"

static const cw_lattice lattices[] = {
    {1, {6}},    {1, {64}},           {2, {8, 8}},        {2, {16, 8}},      {2, {6, 4}},
    {2, {5, 3}}, {3, {4, 6, 2}},      {4, {4, 4, 4, 2}},  {4, {8, 8, 8, 8}}, {2, {2, 2}},
    {1, {1}},    {4, {6, 8, 10, 12}}, {4, {2, 4, 2, 16}}, {2, {32, 4}},
};
enum { N_LATTICES = sizeof lattices / sizeof *lattices };

/* Every table against plain coordinate arithmetic. */
static void check_geometry(const cw_geometry *g) {
  int n_dir = 2 * g->lat.dim;
  for (long o = 0; o < g->n_outer; o++)
    for (int v = 0; v < g->V; v++) {
      long s = g->site[o * g->V + v];
      assert_int_equal(g->outer[s], o);
      assert_int_equal(g->group[s], v);
      for (int k = 0; k < n_dir; k++) {
        int x[CW_MAX_DIM];
        cw_lattice_coord(&g->lat, s, x);
        x[k / 2] += k % 2 ? -1 : 1;
        long t = cw_lattice_site(&g->lat, x);
        int turn = g->turn[o * n_dir + k];
        int B = CW_LANES / g->V, u = (int)cw_lanes_from(g, turn, 0)[v * B + B - 1] / B;
        assert_int_equal(g->site[(long)g->neighbour[o * n_dir + k] * g->V + u], t);
      }
    }
}

/* Two steps at once: the lanes of the site that they lead to. */
static void check_two_steps(const cw_geometry *g) {
  int n_dir = 2 * g->lat.dim, B = CW_LANES / g->V;
  for (long o = 0; o < g->n_outer; o += 3)
    for (int k = 0; k < n_dir; k++)
      for (int l = 0; l < n_dir; l++) {
        long middle = g->neighbour[o * n_dir + k], end = g->neighbour[middle * n_dir + l];
        const int64_t *from = cw_lanes_from(g, g->turn[o * n_dir + k], g->turn[middle * n_dir + l]);
        for (int lane = 0; lane < CW_LANES; lane++) {
          int x[CW_MAX_DIM];
          cw_lattice_coord(&g->lat, g->site[o * g->V + lane / B], x);
          x[k / 2] += k % 2 ? -1 : 1;
          x[l / 2] += l % 2 ? -1 : 1;
          assert_int_equal(g->site[end * g->V + from[lane] / B], cw_lattice_site(&g->lat, x));
          assert_int_equal(from[lane] % B, lane % B);
        }
      }
}

static int parity_of(const cw_geometry *g, long site) {
  int x[CW_MAX_DIM], sum = 0;
  cw_lattice_coord(&g->lat, site, x);
  for (int d = 0; d < g->lat.dim; d++) sum += x[d];
  return sum % 2;
}

/* Every outer site once, slab by slab, all its lanes of the colour's parity; absent exactly if an
 * extent is odd or some outer site has lanes of both parities. */
static void check_checkerboard(const cw_geometry *g) {
  bool possible = true;
  for (int d = 0; d < g->lat.dim; d++) possible &= g->lat.extent[d] % 2 == 0;
  for (long o = 0; o < g->n_outer; o++)
    for (int v = 1; v < g->V; v++)
      possible &= parity_of(g, g->site[o * g->V + v]) == parity_of(g, g->site[o * g->V]);
  assert_int_equal(possible, g->checkerboard != NULL);
  if (!possible) return;
  int *seen = calloc((size_t)g->n_outer, sizeof *seen);
  assert_int_equal(g->colour[0], 0);
  assert_int_equal(g->colour[2 * g->n_slabs], g->n_outer);
  for (int c = 0; c < 2 * g->n_slabs; c++)
    for (long i = g->colour[c]; i < g->colour[c + 1]; i++) {
      int o = g->checkerboard[i], x[CW_MAX_DIM];
      cw_lattice_coord(&g->lat, g->site[(long)o * g->V], x);
      assert_int_equal(seen[o]++, 0);
      assert_int_equal(parity_of(g, g->site[(long)o * g->V]), c % 2);
      assert_int_equal(x[0] % g->n_slabs, c / 2);
      if (i > g->colour[c]) assert_true(o > g->checkerboard[i - 1]);
    }
  free(seen);
}

/* Slices tile each canonical sub-lattice, and their sums do not depend on where lanes are. */
static void check_slices(const cw_geometry *g) {
  long n = g->n_sub / g->V * cw_slices(g);
  assert_int_equal(cw_slice_begin(g, 0), 0);
  assert_int_equal(cw_slice_begin(g, n), g->n_outer);
  for (long i = 0; i < n; i++) {
    assert_true(cw_slice_begin(g, i) < cw_slice_begin(g, i + 1));
    assert_int_equal(cw_slice_begin(g, i) / g->n_inner,
                     (cw_slice_begin(g, i + 1) - 1) / g->n_inner);
  }
}

static double sum_of_sites(const cw_geometry *g, int b) {
  int n = cw_slices(g), B = CW_LANES / g->V;
  double part[CW_LANES * CW_SLICES * CW_LANES] = {0}, out[CW_LANES];
  for (long i = 0; i < g->n_sub / g->V * n; i++)
    for (long o = cw_slice_begin(g, i); o < cw_slice_begin(g, i + 1); o++)
      for (int lane = 0; lane < CW_LANES; lane++)
        part[i * CW_LANES + lane] += sin(1 + (double)g->site[o * g->V + lane / B]);
  cw_sum_parts(g, part, n, out);
  return out[b];
}

static void tables_agree_with_coordinates(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  for (int i = 0; i < N_LATTICES; i++) {
    int splits[5], n = cw_geometry_splits(&lattices[i], splits);
    assert_true(n >= 1 && splits[0] == 1);
    double sum = 0;
    for (int k = 0; k < n; k++) {
      cw_geometry *g = NULL;
      check_ok(ctx, cw_geometry_create(ctx, &lattices[i], splits[k], &g));
      check_geometry(g);
      check_two_steps(g);
      check_checkerboard(g);
      check_slices(g);
      if (k == 0) sum = sum_of_sites(g, 0);
      assert_true(sum_of_sites(g, CW_LANES / g->V - 1) == sum);
      cw_geometry_destroy(g);
    }
  }
  cw_context_destroy(ctx);
}

static void full_split_exists_where_it_should(void **state) {
  (void)state;
  int splits[5];
  int n = cw_geometry_splits(&(cw_lattice){4, {8, 8, 8, 8}}, splits);
  assert_int_equal(n, 5);
  assert_int_equal(splits[4], 16);
  assert_int_equal(cw_geometry_splits(&(cw_lattice){2, {5, 3}}, splits), 1);
}

static void the_chosen_split_keeps_the_checkerboard(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  assert_int_equal(cw_geometry_choose(&(cw_lattice){4, {8, 8, 8, 8}}, 72, 1), 16);
  assert_int_equal(cw_geometry_choose(&(cw_lattice){4, {12, 12, 12, 12}}, 72, 64), 16);
  assert_int_equal(cw_geometry_choose(&(cw_lattice){2, {8, 8}}, 4, 64), 1);
  assert_int_equal(cw_geometry_choose(&(cw_lattice){2, {5, 3}}, 4, 1), 1);
  for (int i = 0; i < N_LATTICES; i++) {
    cw_geometry *one, *chosen;
    check_ok(ctx, cw_geometry_create(ctx, &lattices[i], 1, &one));
    check_ok(ctx, cw_geometry_create(ctx, &lattices[i], cw_geometry_choose(&lattices[i], 72, 1),
                                     &chosen));
    assert_int_equal(one->checkerboard != NULL, chosen->checkerboard != NULL);
    cw_geometry_destroy(one);
    cw_geometry_destroy(chosen);
  }
  cw_context_destroy(ctx);
}

static void boxes_wrap_around(void **state) {
  (void)state;
  const cw_lattice lat = {2, {6, 4}};
  const cw_box box = {.origin = {5, 1}, .size = {2, 4}};
  for (int x = -6; x < 12; x++)
    for (int y = 0; y < 4; y++) {
      int coord[2] = {x, y}, wrapped = (x + 6) % 6;
      assert_int_equal(cw_box_contains(&lat, &box, coord), wrapped == 5 || wrapped == 0);
    }
}

static void bad_lattices_are_refused(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  cw_geometry *g = NULL;
  assert_int_equal(cw_geometry_create(ctx, &(cw_lattice){2, {8, 0}}, 1, &g), CW_EINVAL);
  assert_int_equal(cw_geometry_create(ctx, &(cw_lattice){2, {100000, 100000}}, 1, &g), CW_EINVAL);
  assert_int_equal(cw_geometry_create(ctx, &(cw_lattice){5, {2, 2, 2, 2}}, 1, &g), CW_EINVAL);
  assert_int_equal(cw_geometry_create(ctx, &(cw_lattice){2, {5, 3}}, 2, &g), CW_EINVAL);
  assert_null(g);
  cw_context_destroy(ctx);
}

/* The same normal numbers and the same ordered sums for every split. */
static void fields_do_not_depend_on_the_split(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  enum { N = 20 };
  for (int i = 0; i < N_LATTICES; i++) {
    if (cw_lattice_sites(&lattices[i]) > 1000) continue;
    int splits[5], n = cw_geometry_splits(&lattices[i], splits);
    cw_geometry *g[5];
    cw_field x[5], back;
    for (int k = 0; k < n; k++) {
      check_ok(ctx, cw_geometry_create(ctx, &lattices[i], splits[k], &g[k]));
      check_ok(ctx, cw_field_create(ctx, g[k], 2, N, &x[k]));
      x[k].first_chain = 3;
      cw_field_normal(cw_context_isa(ctx), &x[k], cw_rng_stream(1, "t"), 4, 5);
      for (long c = 0; c < N; c++)
        for (long s = 0; s < g[k]->n_sites; s++)
          for (int j = 0; j < 2; j++)
            assert_true(cw_field_get(&x[k], c, s, j) == cw_field_get(&x[0], c, s, j));
    }
    check_ok(ctx, cw_field_create(ctx, g[0], 2, N, &back));
    cw_field_relayout(&back, &x[n - 1]);
    assert_memory_equal(back.data, x[0].data, cw_field_block_size(&back) * sizeof(double));
    double z[2];
    cw_normal2(cw_context_isa(ctx), cw_rng_stream(1, "t"), 0, 3, 4, 5, z);
    assert_true(cw_field_get(&x[0], 0, 0, 0) == z[0] && cw_field_get(&x[0], 0, 0, 1) == z[1]);
    cw_field_destroy(&back);
    for (int k = 0; k < n; k++) {
      cw_field_destroy(&x[k]);
      cw_geometry_destroy(g[k]);
    }
  }
  cw_context_destroy(ctx);
}

static void blocks_are_views(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  cw_geometry *g = NULL;
  cw_field x;
  check_ok(ctx, cw_geometry_create(ctx, &lattices[2], 1, &g));
  check_ok(ctx, cw_field_create(ctx, g, 1, 40, &x));
  assert_int_equal(x.n_blocks, 3);
  cw_field_set(&x, 33, 7, 0, 2.5);
  cw_field last = cw_field_block(&x, 2);
  assert_int_equal(last.n_config, 8);
  assert_int_equal(last.first_chain, 32);
  assert_true(cw_field_get(&last, 1, 7, 0) == 2.5);
  cw_field_destroy(&x);
  cw_geometry_destroy(g);
  cw_context_destroy(ctx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tables_agree_with_coordinates),
      cmocka_unit_test(full_split_exists_where_it_should),
      cmocka_unit_test(the_chosen_split_keeps_the_checkerboard),
      cmocka_unit_test(boxes_wrap_around),
      cmocka_unit_test(bad_lattices_are_refused),
      cmocka_unit_test(fields_do_not_depend_on_the_split),
      cmocka_unit_test(blocks_are_views),
  };
  return cmocka_run_group_tests_name("lattice", tests, NULL, NULL);
}
