/* Samplers reach every configuration, and forget where they began, at weak couplings and none:
 * there moves are accepted that often that they can follow each other in a circle. Transition
 * kernels of spins, estimated from every configuration of small lattices; scalar fields of
 * independent sites; links without coupling. Everything starts cold. */
#include "physics/spins.h"

static cw_context *context(void **state) { return *state; }

/* ------------------------------------------------------------ transition kernels */

typedef struct {
  method m;
  int work; /* sweeps or clusters of a step */
} setting;
static const setting settings[] = {
    {{"spinflip", "heatbath"}, 1},    {{"spinflip", "metropolis"}, 1},
    {{"spinflip", "metropolis"}, 4},  {{"cluster", "wolff"}, 1},
    {{"cluster", "wolff"}, 3},        {{"cluster", "wolff"}, 4},
    {{"cluster", "swendsen-wang"}, 4}};
enum { N_SETTINGS = sizeof settings / sizeof *settings };

/* beta and h: none, weak, weak with fields of either size, and not weak. */
static const double couplings[][2] = {{0, 0},      {1e-4, 0}, {1e-4, 0.7},
                                      {1e-5, 100}, {0.2, 0},  {0.15, -0.5}};
enum { N_WEAK = 4, N_COUPLINGS = sizeof couplings / sizeof *couplings };

/* P (n, n): how often one step goes from a configuration to each. A transition that never happens
 * is not in the estimate either: what the kernel cannot reach, the estimate cannot, and where the
 * kernel goes around in circles, so does the estimate. */
static double *estimate_kernel(cw_context *ctx, const setting *s, const cw_lattice *lat,
                               const double *param, long tries, double **exact) {
  const long n = 1L << cw_lattice_sites(lat);
  double *P = calloc((size_t)(n * n), sizeof *P);
  walkers w;
  open_walkers(&w, ctx, &s->m, lat, 1, param, s->work, n * tries);
  for (long i = 0; i < n * tries; i++) set_state(&w.x, i, (unsigned)(i / tries));
  step(ctx, &w, 0, NULL);
  for (long i = 0; i < n * tries; i++) P[i / tries * n + state_of(&w.x, i)] += 1 / (double)tries;
  *exact = enumerate(&w.th);
  close_walkers(&w);
  return P;
}

/* p P = p within statistical errors: chi^2 of the configurations after a step from p. */
static bool leaves_invariant(const double *P, const double *p, long n, long tries) {
  double chi2 = 0;
  for (long j = 0; j < n; j++) {
    double sum = 0, variance = 0;
    for (long i = 0; i < n; i++) {
      const double q = P[i * n + j];
      sum += p[i] * q;
      variance += p[i] * p[i] * q * (1 - q) / (double)tries;
    }
    if (variance > 0) chi2 += pow(sum - p[j], 2) / variance;
  }
  return chi2 < (double)n + 5 * sqrt(2.0 * (double)n) + 5;
}

static void square(double *P, long n) {
  double *Q = calloc((size_t)(n * n), sizeof *Q);
  for (long i = 0; i < n; i++)
    for (long k = 0; k < n; k++)
      for (long j = 0; j < n; j++) Q[i * n + j] += P[i * n + k] * P[k * n + j];
  memcpy(P, Q, (size_t)(n * n) * sizeof *P);
  free(Q);
}

/* Largest difference between the distributions that two configurations lead to. */
static double memory(const double *P, long n) {
  double most = 0;
  for (long i = 1; i < n; i++) {
    double difference = 0;
    for (long j = 0; j < n; j++) difference += 0.5 * fabs(P[i * n + j] - P[j]);
    most = fmax(most, difference);
  }
  return most;
}

/* After 64 steps nothing is left of the start: the second largest eigenvalue is below 0.85 or so.
 * It is 1 where a chain cannot reach all configurations, and -1 where it alternates. */
static void check_kernel(cw_context *ctx, const setting *s, const cw_lattice *lat,
                         const double *param) {
  enum { TRIES = 1 << 10 };
  const long n = 1L << cw_lattice_sites(lat);
  double *p, *P = estimate_kernel(ctx, s, lat, param, TRIES, &p);
  const bool invariant = leaves_invariant(P, p, n, TRIES);
  for (int k = 0; k < 6; k++) square(P, n);
  if (!invariant || memory(P, n) > 1e-3) {
    print_error("%s, %s of %d, beta = %g, h = %g, %ld sites: %s, memory of 64 steps %.2g\n",
                s->m.sampler, s->m.choice, s->work, param[0], param[1], cw_lattice_sites(lat),
                invariant ? "invariant" : "not invariant", memory(P, n));
    fail();
  }
  free(P);
  free(p);
}

static void test_kernels(void **state) {
  const cw_lattice lattices[] = {{1, {1}}, {1, {2}}, {1, {3}}, {2, {2, 2}}, {2, {2, 3}}};
  for (size_t l = 0; l < sizeof lattices / sizeof *lattices; l++)
    for (int k = 0; k < N_COUPLINGS; k++)
      for (int i = 0; i < N_SETTINGS; i++)
        check_kernel(context(state), &settings[i], &lattices[l], couplings[k]);
}

