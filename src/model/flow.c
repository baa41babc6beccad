/* A flow: a prior carried through a list of layers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/flow.h"
#include "model/layers/implicit.h"

static const cw_model_ops flow_ops;

static const cw_flow *flow_of(const cw_model *m) {
  CW_REQUIRE(m->ops == &flow_ops);
  return (const cw_flow *)m;
}

static cw_status build_layers(cw_context *ctx, const cw_model_spec *spec, cw_flow *m) {
  for (int i = 0; i < spec->n_layers; i++) {
    CW_TRY(cw_layer_create(ctx, &spec->layer[i], spec->field, m->base.geom, &m->layer[i]));
    m->base.products = m->base.products && m->layer[i]->ops->forward_vjp != NULL;
    m->base.each = m->base.each && m->layer[i]->ops->each;
    m->at[i] = m->base.n_theta;
    m->base.n_theta += m->layer[i]->n_theta;
    m->n_layers = i + 1;
  }
  return CW_OK;
}

/* What all layers move, or read, together. */
static cw_status unite(cw_context *ctx, const cw_flow *m, bool reads, cw_link_set *out) {
  long n = 0, *link = NULL;
  for (int fill = 0; fill < 2; fill++) {
    if (fill && (link = cw_alloc((size_t)n * sizeof *link)) == NULL)
      return cw_fail(ctx, CW_ENOMEM, "no memory for a model");
    n = 0;
    for (int i = 0; i < m->n_layers; i++) {
      const cw_link_set *of[2];
      m->layer[i]->ops->links(m->layer[i], &of[0], &of[1]);
      if (fill) memcpy(link + n, of[reads]->link, (size_t)of[reads]->n * sizeof *link);
      n += of[reads]->n;
    }
  }
  cw_status st = cw_link_set_create(ctx, &m->base.geom->lat, n, link, out);
  free(link);
  return st;
}

static cw_status find_links(cw_context *ctx, cw_flow *m) {
  for (int i = 0; i < m->n_layers; i++)
    if (m->layer[i]->ops->links == NULL) return CW_OK;
  if (m->n_layers == 0) return CW_OK;
  CW_TRY(unite(ctx, m, false, &m->moves));
  CW_TRY(unite(ctx, m, true, &m->reads));
  m->base.moves = &m->moves;
  m->base.reads = &m->reads;
  return CW_OK;
}

static void destroy(cw_model *model) {
  cw_flow *m = (cw_flow *)model;
  cw_link_set_destroy(&m->moves);
  cw_link_set_destroy(&m->reads);
  for (int i = 0; i < m->n_layers; i++) m->layer[i]->ops->destroy(m->layer[i]);
  cw_prior_destroy(m->prior);
  free(m);
}

