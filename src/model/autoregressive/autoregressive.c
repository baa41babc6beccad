/* An autoregressive model: ln q(s) = sum_i ln p(s_i | spins drawn before), with logits from a
 * masked network and, as the spec says, from the bonds to spins already drawn. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/autoregressive/images.h"
#include "model/autoregressive/masked.h"
#include "model/gradient.h"
#include "model/model.h"

enum { DRAW_SPIN = 0, DRAW_IMAGE = 1 };

typedef struct {
  cw_model base;
  cw_autoregressive_spec spec;
  cw_order order;
  cw_masked *net;
  const cw_masked_kernels *kernel;
  cw_images images;
  int *outer;             /* (n) outer site of the i-th that is drawn */
  int *bond, *bond_start; /* drawn neighbours of the i-th: positions, and (n+1) where they begin */
  double from_bond, from_field; /* what a drawn neighbour, and the field, add to a logit */
  double limit;                 /* of logits, from clip */
  float *transposed;            /* (n_theta) */
} autoregressive;

static const cw_model_ops ops;

static const autoregressive *of(const cw_model *m) {
  CW_REQUIRE(m->ops == &ops);
  return (const autoregressive *)m;
}

/* ---- making ---- */

static cw_status find_bonds(cw_context *ctx, autoregressive *m) {
  const cw_lattice *lat = &m->base.geom->lat;
  const int n = m->order.n;
  m->outer = malloc((size_t)n * sizeof(int));
  m->bond_start = calloc((size_t)n + 1, sizeof(int));
  m->bond = malloc((size_t)n * (size_t)(2 * lat->dim) * sizeof(int));
  if (!m->outer || !m->bond_start || !m->bond)
    return cw_fail(ctx, CW_ENOMEM, "no memory for the bonds of %d spins", n);
  for (int i = 0; i < n; i++) {
    const int site = m->order.site[i];
    int *to = m->bond + m->bond_start[i];
    const int n_near = cw_order_drawn_neighbours(&m->order, lat, site, i, to);
    for (int k = 0; k < n_near; k++) to[k] = m->order.position[to[k]];
    m->bond_start[i + 1] = m->bond_start[i] + n_near;
    m->outer[i] = m->base.geom->outer[site];
  }
  return CW_OK;
}

static cw_status build(cw_context *ctx, autoregressive *m) {
  const cw_geometry *geom = m->base.geom;
  CW_TRY(cw_order_create(ctx, &m->spec, &geom->lat, &m->order));
  CW_TRY(find_bonds(ctx, m));
  CW_TRY(cw_images_create(ctx, &m->spec, geom, &m->images));
  CW_TRY(cw_masked_create(ctx, &m->spec, geom, &m->order, &m->net));
  m->base.n_theta = cw_masked_n_theta(m->net);
  m->transposed = cw_alloc((size_t)m->base.n_theta * sizeof *m->transposed);
  if (m->transposed == NULL)
    return cw_fail(ctx, CW_ENOMEM, "no memory for %ld parameters", m->base.n_theta);
  return CW_OK;
}

