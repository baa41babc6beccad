/* Job files: parsing and its errors, overrides, merging, typed reading, unknown keys, canonical
 * text. */
#include "support/check.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/job/job.h"

static const char JOB[] =
    "job: phi4-8x8\n"
    "about: one line, with a comma\n"
    "seed: 1\n"
    "lattice: [8, 8]\n"
    "theory: {kind: phi4, form: m2, m2: -4, lambda: 8.0}\n"
    "model:\n"
    "  prior: {kind: normal}\n"
    "  layers:\n"
    "    - {kind: affine, repeat: 16, z2: false, net: {kind: conv, hidden: [8, 8], kernel: 3}}\n"
    "    - kind: scale\n"
    "hmc:\n"
    "nis: {samples: 65536}\n"
    "cases:\n"
    "  k20: {theory: {kappa: 0.2}}\n"
    "  k30:\n"
    "    theory:\n"
    "      kappa: 0.3\n"
    "      m2: ~\n";

static const cw_param PARAMS[] = {{"m2", "bare mass squared", NAN, -1e3, 1e3, CW_REAL},
                                  {"lambda", "quartic coupling", 1.5, 0, 100, CW_REAL},
                                  {0}};

static cw_context *ctx;

static int setup(void **state) {
  (void)state;
  ctx = test_context(1);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  cw_context_destroy(ctx);
  return 0;
}

static cw_status parse(const char *text, cw_job **job) {
  cw_clear_error(ctx);
  return cw_job_parse(ctx, text, strlen(text), "x.yaml", job);
}

static cw_job *must_parse(const char *text) {
  cw_job *job = NULL;
  check_ok(ctx, parse(text, &job));
  return job;
}

static char *emit(const cw_node *node) {
  char *text = NULL;
  check_ok(ctx, cw_job_emit(node, &text));
  return text;
}

static void expect_error(cw_status st, const char *message) {
  assert_int_equal(st, CW_EINVAL);
  assert_string_equal(cw_error(ctx), message);
  cw_clear_error(ctx);
}

static void expect_emit(const cw_job *job, const char *expected) {
  char *text = emit(cw_job_root((cw_job *)job));
  assert_string_equal(text, expected);
  free(text);
}

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
  for (int i = 0; i < 12000; i++) n += (size_t)sprintf(text + n, ",%d", i % 10);
  sprintf(text + n, "]");
  expect_error(parse(text, &job), "x.yaml: a job of more than 10000 values");
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

/* ---------------------------------------------------------------- overrides */

static void set_gives(const char *text, const char *set, const char *expected) {
  cw_job *job = must_parse(text);
  check_ok(ctx, cw_job_set(job, set));
  expect_emit(job, expected);
  cw_job_destroy(job);
}

static void test_set(void **state) {
  (void)state;
  set_gives("a: 1\n", "a=[8,8]", "a: [8, 8]\n");
  set_gives("a: 1\n", "b=true", "a: 1\nb: true\n");
  set_gives("a: {b: 1}\n", "a.b=1e-3", "a:\n  b: 1e-3\n");
  set_gives("a: {}\n", "a.c.d=some words", "a:\n  c:\n    d: some words\n");
  set_gives("a:\n", "a.c=1", "a:\n  c: 1\n");
  set_gives("l: [{k: 1}, {k: 2}]\n", "l[1].k=3", "l:\n  - k: 1\n  - k: 3\n");
  set_gives("l: [[1, 2], [3]]\n", "l[0][1]=7", "l:\n  - [1, 7]\n  - [3]\n");
  set_gives("a: 1\nb: 2\n", "a=null", "b: 2\n");
  set_gives("a: {b: 1}\n", "a={c: x}", "a:\n  c: x\n");
  set_gives("a: 1\n", "a=x=y", "a: x=y\n");
}

static void set_refuses(const char *set, const char *message) {
  cw_job *job = must_parse("a: 1\nl: [1, 2]\n");
  expect_error(cw_job_set(job, set), message);
  cw_job_destroy(job);
}

static void test_set_errors(void **state) {
  (void)state;
  set_refuses("a", "--set a: expected path=value, as in theory.lambda=6.0");
  set_refuses("=1", "--set =1: expected path=value, as in theory.lambda=6.0");
  set_refuses("a=", "--set a=: expected path=value, as in theory.lambda=6.0");
  set_refuses("a..b=1", "--set a..b: expected a path of keys and [n], as in layers[2].net.kernel");
  set_refuses("a.b=1", "--set a.b: no key 'b' can be set: what stands before it is no mapping");
  set_refuses("a[0]=1", "--set a[0]: an index, but what stands before it is no sequence");
  set_refuses("l[2]=1", "--set l[2]: no item [2]: the sequence has 2, counted from 0");
  set_refuses("l[99999999999999999999]=1",
              "--set l[99999999999999999999]: no item [99999]: the sequence has 2, counted from 0");
  set_refuses("l[x]=1", "--set l[x]: expected a number between [ and ]");
  set_refuses("l[0=1", "--set l[0: expected a number between [ and ]");
  set_refuses("l[0]x=1",
              "--set l[0]x: expected a path of keys and [n], as in layers[2].net.kernel");
  set_refuses("l[0]=null", "--set l[0]: an item of a sequence cannot be removed");
  set_refuses("a b=1", "--set a b: expected a path of keys and [n], as in layers[2].net.kernel");
  set_refuses(
      "a=[1",
      "--set a: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence");
  set_refuses("a=*b", "--set a: aliases (*name) are not supported in jobs");
  set_refuses("a={b: 1, b: 2}", "--set a: key 'b' is given twice");
}

