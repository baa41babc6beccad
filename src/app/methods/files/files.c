/* Section `files`: configurations in files, measured as they are, one after the other. */
#include "app/methods/files/files.h"

#include <stdlib.h>
#include <string.h>

static cw_section_kind kind(int i) {
  static const cw_section_kind kinds[] = {
      {"files", "Files", "observables of configurations in files, as they are", CW_SLATE}, {0}};
  return kinds[i];
}

/* One more path behind the others, which take used bytes. */
static cw_status add_path(cw_node *list, cw_section *s, const char *path, size_t *used) {
  cw_files_plan *p = s->own;
  const size_t bytes = strlen(path) + 1;
  if (p->n == CW_MOST_FILES) return cw_job_fail(list, NULL, "more than %d files", CW_MOST_FILES);
  if (bytes > CW_PATH)
    return cw_job_fail(list, NULL, "%zu bytes in a path, at most %d", bytes - 1, CW_PATH - 1);
  p = realloc(p, sizeof *p + *used + bytes);
  if (p == NULL) return CW_ENOMEM;
  memcpy(p->text + *used, path, bytes);
  p->at[p->n++] = *used;
  *used += bytes;
  s->own = p;
  return CW_OK;
}

static const cw_given given[] = {{.quantity = "refused"}, {.quantity = "doubtful"}, {0}};

static cw_status read(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s) {
  cw_node *list;
  size_t used = 0;
  (void)root;
  (void)p;
  CW_TRY(cw_job_list(map, "paths", CW_JOB_MUST, &list));
  for (cw_node *item = cw_job_first(list); item != NULL; item = cw_job_next(item)) {
    const char *path;
    CW_TRY(cw_job_as_text(item, &path));
    CW_TRY(add_path(list, s, path, &used));
  }
  if (((cw_files_plan *)s->own)->n == 0)
    return cw_job_fail(map, "paths", "expected at least one file, found none");
  return cw_read_ignored_checks(map, &((cw_files_plan *)s->own)->ignore_checks);
}

static int parts(const cw_plan *p, const cw_section *s, cw_part *out) {
  const cw_files_plan *own = s->own;
  out[0] = cw_part_of(s, CW_IS_CHAINS | CW_IS_MEASURED, "files", own->n / p->group[0].every);
  return 1;
}

static void takings(const cw_plan *p, const cw_section *s, cw_takings *t) {
  (void)s;
  *t = (cw_takings){.held = 1,
                    .rows = (double)((const cw_files_plan *)s->own)->n * cw_numbers_per_row(p)};
}

extern const cw_method cw_method_files;
const cw_method cw_method_files = {.name = "files",
                                   .needs = CW_MEASURES_ALL_GROUPS | CW_ONE_BY_ONE,
                                   .plan_size = sizeof(cw_files_plan),
                                   .kind = kind,
                                   .read = read,
                                   .run = cw_run_files,
                                   .parts = parts,
                                   .takings = takings,
                                   .given = given,
                                   .fill = cw_fill_files,
                                   .warn = cw_warn_files,
                                   .chapter = CW_CHAPTER_OWN};
