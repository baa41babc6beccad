/* Inference with a flow: importance sampling, independence Metropolis, and its density on
 * configurations of the target. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/run/stage.h"

enum { NIS_BATCH = 4096, NMCMC_STEPS_AT_ONCE = 16 };
enum { DRAW_ACCEPT = 7 }; /* draw numbers 0.. belong to the prior */

/* ---- neural importance sampling (Nicoli et al., arXiv:1910.13496): iid samples with their
 * log-weights ---- */

typedef struct {
  cw_rng rng;
  cw_record lw, primary; /* one row per sample, of all ranks */
} nis;

/* One step's samples: lw (total) and primary (total, n_primary), of which this rank draws [first,
 * first + mine). */
typedef struct {
  long total, first, mine;
  int n_primary;
  double *lw, *primary, *logq;
} nis_batch;

static cw_status open_batch(cw_case *c, long step, nis_batch *b) {
  long left = c->plan->nis_samples - step * NIS_BATCH, begin, end;
  *b = (nis_batch){.total = left < NIS_BATCH ? left : NIS_BATCH,
                   .n_primary = c->observer[0].ops->n_primary(&c->observer[0])};
  cw_rank_share(c->ctx, (b->total + CW_LANES - 1) / CW_LANES, &begin, &end);
  b->first = begin * CW_LANES;
  b->mine = (end * CW_LANES < b->total ? end * CW_LANES : b->total) - b->first;
  b->lw = cw_alloc((size_t)b->total * sizeof(double));
  b->logq = cw_alloc((size_t)b->total * sizeof(double));
  b->primary = cw_alloc((size_t)(b->total * b->n_primary) * sizeof(double));
  return b->lw && b->logq && b->primary ? CW_OK
                                        : cw_fail(c->ctx, CW_ENOMEM, "no memory for samples");
}

static void close_batch(nis_batch *b) {
  free(b->lw);
  free(b->logq);
  free(b->primary);
}

static cw_status draw_my_share(cw_case *c, const nis *n, long step, nis_batch *b) {
  cw_field x;
  if (b->mine == 0) return CW_OK;
  CW_TRY(cw_field_create(c->ctx, c->geom, 1, b->mine, &x));
  x.first_chain = step * NIS_BATCH + b->first;
  cw_status st = cw_model_sample(c->ctx, c->model, n->rng, 0, &x, b->logq);
  if (st == CW_OK)
    st = cw_measure(c->ctx, &c->observer[0], &x, b->primary + b->first * b->n_primary, c->work);
  if (st == CW_OK) cw_log_weights(c, &x, b->logq, b->lw + b->first);
  if (st == CW_OK) st = cw_check_log_weights(c, "nis", b->lw + b->first, b->mine);
  cw_field_destroy(&x);
  return st;
}

