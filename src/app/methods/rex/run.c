/* Replica exchange on the ladder of the case: thermalise and tune, then measure the last rung or
 * all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/methods/rex/rex.h"
#include "app/run/stage.h"

typedef struct {
  const cw_rex_plan *plan;
  cw_rex_setup with;
  int first;        /* measured rung; the others after it */
  long rows_done;   /* measured rows so far */
  double measuring; /* seconds, since the last checkpoint */
  cw_arena *work;
  double *part; /* this rank's share of a row of one rung, while it is gathered */
  double *T;    /* terms of the last rung, where it is this rank's */
  /* rows of all chains, the same on all ranks */
  cw_record primary[CW_MAX_RUNGS][CW_MAX_GROUPS], label, accept, swap_work, therm;
} exchange;

/* This rank's configurations of a rung; NULL: the rung is another rank's. */
static cw_field *own_field(exchange *e, int rung) {
  bool mine = rung >= cw_rex_rung_begin(e->with.rex) && rung < cw_rex_rung_end(e->with.rex);
  return mine ? cw_rex_field(e->with.rex, rung) : NULL;
}

/* Puts together what the ranks hold of a row (n_chain, width) of a rung, if all is well (st) on all
 * of them. */
static cw_status gather_row(cw_case *c, exchange *e, cw_status st, const cw_field *x,
                            const double *mine, long width, cw_record *r) {
  double *row = cw_record_row(r, e->plan->mcmc.chains * width);
  if (row == NULL) st = cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  CW_TRY(cw_agree(c->ctx, st));
  cw_allgather(c->ctx, mine, x != NULL ? x->n_config * width : 0, row);
  return CW_OK;
}

/* Measures a rung at its own couplings. */
static cw_status record_group(cw_case *c, exchange *e, int rung, int g) {
  const cw_theory th = cw_theory_at(&c->theory, e->with.ladder.param[rung]);
  const cw_observer o = cw_observer_make(c->observer[g].ops, &th, c->observer[g].param);
  const cw_field *x = own_field(e, rung);
  cw_status st = x != NULL ? cw_measure(c->ctx, &o, x, e->part, e->work) : CW_OK;
  return gather_row(c, e, st, x, e->part, o.ops->n_primary(&o), &e->primary[rung][g]);
}

static cw_status record_row(cw_case *c, exchange *e) {
  const double began = cw_wall_seconds();
  for (int rung = e->first; rung < e->with.ladder.n; rung++)
    for (int g = 0; g < c->plan->n_groups; g++)
      if ((e->rows_done + 1) % c->plan->group[g].every == 0) CW_TRY(record_group(c, e, rung, g));
  long n = e->plan->mcmc.chains * e->with.ladder.n;
  double *label = cw_record_row(&e->label, n);
  if (label == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  for (long i = 0; i < n; i++) label[i] = cw_rex_labels(e->with.rex)[i];
  e->rows_done++;
  e->measuring += cw_wall_seconds() - began;
  return CW_OK;
}

/* Of every pair the sum of acceptance probabilities and the number of proposals since the last
 * row, and the works of the latest one of every chain. */
static cw_status record_swaps(cw_case *c, exchange *e) {
  const cw_rex_swaps *s = cw_rex_swap_counts(e->with.rex);
  const long width = 2L * (e->with.ladder.n - 1), n = e->plan->mcmc.chains * width;
  double *row = cw_record_row(&e->accept, width), *work = cw_record_row(&e->swap_work, n);
  if (row == NULL || work == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  for (int k = 0; k < e->with.ladder.n - 1; k++) {
    row[2 * k] = s->accept[k];
    row[2 * k + 1] = (double)s->tries[k];
  }
  memcpy(work, s->work, (size_t)n * sizeof *work);
  cw_rex_reset_counts(e->with.rex);
  return CW_OK;
}

/* The action of every chain on the last rung. */
static cw_status record_action(cw_case *c, exchange *e) {
  const cw_field *x = own_field(e, e->with.ladder.n - 1);
  if (x != NULL) cw_theory_action(&c->theory, x, c->theory.c, e->T, e->part);
  return gather_row(c, e, CW_OK, x, e->part, 1, &e->therm);
}

static cw_status start(cw_case *c, exchange *e) {
  for (int rung = cw_rex_rung_begin(e->with.rex); rung < cw_rex_rung_end(e->with.rex); rung++)
    CW_TRY(cw_start_field(c, &e->plan->mcmc, cw_case_rng(c, e->plan->name), (uint32_t)rung,
                          cw_rex_field(e->with.rex, rung)));
  return CW_OK;
}

static cw_status step(cw_stage *s, cw_case *c, long t) {
  exchange *e = s->self;
  const cw_mcmc_plan *m = &e->plan->mcmc;
  if (t == 0) CW_TRY(cw_agree(c->ctx, start(c, e)));
  uint32_t n_tune = t < m->thermalise ? (uint32_t)m->thermalise : 0;
  CW_TRY(cw_rex_step(e->with.rex, (uint32_t)t, n_tune));
  if (t < m->thermalise) {
    if (t + 1 == m->thermalise) cw_rex_reset_counts(e->with.rex);
    return record_action(c, e);
  }
  if ((t - m->thermalise + 1) % m->every != 0) return CW_OK;
  CW_TRY(record_row(c, e));
  return record_swaps(c, e);
}

/* ------------------------------------------------------------------- checkpoints */

static cw_status put_rows(cw_case *c, cw_arrays *set, const char *name, cw_record *r, long n_chain,
                          long inner) {
  long dim[3] = {r->n, n_chain, inner};
  cw_status st = cw_put_alike(c, set, name, inner > 0 ? 3 : 2, dim, r->data);
  r->n = 0;
  return st;
}

/* Where the time went, (1, CW_REX_SHARES): of the first rank, whose set is written. */
static cw_status put_seconds(cw_case *c, exchange *e, cw_arrays *set) {
  const cw_rex_seconds spent = cw_rex_take_seconds(e->with.rex);
  const double row[CW_REX_SHARES] = {spent.sampler, spent.transport, spent.swap, e->measuring};
  const long dim[2] = {1, CW_REX_SHARES};
  e->measuring = 0;
  return cw_put_alike(c, set, "timing.shares", 2, dim, row);
}

static void name_field(int rung, char name[32]) { snprintf(name, 32, "state.x%d", rung); }

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  exchange *e = s->self;
  char name[32];
  long n_chain = e->plan->mcmc.chains, n_state = cw_rex_state_size(e->with.rex);
  for (int rung = e->first; rung < e->with.ladder.n; rung++)
    for (int g = 0; g < c->plan->n_groups; g++) {
      char rows[80];
      const cw_observer *o = &c->observer[g];
      cw_rung_array(c->plan, rung * cw_rex_stride(e->plan), g, rows);
      CW_TRY(put_rows(c, set, rows, &e->primary[rung][g], n_chain, o->ops->n_primary(o)));
      CW_TRY(cw_note_columns(c, set, rows, g));
    }
  CW_TRY(put_rows(c, set, "label", &e->label, n_chain, e->with.ladder.n));
  CW_TRY(put_rows(c, set, "swaps", &e->accept, e->with.ladder.n - 1, 2));
  CW_TRY(put_rows(c, set, "work", &e->swap_work, n_chain, 2L * (e->with.ladder.n - 1)));
  CW_TRY(put_rows(c, set, "therm", &e->therm, n_chain, 0));
  CW_TRY(put_seconds(c, e, set));
  double *state = malloc((size_t)n_state * sizeof *state);
  cw_status st = state != NULL ? CW_OK : cw_fail(c->ctx, CW_ENOMEM, "no memory for a checkpoint");
  st = cw_agree(c->ctx, st);
  if (st == CW_OK) {
    cw_rex_save(e->with.rex, state);
    st = cw_put_alike(c, set, "state.rex", 1, &n_state, state);
  }
  free(state);
  CW_TRY(st);
  for (int rung = 0; rung < e->with.ladder.n; rung++) {
    name_field(rung, name);
    CW_TRY(cw_put_field(c, set, name, own_field(e, rung), e->plan->mcmc.chains));
  }
  return cw_arrays_put_scalar(c->ctx, set, "state.rows", (double)e->rows_done);
}

static cw_status load(cw_stage *s, cw_case *c, const cw_arrays *last) {
  exchange *e = s->self;
  char name[32];
  const cw_array *state = cw_arrays_get(last, "state.rex");
  if (state == NULL || cw_array_size(state) != cw_rex_state_size(e->with.rex))
    return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint of '%s' does not fit the job",
                   cw_store_dir(c->store), s->name);
  cw_rex_load(e->with.rex, state->data);
  for (int rung = 0; rung < e->with.ladder.n; rung++) {
    name_field(rung, name);
    CW_TRY(cw_get_field(c, s, last, name, own_field(e, rung), e->plan->mcmc.chains));
  }
  e->rows_done = (long)cw_arrays_scalar(last, "state.rows", 0);
  return CW_OK;
}

