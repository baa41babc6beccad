/* Kinds of fields: starts, drifts, projections and momenta, by their moments and in every split. */
#include "support/check.h"
#include "support/relayout.h"

#include <complex.h>

#include "causeway/group.h"
#include "group/normal.h"
#include "group/rows.h"
#include "unit/group_matrices.h"

/* --------------------------------------------------------------------- kinds of field */

typedef struct {
  double sum, square;
  long n;
} tally;

static void count(tally *t, double value) {
  t->sum += value;
  t->square += value * value;
  t->n++;
}

static void check_mean(const tally *t, double expected, const char *what) {
  double n = (double)t->n, mean = t->sum / n;
  double error = sqrt((t->square / n - mean * mean) / n);
  check_sigma_at(mean, error, expected, 4, what, __FILE__, __LINE__);
  assert_true(error < 0.02); /* the test has teeth */
}

static matrix link_of(const cw_field *x, cw_field_kind kind, long config, long site, int mu) {
  const cw_kind_ops *info = cw_kind(kind);
  double link[18], m[18];
  for (int k = 0; k < info->n_real; k++)
    link[k] = cw_field_get(x, config, site, mu * info->n_real + k);
  cw_link_to_matrix(kind, link, m);
  matrix u = {.n = info->n_colours};
  for (int i = 0; i < u.n * u.n; i++) u.at[i / u.n][i % u.n] = m[2 * i] + I * m[2 * i + 1];
  return u;
}

/* Moments of the Haar measure (e.g. from the number of invariants in products of representations):
 *   <|tr U|^2> = 1 for all, <|tr U|^4> = 1 (U(1)), 2 (SU(2), SU(3)), <(tr U)^3> = 1 for SU(3),
 *   <|U_ij|^2> = 1/N, <|U_ij|^4> = 2/(N(N+1)), <U_11 U_22 U_33> = 1/6 for SU(3); and the same for
 *   gU and Ug with any fixed g, and in different gauge for U_1 U_2^+ of independent links. */
static void haar_moments(const cw_field *x, cw_field_kind kind, const matrix *g) {
  tally tr = {0}, tr2 = {0}, tr3 = {0}, tr4 = {0}, tr_square = {0}, e2 = {0}, e4 = {0}, diag = {0};
  int n = g->n;
  for (long i = 0; i < x->n_config; i++)
    for (long s = 0; s < x->geom->n_sites; s++)
      for (int mu = 0; mu < x->geom->lat.dim; mu++) {
        matrix u = times(*g, link_of(x, kind, i, s, mu));
        assert_true(group_error(u, kind != CW_LINK_U1) < 2e-15);
        number t = trace(u), e = u.at[n - 1][0];
        double size2 = (double)(t * conjl(t));
        count(&tr, (double)creall(t));
        count(&tr2, size2);
        count(&tr3, (double)creall(t * t * t));
        count(&tr4, size2 * size2);
        count(&tr_square, (double)creall(t * t));
        count(&e2, (double)(e * conjl(e)));
        count(&e4, (double)(e * conjl(e) * e * conjl(e)));
        if (n == 3) count(&diag, (double)creall(u.at[0][0] * u.at[1][1] * u.at[2][2]));
      }
  check_mean(&tr, 0, "<tr U>");
  check_mean(&tr3, n == 3 ? 1 : 0, "<tr U ^3>");
  check_mean(&tr_square, n == 2 ? 1 : 0, "<tr U ^2>");
  if (n == 1) return; /* the others hold exactly: |U| = 1 */
  check_mean(&tr2, 1, "<|tr U|^2>");
  check_mean(&tr4, 2, "<|tr U|^4>");
  check_mean(&e2, 1.0 / n, "<|U_ij|^2>");
  check_mean(&e4, 2.0 / (n * (n + 1)), "<|U_ij|^4>");
  if (n == 3) check_mean(&diag, 1.0 / 6, "<U_11 U_22 U_33>");
}

