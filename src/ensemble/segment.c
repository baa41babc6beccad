#include "ensemble/segment.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ensemble/arrays.h"
#include "ensemble/h5.h"
#include "ensemble/seal.h"

static const char FORMAT[] = "causeway-segment";

void cw_segment_label_clear(cw_segment_label *label) {
  free(label->stage);
  free(label->job);
  *label = (cw_segment_label){0};
}

/* HDF5 does not say whether it was memory that it lacked, but malloc does: errno was 0 before. */
static cw_status fail_hdf5(cw_context *ctx, cw_status st, const char *path, const char *what) {
  char reason[200];
  if (errno == ENOMEM) return cw_fail(ctx, CW_ENOMEM, "no memory for '%s'", path);
  cw_h5_reason(reason, sizeof reason);
  return cw_fail(ctx, st, "'%s': %s (HDF5: %s)", path, what, reason);
}

/* ----------------------------------------------------------------- writing */

static bool put_label(cw_h5_id file, const cw_segment_label *label) {
  return cw_h5_put_text(file, "format", FORMAT) &&
         cw_h5_put_long(file, "version", CW_SEGMENT_VERSION) &&
         cw_h5_put_text(file, "stage", label->stage) &&
         cw_h5_put_long(file, "index", label->index) && cw_h5_put_text(file, "job", label->job) &&
         cw_h5_put_text(file, "causeway", CW_VERSION);
}

static bool put_arrays(cw_h5_id file, const cw_arrays *set) {
  for (int i = 0; i < set->n; i++)
    if (!cw_h5_put_array(file, &set->array[i])) return false;
  return true;
}

cw_status cw_segment_encode(cw_context *ctx, const char *path, const cw_segment_label *label,
                            const cw_arrays *set, uint8_t **bytes, size_t *size) {
  cw_h5_quiet quiet = cw_h5_quiet_begin();
  cw_h5_image image;
  cw_status st = CW_OK;
  errno = 0;
  if (!cw_h5_create(&image) || !put_label(image.id, label) || !put_arrays(image.id, set) ||
      !cw_h5_finish(&image, CW_SEAL_BYTES)) {
    st = fail_hdf5(ctx, CW_EIO, path, "cannot build the segment");
    cw_h5_abandon(&image);
  } else {
    cw_seal(image.bytes, image.size);
    *bytes = image.bytes;
    *size = image.size + CW_SEAL_BYTES;
  }
  cw_h5_quiet_end(quiet);
  return st;
}

/* ----------------------------------------------------------------- reading */

static cw_status check_version(cw_context *ctx, const char *path, cw_h5_id file, size_t max_bytes) {
  char *format = cw_h5_get_text(file, "format", max_bytes);
  bool ours = format != NULL && strcmp(format, FORMAT) == 0;
  if (format == NULL && errno == ENOMEM)
    return fail_hdf5(ctx, CW_ECORRUPT, path, "cannot read its format");
  free(format);
  if (!ours) return cw_fail(ctx, CW_ECORRUPT, "'%s' is not a segment of causeway", path);
  long version = 0;
  if (!cw_h5_get_long(file, "version", &version) || version < 1)
    return cw_fail(ctx, CW_ECORRUPT, "'%s' does not say which version of the format it is", path);
  if (version <= CW_SEGMENT_VERSION) return CW_OK;
  char *writer = cw_h5_get_text(file, "causeway", max_bytes);
  cw_status st =
      cw_fail(ctx, CW_EINVAL,
              "'%s' is in format version %ld (written by causeway %.40s); this causeway %s reads "
              "version %d",
              path, version, writer != NULL ? writer : "?", CW_VERSION, CW_SEGMENT_VERSION);
  free(writer);
  return st;
}

static cw_status get_label(cw_context *ctx, const char *path, cw_h5_id file, size_t max_bytes,
                           cw_segment_label *label) {
  CW_TRY(check_version(ctx, path, file, max_bytes));
  label->stage = cw_h5_get_text(file, "stage", max_bytes);
  label->job = cw_h5_get_text(file, "job", max_bytes);
  if (label->stage != NULL && label->job != NULL && cw_h5_get_long(file, "index", &label->index))
    return CW_OK;
  return fail_hdf5(ctx, CW_ECORRUPT, path, "cannot read the label of the segment");
}

static cw_status get_arrays(cw_context *ctx, const char *path, cw_h5_id file, size_t max_bytes,
                            cw_arrays *set) {
  long n = 0;
  if (!cw_h5_link_count(file, &n))
    return fail_hdf5(ctx, CW_ECORRUPT, path, "cannot list the arrays");
  for (long i = 0; i < n; i++) {
    cw_array a = {0};
    if (!cw_h5_link_name(file, i, a.name, sizeof a.name) ||
        !cw_name_is_plain(a.name, sizeof a.name, "_-.+"))
      return fail_hdf5(ctx, CW_ECORRUPT, path, "cannot read the name of an array");
    if (cw_arrays_get(set, a.name) != NULL)
      return cw_fail(ctx, CW_ECORRUPT, "'%s': array '%s' is there twice", path, a.name);
    if (!cw_h5_get_array(file, a.name, max_bytes, &a)) {
      free(a.data);
      return fail_hdf5(ctx, CW_ECORRUPT, path, "cannot read an array");
    }
    CW_TRY(cw_arrays_give(ctx, set, a.name, a.rank, a.dim, a.data));
  }
  return CW_OK;
}

static cw_status read_sealed(cw_context *ctx, const char *path, const uint8_t *bytes, size_t size,
                             cw_segment_label *label, cw_arrays *set) {
  errno = 0;
  cw_h5_id file = cw_h5_open(bytes, size);
  if (file < 0) return fail_hdf5(ctx, CW_ECORRUPT, path, "not a readable HDF5 file");
  cw_status st = get_label(ctx, path, file, size, label);
  if (st == CW_OK) st = get_arrays(ctx, path, file, size, set);
  cw_h5_close(file);
  return st;
}

cw_status cw_segment_decode(cw_context *ctx, const char *path, const uint8_t *bytes, size_t size,
                            cw_segment_label *label, cw_arrays *set) {
  *label = (cw_segment_label){0};
  cw_arrays_clear(set);
  size_t data_size;
  CW_TRY(cw_seal_check(ctx, path, bytes, size, &data_size));
  cw_h5_quiet quiet = cw_h5_quiet_begin();
  cw_status st = read_sealed(ctx, path, bytes, data_size, label, set);
  cw_h5_quiet_end(quiet);
  if (st != CW_OK) {
    cw_segment_label_clear(label);
    cw_arrays_clear(set);
  }
  return st;
}
