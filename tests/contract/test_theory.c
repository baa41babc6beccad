/* What every theory owes, at every form, on lattices of every kind of cut: kernels equal to the
 * scalar oracle, forces equal to finite differences along every tangent direction, linearity in the
 * couplings, and the same bits for every lane split and number of threads. Its symmetries:
 * test_theory_symmetries.c. */
#include "support/check.h"
#include "support/relayout.h"

#include <stdlib.h>
#include <string.h>

#include "causeway/wilson.h"
#include "contract/theories.h"

/* The same theory and configurations, split V ways. */
static void resplit(const fixture *from, int V, fixture *to) {
  open_fixture(from->ctx, from->th.ops, from->th.form, &from->geom->lat, V, from->th.param, to);
  to->th.isa = from->th.isa;
  to->th.threads = from->th.threads;
  relayout(&to->x, &from->x);
}

/* Room for forces, of no numbers for spins, and the forces at couplings c in it. */
static cw_field forces(const fixture *fx) {
  return fx->th.n_tangent > 0 ? fields(fx, fx->th.n_tangent)
                              : (cw_field){.geom = fx->geom, .B = fx->x.B};
}

static void fill_forces(const fixture *fx, const double *c, cw_field *f) {
  if (fx->th.ops->force != NULL) fx->th.ops->force(&fx->th, &fx->x, c, f);
}

/* ------------------------------------------------------------------ oracle */

/* Oracle's T (n_terms) and f (n_sites*n_tangent) of one configuration. */
static void oracle(const fixture *fx, long config, double *T, double *f) {
  int n_comp = fx->th.n_comp;
  long n = fx->geom->n_sites * n_comp;
  double *flat = calloc((size_t)n, sizeof *flat);
  assert_non_null(flat);
  for (long i = 0; i < n; i++)
    flat[i] = cw_field_get(&fx->x, config, i / n_comp, (int)(i % n_comp));
  fx->th.ops->reference(&fx->th, &fx->geom->lat, flat, fx->th.c, T, f);
  free(flat);
}

/* One configuration, in lanes of every split and with every instruction set. */
static void kernels_equal_oracle(const fixture *fx) {
  const cw_theory_ops *ops = fx->th.ops;
  int splits[5], n_splits = cw_geometry_splits(&fx->geom->lat, splits);
  long n = fx->geom->n_sites * fx->th.n_tangent;
  double T[CW_MAX_TERMS], *f = calloc((size_t)n, sizeof *f);
  const long config = 17;
  oracle(fx, config, T, f);
  for (int i = 0; i < n_splits; i++) {
    fixture fy;
    resplit(fx, splits[i], &fy);
    double *lanes = row(&fy.x);
    cw_field force = forces(&fy);
    FOR_EACH_ISA(isa, fx->ctx) {
      fy.th.isa = isa;
      ops->terms(&fy.th, &fy.x, lanes);
      for (int k = 0; k < ops->n_terms; k++)
        check_close(lanes[config * ops->n_terms + k], T[k], 1e-12);
      fill_forces(&fy, fy.th.c, &force);
      for (long j = 0; j < n; j++)
        check_close(cw_field_get(&force, config, j / fy.th.n_tangent, (int)(j % fy.th.n_tangent)),
                    f[j], 1e-12);
    }
    cw_field_destroy(&force);
    free(lanes);
    close_fixture(&fy);
  }
  free(f);
}

static void test_oracle(void **state) {
  (void)state;
  for_all(kernels_equal_oracle);
}

/* -------------------------------------------------------------------- force */

