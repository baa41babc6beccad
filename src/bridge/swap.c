/* Neighbours on the ladder swap configurations. Every rank knows all log-weights and decides all
 * swaps alike; then configurations change places in memory, in lanes, or from rank to rank. */
#include <string.h>

#include "bridge/rex.h"

/* The rung that this one may swap with in a pass over pairs (k, k+1) of k's parity; -1: none. */
static int partner_of(const cw_rex *rex, int rung, int parity) {
  int other = rung % 2 == parity ? rung + 1 : rung - 1;
  return other < rex->ladder->n ? other : -1;
}

/* ------------------------------------------------------------------ proposals */

/* A pass over the pairs of a parity; number: of all passes since step 0. */
typedef struct {
  int parity;
  uint64_t number;
} cw_pass;

static cw_carried carried(const cw_rex *rex, cw_rex_rung *r, double *c) {
  return (cw_carried){.ctx = rex->ctx,
                      .ladder = rex->ladder,
                      .x = &r->x,
                      .c = c,
                      .lw = r->row,
                      .T = r->T,
                      .known = &r->known,
                      .wanted = rex->wanted,
                      .work = r->work};
}

static size_t terms_size(const cw_rex *rex, const cw_rex_rung *r) {
  return (size_t)(r->x.n_blocks * r->x.B * rex->ladder->th->ops->n_terms) * sizeof *r->T;
}

/* What goes for x, and its terms, at the end of its way to the partner's rung. */
static cw_status go(cw_rex *rex, int k, int to, const cw_pass *pass, cw_carried *at) {
  cw_rex_rung *r = &rex->rung[k];
  const int pair = k < to ? k : to;
  const cw_program *way = cw_rex_way(rex, pair);
  cw_passage on = {.at = *at,
                   .pair = pair,
                   .map = rex->options.map != NULL ? &rex->options.map[pair] : NULL,
                   .samplers = &r->way,
                   .rng = cw_rng_substream(rex->options.rng, "way", (uint32_t)k),
                   .step = (uint32_t)(pass->number * (uint64_t)cw_program_steps(way))};
  on.at.x = cw_footprint_leave(&rex->footprint, &r->x, &r->spare);
  on.at.part = rex->footprint.part;
  memcpy(r->T_old, r->T, terms_size(rex, r));
  cw_way_samplers_take(&r->way, cw_tuned_state(&rex->tuned, pair));
  CW_TRY(cw_way_run(way, &on, to < k));
  cw_know_terms(&on.at, rex->wanted);
  memcpy(r->on_way, on.seconds, sizeof on.seconds);
  return CW_OK;
}

/* row = log-weights on the partner's rung. */
static cw_status weigh(cw_rex *rex, int k, int to, const cw_pass *pass) {
  cw_rex_rung *r = &rex->rung[k];
  double c[CW_MAX_TERMS];
  cw_carried at = carried(rex, r, c);
  memcpy(c, rex->ladder->c[k], sizeof c);
  memset(r->row, 0, (size_t)(r->x.n_blocks * r->x.B) * sizeof *r->row);
  cw_know_terms(&at, rex->wanted);
  if (rex->carries) return go(rex, k, to, pass, &at);
  cw_retarget_to(&at, rex->ladder->c[to]);
  return CW_OK;
}

static cw_status propose(cw_rex *rex, int k, const void *arg) {
  const cw_pass *pass = arg;
  const double began = cw_wall_seconds();
  const int to = partner_of(rex, k, pass->parity);
  if (to >= 0) CW_TRY(weigh(rex, k, to, pass));
  rex->rung[k].proposing = cw_wall_seconds() - began;
  return CW_OK;
}

/* All rungs, and what of their wall time went into maps and into sampler steps on the way. */
static cw_status propose_all(cw_rex *rex, const cw_pass *pass) {
  double all = 0, transport = 0, sampler = 0;
  for (int k = rex->mine.begin; k < rex->mine.end; k++)
    memset(rex->rung[k].on_way, 0, sizeof rex->rung[k].on_way);
  const double began = cw_wall_seconds();
  CW_TRY(cw_rex_for_rungs(rex, propose, pass));
  const double wall = cw_wall_seconds() - began;
  rex->spent.propose += wall;
  for (int k = rex->mine.begin; k < rex->mine.end; k++) {
    all += rex->rung[k].proposing;
    transport += rex->rung[k].on_way[CW_MOVE_TRANSPORT];
    sampler += rex->rung[k].on_way[CW_MOVE_MUTATE];
  }
  if (!(all > 0)) return CW_OK;
  rex->spent.transport += wall * transport / all;
  rex->spent.sampler += wall * sampler / all;
  return CW_OK;
}

/* ------------------------------------------------------------------ decisions */

static void swap_labels(int *label, int k) {
  int other = label[k];
  label[k] = label[k + 1];
  label[k + 1] = other;
}

/* Draws of a sweep: number 2*index for the pairs, 2*index + 1 for the sweep itself. */
static cw_rng swap_rng(const cw_rex *rex) { return cw_rng_substream(rex->options.rng, "swap", 0); }

