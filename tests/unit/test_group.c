/* The groups on lanes against plain complex matrices, in every build of the kernels. */
#include "support/check.h"

#include <complex.h>

#include "causeway/group.h"
#include "group/rows.h"
#include "unit/group_matrices.h"

/* ------------------------------------------------------------------------ rows of lanes */

enum { ROOM = 64 }; /* rows: an 8x8 matrix */

typedef struct {
  double at[ROOM][CW_LANES] CW_ALIGNED;
} rows;

typedef struct {
  cw_field_kind kind;
  const cw_kind_ops *info;
  const cw_row_ops *op;
} subject;

static void for_all(void (*body)(const subject *)) {
  cw_context *ctx = test_context(1);
  FOR_EACH_ISA(isa, ctx)
    for (int kind = CW_LINK_U1; kind <= CW_LINK_SU3; kind++) {
      const cw_row_kernels *k = CW_DISPATCH(isa, cw_row_kernels);
      const subject who = {(cw_field_kind)kind, cw_kind((cw_field_kind)kind), &k->kind[kind]};
      body(&who);
    }
  cw_context_destroy(ctx);
}

static void fill(rows *r, double scale) {
  for (int i = 0; i < ROOM; i++)
    for (int l = 0; l < CW_LANES; l++) r->at[i][l] = scale * draw_normal();
}

static matrix at_lane(const subject *who, const rows *r, int lane) {
  double link[18], m[18];
  for (int k = 0; k < who->info->n_real; k++) link[k] = r->at[k][lane];
  cw_link_to_matrix(who->kind, link, m);
  matrix c = {.n = who->info->n_colours};
  for (int i = 0; i < c.n * c.n; i++) c.at[i / c.n][i % c.n] = m[2 * i] + I * m[2 * i + 1];
  return c;
}

static void coordinates(const subject *who, const rows *r, int lane, double *w) {
  for (int a = 0; a < who->info->n_algebra; a++) w[a] = r->at[a][lane];
}

/* ------------------------------------------------------------------------------ algebra */

static void products_agree(const subject *who) {
  rows a, b, c[4], d, sum, scaled, s;
  double re[CW_LANES] CW_ALIGNED, im[CW_LANES] CW_ALIGNED, nd[CW_LANES] CW_ALIGNED;
  fill(&a, 1);
  fill(&b, 1);
  fill(&s, 1);
  sum = scaled = b;
  who->op->mul(c[0].at[0], a.at[0], b.at[0]);
  who->op->mul_nd(c[1].at[0], a.at[0], b.at[0]);
  who->op->mul_dn(c[2].at[0], a.at[0], b.at[0]);
  who->op->mul_dd(c[3].at[0], a.at[0], b.at[0]);
  who->op->adjoint(d.at[0], a.at[0]);
  who->op->add(sum.at[0], a.at[0]);
  who->op->add_scaled(scaled.at[0], s.at[0], a.at[0]);
  who->op->trace(a.at[0], re, im);
  who->op->re_trace_nd(a.at[0], b.at[0], nd);
  for (int l = 0; l < CW_LANES; l++) {
    matrix x = at_lane(who, &a, l), y = at_lane(who, &b, l);
    for (int form = 0; form < 4; form++) {
      matrix expected = times(form & 2 ? dagger(x) : x, form & 1 ? dagger(y) : y);
      check_close(distance(at_lane(who, &c[form], l), expected), 0, 1e-14);
    }
    check_close(distance(at_lane(who, &d, l), dagger(x)), 0, 0);
    check_close(distance(at_lane(who, &sum, l), plus(y, 1, x)), 0, 1e-15);
    check_close(distance(at_lane(who, &scaled, l), plus(y, s.at[0][l], x)), 0, 4e-15);
    check_close(re[l], (double)creall(trace(x)), 1e-15);
    check_close(im[l], (double)cimagl(trace(x)), 1e-15);
    check_close(nd[l], (double)creall(trace(times(x, dagger(y)))), 1e-14);
  }
}

static void test_products(void **state) {
  (void)state;
  for_all(products_agree);
}

