/* Sources, correlators of mesons, and their derivatives. */
#include "unit/dirac_subject.h"

#include <string.h>
#include <sys/stat.h>

#include "causeway/configuration.h"

enum { T = SANITIZED ? 4 : 6 };
static const cw_lattice lattice = {4, {4, 2, 2, T}};
static const cw_quark clover = {0.115, 1.5, {0, 0, 0, 1}};
static const cw_solver precise = {
    .kind = CW_SOLVER_BICGSTAB, .tolerance = 1e-13, .max_iterations = 1000};
static const cw_source point = {CW_SOURCE_POINT, {1, 0, 1, 2}, 0, 0};
enum { N_MOMENTA = 2, N = CW_MESONS * N_MOMENTA * T };

static int at(int channel, int n, int t) { return (channel * N_MOMENTA + n) * T + t; }

static void measure(dirac_subject *s, const cw_quark *quark, const cw_source *source, double *c) {
  cw_field p = new_spinors(s, 12, NULL);
  load_dirac(s, quark);
  check_ok(s->ctx, cw_dirac_propagator(s->d, &precise, source, &p, s->scratch, NULL));
  check_ok(s->ctx, cw_dirac_mesons(s->d, &p, NULL, source, N_MOMENTA, c, s->scratch));
  cw_field_destroy(&p);
}

/* -tr G S G' gamma5 S^+ gamma5, G' = gamma_t G^+ gamma_t, with 4x4 matrices, G and G' given for axial. */
static spin_matrix spin_adjoint(spin_matrix a) {
  spin_matrix b;
  for (int i = 0; i < 16; i++) b.at[i / 4][i % 4] = conjl(a.at[i % 4][i / 4]);
  return b;
}
static number plain_trace(const cw_field *p, long site, spin_matrix source_spin, spin_matrix sink) {
  const spin_matrix g5 = gamma_matrix(5), gt = gamma_matrix(3);
  const spin_matrix bar = spin_times(gt, spin_times(spin_adjoint(source_spin), gt));
  number sum = 0;
  for (int c = 0; c < 3; c++)
    for (int d = 0; d < 3; d++) {
      spin_matrix s;
      for (int i = 0; i < 16; i++)
        s.at[i / 4][i % 4] = spinor_at(p, 0, site, 3 * (i % 4) + d, i / 4, c);
      const spin_matrix left = spin_times(spin_times(sink, s), bar),
                        right = spin_times(g5, spin_times(spin_adjoint(s), g5)),
                        all = spin_times(left, right);
      for (int i = 0; i < 4; i++) sum -= all.at[i][i];
    }
  return sum;
}

static void correlators_are_traces(void **state) {
  dirac_subject s = open_dirac(*state, &lattice, 4, 1, 0.7);
  cw_field p = new_spinors(&s, 12, NULL);
  double c[16 * N];
  number plain[N] = {0};
  load_dirac(&s, &clover);
  check_ok(*state, cw_dirac_propagator(s.d, &precise, &point, &p, s.scratch, NULL));
  check_ok(*state, cw_dirac_mesons(s.d, &p, NULL, &point, N_MOMENTA, c, s.scratch));
  const spin_matrix g5 = gamma_matrix(5), one = spin_times(g5, g5);
  for (long site = 0; site < s.geom->n_sites; site++) {
    int x[4];
    cw_lattice_coord(&lattice, site, x);
    const int t = (x[3] - point.at[3] + T) % T;
    for (int mu = 0; mu < 3; mu++)
      for (int n = 0; n < N_MOMENTA; n++) {
        const number wave =
            cexpl(-2 * acosl(-1) * I * n * (x[mu] - point.at[mu]) / lattice.extent[mu]) / 3;
        plain[at(CW_MESON_PION, n, t)] += wave * plain_trace(&p, site, g5, g5);
        plain[at(CW_MESON_A0, n, t)] += wave * plain_trace(&p, site, one, one);
        plain[at(CW_MESON_AXIAL, n, t)] +=
            wave * plain_trace(&p, site, g5, spin_times(gamma_matrix(3), g5));
        for (int i = 0; i < 3; i++)
          plain[at(CW_MESON_RHO, n, t)] +=
              wave * plain_trace(&p, site, gamma_matrix(i), gamma_matrix(i)) / 3;
      }
  }
  for (int i = 0; i < N; i++) check_close(c[i], (double)creall(plain[i]), 1e-13);
  cw_field_destroy(&p);
  close_dirac(&s);
}

