/* Jacobians of maps of single links on lanes against long double: matrices of commutators, Gaussian
 * elimination and differences of the map itself, for every group and build of the kernels. */
#include "support/check.h"

#include <string.h>

#include "group/jacobian.h"
#include "unit/group_matrices.h"

typedef struct {
  double at[64][CW_LANES] CW_ALIGNED;
} rows;

typedef struct {
  cw_field_kind kind;
  int d;
  const cw_jacobian_ops *op;
} subject;

static void for_all(void (*body)(const subject *)) {
  cw_context *ctx = test_context(1);
  FOR_EACH_ISA(isa, ctx)
    for (int kind = CW_LINK_U1; kind <= CW_LINK_SU3; kind++) {
      const subject who = {(cw_field_kind)kind, cw_kind((cw_field_kind)kind)->n_algebra,
                           &CW_DISPATCH(isa, cw_jacobian_kernels)->kind[kind]};
      body(&who);
    }
  cw_context_destroy(ctx);
}

static void fill(rows *r, int n, double scale) {
  for (int i = 0; i < n; i++)
    for (int l = 0; l < CW_LANES; l++) r->at[i][l] = scale * draw_normal();
}

/* ------------------------------------------------------------------------ real matrices */

typedef struct {
  int d;
  long double at[8][8];
} square;

static square square_at(const subject *who, const rows *r, int lane) {
  square s = {.d = who->d};
  for (int i = 0; i < s.d * s.d; i++) s.at[i / s.d][i % s.d] = (long double)r->at[i][lane];
  return s;
}

static square product(square a, square b) {
  square c = {.d = a.d};
  for (int i = 0; i < a.d; i++)
    for (int j = 0; j < a.d; j++)
      for (int k = 0; k < a.d; k++) c.at[i][j] += a.at[i][k] * b.at[k][j];
  return c;
}

/* ln|det a|, by Gauss and Jordan; inverse: NULL: not wanted. */
static long double log_det(square a, square *inverse) {
  long double sum = 0;
  square b = {.d = a.d};
  for (int i = 0; i < a.d; i++) b.at[i][i] = 1;
  for (int k = 0; k < a.d; k++) {
    int p = k;
    for (int i = k + 1; i < a.d; i++)
      if (fabsl(a.at[i][k]) > fabsl(a.at[p][k])) p = i;
    for (int j = 0; j < a.d; j++) {
      long double x = a.at[k][j], y = b.at[k][j];
      a.at[k][j] = a.at[p][j], a.at[p][j] = x;
      b.at[k][j] = b.at[p][j], b.at[p][j] = y;
    }
    const long double pivot = a.at[k][k];
    sum += logl(fabsl(pivot));
    for (int j = 0; j < a.d; j++) a.at[k][j] /= pivot, b.at[k][j] /= pivot;
    for (int i = 0; i < a.d; i++) {
      const long double f = a.at[i][k];
      for (int j = 0; i != k && j < a.d; j++) {
        a.at[i][j] -= f * a.at[k][j];
        b.at[i][j] -= f * b.at[k][j];
      }
    }
  }
  if (inverse != NULL) *inverse = b;
  return sum;
}

static long double norm(square a) { /* largest sum of a row */
  long double most = 0;
  for (int i = 0; i < a.d; i++) {
    long double sum = 0;
    for (int j = 0; j < a.d; j++) sum += fabsl(a.at[i][j]);
    most = fmaxl(most, sum);
  }
  return most;
}

/* ------------------------------------------------------------------------ elimination */

static double worst_condition;

/* Rows are exchanged in lanes of odd number only: there the diagonal is nearly zero. Condition
 * numbers, which are printed, are below 100. */
static void systems_are_solved(const subject *who) {
  const int d = who->d;
  rows m, b, x;
  double logdet[CW_LANES] CW_ALIGNED;
  fill(&m, d * d, d > 1 ? 0.35 : 0.1);
  for (int l = 0; l < CW_LANES; l++)
    for (int i = 0; i < d; i++) m.at[d * i + (i + l % 2) % d][l] += 1.5;
  for (int transposed = 0; transposed < 2; transposed++)
    for (int n = 0; n <= d; n += d > 1 ? (n == 0 ? 1 : d - 1) : 1) {
      fill(&b, d * n, 1);
      x = b;
      who->op->solve(m.at[0], transposed == 1, n, x.at[0], logdet);
      for (int l = 0; l < CW_LANES; l++) {
        square inverse, a = square_at(who, &m, l);
        check_close(logdet[l], (double)log_det(a, &inverse), 1e-14);
        const double condition = (double)(norm(a) * norm(inverse));
        worst_condition = fmax(worst_condition, condition);
        assert_true(condition < 100);
        for (int i = 0; i < d; i++)
          for (int j = 0; j < n; j++) {
            long double exact = 0;
            for (int k = 0; k < d; k++)
              exact += (transposed ? inverse.at[k][i] : inverse.at[i][k]) * b.at[n * k + j][l];
            check_close(x.at[n * i + j][l], (double)exact, 1e-13);
          }
      }
    }
}

/* ------------------------------------------------------------------------ the map */

/* Coordinates of an element of the algebra: w_a = -2 tr T_a x, of U(1) -tr T x. */
static long double coordinate(const subject *who, matrix x, int a) {
  return (who->kind == CW_LINK_U1 ? -1 : -2) * creall(trace(times(generator(who->kind, a), x)));
}

static matrix commutator(matrix a, matrix b) { return plus(times(a, b), -1, times(b, a)); }

/* phi(-ad X), by commutators. */
static square phi_minus(const subject *who, const double *w) {
  square phi = {.d = who->d};
  const matrix x = in_algebra(who->kind, w);
  for (int b = 0; b < who->d; b++) {
    matrix term = generator(who->kind, b), sum = term;
    for (int k = 1; k < 60; k++) {
      term = plus((matrix){.n = x.n}, -1.0L / (k + 1), commutator(x, term));
      sum = plus(sum, 1, term);
    }
    for (int a = 0; a < who->d; a++) phi.at[a][b] = coordinate(who, sum, a);
  }
  return phi;
}

static square one_plus(const subject *who, const double *w, square dx) {
  square m = product(phi_minus(who, w), dx);
  for (int i = 0; i < m.d; i++) m.at[i][i] += 1;
  return m;
}

static void take_lane(const rows *r, int n, int lane, double *w) {
  for (int a = 0; a < n; a++) w[a] = r->at[a][lane];
}

static void determinants_of_maps_agree(const subject *who) {
  rows w, dx, m;
  double logdet[CW_LANES] CW_ALIGNED;
  for (int k = 0; k < 3; k++) { /* |X| of 0, some 1 and some 6 */
    fill(&w, who->d, 2. * k * k / 4 * sqrt(8. / who->d));
    fill(&dx, who->d * who->d, 0.15);
    who->op->map(w.at[0], dx.at[0], m.at[0], logdet);
    for (int l = 0; l < CW_LANES; l++) {
      double x[8];
      take_lane(&w, who->d, l, x);
      const square exact = one_plus(who, x, square_at(who, &dx, l));
      for (int i = 0; i < who->d * who->d; i++)
        check_close(m.at[i][l], (double)exact.at[i / who->d][i % who->d], 1e-13);
      square inverse;
      check_close(logdet[l], (double)log_det(exact, &inverse), 1e-12);
    }
  }
}

/* X = -c TA(U S) at a link, as in a plaquette layer, TA as of G(to_algebra). */
static void field_at(const subject *who, matrix us, double c, long double *w) {
  for (int a = 0; a < who->d; a++) {
    const matrix anti = plus(us, -1, dagger(us));
    w[a] = -c * coordinate(who, anti, a) / 2;
  }
}

static matrix exp_of(const subject *who, const long double *w) {
  matrix x = {.n = cw_kind(who->kind)->n_colours};
  for (int a = 0; a < who->d; a++) x = plus(x, w[a], generator(who->kind, a));
  return exponential(x);
}

/* exp(X(U)) U after U -> exp(s T_b) U. */
static matrix moved(const subject *who, matrix u, matrix s, double c, int b, long double by) {
  long double step[8] = {0}, w[8];
  step[b] = by;
  const matrix v = times(exp_of(who, step), u);
  field_at(who, times(v, s), c, w);
  return times(exp_of(who, w), v);
}

