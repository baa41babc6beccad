/* Steps of Ising samplers and their reversals as matrices: from every configuration of a small lattice
 * many chains take a step, and others its reversal, and what they come to is counted. Of all pairs of
 * configurations p(x) P(x, y) = p(y) Q(y, x). */
#include "physics/spins.h"

enum { STATES = 64, PER_STATE = SANITIZED ? 1 << 9 : 1 << 12, CHAINS = STATES * PER_STATE };

static const method methods[] = {{"spinflip", "heatbath"},
                                 {"spinflip", "metropolis"},
                                 {"cluster", "wolff"},
                                 {"cluster", "swendsen-wang"}};

/* PER_STATE chains from each configuration; counts (from, to). */
static void count_steps(cw_context *ctx, walkers *w, bool back, uint32_t number, double *count) {
  const cw_sampler_ops *ops = w->sampler->ops;
  for (long i = 0; i < CHAINS; i++) set_state(&w->x, i, (unsigned)(i / PER_STATE));
  check_ok(ctx, (back ? ops->step_back : ops->step)(w->sampler, w->th.c, &w->x,
                                                    cw_rng_stream(7, "matrix"), number, NULL));
  memset(count, 0, STATES * STATES * sizeof *count);
  for (long i = 0; i < CHAINS; i++) count[i / PER_STATE * STATES + state_of(&w->x, i)]++;
}

/* By how many of its standard deviations chi^2 of p(x) P(x, y) - p(y) Q(y, x) is off, over pairs that
 * are seen often. */
static double imbalance(const double *p, const double *P, const double *Q) {
  double chi2 = 0;
  int dof = 0;
  for (int x = 0; x < STATES; x++)
    for (int y = 0; y < STATES; y++) {
      const double there = p[x] * P[x * STATES + y], back = p[y] * Q[y * STATES + x];
      const double mean = (there + back) / 2; /* the variance of counts n p: n p (1 - p) */
      const double variance = mean * (p[x] + p[y] - 2 * mean / PER_STATE);
      if (P[x * STATES + y] + Q[y * STATES + x] < 40) continue;
      chi2 += (there - back) * (there - back) / variance;
      dof++;
    }
  assert_true(dof > STATES);
  return (chi2 - dof) / sqrt(2.0 * dof);
}

static void check_method(cw_context *ctx, const method *m, const double *param, int work) {
  const bool own = strcmp(m->sampler, "cluster") == 0;
  double *count[3];
  walkers w;
  open_walkers(&w, ctx, m, &(cw_lattice){2, {3, 2}}, 1, param, work, CHAINS);
  double *p = enumerate(&w.th);
  for (int k = 0; k < 3; k++) {
    count[k] = cw_alloc(STATES * STATES * sizeof(double));
    count_steps(ctx, &w, k == 1, (uint32_t)k, count[k]);
  }
  const double right = imbalance(p, count[0], count[1]), plant = imbalance(p, count[0], count[2]);
  print_message("%s, %s, %d: %.1f sigma, a step for its reversal %.1f\n", m->sampler, m->choice,
                work, right, plant);
  assert_true(fabs(right) < 4.5);
  if (own)
    assert_true(fabs(plant) < 4.5); /* clusters of spins are their own reversal */
  else if (work == 1)
    assert_true(plant > 20); /* the order of several sweeps is soon forgotten */
  for (int k = 0; k < 3; k++) free(count[k]);
  free(p);
  close_walkers(&w);
}

/* In a field and without, one sweep or cluster and several. */
static void test_detailed_balance(void **state) {
  const double params[][2] = {{0.15, 0.4}, {0.25, 0}};
  for (int k = 0; k < 2; k++)
    for (int m = 0; m < 4; m++)
      for (int work = 1; work <= 3; work += 2) check_method(*state, &methods[m], params[k], work);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_detailed_balance)};
  return cmocka_run_group_tests_name("reversal", tests, test_open_context_1, test_close_context);
}