static void lanes_are_permuted(const subject *who) {
  rows a, b;
  int64_t from[CW_LANES] CW_ALIGNED;
  fill(&a, 1);
  for (int l = 0; l < CW_LANES; l++) from[l] = (5 * l + 3) % CW_LANES;
  who->op->permute(b.at[0], a.at[0], from);
  for (int k = 0; k < who->info->n_real; k++)
    for (int l = 0; l < CW_LANES; l++) assert_true(b.at[k][l] == a.at[k][from[l]]);
}

static void test_permute(void **state) {
  (void)state;
  for_all(lanes_are_permuted);
}

static void algebra_agrees(const subject *who) {
  rows a, w, x;
  fill(&a, 1);
  who->op->to_algebra(a.at[0], w.at[0]);
  for (int l = 0; l < CW_LANES; l++) {
    matrix m = at_lane(who, &a, l), part = plus(m, -1, dagger(m));
    part = plus((matrix){.n = m.n}, 0.5, part);
    if (who->kind != CW_LINK_U1) part = plus(part, -trace(part) / m.n, unit(m.n));
    double c[8];
    coordinates(who, &w, l, c);
    check_close(distance(in_algebra(who->kind, c), part), 0, 1e-15);
  }
  fill(&w, 1);
  who->op->from_algebra(x.at[0], w.at[0]);
  for (int l = 0; l < CW_LANES; l++) {
    double c[8];
    coordinates(who, &w, l, c);
    check_close(distance(at_lane(who, &x, l), in_algebra(who->kind, c)), 0, 1e-15);
  }
}

static void test_algebra(void **state) {
  (void)state;
  for_all(algebra_agrees);
  for (int a = 0; a < 8; a++) /* tr T_a T_b = -delta_ab/2 */
    for (int b = 0; b < 8; b++) {
      matrix t = times(generator(CW_LINK_SU3, a), generator(CW_LINK_SU3, b));
      check_close((double)creall(trace(t)), a == b ? -0.5 : 0, 1e-15);
    }
}

/* -------------------------------------------------------------------------- exponential */

/* Sizes from nothing to far beyond any step; then along single generators, where two eigenvalues of
 * SU(3) coincide (lambda_8), and almost so. */
static void fill_exponents(const subject *who, rows *w, int round) {
  static const double size[] = {0, 1e-300, 1e-160, 1e-20, 1e-8, 1e-3, 0.1, 0.5, 1, 1.7, 3, 10, 50};
  enum { N_SIZE = sizeof size / sizeof *size };
  fill(w, 1);
  for (int l = 0; l < CW_LANES; l++) {
    double norm = 0, scale = size[(l + round) % N_SIZE];
    for (int a = 0; a < who->info->n_algebra; a++) {
      if (round % 3 == 1 && a != who->info->n_algebra - 1) w->at[a][l] = 0;
      if (round % 3 == 2 && a != who->info->n_algebra - 1) w->at[a][l] *= 1e-9;
      norm += w->at[a][l] * w->at[a][l];
    }
    for (int a = 0; a < who->info->n_algebra; a++) w->at[a][l] *= scale / sqrt(norm);
  }
}

static double exp_worst, exp_unitarity; /* over all builds, for the report */

static void exponential_agrees(const subject *who) {
  for (int round = 0; round < 39; round++) {
    rows w, u;
    fill_exponents(who, &w, round);
    who->op->exp(u.at[0], w.at[0]);
    for (int l = 0; l < CW_LANES; l++) {
      double c[8], norm = 0;
      coordinates(who, &w, l, c);
      for (int a = 0; a < who->info->n_algebra; a++) norm = hypot(norm, c[a]);
      matrix m = at_lane(who, &u, l);
      double error = distance(m, exponential(in_algebra(who->kind, c)));
      check_close(error / fmax(1, norm), 0, 1e-15);
      check_close(group_error(m, who->kind != CW_LINK_U1), 0, 2e-15);
      exp_worst = fmax(exp_worst, error / fmax(1, norm));
      exp_unitarity = fmax(exp_unitarity, group_error(m, who->kind != CW_LINK_U1));
    }
  }
}

