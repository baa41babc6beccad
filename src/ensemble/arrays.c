#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ensemble/arrays.h"

bool cw_name_is_plain(const char *name, size_t max, const char *extra) {
  size_t n = strlen(name);
  if (n == 0 || n >= max || name[0] == '.') return false;
  for (size_t i = 0; i < n; i++)
    if (!isalnum((unsigned char)name[i]) && strchr(extra, name[i]) == NULL) return false;
  return true;
}

long cw_dim_product(int rank, const long *dim) {
  const long most = LONG_MAX / (long)sizeof(double);
  long n = 1;
  for (int d = 0; d < rank; d++) {
    if (dim[d] < 0) return -1;
    if (dim[d] > 0 && n > most / dim[d]) return -1;
    n *= dim[d];
  }
  return n;
}

long cw_array_size(const cw_array *a) { return cw_dim_product(a->rank, a->dim); }

static cw_array *find(const cw_arrays *set, const char *name) {
  for (int i = 0; i < set->n; i++)
    if (strcmp(set->array[i].name, name) == 0) return &set->array[i];
  return NULL;
}

const cw_array *cw_arrays_get(const cw_arrays *set, const char *name) { return find(set, name); }

double cw_arrays_scalar(const cw_arrays *set, const char *name, double otherwise) {
  const cw_array *a = find(set, name);
  long n = a != NULL ? cw_array_size(a) : 0;
  return n > 0 ? a->data[n - 1] : otherwise;
}

static cw_status check_shape(cw_context *ctx, const char *name, int rank, const long *dim) {
  if (!cw_name_is_plain(name, CW_ARRAY_NAME, "_-.+"))
    return cw_fail(ctx, CW_EINVAL, "'%.80s' is no name for a stored array", name);
  if (rank < 0 || rank > CW_ARRAY_RANK)
    return cw_fail(ctx, CW_EINVAL, "array '%s': rank %d is not in 0..%d", name, rank,
                   CW_ARRAY_RANK);
  if (cw_dim_product(rank, dim) < 0)
    return cw_fail(ctx, CW_EINVAL, "array '%s': impossible dimensions", name);
  return CW_OK;
}

static void free_array(cw_array *a) {
  if (a->owned) free(a->data);
  for (int i = 0; i < CW_ARRAY_NOTES; i++) free(a->note[i].text);
}

/* The slot for name: the present one, emptied, or a new one at the end. NULL: no memory. */
static cw_array *slot_for(cw_arrays *set, const char *name) {
  cw_array *a = find(set, name);
  if (a != NULL) {
    free_array(a);
    return a;
  }
  if (set->n == set->capacity) {
    int capacity = set->capacity > 0 ? 2 * set->capacity : 16;
    cw_array *grown = realloc(set->array, (size_t)capacity * sizeof *grown);
    if (grown == NULL) return NULL;
    set->array = grown;
    set->capacity = capacity;
  }
  return &set->array[set->n++];
}

static cw_status place(cw_context *ctx, cw_arrays *set, const char *name, int rank, const long *dim,
                       double *data, bool owned) {
  CW_TRY(check_shape(ctx, name, rank, dim));
  cw_array *a = slot_for(set, name);
  if (a == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for array '%s'", name);
  *a = (cw_array){.rank = rank, .data = data, .owned = owned};
  memcpy(a->name, name, strlen(name) + 1);
  for (int d = 0; d < rank; d++) a->dim[d] = dim[d];
  return CW_OK;
}

cw_status cw_arrays_give(cw_context *ctx, cw_arrays *set, const char *name, int rank,
                         const long *dim, double *data) {
  cw_status st = place(ctx, set, name, rank, dim, data, true);
  if (st != CW_OK) free(data);
  return st;
}

cw_status cw_arrays_lend(cw_context *ctx, cw_arrays *set, const char *name, int rank,
                         const long *dim, const double *data) {
  return place(ctx, set, name, rank, dim, (double *)data,
               false); /* never written through: not owned */
}

cw_status cw_arrays_put(cw_context *ctx, cw_arrays *set, const char *name, int rank,
                        const long *dim, const double *data) {
  CW_TRY(check_shape(ctx, name, rank, dim));
  size_t bytes = (size_t)cw_dim_product(rank, dim) * sizeof *data;
  double *copy = malloc(bytes > 0 ? bytes : 1);
  if (copy == NULL)
    return cw_fail(ctx, CW_ENOMEM, "no memory for array '%s' (%zu bytes)", name, bytes);
  if (bytes > 0) memcpy(copy, data, bytes);
  return cw_arrays_give(ctx, set, name, rank, dim, copy);
}

cw_status cw_arrays_put_rows(cw_context *ctx, cw_arrays *set, const char *name, int rank,
                             const long *dim, cw_array_rows rows, const void *of) {
  CW_REQUIRE(rank > 0);
  CW_TRY(place(ctx, set, name, rank, dim, NULL, false));
  cw_array *a = find(set, name);
  a->rows = rows;
  a->of = of;
  return CW_OK;
}

cw_status cw_arrays_put_scalar(cw_context *ctx, cw_arrays *set, const char *name, double value) {
  return cw_arrays_put(ctx, set, name, 0, NULL, &value);
}

const char *const cw_note_keys[] = {"columns", "units", "kind", "extents", NULL};

static bool is_note_key(const char *key) {
  for (int i = 0; cw_note_keys[i] != NULL; i++)
    if (strcmp(cw_note_keys[i], key) == 0) return true;
  return false;
}

cw_status cw_arrays_note(cw_context *ctx, cw_arrays *set, const char *name, const char *key,
                         const char *text) {
  cw_array *a = find(set, name);
  int i = 0;
  CW_REQUIRE(is_note_key(key));
  if (a == NULL) return CW_OK;
  while (a->note[i].key != NULL && strcmp(a->note[i].key, key) != 0) {
    i++;
    CW_REQUIRE(i < CW_ARRAY_NOTES);
  }
  char *copy = strdup(text);
  if (copy == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a note on array '%s'", name);
  free(a->note[i].text);
  a->note[i] = (cw_array_note){key, copy};
  return CW_OK;
}

void cw_arrays_clear(cw_arrays *set) {
  for (int i = 0; i < set->n; i++) free_array(&set->array[i]);
  free(set->array);
  *set = (cw_arrays){0};
}

cw_want cw_want_nothing(const cw_array *shape, const void *of) {
  (void)shape;
  (void)of;
  return CW_WANT_NOTHING;
}

long cw_rows_at_once(const cw_array *shape) {
  const long all = shape->dim[0], row = cw_array_size(shape) / all, most = (1 << 17) / row;
  const long parts = most > 1 ? (all + most - 1) / most : all;
  return (all + parts - 1) / parts;
}
