/* Layer residual against its definition in plain matrices, and what its header promises: Jacobians of
 * single links, a contraction for every theta. */
#include "unit/plain_links.h"
#include "unit/residual_subject.h"

enum { CONFIG = 1 };

/* ------------------------------------------------------------------------ the definition */

/* Sum of the staples of link (coord, mu) in planes without `without`, temporal ones or not or all (-1):
 * U_nu(x) U_mu(x+nu) U_nu(x+mu)^+ and U_nu(x-nu)^+ U_mu(x-nu) U_nu(x-nu+mu). */
static matrix staples(const plain *f, const int *coord, int mu, int without, int temporal) {
  matrix sum = {.n = f->kind_N};
  for (int nu = 0; nu < f->lat.dim; nu++) {
    const int time = f->lat.dim - 1;
    int ahead[CW_MAX_DIM], up[CW_MAX_DIM], down[CW_MAX_DIM], corner[CW_MAX_DIM];
    if (nu == mu || nu == without) continue;
    if (temporal >= 0 && (mu == time || nu == time) != (temporal == 1)) continue;
    moved(coord, mu, 1, ahead);
    moved(coord, nu, 1, up);
    moved(coord, nu, -1, down);
    moved(down, mu, 1, corner);
    sum = plus(
        sum, 1,
        times(times(*link_at(f, coord, nu), *link_at(f, up, mu)), dagger(*link_at(f, ahead, nu))));
    sum = plus(sum, 1,
               times(times(dagger(*link_at(f, down, nu)), *link_at(f, down, mu)),
                     *link_at(f, corner, nu)));
  }
  return sum;
}

/* Frees f. */
static plain smeared(plain f, int without) {
  plain g = copy_of(&f);
  for (long s = 0; s < cw_lattice_sites(&f.lat); s++)
    for (int mu = 0; mu < f.lat.dim; mu++) {
      int coord[CW_MAX_DIM];
      if (mu == without) continue;
      cw_lattice_coord(&f.lat, s, coord);
      const matrix v = staples(&f, coord, mu, without, -1);
      *link_at(&g, coord, mu) = unitary(plus(*link_at(&f, coord, mu), 0.4L, v), 1);
    }
  free(f.link);
  return g;
}

static bool in_class(const int *coord, int dim, int parity) {
  int sum = 0;
  for (int d = 0; d < dim; d++) sum += coord[d];
  return sum % 2 == parity;
}

/* X at link u, of its sums v[level][plane]. planes: theta of temporal links, of spatial ones in temporal
 * and in spatial planes. */
static void field_of(const subject *a, matrix u, matrix v[3][2], const double *theta, bool planes,
                     bool time_link, long double *w) {
  const matrix zero = {.n = u.n};
  const matrix V0 = plus(v[0][0], 1, v[0][1]), VK = plus(v[1][0], 1, v[1][1]);
  const int each = a->geom->lat.dim > 2 ? 3 : 2;
  matrix q = zero;
  for (int level = 0; level < 3; level++)
    for (int p = 0; p < 2; p++) {
      const int i = !planes ? level : each * level + (time_link ? 0 : p == 1 ? 1 : 2);
      q = plus(q, theta[i], times(u, dagger(v[level][p])));
    }
  const int i3 = planes ? 3 * each + (time_link ? 0 : 1) : 3, by = planes ? 2 : 1;
  const matrix r1 = times(VK, times(dagger(V0), VK)), r2 = times(V0, times(dagger(VK), V0));
  const matrix P = times(u, dagger(VK));
  q = plus(q, theta[i3] / 16, times(u, dagger(r1)));
  q = plus(q, theta[i3 + by] / 16, times(u, dagger(r2)));
  q = plus(q, theta[i3 + 2 * by] / 4 * conjl(trace(P)), P);
  for (int b = 0; b < cw_kind(a->kind)->n_algebra; b++) {
    const number t = trace(times(generator(a->kind, b), q));
    w[b] = creall(t) * (a->kind == CW_LINK_U1 ? 1 : 2); /* -TA */
  }
}

