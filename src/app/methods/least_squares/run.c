/* Chains at couplings between the rungs, one pair after the other; works of their configurations and
 * slopes of these; and at the end of a round the fit of all pairs. The first round, where the flows are
 * the identity unless they start from another run, samples half way between the rungs; later ones
 * sample the lower rung, where a step of Gauss and Newton is exact. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/methods/least_squares/keep.h"
#include "app/methods/least_squares/least_squares.h"
#include "app/run/stage.h"

typedef struct {
  const cw_least_squares_plan *plan;
  cw_flows *flows;
  cw_ladder ladder;
  cw_chains chains;
  cw_rng rng;
  long n_theta, n_rows; /* rows of a pair in a round, of all chains */
  long filled;          /* rows of this round that are there, of all pairs */
  double *work, *slope; /* (n_pairs, n_rows), (n_pairs, n_rows, n_theta) of the round */
  double *residual;     /* (n_pairs, n_rows) */
  double *my_work, *my_slope;
  cw_record work_row, slope_row, residual_row; /* of all chains */
  cw_record held_row;                          /* (n_pairs) after a round */
  cw_arena *scratch;
  double left; /* share of the variance that the last fit left, for the progress bar */
} fitting;

/* ---- what a fit is made of ---- */

/* Where a step is: round, pair, and step of that pair's chains. */
typedef struct {
  long round, pair, at;
} place;

static place place_of(const fitting *f, long t) {
  const long each = f->plan->mcmc.thermalise + f->plan->mcmc.steps, pairs = f->flows->n;
  return (place){t / each / pairs, t / each % pairs, t % each};
}

static bool samples_between(const fitting *f, const place *p) {
  return p->round == 0 && !cw_has_start(&f->plan->start);
}

/* A row: works and slopes of the configurations of all chains. */
static cw_status record_row(cw_case *c, fitting *f, const place *p, const double *c_at) {
  const long n = f->plan->mcmc.chains, n_mine = f->chains.x.n_config;
  const double *from = f->ladder.c[p->pair], *to = f->ladder.c[p->pair + 1];
  double *work = f->work + f->filled, *slope = f->slope + f->filled * f->n_theta;
  cw_status st = cw_works(c->ctx, f->flows->model[p->pair], &c->theory, &f->chains.x, from, to,
                          samples_between(f, p) ? c_at : to, f->my_work, f->my_slope, f->scratch);
  double *w = cw_record_row(&f->work_row, n), *s = cw_record_row(&f->slope_row, n * f->n_theta);
  if (st == CW_OK && (w == NULL || s == NULL))
    st = cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  CW_TRY(cw_agree(c->ctx, st));
  cw_allgather(c->ctx, f->my_work, n_mine, work);
  cw_allgather(c->ctx, f->my_slope, n_mine * f->n_theta, slope);
  memcpy(w, work, (size_t)n * sizeof *w);
  memcpy(s, slope, (size_t)(n * f->n_theta) * sizeof *s);
  f->filled += n;
  return CW_OK;
}

/* ---- fits ---- */

/* step (n_theta) becomes the new parameters. */
static void step_back(fitting *f, long pair, double *step) {
  cw_model *m = f->flows->model[pair];
  for (long i = 0; i < f->n_theta; i++) step[i] = cw_model_theta(m)[i] - step[i];
  cw_model_set_theta(m, step);
}

