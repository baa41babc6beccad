#include "ensemble/sealed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ensemble/arrays.h"
#include "ensemble/disk.h"
#include "ensemble/seal.h"

/* HDF5 does not say whether it was memory that it lacked, but malloc does: errno was 0 before. what,
 * and of what: "cannot build the", "segment". */
static cw_status fail_hdf5(cw_context *ctx, cw_status st, const char *path, const char *what,
                           const char *of) {
  char reason[200];
  if (errno == ENOMEM) return cw_fail(ctx, CW_ENOMEM, "no memory for '%s'", path);
  cw_h5_reason(reason, sizeof reason);
  return cw_fail(ctx, st, "'%s': %s%s (HDF5: %s)", path, what, of, reason);
}

/* ----------------------------------------------------------------- writing */

static bool put_label(cw_h5_id file, const cw_file_format *format, const cw_labelled *label) {
  return cw_h5_put_text(file, "format", format->name) &&
         cw_h5_put_long(file, "version", format->version) && label->put(file, label->label) &&
         cw_h5_put_text(file, "causeway", CW_VERSION);
}

static bool put_arrays(cw_h5_id file, const cw_arrays *set) {
  for (int i = 0; i < set->n; i++)
    if (!cw_h5_put_array(file, &set->array[i])) return false;
  return true;
}

cw_status cw_sealed_encode(cw_context *ctx, const char *path, const cw_file_format *format,
                           const cw_labelled *label, const cw_arrays *set, uint8_t **bytes,
                           size_t *size) {
  cw_h5_quiet quiet = cw_h5_quiet_begin();
  cw_h5_image image;
  cw_status st = CW_OK;
  errno = 0;
  if (!cw_h5_create(&image) || !put_label(image.id, format, label) || !put_arrays(image.id, set) ||
      !cw_h5_finish(&image, CW_SEAL_BYTES)) {
    st = fail_hdf5(ctx, CW_EIO, path, "cannot build the ", format->noun);
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

static cw_status check_version(cw_context *ctx, const char *path, const cw_file_format *format,
                               cw_h5_id file, size_t max_bytes) {
  char *name = cw_h5_get_text(file, "format", max_bytes);
  bool ours = name != NULL && strcmp(name, format->name) == 0;
  if (name == NULL && errno == ENOMEM)
    return fail_hdf5(ctx, CW_ECORRUPT, path, "cannot read its format", "");
  free(name);
  if (!ours) return cw_fail(ctx, CW_ECORRUPT, "'%s' is not a %s of causeway", path, format->noun);
  long version = 0;
  if (!cw_h5_get_long(file, "version", &version) || version < 1)
    return cw_fail(ctx, CW_ECORRUPT, "'%s' does not say which version of the format it is", path);
  if (version <= format->version) return CW_OK;
  char *writer = cw_h5_get_text(file, "causeway", max_bytes);
  cw_status st =
      cw_fail(ctx, CW_EINVAL,
              "'%s' is in format version %ld (written by causeway %.40s); this causeway %s reads "
              "version %ld",
              path, version, writer != NULL ? writer : "?", CW_VERSION, format->version);
  free(writer);
  return st;
}

static cw_status get_arrays(cw_context *ctx, const char *path, cw_h5_id file, size_t max_bytes,
                            cw_arrays *set) {
  long n = 0;
  if (!cw_h5_link_count(file, &n))
    return fail_hdf5(ctx, CW_ECORRUPT, path, "cannot list the arrays", "");
  for (long i = 0; i < n; i++) {
    cw_array a = {0};
    if (!cw_h5_link_name(file, i, a.name, sizeof a.name) ||
        !cw_name_is_plain(a.name, sizeof a.name, "_-.+"))
      return fail_hdf5(ctx, CW_ECORRUPT, path, "cannot read the name of an array", "");
    if (cw_arrays_get(set, a.name) != NULL)
      return cw_fail(ctx, CW_ECORRUPT, "'%s': array '%s' is there twice", path, a.name);
    if (!cw_h5_get_array(file, a.name, max_bytes, &a)) {
      free(a.data);
      return fail_hdf5(ctx, CW_ECORRUPT, path, "cannot read an array", "");
    }
    CW_TRY(cw_arrays_give(ctx, set, a.name, a.rank, a.dim, a.data));
  }
  return CW_OK;
}

static cw_status read_sealed(cw_context *ctx, const char *path, const cw_file_format *format,
                             const uint8_t *bytes, size_t size, const cw_labelled *label,
                             cw_arrays *set) {
  errno = 0;
  cw_h5_id file = cw_h5_open(bytes, size);
  if (file < 0) return fail_hdf5(ctx, CW_ECORRUPT, path, "not a readable HDF5 file", "");
  cw_status st = check_version(ctx, path, format, file, size);
  if (st == CW_OK && !label->get(file, size, label->label))
    st = fail_hdf5(ctx, CW_ECORRUPT, path, "cannot read the label of the ", format->noun);
  if (st == CW_OK) st = get_arrays(ctx, path, file, size, set);
  cw_h5_close(file);
  return st;
}

cw_status cw_sealed_decode(cw_context *ctx, const char *path, const cw_file_format *format,
                           const uint8_t *bytes, size_t size, const cw_labelled *label,
                           cw_arrays *set) {
  size_t data_size;
  CW_TRY(cw_seal_check(ctx, path, bytes, size, &data_size));
  cw_h5_quiet quiet = cw_h5_quiet_begin();
  cw_status st = read_sealed(ctx, path, format, bytes, data_size, label, set);
  cw_h5_quiet_end(quiet);
  return st;
}

bool cw_sealed_is(const cw_file_format *format, const uint8_t *bytes, size_t size) {
  size_t data_size;
  if (cw_seal_check(NULL, "", bytes, size, &data_size) != CW_OK) return false;
  cw_h5_quiet quiet = cw_h5_quiet_begin();
  cw_h5_id file = cw_h5_open(bytes, data_size);
  char *name = file >= 0 ? cw_h5_get_text(file, "format", size) : NULL;
  const bool is = name != NULL && strcmp(name, format->name) == 0;
  free(name);
  if (file >= 0) cw_h5_close(file);
  cw_h5_quiet_end(quiet);
  return is;
}

/* ------------------------------------------------------- files of texts and arrays */

typedef struct {
  int n;
  cw_file_text *text;
} texts;

static bool put_texts(cw_h5_id file, const void *label) {
  const texts *t = label;
  for (int i = 0; i < t->n; i++)
    if (!cw_h5_put_text(file, t->text[i].name, t->text[i].text)) return false;
  return true;
}

static bool get_texts(cw_h5_id file, size_t max_bytes, void *label) {
  const texts *t = label;
  for (int i = 0; i < t->n; i++)
    if ((t->text[i].text = cw_h5_get_text(file, t->text[i].name, max_bytes)) == NULL) return false;
  return true;
}

void cw_file_clear(int n, cw_file_text *text, cw_arrays *set) {
  for (int i = 0; i < n; i++) {
    free(text[i].text);
    text[i].text = NULL;
  }
  cw_arrays_clear(set);
}

static cw_status write_bytes(cw_context *ctx, const char *path, const uint8_t *bytes, size_t size) {
  char *dir;
  const char *name;
  CW_TRY(cw_disk_split(ctx, path, &dir, &name));
  cw_status st = cw_disk_write(ctx, dir, name, bytes, size);
  free(dir);
  return st;
}

cw_status cw_file_write(cw_context *ctx, const char *path, const cw_file_format *format, int n,
                        const cw_file_text *text, const cw_arrays *set) {
  texts t = {n, (cw_file_text *)text}; /* never written through */
  const cw_labelled label = {put_texts, get_texts, &t};
  uint8_t *bytes = NULL;
  size_t size = 0;
  CW_TRY(cw_sealed_encode(ctx, path, format, &label, set, &bytes, &size));
  cw_status st = write_bytes(ctx, path, bytes, size);
  free(bytes);
  return st;
}

/* The bytes of a file, on all ranks. */
static cw_status share_bytes(cw_context *ctx, const char *path, uint8_t **bytes, size_t *size) {
  CW_TRY(cw_agree(ctx, cw_rank(ctx) == 0 ? cw_disk_read(ctx, path, bytes, size) : CW_OK));
  cw_broadcast(ctx, size, sizeof *size);
  if (cw_rank(ctx) != 0) *bytes = malloc(*size + 1);
  cw_status st = *bytes != NULL ? CW_OK : cw_fail(ctx, CW_ENOMEM, "no memory for '%s'", path);
  CW_TRY(cw_agree(ctx, st));
  cw_broadcast(ctx, *bytes, *size);
  return CW_OK;
}

cw_status cw_file_read(cw_context *ctx, const char *path, const cw_file_format *format, int n,
                       cw_file_text *text, cw_arrays *set) {
  texts t = {n, text};
  const cw_labelled label = {put_texts, get_texts, &t};
  uint8_t *bytes = NULL;
  size_t size = 0;
  cw_status st = share_bytes(ctx, path, &bytes, &size);
  if (st == CW_OK)
    st = cw_agree(ctx, cw_sealed_decode(ctx, path, format, bytes, size, &label, set));
  free(bytes);
  return st;
}
