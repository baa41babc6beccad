/* Stores with a few segments of known content. */
#ifndef CW_TEST_STORE_SAMPLES_H
#define CW_TEST_STORE_SAMPLES_H

#include "support/scratch.h"

#include <stdlib.h>

#include "causeway/store.h"

static const char JOB[] = "job: test\nlattice: [8, 8]\ntheory:\n  lambda: 8\n";

static inline cw_store *must_create(const char *name, bool resume) {
  cw_store *store = NULL;
  check_ok(ctx, cw_store_create(ctx, path_of(name), JOB, resume, &store));
  return store;
}

/* Segment number k of a stage: an array of rows, a scalar, an empty array, a large state. */
static inline cw_arrays sample(long k, long rows) {
  cw_arrays set = {0};
  long dim[4] = {rows, 3};
  double *x = malloc((size_t)rows * 3 * sizeof *x);
  for (long i = 0; i < rows * 3; i++) x[i] = (double)k + 1e-3 * (double)i;
  check_ok(ctx, cw_arrays_put(ctx, &set, "hmc.phi", 2, dim, x));
  check_ok(ctx, cw_arrays_put_scalar(ctx, &set, "accept", 0.5 + (double)k));
  check_ok(ctx, cw_arrays_put(ctx, &set, "empty", 1, (long[]){0}, x));
  check_ok(ctx, cw_arrays_put(ctx, &set, "state.x", 4, (long[]){1, 1, rows, 3}, x));
  free(x);
  return set;
}

static inline void append_sample(cw_store *store, const char *stage, long k, long rows) {
  cw_arrays set = sample(k, rows);
  check_ok(ctx, cw_store_append(store, stage, &set));
  cw_arrays_clear(&set);
}

static inline void assert_same_sets(const cw_arrays *a, const cw_arrays *b) {
  assert_int_equal(a->n, b->n);
  for (int i = 0; i < a->n; i++) {
    const cw_array *x = &a->array[i], *y = &b->array[i]; /* order is kept, too */
    assert_string_equal(x->name, y->name);
    assert_int_equal(x->rank, y->rank);
    for (int d = 0; d < x->rank; d++) assert_int_equal(x->dim[d], y->dim[d]);
    assert_memory_equal(x->data, y->data, (size_t)cw_array_size(x) * sizeof(double));
  }
}

#endif
