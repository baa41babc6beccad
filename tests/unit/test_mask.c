/* Masks against their definitions on global coordinates: every unit in one class, classes of equal
 * size, no plaquette with two links of a class, the same classes for every split, boxes, and what is
 * refused. */
#include <stdlib.h>
#include <string.h>

#include "causeway/lattice.h"
#include "support/check.h"

typedef struct {
  cw_lattice lat;
  bool has_box;
  cw_box box;
} mask_case;

/* In {6, 6, ...} and {12} sub-lattices are odd, so that lanes of a row differ. */
static const mask_case cases[] = {
    {{1, {12}}, false, {{0}, {0}}},
    {{2, {2, 2}}, false, {{0}, {0}}},
    {{2, {8, 4}}, false, {{0}, {0}}},
    {{2, {6, 6}}, false, {{0}, {0}}},
    {{3, {2, 4, 6}}, false, {{0}, {0}}},
    {{4, {2, 2, 2, 2}}, false, {{0}, {0}}},
    {{4, {4, 4, 4, 4}}, false, {{0}, {0}}},
    {{4, {6, 6, 6, 6}}, false, {{0}, {0}}},
    {{2, {7, 6}}, true, {{5, 1}, {6, 6}}},
    {{4, {5, 6, 4, 3}}, true, {{4, 3, 1, 2}, {3, 6, 2, 1}}},
    {{4, {8, 4, 8, 4}}, true, {{6, 1, 0, 0}, {5, 2, 3, 4}}},
};
enum { N_CASES = sizeof cases / sizeof *cases, N_KINDS = CW_MASK_SIXTEENTH + 1 };

static const cw_box *box_of(const mask_case *k) { return k->has_box ? &k->box : NULL; }

/* Calls test for every mask of every case and split that there is. */
typedef void (*mask_test)(const mask_case *k, const cw_geometry *g, cw_mask_kind kind,
                          const cw_mask *m);
static void for_masks(cw_context *ctx, bool links, mask_test test) {
  for (int i = 0; i < N_CASES; i++) {
    int splits[5], n = cw_geometry_splits(&cases[i].lat, splits);
    for (int s = 0; s < n; s++) {
      cw_geometry *g;
      check_ok(ctx, cw_geometry_create(ctx, &cases[i].lat, splits[s], &g));
      for (cw_mask_kind kind = 0; (int)kind < N_KINDS && (int)kind < cases[i].lat.dim; kind++) {
        cw_mask m;
        check_ok(ctx, cw_mask_create(ctx, g, links ? g->lat.dim : 1, kind, box_of(&cases[i]), &m));
        test(&cases[i], g, kind, &m);
        cw_mask_destroy(&m);
      }
      cw_geometry_destroy(g);
    }
  }
}

static int class_at(const cw_geometry *g, const cw_mask *m, long site, int unit, int b) {
  const int lane = g->group[site] * (CW_LANES / g->V) + b;
  return m->class_of[((long)g->outer[site] * m->units + unit) * CW_LANES + lane];
}

static bool is_listed(const cw_mask *m, int c, long row) {
  for (long i = m->begin[c]; i < m->begin[c + 1]; i++)
    if (m->row[i] == row) return true;
  return false;
}

/* Lists are ascending and hold a row exactly where one of its lanes is of the class; units of a
 * class are counted; a unit is outside of all classes if and only if it is outside of the box. */
