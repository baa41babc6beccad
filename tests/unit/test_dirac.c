/* The Dirac operator against plain loops, its symmetries, its site term, and the even sites eliminated. */
#include "unit/dirac_subject.h"

#include <string.h>

#include "causeway/observe.h"

static const cw_lattice lattice = {4, {4, 4, 2, 4}};
static const cw_quark wilson = {0.13, 0, {0, 0, 0, 1}};
static const cw_quark clover = {0.12, 1.7, {0.3, 0, -0.25, 1}};

/* gamma_mu gamma_nu + gamma_nu gamma_mu = 2 delta, and gamma5 = diag(1, 1, -1, -1). */
static void the_algebra_is_clifford(void **state) {
  (void)state;
  for (int mu = 0; mu < 4; mu++)
    for (int nu = 0; nu < 4; nu++) {
      const spin_matrix a = spin_times(gamma_matrix(mu), gamma_matrix(nu)),
                        b = spin_times(gamma_matrix(nu), gamma_matrix(mu));
      for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
          assert_true(cabsl(a.at[i][j] + b.at[i][j] - 2 * (i == j) * (mu == nu)) < 1e-15);
    }
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++)
      assert_true(cabsl(gamma_matrix(5).at[i][j] - (i == j) * (i < 2 ? 1 : -1)) < 1e-15);
}

/* All splits, with as many configurations as two of their blocks take at least one of; two right-hand sides. */
static void is_what_plain_loops_say(void **state) {
  const cw_quark quarks[] = {wilson, clover};
  int splits[5], n_splits = cw_geometry_splits(&lattice, splits);
  assert_true(n_splits > 2);
  for (int q = 0; q < 2; q++) {
    cw_field first = {0};
    for (int i = 0; i < n_splits; i++) {
      const bool with_oracle = i == n_splits - 1 || (i == 0 && q == 1);
      dirac_subject s = open_dirac(*state, &lattice, splits[i], 1, 0.7);
      cw_field in = new_spinors(&s, 2, "in"), out = new_spinors(&s, 2, NULL),
               expected = new_spinors(&s, 2, NULL);
      load_dirac(&s, &quarks[q]);
      cw_dirac_apply(s.d, &in, false, &out);
      if (with_oracle) {
        oracle(&s.links, &quarks[q], &in, &expected);
        const double d = field_distance(&out, &expected);
        if (!(d < 2e-14)) fail_msg("V = %d, csw = %g: off by %.2e", splits[i], quarks[q].csw, d);
      }
      /* and all splits have the same bits */
      if (i == 0) {
        cw_geometry *plain;
        check_ok(*state, cw_geometry_create(*state, &lattice, 1, &plain));
        check_ok(*state, cw_field_create(*state, plain, out.n_comp, 1, &first));
        relayout(&first, &out);
      } else {
        assert_true(field_distance(&out, &first) == 0);
      }
      cw_field_destroy(&in);
      cw_field_destroy(&out);
      cw_field_destroy(&expected);
      close_dirac(&s);
    }
    cw_geometry_destroy((cw_geometry *)(uintptr_t)first.geom);
    cw_field_destroy(&first);
  }
}

/* Q = gamma5 D: <a, Q b> = <b, Q a>^*, for any boundary. */
static void gamma5_makes_it_hermitian(void **state) {
  dirac_subject s = open_dirac(*state, &lattice, 4, 3, 1);
  cw_field a = new_spinors(&s, 1, "a"), b = new_spinors(&s, 1, "b"), qa = new_spinors(&s, 1, NULL),
           qb = new_spinors(&s, 1, NULL);
  load_dirac(&s, &clover);
  cw_dirac_apply(s.d, &a, true, &qa);
  cw_dirac_apply(s.d, &b, true, &qb);
  for (long i = 0; i < 3; i++) {
    const number x = scalar_product(&a, &qb, i, 0), y = scalar_product(&b, &qa, i, 0);
    assert_true(cabsl(x) > 1);
    assert_true(cabsl(x - conjl(y)) < 1e-12 * cabsl(x));
  }
  cw_field_destroy(&a);
  cw_field_destroy(&b);
  cw_field_destroy(&qa);
  cw_field_destroy(&qb);
  close_dirac(&s);
}