/* S of configuration 0 of y after a shift by s along tangent direction t at site; y is put back. */
static double shifted_action(const fixture *fx, cw_field *y, cw_field *p, long site, int t,
                             double s, double *scratch, double *S) {
  long o = fx->geom->outer[site];
  double eps[CW_LANES] CW_ALIGNED;
  size_t size = (size_t)y->n_comp * CW_LANES;
  double *old = malloc(size * sizeof *old);
  memcpy(old, y->data + (size_t)o * size, size * sizeof *old);
  for (int l = 0; l < CW_LANES; l++) eps[l] = s;
  cw_field_set(p, 0, site, t, 1);
  cw_kind(fx->th.ops->kind)->drift(fx->th.isa, y, p, eps, o, o + 1);
  cw_field_set(p, 0, site, t, 0);
  cw_theory_action(&fx->th, y, fx->th.c, scratch, S);
  memcpy(y->data + (size_t)o * size, old, size * sizeof *old);
  free(old);
  return S[0];
}

/* Four-point central difference: error h^4 S'''''/30 + rounding/h. In the block of one
 * configuration, split as far as it goes, so that actions are cheap. */
static void force_is_minus_gradient(const fixture *at_1) {
  if (at_1->th.ops->force == NULL) return;
  int splits[5], n = cw_geometry_splits(&at_1->geom->lat, splits);
  fixture fx;
  resplit(at_1, splits[n - 1], &fx);
  const long config = 17;
  const double h = 1e-3, at[4] = {-2 * h, -h, h, 2 * h};
  long n_sites = fx.geom->n_sites, block = config / fx.x.B;
  cw_field y = cw_field_block(&fx.x, block), f = fields(&fx, fx.th.n_tangent), p;
  check_ok(fx.ctx, cw_field_create(fx.ctx, fx.geom, fx.th.n_tangent, 1, &p));
  double *scratch = row(&y), *S = row(&y);
  fx.th.ops->force(&fx.th, &fx.x, fx.th.c, &f);
  cw_field of_block = cw_field_block(&f, block);
  for (long site = 0; site < n_sites; site += 1 + n_sites / (SANITIZED ? 2 : 5))
    for (int t = 0; t < fx.th.n_tangent; t++) {
      double d[4];
      for (int i = 0; i < 4; i++) d[i] = shifted_action(&fx, &y, &p, site, t, at[i], scratch, S);
      double gradient = (d[0] - 8 * d[1] + 8 * d[2] - d[3]) / (12 * h);
      check_close(cw_field_get(&of_block, 0, site, t), -gradient, 2e-9);
    }
  cw_field_destroy(&f);
  cw_field_destroy(&p);
  free(scratch);
  free(S);
  close_fixture(&fx);
}

static void test_force(void **state) {
  (void)state;
  for_all(force_is_minus_gradient);
}

/* --------------------------------------------------------------- symmetries */

