/* Replica exchange: rungs dealt to ranks and threads, and the order of a step. The swaps are in
 * swap.c, the tuning of rungs in tune.c. */
#include <stdlib.h>
#include <string.h>

#include "bridge/rex.h"

/* ------------------------------------------------------------------ options */

static cw_status check_box(cw_context *ctx, const cw_lattice *lat, const cw_box *box, int level) {
  for (int d = 0; d < lat->dim; d++)
    if (box->size[d] < 1 || box->size[d] > lat->extent[d])
      return cw_fail(ctx, CW_EINVAL,
                     "level %d: size %d of its box in direction %d: expected 1 to %d", level,
                     box->size[d], d, lat->extent[d]);
  return CW_OK;
}

static cw_status check_level(cw_context *ctx, const cw_ladder *ladder, const cw_level *level,
                             int l) {
  if (level->count < 1)
    return cw_fail(ctx, CW_EINVAL, "level %d: count %d, expected at least 1", l, level->count);
  if (!level->around) return check_box(ctx, &ladder->th->geom->lat, &level->box, l);
  if (level->hops < 0)
    return cw_fail(ctx, CW_EINVAL, "level %d: %d hops, expected at least 0", l, level->hops);
  return CW_OK;
}

static cw_status check_levels(cw_context *ctx, const cw_ladder *ladder, const cw_rex_options *o,
                              const cw_levels *levels) {
  if (levels->n < 0 || levels->n > CW_MAX_LEVELS)
    return cw_fail(ctx, CW_EINVAL, "%d levels: expected 0 to %d", levels->n, CW_MAX_LEVELS);
  if (levels->n > 0 && o->sampler->restrict_to == NULL)
    return cw_fail(ctx, CW_EINVAL,
                   "sampler '%s' cannot be restricted to a set of links, as levels need it",
                   o->sampler->name);
  for (int l = 0; l < levels->n; l++) CW_TRY(check_level(ctx, ladder, &levels->level[l], l));
  return CW_OK;
}

static bool is_homogeneous(const cw_ladder *ladder, int rung) {
  const cw_theory_ops *ops = ladder->th->ops;
  return ops->is_homogeneous == NULL || ops->is_homogeneous(ladder->c[rung]);
}

static cw_status check_options(cw_context *ctx, const cw_ladder *ladder, const cw_rex_options *o) {
  if (o->chains < 1) return cw_fail(ctx, CW_EINVAL, "%ld chains: expected at least 1", o->chains);
  if (o->mutations < 1)
    return cw_fail(ctx, CW_EINVAL, "%ld sampler steps between swaps: expected at least 1",
                   o->mutations);
  for (int k = 0; o->way != NULL && k + 1 < ladder->n; k++)
    CW_TRY(cw_program_check(ctx, &o->way[k], o->sampler, o->map != NULL, o->way_levels.n));
  if (o->periodic < -1 || o->periodic >= ladder->n)
    return cw_fail(ctx, CW_EINVAL, "the periodic rung is %d: expected 0 to %d, or -1 for none",
                   o->periodic, ladder->n - 1);
  if (o->periodic >= 0 && !is_homogeneous(ladder, o->periodic))
    return cw_fail(ctx, CW_EINVAL, "rung %d has a defect: its replicas cannot be translated",
                   o->periodic);
  CW_TRY(check_levels(ctx, ladder, o, &o->way_levels));
  return check_levels(ctx, ladder, o, &o->levels);
}

static uint64_t sweeps_of(const cw_levels *levels) {
  uint64_t all = 1, of_level = 1;
  for (int l = 0; l < levels->n; l++) all += of_level *= (uint64_t)levels->level[l].count;
  return all;
}

/* ------------------------------------------------------------------ creation */

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

/* Blocks of chains, or where these are too few for the ranks, rungs. */
static cw_status deal(cw_rex *rex) {
  long B = CW_LANES / rex->ladder->th->geom->V, chains = rex->options.chains;
  long blocks = (chains + B - 1) / B, begin, end;
  int n = rex->ladder->n, ranks = cw_ranks(rex->ctx);
  rex->by_rungs = blocks < ranks;
  if (rex->by_rungs && n < ranks)
    return cw_fail(rex->ctx, CW_EINVAL, "%d rungs of %ld blocks of chains are too few for %d ranks",
                   n, blocks, ranks);
  cw_rank_share(rex->ctx, rex->by_rungs ? n : blocks, &begin, &end);
  if (rex->by_rungs)
    rex->mine = (cw_rex_part){(int)begin, (int)end, 0, chains};
  else
    rex->mine = (cw_rex_part){0, n, begin * B, (end * B < chains ? end * B : chains) - begin * B};
  return CW_OK;
}

