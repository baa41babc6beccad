/* The little of HDF5 that segments need: files in memory, attributes, checksummed data sets of doubles. Functions return
 * false on failure; cw_h5_reason then says why. HDF5 keeps its own global state: one thread at a time. */
#ifndef CW_ENSEMBLE_H5_H
#define CW_ENSEMBLE_H5_H

#include <hdf5.h>

#include "causeway/store.h"

/* HDF5 prints its errors by itself; silenced between begin and end, which restores what was set before. */
typedef struct {
  H5E_auto2_t print;
  void *data;
} cw_h5_quiet;
cw_h5_quiet cw_h5_quiet_begin(void);
void cw_h5_quiet_end(cw_h5_quiet quiet);
void cw_h5_reason(char *reason, size_t size); /* innermost message of the last failure */

/* A new file in memory. Closing it hands its bytes over (from malloc), after which *bytes is NULL if that failed. */
typedef struct {
  hid_t id;
  uint8_t *bytes; /* NULL until closed */
  size_t size, capacity;
} cw_h5_image;
bool cw_h5_create(cw_h5_image *image);
bool cw_h5_finish(cw_h5_image *image, size_t reserve); /* bytes (size + reserve), the caller frees them */
void cw_h5_abandon(cw_h5_image *image);

hid_t cw_h5_open(const uint8_t *bytes, size_t size); /* copies bytes; H5Fclose it; negative: failed */

bool cw_h5_put_text(hid_t object, const char *name, const char *text);
bool cw_h5_put_long(hid_t object, const char *name, long value);
char *cw_h5_get_text(hid_t object, const char *name, size_t max_bytes); /* from malloc; NULL: failed */
bool cw_h5_get_long(hid_t object, const char *name, long *value);

bool cw_h5_put_array(hid_t file, const cw_array *a);
/* Fills a->rank, dim and data (owned, from malloc). max_bytes bounds what a damaged file may ask for. */
bool cw_h5_get_array(hid_t file, const char *name, size_t max_bytes, cw_array *a);

/* Name of link number i in order of creation; false: no such link, or longer than size - 1. */
bool cw_h5_link_name(hid_t file, hsize_t i, char *name, size_t size);
bool cw_h5_link_count(hid_t file, hsize_t *n);

#endif
