/* Replica exchange along a defect that opens and closes (PTBC, arXiv:2012.14000), where a chain
 * alone is stuck, and how often replicas travel the ladder. */
#include "support/bijections.h"

#include <stdlib.h>

#include "causeway/stats.h"
#include "causeway/wilson.h"
#include "physics/quadrature_2x2.h"
#include "physics/rex_runs.h"
#include "support/check.h"
#include "support/exact_gauge.h"
#include "support/toys.h"
#include "theory/wilson/torus.h"

/* ------------------------------------------------------------------------ defect */

/* <Re tr P>/N of plaquettes with 0, 1 and 2 defect links on a torus of V plaquettes in two
 * dimensions, with n such links side by side, fewer than go around: Z = sum_r prod_P a_r(beta_P)
 * (src/theory/wilson/torus.h). */
static void exact_defect(int N, long V, int n, double beta, double factor, double mean[3]) {
  const double number[3] = {(double)V - n - 1, 2, n - 1};
  const int last = cw_torus_last_p(N);
  double Z = 0, a0 = cw_torus_character(N, beta, 0, 0, NULL);
  mean[0] = mean[1] = mean[2] = 0;
  for (int r = N == 1 ? -last : 0; r <= last; r++) {
    double a[3], slope[3], w = 1;
    for (int k = 0; k < 3; k++) {
      a[k] = cw_torus_character(N, beta * pow(factor, k), r, 0, &slope[k]);
      w *= pow(fabs(a[k]) / (k == 0 ? a0 : 1), number[k]); /* |a|: tiny ones are rounding errors */
    }
    Z += w;
    for (int k = 0; k < 3 && w > 1e-30; k++) mean[k] += w * slope[k] / a[k];
  }
  for (int k = 0; k < 3; k++) mean[k] /= Z;
}

/* Q = (1/2 pi) sum arg P of a configuration of U(1) in two dimensions. */
static double charge(const cw_field *x, long i) {
  const cw_lattice *lat = &x->geom->lat;
  double sum = 0;
  for (long s = 0; s < x->geom->n_sites; s++) {
    int at[CW_MAX_DIM];
    double angle[4];
    cw_lattice_coord(lat, s, at);
    for (int k = 0; k < 4; k++) { /* (x, 0), (x+0, 1), (x+1, 0), (x, 1) */
      int y[2] = {at[0] + (k == 1), at[1] + (k == 2)}, mu = k % 2;
      long there = cw_lattice_site(lat, y);
      angle[k] = atan2(cw_field_get(x, i, there, 2 * mu + 1), cw_field_get(x, i, there, 2 * mu));
    }
    sum += remainder(angle[0] + angle[1] - angle[2] - angle[3], 2 * M_PI);
  }
  return sum / (2 * M_PI);
}

/* Rows of (term 1, term 3, term 5, Q^2) per chain and step of one rung. */
enum { ROW = 4 };

static void record(run *r, int k, double *data, uint32_t row) {
  const uint32_t n_step = r->p->n_step;
  const cw_field *x = cw_rex_field(r->rex, k);
  r->th.ops->terms(&r->th, x, r->T);
  for (long i = 0; i < x->n_config; i++) {
    double *to = data + (i * n_step + row) * ROW;
    for (int c = 0; c < 3; c++) to[c] = -r->T[i * CW_WILSON_CLASSES + 2 * c + 1];
    to[3] = r->th.ops->kind == CW_LINK_U1 ? pow(charge(x, i), 2) : 0;
  }
}

static double *record_rungs(run *r) {
  const plan *p = r->p;
  size_t size = (size_t)p->options.chains * p->n_step * ROW;
  double *data = calloc((size_t)p->rungs * size, sizeof *data);
  assert_non_null(data);
  for (uint32_t t = 0; t < p->n_therm + p->n_step; t++) {
    if (t == p->n_therm) cw_rex_reset_counts(r->rex);
    advance(r, t);
    for (int k = 0; k < p->rungs && t >= p->n_therm; k++)
      record(r, k, data + (size_t)k * size, t - p->n_therm);
  }
  return data;
}

static double nth(const double *mean, const void *arg) { return mean[*(const int *)arg]; }

static cw_estimate estimate(const run *r, const double *data, int i) {
  cw_estimate e;
  check_ok(r->ctx, cw_gamma(r->ctx, data, r->p->options.chains, r->p->n_step, ROW, nth, &i, &e));
  return e;
}

/* Every class of plaquettes on every rung, and Q^2 on the periodic one. n: defect links. */
static void check_defect_ladder(const run *r, const double *data, int n) {
  const plan *p = r->p;
  const long V = cw_lattice_sites(&p->lat);
  const int N = cw_kind(p->theory->kind)->n_colours;
  const double number[3] = {(double)V - n - 1, 2, n - 1};
  for (int k = 0; k < p->rungs; k++) {
    double mean[3];
    const double *rows = data + (size_t)k * (size_t)p->options.chains * p->n_step * ROW;
    exact_defect(N, V, n, p->from[0], 1 - r->t[k], mean);
    for (int i = 0; i < 3; i++) {
      cw_estimate e = estimate(r, rows, i);
      check_sigma(e.value, e.error, number[i] * mean[i], 4);
      assert_true(e.error < 0.02);
    }
  }
}