static void test_exponential(void **state) {
  (void)state;
  for_all(exponential_agrees);
  print_message("exp: worst error %.2g of max(1, norm), from the group %.2g\n", exp_worst,
                exp_unitarity);
}

/* What a lane gets does not depend on its neighbours, large ones included. */
static void lanes_are_alone(const subject *who) {
  void (*const functions[2])(double *, const double *) = {who->op->exp, who->op->dexp};
  for (int which = 0; which < 2; which++) {
    rows w, all, one, alone;
    fill_exponents(who, &w, 3);
    functions[which](all.at[0], w.at[0]);
    for (int l = 0; l < CW_LANES; l++) {
      for (int k = 0; k < ROOM; k++)
        for (int j = 0; j < CW_LANES; j++) one.at[k][j] = w.at[k][l];
      functions[which](alone.at[0], one.at[0]);
      int n = which == 0 ? who->info->n_real : who->info->n_algebra * who->info->n_algebra;
      for (int k = 0; k < n; k++) assert_true(alone.at[k][(l + 7) % CW_LANES] == all.at[k][l]);
    }
  }
}

static void test_lanes_are_alone(void **state) {
  (void)state;
  for_all(lanes_are_alone);
}

/* d/ds exp(X + sY) exp(-X) at s = 0 is the integral of exp(tX) Y exp(-tX) over t in [0, 1]: sum it
 * by its own Taylor series, sum_n ad_X^n Y/(n+1)!. */
static matrix dexp_series(matrix x, matrix y) {
  matrix sum = y, term = y;
  for (int n = 1; n < 200; n++) {
    term = plus(times(x, term), -1, times(term, x));
    term = plus((matrix){.n = x.n}, 1.0L / (n + 1), term);
    sum = plus(sum, 1, term);
  }
  return sum;
}

static double dexp_worst;

static void differential_agrees(const subject *who) {
  static const double size[] = {0, 1e-160, 1e-5, 0.3, 0.99, 1.01, 1.9, 2.1, 3.9, 4.1, 6};
  int n = who->info->n_algebra;
  for (int round = 0; round < 11; round++) {
    rows w, d;
    fill(&w, 0.35);
    for (int k = 0; k < ROOM; k++)
      for (int l = 0; l < CW_LANES; l++) w.at[k][l] *= size[(round + l) % 11];
    who->op->dexp(d.at[0], w.at[0]);
    for (int l = 0; l < CW_LANES; l++)
      for (int b = 0; b < n; b++) {
        double x[8], column[8];
        coordinates(who, &w, l, x);
        for (int a = 0; a < n; a++) column[a] = d.at[a * n + b][l];
        matrix expected = dexp_series(in_algebra(who->kind, x), generator(who->kind, b));
        double error = distance(in_algebra(who->kind, column), expected);
        check_close(error, 0, 2e-15);
        dexp_worst = fmax(dexp_worst, error);
      }
  }
}

/* The same against central differences of exp: the meaning, not the formula. */
static void differential_is_a_derivative(const subject *who) {
  rows w, d, plus_u, minus_u, u;
  const double h = 1e-5;
  int n = who->info->n_algebra;
  fill(&w, 0.8);
  who->op->dexp(d.at[0], w.at[0]);
  who->op->exp(u.at[0], w.at[0]);
  for (int b = 0; b < n; b++) {
    rows moved = w;
    for (int l = 0; l < CW_LANES; l++) moved.at[b][l] = w.at[b][l] + h;
    who->op->exp(plus_u.at[0], moved.at[0]);
    for (int l = 0; l < CW_LANES; l++) moved.at[b][l] = w.at[b][l] - h;
    who->op->exp(minus_u.at[0], moved.at[0]);
    for (int l = 0; l < CW_LANES; l++) {
      double column[8];
      for (int a = 0; a < n; a++) column[a] = d.at[a * n + b][l];
      matrix slope = plus(at_lane(who, &plus_u, l), -1, at_lane(who, &minus_u, l));
      slope = plus((matrix){.n = slope.n}, 1 / (2 * h), slope);
      matrix expected = times(in_algebra(who->kind, column), at_lane(who, &u, l));
      check_close(distance(slope, expected), 0, 1e-9);
    }
  }
}

