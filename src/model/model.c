/* What all models share: parameters, and loops over the blocks of a field. */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

static cw_status make_parameters(cw_context *ctx, cw_model *m) {
  m->theta = cw_alloc((size_t)m->n_theta * sizeof *m->theta);
  m->theta_f = cw_alloc((size_t)m->n_theta * sizeof *m->theta_f);
  m->work = cw_arena_create(1 << 20);
  return m->theta && m->theta_f && m->work
             ? CW_OK
             : cw_fail(ctx, CW_ENOMEM, "no memory for %ld parameters", m->n_theta);
}

cw_status cw_model_create(cw_context *ctx, const cw_model_spec *spec, const cw_geometry *geom,
                          cw_model **out) {
  CW_REQUIRE(geom->V == 1 || spec->kind == CW_MODEL_FLOW);
  *out = NULL;
  cw_status st = (spec->kind == CW_MODEL_FLOW ? cw_flow_create
                                              : cw_autoregressive_create)(ctx, spec, geom, out);
  if (st == CW_OK) st = make_parameters(ctx, *out);
  if (st == CW_OK) return CW_OK;
  cw_model_destroy(*out);
  *out = NULL;
  return st;
}

void cw_model_destroy(cw_model *m) {
  if (m == NULL) return;
  free(m->theta);
  free(m->theta_f);
  cw_arena_destroy(m->work);
  m->ops->destroy(m);
}

long cw_model_n_theta(const cw_model *m) { return m->n_theta; }
const double *cw_model_theta(const cw_model *m) { return m->theta; }
const cw_geometry *cw_model_geometry(const cw_model *m) { return m->geom; }
bool cw_model_is_discrete(const cw_model *m) { return m->discrete; }
cw_field_kind cw_model_field(const cw_model *m) { return m->field; }
bool cw_model_has_products(const cw_model *m) { return m->products; }
bool cw_model_is_exact(const cw_model *m) { return m->exact; }
bool cw_model_has_each(const cw_model *m) { return m->each; }
double cw_model_held(const cw_model *m) { return m->ops->held != NULL ? m->ops->held(m) : 1; }

static void round_theta(cw_model *m) {
  for (long i = 0; i < m->n_theta; i++) m->theta_f[i] = (float)m->theta[i];
  if (m->ops->theta_changed) m->ops->theta_changed(m);
}

void cw_model_set_theta(cw_model *m, const double *theta) {
  memcpy(m->theta, theta, (size_t)m->n_theta * sizeof *theta);
  round_theta(m);
}

cw_status cw_model_take_theta(cw_context *ctx, cw_model *m, const cw_lattice *other,
                              const char *from, long n, const double *theta) {
  long expected = m->n_theta;
  if (m->ops->resize != NULL) CW_TRY(m->ops->resize(ctx, m, other, &expected, NULL, NULL));
  if (n != expected)
    return cw_fail(ctx, CW_EINVAL,
                   "start: the model of %s has %ld parameters, that of this job %ld", from, n,
                   expected);
  if (m->ops->resize == NULL)
    memcpy(m->theta, theta, (size_t)n * sizeof *theta);
  else
    CW_TRY(m->ops->resize(ctx, m, other, &expected, theta, m->theta));
  round_theta(m);
  return CW_OK;
}

void cw_model_init(cw_model *m, uint32_t seed) {
  m->ops->init(m, seed, 1);
  round_theta(m);
}

void cw_model_init_identity(cw_model *m, uint32_t seed) {
  m->ops->init(m, seed, 0);
  round_theta(m);
}

void cw_model_set_couplings(cw_model *m, const cw_theory_ops *target, const double *c) {
  if (m->ops->set_couplings == NULL || target->bond_term < 0) return;
  m->ops->set_couplings(m, c[target->bond_term],
                        target->field_term > 0 ? c[target->field_term] : 0);
}

const cw_link_set *cw_model_moves(const cw_model *m) { return m->moves; }
const cw_link_set *cw_model_reads(const cw_model *m) { return m->reads; }

void cw_model_between(cw_model *m, const cw_theory_ops *th, const double *from, const double *to) {
  if (m->ops->between != NULL) m->ops->between(m, th, from, to);
}

