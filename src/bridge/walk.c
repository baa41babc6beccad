/* The walk of a population from the first rung of a ladder to the last: annealed importance
 * sampling (R. M. Neal, Stat. Comput. 11 (2001) 125; Jarzynski, cond-mat/9610209), stochastic flows
 * (arXiv:2002.06707), sequential Monte Carlo samplers (Del Moral, Doucet, Jasra, J. R. Stat. Soc. B
 * 68 (2006) 411) and CRAFT (arXiv:2201.13117) are its settings. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/bridge.h"

struct cw_walk {
  cw_context *ctx;
  const cw_ladder *ladder;
  cw_walk_options opt;
  cw_sampler *sampler;
  double *state; /* (n - 1, n_state): what the sampler is tuned to on rungs 1 .. n-1 */
};

static size_t state_bytes(const cw_walk *w) {
  return (size_t)w->sampler->ops->n_state * sizeof *w->state;
}
static double *state_of(const cw_walk *w, int rung) {
  return w->state + (rung - 1) * w->sampler->ops->n_state;
}

/* ------------------------------------------------------------------- create */

/* Step numbers of a whole walk have 32 bits. */
static cw_status check_length(cw_context *ctx, const cw_ladder *ladder, long steps,
                              const char *what) {
  const long most = UINT32_MAX / (long)(ladder->n - 1);
  if (steps >= 0 && steps <= most) return CW_OK;
  return cw_fail(ctx, CW_EINVAL, "%ld %s on each of %d rungs: expected 0 to %ld", steps, what,
                 ladder->n - 1, most);
}

static cw_status check_options(cw_context *ctx, const cw_ladder *ladder, const cw_walk_options *o) {
  CW_TRY(check_length(ctx, ladder, o->mutations, "mutations"));
  CW_TRY(check_length(ctx, ladder, o->tuning, "steps of tuning"));
  if (!(o->threshold >= 0 && o->threshold <= 1))
    return cw_fail(ctx, CW_EINVAL, "resampling threshold %g: expected 0 to 1", o->threshold);
  return CW_OK;
}

cw_status cw_walk_create(cw_context *ctx, const cw_ladder *ladder, const cw_walk_options *options,
                         const cw_population *p, cw_walk **out) {
  *out = NULL;
  CW_TRY(check_options(ctx, ladder, options));
  cw_walk *w = cw_alloc(sizeof *w);
  if (w == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a walk");
  *out = w;
  *w = (cw_walk){.ctx = ctx, .ladder = ladder, .opt = *options};
  CW_TRY(cw_sampler_create(ctx, options->sampler, ladder->th, options->param, options->choice,
                           p->x.n_blocks, &w->sampler));
  w->state = cw_alloc((size_t)(ladder->n - 1) * state_bytes(w));
  if (w->state == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a walk");
  for (int rung = 1; rung < ladder->n; rung++)
    memcpy(state_of(w, rung), w->sampler->state, state_bytes(w));
  return CW_OK;
}

void cw_walk_destroy(cw_walk *w) {
  if (w == NULL) return;
  cw_sampler_destroy(w->sampler);
  free(w->state);
  free(w);
}

/* ---------------------------------------------------------------------- run */

/* Draws other than those of the mutations. */
static cw_rng stream_of(cw_rng rng, const char *name) {
  return (cw_rng){{rng.key[0], rng.key[1] ^ cw_rng_stream(rng.key[0], name).key[1]}};
}

static cw_status arrive(const cw_walk *w, cw_population *p, int rung) {
  if (w->opt.map != NULL) CW_TRY(cw_transport(p, &w->opt.map[rung - 1]));
  return cw_retarget(p, rung);
}

cw_status cw_walk_run(cw_walk *w, cw_population *p, cw_rng rng, uint32_t number, double *ess,
                      double *lnz) {
  const cw_walk_options *o = &w->opt;
  const int rungs = w->ladder->n - 1;
  const long per_rung = o->mutations > 0 ? o->mutations : 1; /* resampling counts them too */
  CW_REQUIRE(p->rung == 0);
  if (number > UINT32_MAX / (rungs * per_rung) - 1)
    return cw_fail(w->ctx, CW_EINVAL, "walk number %lu: its steps have numbers beyond 2^32",
                   (unsigned long)number);
  for (int rung = 1; rung <= rungs; rung++) {
    uint32_t step0 = (uint32_t)((number * (long)rungs + rung - 1) * per_rung);
    CW_TRY(cw_agree(w->ctx, arrive(w, p, rung)));
    if (ess != NULL) ess[rung] = cw_population_ess(p);
    if (lnz != NULL) lnz[rung] = cw_population_lnz(p);
    CW_TRY(cw_resample(p, o->scheme, o->threshold, stream_of(rng, "resample"), step0, NULL));
    memcpy(w->sampler->state, state_of(w, rung), state_bytes(w));
    CW_TRY(cw_agree(w->ctx, cw_mutate(p, w->sampler, rng, step0, o->mutations, NULL)));
  }
  if (ess != NULL) ess[0] = 1;
  if (lnz != NULL) lnz[0] = 0;
  return CW_OK;
}

/* --------------------------------------------------------------------- tune */

static cw_status tune_rung(cw_walk *w, cw_population *p, cw_rng rng, int rung) {
  const long n = w->opt.tuning;
  cw_sampler *s = w->sampler;
  memcpy(s->state, state_of(w, rung), state_bytes(w));
  for (long t = 0; t < n; t++) {
    double accept;
    CW_TRY(cw_mutate(p, s, rng, (uint32_t)((rung - 1) * n + t), 1, &accept));
    s->ops->tune(s, accept, (uint32_t)t, (uint32_t)n);
  }
  memcpy(state_of(w, rung), s->state, state_bytes(w));
  return CW_OK;
}

cw_status cw_walk_tune(cw_walk *w, cw_population *p, cw_rng rng) {
  const cw_walk_options *o = &w->opt;
  cw_rng tuning = stream_of(rng, "tune");
  CW_REQUIRE(p->rung == 0);
  if (w->sampler->ops->tune == NULL || o->tuning == 0) return CW_OK;
  for (int rung = 1; rung < w->ladder->n; rung++) {
    CW_TRY(cw_agree(w->ctx, arrive(w, p, rung)));
    CW_TRY(cw_resample(p, o->scheme, o->threshold, stream_of(tuning, "resample"), (uint32_t)rung,
                       NULL));
    CW_TRY(tune_rung(w, p, tuning, rung));
  }
  return CW_OK;
}

/* --------------------------------------------------------------------- state */

long cw_walk_state_size(const cw_walk *w) {
  return (long)(w->ladder->n - 1) * w->sampler->ops->n_state;
}

void cw_walk_save(const cw_walk *w, double *state) {
  memcpy(state, w->state, (size_t)cw_walk_state_size(w) * sizeof *state);
}

void cw_walk_load(cw_walk *w, const double *state) {
  memcpy(w->state, state, (size_t)cw_walk_state_size(w) * sizeof *state);
}
