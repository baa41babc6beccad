#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "causeway/core.h"

enum { ALIGN = 64, HUGE_PAGE = 2 << 20, FIRST_CHUNK = 4096, MOST_AHEAD = 16 << 20 };

typedef struct chunk {
  struct chunk *next; /* kept for reuse after a rewind */
  size_t size, used;
  char *bytes;
} chunk;

struct cw_arena {
  chunk *first, *now;
  cw_arena *next; /* of the next thread */
};

static size_t round_up(size_t bytes) { return (bytes + ALIGN - 1) / ALIGN * ALIGN; }

static chunk *chunk_create(size_t size) {
  chunk *c = malloc(sizeof *c);
  if (c == NULL) return NULL;
  c->bytes = aligned_alloc(ALIGN, size);
  if (c->bytes == NULL) {
    free(c);
    return NULL;
  }
  c->next = NULL;
  c->size = size;
  c->used = 0;
  return c;
}

cw_arena *cw_arena_create(size_t first_bytes) {
  cw_arena *a = malloc(sizeof *a);
  if (a == NULL) return NULL;
  a->first = a->now = chunk_create(round_up(first_bytes > FIRST_CHUNK ? first_bytes : FIRST_CHUNK));
  a->next = NULL;
  if (a->first == NULL) {
    free(a);
    return NULL;
  }
  return a;
}

static void destroy_one(cw_arena *a) {
  for (chunk *c = a->first, *next; c != NULL; c = next) {
    next = c->next;
    free(c->bytes);
    free(c);
  }
  free(a);
}

void cw_arena_destroy(cw_arena *a) {
  for (cw_arena *next; a != NULL; a = next) {
    next = a->next;
    destroy_one(a);
  }
}

cw_arena *cw_arena_of_thread(cw_arena *a, int thread) {
#pragma omp critical(cw_arena_of_thread)
  for (int i = 0; i < thread && a != NULL; i++) {
    if (a->next == NULL) a->next = cw_arena_create(FIRST_CHUNK);
    a = a->next;
  }
  return a;
}

/* Puts a kept chunk that is large enough next, or a new one: twice as large as the last, but a
 * large array does not ask for twice its size. */
static chunk *next_chunk(cw_arena *a, size_t bytes) {
  chunk **link = &a->now->next, *c;
  while (*link != NULL && (*link)->size < bytes) link = &(*link)->next;
  c = *link;
  if (c != NULL) {
    *link = c->next;
  } else {
    size_t size = a->now->size < MOST_AHEAD / 2 ? 2 * a->now->size : MOST_AHEAD;
    c = chunk_create(size > bytes ? size : bytes);
    if (c == NULL) return NULL;
  }
  c->next = a->now->next;
  a->now->next = c;
  return c;
}

void *cw_arena_alloc(cw_arena *a, size_t bytes) {
  bytes = round_up(bytes);
  if (a->now->size - a->now->used < bytes) {
    chunk *c = next_chunk(a, bytes);
    if (c == NULL) return NULL;
    c->used = 0;
    a->now = c;
  }
  void *p = a->now->bytes + a->now->used;
  a->now->used += bytes;
  return p;
}

cw_arena_mark cw_arena_save(const cw_arena *a) {
  return (cw_arena_mark){.chunk = a->now, .used = a->now->used};
}

void cw_arena_rewind(cw_arena *a, cw_arena_mark mark) {
  a->now = mark.chunk;
  a->now->used = mark.used;
}

/* Large arrays ask for huge pages: kernels that jump between neighbours miss the TLB otherwise. */
void *cw_alloc(size_t bytes) {
  size_t size = round_up(bytes > 0 ? bytes : 1), align = ALIGN;
  if (size < bytes) return NULL;
  bool large = size >= 2 * HUGE_PAGE && size <= SIZE_MAX - HUGE_PAGE;
  if (large) {
    align = HUGE_PAGE;
    size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  }
  void *p = aligned_alloc(align, size);
  if (p == NULL) return NULL;
#if defined(MADV_HUGEPAGE)
  if (large) (void)madvise(p, size, MADV_HUGEPAGE); /* a wish: nothing depends on it */
#endif
  memset(p, 0, size);
  return p;
}

cw_status cw_for_blocks(int threads, long n, cw_arena *scratch,
                        cw_status (*block)(const void *self, long i, cw_arena *arena),
                        const void *self) {
  const bool inside = omp_in_parallel();
  const int outer = omp_get_thread_num();
  cw_status worst = CW_OK;
  if (n <= 0) return CW_OK;
  if (n < threads) threads = (int)n;
#pragma omp parallel for num_threads(inside ? 1 : threads) schedule(dynamic)
  for (long i = 0; i < n; i++) {
    cw_arena *arena =
        scratch != NULL ? cw_arena_of_thread(scratch, inside ? outer : omp_get_thread_num()) : NULL;
    cw_status st = CW_ENOMEM;
    if (arena != NULL) {
      const cw_arena_mark mark = cw_arena_save(arena);
      st = block(self, i, arena);
      cw_arena_rewind(arena, mark);
    }
    if (st != CW_OK) {
#pragma omp atomic write
      worst = st;
    }
  }
  return worst;
}
