#include "ensemble/segment.h"

#include <stdlib.h>

static const cw_file_format format = {"causeway-segment", "segment", CW_SEGMENT_VERSION};

void cw_segment_label_clear(cw_segment_label *label) {
  free(label->stage);
  free(label->job);
  *label = (cw_segment_label){0};
}

static bool put_label(cw_h5_id file, const void *of) {
  const cw_segment_label *label = of;
  return cw_h5_put_text(file, "stage", label->stage) &&
         cw_h5_put_long(file, "index", label->index) && cw_h5_put_text(file, "job", label->job);
}

static bool get_label(cw_h5_id file, size_t max_bytes, void *of) {
  cw_segment_label *label = of;
  label->stage = cw_h5_get_text(file, "stage", max_bytes);
  label->job = cw_h5_get_text(file, "job", max_bytes);
  return label->stage != NULL && label->job != NULL && cw_h5_get_long(file, "index", &label->index);
}

cw_status cw_segment_encode(cw_context *ctx, const char *path, const cw_segment_label *label,
                            const cw_arrays *set, cw_medium *m) {
  const cw_labelled of = {put_label, get_label, (void *)label}; /* never written through */
  return cw_sealed_encode(ctx, path, &format, &of, set, m);
}

cw_status cw_segment_write(const cw_segment_label *label, const cw_arrays *set,
                           cw_disk_file *file) {
  const cw_labelled of = {put_label, get_label, (void *)label}; /* never written through */
  return cw_sealed_write(&format, &of, set, file);
}

cw_status cw_segment_decode(cw_context *ctx, const char *path, cw_medium *m, cw_wanted wanted,
                            const void *of, cw_segment_label *label, cw_arrays *set) {
  const cw_labelled labelled = {put_label, get_label, label};
  *label = (cw_segment_label){0};
  cw_arrays_clear(set);
  cw_status st = cw_sealed_decode(ctx, path, &format, m, &labelled, wanted, of, set);
  if (st != CW_OK) {
    cw_segment_label_clear(label);
    cw_arrays_clear(set);
  }
  return st;
}