cw_status cw_flow_create(cw_context *ctx, const cw_model_spec *spec, const cw_geometry *geom,
                         cw_model **out) {
  if (spec->n_layers < 0 || spec->n_layers > CW_MAX_LAYERS)
    return cw_fail(ctx, CW_EINVAL, "model: %d layers, expected 0 to %d", spec->n_layers,
                   CW_MAX_LAYERS);
  if (spec->z2_mixture && spec->field != CW_SITE_REAL)
    return cw_fail(ctx, CW_EINVAL, "model: z2_mixture is for reals, not for links");
  cw_flow *m = calloc(1, sizeof *m);
  if (m == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a model");
  m->base = (cw_model){.ops = &flow_ops,
                       .geom = geom,
                       .field = spec->field,
                       .n_comp = cw_kind_components(spec->field, &geom->lat),
                       .n_tangent = cw_kind_tangent(spec->field, &geom->lat),
                       .products = true,
                       .exact = cw_model_inexact(spec) == NULL,
                       .each = true};
  m->mixture = spec->z2_mixture;
  *out = &m->base;
  CW_TRY(cw_prior_create(ctx, &spec->prior, spec->field, geom, &m->prior));
  CW_TRY(build_layers(ctx, spec, m));
  return find_links(ctx, m);
}

static void init(cw_model *model, uint32_t seed, double gain) {
  const cw_flow *m = flow_of(model);
  cw_rng rng = cw_rng_stream(seed, "model");
  for (int i = 0; i < m->n_layers; i++)
    m->layer[i]->ops->init(m->layer[i], model->theta + m->at[i], rng, (uint32_t)i, gain);
}

static cw_gradient_of slice_gradient(const cw_flow *m, int i, const cw_gradient_of *g) {
  return (cw_gradient_of){g->sum + m->at[i], g->each ? g->each + m->at[i] * CW_LANES : NULL};
}
/* Doubles in a block of adjoints. */
static long adjoint_length(const cw_flow *m) {
  return m->base.geom->n_outer * m->base.n_tangent * CW_LANES;
}
static size_t block_bytes(const cw_flow *m) { return (size_t)cw_flow_block(m) * sizeof(double); }
static size_t adjoint_bytes(const cw_flow *m) { return (size_t)adjoint_length(m) * sizeof(double); }

/* ---- one block ---- */

static double *copy_block(const cw_flow *m, const double *x, cw_arena *tape) {
  double *copy = cw_arena_alloc(tape, block_bytes(m));
  if (copy) memcpy(copy, x, block_bytes(m));
  return copy;
}

/* One layer, either way. frame: NULL if no vjp will follow; then its memory is given back at once
 * and stays in cache. */
static cw_status push_layer(const cw_flow *m, int i, bool forward, double *x, double *logj,
                            void **frame, cw_arena *tape) {
  const cw_layer *L = m->layer[i];
  void *unused;
  cw_arena_mark mark = cw_arena_save(tape);
  CW_TRY((forward ? L->ops->forward : L->ops->inverse)(L, cw_flow_slice(m, i), x, logj, tape,
                                                       frame || L->ops->lean ? frame : &unused));
  if (frame == NULL) cw_arena_rewind(tape, mark);
  return CW_OK;
}

/* z -> x through the layers; logj is what the layers add. */
static cw_status push_forward(const cw_flow *m, double *x, double *logj, void **frames,
                              cw_arena *tape) {
  for (int i = 0; i < m->n_layers; i++)
    CW_TRY(push_layer(m, i, true, x, logj, frames ? &frames[i] : NULL, tape));
  return CW_OK;
}

static cw_status push_back(const cw_flow *m, double *x, double *logj, void **frames,
                           cw_arena *tape) {
  for (int i = m->n_layers - 1; i >= 0; i--)
    CW_TRY(push_layer(m, i, false, x, logj, frames ? &frames[i] : NULL, tape));
  return CW_OK;
}

static cw_status push_on_patch(const cw_flow *m, cw_field *block, bool inverse, double *logj,
                               cw_arena *work) {
  CW_REQUIRE(m->base.reads != NULL);
  for (int k = 0; k < m->n_layers; k++) {
    const int i = inverse ? m->n_layers - 1 - k : k;
    CW_TRY(
        m->layer[i]->ops->on_patch(m->layer[i], cw_flow_slice(m, i), inverse, block, logj, work));
  }
  return CW_OK;
}

static cw_status carry(const cw_model *model, cw_field *block, bool inverse, double logj[CW_LANES],
                       cw_arena *work) {
  const cw_flow *m = flow_of(model);
  memset(logj, 0, CW_LANES * sizeof *logj);
  if (block->patch != NULL) return push_on_patch(m, block, inverse, logj, work);
  return (inverse ? push_back : push_forward)(m, block->data, logj, NULL, work);
}

/* ln q0 at x: z gets the latent. frames: NULL if no vjp will follow. */
static cw_status flow_log_prob(const cw_flow *m, const double *x, double **z, double *logq,
                               void **frames, cw_arena *tape) {
  double logj[CW_LANES] CW_ALIGNED = {0};
  *z = copy_block(m, x, tape);
  if (*z == NULL) return CW_ENOMEM;
  CW_TRY(push_back(m, *z, logj, frames, tape));
  memset(logq, 0, CW_LANES * sizeof *logq);
  cw_prior_log_prob(m->prior, *z, logq);
  for (int l = 0; l < CW_LANES; l++) logq[l] += logj[l];
  return CW_OK;
}

/* logq: ln q0(x) -> ln q(x) of the mixture; share: that of the mirror image. */
static cw_status add_mirror(const cw_flow *m, const double *x, double *logq, double *share,
                            double **z, void **frames, cw_arena *tape) {
  double *mirrored = copy_block(m, x, tape), other[CW_LANES];
  if (mirrored == NULL) return CW_ENOMEM;
  for (long i = 0; i < cw_flow_block(m); i++) mirrored[i] = -mirrored[i];
  CW_TRY(flow_log_prob(m, mirrored, z, other, frames, tape));
  for (int l = 0; l < CW_LANES; l++) {
    double top = fmax(logq[l], other[l]), sum = top + log1p(exp(fmin(logq[l], other[l]) - top));
    share[l] = exp(other[l] - sum);
    logq[l] = sum - M_LN2;
  }
  return CW_OK;
}

static cw_status complete_pass(const cw_flow *m, cw_model_pass *pass, cw_arena *tape) {
  return m->mixture ? add_mirror(m, pass->x, pass->logq, pass->share, &pass->mirror_z,
                                 pass->mirror_frame, tape)
                    : CW_OK;
}

static cw_status sample_block(const cw_model *model, cw_rng rng, uint32_t step, long first_chain,
                              cw_model_pass *pass, cw_arena *tape) {
  const cw_flow *m = flow_of(model);
  double logj[CW_LANES] CW_ALIGNED = {0};
  memset(pass->logq, 0, sizeof pass->logq);
  pass->z = cw_arena_alloc(tape, block_bytes(m));
  if (pass->z == NULL) return CW_ENOMEM;
  CW_TRY(cw_prior_sample(m->prior, rng, step, first_chain, pass->z, pass->logq, tape));
  pass->x = copy_block(m, pass->z, tape);
  if (pass->x == NULL) return CW_ENOMEM;
  CW_TRY(push_forward(m, pass->x, logj, pass->frame, tape));
  for (int l = 0; l < CW_LANES; l++) pass->logq[l] -= logj[l];
  return complete_pass(m, pass, tape);
}

static cw_status log_prob_block(const cw_model *model, const double *x, cw_model_pass *pass,
                                cw_arena *tape) {
  const cw_flow *m = flow_of(model);
  pass->x = copy_block(m, x, tape);
  if (pass->x == NULL) return CW_ENOMEM;
  CW_TRY(flow_log_prob(m, x, &pass->z, pass->logq, pass->frame, tape));
  return complete_pass(m, pass, tape);
}

cw_status cw_model_forward_block(const cw_model *model, const double *x, cw_model_pass *pass,
                                 cw_arena *tape) {
  const cw_flow *m = flow_of(model);
  double logj[CW_LANES] CW_ALIGNED = {0};
  pass->z = copy_block(m, x, tape);
  pass->x = copy_block(m, x, tape);
  if (pass->z == NULL || pass->x == NULL) return CW_ENOMEM;
  CW_TRY(push_forward(m, pass->x, logj, pass->frame, tape));
  for (int l = 0; l < CW_LANES; l++) pass->logq[l] = -logj[l];
  return CW_OK;
}

static const double one_each[CW_LANES] CW_ALIGNED = {1, 1, 1, 1, 1, 1, 1, 1,
                                                     1, 1, 1, 1, 1, 1, 1, 1};

static void scale_lanes(const cw_flow *m, double *g, const double *factor) {
  const int B = CW_LANES / m->base.geom->V;
  for (long i = 0; i < adjoint_length(m); i += CW_LANES)
    for (int l = 0; l < CW_LANES; l++) g[i + l] *= factor[l % B];
}

/* One layer's product, forward or inverse. */
static cw_status pull_layer(const cw_flow *m, int i, bool forward, const void *frame, double *g,
                            const double *glogj, const cw_gradient_of *gtheta, cw_arena *work) {
  const cw_layer *L = m->layer[i];
  cw_gradient_of own = {0};
  CW_REQUIRE(L->ops->forward_vjp != NULL);
  if (gtheta != NULL) own = slice_gradient(m, i, gtheta);
  return (forward ? L->ops->forward_vjp : cw_layer_inverse_vjp)(
      L, cw_flow_slice(m, i), frame, g, glogj, gtheta != NULL ? &own : NULL, work);
}

/* g (the adjoint in z) is carried to x through the inverse layers. */
static cw_status pull_to_sample(const cw_flow *m, void *const *frame, double *g,
                                const double *glogj, cw_gradient_of *gtheta, cw_arena *work) {
  for (int i = 0; i < m->n_layers; i++)
    CW_TRY(pull_layer(m, i, false, frame[i], g, glogj, gtheta, work));
  return CW_OK;
}

/* g = weight * d ln q0/dx and gtheta += weight * d ln q0/dtheta, at the point whose latent and
 * frames are given. The score of a density travels with the map: s_{l+1} = J^{-T} [s_l - grad
 * ln|det J|], which is the vjp of the inverse layer with adjoint 1 for its log-Jacobian
 * (arXiv:2207.08219). */
static cw_status flow_log_prob_vjp(const cw_flow *m, const double *z, void *const *frame,
                                   const double *weight, double *g, cw_gradient_of *gtheta,
                                   cw_arena *work) {
  cw_prior_score(m->prior, z, g);
  scale_lanes(m, g, weight);
  return pull_to_sample(m, frame, g, weight, gtheta, work);
}

/* The mirror's part of d(sum_b weight_b ln q)/dx, added to g; its x is -x. */
static cw_status add_mirror_vjp(const cw_flow *m, const cw_model_pass *pass, const double *weight,
                                double *g, cw_gradient_of *gtheta, cw_arena *work) {
  double part[CW_LANES] CW_ALIGNED;
  cw_arena_mark mark = cw_arena_save(work);
  double *h = cw_arena_alloc(work, adjoint_bytes(m));
  if (h == NULL) return CW_ENOMEM;
  for (int l = 0; l < CW_LANES; l++) part[l] = weight[l] * pass->share[l];
  CW_TRY(flow_log_prob_vjp(m, pass->mirror_z, pass->mirror_frame, part, h, gtheta, work));
  for (long i = 0; i < adjoint_length(m); i++) g[i] -= h[i];
  cw_arena_rewind(work, mark);
  return CW_OK;
}

/* What is left of weight for the point itself. */
static void own_weight(const cw_flow *m, const cw_model_pass *pass, const double *weight,
                       double *own) {
  for (int l = 0; l < CW_LANES; l++)
    own[l] = m->mixture ? weight[l] * (1 - pass->share[l]) : weight[l];
}

static cw_status log_prob_vjp(const cw_model *model, const cw_model_pass *pass, const double *glogq,
                              double *g, cw_gradient_of *gtheta, cw_arena *work) {
  const cw_flow *m = flow_of(model);
  double own[CW_LANES] CW_ALIGNED;
  own_weight(m, pass, glogq, own);
  CW_TRY(flow_log_prob_vjp(m, pass->z, pass->frame, own, g, gtheta, work));
  return m->mixture ? add_mirror_vjp(m, pass, glogq, g, gtheta, work) : CW_OK;
}

cw_status cw_model_carry_score(const cw_model *model, const cw_model_pass *pass, double *g,
                               cw_arena *work) {
  const cw_flow *m = flow_of(model);
  CW_REQUIRE(!m->mixture);
  return pull_to_sample(m, pass->frame, g, one_each, NULL, work);
}

cw_status cw_model_score_block(const cw_model *model, const cw_model_pass *pass, double *g,
                               cw_arena *work) {
  return log_prob_vjp(model, pass, one_each, g, NULL, work);
}

cw_status cw_model_sample_vjp(const cw_model *model, const cw_model_pass *pass, double *g,
                              const double *glogq, cw_gradient_of *gtheta, cw_arena *work) {
  const cw_flow *m = flow_of(model);
  double glogj[CW_LANES] CW_ALIGNED;
  if (glogq) {
    if (m->mixture) CW_TRY(add_mirror_vjp(m, pass, glogq, g, gtheta, work));
    own_weight(m, pass, glogq, glogj);
    for (int l = 0; l < CW_LANES; l++) glogj[l] = -glogj[l];
  }
  for (int i = m->n_layers - 1; i >= 0; i--)
    CW_TRY(pull_layer(m, i, true, pass->frame[i], g, glogq ? glogj : NULL, gtheta, work));
  return CW_OK;
}

cw_status cw_model_forward_path_vjp(const cw_model *model, const cw_model_pass *pass, double *g,
                                    const double *scale, cw_gradient_of *gtheta, cw_arena *work) {
  const cw_flow *m = flow_of(model);
  CW_REQUIRE(!m->mixture);
  for (int i = m->n_layers - 1; i >= 0;
       i--) /* d ln p0/dz of the target pulled back to the prior's space */
    CW_TRY(pull_layer(m, i, true, pass->frame[i], g, one_each, NULL, work));
  cw_arena_mark mark = cw_arena_save(work);
  double *r = cw_arena_alloc(work, adjoint_bytes(m));
  if (r == NULL) return CW_ENOMEM;
  cw_prior_score(m->prior, pass->z, r);
  for (long i = 0; i < adjoint_length(m); i++) g[i] -= r[i];
  cw_arena_rewind(work, mark);
  scale_lanes(m, g, scale);
  return pull_to_sample(m, pass->frame, g, NULL, gtheta, work);
}

/* ---- without gradients ---- */

/* A draw of the mixture: q0 and a random sign. */
static void flip_signs(cw_field *block, cw_rng rng, uint32_t step) {
  enum { SIGN_DRAW = 1 };
  double sign[CW_LANES];
  for (int l = 0; l < CW_LANES; l++) {
    double u[2];
    cw_uniform2(rng, 0, (uint32_t)(block->first_chain + l), step, SIGN_DRAW, u);
    sign[l] = u[0] < 0.5 ? -1 : 1;
  }
  for (long o = 0; o < block->geom->n_outer; o++)
    for (int l = 0; l < CW_LANES; l++) block->data[o * CW_LANES + l] *= sign[l];
}

static cw_status sample(const cw_model *model, cw_field *block, cw_rng rng, uint32_t step,
                        double logq[CW_LANES], cw_arena *tape) {
  const cw_flow *m = flow_of(model);
  double logj[CW_LANES] CW_ALIGNED = {0}, share[CW_LANES], *z;
  CW_TRY(cw_prior_sample(m->prior, rng, step, block->first_chain, block->data, logq, tape));
  CW_TRY(push_forward(m, block->data, logj, NULL, tape));
  for (int l = 0; l < CW_LANES; l++) logq[l] -= logj[l];
  if (!m->mixture) return CW_OK;
  CW_TRY(add_mirror(m, block->data, logq, share, &z, NULL, tape));
  flip_signs(block, rng, step);
  return CW_OK;
}

static cw_status log_prob(const cw_model *model, cw_field *block, double logq[CW_LANES],
                          cw_arena *tape) {
  const cw_flow *m = flow_of(model);
  double share[CW_LANES], *z;
  CW_TRY(flow_log_prob(m, block->data, &z, logq, NULL, tape));
  return m->mixture ? add_mirror(m, block->data, logq, share, &z, NULL, tape) : CW_OK;
}

bool cw_model_is_mixture(const cw_model *m) { return m->ops == &flow_ops && flow_of(m)->mixture; }

static const cw_model_ops flow_ops = {.sample_block = sample_block,
                                      .log_prob_block = log_prob_block,
                                      .log_prob_vjp = log_prob_vjp,
                                      .sample = sample,
                                      .log_prob = log_prob,
                                      .carry = carry,
                                      .init = init,
                                      .find_trouble = cw_flow_find_trouble,
                                      .layer_name = cw_flow_layer_name,
                                      .held = cw_flow_held,
                                      .between = cw_flow_between,
                                      .resize = cw_flow_resize,
                                      .set_precision = cw_flow_set_precision,
                                      .destroy = destroy};
