/* causeway/core.h - status, context, arena, random streams, fixed-order sums, progress, ranks.
 *
 * Everything else stands on this module. No function here prints, exits or aborts, except through
 * the log and the progress bar of a context, and CW_REQUIRE, which reports a bug in the caller. */
#ifndef CAUSEWAY_CORE_H
#define CAUSEWAY_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CW_VERSION "0.1.0"

#if defined(__GNUC__)
#define CW_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define CW_PRINTF(fmt, args)
#endif

/* For arrays of lanes that vector loads will read. */
#if defined(__GNUC__)
#define CW_ALIGNED __attribute__((aligned(64)))
#else
#define CW_ALIGNED
#endif

/* ------------------------------------------------------------------ status */

typedef enum {
  CW_OK = 0,
  CW_EINVAL,   /* the user asked for something impossible: job files, options, sizes  -> exit 2 */
  CW_EIO,      /* a file cannot be opened, read or written                            -> exit 2 */
  CW_ECORRUPT, /* a file was read, but its checksum or layout is wrong                -> exit 2 */
  CW_ENUMERIC, /* not-a-number or overflow in a computation                           -> exit 3 */
  CW_ENOMEM,   /* no memory                                                           -> exit 4 */
  CW_EINTERRUPTED /* a signal asked us to stop; a checkpoint has been written            -> exit 130
                   */
} cw_status;

