/* The little of HDF5 that sealed files need: files on a medium, attributes, checksummed data sets of
 * doubles. h5.c and h5_driver.c are the only files that know HDF5. Functions return false (or a negative id) on
 * failure; cw_h5_reason then says why. HDF5 keeps its own global state: one thread at a time. */
#ifndef CW_ENSEMBLE_H5_H
#define CW_ENSEMBLE_H5_H

#include "ensemble/arrays.h"
#include "ensemble/medium.h"

typedef int64_t cw_h5_id; /* HDF5's hid_t */

/* HDF5 prints its errors by itself; silenced between begin and end, which restores what was set
 * before. */
typedef struct {
  void (*print)(void); /* of HDF5's own type, cast */
  void *data;
} cw_h5_quiet;
cw_h5_quiet cw_h5_quiet_begin(void);
void cw_h5_quiet_end(cw_h5_quiet quiet);
void cw_h5_reason(char *reason, size_t size); /* innermost message of the last failure */

/* Files on a medium, which must outlive them. A new one, on an empty medium, or one that is there and read only; close
 * it; negative: failed. HDF5 never learns that a medium could not be written (its problem). */
cw_h5_id cw_h5_create(cw_medium *medium);
cw_h5_id cw_h5_open(cw_medium *medium);
/* true: all that was put is on the medium. In any case HDF5 no longer reaches it. */
bool cw_h5_close(cw_h5_id file, cw_medium *medium);

bool cw_h5_put_text(cw_h5_id object, const char *name, const char *text);
bool cw_h5_put_long(cw_h5_id object, const char *name, long value);
char *cw_h5_get_text(cw_h5_id object, const char *name,
                     size_t max_bytes); /* from malloc; NULL: failed */
bool cw_h5_get_long(cw_h5_id object, const char *name, long *value);
bool cw_h5_put_double(cw_h5_id object, const char *name, double value);
bool cw_h5_get_double(cw_h5_id object, const char *name, double *value);

bool cw_h5_put_array(cw_h5_id file, const cw_array *a);
/* Fills a->rank and dim. max_bytes bounds what a damaged file may ask for. */
bool cw_h5_get_shape(cw_h5_id file, const char *name, size_t max_bytes, cw_array *a);
/* Of an array whose shape was found so: fills a->data (owned, from malloc), or hands rows to take. */
bool cw_h5_get_array(cw_h5_id file, cw_array *a);
/* The note of that key on an array, from malloc; NULL: there is none. */
bool cw_h5_get_note(cw_h5_id file, const char *name, const char *key, size_t max_bytes,
                    char **text);
bool cw_h5_take_rows(cw_h5_id file, const cw_array *a, cw_take_rows take, void *of);

/* Name of link number i in order of creation, or of names where the file keeps no other; false: no
 * such link, or longer than size - 1. */
bool cw_h5_link_name(cw_h5_id file, long i, char *name, size_t size);
bool cw_h5_link_count(cw_h5_id file, long *n);

#endif
