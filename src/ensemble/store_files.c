/* Names and contents of the files of a store. */
#include "ensemble/store_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ensemble/disk.h"
#include "ensemble/seal.h"
#include "ensemble/segment.h"

/* ------------------------------------------------------------ file names */

void cw_segment_file_name(const char *stage, long index, char name[CW_FILE_NAME]) {
  snprintf(name, CW_FILE_NAME, "%s.%06ld.h5", stage, index);
  for (char *c = name; *c != '\0'; c++)
    if (*c == '/') *c = '+';
}

/* The inverse: false if name is not exactly what cw_segment_file_name makes. */
bool cw_segment_of_file(const char *name, char stage[CW_STAGE_NAME], long *index) {
  const char *dot = NULL, *end = strrchr(name, '.');
  for (const char *c = name; end != NULL && c < end; c++)
    if (*c == '.') dot = c;
  if (dot == NULL || dot - name >= CW_STAGE_NAME || end - dot > 16) return false;
  *index = strtol(dot + 1, NULL, 10);
  memcpy(stage, name, (size_t)(dot - name));
  stage[dot - name] = '\0';
  for (char *c = stage; *c != '\0'; c++) {
    if (*c == '/') return false;
    if (*c == '+') *c = '/';
  }
  char again[CW_FILE_NAME];
  if (*index < 0 || !cw_name_is_plain(stage, CW_STAGE_NAME, "_-./")) return false;
  cw_segment_file_name(stage, *index, again);
  return strcmp(again, name) == 0;
}

static char *segment_path(const cw_store *store, const char *stage, long index) {
  char name[CW_FILE_NAME];
  cw_segment_file_name(stage, index, name);
  return cw_disk_join(store->dir, name);
}

/* ----------------------------------------------------------- stage table */

cw_stage_entry *cw_store_find_stage(const cw_store *store, const char *name) {
  for (int i = 0; i < store->n_stages; i++)
    if (strcmp(store->stage[i].name, name) == 0) return &store->stage[i];
  return NULL;
}

/* The entry of name, made and put in its alphabetical place if there is none. NULL: no memory. */
cw_stage_entry *cw_store_have_stage(cw_store *store, const char *name) {
  cw_stage_entry *entry = cw_store_find_stage(store, name);
  if (entry != NULL) return entry;
  if (store->n_stages == store->capacity) {
    int capacity = store->capacity > 0 ? 2 * store->capacity : 8;
    cw_stage_entry *grown = realloc(store->stage, (size_t)capacity * sizeof *grown);
    if (grown == NULL) return NULL;
    store->stage = grown;
    store->capacity = capacity;
  }
  int at = store->n_stages++;
  for (; at > 0 && strcmp(store->stage[at - 1].name, name) > 0; at--)
    store->stage[at] = store->stage[at - 1];
  store->stage[at] = (cw_stage_entry){.last = -1};
  memcpy(store->stage[at].name, name, strlen(name) + 1);
  return &store->stage[at];
}

/* Segments carry the job that they were written for: the store's own or an earlier one. */
static bool is_own_job(const cw_store *store, const char *job) {
  if (store->job == NULL || strcmp(job, store->job) == 0) return true;
  for (int i = 0; i < store->n_past; i++)
    if (strcmp(job, store->past[i]) == 0) return true;
  return false;
}

/* What is before a damaged last segment is whole, and enough to go on from. */
static cw_status fail_last(cw_store *store, const char *path) {
  char what[700];
  snprintf(what, sizeof what, "%s", cw_error(store->ctx));
  cw_clear_error(store->ctx);
  return cw_fail(
      store->ctx, CW_ECORRUPT,
      "%s; it is the last of its stage: set aside (mv '%s' '%s.damaged'), what is before it can be "
      "shown and resumed",
      what, path, path);
}

static cw_status decode(cw_store *store, const char *path, cw_medium *m, const cw_reading *what,
                        cw_segment_label *label, cw_arrays *set) {
  cw_context *ctx = store->ctx;
  uint32_t crc;
  CW_TRY(what->unsealed ? cw_seal_find(ctx, path, m, &crc) : cw_seal_check(ctx, path, m));
  CW_TRY(cw_segment_decode(ctx, path, m, what->wanted, what->of, label, set));
  return what->rows != NULL ? cw_sealed_read_rows(ctx, path, m, what->rows, what->take, what->taker)
                            : CW_OK;
}

static cw_status decode_file(cw_store *store, const char *path, const cw_reading *what,
                             cw_segment_label *label, cw_arrays *set) {
  cw_medium m = {0};
  CW_TRY(cw_disk_open(store->ctx, path, &m.fd, &m.size));
  cw_status st = decode(store, path, &m, what, label, set);
  close(m.fd);
  if (st == CW_ECORRUPT && m.problem != 0) { /* HDF5 does not know why it could not read */
    cw_clear_error(store->ctx);
    st = cw_fail(store->ctx, CW_EIO, "cannot read '%s': %s", path, strerror(m.problem));
  }
  return st;
}

cw_status cw_store_read_file(cw_store *store, const char *stage, long index, const cw_reading *what,
                             cw_arrays *set, char **job) {
  cw_context *ctx = store->ctx;
  cw_segment_label label = {0};
  char *path = segment_path(store, stage, index);
  if (path == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a file name in '%s'", store->dir);
  cw_status st = decode_file(store, path, what, &label, set);
  const cw_stage_entry *entry = cw_store_find_stage(store, stage);
  if (st == CW_ECORRUPT && entry != NULL && entry->last == index) fail_last(store, path);
  if (st == CW_OK && (strcmp(label.stage, stage) != 0 || label.index != index))
    st = cw_fail(ctx, CW_ECORRUPT, "'%s' holds segment %ld of stage '%.60s': the file was renamed",
                 path, label.index, label.stage);
  if (st == CW_OK && !is_own_job(store, label.job))
    st = cw_fail(ctx, CW_ECORRUPT, "'%s' belongs to another job than the rest of its store", path);
  if (st == CW_OK) {
    *job = label.job;
    label.job = NULL;
  }
  cw_segment_label_clear(&label);
  free(path);
  return st;
}

/* Takes the text, in any case. */
cw_status cw_store_add_past(cw_store *store, char *job) {
  char **grown = realloc(store->past, ((size_t)store->n_past + 1) * sizeof *grown);
  if (grown == NULL) {
    free(job);
    return cw_fail(store->ctx, CW_ENOMEM, "no memory for the jobs of '%s'", store->dir);
  }
  store->past = grown;
  store->past[store->n_past++] = job;
  return CW_OK;
}
