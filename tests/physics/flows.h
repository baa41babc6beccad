/* Flows made, trained and sampled: what the physics tests of flows share. */
#ifndef CW_TEST_FLOWS_H
#define CW_TEST_FLOWS_H

#include "physics/chains.h"

#include "causeway/train.h"

/* ---------------------------------------------------------------- one flow */

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th; /* phi4 */
  cw_model *model;
  const cw_observable_ops *ops;
  int n_primary;
} flow;

/* n_couplings layers of a kind on alternating colours, with convolutional networks of one hidden
 * layer, and a global scale. */
static inline void stack(cw_model_spec *spec, cw_prior_spec prior, const char *kind,
                         int n_couplings, int channels, bool z2) {
  *spec = (cw_model_spec){.prior = prior, .n_layers = n_couplings + 1};
  for (int i = 0; i < n_couplings; i++)
    spec->layer[i] = (cw_layer_spec){
        .kind = kind,
        .number = i,
        .param = {z2, 6, 4 * prior.sigma}, /* couplings without splines take z2 alone */
        .net = {.kind = CW_NET_CONV, .n_hidden = 1, .hidden = {channels}, .kernel = 3}};
  spec->layer[n_couplings] = (cw_layer_spec){.kind = "scale"};
}

static inline flow open_flow(cw_context *ctx, cw_lattice lat, const char *form,
                             const double param[2], const cw_model_spec *spec) {
  flow f = {.ctx = ctx};
  const cw_theory_ops *ops = cw_theory_find("phi4");
  check_ok(ctx, cw_geometry_create(ctx, &lat, 1, &f.geom));
  check_ok(ctx, cw_model_create(ctx, spec, f.geom, &f.model));
  check_ok(ctx, cw_theory_create(ctx, ops, f.geom, index_of(ops->forms, form), param, &f.th));
  f.ops = cw_observable_for(&f.th);
  cw_observer observer = cw_observer_make(f.ops, &f.th, NULL);
  f.n_primary = f.ops->n_primary(&observer);
  cw_model_init(f.model, 1);
  return f;
}

static inline void close_flow(flow *f) {
  cw_model_destroy(f->model);
  cw_geometry_destroy(f->geom);
}

/* Adam with a warm-up and a cosine. p_samples: for the forward KL. */
static inline cw_train_options options(cw_loss loss, cw_gradient gradient, long batch, long steps,
                                       double rate) {
  return (cw_train_options){.loss = loss,
                            .gradient = gradient,
                            .schedule = CW_SCHEDULE_COSINE,
                            .batch = batch,
                            .steps = steps,
                            .warmup = steps / 20,
                            .rate = rate,
                            .clip = 10,
                            .beta1 = 0.9,
                            .beta2 = 0.999,
                            .epsilon = 1e-8};
}

static inline void train(const flow *f, const cw_train_options *opt, const cw_field *p_samples) {
  cw_trainer *t;
  cw_train_report report;
  check_ok(f->ctx, cw_trainer_create(f->ctx, opt, f->model, &f->th, cw_rng_stream(1, "train"), &t));
  for (long i = 0; i < opt->steps; i++) check_ok(f->ctx, cw_trainer_step(t, p_samples, &report));
  cw_trainer_destroy(t);
}

/* ------------------------------------------------------- weighted samples */

typedef struct {
  const flow *f;
  long n;
  double *lw;      /* (n) -S - ln q */
  double *primary; /* (n, n_primary) */
} samples;

static inline void log_weights(const flow *f, const cw_field *x, const double *logq, double *lw) {
  size_t lanes = (size_t)(x->n_blocks * x->B);
  double *T = cw_alloc(lanes * CW_MAX_TERMS * sizeof *T), *S = cw_alloc(lanes * sizeof *S);
  cw_theory_action(&f->th, x, f->th.c, T, S);
  for (long i = 0; i < x->n_config; i++) lw[i] = -S[i] - logq[i];
  free(T);
  free(S);
}

/* n samples of the flow; seeds are independent of each other. */
static inline samples draw(const flow *f, uint32_t seed, long n) {
  samples s = {.f = f, .n = n};
  cw_field x;
  double *logq = cw_alloc((size_t)n * sizeof *logq);
  s.lw = cw_alloc((size_t)n * sizeof *s.lw);
  s.primary = cw_alloc((size_t)(n * f->n_primary) * sizeof *s.primary);
  check_ok(f->ctx, cw_field_create(f->ctx, f->geom, 1, n, &x));
  check_ok(f->ctx, cw_model_sample(f->ctx, f->model, cw_rng_stream(seed, "draw"), 0, &x, logq));
  cw_observer observer = cw_observer_make(f->ops, &f->th, NULL);
  check_ok(f->ctx, cw_measure(f->ctx, &observer, &x, s.primary, NULL));
  log_weights(f, &x, logq, s.lw);
  cw_field_destroy(&x);
  free(logq);
  return s;
}

static inline void free_samples(samples *s) {
  free(s->lw);
  free(s->primary);
}

