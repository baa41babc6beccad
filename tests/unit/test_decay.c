/* Masses out of correlators that are made up: exact ones, noisy ones, and what cannot be fitted. */
#include "support/check.h"

#include <string.h>

#include "causeway/stats.h"

enum {
  T = 16,
  BEFORE = 2,
  WIDTH = T + 3
}; /* primaries: two of something else, C(0) .. C(T-1), one more */

static double shape(double m, int t) { return exp(-m * t) + exp(-m * (T - t)); }

static double normal(uint32_t site, uint32_t chain, uint32_t step) {
  double z[2];
  cw_normal2(CW_ISA_BASE, cw_rng_stream(11, "test/decay"), site, chain, step, 0, z);
  return z[0];
}

/* C(t) = sum_i A_i shape(m_i) (1 + noise), noise of neighbouring times correlated, of C(t) and C(T - t) not. */
static void draw(double *data, long n_chain, long n_step, uint32_t seed, double noise, double m,
                 double excited) {
  for (long i = 0; i < n_chain * n_step; i++) {
    double z = 0;
    for (int k = 0; k < WIDTH; k++)
      data[i * WIDTH + k] = 1e3 * normal((uint32_t)k + 100, (uint32_t)i, seed);
    for (int t = 0; t < T; t++) {
      z = 0.8 * z + 0.6 * normal((uint32_t)t, (uint32_t)i, seed);
      data[i * WIDTH + BEFORE + t] =
          (3 * shape(m, t) + excited * shape(m + 2.2, t)) * (1 + noise * z);
    }
  }
}

static const cw_decay decay = {.first = BEFORE, .period = T, .from = 2, .to = T / 2};

/* A factor that is common to all times changes no mass. */
static void a_common_factor_gives_the_mass_exactly(void **state) {
  static double data[2 * 40 * WIDTH];
  for (int i = 0; i < 80; i++)
    for (int k = 0; k < WIDTH; k++)
      data[i * WIDTH + k] = 3 * shape(0.31, k - BEFORE) * (1 + 0.1 * normal(0, (uint32_t)i, 0));
  for (int way = 0; way < 2; way++) {
    cw_decay d = decay;
    cw_decay_fit fit;
    if (way == 1) d.to = 0;
    check_ok(*state, cw_fit_decay(*state, data, 2, 40, WIDTH, &d, &fit));
    check_close(fit.mass.value, 0.31, 1e-11);
    assert_true(fit.mass.error < 1e-11);
    double mean = 0;
    for (int i = 0; i < 80; i++) mean += data[i * WIDTH + BEFORE + 3] / 80;
    check_close(fit.amplitude.value, mean / shape(0.31, 3), 1e-11);
    assert_true(fit.amplitude.error > 0.01 && fit.amplitude.error < 0.1);
    assert_true(fit.chi2 < 1e-15);
    assert_int_equal(fit.n_windows, way == 0 ? 1 : 5);
    assert_false(fit.correlated);
  }
}

/* chi^2 of the means with naive errors by plain search, C(t) and C(T - t) in one. */
static double plain_mass(const double *data, long n) {
  double best = INFINITY, mass = 0;
  for (double m = 0.3; m < 0.5; m += 1e-5) {
    double gg = 0, gy = 0, yy = 0;
    for (int t = decay.from; t <= decay.to; t++) {
      double mean = 0, square = 0;
      for (long i = 0; i < n; i++) {
        const double y =
            0.5 * (data[i * WIDTH + BEFORE + t] + data[i * WIDTH + BEFORE + (T - t) % T]);
        mean += y / (double)n;
        square += y * y / (double)n;
      }
      const double w = 1 / (square - mean * mean);
      gg += w * shape(m, t) * shape(m, t);
      gy += w * shape(m, t) * mean;
      yy += w * mean * mean;
    }
    if (yy - gy * gy / gg < best) best = yy - gy * gy / gg, mass = m;
  }
  return mass;
}
static void the_fit_is_the_least_square(void **state) {
  static double data[80 * WIDTH];
  cw_decay_fit fit;
  draw(data, 1, 80, 1, 0.05, 0.4, 0);
  check_ok(*state, cw_fit_decay(*state, data, 1, 80, WIDTH, &decay, &fit));
  assert_true(fabs(fit.mass.value - plain_mass(data, 80)) < 2e-5); /* blocks of one measurement */
}

