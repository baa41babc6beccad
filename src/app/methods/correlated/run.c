/* The base ensemble: thermalise and tune, then measure its configurations and their images under the
 * flow, with the log-weights that these have at their targets. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/methods/correlated/correlated.h"
#include "app/run/stage.h"

typedef struct {
  const cw_correlated_plan *plan;
  cw_chains chains;
  cw_rng rng;
  long n_mine, rows_done; /* chains of this rank; measured rows so far */
  int n_images;
  cw_model *model[CW_MOST_IMAGES];        /* the flow at the strength of each image */
  double c[CW_MOST_IMAGES][CW_MAX_TERMS]; /* couplings of its target */
  double tangent;                         /* position of the tangent */
  cw_field y;                             /* an image */
  double *T, *logj, *S;                   /* (lanes, n_terms), (lanes), (lanes) */
  cw_record primary[CW_MAX_GROUPS], terms, lw, image[CW_MOST_IMAGES][CW_MAX_GROUPS];
  double seconds[CW_SPENT_KINDS]; /* since the last checkpoint */
} correlated;

/* ---- a row ---- */

static double *new_row(cw_record *r, long width) { return cw_record_row(r, width); }

static cw_status no_memory(cw_case *c) {
  return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
}

/* T (lanes, n_terms) of all blocks of x. */
static void find_terms(cw_case *c, const cw_field *x, double *T) {
  const cw_theory *th = &c->theory;
#pragma omp parallel for num_threads(cw_block_threads(c, x)) schedule(static)
  for (long b = 0; b < x->n_blocks; b++) {
    const cw_field block = cw_field_block(x, b);
    th->ops->terms(th, &block, T + b * x->B * th->ops->n_terms);
  }
}

static double action_of(const cw_case *c, const double *couplings, const double *T) {
  double S = 0;
  for (int k = 0; k < c->theory.ops->n_terms; k++) S += couplings[k] * T[k];
  return S;
}

static cw_status measure(cw_case *c, correlated *r, const cw_field *x, cw_record *into) {
  for (int g = 0; g < c->plan->n_groups; g++) {
    const cw_observer *o = &c->observer[g];
    if ((r->rows_done + 1) % c->plan->group[g].every != 0) continue;
    double *row = new_row(&into[g], r->n_mine * o->ops->n_primary(o));
    if (row == NULL) return no_memory(c);
    CW_TRY(cw_measure(c->ctx, o, x, row, c->work));
  }
  return CW_OK;
}

/* ln p(f(x))/r(x) + ln|det J| of all configurations, and what is measured of f(x). */
static cw_status record_image(cw_case *c, correlated *r, int k, double *lw) {
  const bool is_tangent = k >= cw_target_images(r->plan);
  const int n_terms = c->theory.ops->n_terms;
  double began = cw_wall_seconds();
  cw_field_copy(&r->y, &r->chains.x);
  CW_TRY(cw_model_carry(c->ctx, r->model[k], &r->y, r->logj, false));
  find_terms(c, &r->y, r->T);
  for (long i = 0; i < r->n_mine; i++)
    lw[i * r->n_images + k] = r->logj[i] - (action_of(c, r->c[k], r->T + i * n_terms) - r->S[i]);
  const double carried = cw_wall_seconds();
  r->seconds[is_tangent ? CW_SPENT_TANGENT : CW_SPENT_FLOW] += carried - began;
  CW_TRY(measure(c, r, &r->y, r->image[k]));
  r->seconds[is_tangent ? CW_SPENT_TANGENT : CW_SPENT_IMAGES] += cw_wall_seconds() - carried;
  return CW_OK;
}

static cw_status record_row(cw_case *c, correlated *r) {
  const int n_terms = c->theory.ops->n_terms;
  const double began = cw_wall_seconds();
  double *terms = new_row(&r->terms, r->n_mine * n_terms);
  if (terms == NULL) return no_memory(c);
  find_terms(c, &r->chains.x, r->T);
  memcpy(terms, r->T, (size_t)(r->n_mine * n_terms) * sizeof *terms);
  for (long i = 0; i < r->n_mine; i++) r->S[i] = action_of(c, c->theory.c, terms + i * n_terms);
  CW_TRY(measure(c, r, &r->chains.x, r->primary));
  r->seconds[CW_SPENT_MEASURED] += cw_wall_seconds() - began;
  double *lw = r->n_images > 0 ? new_row(&r->lw, r->n_mine * r->n_images) : NULL;
  if (r->n_images > 0 && lw == NULL) return no_memory(c);
  for (int k = 0; k < r->n_images; k++) CW_TRY(record_image(c, r, k, lw));
  if (lw != NULL) CW_TRY(cw_check_log_weights(c, "correlated", lw, r->n_mine * r->n_images));
  r->rows_done++;
  return CW_OK;
}

