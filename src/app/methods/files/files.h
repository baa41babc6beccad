/* What the files of this method share. */
#ifndef CW_APP_FILES_H
#define CW_APP_FILES_H

#include "app/plan/plan.h"
#include "app/run/stage.h"

enum { CW_MOST_FILES = 8000 }; /* a job has room for about as many */

/* Section `files`: n paths, one behind the other in text, each with its final zero. */
typedef struct {
  long n;
  unsigned ignore_checks; /* bits of cw_configuration_check */
  size_t at[CW_MOST_FILES];
  char text[];
} cw_files_plan;

static inline const char *cw_files_path(const cw_section *s, long i) {
  const cw_files_plan *p = s->own;
  return p->text + p->at[i];
}

cw_status cw_run_files(cw_case *c, const cw_section *s);
cw_status cw_fill_files(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                        const cw_arrays *data);
/* What a store holds of the section: file (rows), primary... (rows, 1, n_primary), refused (files),
 * as far as there are some. The caller clears *out, also after a failure. Collective. */
cw_status cw_collect_files(cw_context *ctx, const char *dir, const cw_plan *plan,
                           const cw_section *s, cw_arrays *out);
cw_status cw_warn_files(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s);

#endif
