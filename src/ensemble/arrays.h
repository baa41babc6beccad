/* Inside of the ensemble room: checks and ownership of sets of arrays. */
#ifndef CW_ENSEMBLE_ARRAYS_H
#define CW_ENSEMBLE_ARRAYS_H

#include "causeway/store.h"

/* Like cw_arrays_lend, but the set takes data (from malloc) over: on failure too, when it is freed.
 */
cw_status cw_arrays_give(cw_context *ctx, cw_arrays *set, const char *name, int rank,
                         const long *dim, double *data);

/* Product of dim (rank); -1 if one is negative or the size in bytes would overflow a long. */
long cw_dim_product(int rank, const long *dim);

/* 1 to max-1 letters, digits and characters of extra, not starting with '.'. */
bool cw_name_is_plain(const char *name, size_t max, const char *extra);

#endif