/* -------------------------------------------------------------------- merging */

static void test_merge(void **state) {
  (void)state;
  cw_job *base = must_parse(JOB), *job = NULL, *plain = NULL;
  cw_node *cases = NULL, *theory, *sub;
  double kappa;
  check_ok(ctx, cw_job_map(cw_job_root(base), "cases", CW_JOB_MAY, &cases));
  cw_node *k30 = cw_job_next(cw_job_first(cases));
  assert_string_equal(cw_job_key(k30), "k30");
  check_ok(ctx, cw_job_merge(base, k30, &job));
  cw_job_remove(cw_job_root(job), "cases");
  assert_false(cw_job_has(cw_job_root(job), "cases"));
  check_ok(ctx, cw_job_map(cw_job_root(job), "theory", CW_JOB_MUST, &theory));
  check_ok(ctx, cw_job_double(theory, "kappa", 0, 0, 1, &kappa));
  assert_true(kappa == 0.3);
  assert_false(cw_job_has(theory, "m2")); /* ~ removes */
  assert_true(cw_job_has(theory, "lambda"));
  expect_error(cw_job_fail(theory, "kappa", "here"), "x.yaml:17: theory.kappa: here");
  expect_error(cw_job_fail(theory, "lambda", "here"), "x.yaml:5: theory.lambda: here");

  check_ok(ctx, cw_job_map(cw_job_root(base), "theory", CW_JOB_MUST,
                           &theory)); /* the base is as it was */
  assert_true(cw_job_has(theory, "m2"));
  assert_false(cw_job_has(theory, "kappa"));

  check_ok(ctx, cw_job_merge(base, NULL, &plain)); /* a plain copy */
  char *a = emit(cw_job_root(plain)), *b = emit(cw_job_root(base));
  assert_int_equal(strlen(a),
                   strlen(b)); /* same lines; base was partly read, so in another order */
  free(a);
  free(b);

  check_ok(ctx, cw_job_replace(k30, cw_job_root(job)));
  check_ok(ctx, cw_job_finish(k30));
  check_ok(ctx, cw_job_map(k30, "nis", CW_JOB_MUST, &sub));
  expect_error(cw_job_merge(base, cw_job_first(sub), &plain),
               "x.yaml:12: cases.k30.nis.samples: expected a mapping of keys to change");
  cw_job_destroy(plain);
  cw_job_destroy(job);
  cw_job_destroy(base);
}

static void test_merge_onto_other_kinds(void **state) {
  (void)state;
  cw_job *base = must_parse("a: 1\nb: {c: 1}\nd: {e: 1}\n"), *out = NULL;
  cw_job *patch = must_parse("a: {x: 1, y: ~}\nb: 2\nd: {e: ~, f: [1]}\ng: ~\nh: {i: ~}\n");
  check_ok(ctx, cw_job_merge(base, cw_job_root(patch), &out));
  expect_emit(out, "a:\n  x: 1\nb: 2\nd:\n  f: [1]\nh: {}\n");
  cw_job_destroy(out);
  cw_job_destroy(patch);
  cw_job_destroy(base);
}

/* ------------------------------------------------------------------- emission */

static void emits(const char *text, const char *expected) {
  cw_job *job = must_parse(text);
  expect_emit(job, expected);
  cw_job_destroy(job);
  job = must_parse(expected); /* canonical: a fixed point */
  expect_emit(job, expected);
  cw_job_destroy(job);
}

static void test_emit(void **state) {
  (void)state;
  emits("a:  'word'\n", "a: word\n");
  emits("a: '8'\n", "a: \"8\"\n");
  emits("a: 'true'\nb: 'No'\nc: ''\nd: '~'\n", "a: \"true\"\nb: \"No\"\nc: \"\"\nd: \"~\"\n");
  emits("a:\nb: null\nc: ~\n", "a: ~\nb: ~\nc: ~\n");
  emits("a: {}\nb: []\nc: [{}, []]\n", "a: {}\nb: []\nc:\n  - {}\n  - []\n");
  emits("a: x, y\nb: \"q\\\"\\\\\\n\\t\\x7f\"\n", "a: \"x, y\"\nb: \"q\\\"\\\\\\n\\x09\\x7F\"\n");
  emits("a: \xcf\x86\xe2\x81\xb4 on 8\xc3\x97"
        "8\n",
        "a: \"\xcf\x86\xe2\x81\xb4 on 8\xc3\x97"
        "8\"\n");
  emits("a: \"\\N\\_\\L\\uFEFF\\uFFFE\\U0001F600\"\n",
        "a: \"\\x85\\xA0\\u2028\\uFEFF\\uFFFE\xf0\x9f\x98\x80\"\n");
  emits("a: |\n  two\n  lines\n", "a: \"two\\nlines\\n\"\n");
  emits("? 'odd: key'\n: 1\n'-': 2\n'---': 3\n", "\"odd: key\": 1\n\"-\": 2\n\"---\": 3\n");
  emits("l:\n- - - a: 1\n      b: 2\n  - 3\n- c:\n    d: [1]\n",
        "l:\n  -\n    -\n      - a: 1\n        b: 2\n    - 3\n  - c:\n      d: [1]\n");
}