cw_status cw_autoregressive_create(cw_context *ctx, const cw_model_spec *spec,
                                   const cw_geometry *geom, cw_model **out) {
  const double clip = spec->autoregressive.clip;
  if (!(clip > 0 && clip < 0.5))
    return cw_fail(ctx, CW_EINVAL, "model: clip = %g, expected a number between 0 and 0.5", clip);
  autoregressive *m = calloc(1, sizeof *m);
  if (m == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a model");
  m->base = (cw_model){.ops = &ops,
                       .geom = geom,
                       .field = CW_SITE_SPIN,
                       .discrete = true,
                       .exact = true,
                       .products = true,
                       .n_comp = 1};
  m->spec = spec->autoregressive;
  m->kernel = CW_DISPATCH(cw_context_isa(ctx), cw_masked_kernels);
  m->limit = log1p(-clip) - log(clip);
  *out = &m->base;
  return build(ctx, m);
}

static void destroy(cw_model *model) {
  autoregressive *m = (autoregressive *)model;
  cw_masked_destroy(m->net);
  cw_order_destroy(&m->order);
  cw_images_destroy(&m->images);
  free(m->outer);
  free(m->bond);
  free(m->bond_start);
  free(m->transposed);
  free(m);
}

/* The network begins small, near what the bonds say. */
static void init(cw_model *model, uint32_t seed, double gain) {
  cw_masked_init(of(model)->net, model->theta, cw_rng_stream(seed, "model"), 0.1 * gain);
}

static void theta_changed(cw_model *model) {
  autoregressive *m = (autoregressive *)model;
  cw_masked_transpose(m->net, model->theta_f, m->transposed);
}

static void set_couplings(cw_model *model, double bond, double field) {
  autoregressive *m = (autoregressive *)model;
  if (!m->spec.bonds) return;
  m->from_bond = -2 * bond;
  m->from_field = -2 * field;
}

/* ---- one block ---- */

static void bias_of(const autoregressive *m, int i, const float *spins, double bias[CW_LANES]) {
  for (int l = 0; l < CW_LANES; l++) bias[l] = m->from_field;
  for (int k = m->bond_start[i]; k < m->bond_start[i + 1]; k++) {
    const float *s = spins + (size_t)m->bond[k] * CW_LANES;
    for (int l = 0; l < CW_LANES; l++) bias[l] += m->from_bond * (double)s[l];
  }
}

/* Uniform numbers of sites 2k and 2k + 1 come from one draw, kept for the second of them. */
typedef struct {
  long k; /* -1: of none yet */
  double u[2][CW_LANES] CW_ALIGNED;
} uniform_pair;

static const double *uniforms(const autoregressive *m, int i, cw_rng rng, uint32_t step,
                              long first_chain, uniform_pair *pair) {
  const int site = m->order.site[i];
  for (int l = 0; l < CW_LANES && pair->k != site / 2; l++) {
    double u[2];
    cw_uniform2(rng, (uint32_t)site / 2, (uint32_t)(first_chain + l), step, DRAW_SPIN, u);
    pair->u[0][l] = u[0];
    pair->u[1][l] = u[1];
  }
  pair->k = site / 2;
  return pair->u[site % 2];
}

static cw_status draw(const autoregressive *m, cw_rng rng, uint32_t step, long first_chain,
                      cw_masked_pass *net, double *logq, cw_arena *tape) {
  uniform_pair pair = {.k = -1};
  CW_TRY(cw_masked_open(m->net, net, tape));
  for (int i = 0; i < m->order.n; i++) {
    double bias[CW_LANES] CW_ALIGNED;
    const float *logit = cw_masked_site(m->net, m->base.theta_f, i, net);
    bias_of(m, i, net->rows[0], bias);
    const double *u = uniforms(m, i, rng, step, first_chain, &pair);
    m->kernel->draw(logit, bias, m->limit, u, net->rows[0] + (size_t)i * CW_LANES, logq);
  }
  return CW_OK;
}

/* ln q of the spins in net->rows[0]. */
static void judge(const autoregressive *m, cw_masked_pass *net, double *logq) {
  const float *logit = cw_masked_all(m->net, m->base.theta_f, net);
  for (int i = 0; i < m->order.n; i++) {
    double bias[CW_LANES] CW_ALIGNED;
    bias_of(m, i, net->rows[0], bias);
    m->kernel->draw(logit + (size_t)i * CW_LANES, bias, m->limit, NULL,
                    net->rows[0] + (size_t)i * CW_LANES, logq);
  }
}

/* Spins between a block (outer sites) and the order in which they are drawn. from: NULL, or as of
 * an image. Lanes that hold no configuration, and may hold anything, become spins too. */
static void to_order(const autoregressive *m, const double *x, const int *from, double sign,
                     float *spins) {
  for (int i = 0; i < m->order.n; i++) {
    const double *s = x + (size_t)(from ? from[m->outer[i]] : m->outer[i]) * CW_LANES;
    for (int l = 0; l < CW_LANES; l++) spins[i * CW_LANES + l] = sign * s[l] > 0 ? 1 : -1;
  }
}

static void from_order(const autoregressive *m, const float *spins, double *x) {
  for (int i = 0; i < m->order.n; i++)
    for (int l = 0; l < CW_LANES; l++)
      x[(size_t)m->outer[i] * CW_LANES + (size_t)l] = (double)spins[i * CW_LANES + l];
}

/* ---- with gradients ---- */

/* The network's pass is a frame of the model's. */
static cw_masked_pass *new_frame(cw_model_pass *pass, cw_arena *tape) {
  cw_masked_pass *net = cw_arena_alloc(tape, sizeof *net);
  pass->frame[0] = net;
  pass->z = NULL;
  memset(pass->logq, 0, sizeof pass->logq);
  return net;
}

static cw_status sample_block(const cw_model *model, cw_rng rng, uint32_t step, long first_chain,
                              cw_model_pass *pass, cw_arena *tape) {
  const autoregressive *m = of(model);
  cw_masked_pass *net = new_frame(pass, tape);
  pass->x = cw_arena_alloc(tape, (size_t)m->order.n * CW_LANES * sizeof(double));
  if (net == NULL || pass->x == NULL) return CW_ENOMEM;
  CW_TRY(draw(m, rng, step, first_chain, net, pass->logq, tape));
  from_order(m, net->rows[0], pass->x);
  return CW_OK;
}

static cw_status log_prob_block(const cw_model *model, const double *x, cw_model_pass *pass,
                                cw_arena *tape) {
  const autoregressive *m = of(model);
  const size_t bytes = (size_t)m->order.n * CW_LANES * sizeof(double);
  cw_masked_pass *net = new_frame(pass, tape);
  pass->x = cw_arena_alloc(tape, bytes);
  if (net == NULL || pass->x == NULL) return CW_ENOMEM;
  memcpy(pass->x, x, bytes);
  CW_TRY(cw_masked_open(m->net, net, tape));
  to_order(m, x, NULL, 1, net->rows[0]);
  judge(m, net, pass->logq);
  return CW_OK;
}

static cw_status log_prob_vjp(const cw_model *model, const cw_model_pass *pass, const double *glogq,
                              double *g, cw_gradient_of *gtheta, cw_arena *work) {
  const autoregressive *m = of(model);
  const cw_masked_pass *net = pass->frame[0];
  (void)g;
  if (gtheta == NULL) return CW_OK;
  float *glogit = cw_arena_alloc(work, (size_t)m->order.n * CW_LANES * sizeof *glogit);
  if (glogit == NULL) return CW_ENOMEM;
  const float *logit = cw_masked_logits(m->net, net);
  for (int i = 0; i < m->order.n; i++) {
    double bias[CW_LANES] CW_ALIGNED;
    bias_of(m, i, net->rows[0], bias);
    m->kernel->score(logit + (size_t)i * CW_LANES, bias, m->limit,
                     net->rows[0] + (size_t)i * CW_LANES, glogq, glogit + (size_t)i * CW_LANES);
  }
  CW_REQUIRE(gtheta->each == NULL);
  float *sum = cw_gradient_in_float(gtheta->sum, model->n_theta, work);
  if (sum == NULL) return CW_ENOMEM;
  CW_TRY(cw_masked_vjp(m->net, (cw_masked_theta){model->theta_f, m->transposed}, net, glogit, sum,
                       work));
  cw_gradient_from_float(gtheta->sum, sum, model->n_theta);
  return CW_OK;
}

/* ---- without gradients ---- */

/* ln q of the mean over all images, at the block's spins: each could be an image of others. */
static cw_status log_prob(const cw_model *model, cw_field *block, double logq[CW_LANES],
                          cw_arena *tape) {
  const autoregressive *m = of(model);
  const int n = m->images.n;
  cw_masked_pass net;
  double *all = cw_arena_alloc(tape, (size_t)n * CW_LANES * sizeof *all); /* (CW_LANES, n) */
  if (all == NULL) return CW_ENOMEM;
  CW_TRY(cw_masked_open(m->net, &net, tape));
  for (int k = 0; k < n; k++) {
    double lane[CW_LANES] CW_ALIGNED = {0};
    to_order(m, block->data, m->images.back + k * m->images.n_site, m->images.sign[k], net.rows[0]);
    judge(m, &net, lane);
    for (int l = 0; l < CW_LANES; l++) all[l * n + k] = lane[l];
  }
  for (int l = 0; l < CW_LANES; l++) logq[l] = cw_logsumexp(all + l * n, (size_t)n) - log(n);
  return CW_OK;
}

/* A random image for every lane. x: the block; work: of its size. */
static void turn_to_images(const autoregressive *m, cw_rng rng, uint32_t step, long first_chain,
                           double *x, double *work) {
  const long n_site = m->images.n_site;
  memcpy(work, x, (size_t)n_site * CW_LANES * sizeof *x);
  for (int l = 0; l < CW_LANES; l++) {
    double u[2];
    cw_uniform2(rng, 0, (uint32_t)(first_chain + l), step, DRAW_IMAGE, u);
    const long k = (long)(u[0] * m->images.n);
    const int *from = m->images.from + k * n_site;
    for (long o = 0; o < n_site; o++)
      x[o * CW_LANES + l] = m->images.sign[k] * work[(size_t)from[o] * CW_LANES + (size_t)l];
  }
}

static cw_status sample(const cw_model *model, cw_field *block, cw_rng rng, uint32_t step,
                        double logq[CW_LANES], cw_arena *tape) {
  const autoregressive *m = of(model);
  cw_masked_pass net;
  CW_TRY(draw(m, rng, step, block->first_chain, &net, logq, tape));
  from_order(m, net.rows[0], block->data);
  if (m->images.n == 1) return CW_OK;
  double *work = cw_arena_alloc(tape, (size_t)m->order.n * CW_LANES * sizeof *work);
  if (work == NULL) return CW_ENOMEM;
  turn_to_images(m, rng, step, block->first_chain, block->data, work);
  return log_prob(model, block, logq, tape);
}

/* ---- trouble ---- */

static int find_trouble(const cw_model *model, cw_rng rng, uint32_t step, long first_chain,
                        const double *x, bool inverse, cw_arena *work, bool *finite) {
  cw_model_pass pass;
  (void)inverse;
  *finite = true;
  cw_status st = x ? log_prob_block(model, x, &pass, work)
                   : sample_block(model, rng, step, first_chain, &pass, work);
  if (st != CW_OK) return -1;
  for (int l = 0; l < CW_LANES; l++) *finite = *finite && isfinite(pass.logq[l]);
  return 0;
}

static const char *layer_name(const cw_model *m, int layer) {
  (void)m, (void)layer;
  return "the masked network";
}

static const cw_model_ops ops = {.sample_block = sample_block,
                                 .log_prob_block = log_prob_block,
                                 .log_prob_vjp = log_prob_vjp,
                                 .sample = sample,
                                 .log_prob = log_prob,
                                 .init = init,
                                 .theta_changed = theta_changed,
                                 .set_couplings = set_couplings,
                                 .find_trouble = find_trouble,
                                 .layer_name = layer_name,
                                 .destroy = destroy};