/* Whole distributions after some steps from a cold start, on lattices too large for kernels; on the largest
 * without coupling and at the last of those that are weak, with make check-long at all. */
static void test_cold_spins(void **state) {
  const cw_lattice lattices[] = {{2, {2, 2}}, {2, {2, 3}}, {2, {3, 3}}};
  for (size_t l = 0; l < sizeof lattices / sizeof *lattices; l++)
    for (int k = 0; k < N_WEAK; k += l < 2 || test_is_long() ? 1 : N_WEAK - 1)
      for (int i = 0; i < N_SETTINGS; i++) {
        walkers w;
        open_walkers(&w, context(state), &settings[i].m, &lattices[l], 1, couplings[k],
                     settings[i].work, 32L << cw_lattice_sites(&lattices[l]));
        double *p = enumerate(&w.th);
        cw_kind(CW_SITE_SPIN)->cold(&w.x);
        for (uint32_t t = 0; t < 25; t++) step(context(state), &w, t, NULL);
        check_distribution(&w.x, p, 1u << w.geom->n_sites, &settings[i].m, "from cold");
        free(p);
        close_walkers(&w);
      }
}

/* ------------------------------------------------------------------ scalar fields */

/* <x^2> and <x^4> of one site, weight exp(-c1 x^2 - c2 x^4). */
static void one_site(double c1, double c2, double moment[2]) {
  double Z = 0, sum[2] = {0};
  for (int i = -8000; i <= 8000; i++) {
    const double x2 = 1e-6 * i * i, w = exp(-(c1 + c2 * x2) * x2);
    Z += w;
    sum[0] += w * x2;
    sum[1] += w * x2 * x2;
  }
  for (int k = 0; k < 2; k++) moment[k] = sum[k] / Z;
}

/* Many chains of a plan after n_step steps, the first n_therm of which tune. */
typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_chains chains;
} ensemble;

/* From unit links, or from fields that are 1 everywhere: at zero all signs are still open. */
static void run_cold(ensemble *e, cw_context *ctx, const plan *p) {
  const cw_theory_ops *ops = cw_theory_find(p->theory);
  *e = (ensemble){.ctx = ctx};
  check_ok(ctx, cw_geometry_create(ctx, &p->lat, 1, &e->geom));
  check_ok(ctx,
           cw_theory_create(ctx, ops, e->geom, index_of(ops->forms, p->form), p->param, &e->th));
  e->chains = make_chains(ctx, p, &e->th, p->n_chain);
  cw_field *x = &e->chains.x;
  cw_kind(ops->kind)->cold(x);
  for (long i = 0; ops->kind == CW_SITE_REAL && i < p->n_chain * e->geom->n_sites; i++)
    cw_field_set(x, i / e->geom->n_sites, i % e->geom->n_sites, 0, 1);
  check_ok(ctx, cw_sampler_run(&e->chains, e->th.c, cw_rng_stream(p->seed, "cold"), 0, p->n_step,
                               p->n_therm));
}

static void close_ensemble(ensemble *e) {
  cw_chains_close(&e->chains);
  cw_theory_destroy(&e->th);
  cw_geometry_destroy(e->geom);
}

/* Sites are independent: signs are equally likely in all patterns, and moments are those of one. */
static void check_independent_sites(const ensemble *e, const plan *p) {
  const long sites = e->geom->n_sites, n = e->chains.x.n_config;
  const unsigned n_patterns = 1u << sites;
  double exact[2], mean[2] = {0}, square[2] = {0}, *even = calloc(n_patterns, sizeof *even);
  const method m = {p->sampler, p->choice != NULL ? p->choice : "preset"};
  one_site(e->th.c[1], e->th.c[2], exact);
  for (unsigned s = 0; s < n_patterns; s++) even[s] = 1.0 / n_patterns;
  check_distribution(&e->chains.x, even, n_patterns, &m, "signs from cold");
  for (long i = 0; i < n * sites; i++)
    for (int k = 0; k < 2; k++) {
      const double y = pow(cw_field_get(&e->chains.x, i / sites, i % sites, 0), 2 + 2 * k);
      mean[k] += y / (double)(n * sites);
      square[k] += y * y / (double)(n * sites);
    }
  for (int k = 0; k < 2; k++)
    check_sigma(mean[k], sqrt((square[k] - mean[k] * mean[k]) / (double)(n * sites)), exact[k], 4);
  free(even);
}

/* Without hopping; sites with one well and, for clusters, with two that HMC alone hardly leaves. */
static void test_independent_sites(void **state) {
  const cw_lattice lattices[] = {{2, {2, 2}}, {2, {2, 3}}};
  const char *const choices[] = {NULL, "wolff", "swendsen-wang"};
  for (size_t l = 0; l < sizeof lattices / sizeof *lattices; l++)
    for (int k = 0; k < 3; k++)
      for (int lambda = 0; lambda <= 8; lambda += k == 0 ? 1 : 4) {
        if (k == 0 && lambda > 1) break;
        plan p = {.theory = "phi4",
                  .form = "kappa",
                  .sampler = k == 0 ? "hmc" : "cluster",
                  .choice = choices[k],
                  .lat = lattices[l],
                  .param = {0, lambda},
                  .n_chain = 1 << 12,
                  .n_therm = 60,
                  .n_step = 80,
                  .seed = 7};
        ensemble e;
        run_cold(&e, context(state), &p);
        check_independent_sites(&e, &p);
        close_ensemble(&e);
      }
}