static cw_status fit_pair(cw_case *c, fitting *f, long k, double *left) {
  cw_fit_report report;
  double *b = cw_arena_alloc(f->scratch, (size_t)f->n_theta * sizeof *b);
  if (b == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a fit");
  CW_TRY(cw_least_squares(c->ctx, f->n_rows, (int)f->n_theta, f->slope + k * f->n_rows * f->n_theta,
                          f->work + k * f->n_rows, (int)f->plan->folds, b,
                          f->residual + k * f->n_rows, &report, f->scratch));
  step_back(f, k, b);
  *left = report.left_out / report.variance;
  return CW_OK;
}

/* Rows about the means of their pair, in the order of chains' steps, so that folds are of all pairs; columns
 * (n_theta, degree + 1): slopes times powers of the position of the pair. */
static double power_at(const cw_case *c, long pair, long power) {
  const double *t = c->plan->ladder.t + pair;
  return (t[1] - t[0]) * pow(t[1] + t[0] - 1, (double)power);
}

static void joint_rows(const cw_case *c, const fitting *f, double *x, double *y) {
  const long pairs = f->flows->n, n = f->n_rows, p = f->n_theta, powers = f->plan->degree + 1;
  for (long k = 0; k < pairs; k++) {
    const double *work = f->work + k * n, *slope = f->slope + k * n * p;
    const double mean = cw_sum(work, (size_t)n) / (double)n;
    for (long r = 0; r < n; r++) y[r * pairs + k] = work[r] - mean;
    for (long i = 0; i < p; i++) {
      double about = 0;
      for (long r = 0; r < n; r++) about += slope[r * p + i] / (double)n;
      for (long r = 0; r < n; r++)
        for (long j = 0; j < powers; j++)
          x[((r * pairs + k) * p + i) * powers + j] =
              (slope[r * p + i] - about) * power_at(c, k, j);
    }
  }
}

static void take_joint(const cw_case *c, fitting *f, const double *b, const double *residual,
                       double *step) {
  const long pairs = f->flows->n, powers = f->plan->degree + 1;
  for (long k = 0; k < pairs; k++) {
    for (long i = 0; i < f->n_theta; i++) {
      step[i] = 0;
      for (long j = 0; j < powers; j++) step[i] += b[i * powers + j] * power_at(c, k, j);
    }
    step_back(f, k, step);
    for (long r = 0; r < f->n_rows; r++) f->residual[k * f->n_rows + r] = residual[r * pairs + k];
  }
}

static cw_status fit_jointly(cw_case *c, fitting *f, double *left) {
  const long n = f->flows->n * f->n_rows, p = f->n_theta * (f->plan->degree + 1);
  const size_t real = sizeof(double);
  cw_fit_report report;
  double *x = cw_arena_alloc(f->scratch, (size_t)(n * p) * real);
  double *y = cw_arena_alloc(f->scratch, (size_t)n * real);
  double *residual = cw_arena_alloc(f->scratch, (size_t)n * real);
  double *b = cw_arena_alloc(f->scratch, (size_t)p * real);
  double *step = cw_arena_alloc(f->scratch, (size_t)f->n_theta * real);
  if (!x || !y || !residual || !b || !step)
    return cw_fail(c->ctx, CW_ENOMEM, "no memory for a fit of %ld rows", n);
  joint_rows(c, f, x, y);
  CW_TRY(cw_least_squares(c->ctx, n, (int)p, x, y, (int)f->plan->folds, b, residual, &report,
                          f->scratch));
  take_joint(c, f, b, residual, step);
  *left = report.left_out / report.variance;
  return CW_OK;
}

/* All ranks have all rows and do the same. */
static cw_status end_round(cw_case *c, fitting *f) {
  const long n = f->plan->mcmc.chains, rows = f->filled / n;
  const cw_arena_mark mark = cw_arena_save(f->scratch);
  cw_status st = CW_OK;
  f->left = 0;
  if (f->plan->joint) st = fit_jointly(c, f, &f->left);
  for (long k = 0; k < f->flows->n && st == CW_OK && !f->plan->joint; k++) {
    double left = 0;
    st = fit_pair(c, f, k, &left);
    f->left = fmax(f->left, left);
  }
  cw_arena_rewind(f->scratch, mark);
  for (long r = 0; r < rows && st == CW_OK; r++) {
    double *row = cw_record_row(&f->residual_row, n);
    if (row != NULL)
      memcpy(row, f->residual + r * n, (size_t)n * sizeof *row);
    else
      st = cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  }
  f->filled = 0;
  double *held = cw_record_row(&f->held_row, f->flows->n);
  if (st == CW_OK && held == NULL) st = cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  for (long k = 0; k < f->flows->n && st == CW_OK; k++) held[k] = cw_model_held(f->flows->model[k]);
  return st;
}

/* ---- the stage ---- */

static cw_status step(cw_stage *s, cw_case *c, long t) {
  fitting *f = s->self;
  const cw_mcmc_plan *m = &f->plan->mcmc;
  const place p = place_of(f, t);
  const uint32_t index = (uint32_t)(p.round * f->flows->n + p.pair);
  double at[CW_MAX_TERMS];
  cw_ladder_at(&f->ladder, (int)p.pair, samples_between(f, &p) ? 0.5 : 0, at);
  if (t == 0) CW_TRY(cw_agree(c->ctx, cw_start_field(c, m, f->rng, 0, &f->chains.x)));
  CW_TRY(cw_sampler_run(&f->chains, at, cw_rng_substream(f->rng, "pair", index), (uint32_t)p.at, 1,
                        (uint32_t)m->thermalise));
  if (p.at < m->thermalise || (p.at - m->thermalise + 1) % m->every != 0) return CW_OK;
  CW_TRY(record_row(c, f, &p, at));
  return f->filled == f->flows->n * f->n_rows ? end_round(c, f) : CW_OK;
}

static cw_status put(cw_case *c, cw_arrays *set, const char *name, long rows, long width,
                     const double *data) {
  const long dim[2] = {rows, width};
  return cw_put_alike(c, set, name, 2, dim, data);
}

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  fitting *f = s->self;
  const long n = f->plan->mcmc.chains, n_state = f->chains.sampler->ops->n_state;
  const long slopes[3] = {f->slope_row.n, n, f->n_theta};
  CW_TRY(cw_record_put(c, set, "work", &f->work_row, 2));
  if (f->slope_row.n > 0) CW_TRY(cw_put_alike(c, set, "slope", 3, slopes, f->slope_row.data));
  f->slope_row.n = 0;
  CW_TRY(cw_record_put(c, set, "residual", &f->residual_row, 2));
  CW_TRY(cw_record_put(c, set, "held", &f->held_row, 2));
  CW_TRY(cw_put_flows(c, set, f->flows));
  if (f->filled > 0) {
    CW_TRY(put(c, set, "state.work", f->filled, 1, f->work));
    CW_TRY(put(c, set, "state.slope", f->filled, f->n_theta, f->slope));
  }
  CW_TRY(cw_put_alike(c, set, "state.sampler", 1, &n_state, f->chains.sampler->state));
  return cw_put_field(c, set, "state.x", &f->chains.x, n);
}

