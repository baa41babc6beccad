#include "core/context.h"

#include <math.h>
#include <omp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/comm.h"
#include "simd/dispatch.h"

void cw_bug(const char *file, int line, const char *function, const char *condition) {
  fprintf(stderr, "causeway: bug: %s:%d: %s: '%s' does not hold\n", file, line, function,
          condition);
  abort();
}

static bool runs_here(cw_isa isa) {
#ifdef __x86_64__
  __builtin_cpu_init();
  bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
            __builtin_cpu_supports("bmi2");
  bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (isa == CW_ISA_V4) return v4;
  if (isa == CW_ISA_V3) return v3;
#endif
  return isa == CW_ISA_BASE;
}

const char *cw_isa_name(cw_isa isa) {
  static const char *const names[] = {"base", "v3", "v4"};
  return names[isa];
}

/* The best that there is, or what CAUSEWAY_ISA asks for. */
static cw_status choose_isa(cw_context *ctx) {
  const char *want = getenv("CAUSEWAY_ISA");
  char usable[32];
  size_t n = 0;
  bool found = want == NULL || *want == '\0';
  for (cw_isa isa = CW_ISA_BASE; isa <= CW_ISA_V4; isa++) {
    if (!cw_isa_is_built(isa) || !runs_here(isa)) continue;
    const char *name = cw_isa_name(isa);
    n += (size_t)snprintf(usable + n, sizeof usable - n, "%s%s", n > 0 ? ", " : "", name);
    if (want == NULL || *want == '\0' || strcmp(want, name) == 0) {
      ctx->isa = isa;
      found = true;
    }
  }
  if (found) return CW_OK;
  return cw_fail(ctx, CW_EINVAL,
                 "CAUSEWAY_ISA='%.20s': expected one of those that this program has and this "
                 "processor runs: %s",
                 want, usable);
}

cw_status cw_context_create(const cw_context_options *options, cw_context **out) {
  cw_context *ctx = calloc(1, sizeof *ctx);
  if (ctx == NULL) return CW_ENOMEM;
  if (options != NULL) {
    ctx->quiet = options->quiet;
    ctx->threads = options->threads;
  }
  if (ctx->threads <= 0) ctx->threads = omp_get_max_threads();
  *out = ctx; /* handed out in case of failure too, for its message */
  cw_comm_start(ctx, options == NULL || options->use_mpi);
  return choose_isa(ctx);
}

void cw_context_destroy(cw_context *ctx) {
  if (ctx == NULL) return;
  cw_comm_stop(ctx);
  free(ctx);
}

cw_status cw_fail(cw_context *ctx, cw_status status, const char *format, ...) {
  if (ctx == NULL) return status;
#pragma omp critical(cw_context_error)
  if (ctx->error[0] == '\0') {
    va_list args;
    va_start(args, format);
    vsnprintf(ctx->error, sizeof ctx->error, format, args);
    va_end(args);
  }
  return status;
}

const char *cw_error(const cw_context *ctx) { return ctx->error; }
void cw_clear_error(cw_context *ctx) { ctx->error[0] = '\0'; }

int cw_exit_code(cw_status status) {
  switch (status) {
  case CW_OK:
    return 0;
  case CW_EINVAL:
  case CW_EIO:
  case CW_ECORRUPT:
    return 2;
  case CW_ENUMERIC:
    return 3;
  case CW_ENOMEM:
    return 4;
  case CW_EINTERRUPTED:
    return 130;
  }
  return 1;
}

int cw_threads(const cw_context *ctx) { return ctx->threads; }
cw_isa cw_context_isa(const cw_context *ctx) { return ctx->isa; }

static double seconds_of(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double cw_wall_seconds(void) { return seconds_of(CLOCK_MONOTONIC); }

double cw_cpu_seconds(void) { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }
