/* Excursions: from home to another theory and back, accepted as a whole (nonequilibrium candidate
 * Monte Carlo: J. P. Nilmeier, G. E. Crooks, D. D. L. Minh, J. D. Chodera, PNAS 108 (2011) E1009).
 * The path is a palindrome: the way out is the reversal of the way back, and between them are sampler
 * steps and as many reversed ones. Its reversal is then as likely as the path itself but for the
 * weights that the moves add up, so that min(1, e^lw) leaves the theory of home invariant. */
#include <stdlib.h>
#include <string.h>

#include "bridge/carried.h"
#include "bridge/footprint.h"
#include "bridge/way.h"

struct cw_excursion {
  cw_context *ctx;
  const cw_ladder *ladder;
  cw_excursion_options opt;
  long n_blocks;
  cw_way_samplers *samplers; /* (n_blocks): blocks go side by side */
  cw_field spare;            /* of those that go (footprint) */
  cw_field moved;            /* translation's destination */
  double *T;                 /* (lanes, n_terms) */
  double *lw;                /* (lanes) */
  double *work;              /* (CW_CARRY_WORK, lanes) */
  cw_footprint footprint;    /* what an excursion may change */
};

enum { AWAY = 0, HOME = 1 }; /* rungs */

/* ------------------------------------------------------------------- create */

static double steps_of_one(const cw_excursion_options *o) {
  return 2.0 * (double)cw_program_steps(&o->way) + 2.0 * (double)o->dwell;
}

static cw_status check_options(cw_context *ctx, const cw_ladder *ladder,
                               const cw_excursion_options *o) {
  if (ladder->n != 2)
    return cw_fail(ctx, CW_EINVAL, "excursion: a ladder of %d rungs, expected away and home",
                   ladder->n);
  CW_TRY(cw_levels_check(ctx, &ladder->th->geom->lat, &o->levels, o->sampler));
  CW_TRY(cw_way_check(ctx, &o->way, o->sampler, o->map != NULL, o->levels.n));
  if (o->dwell < 0 || o->dwell_level < -1 || o->dwell_level >= o->levels.n)
    return cw_fail(ctx, CW_EINVAL, "excursion: a dwell of %ld steps on level %d of %d", o->dwell,
                   o->dwell_level, o->levels.n);
  if (o->dwell > 0 && o->sampler->step_back == NULL)
    return cw_fail(ctx, CW_EINVAL,
                   "excursion: the steps of sampler '%s' cannot be run backwards, as a dwell needs",
                   o->sampler->name);
  if (o->translate && !cw_theory_is_homogeneous(ladder->th->ops, ladder->c[HOME]))
    return cw_fail(ctx, CW_EINVAL, "excursion: home has a defect, and cannot be translated");
  return CW_OK;
}

/* Are all updates on links of levels? */
static bool is_local(const cw_theory_ops *th, const cw_excursion_options *o) {
  return cw_way_is_local(&o->way, th, o->map) && (o->dwell == 0 || o->dwell_level >= 0);
}

static cw_status open_excursion(cw_excursion *e, const cw_field *x) {
  const cw_excursion_options *o = &e->opt;
  const cw_theory *th = e->ladder->th;
  const size_t lanes = (size_t)(x->n_blocks * x->B);
  e->samplers = cw_alloc((size_t)x->n_blocks * sizeof *e->samplers);
  if (e->samplers == NULL) return cw_fail(e->ctx, CW_ENOMEM, "no memory for excursions");
  CW_TRY(cw_footprint_open(e->ctx, e->ladder, o->sampler, &o->levels,
                           &(cw_footprint_maps){1, &o->way, o->map}, is_local(th->ops, o),
                           &e->footprint));
  for (; e->n_blocks < x->n_blocks; e->n_blocks++)
    CW_TRY(cw_way_samplers_open(e->ctx, th, o->sampler, o->param, o->choice, &o->levels,
                                cw_footprint_patch(&e->footprint), 1, &e->samplers[e->n_blocks]));
  CW_TRY(cw_footprint_spare(e->ctx, &e->footprint, x, &e->spare));
  if (o->translate) CW_TRY(cw_field_create(e->ctx, x->geom, x->n_comp, x->n_config, &e->moved));
  e->T = cw_alloc(lanes * (size_t)th->ops->n_terms * sizeof *e->T);
  e->lw = cw_alloc(lanes * sizeof *e->lw);
  e->work = cw_alloc(CW_CARRY_WORK * lanes * sizeof *e->work);
  return e->T && e->lw && e->work ? CW_OK : cw_fail(e->ctx, CW_ENOMEM, "no memory for excursions");
}

