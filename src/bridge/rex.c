/* Replica exchange: rungs dealt to ranks and threads, and the order of a step. The swaps are in
 * swap.c, the tuning of rungs in tune.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/rex.h"

/* ------------------------------------------------------------------ options */

static cw_status check_options(cw_context *ctx, const cw_ladder *ladder, const cw_rex_options *o) {
  if (o->chains < 1) return cw_fail(ctx, CW_EINVAL, "%ld chains: expected at least 1", o->chains);
  if (o->mutations < 1)
    return cw_fail(ctx, CW_EINVAL, "%ld sampler steps between swaps: expected at least 1",
                   o->mutations);
  for (int k = 0; o->multiple != NULL && k < ladder->n; k++)
    if (o->multiple[k] < 1)
      return cw_fail(ctx, CW_EINVAL, "rung %d: %d times its sampler steps: expected at least 1", k,
                     o->multiple[k]);
  for (int k = 0; o->way != NULL && k + 1 < ladder->n; k++)
    CW_TRY(cw_way_check(ctx, &o->way[k], o->sampler, o->map != NULL, o->way_levels.n));
  if (o->periodic < -1 || o->periodic >= ladder->n)
    return cw_fail(ctx, CW_EINVAL, "the periodic rung is %d: expected 0 to %d, or -1 for none",
                   o->periodic, ladder->n - 1);
  if (o->periodic >= 0 && !cw_theory_is_homogeneous(ladder->th->ops, ladder->c[o->periodic]))
    return cw_fail(ctx, CW_EINVAL, "rung %d has a defect: its replicas cannot be translated",
                   o->periodic);
  const cw_lattice *lat = &ladder->th->geom->lat;
  CW_TRY(cw_levels_check(ctx, lat, &o->way_levels, o->sampler));
  return cw_levels_check(ctx, lat, &o->levels, o->sampler);
}

/* ------------------------------------------------------------------ creation */

static long n_works(const cw_rex *rex) { return 2 * (rex->ladder->n - 1) * rex->options.chains; }

static cw_status no_memory(cw_context *ctx) {
  return cw_fail(ctx, CW_ENOMEM, "no memory for replica exchange");
}

/* From the arena, cleared; NULL: no memory, and *ok = false. */
static void *array(cw_rex *rex, long n, size_t size, bool *ok) {
  void *p = cw_arena_alloc(rex->arena, (size_t)n * size);
  if (p == NULL)
    *ok = false;
  else
    memset(p, 0, (size_t)n * size);
  return p;
}

static long block_of_chains(const cw_rex *rex) { return CW_LANES / rex->ladder->th->geom->V; }

static cw_rex_part part_of(const cw_rex *rex, int rank) {
  long begin = 0, end = rex->ladder->n, first = 0, n = rex->options.chains;
  if (rex->by_rungs)
    cw_share_of_rank(rex->ctx, end, rank, &begin, &end);
  else
    cw_field_share(rex->ctx, n, block_of_chains(rex), rank, &first, &n);
  return (cw_rex_part){(int)begin, (int)end, first, n};
}

/* Blocks of chains, or where these are too few for the ranks, rungs. */
static cw_status deal(cw_rex *rex) {
  long B = block_of_chains(rex), blocks = (rex->options.chains + B - 1) / B;
  int n = rex->ladder->n, ranks = cw_ranks(rex->ctx);
  rex->by_rungs = blocks < ranks;
  if (rex->by_rungs && n < ranks)
    return cw_fail(rex->ctx, CW_EINVAL, "%d rungs of %ld blocks of chains are too few for %d ranks",
                   n, blocks, ranks);
  rex->mine = part_of(rex, cw_rank(rex->ctx));
  return CW_OK;
}

static cw_status open_sampler(cw_rex *rex, long n_blocks, cw_sampler **out) {
  const cw_rex_options *o = &rex->options;
  return cw_sampler_create(rex->ctx, o->sampler, rex->ladder->th, o->param, o->choice, n_blocks,
                           out);
}

