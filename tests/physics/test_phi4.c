/* phi^4 against numbers that are known by other means: the reference table, the Gaussian theory,
 * quadrature on tiny lattices, and the free energy. Errors by the Gamma method; |z| < 4. */
#include "physics/chains.h"
#include "physics/quadrature_2x2.h"

#include <complex.h>

#include "sampler/hmc/hmc.h"

static cw_context *context(void **state) { return *state; }

/* ------------------------------------------------------------ reference table */

static void test_table_hmc(void **state) {
  const long n = test_is_long() ? 512 : 128;
  for (int i = 0; i < 3; i++) {
    check_row(context(state), &reference_table[i], "m2", "hmc", "omelyan", n, 400);
    check_row(context(state), &reference_table[i], "kappa", "hmc", "leapfrog", n, 400);
  }
}

static void test_table_cluster(void **state) {
  const long n = test_is_long() ? 256 : 64;
  for (int i = 0; i < 3; i++) {
    check_row(context(state), &reference_table[i], "m2", "cluster", "wolff", n, 200);
    check_row(context(state), &reference_table[i], "kappa", "cluster", "swendsen-wang", n, 200);
  }
}

/* ------------------------------------------------------------- free theory */

/* S = sum phi (m2 - Laplace) phi: <|phi_k|^2> = 1/(2 (m2 + khat^2)). Mean over all k: <phi_x^2>. */
static double free_phi2(const cw_lattice *lat, double m2) {
  double sum = 0;
  long n = cw_lattice_sites(lat);
  for (long k = 0; k < n; k++) {
    int mode[CW_MAX_DIM];
    double khat2 = 0;
    cw_lattice_coord(lat, k, mode);
    for (int mu = 0; mu < lat->dim; mu++)
      khat2 += 4 * pow(sin(M_PI * mode[mu] / lat->extent[mu]), 2);
    sum += 0.5 / (m2 + khat2);
  }
  return sum / (double)n;
}

/* C(t) = (1/L) sum_k cos(k t) / (2 (m2 + khat^2)) */
static double free_correlator(int L, double m2, int t) {
  double sum = 0;
  for (int k = 0; k < L; k++)
    sum += cos(2 * M_PI * k * t / L) * 0.5 / (m2 + 4 * pow(sin(M_PI * k / L), 2));
  return sum / L;
}

static void check_quantity(const chains *r, const char *name, int i, double exact) {
  cw_estimate e = estimate(r, name, i);
  if (!(fabs(e.value - exact) <= 4 * e.error)) {
    print_error("%s[%d] = %.8g +- %.2g (tau_int %.2f), exact %.8g\n", name, i, e.value, e.error,
                e.tau_int, exact);
    fail();
  }
}

static void test_free_theory(void **state) {
  const cw_lattice lattices[] = {{2, {8, 8}}, {1, {12}}, {3, {4, 4, 6}}, {4, {2, 4, 2, 2}}};
  const double m2 = 0.5;
  for (int l = 0; l < 4; l++) {
    const cw_lattice *lat = &lattices[l];
    plan p = {.theory = "phi4",
              .form = "m2",
              .sampler = l % 2 ? "cluster" : "hmc",
              .lat = *lat,
              .param = {m2, 0},
              .n_chain = 256,
              .n_therm = 100,
              .n_step = 200,
              .seed = 4};
    chains r = run_chains(context(state), &p);
    check_quantity(&r, "phi2", 0, free_phi2(lat, m2));
    check_quantity(&r, "energy", 0, 0.5); /* equipartition */
    check_quantity(&r, "chi2", 0, 0.5 / m2);
    check_quantity(&r, "xi", 0, 1 / sqrt(m2)); /* at any L */
    check_quantity(&r, "binder", 0, 0);
    int L = cw_lattice_sites(lat) == 12 ? 12 : l == 0 ? 8 : l == 2 ? 6 : 4;
    for (int t = 0; t <= L / 2; t++) check_quantity(&r, "correlator", t, free_correlator(L, m2, t));
    for (int t = 0; t < L / 2; t++) /* one mode: cosh, of mass 2 asinh(m/2) */
      check_quantity(&r, "m_eff", t, 2 * asinh(sqrt(m2) / 2));
    check_exp_dH(&r);
    free_chains(&r);
  }
}

