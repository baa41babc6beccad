/* Walks of a population along the ladder of the case, and where the job wants them back down again.
 * The particles of all walks start from one set of Markov chains on the first rung of the way,
 * which go on between walks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/stage.h"

/* One way along the ladder. */
typedef struct {
  const char *prefix; /* of its arrays in the store */
  cw_ladder ladder;
  cw_population p;
  cw_walk *walk;
  cw_sampler *sampler; /* of the chains on the first rung */
  cw_field x;          /* they, a chain per particle */
  cw_rng rng, walk_rng;
  cw_record lnz, ess, path, mean, work;
} way;

typedef struct {
  const cw_walk_plan *plan;
  way up, down;
  cw_arena *scratch;
  double *accept, *primary; /* of the sampler's last step; rows of the particles */
  double last_ess;          /* of the last walk, for the progress bar */
} walking;

enum { MOST_WORKS = 1 << 20 }; /* works of single particles that are kept, over all walks */

static bool keeps_works(const walking *w) {
  const cw_mcmc_plan *m = &w->plan->mcmc;
  return w->plan->threshold == 0 && m->chains * m->steps <= MOST_WORKS;
}

/* Weighted means of the primaries of the first group over the population, in fixed order. */
static cw_status record_means(cw_case *c, walking *w, way *y, const double *lw) {
  const cw_observer *o = &c->observer[0];
  long n_primary = o->ops->n_primary(o), n = y->p.n;
  double *row = cw_record_row(&y->mean, n_primary), total = cw_logsumexp(lw, (size_t)n);
  double *all = malloc((size_t)(n * n_primary + n) * sizeof *all), *one = all + n * n_primary;
  cw_status st = all != NULL && row != NULL ? cw_measure(c->ctx, o, &y->p.x, w->primary, w->scratch)
                                            : cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  st = cw_agree(c->ctx, st);
  if (st == CW_OK) {
    cw_allgather(c->ctx, w->primary, y->p.x.n_config * n_primary, all);
    for (long k = 0; k < n_primary; k++) {
      for (long i = 0; i < n; i++) one[i] = exp(lw[i] - total) * all[i * n_primary + k];
      row[k] = cw_sum(one, (size_t)n);
    }
  }
  free(all);
  return st;
}

