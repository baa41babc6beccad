#include "ensemble/sealed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* A file that was begun is closed in any case. */
static bool put_all(cw_medium *m, const cw_file_format *format, const cw_labelled *label,
                    const cw_arrays *set) {
  const cw_h5_id file = cw_h5_create(m);
  if (file < 0) return false;
  const bool ok = put_label(file, format, label) && put_arrays(file, set);
  return cw_h5_close(file, m) && ok;
}

cw_status cw_sealed_encode(cw_context *ctx, const char *path, const cw_file_format *format,
                           const cw_labelled *label, const cw_arrays *set, cw_medium *m) {
  cw_h5_quiet quiet = cw_h5_quiet_begin();
  cw_status st = CW_OK;
  errno = 0;
  if (!put_all(m, format, label, set) && m->problem == 0)
    st = fail_hdf5(ctx, CW_EIO, path, "cannot build the ", format->noun);
  cw_h5_quiet_end(quiet);
  if (st == CW_OK) cw_seal(m);
  if (st == CW_OK && m->problem == ENOMEM)
    return cw_fail(ctx, CW_ENOMEM, "no memory for '%s'", path);
  return st;
}

cw_status cw_sealed_write(const cw_file_format *format, const cw_labelled *label,
                          const cw_arrays *set, cw_disk_file *file) {
  cw_medium m = {.fd = file->fd};
  cw_status st = cw_sealed_encode(file->ctx, file->path, format, label, set, &m);
  if (st == CW_OK && m.problem != 0) st = cw_disk_fail(file, m.problem);
  cw_medium_forget(&m);
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

/* Notes of an array that is in set, as many as one can have. */
static cw_status get_notes(cw_context *ctx, const char *path, cw_h5_id file, size_t max_bytes,
                           const char *name, cw_arrays *set) {
  int n = 0;
  for (int i = 0; cw_note_keys[i] != NULL && n < CW_ARRAY_NOTES; i++) {
    char *text = NULL;
    if (!cw_h5_get_note(file, name, cw_note_keys[i], max_bytes, &text))
      return fail_hdf5(ctx, CW_ECORRUPT, path, "cannot read a note on an array", "");
    cw_status st = text != NULL ? cw_arrays_note(ctx, set, name, cw_note_keys[i], text) : CW_OK;
    n += text != NULL;
    free(text);
    CW_TRY(st);
  }
  return CW_OK;
}

static cw_status get_arrays(cw_context *ctx, const char *path, cw_h5_id file, size_t max_bytes,
                            cw_wanted wanted, const void *of, cw_arrays *set) {
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
    if (!cw_h5_get_shape(file, a.name, max_bytes, &a))
      return fail_hdf5(ctx, CW_ECORRUPT, path, "cannot read an array", "");
    const cw_want want = wanted != NULL ? wanted(&a, of) : CW_WANT_ALL;
    if (want == CW_WANT_NOTHING) continue;
    if (want == CW_WANT_SHAPE) {
      CW_TRY(cw_arrays_lend(ctx, set, a.name, a.rank, a.dim, NULL));
      continue;
    }
    if (!cw_h5_get_array(file, &a)) {
      free(a.data);
      return fail_hdf5(ctx, CW_ECORRUPT, path, "cannot read an array", "");
    }
    CW_TRY(cw_arrays_give(ctx, set, a.name, a.rank, a.dim, a.data));
    if (want == CW_WANT_NOTED) CW_TRY(get_notes(ctx, path, file, max_bytes, a.name, set));
  }
  return CW_OK;
}

static cw_status read_sealed(cw_context *ctx, const char *path, const cw_file_format *format,
                             cw_medium *m, const cw_labelled *label, cw_wanted wanted,
                             const void *of, cw_arrays *set) {
  errno = 0;
  cw_h5_id file = cw_h5_open(m);
  if (file < 0) return fail_hdf5(ctx, CW_ECORRUPT, path, "not a readable HDF5 file", "");
  cw_status st = check_version(ctx, path, format, file, m->size);
  if (st == CW_OK && !label->get(file, m->size, label->label))
    st = fail_hdf5(ctx, CW_ECORRUPT, path, "cannot read the label of the ", format->noun);
  if (st == CW_OK) st = get_arrays(ctx, path, file, m->size, wanted, of, set);
  cw_h5_close(file, m);
  return st;
}

