/* What every theory must keep: translation invariance, gauge invariance, and the signs that it
 * promises. */
#include "support/check.h"

#include <complex.h>
#include <stdlib.h>

#include "causeway/wilson.h"
#include "contract/theories.h"

/* --------------------------------------------------------------- symmetries */

/* Terms that a translation keeps: a defect stays where it is, but the sum over plaquettes with and
 * without its links does not see it. */
static void fold_defects(const cw_theory_ops *ops, double *T) {
  if (!cw_is_wilson(ops)) return;
  for (int k = 2; k < CW_WILSON_CLASSES; k++) {
    T[k % 2] += T[k];
    T[k] = 0;
  }
}

static void terms_are_translation_invariant(const fixture *fx) {
  const cw_theory_ops *ops = fx->th.ops;
  const cw_field *x = &fx->x;
  cw_field y = fields(fx, x->n_comp);
  double *T = row(x), *moved = row(x);
  for (int mu = 0; mu < fx->geom->lat.dim; mu++) {
    for (long s = 0; s < fx->geom->n_sites; s++) {
      int coord[CW_MAX_DIM];
      cw_lattice_coord(&fx->geom->lat, s, coord);
      coord[mu]++;
      long there = cw_lattice_site(&fx->geom->lat, coord);
      for (long i = 0; i < N_CONFIG; i++)
        for (int c = 0; c < x->n_comp; c++) cw_field_set(&y, i, there, c, cw_field_get(x, i, s, c));
    }
    ops->terms(&fx->th, x, T);
    ops->terms(&fx->th, &y, moved);
    for (int i = 0; i < N_CONFIG; i++) {
      fold_defects(ops, T + i * ops->n_terms);
      fold_defects(ops, moved + i * ops->n_terms);
    }
    for (int i = 0; i < N_CONFIG * ops->n_terms; i++) check_close(moved[i], T[i], 1e-12);
  }
  cw_field_destroy(&y);
  free(T);
  free(moved);
}

static void test_translation(void **state) {
  (void)state;
  for_all(terms_are_translation_invariant);
}

/* out (N, N) = a b or, with dagger, a b^+. */
static void multiply(int n, const double complex *a, const double complex *b, bool dagger,
                     double complex *out) {
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double complex sum = 0;
      for (int k = 0; k < n; k++)
        sum += a[i * n + k] * (dagger ? conj(b[j * n + k]) : b[k * n + j]);
      out[i * n + j] = sum;
    }
}

static void get_link(const fixture *fx, const cw_field *x, long config, long site, int mu,
                     double complex *m) {
  int n_real = cw_kind(fx->th.ops->kind)->n_real;
  double link[18];
  for (int i = 0; i < n_real; i++) link[i] = cw_field_get(x, config, site, mu * n_real + i);
  cw_link_to_matrix(fx->th.ops->kind, link, (double *)m);
}

/* y = Omega(x) U_mu(x) Omega(x + mu)^+, Omega: the links in direction 0 of omega. */
static void gauge_transform(const fixture *fx, const cw_field *omega, long config, cw_field *y) {
  const cw_lattice *lat = &fx->geom->lat;
  const cw_kind_ops *kind = cw_kind(fx->th.ops->kind);
  for (long s = 0; s < fx->geom->n_sites; s++)
    for (int mu = 0; mu < lat->dim; mu++) {
      double complex u[9], here[9], there[9], half[9];
      double link[18];
      int coord[CW_MAX_DIM];
      cw_lattice_coord(lat, s, coord);
      coord[mu]++;
      get_link(fx, &fx->x, config, s, mu, u);
      get_link(fx, omega, config, s, 0, here);
      get_link(fx, omega, config, cw_lattice_site(lat, coord), 0, there);
      multiply(kind->n_colours, here, u, false, half);
      multiply(kind->n_colours, half, there, true, u);
      cw_link_from_matrix(fx->th.ops->kind, (const double *)u, link);
      for (int i = 0; i < kind->n_real; i++)
        cw_field_set(y, config, s, mu * kind->n_real + i, link[i]);
    }
}

static double force_square(const fixture *fx, const cw_field *f, long config, long link) {
  int n = cw_kind(fx->th.ops->kind)->n_algebra, dim = fx->geom->lat.dim;
  double sum = 0;
  for (int a = 0; a < n; a++) {
    double w = cw_field_get(f, config, link / dim, (int)(link % dim) * n + a);
    sum += w * w;
  }
  return sum;
}

/* A gauge transformation leaves the terms alone and turns the force of each link, keeping its norm.
 */