static cw_status record_weights(cw_case *c, walking *w, way *y) {
  double *lw = malloc((size_t)y->p.n * sizeof *lw);
  if (lw == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for weights");
  cw_population_weights(&y->p, lw);
  cw_status st = record_means(c, w, y, lw);
  if (st == CW_OK && keeps_works(w)) {
    double *row = cw_record_row(&y->work, y->p.n);
    if (row == NULL) st = cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
    for (long i = 0; st == CW_OK && i < y->p.n; i++) row[i] = -lw[i];
  }
  free(lw);
  return st;
}

/* Sampler steps of the chains on the first rung, from step number first on. */
static cw_status advance(cw_case *c, walking *w, way *y, uint32_t first, long n, bool tune) {
  const cw_mcmc_plan *m = &w->plan->mcmc;
  cw_sampler *s = y->sampler;
  cw_step_stats stats = {.accept = w->accept};
  for (uint32_t t = first; t < first + n; t++) {
    CW_TRY(cw_agree(c->ctx, s->ops->step(s, y->ladder.c[0], &y->x, y->rng, t, &stats)));
    if (tune && s->ops->tune != NULL)
      s->ops->tune(s, cw_mean_over_chains(c, m->chains, w->accept, y->x.n_config), t,
                   (uint32_t)m->thermalise);
  }
  return CW_OK;
}

static cw_status walk_once(cw_case *c, walking *w, way *y, long number) {
  const cw_mcmc_plan *m = &w->plan->mcmc;
  int n = y->ladder.n;
  double *ess = cw_record_row(&y->ess, n), *lnz = cw_record_row(&y->path, n);
  double *last = cw_record_row(&y->lnz, 1);
  if (ess == NULL || lnz == NULL || last == NULL)
    return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  CW_TRY(advance(c, w, y, (uint32_t)(m->thermalise + number * m->every), m->every, false));
  cw_population_start(&y->p, &y->x);
  CW_TRY(cw_walk_run(y->walk, &y->p, y->walk_rng, (uint32_t)number + 1, ess, lnz));
  *last = lnz[n - 1];
  w->last_ess = ess[n - 1];
  return record_weights(c, w, y);
}

static cw_status thermalise(cw_case *c, walking *w, way *y) {
  CW_TRY(cw_start_field(c, &w->plan->mcmc, 0, &y->x));
  CW_TRY(advance(c, w, y, 0, w->plan->mcmc.thermalise, true));
  if (w->plan->tuning == 0) return CW_OK;
  cw_population_start(&y->p, &y->x);
  return cw_walk_tune(y->walk, &y->p, y->walk_rng);
}

/* Step 0 thermalises and tunes, every further one is a walk each way. */
static cw_status step(cw_stage *s, cw_case *c, long t) {
  walking *w = s->self;
  CW_TRY(t == 0 ? thermalise(c, w, &w->up) : walk_once(c, w, &w->up, t - 1));
  if (!w->plan->reverse) return CW_OK;
  return t == 0 ? thermalise(c, w, &w->down) : walk_once(c, w, &w->down, t - 1);
}

/* ------------------------------------------------------------------- checkpoints */

static void name_array(const way *y, const char *what, char name[64]) {
  snprintf(name, 64, "%s%s", y->prefix, what);
}

static cw_status put_rows(cw_case *c, cw_arrays *set, const way *y, const char *what,
                          cw_record *r) {
  char name[64];
  long dim[2] = {r->n, r->width};
  name_array(y, what, name);
  cw_status st = cw_arrays_put(c->ctx, set, name, r->width > 1 ? 2 : 1, dim, r->data);
  r->n = 0;
  return st;
}

static cw_status put_state(cw_case *c, cw_arrays *set, const walking *w, const way *y) {
  char name[64];
  long n_state = cw_walk_state_size(y->walk), n_own = y->sampler->ops->n_state;
  double *state = malloc((size_t)(n_state + 1) * sizeof *state);
  if (state == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a checkpoint");
  cw_walk_save(y->walk, state);
  snprintf(name, sizeof name, "state.%swalk", y->prefix);
  cw_status st = cw_arrays_put(c->ctx, set, name, 1, &n_state, state);
  free(state);
  CW_TRY(st);
  snprintf(name, sizeof name, "state.%ssampler", y->prefix);
  CW_TRY(cw_arrays_put(c->ctx, set, name, 1, &n_own, y->sampler->state));
  snprintf(name, sizeof name, "state.%sx", y->prefix);
  return cw_put_field(c, set, name, &y->x, w->plan->mcmc.chains);
}

static cw_status put_way(cw_case *c, cw_arrays *set, const walking *w, way *y) {
  if (y->lnz.n > 0) {
    CW_TRY(put_rows(c, set, y, "lnz", &y->lnz));
    CW_TRY(put_rows(c, set, y, "ess", &y->ess));
    CW_TRY(put_rows(c, set, y, "path", &y->path));
    CW_TRY(put_rows(c, set, y, "mean", &y->mean));
    if (y->work.n > 0) CW_TRY(put_rows(c, set, y, "work", &y->work));
  }
  return put_state(c, set, w, y);
}

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  walking *w = s->self;
  CW_TRY(put_way(c, set, w, &w->up));
  return w->plan->reverse ? put_way(c, set, w, &w->down) : CW_OK;
}

static cw_status get_way(cw_case *c, const cw_stage *s, const cw_arrays *last, way *y) {
  char name[64];
  snprintf(name, sizeof name, "state.%swalk", y->prefix);
  const cw_array *walk = cw_arrays_get(last, name);
  snprintf(name, sizeof name, "state.%ssampler", y->prefix);
  const cw_array *own = cw_arrays_get(last, name);
  if (walk == NULL || cw_array_size(walk) != cw_walk_state_size(y->walk) || own == NULL ||
      cw_array_size(own) != y->sampler->ops->n_state)
    return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint of '%s' does not fit the job",
                   cw_store_dir(c->store), s->name);
  cw_walk_load(y->walk, walk->data);
  if (own->dim[0] > 0)
    memcpy(y->sampler->state, own->data, (size_t)own->dim[0] * sizeof *own->data);
  snprintf(name, sizeof name, "state.%sx", y->prefix);
  return cw_get_field(c, last, name, &y->x);
}

