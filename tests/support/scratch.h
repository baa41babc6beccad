/* What every test of a file that reads and writes begins with: a quiet context and a fresh directory,
 * opened by setup and removed by teardown. Define SCRATCH_THREADS before for more than one thread. */
#ifndef CW_TEST_SCRATCH_H
#define CW_TEST_SCRATCH_H

#include "support/check.h"
#include "support/directory.h"

#ifndef SCRATCH_THREADS
#define SCRATCH_THREADS 1
#endif

static cw_context *ctx;
static char *base; /* the directory */

static int setup(void **state) {
  (void)state;
  ctx = test_context(SCRATCH_THREADS);
  base = new_directory();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  remove_directory(base);
  cw_context_destroy(ctx);
  return 0;
}

static inline const char *path_of(const char *name) { return path_in(base, name); }

#endif
