/* Inside of populations: what the moves share. */
#ifndef CW_BRIDGE_POPULATION_H
#define CW_BRIDGE_POPULATION_H

#include "causeway/bridge.h"

/* Threads for a loop over this rank's blocks. */
int cw_population_threads(const cw_population *p);

/* p->all <- w_i / sum w of all particles, in their order; returns ln sum w. Collective. */
double cw_population_shares(cw_population *p);
double cw_ess_of_shares(const double *share, long n); /* in (0, 1] */

#endif
