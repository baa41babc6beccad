/* The numbers that the contract tests cannot know: N = 1 is phi4, no coupling gives N free fields, and
 * two sites are an integral over two lengths and the angle between them. A stray factor in the action
 * passes every contract test and fails here. */
#include "physics/chains.h"

/* ------------------------------------------------------------------------- N = 1 */

/* Terms and forces of the same fields. */
static void test_one_component(void **state) {
  enum { N_CONFIG = 20 };
  cw_context *ctx = *state;
  const double m2 = -1.3, lambda = 0.7;
  cw_geometry *g;
  cw_theory th[2];
  cw_field x, f[2];
  double T[2][2 * CW_LANES * CW_MAX_TERMS];
  check_ok(ctx, cw_geometry_create(ctx, &(cw_lattice){3, {4, 3, 2}}, 2, &g));
  check_ok(ctx, cw_field_create(ctx, g, 1, N_CONFIG, &x));
  cw_kind(CW_SITE_REAL)->hot(CW_ISA_BASE, &x, cw_rng_stream(3, "one component"), 0);
  for (int k = 0; k < 2; k++) {
    const double p[] = {1, m2, lambda};
    check_ok(ctx,
             cw_theory_create(ctx, cw_theory_find(k ? "vector" : "phi4"), g, 0, p + 1 - k, &th[k]));
    check_ok(ctx, cw_field_create(ctx, g, th[k].n_tangent, N_CONFIG, &f[k]));
    th[k].ops->terms(&th[k], &x, T[k]);
    th[k].ops->force(&th[k], &x, th[k].c, &f[k]);
  }
  assert_memory_equal(th[0].c, th[1].c, sizeof th[0].c);
  for (int i = 0; i < 3 * N_CONFIG; i++) check_close(T[1][i], T[0][i], 1e-13);
  for (long i = 0; i < N_CONFIG; i++)
    for (long s = 0; s < g->n_sites; s++)
      check_close(cw_field_get(&f[1], i, s, 0), cw_field_get(&f[0], i, s, 0), 1e-13);
  for (int k = 0; k < 2; k++) cw_field_destroy(&f[k]);
  cw_field_destroy(&x);
  cw_geometry_destroy(g);
}

/* ------------------------------------------------------------------------- chains */

static chains run(cw_context *ctx, const char *sampler, const char *choice, cw_lattice lat, int n,
                  double m2, double lambda) {
  const plan p = {.theory = "vector",
                  .form = "m2",
                  .sampler = sampler,
                  .choice = choice,
                  .lat = lat,
                  .param = {n, m2, lambda},
                  .n_chain = 128,
                  .n_therm = 100,
                  .n_step = 800,
                  .seed = 4};
  return run_chains(ctx, &p);
}

static void check_mean(const chains *r, const char *name, int i, double exact) {
  const cw_estimate e = estimate(r, name, i);
  check_sigma(e.value, e.error, exact, 4);
  assert_true(e.error < 0.03 * fabs(exact)); /* it has teeth */
}

typedef void test_body(cw_context *ctx, const char *sampler, const char *choice);

static void each_sampler(cw_context *ctx, test_body *body) {
  body(ctx, "hmc", NULL);
  body(ctx, "cluster", "wolff");
  body(ctx, "cluster", "swendsen-wang");
}

/* Every mode of every component has <|phi_p|^2>/V = 1/[2 (m2 + sum 4 sin^2(p/2))]. */
static void check_free(cw_context *ctx, const char *sampler, const char *choice) {
  const cw_lattice lat = {2, {6, 4}};
  const double m2 = 0.6;
  for (int n = 1; n <= 4; n += 3) {
    double phi2 = 0, nn = 0, C[4] = {0};
    for (int k = 0; k < 6; k++)
      for (int l = 0; l < 4; l++) {
        const double p = M_PI * k / 6, q = M_PI * l / 4;
        const double G = 0.5 / (m2 + 4 * sin(p) * sin(p) + 4 * sin(q) * sin(q));
        phi2 += n * G / 24;
        nn += n * G / 24 * (cos(2 * p) + cos(2 * q));
        for (int t = 0; t < 4 && l == 0; t++) C[t] += n * G / 6 * cos(2 * p * t);
      }
    chains r = run(ctx, sampler, choice, lat, n, m2, 0);
    check_mean(&r, "phi2", 0, phi2);
    check_mean(&r, "nn", 0, nn);
    check_mean(&r, "chi2", 0, 0.5 * n / m2);
    check_mean(&r, "energy", 0, 0.5 * n);
    check_mean(&r, "xi", 0, 1 / sqrt(m2));
    for (int t = 0; t < 4; t++) check_mean(&r, "correlator", t, C[t]);
    check_exp_dH(&r);
    free_chains(&r);
  }
}
static void test_free_field(void **state) { each_sampler(*state, check_free); }