/* Two jobs that say the same in other words resolve to the same text, with presets. */
static void test_resolved_text(void **state) {
  (void)state;
  const char *one = "theory: {lambda: 8.0, m2: -4.00}\nlattice: [8, 8]\n";
  const char *two = "lattice: [+8, 8]\ntheory:\n  m2: -4\n  lambda: 80e-1\n";
  const char *expected =
      "lattice: [8, 8]\nsizes: [1, 2]\ntheory:\n  m2: -4\n  lambda: 8\nhmc:\n  rate: 0.1\n"
      "  kind: leapfrog\n  note: \"5\"\nweights: [0.5]\n";
  static const char *const kinds[] = {"leapfrog", "omelyan", NULL};
  static const int sizes[] = {1, 2};
  static const double weights[] = {0.5};
  const char *texts[2] = {one, two};
  for (int i = 0; i < 2; i++) {
    cw_job *job = must_parse(texts[i]);
    cw_node *root = cw_job_root(job), *theory, *hmc, *absent;
    int lattice[2], n, kind;
    double p[2], rate;
    const char *note;
    check_ok(ctx, cw_job_int_list(root, "lattice", NULL, 0, 1, 9, 2, lattice, &n));
    check_ok(ctx, cw_job_int_list(root, "sizes", sizes, 2, 1, 9, 2, lattice, &n));
    assert_true(n == 2 && lattice[1] == 2);
    check_ok(ctx, cw_job_map(root, "theory", CW_JOB_MUST, &theory));
    check_ok(ctx, cw_job_params(theory, PARAMS, p));
    check_ok(ctx, cw_job_map(root, "hmc", CW_JOB_PRESET, &hmc));
    check_ok(ctx, cw_job_double(hmc, "rate", 0.1, 0, 1, &rate));
    check_ok(ctx, cw_job_choice(hmc, "kind", "integrator", kinds, 0, &kind));
    check_ok(ctx, cw_job_string(hmc, "note", "5", &note));
    assert_string_equal(note, "5");
    check_ok(ctx, cw_job_map(root, "train", CW_JOB_MAY, &absent));
    assert_null(absent);
    check_ok(ctx, cw_job_double_list(root, "weights", weights, 1, 0, 1, 2, p, &n));
    check_ok(ctx, cw_job_finish(root));
    expect_emit(job, expected);
    cw_job_destroy(job);
  }
}

static void test_shortest_doubles(void **state) {
  (void)state;
  char text[CW_DOUBLE_TEXT];
  static const struct {
    double value;
    const char *text;
  } known[] = {{0.1, "0.1"},       {1.0 / 3, "0.3333333333333333"},
               {-4, "-4"},         {1e-3, "0.001"},
               {65536, "65536"},   {1e22, "1e+22"},
               {5e-324, "5e-324"}, {0.1 + 0.2, "0.30000000000000004"}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    cw_format_double(known[i].value, text);
    assert_string_equal(text, known[i].text);
    assert_true(strtod(text, NULL) == known[i].value);
  }
}

static void test_nearest(void **state) {
  (void)state;
  static const char *const words[] = {"lambda", "kappa", "m2", "theory", "run", "report", NULL};
  assert_string_equal(cw_nearest("lamda", words), "lambda");
  assert_string_equal(cw_nearest("labmda", words), "lambda"); /* swapped neighbours are one edit */
  assert_string_equal(cw_nearest("THEORY", words), "theory");
  assert_string_equal(cw_nearest("theroy", words), "theory");
  assert_string_equal(cw_nearest("m3", words), "m2");
  assert_string_equal(cw_nearest("rnu", words), "run");
  assert_string_equal(cw_nearest("reprot", words), "report");
  assert_null(cw_nearest("xyzzy", words));
  assert_null(cw_nearest("x", words));
  assert_null(cw_nearest("", words));
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
      cmocka_unit_test(test_set),
      cmocka_unit_test(test_set_errors),
      cmocka_unit_test(test_merge),
      cmocka_unit_test(test_merge_onto_other_kinds),
      cmocka_unit_test(test_emit),
      cmocka_unit_test(test_resolved_text),
      cmocka_unit_test(test_shortest_doubles),
      cmocka_unit_test(test_nearest),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