/* Completes the batch with the shares of the other ranks, and records it. */
static cw_status record_batch(cw_case *c, nis *n, nis_batch *b) {
  cw_allgather(c->ctx, b->lw + b->first, b->mine, b->lw);
  cw_allgather(c->ctx, b->primary + b->first * b->n_primary, b->mine * b->n_primary, b->primary);
  for (long i = 0; i < b->total; i++) {
    double *row = cw_record_row(&n->primary, b->n_primary), *w = cw_record_row(&n->lw, 1);
    if (row == NULL || w == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for samples");
    memcpy(row, b->primary + i * b->n_primary, (size_t)b->n_primary * sizeof *row);
    *w = b->lw[i];
  }
  return CW_OK;
}

static cw_status nis_step(cw_stage *s, cw_case *c, long step) {
  nis_batch b;
  cw_status st = open_batch(c, step, &b);
  if (st == CW_OK) st = draw_my_share(c, s->self, step, &b);
  st = cw_agree(c->ctx, st);
  if (st == CW_OK) st = record_batch(c, s->self, &b);
  close_batch(&b);
  return st;
}

static cw_status nis_save(cw_stage *s, cw_case *c, cw_arrays *set) {
  nis *n = s->self;
  long dim[2] = {n->primary.n, n->primary.width};
  CW_TRY(cw_arrays_put(c->ctx, set, "lw", 1, &n->lw.n, n->lw.data));
  CW_TRY(cw_arrays_put(c->ctx, set, "primary", 2, dim, n->primary.data));
  n->lw.n = n->primary.n = 0;
  return CW_OK;
}

cw_status cw_run_nis(cw_case *c) {
  nis n = {.rng = cw_case_rng(c, "nis")};
  cw_stage stage = {.name = "nis",
                    .n_steps = (c->plan->nis_samples + NIS_BATCH - 1) / NIS_BATCH,
                    .self = &n,
                    .step = nis_step,
                    .save = nis_save,
                    .load = cw_nothing_to_load};
  cw_status st = cw_stage_run(c, &stage);
  cw_record_free(&n.lw);
  cw_record_free(&n.primary);
  return st;
}

/* ---- independence Metropolis with proposals of the flow ---- */

typedef struct {
  cw_rng rng;
  cw_field x; /* proposals */
  long first, n_mine;
  double *logq, *new_lw; /* (n_mine) of the proposals */
  double *new_primary;   /* (n_mine, np) */
  double *lw, *now;      /* (n_mine), (n_mine, np) of the present states */
  double *accepted;      /* (n_mine) of the last step: 1 or 0 */
  cw_record primary, accept, weight;
} nmcmc;

static cw_status propose(cw_case *c, nmcmc *m, long t) {
  CW_TRY(cw_model_sample(c->ctx, c->model, m->rng, (uint32_t)t, &m->x, m->logq));
  CW_TRY(cw_measure(c->ctx, &c->observer[0], &m->x, m->new_primary, c->work));
  cw_log_weights(c, &m->x, m->logq, m->new_lw);
  return cw_check_log_weights(c, "nmcmc", m->new_lw, m->n_mine);
}

/* Chain number i begins with a kept configuration of the sampler's chain i; if there are more
 * chains than that sampler had, the further ones with others of its configurations, as far apart
 * as can be. */
static void pick_kept(const cw_field *kept, long n_chain, long n_wanted, cw_field *x) {
  const long rows = kept->n_config / n_chain, rows_wanted = (n_wanted + n_chain - 1) / n_chain;
  for (long i = 0; i < x->n_config; i++) {
    const long at = x->first_chain + i, row = (at / n_chain + 1) * rows / rows_wanted - 1;
    for (long k = 0; k < x->geom->n_sites; k++)
      cw_field_set(x, i, k, 0, cw_field_get(kept, row * n_chain + at % n_chain, k, 0));
  }
}

/* States of the target instead of first proposals. */
static cw_status start_from_data(cw_case *c, nmcmc *m) {
  const int data = c->plan->nmcmc_data;
  const cw_mcmc_plan *from = &c->plan->mcmc[data];
  cw_field kept;
  cw_status st = cw_kept_configurations(
      c, from, cw_trained_on(c->plan, data) ? CW_KEPT_TO_JUDGE : CW_KEPT_ALL, &kept);
  if (st == CW_OK) pick_kept(&kept, from->chains, c->plan->nmcmc_chains, &m->x);
  cw_field_destroy(&kept);
  CW_TRY(st);
  CW_TRY(cw_model_log_prob(c->ctx, c->model, &m->x, m->logq));
  CW_TRY(cw_measure(c->ctx, &c->observer[0], &m->x, m->now, c->work));
  cw_log_weights(c, &m->x, m->logq, m->lw);
  return cw_check_log_weights(c, "nmcmc", m->lw, m->n_mine);
}

/* The first proposal is accepted by chains that have no state yet. */
static void metropolis(const cw_case *c, nmcmc *m, long t) {
  const int np = c->observer[0].ops->n_primary(&c->observer[0]);
  const bool begins = t == 0 && c->plan->nmcmc_data < 0;
  for (long i = 0; i < m->n_mine; i++) {
    double u[2];
    cw_uniform2(m->rng, 0, (uint32_t)(m->first + i), (uint32_t)t, DRAW_ACCEPT, u);
    m->accepted[i] = begins || log(u[0]) < m->new_lw[i] - m->lw[i];
    if (m->accepted[i] == 0) continue;
    m->lw[i] = m->new_lw[i];
    memcpy(m->now + i * np, m->new_primary + i * np, (size_t)np * sizeof *m->now);
  }
}

static cw_status record_states(cw_case *c, nmcmc *m) {
  const long np = c->observer[0].ops->n_primary(&c->observer[0]);
  double *p = cw_record_row(&m->primary, m->n_mine * np), *a = cw_record_row(&m->accept, m->n_mine),
         *w = cw_record_row(&m->weight, m->n_mine);
  if (p == NULL || a == NULL || w == NULL)
    return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  memcpy(p, m->now, (size_t)(m->n_mine * np) * sizeof *p);
  memcpy(a, m->accepted, (size_t)m->n_mine * sizeof *a);
  memcpy(w, m->lw, (size_t)m->n_mine * sizeof *w);
  return CW_OK;
}

static long nmcmc_all_steps(const cw_plan *p) { return p->nmcmc_thermalise + p->nmcmc_steps; }

static cw_status nmcmc_step(cw_stage *s, cw_case *c, long step) {
  nmcmc *m = s->self;
  long end = (step + 1) * NMCMC_STEPS_AT_ONCE;
  if (step == 0 && c->plan->nmcmc_data >= 0) CW_TRY(start_from_data(c, m));
  for (long t = step * NMCMC_STEPS_AT_ONCE; t < end && t < nmcmc_all_steps(c->plan); t++) {
    CW_TRY(propose(c, m, t));
    metropolis(c, m, t);
    if (t >= c->plan->nmcmc_thermalise) CW_TRY(record_states(c, m));
  }
  return CW_OK;
}

static cw_status put_state(cw_case *c, cw_arrays *set, const char *name, const double *x,
                           long n_mine, long inner) {
  cw_record r = {0};
  double *row = cw_record_row(&r, n_mine * inner);
  cw_status st = row != NULL ? CW_OK : cw_fail(c->ctx, CW_ENOMEM, "no memory for a checkpoint");
  if (st == CW_OK) memcpy(row, x, (size_t)(n_mine * inner) * sizeof *x);
  st = cw_agree(c->ctx, st);
  if (st == CW_OK) st = cw_put_chains(c, set, name, &r, c->plan->nmcmc_chains, inner);
  cw_record_free(&r);
  return st;
}

static cw_status nmcmc_save(cw_stage *s, cw_case *c, cw_arrays *set) {
  nmcmc *m = s->self;
  int np = c->observer[0].ops->n_primary(&c->observer[0]);
  CW_TRY(cw_put_chains(c, set, "primary", &m->primary, c->plan->nmcmc_chains, np));
  CW_TRY(cw_put_chains(c, set, "accept", &m->accept, c->plan->nmcmc_chains, 0));
  CW_TRY(cw_put_chains(c, set, "lw", &m->weight, c->plan->nmcmc_chains, 0));
  CW_TRY(put_state(c, set, "state.lw", m->lw, m->n_mine, 1));
  return put_state(c, set, "state.primary", m->now, m->n_mine, np);
}

static cw_status nmcmc_load(cw_stage *s, cw_case *c, const cw_arrays *last) {
  nmcmc *m = s->self;
  int np = c->observer[0].ops->n_primary(&c->observer[0]);
  const cw_array *lw = cw_arrays_get(last, "state.lw"), *now = cw_arrays_get(last, "state.primary");
  if (lw == NULL || now == NULL || cw_array_size(lw) != c->plan->nmcmc_chains ||
      cw_array_size(now) != c->plan->nmcmc_chains * np)
    return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint of '%s' does not fit the job",
                   cw_store_dir(c->store), s->name);
  memcpy(m->lw, lw->data + m->first, (size_t)m->n_mine * sizeof *m->lw);
  memcpy(m->now, now->data + m->first * np, (size_t)(m->n_mine * np) * sizeof *m->now);
  return CW_OK;
}

