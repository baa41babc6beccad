/* One configuration that a run kept, out of its store. */
#ifndef CW_APP_KEPT_H
#define CW_APP_KEPT_H

#include "causeway/configuration.h"

/* Which one. */
typedef struct {
  const char *run;     /* directory of the run */
  const char *in_case; /* NULL: the only one that there is */
  const char *stage;   /* sampler section; NULL: the only one that keeps configurations */
  long index;          /* from 0, chain by chain in a kept row, then row by row; -1: the last */
} cw_kept_choice;

/* Which one that was. */
typedef struct {
  char stage[160]; /* with its case: "small/heatbath" */
  long index, row, chain;
  long count; /* configurations that the store holds of this stage */
} cw_kept_place;

/* Reads it, from a run that may still go on. At most one segment of the store is in memory.
 * Collective; every rank gets it. CW_EINVAL: no such case, section or configuration, nothing kept;
 * what the store says; CW_ENOMEM. The caller clears *out, also after a failure. */
cw_status cw_kept_read(cw_context *ctx, const cw_kept_choice *choice, cw_configuration *out,
                       cw_kept_place *place);

#endif