cw_status cw_sealed_decode(cw_context *ctx, const char *path, const cw_file_format *format,
                           cw_medium *m, const cw_labelled *label, cw_wanted wanted, const void *of,
                           cw_arrays *set) {
  cw_h5_quiet quiet = cw_h5_quiet_begin();
  cw_status st = read_sealed(ctx, path, format, m, label, wanted, of, set);
  cw_h5_quiet_end(quiet);
  return st;
}

static cw_status read_rows(cw_context *ctx, const char *path, cw_medium *m, const cw_array *shape,
                           cw_take_rows take, void *of) {
  cw_array a = {0};
  errno = 0;
  memcpy(a.name, shape->name, sizeof a.name);
  cw_h5_id file = cw_h5_open(m);
  if (file < 0) return fail_hdf5(ctx, CW_ECORRUPT, path, "not a readable HDF5 file", "");
  cw_status st = CW_OK;
  if (!cw_h5_get_shape(file, a.name, m->size, &a) || a.rank != shape->rank ||
      memcmp(a.dim, shape->dim, sizeof a.dim) != 0 || !cw_h5_take_rows(file, &a, take, of))
    st = fail_hdf5(ctx, CW_ECORRUPT, path, "cannot read an array", "");
  cw_h5_close(file, m);
  return st;
}

cw_status cw_sealed_read_rows(cw_context *ctx, const char *path, cw_medium *m,
                              const cw_array *shape, cw_take_rows take, void *of) {
  cw_h5_quiet quiet = cw_h5_quiet_begin();
  cw_status st = read_rows(ctx, path, m, shape, take, of);
  cw_h5_quiet_end(quiet);
  return st;
}

static bool is_of(const cw_file_format *format, cw_medium *m) {
  if (cw_seal_check(NULL, "", m) != CW_OK) return false;
  cw_h5_quiet quiet = cw_h5_quiet_begin();
  cw_h5_id file = cw_h5_open(m);
  char *name = file >= 0 ? cw_h5_get_text(file, "format", m->size) : NULL;
  const bool is = name != NULL && strcmp(name, format->name) == 0;
  free(name);
  if (file >= 0) cw_h5_close(file, m);
  cw_h5_quiet_end(quiet);
  return is;
}

bool cw_sealed_is(const cw_file_format *format, const char *path) {
  cw_medium m = {0};
  if (cw_disk_open(NULL, path, &m.fd, &m.size) != CW_OK) return false;
  const bool is = is_of(format, &m);
  close(m.fd);
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

cw_status cw_file_write(cw_context *ctx, const char *path, const cw_file_format *format, int n,
                        const cw_file_text *text, const cw_arrays *set) {
  texts t = {n, (cw_file_text *)text}; /* never written through */
  const cw_labelled label = {put_texts, get_texts, &t};
  cw_disk_file file;
  char *dir;
  const char *name;
  CW_TRY(cw_disk_split(ctx, path, &dir, &name));
  cw_status st = cw_disk_begin(ctx, dir, name, &file);
  free(dir);
  if (st != CW_OK) return st;
  return cw_disk_finish(&file, cw_sealed_write(format, &label, set, &file));
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

static cw_status read_bytes(cw_context *ctx, const char *path, const cw_file_format *format,
                            uint8_t *bytes, size_t size, const cw_labelled *label, cw_arrays *set) {
  cw_medium m = {.fd = CW_MEDIUM_MEMORY, .bytes = bytes, .size = size};
  CW_TRY(cw_seal_check(ctx, path, &m));
  return cw_sealed_decode(ctx, path, format, &m, label, NULL, NULL, set);
}

cw_status cw_file_read(cw_context *ctx, const char *path, const cw_file_format *format, int n,
                       cw_file_text *text, cw_arrays *set) {
  texts t = {n, text};
  const cw_labelled label = {put_texts, get_texts, &t};
  uint8_t *bytes = NULL;
  size_t size = 0;
  cw_status st = share_bytes(ctx, path, &bytes, &size);
  if (st == CW_OK) st = cw_agree(ctx, read_bytes(ctx, path, format, bytes, size, &label, set));
  free(bytes);
  return st;
}
