/* Priors with exact samples and densities; private to src/model. */
#ifndef CW_MODEL_PRIOR_H
#define CW_MODEL_PRIOR_H

#include "causeway/model.h"

typedef struct cw_prior cw_prior;

/* CW_EINVAL: numbers out of range, or a prior that is not one of such fields or on such splits. */
cw_status cw_prior_create(cw_context *ctx, const cw_prior_spec *spec, cw_field_kind field,
                          const cw_geometry *geom, cw_prior **out);
void cw_prior_destroy(cw_prior *p);
/* z (n_outer, n_comp, CW_LANES) ~ r for chains first_chain..; ln r(z) is added to logr (CW_LANES). */
cw_status cw_prior_sample(const cw_prior *p, cw_rng rng, uint32_t step, long first_chain, double *z,
                          double *logr, cw_arena *work);
void cw_prior_log_prob(const cw_prior *p, const double *z, double *logr); /* adds */
void cw_prior_score(const cw_prior *p, const double *z,
                    double *g); /* g (n_outer, n_tangent, CW_LANES) = d ln r/dz */

#endif
