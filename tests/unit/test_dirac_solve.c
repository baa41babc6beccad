/* The inverse of the Dirac operator: residuals, both solvers, the free propagator, bits, and what is not solved. */
#include "unit/dirac_subject.h"

#include <string.h>

static const cw_lattice lattice = {4, {4, 4, 2, 4}};
static const cw_quark clover = {0.115, 1.5, {0, 0, 0, 1}};
static const cw_solver cg = {.kind = CW_SOLVER_CG, .tolerance = 1e-11, .max_iterations = 1000};

/* The largest |b - D x|/|b|, by cw_dirac_apply and plain sums. */
static double residual(const dirac_subject *s, const cw_field *b, const cw_field *x) {
  cw_field dx = new_spinors(s, b->n_comp / CW_SPINOR_REALS, NULL);
  double largest = 0;
  cw_dirac_apply(s->d, x, false, &dx);
  for (long i = 0; i < b->n_config; i++)
    for (int k = 0; k < b->n_comp / CW_SPINOR_REALS; k++) {
      double above = 0, below = 0;
      for (long site = 0; site < s->geom->n_sites; site++)
        for (int c = k * CW_SPINOR_REALS; c < (k + 1) * CW_SPINOR_REALS; c++) {
          const double y = cw_field_get(b, i, site, c);
          above += pow(y - cw_field_get(&dx, i, site, c), 2);
          below += y * y;
        }
      largest = fmax(largest, sqrt(above / below));
    }
  cw_field_destroy(&dx);
  return largest;
}

/* Both solvers, with the even sites eliminated and of the whole operator: residuals are what they say, and all have the
 * same solution. */
static void residuals_are_true(void **state) {
  dirac_subject s = open_dirac(*state, &lattice, 4, 3, 0.6);
  cw_field b = new_spinors(&s, 2, "b"), x = new_spinors(&s, 2, NULL),
           first = new_spinors(&s, 2, NULL);
  const long needed[] = {44, 16, 100, 32};
  load_dirac(&s, &clover);
  for (int way = 0; way < 4; way++) {
    cw_solver solver = cg;
    cw_solve_report report;
    solver.kind = way % 2 == 0 ? CW_SOLVER_CG : CW_SOLVER_BICGSTAB;
    solver.no_parity = way / 2 == 1;
    check_ok(*state, cw_dirac_solve(s.d, &solver, &b, &x, s.scratch, &report));
    const double found = residual(&s, &b, &x);
    assert_true(found < 1e-11);
    assert_true(found > 1e-14); /* nobody iterates far beyond what was asked for */
    check_close(report.residual / found, 1, 1e-2);
    assert_true(report.updates >= 2 && report.n_history == report.updates);
    assert_in_range(report.iterations, needed[way] - 8,
                    needed[way] + 4); /* slower: something is off */
    if (way == 0) cw_field_copy(&first, &x);
    assert_true(field_distance(&first, &x) < 1e-9);
  }
  cw_field_destroy(&b);
  cw_field_destroy(&x);
  cw_field_destroy(&first);
  close_dirac(&s);
}

/* Ten iterations of BiCGStab are not enough; the others go on from there. */
static void conjugate_gradients_finish_what_is_left(void **state) {
  dirac_subject s = open_dirac(*state, &lattice, 4, 3, 0.6);
  cw_field b = new_spinors(&s, 2, "b"), x = new_spinors(&s, 2, NULL);
  load_dirac(&s, &clover);
  for (int whole = 0; whole < 2; whole++) {
    cw_solver solver = cg;
    cw_solve_report report;
    solver.kind = CW_SOLVER_BICGSTAB;
    solver.max_iterations = 100;
    solver.no_parity = whole == 1;
    check_ok(*state, cw_dirac_solve(s.d, &solver, &b, &x, s.scratch, &report));
    assert_true(report.iterations > 20 && report.iterations <= 100);
    assert_true(residual(&s, &b, &x) < 1e-11);
  }
  cw_field_destroy(&b);
  cw_field_destroy(&x);
  close_dirac(&s);
}

/* A lattice of odd pieces has no even sites that all lanes share: the whole operator is inverted. */
static void odd_pieces_are_solved_as_a_whole(void **state) {
  const cw_lattice lat = {4, {3, 2, 2, 6}};
  dirac_subject s = open_dirac(*state, &lat, 2, 1, 0.5);
  cw_field b = new_spinors(&s, 1, "b"), x = new_spinors(&s, 1, NULL);
  assert_false(cw_dirac_has_parity(s.geom));
  load_dirac(&s, &clover);
  check_ok(*state, cw_dirac_solve(s.d, &cg, &b, &x, s.scratch, NULL));
  assert_true(residual(&s, &b, &x) < 1e-11);
  cw_field_destroy(&b);
  cw_field_destroy(&x);
  close_dirac(&s);
}

/* S(p) = (a - 2 i kappa sum gamma_mu sin p_mu)/(a^2 + 4 kappa^2 sum sin^2 p_mu), a = 1 - 2 kappa sum cos p_mu, of unit
 * links, with p = 2 pi (n + twist/2)/L. */
