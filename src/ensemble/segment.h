/* One segment as a sealed HDF5 file (sealed.h) with the label stage, index and job. Local. */
#ifndef CW_ENSEMBLE_SEGMENT_H
#define CW_ENSEMBLE_SEGMENT_H

#include "causeway/store.h"

enum { CW_SEGMENT_VERSION = 1 };

/* What a segment says of itself. */
typedef struct {
  char *stage, *job; /* owned when filled by cw_segment_decode */
  long index;
} cw_segment_label;

void cw_segment_label_clear(cw_segment_label *label);

/* *bytes (*size + CW_SEAL_BYTES, from malloc, the caller frees it): the HDF5 file and its seal. */
cw_status cw_segment_encode(cw_context *ctx, const char *path, const cw_segment_label *label,
                            const cw_arrays *set, uint8_t **bytes, size_t *size);

/* bytes (size): a whole sealed file; path is for messages. Clears *label and *set first.
 * CW_ECORRUPT: seal, checksum or layout are wrong; CW_EINVAL: a newer version of the format. */
cw_status cw_segment_decode(cw_context *ctx, const char *path, const uint8_t *bytes, size_t size,
                            cw_segment_label *label, cw_arrays *set);

#endif
