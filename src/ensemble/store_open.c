/* Opening a store: what is in its directory, and the job that it is of. Read open_store first. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ensemble/disk.h"
#include "ensemble/store_files.h"

/* ------------------------------------------------------ opening (rank 0) */

static cw_status note_file(cw_store *store, const char *name, bool clean) {
  char stage[CW_STAGE_NAME];
  long index;
  if (clean && cw_disk_is_temporary(name)) {
    char *path = cw_disk_join(store->dir, name);
    if (path != NULL) unlink(path); /* left by a killed process; harmless if it stays */
    free(path);
    return CW_OK;
  }
  if (!cw_segment_of_file(name, stage, &index)) return CW_OK;
  cw_stage_entry *entry = cw_store_have_stage(store, stage);
  if (entry == NULL)
    return cw_fail(store->ctx, CW_ENOMEM, "no memory for the contents of '%s'", store->dir);
  entry->n++;
  if (index > entry->last) entry->last = index;
  return CW_OK;
}

static cw_status scan(cw_store *store) {
  DIR *list = opendir(store->dir);
  if (list == NULL)
    return cw_fail(store->ctx, CW_EIO, "cannot open store '%s': %s", store->dir, strerror(errno));
  cw_status st = CW_OK;
  for (struct dirent *d; st == CW_OK && (d = readdir(list)) != NULL;)
    st = note_file(store, d->d_name, store->writable);
  closedir(list);
  for (int i = 0; st == CW_OK && i < store->n_stages; i++) {
    const cw_stage_entry *e = &store->stage[i];
    if (e->last != e->n - 1)
      st = cw_fail(
          store->ctx, CW_ECORRUPT,
          "store '%s': stage '%s' has %ld segments but one with number %ld: some are missing",
          store->dir, e->name, e->n, e->last);
  }
  return st;
}

/* The job's text that a segment carries. */
static cw_status read_label(cw_store *store, const char *stage, long index, char **job) {
  const cw_reading label = {.wanted = cw_want_nothing};
  cw_arrays set = {0};
  *job = NULL;
  cw_status st = cw_store_read_file(store, stage, index, &label, &set, job);
  cw_arrays_clear(&set);
  return st;
}

/* The job's text: that of the last change, or of any segment; NULL if there is none. */
static cw_status read_job(cw_store *store, char **job) {
  const long n = cw_store_segments(store, CW_STORE_JOBS);
  *job = NULL;
  if (store->n_stages == 0) return CW_OK;
  if (n == 0) return read_label(store, store->stage[0].name, 0, job);
  for (long k = 0; k < n - 1; k++) {
    char *past;
    CW_TRY(read_label(store, CW_STORE_JOBS, k, &past));
    CW_TRY(cw_store_add_past(store, past));
  }
  return read_label(store, CW_STORE_JOBS, n - 1, job);
}

static cw_status prepare_directory(cw_store *store) {
  CW_TRY(cw_disk_make_directory(store->ctx, store->dir));
  CW_TRY(cw_disk_check_writable(store->ctx, store->dir));
  return cw_disk_lock(store->ctx, store->dir, &store->lock);
}

static cw_status open_for_writing(cw_store *store, bool resume) {
  CW_TRY(prepare_directory(store));
  CW_TRY(scan(store));
  if (store->n_stages > 0 && !resume)
    return cw_fail(store->ctx, CW_EINVAL,
                   "store '%s' holds results already: resume it (--resume, or causeway resume), or "
                   "choose another directory (--out)",
                   store->dir);
  return read_job(store, &store->job);
}

static cw_status open_for_reading(cw_store *store) {
  CW_TRY(scan(store));
  if (store->n_stages == 0)
    return cw_fail(store->ctx, CW_EIO, "store '%s' holds no results yet", store->dir);
  return read_job(store, &store->job);
}

/* ------------------------------------------------------- opening (all ranks) */

static cw_status new_store(cw_context *ctx, const char *dir, const char *job_text, cw_store **out) {
  cw_store *store = calloc(1, sizeof *store);
  if (store == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a store");
  store->ctx = ctx;
  store->lock = -1;
  store->run = strdup(dir);
  store->dir = cw_disk_join(dir, "store");
  store->writable = job_text != NULL;
  if (store->run == NULL || store->dir == NULL) {
    cw_store_close(store);
    return cw_fail(ctx, CW_ENOMEM, "no memory for a store");
  }
  *out = store;
  return CW_OK;
}

void cw_store_close(cw_store *store) {
  if (store == NULL) return;
  if (store->lock >= 0) close(store->lock);
  for (int i = 0; i < store->n_past; i++) free(store->past[i]);
  free(store->past);
  free(store->stage);
  free(store->job);
  free(store->dir);
  free(store->run);
  free(store);
}

/* Gives every rank what rank 0 found. */
static cw_status share_contents(cw_store *store, const char *job_text) {
  cw_context *ctx = store->ctx;
  if (store->job != NULL) job_text = store->job;
  struct {
    size_t job_bytes;
    int n_stages;
  } size = {job_text != NULL ? strlen(job_text) + 1 : 0, store->n_stages};
  cw_broadcast(ctx, &size, sizeof size);
  char *job = malloc(size.job_bytes);
  cw_stage_entry *stage = malloc(((size_t)size.n_stages + 1) * sizeof *stage);
  bool have = job != NULL && stage != NULL;
  cw_status st =
      cw_agree(ctx, have ? CW_OK : cw_fail(ctx, CW_ENOMEM, "no memory for a store's contents"));
  if (st != CW_OK) {
    free(job);
    free(stage);
    return st;
  }
  if (cw_rank(ctx) == 0) {
    memcpy(job, job_text, size.job_bytes);
    if (size.n_stages > 0) memcpy(stage, store->stage, (size_t)size.n_stages * sizeof *stage);
  }
  cw_broadcast(ctx, job, size.job_bytes);
  cw_broadcast(ctx, stage, (size_t)size.n_stages * sizeof *stage);
  free(store->job);
  free(store->stage);
  store->job = job;
  store->stage = stage;
  store->n_stages = size.n_stages;
  store->capacity = size.n_stages + 1;
  return CW_OK;
}

static cw_status open_store(cw_context *ctx, const char *dir, const char *job_text, bool resume,
                            cw_store **out) {
  cw_store *store = NULL;
  cw_status st = cw_agree(ctx, new_store(ctx, dir, job_text, &store));
  if (st == CW_OK) {
    if (cw_rank(ctx) == 0)
      st = job_text != NULL ? open_for_writing(store, resume) : open_for_reading(store);
    st = cw_agree(ctx, st);
  }
  if (st == CW_OK) st = share_contents(store, job_text);
  if (st == CW_OK)
    *out = store;
  else
    cw_store_close(store);
  return st;
}

cw_status cw_store_create(cw_context *ctx, const char *dir, const char *job_text, bool resume,
                          cw_store **out) {
  CW_REQUIRE(job_text != NULL);
  return open_store(ctx, dir, job_text, resume, out);
}

cw_status cw_store_open(cw_context *ctx, const char *dir, cw_store **out) {
  return open_store(ctx, dir, NULL, false, out);
}
