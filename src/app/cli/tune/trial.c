/* A trial: steps of an exchange, and what its swaps and its changes of sector cost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/tune/tune.h"
#include "app/run/signals.h"

/* What is recorded. */
typedef struct {
  long steps, chains, n_rows; /* rows: measurements of the sector */
  int n_pair;
  double *rows;     /* (steps, n_pair, 2) sums of acceptance probabilities, numbers of proposals */
  double *works;    /* (steps, chains, n_pair, 2) */
  double *seconds;  /* (steps) of the CPU */
  double *changes;  /* (chains, n_rows) is the sector another one? */
  double *held;     /* (chains, n_pair + 1) sector in which a replica was last seen; NAN: not yet */
  double *measured; /* (lanes, n_primary) of the last rung */
  double proposing; /* share of the time of steps that went into proposals */
} record;

/* How sectors are told apart. */
typedef struct {
  const cw_observer *o;
  int column;
  cw_sector_rule rule;
  long every; /* steps from one measurement to the next */
} sector;

static void close_record(record *r) {
  free(r->rows);
  free(r->works);
  free(r->seconds);
  free(r->changes);
  free(r->held);
  free(r->measured);
}

static double *numbers(long n, bool *ok) {
  double *p = calloc((size_t)(n > 0 ? n : 1), sizeof *p);
  *ok = *ok && p != NULL;
  return p;
}

static cw_status open_record(const cw_tune_exchange *e, const sector *s, long steps, record *r) {
  const cw_field *x = cw_rex_field(e->with.rex, e->at.n - 1);
  bool ok = true;
  *r = (record){.steps = steps, .chains = e->x->mcmc.chains, .n_pair = e->at.n - 1};
  if (s->o != NULL) r->n_rows = steps / s->every;
  r->rows = numbers(steps * r->n_pair * 2, &ok);
  r->works = numbers(steps * r->chains * r->n_pair * 2, &ok);
  r->seconds = numbers(steps, &ok);
  r->changes = numbers(r->chains * r->n_rows, &ok);
  r->held = numbers(r->chains * e->at.n, &ok);
  r->measured = numbers(s->o != NULL ? x->n_blocks * x->B * s->o->ops->n_primary(s->o) : 0, &ok);
  for (long i = 0; ok && i < r->chains * e->at.n; i++) r->held[i] = NAN;
  return ok ? CW_OK : cw_fail(e->c.ctx, CW_ENOMEM, "no memory for the record of a trial");
}

/* ------------------------------------------------------------------ recording */

static sector sector_of(const cw_tune_exchange *e) {
  int g;
  const cw_primary *p = cw_plan_sector(e->plan, &g);
  if (p == NULL) return (sector){.o = NULL};
  const cw_observer *o = &e->c.observer[g];
  return (sector){.o = o,
                  .column = cw_primary_number(o, p->name),
                  .rule = p->sector,
                  .every = e->x->mcmc.every * e->plan->group[g].every};
}

static void record_swaps(const cw_tune_exchange *e, long t, record *r) {
  const cw_rex_swaps *s = cw_rex_swap_counts(e->with.rex);
  const size_t n = (size_t)(r->chains * r->n_pair * 2);
  for (int k = 0; k < r->n_pair; k++) {
    r->rows[(t * r->n_pair + k) * 2] = s->accept[k];
    r->rows[(t * r->n_pair + k) * 2 + 1] = (double)s->tries[k];
  }
  memcpy(r->works + (size_t)t * n, s->work, n * sizeof *s->work);
  cw_rex_reset_counts(e->with.rex);
}

/* A replica that is on the last rung in another sector than when it was last seen there has tunnelled
 * since. */
static cw_status record_sector(cw_tune_exchange *e, const sector *s, long row, record *r) {
  const int last = e->at.n - 1, n_primary = s->o->ops->n_primary(s->o);
  const int *label = cw_rex_labels(e->with.rex);
  CW_TRY(cw_measure(e->c.ctx, s->o, cw_rex_field(e->with.rex, last), r->measured, e->c.work));
  for (long i = 0; i < r->chains; i++) {
    const double now = cw_sector_of(s->rule, r->measured[i * n_primary + s->column]);
    double *held = &r->held[i * e->at.n + label[i * e->at.n + last]];
    r->changes[i * r->n_rows + row] = !isnan(*held) && now != *held;
    *held = now;
  }
  return CW_OK;
}

