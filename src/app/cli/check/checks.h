/* The parts of causeway check; private to src/app/cli/check. A check fails through cw_fail, with what
 * was expected and what was found; found receives a few words for its line. */
#ifndef CW_APP_CHECKS_H
#define CW_APP_CHECKS_H

#include <stddef.h>

#include "causeway/core.h"

typedef cw_status cw_check(cw_context *ctx, char *found, size_t size);

/* fields.c: kernels against plain loops over sites, for every split of the lattice into lanes */
cw_check cw_check_theory, cw_check_gauge;
/* chains.c: Markov chains against known values */
cw_check cw_check_hmc, cw_check_heatbath;
/* models.c: models that are trained here, against exact ln Z, and with the same bits on 1 and 2
 * threads */
cw_check cw_check_flow, cw_check_autoregressive, cw_check_threads;
/* store.c: what is written is read, and damage noticed */
cw_check cw_check_store;

/* check.c: |value - expected| <= 4 error, or a failure that names the numbers; and one for want of
 * memory. */
cw_status cw_within_4_sigma(cw_context *ctx, const char *what, double value, double error,
                            double expected, double its_error);
cw_status cw_check_no_memory(cw_context *ctx);

#endif