static cw_status nmcmc_open(cw_case *c, nmcmc *m) {
  size_t np = (size_t)c->observer[0].ops->n_primary(&c->observer[0]);
  *m = (nmcmc){.rng = cw_case_rng(c, "nmcmc")};
  CW_TRY(cw_my_chains(c, c->plan->nmcmc_chains, &m->first, &m->n_mine));
  CW_TRY(cw_field_create(c->ctx, c->geom, 1, m->n_mine, &m->x));
  m->x.first_chain = m->first;
  size_t n = (size_t)m->n_mine;
  m->logq = cw_alloc(n * sizeof(double));
  m->new_lw = cw_alloc(n * sizeof(double));
  m->lw = cw_alloc(n * sizeof(double));
  m->new_primary = cw_alloc(n * np * sizeof(double));
  m->now = cw_alloc(n * np * sizeof(double));
  m->accepted = cw_alloc(n * sizeof(double));
  return m->logq && m->new_lw && m->lw && m->new_primary && m->now && m->accepted
             ? CW_OK
             : cw_fail(c->ctx, CW_ENOMEM, "no memory for chains");
}

static void nmcmc_close(nmcmc *m) {
  cw_field_destroy(&m->x);
  free(m->logq);
  free(m->new_lw);
  free(m->lw);
  free(m->new_primary);
  free(m->now);
  free(m->accepted);
  cw_record_free(&m->primary);
  cw_record_free(&m->accept);
  cw_record_free(&m->weight);
}

