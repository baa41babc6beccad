/* The walk of a population from the first rung of a ladder to the last: annealed importance
 * sampling (R. M. Neal, Stat. Comput. 11 (2001) 125; Jarzynski, cond-mat/9610209), stochastic flows
 * (arXiv:2002.06707), sequential Monte Carlo samplers (Del Moral, Doucet, Jasra, J. R. Stat. Soc. B
 * 68 (2006) 411) and CRAFT (arXiv:2201.13117) are its settings. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/population.h"

struct cw_walk {
  cw_context *ctx;
  const cw_ladder *ladder;
  cw_walk_options opt;
  cw_sampler *sampler;
  double *state; /* (n, n_state): what the sampler is tuned to on every rung */
};

static size_t state_bytes(const cw_walk *w) {
  return (size_t)w->sampler->ops->n_state * sizeof *w->state;
}
static double *state_of(const cw_walk *w, int rung) {
  return w->state + rung * w->sampler->ops->n_state;
}

static int count(const cw_walk_options *o, cw_walk_move kind) {
  int n = 0;
  for (int i = 0; i < o->n_moves; i++) n += o->move[i] == kind;
  return n;
}

/* Step numbers of random draws that the program takes from rung to rung. */
static long numbers(const cw_walk_options *o, long mutations) {
  return count(o, CW_WALK_MUTATE) * mutations + count(o, CW_WALK_RESAMPLE);
}

/* ------------------------------------------------------------------- create */

static void usual_program(cw_walk_options *o) {
  if (o->map != NULL) o->move[o->n_moves++] = CW_WALK_TRANSPORT;
  o->move[o->n_moves++] = CW_WALK_RETARGET;
  if (o->threshold > 0) o->move[o->n_moves++] = CW_WALK_RESAMPLE;
  o->move[o->n_moves++] = CW_WALK_MUTATE;
}

static cw_status check_program(cw_context *ctx, const cw_walk_options *o) {
  bool moved = false, fits = o->n_moves >= 1 && o->n_moves <= CW_MAX_WALK_MOVES;
  for (int i = 0; fits && i < o->n_moves; i++) {
    if (o->move[i] == CW_WALK_TRANSPORT && moved)
      return cw_fail(ctx, CW_EINVAL, "walk: a transport is before the retarget, not after it");
    moved = moved || o->move[i] == CW_WALK_RETARGET;
  }
  if (!fits || count(o, CW_WALK_RETARGET) != 1 || count(o, CW_WALK_TRANSPORT) > 1)
    return cw_fail(ctx, CW_EINVAL,
                   "walk: expected up to %d moves, one retarget and at most one transport among "
                   "them",
                   CW_MAX_WALK_MOVES);
  if ((count(o, CW_WALK_TRANSPORT) == 1) != (o->map != NULL))
    return cw_fail(ctx, CW_EINVAL, "walk: a transport needs maps, and maps need a transport");
  return CW_OK;
}

/* Step numbers of a whole walk have 32 bits. */
static cw_status check_length(cw_context *ctx, const cw_ladder *ladder, long steps,
                              const char *what) {
  const long most = UINT32_MAX / ((ladder->n - 1L) * CW_MAX_WALK_MOVES) - 1;
  if (steps >= 0 && steps <= most) return CW_OK;
  return cw_fail(ctx, CW_EINVAL, "%ld %s on each of %d rungs: expected 0 to %ld", steps, what,
                 ladder->n - 1, most);
}

static cw_status check_options(cw_context *ctx, const cw_ladder *ladder, const cw_walk_options *o) {
  CW_TRY(check_program(ctx, o));
  CW_TRY(check_length(ctx, ladder, o->mutations, "mutations"));
  CW_TRY(check_length(ctx, ladder, o->tuning, "steps of tuning"));
  if (!(o->threshold >= 0 && o->threshold <= 1))
    return cw_fail(ctx, CW_EINVAL, "resampling threshold %g: expected 0 to 1", o->threshold);
  return CW_OK;
}