/* Reports a bug in the calling code and stops the process. Always on; never for bad input. */
#define CW_REQUIRE(condition)                                                                      \
  ((condition) ? (void)0 : cw_bug(__FILE__, __LINE__, __func__, #condition))
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void cw_bug(const char *file, int line, const char *function, const char *condition);

/* Evaluates a call that returns cw_status and returns from the enclosing function if it failed. */
#define CW_TRY(call)                                                                               \
  do {                                                                                             \
    cw_status cw_try_st_ = (call);                                                                 \
    if (cw_try_st_ != CW_OK) return cw_try_st_;                                                    \
  } while (0)

/* ----------------------------------------------------------------- context */

typedef struct cw_context
    cw_context; /* opaque; one per process, passed to everything that can fail */

typedef enum {
  CW_ISA_BASE = 0,
  CW_ISA_V3,
  CW_ISA_V4
} cw_isa; /* kernel builds: any, AVX2+FMA, AVX-512 */

typedef struct {
  int threads;  /* OpenMP threads; 0: all that OpenMP offers */
  bool quiet;   /* no log lines and no progress */
  bool use_mpi; /* initialise MPI when built with it and started by mpirun */
} cw_context_options;

/* Creates a context. Collective. options may be NULL (defaults: all threads, not quiet, MPI if
 * present). Fails with CW_ENOMEM, or CW_EINVAL for a bad CAUSEWAY_ISA. The caller destroys *out. */
cw_status cw_context_create(const cw_context_options *options, cw_context **out);
void cw_context_destroy(cw_context *ctx); /* Collective. NULL is allowed. */

/* Records a formatted message (first failure wins until cw_clear_error) and returns status.
 * Thread-safe. Usage: return cw_fail(ctx, CW_EIO, "cannot open '%s': %s", path, strerror(errno)).
 */
cw_status cw_fail(cw_context *ctx, cw_status status, const char *format, ...) CW_PRINTF(3, 4);
const char *cw_error(const cw_context *ctx); /* borrowed; "" if nothing failed */
void cw_clear_error(cw_context *ctx);
int cw_exit_code(cw_status status); /* the process exit code that goes with a status */

int cw_threads(const cw_context *ctx);
cw_isa
cw_context_isa(const cw_context *ctx); /* best of this CPU, or what CAUSEWAY_ISA=base|v3|v4 says */
const char *cw_isa_name(cw_isa isa);

/* Writes one line to stderr, on rank 0 and unless quiet. Local. */
void cw_log(cw_context *ctx, const char *format, ...) CW_PRINTF(2, 3);
/* "warning: ..." in the same way, also if quiet: what casts doubt on results. */
void cw_warn(cw_context *ctx, const char *format, ...) CW_PRINTF(2, 3);

double cw_wall_seconds(void); /* monotonic clock */
double cw_cpu_seconds(void);  /* of all threads of this process */

/* "a, b or c" of words (NULL-terminated) into text (size, at least 16), with between = ", " and
 * last = " or "; cut with "..." where it does not fit. Returns text. Local. */
char *cw_join_words(const char *const *words, const char *between, const char *last, char *text,
                    size_t size);

/* ---------------------------------------------------------------- progress */

/* How far some work is, of `total` pieces of which `from` are done before it begins, on stderr of rank 0: on a
 * terminal a bar with the time left, once the work has lasted for half a second; elsewhere a line with the date
 * when it begins, every minute, and when it ends, for log files. format: what else there is to say. Nothing for
 * a quiet context. Local. */
void cw_progress_begin(cw_context *ctx, const char *what, double from, double total);
void cw_progress_update(cw_context *ctx, double done, const char *format, ...)
    CW_PRINTF(3, 4); /* format: "" for no note */
void cw_progress_end(cw_context *ctx);

/* ------------------------------------------------------------------- arena */

/* A stack of scratch memory: alloc, mark, rewind. Freed memory is kept for the next use, so that a
 * loop which rewinds allocates nothing after its first turn. Not thread-safe: one per thread. */
typedef struct cw_arena cw_arena;
typedef struct {
  void *chunk;
  size_t used;
} cw_arena_mark;

cw_arena *cw_arena_create(size_t first_bytes); /* NULL: no memory. The caller destroys it. */
void cw_arena_destroy(cw_arena *arena);
void *cw_arena_alloc(cw_arena *arena,
                     size_t bytes); /* 64-byte aligned, not cleared; NULL: no memory */
cw_arena_mark cw_arena_save(const cw_arena *arena);
void cw_arena_rewind(cw_arena *arena, cw_arena_mark mark);
/* The arena of one thread (0, 1, ...) of a team that shares the memory of arena: itself for thread
 * 0, for the others one that it owns and makes when first asked for. Threads may ask at the same
 * time. NULL: no memory. */
cw_arena *cw_arena_of_thread(cw_arena *arena, int thread);

/* block(self, i, arena) for i = 0 .. n-1, on so many threads, each with an arena of scratch's, which is
 * rewound after every block; returns CW_OK or what one of those that failed returned. Threads of an active team
 * may each call it: then it has one thread, and takes the arena of the caller's. CW_ENOMEM. */
cw_status cw_for_blocks(int threads, long n, cw_arena *scratch,
                        cw_status (*block)(const void *self, long i, cw_arena *arena),
                        const void *self);

void *
cw_alloc(size_t bytes); /* 64-byte aligned and cleared; NULL: no memory. Release with free(). */

/* ---------------------------------------------------------- random numbers */

/* A random draw is a function of where and when: Philox4x32-10 (Salmon et al., SC'11, as in
 * Random123) with key (seed, stream) and counter (site, chain, step, draw). No state, so the same
 * draw comes out for any number of threads, ranks and lanes. */
typedef struct {
  uint32_t key[2];
} cw_rng;

cw_rng cw_rng_stream(uint32_t seed,
                     const char *stream); /* streams by name: "hmc", "kappa0.3/train", ... */
/* A stream of its own for number of what is called name in something that has stream rng: "rung" 3.
 * Numbers of one name never share a stream, names by an accident of 1 in 2^32. */
cw_rng cw_rng_substream(cw_rng rng, const char *name, uint32_t number);

void cw_random_bits(cw_rng rng, uint32_t site, uint32_t chain, uint32_t step, uint32_t draw,
                    uint32_t out[4]);
void cw_uniform2(cw_rng rng, uint32_t site, uint32_t chain, uint32_t step, uint32_t draw,
                 double u[2]); /* in (0,1) */
void cw_normal2(cw_isa isa, cw_rng rng, uint32_t site, uint32_t chain, uint32_t step, uint32_t draw,
                double z[2]); /* Box-Muller */

/* Numbers 0 <= n < 2^36 of one draw < 2^28, as of the components of all sites of a large lattice:
 * site is the lower 32 bits of n, and its higher ones become the uppermost of draw. */
static inline uint32_t cw_draw_of(uint32_t draw, uint64_t n) {
  return draw + ((uint32_t)(n >> 32) << 28);
}

/* z[2*n_lanes]: lane l gets the pair z[l], z[n_lanes + l] of cw_normal2 for chain first_chain + l,
 * with the same bits. isa: the kernel build, from cw_context_isa. n_lanes: a multiple of 16. Cost:
 * 2-3 ns per number. */
void cw_normal_lanes(cw_isa isa, cw_rng rng, uint32_t site, uint32_t first_chain, uint32_t step,
                     uint32_t draw, int n_lanes, double *z);

/* -------------------------------------------------------------------- sums */

double cw_sum(const double *x, size_t n);       /* fixed pairwise order */
double cw_logsumexp(const double *x, size_t n); /* ln sum exp x; -inf for n = 0 */
double cw_dot(const double *x, const double *y, size_t n);

/* --------------------------------------------------------------- equations */

/* Cholesky's factor: the lower triangle of a (n, n), of which nothing else is used, becomes that of L, a = L L^T. False:
 * a pivot is not above `least`. Cost: n^3/3 flops. */
bool cw_cholesky(long n, double *a, double least);
/* y (n) becomes the x of L L^T x = y. */
void cw_cholesky_solve(long n, const double *L, double *y);

/* ------------------------------------------------------------------- ranks */

/* The only face of MPI. Without MPI there is one rank, and these copy. All are collective. */
int cw_rank(const cw_context *ctx);
int cw_ranks(const cw_context *ctx);
/* Share of work items [0,n) of this rank: contiguous, in rank order. */
void cw_rank_share(const cw_context *ctx, long n, long *begin, long *end);
/* That of another rank, and the rank whose share holds item i. Local. */
void cw_share_of_rank(const cw_context *ctx, long n, int rank, long *begin, long *end);
int cw_rank_of(const cw_context *ctx, long n, long i);
/* Every rank gives n_mine doubles; every rank receives all of them in rank order in all (sum of
 * n_mine); mine may lie at its own place in all. */
void cw_allgather(cw_context *ctx, const double *mine, long n_mine, double *all);
void cw_broadcast(cw_context *ctx, void *data, size_t bytes); /* from rank 0 */
/* The worst status of all ranks; the message of the first failing rank reaches every rank. What can
 * fail on one rank alone (an allocation, a file) must be agreed upon before the next collective
 * call: the ranks on which it did not fail would wait there for ever. */
cw_status cw_agree(cw_context *ctx, cw_status mine);
/* Rows of doubles from rank to rank: row i of send (n, width), this rank's, goes to rank to[i];
 * recv gets what the others send here, in the order of ranks and of their rows. The caller knows
 * how many rows come (n_recv) and has made room. Rows to itself are copied. CW_ENOMEM, on all
 * ranks: one of them has no room for its list of messages. */
cw_status cw_deal(cw_context *ctx, const double *send, const int *to, long n, long width,
                  double *recv, long n_recv);

#ifdef __cplusplus
}
#endif
#endif
