/* The store: round trips, joining, and every way in which a file or a directory can be bad. */
#define _GNU_SOURCE
#include "support/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "causeway/store.h"
#include "ensemble/h5.h"
#include "ensemble/seal.h"
#include "ensemble/segment.h"

static const char JOB[] = "job: test\nlattice: [8, 8]\ntheory:\n  lambda: 8\n";

static cw_store *must_create(const char *name, bool resume) {
  cw_store *store = NULL;
  check_ok(ctx, cw_store_create(ctx, path_of(name), JOB, resume, &store));
  return store;
}

/* Segment number k of a stage: an array of rows, a scalar, an empty array, a large state. */
static cw_arrays sample(long k, long rows) {
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

static void append_sample(cw_store *store, const char *stage, long k, long rows) {
  cw_arrays set = sample(k, rows);
  check_ok(ctx, cw_store_append(store, stage, &set));
  cw_arrays_clear(&set);
}

static void assert_same_sets(const cw_arrays *a, const cw_arrays *b) {
  assert_int_equal(a->n, b->n);
  for (int i = 0; i < a->n; i++) {
    const cw_array *x = &a->array[i], *y = &b->array[i]; /* order is kept, too */
    assert_string_equal(x->name, y->name);
    assert_int_equal(x->rank, y->rank);
    for (int d = 0; d < x->rank; d++) assert_int_equal(x->dim[d], y->dim[d]);
    assert_memory_equal(x->data, y->data, (size_t)cw_array_size(x) * sizeof(double));
  }
}

/* -------------------------------------------------------------------- arrays */

static void test_arrays(void **state) {
  (void)state;
  cw_arrays set = {0};
  double x[6] = {1, 2, 3, 4, 5, 6};
  check_ok(ctx, cw_arrays_put(ctx, &set, "a", 2, (long[]){2, 3}, x));
  check_ok(ctx, cw_arrays_lend(ctx, &set, "b", 1, (long[]){6}, x));
  check_ok(ctx, cw_arrays_put_scalar(ctx, &set, "a", 7)); /* replaces */
  assert_int_equal(set.n, 2);
  assert_true(cw_arrays_scalar(&set, "a", 0) == 7 && cw_arrays_scalar(&set, "c", -1) == -1);
  assert_ptr_equal(cw_arrays_get(&set, "b")->data, x);
  assert_null(cw_arrays_get(&set, "c"));
  for (int i = 0; i < 40; i++) {
    char name[20];
    snprintf(name, sizeof name, "many%d", i);
    check_ok(ctx, cw_arrays_put_scalar(ctx, &set, name, i));
  }
  assert_true(cw_arrays_scalar(&set, "many39", 0) == 39);
  check_failure(ctx, cw_arrays_put(ctx, &set, "a/b", 0, NULL, x), CW_EINVAL, "'a/b' is no name");
  check_failure(ctx, cw_arrays_put(ctx, &set, "", 0, NULL, x), CW_EINVAL, "'' is no name");
  check_failure(ctx, cw_arrays_put(ctx, &set, "r", 5, (long[]){1, 1, 1, 1, 1}, x), CW_EINVAL,
                "rank 5");
  check_failure(ctx, cw_arrays_put(ctx, &set, "r", 1, (long[]){-1}, x), CW_EINVAL,
                "impossible dimensions");
  check_failure(ctx, cw_arrays_put(ctx, &set, "r", 2, (long[]){1L << 40, 1L << 40}, x), CW_EINVAL,
                "impossible");
  cw_arrays_clear(&set);
}

/* --------------------------------------------------------------- round trips */

static void test_round_trip(void **state) {
  (void)state;
  cw_store *store = must_create("a/b/run", false);
  for (long k = 0; k < 3; k++) append_sample(store, "k20/hmc", k, 4 + k);
  append_sample(store, "train", 0, 1);
  assert_int_equal(cw_store_segments(store, "k20/hmc"), 3);
  assert_int_equal(cw_store_segments(store, "none"), 0);
  cw_store_close(store);
  assert_int_equal(access(path_of("a/b/run/store/k20+hmc.000002.h5"), R_OK), 0);

  check_ok(ctx, cw_store_open(ctx, path_of("a/b/run"), &store));
  assert_string_equal(cw_store_job(store), JOB);
  cw_arrays got = {0};
  for (long k = 0; k < 3; k++) {
    cw_arrays expected = sample(k, 4 + k);
    check_ok(ctx, cw_store_read(store, "k20/hmc", k, &got));
    assert_same_sets(&got, &expected);
    check_ok(ctx, cw_store_read(store, "k20/hmc", k - 3, &got)); /* from the end */
    assert_same_sets(&got, &expected);
    cw_arrays_clear(&expected);
  }
  check_failure(ctx, cw_store_read(store, "k20/hmc", 3, &got), CW_EINVAL,
                "no segment 3 of stage 'k20/hmc', which has 3");
  cw_arrays_clear(&got);
  cw_store_close(store);
}

static void test_join(void **state) {
  (void)state;
  cw_store *store = must_create("join", false);
  cw_arrays all = {0};
  check_ok(ctx, cw_store_read_all(store, "hmc", &all));
  assert_int_equal(all.n, 0);
  for (long k = 0; k < 3; k++) append_sample(store, "hmc", k, 2 + k);
  check_ok(ctx, cw_store_read_all(store, "hmc", &all));
  const cw_array *phi = cw_arrays_get(&all, "hmc.phi"), *accept = cw_arrays_get(&all, "accept");
  const cw_array *x = cw_arrays_get(&all, "state.x");
  assert_int_equal(phi->dim[0], 2 + 3 + 4);
  assert_int_equal(phi->dim[1], 3);
  assert_true(phi->data[0] == 0 && phi->data[6] == 1 && phi->data[15] == 2 &&
              phi->data[26] == 2 + 11e-3);
  assert_true(accept->rank == 1 && accept->dim[0] == 3 && accept->data[2] == 2.5);
  assert_true(x->dim[2] == 4 && x->data[0] == 2); /* of the last segment */
  assert_int_equal(cw_arrays_get(&all, "empty")->dim[0], 0);

  cw_arrays odd = {0};
  check_ok(ctx, cw_arrays_put(ctx, &odd, "hmc.phi", 1, (long[]){2}, phi->data));
  check_ok(ctx, cw_store_append(store, "hmc", &odd));
  check_failure(ctx, cw_store_read_all(store, "hmc", &all), CW_ECORRUPT,
                "'hmc.phi' of stage 'hmc' is of another shape");
  cw_arrays_clear(&odd);
  cw_arrays_clear(&all);
  cw_store_close(store);
}

static void test_large_and_odd_shapes(void **state) {
  (void)state;
  cw_store *store = must_create("large", false);
  const long n = 700 * 1024; /* 5.6 MB: several chunks */
  double *x = malloc((size_t)n * sizeof *x);
  for (long i = 0; i < n; i++) x[i] = (double)(i * i % 1013) - 0.25;
  cw_arrays set = {0}, got = {0};
  check_ok(ctx, cw_arrays_lend(ctx, &set, "long", 1, (long[]){n}, x));
  check_ok(ctx, cw_arrays_lend(ctx, &set, "wide", 2, (long[]){2, n / 2}, x));
  check_ok(ctx, cw_arrays_lend(ctx, &set, "cube", 4, (long[]){7, 100, 32, 32}, x));
  double special[4] = {-0.0, INFINITY, -INFINITY, NAN};
  check_ok(ctx, cw_arrays_lend(ctx, &set, "special", 1, (long[]){4}, special));
  double best = 1e9;
  for (int i = 0; i < 5; i++) {
    double t0 = cw_wall_seconds();
    check_ok(ctx, cw_store_append(store, "x", &set));
    best = fmin(best, cw_wall_seconds() - t0);
  }
  print_message("append of %.1f MB: %.1f ms\n", 3 * 8e-6 * (double)n, 1e3 * best);
  check_ok(ctx, cw_store_read(store, "x", 0, &got));
  assert_same_sets(&got, &set);
  cw_arrays_clear(&got);
  cw_arrays_clear(&set);
  free(x);
  cw_store_close(store);
}

/* The same contents give the same file, byte by byte. */
static void test_same_bytes(void **state) {
  (void)state;
  cw_arrays set = sample(1, 50);
  cw_segment_label label = {.stage = (char *)"s", .job = (char *)JOB, .index = 2};
  uint8_t *a, *b;
  size_t na, nb;
  check_ok(ctx, cw_segment_encode(ctx, "a", &label, &set, &a, &na));
  sleep(1); /* a time stamp would show */
  check_ok(ctx, cw_segment_encode(ctx, "b", &label, &set, &b, &nb));
  assert_int_equal(na, nb);
  assert_memory_equal(a, b, na);
  free(a);
  free(b);
  cw_arrays_clear(&set);
}

static void test_long_job_text(void **state) {
  (void)state;
  size_t n = 300000; /* beyond the 64 KiB of an ordinary attribute */
  char *job = malloc(n + 1);
  for (size_t i = 0; i < n; i++) job[i] = (char)('a' + i % 26);
  job[n] = '\0';
  cw_store *store = NULL;
  check_ok(ctx, cw_store_create(ctx, path_of("longjob"), job, false, &store));
  append_sample(store, "s", 0, 2);
  cw_store_close(store);
  check_ok(ctx, cw_store_open(ctx, path_of("longjob"), &store));
  assert_string_equal(cw_store_job(store), job);
  cw_store_close(store);
  free(job);
}

static void test_h5dump_reads_segments(void **state) {
  (void)state;
  if (system("command -v h5dump >/dev/null") != 0) skip();
  cw_store *store = must_create("dump", false);
  append_sample(store, "s", 0, 2);
  cw_store_close(store);
  char command[600];
  snprintf(command, sizeof command,
           "h5dump -a /format %s | grep -q causeway-segment && h5dump -p -d /hmc.phi %s | grep -q "
           "FLETCHER32 && "
           "h5dump -d /hmc.phi %s | grep -q '0.003, 0.004, 0.005'",
           path_of("dump/store/s.000000.h5"), path_of("dump/store/s.000000.h5"),
           path_of("dump/store/s.000000.h5"));
  assert_int_equal(system(command), 0);
}

/* ---------------------------------------------------------- opening and jobs */

static void test_resume(void **state) {
  (void)state;
  cw_store *store = must_create("resume", true);
  append_sample(store, "s", 0, 2);
  cw_store *second = NULL;
  check_failure(ctx, cw_store_create(ctx, path_of("resume"), JOB, true, &second), CW_EIO,
                "another process is writing to");
  cw_store_close(store);

  int fd =
      open(path_of("resume/store/.s.000001.h5.tmp"), O_CREAT | O_WRONLY, 0666); /* left by a kill */
  close(fd);
  check_failure(ctx, cw_store_create(ctx, path_of("resume"), JOB, false, &store), CW_EINVAL,
                "holds results already");
  store = must_create("resume", true);
  assert_int_equal(access(path_of("resume/store/.s.000001.h5.tmp"), F_OK), -1);
  assert_int_equal(cw_store_segments(store, "s"), 1);
  append_sample(store, "s", 1, 2);
  cw_store_close(store);

  const char *other = "job: test\nlattice: [8, 8]\ntheory:\n  lambda: 6\n";
  check_failure(ctx, cw_store_create(ctx, path_of("resume"), other, true, &store), CW_EINVAL,
                "holds another job: line 4 of the resolved job is '  lambda: 8' there and '  "
                "lambda: 6' here");
  check_failure(ctx, cw_store_create(ctx, path_of("resume"), "job: test\n", true, &store),
                CW_EINVAL, "line 2 of the resolved job is 'lattice: [8, 8]' there and '' here");
  check_ok(ctx, cw_store_open(ctx, path_of("resume"), &store));
  assert_int_equal(cw_store_segments(store, "s"), 2);
  cw_store_close(store);
}

static void test_bad_directories(void **state) {
  (void)state;
  cw_store *store = NULL;
  check_failure(ctx, cw_store_open(ctx, path_of("missing"), &store), CW_EIO,
                "No such file or directory");
  close(open(path_of("file"), O_CREAT | O_WRONLY, 0666));
  check_failure(ctx, cw_store_create(ctx, path_of("file"), JOB, false, &store), CW_EIO,
                "/file': there is a file of that name");
  check_failure(ctx, cw_store_create(ctx, path_of("file/below"), JOB, false, &store), CW_EIO,
                "there is a file of that name");
  check_failure(ctx, cw_store_open(ctx, path_of("file"), &store), CW_EIO, "Not a directory");
  cw_store_close(must_create("empty", false));
  check_failure(ctx, cw_store_open(ctx, path_of("empty"), &store), CW_EIO, "holds no results yet");
  assert_null(store);
}

/* Gives up, or takes back, root's right to pass over the permissions of files. Root stays the owner
 * of the directories here, which another user may be unable to reach. Others never have it. */
static void set_override(bool on) {
  const uint32_t override = 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH;
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct set[_LINUX_CAPABILITY_U32S_3];
  if (syscall(SYS_capget, &head, set) != 0) return;
  set[0].effective = (set[0].effective & ~override) | (on ? set[0].permitted & override : 0);
  syscall(SYS_capset, &head, set);
}

static void test_unwritable_directory(void **state) {
  (void)state;
  cw_store *store = NULL;
  mkdir(path_of("locked"), 0555);
  mkdir(path_of("closed"), 0777);
  mkdir(path_of("closed/store"), 0555);
  set_override(false);
  bool closed = faccessat(AT_FDCWD, path_of("locked"), W_OK, AT_EACCESS) != 0;
  cw_status st = closed ? cw_store_create(ctx, path_of("locked"), JOB, false, &store) : CW_OK;
  set_override(true);
  if (!closed) {
    print_message("This user may write anywhere, and cannot give that up: this part is skipped.\n");
    skip();
  }
  check_failure(ctx, st, CW_EIO, "/locked/store': Permission denied");
  set_override(false);
  st = cw_store_create(ctx, path_of("closed"), JOB, false, &store);
  set_override(true);
  check_failure(ctx, st, CW_EIO, "cannot write to directory");
}

static void test_bad_names(void **state) {
  (void)state;
  cw_store *store = must_create("names", false);
  cw_arrays set = {0};
  check_failure(ctx, cw_store_append(store, "../x", &set), CW_EINVAL,
                "'../x' is no name for a stage");
  check_failure(ctx, cw_store_append(store, "a b", &set), CW_EINVAL, "is no name for a stage");
  check_failure(ctx, cw_store_append(store, "a+b", &set), CW_EINVAL, "is no name for a stage");
  check_ok(ctx, cw_store_append(store, "a.b/c-d_e", &set)); /* without arrays */
  check_ok(ctx, cw_store_read(store, "a.b/c-d_e", -1, &set));
  assert_int_equal(set.n, 0);
  cw_store_close(store);
}

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

static void test_every_flip_and_every_cut_is_seen(void **state) {
  (void)state;
  cw_arrays set = sample(0, 2), got = {0};
  cw_segment_label label = {.stage = (char *)"s", .job = (char *)JOB}, found;
  uint8_t *bytes;
  size_t size;
  check_ok(ctx, cw_segment_encode(ctx, "f", &label, &set, &bytes, &size));
  for (size_t i = 0; i < size; i++) {
    uint8_t keep = bytes[i];
    bytes[i] ^= (uint8_t)(1u << (i % 8));
    assert_int_equal(cw_segment_decode(ctx, "f", bytes, size, &found, &got), CW_ECORRUPT);
    bytes[i] = keep;
    cw_clear_error(ctx);
  }
  for (size_t n = 0; n < size; n++) {
    assert_int_equal(cw_segment_decode(ctx, "f", bytes, n, &found, &got), CW_ECORRUPT);
    cw_clear_error(ctx);
  }
  check_ok(ctx, cw_segment_decode(ctx, "f", bytes, size, &found, &got));
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
  cw_h5_image image;
  cw_segment_label label;
  cw_arrays set = {0};
  assert_true(cw_h5_create(&image));
  assert_true(cw_h5_put_text(image.id, "format", format) &&
              cw_h5_put_long(image.id, "version", version) &&
              cw_h5_put_text(image.id, "causeway", "9.8.7") && cw_h5_finish(&image, CW_SEAL_BYTES));
  cw_seal(image.bytes, image.size);
  cw_status st =
      cw_segment_decode(ctx, "f.h5", image.bytes, image.size + CW_SEAL_BYTES, &label, &set);
  check_failure(ctx, st, expected, message);
  free(image.bytes);
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
  cw_seal(junk, 100);
  check_failure(ctx, cw_segment_decode(ctx, "j", junk, sizeof junk, &label, &set), CW_ECORRUPT,
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

static void append_until_killed(const char *dir) {
  cw_store *store = NULL;
  if (cw_store_create(ctx, dir, JOB, true, &store) != CW_OK) _exit(1);
  for (;;) {
    cw_arrays set = sample(cw_store_segments(store, "s"), 3000);
    if (cw_store_append(store, "s", &set) != CW_OK) _exit(1);
    cw_arrays_clear(&set);
  }
}

static void test_kill_at_any_moment(void **state) {
  (void)state;
  const char *dir = path_of("killed");
  long before = 0;
  for (int i = 0; i < 20; i++) {
    pid_t child = fork();
    if (child == 0) append_until_killed(dir);
    usleep((useconds_t)(20000 + 1700 * i));
    kill(child, SIGKILL);
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
      cmocka_unit_test(test_arrays),
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_join),
      cmocka_unit_test(test_large_and_odd_shapes),
      cmocka_unit_test(test_same_bytes),
      cmocka_unit_test(test_long_job_text),
      cmocka_unit_test(test_h5dump_reads_segments),
      cmocka_unit_test(test_resume),
      cmocka_unit_test(test_bad_directories),
      cmocka_unit_test(test_unwritable_directory),
      cmocka_unit_test(test_bad_names),
      cmocka_unit_test(test_every_flip_and_every_cut_is_seen),
      cmocka_unit_test(test_damaged_files_are_named),
      cmocka_unit_test(test_other_formats),
      cmocka_unit_test(test_file_size_limit),
      cmocka_unit_test(test_full_disk),
      cmocka_unit_test(test_kill_at_any_moment),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
