/* Assertions that cmocka lacks: doubles with relative and absolute tolerance, z-scores, statuses.
 */
#ifndef CW_TEST_CHECK_H
#define CW_TEST_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <math.h>
#include <cmocka.h>

#include "causeway/core.h"
#include "simd/dispatch.h"

/* |a - b| <= tol * max(1, |b|) */
#define check_close(a, b, tol) check_close_at((a), (b), (tol), #a, __FILE__, __LINE__)
/* |value - expected| <= z_max * error */
#define check_sigma(value, error, expected, z_max)                                                 \
  check_sigma_at((value), (error), (expected), (z_max), #value, __FILE__, __LINE__)
#define check_ok(ctx, call) check_ok_at((ctx), (call), #call, __FILE__, __LINE__)
/* call fails with a status and a message that has a part; clears the error. */
#define check_failure(ctx, call, status, part)                                                     \
  check_failure_at((ctx), (call), (status), (part), #call, __FILE__, __LINE__)

void check_close_at(double a, double b, double tol, const char *what, const char *file, int line);
void check_sigma_at(double value, double error, double expected, double z_max, const char *what,
                    const char *file, int line);
void check_ok_at(cw_context *ctx, cw_status st, const char *what, const char *file, int line);
void check_failure_at(cw_context *ctx, cw_status st, cw_status expected, const char *part,
                      const char *what, const char *file, int line);

/* The sanitizers are after memory, and make every step some twenty times as long: statistics may be
 * smaller under them. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1 /* as gcc says it */
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* CW_LONG=1 is set, as make check-long does: calibrations take all of their seeds and steps. */
bool test_is_long(void);
/* Is name one of the words of CW_NEW, or is there none? Those who add something to a list try what it meets alone. */
bool test_is_new(const char *name);

/* For all builds of the kernels that a context may take. */
#define FOR_EACH_ISA(isa, ctx)                                                                     \
  for (cw_isa isa = CW_ISA_BASE; isa <= cw_context_isa(ctx); isa++)                                \
    if (cw_isa_is_built(isa))

/* A quiet context with the given number of threads; fails the test if it cannot be made. */
cw_context *test_context(int threads);

/* Group fixtures of cmocka: *state is a quiet context of one or two threads. */
int test_open_context_1(void **state);
int test_open_context_2(void **state);
int test_close_context(void **state);

#endif