/* U_mu(x) -> g(x) U_mu(x) g(x + mu)^+ and psi -> g psi: D psi -> g D psi. */
static matrix gauge_at(const dirac_subject *s, long site) {
  double w[8];
  for (int a = 0; a < 8; a++) {
    double z[2];
    cw_normal2(cw_context_isa(s->ctx), cw_rng_stream(7, "gauge"), (uint32_t)site, 0, 0, (uint32_t)a,
               z);
    w[a] = z[0];
  }
  return exponential(in_algebra(CW_LINK_SU3, w));
}
static void rotate_spinors(const dirac_subject *s, cw_field *x) {
  for (long site = 0; site < s->geom->n_sites; site++) {
    const matrix g = gauge_at(s, site);
    for (int spin = 0; spin < 4; spin++) {
      number old[3];
      for (int c = 0; c < 3; c++) old[c] = spinor_at(x, 0, site, 0, spin, c);
      for (int c = 0; c < 3; c++)
        set_spinor(x, 0, site, 0, spin, c,
                   g.at[c][0] * old[0] + g.at[c][1] * old[1] + g.at[c][2] * old[2]);
    }
  }
}
static void rotate_links(const dirac_subject *s, cw_field *links) {
  for (long site = 0; site < s->geom->n_sites; site++)
    for (int mu = 0; mu < 4; mu++) {
      int coord[4];
      cw_lattice_coord(&s->geom->lat, site, coord);
      matrix u = times(gauge_at(s, site), link_at(links, 0, coord, mu));
      coord[mu]++;
      u = times(u, dagger(gauge_at(s, cw_lattice_site(&s->geom->lat, coord))));
      for (int k = 0; k < 9; k++) {
        cw_field_set(links, 0, site, 18 * mu + 2 * k, (double)creall(u.at[k / 3][k % 3]));
        cw_field_set(links, 0, site, 18 * mu + 2 * k + 1, (double)cimagl(u.at[k / 3][k % 3]));
      }
    }
}
static void is_gauge_covariant(void **state) {
  dirac_subject s = open_dirac(*state, &lattice, 8, 1, 1);
  cw_field in = new_spinors(&s, 1, "in"), before = new_spinors(&s, 1, NULL),
           after = new_spinors(&s, 1, NULL);
  load_dirac(&s, &clover);
  cw_dirac_apply(s.d, &in, false, &before);
  rotate_spinors(&s, &before);
  rotate_links(&s, &s.links);
  rotate_spinors(&s, &in);
  load_dirac(&s, &clover);
  cw_dirac_apply(s.d, &in, false, &after);
  assert_true(field_distance(&before, &after) < 1e-13);
  cw_field_destroy(&in);
  cw_field_destroy(&before);
  cw_field_destroy(&after);
  close_dirac(&s);
}

/* Columns of the site term minus 1: D with csw minus D without, on fields that are one unit vector everywhere. */
static cw_field site_term(dirac_subject *s, const cw_quark *quark) {
  const cw_quark without = {
      quark->kappa, 0, {quark->twist[0], quark->twist[1], quark->twist[2], quark->twist[3]}};
  cw_field in = new_spinors(s, 12, NULL), out = new_spinors(s, 12, NULL),
           plain = new_spinors(s, 12, NULL);
  for (long i = 0; i < in.n_config; i++)
    for (long site = 0; site < s->geom->n_sites; site++)
      for (int k = 0; k < 12; k++) set_spinor(&in, i, site, k, k / 3, k % 3, 1);
  load_dirac(s, quark);
  cw_dirac_apply(s->d, &in, false, &out);
  load_dirac(s, &without);
  cw_dirac_apply(s->d, &in, false, &plain);
  for (size_t i = 0; i < cw_field_block_size(&out); i++) out.data[i] -= plain.data[i];
  cw_field_destroy(&in);
  cw_field_destroy(&plain);
  return out;
}

/* Tr (A - 1)^2 = 4 (kappa csw)^2 sum tr F^2, and with gamma5 that of F and its dual: energy density and charge as the
 * gauge observables have them. */
static void site_term_holds_the_field_strength(void **state) {
  dirac_subject s = open_dirac(*state, &lattice, 4, 2, 0.8);
  cw_theory th;
  const double beta = 6, strength = pow(clover.kappa * clover.csw, 2);
  check_ok(*state, cw_theory_create(*state, cw_theory_find("su3"), s.geom, 0, &beta, &th));
  const cw_observer o = cw_observer_make(cw_observable_for(&th), &th, NULL);
  const int n = o.ops->n_primary(&o), energy = cw_primary_number(&o, "energy_density"),
            charge = cw_primary_number(&o, "q_bare");
  double measured[2][32];
  assert_true(n <= 32);
  double *rows = cw_arena_alloc(s.scratch, 2 * (size_t)n * sizeof *rows);
  check_ok(*state, cw_measure(*state, &o, &s.links, rows, NULL));
  for (int i = 0; i < 2 * n; i++) measured[i / n][i % n] = rows[i];
  cw_field a = site_term(&s, &clover);
  for (long i = 0; i < 2; i++) {
    number square = 0, dual = 0;
    for (long site = 0; site < s.geom->n_sites; site++)
      for (int k = 0; k < 144; k++) {
        const number e = spinor_at(&a, i, site, k / 12, k % 12 / 3, k % 12 % 3) *
                         spinor_at(&a, i, site, k % 12, k / 12 / 3, k / 12 % 3);
        square += e;
        dual += k / 12 < 6 ? e : -e;
      }
    check_close((double)creall(square) / (double)s.geom->n_sites,
                4 * strength * measured[i][energy], 1e-13);
    check_close((double)creall(dual) / (32 * strength * M_PI * M_PI), measured[i][charge], 1e-13);
    assert_true(fabs(measured[i][charge]) > 1e-3);
  }
  cw_field_destroy(&a);
  cw_theory_destroy(&th);
  close_dirac(&s);
}

