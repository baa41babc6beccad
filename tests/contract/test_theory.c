/* What every theory owes, at every form, on lattices of every kind of cut: kernels equal to the
 * scalar oracle, forces equal to finite differences, symmetry, linearity in the couplings, and the
 * same bits for every lane split. */
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#include "causeway/theory.h"

enum { N_CONFIG = 19 }; /* one block and a bit: padding lanes are at work too */

static const cw_lattice lattices[] = {
    {2, {8, 8}}, {2, {16, 8}}, {2, {6, 4}},    {4, {4, 4, 4, 2}}, {1, {6}},          {2, {5, 3}},
    {2, {2, 2}}, {1, {1}},     {3, {4, 2, 6}}, {3, {3, 4, 5}},    {4, {2, 3, 2, 1}}, {2, {32, 4}}};
enum { N_LATTICES = sizeof lattices / sizeof *lattices };

/* A value in range for each parameter, nowhere special. */
static void some_params(const cw_param *table, double *p) {
  for (int i = 0; table[i].name != NULL; i++)
    p[i] = fmin(fmax(0.37 + 0.11 * i, table[i].min), table[i].max);
}

typedef void test_body(cw_context *ctx, const cw_theory *th, const cw_field *x);

/* Runs body for every theory, form and lattice with normal fields at V = 1. */
static void for_all(test_body *body) {
  cw_context *ctx = test_context(1);
  cw_rng rng = cw_rng_stream(7, "contract");
  for (int t = 0; cw_theories[t] != NULL; t++)
    for (int form = 0; cw_theories[t]->forms[form] != NULL; form++)
      for (int l = 0; l < N_LATTICES; l++) {
        cw_geometry *geom;
        check_ok(ctx, cw_geometry_create(ctx, &lattices[l], 1, &geom));
        double p[CW_MAX_PARAMS];
        some_params(cw_theories[t]->params[form], p);
        assert_null(cw_theories[t]->refuse(form, &lattices[l], p));
        cw_theory th = cw_theory_make(ctx, cw_theories[t], geom, form, p);
        cw_field x;
        check_ok(ctx, cw_field_create(ctx, geom, th.ops->n_comp, N_CONFIG, &x));
        cw_field_normal(th.isa, &x, rng, (uint32_t)l, 0);
        body(ctx, &th, &x);
        cw_field_destroy(&x);
        cw_geometry_destroy(geom);
      }
  cw_context_destroy(ctx);
}

static double *row(const cw_field *x) {
  double *r = calloc((size_t)(x->n_blocks * x->B * CW_MAX_TERMS), sizeof *r);
  assert_non_null(r);
  return r;
}

static cw_field like(cw_context *ctx, const cw_field *x) {
  cw_field y;
  check_ok(ctx, cw_field_create(ctx, x->geom, x->n_comp, x->n_config, &y));
  return y;
}

/* ------------------------------------------------------------------ oracle */

static void compare_with_oracle(const cw_theory *th, const cw_field *x, const double *T,
                                const cw_field *f, long config) {
  long n_sites = x->geom->n_sites;
  int n_comp = x->n_comp;
  double *flat = calloc((size_t)(n_sites * n_comp), sizeof *flat);
  double *force = calloc((size_t)(n_sites * n_comp), sizeof *force);
  double exact[CW_MAX_TERMS];
  for (long i = 0; i < n_sites * n_comp; i++)
    flat[i] = cw_field_get(x, config, i / n_comp, (int)(i % n_comp));
  th->ops->reference(&x->geom->lat, flat, th->c, exact, force);
  for (int k = 0; k < th->ops->n_terms; k++)
    check_close(T[config * th->ops->n_terms + k], exact[k], 1e-12);
  for (long i = 0; i < n_sites * n_comp; i++)
    check_close(cw_field_get(f, config, i / n_comp, (int)(i % n_comp)), force[i], 1e-12);
  free(flat);
  free(force);
}

static void kernels_equal_oracle(cw_context *ctx, const cw_theory *th, const cw_field *x) {
  double *T = row(x);
  cw_field f = like(ctx, x);
  cw_theory any = *th;
  for (int isa = 0; isa <= (int)cw_context_isa(ctx); isa++) {
    any.isa = (cw_isa)isa;
    th->ops->terms(&any, x, T);
    th->ops->force(&any, x, th->c, &f);
    for (long config = 0; config < N_CONFIG; config += 6)
      compare_with_oracle(&any, x, T, &f, config);
  }
  cw_field_destroy(&f);
  free(T);
}
static void test_oracle(void **state) {
  (void)state;
  for_all(kernels_equal_oracle);
}

/* -------------------------------------------------------------------- force */

static double action(const cw_theory *th, const cw_field *x, long config, double *scratch,
                     double *S) {
  cw_theory_action(th, x, th->c, scratch, S);
  return S[config];
}

