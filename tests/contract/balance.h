/* Detailed balance of a kernel on few states, from transitions that were counted in equilibrium. */
#ifndef CW_TEST_BALANCE_H
#define CW_TEST_BALANCE_H

#include "support/check.h"

/* The state that chain i starts from in a round, one of n with probabilities p. */
static inline unsigned draw_state(long n, const double *p, long i, uint32_t round) {
  double u[2], sum = p[0];
  unsigned s = 0;
  cw_uniform2(cw_rng_stream(9, "start"), (uint32_t)i, 0, round, 0, u);
  while (u[0] >= sum && s + 1 < n) sum += p[++s];
  return s;
}

/* Standard deviations by which a chi^2 with so many degrees of freedom is too large. */
static inline double excess(double chi2, double n) { return (chi2 - n) / sqrt(2 * n); }

/* count (n, n): from state to state, of so many in all that started with probabilities p (n). All
 * states stay as likely as they were. */
static inline void check_stationary(long n, const long *count, const double *p, double all) {
  double marginal = 0, moved = 0;
  for (long to = 0; to < n; to++) {
    double arrived = 0;
    for (long from = 0; from < n; from++) {
      arrived += (double)count[from * n + to];
      moved += from != to ? (double)count[from * n + to] : 0;
    }
    marginal += pow(arrived - all * p[to], 2) / (all * p[to]);
  }
  print_message("  %.0f %% move; probabilities %+.2f sigma\n", 100 * moved / all,
                excess(marginal, (double)n - 1));
  assert_true(moved > 0.03 * all);
  assert_true(excess(marginal, (double)n - 1) < 4.5);
}

/* And as many go from one to another as come back. */
static inline void check_balance(long n, const long *count, const double *p, double all) {
  double balance = 0, n_balance = 0;
  check_stationary(n, count, p, all);
  for (long to = 0; to < n; to++)
    for (long from = 0; from < to; from++) {
      const double there = (double)count[from * n + to], back = (double)count[to * n + from];
      if (there + back < 20) continue;
      balance += (there - back) * (there - back) / (there + back);
      n_balance++;
    }
  print_message("  balance %+.2f sigma of %.0f pairs\n", excess(balance, n_balance), n_balance);
  assert_true(n_balance > 20);
  assert_true(excess(balance, n_balance) < 4.5);
}

#endif