static cw_status step(cw_tune_exchange *e, uint32_t t, uint32_t n_tune) {
  if (cw_stop_wanted()) return cw_fail(e->c.ctx, CW_EINTERRUPTED, "tune: stopped");
  return cw_rex_step(e->with.rex, t, n_tune);
}

static cw_status run(cw_tune_exchange *e, const sector *s, long number, long thermalise,
                     record *r) {
  for (long t = 0; t < thermalise; t++) {
    CW_TRY(step(e, (uint32_t)t, (uint32_t)thermalise));
    cw_progress_update(e->c.ctx, (double)(t + 1), "trial %ld, %d rungs", number + 1, e->at.n);
  }
  cw_rex_reset_counts(e->with.rex);
  cw_rex_take_seconds(e->with.rex);
  for (long t = 0; t < r->steps; t++) {
    const double began = cw_cpu_seconds();
    CW_TRY(step(e, (uint32_t)(thermalise + t), 0));
    r->seconds[t] = cw_cpu_seconds() - began;
    record_swaps(e, t, r);
    if (s->o != NULL && (t + 1) % s->every == 0) CW_TRY(record_sector(e, s, t / s->every, r));
    cw_progress_update(e->c.ctx, (double)(thermalise + t + 1), "trial %ld, %d rungs", number + 1,
                       e->at.n);
  }
  const cw_rex_seconds spent = cw_rex_take_seconds(e->with.rex);
  r->proposing = spent.propose / (spent.sampler + spent.transport + spent.swap);
  return CW_OK;
}

/* ------------------------------------------------------------------ estimates */

enum { WORTH_COUNTING = 5, NO_DOUBT = 2 }; /* standard errors */

/* The mean acceptance of a pair, or where too few were accepted to tell it, that of Gaussian works with
 * the K that was found. *likely: the better known one of both, unless the counts contradict the other. */
static cw_status find_pair(cw_context *ctx, const record *r, const double *by_chains, int pair,
                           cw_estimate *acceptance, cw_estimate *likely, cw_estimate *K) {
  CW_TRY(cw_swap_acceptance(ctx, r->rows, r->steps, r->n_pair, pair, acceptance));
  CW_TRY(cw_swap_K(ctx, by_chains, r->chains, r->steps, r->n_pair, pair, K));
  const cw_estimate gaussian = cw_gaussian_acceptance_of(*K);
  const double error = acceptance->error;
  const bool known = acceptance->value == 1 || acceptance->value > WORTH_COUNTING * error;
  if (!known && isfinite(gaussian.value)) *acceptance = gaussian;
  *likely = *acceptance;
  if (gaussian.error < error && fabs(gaussian.value - acceptance->value) < NO_DOUBT * error)
    *likely = gaussian;
  if (isfinite(acceptance->value)) return CW_OK;
  return cw_fail(ctx, CW_EINVAL,
                 "tune: no swaps were proposed between rungs %d and %d in %ld steps", pair,
                 pair + 1, r->steps);
}

static double square(double x) { return x * x; }

/* How many exchanges of configurations between the ends of the ladder one proposal to every pair gives:
 * with two rungs the acceptance, with more 1/sum 1/a if replicas diffuse, and 1/(1 + sum (1/a - 1)) if
 * even and odd pairs take turns (S. Syed et al., arXiv:1905.02939, theorem 1). */
static cw_estimate passage(const cw_estimate *a, int n, cw_swap_order order) {
  cw_estimate e = cw_estimate_undefined(a[0].n);
  double inverse = order == CW_SWAP_ALTERNATE ? 1 : 0, variance = 0;
  for (int k = 0; k < n; k++) {
    inverse += 1 / a[k].value - (order == CW_SWAP_ALTERNATE);
    if (isfinite(a[k].error)) variance += square(a[k].error / square(a[k].value));
  }
  e.value = 1 / inverse;
  e.error = sqrt(variance) / square(inverse);
  return e;
}

/* a/b, and the error that both give it. */
static cw_estimate quotient(cw_estimate a, cw_estimate b) {
  cw_estimate e = cw_estimate_undefined(b.n);
  e.value = a.value / b.value;
  e.error = fabs(e.value) * hypot(isfinite(a.error) ? a.error / a.value : 0, b.error / b.value);
  return e;
}

/* Proposals to all pairs of a chain in a step. */
static double proposals(const record *r) {
  double n = 0;
  for (long i = 0; i < r->steps * r->n_pair; i++) n += r->rows[2 * i + 1];
  return n / (double)(r->steps * r->chains);
}

