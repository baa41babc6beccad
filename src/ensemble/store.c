#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ensemble/arrays.h"
#include "ensemble/disk.h"
#include "ensemble/join.h"
#include "ensemble/segment.h"

enum { STAGE_NAME = 128, FILE_NAME = STAGE_NAME + 32 };

/* The stage whose segments carry, one after the other, the jobs that a store had; none while it had only
 * one. */
static const char JOBS[] = "job";

typedef struct {
  char name[STAGE_NAME];
  long n;    /* segments */
  long last; /* largest number seen: n - 1 unless one is missing */
} stage_entry;

struct cw_store {
  cw_context *ctx; /* borrowed */
  char *run, *dir; /* DIR, DIR/store */
  char *job;
  char **past; /* (n_past) jobs that the store had before; rank 0 */
  int n_past;
  bool writable;
  int lock;           /* file descriptor, -1: none */
  stage_entry *stage; /* (n_stages, capacity) by name; the same on every rank */
  int n_stages, capacity;
  long n_appended;
};

/* ------------------------------------------------------------ file names */

static void segment_file_name(const char *stage, long index, char name[FILE_NAME]) {
  snprintf(name, FILE_NAME, "%s.%06ld.h5", stage, index);
  for (char *c = name; *c != '\0'; c++)
    if (*c == '/') *c = '+';
}

/* The inverse: false if name is not exactly what segment_file_name makes. */
static bool parse_file_name(const char *name, char stage[STAGE_NAME], long *index) {
  const char *dot = NULL, *end = strrchr(name, '.');
  for (const char *c = name; end != NULL && c < end; c++)
    if (*c == '.') dot = c;
  if (dot == NULL || dot - name >= STAGE_NAME || end - dot > 16) return false;
  *index = strtol(dot + 1, NULL, 10);
  memcpy(stage, name, (size_t)(dot - name));
  stage[dot - name] = '\0';
  for (char *c = stage; *c != '\0'; c++) {
    if (*c == '/') return false;
    if (*c == '+') *c = '/';
  }
  char again[FILE_NAME];
  if (*index < 0 || !cw_name_is_plain(stage, STAGE_NAME, "_-./")) return false;
  segment_file_name(stage, *index, again);
  return strcmp(again, name) == 0;
}

static char *segment_path(const cw_store *store, const char *stage, long index) {
  char name[FILE_NAME];
  segment_file_name(stage, index, name);
  return cw_disk_join(store->dir, name);
}

/* ----------------------------------------------------------- stage table */

static stage_entry *find_stage(const cw_store *store, const char *name) {
  for (int i = 0; i < store->n_stages; i++)
    if (strcmp(store->stage[i].name, name) == 0) return &store->stage[i];
  return NULL;
}

/* The entry of name, made and put in its alphabetical place if there is none. NULL: no memory. */
static stage_entry *have_stage(cw_store *store, const char *name) {
  stage_entry *entry = find_stage(store, name);
  if (entry != NULL) return entry;
  if (store->n_stages == store->capacity) {
    int capacity = store->capacity > 0 ? 2 * store->capacity : 8;
    stage_entry *grown = realloc(store->stage, (size_t)capacity * sizeof *grown);
    if (grown == NULL) return NULL;
    store->stage = grown;
    store->capacity = capacity;
  }
  int at = store->n_stages++;
  for (; at > 0 && strcmp(store->stage[at - 1].name, name) > 0; at--)
    store->stage[at] = store->stage[at - 1];
  store->stage[at] = (stage_entry){.last = -1};
  memcpy(store->stage[at].name, name, strlen(name) + 1);
  return &store->stage[at];
}

long cw_store_segments(const cw_store *store, const char *stage) {
  const stage_entry *entry = find_stage(store, stage);
  return entry != NULL ? entry->n : 0;
}

/* ------------------------------------------------------ opening (rank 0) */

static cw_status note_file(cw_store *store, const char *name, bool clean) {
  char stage[STAGE_NAME];
  long index;
  if (clean && cw_disk_is_temporary(name)) {
    char *path = cw_disk_join(store->dir, name);
    if (path != NULL) unlink(path); /* left by a killed process; harmless if it stays */
    free(path);
    return CW_OK;
  }
  if (!parse_file_name(name, stage, &index)) return CW_OK;
  stage_entry *entry = have_stage(store, stage);
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
    const stage_entry *e = &store->stage[i];
    if (e->last != e->n - 1)
      st = cw_fail(
          store->ctx, CW_ECORRUPT,
          "store '%s': stage '%s' has %ld segments but one with number %ld: some are missing",
          store->dir, e->name, e->n, e->last);
  }
  return st;
}

