/* Job files: parsing and its errors, typed reading, unknown keys. */
#include "support/check.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/job/job.h"
#include "unit/job_text.h"

/* ------------------------------------------------------------------ parsing */

static void refuses(const char *text, const char *message) {
  cw_job *job = NULL;
  expect_error(parse(text, &job), message);
  assert_null(job);
}

static void test_refuses_what_jobs_do_not_have(void **state) {
  (void)state;
  refuses("", "x.yaml: the job is empty; expected a mapping, as in 'theory: {kind: phi4}'");
  refuses("# nothing\n",
          "x.yaml: the job is empty; expected a mapping, as in 'theory: {kind: phi4}'");
  refuses("[1, 2]", "x.yaml: this is no job; expected a mapping, as in 'theory: {kind: phi4}'");
  refuses("a: 1\nb: 2\na: 3\n", "x.yaml:3:1: key 'a' is given twice, first in line 1");
  refuses("a: &x 1\n", "x.yaml:1:4: anchors (&name) are not supported in jobs");
  refuses("a: &x {b: 1}\n", "x.yaml:1:4: anchors (&name) are not supported in jobs");
  refuses("a: 1\nb: *a\n", "x.yaml:2:4: aliases (*name) are not supported in jobs");
  refuses("a: !!int 1\n", "x.yaml:1:4: tags (!name) are not supported in jobs");
  refuses("<<: {a: 1}\n", "x.yaml:1:1: merge keys (<<) are not supported in jobs");
  refuses("a: 1\n---\nb: 1\n", "x.yaml:2:1: a second document in one job");
  refuses("[1]: 2\n", "x.yaml:1:1: a key must be a word");
  refuses("\"\": 2\n", "x.yaml:1:1: an empty key");
  refuses("a: \"x\\0y\"\n", "x.yaml:1:4: a text with a zero byte");
  refuses(
      "a: [1, 2\nb: 3\n",
      "x.yaml:2:2: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence");
  refuses("a: \x01\n", "x.yaml: not a text in UTF-8: control characters are not allowed at byte 3");
  refuses("a: \xff\n", "x.yaml: not a text in UTF-8: invalid leading UTF-8 octet at byte 3");
}

static void test_limits(void **state) {
  (void)state;
  cw_job *job = NULL;
  char deep[200] = "a: ";
  memset(deep + 3, '[', 60);
  memset(deep + 63, ']', 60);
  deep[123] = '\0';
  expect_error(parse(deep, &job), "x.yaml:1:36: nested too deeply");

  size_t size = (1 << 18) + 1;
  char *text = malloc(size);
  memset(text, ' ', size);
  cw_clear_error(ctx);
  expect_error(cw_job_parse(ctx, text, size, "x.yaml", &job),
               "x.yaml: a job file of more than 262144 bytes");

  size_t n = (size_t)sprintf(text, "a: [0");
  for (int i = 0; i < 50000; i++) n += (size_t)sprintf(text + n, ",%d", i % 10);
  sprintf(text + n, "]");
  expect_error(parse(text, &job), "x.yaml: a job of more than 40000 values");
  free(text);

  char long_key[300];
  memset(long_key, 'k', 200);
  strcpy(long_key + 200, ": 1");
  expect_error(parse(long_key, &job), "x.yaml:1:1: a key of more than 128 bytes");
}

static void test_files(void **state) {
  (void)state;
  cw_job *job = NULL;
  char path[] = "/tmp/cw_job_XXXXXX", expected[100];
  int fd = mkstemp(path);
  assert_true(write(fd, JOB, strlen(JOB)) == (ssize_t)strlen(JOB));
  close(fd);
  check_ok(ctx, cw_job_load(ctx, path, &job));
  assert_true(cw_job_has(cw_job_root(job), "theory"));
  cw_job_destroy(job);
  unlink(path);

  assert_int_equal(cw_job_load(ctx, path, &job), CW_EIO);
  snprintf(expected, sizeof expected, "cannot open '%s': No such file or directory", path);
  assert_string_equal(cw_error(ctx), expected);
  cw_clear_error(ctx);
  assert_int_equal(cw_job_load(ctx, "/tmp", &job), CW_EIO);
  assert_string_equal(cw_error(ctx), "cannot read '/tmp': Is a directory");
  cw_clear_error(ctx);
}

