/* Walks of a population along the ladder of the case, and where the job wants them back down again.
 * The particles of all walks start from one set of Markov chains on the first rung of the way,
 * which go on between walks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/methods/walk/way.h"

/* Walks one way, and what is recorded of each. */
typedef struct {
  cw_way way;
  cw_record lnz, ess, path, mean, work;
} walks;

typedef struct {
  const cw_walk_plan *plan;
  const cw_flows *flows; /* of the case; NULL: none */
  walks up, down;
  cw_arena *scratch;
  double *primary;  /* rows of the particles */
  double *all;      /* (particles, n_primary) primaries of all ranks */
  double *lw, *one; /* (particles) weights, and one primary's share in its mean */
  double last_ess;  /* of the last walk, for the progress bar */
  cw_rng pimh_rng;
  double now[2]; /* PIMH: number of the walk that the chain is at, and its ln Z */
  cw_record pimh;
} walking;

/* Weighted means of the primaries of the first group over the population, in fixed order. */
static cw_status record_means(cw_case *c, walking *w, walks *y, const double *lw) {
  const cw_observer *o = &c->observer[0];
  const cw_field *x = &y->way.p.x;
  long n_primary = o->ops->n_primary(o), n = y->way.p.n;
  double *row = cw_record_row(&y->mean, n_primary), total = cw_logsumexp(lw, (size_t)n);
  CW_TRY(cw_agree(c->ctx, row != NULL ? cw_measure(c->ctx, o, x, w->primary, w->scratch)
                                      : cw_fail(c->ctx, CW_ENOMEM, "no memory for a record")));
  cw_allgather(c->ctx, w->primary, x->n_config * n_primary, w->all);
  for (long k = 0; k < n_primary; k++) {
    for (long i = 0; i < n; i++) w->one[i] = exp(lw[i] - total) * w->all[i * n_primary + k];
    row[k] = cw_sum(w->one, (size_t)n);
  }
  return CW_OK;
}

static cw_status record_weights(cw_case *c, walking *w, walks *y) {
  long n = y->way.p.n;
  cw_population_weights(&y->way.p, w->lw);
  if (y == &w->up) CW_TRY(record_means(c, w, y, w->lw)); /* of the job's theory */
  if (!cw_walk_keeps_works(w->plan)) return CW_OK;
  double *row = cw_record_row(&y->work, n);
  if (row == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  for (long i = 0; i < n; i++) row[i] = -w->lw[i];
  return CW_OK;
}

static cw_status walk_once(cw_case *c, walking *w, walks *y, long number) {
  int n = y->way.ladder.n;
  double *ess = cw_record_row(&y->ess, n), *lnz = cw_record_row(&y->path, n);
  double *last = cw_record_row(&y->lnz, 1);
  bool room = ess != NULL && lnz != NULL && last != NULL;
  CW_TRY(cw_agree(c->ctx, room ? CW_OK : cw_fail(c->ctx, CW_ENOMEM, "no memory for a record")));
  CW_TRY(cw_way_start(&y->way, number));
  CW_TRY(cw_walk_run(y->way.walk, &y->way.p, y->way.walk_rng, (uint32_t)number + 1, ess, lnz));
  *last = lnz[n - 1];
  w->last_ess = ess[n - 1];
  return record_weights(c, w, y);
}

/* Particle independent Metropolis-Hastings (C. Andrieu, A. Doucet, R. Holenstein, J. R. Stat. Soc.
 * B 72 (2010) 269): every walk is a proposal, accepted with min(1, Z'/Z) of their estimates. */
static cw_status record_pimh(cw_case *c, walking *w, long number) {
  double u[2], lnz = w->up.lnz.data[w->up.lnz.n - 1], *row = cw_record_row(&w->pimh, 1);
  if (row == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  cw_uniform2(w->pimh_rng, 0, 0, (uint32_t)number, 0, u);
  if (number == 0 || log(u[0]) < lnz - w->now[1]) {
    w->now[0] = (double)number;
    w->now[1] = lnz;
  }
  *row = w->now[0];
  return CW_OK;
}

/* Step 0 thermalises and tunes, every further one is a walk each way. */
static cw_status step(cw_stage *s, cw_case *c, long t) {
  walking *w = s->self;
  cw_status st = t == 0 ? cw_way_thermalise(c, &w->up.way) : walk_once(c, w, &w->up, t - 1);
  if (st == CW_OK && t > 0 && w->plan->pimh) st = record_pimh(c, w, t - 1);
  if (!w->plan->reverse) return st;
  CW_TRY(cw_agree(c->ctx, st));
  return t == 0 ? cw_way_thermalise(c, &w->down.way) : walk_once(c, w, &w->down, t - 1);
}

/* ------------------------------------------------------------------- checkpoints */

static cw_status put_rows(cw_case *c, cw_arrays *set, const walks *y, const char *what,
                          cw_record *r, int rank) {
  char name[64];
  snprintf(name, sizeof name, "%s%s", y->way.prefix, what);
  CW_TRY(cw_record_put(c, set, name, r, rank));
  return r == &y->mean ? cw_note_columns(c, set, name, 0) : CW_OK;
}

static cw_status put_walks(cw_case *c, cw_arrays *set, walks *y) {
  CW_TRY(put_rows(c, set, y, "lnz", &y->lnz, 1));
  CW_TRY(put_rows(c, set, y, "ess", &y->ess, 2));
  CW_TRY(put_rows(c, set, y, "path", &y->path, 2));
  CW_TRY(put_rows(c, set, y, "mean", &y->mean, 2));
  CW_TRY(put_rows(c, set, y, "work", &y->work, 2));
  return cw_way_put(c, set, &y->way);
}

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  walking *w = s->self;
  const long two = 2;
  CW_TRY(put_walks(c, set, &w->up));
  if (w->plan->pimh) {
    CW_TRY(cw_record_put(c, set, "pimh", &w->pimh, 1));
    CW_TRY(cw_put_alike(c, set, "state.pimh", 1, &two, w->now));
  }
  return w->plan->reverse ? put_walks(c, set, &w->down) : CW_OK;
}

static cw_status load(cw_stage *s, cw_case *c, const cw_arrays *last) {
  walking *w = s->self;
  CW_TRY(cw_way_get(c, s, last, &w->up.way));
  if (w->plan->pimh) {
    const cw_array *now = cw_arrays_get(last, "state.pimh");
    if (now == NULL || cw_array_size(now) != 2)
      return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint of '%s' does not fit the job",
                     cw_store_dir(c->store), s->name);
    memcpy(w->now, now->data, sizeof w->now);
  }
  return w->plan->reverse ? cw_way_get(c, s, last, &w->down.way) : CW_OK;
}

