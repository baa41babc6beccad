/* The arrays of a stage, out of the segments of the store. */
#include <stdlib.h>
#include <string.h>

#include "app/analysis/fill.h"

static bool is_wanted(const char *name) {
  return strncmp(name, "state.", 6) != 0 && strcmp(name, "config") != 0;
}

static cw_array *find_array(cw_arrays *set, const char *name) {
  for (int i = 0; i < set->n; i++)
    if (strcmp(set->array[i].name, name) == 0) return &set->array[i];
  return NULL;
}

/* Appends the rows of a to those of the same name in out; a scalar is one row. */
static cw_status append_rows(cw_context *ctx, const char *stage, const cw_array *a,
                             cw_arrays *out) {
  long one = 1;
  cw_array *whole = find_array(out, a->name);
  if (whole == NULL)
    return cw_arrays_put(ctx, out, a->name, a->rank > 0 ? a->rank : 1, a->rank > 0 ? a->dim : &one,
                         a->data);
  bool fits = whole->rank == (a->rank > 0 ? a->rank : 1);
  for (int d = 1; fits && d < a->rank; d++) fits = whole->dim[d] == a->dim[d];
  if (!fits)
    return cw_fail(ctx, CW_ECORRUPT, "array '%s' of stage '%s' changes its shape", a->name, stage);
  size_t old = (size_t)cw_array_size(whole), more = (size_t)cw_array_size(a);
  double *grown = realloc(whole->data, (old + more + 1) * sizeof(double));
  if (grown == NULL) return cw_no_memory(ctx);
  if (more > 0) memcpy(grown + old, a->data, more * sizeof(double));
  whole->data = grown;
  whole->dim[0] += a->rank > 0 ? a->dim[0] : 1;
  return CW_OK;
}

cw_status cw_analysis_collect(cw_context *ctx, cw_store *store, const char *stage, cw_arrays *out) {
  cw_arrays segment = {0};
  cw_status st = CW_OK;
  cw_arrays_clear(out);
  for (long k = 0; k < cw_store_segments(store, stage) && st == CW_OK; k++) {
    st = cw_store_read(store, stage, k, &segment);
    for (int i = 0; i < segment.n && st == CW_OK; i++)
      if (is_wanted(segment.array[i].name)) st = append_rows(ctx, stage, &segment.array[i], out);
    st = cw_agree(ctx, st);
  }
  cw_arrays_clear(&segment);
  return st;
}

cw_status cw_get_array(cw_context *ctx, const cw_analysis_stage *s, const cw_arrays *data,
                       const char *name, int rank, const cw_array **out) {
  const cw_array *a = cw_arrays_get(data, name);
  *out = a != NULL && cw_array_size(a) > 0 ? a : NULL;
  if (a != NULL && a->rank != rank)
    return cw_fail(ctx, CW_ECORRUPT, "array '%s' of stage '%s' has %d dimensions instead of %d",
                   name, s->part.name, a->rank, rank);
  return CW_OK;
}

double *cw_chains_first(const double *data, long n_step, long n_chain, long n_col) {
  double *out = malloc((size_t)(n_step * n_chain * n_col + 1) * sizeof *out);
  if (out == NULL) return NULL;
  for (long t = 0; t < n_step; t++)
    for (long c = 0; c < n_chain; c++)
      memcpy(out + (c * n_step + t) * n_col, data + (t * n_chain + c) * n_col,
             (size_t)n_col * sizeof *out);
  return out;
}