/* Independent links: the pion correlator is sum |S|^2, which nothing makes negative, and at momentum no larger. */
static void pion_of_a_hot_field_is_positive(void **state) {
  const cw_quark quark = {0.1, 0, {0, 0, 0, 1}};
  dirac_subject s = open_dirac(*state, &lattice, 2, 2, 0);
  cw_field p = new_spinors(&s, 12, NULL);
  double c[16 * N];
  cw_kind(CW_LINK_SU3)->hot(cw_context_isa(*state), &s.links, cw_rng_stream(3, "hot"), 0);
  load_dirac(&s, &quark);
  check_ok(*state, cw_dirac_propagator(s.d, &precise, &point, &p, s.scratch, NULL));
  check_ok(*state, cw_dirac_mesons(s.d, &p, NULL, &point, N_MOMENTA, c, s.scratch));
  for (long i = 0; i < 2; i++) {
    double square[T] = {0};
    for (long site = 0; site < s.geom->n_sites; site++)
      for (int k = 0; k < p.n_comp; k++)
        square[(site % T - point.at[3] + T) % T] += pow(cw_field_get(&p, i, site, k), 2);
    for (int t = 0; t < T; t++) {
      const double pion = c[i * N + at(CW_MESON_PION, 0, t)];
      assert_true(pion > 0);
      check_close(pion / square[t], 1, 1e-13);
      assert_true(fabs(c[i * N + at(CW_MESON_PION, 1, t)]) < pion);
    }
  }
  cw_field_destroy(&p);
  close_dirac(&s);
}

/* Field and source moved together; and a source moved in time alone sees the antiperiodic edge nowhere. */
static void correlators_move_with_the_field(void **state) {
  dirac_subject s = open_dirac(*state, &lattice, 4, 1, 0.7);
  double before[16 * N], after[16 * N];
  cw_field moved;
  const int directions[] = {0, 4, 6, 6};
  cw_source source = point;
  measure(&s, &clover, &point, before);
  check_ok(*state, cw_field_create(*state, s.geom, 72, 1, &moved));
  for (int i = 0; i < 4; i++) {
    cw_field_translate(&moved, &s.links, directions[i], 1);
    cw_field_copy(&s.links, &moved);
    source.at[directions[i] / 2] =
        (source.at[directions[i] / 2] + 1) % lattice.extent[directions[i] / 2];
  }
  assert_int_equal(source.at[3], (point.at[3] + 2) % T);
  measure(&s, &clover, &source, after);
  for (int i = 0; i < N; i++) check_close(after[i] / before[i], 1, 1e-10);
  cw_field_destroy(&moved);
  close_dirac(&s);
}

/* Bits of correlators in every split, and on one thread. */
static void correlators_have_the_same_bits(void **state) {
  cw_context *one = test_context(1);
  double first[16 * N], c[16 * N];
  int splits[5], n = cw_geometry_splits(&lattice, splits);
  const cw_source gauss = {CW_SOURCE_GAUSS, {0, 1, 1, T - 1}, 3, 0.2};
  for (int i = 0; i < n + 1; i++) {
    dirac_subject s = open_dirac(i < n ? *state : one, &lattice, splits[i < n ? i : n - 1], 1, 0.7);
    measure(&s, &clover, &gauss, c);
    if (i == 0) memcpy(first, c, N * sizeof *c);
    assert_memory_equal(first, c, N * sizeof *c);
    close_dirac(&s);
  }
  cw_context_destroy(one);
}

/* The sum over the points of a wall; one step of smearing by hand, which keeps the norm of a constant. */
static void sources_are_what_they_say(void **state) {
  dirac_subject s = open_dirac(*state, &lattice, 4, 1, 0.7);
  cw_field b = new_spinors(&s, 2, "old");
  load_dirac(&s, &clover);
  const cw_source wall = {CW_SOURCE_WALL, {0, 0, 0, 3}, 0, 0};
  check_ok(*state, cw_dirac_source(s.d, &wall, 5, 2, &b, s.scratch));
  for (long site = 0; site < s.geom->n_sites; site++)
    for (int k = 0; k < 24; k++)
      assert_true(spinor_at(&b, 0, site, k / 12, k % 12 / 3, k % 3) ==
                  (site % T == 3 && k % 12 == 5 + k / 12));
  const cw_source gauss = {CW_SOURCE_GAUSS, {1, 0, 1, 2}, 1, 0.3};
  check_ok(*state, cw_dirac_source(s.d, &gauss, 4, 2, &b, s.scratch));
  number expected[4][2][2][3] = {{{{0}}}}; /* colours of column 4 on the slice of the source */
  expected[1][0][1][1] = 1 / 2.8;
  for (int mu = 0; mu < 3; mu++)
    for (int back = 0; back < 2; back++) { /* what hops to the source's neighbour from the source */
      int x[4] = {1, 0, 1, 2};
      const matrix u = dagger(walk_link(&s.links, 0, x, mu, back));
      for (int c = 0; c < 3; c++)
        expected[(x[0] + 4) % 4][(x[1] + 2) % 2][(x[2] + 2) % 2][c] += 0.3 / 2.8 * u.at[c][1];
    }
  for (long site = 0; site < s.geom->n_sites; site++) {
    int x[4];
    cw_lattice_coord(&lattice, site, x);
    for (int k = 0; k < 12; k++) {
      const number e = x[3] == 2 && k / 3 == 1 ? expected[x[0]][x[1]][x[2]][k % 3] : 0;
      assert_true(cabsl(spinor_at(&b, 0, site, 0, k / 3, k % 3) - e) < 1e-15);
    }
  }
  cw_field_destroy(&b);
  close_dirac(&s);
}

