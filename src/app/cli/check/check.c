/* causeway check: does this copy work here? A handful of answers known by other means, in
 * a few seconds, by library calls alone and without any files but a store in a temporary directory. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/cli/check/checks.h"
#include "app/cli/commands.h"
#include "app/cli/options.h"

typedef struct {
  const char *name;
  cw_check *run;
} named_check;

cw_status cw_check_no_memory(cw_context *ctx) {
  return cw_fail(ctx, CW_ENOMEM, "no memory for a check");
}

/* |value - expected| <= 4 error: wrong once in 16000 times for a Gaussian, but every check has its
 * fixed seed. */
cw_status cw_within_4_sigma(cw_context *ctx, const char *what, double value, double error,
                            double expected, double its_error) {
  double z = (value - expected) / hypot(error, its_error);
  if (fabs(z) < 4) return CW_OK;
  return cw_fail(ctx, CW_ENUMERIC, "%s = %.6g +- %.2g, expected %.6g (%.1f sigma)", what, value,
                 error, expected, z);
}

/* The known answer of Random123's distribution (kat_vectors: philox4x32 10, all ones); as in the
 * tests of the library. */
static cw_status check_random(cw_context *ctx, char *found, size_t size) {
  static const uint32_t expected[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
  const uint32_t ones = UINT32_MAX;
  uint32_t out[4];
  cw_random_bits((cw_rng){{ones, ones}}, ones, ones, ones, ones, out);
  if (memcmp(out, expected, sizeof out) != 0)
    return cw_fail(ctx, CW_ENUMERIC, "Philox4x32-10 gives %08x, expected %08x", out[0],
                   expected[0]);
  snprintf(found, size, "Philox4x32-10");
  return CW_OK;
}

static const named_check checks[] = {
    {"random numbers", check_random},
    {"action and force", cw_check_theory},
    {"gauge actions", cw_check_gauge},
    {"hybrid Monte Carlo", cw_check_hmc},
    {"heat bath", cw_check_heatbath},
    {"trained flow", cw_check_flow},
    {"spins, trained", cw_check_autoregressive},
    {"threads", cw_check_threads},
    {"store", cw_check_store},
};
enum { N_CHECKS = sizeof checks / sizeof *checks };

/* A failure ends its own check only: its message is printed and forgotten. */
static cw_status run_check(cw_context *ctx, const named_check *c) {
  char found[160] = "";
  double start = cw_wall_seconds();
  cw_status st = c->run(ctx, found, sizeof found);
  printf("%-20s %-6s %5.1f s  %s\n", c->name, st == CW_OK ? "ok" : "FAILED",
         cw_wall_seconds() - start, st == CW_OK ? found : cw_error(ctx));
  fflush(stdout);
  cw_clear_error(ctx);
  return st;
}

static cw_status parse_options(cw_context *ctx, int argc, char **argv) {
  static const cw_option options[] = {{.word = "--threads"}, {.word = NULL}}; /* main took it */
  int n;
  CW_TRY(cw_options_read(ctx, "check", argc, argv, options, "no more words", NULL, 0, &n));
  if (cw_ranks(ctx) > 1)
    return cw_fail(ctx, CW_EINVAL, "check: runs on one rank, not on %d", cw_ranks(ctx));
  return CW_OK;
}

cw_status cw_command_check(cw_context *ctx, int argc, char **argv) {
  cw_status first = CW_OK; /* failure */
  int failed = 0;
  CW_TRY(parse_options(ctx, argc, argv));
  for (int i = 0; i < N_CHECKS; i++) {
    cw_status st = run_check(ctx, &checks[i]);
    if (first == CW_OK) first = st;
    failed += st != CW_OK;
  }
  return failed == 0 ? CW_OK : cw_fail(ctx, first, "%d of %d checks failed", failed, N_CHECKS);
}
