/* How well errors of chains are calibrated, from series of which everything is known: the table of
 * docs/results.md. make check-long, which sets CW_LONG=1. With CW_SERIES=FILE the series of one
 * chain of up to 10^4 steps are written there for tests/unit/pyerrors_pulls.py. */
#include "causeway/stats.h"
#include <string.h>

#include "stats_tally.h"

enum { SERIES = 1000, MANY = 16 };
static const double decay[] = {-0.9, -0.7, -0.5, -0.2, 0, 0.5, 0.9, 0.99};
static const long length[] = {30, 100, 1000, 10000, 100000};
enum { N_DECAY = sizeof decay / sizeof *decay, N_LENGTH = sizeof length / sizeof *length };

static void write_series(FILE *out, double a, long n, const double *x) {
  const double head[] = {a, (double)n};
  if (out == NULL || n > 10000) return;
  assert_int_equal(fwrite(head, sizeof *head, 2, out), 2);
  assert_int_equal(fwrite(x, sizeof *x, (size_t)n, out), (size_t)n);
}

/* rms of (mean - 0)/error over the series. */
static double pull(cw_context *ctx, double a, long n_chain, long n_step, FILE *out, double *x) {
  tally z = {0};
  for (uint32_t seed = 0; seed < SERIES; seed++) {
    cw_estimate e;
    ar1(seed, a, n_chain, n_step, 1, x);
    if (n_chain == 1) write_series(out, a, n_step, x);
    check_ok(ctx, cw_gamma(ctx, x, n_chain, n_step, 1, NULL, NULL, &e));
    count(&z, e.value / e.error);
  }
  return sqrt(z.squares / z.n);
}

/* Pulls are good to 2.2 %. Fewer than 500 autocorrelation times tell less of their own error. */
static void check_row_of(cw_context *ctx, double a, bool many, FILE *out, double *x) {
  print_message("%6.2f  %s", a, many ? "16 chains" : "1 chain  ");
  for (int k = 0; k < N_LENGTH; k++) {
    const long n_chain = many ? MANY : 1, n_step = length[k] / n_chain;
    if (n_step < CW_GAMMA_MIN_STEPS) {
      print_message("      -");
      continue;
    }
    const double p = pull(ctx, a, n_chain, n_step, out, x);
    const double times = (double)(n_chain * n_step) * 2 * (1 - a) / (1 + a);
    print_message("  %5.3f", p);
    if (times >= 500 && n_step >= 10) check_close(p, 1, 0.1);
  }
  print_message("\n");
}

static void errors_are_calibrated(void **state) {
  const char *file = getenv("CW_SERIES");
  if (!test_is_long()) skip();
  double *x = malloc((size_t)length[N_LENGTH - 1] * sizeof *x);
  FILE *out = file != NULL ? fopen(file, "wb") : NULL;
  assert_non_null(x);
  print_message("  rho(1)  steps in all: 30    100   1000   10^4   10^5\n");
  for (int i = 0; i < N_DECAY; i++)
    for (int many = 0; many < 2; many++) check_row_of(*state, decay[i], many, out, x);
  if (out != NULL) fclose(out);
  free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(errors_are_calibrated)};
  return cmocka_run_group_tests_name("stats: gamma, long", tests, test_open_context_2,
                                     test_close_context);
}