static double shifted_action(const cw_theory *th, cw_field *x, long config, long site, int comp,
                             double h, double *scratch, double *S) {
  double old = cw_field_get(x, config, site, comp);
  cw_field_set(x, config, site, comp, old + h);
  double value = action(th, x, config, scratch, S);
  cw_field_set(x, config, site, comp, old);
  return value;
}

/* Four-point central difference: error h^4 S'''''/30 + rounding/h. */
static void force_is_minus_gradient(cw_context *ctx, const cw_theory *th, const cw_field *x) {
  if (th->ops->force == NULL) return;
  cw_field y = like(ctx, x), f = like(ctx, x);
  double *scratch = row(x), *S = row(x);
  const double h = 1e-3;
  cw_field_copy(&y, x);
  th->ops->force(th, x, th->c, &f);
  for (long site = 0; site < x->geom->n_sites; site += 1 + x->geom->n_sites / 7)
    for (int comp = 0; comp < x->n_comp; comp++) {
      double d[4], at[4] = {-2, -1, 1, 2};
      for (int i = 0; i < 4; i++)
        d[i] = shifted_action(th, &y, 17, site, comp, at[i] * h, scratch, S);
      double gradient = (d[0] - 8 * d[1] + 8 * d[2] - d[3]) / (12 * h);
      check_close(cw_field_get(&f, 17, site, comp), -gradient, 2e-9);
    }
  cw_field_destroy(&y);
  cw_field_destroy(&f);
  free(scratch);
  free(S);
}
static void test_force(void **state) {
  (void)state;
  for_all(force_is_minus_gradient);
}

/* --------------------------------------------------------------- symmetries */

static void terms_are_translation_invariant(cw_context *ctx, const cw_theory *th,
                                            const cw_field *x) {
  cw_field y = like(ctx, x);
  double *T = row(x), *moved = row(x);
  for (int mu = 0; mu < x->geom->lat.dim; mu++) {
    for (long s = 0; s < x->geom->n_sites; s++) {
      int coord[CW_MAX_DIM];
      cw_lattice_coord(&x->geom->lat, s, coord);
      coord[mu]++;
      long there = cw_lattice_site(&x->geom->lat, coord);
      for (long i = 0; i < N_CONFIG; i++)
        for (int c = 0; c < x->n_comp; c++) cw_field_set(&y, i, there, c, cw_field_get(x, i, s, c));
    }
    th->ops->terms(th, x, T);
    th->ops->terms(th, &y, moved);
    for (int i = 0; i < N_CONFIG * th->ops->n_terms; i++) check_close(moved[i], T[i], 1e-12);
  }
  cw_field_destroy(&y);
  free(T);
  free(moved);
}
static void test_translation(void **state) {
  (void)state;
  for_all(terms_are_translation_invariant);
}

/* even promises S(-x) = S(x); bond_term promises that only this term sees the sign of a single
 * site. */
static void signs_are_as_promised(cw_context *ctx, const cw_theory *th, const cw_field *x) {
  cw_field y = like(ctx, x);
  double *T = row(x), *flipped = row(x);
  int n = th->ops->n_terms;
  th->ops->terms(th, x, T);
  if (th->ops->even) {
    size_t size = (size_t)x->n_blocks * cw_field_block_size(x);
    for (size_t i = 0; i < size; i++) y.data[i] = -x->data[i];
    th->ops->terms(th, &y, flipped);
    for (int i = 0; i < N_CONFIG * n; i++) check_close(flipped[i], T[i], 1e-14);
  }
  if (th->ops->bond_term >= 0) {
    long site = x->geom->n_sites / 2;
    double near = 0;
    int coord[CW_MAX_DIM];
    cw_lattice_coord(&x->geom->lat, site, coord);
    for (int k = 0; k < 2 * x->geom->lat.dim; k++) {
      coord[k / 2] += k % 2 ? -1 : 1;
      long there = cw_lattice_site(&x->geom->lat, coord);
      if (there != site) near += cw_field_get(x, 3, there, 0);
      coord[k / 2] -= k % 2 ? -1 : 1;
    }
    double phi = cw_field_get(x, 3, site, 0);
    cw_field_copy(&y, x);
    cw_field_set(&y, 3, site, 0, -phi);
    th->ops->terms(th, &y, flipped);
    for (int k = 0; k < n; k++)
      check_close(flipped[3 * n + k], T[3 * n + k] - (k == th->ops->bond_term ? 2 * phi * near : 0),
                  1e-12);
  }
  cw_field_destroy(&y);
  free(T);
  free(flipped);
}
static void test_signs(void **state) {
  (void)state;
  for_all(signs_are_as_promised);
}

