/* What this machine can do, measured in the process that quotes it: FMA peak and a monotonic clock.
 */
#ifndef CW_BENCH_PEAK_H
#define CW_BENCH_PEAK_H

#include <omp.h>
#include <stdbool.h>

#include "causeway/core.h"

typedef float cw_peak_f __attribute__((vector_size(64)));
typedef double cw_peak_d __attribute__((vector_size(64)));

#define CW_PEAK_LOOP(type, target)                                                                 \
  {                                                                                                \
    type a[12], x = {0}, y = {0};                                                                  \
    x += 0.999f;                                                                                   \
    y += 0.001f;                                                                                   \
    for (int k = 0; k < 12; k++) a[k] = x + (float)k;                                              \
    for (long i = 0; i < turns; i++)                                                               \
      for (int k = 0; k < 12; k++) a[k] = a[k] * x + y;                                            \
    for (int k = 1; k < 12; k++) a[0] += a[k];                                                     \
    sink = (double)a[0][0];                                                                        \
  }

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CW_PEAK_V4 __attribute__((target("avx512f,fma"), optimize("O3,fp-contract=fast"), noinline))
#define CW_PEAK_V3 __attribute__((target("avx2,fma"), optimize("O3,fp-contract=fast"), noinline))
#else
#define CW_PEAK_V4 __attribute__((noinline))
#define CW_PEAK_V3 __attribute__((noinline))
#endif

static CW_PEAK_V4 double cw_peak_run_v4(bool single, long turns) {
  volatile double sink = 0;
  if (single)
    CW_PEAK_LOOP(cw_peak_f, v4)
  else
    CW_PEAK_LOOP(cw_peak_d, v4)
  return sink;
}

static CW_PEAK_V3 double cw_peak_run_v3(bool single, long turns) {
  volatile double sink = 0;
  if (single)
    CW_PEAK_LOOP(cw_peak_f, v3)
  else
    CW_PEAK_LOOP(cw_peak_d, v3)
  return sink;
}

/* Best of several, GFlop/s of all threads together, by a clock: seconds since whenever. */
static inline double cw_peak_gflops_by(cw_isa isa, bool single, int threads,
                                       double (*seconds)(void)) {
  const long turns = 4000000;
  double best = 0, flops = 2.0 * 12 * (single ? 16 : 8) * (double)turns * threads;
  for (int trial = 0; trial < 5; trial++) {
    double t = seconds();
#pragma omp parallel num_threads(threads)
    (void)(isa == CW_ISA_V4 ? cw_peak_run_v4 : cw_peak_run_v3)(single, turns);
    t = seconds() - t;
    if (flops / t * 1e-9 > best) best = flops / t * 1e-9;
  }
  return best;
}

static inline double cw_peak_gflops(cw_isa isa, bool single, int threads) {
  return cw_peak_gflops_by(isa, single, threads, cw_wall_seconds);
}

#endif
