/* The groups on lanes against plain complex matrices, in every build of the kernels. */
#include "support/check.h"
#include "support/relayout.h"

#include <complex.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/group.h"
#include "group/normal.h"
#include "group/rows.h"

/* --------------------------------------------------------- plain matrices, long double */

typedef long double complex number;
typedef struct {
  int n;
  number at[3][3];
} matrix;

static matrix times(matrix a, matrix b) {
  matrix c = {.n = a.n};
  for (int i = 0; i < a.n; i++)
    for (int j = 0; j < a.n; j++)
      for (int k = 0; k < a.n; k++) c.at[i][j] += a.at[i][k] * b.at[k][j];
  return c;
}
static matrix dagger(matrix a) {
  matrix c = {.n = a.n};
  for (int i = 0; i < a.n; i++)
    for (int j = 0; j < a.n; j++) c.at[i][j] = conjl(a.at[j][i]);
  return c;
}
static matrix plus(matrix a, number s, matrix b) {
  for (int i = 0; i < a.n; i++)
    for (int j = 0; j < a.n; j++) a.at[i][j] += s * b.at[i][j];
  return a;
}
static matrix unit(int n) {
  matrix c = {.n = n};
  for (int i = 0; i < n; i++) c.at[i][i] = 1;
  return c;
}
static number trace(matrix a) {
  number t = 0;
  for (int i = 0; i < a.n; i++) t += a.at[i][i];
  return t;
}
static double distance(matrix a, matrix b) {
  double d = 0;
  for (int i = 0; i < a.n; i++)
    for (int j = 0; j < a.n; j++) d = fmax(d, (double)cabsl(a.at[i][j] - b.at[i][j]));
  return d;
}
static number determinant(matrix a) {
  if (a.n == 1) return a.at[0][0];
  if (a.n == 2) return a.at[0][0] * a.at[1][1] - a.at[0][1] * a.at[1][0];
  number d = 0;
  for (int j = 0; j < 3; j++) {
    int k = (j + 1) % 3, l = (j + 2) % 3;
    d += a.at[0][j] * (a.at[1][k] * a.at[2][l] - a.at[1][l] * a.at[2][k]);
  }
  return d;
}
/* How far from the group, in any element of U U^+ - 1 or in the determinant. */
static double group_error(matrix u, bool special) {
  double d = distance(times(u, dagger(u)), unit(u.n));
  return special ? fmax(d, (double)cabsl(determinant(u) - 1)) : d;
}

/* T_a of causeway/group.h. */
static matrix generator(cw_field_kind kind, int a) {
  matrix t = {.n = cw_kind(kind)->n_colours};
  if (kind == CW_LINK_U1) {
    t.at[0][0] = I;
  } else if (kind == CW_LINK_SU2) {
    const number sigma[3][2][2] = {{{0, 1}, {1, 0}}, {{0, -I}, {I, 0}}, {{1, 0}, {0, -1}}};
    for (int i = 0; i < 4; i++) t.at[i / 2][i % 2] = I / 2 * sigma[a][i / 2][i % 2];
  } else if (a == 2 || a == 7) {
    for (int i = 0; i < 3; i++)
      t.at[i][i] = I / 2 * (a == 2 ? (number)(i == 0) - (i == 1) : (i < 2 ? 1 : -2) / sqrtl(3));
  } else {
    const int row[8] = {0, 0, 0, 0, 0, 1, 1, 0}, column[8] = {1, 1, 0, 2, 2, 2, 2, 0};
    bool imaginary = a == 1 || a == 4 || a == 6;
    t.at[row[a]][column[a]] = I / 2 * (imaginary ? -I : 1);
    t.at[column[a]][row[a]] = I / 2 * (imaginary ? I : 1);
  }
  return t;
}
static matrix in_algebra(cw_field_kind kind, const double *w) {
  matrix x = {.n = cw_kind(kind)->n_colours};
  for (int a = 0; a < cw_kind(kind)->n_algebra; a++) x = plus(x, w[a], generator(kind, a));
  return x;
}
/* Taylor series after halving until nothing is above 1/8. */
static matrix exponential(matrix x) {
  int halvings = 0;
  while (distance(x, (matrix){.n = x.n}) > 0.125) {
    x = plus((matrix){.n = x.n}, 0.5, x);
    halvings++;
  }
  matrix sum = unit(x.n), term = unit(x.n);
  for (int k = 1; k < 30; k++) {
    term = plus((matrix){.n = x.n}, 1.0L / k, times(term, x));
    sum = plus(sum, 1, term);
  }
  for (int k = 0; k < halvings; k++) sum = times(sum, sum);
  return sum;
}

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
  for (int isa = CW_ISA_BASE; isa <= (int)cw_context_isa(ctx); isa++)
    for (int kind = CW_LINK_U1; kind <= CW_LINK_SU3; kind++) {
      const cw_row_kernels *k = CW_DISPATCH((cw_isa)isa, cw_row_kernels);
      const subject who = {(cw_field_kind)kind, cw_kind((cw_field_kind)kind), &k->kind[kind]};
      body(&who);
    }
  cw_context_destroy(ctx);
}

static uint32_t next_draw;
static double draw_normal(void) {
  double z[2];
  cw_normal2(CW_ISA_BASE, cw_rng_stream(1, "test/group"), next_draw++, 0, 0, 0, z);
  return z[0];
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
      cmocka_unit_test(test_products),
      cmocka_unit_test(test_permute),
      cmocka_unit_test(test_algebra),
      cmocka_unit_test(test_exponential),
      cmocka_unit_test(test_lanes_are_alone),
      cmocka_unit_test(test_differential),
      cmocka_unit_test(test_logarithm),
      cmocka_unit_test(test_projection),
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