static void plain_class(const subject *a, plain *f, int mu, int parity, const double *theta,
                        bool planes) {
  plain t = smeared(smeared(copy_of(f), mu), mu), level[3];
  for (long s = 0; s < cw_lattice_sites(&f->lat); s++) {
    int coord[CW_MAX_DIM];
    cw_lattice_coord(&f->lat, s, coord);
    if (in_class(coord, f->lat.dim, parity))
      *link_at(&t, coord, mu) = unitary(staples(&t, coord, mu, -1, -1), 2);
  }
  level[0] = copy_of(f);
  level[1] = smeared(smeared(t, -1), -1);
  level[2] = smeared(smeared(copy_of(&level[1]), -1), -1);
  for (long s = 0; s < cw_lattice_sites(&f->lat); s++) {
    int coord[CW_MAX_DIM];
    long double w[8];
    matrix v[3][2], X = {.n = f->kind_N};
    cw_lattice_coord(&f->lat, s, coord);
    if (!in_class(coord, f->lat.dim, parity)) continue;
    for (int k = 0; k < 6; k++) v[k / 2][k % 2] = staples(&level[k / 2], coord, mu, -1, k % 2);
    matrix *u = link_at(f, coord, mu);
    field_of(a, *u, v, theta, planes, mu == f->lat.dim - 1, w);
    for (int b = 0; b < cw_kind(a->kind)->n_algebra; b++) X = plus(X, w[b], generator(a->kind, b));
    *u = times(exponential(X), *u);
  }
  for (int k = 0; k < 3; k++) free(level[k].link);
}

static matrix stored_link(const subject *a, const cw_field *x, long site, int mu) {
  return link_of_field(a->kind, x, CONFIG, site, mu);
}

/* Coefficients far below the bound, where they are theta. */
static void pass_is_as_defined(cw_field_kind kind, cw_lattice lat, int coefficients) {
  subject a;
  double theta[32], logj[CW_LANES] CW_ALIGNED, far = 0;
  open_subject(&a, kind, lat, 1, CW_MASK_HALF, coefficients, 0.5);
  for (long i = 0; i < a.L->n_theta; i++)
    theta[i] = 1e-4 * (1 + 0.3 * (double)(i * i % 5)) * (i % 2 ? -1 : 1);
  plain f = plain_of(kind, &a.x, CONFIG);
  for (int c = 0; c < 2 * lat.dim; c++) plain_class(&a, &f, c / 2, c % 2, theta, coefficients == 1);
  cw_field before = a.x;
  check_ok(a.ctx, cw_field_create(a.ctx, a.geom, a.L->n_comp, CW_LANES, &a.x));
  cw_field_copy(&a.x, &before);
  check_ok(a.ctx, run(&a, false, theta, &a.x, logj));
  for (long r = 0; r < a.geom->n_sites * lat.dim; r++) {
    const matrix y = stored_link(&a, &a.x, r / lat.dim, (int)(r % lat.dim));
    check_close(distance(y, f.link[r]), 0, 1e-14);
    far = fmax(far, distance(y, stored_link(&a, &before, r / lat.dim, (int)(r % lat.dim))));
  }
  assert_true(far > 1e-4);
  free(f.link);
  cw_field_destroy(&before);
  close_subject(&a);
}

static void test_definition(void **state) {
  (void)state;
  for (cw_field_kind kind = CW_LINK_U1; kind <= CW_LINK_SU3; kind++)
    for (int coefficients = 0; coefficients < 2; coefficients++) {
      pass_is_as_defined(kind, (cw_lattice){2, {4, 2}}, coefficients);
      pass_is_as_defined(kind, (cw_lattice){3, {2, 4, 2}}, coefficients);
      pass_is_as_defined(kind, (cw_lattice){4, {2, 2, 2, 4}}, coefficients);
    }
}

/* ------------------------------------------------------------------------ single links */

typedef struct {
  double at[CW_LEVELS * CW_PLANES * 18 * CW_LANES] CW_ALIGNED;
} sum_rows;
typedef struct {
  double at[64 * CW_LANES] CW_ALIGNED;
} rows;