static void test_haar(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  const cw_lattice lat = {3, {8, 8, 8}};
  cw_geometry *geom;
  check_ok(ctx, cw_geometry_create(ctx, &lat, 8, &geom));
  for (int k = CW_LINK_U1; k <= CW_LINK_SU3; k++) {
    cw_field_kind kind = (cw_field_kind)k;
    cw_field x;
    double w[8] = {1.3, -0.4, 2.1, 0.3, -1.7, 0.9, 0.2, 1.1};
    check_ok(ctx, cw_field_create(ctx, geom, cw_kind_components(kind, &lat), 64, &x));
    cw_kind(kind)->hot(cw_context_isa(ctx), &x, cw_rng_stream(4, "haar"), 0);
    matrix one = unit(cw_kind(kind)->n_colours), g = exponential(in_algebra(kind, w));
    haar_moments(&x, kind, &one);
    haar_moments(&x, kind, &g);
    cw_field_destroy(&x);
  }
  cw_geometry_destroy(geom);
  cw_context_destroy(ctx);
}

/* Random momenta move every chain by a step of its own. */
static void move_fields(cw_context *ctx, const cw_kind_ops *kind, int n_tangent, cw_field *x) {
  cw_isa isa = cw_context_isa(ctx);
  long n_outer = x->geom->n_outer;
  double eps[CW_LANES] CW_ALIGNED;
  cw_field p;
  check_ok(ctx, cw_field_create(ctx, x->geom, n_tangent, x->n_config, &p));
  cw_field_normal(isa, &p, cw_rng_stream(4, "splits"), 3, 1);
  for (long block = 0; block < x->n_blocks; block++) {
    cw_field bx = cw_field_block(x, block), bp = cw_field_block(&p, block);
    for (int l = 0; l < CW_LANES; l++) eps[l] = 0.1 * (double)(bx.first_chain + l % bx.B);
    kind->drift(isa, &bx, &bp, eps, 0, n_outer / 2);
    kind->drift(isa, &bx, &bp, eps, n_outer / 2, n_outer);
    kind->project(isa, &bx, 0, n_outer);
  }
  cw_field_destroy(&p);
}

/* Hot, drift and project give the same bits for every split, and steps their own draws. */
static void test_splits(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  cw_isa isa = cw_context_isa(ctx);
  const cw_lattice lat = {3, {8, 4, 4}};
  int splits[5], n = cw_geometry_splits(&lat, splits);
  assert_true(n > 3);
  for (int k = CW_SITE_REAL; k <= CW_SITE_SPIN; k++) {
    const cw_kind_ops *kind = cw_kind((cw_field_kind)k);
    cw_field first = {0};
    for (int i = 0; i < n; i++) {
      cw_geometry *geom;
      cw_field x, plain;
      check_ok(ctx, cw_geometry_create(ctx, &lat, splits[i], &geom));
      int n_comp = cw_kind_components((cw_field_kind)k, &lat);
      int n_tangent = cw_kind_tangent((cw_field_kind)k, &lat);
      check_ok(ctx, cw_field_create(ctx, geom, n_comp, 17, &x));
      kind->hot(isa, &x, cw_rng_stream(4, "splits"), 3);
      if (n_tangent > 0) move_fields(ctx, kind, n_tangent, &x);
      if (i == 0) {
        first = x;
        continue; /* its geometry lives as long */
      }
      check_ok(ctx, cw_field_create(ctx, first.geom, n_comp, 17, &plain));
      relayout(&plain, &x);
      for (long c = 0; c < 17; c++)
        for (long s = 0; s < geom->n_sites; s++)
          for (int j = 0; j < n_comp; j++)
            assert_true(cw_field_get(&plain, c, s, j) == cw_field_get(&first, c, s, j));
      cw_field_destroy(&plain);
      cw_field_destroy(&x);
      cw_geometry_destroy(geom);
    }
    cw_geometry *geom = (cw_geometry *)first.geom;
    cw_field_destroy(&first);
    cw_geometry_destroy(geom);
  }
  cw_context_destroy(ctx);
}

