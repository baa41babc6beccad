/* The walk of a population from the first rung of a ladder to the last: annealed importance
 * sampling (R. M. Neal, Stat. Comput. 11 (2001) 125; Jarzynski, cond-mat/9610209), stochastic flows
 * (arXiv:2002.06707), sequential Monte Carlo samplers (Del Moral, Doucet, Jasra, J. R. Stat. Soc. B
 * 68 (2006) 411) and CRAFT (arXiv:2201.13117) are its settings. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/population.h"
#include "bridge/program.h"
#include "bridge/tuned.h"

struct cw_walk {
  cw_context *ctx;
  const cw_ladder *ladder;
  cw_walk_options opt;
  cw_move *move; /* of its program */
  cw_sampler *sampler;
  cw_tuned tuned;
};

static int count(const cw_walk *w, cw_move_kind kind) {
  return cw_program_count(&w->opt.program, kind);
}

/* Step numbers of random draws that the program takes from rung to rung. */
static double numbers(const cw_program *p) {
  return (double)cw_program_steps(p) + cw_program_count(p, CW_MOVE_RESAMPLE);
}

/* -------------------------------------------------------------------- moves */

/* A walk while it goes on. */
typedef struct {
  cw_walk *walk;
  cw_population *p;
  cw_rng rng, resample; /* draws of mutations and of the rest */
  uint32_t step;        /* number of the next draw */
  bool tunes;
  cw_trainer *const *trainer; /* NULL: does not train */
  cw_train_report *report;
  double *ess, *lnz; /* NULL: not wanted */
  int noted;         /* the last rung whose ess and lnz are there */
} passage;

/* p->all: the weights with which a transition is trained; returns this rank's. */
static const double *training_weights(const cw_walk *w, cw_population *p) {
  if (count(w, CW_MOVE_RESAMPLE) > 0)
    cw_population_shares(p);
  else
    for (long i = 0; i < p->n; i++) p->all[i] = 1 / (double)p->n;
  return p->all + p->x.first_chain;
}

static cw_status transport(void *self, const cw_move *m, bool back) {
  passage *on = self;
  cw_walk *w = on->walk;
  const int k = on->p->rung;
  (void)back;
  if (on->trainer != NULL)
    CW_TRY(cw_trainer_transition(on->trainer[k], &on->p->x, training_weights(w, on->p),
                                 w->ladder->c[k], w->ladder->c[k + 1], &on->report[k]));
  return cw_agree(w->ctx, cw_transport(on->p, m->map != NULL ? m->map : &w->opt.map[k]));
}

static cw_status retarget(void *self, const cw_move *m, bool back) {
  passage *on = self;
  (void)back;
  return cw_agree(on->walk->ctx, cw_retarget_between(on->p, m->t));
}

/* What the walk found on a rung, once; resampling would hide it. */
static void note_rung(passage *on) {
  if (on->noted == on->p->rung) return;
  on->noted = on->p->rung;
  if (on->ess != NULL) on->ess[on->noted] = cw_population_ess(on->p);
  if (on->lnz != NULL) on->lnz[on->noted] = cw_population_lnz(on->p);
}

static cw_status resample(void *self, const cw_move *m, bool back) {
  passage *on = self;
  (void)back;
  note_rung(on);
  return cw_resample(on->p, m->scheme, m->threshold, on->resample, on->step++, NULL);
}

static cw_status tune(passage *on) {
  cw_walk *w = on->walk;
  const long n = w->opt.tuning;
  for (long t = 0; t < n; t++) {
    double accept;
    CW_TRY(cw_mutate(on->p, w->sampler, on->rng, on->step++, 1, &accept));
    w->sampler->ops->tune(w->sampler, accept, (uint32_t)t, (uint32_t)n);
  }
  cw_tuned_note(&w->tuned, on->p->rung, w->sampler);
  return CW_OK;
}