/* Errors are what they say: z over 40 seeds has mean 0 and mean square 1. */
static void test_errors_are_calibrated(void **state) {
  enum { N_SEED = 40 };
  if (!test_is_long()) skip();
  const char *names[] = {"phi2", "chi2", "energy"};
  const double exact[] = {free_phi2(&(cw_lattice){2, {4, 4}}, 0.5), 1.0, 0.5};
  double sum[3] = {0}, square[3] = {0};
  for (uint32_t seed = 0; seed < N_SEED; seed++) {
    plan p = {.theory = "phi4",
              .form = "m2",
              .sampler = "hmc",
              .lat = {2, {4, 4}},
              .param = {0.5, 0},
              .n_chain = 16,
              .n_therm = 50,
              .n_step = 400,
              .seed = 100 + seed};
    chains r = run_chains(context(state), &p);
    for (int k = 0; k < 3; k++) {
      cw_estimate e = estimate(&r, names[k], 0);
      double z = (e.value - exact[k]) / e.error;
      sum[k] += z;
      square[k] += z * z;
    }
    free_chains(&r);
  }
  for (int k = 0; k < 3; k++) {
    check_sigma(sum[k] / N_SEED, 1 / sqrt(N_SEED), 0, 4);
    check_sigma(square[k] / N_SEED, sqrt(2.0 / N_SEED), 1, 3);
  }
}

/* ------------------------------------------------- quadrature on tiny lattices */

/* -ln z of one site at kappa = 0, lambda = 0.022: the integral of e^-S with S from the theory's own
 * kernels. */
static void test_one_site_integral(void **state) {
  enum { N = 4001 };
  cw_context *ctx = context(state);
  const cw_lattice lat = {1, {1}};
  const double range = 6, h = 2 * range / (N - 1);
  double p[2] = {0, 0.022}, z = 0;
  static double scratch[3 * (N + 16)], S[N + 16];
  cw_geometry *geom;
  cw_field x;
  check_ok(ctx, cw_geometry_create(ctx, &lat, 1, &geom));
  check_ok(ctx, cw_field_create(ctx, geom, 1, N, &x));
  cw_theory th;
  check_ok(ctx, cw_theory_create(ctx, cw_theory_find("phi4"), geom, 1, p, &th));
  for (int i = 0; i < N; i++) cw_field_set(&x, i, 0, 0, -range + i * h);
  cw_theory_action(&th, &x, th.c, scratch, S);
  for (int i = 0; i < N; i++) z += h * exp(-S[i]);
  check_close(-log(z), -0.57827797685697, 1e-12);
  cw_field_destroy(&x);
  cw_geometry_destroy(geom);
}

static void test_2x2(void **state) {
  const double m2 = -1.5, lambda = 1.2;
  moments_2x2 exact = quadrature_2x2(-2, 4 + m2, lambda);
  const char *samplers[] = {"hmc", "cluster", "cluster"};
  const char *choices[] = {"leapfrog", "wolff", "swendsen-wang"};
  for (int k = 0; k < 3; k++) {
    plan p = {.theory = "phi4",
              .form = "m2",
              .sampler = samplers[k],
              .choice = choices[k],
              .lat = {2, {2, 2}},
              .param = {m2, lambda},
              .n_chain = 512,
              .n_therm = 100,
              .n_step = 1000,
              .seed = 9};
    chains r = run_chains(context(state), &p);
    check_quantity(&r, "phi2", 0, exact.phi2);
    check_quantity(&r, "phi4", 0, exact.phi4);
    check_quantity(&r, "nn", 0, exact.nn);
    check_quantity(&r, "chi2", 0, exact.chi2);
    assert_true(estimate(&r, "phi2", 0).error < 1e-3 * exact.phi2);
    free_chains(&r);
  }
}

/* ------------------------------------------------------------ kappa form, 16x8 */

/* -lnZ/V grows from its one-site value by d(-lnZ/V)/dkappa = <dS/dkappa>/V = -2 nn, integrated by
 * Gauss and Legendre; the integrand is smooth on [0, 0.2] and turns at kappa_c = 0.2707 rounded by
 * the finite volume. */
static double integrate_nn(cw_context *ctx, double from, double to, int n, double *variance) {
  double kappa[16], w[16], F = 0;
  cw_gauss_legendre(n, from, to, kappa, w);
  for (int i = 0; i < n; i++) {
    plan p = {.theory = "phi4",
              .form = "kappa",
              .sampler = "hmc",
              .lat = {2, {16, 8}},
              .param = {kappa[i], 0.022},
              .n_chain = 64,
              .n_therm = 150,
              .n_step = 150,
              .seed = 40 + (uint32_t)i};
    chains r = run_chains(ctx, &p);
    cw_estimate e = estimate(&r, "nn", 0);
    F -= 2 * w[i] * e.value;
    *variance += 4 * w[i] * w[i] * e.error * e.error;
    free_chains(&r);
  }
  return F;
}

