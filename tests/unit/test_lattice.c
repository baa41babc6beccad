#include <stdlib.h>
#include <string.h>

#include "causeway/lattice.h"
#include "support/check.h"

static const cw_lattice lattices[] = {
    {1, {6}},       {1, {64}},         {2, {8, 8}},       {2, {16, 8}}, {2, {6, 4}}, {2, {5, 3}},
    {3, {4, 6, 2}}, {4, {4, 4, 4, 2}}, {4, {8, 8, 8, 8}}, {2, {2, 2}},  {1, {1}},
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
        int u = turn ? g->perm[turn - 1][v] : v;
        assert_int_equal(g->site[(long)g->neighbour[o * n_dir + k] * g->V + u], t);
      }
    }
}

static void tables_agree_with_coordinates(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  for (int i = 0; i < N_LATTICES; i++) {
    int splits[5], n = cw_geometry_splits(&lattices[i], splits);
    assert_true(n >= 1 && splits[0] == 1);
    for (int k = 0; k < n; k++) {
      cw_geometry *g = NULL;
      check_ok(ctx, cw_geometry_create(ctx, &lattices[i], splits[k], &g));
      check_geometry(g);
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
      cmocka_unit_test(bad_lattices_are_refused),
      cmocka_unit_test(fields_do_not_depend_on_the_split),
      cmocka_unit_test(blocks_are_views),
  };
  return cmocka_run_group_tests_name("lattice", tests, NULL, NULL);
}