/* Smearing in front of the inverse is gauge covariant: the correlator of a field rotated on one site is the same. */
static void smeared_correlators_are_gauge_invariant(void **state) {
  const cw_source gauss = {CW_SOURCE_GAUSS, {1, 0, 1, 2}, 4, 0.25};
  dirac_subject s = open_dirac(*state, &lattice, 4, 1, 0.7);
  double before[16 * N], after[16 * N], w[8] = {0.3, -1, 0.2, 0.9, 1.4, -0.6, 0.1, 0.7};
  const matrix g = exponential(in_algebra(CW_LINK_SU3, w));
  measure(&s, &clover, &gauss, before);
  for (int end = 0; end < 8; end++) { /* the eight links of a site beside the source */
    int x[4] = {2, 0, 1, 2};
    if (end % 2 == 1) x[end / 2]--;
    const matrix u = link_at(&s.links, 0, x, end / 2),
                 v = end % 2 == 0 ? times(g, u) : times(u, dagger(g));
    for (int k = 0; k < 9; k++) {
      const long site = cw_lattice_site(&lattice, x);
      cw_field_set(&s.links, 0, site, 18 * (end / 2) + 2 * k, (double)creall(v.at[k / 3][k % 3]));
      cw_field_set(&s.links, 0, site, 18 * (end / 2) + 2 * k + 1,
                   (double)cimagl(v.at[k / 3][k % 3]));
    }
  }
  measure(&s, &clover, &gauss, after);
  for (int i = 0; i < N; i++) check_close(after[i] / before[i], 1, 1e-10);
  close_dirac(&s);
}

/* Four-point differences along a tangent vector, with the clover term. */
static void slopes_are_derivatives(void **state) {
  dirac_subject s = open_dirac(*state, &lattice, 4, 1, 0.7);
  cw_field w, links, p = new_spinors(&s, 12, NULL), dp = new_spinors(&s, 12, NULL);
  cw_dirac *slope;
  double c[16 * N], dc[16 * N], fd[N] = {0};
  check_ok(*state, cw_field_create(*state, s.geom, 32, 1, &w));
  check_ok(*state, cw_field_create(*state, s.geom, 72, 1, &links));
  cw_field_copy(&links, &s.links);
  cw_field_normal(cw_context_isa(*state), &w, cw_rng_stream(9, "w"), 0, 0);
  load_dirac(&s, &clover);
  check_ok(*state, cw_dirac_create(*state, s.geom, cw_context_isa(*state), 2, s.memory, &slope));
  check_ok(*state, cw_dirac_load_slope(slope, &clover, &links, &w));
  check_ok(*state, cw_dirac_propagator(s.d, &precise, &point, &p, s.scratch, NULL));
  check_ok(*state, cw_dirac_slope(s.d, slope, &precise, &p, &dp, s.scratch));
  check_ok(*state, cw_dirac_mesons(s.d, &p, &dp, &point, N_MOMENTA, dc, s.scratch));
  const double step = 1e-3, weight[4] = {1. / 12, -8. / 12, 8. / 12, -1. / 12};
  for (int i = 0; i < 4; i++) {
    double eps[CW_LANES] CW_ALIGNED;
    for (int l = 0; l < CW_LANES; l++) eps[l] = (i < 2 ? i - 2 : i - 1) * step;
    cw_field_copy(&s.links, &links);
    cw_kind(CW_LINK_SU3)->drift(cw_context_isa(*state), &s.links, &w, eps, 0, s.geom->n_outer);
    measure(&s, &clover, &point, c);
    for (int k = 0; k < N; k++) fd[k] += weight[i] * c[k] / step;
  }
  for (int channel = 0; channel < CW_MESONS; channel++)
    for (int i = 0; i < N_MOMENTA * T; i++) {
      const int k = channel * N_MOMENTA * T + i;
      if (!(fabs(dc[k] - fd[k]) < 1e-9 * fabs(dc[0])))
        fail_msg("channel %d, entry %d: %.12g, differences %.12g", channel, i, dc[k], fd[k]);
    }
  cw_field_destroy(&w);
  cw_field_destroy(&links);
  cw_field_destroy(&p);
  cw_field_destroy(&dp);
  close_dirac(&s);
}