/* Slices of Gaussian numbers are those of cw_field_normal, whatever the split and the components.
 */
static void test_normal(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  const cw_lattice lattices[] = {{3, {4, 4, 2}}, {2, {3, 5}}};
  for (int i = 0; i < 2; i++)
    for (int n_comp = 1; n_comp <= 4; n_comp++) {
      int splits[5], n = cw_geometry_splits(&lattices[i], splits);
      for (int j = 0; j < n; j++) {
        cw_geometry *geom;
        cw_field x, y;
        check_ok(ctx, cw_geometry_create(ctx, &lattices[i], splits[j], &geom));
        check_ok(ctx, cw_field_create(ctx, geom, n_comp, 19, &x));
        check_ok(ctx, cw_field_create(ctx, geom, n_comp, 19, &y));
        x.first_chain = y.first_chain = 5;
        cw_field_normal(cw_context_isa(ctx), &x, cw_rng_stream(4, "normal"), 7, 3);
        for (long b = 0; b < y.n_blocks; b++) {
          cw_field block = cw_field_block(&y, b);
          long middle = geom->n_outer / 2;
          for (int part = 0; part < 2; part++)
            cw_normal_slice(cw_context_isa(ctx), &block, cw_rng_stream(4, "normal"), 7, 3,
                            part == 0 ? 0 : middle, part == 0 ? middle : geom->n_outer);
        }
        assert_memory_equal(x.data, y.data,
                            (size_t)x.n_blocks * cw_field_block_size(&x) * sizeof *x.data);
        cw_field_destroy(&x);
        cw_field_destroy(&y);
        cw_geometry_destroy(geom);
      }
    }
  cw_context_destroy(ctx);
}

/* On the largest lattices the numbers of a draw are more than 2^33, and still none comes twice. A
 * few sites of a lattice too large for a test. */
static void test_normal_of_large_lattices(void **state) {
  (void)state;
  enum { SITES = 4, CHAIN = 5, STEP = 7, DRAW = 3 };
  cw_context *ctx = test_context(1);
  const cw_isa isa = cw_context_isa(ctx);
  const cw_rng rng = cw_rng_stream(4, "normal");
  int site[SITES] = {11, 1 << 27, (1 << 28) + 11, CW_MAX_SITES - 1};
  for (int n_comp = 71; n_comp <= 72; n_comp++) {
    cw_geometry *geom;
    cw_field x;
    check_ok(ctx, cw_geometry_create(ctx, &(cw_lattice){1, {SITES}}, 1, &geom));
    check_ok(ctx, cw_field_create(ctx, geom, n_comp, CW_LANES, &x));
    cw_geometry far = *geom;
    far.site = site;
    x.geom = &far;
    x.first_chain = CHAIN;
    cw_normal_slice(isa, &x, rng, STEP, DRAW, 0, SITES);
    for (int s = 0; s < SITES; s++)
      for (int c = 0; c < n_comp; c++) {
        const uint64_t k = (uint64_t)site[s] * (uint64_t)n_comp + (uint64_t)c;
        const uint32_t low = (uint32_t)(k >> 1), high = (uint32_t)(k >> 33);
        double z[2], again[2];
        cw_normal2(isa, rng, low, CHAIN, STEP, DRAW + (high << 28), z);
        cw_normal2(isa, rng, low, CHAIN, STEP, DRAW, again);
        assert_int_equal(cw_draw_of(DRAW, k / 2), DRAW + (high << 28));
        assert_true(x.data[(s * n_comp + c) * CW_LANES] == z[k % 2]);
        assert_int_equal(again[0] == z[0], high == 0);
      }
    cw_field_destroy(&x);
    cw_geometry_destroy(geom);
  }
  cw_context_destroy(ctx);
}

