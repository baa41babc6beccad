/* Markov chains of the target: thermalise and tune, then measure and keep configurations. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/methods/mcmc/mcmc.h"

typedef struct {
  const cw_mcmc_plan *plan;
  cw_chains chains;
  cw_excursions away;
  cw_rng rng;
  long n_mine, rows_done;       /* chains of this rank; measured rows so far */
  bool begun;                   /* the field is where a checkpoint left it */
  double *sum_accept, *sum_exp; /* (n_mine) over the steps since the last row */
  cw_record primary[CW_MAX_GROUPS], accepted, exp_mdH, kept, therm;
} mcmc;

static bool is_kept(const cw_mcmc_plan *plan, long row) {
  return cw_kept_rows_of(plan, row + 1) > cw_kept_rows_of(plan, row);
}

static cw_status record_action(cw_case *c, mcmc *m) {
  double *row = cw_record_row(&m->therm, m->n_mine);
  if (row == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
#pragma omp parallel for num_threads(cw_block_threads(c, &m->chains.x)) schedule(static)
  for (long b = 0; b < m->chains.x.n_blocks; b++) {
    double T[CW_LANES * CW_MAX_TERMS], S[CW_LANES];
    cw_field block = cw_field_block(&m->chains.x, b);
    cw_theory_action(&c->theory, &block, c->theory.c, T, S);
    memcpy(row + b * block.B, S, (size_t)block.n_config * sizeof *S);
  }
  return CW_OK;
}

static cw_status keep_configurations(cw_case *c, mcmc *m) {
  long size = c->geom->n_sites * m->chains.x.n_comp;
  double *config = cw_record_row(&m->kept, m->n_mine * size);
  if (config == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for kept configurations");
  for (long i = 0; i < m->n_mine; i++) cw_copy_out(&m->chains.x, i, config + i * size);
  return CW_OK;
}

static cw_status record_row(cw_case *c, mcmc *m) {
  double *a = cw_record_row(&m->accepted, m->n_mine), *e = cw_record_row(&m->exp_mdH, m->n_mine);
  if (a == NULL || e == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  CW_TRY(cw_measure_groups(c, &m->chains.x, m->rows_done, m->primary));
  for (long i = 0; i < m->n_mine; i++) {
    a[i] = m->sum_accept[i] / (double)m->plan->every;
    e[i] = m->sum_exp[i] / (double)m->plan->every;
    m->sum_accept[i] = m->sum_exp[i] = 0;
  }
  CW_TRY(cw_excursions_record(c, &m->away, m->n_mine));
  if (is_kept(m->plan, m->rows_done)) CW_TRY(keep_configurations(c, m));
  m->rows_done++;
  return CW_OK;
}

static cw_status step(cw_stage *s, cw_case *c, long t) {
  mcmc *m = s->self;
  cw_chains *h = &m->chains;
  const long n_tune = m->plan->thermalise;
  bool whole;
  if (t == 0 && !m->begun) CW_TRY(cw_agree(c->ctx, cw_start_field(c, m->plan, m->rng, 0, &h->x)));
  CW_TRY(cw_sampler_step(h, c->theory.c, m->rng, (uint32_t)t, (uint32_t)n_tune, cw_goes_on, c,
                         &whole));
  s->left = !whole;
  if (s->left) return CW_OK;
  CW_TRY(cw_excursions_run(c, &m->away, h, t));
  if (t < n_tune) return record_action(c, m);
  for (long i = 0; i < m->n_mine; i++) {
    m->sum_accept[i] += h->accept[i];
    m->sum_exp[i] += exp(-h->dH[i]);
  }
  return (t - n_tune + 1) % m->plan->every == 0 ? record_row(c, m) : CW_OK;
}

cw_status cw_put_sums(cw_case *c, cw_arrays *set, const char *name, int width,
                      const double *const sum[], long n_mine, long n_chain) {
  cw_record r = {0};
  double *row = cw_record_row(&r, width * n_mine);
  cw_status st = row != NULL ? CW_OK : cw_fail(c->ctx, CW_ENOMEM, "no memory for a checkpoint");
  for (long i = 0; st == CW_OK && i < width * n_mine; i++) row[i] = sum[i % width][i / width];
  st = cw_agree(c->ctx, st);
  if (st == CW_OK) st = cw_put_chains(c, set, name, &r, n_chain, width);
  cw_record_free(&r);
  return st;
}

/* Of a step that was left: which chains took it, with what acceptance and energy violation. */
enum { AHEAD, ACCEPT, ENERGY, N_LEFT };

static cw_status put_left(cw_case *c, mcmc *m, cw_arrays *set) {
  const cw_chains *h = &m->chains;
  double *ahead = malloc((size_t)(m->n_mine + 1) * sizeof *ahead);
  const double *const left[] = {[AHEAD] = ahead, [ACCEPT] = h->accept, [ENERGY] = h->dH};
  cw_status st = ahead != NULL ? CW_OK : cw_fail(c->ctx, CW_ENOMEM, "no memory for a checkpoint");
  for (long i = 0; st == CW_OK && i < m->n_mine; i++) ahead[i] = h->ahead[i];
  st = cw_agree(c->ctx, st);
  if (st == CW_OK) st = cw_put_sums(c, set, "state.left", N_LEFT, left, m->n_mine, m->plan->chains);
  free(ahead);
  return st;
}

static bool get_left(const cw_arrays *last, mcmc *m) {
  const cw_array *a = cw_arrays_get(last, "state.left");
  cw_chains *h = &m->chains;
  if (a == NULL) return true;
  if (cw_array_size(a) != N_LEFT * m->plan->chains) return false;
  for (long i = 0; i < m->n_mine; i++) {
    const double *left = a->data + N_LEFT * (h->x.first_chain + i);
    h->ahead[i] = left[AHEAD] != 0;
    h->accept[i] = left[ACCEPT];
    h->dH[i] = left[ENERGY];
  }
  return true;
}

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  mcmc *m = s->self;
  long n_chain = m->plan->chains, n_state = m->chains.sampler->ops->n_state;
  CW_TRY(cw_put_groups(c, set, m->primary, n_chain));
  CW_TRY(cw_put_chain_means(c, set, "accept", &m->accepted, n_chain));
  CW_TRY(cw_put_chain_means(c, set, "exp_mdH", &m->exp_mdH, n_chain));
  CW_TRY(cw_put_chain_means(c, set, "therm.action", &m->therm, n_chain));
  if (m->plan->keep > 0)
    CW_TRY(
        cw_put_chains(c, set, "config", &m->kept, n_chain, c->geom->n_sites * m->chains.x.n_comp));
  CW_TRY(cw_note_fields(c, set, "config"));
  const double *const sums[] = {m->sum_accept, m->sum_exp};
  CW_TRY(cw_put_sums(c, set, "state.sums", 2, sums, m->n_mine, n_chain));
  CW_TRY(cw_excursions_save(c, &m->away, set, m->n_mine));
  if (s->left) CW_TRY(put_left(c, m, set));
  const double rows = (double)m->rows_done;
  CW_TRY(cw_put_alike(c, set, "state.sampler", 1, &n_state, m->chains.sampler->state));
  CW_TRY(cw_put_alike(c, set, "state.rows", 0, NULL, &rows));
  return cw_put_field(c, set, "state.x", &m->chains.x, n_chain);
}

static cw_status load(cw_stage *s, cw_case *c, const cw_arrays *last) {
  mcmc *m = s->self;
  const cw_array *state = cw_arrays_get(last, "state.sampler"),
                 *sums = cw_arrays_get(last, "state.sums");
  if (state == NULL || state->dim[0] != m->chains.sampler->ops->n_state || sums == NULL ||
      cw_array_size(sums) != 2 * m->plan->chains || !get_left(last, m))
    return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint of '%s' does not fit the job",
                   cw_store_dir(c->store), s->name);
  memcpy(m->chains.sampler->state, state->data, (size_t)state->dim[0] * sizeof *state->data);
  for (long i = 0; i < m->n_mine; i++) {
    m->sum_accept[i] = sums->data[2 * (m->chains.x.first_chain + i)];
    m->sum_exp[i] = sums->data[2 * (m->chains.x.first_chain + i) + 1];
  }
  CW_TRY(cw_excursions_load(c, &m->away, last, &m->chains.x));
  m->rows_done = (long)cw_arrays_scalar(last, "state.rows", 0);
  m->begun = true;
  return cw_get_field(c, s, last, "state.x", &m->chains.x, m->plan->chains);
}

static void close_mcmc(mcmc *m) {
  cw_excursions_close(&m->away);
  cw_chains_close(&m->chains);
  free(m->sum_accept);
  free(m->sum_exp);
  for (int g = 0; g < CW_MAX_GROUPS; g++) cw_record_free(&m->primary[g]);
  cw_record_free(&m->accepted);
  cw_record_free(&m->exp_mdH);
  cw_record_free(&m->kept);
  cw_record_free(&m->therm);
}

static cw_status open_mcmc(cw_case *c, const cw_section *s, mcmc *m) {
  const cw_mcmc_plan *plan = cw_section_chains(s);
  *m = (mcmc){.plan = plan, .rng = cw_case_rng(c, s->kind.name)};
  CW_TRY(cw_chains_open(c->ctx, &c->theory, plan->ops, plan->param, plan->choice, plan->chains,
                        &m->chains));
  CW_TRY(cw_excursions_open(c, s, &m->chains, &m->away));
  m->n_mine = m->chains.x.n_config;
  m->sum_accept = calloc((size_t)m->n_mine, sizeof *m->sum_accept);
  m->sum_exp = calloc((size_t)m->n_mine, sizeof *m->sum_exp);
  return m->sum_accept && m->sum_exp ? CW_OK : cw_fail(c->ctx, CW_ENOMEM, "no memory for chains");
}

cw_status cw_run_mcmc(cw_case *c, const cw_section *s) {
  const cw_mcmc_plan *plan = cw_section_chains(s);
  mcmc m;
  cw_status st = cw_agree(c->ctx, open_mcmc(c, s, &m));
  cw_stage stage = {.name = s->kind.name,
                    .n_steps = plan->thermalise + plan->steps,
                    .self = &m,
                    .step = step,
                    .save = save,
                    .load = load};
  if (st == CW_OK) st = cw_stage_run(c, &stage);
  close_mcmc(&m);
  return st;
}