cw_status cw_walk_create(cw_context *ctx, const cw_ladder *ladder, const cw_walk_options *options,
                         const cw_population *p, cw_walk **out) {
  cw_walk_options opt = *options;
  *out = NULL;
  if (opt.n_moves == 0) usual_program(&opt);
  CW_TRY(check_options(ctx, ladder, &opt));
  cw_walk *w = cw_alloc(sizeof *w);
  if (w == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a walk");
  *out = w;
  *w = (cw_walk){.ctx = ctx, .ladder = ladder, .opt = opt};
  CW_TRY(cw_sampler_create(ctx, options->sampler, ladder->th, options->param, options->choice,
                           p->x.n_blocks, &w->sampler));
  w->state = cw_alloc((size_t)ladder->n * state_bytes(w));
  if (w->state == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a walk");
  for (int rung = 0; rung < ladder->n; rung++)
    memcpy(state_of(w, rung), w->sampler->state, state_bytes(w));
  return CW_OK;
}

void cw_walk_destroy(cw_walk *w) {
  if (w == NULL) return;
  cw_sampler_destroy(w->sampler);
  free(w->state);
  free(w);
}

/* ------------------------------------------------------------------- moves */

/* A walk while it goes on. */
typedef struct {
  cw_rng rng, resample; /* draws of mutations and of the rest */
  uint32_t step;        /* number of the next draw */
  bool tunes;
  cw_trainer *const *trainer; /* NULL: does not train */
  cw_train_report *report;
  double *ess, *lnz; /* NULL: not wanted */
} passage;

/* p->all: the weights with which a transition is trained; returns this rank's. */
static const double *training_weights(const cw_walk *w, cw_population *p) {
  if (count(&w->opt, CW_WALK_RESAMPLE) > 0)
    cw_population_shares(p);
  else
    for (long i = 0; i < p->n; i++) p->all[i] = 1 / (double)p->n;
  return p->all + p->x.first_chain;
}

static cw_status transport(cw_walk *w, cw_population *p, const passage *on) {
  int k = p->rung;
  if (on->trainer != NULL)
    CW_TRY(cw_trainer_transition(on->trainer[k], &p->x, training_weights(w, p), w->ladder->c[k],
                                 w->ladder->c[k + 1], &on->report[k]));
  return cw_agree(w->ctx, cw_transport(p, &w->opt.map[k]));
}

static cw_status resample(cw_walk *w, cw_population *p, passage *on) {
  return cw_resample(p, w->opt.scheme, w->opt.threshold, on->resample, on->step++, NULL);
}

static cw_status tune(cw_walk *w, cw_population *p, passage *on) {
  const long n = w->opt.tuning;
  for (long t = 0; t < n; t++) {
    double accept;
    CW_TRY(cw_mutate(p, w->sampler, on->rng, on->step++, 1, &accept));
    w->sampler->ops->tune(w->sampler, accept, (uint32_t)t, (uint32_t)n);
  }
  memcpy(state_of(w, p->rung), w->sampler->state, state_bytes(w));
  return CW_OK;
}

static cw_status mutate(cw_walk *w, cw_population *p, passage *on) {
  const uint32_t step0 = on->step;
  memcpy(w->sampler->state, state_of(w, p->rung), state_bytes(w));
  if (on->tunes) return tune(w, p, on);
  on->step += (uint32_t)w->opt.mutations;
  return cw_agree(w->ctx, cw_mutate(p, w->sampler, on->rng, step0, w->opt.mutations, NULL));
}

/* ---------------------------------------------------------------------- run */

/* What the walk found on a rung; resampling would hide it. */
static void note_rung(cw_population *p, const passage *on) {
  if (on->ess != NULL) on->ess[p->rung] = cw_population_ess(p);
  if (on->lnz != NULL) on->lnz[p->rung] = cw_population_lnz(p);
}

static cw_status to_next_rung(cw_walk *w, cw_population *p, passage *on) {
  const int next = p->rung + 1;
  bool noted = false;
  for (int i = 0; i < w->opt.n_moves; i++) switch (w->opt.move[i]) {
    case CW_WALK_TRANSPORT:
      CW_TRY(transport(w, p, on));
      break;
    case CW_WALK_RETARGET:
      CW_TRY(cw_agree(w->ctx, cw_retarget(p, next)));
      break;
    case CW_WALK_RESAMPLE:
      if (p->rung == next && !noted) note_rung(p, on);
      noted = noted || p->rung == next;
      CW_TRY(resample(w, p, on));
      break;
    case CW_WALK_MUTATE:
      CW_TRY(mutate(w, p, on));
      break;
    }
  if (!noted) note_rung(p, on);
  return CW_OK;
}

static cw_status to_last_rung(cw_walk *w, cw_population *p, passage *on) {
  CW_REQUIRE(p->rung == 0);
  if (on->ess != NULL) on->ess[0] = 1;
  if (on->lnz != NULL) on->lnz[0] = 0;
  while (p->rung < w->ladder->n - 1) CW_TRY(to_next_rung(w, p, on));
  return CW_OK;
}

/* The walk with index number takes the step numbers after those of the walks before it. */
static cw_status number_draws(const cw_walk *w, uint32_t number, passage *on) {
  const double each = (double)(w->ladder->n - 1) * (double)numbers(&w->opt, w->opt.mutations);
  if (each * ((double)number + 1) > UINT32_MAX)
    return cw_fail(w->ctx, CW_EINVAL, "walk number %lu: its steps have numbers beyond 2^32",
                   (unsigned long)number);
  on->step = (uint32_t)(each * number);
  return CW_OK;
}

cw_status cw_walk_run(cw_walk *w, cw_population *p, cw_rng rng, uint32_t number, double *ess,
                      double *lnz) {
  passage on = {
      .rng = rng, .resample = cw_rng_substream(rng, "resample", 0), .ess = ess, .lnz = lnz};
  CW_TRY(number_draws(w, number, &on));
  return to_last_rung(w, p, &on);
}

cw_status cw_walk_train(cw_walk *w, cw_population *p, cw_rng rng, uint32_t number,
                        cw_trainer *const *trainer, cw_train_report *report) {
  passage on = {.rng = rng,
                .resample = cw_rng_substream(rng, "resample", 0),
                .trainer = trainer,
                .report = report};
  CW_REQUIRE(w->opt.map != NULL);
  CW_TRY(number_draws(w, number, &on));
  return to_last_rung(w, p, &on);
}

cw_status cw_walk_tune(cw_walk *w, cw_population *p, cw_rng rng) {
  passage on = {.rng = cw_rng_substream(rng, "tune", 0), .tunes = true};
  on.resample = cw_rng_substream(on.rng, "resample", 0);
  if (w->sampler->ops->tune == NULL || w->opt.tuning == 0) return CW_OK;
  return to_last_rung(w, p, &on);
}

/* --------------------------------------------------------------------- state */

long cw_walk_state_size(const cw_walk *w) { return (long)w->ladder->n * w->sampler->ops->n_state; }

void cw_walk_save(const cw_walk *w, double *state) {
  memcpy(state, w->state, (size_t)cw_walk_state_size(w) * sizeof *state);
}

void cw_walk_load(cw_walk *w, const double *state) {
  memcpy(w->state, state, (size_t)cw_walk_state_size(w) * sizeof *state);
}