static void decide(cw_rex *rex, uint32_t step, uint32_t index, int parity) {
  long chains = rex->options.chains;
  for (int k = parity; k + 1 < rex->ladder->n; k += 2)
    for (long i = 0; i < chains; i++) {
      const double *lw = rex->log_weight + k * chains + i;
      double p = cw_swap_probability(lw[0], lw[chains]), u[2];
      cw_uniform2(swap_rng(rex), (uint32_t)k, (uint32_t)i, step, 2 * index, u);
      bool yes = u[0] < p;
      rex->accepted[k * chains + i] = yes;
      rex->swaps.accept[k] += p;
      rex->swaps.tries[k]++;
      double *work = rex->swaps.work + 2 * (i * (rex->ladder->n - 1) + k);
      work[0] = -lw[0];
      work[1] = -lw[chains];
      if (yes) swap_labels(rex->label + i * rex->ladder->n, k);
    }
}

/* ------------------------------------------------------------------- exchange */

/* Configurations of one block and another trade places in the lanes of mask (all bits, or none). */
static void trade_lanes(double *restrict a, double *restrict b, long n_rows,
                        const uint64_t mask[CW_LANES]) {
  for (long row = 0; row < n_rows; row++)
    for (int l = 0; l < CW_LANES; l++) {
      uint64_t x, y, differ;
      memcpy(&x, a + row * CW_LANES + l, sizeof x);
      memcpy(&y, b + row * CW_LANES + l, sizeof y);
      differ = (x ^ y) & mask[l];
      x ^= differ;
      y ^= differ;
      memcpy(a + row * CW_LANES + l, &x, sizeof x);
      memcpy(b + row * CW_LANES + l, &y, sizeof y);
    }
}

static void trade_block(cw_field *a, cw_field *b, const bool *yes) {
  uint64_t mask[CW_LANES] = {0};
  long n = 0;
  for (long i = 0; i < a->n_config; i++) {
    n += yes[i];
    for (int v = 0; v < CW_LANES / a->B; v++) mask[v * a->B + i] = yes[i] ? ~(uint64_t)0 : 0;
  }
  if (n > 0) trade_lanes(a->data, b->data, a->geom->n_outer * a->n_comp, mask);
}

static bool all_of_one_block(const cw_field *x, const bool *yes) {
  for (long i = 0; i < x->n_config; i++)
    if (!yes[i]) return false;
  return x->n_blocks == 1;
}

/* Configurations where yes, and their terms, trade places. */
static void trade(const cw_rex *rex, cw_field *a, double *Ta, cw_field *b, double *Tb,
                  const bool *yes) {
  size_t n_terms = (size_t)rex->ladder->th->ops->n_terms;
  for (size_t i = 0; i < (size_t)a->n_config * n_terms; i++)
    if (yes[i / n_terms]) {
      double t = Ta[i];
      Ta[i] = Tb[i];
      Tb[i] = t;
    }
  if (all_of_one_block(a, yes)) {
    double *data = a->data;
    a->data = b->data;
    b->data = data;
    return;
  }
#pragma omp parallel for num_threads(cw_threads(rex->ctx)) schedule(static) if (a->n_blocks > 1)
  for (long block = 0; block < a->n_blocks; block++) {
    cw_field one = cw_field_block(a, block), other = cw_field_block(b, block);
    trade_block(&one, &other, yes + block * a->B);
  }
}

/* Swaps of chains of this rank between rungs k and k+1. */
static const bool *decisions(const cw_rex *rex, int k) {
  return rex->accepted + k * rex->options.chains + rex->mine.first;
}

/* Configurations of rung k that swap are what has gone for them, others what they were. */
static cw_status come_back(cw_rex *rex, int k, const void *arg) {
  const int to = partner_of(rex, k, ((const cw_pass *)arg)->parity);
  const long n_terms = rex->ladder->th->ops->n_terms;
  cw_rex_rung *r = &rex->rung[k];
  if (to < 0) return CW_OK;
  const bool *yes = decisions(rex, k < to ? k : to);
  cw_footprint_return(&rex->footprint, &r->x, &r->spare, yes);
  for (long i = 0; i < r->x.n_config; i++)
    if (!yes[i]) memcpy(r->T + i * n_terms, r->T_old + i * n_terms, (size_t)n_terms * sizeof *r->T);
  r->known = rex->wanted;
  return CW_OK;
}

/* The pair (k, k+1), if it is in this pass and on this rank. */
static cw_status exchange(cw_rex *rex, int k, const void *arg) {
  if (partner_of(rex, k, ((const cw_pass *)arg)->parity) != k + 1 || k + 1 >= rex->mine.end)
    return CW_OK;
  cw_rex_rung *low = &rex->rung[k], *high = low + 1;
  trade(rex, &low->x, low->T, &high->x, high->T, decisions(rex, k));
  return CW_OK;
}

/* ------------------------------------------------------------------ across ranks */