/* F(c) = sum_k c_k F(e_k), S(c) = sum_k c_k T_k. */
static void action_is_linear(const fixture *fx) {
  const cw_theory *th = &fx->th;
  int n = th->ops->n_terms;
  cw_field f = forces(fx), part = forces(fx), sum = forces(fx);
  double *T = row(&fx->x), *S = row(&fx->x), *scratch = row(&fx->x);
  size_t size = (size_t)f.n_blocks * cw_field_block_size(&f);
  fill_forces(fx, th->c, &f);
  th->ops->terms(th, &fx->x, T);
  cw_theory_action(th, &fx->x, th->c, scratch, S);
  for (int k = 0; k < n; k++) {
    double unit[CW_MAX_TERMS] = {0};
    unit[k] = 1;
    fill_forces(fx, unit, &part);
    for (size_t i = 0; i < size; i++) sum.data[i] += th->c[k] * part.data[i];
    for (int i = 0; i < N_CONFIG; i++) S[i] -= th->c[k] * T[i * n + k];
  }
  for (long i = 0; i < N_CONFIG; i++)
    for (long j = 0; j < fx->geom->n_sites * th->n_tangent; j++) {
      long site = j / th->n_tangent;
      int t = (int)(j % th->n_tangent);
      check_close(cw_field_get(&sum, i, site, t), cw_field_get(&f, i, site, t), 1e-12);
    }
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

/* A theory at other parameters is the one that would be created with them, and has its own tables.
 */
static void parameters_can_be_changed(const fixture *fx) {
  fixture other;
  double p[CW_MAX_PARAMS] = {0};
  const cw_param *table = fx->th.ops->params[fx->th.form];
  for (int i = 0; table[i].name != NULL; i++)
    p[i] = fx->th.param[i] + (table[i].numbers == CW_REAL ? 0.125 : 0);
  open_fixture(fx->ctx, fx->th.ops, fx->th.form, &fx->geom->lat, 1, p, &other);
  const cw_theory at = cw_theory_at(&fx->th, p);
  assert_memory_equal(at.param, other.th.param, sizeof at.param);
  assert_memory_equal(at.c, other.th.c, sizeof at.c);
  assert_memory_not_equal(at.c, fx->th.c, sizeof at.c);
  assert_ptr_equal(at.own, fx->th.own);
  assert_ptr_equal(at.geom, fx->th.geom);
  close_fixture(&other);
}

static void test_other_parameters(void **state) {
  (void)state;
  for_all(parameters_can_be_changed);
}

/* --------------------------------------------------------------------- bits */

/* T of a set of terms, the same bits from a patch around the defect. */
static void check_patch_terms(const fixture *fx, unsigned set, const double *T) {
  const int n = fx->th.ops->n_terms;
  cw_link_set defect;
  cw_patch patch;
  cw_field x;
  double *some = row(&fx->x);
  check_ok(fx->ctx, cw_theory_defect(fx->ctx, &fx->th, &defect));
  check_ok(fx->ctx, cw_patch_create(fx->ctx, fx->geom, 1, &defect, &patch));
  check_ok(fx->ctx, cw_field_create_patch(fx->ctx, &patch, &fx->x, &x));
  cw_field_to_patch(&x, &fx->x);
  fx->th.ops->some_terms(&fx->th, &x, set, some);
  for (long i = 0; i < N_CONFIG * n; i++)
    if (set >> i % n & 1) assert_memory_equal(some + i, T + i, sizeof *T);
  free(some);
  cw_field_destroy(&x);
  cw_patch_destroy(&patch);
  cw_link_set_destroy(&defect);
}

/* What some links are in: it changes as all terms do when they become those of the next configuration, and
 * has the same bits on a patch. links: those of the defect, or, where there is none, the first ten. */
static void check_part(const fixture *fx, const double *T) {
  const cw_theory_ops *ops = fx->th.ops;
  const int n = ops->n_terms, dim = fx->geom->lat.dim, n_real = fx->x.n_comp / dim;
  long first[10];
  cw_link_set links;
  cw_theory_part *part;
  cw_patch patch;
  cw_field y, z;
  double *before = row(&fx->x), *after = row(&fx->x), *there = row(&fx->x), *U = row(&fx->x);
  for (long i = 0; i < 10; i++) first[i] = i;
  check_ok(fx->ctx, cw_theory_defect(fx->ctx, &fx->th, &links));
  if (links.n == 0) {
    cw_link_set_destroy(&links);
    check_ok(fx->ctx, cw_link_set_create(fx->ctx, &fx->geom->lat,
                                         fx->geom->n_sites * dim < 10 ? 2 : 10, first, &links));
  }
  check_ok(fx->ctx, ops->part_open(fx->ctx, &fx->th, &links, &part));
  check_ok(fx->ctx, cw_field_create(fx->ctx, fx->geom, fx->x.n_comp, N_CONFIG, &y));
  cw_field_copy(&y, &fx->x);
  for (long i = 0; i < links.n * N_CONFIG; i++)
    for (int k = 0; k < n_real; k++) {
      const long site = links.link[i / N_CONFIG] / dim, config = i % N_CONFIG;
      const int comp = (int)(links.link[i / N_CONFIG] % dim) * n_real + k;
      cw_field_set(&y, config, site, comp,
                   cw_field_get(&fx->x, (config + 1) % N_CONFIG, site, comp));
    }
  ops->part_terms(&fx->th, part, &fx->x, before);
  ops->part_terms(&fx->th, part, &y, after);
  ops->terms(&fx->th, &y, U);
  for (long i = 0; i < N_CONFIG * n; i++)
    check_close(after[i] - before[i], U[i] - T[i], 1e-12 * (1 + fabs(T[i])));
  check_ok(fx->ctx, cw_patch_create(fx->ctx, fx->geom, 1, &links, &patch));
  check_ok(fx->ctx, cw_field_create_patch(fx->ctx, &patch, &y, &z));
  cw_field_to_patch(&z, &y);
  ops->part_terms(&fx->th, part, &z, there);
  assert_memory_equal(there, after, (size_t)(N_CONFIG * n) * sizeof *there);
  free(before);
  free(after);
  free(there);
  free(U);
  cw_field_destroy(&y);
  cw_field_destroy(&z);
  cw_patch_destroy(&patch);
  cw_link_set_destroy(&links);
  ops->part_close(part);
}

/* The terms that are asked for, bit by bit; the others are finite. Every set of them with one
 * instruction set, some with the others and under the sanitizers. */
static void check_some_terms(const fixture *fx, const double *T) {
  const cw_theory_ops *ops = fx->th.ops;
  const unsigned stride = fx->th.isa == cw_context_isa(fx->ctx) && !SANITIZED ? 1 : 7;
  double *some = row(&fx->x);
  for (unsigned set = 1; set < 1u << ops->n_terms && ops->some_terms != NULL; set += stride) {
    for (long i = 0; i < N_CONFIG * ops->n_terms; i++) some[i] = NAN;
    ops->some_terms(&fx->th, &fx->x, set, some);
    for (long i = 0; i < N_CONFIG * ops->n_terms; i++) {
      assert_true(isfinite(some[i]));
      if (set >> i % ops->n_terms & 1) assert_memory_equal(some + i, T + i, sizeof *T);
    }
  }
  free(some);
  if (ops->patch_terms != 0) check_patch_terms(fx, ops->patch_terms, T);
  if (ops->part_open != NULL) check_part(fx, T);
}

static void same_bits(const fixture *fx, int V, int threads, const double *T1, const cw_field *f1) {
  fixture fy;
  resplit(fx, V, &fy);
  fy.th.threads = threads;
  cw_field f = forces(&fy);
  double *T = row(&fy.x);
  fy.th.ops->terms(&fy.th, &fy.x, T);
  fill_forces(&fy, fy.th.c, &f);
  assert_memory_equal(T, T1, (size_t)(N_CONFIG * fy.th.ops->n_terms) * sizeof *T);
  check_some_terms(&fy, T);
  for (long i = 0; i < N_CONFIG; i++)
    for (long s = 0; s < fx->geom->n_sites; s++)
      for (int c = 0; c < f.n_comp; c++) {
        double a = cw_field_get(&f, i, s, c), b = cw_field_get(f1, i, s, c);
        assert_memory_equal(&a, &b, sizeof a);
      }
  free(T);
  cw_field_destroy(&f);
  close_fixture(&fy);
}

static void splits_and_threads_agree(const fixture *fx) {
  int splits[5], n = cw_geometry_splits(&fx->geom->lat, splits);
  double *T = row(&fx->x);
  cw_field f = forces(fx);
  fixture any = *fx;
  FOR_EACH_ISA(isa, fx->ctx) {
    any.th.isa = isa;
    any.th.ops->terms(&any.th, &any.x, T);
    fill_forces(&any, any.th.c, &f);
    for (int i = 0; i < n; i++) same_bits(&any, splits[i], 1 + i % 2, T, &f);
    same_bits(&any, 1, 2, T, &f);
  }
  cw_field_destroy(&f);
  free(T);
}

static void test_splits(void **state) {
  (void)state;
  for_all(splits_and_threads_agree);
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
      cmocka_unit_test(test_registry),
      cmocka_unit_test(test_oracle),
      cmocka_unit_test(test_force),
      cmocka_unit_test(test_linearity),
      cmocka_unit_test(test_other_parameters),
      cmocka_unit_test(test_splits),
      cmocka_unit_test(test_splits_are_covered),
  };
  return cmocka_run_group_tests_name("theory contract", tests, NULL, NULL);
}