static void terms_are_gauge_invariant(const fixture *fx) {
  const cw_theory_ops *ops = fx->th.ops;
  if (!cw_kind(ops->kind)->on_links) return;
  cw_field omega = fields(fx, fx->x.n_comp), y = fields(fx, fx->x.n_comp);
  cw_field f = fields(fx, fx->th.n_tangent), turned = fields(fx, fx->th.n_tangent);
  double *T = row(&fx->x), *after = row(&fx->x);
  cw_kind(ops->kind)->hot(fx->th.isa, &omega, cw_rng_stream(8, "gauge"), 0);
  ops->terms(&fx->th, &fx->x, T);
  ops->force(&fx->th, &fx->x, fx->th.c, &f);
  for (long i = 0; i < N_CONFIG; i += 6) gauge_transform(fx, &omega, i, &y);
  ops->terms(&fx->th, &y, after);
  ops->force(&fx->th, &y, fx->th.c, &turned);
  for (long i = 0; i < N_CONFIG; i += 6) {
    for (int k = 0; k < ops->n_terms; k++)
      check_close(after[i * ops->n_terms + k], T[i * ops->n_terms + k], 1e-12);
    for (long link = 0; link < fx->geom->n_sites * fx->geom->lat.dim; link++)
      check_close(force_square(fx, &turned, i, link), force_square(fx, &f, i, link), 1e-12);
  }
  cw_field_destroy(&omega);
  cw_field_destroy(&y);
  cw_field_destroy(&f);
  cw_field_destroy(&turned);
  free(T);
  free(after);
}

static void test_gauge(void **state) {
  (void)state;
  for_all(terms_are_gauge_invariant);
}

/* By how much term k changes where a number becomes minus that and near is the sum of those of its
 * neighbours. */
static double change_of_term(const cw_theory_ops *ops, int k, double number, double near) {
  if (k == ops->bond_term) return -2 * number * near;
  return ops->field_term > 0 && k == ops->field_term ? -2 * number : 0;
}

/* The component of configuration 3 of x along a direction: of one component, the number itself. */
static double along(const cw_field *x, long site, const double *axis) {
  double sum = 0;
  for (int c = 0; c < x->n_comp; c++) sum += axis[c] * cw_field_get(x, 3, site, c);
  return sum;
}

/* One of whole numbers, nowhere special. */
static void some_axis(int n_comp, double axis[CW_MAX_COMPONENTS]) {
  double square = 0;
  for (int c = 0; c < n_comp; c++) square += (c + 1) * (c + 1);
  for (int c = 0; c < n_comp; c++) axis[c] = (c % 2 ? -1 : 1) * (c + 1) / sqrt(square);
}

static void check_single_flip(const fixture *fx, const double *T, cw_field *y, double *flipped) {
  const cw_field *x = &fx->x;
  const cw_lattice *lat = &fx->geom->lat;
  int n = fx->th.ops->n_terms, coord[CW_MAX_DIM];
  long site = fx->geom->n_sites / 2;
  double near = 0, axis[CW_MAX_COMPONENTS];
  some_axis(x->n_comp, axis);
  const double number = along(x, site, axis);
  cw_lattice_coord(lat, site, coord);
  for (int k = 0; k < 2 * lat->dim; k++) {
    coord[k / 2] += k % 2 ? -1 : 1;
    long there = cw_lattice_site(lat, coord);
    if (there != site) near += along(x, there, axis);
    coord[k / 2] -= k % 2 ? -1 : 1;
  }
  cw_field_copy(y, x);
  for (int c = 0; c < x->n_comp; c++)
    cw_field_set(y, 3, site, c, cw_field_get(x, 3, site, c) - 2 * number * axis[c]);
  fx->th.ops->terms(&fx->th, y, flipped);
  for (int k = 0; k < n; k++)
    check_close(flipped[3 * n + k], T[3 * n + k] + change_of_term(fx->th.ops, k, number, near),
                1e-12);
}

/* even promises S(-x) = S(x), and field_term that one term alone breaks it; bond_term promises that
 * only these two terms see the sign of a single site, or its reflection. */
static void signs_are_as_promised(const fixture *fx) {
  const cw_theory_ops *ops = fx->th.ops;
  cw_field y = fields(fx, fx->x.n_comp);
  double *T = row(&fx->x), *flipped = row(&fx->x);
  ops->terms(&fx->th, &fx->x, T);
  assert_false(ops->even && ops->field_term > 0);
  if (ops->even || ops->field_term > 0) {
    size_t size = (size_t)fx->x.n_blocks * cw_field_block_size(&fx->x);
    for (size_t i = 0; i < size; i++) y.data[i] = -fx->x.data[i];
    ops->terms(&fx->th, &y, flipped);
    for (int i = 0; i < N_CONFIG * ops->n_terms; i++) {
      bool odd = ops->field_term > 0 && i % ops->n_terms == ops->field_term;
      check_close(flipped[i], odd ? -T[i] : T[i], 1e-14);
    }
  }
  if (ops->bond_term >= 0) check_single_flip(fx, T, &y, flipped);
  cw_field_destroy(&y);
  free(T);
  free(flipped);
}

static void test_signs(void **state) {
  (void)state;
  for_all(signs_are_as_promised);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_translation),
      cmocka_unit_test(test_gauge),
      cmocka_unit_test(test_signs),
  };
  return cmocka_run_group_tests_name("theory contract", tests, NULL, NULL);
}
