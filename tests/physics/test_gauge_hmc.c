/* Hybrid Monte Carlo on groups: reversible, of the order that its integrators claim, in equilibrium
 * at exactly known plaquettes, with bits that depend on nothing but the job. */
#include "physics/bessel.h"
#include "support/check.h"
#include "support/relayout.h"

#include <stdlib.h>
#include <string.h>

#include "causeway/sampler.h"
#include "sampler/hmc/hmc.h"

static const char *const theories[] = {"u1", "su2", "su3"};
enum { N_THEORIES = 3, N_INTEGRATORS = 3 };

/* ---------------------------------------------------------------------------- stage */

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  const cw_kind_ops *kind;
  cw_field x, p, f;
} stage;

static stage open_stage(cw_context *ctx, const char *theory, const cw_lattice *lat, int V,
                        double beta, long n_config) {
  stage s = {.ctx = ctx};
  const cw_theory_ops *ops = cw_theory_find(theory);
  double params[CW_MAX_PARAMS] = {beta};
  check_ok(ctx, cw_geometry_create(ctx, lat, V, &s.geom));
  check_ok(ctx, cw_theory_create(ctx, ops, s.geom, 0, params, &s.th));
  check_ok(ctx, cw_field_create(ctx, s.geom, s.th.n_comp, n_config, &s.x));
  check_ok(ctx, cw_field_create(ctx, s.geom, s.th.n_tangent, n_config, &s.p));
  check_ok(ctx, cw_field_create(ctx, s.geom, s.th.n_tangent, n_config, &s.f));
  s.kind = cw_kind(ops->kind);
  s.kind->hot(s.th.isa, &s.x, cw_rng_stream(6, "start"), 0);
  cw_field_normal(s.th.isa, &s.p, cw_rng_stream(6, "momenta"), 0, 0);
  return s;
}

static void close_stage(stage *s) {
  cw_field_destroy(&s->x);
  cw_field_destroy(&s->p);
  cw_field_destroy(&s->f);
  cw_theory_destroy(&s->th);
  cw_geometry_destroy(s->geom);
}

static cw_sampler *open_hmc(const stage *s, int integrator, int md_steps) {
  const cw_sampler_ops *ops = cw_sampler_find("hmc");
  double param[CW_MAX_PARAMS];
  for (int i = 0; ops->params[i].name != NULL; i++) param[i] = ops->params[i].preset;
  param[CW_HMC_STEPS] = md_steps;
  cw_sampler *hmc;
  check_ok(s->ctx, cw_sampler_create(s->ctx, ops, &s->th, param, &integrator, s->x.n_blocks, &hmc));
  return hmc;
}

static void run(const stage *s, cw_sampler *hmc, cw_field *x, uint32_t first, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    check_ok(s->ctx, hmc->ops->step(hmc, s->th.c, x, cw_rng_stream(6, "hmc"), first + i, NULL));
}

/* A trajectory of one block of x and p. */
static void move(stage *s, int integrator, int n_steps, double length, cw_field *x, cw_field *p) {
  cw_hmc_path path = {.integrator = integrator, .n_steps = n_steps};
  for (int l = 0; l < CW_LANES; l++)
    path.eps[l] = length / n_steps * (1 + 0.01 * (l % x->B)); /* each configuration its own */
  cw_field f = cw_field_block(&s->f, 0);
  cw_hmc_trajectory(&s->th, s->th.c, &path, x, p, &f);
}

/* ------------------------------------------------------------------- reversibility */