static void share_parts(cw_rex *rex) {
  const cw_rex_part *p = &rex->mine;
  double mine[4] = {p->begin, p->end, (double)p->first, (double)p->n}, *all = rex->received;
  cw_allgather(rex->ctx, mine, 4, all);
  for (int r = 0; r < cw_ranks(rex->ctx); r++, all += 4)
    rex->part[r] = (cw_rex_part){(int)all[0], (int)all[1], (long)all[2], (long)all[3]};
}

static cw_status open_sampler(cw_rex *rex, long n_blocks, cw_sampler **out) {
  const cw_rex_options *o = &rex->options;
  return cw_sampler_create(rex->ctx, o->sampler, rex->ladder->th, o->param, o->choice, n_blocks,
                           out);
}

static cw_status links_of_level(cw_rex *rex, const cw_level *level, int l, cw_link_set *out) {
  const cw_theory *th = rex->ladder->th;
  cw_link_set defect = {.n = 0};
  *out = defect;
  if (!level->around) return cw_link_set_in_box(rex->ctx, &th->geom->lat, &level->box, out);
  cw_status st = cw_theory_defect(rex->ctx, th, &defect);
  if (st == CW_OK) st = cw_link_set_around(rex->ctx, &defect, level->hops, out);
  cw_link_set_destroy(&defect);
  if (st == CW_OK && out->n == 0)
    st = cw_fail(rex->ctx, CW_EINVAL, "level %d: the theory has no defect to be around", l);
  return st;
}

