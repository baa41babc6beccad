/* A store in a temporary directory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/cli/check/checks.h"
#include "app/cli/temporary.h"
#include "causeway/store.h"

static cw_status write_store(cw_context *ctx, const char *dir, const double *data, long n) {
  cw_store *store = NULL;
  cw_arrays set = {0};
  CW_TRY(cw_store_create(ctx, dir, "job: check\n", false, &store));
  cw_status st = CW_OK;
  for (long half = 0; half < 2 && st == CW_OK; half++) {
    long n_half = n / 2;
    st = cw_arrays_put(ctx, &set, "data", 1, &n_half, data + half * n_half);
    if (st == CW_OK) st = cw_store_append(store, "check", &set);
  }
  cw_arrays_clear(&set);
  cw_store_close(store);
  return st;
}

static cw_status compare_store(cw_context *ctx, const char *dir, const double *data, long n) {
  cw_store *store = NULL;
  cw_arrays set = {0};
  CW_TRY(cw_store_open(ctx, dir, &store));
  cw_status st = cw_store_read_all(store, "check", &set);
  const cw_array *a = cw_arrays_get(&set, "data");
  if (st == CW_OK &&
      (a == NULL || cw_array_size(a) != n || memcmp(a->data, data, (size_t)n * sizeof *data) != 0))
    st = cw_fail(ctx, CW_ECORRUPT, "what was read is not what was written");
  cw_arrays_clear(&set);
  cw_store_close(store);
  return st;
}

/* A byte of the file changes; the store must notice. */
static cw_status damage_store(cw_context *ctx, const char *dir, const double *data, long n) {
  char path[512];
  snprintf(path, sizeof path, "%s/store/check.000001.h5", dir);
  FILE *f = fopen(path, "r+");
  bool done = f != NULL && fseek(f, 1000, SEEK_SET) == 0;
  int byte = done ? fgetc(f) : EOF;
  done = done && byte != EOF && fseek(f, 1000, SEEK_SET) == 0 && fputc(byte ^ 1, f) != EOF;
  if (f != NULL && fclose(f) != 0) done = false;
  if (!done) return cw_fail(ctx, CW_EIO, "cannot change '%s': %s", path, strerror(errno));
  if (compare_store(ctx, dir, data, n) != CW_ECORRUPT)
    return cw_fail(ctx, CW_ECORRUPT, "a damaged segment was not noticed");
  cw_clear_error(ctx);
  return CW_OK;
}

cw_status cw_check_store(cw_context *ctx, char *found, size_t size) {
  enum { N = 4096 };
  char dir[CW_TEMPORARY];
  double data[N];
  CW_TRY(cw_temporary_make(ctx, "check", dir));
  for (uint32_t i = 0; i < N; i += 2)
    cw_normal2(cw_context_isa(ctx), cw_rng_stream(1, "store"), i, 0, 0, 0, data + i);
  cw_status st = write_store(ctx, dir, data, N);
  if (st == CW_OK) st = compare_store(ctx, dir, data, N);
  if (st == CW_OK) st = damage_store(ctx, dir, data, N);
  cw_temporary_remove(dir);
  snprintf(found, size, "written, read, damage noticed");
  return st;
}