static void check_partition(const mask_case *k, const cw_geometry *g, cw_mask_kind kind,
                            const cw_mask *m) {
  const int B = CW_LANES / g->V;
  long *count = cw_alloc((size_t)m->n_class * sizeof *count);
  assert_int_equal(m->n_class, m->units * (2 << kind));
  for (long s = 0; s < g->n_sites; s++)
    for (int u = 0; u < m->units; u++) {
      int x[CW_MAX_DIM], c = class_at(g, m, s, u, 0);
      cw_lattice_coord(&g->lat, s, x);
      for (int b = 1; b < B; b++) assert_int_equal(class_at(g, m, s, u, b), c);
      if (k->has_box && !cw_box_contains(&g->lat, &k->box, x)) {
        assert_int_equal(c, CW_NO_CLASS);
        continue;
      }
      assert_in_range(c, u * (2 << kind), (u + 1) * (2 << kind) - 1);
      count[c]++;
    }
  long rows = 0;
  for (int c = 0; c < m->n_class; c++) {
    assert_int_equal(m->count[c], count[c]);
    if (!k->has_box) assert_int_equal(count[c], g->n_sites / (2 << kind));
    for (long i = m->begin[c] + 1; i < m->begin[c + 1]; i++) assert_true(m->row[i - 1] < m->row[i]);
  }
  for (long r = 0; r < g->n_outer * m->units && g->n_outer < 300; r++)
    for (int c = 0; c < m->n_class; c++) {
      const bool has = memchr(m->class_of + r * CW_LANES, c, CW_LANES) != NULL;
      assert_true(is_listed(m, c, r) == has);
      rows += has;
    }
  if (g->n_outer < 300) assert_int_equal(rows, m->begin[m->n_class]);
  free(count);
}

/* The four links of every plaquette are of different classes, but for those of none. */
static void check_plaquettes(const mask_case *k, const cw_geometry *g, cw_mask_kind kind,
                             const cw_mask *m) {
  (void)k, (void)kind;
  for (long s = 0; s < g->n_sites; s++)
    for (int mu = 0; mu < g->lat.dim; mu++)
      for (int nu = 0; nu < g->lat.dim; nu++) {
        int x[CW_MAX_DIM];
        if (nu == mu) continue;
        cw_lattice_coord(&g->lat, s, x);
        x[nu]++;
        const int here = class_at(g, m, s, mu, 0),
                  opposite = class_at(g, m, cw_lattice_site(&g->lat, x), mu, 0);
        if (here != CW_NO_CLASS) assert_int_not_equal(here, opposite);
      }
}

/* Steps on the lattice between two sites. */
static int distance(const cw_lattice *lat, long a, long b) {
  int x[CW_MAX_DIM], y[CW_MAX_DIM], sum = 0;
  cw_lattice_coord(lat, a, x);
  cw_lattice_coord(lat, b, y);
  for (int d = 0; d < lat->dim; d++) {
    const int step = abs(x[d] - y[d]);
    sum += step < lat->extent[d] - step ? step : lat->extent[d] - step;
  }
  return sum;
}

/* The shortest vectors of the sub-lattices, on 4^3 and 4^4: how far parities keep units apart. */
static void test_distances(void **state) {
  static const int shortest[2][N_KINDS] = {{2, 2, 2, 0}, {2, 2, 2, 2}};
  /* Vectors of length 2 in each: 3D: half 18, quarter and eighth only (+-2, 0, 0), 4 = wraps. */
  static const int near[2][N_KINDS] = {{12 + 3, 3, 3, 0}, {24 + 4, 8 + 4, 4, 4}};
  for (int dim = 3; dim <= 4; dim++) {
    const cw_lattice lat = {dim, {4, 4, 4, 4}};
    cw_geometry *g;
    check_ok(*state, cw_geometry_create(*state, &lat, 1, &g));
    for (cw_mask_kind kind = 0; (int)kind < dim; kind++) {
      cw_mask m;
      int least = 100, n = 0;
      check_ok(*state, cw_mask_create(*state, g, dim, kind, NULL, &m));
      for (long s = 1; s < g->n_sites; s++) {
        const int d = distance(&lat, 0, s);
        if (class_at(g, &m, s, 1, 0) != class_at(g, &m, 0, 1, 0)) continue;
        least = d < least ? d : least;
        n += d == 2;
      }
      assert_int_equal(least, shortest[dim - 3][kind]);
      assert_int_equal(n, near[dim - 3][kind]);
      cw_mask_destroy(&m);
    }
    cw_geometry_destroy(g);
  }
}

/* The checkerboard of sites, and that of the links of each direction, is the parity of the sum of
 * coordinates, from the origin of the box. */