static spin_matrix free_propagator(const cw_lattice *lat, const cw_quark *q, const int coord[4]) {
  spin_matrix sum = {{{0}}};
  const long n_sites = cw_lattice_sites(lat);
  for (long mode = 0; mode < n_sites; mode++) {
    int n[4];
    number a = 1, square = 0, phase = 0, sine[4];
    cw_lattice_coord(lat, mode, n);
    for (int mu = 0; mu < 4; mu++) {
      const number p = 2 * acosl(-1) * (n[mu] + q->twist[mu] / 2) / lat->extent[mu];
      a -= 2 * q->kappa * cosl(creall(p));
      sine[mu] = sinl(creall(p));
      square += 4 * q->kappa * q->kappa * sine[mu] * sine[mu];
      phase += p * coord[mu];
    }
    const number weight = cexpl(I * phase) / (number)n_sites / (a * a + square);
    for (int i = 0; i < 16; i++) {
      number e = i / 4 == i % 4 ? a : 0;
      for (int mu = 0; mu < 4; mu++)
        e -= 2 * I * q->kappa * sine[mu] * gamma_matrix(mu).at[i / 4][i % 4];
      sum.at[i / 4][i % 4] += weight * e;
    }
  }
  return sum;
}
static void free_quarks_move_as_in_momentum_space(void **state) {
  const cw_lattice lat = {4, {4, 2, SANITIZED ? 2 : 6, 4}};
  const cw_quark quark = {0.11, 2, {0, 0.5, 0, 1}}; /* F = 0: csw says nothing */
  const cw_solver solver = {.kind = CW_SOLVER_CG, .tolerance = 1e-14, .max_iterations = 1000};
  dirac_subject s = open_dirac(*state, &lat, 2, 1, 0);
  cw_field b = new_spinors(&s, 12, NULL), x = new_spinors(&s, 12, NULL);
  load_dirac(&s, &quark);
  for (int k = 0; k < 12; k++) set_spinor(&b, 0, 0, k, k / 3, k % 3, 1);
  check_ok(*state, cw_dirac_solve(s.d, &solver, &b, &x, s.scratch, NULL));
  for (long site = 0; site < s.geom->n_sites; site++) {
    int coord[4];
    cw_lattice_coord(&lat, site, coord);
    const spin_matrix expected = free_propagator(&lat, &quark, coord);
    for (int k = 0; k < 144; k++) {
      const int row = k / 12, column = k % 12;
      const number found = spinor_at(&x, 0, site, column, row / 3, row % 3);
      const number e = row % 3 == column % 3 ? expected.at[row / 3][column / 3] : 0;
      assert_true(cabsl(found - e) < 1e-12);
    }
  }
  cw_field_destroy(&b);
  cw_field_destroy(&x);
  close_dirac(&s);
}

/* Of unit links the matrix has few different eigenvalues, and conjugate directions need as many iterations; others need
 * many more. */
static void directions_are_conjugate(void **state) {
  const cw_lattice lat = {4, {4, 4, 4, 4}};
  const cw_quark quark = {0.12, 0, {0, 0, 0, 1}};
  dirac_subject s = open_dirac(*state, &lat, 16, 1, 0);
  cw_field b = new_spinors(&s, 1, "b"), x = new_spinors(&s, 1, NULL);
  load_dirac(&s, &quark);
  for (int whole = 0; whole < 2; whole++) {
    cw_solver solver = cg;
    cw_solve_report report;
    solver.no_parity = whole == 1;
    solver.tolerance = 1e-9;
    check_ok(*state, cw_dirac_solve(s.d, &solver, &b, &x, s.scratch, &report));
    assert_true(report.iterations <= (whole ? 36 : 16));
  }
  cw_field_destroy(&b);
  cw_field_destroy(&x);
  close_dirac(&s);
}

