/* The store: round trips, joining, and directories and names that cannot be used. */
#define _GNU_SOURCE
#include "support/scratch.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "causeway/store.h"
#include "ensemble/segment.h"
#include "unit/store_samples.h"

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
  check_failure(ctx, cw_arrays_put(ctx, &set, "r", 9, (long[]){1, 1, 1, 1, 1, 1, 1, 1, 1}, x),
                CW_EINVAL, "rank 9");
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
  cw_medium a = {.fd = CW_MEDIUM_MEMORY}, b = a;
  check_ok(ctx, cw_segment_encode(ctx, "a", &label, &set, &a));
  sleep(1); /* a time stamp would show */
  check_ok(ctx, cw_segment_encode(ctx, "b", &label, &set, &b));
  assert_int_equal(a.size, b.size);
  assert_memory_equal(a.bytes, b.bytes, a.size);
  free(a.bytes);
  free(b.bytes);
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

/* Notes are attributes of the data set: replaced, not piled up; of any length; gone with the array; and
 * nothing that reading minds. */
static void test_notes(void **state) {
  (void)state;
  enum { LONG = 200000 };
  cw_store *store = must_create("notes", false);
  cw_arrays set = sample(0, 4), got = {0}, plain = sample(0, 4);
  char *text = malloc(LONG + 1), line[1200];
  memset(text, 'x', LONG);
  text[LONG] = '\0';
  check_ok(ctx, cw_arrays_note(ctx, &set, "hmc.phi", "columns", "b"));
  check_ok(ctx, cw_arrays_note(ctx, &set, "hmc.phi", "units", "1 a 1/a^4"));
  check_ok(ctx, cw_arrays_note(ctx, &set, "hmc.phi", "columns", "phi m2 E[0]"));
  check_ok(ctx, cw_arrays_note(ctx, &set, "empty", "columns", text));
  check_ok(ctx, cw_arrays_note(ctx, &set, "absent", "columns", "a"));
  check_ok(ctx, cw_arrays_note(ctx, &set, "accept", "columns", "a"));
  check_ok(ctx, cw_arrays_put_scalar(ctx, &set, "accept", 0.5)); /* another array of that name */
  assert_null(cw_arrays_get(&set, "accept")->note[0].text);
  check_ok(ctx, cw_store_append(store, "hmc", &set));
  check_ok(ctx, cw_store_read(store, "hmc", 0, &got));
  assert_same_sets(&got, &plain);
  cw_arrays_clear(&got);
  cw_arrays_clear(&set);
  cw_arrays_clear(&plain);
  cw_store_close(store);
  if (system("command -v h5dump >/dev/null") == 0) {
    char *path = strdup(path_of("notes/store/hmc.000000.h5"));
    snprintf(
        line, sizeof line,
        "h5dump -a /hmc.phi/columns %s | grep -q '\"phi m2 E.0.\"' && h5dump -a "
        "/hmc.phi/units %s | grep -q '\"1 a 1/a^4\"' && h5dump -a /empty/columns %s | tr -cd x | "
        "wc -c | grep -q '^200...$' && ! h5dump -A %s | grep -q '\"a\"'",
        path, path, path, path);
    assert_int_equal(system(line), 0);
    free(path);
  }
  free(text);
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

static const char OTHER[] = "job: test\nlattice: [8, 8]\ntheory:\n  lambda: 6\n";

/* Two states are held while segments are written, and all that is measured stays, also of a job that the store
 * has no more, and arrays without elements that are wider than their file has bytes. */
static void test_release(void **state) {
  (void)state;
  enum { N = 5 };
  cw_arrays got = {0};
  cw_store *store = must_create("release", false);
  for (long k = 0; k < N; k++) {
    cw_arrays set = sample(k, 4);
    check_ok(ctx, cw_arrays_put(ctx, &set, "wide", 2, (long[]){0, 1L << 20}, NULL));
    check_ok(ctx, cw_arrays_note(ctx, &set, "hmc.phi", "columns", "phi m2 E"));
    check_ok(ctx, cw_arrays_note(ctx, &set, "hmc.phi", "units", "1 1 1/a^4"));
    check_ok(ctx, cw_arrays_note(ctx, &set, "state.x", "extents", "4 4"));
    check_ok(ctx, cw_store_release(store, "s"));
    check_ok(ctx, cw_store_append(store, "s", &set));
    cw_arrays_clear(&set);
    if (k == 2) check_ok(ctx, cw_store_change_job(store, OTHER));
    for (long j = 0; j <= k; j++) {
      check_ok(ctx, cw_store_read(store, "s", j, &got));
      assert_int_equal(cw_arrays_get(&got, "state.x") != NULL, j >= k - 1);
      assert_non_null(cw_arrays_get(&got, "wide"));
      assert_true(cw_arrays_scalar(&got, "accept", 0) == 0.5 + (double)j);
    }
  }
  check_ok(ctx, cw_store_read_all(store, "s", &got));
  assert_int_equal(cw_arrays_get(&got, "hmc.phi")->dim[0], 4 * N);
  assert_true(cw_arrays_get(&got, "state.x")->data[0] == N - 1);
  cw_arrays_clear(&got);
  cw_store_close(store);
  if (system("command -v h5dump >/dev/null") != 0) return;
  for (long k = 0; k < N; k++) { /* notes stay where states are given up */
    char line[1200], *path = strdup(path_of("release/store/s.000000.h5"));
    path[strlen(path) - 4] = (char)('0' + k);
    snprintf(
        line, sizeof line,
        "h5dump -a /hmc.phi/columns %s | grep -q '\"phi m2 E\"' && h5dump -a /hmc.phi/units %s | "
        "grep -q '\"1 1 1/a^4\"'",
        path, path);
    assert_int_equal(system(line), 0);
    free(path);
  }
}

/* What is there keeps the text of its own, which the store goes on to know; of all others the store is not. */
static void test_another_job(void **state) {
  (void)state;
  static const char LAST[] = "job: test\n";
  cw_arrays got = {0};
  cw_store *store = must_create("change", true);
  append_sample(store, "s", 0, 2);
  check_ok(ctx, cw_store_change_job(store, OTHER));
  append_sample(store, "s", 1, 2);
  check_ok(ctx, cw_store_change_job(store, LAST));
  assert_int_equal(cw_store_appended(store), 5);
  cw_store_close(store);
  for (int writable = 0; writable < 2; writable++) {
    check_ok(ctx, writable ? cw_store_create(ctx, path_of("change"), JOB, true, &store)
                           : cw_store_open(ctx, path_of("change"), &store));
    assert_string_equal(cw_store_job(store), LAST);
    assert_int_equal(cw_store_segments(store, "s"), 2);
    for (int k = 0; k < 2; k++) check_ok(ctx, cw_store_read(store, "s", k, &got));
    cw_store_close(store);
  }
  assert_int_equal(unlink(path_of("change/store/job.000002.h5")), 0);
  check_ok(ctx, cw_store_open(ctx, path_of("change"), &store));
  assert_string_equal(cw_store_job(store), OTHER);
  cw_store_close(store);
  assert_int_equal(unlink(path_of("change/store/job.000001.h5")), 0);
  check_ok(ctx, cw_store_open(ctx, path_of("change"), &store));
  assert_string_equal(cw_store_job(store), JOB);
  check_failure(ctx, cw_store_read(store, "s", 1, &got), CW_ECORRUPT, "belongs to another job");
  cw_store_close(store);
  cw_arrays_clear(&got);
}

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

  check_ok(ctx, cw_store_create(ctx, path_of("resume"), OTHER, true, &store));
  assert_string_equal(cw_store_job(store), JOB); /* its own, whoever opens it */
  cw_store_close(store);
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_arrays),
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_join),
      cmocka_unit_test(test_large_and_odd_shapes),
      cmocka_unit_test(test_same_bytes),
      cmocka_unit_test(test_long_job_text),
      cmocka_unit_test(test_notes),
      cmocka_unit_test(test_h5dump_reads_segments),
      cmocka_unit_test(test_release),
      cmocka_unit_test(test_another_job),
      cmocka_unit_test(test_resume),
      cmocka_unit_test(test_bad_directories),
      cmocka_unit_test(test_unwritable_directory),
      cmocka_unit_test(test_bad_names),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
