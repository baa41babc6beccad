/* The only file that knows MPI. */
#include "core/comm.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#ifdef CW_WITH_MPI
#include <mpi.h>

/* Were we started by mpirun, srun or their like? A program started by hand is one rank and needs no
 * MPI runtime, which may not even be able to start (Open MPI wants ssh for a lone process). */
static bool launched(void) {
  static const char *const marks[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE",
                                      NULL};
  for (int i = 0; marks[i]; i++)
    if (getenv(marks[i]) != NULL) return true;
  return false;
}
#endif

void cw_comm_start(cw_context *ctx, bool use_mpi) {
  ctx->rank = 0;
  ctx->n_ranks = 1;
#ifdef CW_WITH_MPI
  if (!use_mpi) return;
  int on = 0, level = 0;
  MPI_Initialized(&on);
  if (!on && !launched()) return;
  if (!on) {
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
    ctx->owns_mpi = true;
  }
  MPI_Comm_rank(MPI_COMM_WORLD, &ctx->rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ctx->n_ranks);
#else
  (void)use_mpi;
#endif
}

void cw_comm_stop(cw_context *ctx) {
#ifdef CW_WITH_MPI
  if (ctx->owns_mpi) MPI_Finalize();
#endif
  ctx->owns_mpi = false;
}

int cw_rank(const cw_context *ctx) { return ctx->rank; }
int cw_ranks(const cw_context *ctx) { return ctx->n_ranks; }

void cw_share_of_rank(const cw_context *ctx, long n, int rank, long *begin, long *end) {
  *begin = n * rank / ctx->n_ranks;
  *end = n * (rank + 1) / ctx->n_ranks;
}

void cw_rank_share(const cw_context *ctx, long n, long *begin, long *end) {
  cw_share_of_rank(ctx, n, ctx->rank, begin, end);
}

int cw_rank_of(const cw_context *ctx, long n, long i) {
  return (int)(((i + 1) * ctx->n_ranks - 1) / n);
}

#ifdef CW_WITH_MPI

/* MPI counts are ints: long messages go in pieces. */
static const size_t PIECE = (size_t)1 << 28;

void cw_broadcast(cw_context *ctx, void *data, size_t bytes) {
  if (ctx->n_ranks == 1) return;
  for (size_t at = 0; at < bytes; at += PIECE) {
    size_t n = bytes - at < PIECE ? bytes - at : PIECE;
    MPI_Bcast((char *)data + at, (int)n, MPI_BYTE, 0, MPI_COMM_WORLD);
  }
}

void cw_allgather(cw_context *ctx, const double *mine, long n_mine, double *all) {
  if (ctx->n_ranks == 1) {
    if (n_mine > 0) memmove(all, mine, (size_t)n_mine * sizeof *mine);
    return;
  }
  for (int r = 0; r < ctx->n_ranks;
       r++) { /* one broadcast a rank: in order, any length, no count arrays */
    long n = n_mine;
    MPI_Bcast(&n, 1, MPI_LONG, r, MPI_COMM_WORLD);
    if (r == ctx->rank && n > 0) memmove(all, mine, (size_t)n * sizeof *mine);
    for (long at = 0; at < n; at += (long)(PIECE / sizeof *mine)) {
      long k = n - at < (long)(PIECE / sizeof *mine) ? n - at : (long)(PIECE / sizeof *mine);
      MPI_Bcast(all + at, (int)k, MPI_DOUBLE, r, MPI_COMM_WORLD);
    }
    all += n;
  }
}

/* Messages under way, and how many rows come from every rank. */
typedef struct {
  long *from, *going; /* (ranks) rows to come from each, and to go there */
  MPI_Request *request;
  int n_requests;
  MPI_Datatype row; /* its doubles may be more than a message counts */
} mail;

static cw_status open_mail(cw_context *ctx, long n_messages, mail *m) {
  *m = (mail){.from = calloc((size_t)ctx->n_ranks * 2, sizeof *m->from),
              .request = malloc((size_t)(n_messages + 1) * sizeof *m->request)};
  if (m->from == NULL || m->request == NULL)
    return cw_fail(ctx, CW_ENOMEM, "no memory for %ld messages between ranks", n_messages);
  m->going = m->from + ctx->n_ranks;
  return CW_OK;
}