static void kappa_slopes_are_derivatives(void **state) {
  dirac_subject s = open_dirac(*state, &lattice, 4, 1, 0.7);
  cw_field p = new_spinors(&s, 12, NULL), dp = new_spinors(&s, 12, NULL);
  double c[16 * N], dc[16 * N], fd[N] = {0};
  load_dirac(&s, &clover);
  check_ok(*state, cw_dirac_propagator(s.d, &precise, &point, &p, s.scratch, NULL));
  check_ok(*state, cw_dirac_kappa_slope(s.d, &precise, &p, &dp, s.scratch));
  check_ok(*state, cw_dirac_mesons(s.d, &p, &dp, &point, N_MOMENTA, dc, s.scratch));
  const double step = 2e-4, weight[4] = {1. / 12, -8. / 12, 8. / 12, -1. / 12};
  for (int i = 0; i < 4; i++) {
    cw_quark quark = clover;
    quark.kappa += (i < 2 ? i - 2 : i - 1) * step;
    measure(&s, &quark, &point, c);
    for (int k = 0; k < N; k++) fd[k] += weight[i] * c[k] / step;
  }
  for (int k = 0; k < N; k++) check_close(dc[k] / fd[k], 1, 1e-7);
  cw_field_destroy(&p);
  cw_field_destroy(&dp);
  close_dirac(&s);
}

/* A configuration of MILC, 4^4, kappa = 0.1, Wilson and clover: every column solves the equation of the plain loops. */
static void pion_of_a_milc_configuration(void **state) {
  const cw_lattice lat = {4, {4, 4, 4, 4}};
  const cw_source origin = {CW_SOURCE_POINT, {0}, 0, 0};
  const double expected[2][4] = {{13.686505, 0.392900, 0.047854, 0.373601},
                                 {14.075935, 0.421922, 0.054417, 0.401353}};
  cw_configuration conf = {0};
  cw_configuration_info info;
  struct stat about;
  if (SANITIZED) skip(); /* unit.test_configuration reads it */
  if (stat(CW_SHARED_DATA, &about) != 0) {
    print_message("The files of other codes are not there (%s): this part is skipped.\n",
                  CW_SHARED_DATA);
    skip();
  }
  check_ok(*state,
           cw_configuration_read(*state, CW_SHARED_DATA "/milc_l4444.milc", NULL, &conf, &info));
  dirac_subject s = open_dirac(*state, &lat, 16, 1, 0);
  for (long site = 0; site < 256; site++)
    for (int k = 0; k < 72; k++) cw_field_set(&s.links, 0, site, k, conf.data[site * 72 + k]);
  cw_configuration_clear(&conf); /* of 32 bits: off the group by 1e-7 */
  cw_kind(CW_LINK_SU3)->project(cw_context_isa(*state), &s.links, 0, s.geom->n_outer);
  for (int csw = 0; csw < 2; csw++) {
    const cw_quark quark = {0.1, csw, {0, 0, 0, 1}};
    cw_field p = new_spinors(&s, 12, NULL), b = new_spinors(&s, 12, NULL);
    double c[16 * CW_MESONS * 4], off = 0;
    load_dirac(&s, &quark);
    check_ok(*state, cw_dirac_propagator(s.d, &precise, &origin, &p, s.scratch, NULL));
    check_ok(*state, cw_dirac_mesons(s.d, &p, NULL, &origin, 1, c, s.scratch));
    oracle(&s.links, &quark, &p, &b);
    for (long site = 0; site < 256; site++)
      for (int k = 0; k < 144; k++)
        off = fmax(off, (double)cabsl(spinor_at(&b, 0, site, k / 12, k % 12 / 3, k % 3) -
                                      (site == 0 && k / 12 == k % 12)));
    assert_true(off < 1e-12);
    for (int t = 0; t < 4; t++) check_close(c[t] / expected[csw][t], 1, 2e-5);
    cw_field_destroy(&p);
    cw_field_destroy(&b);
  }
  close_dirac(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(correlators_are_traces),
      cmocka_unit_test(pion_of_a_hot_field_is_positive),
      cmocka_unit_test(correlators_move_with_the_field),
      cmocka_unit_test(correlators_have_the_same_bits),
      cmocka_unit_test(sources_are_what_they_say),
      cmocka_unit_test(smeared_correlators_are_gauge_invariant),
      cmocka_unit_test(slopes_are_derivatives),
      cmocka_unit_test(kappa_slopes_are_derivatives),
      cmocka_unit_test(pion_of_a_milc_configuration),
  };
  return cmocka_run_group_tests(tests, test_open_context_2, test_close_context);
}
