/* What the forms of the Wilson action owe each other, how many plaquettes a defect touches, and
 * what is refused. The rest is in test_theory.c. */
#include "support/check.h"
#include "support/relayout.h"

#include <stdlib.h>
#include <string.h>

#include "causeway/wilson.h"

enum { ISOTROPIC, ANISOTROPIC, DEFECT };
static const char *const groups[] = {"u1", "su2", "su3"};

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_field x;
} fixture;

static void open_fixture(fixture *fx, const char *group, const cw_lattice *lat, int V, int form,
                         const double *params) {
  const cw_theory_ops *ops = cw_theory_find(group);
  assert_true(cw_is_wilson(ops));
  assert_null(ops->refuse(form, lat, params));
  fx->ctx = test_context(1);
  check_ok(fx->ctx, cw_geometry_create(fx->ctx, lat, V, &fx->geom));
  check_ok(fx->ctx, cw_theory_create(fx->ctx, ops, fx->geom, form, params, &fx->th));
  check_ok(fx->ctx, cw_field_create(fx->ctx, fx->geom, fx->th.n_comp, CW_LANES / V, &fx->x));
}

static void close_fixture(fixture *fx) {
  cw_field_destroy(&fx->x);
  cw_theory_destroy(&fx->th);
  cw_geometry_destroy(fx->geom);
  cw_context_destroy(fx->ctx);
}

/* Every plaquette of the identity is 1, so that -T counts those of a class. */
static void count(const char *group, const cw_lattice *lat, const double *params,
                  const double expected[CW_WILSON_CLASSES]) {
  int splits[5], n = cw_geometry_splits(lat, splits);
  for (int i = 0; i < n; i++) {
    fixture fx;
    double T[CW_LANES * CW_WILSON_CLASSES];
    open_fixture(&fx, group, lat, splits[i], DEFECT, params);
    cw_kind(fx.th.ops->kind)->cold(&fx.x);
    fx.th.ops->terms(&fx.th, &fx.x, T);
    for (int k = 0; k < CW_WILSON_CLASSES; k++) check_close(-T[k], expected[k], 1e-13);
    close_fixture(&fx);
  }
}

/* A 2^3 defect is 8 links, in 4 rows of 2 across each of 3 planes; a row touches 3 plaquettes, the
 * middle one with both links: 36 plaquettes, 12 of them with two defect links. */
static void test_defect_touches_36_plaquettes(void **state) {
  (void)state;
  const cw_lattice lat = {4, {6, 4, 6, 8}};
  const double all = 6 * 4 * 6 * 8;
  for (int g = 0; g < 3; g++) {
    const double temporal[] = {5, 0.5, 3, 2, 2, 2, 1}, spatial[] = {5, 0.5, 1, 2, 1, 2, 2};
    count(groups[g], &lat, temporal, (double[]){3 * all, 3 * all - 36, 0, 24, 0, 12});
    count(groups[g], &lat, spatial, (double[]){3 * all - 24, 3 * all - 12, 16, 8, 8, 4});
  }
}

/* A defect that is a whole slice closes on itself: every plaquette it touches has two of its links.
 */
static void test_whole_slice(void **state) {
  (void)state;
  const cw_lattice lat = {3, {3, 4, 2}};
  const double p[] = {5, 0.5, 0, 1, 4, 2, 1};
  count("su2", &lat, p, (double[]){24 - 8, 48 - 8, 0, 0, 8, 8});
  const cw_lattice plane = {2, {2, 2}};
  const double q[] = {5, 0.5, 1, 1, 1, 1, 1}; /* one link, in two plaquettes */
  count("u1", &plane, q, (double[]){0, 2, 0, 2, 0, 0});
}

/* S of the first configuration and the force field of params on the configurations of fx. */
static double evaluate(const fixture *fx, int form, const double *params, cw_field *f) {
  cw_theory th;
  double T[CW_LANES * CW_WILSON_CLASSES], S[CW_LANES];
  check_ok(fx->ctx, cw_theory_create(fx->ctx, fx->th.ops, fx->geom, form, params, &th));
  th.ops->force(&th, &fx->x, th.c, f);
  cw_theory_action(&th, &fx->x, th.c, T, S);
  cw_theory_destroy(&th);
  return S[0];
}

