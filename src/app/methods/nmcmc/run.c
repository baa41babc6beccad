/* Proposals of the model, accepted or not by all chains. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/methods/nmcmc/nmcmc.h"
#include "app/run/stage.h"

enum { STEPS_AT_ONCE = 16 };
enum { DRAW_ACCEPT = 7 }; /* draw numbers 0.. belong to the prior */

typedef struct {
  const cw_nmcmc_plan *plan;
  cw_rng rng;
  long done;  /* steps of the chains */
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
      for (int j = 0; j < x->n_comp; j++)
        cw_field_set(x, i, k, j, cw_field_get(kept, row * n_chain + at % n_chain, k, j));
  }
}

/* States of the target instead of first proposals. */
static cw_status start_from_data(cw_case *c, nmcmc *m) {
  const cw_section *data = m->plan->data;
  cw_field kept;
  cw_status st = cw_kept_configurations(
      c, data, cw_trained_on(c->plan, data) ? CW_KEPT_TO_JUDGE : CW_KEPT_ALL, &kept);
  if (st == CW_OK) pick_kept(&kept, cw_section_chains(data)->chains, m->plan->chains, &m->x);
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
  const bool begins = t == 0 && m->plan->data == NULL;
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

static long all_steps(const cw_nmcmc_plan *p) { return p->thermalise + p->steps; }

static cw_status step(cw_stage *s, cw_case *c, long number) {
  nmcmc *m = s->self;
  long end = (number + 1) * STEPS_AT_ONCE;
  if (m->done == 0 && m->plan->data != NULL) CW_TRY(start_from_data(c, m));
  for (; m->done < end && m->done < all_steps(m->plan); m->done++) {
    CW_TRY(propose(c, m, m->done));
    metropolis(c, m, m->done);
    if (m->done >= m->plan->thermalise) CW_TRY(record_states(c, m));
  }
  return CW_OK;
}

static cw_status put_state(cw_case *c, const nmcmc *m, cw_arrays *set, const char *name,
                           const double *x, long inner) {
  cw_record r = {0};
  double *row = cw_record_row(&r, m->n_mine * inner);
  cw_status st = row != NULL ? CW_OK : cw_fail(c->ctx, CW_ENOMEM, "no memory for a checkpoint");
  if (st == CW_OK) memcpy(row, x, (size_t)(m->n_mine * inner) * sizeof *x);
  st = cw_agree(c->ctx, st);
  if (st == CW_OK) st = cw_put_chains(c, set, name, &r, m->plan->chains, inner);
  cw_record_free(&r);
  return st;
}

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  nmcmc *m = s->self;
  int np = c->observer[0].ops->n_primary(&c->observer[0]);
  CW_TRY(cw_put_chains(c, set, "primary", &m->primary, m->plan->chains, np));
  CW_TRY(cw_note_columns(c, set, "primary", 0));
  CW_TRY(cw_put_chains(c, set, "accept", &m->accept, m->plan->chains, 0));
  CW_TRY(cw_put_chains(c, set, "lw", &m->weight, m->plan->chains, 0));
  CW_TRY(cw_put_pieces(c, set, m->done));
  CW_TRY(put_state(c, m, set, "state.lw", m->lw, 1));
  return put_state(c, m, set, "state.primary", m->now, np);
}

static cw_status load(cw_stage *s, cw_case *c, const cw_arrays *last) {
  nmcmc *m = s->self;
  int np = c->observer[0].ops->n_primary(&c->observer[0]);
  const cw_array *lw = cw_arrays_get(last, "state.lw"), *now = cw_arrays_get(last, "state.primary");
  if (lw == NULL || now == NULL || cw_array_size(lw) != m->plan->chains ||
      cw_array_size(now) != m->plan->chains * np)
    return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint of '%s' does not fit the job",
                   cw_store_dir(c->store), s->name);
  CW_TRY(cw_get_pieces(s, c, last, all_steps(m->plan), STEPS_AT_ONCE, &m->done));
  memcpy(m->lw, lw->data + m->first, (size_t)m->n_mine * sizeof *m->lw);
  memcpy(m->now, now->data + m->first * np, (size_t)(m->n_mine * np) * sizeof *m->now);
  return CW_OK;
}

static cw_status open_chains(cw_case *c, const cw_section *s, nmcmc *m) {
  size_t np = (size_t)c->observer[0].ops->n_primary(&c->observer[0]);
  *m = (nmcmc){.plan = s->own, .rng = cw_case_rng(c, s->kind.name)};
  CW_TRY(cw_field_deal(c->ctx, c->geom, c->theory.n_comp, m->plan->chains, "chains", &m->x));
  m->first = m->x.first_chain;
  m->n_mine = m->x.n_config;
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

static void close_chains(nmcmc *m) {
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

cw_status cw_run_nmcmc(cw_case *c, const cw_section *s) {
  nmcmc m;
  cw_status st = cw_agree(c->ctx, open_chains(c, s, &m));
  cw_stage stage = {.name = s->kind.name,
                    .n_steps = cw_steps_of(all_steps(m.plan), STEPS_AT_ONCE),
                    .self = &m,
                    .step = step,
                    .save = save,
                    .load = load};
  if (st == CW_OK) st = cw_stage_run(c, &stage);
  close_chains(&m);
  return st;
}
