/* The segments of a stage as one set of arrays; inside of ensemble. */
#ifndef CW_ENSEMBLE_JOIN_H
#define CW_ENSEMBLE_JOIN_H

#include "causeway/store.h"

/* Is it what a stage goes on from ("state.NAME"), of which the last one counts? */
bool cw_array_is_state(const cw_array *a);

/* Joins the sets of n >= 1 segments as cw_store_read_all says. dir, stage: for messages. Local. CW_ECORRUPT,
 * CW_ENOMEM; the caller clears *out in any case. */
cw_status cw_arrays_join(cw_context *ctx, const char *dir, const char *stage, const cw_arrays *part,
                         long n, cw_arrays *out);

#endif
