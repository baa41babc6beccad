/* A sealed HDF5 file, made and read through a medium (medium.h): HDF5 never learns that a disk is full, and meets no
 * file whose seal was not looked at. Layout:
 *   /      attributes format, version, those of the label, causeway
 *   /NAME  one chunked IEEE-double data set per array, with Fletcher32, in the order in which they
 *          were put. A scalar is a data set of one element with the attribute scalar = 1. The notes
 *          of an array are attributes, which only others read.
 * Behind it stands the seal. Equal contents give equal bytes (no time stamps). Local. */
#ifndef CW_ENSEMBLE_SEALED_H
#define CW_ENSEMBLE_SEALED_H

#include "ensemble/disk.h"
#include "ensemble/h5.h"

/* What a file says of itself beside its format. get takes texts of at most max_bytes. */
typedef struct {
  bool (*put)(cw_h5_id file, const void *label);
  bool (*get)(cw_h5_id file, size_t max_bytes, void *label);
  void *label;
} cw_labelled;

/* The HDF5 file and its seal onto an empty medium, whose owner looks for its problem and forgets it, also after a failure. */
cw_status cw_sealed_encode(cw_context *ctx, const char *path, const cw_file_format *format,
                           const cw_labelled *label, const cw_arrays *set, cw_medium *m);
/* The same into an empty file that was begun. CW_EIO: disk full and its like. */
cw_status cw_sealed_write(const cw_file_format *format, const cw_labelled *label,
                          const cw_arrays *set, cw_disk_file *file);

/* m: a sealed file of which the seal was checked and taken off (seal.h); path is for messages. Adds to *set the arrays
 * that are wanted (NULL: all), which the caller clears, as it does the label, also after a failure.
 * CW_ECORRUPT: checksum or layout are wrong; CW_EINVAL: a newer version of the format. */
cw_status cw_sealed_decode(cw_context *ctx, const char *path, const cw_file_format *format,
                           cw_medium *m, const cw_labelled *label, cw_wanted wanted, const void *of,
                           cw_arrays *set);
/* Hands the rows of an array of that name and shape to take, cw_rows_at_once of them at a time, in ascending order. */
cw_status cw_sealed_read_rows(cw_context *ctx, const char *path, cw_medium *m,
                              const cw_array *shape, cw_take_rows take, void *of);

/* Is it a whole sealed file of that format, whatever its version? Reports nothing. */
bool cw_sealed_is(const cw_file_format *format, const char *path);

#endif