/* ------------------------------------------------------------- typed reading */

static void test_typed_getters(void **state) {
  (void)state;
  cw_job *job = must_parse(JOB);
  cw_node *root = cw_job_root(job), *theory, *hmc;
  static const char *const forms[] = {"m2", "kappa", NULL};
  const char *name, *about;
  long seed, steps;
  int lattice[4], dim, form;
  double p[2] = {0}, rate;
  bool tune;
  check_ok(ctx, cw_job_string(root, "job", NULL, &name));
  check_ok(ctx, cw_job_string(root, "about", "", &about));
  check_ok(ctx, cw_job_long(root, "seed", CW_JOB_REQUIRED_LONG, 0, UINT32_MAX, &seed));
  check_ok(ctx, cw_job_int_list(root, "lattice", NULL, 0, 1, 1000, 4, lattice, &dim));
  check_ok(ctx, cw_job_map(root, "theory", CW_JOB_MUST, &theory));
  check_ok(ctx, cw_job_choice(theory, "form", "form", forms, 1, &form));
  check_ok(ctx, cw_job_params(theory, PARAMS, p));
  check_ok(ctx, cw_job_map(root, "hmc", CW_JOB_PRESET, &hmc));
  check_ok(ctx, cw_job_long(hmc, "steps", 2000, 1, LONG_MAX, &steps));
  check_ok(ctx, cw_job_double(hmc, "rate", 1e-3, 0, 1, &rate));
  check_ok(ctx, cw_job_bool(hmc, "tune", true, &tune));
  assert_string_equal(name, "phi4-8x8");
  assert_string_equal(about, "one line, with a comma");
  assert_int_equal(seed, 1);
  assert_int_equal(dim, 2);
  assert_int_equal(lattice[1], 8);
  assert_int_equal(form, 0);
  assert_true(p[0] == -4.0 && p[1] == 8.0);
  assert_int_equal(steps, 2000);
  assert_true(rate == 1e-3 && tune);
  char *text = emit(hmc);
  assert_string_equal(text, "steps: 2000\nrate: 0.001\ntune: true\n");
  free(text);
  cw_job_destroy(job);
}

/* Every wrong value of key x, and the message. */
static void refuses_double(const char *text, const char *message) {
  cw_job *job = must_parse(text);
  double v = 7;
  expect_error(cw_job_double(cw_job_root(job), "x", CW_JOB_REQUIRED_DOUBLE, 0, 10, &v), message);
  assert_true(v == 7);
  cw_job_destroy(job);
}

static void test_wrong_doubles(void **state) {
  (void)state;
  refuses_double("x: abc", "x.yaml:1: x: expected a number, found 'abc'");
  refuses_double("x: 0x10", "x.yaml:1: x: expected a number, found '0x10'");
  refuses_double("x: .nan", "x.yaml:1: x: expected a number, found '.nan'");
  refuses_double("x: inf", "x.yaml:1: x: expected a number, found 'inf'");
  refuses_double("x: nan", "x.yaml:1: x: expected a number, found 'nan'");
  refuses_double("x: .", "x.yaml:1: x: expected a number, found '.'");
  refuses_double("x: 1e", "x.yaml:1: x: expected a number, found '1e'");
  refuses_double("x: 1_0", "x.yaml:1: x: expected a number, found '1_0'");
  refuses_double("x: '1'", "x.yaml:1: x: expected a number, found '1' in quotes");
  refuses_double("x: [1]", "x.yaml:1: x: expected a number, found a sequence");
  refuses_double("\nx:", "x.yaml:2: x: expected a number, found nothing");
  refuses_double("x: 1e999", "x.yaml:1: x: '1e999' is beyond the range of a double");
  refuses_double("x: 10.5", "x.yaml:1: x: must lie in [0, 10], found '10.5'");
  refuses_double("x: -1e-300", "x.yaml:1: x: must lie in [0, 10], found '-1e-300'");
  refuses_double("y: 1", "x.yaml:1: missing key 'x'");
}

static void refuses_long(const char *text, long max, const char *message) {
  cw_job *job = must_parse(text);
  long v = 7;
  expect_error(cw_job_long(cw_job_root(job), "x", CW_JOB_REQUIRED_LONG, 1, max, &v), message);
  assert_int_equal(v, 7);
  cw_job_destroy(job);
}