/* The samplers of a level of every rung. */
static cw_status open_level(cw_rex *rex, int l) {
  cw_link_set links;
  cw_status st = cw_level_links(rex->ctx, rex->ladder->th, &rex->options.levels, l, &links);
  for (int k = rex->mine.begin; k < rex->mine.end && st == CW_OK; k++) {
    cw_sampler **s = &rex->rung[k].level[l];
    st = open_sampler(rex, rex->rung[k].x.n_blocks, s);
    if (st == CW_OK) st = (*s)->ops->restrict_to(*s, &links);
  }
  cw_link_set_destroy(&links);
  return st;
}

static cw_status open_field(cw_rex *rex, cw_field *x) {
  const cw_theory *th = rex->ladder->th;
  CW_TRY(cw_field_create(rex->ctx, th->geom, th->n_comp, rex->mine.n, x));
  x->first_chain = rex->mine.first;
  cw_kind(th->ops->kind)->cold(x);
  return CW_OK;
}

static cw_status open_rung(cw_rex *rex, cw_rex_rung *r) {
  int n_terms = rex->ladder->th->ops->n_terms;
  bool ok = true;
  CW_TRY(open_field(rex, &r->x));
  CW_TRY(open_sampler(rex, r->x.n_blocks, &r->sampler));
  long lanes = r->x.n_blocks * r->x.B;
  r->row = array(rex, lanes, sizeof *r->row, &ok);
  r->work = array(rex, CW_CARRY_WORK * lanes, sizeof *r->work, &ok);
  r->T = array(rex, lanes * n_terms, sizeof *r->T, &ok);
  if (rex->carries) {
    r->T_old = array(rex, lanes * n_terms, sizeof *r->T_old, &ok);
    CW_TRY(cw_footprint_spare(rex->ctx, &rex->footprint, &r->x, &r->spare));
  }
  const cw_rex_options *o = &rex->options;
  if (o->way != NULL)
    CW_TRY(cw_way_samplers_open(rex->ctx, rex->ladder->th, o->sampler, o->param, o->choice,
                                &o->way_levels, cw_footprint_patch(&rex->footprint), r->x.n_blocks,
                                &r->way));
  return ok ? CW_OK : no_memory(rex->ctx);
}

const cw_program *cw_rex_way(const cw_rex *rex, int pair) {
  static const cw_move by_map[] = {{.kind = CW_MOVE_TRANSPORT}, {.kind = CW_MOVE_RETARGET, .t = 1}};
  static const cw_program of_map = {2, by_map};
  return rex->options.way != NULL ? &rex->options.way[pair] : &of_map;
}

static bool carries_by_maps(const cw_rex *rex) {
  const cw_rex_options *o = &rex->options;
  for (int k = 0; o->way != NULL && k + 1 < rex->ladder->n; k++)
    if (cw_program_count(&o->way[k], CW_MOVE_TRANSPORT) > 0) return true;
  return o->map != NULL;
}

/* What swaps may change on the way: nothing, the links of levels and maps, or all. */
static cw_status open_footprint(cw_rex *rex) {
  const cw_rex_options *o = &rex->options;
  const int n = rex->ladder->n - 1;
  bool local = true;
  if (!rex->carries) return CW_OK;
  cw_program *way = cw_alloc((size_t)n * sizeof *way);
  if (way == NULL) return no_memory(rex->ctx);
  for (int k = 0; k < n; k++) {
    way[k] = *cw_rex_way(rex, k);
    local =
        local && cw_way_is_local(&way[k], rex->ladder->th->ops, o->map != NULL ? &o->map[k] : NULL);
  }
  cw_status st = cw_footprint_open(rex->ctx, rex->ladder, o->sampler, &o->way_levels,
                                   &(cw_footprint_maps){n, way, o->map}, local, &rex->footprint);
  free(way);
  if (carries_by_maps(rex) && rex->footprint.part == NULL) rex->wanted = cw_all_terms(rex->ladder);
  return st;
}