/* ---- the stage ---- */

static cw_status step(cw_stage *s, cw_case *c, long t) {
  correlated *r = s->self;
  const cw_mcmc_plan *m = &r->plan->mcmc;
  const double began = cw_wall_seconds();
  if (t == 0) CW_TRY(cw_agree(c->ctx, cw_start_field(c, m, r->rng, 0, &r->chains.x)));
  CW_TRY(cw_sampler_run(&r->chains, c->theory.c, r->rng, (uint32_t)t, 1, (uint32_t)m->thermalise));
  r->seconds[CW_SPENT_SAMPLER] += cw_wall_seconds() - began;
  if (t < m->thermalise || (t - m->thermalise + 1) % m->every != 0) return CW_OK;
  return record_row(c, r);
}

static cw_status put_groups(cw_case *c, correlated *r, cw_arrays *set, int image) {
  for (int g = 0; g < c->plan->n_groups; g++) {
    char name[80];
    const cw_observer *o = &c->observer[g];
    if (image < 0)
      cw_primary_name(c->plan, g, name);
    else
      cw_image_array(c->plan, image, g, name);
    CW_TRY(cw_put_chains(c, set, name, image < 0 ? &r->primary[g] : &r->image[image][g],
                         r->plan->mcmc.chains, o->ops->n_primary(o)));
    CW_TRY(cw_note_columns(c, set, name, g));
  }
  return CW_OK;
}

static cw_status put_seconds(cw_case *c, correlated *r, cw_arrays *set) {
  const long dim[2] = {1, CW_SPENT_KINDS};
  const cw_status st = cw_put_alike(c, set, "timing.shares", 2, dim, r->seconds);
  memset(r->seconds, 0, sizeof r->seconds);
  return st;
}

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  correlated *r = s->self;
  const long n_chain = r->plan->mcmc.chains, n_state = r->chains.sampler->ops->n_state, one = 1;
  const double rows = (double)r->rows_done;
  for (int k = -1; k < r->n_images; k++) CW_TRY(put_groups(c, r, set, k));
  CW_TRY(cw_put_chains(c, set, "terms", &r->terms, n_chain, c->theory.ops->n_terms));
  if (r->n_images > 0) CW_TRY(cw_put_chains(c, set, "lw", &r->lw, n_chain, r->n_images));
  if (r->plan->tangent) CW_TRY(cw_put_alike(c, set, "tangent", 1, &one, &r->tangent));
  CW_TRY(put_seconds(c, r, set));
  CW_TRY(cw_put_alike(c, set, "state.sampler", 1, &n_state, r->chains.sampler->state));
  CW_TRY(cw_put_alike(c, set, "state.rows", 0, NULL, &rows));
  return cw_put_field(c, set, "state.x", &r->chains.x, n_chain);
}

static cw_status load(cw_stage *s, cw_case *c, const cw_arrays *last) {
  correlated *r = s->self;
  const cw_array *state = cw_arrays_get(last, "state.sampler");
  if (state == NULL || cw_array_size(state) != r->chains.sampler->ops->n_state)
    return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint of '%s' does not fit the job",
                   cw_store_dir(c->store), s->name);
  memcpy(r->chains.sampler->state, state->data, (size_t)cw_array_size(state) * sizeof *state->data);
  r->rows_done = (long)cw_arrays_scalar(last, "state.rows", 0);
  return cw_get_field(c, s, last, "state.x", &r->chains.x, r->plan->mcmc.chains);
}

/* ---- the flow ---- */

/* Parameters none with which the flow's layers are the identity, and what its own have more. The layers are
 * the identity where the numbers vanish that do so at the start of a training; others, of hidden layers of
 * networks, stay as they are, so that the flow depends on the strength of more as linearly as it can. The
 * caller frees *more and *none (n_theta). */
static cw_status find_generator(cw_case *c, const cw_model_spec *spec, int pair,
                                const cw_model *flow, double **none, double **more) {
  const long n = cw_model_n_theta(flow);
  cw_model *identity = NULL;
  cw_status st = cw_model_create(c->ctx, spec, c->geom, &identity);
  *none = malloc((size_t)(n + 1) * sizeof **none);
  *more = malloc((size_t)(n + 1) * sizeof **more);
  if (st == CW_OK && (*none == NULL || *more == NULL))
    st = cw_fail(c->ctx, CW_ENOMEM, "no memory for flows");
  if (st == CW_OK) {
    cw_model_init_identity(identity, c->plan->seed + (uint32_t)pair);
    for (long i = 0; i < n; i++) {
      const double own = cw_model_theta(flow)[i];
      (*none)[i] = cw_model_theta(identity)[i] == 0 ? 0 : own;
      (*more)[i] = own - (*none)[i];
    }
  }
  cw_model_destroy(identity);
  return st;
}