static inline cw_estimate weighted(const samples *s, const char *name) {
  cw_observer observer = cw_observer_make(s->f->ops, &s->f->th, NULL);
  derived_arg arg = {.observer = &observer, .q = cw_quantity_find(s->f->ops, name)};
  assert_non_null(arg.q);
  cw_estimate e;
  check_ok(s->f->ctx, cw_weighted(s->f->ctx, s->primary, s->lw, s->n, s->f->n_primary,
                                  derived_value, &arg, &e));
  return e;
}

static inline cw_flow_quality judge(const samples *s) {
  cw_flow_quality q;
  check_ok(s->f->ctx, cw_flow_judge(s->f->ctx, s->lw, s->n, NULL, 0, 0, &q));
  return q;
}

/* ------------------------------------------------- samples of the target */

/* Configurations of chains of the theory, of n_keep steps each, `every` updates apart: number
 * chain*n_keep + step of x. cluster: Wolff, which visits both signs; else HMC. */
static inline cw_field draw_target(const flow *f, const char *sampler, long n_chain, long n_keep,
                                   uint32_t every) {
  const plan p = {.sampler = sampler};
  const uint32_t n_therm = 200;
  const cw_rng rng = cw_rng_stream(77, "target");
  cw_field kept;
  cw_chains h = make_chains(f->ctx, &p, &f->th, n_chain);
  check_ok(f->ctx, cw_field_create(f->ctx, f->geom, 1, n_chain * n_keep, &kept));
  cw_field_normal(f->th.isa, &h.x, cw_rng_stream(77, "start"), 0, 0);
  check_ok(f->ctx, cw_sampler_run(&h, f->th.c, rng, 0, n_therm, n_therm));
  for (uint32_t row = 0; row < n_keep; row++) {
    const uint32_t first = n_therm + (row > 0 ? (row - 1) * every + 1 : 0);
    check_ok(f->ctx, cw_sampler_run(&h, f->th.c, rng, first, row > 0 ? every : 1, 0));
    for (long c = 0; c < n_chain; c++)
      for (long k = 0; k < f->geom->n_sites; k++)
        cw_field_set(&kept, c * n_keep + row, k, 0, cw_field_get(&h.x, c, k, 0));
  }
  cw_chains_close(&h);
  return kept;
}

/* Log-weights of the flow on configurations of the target. The caller frees them. */
static inline double *target_weights(const flow *f, const cw_field *x) {
  size_t n = (size_t)x->n_config;
  double *lw = cw_alloc(n * sizeof *lw), *logq = cw_alloc(n * sizeof *logq);
  check_ok(f->ctx, cw_model_log_prob(f->ctx, f->model, x, logq));
  log_weights(f, x, logq, lw);
  free(logq);
  return lw;
}

/* ------------------------------------------------ independence Metropolis */

/* Chains with proposals of the flow, accepted with min(1, w'/w), after n_therm steps. weight holds
 * which were accepted. */
static inline chains independence_chains(const flow *f, uint32_t seed, long n_chain, long n_step) {
  const long n_therm = 50, length = n_therm + n_step;
  samples s = draw(f, seed, n_chain * length);
  chains r = {.ctx = f->ctx,
              .th = f->th,
              .ops = f->ops,
              .n_chain = n_chain,
              .n_step = n_step,
              .n_primary = f->n_primary};
  size_t row = (size_t)f->n_primary;
  r.data = cw_alloc((size_t)(n_chain * n_step) * row * sizeof *r.data);
  r.weight = cw_alloc((size_t)(n_chain * n_step) * sizeof *r.weight);
  for (long c = 0; c < n_chain; c++) {
    long now = c * length;
    for (long t = 1; t < length; t++) {
      double u[2];
      cw_uniform2(cw_rng_stream(seed, "accept"), 0, (uint32_t)c, (uint32_t)t, 0, u);
      bool accepted = log(u[0]) < s.lw[c * length + t] - s.lw[now];
      if (accepted) now = c * length + t;
      if (t < n_therm) continue;
      long at = c * n_step + t - n_therm;
      r.weight[at] = accepted;
      memcpy(r.data + (size_t)at * row, s.primary + (size_t)now * row, row * sizeof *r.data);
    }
  }
  free_samples(&s);
  return r;
}

/* -------------------------------------------------------------- calibration */

/* z-scores of an estimate over seeds: their mean is 0 and their mean square 1, within 4 sigma. */
typedef struct {
  const char *what;
  double exact, sum, square;
  int n;
} calibration;

static inline void add_score(calibration *c, double value, double error) {
  double z = (value - c->exact) / error;
  c->sum += z;
  c->square += z * z;
  c->n++;
}

static inline void add_estimate(calibration *c, cw_estimate e) { add_score(c, e.value, e.error); }

static inline void check_calibration(const calibration *c) {
  double mean = c->sum / c->n, square = c->square / c->n;
  if (fabs(mean * sqrt(c->n)) > 4 || fabs((square - 1) * sqrt(c->n / 2.0)) > 4)
    print_error("%s over %d seeds: z has mean %.2f and rms %.2f\n", c->what, c->n, mean,
                sqrt(square));
  check_sigma(mean, 1 / sqrt(c->n), 0, 4);
  check_sigma(square, sqrt(2.0 / c->n), 1, 4);
}

#endif
