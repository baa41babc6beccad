/* Rows of files, for people and for programs. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/json.h"
#include "app/cli/measured.h"
#include "app/methods/files/files.h"

enum { MOST_COLUMNS = 8, WIDEST_NAME = 60 };

static long n_rows(const cw_measured *m) {
  const cw_array *file = cw_arrays_get(m->rows, "file");
  return file != NULL ? cw_array_size(file) : 0;
}

long cw_measured_refused(const cw_measured *m) {
  const cw_array *refused = cw_arrays_get(m->rows, "refused");
  return refused != NULL ? cw_array_size(refused) : 0;
}

/* The path of entry i of an array of numbers of files. */
static const char *path_of(const cw_measured *m, const char *array, long i) {
  const long n = ((const cw_files_plan *)m->section->own)->n;
  const double k = cw_arrays_get(m->rows, array)->data[i];
  return k >= 0 && k < (double)n ? cw_files_path(m->section, (long)k) : "?";
}

/* The primaries of group g in that row; NULL: it was not the group's turn. */
static const double *primaries(const cw_measured *m, int g, long row) {
  const cw_observer *o = &m->c->observer[g];
  const long every = m->c->plan->group[g].every, n = o->ops->n_primary(o);
  char name[64];
  cw_primary_name(m->c->plan, g, name);
  const cw_array *a = cw_arrays_get(m->rows, name);
  const long at = (row + 1) / every - 1;
  if ((row + 1) % every != 0 || a == NULL || (at + 1) * n > cw_array_size(a)) return NULL;
  return a->data + at * n;
}

/* ------------------------------------------------------------------------ table */

/* A scalar of a group. */
typedef struct {
  int group;
  const cw_quantity *quantity;
} column;

/* Those worth a column: what reports begin with. */
static int choose_columns(const cw_measured *m, column *out) {
  int n = 0;
  for (int g = 0; g < m->c->plan->n_groups; g++)
    for (const cw_quantity *q = m->c->observer[g].ops->quantities; q->name != NULL; q++) {
      const bool shown = q->headline || q->fact || q->featured;
      if (shown && q->count == NULL && q->correlator == NULL && n < MOST_COLUMNS)
        out[n++] = (column){g, q};
    }
  return n;
}

static int width_of(const column *c) {
  const int n = (int)strlen(c->quantity->name);
  return n > 16 ? n : 16;
}

static void print_cell(FILE *out, const cw_measured *m, const column *c, long row) {
  const double *p = primaries(m, c->group, row);
  const double x =
      p != NULL ? cw_quantity_value(&m->c->observer[c->group], c->quantity, p, 0) : NAN;
  char text[32] = "-";
  if (!isnan(x)) snprintf(text, sizeof text, "%.10g", x);
  fprintf(out, "  %*s", width_of(c), text);
}

static int width_of_names(const cw_measured *m) {
  size_t width = strlen("file");
  for (long i = 0; i < n_rows(m); i++) {
    const size_t n = strlen(path_of(m, "file", i));
    if (n > width) width = n;
  }
  return width < WIDEST_NAME ? (int)width : WIDEST_NAME;
}

static void print_rows(FILE *out, const cw_measured *m) {
  column c[MOST_COLUMNS];
  const int n = choose_columns(m, c), width = width_of_names(m);
  fprintf(out, "%-*s", width, "file");
  for (int k = 0; k < n; k++) fprintf(out, "  %*s", width_of(&c[k]), c[k].quantity->name);
  fputc('\n', out);
  for (long i = 0; i < n_rows(m); i++) {
    fprintf(out, "%-*s", width, path_of(m, "file", i));
    for (int k = 0; k < n; k++) print_cell(out, m, &c[k], i);
    fputc('\n', out);
  }
  fputc('\n', out);
}

cw_status cw_measured_print(cw_context *ctx, const cw_measured *m, FILE *out) {
  print_rows(out, m);
  return cw_analysis_print(ctx, m->analysis, out);
}

/* ------------------------------------------------------------------------- JSON */

static void set_values(json_t *values, const cw_observer *o, const double *p) {
  for (const cw_quantity *q = o->ops->quantities; q->name != NULL; q++) {
    if (q->correlator != NULL) continue;
    json_t *list = q->count != NULL ? json_array() : NULL;
    for (int i = 0; list != NULL && i < q->count(o); i++)
      json_array_append_new(list, cw_json_number(cw_quantity_value(o, q, p, i)));
    json_object_set_new(values, q->name,
                        list != NULL ? list : cw_json_number(cw_quantity_value(o, q, p, 0)));
  }
}

static json_t *primaries_json(const cw_observer *o, const double *p) {
  json_t *out = json_object();
  for (int i = 0; i < o->ops->n_primary(o); i++) {
    char name[32];
    o->ops->primary_name(o, i, name);
    json_object_set_new(out, name, cw_json_number(p[i]));
  }
  return out;
}

static json_t *row_json(const cw_measured *m, long row) {
  json_t *values = json_object(), *all = json_object();
  for (int g = 0; g < m->c->plan->n_groups; g++) {
    const cw_observer *o = &m->c->observer[g];
    const double *p = primaries(m, g, row);
    if (p == NULL) continue;
    set_values(values, o, p);
    json_object_set_new(all, o->ops->name, primaries_json(o, p));
  }
  return json_pack("{s:s, s:o, s:o}", "file", path_of(m, "file", row), "values", values,
                   "primaries", all);
}

/* What show prints, as an object; NULL: no memory, or a failure, which is in ctx. */
static json_t *show_json(cw_context *ctx, const cw_measured *m) {
  char *text = NULL;
  size_t size = 0;
  FILE *memory = open_memstream(&text, &size);
  if (memory == NULL) return NULL;
  cw_status st = cw_analysis_json(ctx, m->analysis, memory);
  if (fclose(memory) != 0) st = CW_ENOMEM;
  json_t *root = st == CW_OK ? json_loadb(text, size, 0, NULL) : NULL;
  free(text);
  return root;
}

static json_t *whole_json(cw_context *ctx, const cw_measured *m) {
  json_t *root = show_json(ctx, m), *files = json_array(), *refused = json_array();
  int bad = 0;
  for (long i = 0; i < n_rows(m); i++) bad += json_array_append_new(files, row_json(m, i));
  for (long i = 0; i < cw_measured_refused(m); i++)
    bad += json_array_append_new(refused, json_string(path_of(m, "refused", i)));
  bad += json_object_set_new(root, "files", files);
  bad += json_object_set_new(root, "refused", refused);
  if (bad == 0) return root;
  json_decref(root);
  return NULL;
}

cw_status cw_measured_json(cw_context *ctx, const cw_measured *m, FILE *out) {
  return cw_json_write(ctx, whole_json(ctx, m), out);
}