static cw_status open_rungs(cw_rex *rex) {
  int periodic = rex->options.periodic;
  CW_TRY(open_footprint(rex));
  for (int k = rex->mine.begin; k < rex->mine.end; k++) CW_TRY(open_rung(rex, &rex->rung[k]));
  for (int l = 0; l < rex->options.levels.n; l++) CW_TRY(open_level(rex, l));
  if (periodic >= rex->mine.begin && periodic < rex->mine.end) CW_TRY(open_field(rex, &rex->moved));
  CW_TRY(cw_tuned_open(rex->ctx, rex->ladder->n, rex->rung[rex->mine.begin].sampler, &rex->tuned));
  const cw_field *x = &rex->rung[rex->mine.begin].x;
  int threads = cw_threads(rex->ctx);
  rex->wide = x->n_blocks >= threads || cw_theory_threads(rex->ladder->th) >= threads;
  return CW_OK;
}

/* Arrays that have the same size on all ranks. */
static cw_status allocate(cw_rex *rex) {
  const cw_geometry *g = rex->ladder->th->geom;
  long n = rex->ladder->n, chains = rex->options.chains;
  bool ok = true;
  rex->rung = array(rex, n, sizeof *rex->rung, &ok);
  rex->local = array(rex, n * chains, sizeof *rex->local, &ok);
  rex->received = array(rex, n * chains, sizeof *rex->received, &ok);
  rex->log_weight = array(rex, n * chains, sizeof *rex->log_weight, &ok);
  rex->accepted = array(rex, (n - 1) * chains, sizeof *rex->accepted, &ok);
  rex->label = array(rex, n * chains, sizeof *rex->label, &ok);
  rex->swaps.accept = array(rex, n - 1, sizeof *rex->swaps.accept, &ok);
  rex->swaps.tries = array(rex, n - 1, sizeof *rex->swaps.tries, &ok);
  rex->swaps.work = array(rex, 2 * (n - 1) * chains, sizeof *rex->swaps.work, &ok);
  rex->row_width = g->n_sites * rex->ladder->th->n_comp + rex->ladder->th->ops->n_terms;
  if (rex->by_rungs) {
    rex->to = array(rex, 2 * chains, sizeof *rex->to, &ok);
    rex->send = array(rex, 2 * chains * rex->row_width, sizeof *rex->send, &ok);
    rex->recv = array(rex, 2 * chains * rex->row_width, sizeof *rex->recv, &ok);
  }
  return ok ? CW_OK : no_memory(rex->ctx);
}

static void start_labels(cw_rex *rex) {
  for (long i = 0; i < rex->options.chains; i++)
    for (int k = 0; k < rex->ladder->n; k++) rex->label[i * rex->ladder->n + k] = k;
}

/* state (n, n_state) of samplers: what is this rank's, from all. */
static void share_states(const cw_rex *rex, double *state) {
  const long begin = rex->mine.begin, n = rex->mine.end - begin, size = rex->tuned.size;
  if (rex->by_rungs) cw_allgather(rex->ctx, state + begin * size, n * size, state);
}

/* Swaps, a translation, and the sweeps of level l with the same after each. */
static cw_move *end_program(cw_rex *rex, cw_program *p, cw_move *m, int l) {
  *m++ = (cw_move){.kind = CW_MOVE_EXCHANGE};
  if (rex->options.periodic >= 0) *m++ = (cw_move){.kind = CW_MOVE_TRANSLATE};
  if (l < rex->options.levels.n)
    *m++ = (cw_move){.kind = CW_MOVE_REPEAT,
                     .count = rex->options.levels.level[l].count,
                     .body = &rex->program[l + 1]};
  p->n = (int)(m - p->move);
  return m;
}

/* Mutate all rungs, exchange, translate, repeat [mutate a level, exchange, translate, repeat [..]].
 */
