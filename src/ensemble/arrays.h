/* Inside of the ensemble room: checks and ownership of sets of arrays. */
#ifndef CW_ENSEMBLE_ARRAYS_H
#define CW_ENSEMBLE_ARRAYS_H

#include "causeway/store.h"

/* How much of an array (its name and shape) is read: its shape is an array whose data are NULL; its notes are read
 * only where they are written again. */
typedef enum { CW_WANT_NOTHING, CW_WANT_SHAPE, CW_WANT_ALL, CW_WANT_NOTED } cw_want;
typedef cw_want (*cw_wanted)(const cw_array *shape, const void *of);
cw_want cw_want_nothing(const cw_array *shape, const void *of);

extern const char *const cw_note_keys[]; /* keys that notes have; the last is NULL */

/* Rows of an array (rank 1 or more, not empty) that are written and read at once, a megabyte at most or one row: those of a
 * chunk. */
long cw_rows_at_once(const cw_array *shape);

/* Product of dim (rank); -1 if one is negative or the size in bytes would overflow a long. */
long cw_dim_product(int rank, const long *dim);

/* 1 to max-1 letters, digits and characters of extra, not starting with '.'. */
bool cw_name_is_plain(const char *name, size_t max, const char *extra);

#endif