void cw_model_set_precision(cw_model *m, cw_precision precision) {
  if (m->ops->set_precision != NULL) m->ops->set_precision(m, precision);
}

cw_status cw_model_sample_block(const cw_model *m, cw_rng rng, uint32_t step, long first_chain,
                                cw_model_pass *pass, cw_arena *tape) {
  return m->ops->sample_block(m, rng, step, first_chain, pass, tape);
}

cw_status cw_model_log_prob_block(const cw_model *m, const double *x, cw_model_pass *pass,
                                  cw_arena *tape) {
  return m->ops->log_prob_block(m, x, pass, tape);
}

cw_status cw_model_log_prob_vjp(const cw_model *m, const cw_model_pass *pass, const double *glogq,
                                double *g, cw_gradient_of *gtheta, cw_arena *work) {
  return m->ops->log_prob_vjp(m, pass, glogq, g, gtheta, work);
}

int cw_model_find_trouble(const cw_model *m, cw_rng rng, uint32_t step, long first_chain,
                          const double *x, bool inverse, cw_arena *work, bool *finite) {
  return m->ops->find_trouble(m, rng, step, first_chain, x, inverse, work, finite);
}

const char *cw_model_layer_name(const cw_model *m, int i) { return m->ops->layer_name(m, i); }

/* ---- whole fields ---- */

/* What is done to each block of a field. */
typedef struct {
  enum { SAMPLE, LOG_PROB, CARRY } what;
  cw_rng rng;
  uint32_t step;
  bool inverse;
  const cw_model *model;
  const cw_field *x;
  double *out;
} block_job;

static cw_status do_block(const cw_model *m, const block_job *job, cw_field *block, double *lanes,
                          cw_arena *work) {
  switch (job->what) {
  case SAMPLE:
    return m->ops->sample(m, block, job->rng, job->step, lanes, work);
  case LOG_PROB:
    return m->ops->log_prob(m, block, lanes, work);
  case CARRY:
    break;
  }
  return m->ops->carry(m, block, job->inverse, lanes, work);
}

/* One number per lane, or only of those that hold a configuration. */
static long numbers_of(const block_job *job, const cw_field *block) {
  return job->what == CARRY ? block->B : block->n_config;
}

static cw_status one_block(const void *self, long i, cw_arena *work) {
  const block_job *job = self;
  double lanes[CW_LANES] CW_ALIGNED = {0};
  cw_field block = cw_field_block(job->x, i);
  cw_status st = do_block(job->model, job, &block, lanes, work);
  memcpy(job->out + i * job->x->B, lanes, (size_t)numbers_of(job, &block) * sizeof *lanes);
  return st;
}

static cw_status for_blocks(cw_context *ctx, const block_job *job) {
  const cw_model *m = job->model;
  const cw_field *x = job->x;
  CW_REQUIRE(x->geom->V == m->geom->V && x->n_comp == m->n_comp &&
             x->geom->n_outer == m->geom->n_outer);
  const cw_status st = cw_for_blocks(cw_threads(ctx), x->n_blocks, m->work, one_block, job);
  if (st == CW_OK) return CW_OK;
  return cw_fail(ctx, st,
                 st == CW_ENOMEM ? "no memory for a pass through the model"
                                 : "an iteration in a layer of the model does not converge");
}

cw_status cw_model_sample(cw_context *ctx, const cw_model *m, cw_rng rng, uint32_t step,
                          cw_field *x, double *logq) {
  return for_blocks(ctx, &(block_job){SAMPLE, rng, step, false, m, x, logq});
}

cw_status cw_model_log_prob(cw_context *ctx, const cw_model *m, const cw_field *x, double *logq) {
  return for_blocks(ctx, &(block_job){.what = LOG_PROB, .model = m, .x = x, .out = logq});
}

cw_status cw_model_carry(cw_context *ctx, const cw_model *m, cw_field *x, double *logj,
                         bool inverse) {
  CW_REQUIRE(m->ops->carry != NULL);
  return for_blocks(ctx, &(block_job){CARRY, {{0}}, 0, inverse, m, x, logj});
}
