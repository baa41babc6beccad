/* What a flow says of its layers, and tells them. */
#include <math.h>
#include <string.h>

#include "model/flow.h"

/* Largest |x|; NAN if there is a number that is not finite. */
static double block_size(const cw_flow *m, const double *x) {
  double size = 0;
  for (long i = 0; i < cw_flow_block(m); i++) {
    if (!isfinite(x[i])) return NAN;
    size = fmax(size, fabs(x[i]));
  }
  return size;
}

int cw_flow_find_trouble(const cw_model *model, cw_rng rng, uint32_t step, long first_chain,
                         const double *x, bool inverse, cw_arena *work, bool *finite) {
  const cw_flow *m = (const cw_flow *)model;
  double logj[CW_LANES] CW_ALIGNED = {0}, logr[CW_LANES] CW_ALIGNED = {0}, most = -1;
  double *y = cw_arena_alloc(work, (size_t)cw_flow_block(m) * sizeof(double));
  int worst = -1;
  CW_REQUIRE(x != NULL || !inverse);
  *finite = true;
  if (y == NULL) return -1;
  if (x)
    memcpy(y, x, (size_t)cw_flow_block(m) * sizeof(double));
  else if (cw_prior_sample(m->prior, rng, step, first_chain, y, logr, work) != CW_OK)
    return -1;
  for (int k = 0; k < m->n_layers; k++) {
    int i = inverse ? m->n_layers - 1 - k : k;
    const cw_layer_ops *ops = m->layer[i]->ops;
    double before = block_size(m, y);
    void *frame;
    if ((inverse ? ops->inverse : ops->forward)(m->layer[i], cw_flow_slice(m, i), y, logj, work,
                                                &frame) != CW_OK)
      return -1;
    double after = block_size(m, y);
    *finite = isfinite(after) && isfinite(cw_sum(logj, CW_LANES));
    if (!*finite) return i;
    if (after > most * before) {
      worst = i;
      most = after / before;
    }
  }
  return worst;
}

const char *cw_flow_layer_name(const cw_model *model, int i) {
  const cw_flow *m = (const cw_flow *)model;
  CW_REQUIRE(i >= 0 && i < m->n_layers);
  return m->layer[i]->ops->name;
}

double cw_flow_held(const cw_model *model) {
  const cw_flow *m = (const cw_flow *)model;
  double least = 1;
  for (int i = 0; i < m->n_layers; i++)
    if (m->layer[i]->ops->held != NULL)
      least = fmin(least, m->layer[i]->ops->held(m->layer[i], cw_flow_slice(m, i)));
  return least;
}

void cw_flow_between(cw_model *model, const cw_theory_ops *th, const double *from,
                     const double *to) {
  const cw_flow *m = (const cw_flow *)model;
  for (int i = 0; i < m->n_layers; i++)
    if (m->layer[i]->ops->between != NULL) m->layer[i]->ops->between(m->layer[i], th, from, to);
}

cw_status cw_flow_resize(cw_context *ctx, const cw_model *model, const cw_lattice *other, long *n,
                         const double *theirs, double *mine) {
  const cw_flow *m = (const cw_flow *)model;
  *n = 0;
  for (int i = 0; i < m->n_layers; i++) {
    const cw_layer *L = m->layer[i];
    const double *from = theirs != NULL ? theirs + *n : NULL;
    double *to = mine != NULL ? mine + m->at[i] : NULL;
    long count = L->n_theta;
    if (L->ops->resize != NULL)
      CW_TRY(L->ops->resize(ctx, L, other, &count, from, to));
    else if (to != NULL)
      memcpy(to, from, (size_t)count * sizeof *to);
    *n += count;
  }
  return CW_OK;
}

void cw_flow_set_precision(cw_model *model, cw_precision precision) {
  const cw_flow *m = (const cw_flow *)model;
  for (int i = 0; i < m->n_layers; i++)
    if (m->layer[i]->ops->set_precision != NULL)
      m->layer[i]->ops->set_precision(m->layer[i], precision);
}