/* The formula itself: ln|det| of the differences of U' = exp(X(U)) U. */
static void maps_have_these_jacobians(const subject *who) {
  static const long double weight[4] = {1 / 12.0L, -2 / 3.0L, 2 / 3.0L, -1 / 12.0L},
                           at[4] = {-2, -1, 1, 2};
  const long double h = 5e-4L;
  const double c = 0.3;
  rows w, dx;
  double logdet[CW_LANES] CW_ALIGNED;
  matrix u[CW_LANES], s[CW_LANES];
  for (int l = 0; l < CW_LANES; l++) {
    double link[8], staple[8];
    long double field[8];
    for (int a = 0; a < who->d; a++) link[a] = draw_normal(), staple[a] = draw_normal();
    u[l] = exponential(in_algebra(who->kind, link));
    s[l] = plus(exponential(in_algebra(who->kind, staple)), 0.4, unit(u[l].n));
    field_at(who, times(u[l], s[l]), c, field);
    for (int a = 0; a < who->d; a++) w.at[a][l] = (double)field[a];
    for (int b = 0; b < who->d; b++) {
      field_at(who, times(generator(who->kind, b), times(u[l], s[l])), c, field);
      for (int a = 0; a < who->d; a++) dx.at[who->d * a + b][l] = (double)field[a];
    }
  }
  who->op->map(w.at[0], dx.at[0], NULL, logdet);
  for (int l = 0; l < CW_LANES; l++) {
    square J = {.d = who->d};
    const matrix back = dagger(moved(who, u[l], s[l], c, 0, 0));
    for (int b = 0; b < who->d; b++)
      for (int k = 0; k < 4; k++) {
        const matrix turn = times(moved(who, u[l], s[l], c, b, at[k] * h), back);
        for (int a = 0; a < who->d; a++) J.at[a][b] += weight[k] / h * coordinate(who, turn, a);
      }
    check_close(logdet[l], (double)log_det(J, NULL), 1e-11);
    assert_true(fabs(logdet[l]) > 1e-4); /* there is something to see */
  }
}

/* ------------------------------------------------------------------------ derivatives */

static double log_det_at(const subject *who, const rows *w, const rows *dx, int l) {
  double x[8];
  take_lane(w, who->d, l, x);
  return (double)log_det(one_plus(who, x, square_at(who, dx, l)), NULL);
}

/* Along one coordinate of r after the other. */
static void check_gradient(const subject *who, rows *w, rows *dx, rows *r, int n, const rows *g,
                           const double *scale) {
  static const double weight[4] = {1. / 12, -2. / 3, 2. / 3, -1. / 12}, at[4] = {-2, -1, 1, 2};
  const double h = 1e-3;
  for (int l = 0; l < CW_LANES; l += 5)
    for (int i = 0; i < n; i++) {
      const double was = r->at[i][l];
      double slope = 0;
      for (int k = 0; k < 4; k++) {
        r->at[i][l] = was + at[k] * h;
        slope += weight[k] / h * log_det_at(who, w, dx, l);
      }
      r->at[i][l] = was;
      check_close(g->at[i][l], scale[l] * slope, 1e-11);
    }
}

static void derivatives_match_differences(const subject *who) {
  rows w, dx, gw, gdx, scale;
  fill(&w, who->d, 1.2 / sqrt(who->d));
  fill(&dx, who->d * who->d, 0.1);
  fill(&scale, 1, 1);
  who->op->map_vjp(w.at[0], dx.at[0], scale.at[0], gw.at[0], gdx.at[0]);
  check_gradient(who, &w, &dx, &w, who->d, &gw, scale.at[0]);
  check_gradient(who, &w, &dx, &dx, who->d * who->d, &gdx, scale.at[0]);
}