/* Some link of a rough field and its sums: the row of all configurations. */
static const double *some_link(const subject *a, sum_rows *v) {
  const void *const field[CW_LEVELS] = {a->x.data, a->x.data, a->x.data};
  a->s->op->exact.sums(a->geom, field, 1, 1, v->at);
  for (size_t i = 0; i < sizeof v->at / sizeof *v->at; i++) /* other levels are other numbers */
    v->at[i] *= 1 + 0.1 * (double)(i / (2 * 18 * CW_LANES));
  return a->x.data + (a->geom->lat.dim + 1) * a->s->n_real * CW_LANES;
}

/* y = e^X(u) u. */
static void map_link(const subject *a, const double *u, const sum_rows *v, const cw_residual_c *c,
                     double *y, rows *w, rows *dx) {
  rows e;
  a->s->op->terms(u, v->at, c, w->at, dx->at);
  a->s->rows->exp(e.at, w->at);
  a->s->rows->mul(y, e.at, u);
}

static double log_abs_det_of(int d, double m[8][8]) {
  double sum = 0;
  for (int k = 0; k < d; k++) { /* near the identity: no exchanges */
    sum += log(fabs(m[k][k]));
    for (int i = k + 1; i < d; i++)
      for (int j = d - 1; j >= k; j--) m[i][j] -= m[i][k] / m[k][k] * m[k][j];
  }
  return sum;
}

/* ln|det| of a link against differences of eighth order. */
static void jacobian_of_link(const subject *a, const cw_residual_c *c) {
  static const double weight[4] = {4. / 5, -1. / 5, 4. / 105, -1. / 280};
  const double h = 0.02;
  const int d = a->s->d;
  sum_rows v;
  rows u, y, z, w, dx, turn, t, one;
  double logdet[CW_LANES] CW_ALIGNED, m[CW_LANES][8][8] = {{{0}}};
  memcpy(u.at, some_link(a, &v), (size_t)(a->s->n_real * CW_LANES) * sizeof(double));
  map_link(a, u.at, &v, c, y.at, &w, &dx);
  a->s->jacobian->map(w.at, dx.at, NULL, logdet);
  for (int b = 0; b < d; b++)
    for (int k = 0; k < 8; k++) {
      rows near, ignored, slopes;
      const double step = (k % 2 ? -h : h) * (1 + k / 2);
      memset(&one, 0, sizeof one);
      for (int l = 0; l < CW_LANES; l++) one.at[b * CW_LANES + l] = step;
      a->s->rows->exp(turn.at, one.at);
      a->s->rows->mul(near.at, turn.at, u.at);
      map_link(a, near.at, &v, c, z.at, &ignored, &slopes);
      a->s->rows->mul_nd(turn.at, z.at, y.at);
      a->s->rows->log(turn.at, t.at);
      for (int e = 0; e < d; e++)
        for (int l = 0; l < CW_LANES; l++)
          m[l][e][b] += (k % 2 ? -1 : 1) * weight[k / 2] / h * t.at[e * CW_LANES + l];
    }
  for (int l = 0; l < CW_LANES; l++) check_close(logdet[l], log_abs_det_of(d, m[l]), 1e-12);
}

/* Each feature alone, and all of them. */
static void test_link_jacobian(void **state) {
  (void)state;
  for (cw_field_kind kind = CW_LINK_U1; kind <= CW_LINK_SU3; kind++)
    for (int f = 0; f <= CW_FEATURES; f++) {
      subject a;
      cw_residual_c c = {{{0}}};
      open_subject(&a, kind, (cw_lattice){4, {2, 2, 2, 2}}, 1, CW_MASK_HALF, 0, 0.4);
      for (int i = 0; i < CW_FEATURES; i++)
        for (int p = 0; p < CW_PLANES; p++)
          if (i == f || f == CW_FEATURES) c.of[i][p] = 0.004 * (1 + p) * (i % 2 ? -1 : 1);
      jacobian_of_link(&a, &c);
      close_subject(&a);
    }
}

/* ------------------------------------------------------------------------ the contraction */

