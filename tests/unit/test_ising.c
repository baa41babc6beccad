/* The exact solution of the Ising model: published and enumerated numbers, and derivatives against
 * differences. */
#include "support/check.h"

#include <stdlib.h>

#include "causeway/ising.h"

static const double beta_c = 0.440686793509772; /* ln(1 + sqrt 2)/2 */

/* ln Z/N to all digits, from Kaufman's formula by other hands. */
static void test_known_numbers(void **state) {
  (void)state;
  const struct {
    long L;
    double beta, lnz;
  } known[] = {{16, beta_c, 0.932196314981},
               {16, 0.44, 0.931200184392},
               {32, beta_c, 0.930320390184},
               {64, beta_c, 0.929851631694},
               {128, beta_c, 0.929734455770}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    check_close(cw_ising_torus(known[i].L, known[i].L, known[i].beta).lnz, known[i].lnz, 6e-13);
}

/* Sums over all configurations: ln Z, <E>, <E^2> - <E>^2, all for the whole lattice. */
typedef struct {
  double lnz, mean, variance;
} sums;

static double energy(const cw_lattice *lat, unsigned long state, double h) {
  double E = 0;
  for (long s = 0; s < cw_lattice_sites(lat); s++) {
    int coord[CW_MAX_DIM], spin = state >> s & 1 ? -1 : 1;
    cw_lattice_coord(lat, s, coord);
    for (int mu = 0; mu < lat->dim; mu++) {
      coord[mu]++;
      E -= spin * (state >> cw_lattice_site(lat, coord) & 1 ? -1 : 1);
      coord[mu]--;
    }
    E -= h * spin;
  }
  return E;
}

static sums enumerate(const cw_lattice *lat, double beta, double h) {
  const unsigned long n = 1ul << cw_lattice_sites(lat);
  long double Z = 0, first = 0, second = 0;
  double lowest = energy(lat, h < 0 ? n - 1 : 0, h); /* all aligned */
  for (unsigned long state = 0; state < n; state++) {
    double E = energy(lat, state, h) - lowest, w = exp(-beta * E);
    Z += w;
    first += (long double)w * E;
    second += (long double)w * E * E;
  }
  first /= Z;
  second /= Z;
  return (sums){log((double)Z) - beta * lowest, (double)first + lowest,
                (double)(second - first * first)};
}

static const double betas[] = {1e-3, 0.05, 0.3, 0.44, 0.440686793509772, 0.441, 0.7, 1.5};
enum { N_BETAS = sizeof betas / sizeof *betas };

static void test_enumeration(void **state) {
  (void)state;
  const cw_lattice lattices[] = {{2, {2, 2}}, {2, {3, 3}}, {2, {4, 3}}, {2, {3, 4}},
                                 {2, {4, 4}}, {2, {2, 5}}, {2, {1, 4}}, {2, {3, 1}},
                                 {2, {1, 1}}, {2, {2, 1}}, {2, {5, 3}}};
  for (size_t l = 0; l < sizeof lattices / sizeof *lattices; l++)
    for (int i = 0; i < N_BETAS; i++) {
      const cw_lattice *lat = &lattices[l];
      const double n = (double)cw_lattice_sites(lat), beta = betas[i];
      const sums found = enumerate(lat, beta, 0);
      const cw_ising_exact e = cw_ising_torus(lat->extent[0], lat->extent[1], beta);
      check_close(e.lnz, found.lnz / n, 1e-14);
      check_close(e.energy, found.mean / n, 1e-13);
      check_close(e.heat, beta * beta * found.variance / n, 2e-12);
      check_close(e.entropy, (found.lnz + beta * found.mean) / n, 1e-13);
    }
}

/* Four-point central differences; near the critical point of the infinite lattice too, on both
 * sides. */
static void test_derivatives(void **state) {
  (void)state;
  const long extents[][2] = {{16, 16}, {64, 64}, {5, 40}, {512, 512}, {7, 7}};
  const double h = 1e-3, at[4] = {-2 * h, -h, h, 2 * h};
  const double where[] = {0.01, 0.2, 0.43, 0.440686793509772, 0.45, 1};
  for (size_t l = 0; l < sizeof extents / sizeof *extents; l++)
    for (size_t i = 0; i < sizeof where / sizeof *where; i++) {
      const long *L = extents[l];
      const double beta = where[i], step = L[1] < 100 ? 1 : 0.1;
      const cw_ising_exact e = cw_ising_torus(L[0], L[1], beta);
      cw_ising_exact off[4];
      for (int k = 0; k < 4; k++) off[k] = cw_ising_torus(L[0], L[1], beta + step * at[k]);
      double lnz1 = (off[0].lnz - 8 * off[1].lnz + 8 * off[2].lnz - off[3].lnz) / (12 * h * step);
      double u1 =
          (off[0].energy - 8 * off[1].energy + 8 * off[2].energy - off[3].energy) / (12 * h * step);
      const double width = (double)L[1] * h * step; /* of the peak in units of the differences */
      check_close(e.energy, -lnz1, 1e-8 + pow(width, 4));
      check_close(e.heat, -beta * beta * u1, 1e-7 + 10 * pow(width, 4));
      check_close(e.entropy, e.lnz + beta * e.energy, 1e-15);
    }
}

/* Where products over- and underflow: high- and low-temperature series. With v = tanh b, ln Z/N =
 * ln 2 + 2 ln cosh b + v^4 + 2 v^6 + ...; with x = e^-4b, it is 2b + x^2 + 2 x^3 + ... and ln 2/N.
 */
static void test_extremes(void **state) {
  (void)state;
  const long L[] = {512, 511, 1 << 20};
  for (int i = 0; i < 3; i++) {
    const long m = i == 2 ? 64 : L[i];
    const double n = (double)L[i] * (double)m, b = 0.01, v = tanh(b);
    const cw_ising_exact hot = cw_ising_torus(L[i], m, b);
    check_close(hot.lnz, M_LN2 + 2 * log(cosh(b)) + pow(v, 4) + 2 * pow(v, 6), 1e-14);
    check_close(hot.energy, -2 * v - (1 - v * v) * (4 * pow(v, 3) + 12 * pow(v, 5)), 1e-12);
    check_close(hot.heat, b * b * 2 * (1 - v * v), 2e-7);
    const double x = exp(-4 * 2.0);
    const cw_ising_exact cold = cw_ising_torus(L[i], m, 2.0);
    check_close(cold.lnz, 4 + x * x + 2 * pow(x, 3) + 4.5 * pow(x, 4) + M_LN2 / n, 1e-14);
    check_close(cold.energy, -2 + 8 * x * x + 24 * pow(x, 3) + 72 * pow(x, 4), 1e-11);
    const cw_ising_exact frozen = cw_ising_torus(L[i], m, 100);
    check_close(frozen.lnz, 200 + M_LN2 / n, 1e-14);
    check_close(frozen.energy, -2, 1e-14);
    check_close(frozen.heat, 0, 1e-11);
    check_close(cw_ising_torus(L[i], m, 1.0).entropy - M_LN2 / n, 0.0034, 0.0005);
  }
  const cw_ising_exact free_spins = cw_ising_torus(8, 8, 0), almost = cw_ising_torus(8, 8, 1e-12);
  check_close(free_spins.lnz, M_LN2, 1e-15);
  check_close(free_spins.entropy, M_LN2, 1e-15);
  assert_true(free_spins.energy == 0 && free_spins.heat == 0);
  check_close(almost.lnz, M_LN2, 1e-15);
  check_close(almost.energy, -2e-12, 1e-14);
}

static void test_ring(void **state) {
  (void)state;
  const double fields[] = {0, 0.3, -1.2};
  for (int L = 1; L < 12; L += 1 + L / 4)
    for (int i = 0; i < N_BETAS; i++)
      for (int k = 0; k < 3; k++) {
        const cw_lattice lat = {1, {L}};
        check_close(cw_ising_ring_lnz(L, betas[i], fields[k]),
                    enumerate(&lat, betas[i], fields[k]).lnz, 1e-13);
      }
  check_close(cw_ising_ring_lnz(1000, 100, 50), 1000.0 * 100 * 51, 1e-13);
  check_close(cw_ising_ring_lnz(10, 0, 50), 10 * M_LN2, 1e-14);
}

/* What the theory says it knows: with any extents of 1, and only where it is known. */
static void test_known_lnz(void **state) {
  (void)state;
  const cw_theory_ops *ops = cw_theory_find("ising");
  const cw_lattice lattices[] = {{1, {1}},          {1, {6}},       {2, {1, 5}},    {3, {1, 3, 4}},
                                 {4, {2, 1, 3, 1}}, {3, {1, 1, 1}}, {3, {2, 2, 3}}, {2, {4, 3}}};
  for (size_t l = 0; l < sizeof lattices / sizeof *lattices; l++)
    for (int k = 0; k < 4; k++) {
      const double p[2] = {k < 2 ? 0.37 : 0, k % 2 ? 0.4 : 0};
      int wide = 0;
      for (int mu = 0; mu < lattices[l].dim; mu++) wide += lattices[l].extent[mu] > 1;
      const double found = ops->known_lnz(0, &lattices[l], p);
      const bool known = wide < 2 || (wide == 2 && p[1] == 0) || p[0] == 0;
      assert_int_equal(isnan(found), !known);
      if (known) check_close(found, enumerate(&lattices[l], p[0], p[1]).lnz, 1e-13);
    }
  check_close(cw_one_site_lnz(ops, 1, (double[]){-0.7, -0.3}), log(2 * cosh(0.3)), 1e-15);
}

/* By the names of results; of tori without field alone. */
static void test_known_values(void **state) {
  (void)state;
  const cw_theory_ops *ops = cw_theory_find("ising");
  const cw_lattice torus = {2, {4, 3}}, ring = {1, {6}};
  const double p[2] = {0.37, 0}, in_field[2] = {0.37, 0.1}, n = 12;
  const sums found = enumerate(&torus, p[0], 0);
  check_close(cw_theory_known(ops, 0, &torus, p, "free_energy"), -found.lnz / n, 1e-13);
  check_close(cw_theory_known(ops, 0, &torus, p, "energy"), found.mean / n, 1e-12);
  check_close(cw_theory_known(ops, 0, &torus, p, "entropy"), (found.lnz + p[0] * found.mean) / n,
              1e-12);
  check_close(cw_theory_known(ops, 0, &torus, p, "specific_heat"), p[0] * p[0] * found.variance / n,
              1e-11);
  check_close(cw_theory_known(ops, 0, &ring, p, "free_energy"), -cw_ising_ring_lnz(6, p[0], 0) / 6,
              1e-14);
  assert_true(isnan(cw_theory_known(ops, 0, &ring, p, "energy")));
  assert_true(isnan(cw_theory_known(ops, 0, &torus, in_field, "energy")));
  assert_true(isnan(cw_theory_known(ops, 0, &torus, p, "chi2")));
  assert_true(isnan(cw_theory_known(cw_theory_find("phi4"), 0, &torus, p, "energy")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known_numbers), cmocka_unit_test(test_enumeration),
      cmocka_unit_test(test_derivatives),   cmocka_unit_test(test_extremes),
      cmocka_unit_test(test_ring),          cmocka_unit_test(test_known_lnz),
      cmocka_unit_test(test_known_values),
  };
  return cmocka_run_group_tests_name("exact Ising model", tests, NULL, NULL);
}