static void test_differential(void **state) {
  (void)state;
  for_all(differential_agrees);
  for_all(differential_is_a_derivative);
  print_message("dexp: worst error %.2g\n", dexp_worst);
}

/* ---------------------------------------------------------------------------- logarithm */

static double log_worst;

static void logarithm_inverts(const subject *who) {
  static const double size[] = {0, 1e-160, 1e-9, 1e-3, 0.1, 0.5, 1, 1.5};
  for (int round = 0; round < 8; round++) { /* log exp w = w while all angles are below pi */
    rows w, u, back;
    fill(&w, 1);
    for (int l = 0; l < CW_LANES; l++) {
      double norm = 0;
      for (int a = 0; a < who->info->n_algebra; a++) norm = hypot(norm, w.at[a][l]);
      for (int a = 0; a < who->info->n_algebra; a++) w.at[a][l] *= 2 * size[(l + round) % 8] / norm;
    }
    who->op->exp(u.at[0], w.at[0]);
    who->op->log(u.at[0], back.at[0]);
    for (int a = 0; a < who->info->n_algebra; a++)
      for (int l = 0; l < CW_LANES; l++) {
        check_close(back.at[a][l], w.at[a][l], 1e-14);
        log_worst = fmax(log_worst, fabs(back.at[a][l] - w.at[a][l]));
      }
  }
  for (int round = 0; round < 60; round++) { /* exp log u = u anywhere, and no shorter w */
    rows w, u, back;
    fill(&u, 1);
    for (int times2 = 0; times2 < 2; times2++) who->op->project(u.at[0]);
    who->op->log(u.at[0], w.at[0]);
    who->op->exp(back.at[0], w.at[0]);
    for (int l = 0; l < CW_LANES; l++) {
      double norm = 0;
      for (int a = 0; a < who->info->n_algebra; a++) norm = hypot(norm, w.at[a][l]);
      check_close(distance(at_lane(who, &back, l), at_lane(who, &u, l)), 0, 1e-13);
      /* |w|^2/2 = sum of squares of angles; the centre of SU(3) is farthest: 2 (2 pi/3)^2 (1+1+4)
       */
      assert_true(norm <= (who->kind == CW_LINK_U1    ? M_PI
                           : who->kind == CW_LINK_SU2 ? 2 * M_PI
                                                      : sqrt(12) * 2 * M_PI / 3) +
                              1e-12);
    }
  }
}

static void test_logarithm(void **state) {
  (void)state;
  for_all(logarithm_inverts);
  print_message("log: worst error %.2g\n", log_worst);
}

/* --------------------------------------------------------------------------- projection */

static void projection_repairs(const subject *who) {
  bool special = who->kind != CW_LINK_U1;
  for (int round = 0; round < 20; round++) {
    rows u, again, noisy, noise;
    fill(&u, 1);
    fill(&noise, 1e-8);
    who->op->project(u.at[0]);
    who->op->project(u.at[0]);
    again = noisy = u;
    who->op->project(again.at[0]);
    for (int k = 0; k < who->info->n_real; k++)
      for (int l = 0; l < CW_LANES; l++) noisy.at[k][l] += noise.at[k][l];
    who->op->project(noisy.at[0]);
    for (int l = 0; l < CW_LANES; l++) {
      matrix m = at_lane(who, &u, l);
      check_close(group_error(m, special), 0, 2e-15);
      check_close(distance(at_lane(who, &again, l), m), 0, 1e-15);
      check_close(group_error(at_lane(who, &noisy, l), special), 0, 2e-15);
      check_close(distance(at_lane(who, &noisy, l), m), 0, 3e-7);
    }
  }
}

static void test_projection(void **state) {
  (void)state;
  for_all(projection_repairs);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_products),        cmocka_unit_test(test_permute),
      cmocka_unit_test(test_algebra),         cmocka_unit_test(test_exponential),
      cmocka_unit_test(test_lanes_are_alone), cmocka_unit_test(test_differential),
      cmocka_unit_test(test_logarithm),       cmocka_unit_test(test_projection),
  };
  return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
