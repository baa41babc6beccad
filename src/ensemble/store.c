/* A store that is open: appending and reading. */
#include <stdlib.h>
#include <string.h>

#include "ensemble/disk.h"
#include "ensemble/join.h"
#include "ensemble/segment.h"
#include "ensemble/store_files.h"

const char *cw_store_job(const cw_store *store) { return store->job; }
const char *cw_store_run(const cw_store *store) { return store->run; }
const char *cw_store_dir(const cw_store *store) { return store->dir; }

long cw_store_segments(const cw_store *store, const char *stage) {
  const cw_stage_entry *entry = cw_store_find_stage(store, stage);
  return entry != NULL ? entry->n : 0;
}

/* ---------------------------------------------------------------- appending */

static cw_status write_file(cw_store *store, const char *stage, long index, const char *job,
                            const cw_arrays *set) {
  const cw_segment_label label = {.stage = (char *)stage, .job = (char *)job, .index = index};
  char name[CW_FILE_NAME];
  cw_disk_file file;
  cw_segment_file_name(stage, index, name);
  CW_TRY(cw_disk_begin(store->ctx, store->dir, name, &file));
  return cw_disk_finish(&file, cw_segment_write(&label, set, &file));
}

long cw_store_appended(const cw_store *store) { return store->n_appended; }

cw_status cw_store_append(cw_store *store, const char *stage, const cw_arrays *set) {
  cw_context *ctx = store->ctx;
  CW_REQUIRE(store->writable);
  CW_REQUIRE(set != NULL || cw_rank(ctx) != 0);
  if (!cw_name_is_plain(stage, CW_STAGE_NAME, "_-./"))
    return cw_fail(ctx, CW_EINVAL, "'%.80s' is no name for a stage of a store", stage);
  cw_stage_entry *entry = cw_store_have_stage(store, stage);
  cw_status st = entry != NULL ? CW_OK : cw_fail(ctx, CW_ENOMEM, "no memory for stage '%s'", stage);
  st = cw_agree(ctx, st);
  if (st != CW_OK) return st;
  if (cw_rank(ctx) == 0) st = write_file(store, stage, entry->n, store->job, set);
  st = cw_agree(ctx, st);
  if (st != CW_OK) return st;
  entry->last = entry->n++;
  store->n_appended++;
  return CW_OK;
}

/* of: where it is noted that there is a state. */
static cw_want not_state(const cw_array *a, const void *of) {
  bool *const *there = of;
  if (!cw_array_is_state(a) || a->rank == 0) return CW_WANT_NOTED;
  **there = true;
  return CW_WANT_NOTHING;
}

/* Nothing is written where a segment has no state, or had. The state is not read, nor, therefore, is the seal
 * compared; that of the new file is made from what HDF5's checksums vouch for. */
static cw_status release_file(cw_store *store, const char *stage, long index) {
  bool there = false, *const note = &there;
  const cw_reading rest = {.unsealed = true, .wanted = not_state, .of = &note};
  cw_arrays set = {0};
  char *job = NULL;
  cw_status st = cw_store_read_file(store, stage, index, &rest, &set, &job);
  if (st == CW_OK && there) st = write_file(store, stage, index, job, &set);
  cw_arrays_clear(&set);
  free(job);
  return st;
}

cw_status cw_store_release(cw_store *store, const char *stage) {
  const long n = cw_store_segments(store, stage);
  CW_REQUIRE(store->writable);
  if (n < 2) return CW_OK;
  return cw_agree(store->ctx, cw_rank(store->ctx) == 0 ? release_file(store, stage, n - 2) : CW_OK);
}

/* An empty segment that carries the store's present job. */
static cw_status note_job(cw_store *store) {
  const cw_arrays none = {0};
  return cw_store_append(store, CW_STORE_JOBS, &none);
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
  if (store->n_stages > 0 && cw_store_segments(store, CW_STORE_JOBS) == 0) CW_TRY(note_job(store));
  cw_status st = cw_agree(store->ctx, take_job(store, job_text, &old));
  if (st != CW_OK) free(old);
  if (st == CW_OK) st = cw_agree(store->ctx, cw_store_add_past(store, old));
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
    const bool apart = shape.data == NULL;
    if (cw_rank(ctx) == 0 || st != CW_OK) continue;
    if (apart) st = cw_arrays_lend(ctx, set, shape.name, shape.rank, shape.dim, NULL);
    if (apart) continue;
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
    if (set->array[i].data != NULL)
      cw_broadcast(ctx, set->array[i].data, (size_t)cw_array_size(&set->array[i]) * sizeof(double));
  return st;
}

