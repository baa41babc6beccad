/* Reverse KL: <ln q + S> over x ~ q. Forward KL: <-ln q> over x ~ p. Transition: the reverse KL of
 * the layers' image of given configurations (Matthews et al., arXiv:2201.13117). Each with
 * the plain gradient and the path gradient, which leaves out the part of vanishing mean (Roeder et
 * al., arXiv:1703.09194; Vaitl et al., arXiv:2207.08219, 2403.15881); for spins by the score
 * function alone. */
#include "train/losses.h"

static const double one[CW_LANES] CW_ALIGNED = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static const double minus_one[CW_LANES] CW_ALIGNED = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                      -1, -1, -1, -1, -1, -1, -1, -1};

static int configurations(const cw_theory *th) { return CW_LANES / th->geom->V; }

/* Doubles in a block of adjoints. */
static size_t adjoint_length(const cw_theory *th) {
  return (size_t)(th->geom->n_outer * th->n_tangent) * CW_LANES;
}

static cw_field view_of(const cw_theory *th, int n_comp, double *x) {
  return (cw_field){.geom = th->geom,
                    .n_comp = n_comp,
                    .B = configurations(th),
                    .n_config = configurations(th),
                    .n_blocks = 1,
                    .data = x};
}

/* S and dS/dx = -force of a block at couplings c; dS may be NULL. */
static cw_status action(const cw_theory *th, const double *c, double *x, double *S, double *dS,
                        cw_arena *work) {
  double *T = cw_arena_alloc(work, (size_t)(CW_LANES * th->ops->n_terms) * sizeof *T);
  if (T == NULL) return CW_ENOMEM;
  cw_field at = view_of(th, th->n_comp, x), f = view_of(th, th->n_tangent, dS);
  cw_theory_action(th, &at, c, T, S);
  if (dS == NULL) return CW_OK;
  th->ops->force(th, &at, c, &f);
  for (size_t i = 0; i < adjoint_length(th); i++) dS[i] = -dS[i];
  return CW_OK;
}

static cw_status reverse_kl(const cw_loss_setup *s, long first_chain, double *S, double *logq,
                            cw_gradient_of *gtheta, cw_arena *work) {
  cw_model_pass pass;
  size_t n = adjoint_length(s->th);
  CW_TRY(cw_model_sample_block(s->model, s->rng, s->step, first_chain, &pass, work));
  double *g = cw_arena_alloc(work, n * sizeof *g), *score = cw_arena_alloc(work, n * sizeof *score);
  if (g == NULL || score == NULL) return CW_ENOMEM;
  CW_TRY(action(s->th, s->c, pass.x, S, g, work));
  for (int l = 0; l < configurations(s->th); l++) logq[l] = pass.logq[l];
  if (s->gradient == CW_GRADIENT_PLAIN)
    return cw_model_sample_vjp(s->model, &pass, g, one, gtheta, work);
  CW_TRY(cw_model_score_block(s->model, &pass, score, work));
  for (size_t i = 0; i < n; i++) g[i] += score[i];
  return cw_model_sample_vjp(s->model, &pass, g, NULL, gtheta, work);
}

static cw_status scores(const cw_loss_setup *s, long first_chain, double *S, double *logq,
                        cw_gradient_of *gtheta, cw_arena *work) {
  cw_model_pass pass;
  CW_TRY(cw_model_sample_block(s->model, s->rng, s->step, first_chain, &pass, work));
  double *g = cw_arena_alloc(work, adjoint_length(s->th) * sizeof *g);
  if (g == NULL) return CW_ENOMEM;
  CW_TRY(action(s->th, s->c, pass.x, S, NULL, work));
  for (int l = 0; l < configurations(s->th); l++) logq[l] = pass.logq[l];
  return cw_model_log_prob_vjp(s->model, &pass, one, g, gtheta, work);
}

/* d<w>/dtheta = <(w - b) d ln q/dtheta> with w = ln q + S and any b that does not know the
 * configuration: here the mean of w over the others of the block. */
static cw_status reinforce(const cw_loss_setup *s, long first_chain, double *S, double *logq,
                           cw_gradient_of *gtheta, cw_arena *work) {
  cw_model_pass pass;
  double mean = 0, weight[CW_LANES] CW_ALIGNED;
  CW_TRY(cw_model_sample_block(s->model, s->rng, s->step, first_chain, &pass, work));
  CW_TRY(action(s->th, s->c, pass.x, S, NULL, work));
  for (int l = 0; l < CW_LANES; l++) {
    logq[l] = pass.logq[l];
    weight[l] = logq[l] + S[l];
    mean += weight[l] / CW_LANES;
  }
  for (int l = 0; l < CW_LANES; l++) weight[l] = (weight[l] - mean) * CW_LANES / (CW_LANES - 1);
  return cw_model_log_prob_vjp(s->model, &pass, weight, NULL, gtheta, work);
}