/* U_1(x) = exp(i phi x_0 h), h = diag(1, -1, 0), x_0 = 0 .. 3 with phi = 2 pi/4: every plaquette of the plane (0, 1) is
 * exp(i phi h), but those that close over the edge: there x_0 falls by 3, and exp(-3 i phi h) is the same. F_01 = sin
 * phi h, and A = 1 + kappa csw sigma_3 sin phi h in both halves. */
static void constant_plaquettes_give_a_constant_term(void **state) {
  dirac_subject s = open_dirac(*state, &lattice, 4, 1, 0);
  const double phi = M_PI / 2, h[3] = {1, -1, 0};
  for (long site = 0; site < s.geom->n_sites; site++) {
    int coord[4];
    cw_lattice_coord(&s.geom->lat, site, coord);
    for (int c = 0; c < 3; c++) {
      cw_field_set(&s.links, 0, site, 18 + 8 * c, cos(phi * coord[0] * h[c]));
      cw_field_set(&s.links, 0, site, 18 + 8 * c + 1, sin(phi * coord[0] * h[c]));
    }
  }
  cw_field a = site_term(&s, &clover);
  for (long site = 0; site < s.geom->n_sites; site++)
    for (int k = 0; k < 144; k++) {
      const int spin = k / 12 / 3, colour = k / 12 % 3;
      const double value =
          clover.kappa * clover.csw * (spin % 2 == 0 ? 1 : -1) * sin(phi) * h[colour];
      const number found = spinor_at(&a, 0, site, k / 12, k % 12 / 3, k % 12 % 3);
      assert_true(cabsl(found - (k / 12 == k % 12 ? value : 0)) < 1e-14);
    }
  cw_field_destroy(&a);
  close_dirac(&s);
}

/* With psi on even sites as the elimination has it, D psi is 0 there and M psi_o on odd ones. */
static void odd_sites_alone_know_the_whole(void **state) {
  const cw_quark quarks[] = {wilson, clover};
  for (int q = 0; q < 2; q++) {
    dirac_subject s = open_dirac(*state, &lattice, 4, 2, 0.6);
    cw_field in = new_spinors(&s, 3, "in"), odd = new_spinors(&s, 3, NULL),
             out = new_spinors(&s, 3, NULL);
    assert_true(cw_dirac_has_parity(s.geom));
    load_dirac(&s, &quarks[q]);
    cw_dirac_apply_odd(s.d, &in, false, &odd);
    for (int pass = 0; pass < 2; pass++) {
      for (long i = 0; i < 2; i++)
        for (long site = 0; site < s.geom->n_sites; site++) {
          int coord[4];
          cw_lattice_coord(&lattice, site, coord);
          const bool even = (coord[0] + coord[1] + coord[2] + coord[3]) % 2 == 0;
          for (int c = 0; c < in.n_comp; c++) {
            const double found = cw_field_get(&out, i, site, c);
            if (pass == 0 && even)
              cw_field_set(&in, i, site, c, quarks[q].kappa * cw_field_get(&odd, i, site, c));
            if (pass == 1) check_close(found, even ? 0 : cw_field_get(&odd, i, site, c), 1e-13);
          }
        }
      if (pass == 0) cw_dirac_apply(s.d, &in, false, &out);
    }
    cw_field_destroy(&in);
    cw_field_destroy(&odd);
    cw_field_destroy(&out);
    close_dirac(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_algebra_is_clifford),
      cmocka_unit_test(is_what_plain_loops_say),
      cmocka_unit_test(gamma5_makes_it_hermitian),
      cmocka_unit_test(is_gauge_covariant),
      cmocka_unit_test(site_term_holds_the_field_strength),
      cmocka_unit_test(constant_plaquettes_give_a_constant_term),
      cmocka_unit_test(odd_sites_alone_know_the_whole),
  };
  return cmocka_run_group_tests(tests, test_open_context_2, test_close_context);
}