static void test_free_energy_16x8(void **state) {
  double variance = 0;
  double F = -0.57827797685697 + integrate_nn(context(state), 0, 0.2, 6, &variance);
  check_sigma(F, hypot(sqrt(variance), 3e-5), -0.62582, 4);
  F += integrate_nn(context(state), 0.2, 0.3, 10, &variance);
  check_sigma(F, hypot(sqrt(variance), 2e-4), -1.0543, 4);
  assert_true(sqrt(variance) < 3e-3);
}

/* At kappa = 0.5 the modes m = +-4.9 are out of reach of each other for HMC alone; with sign flips,
 * and with clusters, each chain visits both. Chains that froze with two domains (m near 0) belong
 * to neither mode and are left out. */
static void test_frozen_signs(void **state) {
  for (int way = 0; way < 3; way++) {
    bool flip = way == 1, moves = way > 0;
    plan p = {.theory = "phi4",
              .form = "kappa",
              .sampler = way == 2 ? "cluster" : "hmc",
              .lat = {2, {16, 8}},
              .param = {0.5, 0.022},
              .set = {{flip ? "flip" : NULL, 1}},
              .n_chain = 64,
              .n_therm = 200,
              .n_step = 100,
              .seed = 2};
    chains r = run_chains(context(state), &p);
    long changes = 0, pairs = 0;
    for (long i = 0; i < r.n_chain; i++)
      for (long t = 1; t < r.n_step; t++) {
        const double *now = r.data + (i * r.n_step + t) * r.n_primary;
        double product = now[0] * (now - r.n_primary)[0];
        pairs += fabs(product) > 9;
        changes += product < -9;
      }
    assert_true(pairs > 2000);
    if (moves)
      check_sigma((double)changes / (double)pairs, 0.5 / sqrt((double)pairs), 0.5, 4);
    else
      assert_int_equal(changes, 0);
    check_exp_dH(&r);
    free_chains(&r);
  }
}

/* ------------------------------------------------------------------ integrators */

typedef struct {
  cw_geometry *geom;
  cw_theory th;
  cw_field x, p, f;
} phase_space;

static void open_phase_space(phase_space *m, cw_context *ctx) {
  const cw_lattice lat = {2, {8, 8}};
  double param[2] = {-4, 8};
  check_ok(ctx, cw_geometry_create(ctx, &lat, 1, &m->geom));
  check_ok(ctx, cw_theory_create(ctx, cw_theory_find("phi4"), m->geom, 0, param, &m->th));
  check_ok(ctx, cw_field_create(ctx, m->geom, 1, CW_LANES, &m->x));
  check_ok(ctx, cw_field_create(ctx, m->geom, 1, CW_LANES, &m->p));
  check_ok(ctx, cw_field_create(ctx, m->geom, 1, CW_LANES, &m->f));
  cw_field_normal(m->th.isa, &m->x, cw_rng_stream(6, "x"), 0, 0);
  for (size_t i = 0; i < cw_field_block_size(&m->x); i++) m->x.data[i] *= 0.4;
  cw_field_normal(m->th.isa, &m->p, cw_rng_stream(6, "p"), 0, 0);
}

static void close_phase_space(phase_space *m) {
  cw_field_destroy(&m->x);
  cw_field_destroy(&m->p);
  cw_field_destroy(&m->f);
  cw_geometry_destroy(m->geom);
}

static void move(phase_space *m, int integrator, int n_steps, double length) {
  cw_hmc_path path = {.integrator = integrator, .n_steps = n_steps};
  for (int l = 0; l < CW_LANES; l++) path.eps[l] = length / n_steps * (1 + 0.02 * l);
  cw_hmc_trajectory(&m->th, m->th.c, &path, &m->x, &m->p, &m->f);
}

static void test_reversibility(void **state) {
  for (int integrator = 0; integrator < 2; integrator++) {
    phase_space m, start;
    open_phase_space(&m, context(state));
    open_phase_space(&start, context(state));
    size_t n = cw_field_block_size(&m.x);
    move(&m, integrator, 20, 1);
    double moved = 0;
    for (size_t i = 0; i < n; i++) moved += fabs(m.x.data[i] - start.x.data[i]) / (double)n;
    assert_true(moved > 0.1);
    for (size_t i = 0; i < n; i++) m.p.data[i] = -m.p.data[i];
    move(&m, integrator, 20, 1);
    for (size_t i = 0; i < n; i++) {
      check_close(m.x.data[i], start.x.data[i], 1e-11);
      check_close(-m.p.data[i], start.p.data[i], 1e-11);
    }
    close_phase_space(&m);
    close_phase_space(&start);
  }
}

static void energies(const phase_space *m, double *H) {
  double scratch[CW_LANES * CW_MAX_TERMS];
  cw_theory_action(&m->th, &m->x, m->th.c, scratch, H);
  for (long s = 0; s < m->geom->n_sites; s++)
    for (int i = 0; i < CW_LANES; i++) {
      double p = cw_field_get(&m->p, i, s, 0);
      H[i] += 0.5 * p * p;
    }
}