/* The charge of a chain of heat baths is all but frozen; that of the periodic rung is not. */
static void test_defect_u1(void **state) {
  const plan p = {.what = "U(1) with a defect",
                  .theory = cw_theory_find("u1"),
                  .form = 2,
                  .lat = {2, {8, 8}},
                  .rungs = 4,
                  .from = {7, 1, 0, 1, 4, 1, 1},
                  .to = {7, 0, 0, 1, 4, 1, 1},
                  .options = {.sampler = cw_sampler_find("heatbath"),
                              .levels = {.n = 2,
                                         .level = {{.box = {{6, 7}, {4, 6}}, .count = 2},
                                                   {.around = true, .hops = 1, .count = 2}}},
                              .periodic = 0,
                              .chains = 16},
                  .n_therm = 100,
                  .n_step = 800};
  run r;
  open_run(&r, context(state), &p);
  double *data = record_rungs(&r);
  check_defect_ladder(&r, data, 4);
  cw_estimate q2 = estimate(&r, data, 3);
  check_sigma(q2.value, q2.error, exact_u1_q2(7, 64), 4);
  assert_true(q2.error < 0.02 && q2.tau_int < 3);
  free(data);
  close_run(&r);
  plan alone = p; /* two rungs so far apart that nothing is swapped */
  alone.rungs = 2;
  alone.options.levels.n = 0;
  alone.to[0] = 0.1;
  alone.to[1] = 1;
  open_run(&r, context(state), &alone);
  data = record_rungs(&r);
  assert_true(acceptance(&r, 0) < 1e-9);
  cw_estimate frozen = estimate(&r, data, 3);
  print_message("tau_int(Q^2): %.1f along the defect, %.0f alone\n", q2.tau_int, frozen.tau_int);
  assert_true(frozen.tau_int > 20 * q2.tau_int);
  free(data);
  close_run(&r);
}

/* SU(2), the ladder upside down, swaps in random order. */
static void test_defect_su2(void **state) {
  const plan p = {.what = "SU(2) with a defect",
                  .theory = cw_theory_find("su2"),
                  .form = 2,
                  .lat = {2, {6, 4}},
                  .rungs = 3,
                  .from = {4, 0, 1, 3, 1, 1, 1},
                  .to = {4, 1, 1, 3, 1, 1, 1},
                  .options = {.sampler = cw_sampler_find("heatbath"),
                              .order = CW_SWAP_RANDOM,
                              .levels = {.n = 1, .level = {{.box = {{5, 2}, {5, 3}}, .count = 2}}},
                              .periodic = 2,
                              .chains = 16},
                  .n_therm = 50,
                  .n_step = 600};
  run r;
  open_run(&r, context(state), &p);
  double *data = record_rungs(&r);
  for (int k = 0; k < p.rungs; k++) r.t[k] = 1 - r.t[k]; /* factors rise */
  check_defect_ladder(&r, data, 3);
  free(data);
  close_run(&r);
}

/* ------------------------------------------------------------------- broken phase */

/* Acceptances of the first n steps, with which the rungs move. */
static void tune_rungs(run *r, uint32_t n) {
  double accept[MOST_RUNGS], t[MOST_RUNGS];
  const int rungs = r->p->rungs;
  for (uint32_t i = 0; i < n; i++) {
    if (i == n / 2) cw_rex_reset_counts(r->rex);
    advance(r, i);
  }
  for (int k = 0; k + 1 < rungs; k++) accept[k] = acceptance(r, k);
  check_ok(r->ctx, cw_equal_rungs(r->ctx, rungs, r->t, accept, rungs, t));
  memcpy(r->t, t, sizeof r->t);
  cw_rex_destroy(r->rex);
  cw_ladder_destroy(&r->ladder);
  open_rungs(r);
}

/* Signs of the mean field on a rung: their mean over steps and chains, and how often they change.
 * Deep in the broken phase phi is about +-4.9; stripes of both signs, with a mean near 0, live long
 * and count as what was before. */
typedef struct {
  double mean, error;
  long changes;
} signs;