static cw_status mutate(void *self, const cw_move *m, bool back) {
  passage *on = self;
  cw_walk *w = on->walk;
  const uint32_t step0 = on->step;
  (void)back;
  cw_tuned_take(&w->tuned, on->p->rung, w->sampler);
  if (on->tunes) return tune(on);
  on->step += (uint32_t)m->steps;
  return cw_agree(w->ctx, cw_mutate(on->p, w->sampler, on->rng, step0, m->steps, NULL));
}

static const cw_runner runner = {"walk",
                                 {[CW_MOVE_TRANSPORT] = transport,
                                  [CW_MOVE_RETARGET] = retarget,
                                  [CW_MOVE_RESAMPLE] = resample,
                                  [CW_MOVE_MUTATE] = mutate}};

/* ------------------------------------------------------------------- create */

cw_program cw_usual_walk(bool has_maps, long mutations, double threshold, cw_resampling scheme,
                         cw_move move[CW_USUAL_MOVES]) {
  int n = 0;
  if (has_maps) move[n++] = (cw_move){.kind = CW_MOVE_TRANSPORT};
  move[n++] = (cw_move){.kind = CW_MOVE_RETARGET, .t = 1};
  if (threshold != 0)
    move[n++] = (cw_move){.kind = CW_MOVE_RESAMPLE, .threshold = threshold, .scheme = scheme};
  move[n++] = (cw_move){.kind = CW_MOVE_MUTATE, .steps = mutations, .level = -1};
  return (cw_program){n, move};
}

static cw_status check_program(cw_context *ctx, const cw_program *p, bool has_maps) {
  bool moved = false, arrived = false;
  CW_TRY(cw_program_check(ctx, p, &runner, 0));
  for (int i = 0; i < p->n; i++) {
    const cw_move *m = &p->move[i];
    if (m->kind == CW_MOVE_TRANSPORT && moved)
      return cw_fail(ctx, CW_EINVAL, "walk: a transport is before the retarget, not after it");
    if (m->kind == CW_MOVE_RETARGET && arrived)
      return cw_fail(ctx, CW_EINVAL, "walk: a retarget after the one to the next rung");
    moved = moved || m->kind == CW_MOVE_RETARGET;
    arrived = arrived || (m->kind == CW_MOVE_RETARGET && m->t == 1);
  }
  if (!arrived || cw_program_count(p, CW_MOVE_TRANSPORT) > 1)
    return cw_fail(ctx, CW_EINVAL,
                   "walk: expected a retarget to the next rung and at most one transport");
  int own = 0;
  for (int i = 0; i < p->n; i++)
    own += p->move[i].kind == CW_MOVE_TRANSPORT && p->move[i].map == NULL;
  if ((own == 1) != has_maps)
    return cw_fail(ctx, CW_EINVAL, "walk: a transport needs maps, and maps need a transport");
  return CW_OK;
}

/* Step numbers of a whole walk have 32 bits. */
static cw_status check_length(cw_context *ctx, const cw_ladder *ladder, double steps,
                              const char *what) {
  const double most = floor(UINT32_MAX / (ladder->n - 1.0)) - 1;
  if (steps >= 0 && steps <= most) return CW_OK;
  return cw_fail(ctx, CW_EINVAL, "%.15g %s on each of %d rungs: expected 0 to %.15g", steps, what,
                 ladder->n - 1, most);
}

static cw_status check_options(cw_context *ctx, const cw_ladder *ladder, const cw_walk_options *o) {
  const cw_program *p = &o->program;
  CW_TRY(check_program(ctx, p, o->map != NULL));
  CW_TRY(check_length(ctx, ladder, numbers(p), "mutations"));
  if (o->tuning < 0) return cw_fail(ctx, CW_EINVAL, "%ld steps of tuning", o->tuning);
  const double tuning = (double)o->tuning * cw_program_count(p, CW_MOVE_MUTATE);
  return check_length(ctx, ladder, tuning + cw_program_count(p, CW_MOVE_RESAMPLE),
                      "steps of tuning");
}

