/* A flow: a prior and a list of layers. Private to src/model. */
#ifndef CW_MODEL_FLOW_H
#define CW_MODEL_FLOW_H

#include "model/model.h"
#include "model/prior/prior.h"

typedef struct {
  cw_model base;
  cw_prior *prior;
  int n_layers;
  cw_layer *layer[CW_MAX_LAYERS];
  long at[CW_MAX_LAYERS]; /* first parameter of each layer */
  bool mixture;
  cw_link_set moves, reads; /* of all layers, where each of them has such */
} cw_flow;

static inline cw_theta cw_flow_slice(const cw_flow *m, int i) {
  return (cw_theta){m->base.theta + m->at[i], m->base.theta_f + m->at[i]};
}
/* Doubles in a block of fields. */
static inline long cw_flow_block(const cw_flow *m) {
  return m->base.geom->n_outer * m->base.n_comp * CW_LANES;
}

/* Entries of cw_model_ops, of models that are flows. */
int cw_flow_find_trouble(const cw_model *model, cw_rng rng, uint32_t step, long first_chain,
                         const double *x, bool inverse, cw_arena *work, bool *finite);
const char *cw_flow_layer_name(const cw_model *model, int i);
double cw_flow_held(const cw_model *model);
void cw_flow_between(cw_model *model, const cw_theory_ops *th, const double *from,
                     const double *to);
cw_status cw_flow_resize(cw_context *ctx, const cw_model *model, const cw_lattice *other, long *n,
                         const double *theirs, double *mine);
void cw_flow_set_precision(cw_model *model, cw_precision precision);

#endif