static void goes_back(cw_context *ctx, const char *theory, const cw_lattice *lat, int V,
                      int integrator) {
  stage s = open_stage(ctx, theory, lat, V, 2.0, CW_LANES / V);
  cw_field x = cw_field_block(&s.x, 0), p = cw_field_block(&s.p, 0);
  size_t n = cw_field_block_size(&x);
  double *old = malloc(n * sizeof *old), worst = 0, moved = 0;
  assert_non_null(old);
  memcpy(old, x.data, n * sizeof *old);
  move(&s, integrator, 8, 1.0, &x, &p);
  for (size_t i = 0; i < n; i++) moved = fmax(moved, fabs(x.data[i] - old[i]));
  for (size_t i = 0; i < cw_field_block_size(&p); i++) p.data[i] = -p.data[i];
  move(&s, integrator, 8, 1.0, &x, &p);
  for (size_t i = 0; i < n; i++) worst = fmax(worst, fabs(x.data[i] - old[i]));
  assert_true(moved > 0.5);
  check_close(worst, 0, 1e-12);
  free(old);
  close_stage(&s);
}

static void test_reversible(void **state) {
  const cw_lattice lat = {4, {4, 4, 4, 4}}, plane = {2, {3, 5}};
  for (int t = 0; t < N_THEORIES; t++)
    for (int i = 0; i < N_INTEGRATORS; i++) {
      goes_back(*state, theories[t], &lat, 16, i);
      goes_back(*state, theories[t], &lat, 1, i);
      goes_back(*state, theories[t], &plane, 1, i);
    }
}

/* --------------------------------------------------------------------------- orders */

static void energies(const stage *s, double *H) {
  double *T = malloc((size_t)(s->x.n_blocks * s->x.B * s->th.ops->n_terms) * sizeof *T);
  assert_non_null(T);
  cw_theory_action(&s->th, &s->x, s->th.c, T, H);
  for (long i = 0; i < s->x.n_config; i++)
    for (long site = 0; site < s->geom->n_sites; site++)
      for (int k = 0; k < s->p.n_comp; k++) {
        double p = cw_field_get(&s->p, i, site, k);
        H[i] += p * p / 2;
      }
  free(T);
}

/* Root mean square over configurations of the change of H along the same paths. */
static double violation(cw_context *ctx, const char *theory, int integrator, int n_steps) {
  const cw_lattice lat = {2, {4, 4}};
  stage s = open_stage(ctx, theory, &lat, 1, 5.0, CW_LANES);
  double before[CW_LANES], after[CW_LANES], sum = 0;
  energies(&s, before);
  move(&s, integrator, n_steps, 1.0, &s.x, &s.p);
  energies(&s, after);
  for (int b = 0; b < CW_LANES; b++) sum += (after[b] - before[b]) * (after[b] - before[b]);
  close_stage(&s);
  return sqrt(sum / CW_LANES);
}

static void test_orders(void **state) {
  const double order[N_INTEGRATORS] = {
      [CW_HMC_OMELYAN_CHOICE] = 2, [CW_HMC_LEAPFROG_CHOICE] = 2, [CW_HMC_OMELYAN4_CHOICE] = 4};
  for (int t = 0; t < N_THEORIES; t++)
    for (int i = 0; i < N_INTEGRATORS; i++) {
      double coarse = violation(*state, theories[t], i, 32);
      double fine = violation(*state, theories[t], i, 64);
      print_message("%s %s: dH %.2g -> %.2g, order %.3f\n", theories[t], cw_hmc_integrators[i],
                    coarse, fine, log2(coarse / fine));
      assert_true(fabs(log2(coarse / fine) - order[i]) < 0.15);
    }
}

/* ---------------------------------------------------------------------- equilibrium */

typedef struct {
  double sum, square;
  long n;
} tally;
static void check_tally(const tally *t, double expected, double at_most, const char *what) {
  double n = (double)t->n, mean = t->sum / n;
  double error = sqrt((t->square / n - mean * mean) / (n - 1));
  print_message("%s = %.6f +- %.6f, expected %.6f\n", what, mean, error, expected);
  check_sigma_at(mean, error, expected, 4, what, __FILE__, __LINE__);
  assert_true(error < at_most);
}

/* Chains are independent of each other: their means over steps are the data. The plaquette is minus
 * the sum of all terms over plaquettes. */