/* The array of that name (rows, width) into `into`, which has room for `room` rows. */
static bool get(const cw_arrays *last, const char *name, long room, long width, double *into,
                long *rows) {
  const cw_array *a = cw_arrays_get(last, name);
  *rows = 0;
  if (a == NULL) return true;
  if (a->rank != 2 || a->dim[1] != width || a->dim[0] > room) return false;
  memcpy(into, a->data, (size_t)(a->dim[0] * width) * sizeof *into);
  *rows = a->dim[0];
  return true;
}

static cw_status load(cw_stage *s, cw_case *c, const cw_arrays *last) {
  fitting *f = s->self;
  const long all = f->flows->n * f->n_rows, n_state = f->chains.sampler->ops->n_state;
  const cw_array *state = cw_arrays_get(last, "state.sampler");
  long slopes;
  CW_TRY(cw_get_flows(c, s->name, last, f->flows));
  if (!get(last, "state.work", all, 1, f->work, &f->filled) ||
      !get(last, "state.slope", all, f->n_theta, f->slope, &slopes) || slopes != f->filled ||
      state == NULL || cw_array_size(state) != n_state)
    return cw_fail(c->ctx, CW_ECORRUPT, "%s: the checkpoint of '%s' does not fit the job",
                   cw_store_dir(c->store), s->name);
  memcpy(f->chains.sampler->state, state->data, (size_t)n_state * sizeof *state->data);
  return cw_get_field(c, s, last, "state.x", &f->chains.x, f->plan->mcmc.chains);
}