/* A level's sampler of every rung, of a step or of the ways. */
static cw_status open_level(cw_rex *rex, const cw_level *level, int l, bool of_way) {
  cw_link_set links;
  cw_status st = links_of_level(rex, level, l, &links);
  for (int k = rex->mine.begin; k < rex->mine.end && st == CW_OK; k++) {
    cw_rex_rung *r = &rex->rung[k];
    cw_sampler **s = of_way ? &r->way_level[l] : &r->level[l];
    st = open_sampler(rex, r->x.n_blocks, s);
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

/* A sampler of its own, whose state is that of the lower rung of a pair. Sweeps over a set of links
 * can be run backwards, and the set may be that of all. */
static cw_status open_way(cw_rex *rex, cw_rex_rung *r) {
  const cw_lattice *lat = &rex->ladder->th->geom->lat;
  cw_box whole = {.origin = {0}};
  cw_link_set all;
  CW_TRY(open_sampler(rex, r->x.n_blocks, &r->way));
  if (r->way->ops->restrict_to == NULL) return CW_OK;
  for (int d = 0; d < lat->dim; d++) whole.size[d] = lat->extent[d];
  cw_status st = cw_link_set_in_box(rex->ctx, lat, &whole, &all);
  if (st == CW_OK) st = r->way->ops->restrict_to(r->way, &all);
  cw_link_set_destroy(&all);
  return st;
}

static cw_status open_rung(cw_rex *rex, cw_rex_rung *r) {
  int n_terms = rex->ladder->th->ops->n_terms;
  bool ok = true;
  CW_TRY(open_field(rex, &r->x));
  CW_TRY(open_sampler(rex, r->x.n_blocks, &r->sampler));
  long lanes = r->x.n_blocks * r->x.B;
  r->row = array(rex, lanes, sizeof *r->row, &ok);
  r->scratch = array(rex, lanes, sizeof *r->scratch, &ok);
  r->T = array(rex, lanes * n_terms, sizeof *r->T, &ok);
  if (rex->carries) {
    r->Ty = array(rex, lanes * n_terms, sizeof *r->Ty, &ok);
    CW_TRY(open_field(rex, &r->y));
  }
  if (rex->options.way != NULL) CW_TRY(open_way(rex, r));
  return ok ? CW_OK : no_memory(rex->ctx);
}

static cw_status open_rungs(cw_rex *rex) {
  int periodic = rex->options.periodic;
  for (int k = rex->mine.begin; k < rex->mine.end; k++) CW_TRY(open_rung(rex, &rex->rung[k]));
  const cw_levels *levels = &rex->options.levels, *ways = &rex->options.way_levels;
  for (int l = 0; l < levels->n; l++) CW_TRY(open_level(rex, &levels->level[l], l, false));
  for (int l = 0; l < ways->n; l++) CW_TRY(open_level(rex, &ways->level[l], l, true));
  if (periodic >= rex->mine.begin && periodic < rex->mine.end) CW_TRY(open_field(rex, &rex->moved));
  const cw_field *x = &rex->rung[rex->mine.begin].x;
  int threads = cw_threads(rex->ctx);
  rex->wide = x->n_blocks >= threads || cw_theory_threads(rex->ladder->th) >= threads;
  return CW_OK;
}

/* Arrays that have the same size on all ranks. */
static cw_status allocate(cw_rex *rex) {
  const cw_geometry *g = rex->ladder->th->geom;
  long n = rex->ladder->n, chains = rex->options.chains, ranks = cw_ranks(rex->ctx);
  bool ok = true;
  rex->rung = array(rex, n, sizeof *rex->rung, &ok);
  rex->part = array(rex, ranks, sizeof *rex->part, &ok);
  rex->local = array(rex, n * chains, sizeof *rex->local, &ok);
  rex->received = array(rex, n * chains + 4 * ranks, sizeof *rex->received, &ok);
  rex->log_weight = array(rex, n * chains, sizeof *rex->log_weight, &ok);
  rex->accepted = array(rex, (n - 1) * chains, sizeof *rex->accepted, &ok);
  rex->label = array(rex, n * chains, sizeof *rex->label, &ok);
  if (rex->options.way != NULL)
    rex->way_state = array(rex, n * CW_SAMPLER_STATE, sizeof *rex->way_state, &ok);
  rex->swaps.accept = array(rex, n - 1, sizeof *rex->swaps.accept, &ok);
  rex->swaps.tries = array(rex, n - 1, sizeof *rex->swaps.tries, &ok);
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

/* What ways need to know of rungs that may be on other ranks. */
static void share_states(cw_rex *rex) {
  const size_t bytes = CW_SAMPLER_STATE * sizeof *rex->way_state;
  double *all = rex->way_state;
  for (int k = rex->mine.begin; k < rex->mine.end; k++)
    memcpy(all + k * CW_SAMPLER_STATE, rex->rung[k].sampler->state, bytes);
  if (!rex->by_rungs) return;
  cw_allgather(rex->ctx, all + rex->mine.begin * CW_SAMPLER_STATE,
               (rex->mine.end - rex->mine.begin) * (long)CW_SAMPLER_STATE, all);
}

static cw_status prepare(cw_rex *rex) {
  CW_TRY(check_options(rex->ctx, rex->ladder, &rex->options));
  rex->carries = rex->options.map != NULL || rex->options.way != NULL;
  CW_TRY(deal(rex));
  rex->arena = cw_arena_create(0);
  if (rex->arena == NULL) return no_memory(rex->ctx);
  CW_TRY(allocate(rex));
  for (int k = 0; k + 1 < rex->ladder->n; k++)
    rex->changes |= cw_ladder_changes(rex->ladder, k, k + 1);
  rex->sweeps = sweeps_of(&rex->options.levels);
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
    share_parts(rex);
    start_labels(rex);
    st = cw_agree(ctx, open_rungs(rex));
  }
  if (st == CW_OK && options->way != NULL) share_states(rex);
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
    cw_field_destroy(&r->y);
    cw_sampler_destroy(r->sampler);
    for (int l = 0; l < CW_MAX_LEVELS; l++) cw_sampler_destroy(r->level[l]);
    cw_sampler_destroy(r->way);
    for (int l = 0; l < CW_MAX_LEVELS; l++) cw_sampler_destroy(r->way_level[l]);
  }
  cw_field_destroy(&rex->moved);
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
    const cw_rex_part *p = &rex->part[r];
    for (int k = p->begin; k < p->end; k++, from += p->n)
      memcpy(all + k * chains + p->first, from, (size_t)p->n * sizeof *all);
  }
}

/* ---------------------------------------------------------------------- step */

/* Sampler steps of a rung, with the numbers that belong to this step. */
static cw_status mutate_rung(cw_rex *rex, int k, const void *arg) {
  cw_rex_rung *r = &rex->rung[k];
  const uint32_t step = *(const uint32_t *)arg;
  const long n = rex->options.mutations, lanes = r->x.n_blocks * r->x.B;
  cw_step_stats stats = {.accept = r->scratch};
  memset(r->row, 0, (size_t)lanes * sizeof *r->row);
  for (long i = 0; i < n; i++) {
    CW_TRY(r->sampler->ops->step(r->sampler, rex->ladder->c[k], &r->x,
                                 cw_rng_substream(rex->options.rng, "rung", (uint32_t)k),
                                 (uint32_t)(step * n + i), &stats));
    for (long l = 0; l < lanes; l++) r->row[l] += r->scratch[l] / (double)n;
  }
  return CW_OK;
}

