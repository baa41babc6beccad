/* Transitions between two theories, and particles for them. */
#ifndef CW_TEST_TRANSITIONS_H
#define CW_TEST_TRANSITIONS_H

#include "causeway/bridge.h"
#include "physics/flows.h"

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th; /* phi4; its own couplings are not those of any rung here */
  cw_model *model;
} transition;

static inline transition open_transition(cw_context *ctx, cw_lattice lat,
                                         const cw_model_spec *spec) {
  transition t = {.ctx = ctx};
  static const double params[CW_MAX_PARAMS] = {1, 0.1};
  check_ok(ctx, cw_geometry_create(ctx, &lat, 1, &t.geom));
  check_ok(ctx, cw_theory_create(ctx, cw_theory_find("phi4"), t.geom, 0, params, &t.th));
  check_ok(ctx, cw_model_create(ctx, spec, t.geom, &t.model));
  cw_model_init_identity(t.model, 1);
  return t;
}

static inline void close_transition(transition *t) {
  cw_model_destroy(t->model);
  cw_theory_destroy(&t->th);
  cw_geometry_destroy(t->geom);
}

/* n normal particles of a width; not-a-number in the lanes beyond. */
static inline cw_field normal_particles(const transition *t, long n, double width, uint32_t seed) {
  cw_field x;
  check_ok(t->ctx, cw_field_create(t->ctx, t->geom, 1, n, &x));
  cw_field_normal(CW_ISA_BASE, &x, cw_rng_stream(seed, "particles"), 0, 0);
  size_t last = (size_t)x.n_blocks * cw_field_block_size(&x), beyond = (size_t)(n % CW_LANES);
  for (size_t i = 0; i < last; i++) x.data[i] *= width;
  for (size_t i = last - cw_field_block_size(&x); beyond > 0 && i < last; i++)
    if (i % CW_LANES >= beyond) x.data[i] = NAN;
  return x;
}

static inline double *even_weights(const cw_field *x) {
  double *w = cw_alloc((size_t)(x->n_blocks * CW_LANES) * sizeof *w);
  for (long i = 0; i < x->n_config; i++) w[i] = 1 / (double)x->n_config;
  return w;
}

static inline cw_train_options transition_options(cw_gradient gradient, long batch, long steps,
                                                  double rate) {
  cw_train_options opt = options(CW_LOSS_TRANSITION, gradient, batch, steps, rate);
  opt.warmup = 0;
  opt.clip = 0;
  opt.beta2 = 0.99;
  opt.rate_end = 0.1;
  return opt;
}

static inline cw_trainer *make_trainer(const transition *t, const cw_train_options *opt) {
  cw_trainer *trainer;
  check_ok(t->ctx,
           cw_trainer_create(t->ctx, opt, t->model, &t->th, cw_rng_stream(1, "t"), &trainer));
  return trainer;
}

typedef struct {
  const double *from, *to; /* couplings of two rungs */
} rungs;

/* A step that moves nothing: report, and from the first Adam moment the gradient (NULL: not
 * wanted). */
static inline cw_train_report report_of(const transition *t, rungs r, cw_gradient kind,
                                        const cw_field *x, const double *weights,
                                        double *gradient) {
  cw_train_options opt = transition_options(kind, x->n_config, 1, 1e-300);
  opt.beta1 = 0.5;
  cw_trainer *trainer = make_trainer(t, &opt);
  cw_train_report report;
  check_ok(t->ctx, cw_trainer_transition(trainer, x, weights, r.from, r.to, &report));
  long n = cw_model_n_theta(t->model);
  double *state = cw_alloc((size_t)cw_trainer_state_size(trainer) * sizeof *state);
  cw_trainer_save(trainer, state);
  for (long i = 0; gradient && i < n; i++) gradient[i] = state[n + i] / 0.5;
  free(state);
  cw_trainer_destroy(trainer);
  return report;
}

/* Work w_i of every particle by the layers and actions themselves. */
static inline double *works(const transition *t, rungs r, const cw_field *x) {
  double *w = cw_alloc((size_t)(x->n_blocks * CW_LANES) * sizeof *w);
  double T[CW_LANES * CW_MAX_TERMS], from[CW_LANES], to[CW_LANES];
  cw_arena *tape = cw_arena_create(1 << 20);
  for (long b = 0; b < x->n_blocks; b++) {
    cw_field block = cw_field_block(x, b);
    cw_model_pass pass;
    cw_arena_mark mark = cw_arena_save(tape);
    check_ok(t->ctx, cw_model_forward_block(t->model, block.data, &pass, tape));
    cw_theory_action(&t->th, &block, r.from, T, from);
    block.data = pass.x;
    cw_theory_action(&t->th, &block, r.to, T, to);
    for (long l = 0; l < block.n_config; l++) w[b * CW_LANES + l] = to[l] - from[l] + pass.logq[l];
    cw_arena_rewind(tape, mark);
  }
  cw_arena_destroy(tape);
  return w;
}

#endif
