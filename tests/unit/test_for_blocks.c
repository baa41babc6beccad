/* Loops over blocks with an arena for each thread: all of them, each once; the status of one that
 * fails; no arena for two threads at once, also where the loop stands in a parallel region. */
#include <string.h>

#include "support/check.h"

enum { N = 37, BYTES = 1 << 12 };

typedef struct {
  int count[N];
  long bad;          /* a block that fails; -1: none */
  unsigned char tag; /* of what it writes, with the number of the block */
  cw_arena *last;    /* that a block got */
} counts;

static cw_status count_one(const void *self, long i, cw_arena *arena) {
  counts *c = *(counts *const *)self;
  unsigned char *own = cw_arena_alloc(arena, BYTES);
  assert_non_null(own);
  const unsigned char mine = (unsigned char)(i + c->tag);
  memset(own, mine, BYTES);
#pragma omp atomic
  c->count[i]++;
#pragma omp atomic write
  c->last = arena;
  for (int k = 0; k < 200; k++) /* nobody else writes here meanwhile */
    for (int b = k % 7; b < BYTES; b += 7) assert_int_equal(own[b], mine);
  return i == c->bad ? CW_ENUMERIC : CW_OK;
}

static void expect_each_once(const counts *c) {
  for (long i = 0; i < N; i++) assert_int_equal(c->count[i], 1);
}

static void test_every_block(void **state) {
  (void)state;
  cw_arena *scratch = cw_arena_create(0);
  for (int threads = 1; threads <= 4; threads++)
    for (long bad = -1; bad < N; bad += 19) {
      counts c = {.bad = bad}, *self = &c;
      assert_int_equal(cw_for_blocks(threads, N, scratch, count_one, &self),
                       bad < 0 ? CW_OK : CW_ENUMERIC);
      expect_each_once(&c);
    }
  cw_arena_destroy(scratch);
}

/* Each of two threads runs a loop of its own on the same arenas. */
static void test_in_a_parallel_region(void **state) {
  (void)state;
  cw_arena *scratch = cw_arena_create(0);
  counts c[2] = {{.bad = -1}, {.bad = N - 1, .tag = 128}};
  cw_status st[2];
#pragma omp parallel for num_threads(2) schedule(static, 1)
  for (int k = 0; k < 2; k++) {
    counts *self = &c[k];
    st[k] = cw_for_blocks(3, N, scratch, count_one, &self);
  }
  assert_int_equal(st[0], CW_OK);
  assert_int_equal(st[1], CW_ENUMERIC);
  for (int k = 0; k < 2; k++) expect_each_once(&c[k]);
  assert_ptr_not_equal(c[0].last, c[1].last);
  cw_arena_destroy(scratch);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_block),
                                     cmocka_unit_test(test_in_a_parallel_region)};
  return cmocka_run_group_tests_name("for blocks", tests, NULL, NULL);
}