static signs watch_signs(run *r, int k) {
  const plan *p = r->p;
  const long chains = p->options.chains;
  int *last = calloc((size_t)chains, sizeof *last);
  double *data = calloc((size_t)chains * p->n_step, sizeof *data);
  signs s = {0};
  for (uint32_t t = 0; t < p->n_therm + p->n_step; t++) {
    if (t == p->n_therm) cw_rex_reset_counts(r->rex);
    advance(r, t);
    for (long i = 0; i < chains && t >= p->n_therm; i++) {
      double m = 0;
      for (long site = 0; site < r->geom->n_sites; site++)
        m += cw_field_get(cw_rex_field(r->rex, k), i, site, 0);
      m /= (double)r->geom->n_sites;
      int now = fabs(m) < 2.5 ? last[i] : m > 0 ? 1 : -1;
      s.changes += last[i] * now < 0; /* last is 0 at first */
      last[i] = now;
      data[i * p->n_step + t - p->n_therm] = now;
    }
  }
  cw_estimate e;
  check_ok(r->ctx, cw_gamma(r->ctx, data, chains, p->n_step, 1, NULL, NULL, &e));
  s.mean = e.value;
  s.error = e.error;
  free(last);
  free(data);
  return s;
}

/* A ladder into the symmetric phase, with rungs that are moved twice until acceptances are equal.
 */
static void test_broken_phase(void **state) {
  plan p = {.what = "phi^4",
            .theory = cw_theory_find("phi4"),
            .form = 1,
            .lat = {2, {8, 8}},
            .rungs = 24,
            .from = {0.2, 0.022},
            .to = {0.5, 0.022},
            .options = {.sampler = cw_sampler_find("hmc"), .periodic = -1, .chains = 16},
            .n_therm = 300,
            .n_step = 1500};
  run r;
  open_run(&r, context(state), &p);
  tune_rungs(&r, 200);
  tune_rungs(&r, 400);
  signs s = watch_signs(&r, p.rungs - 1);
  for (int k = 0; k + 1 < p.rungs; k++) check_close(acceptance(&r, k), 0.225, 0.045);
  print_message("kappa = 0.5: sign %.3f +- %.3f, %ld changes\n", s.mean, s.error, s.changes);
  check_sigma(s.mean, s.error, 0, 4);
  assert_true(s.error < 0.1 && s.changes > 500);
  close_run(&r);
  p.rungs = 2; /* too far apart for swaps */
  open_run(&r, context(state), &p);
  s = watch_signs(&r, 1);
  assert_true(acceptance(&r, 0) < 1e-9);
  assert_int_equal(s.changes, 0);
  close_run(&r);
}

/* ---------------------------------------------------------------------- round trips */

/* From the first rung to the last and back, of all replicas. last (chains, rungs): the end that a
 * replica saw last. */
static long count_trips(const int *labels, long chains, int rungs, int *last) {
  enum { NONE, BOTTOM, TOP };
  long trips = 0;
  for (long i = 0; i < chains; i++) {
    int *of_chain = last + i * rungs;
    const int *label = labels + i * rungs;
    trips += of_chain[label[0]] == TOP;
    of_chain[label[0]] = BOTTOM;
    if (of_chain[label[rungs - 1]] == BOTTOM) of_chain[label[rungs - 1]] = TOP;
  }
  return trips;
}

static long round_trips(cw_context *ctx, const plan *p) {
  run r;
  open_run(&r, ctx, p);
  const long chains = p->options.chains;
  int *last = calloc((size_t)(chains * p->rungs), sizeof *last);
  long trips = 0;
  for (uint32_t t = 0; t < p->n_therm + p->n_step; t++) {
    advance(&r, t);
    for (long i = 0; i < chains; i++) { /* a permutation */
      int seen[MOST_RUNGS] = {0};
      for (int k = 0; k < p->rungs; k++) seen[cw_rex_labels(r.rex)[i * p->rungs + k]]++;
      for (int k = 0; k < p->rungs; k++) assert_int_equal(seen[k], 1);
    }
    long n = count_trips(cw_rex_labels(r.rex), chains, p->rungs, last);
    if (t >= p->n_therm) trips += n;
  }
  free(last);
  close_run(&r);
  return trips;
}

/* As many passes over pairs, and as many sampler steps, in both orders: where swaps are likely,
 * alternating carries replicas straight on. Theirs is a walk (arXiv:1905.02939). */
static void test_round_trips(void **state) {
  plan p = {.what = "tilted sites",
            .theory = &toy_tilted,
            .lat = {1, {16}},
            .rungs = 24,
            .from = {0.5, 1, 0, 0.1},
            .to = {-9, 1.5, 0, 0.1},
            .options = {.sampler = cw_sampler_find("hmc"), .periodic = -1, .chains = 32},
            .n_therm = 50,
            .n_step = 800};
  long straight = round_trips(context(state), &p);
  p.options.order = CW_SWAP_RANDOM;
  p.options.mutations = 2;
  p.n_step /= 2;
  long drawn = round_trips(context(state), &p);
  print_message("round trips: %ld alternating, %ld in random order\n", straight, drawn);
  assert_true(drawn > 50 && (double)straight > 1.3 * (double)drawn);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_defect_u1),
      cmocka_unit_test(test_defect_su2),
      cmocka_unit_test(test_broken_phase),
      cmocka_unit_test(test_round_trips),
  };
  return cmocka_run_group_tests_name("replica exchange", tests, test_open_context_2,
                                     test_close_context);
}