static void make_program(cw_rex *rex) {
  const cw_levels *levels = &rex->options.levels;
  uint64_t of_level = 1;
  cw_move *m = rex->move;
  rex->sweeps = 1;
  for (int l = -1; l < levels->n; l++) {
    cw_program *p = &rex->program[l + 1];
    const long steps = l < 0 ? rex->options.mutations : 1;
    p->move = m;
    *m++ = (cw_move){.kind = CW_MOVE_MUTATE, .steps = steps, .level = l};
    m = end_program(rex, p, m, l + 1);
    if (l >= 0) rex->sweeps += of_level *= (uint64_t)levels->level[l].count;
  }
}

static cw_status prepare(cw_rex *rex) {
  CW_TRY(check_options(rex->ctx, rex->ladder, &rex->options));
  rex->carries = rex->options.map != NULL || rex->options.way != NULL;
  CW_TRY(deal(rex));
  rex->arena = cw_arena_create(0);
  if (rex->arena == NULL) return no_memory(rex->ctx);
  CW_TRY(allocate(rex));
  const cw_ladder *ladder = rex->ladder;
  for (int k = 0; k + 1 < ladder->n; k++)
    rex->wanted |= cw_terms_changed(ladder, ladder->c[k], ladder->c[k + 1]);
  make_program(rex);
  return CW_OK;
}

cw_status cw_rex_create(cw_context *ctx, const cw_ladder *ladder, const cw_rex_options *options,
                        cw_rex **out) {
  *out = NULL;
  cw_rex *rex = cw_alloc(sizeof *rex);
  CW_TRY(cw_agree(ctx, rex == NULL ? no_memory(ctx) : CW_OK));
  *rex = (cw_rex){.ctx = ctx, .ladder = ladder, .options = *options};
  cw_status st = cw_agree(ctx, prepare(rex));
  if (st == CW_OK) {
    start_labels(rex);
    cw_rex_reset_counts(rex);
    st = cw_agree(ctx, open_rungs(rex));
  }
  if (st != CW_OK) {
    cw_rex_destroy(rex);
    return st;
  }
  *out = rex;
  return CW_OK;
}

void cw_rex_destroy(cw_rex *rex) {
  if (rex == NULL) return;
  for (int k = rex->mine.begin; rex->rung != NULL && k < rex->mine.end; k++) {
    cw_rex_rung *r = &rex->rung[k];
    cw_field_destroy(&r->x);
    cw_field_destroy(&r->spare);
    cw_sampler_destroy(r->sampler);
    for (int l = 0; l < CW_MAX_LEVELS; l++) cw_sampler_destroy(r->level[l]);
    cw_way_samplers_close(&r->way);
  }
  cw_field_destroy(&rex->moved);
  cw_footprint_close(&rex->footprint);
  cw_tuned_close(&rex->tuned);
  cw_arena_destroy(rex->arena);
  free(rex);
}

/* ------------------------------------------------------- threads and ranks */

/* Rungs that are done side by side: a multiple of the number of threads, where the rest can each have all
 * threads. */
static int side_by_side(const cw_rex *rex) {
  int n = rex->mine.end - rex->mine.begin;
  return rex->wide ? n - n % cw_threads(rex->ctx) : n;
}

cw_status cw_rex_for_rungs(cw_rex *rex, cw_rex_work *work, const void *arg) {
  cw_status worst = CW_OK;
  int begin = rex->mine.begin, rest = begin + side_by_side(rex);
#pragma omp parallel for num_threads(cw_threads(rex->ctx)) schedule(dynamic)
  for (int k = begin; k < rest; k++) {
    cw_status st = work(rex, k, arg);
    if (st != CW_OK) {
#pragma omp atomic write
      worst = st;
    }
  }
  for (int k = rest; k < rex->mine.end && worst == CW_OK; k++) worst = work(rex, k, arg);
  return cw_agree(rex->ctx, worst);
}