/* Drift multiplies by the exponential from the left. */
static void test_drift(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  const cw_lattice lat = {2, {4, 4}};
  cw_geometry *geom;
  check_ok(ctx, cw_geometry_create(ctx, &lat, 4, &geom));
  for (int k = CW_LINK_U1; k <= CW_LINK_SU3; k++) {
    cw_field_kind kind = (cw_field_kind)k;
    cw_field x, p, old;
    int n_comp = cw_kind_components(kind, &lat), n = cw_kind(kind)->n_algebra;
    check_ok(ctx, cw_field_create(ctx, geom, n_comp, 4, &x));
    check_ok(ctx, cw_field_create(ctx, geom, n_comp, 4, &old));
    check_ok(ctx, cw_field_create(ctx, geom, cw_kind_tangent(kind, &lat), 4, &p));
    cw_kind(kind)->hot(cw_context_isa(ctx), &x, cw_rng_stream(4, "drift"), 0);
    cw_field_normal(cw_context_isa(ctx), &p, cw_rng_stream(4, "drift"), 0, 1);
    cw_field_copy(&old, &x);
    double eps[CW_LANES] CW_ALIGNED;
    for (int l = 0; l < CW_LANES; l++) eps[l] = 0.1 * (1 + l % x.B);
    cw_kind(kind)->drift(cw_context_isa(ctx), &x, &p, eps, 0, geom->n_outer);
    for (long c = 0; c < 4; c++)
      for (long s = 0; s < 16; s++)
        for (int mu = 0; mu < 2; mu++) {
          double w[8];
          for (int a = 0; a < n; a++) w[a] = eps[c] * cw_field_get(&p, c, s, mu * n + a);
          matrix u = times(exponential(in_algebra(kind, w)), link_of(&old, kind, c, s, mu));
          assert_true(distance(link_of(&x, kind, c, s, mu), u) < 2e-15);
        }
    cw_kind(kind)->cold(&x);
    for (long c = 0; c < 4; c++)
      assert_true(distance(link_of(&x, kind, c, 5, 1), unit(cw_kind(kind)->n_colours)) == 0);
    cw_field_destroy(&x);
    cw_field_destroy(&p);
    cw_field_destroy(&old);
  }
  cw_geometry_destroy(geom);
  cw_context_destroy(ctx);
}

/* Reals: as ever, a hot start is cw_field_normal, and a step one fused multiply-add. */
static void test_reals(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  cw_isa isa = cw_context_isa(ctx);
  const cw_lattice lat = {2, {4, 4}};
  cw_geometry *geom;
  cw_field x, y;
  double eps[CW_LANES] CW_ALIGNED;
  check_ok(ctx, cw_geometry_create(ctx, &lat, 1, &geom));
  check_ok(ctx, cw_field_create(ctx, geom, 1, 20, &x));
  check_ok(ctx, cw_field_create(ctx, geom, 1, 20, &y));
  cw_kind(CW_SITE_REAL)->hot(isa, &x, cw_rng_stream(4, "reals"), 5);
  cw_field_normal(isa, &y, cw_rng_stream(4, "reals"), 5, 0);
  size_t bytes = (size_t)x.n_blocks * cw_field_block_size(&x) * sizeof *x.data;
  assert_memory_equal(x.data, y.data, bytes);
  for (int l = 0; l < CW_LANES; l++) eps[l] = 0.01 * l;
  cw_kind(CW_SITE_REAL)->drift(isa, &x, &y, eps, 0, geom->n_outer);
  cw_kind(CW_SITE_REAL)->project(isa, &x, 0, geom->n_outer);
  for (int l = 0; l < CW_LANES; l++) {
    double old = y.data[3 * CW_LANES + l], found = x.data[3 * CW_LANES + l];
    check_close(found, old + eps[l] * old, 1e-15);
    if (isa != CW_ISA_BASE) assert_true(found == fma(eps[l], old, old));
  }
  cw_kind(CW_SITE_REAL)->cold(&x);
  assert_true(x.data[17] == 0);
  cw_field_destroy(&x);
  cw_field_destroy(&y);
  cw_geometry_destroy(geom);
  cw_context_destroy(ctx);
}

/* Fair coins, independent between sites (next ones, and those that share no draw), chains and
 * steps.
 */
