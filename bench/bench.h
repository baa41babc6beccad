/* What the programs of this folder share. */
#ifndef CW_BENCH_H
#define CW_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "causeway/core.h"

static inline void must(cw_context *ctx, cw_status st) {
  if (st == CW_OK) return;
  fprintf(stderr, "bench: %s\n", cw_error(ctx));
  exit(1);
}

static inline double thread_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