static void equilibrium(cw_context *ctx, const char *theory, double beta, int integrator,
                        double plaquette) {
  enum { N_CHAIN = 256, N_THERM = 40, N_STEP = 60, MD_STEPS = 6 };
  const cw_lattice lat = {2, {8, 8}};
  stage s = open_stage(ctx, theory, &lat, 1, beta, N_CHAIN);
  cw_sampler *hmc = open_hmc(&s, integrator, MD_STEPS);
  double T[N_CHAIN * CW_MAX_TERMS], mean[N_CHAIN] = {0}, weight[N_CHAIN] = {0}, dH[N_CHAIN];
  int n_terms = s.th.ops->n_terms;
  run(&s, hmc, &s.x, 0, N_THERM);
  for (uint32_t i = 0; i < N_STEP; i++) {
    cw_step_stats stats = {.dH = dH};
    check_ok(ctx, hmc->ops->step(hmc, s.th.c, &s.x, cw_rng_stream(6, "hmc"), N_THERM + i, &stats));
    s.th.ops->terms(&s.th, &s.x, T);
    for (int c = 0; c < N_CHAIN; c++) {
      for (int k = 0; k < n_terms; k++)
        mean[c] -= T[c * n_terms + k] / (double)s.geom->n_sites / N_STEP;
      weight[c] += exp(-dH[c]) / N_STEP;
    }
  }
  tally p = {0}, w = {0};
  for (int c = 0; c < N_CHAIN; c++) {
    p = (tally){p.sum + mean[c], p.square + mean[c] * mean[c], p.n + 1};
    w = (tally){w.sum + weight[c], w.square + weight[c] * weight[c], w.n + 1};
  }
  print_message("%s, beta = %g, %s: ", theory, beta, cw_hmc_integrators[integrator]);
  check_tally(&p, plaquette, 1e-3, "plaquette");
  check_tally(&w, 1, 0.02, "<exp(-dH)>");
  cw_sampler_destroy(hmc);
  close_stage(&s);
}

/* U(1): the sum over n of I_n(beta)^V on the torus. SU(2), SU(3): the infinite plane, to which 8x8
 * has come closer than 1e-20 and 1e-10. */
static void test_equilibrium(void **state) {
  equilibrium(*state, "u1", 2.0, CW_HMC_OMELYAN_CHOICE, 0.697774658);
  equilibrium(*state, "su2", 2.5, CW_HMC_OMELYAN4_CHOICE, bessel_i(2, 2.5) / bessel_i(1, 2.5));
  equilibrium(*state, "su3", 5.0, CW_HMC_LEAPFROG_CHOICE, 0.3539544);
}

/* ----------------------------------------------------------------------------- bits */

/* Fields of three chains after three steps, in plain order. */
static void three_steps(cw_context *ctx, const char *theory, const cw_lattice *lat, int V,
                        const stage *plain, cw_field *out) {
  stage s = open_stage(ctx, theory, lat, V, 5.0, 3);
  cw_sampler *hmc = open_hmc(&s, CW_HMC_OMELYAN_CHOICE, 4);
  run(&s, hmc, &s.x, 0, 3);
  check_ok(ctx, cw_field_create(ctx, plain->geom, s.x.n_comp, 3, out));
  relayout(out, &s.x);
  cw_sampler_destroy(hmc);
  close_stage(&s);
}

static void test_bits(void **state) {
  cw_context *one = test_context(1);
  const cw_lattice lattices[] = {{4, {4, 4, 2, 4}}, {3, {4, 2, 6}}, {2, {8, 8}}};
  for (int l = 0; l < 3; l++)
    for (int t = 0; t < N_THEORIES; t++) {
      int splits[5], n = cw_geometry_splits(&lattices[l], splits);
      stage plain = open_stage(one, theories[t], &lattices[l], 1, 5.0, 3);
      cw_field first, other;
      three_steps(one, theories[t], &lattices[l], 1, &plain, &first);
      for (int i = 0; i < n; i++) { /* with two threads */
        three_steps(*state, theories[t], &lattices[l], splits[i], &plain, &other);
        for (long c = 0; c < 3; c++)
          for (long site = 0; site < plain.geom->n_sites; site++)
            for (int k = 0; k < first.n_comp; k++)
              assert_true(cw_field_get(&other, c, site, k) == cw_field_get(&first, c, site, k));
        cw_field_destroy(&other);
      }
      cw_field_destroy(&first);
      close_stage(&plain);
    }
  cw_context_destroy(one);
}