static cw_status forward_kl(const cw_loss_setup *s, const double *x, double *S, double *logq,
                            cw_gradient_of *gtheta, cw_arena *work) {
  cw_model_pass pass;
  size_t n = adjoint_length(s->th);
  CW_TRY(cw_model_log_prob_block(s->model, x, &pass, work));
  double *g = cw_arena_alloc(work, n * sizeof *g);
  if (g == NULL) return CW_ENOMEM;
  CW_TRY(action(s->th, s->c, pass.x, S, s->gradient == CW_GRADIENT_PATH ? g : NULL, work));
  for (int l = 0; l < configurations(s->th); l++) logq[l] = pass.logq[l];
  if (s->gradient == CW_GRADIENT_PLAIN)
    return cw_model_log_prob_vjp(s->model, &pass, minus_one, g, gtheta, work);
  for (size_t i = 0; i < n; i++) g[i] = -g[i]; /* d ln p/dx */
  return cw_model_forward_path_vjp(s->model, &pass, g, one, gtheta, work);
}

/* Configurations of weight 0, which padding lanes are, are replaced by a cold one: whatever is in
 * them, nothing that is not finite comes out. */
static double *particles_of_weight(const cw_theory *th, const double *x, const double *weight,
                                   cw_arena *work) {
  const size_t n = (size_t)(th->geom->n_outer * th->n_comp) * CW_LANES;
  const int B = configurations(th);
  double *kept = cw_arena_alloc(work, n * sizeof *kept);
  if (kept == NULL) return NULL;
  cw_field view = view_of(th, th->n_comp, kept);
  cw_kind(th->ops->kind)->cold(&view);
  for (size_t i = 0; i < n; i++)
    if (weight[i % CW_LANES % (size_t)B] != 0) kept[i] = x[i];
  return kept;
}

/* S: S(f(x); c) - S(x; c_from). */
static cw_status transition(const cw_loss_setup *s, const double *x, const double *weight,
                            double *S, double *logq, cw_gradient_of *gtheta, cw_arena *work) {
  cw_model_pass pass;
  size_t n = adjoint_length(s->th);
  bool path = s->gradient == CW_GRADIENT_PATH;
  double S_from[CW_LANES], *start = particles_of_weight(s->th, x, weight, work);
  double *g = cw_arena_alloc(work, n * sizeof *g), *score = cw_arena_alloc(work, n * sizeof *score);
  if (start == NULL || g == NULL || score == NULL) return CW_ENOMEM;
  CW_TRY(cw_model_forward_block(s->model, start, &pass, work));
  CW_TRY(action(s->th, s->c_from, pass.z, S_from, path ? score : NULL, work));
  CW_TRY(action(s->th, s->c, pass.x, S, g, work));
  const int B = configurations(s->th);
  for (int l = 0; l < B; l++) {
    S[l] -= S_from[l];
    logq[l] = pass.logq[l];
  }
  if (path) {
    for (size_t i = 0; i < n; i++) score[i] = -score[i]; /* d ln p_from/dx */
    CW_TRY(cw_model_carry_score(s->model, &pass, score, work));
    for (size_t i = 0; i < n; i++) g[i] += score[i];
  }
  for (size_t i = 0; i < n; i++) g[i] *= weight[i % CW_LANES % (size_t)B];
  return cw_model_sample_vjp(s->model, &pass, g, path ? NULL : weight, gtheta, work);
}

cw_status cw_loss_block(const cw_loss_setup *s, long first_chain, const double *x, double *lw,
                        double *logq, cw_gradient_of *gtheta, cw_arena *work) {
  double S[CW_LANES];
  if (s->scores)
    CW_TRY(scores(s, first_chain, S, logq, gtheta, work));
  else if (s->loss == CW_LOSS_REVERSE_KL && s->gradient == CW_GRADIENT_REINFORCE)
    CW_TRY(reinforce(s, first_chain, S, logq, gtheta, work));
  else if (s->loss == CW_LOSS_REVERSE_KL)
    CW_TRY(reverse_kl(s, first_chain, S, logq, gtheta, work));
  else if (s->loss == CW_LOSS_FORWARD_KL)
    CW_TRY(forward_kl(s, x, S, logq, gtheta, work));
  else
    CW_TRY(transition(s, x, s->weights + first_chain, S, logq, gtheta, work));
  for (int l = 0; l < configurations(s->th); l++) lw[l] = -S[l] - logq[l];
  return CW_OK;
}

cw_status cw_work_block(const cw_work_setup *s, const double *x, double *work,
                        cw_gradient_of *gtheta, cw_arena *arena) {
  cw_model_pass pass;
  double S_from[CW_LANES];
  CW_TRY(cw_model_forward_block(s->model, x, &pass, arena));
  double *g = cw_arena_alloc(arena, adjoint_length(s->th) * sizeof *g);
  if (g == NULL) return CW_ENOMEM;
  CW_TRY(action(s->th, s->c_from, pass.z, S_from, NULL, arena));
  CW_TRY(action(s->th, s->c_at, pass.x, work, g, arena));
  if (s->c_to != s->c_at) CW_TRY(action(s->th, s->c_to, pass.x, work, NULL, arena));
  for (int l = 0; l < configurations(s->th); l++) work[l] += pass.logq[l] - S_from[l];
  return cw_model_sample_vjp(s->model, &pass, g, one, gtheta, arena);
}