static void check_same_forces(const cw_field *a, const cw_field *b) {
  for (size_t i = 0; i < cw_field_block_size(a); i++) check_close(a->data[i], b->data[i], 1e-12);
}

/* A defect of factor 1 is none, and equal couplings of space and time are isotropic; other values
 * are neither. */
static void test_forms_agree(void **state) {
  (void)state;
  const cw_lattice lat = {4, {4, 2, 4, 4}};
  for (int g = 0; g < 3; g++) {
    const double beta[] = {2.5}, both[] = {2.5, 2.5}, other[] = {2.5, 2.6};
    double defect[] = {2.5, 1, 2, 2, 1, 1, 3};
    fixture fx;
    cw_field f, same;
    open_fixture(&fx, groups[g], &lat, 8, ISOTROPIC, beta);
    check_ok(fx.ctx, cw_field_create(fx.ctx, fx.geom, fx.th.n_tangent, 2, &f));
    check_ok(fx.ctx, cw_field_create(fx.ctx, fx.geom, fx.th.n_tangent, 2, &same));
    cw_kind(fx.th.ops->kind)->hot(fx.th.isa, &fx.x, cw_rng_stream(3, "wilson"), 0);
    double S = evaluate(&fx, ISOTROPIC, beta, &f);
    check_close(evaluate(&fx, ANISOTROPIC, both, &same), S, 1e-13);
    check_same_forces(&same, &f);
    check_close(evaluate(&fx, DEFECT, defect, &same), S, 1e-13);
    check_same_forces(&same, &f);
    assert_true(fabs(evaluate(&fx, ANISOTROPIC, other, &same) - S) > 1e-3);
    defect[1] = 0.5;
    assert_true(fabs(evaluate(&fx, DEFECT, defect, &same) - S) > 1e-3);
    cw_field_destroy(&f);
    cw_field_destroy(&same);
    close_fixture(&fx);
  }
}

/* S is quadratic in the factor: a plaquette holds 0, 1 or 2 defect links. */
static void test_quadratic_in_factor(void **state) {
  (void)state;
  const cw_lattice lat = {4, {4, 4, 4, 4}};
  double p[] = {6, 0, 3, 2, 2, 2, 1}, S[4];
  fixture fx;
  cw_field f;
  open_fixture(&fx, "su3", &lat, 16, DEFECT, p);
  check_ok(fx.ctx, cw_field_create(fx.ctx, fx.geom, fx.th.n_tangent, 1, &f));
  cw_kind(fx.th.ops->kind)->hot(fx.th.isa, &fx.x, cw_rng_stream(3, "wilson"), 1);
  for (int i = 0; i < 4; i++) {
    p[1] = i / 3.0;
    S[i] = evaluate(&fx, DEFECT, p, &f);
  }
  check_close(S[3] - 3 * S[2] + 3 * S[1] - S[0], 0, 1e-11);
  assert_true(fabs(S[2] - 2 * S[1] + S[0]) > 1e-4);
  cw_field_destroy(&f);
  close_fixture(&fx);
}

/* Weights of staples: 1 where they can be, else relative to the temporal coupling. */
static void test_weights(void **state) {
  (void)state;
  const cw_lattice lat = {4, {4, 4, 4, 4}}, plane = {2, {4, 4}};
  const double c[] = {3, 6, 1.5, 3, 0.75, 1.5}, even[] = {6, 6, 3, 3, 1.5, 1.5}, none[6] = {0};
  cw_wilson_weights w = cw_wilson_weigh(&lat, c);
  assert_false(w.isotropic);
  for (int k = 0; k < CW_WILSON_CLASSES; k++) check_close(w.scale * w.ratio[k], c[k], 1e-15);
  assert_true(cw_wilson_weigh(&plane, c).isotropic); /* all planes have time */
  assert_true(cw_wilson_weigh(&lat, even).isotropic);
  w = cw_wilson_weigh(&lat, none);
  for (int k = 0; k < CW_WILSON_CLASSES; k++) assert_true(w.ratio[k] == 0);
  double r[CW_WILSON_STAPLES][CW_LANES];
  w = cw_wilson_weigh(&lat, c);
  cw_wilson_staple_weights(&w, 4, 1, NULL, r);
  for (int s = 0; s < 6; s++) assert_true(r[s][0] == (s < 4 ? 0.5 : 1)); /* nu = 0, 2, 3 */
}