/* For a rung at the edge of this rank's part: what goes to its partner on another rank, from row
 * `at` on. Returns the number of rows; ranks have neighbouring rungs in their order. */
static long pack_rung(cw_rex *rex, int k, int to, long at) {
  cw_rex_rung *r = &rex->rung[k];
  long n = 0, n_terms = rex->ladder->th->ops->n_terms;
  const bool *yes = rex->accepted + (k < to ? k : to) * rex->options.chains;
  for (long i = 0; i < rex->options.chains; i++) {
    if (!yes[i]) continue;
    double *row = rex->send + (at + n) * rex->row_width;
    memcpy(row, r->T + i * n_terms, (size_t)n_terms * sizeof *row);
    cw_field_pack(&r->x, i, row + n_terms);
    rex->to[at + n++] = cw_rank(rex->ctx) + (to > k ? 1 : -1);
  }
  return n;
}

static long unpack_rung(cw_rex *rex, int k, int to, long at) {
  cw_rex_rung *r = &rex->rung[k];
  long n = 0, n_terms = rex->ladder->th->ops->n_terms;
  const bool *yes = rex->accepted + (k < to ? k : to) * rex->options.chains;
  for (long i = 0; i < rex->options.chains; i++) {
    if (!yes[i]) continue;
    const double *row = rex->recv + (at + n++) * rex->row_width;
    memcpy(r->T + i * n_terms, row, (size_t)n_terms * sizeof *row);
    cw_field_unpack(&r->x, i, row + n_terms);
  }
  return n;
}

/* The first rung of this rank and the last one may have partners elsewhere, below and above: rows
 * leave and arrive in that order, and as many arrive as leave. */
static cw_status exchange_ranks(cw_rex *rex, int parity) {
  int first = rex->mine.begin, last = rex->mine.end - 1;
  bool below = partner_of(rex, first, parity) == first - 1 && first > 0;
  bool above = partner_of(rex, last, parity) == last + 1;
  long n = 0, at = 0;
  if (below) n += pack_rung(rex, first, first - 1, n);
  if (above) n += pack_rung(rex, last, last + 1, n);
  CW_TRY(cw_deal(rex->ctx, rex->send, rex->to, n, rex->row_width, rex->recv, n));
  if (below) at += unpack_rung(rex, first, first - 1, at);
  if (above) unpack_rung(rex, last, last + 1, at);
  return CW_OK;
}

/* ----------------------------------------------------------------------- sweeps */

static cw_status pass_over(cw_rex *rex, uint32_t step, uint32_t index, int parity, int second) {
  const cw_pass pass = {parity, 2 * (step * rex->sweeps + index) + (uint64_t)second};
  CW_TRY(propose_all(rex, &pass));
  cw_rex_gather(rex, rex->log_weight);
  decide(rex, step, index, parity);
  if (rex->carries) CW_TRY(cw_rex_for_rungs(rex, come_back, &pass));
  CW_TRY(cw_rex_for_rungs(rex, exchange, &pass));
  return rex->by_rungs ? exchange_ranks(rex, parity) : CW_OK;
}

/* Draws on the way are keyed by 32 bits. */
static cw_status check_number(const cw_rex *rex, uint32_t step, uint32_t index) {
  const double passes = 2 * ((double)step * (double)rex->sweeps + index + 1);
  for (int k = 0; rex->options.way != NULL && k + 1 < rex->ladder->n; k++)
    if (passes * (double)cw_program_steps(&rex->options.way[k]) > UINT32_MAX)
      return cw_fail(rex->ctx, CW_EINVAL,
                     "step %lu: the sampler steps on ways have numbers beyond 2^32",
                     (unsigned long)step);
  return CW_OK;
}

/* Draws for a sweep as a whole. */
static double draw(const cw_rex *rex, uint32_t step, uint32_t index, int which) {
  double u[2];
  cw_uniform2(swap_rng(rex), 0, 0, step, 2 * index + 1, u);
  return u[which];
}

cw_status cw_rex_exchange(cw_rex *rex, uint32_t step, uint32_t index) {
  CW_TRY(check_number(rex, step, index));
  for (int k = rex->mine.begin; k < rex->mine.end; k++) rex->rung[k].known = 0;
  if (rex->options.order == CW_SWAP_ALTERNATE)
    return pass_over(rex, step, index, (int)((step * rex->sweeps + index) % 2), 0);
  int first = draw(rex, step, index, 1) < 0.5;
  CW_TRY(pass_over(rex, step, index, first, 0));
  return pass_over(rex, step, index, !first, 1);
}

void cw_rex_translate(cw_rex *rex, uint32_t step, uint32_t index) {
  int k = rex->options.periodic;
  if (k < rex->mine.begin || k >= rex->mine.end) return;
  cw_field *x = &rex->rung[k].x;
  double *data = x->data;
  const int direction = (int)(draw(rex, step, index, 0) * 2 * x->geom->lat.dim);
  cw_field_translate(&rex->moved, x, direction, cw_threads(rex->ctx));
  x->data = rex->moved.data;
  rex->moved.data = data;
}