/* ------------------------------------------------------------------------- stage */

static cw_status open_walks(cw_case *c, walking *w, const char *prefix, walks *y) {
  const cw_walk_plan *p = w->plan;
  return cw_way_open(c, p, p->name, prefix, w->flows, p->mcmc.chains, p->mcmc.every, &y->way);
}

static cw_status open_walking(cw_case *c, walking *w) {
  char name[64];
  CW_TRY(open_walks(c, w, "", &w->up));
  if (w->plan->reverse) CW_TRY(open_walks(c, w, "reverse.", &w->down));
  snprintf(name, sizeof name, "%s.pimh", w->plan->name);
  w->pimh_rng = cw_case_rng(c, name);
  size_t lanes = (size_t)(w->up.way.chains.x.n_blocks * w->up.way.chains.x.B);
  size_t n_primary = (size_t)c->observer[0].ops->n_primary(&c->observer[0]);
  size_t n = (size_t)w->up.way.p.n;
  w->primary = cw_alloc(lanes * n_primary * sizeof *w->primary);
  w->all = cw_alloc(n * n_primary * sizeof *w->all);
  w->lw = cw_alloc(n * sizeof *w->lw);
  w->one = cw_alloc(n * sizeof *w->one);
  w->scratch = cw_arena_create(1 << 20);
  return w->primary && w->all && w->lw && w->one && w->scratch
             ? CW_OK
             : cw_fail(c->ctx, CW_ENOMEM, "no memory for particles");
}

static void close_walks(walks *y) {
  cw_way_close(&y->way);
  cw_record_free(&y->lnz);
  cw_record_free(&y->ess);
  cw_record_free(&y->path);
  cw_record_free(&y->mean);
  cw_record_free(&y->work);
}

static void close_walking(walking *w) {
  close_walks(&w->up);
  close_walks(&w->down);
  cw_record_free(&w->pimh);
  cw_arena_destroy(w->scratch);
  free(w->primary);
  free(w->all);
  free(w->lw);
  free(w->one);
}

static void note(const cw_stage *s, char *text, size_t size) {
  const walking *w = s->self;
  if (w->last_ess > 0) snprintf(text, size, "ESS %.3f", w->last_ess);
}

cw_status cw_run_walk(cw_case *c, const cw_section *section) {
  const cw_walk_plan *plan = section->own;
  const cw_section *trained = plan->has_flow ? section : plan->fitted;
  walking w = {.plan = plan, .flows = trained != NULL ? cw_case_flows(c, trained) : NULL};
  cw_status st = plan->has_flow ? cw_run_flows(c, plan, cw_case_flows(c, section)) : CW_OK;
  if (st == CW_OK) st = cw_agree(c->ctx, open_walking(c, &w));
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