/* Segments carry the job that they were written for: the store's own or an earlier one. */
static bool is_own_job(const cw_store *store, const char *job) {
  if (store->job == NULL || strcmp(job, store->job) == 0) return true;
  for (int i = 0; i < store->n_past; i++)
    if (strcmp(job, store->past[i]) == 0) return true;
  return false;
}

/* Reads and checks one segment file; *job: the job's text that it carries, the caller frees it. */
static cw_status read_file(cw_store *store, const char *stage, long index, cw_arrays *set,
                           char **job) {
  cw_context *ctx = store->ctx;
  cw_segment_label label = {0};
  uint8_t *bytes = NULL;
  size_t size = 0;
  char *path = segment_path(store, stage, index);
  if (path == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a file name in '%s'", store->dir);
  cw_status st = cw_disk_read(ctx, path, &bytes, &size);
  if (st == CW_OK) st = cw_segment_decode(ctx, path, bytes, size, &label, set);
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
  free(bytes);
  free(path);
  return st;
}

/* The job's text that a segment carries. */
static cw_status read_label(cw_store *store, const char *stage, long index, char **job) {
  cw_arrays set = {0};
  *job = NULL;
  cw_status st = read_file(store, stage, index, &set, job);
  cw_arrays_clear(&set);
  return st;
}

/* Takes the text, in any case. */
static cw_status add_past(cw_store *store, char *job) {
  char **grown = realloc(store->past, ((size_t)store->n_past + 1) * sizeof *grown);
  if (grown == NULL) {
    free(job);
    return cw_fail(store->ctx, CW_ENOMEM, "no memory for the jobs of '%s'", store->dir);
  }
  store->past = grown;
  store->past[store->n_past++] = job;
  return CW_OK;
}

/* The job's text: that of the last change, or of any segment; NULL if there is none. */
static cw_status read_job(cw_store *store, char **job) {
  const long n = cw_store_segments(store, JOBS);
  *job = NULL;
  if (store->n_stages == 0) return CW_OK;
  if (n == 0) return read_label(store, store->stage[0].name, 0, job);
  for (long k = 0; k < n - 1; k++) {
    CW_TRY(read_label(store, JOBS, k, job));
    CW_TRY(add_past(store, *job));
  }
  return read_label(store, JOBS, n - 1, job);
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
  stage_entry *stage = malloc(((size_t)size.n_stages + 1) * sizeof *stage);
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

const char *cw_store_job(const cw_store *store) { return store->job; }
const char *cw_store_run(const cw_store *store) { return store->run; }
const char *cw_store_dir(const cw_store *store) { return store->dir; }

/* ---------------------------------------------------------------- appending */

static cw_status write_file(cw_store *store, const char *stage, long index, const cw_arrays *set) {
  cw_segment_label label = {.stage = (char *)stage, .job = store->job, .index = index};
  char name[FILE_NAME];
  segment_file_name(stage, index, name);
  uint8_t *bytes = NULL;
  size_t size = 0;
  CW_TRY(cw_segment_encode(store->ctx, name, &label, set, &bytes, &size));
  cw_status st = cw_disk_write(store->ctx, store->dir, name, bytes, size);
  free(bytes);
  return st;
}

long cw_store_appended(const cw_store *store) { return store->n_appended; }

cw_status cw_store_append(cw_store *store, const char *stage, const cw_arrays *set) {
  cw_context *ctx = store->ctx;
  CW_REQUIRE(store->writable);
  CW_REQUIRE(set != NULL || cw_rank(ctx) != 0);
  if (!cw_name_is_plain(stage, STAGE_NAME, "_-./"))
    return cw_fail(ctx, CW_EINVAL, "'%.80s' is no name for a stage of a store", stage);
  stage_entry *entry = have_stage(store, stage);
  cw_status st = entry != NULL ? CW_OK : cw_fail(ctx, CW_ENOMEM, "no memory for stage '%s'", stage);
  st = cw_agree(ctx, st);
  if (st != CW_OK) return st;
  if (cw_rank(ctx) == 0) st = write_file(store, stage, entry->n, set);
  st = cw_agree(ctx, st);
  if (st != CW_OK) return st;
  entry->last = entry->n++;
  store->n_appended++;
  return CW_OK;
}

/* An empty segment that carries the store's present job. */
static cw_status note_job(cw_store *store) {
  const cw_arrays none = {0};
  return cw_store_append(store, JOBS, &none);
}

static cw_status take_job(cw_store *store, const char *job_text, char **old) {
  char *own = strdup(job_text);
  if (own == NULL)
    return cw_fail(store->ctx, CW_ENOMEM, "no memory for the job of '%s'", store->dir);
  *old = store->job;
  store->job = own;
  return CW_OK;
}

cw_status cw_store_change_job(cw_store *store, const char *job_text) {
  char *old = NULL;
  CW_REQUIRE(store->writable);
  if (store->n_stages > 0 && cw_store_segments(store, JOBS) == 0) CW_TRY(note_job(store));
  cw_status st = cw_agree(store->ctx, take_job(store, job_text, &old));
  if (st != CW_OK) free(old);
  if (st == CW_OK) st = cw_agree(store->ctx, add_past(store, old));
  return st == CW_OK && store->n_stages > 0 ? note_job(store) : st;
}

/* ------------------------------------------------------------------ reading */

/* Makes room on the other ranks for the arrays that rank 0 has in set. */
static cw_status share_shapes(cw_context *ctx, cw_arrays *set) {
  int n = set->n;
  cw_broadcast(ctx, &n, sizeof n);
  cw_status st = CW_OK;
  for (int i = 0; i < n; i++) {
    cw_array shape = {0};
    if (cw_rank(ctx) == 0) shape = set->array[i];
    cw_broadcast(ctx, &shape, sizeof shape);
    if (cw_rank(ctx) == 0 || st != CW_OK) continue;
    size_t bytes = (size_t)cw_array_size(&shape) * sizeof(double);
    double *data = malloc(bytes > 0 ? bytes : 1);
    st = data != NULL ? cw_arrays_give(ctx, set, shape.name, shape.rank, shape.dim, data)
                      : cw_fail(ctx, CW_ENOMEM, "no memory for array '%s'", shape.name);
  }
  return cw_agree(ctx, st);
}

static cw_status share_arrays(cw_context *ctx, cw_arrays *set) {
  if (cw_ranks(ctx) == 1) return CW_OK;
  cw_status st = share_shapes(ctx, set);
  for (int i = 0; st == CW_OK && i < set->n; i++)
    cw_broadcast(ctx, set->array[i].data, (size_t)cw_array_size(&set->array[i]) * sizeof(double));
  return st;
}

cw_status cw_store_read(cw_store *store, const char *stage, long segment, cw_arrays *out) {
  cw_context *ctx = store->ctx;
  cw_arrays_clear(out);
  long n = cw_store_segments(store, stage), index = segment < 0 ? n + segment : segment;
  if (index < 0 || index >= n)
    return cw_fail(ctx, CW_EINVAL, "store '%s': no segment %ld of stage '%s', which has %ld",
                   store->dir, segment, stage, n);
  cw_status st = CW_OK;
  char *job = NULL;
  if (cw_rank(ctx) == 0) st = read_file(store, stage, index, out, &job);
  free(job);
  st = cw_agree(ctx, st);
  if (st == CW_OK) st = share_arrays(ctx, out);
  if (st != CW_OK) cw_arrays_clear(out);
  return st;
}

cw_status cw_store_read_all(cw_store *store, const char *stage, cw_arrays *out) {
  cw_arrays_clear(out);
  long n = cw_store_segments(store, stage);
  if (n == 0) return CW_OK;
  cw_arrays *part = calloc((size_t)n, sizeof *part);
  cw_status st =
      part != NULL ? CW_OK : cw_fail(store->ctx, CW_ENOMEM, "no memory for %ld segments", n);
  st = cw_agree(store->ctx, st);
  for (long k = 0; st == CW_OK && k < n; k++) st = cw_store_read(store, stage, k, &part[k]);
  if (st == CW_OK)
    st = cw_agree(store->ctx, cw_arrays_join(store->ctx, store->dir, stage, part, n, out));
  for (long k = 0; part != NULL && k < n; k++) cw_arrays_clear(&part[k]);
  free(part);
  if (st != CW_OK) cw_arrays_clear(out);
  return st;
}
