/* Markov chains of the target: thermalise and tune, then measure and keep configurations. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/methods/mcmc/mcmc.h"
#include "app/run/stage.h"

typedef struct {
  const cw_mcmc_plan *plan;
  cw_sampler *sampler;
  cw_field x;
  cw_rng rng;
  long first, n_mine, rows_done; /* measured rows so far */
  double *accept, *dH;           /* (lanes) of the last step */
  double *sum_accept, *sum_exp;  /* (n_mine) over the steps since the last row */
  double *all;                   /* (chains) scratch */
  cw_record primary[CW_MAX_GROUPS], accepted, exp_mdH, kept, therm;
} mcmc;

static bool is_kept(const cw_mcmc_plan *plan, long row) {
  return cw_kept_rows_of(plan, row + 1) > cw_kept_rows_of(plan, row);
}

static cw_status record_action(cw_case *c, mcmc *m) {
  double *row = cw_record_row(&m->therm, m->n_mine);
  if (row == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
#pragma omp parallel for num_threads(cw_block_threads(c, &m->x)) schedule(static)
  for (long b = 0; b < m->x.n_blocks; b++) {
    double T[CW_LANES * CW_MAX_TERMS], S[CW_LANES];
    cw_field block = cw_field_block(&m->x, b);
    cw_theory_action(&c->theory, &block, c->theory.c, T, S);
    memcpy(row + b * block.B, S, (size_t)block.n_config * sizeof *S);
  }
  return CW_OK;
}

/* Measures the groups whose turn it is. */
static cw_status record_groups(cw_case *c, mcmc *m) {
  for (int g = 0; g < c->plan->n_groups; g++) {
    const cw_observer *o = &c->observer[g];
    if ((m->rows_done + 1) % c->plan->group[g].every != 0) continue;
    double *row = cw_record_row(&m->primary[g], m->n_mine * o->ops->n_primary(o));
    if (row == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
    CW_TRY(cw_measure(c->ctx, o, &m->x, row, c->work));
  }
  return CW_OK;
}

static cw_status keep_configurations(cw_case *c, mcmc *m) {
  long size = c->geom->n_sites * m->x.n_comp;
  double *config = cw_record_row(&m->kept, m->n_mine * size);
  if (config == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for kept configurations");
  for (long i = 0; i < m->n_mine; i++) cw_copy_out(&m->x, i, config + i * size);
  return CW_OK;
}

static cw_status record_row(cw_case *c, mcmc *m) {
  double *a = cw_record_row(&m->accepted, m->n_mine), *e = cw_record_row(&m->exp_mdH, m->n_mine);
  if (a == NULL || e == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  CW_TRY(record_groups(c, m));
  for (long i = 0; i < m->n_mine; i++) {
    a[i] = m->sum_accept[i] / (double)m->plan->every;
    e[i] = m->sum_exp[i] / (double)m->plan->every;
    m->sum_accept[i] = m->sum_exp[i] = 0;
  }
  if (is_kept(m->plan, m->rows_done)) CW_TRY(keep_configurations(c, m));
  m->rows_done++;
  return CW_OK;
}

static cw_status step(cw_stage *s, cw_case *c, long t) {
  mcmc *m = s->self;
  cw_step_stats stats = {.accept = m->accept, .dH = m->dH};
  cw_status st = t == 0 ? cw_start_field(c, m->plan, m->rng, 0, &m->x) : CW_OK;
  if (st == CW_OK)
    st = m->sampler->ops->step(m->sampler, c->theory.c, &m->x, m->rng, (uint32_t)t, &stats);
  bool tunes = t < m->plan->thermalise && m->sampler->ops->tune != NULL;
  CW_TRY(tunes ? cw_agree(c->ctx, st) : st);
  if (t < m->plan->thermalise) {
    if (tunes)
      m->sampler->ops->tune(m->sampler,
                            cw_mean_over_chains(c, m->plan->chains, m->accept, m->n_mine, m->all),
                            (uint32_t)t, (uint32_t)m->plan->thermalise);
    return record_action(c, m);
  }
  for (long i = 0; i < m->n_mine; i++) {
    m->sum_accept[i] += m->accept[i];
    m->sum_exp[i] += exp(-m->dH[i]);
  }
  return (t - m->plan->thermalise + 1) % m->plan->every == 0 ? record_row(c, m) : CW_OK;
}

static cw_status put_partial_sums(cw_case *c, mcmc *m, cw_arrays *set) {
  cw_record r = {0};
  double *row = cw_record_row(&r, 2 * m->n_mine);
  cw_status st = row != NULL ? CW_OK : cw_fail(c->ctx, CW_ENOMEM, "no memory for a checkpoint");
  for (long i = 0; st == CW_OK && i < m->n_mine; i++) {
    row[2 * i] = m->sum_accept[i];
    row[2 * i + 1] = m->sum_exp[i];
  }
  st = cw_agree(c->ctx, st);
  if (st == CW_OK) st = cw_put_chains(c, set, "state.sums", &r, m->plan->chains, 2);
  cw_record_free(&r);
  return st;
}

static cw_status put_groups(cw_case *c, mcmc *m, cw_arrays *set) {
  for (int g = 0; g < c->plan->n_groups; g++) {
    char name[64];
    const cw_observer *o = &c->observer[g];
    cw_primary_name(c->plan, g, name);
    CW_TRY(cw_put_chains(c, set, name, &m->primary[g], m->plan->chains, o->ops->n_primary(o)));
  }
  return CW_OK;
}

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  mcmc *m = s->self;
  long n_chain = m->plan->chains, n_state = m->sampler->ops->n_state;
  CW_TRY(put_groups(c, m, set));
  CW_TRY(cw_put_chain_means(c, set, "accept", &m->accepted, n_chain));
  CW_TRY(cw_put_chain_means(c, set, "exp_mdH", &m->exp_mdH, n_chain));
  CW_TRY(cw_put_chain_means(c, set, "therm.action", &m->therm, n_chain));
  if (m->plan->keep > 0)
    CW_TRY(cw_put_chains(c, set, "config", &m->kept, n_chain, c->geom->n_sites * m->x.n_comp));
  CW_TRY(put_partial_sums(c, m, set));
  const double rows = (double)m->rows_done;
  CW_TRY(cw_put_alike(c, set, "state.sampler", 1, &n_state, m->sampler->state));
  CW_TRY(cw_put_alike(c, set, "state.rows", 0, NULL, &rows));
  return cw_put_field(c, set, "state.x", &m->x, n_chain);
}

static cw_status load(cw_stage *s, cw_case *c, const cw_arrays *last) {
  mcmc *m = s->self;
  const cw_array *state = cw_arrays_get(last, "state.sampler"),
                 *sums = cw_arrays_get(last, "state.sums");
  if (state == NULL || state->dim[0] != m->sampler->ops->n_state || sums == NULL ||
      cw_array_size(sums) != 2 * m->plan->chains)
    return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint of '%s' does not fit the job",
                   cw_store_dir(c->store), s->name);
  memcpy(m->sampler->state, state->data, (size_t)state->dim[0] * sizeof *state->data);
  for (long i = 0; i < m->n_mine; i++) {
    m->sum_accept[i] = sums->data[2 * (m->first + i)];
    m->sum_exp[i] = sums->data[2 * (m->first + i) + 1];
  }
  m->rows_done = (long)cw_arrays_scalar(last, "state.rows", 0);
  return cw_get_field(c, last, "state.x", &m->x);
}

static void close_mcmc(mcmc *m) {
  cw_sampler_destroy(m->sampler);
  cw_field_destroy(&m->x);
  free(m->accept);
  free(m->dH);
  free(m->sum_accept);
  free(m->sum_exp);
  free(m->all);
  for (int g = 0; g < CW_MAX_GROUPS; g++) cw_record_free(&m->primary[g]);
  cw_record_free(&m->accepted);
  cw_record_free(&m->exp_mdH);
  cw_record_free(&m->kept);
  cw_record_free(&m->therm);
}

static cw_status open_mcmc(cw_case *c, const cw_mcmc_plan *plan, mcmc *m) {
  *m = (mcmc){.plan = plan, .rng = cw_case_rng(c, plan->ops->name)};
  CW_TRY(cw_my_chains(c, plan->chains, &m->first, &m->n_mine));
  CW_TRY(cw_field_create(c->ctx, c->geom, c->theory.n_comp, m->n_mine, &m->x));
  m->x.first_chain = m->first;
  CW_TRY(cw_sampler_create(c->ctx, plan->ops, &c->theory, plan->param, plan->choice, m->x.n_blocks,
                           &m->sampler));
  size_t lanes = (size_t)(m->x.n_blocks * m->x.B);
  m->accept = cw_alloc(lanes * sizeof(double));
  m->dH = cw_alloc(lanes * sizeof(double));
  m->sum_accept = cw_alloc(lanes * sizeof(double));
  m->sum_exp = cw_alloc(lanes * sizeof(double));
  m->all = cw_alloc((size_t)plan->chains * sizeof(double));
  if (!m->accept || !m->dH || !m->sum_accept || !m->sum_exp || !m->all)
    return cw_fail(c->ctx, CW_ENOMEM, "no memory for chains");
  return CW_OK;
}

cw_status cw_run_mcmc(cw_case *c, const cw_section *s) {
  const cw_mcmc_plan *plan = s->own;
  mcmc m;
  cw_status st = cw_agree(c->ctx, open_mcmc(c, plan, &m));
  cw_stage stage = {.name = plan->ops->name,
                    .n_steps = plan->thermalise + plan->steps,
                    .self = &m,
                    .step = step,
                    .save = save,
                    .load = load};
  if (st == CW_OK) st = cw_stage_run(c, &stage);
  close_mcmc(&m);
  return st;
}