/* Huge parameters, one or all of them: dX of links with rough sums, and with the largest there are. */
static void maps_contract(cw_field_kind kind, int coefficients, double *seen) {
  subject a;
  double theta[32];
  open_subject(&a, kind, (cw_lattice){4, {2, 2, 2, 2}}, 1, CW_MASK_HALF, coefficients, 0.6);
  for (int f = 0; f <= a.L->n_theta; f++)
    for (int worst = 0; worst < 2; worst++) {
      cw_residual_c c[2];
      sum_rows v;
      rows w, dx, u;
      memcpy(u.at, some_link(&a, &v), (size_t)(a.s->n_real * CW_LANES) * sizeof(double));
      for (int i = 0; i < CW_LEVELS * CW_PLANES && worst; i++)
        for (int k = 0; k < a.s->n_real * CW_LANES; k++) /* n U: X of the whole length */
          v.at[i * a.s->n_real * CW_LANES + k] = (i % 2 ? 2 : 4) * u.at[k];
      for (int i = 0; i < a.L->n_theta; i++) theta[i] = i == f || f == a.L->n_theta ? 1e3 : 0;
      cw_residual_coefficients(a.s, theta, c);
      a.s->op->terms(u.at, v.at, &c[CW_SPATIAL], w.at, dx.at);
      const double k = largest_singular_value(a.s->d, dx.at);
      assert_true(k < 0.5);
      *seen = fmax(*seen, k);
    }
  close_subject(&a);
}

static void test_contraction(void **state) {
  (void)state;
  for (cw_field_kind kind = CW_LINK_U1; kind <= CW_LINK_SU3; kind++)
    for (int coefficients = 0; coefficients < 2; coefficients++) {
      double seen = 0;
      maps_contract(kind, coefficients, &seen);
      print_message("  largest |dX|/|dU| %.3f\n", seen);
      assert_true(seen > 0.15); /* one of six or more numbers alone reaches 1/2 over their root */
    }
}

/* Coefficients are theta where K is far below the bound, and theta divided by its size above it. */
static void test_coefficients(void **state) {
  (void)state;
  subject a;
  cw_residual_c c[2];
  open_subject(&a, CW_LINK_SU3, (cw_lattice){4, {2, 2, 2, 2}}, 1, CW_MASK_HALF, 0, 0.4);
  const double theta[CW_FEATURES] = {-0.0043, 0,      0.0045,
                                     -0.0003, 0.0011, -0.0003}, /* delta beta 0.05 */
      large[CW_FEATURES] = {-43, 0, 45, -3, 11, -3};
  cw_residual_coefficients(a.s, theta, c);
  for (int f = 0; f < CW_FEATURES; f++) check_close(c[1].of[f][0] * 1e3, theta[f] * 1e3, 1e-3);
  cw_residual_coefficients(a.s, large, c);
  for (int f = 0; f < CW_FEATURES; f++)
    check_close(c[0].of[f][0] / c[0].of[0][0], large[f] / large[0], 1e-12);
  close_subject(&a);
}

/* No vector grows by a smeared link. */
static void test_smeared_links_do_not_stretch(void **state) {
  (void)state;
  for (double size = 0.3; size < 3; size *= 3) {
    subject a;
    cw_residual_fields f;
    cw_arena *arena = cw_arena_create(0);
    double most = 0;
    open_subject(&a, CW_LINK_SU3, (cw_lattice){4, {2, 2, 2, 4}}, 1, CW_MASK_HALF, 0, size);
    check_ok(a.ctx, cw_residual_open_fields(a.L, true, arena, &f));
    cw_residual_smear(a.L, 3, a.x.data, &f);
    for (int k = 0; k <= 4; k++)
      for (long r = 0; r < a.geom->n_outer * 4; r++) {
        cw_field level = a.x;
        level.data = f.at[k];
        const matrix m = stored_link(&a, &level, a.geom->site[r / 4], (int)(r % 4));
        matrix e = times(dagger(m), m), power = e;
        for (int i = 0; i < 6; i++) power = times(power, power); /* e^64 */
        most = fmax(most, pow((double)creall(trace(power)) / 3, 1. / 128));
      }
    print_message("  largest mean singular value %.16f\n", most);
    assert_true(most < 1 + 1e-14);
    cw_arena_destroy(arena);
    close_subject(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_definition), cmocka_unit_test(test_link_jacobian),
      cmocka_unit_test(test_contraction), cmocka_unit_test(test_coefficients),
      cmocka_unit_test(test_smeared_links_do_not_stretch)};
  return cmocka_run_group_tests_name("residual", tests, NULL, NULL);
}