static cw_status open_walk(cw_walk *w, const cw_population *p) {
  const cw_walk_options *o = &w->opt;
  const size_t bytes = (size_t)o->program.n * sizeof(cw_move);
  w->move = cw_alloc(bytes);
  if (w->move == NULL) return cw_fail(w->ctx, CW_ENOMEM, "no memory for a walk");
  memcpy(w->move, o->program.move, bytes);
  w->opt.program.move = w->move;
  CW_TRY(cw_sampler_create(w->ctx, o->sampler, w->ladder->th, o->param, o->choice, p->x.n_blocks,
                           &w->sampler));
  return cw_tuned_open(w->ctx, w->ladder->n, w->sampler, &w->tuned);
}

cw_status cw_walk_create(cw_context *ctx, const cw_ladder *ladder, const cw_walk_options *options,
                         const cw_population *p, cw_walk **out) {
  *out = NULL;
  CW_TRY(check_options(ctx, ladder, options));
  cw_walk *w = cw_alloc(sizeof *w);
  if (w == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a walk");
  *w = (cw_walk){.ctx = ctx, .ladder = ladder, .opt = *options};
  cw_status st = open_walk(w, p);
  if (st == CW_OK)
    *out = w;
  else
    cw_walk_destroy(w);
  return st;
}

void cw_walk_destroy(cw_walk *w) {
  if (w == NULL) return;
  cw_sampler_destroy(w->sampler);
  cw_tuned_close(&w->tuned);
  free(w->move);
  free(w);
}

/* ---------------------------------------------------------------------- run */

static cw_status to_last_rung(passage *on) {
  const cw_walk *w = on->walk;
  CW_REQUIRE(on->p->rung == 0);
  if (on->ess != NULL) on->ess[0] = 1;
  if (on->lnz != NULL) on->lnz[0] = 0;
  on->noted = 0;
  while (on->p->rung < w->ladder->n - 1) {
    CW_TRY(cw_program_run(&w->opt.program, &runner, on, false));
    note_rung(on);
  }
  return CW_OK;
}

static passage begin(cw_walk *w, cw_population *p, cw_rng rng) {
  return (passage){.walk = w, .p = p, .rng = rng, .resample = cw_rng_substream(rng, "resample", 0)};
}

/* The walk with index number takes the step numbers after those of the walks before it. */
static cw_status walk_number(uint32_t number, passage *on) {
  const cw_walk *w = on->walk;
  const double each = (double)(w->ladder->n - 1) * numbers(&w->opt.program);
  if (each * ((double)number + 1) > UINT32_MAX)
    return cw_fail(w->ctx, CW_EINVAL, "walk number %lu: its steps have numbers beyond 2^32",
                   (unsigned long)number);
  on->step = (uint32_t)(each * number);
  return to_last_rung(on);
}

cw_status cw_walk_run(cw_walk *w, cw_population *p, cw_rng rng, uint32_t number, double *ess,
                      double *lnz) {
  passage on = begin(w, p, rng);
  on.ess = ess;
  on.lnz = lnz;
  return walk_number(number, &on);
}

cw_status cw_walk_train(cw_walk *w, cw_population *p, cw_rng rng, uint32_t number,
                        cw_trainer *const *trainer, cw_train_report *report) {
  passage on = begin(w, p, rng);
  CW_REQUIRE(w->opt.map != NULL);
  on.trainer = trainer;
  on.report = report;
  return walk_number(number, &on);
}

cw_status cw_walk_tune(cw_walk *w, cw_population *p, cw_rng rng) {
  passage on = begin(w, p, cw_rng_substream(rng, "tune", 0));
  on.tunes = true;
  if (w->sampler->ops->tune == NULL || w->opt.tuning == 0) return CW_OK;
  return to_last_rung(&on);
}

/* --------------------------------------------------------------------- state */

long cw_walk_state_size(const cw_walk *w) { return cw_tuned_size(&w->tuned); }

void cw_walk_save(const cw_walk *w, double *state) {
  memcpy(state, w->tuned.state, (size_t)cw_tuned_size(&w->tuned) * sizeof *state);
}

void cw_walk_load(cw_walk *w, const double *state) {
  memcpy(w->tuned.state, state, (size_t)cw_tuned_size(&w->tuned) * sizeof *state);
}
