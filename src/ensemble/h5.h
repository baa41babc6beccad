/* The little of HDF5 that sealed files need: files in memory, attributes, checksummed data sets of
 * doubles. h5.c is the only file that knows HDF5. Functions return false (or a negative id) on
 * failure; cw_h5_reason then says why. HDF5 keeps its own global state: one thread at a time. */
#ifndef CW_ENSEMBLE_H5_H
#define CW_ENSEMBLE_H5_H

#include "causeway/store.h"

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

/* A new file in memory. Closing it hands its bytes over (from malloc), after which *bytes is NULL
 * if that failed. */
typedef struct {
  cw_h5_id id;
  uint8_t *bytes; /* NULL until closed */
  size_t size, capacity;
} cw_h5_image;
bool cw_h5_create(cw_h5_image *image);
bool cw_h5_finish(cw_h5_image *image,
                  size_t reserve); /* bytes (size + reserve), the caller frees them */
void cw_h5_abandon(cw_h5_image *image);

cw_h5_id cw_h5_open(const uint8_t *bytes,
                    size_t size); /* copies bytes; close it; negative: failed */
void cw_h5_close(cw_h5_id file);

bool cw_h5_put_text(cw_h5_id object, const char *name, const char *text);
bool cw_h5_put_long(cw_h5_id object, const char *name, long value);
char *cw_h5_get_text(cw_h5_id object, const char *name,
                     size_t max_bytes); /* from malloc; NULL: failed */
bool cw_h5_get_long(cw_h5_id object, const char *name, long *value);
bool cw_h5_put_double(cw_h5_id object, const char *name, double value);
bool cw_h5_get_double(cw_h5_id object, const char *name, double *value);

bool cw_h5_put_array(cw_h5_id file, const cw_array *a);
/* Fills a->rank, dim and data (owned, from malloc). max_bytes bounds what a damaged file may ask
 * for. */
bool cw_h5_get_array(cw_h5_id file, const char *name, size_t max_bytes, cw_array *a);

/* Name of link number i in order of creation, or of names where the file keeps no other; false: no
 * such link, or longer than size - 1. */
bool cw_h5_link_name(cw_h5_id file, long i, char *name, size_t size);
bool cw_h5_link_count(cw_h5_id file, long *n);

#endif
