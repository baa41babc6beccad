/* Inside of bridge: what a sampler is tuned to on every rung of a ladder. */
#ifndef CW_BRIDGE_TUNED_H
#define CW_BRIDGE_TUNED_H

#include "causeway/bridge.h"

typedef struct {
  int n;         /* rungs */
  long size;     /* n_state of the sampler */
  double *state; /* (n, size), owned */
} cw_tuned;

/* All rungs start with the state of sampler. CW_ENOMEM. The caller closes *out in any case. */
cw_status cw_tuned_open(cw_context *ctx, int n, const cw_sampler *sampler, cw_tuned *out);
void cw_tuned_close(cw_tuned *t);
void cw_tuned_take(const cw_tuned *t, int rung, cw_sampler *sampler); /* its state of a rung */
const double *cw_tuned_state(const cw_tuned *t, int rung);            /* (size) */
void cw_tuned_note(cw_tuned *t, int rung, const cw_sampler *sampler);
long cw_tuned_size(const cw_tuned *t); /* numbers of all rungs, for checkpoints */

#endif
