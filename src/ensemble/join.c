/* The segments of a stage as one set of arrays. */
#include "ensemble/join.h"

#include <stdlib.h>
#include <string.h>

#include "ensemble/arrays.h"

bool cw_array_is_state(const cw_array *a) { return strncmp(a->name, "state.", 6) == 0; }

/* Rows along the first dimension, and doubles in one row: a scalar is one row of one. */
static long rows_of(const cw_array *a) { return a->rank > 0 ? a->dim[0] : 1; }
static long row_size(const cw_array *a) {
  return a->rank > 0 ? cw_dim_product(a->rank - 1, a->dim + 1) : 1;
}

static bool same_row(const cw_array *a, const cw_array *b) {
  if (a->rank != b->rank) return false;
  for (int d = 1; d < a->rank; d++)
    if (a->dim[d] != b->dim[d]) return false;
  return true;
}

/* Joins the array like first of all n segments along its first dimension. */
static cw_status join_one(cw_context *ctx, const char *dir, const char *stage,
                          const cw_arrays *part, long n, const cw_array *first, cw_arrays *out) {
  cw_array whole = *first;
  whole.rank = first->rank > 0 ? first->rank : 1;
  whole.dim[0] = 0;
  for (long k = 0; k < n; k++) {
    const cw_array *a = cw_arrays_get(&part[k], first->name);
    if (a == NULL || !same_row(a, first))
      return cw_fail(ctx, CW_ECORRUPT, "store '%s': array '%s' of stage '%s' is %s in segment %ld",
                     dir, first->name, stage, a == NULL ? "missing" : "of another shape", k);
    whole.dim[0] += rows_of(a);
  }
  size_t row = (size_t)row_size(first) * sizeof(double), at = 0;
  char *data = malloc((size_t)whole.dim[0] * row + 1);
  if (data == NULL)
    return cw_fail(ctx, CW_ENOMEM, "no memory to join array '%s' of stage '%s'", first->name,
                   stage);
  for (long k = 0; k < n; k++) {
    const cw_array *a = cw_arrays_get(&part[k], first->name);
    size_t bytes = (size_t)rows_of(a) * row;
    if (bytes > 0) memcpy(data + at, a->data, bytes);
    at += bytes;
  }
  return cw_arrays_give(ctx, out, whole.name, whole.rank, whole.dim, (double *)(void *)data);
}

cw_status cw_arrays_join(cw_context *ctx, const char *dir, const char *stage, const cw_arrays *part,
                         long n, cw_arrays *out) {
  const cw_arrays *last = &part[n - 1];
  for (int i = 0; i < last->n; i++) {
    const cw_array *a = &last->array[i];
    if (cw_array_is_state(a))
      CW_TRY(cw_arrays_put(ctx, out, a->name, a->rank, a->dim, a->data));
    else
      CW_TRY(join_one(ctx, dir, stage, part, n, a, out));
  }
  for (int i = 0; i < part[0].n; i++) {
    const cw_array *a = &part[0].array[i];
    if (!cw_array_is_state(a) && cw_arrays_get(last, a->name) == NULL)
      return cw_fail(ctx, CW_ECORRUPT,
                     "store '%s': array '%s' of stage '%s' is missing in segment %ld", dir, a->name,
                     stage, n - 1);
  }
  return CW_OK;
}
