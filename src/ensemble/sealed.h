/* A sealed HDF5 file as bytes, made and read in memory: HDF5 never touches the disk, so that a full
 * disk or a damaged file never meets it. Layout:
 *   /      attributes format, version, those of the label, causeway
 *   /NAME  one chunked IEEE-double data set per array, with Fletcher32, in the order in which they
 *          were put. A scalar is a data set of one element with the attribute scalar = 1. The notes
 *          of an array are attributes, which only others read.
 * Behind it stands the seal. Equal contents give equal bytes (no time stamps). Local. */
#ifndef CW_ENSEMBLE_SEALED_H
#define CW_ENSEMBLE_SEALED_H

#include "causeway/store.h"
#include "ensemble/h5.h"

/* What a file says of itself beside its format. get takes texts of at most max_bytes. */
typedef struct {
  bool (*put)(cw_h5_id file, const void *label);
  bool (*get)(cw_h5_id file, size_t max_bytes, void *label);
  void *label;
} cw_labelled;

/* *bytes (*size, from malloc, the caller frees it): the HDF5 file and its seal. */
cw_status cw_sealed_encode(cw_context *ctx, const char *path, const cw_file_format *format,
                           const cw_labelled *label, const cw_arrays *set, uint8_t **bytes,
                           size_t *size);

/* bytes (size): a whole sealed file; path is for messages. Adds to *set, which the caller clears, as
 * it does the label, also after a failure. CW_ECORRUPT: seal, checksum or layout are wrong;
 * CW_EINVAL: a newer version of the format. */
cw_status cw_sealed_decode(cw_context *ctx, const char *path, const cw_file_format *format,
                           const uint8_t *bytes, size_t size, const cw_labelled *label,
                           cw_arrays *set);

/* Are bytes (size) a whole sealed file of that format, whatever its version? Reports nothing. */
bool cw_sealed_is(const cw_file_format *format, const uint8_t *bytes, size_t size);

#endif
