/* The frozen fields of layer residual: no moved link enters them, in double and in float, and inverses
 * that do not exist are refused. */
#include "unit/residual_subject.h"

typedef struct {
  double at[CW_LEVELS * CW_PLANES * 18 * CW_LANES] CW_ALIGNED;
} sum_rows;

/* Sums of all links of the class, of x and of x with other links there: the same bits. */
static void frozen_fields_stay(cw_field_kind kind, int V, int mask, int moved_class, bool fast) {
  subject a;
  cw_arena *arena = cw_arena_create(0);
  sum_rows *v[2];
  cw_field other;
  open_fast(&a, kind, (cw_lattice){4, {4, 2, 2, 4}}, V, mask, 0, 0.5, fast);
  const long n = a.s->mask.begin[moved_class + 1] - a.s->mask.begin[moved_class];
  check_ok(a.ctx, cw_field_create(a.ctx, a.geom, a.L->n_comp, CW_LANES / V, &other));
  cw_kind(kind)->hot(CW_ISA_BASE, &other, cw_rng_stream(6, "other"), 0);
  for (int k = 0; k < 2; k++) {
    cw_residual_fields f;
    v[k] = cw_alloc((size_t)n * sizeof **v);
    check_ok(a.ctx, cw_residual_open_fields(a.L, false, arena, &f));
    cw_residual_take(a.L, a.x.data, 0, a.geom->n_outer * 4, &f);
    cw_residual_smear(a.L, moved_class, a.x.data, &f);
    const void *const field[CW_LEVELS] = {f.thin != NULL ? f.thin : a.x.data, f.at[a.s->steps],
                                          f.at[2 * a.s->steps]};
    for (long i = 0; i < n; i++) {
      const long r = a.s->mask.row[a.s->mask.begin[moved_class] + i];
      f.op->sums(a.geom, field, r / 4, (int)(r % 4), v[k][i].at);
      for (int j = 0; j < CW_LEVELS * CW_PLANES * a.s->n_real * CW_LANES; j++)
        if (a.s->mask.class_of[r * CW_LANES + j % CW_LANES] != moved_class) v[k][i].at[j] = 0;
    }
    for (long i = 0; i < n; i++) {
      const long r = a.s->mask.row[a.s->mask.begin[moved_class] + i],
                 at = r * a.s->n_real * CW_LANES;
      cw_residual_store(a.s, moved_class, r, a.s->n_real, other.data + at, a.x.data + at);
    }
  }
  for (long i = 0; i < n; i++)
    assert_memory_equal(v[0][i].at, v[1][i].at,
                        (size_t)(CW_LEVELS * CW_PLANES * a.s->n_real * CW_LANES) * sizeof(double));
  free(v[0]);
  free(v[1]);
  cw_field_destroy(&other);
  cw_arena_destroy(arena);
  close_subject(&a);
}

static void test_frozen(void **state) {
  (void)state;
  for (cw_field_kind kind = CW_LINK_U1; kind <= CW_LINK_SU3; kind++)
    for (int mask = CW_MASK_HALF; mask <= CW_MASK_SIXTEENTH; mask++)
      for (int moved_class = 0; moved_class < 4 * (2 << mask); moved_class += 3 + 4 * mask) {
        frozen_fields_stay(kind, 1, mask, moved_class, false);
        frozen_fields_stay(kind, 4, mask, moved_class, kind == CW_LINK_SU3);
      }
}

/* Fields in float give the links of fields in double to the accuracy of float, and another bijection:
 * its inverse is as good. Every split gives the same bits. */
static void test_float(void **state) {
  (void)state;
  const double theta[CW_FEATURES] = {-0.0043, 0, 0.0045, -0.0003, 0.0011, -0.0003};
  const cw_lattice lat = {4, {4, 2, 2, 4}};
  int splits[5], n = cw_geometry_splits(&lat, splits);
  double first = 0;
  for (int i = 0; i < n; i++) {
    subject a[2];
    double logj[3][CW_LANES] CW_ALIGNED, most = 0;
    cw_field x;
    for (int fast = 0; fast < 2; fast++) {
      open_fast(&a[fast], CW_LINK_SU3, lat, splits[i], CW_MASK_HALF, 0, 0.4, fast == 1);
      x = a[fast].x;
      check_ok(a[fast].ctx, cw_field_create(a[fast].ctx, a[fast].geom, x.n_comp, x.n_config, &x));
      cw_field_copy(&x, &a[fast].x);
      check_ok(a[fast].ctx, run(&a[fast], false, theta, &a[fast].x, logj[fast]));
      if (fast == 0) cw_field_destroy(&x);
    }
    for (size_t k = 0; k < cw_field_block_size(&x); k++)
      most = fmax(most, fabs(a[1].x.data[k] - a[0].x.data[k]));
    assert_true(most > 1e-12 && most < 3e-8);
    check_close(logj[1][0], logj[0][0], 1e-6);
    if (i == 0) first = logj[1][0];
    assert_true(logj[1][0] == first);
    check_ok(a[1].ctx, run(&a[1], true, theta, &a[1].x, logj[2]));
    for (size_t k = 0; k < cw_field_block_size(&x); k++)
      check_close(a[1].x.data[k], x.data[k], 1e-14);
    for (int b = 0; b < x.B; b++) check_close(logj[2][b], -logj[1][b], 1e-13);
    cw_field_destroy(&x);
    close_subject(&a[0]);
    close_subject(&a[1]);
  }
}

/* A link that is not a number has no inverse. */
static void test_no_solution(void **state) {
  (void)state;
  subject a;
  double logj[CW_LANES] CW_ALIGNED;
  const double theta[CW_FEATURES] = {0.01, 0, 0, 0, 0, 0};
  open_subject(&a, CW_LINK_SU2, (cw_lattice){2, {4, 4}}, 1, CW_MASK_QUARTER, 0, 0.4);
  check_ok(a.ctx, run(&a, true, theta, &a.x, logj));
  a.x.data[3] = NAN;
  assert_int_equal(run(&a, true, theta, &a.x, logj), CW_ENUMERIC);
  close_subject(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_frozen), cmocka_unit_test(test_float),
                                     cmocka_unit_test(test_no_solution)};
  return cmocka_run_group_tests_name("frozen fields", tests, NULL, NULL);
}