/* g = Ad(e^X)^T g' and gw = phi(ad X)^T g', the second as (Ad(e^X) phi(-ad X))^T. */
static void adjoints_are_pulled(const subject *who) {
  rows w, g, in, gw;
  fill(&w, who->d, 1);
  fill(&g, who->d, 1);
  in = g;
  who->op->pull(w.at[0], g.at[0], gw.at[0]);
  for (int l = 0; l < CW_LANES; l++) {
    double x[8];
    take_lane(&w, who->d, l, x);
    const matrix e = exponential(in_algebra(who->kind, x));
    square ad = {.d = who->d};
    for (int b = 0; b < who->d; b++)
      for (int a = 0; a < who->d; a++)
        ad.at[a][b] = coordinate(who, times(e, times(generator(who->kind, b), dagger(e))), a);
    const square phi = product(ad, phi_minus(who, x));
    for (int b = 0; b < who->d; b++) {
      long double to = 0, of_w = 0;
      for (int a = 0; a < who->d; a++) {
        to += ad.at[a][b] * in.at[a][l];
        of_w += phi.at[a][b] * in.at[a][l];
      }
      check_close(g.at[b][l], (double)to, 1e-13);
      check_close(gw.at[b][l], (double)of_w, 1e-13);
    }
  }
}

/* ------------------------------------------------------------------------ slopes of products */

/* A sum of two group elements, some matrix of the group's algebra over the reals. */
static matrix some_sum(const subject *who) {
  double x[2][8];
  for (int a = 0; a < who->d; a++) x[0][a] = draw_normal(), x[1][a] = draw_normal();
  const matrix one = exponential(in_algebra(who->kind, x[0]));
  return plus(one, 0.7, exponential(in_algebra(who->kind, x[1])));
}

static void store_matrix(const subject *who, matrix m, int lane, rows *to) {
  double flat[18], link[18];
  for (int i = 0; i < m.n * m.n; i++) {
    flat[2 * i] = (double)creall(m.at[i / m.n][i % m.n]);
    flat[2 * i + 1] = (double)cimagl(m.at[i / m.n][i % m.n]);
  }
  cw_link_from_matrix(who->kind, flat, link);
  for (int k = 0; k < cw_kind(who->kind)->n_real; k++) to->at[k][lane] = link[k];
}

static matrix load_matrix(const subject *who, const rows *from, int lane) {
  matrix m = {.n = cw_kind(who->kind)->n_colours};
  double flat[18], link[18];
  take_lane(from, cw_kind(who->kind)->n_real, lane, link);
  cw_link_to_matrix(who->kind, link, flat);
  for (int i = 0; i < m.n * m.n; i++)
    m.at[i / m.n][i % m.n] = (number)flat[2 * i] + 1.0iL * (number)flat[2 * i + 1];
  return m;
}

/* s_ab is coordinate a of T_b p, and sum_ab g_ab s_ab(dp) is Re tr q dp. */
static void slopes_are_of_products(const subject *who) {
  rows p, s, g, q;
  matrix m[CW_LANES];
  fill(&g, who->d * who->d, 1);
  for (int l = 0; l < CW_LANES; l++) store_matrix(who, m[l] = some_sum(who), l, &p);
  who->op->slopes(p.at[0], s.at[0]);
  who->op->slopes_vjp(g.at[0], q.at[0]);
  for (int l = 0; l < CW_LANES; l++) {
    long double sum = 0;
    for (int a = 0; a < who->d; a++)
      for (int b = 0; b < who->d; b++) {
        const long double exact = coordinate(who, times(generator(who->kind, b), m[l]), a);
        check_close(s.at[who->d * a + b][l], (double)exact, 1e-14);
        sum += g.at[who->d * a + b][l] * exact;
      }
    check_close((double)creall(trace(times(load_matrix(who, &q, l), m[l]))), (double)sum, 1e-13);
  }
}

static void test_solve(void **state) {
  (void)state;
  for_all(systems_are_solved);
  print_message("largest condition number %.3g\n", worst_condition);
}
static void test_map(void **state) { (void)state, for_all(determinants_of_maps_agree); }
static void test_formula(void **state) { (void)state, for_all(maps_have_these_jacobians); }
static void test_vjp(void **state) { (void)state, for_all(derivatives_match_differences); }
static void test_pull(void **state) { (void)state, for_all(adjoints_are_pulled); }
static void test_slopes(void **state) { (void)state, for_all(slopes_are_of_products); }

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_solve),   cmocka_unit_test(test_map),
                                     cmocka_unit_test(test_formula), cmocka_unit_test(test_vjp),
                                     cmocka_unit_test(test_pull),    cmocka_unit_test(test_slopes)};
  return cmocka_run_group_tests_name("jacobian", tests, NULL, NULL);
}