cw_status cw_run_nmcmc(cw_case *c) {
  nmcmc m;
  cw_status st = cw_agree(c->ctx, nmcmc_open(c, &m));
  cw_stage stage = {.name = "nmcmc",
                    .n_steps =
                        (nmcmc_all_steps(c->plan) + NMCMC_STEPS_AT_ONCE - 1) / NMCMC_STEPS_AT_ONCE,
                    .self = &m,
                    .step = nmcmc_step,
                    .save = nmcmc_save,
                    .load = nmcmc_load};
  if (st == CW_OK) st = cw_stage_run(c, &stage);
  nmcmc_close(&m);
  return st;
}

/* ---- log-weights of the flow on configurations of the target ---- */

typedef struct {
  cw_field x;    /* kept configurations: row by row over the chains */
  cw_field seen; /* those that the model was trained on; none if it was not on any of the section */
  long n_chain;
  cw_field row; /* of one or the other */
  double *logq; /* (n_chain) */
  cw_record lw, seen_lw;
} forward;

/* Log-weights of row number row of from, into a new row of lw. */
static cw_status judge_row(cw_case *c, forward *f, const cw_field *from, long row,
                           cw_record *record) {
  const long n_chain = f->n_chain;
  double *lw = cw_record_row(record, n_chain);
  if (lw == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  for (long i = 0; i < n_chain; i++)
    for (long k = 0; k < c->geom->n_sites; k++)
      cw_field_set(&f->row, i, k, 0, cw_field_get(from, row * n_chain + i, k, 0));
  CW_TRY(cw_model_log_prob(c->ctx, c->model, &f->row, f->logq));
  cw_log_weights(c, &f->row, f->logq, lw);
  return cw_check_log_weights(c, "forward", lw, n_chain);
}

static cw_status forward_step(cw_stage *s, cw_case *c, long row) {
  forward *f = s->self;
  CW_TRY(judge_row(c, f, &f->x, row, &f->lw));
  if (row >= f->seen.n_config / f->n_chain) return CW_OK;
  return judge_row(c, f, &f->seen, row, &f->seen_lw);
}

static cw_status forward_save(cw_stage *s, cw_case *c, cw_arrays *set) {
  forward *f = s->self;
  CW_TRY(cw_record_put(c, set, "lw", &f->lw, 2));
  return cw_record_put(c, set, "seen.lw", &f->seen_lw, 2);
}

/* A model is judged on configurations that it was not trained on, and on those that it was: the
 * difference tells whether it learned the target or its samples. */
cw_status cw_run_forward(cw_case *c) {
  const cw_mcmc_plan *data = &c->plan->mcmc[c->plan->forward_data];
  const bool trained = cw_trained_on(c->plan, c->plan->forward_data);
  forward f = {.n_chain = data->chains};
  cw_status st = cw_kept_configurations(c, data, trained ? CW_KEPT_TO_JUDGE : CW_KEPT_ALL, &f.x);
  st = cw_agree(c->ctx, st);
  if (st == CW_OK && trained) st = cw_kept_configurations(c, data, CW_KEPT_TO_TRAIN, &f.seen);
  cw_stage stage = {.name = "forward",
                    .self = &f,
                    .step = forward_step,
                    .save = forward_save,
                    .load = cw_nothing_to_load};
  if (st == CW_OK) st = cw_field_create(c->ctx, c->geom, 1, f.n_chain, &f.row);
  f.logq = cw_alloc((size_t)f.n_chain * sizeof *f.logq);
  if (f.logq == NULL) st = cw_fail(c->ctx, CW_ENOMEM, "no memory for log-weights");
  st = cw_agree(c->ctx, st);
  if (st == CW_OK) {
    stage.n_steps = f.x.n_config / f.n_chain;
    st = cw_stage_run(c, &stage);
  }
  cw_field_destroy(&f.x);
  cw_field_destroy(&f.seen);
  cw_field_destroy(&f.row);
  free(f.logq);
  cw_record_free(&f.lw);
  cw_record_free(&f.seen_lw);
  return st;
}
