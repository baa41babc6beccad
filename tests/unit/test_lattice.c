#include <stdlib.h>
#include <string.h>

#include "causeway/lattice.h"
#include "support/check.h"
#include "support/relayout.h"

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

static void the_chosen_split_wastes_no_lanes(void **state) {
  (void)state;
  assert_int_equal(cw_geometry_choose(&(cw_lattice){4, {8, 8, 8, 8}}, 72, 1), 16);
  assert_int_equal(cw_geometry_choose(&(cw_lattice){4, {12, 12, 12, 12}}, 72, 64), 16);
  assert_int_equal(cw_geometry_choose(&(cw_lattice){2, {8, 8}}, 4, 64), 1);
  assert_int_equal(cw_geometry_choose(&(cw_lattice){2, {5, 3}}, 4, 1), 1);
}

/* ------------------------------------------------------------------------ wavefront */

/* rank (n_inner): when a pass of one thread visits an inner site. */
static void visiting_order(const cw_geometry *g, long *rank) {
  cw_wavefront w;
  cw_stretch t = {0};
  long n = 0;
  for (long i = 0; i < g->n_inner; i++) rank[i] = -1;
  cw_wavefront_begin(&w, g);
  while (cw_wavefront_next(&w, 1, &t)) {
    assert_int_equal(t.pass, 0);
    for (long i = t.begin; i < t.begin + t.n; i++) {
      assert_int_equal(rank[i], -1);
      rank[i] = n++;
    }
  }
  assert_int_equal(n, g->n_inner);
}

/* The inner sites whose links share a plaquette with those of one: itself, its neighbours, and
 * x + e - e'. */
static int related(const cw_geometry *g, long inner, long *out) {
  int n = 0, steps = 2 * g->lat.dim;
  for (int a = 0; a < steps; a++) {
    long y = g->neighbour[inner * steps + a];
    out[n++] = y % g->n_inner;
    for (int b = 0; b < steps; b++)
      if (a % 2 != b % 2) out[n++] = g->neighbour[y * steps + b] % g->n_inner;
  }
  return n;
}

/* Before and after a visit, the sites around that come first have been visited as often as the site
 * will have been, the others as often as it had been. Returns the number of offences. */
static long visit(const cw_geometry *g, const long *rank, long *visits, long inner, long pass) {
  long around[2 * CW_MAX_DIM * (CW_MAX_DIM + 1)], wrong = 0;
  int n = related(g, inner, around);
  for (int twice = 0; twice < 2; twice++)
    for (int i = 0; i < n; i++) {
      long there = __atomic_load_n(&visits[around[i]], __ATOMIC_RELAXED);
      if (around[i] != inner) wrong += there != pass + (rank[around[i]] < rank[inner]);
    }
  wrong += __atomic_fetch_add(&visits[inner], 1, __ATOMIC_RELAXED) != pass;
  return wrong;
}

static void check_wavefront(const cw_geometry *g, int threads) {
  enum { PASSES = 7 };
  long *rank = calloc((size_t)g->n_inner, sizeof *rank), wrong = 0;
  long *visits = calloc((size_t)g->n_inner, sizeof *visits);
  visiting_order(g, rank);
  cw_wavefront w;
  cw_wavefront_begin(&w, g);
#pragma omp parallel num_threads(threads) reduction(+ : wrong)
  {
    cw_stretch t = {0};
    while (cw_wavefront_next(&w, PASSES, &t))
      for (long i = t.begin; i < t.begin + t.n; i++) wrong += visit(g, rank, visits, i, t.pass);
  }
  if (wrong != 0)
    fail_msg("%dx%d..., %d threads: %ld sites visited out of turn", g->lat.extent[0],
             g->lat.extent[1], threads, wrong);
  for (long i = 0; i < g->n_inner; i++) assert_int_equal(visits[i], PASSES);
  free(rank);
  free(visits);
}