void cw_rex_gather(cw_rex *rex, double *all) {
  long chains = rex->options.chains, n = 0;
  for (int k = rex->mine.begin; k < rex->mine.end; k++, n += rex->mine.n)
    memcpy(rex->local + n, rex->rung[k].row, (size_t)rex->mine.n * sizeof *all);
  cw_allgather(rex->ctx, rex->local, n, rex->received);
  const double *from = rex->received;
  for (int r = 0; r < cw_ranks(rex->ctx); r++) {
    const cw_rex_part p = part_of(rex, r);
    for (int k = p.begin; k < p.end; k++, from += p.n)
      memcpy(all + k * chains + p.first, from, (size_t)p.n * sizeof *all);
  }
}

/* ---------------------------------------------------------------------- step */

/* A step while it goes on. */
typedef struct {
  cw_rex *rex;
  uint32_t step, n_tune;
  uint32_t index; /* of the next sweep of swaps in this step */
  uint32_t turn;  /* of the present program since step 0: numbers its sampler steps */
} rex_step;

/* Sampler steps of a rung, or of a level's links there. */
typedef struct {
  const cw_move *move;
  uint32_t first; /* number of the first one */
} rung_steps;

static cw_status mutate_rung(cw_rex *rex, int k, const void *arg) {
  const rung_steps *todo = arg;
  const int level = todo->move->level;
  const long times = rex->options.multiple != NULL ? rex->options.multiple[k] : 1;
  const long n = todo->move->steps * times;
  cw_rex_rung *r = &rex->rung[k];
  cw_sampler *s = level < 0 ? r->sampler : r->level[level];
  cw_rng rng = cw_rng_substream(rex->options.rng, "rung", (uint32_t)k);
  const long lanes = r->x.n_blocks * r->x.B;
  cw_step_stats stats = {.accept = r->work};
  if (level >= 0) rng = cw_rng_substream(rng, "level", (uint32_t)level);
  cw_tuned_take(&rex->tuned, k, s);
  memset(r->row, 0, (size_t)lanes * sizeof *r->row);
  for (long i = 0; i < n; i++) {
    CW_TRY(s->ops->step(s, rex->ladder->c[k], &r->x, rng, (uint32_t)(todo->first * times + i),
                        level < 0 ? &stats : NULL));
    for (long l = 0; level < 0 && l < lanes; l++) r->row[l] += r->work[l] / (double)n;
  }
  return CW_OK;
}

/* Each rung's sampler adapts to the mean acceptance of all chains. */
static void tune(const rex_step *on) {
  cw_rex *rex = on->rex;
  const long chains = rex->options.chains;
  const cw_sampler_ops *ops = rex->options.sampler;
  if (ops->tune == NULL || on->step >= on->n_tune) return;
  cw_rex_gather(rex, rex->log_weight);
  for (int k = rex->mine.begin; k < rex->mine.end; k++) {
    const double sum = cw_sum(rex->log_weight + k * chains, (size_t)chains);
    ops->tune(rex->rung[k].sampler, sum / (double)chains, on->step, on->n_tune);
    cw_tuned_note(&rex->tuned, k, rex->rung[k].sampler);
  }
  if (rex->options.way != NULL) share_states(rex, rex->tuned.state);
}

static cw_status mutate(void *self, const cw_move *m, bool back) {
  const rex_step *on = self;
  const rung_steps todo = {m, (uint32_t)(on->turn * m->steps)};
  const double began = cw_wall_seconds();
  (void)back;
  CW_TRY(cw_rex_for_rungs(on->rex, mutate_rung, &todo));
  if (m->level < 0) tune(on);
  on->rex->spent.sampler += cw_wall_seconds() - began;
  return CW_OK;
}

static cw_status exchange(void *self, const cw_move *m, bool back) {
  rex_step *on = self;
  (void)m, (void)back;
  return cw_rex_exchange(on->rex, on->step, on->index++);
}

static cw_status translate(void *self, const cw_move *m, bool back) {
  const rex_step *on = self;
  (void)m, (void)back;
  cw_rex_translate(on->rex, on->step, on->index - 1);
  return CW_OK;
}