static void test_wrong_integers(void **state) {
  (void)state;
  refuses_long("x: 1.5", 9, "x.yaml:1: x: expected an integer, found '1.5'");
  refuses_long("x: 1e3", 9, "x.yaml:1: x: expected an integer, found '1e3'");
  refuses_long("x: 010", 9, "x.yaml:1: x: expected an integer, found '010'");
  refuses_long("x: 0x1", 9, "x.yaml:1: x: expected an integer, found '0x1'");
  refuses_long("x: true", 9, "x.yaml:1: x: expected an integer, found 'true'");
  refuses_long("x: 10", 9, "x.yaml:1: x: must lie in [1, 9], found '10'");
  refuses_long("x: 0", LONG_MAX, "x.yaml:1: x: must be at least 1, found '0'");
  refuses_long("x: 99999999999999999999", LONG_MAX,
               "x.yaml:1: x: must be at least 1, found '99999999999999999999'");
  refuses_long("x: -99999999999999999999", 9,
               "x.yaml:1: x: must lie in [1, 9], found '-99999999999999999999'");
}

static void test_wrong_words_and_lists(void **state) {
  (void)state;
  static const char *const kinds[] = {"phi4", "ising", NULL};
  cw_job *job =
      must_parse("kind: phi5\nother: zzz\nflag: yes\nlattice: abc\nlong: [1, 2, 3]\nbad: [1, x]\n"
                 "empty: []\ntext: {}\nblank: ''\nsub: {kind: Ising}\nseq: 3\n");
  cw_node *root = cw_job_root(job), *sub;
  const char *s;
  int index, v[2], n;
  bool flag;
  double d[2];
  expect_error(cw_job_choice(root, "kind", "theory", kinds, 0, &index),
               "x.yaml:1: kind: unknown theory 'phi5'; did you mean 'phi4'? (known: phi4, ising)");
  expect_error(cw_job_choice(root, "other", "theory", kinds, 0, &index),
               "x.yaml:2: other: unknown theory 'zzz' (known: phi4, ising)");
  expect_error(cw_job_choice(root, "absent", "theory", kinds, CW_JOB_REQUIRED, &index),
               "x.yaml:1: missing key 'absent' (one of: phi4, ising)");
  expect_error(cw_job_bool(root, "flag", 1, &flag),
               "x.yaml:3: flag: expected true or false, found 'yes'");
  expect_error(cw_job_int_list(root, "lattice", NULL, 0, 1, 9, 2, v, &n),
               "x.yaml:4: lattice: expected a list of integers, found 'abc'");
  expect_error(cw_job_int_list(root, "long", NULL, 0, 1, 9, 2, v, &n),
               "x.yaml:5: long: expected 1 to 2 integers, found 3");
  expect_error(cw_job_double_list(root, "bad", NULL, 0, 0, 9, 2, d, &n),
               "x.yaml:6: bad[1]: expected a number, found 'x'");
  expect_error(cw_job_int_list(root, "empty", NULL, 0, 1, 9, 2, v, &n),
               "x.yaml:7: empty: expected 1 to 2 integers, found 0");
  expect_error(cw_job_string(root, "text", NULL, &s),
               "x.yaml:8: text: expected a text, found a mapping");
  expect_error(cw_job_string(root, "blank", NULL, &s),
               "x.yaml:9: blank: expected a text that is not empty, found '' in quotes");
  check_ok(ctx, cw_job_map(root, "sub", CW_JOB_MUST, &sub));
  expect_error(
      cw_job_choice(sub, "kind", "theory", kinds, 0, &index),
      "x.yaml:10: sub.kind: unknown theory 'Ising'; did you mean 'ising'? (known: phi4, ising)");
  expect_error(cw_job_list(root, "seq", CW_JOB_MAY, &sub),
               "x.yaml:11: seq: expected a sequence, found '3'");
  expect_error(cw_job_map(root, "seq", CW_JOB_MAY, &sub),
               "x.yaml:11: seq: expected a mapping, found '3'");
  expect_error(cw_job_map(root, "none", CW_JOB_MUST, &sub), "x.yaml:1: missing key 'none'");
  expect_error(cw_job_fail(root, "lattice", "extent %d is odd", 7),
               "x.yaml:4: lattice: extent 7 is odd");
  cw_job_destroy(job);
}

