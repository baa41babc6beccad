/* Arrays that are made while they are written and taken while they are read; media; states that are given up unread. */
#include "support/scratch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/store.h"
#include "ensemble/seal.h"
#include "unit/store_samples.h"

enum { ROWS = 37, WIDTH = 45000 }; /* 2 rows are a chunk, the last of which is not full */

static double number(long row, long k) { return (double)row + 1e-6 * (double)k; }

static void make(const void *of, long first, long n, double *out) {
  assert_int_equal(*(const int *)of, 7);
  for (long i = 0; i < n; i++)
    for (long k = 0; k < WIDTH; k++) out[i * WIDTH + k] = number(first + i, k);
}

static void take(void *of, long first, long n, const double *rows) {
  long *next = of;
  assert_int_equal(first, *next); /* in order, none twice */
  for (long i = 0; i < n; i++)
    for (long k = 0; k < WIDTH; k++) assert_true(rows[i * WIDTH + k] == number(first + i, k));
  *next += n;
}

static bool is_large(const cw_array *shape) { return strcmp(shape->name, "state.large") == 0; }

static void append_large(cw_store *store, double value) {
  static const int seven = 7;
  cw_arrays set = {0};
  check_ok(ctx, cw_arrays_put_scalar(ctx, &set, "a", value));
  check_ok(ctx,
           cw_arrays_put_rows(ctx, &set, "state.large", 2, (long[]){ROWS, WIDTH}, make, &seven));
  check_ok(ctx, cw_arrays_put_scalar(ctx, &set, "b", value));
  check_ok(ctx, cw_store_append(store, "s", &set));
  cw_arrays_clear(&set);
}

static void test_rows(void **state) {
  (void)state;
  cw_store *store = must_create("rows", false);
  cw_arrays got = {0};
  long next = 0;
  append_large(store, 1);
  check_ok(ctx, cw_store_read(store, "s", 0, &got));
  const cw_array *a = cw_arrays_get(&got, "state.large");
  assert_true(a != NULL && a->rank == 2 && a->dim[0] == ROWS && a->dim[1] == WIDTH);
  take(&next, 0, ROWS, a->data);
  check_ok(ctx, cw_store_read_but(store, "s", -1, is_large, &got));
  a = cw_arrays_get(&got, "state.large");
  assert_true(a->data == NULL && cw_array_size(a) == ROWS * WIDTH);
  assert_true(cw_arrays_scalar(&got, "a", 0) == 1 && cw_arrays_scalar(&got, "b", 0) == 1);
  next = 0;
  check_ok(ctx, cw_store_read_rows(store, "s", -1, a, take, &next));
  assert_int_equal(next, ROWS);
  cw_array other = *a;
  other.dim[0]--;
  check_failure(ctx, cw_store_read_rows(store, "s", -1, &other, take, &next), CW_ECORRUPT,
                "cannot read an array");
  cw_arrays_clear(&got);
  cw_store_close(store);
}

static void flip(const char *path, long at) {
  FILE *f = fopen(path, "r+b");
  assert_non_null(f);
  fseek(f, at, at < 0 ? SEEK_END : SEEK_SET);
  const int byte = fgetc(f);
  fseek(f, at, at < 0 ? SEEK_END : SEEK_SET);
  fputc(byte ^ 8, f);
  fclose(f);
}

/* What is given up is not read; what stays is vouched for by HDF5's checksums. */
static void test_release_reads_no_state(void **state) {
  (void)state;
  cw_store *store = must_create("release", false);
  cw_arrays got = {0};
  char first[200];
  strcpy(first, path_of("release/store/s.000000.h5"));
  append_large(store, 1);
  append_large(store, 2);
  flip(first, ROWS * WIDTH * 4L); /* in the midst of the state */
  check_failure(ctx, cw_store_read(store, "s", 0, &got), CW_ECORRUPT, "damaged: checksum");
  check_ok(ctx, cw_store_release(store, "s"));
  check_ok(ctx, cw_store_read(store, "s", 0, &got));
  assert_true(got.n == 2 && cw_arrays_scalar(&got, "b", 0) == 1);
  cw_arrays_clear(&got);
  cw_store_close(store);
}

/* The checksum of a file is that of its bytes, in whatever order and however often they were written. */
static void test_medium(void **state) {
  (void)state;
  enum { N = 1 << 20 };
  FILE *file = tmpfile();
  uint8_t *bytes = malloc(N);
  for (long i = 0; i < N; i++) bytes[i] = (uint8_t)(i * i >> 7);
  cw_medium there = {.fd = fileno(file)}, here = {.fd = CW_MEDIUM_MEMORY};
  cw_medium *const both[] = {&there, &here};
  static const long pieces[][2] = {{100, 70000},    {300000, 200000}, {70100, 5},
                                   {299990, 20},    {600000, 100000}, {500000, 80000},
                                   {650000, 90000}, {600000, 100000}};
  for (size_t k = 0; k < 2 * sizeof pieces / sizeof *pieces; k++) {
    const long *p = pieces[k / 2];
    cw_medium_put(both[k % 2], (size_t)p[0], bytes + (k / 2 * 31 + (size_t)p[0]) % 1000,
                  (size_t)p[1]);
  }
  for (int k = 0; k < 2; k++) {
    cw_medium_resize(both[k], 800000);
    cw_seal(both[k]);
    assert_int_equal(both[k]->problem, 0);
  }
  assert_true(there.n_pieces > 0);
  assert_int_equal(there.size, here.size);
  assert_true(cw_medium_get(&there, 0, bytes, there.size));
  assert_memory_equal(bytes, here.bytes, here.size); /* and so the seals are */
  check_ok(ctx, cw_seal_check(ctx, "m", &here));
  assert_false(cw_medium_get(&here, 1, bytes, 800000));
  cw_medium_forget(&there);
  free(here.bytes);
  free(bytes);
  fclose(file);
}

#if defined(__linux__)
/* In place of the system's. */
static int disk_says;
int sync_file_range(int fd, long from, long n, unsigned how);
int sync_file_range(int fd, long from, long n, unsigned how) {
  (void)fd;
  assert_true(from >= 0 && n > 0 && how != 0);
  errno = disk_says;
  return disk_says != 0 ? -1 : 0;
}

/* A disk may be known to be full only when bytes are sent to it, and says so once. */
static void test_full_disk_behind_memory(void **state) {
  (void)state;
  enum { N = 1 << 22, TURNS = 35 }; /* two windows, and the beginning of a third */
  static const int says[][2] = {{0, 0}, {ENOSPC, ENOSPC}, {EIO, EIO}, {ENOSYS, 0}, {ESPIPE, 0}};
  uint8_t *bytes = calloc(N, 1);
  for (size_t k = 0; k < sizeof says / sizeof *says; k++) {
    FILE *file = tmpfile();
    cw_medium m = {.fd = fileno(file)};
    disk_says = says[k][0];
    for (size_t i = 0; i < TURNS; i++) cw_medium_put(&m, i * N, bytes, N);
    assert_int_equal(m.problem, says[k][1]);
    cw_medium_forget(&m);
    fclose(file);
  }
  disk_says = 0;
  free(bytes);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rows),
    cmocka_unit_test(test_release_reads_no_state),
    cmocka_unit_test(test_medium),
#if defined(__linux__)
    cmocka_unit_test(test_full_disk_behind_memory),
#endif
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