static cw_status repeat(void *self, const cw_move *m, bool back);

static const cw_runner runner = {"replica exchange",
                                 {[CW_MOVE_MUTATE] = mutate,
                                  [CW_MOVE_EXCHANGE] = exchange,
                                  [CW_MOVE_TRANSLATE] = translate,
                                  [CW_MOVE_REPEAT] = repeat}};

static cw_status repeat(void *self, const cw_move *m, bool back) {
  rex_step *on = self;
  const uint32_t turn = on->turn;
  for (uint32_t i = 0; i < m->count; i++) {
    on->turn = turn * (uint32_t)m->count + i;
    CW_TRY(cw_program_run(m->body, &runner, on, back));
  }
  on->turn = turn;
  return CW_OK;
}

cw_status cw_rex_step(cw_rex *rex, uint32_t step, uint32_t n_tune) {
  rex_step on = {.rex = rex, .step = step, .n_tune = n_tune, .turn = step};
  cw_rex_seconds *s = &rex->spent;
  const double began = cw_wall_seconds(), known = s->sampler + s->transport;
  CW_TRY(cw_program_run(&rex->program[0], &runner, &on, false));
  s->swap += fmax(cw_wall_seconds() - began - (s->sampler + s->transport - known), 0);
  return CW_OK;
}

cw_rex_seconds cw_rex_take_seconds(cw_rex *rex) {
  const cw_rex_seconds spent = rex->spent;
  rex->spent = (cw_rex_seconds){0};
  return spent;
}

/* ------------------------------------------------------------------- contents */

int cw_rex_rung_begin(const cw_rex *rex) { return rex->mine.begin; }
int cw_rex_rung_end(const cw_rex *rex) { return rex->mine.end; }

cw_field *cw_rex_field(cw_rex *rex, int rung) {
  CW_REQUIRE(rung >= rex->mine.begin && rung < rex->mine.end);
  return &rex->rung[rung].x;
}

const cw_rex_swaps *cw_rex_swap_counts(const cw_rex *rex) { return &rex->swaps; }

void cw_rex_reset_counts(cw_rex *rex) {
  for (int k = 0; k + 1 < rex->ladder->n; k++) {
    rex->swaps.accept[k] = 0;
    rex->swaps.tries[k] = 0;
  }
  for (long i = 0; i < n_works(rex); i++) rex->swaps.work[i] = NAN;
}

const int *cw_rex_labels(const cw_rex *rex) { return rex->label; }

/* ---------------------------------------------------------------- checkpoints */

long cw_rex_state_size(const cw_rex *rex) {
  long n = rex->ladder->n;
  return n * rex->options.chains + 2 * (n - 1) + n_works(rex) + cw_tuned_size(&rex->tuned);
}

void cw_rex_save(const cw_rex *rex, double *state) {
  long n = rex->ladder->n;
  for (long i = 0; i < n * rex->options.chains; i++) *state++ = rex->label[i];
  for (long k = 0; k < n - 1; k++) *state++ = rex->swaps.accept[k];
  for (long k = 0; k < n - 1; k++) *state++ = (double)rex->swaps.tries[k];
  for (long i = 0; i < n_works(rex); i++) *state++ = rex->swaps.work[i];
  memcpy(state, rex->tuned.state, (size_t)cw_tuned_size(&rex->tuned) * sizeof *state);
  share_states(rex, state);
}

void cw_rex_load(cw_rex *rex, const double *state) {
  long n = rex->ladder->n;
  for (long i = 0; i < n * rex->options.chains; i++) rex->label[i] = (int)*state++;
  for (long k = 0; k < n - 1; k++) rex->swaps.accept[k] = *state++;
  for (long k = 0; k < n - 1; k++) rex->swaps.tries[k] = (long)*state++;
  for (long i = 0; i < n_works(rex); i++) rex->swaps.work[i] = *state++;
  memcpy(rex->tuned.state, state, (size_t)cw_tuned_size(&rex->tuned) * sizeof *state);
}