static void check_half(const mask_case *k, const cw_geometry *g, cw_mask_kind kind,
                       const cw_mask *m) {
  for (long s = 0; kind == CW_MASK_HALF && s < g->n_sites; s++)
    for (int u = 0; u < m->units; u++) {
      int x[CW_MAX_DIM], sum = 0;
      cw_lattice_coord(&g->lat, s, x);
      for (int d = 0; d < g->lat.dim; d++)
        sum += (x[d] - (k->has_box ? k->box.origin[d] : 0) + g->lat.extent[d]) % g->lat.extent[d];
      const int c = class_at(g, m, s, u, 0);
      if (c != CW_NO_CLASS) assert_int_equal(c, 2 * u + sum % 2);
    }
}

static void test_partition(void **state) {
  for (int links = 0; links < 2; links++) for_masks(*state, links == 1, check_partition);
}
static void test_plaquettes(void **state) { for_masks(*state, true, check_plaquettes); }
static void test_half(void **state) {
  for (int links = 0; links < 2; links++) for_masks(*state, links == 1, check_half);
}

/* Rows whose lanes differ are there at all, and no split changes the class of a unit. */
static void test_splits(void **state) {
  const cw_lattice lat = {4, {6, 6, 6, 6}};
  cw_geometry *whole, *cut;
  cw_mask a, b;
  int mixed = 0;
  check_ok(*state, cw_geometry_create(*state, &lat, 1, &whole));
  check_ok(*state, cw_geometry_create(*state, &lat, 16, &cut));
  for (cw_mask_kind kind = 0; (int)kind < N_KINDS; kind++) {
    check_ok(*state, cw_mask_create(*state, whole, 4, kind, NULL, &a));
    check_ok(*state, cw_mask_create(*state, cut, 4, kind, NULL, &b));
    for (long s = 0; s < whole->n_sites; s++)
      for (int u = 0; u < 4; u++)
        assert_int_equal(class_at(whole, &a, s, u, 0), class_at(cut, &b, s, u, 0));
    for (long r = 0; r < cut->n_outer * 4; r++)
      mixed += b.class_of[r * CW_LANES] != b.class_of[r * CW_LANES + 1];
    cw_mask_destroy(&a);
    cw_mask_destroy(&b);
  }
  assert_true(mixed > 1000);
  cw_geometry_destroy(whole);
  cw_geometry_destroy(cut);
}

static void test_refusals(void **state) {
  static const struct {
    cw_lattice lat;
    cw_mask_kind kind;
    const char *says;
  } bad[] = {
      {{2, {4, 3}}, CW_MASK_HALF, "even extents, but the lattice has extent 3"},
      {{2, {1, 4}}, CW_MASK_HALF, "even extents, but the lattice has extent 1"},
      {{1, {4}}, CW_MASK_QUARTER, "more than 1 direction for the mask 'quarter'"},
      {{3, {4, 4, 4}}, CW_MASK_SIXTEENTH, "more than 3 directions for the mask 'sixteenth'"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    cw_geometry *g;
    cw_mask m;
    check_ok(*state, cw_geometry_create(*state, &bad[i].lat, 1, &g));
    assert_int_equal(cw_mask_create(*state, g, 1, bad[i].kind, NULL, &m), CW_EINVAL);
    assert_non_null(strstr(cw_error(*state), bad[i].says));
    cw_clear_error(*state);
    cw_geometry_destroy(g);
  }
  /* A box as long as an odd extent wraps around it; a shorter one does not. */
  const cw_lattice odd = {2, {5, 4}};
  char why[160];
  assert_true(cw_mask_refuses(&odd, CW_MASK_HALF, &(cw_box){{0, 0}, {5, 2}}, why));
  assert_false(cw_mask_refuses(&odd, CW_MASK_HALF, &(cw_box){{0, 0}, {4, 4}}, why));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_partition), cmocka_unit_test(test_plaquettes),
      cmocka_unit_test(test_half),      cmocka_unit_test(test_distances),
      cmocka_unit_test(test_splits),    cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests_name("mask", tests, test_open_context_1, test_close_context);
}