/* Many seeds: pulls of 1, chi^2 of its degrees of freedom, and the covariance makes errors smaller. */
static void errors_are_right(void **state) {
  enum { SEEDS = SANITIZED ? 6 : 100, CHAINS = 3, STEPS = 100 };
  static double data[CHAINS * STEPS * WIDTH];
  double pulls[2] = {0}, bias[2] = {0}, errors[2] = {0}, chi2 = 0;
  for (uint32_t seed = 0; seed < SEEDS; seed++) {
    draw(data, CHAINS, STEPS, seed, 0.3, 0.4, 0);
    for (int correlated = 0; correlated < 2; correlated++) {
      cw_decay d = decay;
      cw_decay_fit fit;
      d.correlated = correlated == 1;
      check_ok(*state, cw_fit_decay(*state, data, CHAINS, STEPS, WIDTH, &d, &fit));
      assert_int_equal(fit.correlated, correlated);
      const double pull = (fit.mass.value - 0.4) / fit.mass.error;
      pulls[correlated] += pull * pull / SEEDS;
      bias[correlated] += pull / SEEDS;
      errors[correlated] += fit.mass.error / SEEDS;
      if (correlated) chi2 += fit.chi2 / fit.dof / SEEDS;
    }
  }
  if (SANITIZED) return;
  for (int correlated = 0; correlated < 2; correlated++) {
    if (!(sqrt(pulls[correlated]) > 0.8 && sqrt(pulls[correlated]) < 1.25 &&
          fabs(bias[correlated]) < 0.3))
      fail_msg("rms %g, mean %g", sqrt(pulls[correlated]), bias[correlated]);
  }
  assert_true(chi2 > 0.8 && chi2 < 1.3);
  assert_true(errors[1] < 0.97 * errors[0]);
}

/* With an excited state the windows that begin early are not the ones that count. */
static void windows_leave_excited_states_out(void **state) {
  enum { CHAINS = 2, STEPS = 300 };
  static double data[CHAINS * STEPS * WIDTH];
  cw_decay d = decay;
  cw_decay_fit fit, early;
  draw(data, CHAINS, STEPS, 7, 0.02, 0.4, 2);
  d.from = 1;
  d.correlated = true;
  check_ok(*state, cw_fit_decay(*state, data, CHAINS, STEPS, WIDTH, &d, &early));
  d.to = 0;
  check_ok(*state, cw_fit_decay(*state, data, CHAINS, STEPS, WIDTH, &d, &fit));
  assert_true(early.chi2 / early.dof > 20 && fabs(early.mass.value - 0.4) > 10 * early.mass.error);
  assert_true(fit.from >= 3 && fit.to == T / 2 && fit.n_windows == 6);
  assert_true(fit.chi2 / fit.dof < 3);
  check_sigma(fit.mass.value, fit.mass.error, 0.4, 3);
  check_close(pow(fit.mass.error, 2), pow(fit.statistical, 2) + pow(fit.spread, 2), 1e-15);
  assert_true(fit.spread > 0);
}

static void what_cannot_be_fitted(void **state) {
  static double data[60 * WIDTH];
  cw_decay_fit fit;
  cw_decay d = decay;
  for (int i = 0; i < 60 * WIDTH; i++) data[i] = 2;
  check_ok(*state, cw_fit_decay(*state, data, 1, 60, WIDTH, &d, &fit));
  assert_true(isnan(fit.mass.value) && fit.mass.why != NULL && fit.mass.n == 60);
  draw(data, 1, 60, 3, 0.1, 0.4, 0);
  for (int i = 0; i < 60 * WIDTH; i++) data[i] *= -1;
  check_ok(*state, cw_fit_decay(*state, data, 1, 60, WIDTH, &d, &fit));
  assert_true(isnan(fit.mass.value) && strstr(fit.mass.why, "no window") != NULL);
  d.to = T;
  check_failure(*state, cw_fit_decay(*state, data, 1, 60, WIDTH, &d, &fit), CW_EINVAL, "no window");
  d.to = 3;
  check_failure(*state, cw_fit_decay(*state, data, 1, 60, WIDTH, &d, &fit), CW_EINVAL, "no window");
  check_failure(*state, cw_fit_decay(*state, data, 20, 3, WIDTH, &decay, &fit), CW_EINVAL,
                "too short");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_common_factor_gives_the_mass_exactly),
      cmocka_unit_test(the_fit_is_the_least_square),
      cmocka_unit_test(errors_are_right),
      cmocka_unit_test(windows_leave_excited_states_out),
      cmocka_unit_test(what_cannot_be_fitted),
  };
  return cmocka_run_group_tests(tests, test_open_context_1, test_close_context);
}
