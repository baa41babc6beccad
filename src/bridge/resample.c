/* Resampling: particles are copied as often as their weights say, and weigh the same again.
 *
 * How many copies each gets, and which place each copy takes, follows from the weights of all ranks
 * alone: a particle that is copied at all keeps its place, and further copies fill the places of
 * those that are not, both in ascending order. Every rank finds the same plan by itself and then
 * moves what is to move, most of it within a rank.
 *
 * Systematic: one uniform number for all (J. Carpenter, P. Clifford, P. Fearnhead, IEE Proc. Radar
 * Sonar Navig. 146 (1999) 2); particle i gets floor or ceil of n w_i copies. */
#include <math.h>
#include <string.h>

#include "bridge/population.h"

/* -------------------------------------------------------------------- the plan */

/* w_i -> w_0 + .. + w_i as a share of all: exactly 1 from the last particle on that has a weight.
 */
static void accumulate(double *w, long n) {
  for (long i = 1; i < n; i++) w[i] += w[i - 1];
  const double total = w[n - 1];
  for (long i = 0; i < n; i++) w[i] /= total;
}

static void draw_systematic(const double *sums, long n, cw_rng rng, uint32_t step, long *copies) {
  double u[2];
  cw_uniform2(rng, 0, 0, step, 0, u);
  for (long i = 0, given = 0; i < n; i++) { /* points k + u below n*sums[i] */
    long upto = sums[i] < 1 ? (long)ceil((double)n * sums[i] - u[0]) : n;
    copies[i] = upto > given ? upto - given : 0;
    given += copies[i];
  }
}

