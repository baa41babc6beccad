/* Results of configurations in files, and which files are not among them. */
#include "app/analysis/fill.h"
#include "app/methods/files/files.h"

enum { NAMED = 3 }; /* files that lines name */

/* "'a', 'b', 'c' and 4 others" of the files whose numbers are in data into text (size). */
static const char *name_files(const cw_section *s, const cw_array *numbers, char *text,
                              size_t size) {
  const long n = cw_array_size(numbers), n_files = ((const cw_files_plan *)s->own)->n;
  size_t used = 0;
  text[0] = '\0';
  for (long i = 0; i < n && i < NAMED && used < size; i++) {
    const double k = numbers->data[i];
    if (!(k >= 0 && k < (double)n_files)) continue;
    used += (size_t)snprintf(text + used, size - used, "%s'%s'", i > 0 ? ", " : "",
                             cw_files_path(s, (long)k));
  }
  if (n > NAMED && used < size)
    snprintf(text + used, size - used, " and %ld other%s", n - NAMED, n == NAMED + 1 ? "" : "s");
  return text;
}

static cw_status add_count(cw_context *ctx, cw_analysis_stage *s, const char *quantity,
                           const char *help, long count) {
  cw_estimate e = cw_estimate_undefined(0);
  e.value = (double)count;
  return count > 0 ? cw_add_number(ctx, s, quantity, -1, help, e) : CW_OK;
}

static long count_set(const cw_array *a) {
  long n = 0;
  for (long i = 0; a != NULL && i < cw_array_size(a); i++) n += a->data[i] != 0;
  return n;
}

cw_status cw_fill_files(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                        const cw_arrays *data) {
  const cw_array *refused, *ignored;
  char names[100];
  CW_TRY(cw_fill_groups(ctx, c, s, data));
  CW_TRY(cw_get_array(ctx, s, data, "refused", 1, &refused));
  CW_TRY(cw_get_array(ctx, s, data, "ignored", 1, &ignored));
  CW_TRY(add_count(ctx, s, "doubtful", "files of which checks failed and were ignored",
                   count_set(ignored)));
  if (refused == NULL) return CW_OK;
  snprintf(s->shortfall, sizeof s->shortfall, "lack %ld of %ld: %s", cw_array_size(refused),
           ((const cw_files_plan *)s->section->own)->n,
           name_files(s->section, refused, names, sizeof names));
  return add_count(ctx, s, "refused", "files that are missing, damaged or of another theory",
                   cw_array_size(refused));
}

cw_status cw_warn_files(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_result *r = cw_stage_result(s, "doubtful", -1);
  if (r == NULL) return CW_OK;
  return cw_add_line(ctx, &c->warning, &c->n_warnings,
                     "%s: of %.0f of the files checks failed, which were ignored.", s->part.label,
                     r->e.value);
}

cw_status cw_collect_files(cw_context *ctx, const char *dir, const cw_plan *plan,
                           const cw_section *s, cw_arrays *out) {
  cw_store *store = NULL;
  char stage[160];
  cw_stage_name(plan, s->kind.name, stage);
  CW_TRY(cw_store_open(ctx, dir, &store));
  cw_status st = cw_analysis_collect(ctx, store, stage, out);
  cw_store_close(store);
  return st;
}