/* x^2 of a harmonic site, at first 1, after so many trajectories of half a period each, over
 * chains. */
static void half_periods(cw_context *ctx, double jitter, double *mean, double *error) {
  plan p = {
      .theory = "phi4",
      .form = "kappa",
      .sampler = "hmc",
      .lat = {1, {1}},
      .set = {{"jitter", jitter}, {"length", M_PI / sqrt(2)}, {"md_steps", 20}, {"target", 0}},
      .n_chain = 1 << (test_is_long() ? 14 : 12),
      .n_step = 400,
      .seed = 8};
  double sum = 0, square = 0, n = (double)p.n_chain;
  ensemble e;
  run_cold(&e, ctx, &p);
  for (long i = 0; i < p.n_chain; i++) {
    const double x2 = pow(cw_field_get(&e.chains.x, i, 0, 0), 2);
    sum += x2 / n;
    square += x2 * x2 / n;
  }
  *mean = sum;
  *error = sqrt((square - sum * sum) / n);
  close_ensemble(&e);
}

/* The jitter that HMC does not doubt is enough where a fixed length is worst. */
static void test_half_period(void **state) {
  const cw_sampler_ops *hmc = cw_sampler_find("hmc");
  const cw_theory_ops *phi4 = cw_theory_find("phi4");
  double param[CW_MAX_PARAMS] = {0}, mean, error;
  assert_non_null(hmc->doubt(phi4, param));
  for (int i = 0; hmc->params[i].name != NULL; i++)
    if (strcmp(hmc->params[i].name, "jitter") == 0) param[i] = 0.1;
  assert_null(hmc->doubt(phi4, param));
  half_periods(context(state), 0.1, &mean, &error);
  check_sigma(mean, error, 0.5, 4);
  half_periods(context(state), 0, &mean, &error);
  assert_true(mean > 0.99); /* that is what the jitter is for */
}

/* ------------------------------------------------------------------------- links */

/* Without coupling links are independent and have the Haar measure: <Re tr U> = 0 and <|tr U|^2> =
 * 1, of a link and of the product of two. */
static void check_haar(const ensemble *e) {
  const int N = cw_kind(e->th.ops->kind)->n_colours, n_real = cw_kind(e->th.ops->kind)->n_real;
  const long sites = e->geom->n_sites, links = sites * e->geom->lat.dim, n = e->chains.x.n_config;
  double trace = 0, size = 0, pair = 0;
  for (long i = 0; i < n; i++) {
    double last[18] = {0};
    for (long l = 0; l < links; l++) {
      double u[8 * CW_MAX_DIM * 3], m[18], re = 0, im = 0, re2 = 0;
      for (int k = 0; k < n_real; k++)
        u[k] = cw_field_get(&e->chains.x, i, l % sites, (int)(l / sites) * n_real + k);
      cw_link_to_matrix(e->th.ops->kind, u, m);
      for (int a = 0; a < N; a++) {
        re += m[2 * (a * N + a)];
        im += m[2 * (a * N + a) + 1];
      }
      for (int k = 0; k < 2 * N * N; k++) re2 += m[k] * last[k]; /* Re tr of the pair U V^+ */
      memcpy(last, m, sizeof last);
      trace += re;
      size += re * re + im * im;
      if (l > 0) pair += re2;
    }
  }
  /* |tr U|^2 has variance 1 (U(1): 0; SU(N): at most 1), and Re tr U of a link 1/2 (SU(2): 1). */
  const double all = (double)(n * links), one = N == 2 ? 1 : sqrt(0.5);
  check_sigma(trace / all, one / sqrt(all), 0, 4);
  check_sigma(pair / all, one / sqrt(all), 0, 4);
  check_sigma(size / all, 1 / sqrt(all), 1, 4);
}

static void test_free_links(void **state) {
  const char *const groups[] = {"u1", "su2", "su3"}, *const samplers[] = {"heatbath", "hmc"};
  for (int g = 0; g < 3; g++)
    for (int s = 0; s < 2; s++) {
      plan p = {.theory = groups[g],
                .form = "isotropic",
                .sampler = samplers[s],
                .lat = {2, {2, 3}},
                .param = {0},
                .n_chain = 256,
                .n_therm = s == 0 ? 0 : 20,
                .n_step = s == 0 ? 10 : 60,
                .seed = 9};
      ensemble e;
      run_cold(&e, context(state), &p);
      check_haar(&e);
      close_ensemble(&e);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_kernels),           cmocka_unit_test(test_cold_spins),
      cmocka_unit_test(test_independent_sites), cmocka_unit_test(test_half_period),
      cmocka_unit_test(test_free_links),
  };
  return cmocka_run_group_tests_name("ergodicity", tests, test_open_context_1, test_close_context);
}