/* A field larger than the caches is prefetched and shared by threads; the same configuration in 16
 * lanes is neither: the same bits. */
static void test_large_field(void **state) {
  (void)state;
  const cw_lattice lat = {4, {8, 4, 4, 4}};
  const double p[] = {6, 0.3, 0, 1, 2, 2, 2};
  fixture one, all;
  cw_field f, g;
  double T[CW_LANES * CW_WILSON_CLASSES], U[CW_WILSON_CLASSES];
  open_fixture(&one, "su3", &lat, 16, DEFECT, p);
  open_fixture(&all, "su3", &lat, 1, DEFECT, p);
  all.th.threads = 2;
  all.x.n_config = 1; /* of the 16 that there is room for */
  check_ok(one.ctx, cw_field_create(one.ctx, one.geom, one.th.n_tangent, 1, &f));
  check_ok(all.ctx, cw_field_create(all.ctx, all.geom, all.th.n_tangent, 1, &g));
  cw_kind(CW_LINK_SU3)->hot(one.th.isa, &one.x, cw_rng_stream(3, "wilson"), 2);
  relayout(&all.x, &one.x);
  one.th.ops->terms(&one.th, &one.x, U);
  all.th.ops->terms(&all.th, &all.x, T);
  assert_memory_equal(T, U, sizeof U);
  one.th.ops->force(&one.th, &one.x, one.th.c, &f);
  all.th.ops->force(&all.th, &all.x, all.th.c, &g);
  for (long i = 0; i < all.geom->n_sites * one.th.n_tangent; i++) {
    double a = cw_field_get(&f, 0, i / one.th.n_tangent, (int)(i % one.th.n_tangent));
    double b = cw_field_get(&g, 0, i / one.th.n_tangent, (int)(i % one.th.n_tangent));
    assert_memory_equal(&a, &b, sizeof a);
  }
  cw_field_destroy(&f);
  cw_field_destroy(&g);
  close_fixture(&one);
  close_fixture(&all);
}

static void check_refusal(int form, const cw_lattice *lat, const double *p, const char *word) {
  for (int g = 0; g < 3; g++) {
    const char *why = cw_theory_find(groups[g])->refuse(form, lat, p);
    assert_non_null(why);
    assert_non_null(strstr(why, word));
  }
}

static void test_refusals(void **state) {
  (void)state;
  const cw_lattice line = {1, {8}}, plane = {2, {4, 4}};
  const cw_lattice thin = {3, {4, 1, 4}}, lat = {3, {4, 6, 8}};
  const double beta[] = {2}, both[] = {2, 3};
  check_refusal(ISOTROPIC, &line, beta, "two dimensions");
  check_refusal(ISOTROPIC, &thin, beta, "at least 2");
  check_refusal(ANISOTROPIC, &plane, both, "beta_s");
  assert_null(cw_theory_find("su3")->refuse(ANISOTROPIC, &lat, both));
  const double good[] = {5, 0.5, 1, 4, 1, 8, 1};
  assert_null(cw_theory_find("su3")->refuse(DEFECT, &lat, good));
  const struct {
    int i;
    double value;
    const char *word;
  } bad[] = {{2, 0.5, "direction must be a whole"},
             {2, 3, "no such direction"},
             {3, 1.5, "must be a whole"},
             {3, 5, "longer than the lattice"},
             {4, 2, "one link thick"},
             {6, 2, "does not have"}};
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
    double p[7];
    memcpy(p, good, sizeof p);
    p[bad[k].i] = bad[k].value;
    check_refusal(DEFECT, &lat, p, bad[k].word);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_defect_touches_36_plaquettes),
      cmocka_unit_test(test_whole_slice),
      cmocka_unit_test(test_forms_agree),
      cmocka_unit_test(test_quadratic_in_factor),
      cmocka_unit_test(test_weights),
      cmocka_unit_test(test_large_field),
      cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests_name("wilson action", tests, NULL, NULL);
}
