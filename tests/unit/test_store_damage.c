/* The store when files are damaged, disks are full, and a program is killed while it writes. */
#define _GNU_SOURCE
#include "support/scratch.h"

#include <dirent.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "causeway/store.h"
#include "ensemble/h5.h"
#include "ensemble/seal.h"
#include "ensemble/segment.h"
#include "unit/store_samples.h"

/* -------------------------------------------------------------- damaged files */

static uint8_t *slurp(const char *path, size_t *size) {
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  fseek(f, 0, SEEK_END);
  *size = (size_t)ftell(f);
  rewind(f);
  uint8_t *bytes = malloc(*size);
  assert_int_equal(fread(bytes, 1, *size, f), *size);
  fclose(f);
  return bytes;
}

static void spill(const char *path, const uint8_t *bytes, size_t size) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, size, f), size);
  fclose(f);
}

/* As the store reads a file. */
static cw_status decode(uint8_t *bytes, size_t size, cw_segment_label *label, cw_arrays *set) {
  cw_medium m = {.fd = CW_MEDIUM_MEMORY, .bytes = bytes, .size = size};
  *label = (cw_segment_label){0};
  CW_TRY(cw_seal_check(ctx, "f.h5", &m));
  return cw_segment_decode(ctx, "f.h5", &m, NULL, NULL, label, set);
}

static void test_every_flip_and_every_cut_is_seen(void **state) {
  (void)state;
  cw_arrays set = sample(0, 2), got = {0};
  cw_segment_label label = {.stage = (char *)"s", .job = (char *)JOB}, found;
  cw_medium m = {.fd = CW_MEDIUM_MEMORY};
  check_ok(ctx, cw_segment_encode(ctx, "f", &label, &set, &m));
  uint8_t *bytes = m.bytes;
  const size_t size = m.size;
  for (size_t i = 0; i < size; i++) {
    uint8_t keep = bytes[i];
    bytes[i] ^= (uint8_t)(1u << (i % 8));
    assert_int_equal(decode(bytes, size, &found, &got), CW_ECORRUPT);
    bytes[i] = keep;
    cw_clear_error(ctx);
  }
  for (size_t n = 0; n < size; n++) {
    assert_int_equal(decode(bytes, n, &found, &got), CW_ECORRUPT);
    cw_clear_error(ctx);
  }
  check_ok(ctx, decode(bytes, size, &found, &got));
  assert_same_sets(&got, &set);
  cw_segment_label_clear(&found);
  cw_arrays_clear(&got);
  cw_arrays_clear(&set);
  free(bytes);
}

static void test_damaged_files_are_named(void **state) {
  (void)state;
  cw_store *store = must_create("damage", false);
  for (long k = 0; k < 3; k++) append_sample(store, "s", k, 20);
  cw_store_close(store);
  char first[200], one[200], two[200];
  strcpy(first, path_of("damage/store/s.000000.h5"));
  strcpy(one, path_of("damage/store/s.000001.h5"));
  strcpy(two, path_of("damage/store/s.000002.h5"));
  size_t size;
  uint8_t *good = slurp(one, &size), *bad = slurp(one, &size);
  cw_arrays set = {0};

  bad[size / 2] ^= 4;
  spill(one, bad, size);
  check_ok(ctx, cw_store_open(ctx, path_of("damage"), &store));
  check_failure(ctx, cw_store_read(store, "s", 1, &set), CW_ECORRUPT,
                "s.000001.h5' is damaged: checksum");
  check_failure(ctx, cw_store_read_all(store, "s", &set), CW_ECORRUPT, "s.000001.h5' is damaged");
  check_ok(ctx, cw_store_read(store, "s", 0, &set)); /* the others still read */
  spill(one, good, size / 2);
  check_failure(ctx, cw_store_read(store, "s", 1, &set), CW_ECORRUPT,
                "s.000001.h5' is truncated or damaged");
  spill(one, good, 3);
  check_failure(ctx, cw_store_read(store, "s", 1, &set), CW_ECORRUPT,
                "s.000001.h5' is truncated: 3 bytes are left");
  spill(one, good, size);
  check_ok(ctx, cw_store_read(store, "s", 1, &set));
  cw_store_close(store);

  assert_int_equal(rename(one, two), 0); /* 1 in the place of 2 */
  check_failure(ctx, cw_store_open(ctx, path_of("damage"), &store), CW_ECORRUPT,
                "stage 's' has 2 segments but one with number 2: some are missing");
  spill(one, good, size);
  check_ok(ctx, cw_store_open(ctx, path_of("damage"), &store));
  check_failure(ctx, cw_store_read(store, "s", 2, &set), CW_ECORRUPT,
                "holds segment 1 of stage 's': the file was renamed");
  cw_store_close(store);

  unlink(first);
  check_failure(ctx, cw_store_open(ctx, path_of("damage"), &store), CW_ECORRUPT,
                "some are missing");
  cw_arrays_clear(&set);
  free(good);
  free(bad);
}

/* A file of a later format, or of something else, with a good seal. */
static void seal_and_decode(const char *format, long version, cw_status expected,
                            const char *message) {
  cw_medium m = {.fd = CW_MEDIUM_MEMORY};
  cw_segment_label label;
  cw_arrays set = {0};
  const cw_h5_id file = cw_h5_create(&m);
  assert_true(file >= 0 && cw_h5_put_text(file, "format", format) &&
              cw_h5_put_long(file, "version", version) &&
              cw_h5_put_text(file, "causeway", "9.8.7") && cw_h5_close(file, &m));
  cw_seal(&m);
  check_failure(ctx, decode(m.bytes, m.size, &label, &set), expected, message);
  free(m.bytes);
}

