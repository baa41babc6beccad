/* What `causeway measure` prints of each file. */
#ifndef CW_APP_MEASURED_H
#define CW_APP_MEASURED_H

#include "app/cli/commands.h"

/* A run of section `files`, and its rows. */
typedef struct {
  const cw_analysis *analysis; /* borrowed */
  const cw_analysis_case *c;   /* its only one */
  const cw_section *section;   /* its only one */
  const cw_arrays *rows;       /* borrowed; of cw_collect_files */
} cw_measured;

long cw_measured_refused(const cw_measured *m); /* files */
/* A row for every file, then the tables of show. */
cw_status cw_measured_print(cw_context *ctx, const cw_measured *m, FILE *out);
/* The object of show, with "files" and "refused". */
cw_status cw_measured_json(cw_context *ctx, const cw_measured *m, FILE *out);

#endif
