#include "support/ranks.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/comm.h"
#include "support/faults.h"

enum { ROOM = 1 << 22 };

typedef enum { BROADCAST, ALLGATHER, AGREE, DEAL } collective;

/* What a rank brings to a call, or has taken from it. */
typedef struct {
  _Atomic long brought, taken; /* numbers of calls */
  collective kind;
  size_t bytes;
  cw_status status;
  long n, width;
  int to[1 << 12];
  char data[ROOM];
} place;

typedef struct {
  _Atomic int joined[RANKS], ended[RANKS];
  place place[RANKS];
} meeting;

static meeting *here; /* NULL: a single rank */
static int my_rank;
static long n_calls;

static place *mine(void) { return &here->place[my_rank]; }
static place *other(void) { return &here->place[1 - my_rank]; }

static void bring(const void *data, size_t bytes) {
  if (bytes > ROOM) abort();
  mine()->bytes = bytes;
  if (bytes > 0) memcpy(mine()->data, data, bytes);
}

/* A while for the other rank, which may need this one's processor. */
static void pause_once(int turn) {
  if (turn < 100)
    sched_yield();
  else
    usleep(50);
}

/* Waits for the other rank to do as this one; what both brought can be read until leave. */
static void meet(collective kind) {
  mine()->kind = kind;
  n_calls++;
  atomic_store(&mine()->brought, n_calls);
  for (int turn = 0; atomic_load(&other()->brought) < n_calls; turn++) {
    int him = 1 - my_rank;
    if (atomic_load(&here->ended[him]))
      _exit(atomic_load(&here->joined[him]) ? RANKS_WAIT : RANKS_ENDED);
    pause_once(turn);
  }
  bool same = other()->kind == kind && (kind != BROADCAST || other()->bytes == mine()->bytes);
  if (!same) _exit(RANKS_DIFFER);
}

static void leave(void) {
  atomic_store(&mine()->taken, n_calls);
  for (int turn = 0; atomic_load(&other()->taken) < n_calls; turn++) {
    if (atomic_load(&here->ended[1 - my_rank])) return;
    pause_once(turn);
  }
}

void ranks_run(int (*work)(int rank, void *argument), void *argument, int *status) {
  meeting *m = mmap(NULL, sizeof *m, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t child[RANKS];
  if (m == MAP_FAILED) abort();
  for (int r = 0; r < RANKS; r++) {
    child[r] = fork();
    if (child[r] < 0) abort();
    if (child[r] > 0) continue;
    here = m;
    my_rank = r;
    int code = work(r, argument);
    fflush(NULL);
    atomic_store(&m->ended[r], 1);
    _exit(code);
  }
  for (int n = 0; n < RANKS; n++) {
    int one;
    pid_t done = wait(&one);
    for (int r = 0; r < RANKS; r++)
      if (child[r] == done) {
        status[r] = one;
        atomic_store(&m->ended[r], 1);
      }
  }
  munmap(m, sizeof *m);
}

/* ------------------------------------------------------------------- wrappers */

void __real_cw_comm_start(cw_context *ctx, bool use_mpi);
void __wrap_cw_comm_start(cw_context *ctx, bool use_mpi);
void __wrap_cw_comm_start(cw_context *ctx, bool use_mpi) {
  __real_cw_comm_start(ctx, use_mpi && here == NULL);
  if (here == NULL) return;
  ctx->rank = my_rank;
  ctx->n_ranks = RANKS;
  atomic_store(&here->joined[my_rank], 1);
}

void __real_cw_broadcast(cw_context *ctx, void *data, size_t bytes);
void __wrap_cw_broadcast(cw_context *ctx, void *data, size_t bytes);
void __wrap_cw_broadcast(cw_context *ctx, void *data, size_t bytes) {
  if (here == NULL) {
    __real_cw_broadcast(ctx, data, bytes);
    return;
  }
  bring(data, bytes);
  meet(BROADCAST);
  if (bytes > 0) memcpy(data, here->place[0].data, bytes);
  leave();
}

void __real_cw_allgather(cw_context *ctx, const double *part, long n_mine, double *all);
void __wrap_cw_allgather(cw_context *ctx, const double *part, long n_mine, double *all);
void __wrap_cw_allgather(cw_context *ctx, const double *part, long n_mine, double *all) {
  if (here == NULL) {
    __real_cw_allgather(ctx, part, n_mine, all);
    return;
  }
  bring(part, (size_t)n_mine * sizeof *part);
  meet(ALLGATHER);
  for (int r = 0; r < RANKS; r++) {
    const place *p = &here->place[r];
    if (p->bytes > 0) memcpy(all, p->data, p->bytes);
    all += p->bytes / sizeof *all;
  }
  leave();
}

cw_status __real_cw_agree(cw_context *ctx, cw_status status);
cw_status __wrap_cw_agree(cw_context *ctx, cw_status status);
cw_status __wrap_cw_agree(cw_context *ctx, cw_status status) {
  if (here == NULL) return __real_cw_agree(ctx, status);
  bring(ctx->error, sizeof ctx->error);
  mine()->status = status;
  meet(AGREE);
  for (int r = RANKS - 1; r >= 0; r--) {
    const place *p = &here->place[r];
    if (p->status == CW_OK) continue;
    status = p->status;
    memcpy(ctx->error, p->data, sizeof ctx->error);
  }
  leave();
  return status;
}

cw_status __real_cw_deal(cw_context *ctx, const double *send, const int *to, long n, long width,
                         double *recv, long n_recv);
cw_status __wrap_cw_deal(cw_context *ctx, const double *send, const int *to, long n, long width,
                         double *recv, long n_recv);
cw_status __wrap_cw_deal(cw_context *ctx, const double *send, const int *to, long n, long width,
                         double *recv, long n_recv) {
  if (here == NULL) return __real_cw_deal(ctx, send, to, n, width, recv, n_recv);
  if ((size_t)n > sizeof mine()->to / sizeof *to) abort();
  bring(send, (size_t)(n * width) * sizeof *send);
  mine()->n = n;
  mine()->width = width;
  memcpy(mine()->to, to, (size_t)n * sizeof *to);
  meet(DEAL);
  long got = 0;
  for (int r = 0; r < RANKS; r++)
    for (long i = 0; i < here->place[r].n; i++) {
      const double *row = (const double *)(const void *)here->place[r].data + i * width;
      if (here->place[r].to[i] == my_rank)
        memcpy(recv + got++ * width, row, (size_t)width * sizeof *row);
    }
  if (got != n_recv) _exit(RANKS_DIFFER);
  leave();
  return CW_OK;
}