/* Each rung's sampler adapts to the mean acceptance of all chains. */
static void tune(cw_rex *rex, uint32_t step, uint32_t n_tune) {
  long chains = rex->options.chains;
  if (rex->options.sampler->tune == NULL || step >= n_tune) return;
  cw_rex_gather(rex, rex->log_weight);
  for (int k = rex->mine.begin; k < rex->mine.end; k++)
    rex->options.sampler->tune(
        rex->rung[k].sampler, cw_sum(rex->log_weight + k * chains, (size_t)chains) / (double)chains,
        step, n_tune);
}

typedef struct {
  int level;
  uint32_t number; /* of this level's sweeps since step 0 */
} level_sweep;

static cw_status sweep_links(cw_rex *rex, int k, const void *arg) {
  const level_sweep *at = arg;
  cw_rex_rung *r = &rex->rung[k];
  cw_sampler *s = r->level[at->level];
  memcpy(s->state, r->sampler->state, sizeof s->state);
  const cw_rng rung = cw_rng_substream(rex->options.rng, "rung", (uint32_t)k);
  return s->ops->step(s, rex->ladder->c[k], &r->x,
                      cw_rng_substream(rung, "level", (uint32_t)at->level), at->number, NULL);
}

/* Sweeps of a level and those within them; turn: number of the sweep of level - 1 that they follow;
 * index: of the next sweep of swaps in this step. */
static cw_status sweep_level(cw_rex *rex, uint32_t step, int level, uint32_t turn,
                             uint32_t *index) {
  const cw_levels *levels = &rex->options.levels;
  for (int i = 0; level < levels->n && i < levels->level[level].count; i++) {
    level_sweep at = {level, turn * (uint32_t)levels->level[level].count + (uint32_t)i};
    CW_TRY(cw_rex_for_rungs(rex, sweep_links, &at));
    CW_TRY(cw_rex_sweep(rex, step, (*index)++));
    CW_TRY(sweep_level(rex, step, level + 1, at.number, index));
  }
  return CW_OK;
}

cw_status cw_rex_step(cw_rex *rex, uint32_t step, uint32_t n_tune) {
  uint32_t index = 0;
  CW_TRY(cw_rex_for_rungs(rex, mutate_rung, &step));
  tune(rex, step, n_tune);
  if (rex->options.way != NULL) share_states(rex);
  CW_TRY(cw_rex_sweep(rex, step, index++));
  return sweep_level(rex, step, 0, step, &index);
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
}

const int *cw_rex_labels(const cw_rex *rex) { return rex->label; }

/* ---------------------------------------------------------------- checkpoints */

long cw_rex_state_size(const cw_rex *rex) {
  long n = rex->ladder->n;
  return n * rex->options.chains + 2 * (n - 1) + n * rex->options.sampler->n_state;
}

void cw_rex_save(const cw_rex *rex, double *state) {
  long n = rex->ladder->n, n_state = rex->options.sampler->n_state;
  for (long i = 0; i < n * rex->options.chains; i++) *state++ = rex->label[i];
  for (long k = 0; k < n - 1; k++) *state++ = rex->swaps.accept[k];
  for (long k = 0; k < n - 1; k++) *state++ = (double)rex->swaps.tries[k];
  for (long k = rex->mine.begin; k < rex->mine.end; k++)
    memcpy(state + k * n_state, rex->rung[k].sampler->state, (size_t)n_state * sizeof *state);
  if (rex->by_rungs)
    cw_allgather(rex->ctx, state + rex->mine.begin * n_state,
                 (rex->mine.end - rex->mine.begin) * n_state, state);
}

void cw_rex_load(cw_rex *rex, const double *state) {
  long n = rex->ladder->n, n_state = rex->options.sampler->n_state;
  for (long i = 0; i < n * rex->options.chains; i++) rex->label[i] = (int)*state++;
  for (long k = 0; k < n - 1; k++) rex->swaps.accept[k] = *state++;
  for (long k = 0; k < n - 1; k++) rex->swaps.tries[k] = (long)*state++;
  for (long k = rex->mine.begin; k < rex->mine.end; k++)
    memcpy(rex->rung[k].sampler->state, state + k * n_state, (size_t)n_state * sizeof *state);
}