/* ------------------------------------------------------------------------ odds and ends */

/* After many trajectories links are still in the group; a rejected trajectory changes no bit. */
static void test_group_and_rejection(void **state) {
  const cw_lattice lat = {2, {4, 4}};
  stage s = open_stage(*state, "su3", &lat, 1, 5.0, CW_LANES);
  cw_sampler *hmc = open_hmc(&s, CW_HMC_OMELYAN_CHOICE, 6);
  double worst = 0, accept[CW_LANES];
  run(&s, hmc, &s.x, 0, 300);
  for (long site = 0; site < s.geom->n_sites; site++)
    for (int mu = 0; mu < 2; mu++)
      for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
          double re = i == j ? -1 : 0, im = 0;
          for (int k = 0; k < 3; k++) {
            double a[4];
            for (int q = 0; q < 4; q++)
              a[q] = cw_field_get(&s.x, 2, site, 18 * mu + 6 * (q < 2 ? i : j) + 2 * k + q % 2);
            re += a[0] * a[2] + a[1] * a[3];
            im += a[1] * a[2] - a[0] * a[3];
          }
          worst = fmax(worst, hypot(re, im));
        }
  check_close(worst, 0, 2e-15);
  cw_field old;
  check_ok(*state, cw_field_create(*state, s.geom, s.x.n_comp, CW_LANES, &old));
  cw_field_copy(&old, &s.x);
  hmc->state[CW_HMC_STATE_STEPS] = 1; /* far too large a step */
  hmc->state[CW_HMC_STATE_EPS] = 3;
  cw_step_stats stats = {.accept = accept};
  check_ok(*state, hmc->ops->step(hmc, s.th.c, &s.x, cw_rng_stream(6, "hmc"), 900, &stats));
  int rejected = 0;
  for (int c = 0; c < CW_LANES; c++) {
    if (accept[c] > 1e-10) continue;
    rejected++;
    for (int k = 0; k < s.x.n_comp; k++)
      assert_true(cw_field_get(&old, c, 3, k) == cw_field_get(&s.x, c, 3, k));
  }
  assert_true(rejected > 4);
  cw_field_destroy(&old);
  cw_sampler_destroy(hmc);
  close_stage(&s);
}

/* Not a number, and settings that links cannot have. */
static void test_refusals(void **state) {
  const cw_lattice lat = {2, {4, 4}};
  for (int t = 0; t < N_THEORIES; t++) {
    stage s = open_stage(*state, theories[t], &lat, 1, 1.0, 20);
    cw_sampler *hmc = open_hmc(&s, 0, 2), *none;
    cw_field_set(&s.x, 18, 5, 0, NAN);
    assert_int_equal(hmc->ops->step(hmc, s.th.c, &s.x, cw_rng_stream(6, "hmc"), 0, NULL),
                     CW_ENUMERIC);
    assert_non_null(strstr(cw_error(*state), "18"));
    cw_clear_error(*state);
    double param[CW_MAX_PARAMS] = {1, 10, 0.9, 0.4, 1}; /* flip: 1 */
    assert_int_equal(cw_sampler_create(*state, hmc->ops, &s.th, param, NULL, 1, &none), CW_EINVAL);
    cw_clear_error(*state);
    cw_sampler_destroy(hmc);
    close_stage(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reversible),          cmocka_unit_test(test_orders),
      cmocka_unit_test(test_equilibrium),         cmocka_unit_test(test_bits),
      cmocka_unit_test(test_group_and_rejection), cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests_name("gauge hmc", tests, test_open_context_2, test_close_context);
}