static cw_status load(cw_stage *s, cw_case *c, const cw_arrays *last) {
  walking *w = s->self;
  CW_TRY(get_way(c, s, last, &w->up));
  return w->plan->reverse ? get_way(c, s, last, &w->down) : CW_OK;
}

/* ------------------------------------------------------------------------- stage */

static cw_status open_way(cw_case *c, const cw_walk_plan *plan, const char *prefix, way *y) {
  const cw_mcmc_plan *m = &plan->mcmc;
  char name[64];
  *y = (way){.prefix = prefix};
  snprintf(name, sizeof name, "%s.%schains", plan->name, prefix);
  y->rng = cw_case_rng(c, name);
  snprintf(name, sizeof name, "%s.%swalk", plan->name, prefix);
  y->walk_rng = cw_case_rng(c, name);
  CW_TRY(cw_case_ladder(c, prefix[0] != '\0', &y->ladder));
  CW_TRY(cw_population_create(c->ctx, &y->ladder, m->chains, &y->p));
  CW_TRY(cw_field_create(c->ctx, c->geom, c->theory.n_comp, y->p.x.n_config, &y->x));
  y->x.first_chain = y->p.x.first_chain;
  const cw_walk_options options = {.sampler = m->ops,
                                   .param = m->param,
                                   .choice = m->choice,
                                   .mutations = plan->mutations,
                                   .threshold = plan->threshold,
                                   .scheme = plan->scheme,
                                   .tuning = plan->tuning};
  CW_TRY(cw_walk_create(c->ctx, &y->ladder, &options, &y->p, &y->walk));
  return cw_sampler_create(c->ctx, m->ops, &c->theory, m->param, m->choice, y->x.n_blocks,
                           &y->sampler);
}

static cw_status open_walking(cw_case *c, const cw_walk_plan *plan, walking *w) {
  *w = (walking){.plan = plan};
  CW_TRY(open_way(c, plan, "", &w->up));
  if (plan->reverse) CW_TRY(open_way(c, plan, "reverse.", &w->down));
  size_t lanes = (size_t)(w->up.x.n_blocks * w->up.x.B);
  size_t n_primary = (size_t)c->observer[0].ops->n_primary(&c->observer[0]);
  w->accept = cw_alloc(lanes * sizeof *w->accept);
  w->primary = cw_alloc(lanes * n_primary * sizeof *w->primary);
  w->scratch = cw_arena_create(1 << 20);
  return w->accept != NULL && w->primary != NULL && w->scratch != NULL
             ? CW_OK
             : cw_fail(c->ctx, CW_ENOMEM, "no memory for particles");
}

static void close_way(way *y) {
  cw_walk_destroy(y->walk);
  cw_sampler_destroy(y->sampler);
  cw_population_destroy(&y->p);
  cw_field_destroy(&y->x);
  cw_ladder_destroy(&y->ladder);
  cw_record_free(&y->lnz);
  cw_record_free(&y->ess);
  cw_record_free(&y->path);
  cw_record_free(&y->mean);
  cw_record_free(&y->work);
}

static void close_walking(walking *w) {
  close_way(&w->up);
  close_way(&w->down);
  cw_arena_destroy(w->scratch);
  free(w->accept);
  free(w->primary);
}

static void note(const cw_stage *s, char *text, size_t size) {
  const walking *w = s->self;
  if (w->last_ess > 0) snprintf(text, size, "ESS %.3f", w->last_ess);
}

cw_status cw_run_walk(cw_case *c, const cw_walk_plan *plan) {
  walking w;
  cw_status st = cw_agree(c->ctx, open_walking(c, plan, &w));
  cw_stage stage = {.name = plan->name,
                    .n_steps = plan->mcmc.steps + 1,
                    .self = &w,
                    .step = step,
                    .save = save,
                    .load = load,
                    .note = note};
  if (st == CW_OK) st = cw_stage_run(c, &stage);
  close_walking(&w);
  return st;
}