/* Segment number segment, as cw_store_read counts; on rank 0. */
static cw_status read_file(cw_store *store, const char *stage, long segment, const cw_reading *what,
                           cw_arrays *out) {
  const long n = cw_store_segments(store, stage);
  char *job = NULL;
  cw_status st =
      cw_store_read_file(store, stage, segment < 0 ? n + segment : segment, what, out, &job);
  free(job);
  return st;
}

static cw_status read_arrays(cw_store *store, const char *stage, long segment,
                             const cw_reading *what, cw_arrays *out) {
  cw_context *ctx = store->ctx;
  const long n = cw_store_segments(store, stage);
  cw_arrays_clear(out);
  if (segment < -n || segment >= n)
    return cw_fail(ctx, CW_EINVAL, "store '%s': no segment %ld of stage '%s', which has %ld",
                   store->dir, segment, stage, n);
  cw_status st =
      cw_agree(ctx, cw_rank(ctx) == 0 ? read_file(store, stage, segment, what, out) : CW_OK);
  if (st == CW_OK) st = share_arrays(ctx, out);
  if (st != CW_OK) cw_arrays_clear(out);
  return st;
}

cw_status cw_store_read(cw_store *store, const char *stage, long segment, cw_arrays *out) {
  return read_arrays(store, stage, segment, &(cw_reading){0}, out);
}

static cw_want unless_apart(const cw_array *a, const void *of) {
  const cw_array_apart *apart = of;
  return (*apart)(a) ? CW_WANT_SHAPE : CW_WANT_ALL;
}

cw_status cw_store_read_but(cw_store *store, const char *stage, long segment, cw_array_apart apart,
                            cw_arrays *out) {
  const cw_reading what = {.wanted = unless_apart, .of = &apart};
  return read_arrays(store, stage, segment, &what, out);
}

/* What rank 0 reads goes to all ranks: first row, how many (0: no more), and the rows themselves. */
typedef struct {
  cw_context *ctx;
  long row; /* doubles */
  cw_take_rows take;
  void *of;
} sharing;

static void share_rows(void *of, long first, long n, const double *rows) {
  const sharing *s = of;
  long which[2] = {first, n};
  cw_broadcast(s->ctx, which, sizeof which);
  if (n == 0) return;
  cw_broadcast(s->ctx, (double *)rows, (size_t)(n * s->row) * sizeof *rows); /* sent: only read */
  s->take(s->of, first, n, rows);
}

static void receive_rows(const sharing *s, double *rows) {
  for (;;) {
    long which[2];
    cw_broadcast(s->ctx, which, sizeof which);
    if (which[1] == 0) return;
    cw_broadcast(s->ctx, rows, (size_t)(which[1] * s->row) * sizeof *rows);
    s->take(s->of, which[0], which[1], rows);
  }
}

cw_status cw_store_read_rows(cw_store *store, const char *stage, long segment,
                             const cw_array *shape, cw_take_rows take, void *of) {
  cw_context *ctx = store->ctx;
  CW_REQUIRE(shape->rank > 0);
  if (cw_array_size(shape) == 0) return CW_OK;
  sharing s = {ctx, cw_array_size(shape) / shape->dim[0], take, of};
  const cw_reading what = {
      .unsealed = true, .wanted = cw_want_nothing, .rows = shape, .take = share_rows, .taker = &s};
  const bool reads = cw_rank(ctx) == 0;
  double *rows = reads ? NULL : malloc((size_t)(cw_rows_at_once(shape) * s.row) * sizeof *rows);
  cw_status st = reads || rows != NULL
                     ? CW_OK
                     : cw_fail(ctx, CW_ENOMEM, "no memory for array '%s'", shape->name);
  st = cw_agree(ctx, st);
  if (st == CW_OK && !reads) receive_rows(&s, rows);
  if (st == CW_OK && reads) {
    st = read_file(store, stage, segment, &what, &(cw_arrays){0});
    share_rows(&s, 0, 0, NULL);
  }
  free(rows);
  return cw_agree(ctx, st);
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
