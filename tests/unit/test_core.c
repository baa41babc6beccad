#include <stdlib.h>
#include <string.h>

#include "support/check.h"

#include "core/random.h"

/* Known answers published with Random123 (kat_vectors, philox4x32 with 10 rounds). */
static void philox_known_answers(void **state) {
  (void)state;
  static const uint32_t kat[3][10] = {
      {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
      {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d,
       0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
      {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
       0x94fdcceb, 0x5001e420, 0x24126ea1}};
  for (int i = 0; i < 3; i++) {
    cw_rng rng = {{kat[i][4], kat[i][5]}};
    uint32_t out[4];
    cw_random_bits(rng, kat[i][0], kat[i][1], kat[i][2], kat[i][3], out);
    for (int k = 0; k < 4; k++) assert_int_equal(out[k], kat[i][6 + k]);
  }
}

static void expect_joined(const char *const *words, size_t size, const char *expected) {
  char text[32];
  memset(text, 'x', sizeof text);
  assert_ptr_equal(cw_join_words(words, ", ", " or ", text, size), text);
  assert_string_equal(text, expected);
  for (size_t i = size; i < sizeof text; i++) assert_int_equal(text[i], 'x');
}

static void words_are_joined(void **state) {
  (void)state;
  static const char *const none[] = {NULL}, *const one[] = {"a", NULL},
                           *const two[] = {"a", "bc", NULL},
                           *const four[] = {"abcd", "efgh", "ijkl", "mnop", NULL};
  expect_joined(none, 16, "");
  expect_joined(one, 16, "a");
  expect_joined(two, 16, "a or bc");
  expect_joined(four, 32, "abcd, efgh, ijkl or mnop");
  expect_joined(four, 28, "abcd, efgh, ijkl, ...");
  expect_joined(four, 16, "abcd, efgh, ...");
}

/* The lane kernel, in every build this CPU runs, is Box-Muller of the same Philox words. */
static void normal_lanes_match_definition(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  cw_rng rng = cw_rng_stream(7, "test");
  double z[64] __attribute__((aligned(64)));
  FOR_EACH_ISA(isa, ctx) {
    cw_normal_lanes(isa, rng, 3, 100, 5, 9, 32, z);
    for (uint32_t l = 0; l < 32; l++) {
      double u[2], pair[2];
      cw_uniform2(rng, 3, 100 + l, 5, 9, u);
      check_close(z[l], sqrt(-2 * log(u[0])) * cos(2 * M_PI * u[1]), 1e-14);
      check_close(z[32 + l], sqrt(-2 * log(u[0])) * sin(2 * M_PI * u[1]), 1e-14);
      cw_normal2(isa, rng, 3, 100 + l, 5, 9, pair);
      assert_true(pair[0] == z[l] && pair[1] == z[32 + l]);
    }
  }
  cw_context_destroy(ctx);
}

static void normal_moments(void **state) {
  (void)state;
  enum { N = 1 << 16 };
  cw_rng rng = cw_rng_stream(1, "moments");
  double m[5] = {0}, z[32] __attribute__((aligned(64)));
  for (uint32_t i = 0; i < N / 32; i++) {
    cw_normal_lanes(CW_ISA_BASE, rng, i, 0, 0, 0, 16, z);
    for (int l = 0; l < 32; l++)
      for (int k = 1; k <= 4; k++) m[k] += pow(z[l], k) / N;
  }
  check_sigma(m[1], sqrt(1.0 / N), 0, 4);
  check_sigma(m[2], sqrt(2.0 / N), 1, 4);
  check_sigma(m[3], sqrt(15.0 / N), 0, 4);
  check_sigma(m[4], sqrt(96.0 / N), 3, 4);
}

static void streams_differ(void **state) {
  (void)state;
  cw_rng a = cw_rng_stream(1, "hmc"), b = cw_rng_stream(1, "nis"), c = cw_rng_stream(2, "hmc");
  assert_true(a.key[1] != b.key[1]);
  assert_true(a.key[0] != c.key[0]);
}

static int by_key(const void *a, const void *b) {
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

/* No two numbers of one name share a stream, and three names and their parent have none in common.
 */
static void substreams_differ(void **state) {
  (void)state;
  enum { N = 50000 };
  static const char *const names[] = {"rung", "level", "start"};
  const cw_rng parent = cw_rng_stream(1, "rex");
  uint32_t *key = malloc((3 * N + 1) * sizeof *key);
  assert_non_null(key);
  for (uint32_t i = 0; i < N; i++)
    for (int k = 0; k < 3; k++) {
      const cw_rng s = cw_rng_substream(parent, names[k], i);
      assert_true(s.key[0] == parent.key[0]);
      key[k * N + (int)i] = s.key[1];
    }
  key[3 * N] = parent.key[1];
  long shared = 0, mine = 0;
  qsort(key, N, sizeof *key, by_key);
  for (int i = 1; i < N; i++) mine += key[i] == key[i - 1];
  assert_true(mine == 0);
  qsort(key, 3 * N + 1, sizeof *key, by_key);
  for (int i = 1; i < 3 * N + 1; i++) shared += key[i] == key[i - 1];
  assert_true(shared < 10); /* 150001^2/2^33 = 2.6 by accident */
  free(key);
}

static void sums_are_exact_enough(void **state) {
  (void)state;
  enum { N = 100003 };
  double *x = malloc(N * sizeof *x);
  for (int i = 0; i < N; i++) x[i] = 0.1;
  check_close(cw_sum(x, N) / (0.1 * N), 1, 1e-15);
  check_close(cw_dot(x, x, N) / (0.01 * N), 1, 1e-15);
  for (int i = 0; i < N; i++) x[i] = 1000;
  check_close(cw_logsumexp(x, N), 1000 + log(N), 1e-15);
  x[5] = -INFINITY;
  check_close(cw_logsumexp(x, N), 1000 + log(N - 1), 1e-15);
  assert_true(isinf(cw_logsumexp(x, 0)));
  x[7] = NAN;
  assert_true(isnan(cw_logsumexp(x, N)));
  free(x);
}

static void arena_reuses_its_memory(void **state) {
  (void)state;
  cw_arena *a = cw_arena_create(100);
  cw_arena_mark start = cw_arena_save(a);
  char *first = NULL, *deep = NULL;
  for (int turn = 0; turn < 3; turn++) {
    char *p = cw_arena_alloc(a, 1000), *q = NULL;
    for (int i = 0; i < 20; i++) {
      q = cw_arena_alloc(a, 5000);
      assert_int_equal((uintptr_t)q % 64, 0);
      memset(q, i, 5000);
    }
    if (turn == 0) first = p, deep = q;
    assert_ptr_equal(p, first);
    assert_ptr_equal(q, deep);
    cw_arena_rewind(a, start);
  }
  cw_arena_destroy(a);
}

/* A chunk that is kept is found again where another order of sizes asks for it. */
static void arena_finds_its_memory(void **state) {
  (void)state;
  cw_arena *a = cw_arena_create(0);
  cw_arena_mark start = cw_arena_save(a);
  cw_arena_alloc(a, 5000);
  void *large = cw_arena_alloc(a, 1000000);
  cw_arena_rewind(a, start);
  assert_ptr_equal(cw_arena_alloc(a, 1000000), large);
  memset(cw_arena_alloc(a, 5000), 1, 5000);
  cw_arena_rewind(a, start);
  cw_arena_alloc(a, 5000);
  assert_ptr_equal(cw_arena_alloc(a, 1000000 - 10000), (char *)large + 5056);
  cw_arena_destroy(a);
}

static void arenas_of_threads_stay_apart(void **state) {
  (void)state;
  enum { N = 4 };
  cw_arena *a = cw_arena_create(0), *of[N];
  for (int turn = 0; turn < 2; turn++) {
#pragma omp parallel for num_threads(N)
    for (int i = 0; i < N; i++) {
      cw_arena *mine = cw_arena_of_thread(a, i);
      memset(cw_arena_alloc(mine, 9000), i, 9000);
      if (turn == 0) of[i] = mine;
      if (of[i] != mine) of[i] = NULL;
    }
    for (int i = 0; i < N; i++) {
      assert_non_null(of[i]);
      for (int k = 0; k < i; k++) assert_ptr_not_equal(of[i], of[k]);
    }
  }
  assert_ptr_equal(of[0], a);
  cw_arena_destroy(a);
}

static void first_failure_wins(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  assert_int_equal(cw_fail(ctx, CW_EIO, "cannot open '%s'", "a"), CW_EIO);
  assert_int_equal(cw_fail(ctx, CW_EINVAL, "later"), CW_EINVAL);
  assert_string_equal(cw_error(ctx), "cannot open 'a'");
  cw_clear_error(ctx);
  assert_string_equal(cw_error(ctx), "");
  assert_int_equal(cw_exit_code(CW_EINVAL), 2);
  cw_context_destroy(ctx);
}

static cw_status open_with_isa(const char *name, cw_context **ctx) {
  setenv("CAUSEWAY_ISA", name, 1);
  *ctx = NULL;
  cw_status st = cw_context_create(&(cw_context_options){.quiet = true}, ctx);
  unsetenv("CAUSEWAY_ISA");
  return st;
}

/* Of those that are not built, too. */
static void bad_isa_is_refused(void **state) {
  (void)state;
  const char *const names[] = {"v9", "v3", "v4"};
  for (int i = 0; i < 3; i++) {
    cw_context *ctx;
    if (i > 0 && cw_isa_is_built(i == 1 ? CW_ISA_V3 : CW_ISA_V4)) continue;
    cw_status st = open_with_isa(names[i], &ctx);
    check_failure(ctx, st, CW_EINVAL, names[i]);
    cw_context_destroy(ctx);
  }
}

/* Each that is built, with kernels of its own; without a wish, the best of them. */
static void isa_is_as_asked(void **state) {
  (void)state;
  cw_context *best = test_context(1);
  const cw_random_kernels *last = NULL;
  assert_true(cw_isa_is_built(cw_context_isa(best)));
  FOR_EACH_ISA(isa, best) {
    cw_context *ctx;
    assert_int_equal(open_with_isa(cw_isa_name(isa), &ctx), CW_OK);
    assert_int_equal(cw_context_isa(ctx), isa);
    assert_ptr_not_equal(CW_DISPATCH(isa, cw_random_kernels), last);
    last = CW_DISPATCH(isa, cw_random_kernels);
    cw_context_destroy(ctx);
  }
  cw_context_destroy(best);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_are_joined),
      cmocka_unit_test(philox_known_answers),
      cmocka_unit_test(normal_lanes_match_definition),
      cmocka_unit_test(normal_moments),
      cmocka_unit_test(streams_differ),
      cmocka_unit_test(substreams_differ),
      cmocka_unit_test(sums_are_exact_enough),
      cmocka_unit_test(arena_reuses_its_memory),
      cmocka_unit_test(arena_finds_its_memory),
      cmocka_unit_test(arenas_of_threads_stay_apart),
      cmocka_unit_test(first_failure_wins),
      cmocka_unit_test(bad_isa_is_refused),
      cmocka_unit_test(isa_is_as_asked),
  };
  return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