static void threads_visit_sites_in_order(void **state) {
  (void)state;
  const cw_lattice more[] = {{4, {12, 6, 16, 12}}, {4, {10, 2, 24, 8}}, {4, {6, 4, 4, 2}},
                             {3, {20, 6, 4}},      {2, {26, 6}},        {1, {40}}};
  cw_context *ctx = test_context(1);
  for (int i = 0; i < N_LATTICES + 6; i++) {
    cw_geometry *g;
    const cw_lattice *lat = i < N_LATTICES ? &lattices[i] : &more[i - N_LATTICES];
    check_ok(ctx, cw_geometry_create(ctx, lat, 1, &g));
    for (int threads = 1; threads <= 4; threads++) check_wavefront(g, threads);
    cw_geometry_destroy(g);
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

static void check_links(cw_context *ctx, const cw_link_set *some, int hops, long expected) {
  cw_link_set set;
  check_ok(ctx, cw_link_set_around(ctx, some, hops, &set));
  assert_int_equal(set.n, expected);
  for (long i = 0, n = 0; i < cw_lattice_sites(&some->lat) * some->lat.dim; i++) {
    assert_int_equal(cw_link_set_has(&set, i), n < set.n && set.link[n] == i);
    n += n < set.n && set.link[n] == i;
  }
  cw_link_set_destroy(&set);
}

/* Links within plaquette hops: counted by hand in two dimensions; in four around 2^3 parallel links
 * of a slice. */
static void links_have_neighbourhoods(void **state) {
  const cw_lattice plane = {2, {6, 5}}, space = {4, {8, 8, 8, 8}};
  const long hops_of_defect[] = {8, 104, 480, 1344};
  long link[9];
  (void)state;
  cw_context *ctx = test_context(1);
  cw_link_set some, none;
  check_ok(ctx, cw_link_set_create(ctx, &plane, 2, (long[]){7, 7}, &some));
  check_links(ctx, &some, 0, 1);
  check_links(ctx, &some, 1, 7);
  check_links(ctx, &some, 20, 60); /* all */
  assert_int_equal(cw_link_set_around(ctx, &some, -1, &none), CW_EINVAL);
  cw_clear_error(ctx);
  cw_link_set_destroy(&some);
  for (int i = 0; i < 8; i++)
    link[i] = 4 * cw_lattice_site(&space, (int[]){7, i & 1, i >> 1 & 1, i >> 2});
  check_ok(ctx, cw_link_set_create(ctx, &space, 8, link, &some));
  for (int hops = 0; hops < 4; hops++) check_links(ctx, &some, hops, hops_of_defect[hops]);
  cw_link_set_destroy(&some);
  link[8] = 4 * 8 * 8 * 8 * 8;
  assert_int_equal(cw_link_set_create(ctx, &space, 9, link, &some), CW_EINVAL);
  cw_link_set_destroy(&some);
  cw_context_destroy(ctx);
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
      cw_field_normal((cw_isa)0, &x[k], cw_rng_stream(1, "t"), 4, 5);
      for (long c = 0; c < N; c++)
        for (long s = 0; s < g[k]->n_sites; s++)
          for (int j = 0; j < 2; j++)
            assert_true(cw_field_get(&x[k], c, s, j) == cw_field_get(&x[0], c, s, j));
    }
    check_ok(ctx, cw_field_create(ctx, g[0], 2, N, &back));
    relayout(&back, &x[n - 1]);
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

/* Links of a patch and those of their plaquettes go there and come back, of the configurations that go;
 * nothing else does. */
static void check_patch(cw_context *ctx, const cw_geometry *g) {
  enum { N = 19, N_REAL = 2 };
  const long some[] = {3, 50};
  const int dim = g->lat.dim;
  cw_link_set core, all;
  cw_patch patch;
  cw_field x, y, away;
  bool go[N];
  for (int i = 0; i < N; i++) go[i] = i % 3 == 0;
  check_ok(ctx, cw_link_set_create(ctx, &g->lat, 2, some, &core));
  check_ok(ctx, cw_link_set_around(ctx, &core, 1, &all));
  check_ok(ctx, cw_patch_create(ctx, g, 1, &core, &patch));
  assert_int_equal(patch.n, all.n);
  check_ok(ctx, cw_field_create(ctx, g, N_REAL * dim, N, &x));
  check_ok(ctx, cw_field_create(ctx, g, N_REAL * dim, N, &y));
  check_ok(ctx, cw_field_create_patch(ctx, &patch, &x, &away));
  cw_field_normal((cw_isa)0, &x, cw_rng_stream(1, "x"), 0, 0);
  cw_field_normal((cw_isa)0, &y, cw_rng_stream(1, "y"), 0, 0);
  cw_field before = y;
  before.data = memcpy(cw_alloc((size_t)y.n_blocks * cw_field_block_size(&y) * sizeof(double)),
                       y.data, (size_t)y.n_blocks * cw_field_block_size(&y) * sizeof(double));
  cw_field_to_patch(&away, &x);
  cw_field_from_patch(&y, &away, go);
  for (long i = 0; i < N; i++)
    for (long link = 0; link < g->n_sites * dim; link++)
      for (int k = 0; k < N_REAL; k++) {
        const int comp = (int)(link % dim) * N_REAL + k;
        const bool moved = go[i] && cw_link_set_has(&all, link);
        assert_true(cw_field_get(&y, i, link / dim, comp) ==
                    cw_field_get(moved ? &x : &before, i, link / dim, comp));
      }
  cw_field_destroy(&before);
  cw_field_destroy(&x);
  cw_field_destroy(&y);
  cw_field_destroy(&away);
  cw_patch_destroy(&patch);
  cw_link_set_destroy(&core);
  cw_link_set_destroy(&all);
}

static void patches_are_copies(void **state) {
  const cw_lattice lat = {3, {4, 6, 4}};
  int splits[5], n = cw_geometry_splits(&lat, splits);
  for (int i = 0; i < n; i++) {
    cw_geometry *g;
    check_ok(*state, cw_geometry_create(*state, &lat, splits[i], &g));
    check_patch(*state, g);
    cw_geometry_destroy(g);
  }
}

/* Some lanes of some sites get old numbers back, and nothing else changes. */
static void lanes_are_restored(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  cw_geometry *g = NULL;
  cw_field x, old;
  check_ok(ctx, cw_geometry_create(ctx, &lattices[2], 1, &g));
  check_ok(ctx, cw_field_create(ctx, g, 3, CW_LANES, &x));
  check_ok(ctx, cw_field_create(ctx, g, 3, CW_LANES, &old));
  const long begin = 2, end = g->n_outer - 1, size = (long)cw_field_block_size(&x);
  bool keep[CW_LANES];
  for (int l = 0; l < CW_LANES; l++) keep[l] = l % 3 != 1;
  for (long i = 0; i < size; i++) x.data[i] = (double)i;
  for (long i = 0; i < size; i++) old.data[i] = i % 5 == 0 ? NAN : -(double)i;
  cw_field_restore(&x, &old, keep, begin, end);
  for (long i = 0; i < size; i++) {
    const long site = i / (3 * CW_LANES);
    const bool restored = !keep[i % CW_LANES] && site >= begin && site < end;
    const double expected = restored ? old.data[i] : (double)i;
    assert_memory_equal(&x.data[i], &expected, sizeof expected);
  }
  cw_field_destroy(&x);
  cw_field_destroy(&old);
  cw_geometry_destroy(g);
  cw_context_destroy(ctx);
}

/* Every component, site by site, in each direction. */
static void check_translation(cw_context *ctx, const cw_geometry *g, int threads) {
  enum { N_COMP = 2, N_CONFIG = 3 };
  cw_field x, y;
  check_ok(ctx, cw_field_create(ctx, g, N_COMP, N_CONFIG, &x));
  check_ok(ctx, cw_field_create(ctx, g, N_COMP, N_CONFIG, &y));
  cw_field_normal(CW_ISA_BASE, &x, cw_rng_stream(1, "translate"), 0, 0);
  for (int k = 0; k < 2 * g->lat.dim; k++) {
    cw_field_translate(&y, &x, k, threads);
    for (long s = 0; s < g->n_sites; s += 1 + g->n_sites / 97) {
      int coord[CW_MAX_DIM];
      cw_lattice_coord(&g->lat, s, coord);
      coord[k / 2] += k % 2 ? -1 : 1;
      long to = cw_lattice_site(&g->lat, coord);
      for (long i = 0; i < N_CONFIG * N_COMP; i++)
        assert_true(cw_field_get(&y, i / N_COMP, to, (int)(i % N_COMP)) ==
                    cw_field_get(&x, i / N_COMP, s, (int)(i % N_COMP)));
    }
  }
  cw_field_destroy(&x);
  cw_field_destroy(&y);
}

static void fields_are_translated(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  for (int i = 0; i < N_LATTICES; i++) {
    int splits[5], n = cw_geometry_splits(&lattices[i], splits);
    for (int k = 0; k < n; k++) {
      cw_geometry *g = NULL;
      check_ok(ctx, cw_geometry_create(ctx, &lattices[i], splits[k], &g));
      check_translation(ctx, g, 1 + k % 2);
      cw_geometry_destroy(g);
    }
  }
  cw_context_destroy(ctx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tables_agree_with_coordinates),
      cmocka_unit_test(full_split_exists_where_it_should),
      cmocka_unit_test(the_chosen_split_wastes_no_lanes),
      cmocka_unit_test(threads_visit_sites_in_order),
      cmocka_unit_test(boxes_wrap_around),
      cmocka_unit_test(links_have_neighbourhoods),
      cmocka_unit_test(bad_lattices_are_refused),
      cmocka_unit_test(fields_do_not_depend_on_the_split),
      cmocka_unit_test(blocks_are_views),
      cmocka_unit_test(lanes_are_restored),
      cmocka_unit_test(patches_are_copies),
      cmocka_unit_test(fields_are_translated),
  };
  return cmocka_run_group_tests_name("lattice", tests, NULL, NULL);
}