/* rms of dH over 16 trajectories. */
static double rms_violation(cw_context *ctx, int integrator, int n_steps) {
  phase_space m;
  double before[CW_LANES], after[CW_LANES], sum = 0;
  open_phase_space(&m, ctx);
  energies(&m, before);
  move(&m, integrator, n_steps, 1);
  energies(&m, after);
  for (int i = 0; i < CW_LANES; i++) sum += (after[i] - before[i]) * (after[i] - before[i]);
  close_phase_space(&m);
  return sqrt(sum / CW_LANES);
}

/* Both integrators are of second order: half the step size, a quarter of the violation. The
 * minimum-norm one has an error constant about ten times smaller. */
static void test_integrator_order(void **state) {
  double one[2];
  for (int integrator = 0; integrator < 2; integrator++) {
    one[integrator] = rms_violation(context(state), integrator, 40);
    double half = rms_violation(context(state), integrator, 80);
    check_close(one[integrator] / half, 4, 0.05);
  }
  assert_true(one[CW_HMC_OMELYAN_CHOICE] < 0.25 * one[CW_HMC_LEAPFROG_CHOICE]);
}

/* ---------------------------------------------------------------- the two forms */

/* phi_A = sqrt(kappa) phi, (2D + m2) kappa = 1 - 2 lambda, lambda = lambda_A kappa^2: one action.
 */
static void test_forms_map_onto_each_other(void **state) {
  cw_context *ctx = context(state);
  const cw_lattice lattices[] = {{1, {6}}, {2, {4, 6}}, {3, {4, 2, 3}}, {4, {2, 3, 2, 2}}};
  const double kappa = 0.31, lambda = 0.17;
  for (int l = 0; l < 4; l++) {
    double hopping[2] = {kappa, lambda};
    double massive[2] = {(1 - 2 * lambda) / kappa - 2 * lattices[l].dim, lambda / (kappa * kappa)};
    double scratch[CW_LANES * CW_MAX_TERMS], S[2][CW_LANES];
    cw_geometry *geom;
    cw_field x;
    check_ok(ctx, cw_geometry_create(ctx, &lattices[l], 1, &geom));
    check_ok(ctx, cw_field_create(ctx, geom, 1, CW_LANES, &x));
    cw_field_normal(cw_context_isa(ctx), &x, cw_rng_stream(1, "map"), 0, 0);
    cw_theory th;
    check_ok(ctx, cw_theory_create(ctx, cw_theory_find("phi4"), geom, 1, hopping, &th));
    cw_theory_action(&th, &x, th.c, scratch, S[0]);
    for (size_t i = 0; i < cw_field_block_size(&x); i++) x.data[i] *= sqrt(kappa);
    check_ok(ctx, cw_theory_create(ctx, cw_theory_find("phi4"), geom, 0, massive, &th));
    cw_theory_action(&th, &x, th.c, scratch, S[1]);
    for (int i = 0; i < CW_LANES; i++) check_close(S[1][i], S[0][i], 1e-12);
    cw_field_destroy(&x);
    cw_geometry_destroy(geom);
  }
}

static void test_unbounded_actions_are_refused(void **state) {
  (void)state;
  const cw_theory_ops *ops = cw_theory_find("phi4");
  const cw_lattice lat = {2, {8, 8}};
  assert_non_null(ops->refuse(0, &lat, (double[]){0, 0}));
  assert_non_null(ops->refuse(0, &lat, (double[]){-4, 0}));
  assert_null(ops->refuse(0, &lat, (double[]){0.01, 0}));
  assert_null(ops->refuse(0, &lat, (double[]){-4, 8}));
  assert_non_null(ops->refuse(1, &lat, (double[]){0.25, 0}));
  assert_null(ops->refuse(1, &lat, (double[]){0.24, 0}));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_forms_map_onto_each_other),
      cmocka_unit_test(test_unbounded_actions_are_refused),
      cmocka_unit_test(test_reversibility),
      cmocka_unit_test(test_integrator_order),
      cmocka_unit_test(test_one_site_integral),
      cmocka_unit_test(test_2x2),
      cmocka_unit_test(test_free_theory),
      cmocka_unit_test(test_errors_are_calibrated),
      cmocka_unit_test(test_table_hmc),
      cmocka_unit_test(test_table_cluster),
      cmocka_unit_test(test_free_energy_16x8),
      cmocka_unit_test(test_frozen_signs),
  };
  return cmocka_run_group_tests_name("phi4 physics", tests, test_open_context_2,
                                     test_close_context);
}