static void test_other_formats(void **state) {
  (void)state;
  seal_and_decode(
      "causeway-segment", 2, CW_EINVAL,
      "'f.h5' is in format version 2 (written by causeway 9.8.7); this causeway " CW_VERSION
      " reads version 1");
  seal_and_decode("causeway-segment", 0, CW_ECORRUPT, "which version");
  seal_and_decode("something", 1, CW_ECORRUPT, "'f.h5' is not a segment of causeway");
  seal_and_decode("causeway-segment", 1, CW_ECORRUPT, "cannot read the label");
  uint8_t junk[100 + CW_SEAL_BYTES] = "no HDF5";
  cw_segment_label label;
  cw_arrays set = {0};
  cw_seal(
      &(cw_medium){.fd = CW_MEDIUM_MEMORY, .bytes = junk, .size = 100, .capacity = sizeof junk});
  check_failure(ctx, decode(junk, sizeof junk, &label, &set), CW_ECORRUPT,
                "not a readable HDF5 file");
}

/* ------------------------------------------------------------------ full disk */

static int count_files(const char *dir) {
  DIR *list = opendir(dir);
  int n = 0;
  for (struct dirent *d; (d = readdir(list)) != NULL;)
    n += strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
  closedir(list);
  return n;
}

static void fill_up(cw_store *store, const char *message) {
  cw_arrays set = {0}, got = {0};
  double *x = calloc(1 << 18, sizeof *x); /* 2 MB */
  check_ok(ctx, cw_arrays_lend(ctx, &set, "x", 1, (long[]){1 << 18}, x));
  for (int i = 0; i < 3; i++)
    check_failure(ctx, cw_store_append(store, "s", &set), CW_EIO, message);
  assert_int_equal(cw_store_segments(store, "s"), 1);
  assert_int_equal(count_files(cw_store_dir(store)), 1); /* nothing is left behind */
  check_ok(ctx, cw_store_read(store, "s", 0, &got));
  cw_arrays_clear(&got);
  cw_arrays_clear(&set);
  free(x);
}

static void test_file_size_limit(void **state) {
  (void)state;
  cw_store *store = must_create("limit", false);
  append_sample(store, "s", 0, 2);
  struct rlimit old, small;
  getrlimit(RLIMIT_FSIZE, &old);
  small = old;
  small.rlim_cur = 1 << 20;
  void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  fill_up(store, "File too large");
  setrlimit(RLIMIT_FSIZE, &old);
  signal(SIGXFSZ, handler);
  append_sample(store, "s", 1, 2); /* goes on once there is room */
  assert_int_equal(cw_store_segments(store, "s"), 2);
  cw_store_close(store);
}

static void test_full_disk(void **state) {
  (void)state;
  mkdir(path_of("tiny"), 0777);
  if (mount("tmpfs", path_of("tiny"), "tmpfs", 0, "size=1m") != 0) skip(); /* needs root */
  cw_store *store = must_create("tiny/run", false);
  append_sample(store, "s", 0, 2);
  fill_up(store, "No space left on device");
  append_sample(store, "s", 1, 2);
  cw_store_close(store);
  umount(path_of("tiny"));
}

/* ------------------------------------------------------------------- kill -9 */

/* A byte into the pipe for every segment that is complete. */
static void append_until_killed(const char *dir, int pipe_end) {
  cw_store *store = NULL;
  if (cw_store_create(ctx, dir, JOB, true, &store) != CW_OK) _exit(1);
  for (;;) {
    cw_arrays set = sample(cw_store_segments(store, "s"), 3000);
    if (cw_store_append(store, "s", &set) != CW_OK || write(pipe_end, "", 1) != 1) _exit(1);
    cw_arrays_clear(&set);
  }
}

static void test_kill_at_any_moment(void **state) {
  (void)state;
  const char *dir = path_of("killed");
  long before = 0;
  for (int i = 0; i < 20; i++) {
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) append_until_killed(dir, ends[1]);
    for (int k = 0; k < 2; k++) assert_int_equal(read(ends[0], &byte, 1), 1);
    usleep((useconds_t)(170 * i)); /* somewhere within the next segment */
    kill(child, SIGKILL);
    close(ends[0]);
    close(ends[1]);
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    cw_store *store = must_create("killed", true);
    long n = cw_store_segments(store, "s");
    assert_true(n >= before);
    assert_int_equal(count_files(cw_store_dir(store)), n);
    cw_arrays got = {0}, expected = sample(n - 1, 3000);
    if (n > 0) {
      check_ok(ctx, cw_store_read(store, "s", -1, &got));
      assert_same_sets(&got, &expected);
    }
    cw_arrays_clear(&expected);
    cw_arrays_clear(&got);
    cw_store_close(store);
    before = n;
  }
  assert_true(before > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_flip_and_every_cut_is_seen),
      cmocka_unit_test(test_damaged_files_are_named),
      cmocka_unit_test(test_other_formats),
      cmocka_unit_test(test_file_size_limit),
      cmocka_unit_test(test_full_disk),
      cmocka_unit_test(test_kill_at_any_moment),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