/* -------------------------------------------------------------------------- two sites */

typedef struct {
  double Z, phi2, phi4, nn;
} moments;

/* S = sum_x U(r_x) + 2 c0 r_1 r_2 cos t on a ring of two sites, which are neighbours twice; the measure
 * is (r_1 r_2)^(n-1) sin^(n-2) t. */
static moments two_sites(int n, const double *c) {
  enum { N_LENGTH = 48, N_ANGLE = 48 };
  double r[N_LENGTH], wr[N_LENGTH], t[N_ANGLE], wt[N_ANGLE];
  moments m = {0};
  cw_gauss_legendre(N_LENGTH, 0, 3, r, wr); /* beyond 3 there is nothing */
  cw_gauss_legendre(N_ANGLE, 0, M_PI, t, wt);
  for (int i = 0; i < N_LENGTH; i++)
    for (int j = 0; j < N_LENGTH; j++)
      for (int k = 0; k < N_ANGLE; k++) {
        const double a = r[i] * r[i], b = r[j] * r[j], ab = r[i] * r[j] * cos(t[k]);
        const double w = wr[i] * wr[j] * wt[k] * pow(r[i] * r[j], n - 1) * pow(sin(t[k]), n - 2) *
                         exp(-c[1] * (a + b) - c[2] * (a * a + b * b) - 2 * c[0] * ab);
        m.Z += w;
        m.phi2 += w * a;
        m.phi4 += w * a * a;
        m.nn += w * ab;
      }
  return (moments){m.Z, m.phi2 / m.Z, m.phi4 / m.Z, m.nn / m.Z};
}

static void check_two_sites(cw_context *ctx, const char *sampler, const char *choice) {
  const double m2 = -2.5, lambda = 1.5;
  for (int n = 2; n <= 4; n++) {
    chains r = run(ctx, sampler, choice, (cw_lattice){1, {2}}, n, m2, lambda);
    const moments exact = two_sites(n, r.th.c);
    check_mean(&r, "phi2", 0, exact.phi2);
    check_mean(&r, "phi4", 0, exact.phi4);
    check_mean(&r, "nn", 0, exact.nn);
    check_mean(&r, "chi2", 0, exact.phi2 + exact.nn);
    check_exp_dH(&r);
    free_chains(&r);
  }
}
static void test_two_sites(void **state) { each_sampler(*state, check_two_sites); }

/* A site without bonds: free, and two components with the error function. */
static void test_one_site(void **state) {
  const cw_theory_ops *ops = cw_theory_find("vector");
  const double a = 0.8, b = 0.3;
  (void)state;
  for (int n = 2; n < 12; n += 3)
    check_close(cw_one_site_lnz(ops, n, (double[]){-2, a, 0}), 0.5 * n * log(M_PI / a), 1e-12);
  check_close(cw_one_site_lnz(ops, 2, (double[]){-2, a, b}),
              log(0.5 * M_PI * sqrt(M_PI / b) * exp(a * a / (4 * b)) * erfc(a / sqrt(4 * b))),
              1e-12);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_component),
      cmocka_unit_test(test_one_site),
      cmocka_unit_test(test_free_field),
      cmocka_unit_test(test_two_sites),
  };
  return cmocka_run_group_tests_name("vector physics", tests, test_open_context_2,
                                     test_close_context);
}