static void note(const cw_stage *s, char *text, size_t size) {
  const fitting *f = s->self;
  if (f->left > 0) snprintf(text, size, "rho %.3f", f->left);
}

/* ---- open and close ---- */

static cw_status open_rows(cw_case *c, fitting *f) {
  const size_t real = sizeof(double), all = (size_t)(f->flows->n * f->n_rows);
  const size_t p = (size_t)f->n_theta, lanes = (size_t)(f->chains.x.n_blocks * f->chains.x.B);
  f->work = cw_alloc(all * real);
  f->slope = cw_alloc(all * p * real);
  f->residual = cw_alloc(all * real);
  f->my_work = cw_alloc(lanes * real);
  f->my_slope = cw_alloc(lanes * p * real);
  f->scratch = cw_arena_create(1 << 20);
  if (!f->work || !f->slope || !f->residual || !f->my_work || !f->my_slope || !f->scratch)
    return cw_fail(c->ctx, CW_ENOMEM, "no memory for the rows of a fit");
  return CW_OK;
}

static cw_status open_fitting(cw_case *c, fitting *f) {
  const cw_mcmc_plan *m = &f->plan->mcmc;
  f->rng = cw_case_rng(c, f->plan->name);
  f->n_theta = cw_model_n_theta(f->flows->model[0]);
  f->n_rows = cw_fit_rows(f->plan) * m->chains;
  const long rows = f->n_rows * (f->plan->joint ? f->flows->n : 1);
  const long most = f->n_theta * (f->plan->joint ? f->plan->degree + 1 : 1);
  if (f->n_theta == 0)
    return cw_fail(c->ctx, CW_EINVAL, "%s: its layers have no parameters", f->plan->name);
  if (rows < 2 * most)
    return cw_fail(c->ctx, CW_EINVAL,
                   "%s: %ld configurations for %ld coefficients: expected twice as many at least",
                   f->plan->name, rows, most);
  CW_TRY(cw_case_ladder(c, 1, &f->ladder));
  CW_TRY(cw_chains_open(c->ctx, &c->theory, m->ops, m->param, m->choice, m->chains, &f->chains));
  return open_rows(c, f);
}

static void close_fitting(fitting *f) {
  cw_chains_close(&f->chains);
  cw_ladder_destroy(&f->ladder);
  cw_record_free(&f->work_row);
  cw_record_free(&f->slope_row);
  cw_record_free(&f->residual_row);
  cw_record_free(&f->held_row);
  cw_arena_destroy(f->scratch);
  free(f->work);
  free(f->slope);
  free(f->residual);
  free(f->my_work);
  free(f->my_slope);
}

cw_status cw_run_least_squares(cw_case *c, const cw_section *section) {
  const cw_least_squares_plan *plan = section->own;
  fitting f = {.plan = plan, .flows = cw_case_flows(c, section)};
  cw_status st = cw_agree(c->ctx, cw_flows_create(c, &plan->model, f.flows));
  if (st == CW_OK)
    st = cw_start_parameters(c, &plan->start, plan->name, &plan->model, f.flows->n, f.flows->model);
  if (st == CW_OK && plan->rounds == 0) return cw_keep_flows(c, plan->name, f.flows);
  if (st == CW_OK) st = cw_agree(c->ctx, open_fitting(c, &f));
  cw_stage stage = {.name = plan->name,
                    .n_steps =
                        f.flows->n * plan->rounds * (plan->mcmc.thermalise + plan->mcmc.steps),
                    .self = &f,
                    .step = step,
                    .save = save,
                    .load = load,
                    .note = note};
  if (st == CW_OK) st = cw_stage_run(c, &stage);
  close_fitting(&f);
  return st;
}