cw_status cw_excursion_create(cw_context *ctx, const cw_ladder *ladder,
                              const cw_excursion_options *options, const cw_field *x,
                              cw_excursion **out) {
  *out = NULL;
  CW_TRY(check_options(ctx, ladder, options));
  cw_excursion *e = cw_alloc(sizeof *e);
  if (e == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for excursions");
  *e = (cw_excursion){.ctx = ctx, .ladder = ladder, .opt = *options};
  cw_status st = open_excursion(e, x);
  if (st == CW_OK)
    *out = e;
  else
    cw_excursion_destroy(e);
  return st;
}

void cw_excursion_destroy(cw_excursion *e) {
  if (e == NULL) return;
  for (long b = 0; b < e->n_blocks; b++) cw_way_samplers_close(&e->samplers[b]);
  free(e->samplers);
  cw_field_destroy(&e->spare);
  cw_field_destroy(&e->moved);
  free(e->T);
  free(e->lw);
  free(e->work);
  cw_footprint_close(&e->footprint);
  free(e);
}

/* ---------------------------------------------------------------------- run */

/* Translates by a step in a random direction, the same for all chains. */
static void translate(cw_excursion *e, cw_field *x, double u) {
  double *data = x->data;
  cw_field_translate(&e->moved, x, (int)(u * 2 * x->geom->lat.dim), cw_threads(e->ctx));
  x->data = e->moved.data;
  e->moved.data = data;
}

static cw_status dwell(const cw_excursion *e, cw_passage *on) {
  const int level = e->opt.dwell_level;
  cw_sampler *s = level >= 0 ? on->samplers->level[level] : on->samplers->everywhere;
  for (long t = 0; t < 2 * e->opt.dwell; t++)
    CW_TRY((t < e->opt.dwell ? s->ops->step : s->ops->step_back)(s, on->at.c, on->at.x, on->rng,
                                                                 on->step++, NULL));
  if (e->opt.dwell > 0) *on->at.known = 0;
  return CW_OK;
}

/* Configurations whose excursion is refused are as they were. */
static void decide(const cw_excursion *e, cw_field *block, const cw_field *spare, const double *lw,
                   uint32_t number, double *accept) {
  const cw_rng rng = cw_rng_substream(e->opt.rng, "accept", 0);
  bool go[CW_LANES];
  for (int i = 0; i < block->B; i++) {
    double u[2];
    cw_uniform2(rng, 0, (uint32_t)(block->first_chain + i), number, 0, u);
    accept[i] = cw_acceptance(lw[i]);
    go[i] = u[0] < accept[i];
  }
  cw_footprint_return(&e->footprint, block, spare, go);
}

static cw_status go(cw_excursion *e, const double *state, const cw_field *x, long b,
                    uint32_t number, double *accept) {
  const long first = b * x->B, n_terms = e->ladder->th->ops->n_terms;
  cw_field block = cw_field_block(x, b), spare = cw_field_block(&e->spare, b);
  double c[CW_MAX_TERMS];
  unsigned known = 0;
  cw_passage on = {.at = {.ctx = e->ctx,
                          .ladder = e->ladder,
                          .x = cw_footprint_leave(&e->footprint, &block, &spare),
                          .c = c,
                          .lw = e->lw + first,
                          .T = e->T + first * n_terms,
                          .known = &known,
                          .work = e->work + first * CW_CARRY_WORK,
                          .part = e->footprint.part},
                   .pair = AWAY,
                   .map = e->opt.map,
                   .samplers = &e->samplers[b],
                   .rng = e->opt.rng,
                   .step = (uint32_t)(steps_of_one(&e->opt) * number)};
  cw_way_samplers_take(&e->samplers[b], state);
  memset(on.at.lw, 0, (size_t)x->B * sizeof *on.at.lw);
  memcpy(c, e->ladder->c[HOME], sizeof c);
  CW_TRY(cw_way_run(&e->opt.way, &on, true));
  CW_TRY(dwell(e, &on));
  CW_TRY(cw_way_run(&e->opt.way, &on, false));
  decide(e, &block, &spare, on.at.lw, number, accept + first);
  return CW_OK;
}

cw_status cw_excursion_run(cw_excursion *e, const double *state, cw_field *x, uint32_t number,
                           double *accept) {
  const int threads = cw_threads(e->ctx);
  cw_status worst = CW_OK;
  double u[2];
  CW_REQUIRE(x->n_blocks == e->n_blocks);
  if (steps_of_one(&e->opt) * ((double)number + 1) > UINT32_MAX)
    return cw_fail(e->ctx, CW_EINVAL, "excursion %lu: its steps have numbers beyond 2^32",
                   (unsigned long)number);
  cw_uniform2(cw_rng_substream(e->opt.rng, "translate", 0), 0, 0, number, 0, u);
  if (e->opt.translate) translate(e, x, u[0]);
    /* too few blocks for the threads: these share each of them */
#pragma omp parallel for num_threads(threads) schedule(dynamic) if (x->n_blocks >= threads)
  for (long b = 0; b < x->n_blocks; b++) {
    cw_status st = go(e, state, x, b, number, accept);
    if (st != CW_OK) {
#pragma omp atomic write
      worst = st;
    }
  }
  return worst;
}