/* The tangent goes so far that no parameter changes by more than this: far enough for differences of
 * actions and observables to be of ten digits, and near enough for weights to be 1 to a percent. What
 * is made of it has no bias at any step (rows.h). */
#define SMALL_CHANGE 0x1p-16

static cw_status make_images(cw_case *c, correlated *r, const cw_model_spec *spec,
                             const double *none, const double *more, double *theta) {
  const cw_correlated_plan *plan = r->plan;
  double most = 0;
  for (int k = 0; k < r->n_images; k++)
    CW_TRY(cw_model_create(c->ctx, spec, c->geom, &r->model[k]));
  const long n = cw_model_n_theta(r->model[0]);
  for (long i = 0; i < n; i++) most = fmax(most, fabs(plan->share * more[i]));
  r->tangent = SMALL_CHANGE / (most > 0 ? most : 1);
  for (int k = 0; k < r->n_images; k++) {
    const bool is_target = k < cw_target_images(plan);
    const double at = is_target ? plan->position[k] : r->tangent;
    for (long i = 0; i < n; i++) theta[i] = none[i] + at * plan->share * more[i];
    cw_model_set_theta(r->model[k], theta);
    cw_correlated_couplings(c->plan, plan, is_target ? at : 0, r->c[k]);
  }
  return CW_OK;
}

static cw_status open_flow(cw_case *c, correlated *r) {
  const cw_section *flow = r->plan->flow;
  const cw_flows *flows = cw_case_flows(c, flow);
  const cw_model *last = flows->model[flows->n - 1];
  cw_training t;
  double *none = NULL, *more = NULL;
  CW_REQUIRE(flow->method->trains(c->plan, flow, &t));
  cw_status st = find_generator(c, t.model, flows->n - 1, last, &none, &more);
  double *theta = malloc((size_t)(cw_model_n_theta(last) + 1) * sizeof *theta);
  if (st == CW_OK && theta == NULL) st = cw_fail(c->ctx, CW_ENOMEM, "no memory for flows");
  if (st == CW_OK) st = make_images(c, r, t.model, none, more, theta);
  free(none);
  free(more);
  free(theta);
  return st;
}

static cw_status open_correlated(cw_case *c, const cw_section *s, correlated *r) {
  const cw_correlated_plan *plan = s->own;
  const cw_mcmc_plan *m = &plan->mcmc;
  *r = (correlated){.plan = plan, .rng = cw_case_rng(c, s->kind.name), .n_images = cw_images(plan)};
  CW_TRY(cw_chains_open(c->ctx, &c->theory, m->ops, m->param, m->choice, m->chains, &r->chains));
  r->n_mine = r->chains.x.n_config;
  const size_t lanes = (size_t)(r->chains.x.n_blocks * r->chains.x.B);
  r->T = cw_alloc(lanes * (size_t)c->theory.ops->n_terms * sizeof *r->T);
  r->S = cw_alloc(lanes * sizeof *r->S);
  r->logj = cw_alloc(lanes * sizeof *r->logj);
  if (r->T == NULL || r->S == NULL || r->logj == NULL)
    return cw_fail(c->ctx, CW_ENOMEM, "no memory for an ensemble");
  if (r->n_images == 0) return CW_OK;
  CW_TRY(cw_field_create(c->ctx, c->geom, c->theory.n_comp, r->n_mine, &r->y));
  r->y.first_chain = r->chains.x.first_chain;
  return open_flow(c, r);
}

static void close_correlated(correlated *r) {
  cw_chains_close(&r->chains);
  cw_field_destroy(&r->y);
  for (int k = 0; k < CW_MOST_IMAGES; k++) cw_model_destroy(r->model[k]);
  for (int g = 0; g < CW_MAX_GROUPS; g++) {
    cw_record_free(&r->primary[g]);
    for (int k = 0; k < CW_MOST_IMAGES; k++) cw_record_free(&r->image[k][g]);
  }
  cw_record_free(&r->terms);
  cw_record_free(&r->lw);
  free(r->T);
  free(r->S);
  free(r->logj);
}

cw_status cw_run_correlated(cw_case *c, const cw_section *s) {
  const cw_correlated_plan *plan = s->own;
  correlated r;
  cw_status st = cw_agree(c->ctx, open_correlated(c, s, &r));
  cw_stage stage = {.name = s->kind.name,
                    .n_steps = plan->mcmc.thermalise + plan->mcmc.steps,
                    .self = &r,
                    .step = step,
                    .save = save,
                    .load = load};
  if (st == CW_OK) st = cw_stage_run(c, &stage);
  close_correlated(&r);
  return st;
}
