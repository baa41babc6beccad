#include "support/check.h"

#include <stdlib.h>
#include <string.h>

void check_close_at(double a, double b, double tol, const char *what, const char *file, int line) {
  double scale = fabs(b) > 1 ? fabs(b) : 1;
  if (fabs(a - b) <= tol * scale) return;
  print_error("%s = %.17g, expected %.17g: off by %.3g, allowed %.3g\n", what, a, b, fabs(a - b),
              tol * scale);
  _fail(file, line);
}

void check_sigma_at(double value, double error, double expected, double z_max, const char *what,
                    const char *file, int line) {
  double z = (value - expected) / error;
  if (fabs(z) <= z_max) return;
  print_error("%s = %.10g +- %.3g, expected %.10g: %.2f sigma, allowed %.2f\n", what, value, error,
              expected, z, z_max);
  _fail(file, line);
}

void check_ok_at(cw_context *ctx, cw_status st, const char *what, const char *file, int line) {
  if (st == CW_OK) return;
  print_error("%s failed with status %d: %s\n", what, (int)st, ctx ? cw_error(ctx) : "");
  _fail(file, line);
}

void check_failure_at(cw_context *ctx, cw_status st, cw_status expected, const char *part,
                      const char *what, const char *file, int line) {
  if (st != expected || strstr(cw_error(ctx), part) == NULL) {
    print_error("%s: status %d, \"%s\"; expected %d, \"...%s...\"\n", what, (int)st, cw_error(ctx),
                (int)expected, part);
    _fail(file, line);
  }
  cw_clear_error(ctx);
}

bool test_is_long(void) {
  const char *wanted = getenv("CW_LONG");
  return wanted != NULL && strcmp(wanted, "1") == 0;
}

bool test_is_new(const char *name) {
  const char *words = getenv("CW_NEW");
  const size_t n = strlen(name);
  if (words == NULL) return true;
  for (const char *at = words; (at = strstr(at, name)) != NULL; at += n)
    if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0')) return true;
  return false;
}

cw_context *test_context(int threads) {
  cw_context *ctx = NULL;
  cw_context_options opt = {.threads = threads, .quiet = true};
  check_ok(NULL, cw_context_create(&opt, &ctx));
  return ctx;
}

int test_open_context_1(void **state) {
  *state = test_context(1);
  return 0;
}

int test_open_context_2(void **state) {
  *state = test_context(2);
  return 0;
}

int test_close_context(void **state) {
  cw_context_destroy(*state);
  return 0;
}
