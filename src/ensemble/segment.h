/* One segment as a sealed HDF5 file (sealed.h) with the label stage, index and job. Local. */
#ifndef CW_ENSEMBLE_SEGMENT_H
#define CW_ENSEMBLE_SEGMENT_H

#include "ensemble/sealed.h"

enum { CW_SEGMENT_VERSION = 1 };

/* What a segment says of itself. */
typedef struct {
  char *stage, *job; /* owned when filled by cw_segment_decode */
  long index;
} cw_segment_label;

void cw_segment_label_clear(cw_segment_label *label);

/* The HDF5 file and its seal onto an empty medium, as cw_sealed_encode; and into an empty file. */
cw_status cw_segment_encode(cw_context *ctx, const char *path, const cw_segment_label *label,
                            const cw_arrays *set, cw_medium *m);
cw_status cw_segment_write(const cw_segment_label *label, const cw_arrays *set, cw_disk_file *file);

/* m: a sealed file of which the seal was taken off; path is for messages; wanted: as cw_sealed_decode. Clears *label and
 * *set first. CW_ECORRUPT: checksum or layout are wrong; CW_EINVAL: a newer version of the format. */
cw_status cw_segment_decode(cw_context *ctx, const char *path, cw_medium *m, cw_wanted wanted,
                            const void *of, cw_segment_label *label, cw_arrays *set);

#endif