/* What a step of one chain costs, and a proposal. */
static cw_status find_costs(const cw_tune_job *j, const cw_tune_exchange *e, const record *r,
                            cw_estimate *of_step, cw_estimate *of_proposal) {
  const double n = proposals(r);
  if (!j->by_visits) {
    CW_TRY(cw_gamma(j->ctx, r->seconds, 1, r->steps, 1, NULL, NULL, of_step));
    of_step->value /= (double)r->chains;
    of_step->error /= (double)r->chains;
    *of_proposal = *of_step;
    of_proposal->value *= r->proposing / n;
    of_proposal->error *= r->proposing / n;
    return CW_OK;
  }
  double *each = malloc((size_t)r->n_pair * sizeof *each), visits;
  if (each == NULL) return cw_fail(j->ctx, CW_ENOMEM, "no memory for costs");
  cw_status st = cw_rex_visits(e->with.rex, &visits, each);
  of_proposal->value = cw_sum(each, (size_t)r->n_pair) / r->n_pair;
  free(each);
  of_proposal->error = of_step->error = 0;
  of_step->value = visits + n * of_proposal->value;
  return st;
}

static cw_status find_changes(cw_context *ctx, const record *r, long every, cw_tune_found *out) {
  CW_TRY(cw_gamma(ctx, r->changes, r->chains, r->n_rows, 1, NULL, NULL, &out->changes));
  out->changes.value /= (double)every;
  out->changes.error /= (double)every;
  return CW_OK;
}

static cw_status find_swaps(const cw_tune_exchange *e, const record *r, cw_estimate *pair,
                            cw_tune_found *out) {
  int least = 0;
  double *works = cw_rows_by_chains(r->works, r->steps, r->chains, 2L * r->n_pair);
  cw_status st = works != NULL ? CW_OK : cw_fail(e->c.ctx, CW_ENOMEM, "no memory for works");
  for (int k = 0; k < r->n_pair && st == CW_OK; k++) {
    cw_estimate acceptance, K;
    st = find_pair(e->c.ctx, r, works, k, &acceptance, &pair[k], &K);
    out->accept[k] = acceptance.value;
    if (k > 0 && pair[k].value >= pair[least].value) continue;
    least = k;
    out->acceptance = acceptance;
    out->K = K;
  }
  free(works);
  return st;
}

static cw_status find_all(const cw_tune_job *j, const cw_tune_exchange *e, const sector *s,
                          const record *r, cw_tune_found *out) {
  cw_estimate of_step = cw_estimate_undefined(r->steps);
  cw_estimate *pair = malloc((size_t)r->n_pair * sizeof *pair);
  if (pair == NULL) return cw_fail(j->ctx, CW_ENOMEM, "no memory for estimates");
  out->proposal = cw_estimate_undefined(r->steps);
  out->changes = cw_estimate_undefined(r->n_rows);
  cw_status st = find_swaps(e, r, pair, out);
  if (st == CW_OK) st = find_costs(j, e, r, &of_step, &out->proposal);
  if (st == CW_OK && s->o != NULL) st = find_changes(j->ctx, r, s->every, out);
  if (st == CW_OK) {
    cw_estimate passages = passage(pair, r->n_pair, e->x->order);
    const double each = proposals(r) / r->n_pair; /* to every pair, in a step */
    passages.value *= each;
    passages.error *= each;
    out->cost = quotient(of_step, s->o != NULL ? out->changes : passages);
  }
  free(pair);
  return st;
}

cw_status cw_tune_measure(const cw_tune_job *j, long number, long thermalise, long steps,
                          cw_tune_exchange *e, cw_tune_found *out) {
  const sector s = j->aim == CW_TUNE_TUNNELLING ? sector_of(e) : (sector){.o = NULL};
  record r;
  if (s.o != NULL && steps / s.every < CW_GAMMA_MIN_STEPS)
    return cw_fail(j->ctx, CW_EINVAL,
                   "tune: --steps: the sector is measured every %ld steps: expected at least %ld",
                   s.every, s.every * CW_GAMMA_MIN_STEPS);
  cw_status st = open_record(e, &s, steps, &r);
  cw_progress_begin(j->ctx, "tune", 0, (double)(thermalise + steps));
  if (st == CW_OK) st = run(e, &s, number, thermalise, &r);
  cw_progress_end(j->ctx);
  if (st == CW_OK) st = find_all(j, e, &s, &r, out);
  close_record(&r);
  return st;
}