/* The first i with u < sums[i]. */
static long find(const double *sums, long n, double u) {
  long low = 0, high = n - 1;
  while (low < high) {
    long middle = low + (high - low) / 2;
    if (u < sums[middle])
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

static void draw_multinomial(const double *sums, long n, cw_rng rng, uint32_t step, long *copies) {
  memset(copies, 0, (size_t)n * sizeof *copies);
  for (long i = 0; i < n; i++) {
    double u[2];
    cw_uniform2(rng, 0, (uint32_t)i, step, 0, u);
    copies[find(sums, n, u[0])]++;
  }
}

/* source (n): the particle that comes to each place. */
static void place_copies(long n, const long *copies, long *source) {
  long from = -1, left = 0; /* a particle and its copies that have no place yet */
  for (long i = 0; i < n; i++) {
    source[i] = i;
    if (copies[i] > 0) continue;
    while (left == 0) left = copies[++from] - 1 > 0 ? copies[from] - 1 : 0;
    source[i] = from;
    left--;
  }
}

/* -------------------------------------------------------------- moving particles */

static long rows_of(const cw_population *p) { return p->x.geom->n_outer * p->x.n_comp; }

static bool is_mine(const cw_population *p, long number) {
  return number >= p->x.first_chain && number < p->x.first_chain + p->x.n_config;
}

static int owner(const cw_population *p, long number) {
  return cw_rank_of(p->ctx, (p->n + p->x.B - 1) / p->x.B, number / p->x.B);
}

static void move_numbers(cw_population *p, long to, long from) {
  size_t n_terms = (size_t)p->ladder->th->ops->n_terms;
  memcpy(p->T + (size_t)to * n_terms, p->T + (size_t)from * n_terms, n_terms * sizeof *p->T);
  p->ancestor[to] = p->ancestor[from];
}

/* Copies into the places of one block, row by row so that each line of the block is written once.
 */
static void copy_into_block(cw_population *p, const long *source, long block) {
  const double *from[CW_LANES];
  double *to[CW_LANES];
  int n = 0;
  for (long i = block * p->x.B; i < (block + 1) * p->x.B && i < p->x.n_config; i++) {
    long number = p->x.first_chain + i, origin = source[number];
    if (origin == number || !is_mine(p, origin)) continue;
    move_numbers(p, i, origin - p->x.first_chain);
    from[n] = cw_field_lane(&p->x, origin - p->x.first_chain);
    to[n++] = cw_field_lane(&p->x, i);
  }
  for (long row = 0; n > 0 && row < rows_of(p) * CW_LANES; row += CW_LANES)
    for (int k = 0; k < n; k++)
      for (int v = 0; v < CW_LANES; v += p->x.B) to[k][row + v] = from[k][row + v];
}

/* A particle as a message: its field, its terms, its ancestor. */
static long message_size(const cw_population *p) {
  return rows_of(p) * p->x.geom->V + p->ladder->th->ops->n_terms + 1;
}

static void pack(const cw_population *p, long i, double *message) {
  int n_terms = p->ladder->th->ops->n_terms;
  cw_field_pack(&p->x, i, message);
  message += rows_of(p) * p->x.geom->V;
  memcpy(message, p->T + i * n_terms, (size_t)n_terms * sizeof *message);
  message[n_terms] = (double)p->ancestor[i];
}

static void unpack(cw_population *p, long i, const double *message) {
  int n_terms = p->ladder->th->ops->n_terms;
  cw_field_unpack(&p->x, i, message);
  message += rows_of(p) * p->x.geom->V;
  memcpy(p->T + i * n_terms, message, (size_t)n_terms * sizeof *message);
  p->ancestor[i] = (long)message[n_terms];
}

typedef struct {
  long n_send, n_receive;
  double *send, *receive; /* (n, message_size) */
  int *to;                /* (n_send) ranks */
} traffic;

static cw_status open_traffic(cw_population *p, const long *source, traffic *t) {
  *t = (traffic){0};
  for (long i = 0; i < p->n; i++) {
    t->n_send += !is_mine(p, i) && is_mine(p, source[i]);
    t->n_receive += is_mine(p, i) && !is_mine(p, source[i]);
  }
  size_t size = (size_t)message_size(p) * sizeof(double);
  t->send = cw_arena_alloc(p->arena, (size_t)t->n_send * size);
  t->receive = cw_arena_alloc(p->arena, (size_t)t->n_receive * size);
  t->to = cw_arena_alloc(p->arena, (size_t)t->n_send * sizeof *t->to);
  if (t->send && t->receive && t->to) return CW_OK;
  return cw_fail(p->ctx, CW_ENOMEM, "no memory to move %ld particles", t->n_send + t->n_receive);
}

/* Sources ascend with the places that they go to, and so does what comes from rank after rank. */
static cw_status exchange(cw_population *p, const long *source, traffic *t) {
  long size = message_size(p), sent = 0, received = 0;
  for (long i = 0; i < p->n; i++) {
    if (is_mine(p, i) || !is_mine(p, source[i])) continue;
    pack(p, source[i] - p->x.first_chain, t->send + sent * size);
    t->to[sent++] = owner(p, i);
  }
  CW_TRY(cw_deal(p->ctx, t->send, t->to, t->n_send, size, t->receive, t->n_receive));
  for (long i = 0; i < p->x.n_config; i++)
    if (!is_mine(p, source[p->x.first_chain + i])) unpack(p, i, t->receive + received++ * size);
  return CW_OK;
}

static cw_status carry_out(cw_population *p, const long *source) {
  traffic t;
  if (cw_ranks(p->ctx) > 1) {
    CW_TRY(cw_agree(p->ctx, open_traffic(p, source, &t)));
    CW_TRY(exchange(p, source, &t));
  }
#pragma omp parallel for num_threads(cw_population_threads(p)) schedule(static)
  for (long b = 0; b < p->x.n_blocks; b++) copy_into_block(p, source, b);
  return CW_OK;
}

/* ------------------------------------------------------------------- the move */

static cw_status resample(cw_population *p, cw_resampling scheme, cw_rng rng, uint32_t step) {
  long *copies = cw_arena_alloc(p->arena, (size_t)p->n * sizeof *copies);
  long *source = cw_arena_alloc(p->arena, (size_t)p->n * sizeof *source);
  cw_status st = copies != NULL && source != NULL ? CW_OK : CW_ENOMEM;
  if (st != CW_OK) st = cw_fail(p->ctx, st, "no memory to resample %ld particles", p->n);
  CW_TRY(cw_agree(p->ctx, st));
  accumulate(p->all, p->n); /* of the shares */
  (scheme == CW_RESAMPLE_SYSTEMATIC ? draw_systematic : draw_multinomial)(p->all, p->n, rng, step,
                                                                          copies);
  place_copies(p->n, copies, source);
  return carry_out(p, source);
}

cw_status cw_resample(cw_population *p, cw_resampling scheme, double threshold, cw_rng rng,
                      uint32_t step, bool *done) {
  if (done != NULL) *done = false;
  if (threshold <= 0) return CW_OK;
  double lnsum = cw_population_shares(p);
  if (!isfinite(lnsum))
    return cw_fail(p->ctx, CW_ENUMERIC, "resampling on rung %d: no particle has a finite weight",
                   p->rung);
  if (threshold < 1 && cw_ess_of_shares(p->all, p->n) >= threshold) return CW_OK;
  cw_arena_mark mark = cw_arena_save(p->arena);
  cw_status st = resample(p, scheme, rng, step);
  cw_arena_rewind(p->arena, mark);
  CW_TRY(st);
  p->lnz += lnsum - log((double)p->n);
  memset(p->lw, 0, (size_t)(p->x.n_blocks * p->x.B) * sizeof *p->lw);
  if (done != NULL) *done = true;
  return CW_OK;
}