/* F(c) = sum_k c_k F(e_k), S(c) = sum_k c_k T_k. */
static void action_is_linear(cw_context *ctx, const cw_theory *th, const cw_field *x) {
  cw_field f = like(ctx, x), part = like(ctx, x), sum = like(ctx, x);
  double *T = row(x), *S = row(x), *scratch = row(x);
  int n = th->ops->n_terms;
  size_t size = (size_t)x->n_blocks * cw_field_block_size(x);
  th->ops->force(th, x, th->c, &f);
  th->ops->terms(th, x, T);
  cw_theory_action(th, x, th->c, scratch, S);
  for (int k = 0; k < n; k++) {
    double unit[CW_MAX_TERMS] = {0};
    unit[k] = 1;
    th->ops->force(th, x, unit, &part);
    for (size_t i = 0; i < size; i++) sum.data[i] += th->c[k] * part.data[i];
    for (int i = 0; i < N_CONFIG; i++) S[i] -= th->c[k] * T[i * n + k];
  }
  for (size_t i = 0; i < size; i++) check_close(sum.data[i], f.data[i], 1e-12);
  for (int i = 0; i < N_CONFIG; i++) check_close(S[i], 0, 1e-10);
  cw_field_destroy(&f);
  cw_field_destroy(&part);
  cw_field_destroy(&sum);
  free(T);
  free(S);
  free(scratch);
}
static void test_linearity(void **state) {
  (void)state;
  for_all(action_is_linear);
}

/* --------------------------------------------------------------------- bits */

static void same_bits(cw_context *ctx, const cw_theory *th, const cw_field *x, int V,
                      const double *T1, const cw_field *f1) {
  cw_geometry *geom;
  cw_field y, f;
  check_ok(ctx, cw_geometry_create(ctx, &x->geom->lat, V, &geom));
  check_ok(ctx, cw_field_create(ctx, geom, x->n_comp, x->n_config, &y));
  check_ok(ctx, cw_field_create(ctx, geom, x->n_comp, x->n_config, &f));
  cw_field_relayout(&y, x);
  double *T = row(&y);
  th->ops->terms(th, &y, T);
  th->ops->force(th, &y, th->c, &f);
  assert_memory_equal(T, T1, (size_t)(N_CONFIG * th->ops->n_terms) * sizeof *T);
  for (long i = 0; i < N_CONFIG; i++)
    for (long s = 0; s < geom->n_sites; s++)
      for (int c = 0; c < x->n_comp; c++) {
        double a = cw_field_get(&f, i, s, c), b = cw_field_get(f1, i, s, c);
        assert_memory_equal(&a, &b, sizeof a);
      }
  free(T);
  cw_field_destroy(&y);
  cw_field_destroy(&f);
  cw_geometry_destroy(geom);
}

static void splits_agree(cw_context *ctx, const cw_theory *th, const cw_field *x) {
  int splits[5], n = cw_geometry_splits(&x->geom->lat, splits);
  double *T = row(x);
  cw_field f = like(ctx, x);
  cw_theory any = *th;
  for (int isa = 0; isa <= (int)cw_context_isa(ctx); isa++) {
    any.isa = (cw_isa)isa;
    th->ops->terms(&any, x, T);
    th->ops->force(&any, x, th->c, &f);
    for (int i = 0; i < n; i++) same_bits(ctx, &any, x, splits[i], T, &f);
  }
  cw_field_destroy(&f);
  free(T);
}
static void test_splits(void **state) {
  (void)state;
  for_all(splits_agree);
}

/* The lattices above reach every number of lanes per configuration, so that the test of bits means
 * something. */
static void test_splits_are_covered(void **state) {
  (void)state;
  bool seen[CW_LANES + 1] = {false};
  for (int l = 0; l < N_LATTICES; l++) {
    int splits[5], n = cw_geometry_splits(&lattices[l], splits);
    for (int i = 0; i < n; i++) seen[splits[i]] = true;
  }
  for (int V = 1; V <= CW_LANES; V *= 2) assert_true(seen[V]);
}

/* ------------------------------------------------------------------ registry */

static void test_registry(void **state) {
  (void)state;
  for (int t = 0; cw_theories[t] != NULL; t++) {
    const cw_theory_ops *ops = cw_theories[t];
    assert_ptr_equal(cw_theory_find(ops->name), ops);
    assert_true(strlen(ops->title) > 0 && strlen(ops->source) > 0);
    assert_in_range(ops->n_terms, 1, CW_MAX_TERMS);
    assert_true(ops->bond_term < ops->n_terms);
    for (int form = 0; ops->forms[form] != NULL; form++)
      for (int i = 0; ops->params[form][i].name != NULL; i++) {
        assert_true(i < CW_MAX_PARAMS);
        assert_true(ops->params[form][i].min <= ops->params[form][i].max);
      }
  }
  assert_null(cw_theory_find("no such theory"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_registry), cmocka_unit_test(test_oracle),
      cmocka_unit_test(test_force),    cmocka_unit_test(test_translation),
      cmocka_unit_test(test_signs),    cmocka_unit_test(test_linearity),
      cmocka_unit_test(test_splits),   cmocka_unit_test(test_splits_are_covered),
  };
  return cmocka_run_group_tests_name("theory contract", tests, NULL, NULL);
}