/* Solutions of configurations and right-hand sides, by whomever they are accompanied. */
static void bits_depend_on_nobody_else(void **state) {
  enum { CONFIGS = 2, RHS = 3 };
  cw_context *one = test_context(1);
  cw_geometry *plain;
  cw_field first;
  check_ok(one, cw_geometry_create(one, &lattice, 1, &plain));
  for (int kind = 0; kind < (SANITIZED ? 1 : 2); kind++) {
    cw_solver solver = cg;
    solver.kind = kind == 0 ? CW_SOLVER_CG : CW_SOLVER_BICGSTAB;
    check_ok(one, cw_field_create(one, plain, RHS * CW_SPINOR_REALS, CONFIGS, &first));
    for (int way = 0; way < 4; way++) {
      const int V = way == 0 ? 1 : way == 1 ? 4 : 2;
      dirac_subject s = open_dirac(way < 2 ? *state : one, &lattice, V, CONFIGS, 0.6);
      cw_field b = new_spinors(&s, RHS, "b"), x = new_spinors(&s, RHS, NULL);
      load_dirac(&s, &clover);
      if (way < 3) {
        check_ok(s.ctx, cw_dirac_solve(s.d, &solver, &b, &x, s.scratch, NULL));
      } else { /* one right-hand side at a time */
        for (int k = 0; k < RHS; k++) {
          cw_field bk = new_spinors(&s, 1, NULL), xk = new_spinors(&s, 1, NULL);
          for (long i = 0; i < CONFIGS; i++)
            for (long site = 0; site < s.geom->n_sites; site++)
              for (int c = 0; c < CW_SPINOR_REALS; c++)
                cw_field_set(&bk, i, site, c, cw_field_get(&b, i, site, k * CW_SPINOR_REALS + c));
          check_ok(s.ctx, cw_dirac_solve(s.d, &solver, &bk, &xk, s.scratch, NULL));
          for (long i = 0; i < CONFIGS; i++)
            for (long site = 0; site < s.geom->n_sites; site++)
              for (int c = 0; c < CW_SPINOR_REALS; c++)
                cw_field_set(&x, i, site, k * CW_SPINOR_REALS + c, cw_field_get(&xk, i, site, c));
          cw_field_destroy(&bk);
          cw_field_destroy(&xk);
        }
      }
      if (way == 0) relayout(&first, &x);
      assert_true(field_distance(&first, &x) == 0);
      cw_field_destroy(&b);
      cw_field_destroy(&x);
      close_dirac(&s);
    }
    cw_field_destroy(&first);
  }
  cw_geometry_destroy(plain);
  cw_context_destroy(one);
}

/* Nothing comes of nothing, and one that is small is as good as a large one. */
static void right_hand_sides_of_any_size(void **state) {
  dirac_subject s = open_dirac(*state, &lattice, 4, 1, 0.6);
  cw_field b = new_spinors(&s, 3, "b"), x = new_spinors(&s, 3, "old");
  load_dirac(&s, &clover);
  for (long site = 0; site < s.geom->n_sites; site++)
    for (int c = 0; c < 3 * CW_SPINOR_REALS; c++)
      cw_field_set(&b, 0, site, c,
                   cw_field_get(&b, 0, site, c) * (c < 24   ? 0
                                                   : c < 48 ? 1e-9
                                                            : 1e6));
  check_ok(*state, cw_dirac_solve(s.d, &cg, &b, &x, s.scratch, NULL));
  for (long site = 0; site < s.geom->n_sites; site++)
    for (int c = 0; c < CW_SPINOR_REALS; c++) {
      assert_true(cw_field_get(&x, 0, site, c) == 0);
      cw_field_set(&b, 0, site, c, 1); /* so that |b| is no 0 there */
    }
  cw_field dx = new_spinors(&s, 3, NULL);
  cw_dirac_apply(s.d, &x, false, &dx);
  double above[3] = {0}, below[3] = {0};
  for (long site = 0; site < s.geom->n_sites; site++)
    for (int c = CW_SPINOR_REALS; c < 3 * CW_SPINOR_REALS; c++) {
      above[c / 24] += pow(cw_field_get(&b, 0, site, c) - cw_field_get(&dx, 0, site, c), 2);
      below[c / 24] += pow(cw_field_get(&b, 0, site, c), 2);
    }
  for (int k = 1; k < 3; k++) assert_true(sqrt(above[k] / below[k]) < 1e-11);
  cw_field_destroy(&b);
  cw_field_destroy(&x);
  cw_field_destroy(&dx);
  close_dirac(&s);
}

/* Too few iterations: which configuration, how far, and by what way. */
static void what_is_not_solved_is_an_error(void **state) {
  dirac_subject s = open_dirac(*state, &lattice, 4, 2, 0.6);
  s.links.first_chain = 40;
  cw_field b = new_spinors(&s, 1, "b"), x = new_spinors(&s, 1, NULL);
  load_dirac(&s, &clover);
  for (int kind = 0; kind < 2; kind++) {
    cw_solver solver = cg;
    cw_solve_report report;
    solver.kind = kind == 0 ? CW_SOLVER_CG : CW_SOLVER_BICGSTAB;
    solver.max_iterations = 3;
    const cw_status st = cw_dirac_solve(s.d, &solver, &b, &x, s.scratch, &report);
    assert_true(strstr(cw_error(*state), "after 3 iterations (largest residuals: ") != NULL);
    check_failure(*state, st, CW_ENUMERIC, "not solved for configuration 4");
    check_close(report.residual / residual(&s, &b, &x), 1, 1e-2);
  }
  cw_field_destroy(&b);
  cw_field_destroy(&x);
  close_dirac(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(residuals_are_true),
      cmocka_unit_test(conjugate_gradients_finish_what_is_left),
      cmocka_unit_test(odd_pieces_are_solved_as_a_whole),
      cmocka_unit_test(free_quarks_move_as_in_momentum_space),
      cmocka_unit_test(directions_are_conjugate),
      cmocka_unit_test(bits_depend_on_nobody_else),
      cmocka_unit_test(right_hand_sides_of_any_size),
      cmocka_unit_test(what_is_not_solved_is_an_error),
  };
  return cmocka_run_group_tests(tests, test_open_context_2, test_close_context);
}