/* ------------------------------------------------------------------------- stage */

static cw_status open_exchange(cw_case *c, const cw_rex_plan *plan, exchange *e) {
  *e = (exchange){.plan = plan};
  CW_TRY(cw_rex_open(c, plan, cw_case_rng(c, plan->name), &e->with));
  e->first = plan->all_rungs ? 0 : e->with.ladder.n - 1;
  long width = 1;
  for (int g = 0; g < c->plan->n_groups; g++) {
    long n = c->observer[g].ops->n_primary(&c->observer[g]);
    if (n > width) width = n;
  }
  e->part = cw_alloc((size_t)((plan->mcmc.chains + CW_LANES) * width) * sizeof *e->part);
  const cw_field *last = own_field(e, e->with.ladder.n - 1);
  long lanes = last != NULL ? last->n_blocks * last->B : 0;
  e->T = cw_alloc((size_t)(lanes * c->theory.ops->n_terms) * sizeof *e->T);
  e->work = cw_arena_create(1 << 20);
  return e->part && e->T && e->work ? CW_OK : cw_fail(c->ctx, CW_ENOMEM, "no memory for replicas");
}

static void close_exchange(exchange *e) {
  cw_rex_close(&e->with);
  for (int rung = 0; rung < CW_MAX_RUNGS; rung++)
    for (int g = 0; g < CW_MAX_GROUPS; g++) cw_record_free(&e->primary[rung][g]);
  cw_record_free(&e->label);
  cw_record_free(&e->accept);
  cw_record_free(&e->swap_work);
  cw_record_free(&e->therm);
  cw_arena_destroy(e->work);
  free(e->part);
  free(e->T);
  free(e);
}

cw_status cw_run_rex(cw_case *c, const cw_section *s) {
  const cw_rex_plan *plan = s->own;
  exchange *e = malloc(sizeof *e);
  cw_status st = e != NULL ? CW_OK : cw_fail(c->ctx, CW_ENOMEM, "no memory for replicas");
  CW_TRY(cw_agree(c->ctx, st));
  cw_stage stage = {.name = plan->name,
                    .n_steps = plan->mcmc.thermalise + plan->mcmc.steps,
                    .self = e,
                    .step = step,
                    .save = save,
                    .load = load};
  st = cw_agree(c->ctx, open_exchange(c, plan, e));
  if (st == CW_OK) st = cw_stage_run(c, &stage);
  close_exchange(e);
  return st;
}