static void close_mail(mail *m) {
  free(m->from);
  free(m->request);
}

/* Rank by rank, row by row: the order that recv promises. Every rank posts all of its receives
 * before it sends, so that nothing waits for a partner's turn. */
static long post_receives(cw_context *ctx, const double *send, const int *to, long n, long width,
                          double *recv, mail *m) {
  long here = 0;
  for (int r = 0; r < ctx->n_ranks; r++) {
    if (r == ctx->rank)
      for (long i = 0, at = here; i < n; i++)
        if (to[i] == r) memcpy(recv + at++ * width, send + i * width, (size_t)width * sizeof *send);
    for (long k = 0; k < m->from[r]; k++, here++)
      if (r != ctx->rank)
        MPI_Irecv(recv + here * width, 1, m->row, r, 0, MPI_COMM_WORLD,
                  &m->request[m->n_requests++]);
  }
  return here;
}

cw_status cw_deal(cw_context *ctx, const double *send, const int *to, long n, long width,
                  double *recv, long n_recv) {
  mail m;
  CW_REQUIRE(width <= INT_MAX);
  cw_status st = cw_agree(ctx, open_mail(ctx, n + n_recv, &m));
  if (st == CW_OK) {
    MPI_Type_contiguous((int)width, MPI_DOUBLE, &m.row);
    MPI_Type_commit(&m.row);
    for (long i = 0; i < n; i++) m.going[to[i]]++;
    MPI_Alltoall(m.going, 1, MPI_LONG, m.from, 1, MPI_LONG, MPI_COMM_WORLD);
    CW_REQUIRE(post_receives(ctx, send, to, n, width, recv, &m) == n_recv);
    for (long i = 0; i < n; i++)
      if (to[i] != ctx->rank)
        MPI_Isend(send + i * width, 1, m.row, to[i], 0, MPI_COMM_WORLD, &m.request[m.n_requests++]);
    MPI_Waitall(m.n_requests, m.request, MPI_STATUSES_IGNORE);
    MPI_Type_free(&m.row);
  }
  close_mail(&m);
  return st;
}

cw_status cw_agree(cw_context *ctx, cw_status mine) {
  if (ctx->n_ranks == 1) return mine;
  struct {
    int failed, rank;
  } here = {mine != CW_OK, ctx->rank}, worst;
  MPI_Allreduce(&here, &worst, 1, MPI_2INT, MPI_MAXLOC, MPI_COMM_WORLD); /* ties: the lowest rank */
  if (!worst.failed) return CW_OK;
  int status = (int)mine;
  char message[sizeof ctx->error];
  memcpy(message, ctx->error, sizeof message);
  MPI_Bcast(&status, 1, MPI_INT, worst.rank, MPI_COMM_WORLD);
  MPI_Bcast(message, (int)sizeof message, MPI_CHAR, worst.rank, MPI_COMM_WORLD);
  memcpy(ctx->error, message, sizeof message);
  return (cw_status)status;
}

#else

void cw_broadcast(cw_context *ctx, void *data, size_t bytes) {
  (void)ctx;
  (void)data;
  (void)bytes;
}

void cw_allgather(cw_context *ctx, const double *mine, long n_mine, double *all) {
  (void)ctx;
  if (n_mine > 0) memmove(all, mine, (size_t)n_mine * sizeof *mine);
}

cw_status cw_deal(cw_context *ctx, const double *send, const int *to, long n, long width,
                  double *recv, long n_recv) {
  (void)ctx;
  (void)to;
  CW_REQUIRE(n == n_recv);
  if (n > 0) memcpy(recv, send, (size_t)(n * width) * sizeof *send);
  return CW_OK;
}

cw_status cw_agree(cw_context *ctx, cw_status mine) {
  (void)ctx;
  return mine;
}

#endif