static void test_params(void **state) {
  (void)state;
  cw_job *job = must_parse("\ntheory:\n  lambda: 3\n");
  cw_node *theory;
  double p[2] = {0};
  check_ok(ctx, cw_job_map(cw_job_root(job), "theory", CW_JOB_MUST, &theory));
  expect_error(cw_job_params(theory, PARAMS, p),
               "x.yaml:2: theory: missing key 'm2' (bare mass squared)");
  check_ok(ctx, cw_job_set(job, "theory.m2=-4"));
  check_ok(ctx, cw_job_params(theory, PARAMS, p));
  assert_true(p[0] == -4 && p[1] == 3);
  check_ok(ctx, cw_job_set(job, "theory.lambda=101"));
  expect_error(cw_job_params(theory, PARAMS, p),
               "--set theory.lambda: theory.lambda: must lie in [0, 100], found '101'");
  cw_job_destroy(job);
}

/* --------------------------------------------------------------- unknown keys */

static cw_status read_theory(cw_job *job) {
  cw_node *theory;
  double p[2];
  CW_TRY(cw_job_map(cw_job_root(job), "theory", CW_JOB_MUST, &theory));
  CW_TRY(cw_job_params(theory, PARAMS, p));
  return cw_job_finish(cw_job_root(job));
}

static void unknown(const char *text, const char *set, const char *message) {
  cw_job *job = must_parse(text);
  if (set != NULL) check_ok(ctx, cw_job_set(job, set));
  expect_error(read_theory(job), message);
  cw_job_destroy(job);
}

static void test_unknown_keys(void **state) {
  (void)state;
  unknown("theory:\n  m2: 1\n  lamda: 2\n", NULL,
          "x.yaml:3: unknown key 'lamda' in theory; did you mean 'lambda'?");
  unknown("theory: {m2: 1}\n", "theory.lamda=6",
          "--set theory.lamda: unknown key 'lamda' in theory; did you mean 'lambda'?");
  unknown("theroy: {}\ntheory: {m2: 1}\n", NULL,
          "x.yaml:1: unknown key 'theroy'; did you mean 'theory'?");
  unknown("theory: {m2: 1, xyzzy: {a: 1}}\n", NULL,
          "x.yaml:1: unknown key 'xyzzy' in theory (known: m2, lambda)");
  cw_job *job = must_parse("theory: {m2: 1}\n");
  check_ok(ctx, read_theory(job));
  cw_job_destroy(job);
}

static void test_items_are_checked(void **state) {
  (void)state;
  cw_job *job = must_parse(JOB);
  cw_node *model, *layers;
  static const char *const kinds[] = {"affine", "scale", NULL};
  int kind, n = 0;
  check_ok(ctx, cw_job_map(cw_job_root(job), "model", CW_JOB_MUST, &model));
  check_ok(ctx, cw_job_list(model, "layers", CW_JOB_MUST, &layers));
  assert_int_equal(cw_job_count(layers), 2);
  for (cw_node *layer = cw_job_first(layers); layer != NULL; layer = cw_job_next(layer), n++) {
    check_ok(ctx, cw_job_as_map(layer));
    check_ok(ctx, cw_job_choice(layer, "kind", "layer", kinds, 0, &kind));
    assert_int_equal(kind, n);
  }
  expect_error(cw_job_finish(layers),
               "x.yaml:9: unknown key 'repeat' in model.layers[0] (known: kind)");
  cw_job_accept(layers);
  check_ok(ctx, cw_job_finish(layers));
  check_ok(ctx, cw_job_set(job, "model.layers[1]=7"));
  expect_error(cw_job_as_map(cw_job_next(cw_job_first(layers))),
               "--set model.layers[1]: model.layers[1]: expected a mapping, found '7'");
  cw_job_destroy(job);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refuses_what_jobs_do_not_have),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_files),
      cmocka_unit_test(test_typed_getters),
      cmocka_unit_test(test_wrong_doubles),
      cmocka_unit_test(test_wrong_integers),
      cmocka_unit_test(test_wrong_words_and_lists),
      cmocka_unit_test(test_params),
      cmocka_unit_test(test_unknown_keys),
      cmocka_unit_test(test_items_are_checked),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