static void test_spins(void **state) {
  (void)state;
  enum { N_CONFIG = 33, N_SITES = 40 * 40 };
  cw_context *ctx = test_context(1);
  const cw_lattice lat = {2, {40, 40}};
  cw_geometry *geom;
  cw_field x, y;
  double sum[5] = {0}, n = N_CONFIG * N_SITES;
  check_ok(ctx, cw_geometry_create(ctx, &lat, 4, &geom));
  check_ok(ctx, cw_field_create(ctx, geom, 1, N_CONFIG, &x));
  check_ok(ctx, cw_field_create(ctx, geom, 1, N_CONFIG, &y));
  cw_kind(CW_SITE_SPIN)->hot(CW_ISA_BASE, &x, cw_rng_stream(4, "spins"), 5);
  cw_kind(CW_SITE_SPIN)->hot(CW_ISA_BASE, &y, cw_rng_stream(4, "spins"), 6);
  for (long i = 0; i < N_CONFIG; i++)
    for (long s = 0; s < N_SITES; s++) {
      double spin = cw_field_get(&x, i, s, 0);
      assert_true(spin == 1 || spin == -1);
      sum[0] += spin;
      sum[1] += spin * cw_field_get(&x, i, (s + 1) % N_SITES, 0);
      sum[2] += spin * cw_field_get(&x, i, (s + 128) % N_SITES, 0);
      sum[3] += spin * cw_field_get(&x, (i + 1) % N_CONFIG, s, 0);
      sum[4] += spin * cw_field_get(&y, i, s, 0);
    }
  for (int k = 0; k < 5; k++) check_sigma(sum[k] / n, 1 / sqrt(n), 0, 4);
  cw_kind(CW_SITE_SPIN)->cold(&x);
  for (size_t k = 0; k < (size_t)x.n_blocks * cw_field_block_size(&x); k++)
    assert_true(x.data[k] == 1);
  assert_null(cw_kind(CW_SITE_SPIN)->drift);
  assert_int_equal(cw_kind_components(CW_SITE_SPIN, &lat), 1);
  assert_int_equal(cw_kind_tangent(CW_SITE_SPIN, &lat), 0);
  cw_field_destroy(&x);
  cw_field_destroy(&y);
  cw_geometry_destroy(geom);
  cw_context_destroy(ctx);
}

static void test_table(void **state) {
  (void)state;
  const cw_lattice lat = {4, {2, 2, 2, 2}};
  assert_int_equal(cw_kind_components(CW_SITE_REAL, &lat), 1);
  assert_int_equal(cw_kind_tangent(CW_SITE_REAL, &lat), 1);
  assert_int_equal(cw_kind_components(CW_LINK_SU3, &lat), 72);
  assert_int_equal(cw_kind_tangent(CW_LINK_SU3, &lat), 32);
  for (int k = CW_LINK_U1; k <= CW_LINK_SU3; k++) { /* to a matrix and back */
    double link[18], m[18], back[18];
    for (int i = 0; i < 18; i++) link[i] = draw_normal();
    cw_link_to_matrix((cw_field_kind)k, link, m);
    cw_link_from_matrix((cw_field_kind)k, m, back);
    for (int i = 0; i < cw_kind((cw_field_kind)k)->n_real; i++) assert_true(back[i] == link[i]);
  }
  double a[4] = {0.1, 0.2, 0.3, 0.4}, m[8]; /* a0 + i sum a_k sigma_k */
  cw_link_to_matrix(CW_LINK_SU2, a, m);
  const double expected[8] = {0.1, 0.4, 0.3, 0.2, -0.3, 0.2, 0.1, -0.4};
  assert_memory_equal(m, expected, sizeof m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_table),
      cmocka_unit_test(test_reals),
      cmocka_unit_test(test_spins),
      cmocka_unit_test(test_drift),
      cmocka_unit_test(test_splits),
      cmocka_unit_test(test_normal),
      cmocka_unit_test(test_normal_of_large_lattices),
      cmocka_unit_test(test_haar),
  };
  return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
