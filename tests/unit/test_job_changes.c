/* What is made of a job: overrides, merged cases, and its text as it is written back. */
#include "support/check.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "app/job/job.h"
#include "unit/job_text.h"

static void expect_emit(const cw_job *job, const char *expected) {
  char *text = emit(cw_job_root((cw_job *)job));
  assert_string_equal(text, expected);
  free(text);
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
