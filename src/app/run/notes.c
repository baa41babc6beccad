/* What stored arrays say of themselves to other programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/run/stage.h"

enum { COLUMN_NAME = 32 }; /* of primary_name */

/* Names or units of all columns, from malloc; NULL: no memory. */
static char *list_columns(const cw_observer *o, bool names) {
  const int n = o->ops->n_primary(o);
  size_t used = 0, size = (size_t)n * (COLUMN_NAME + 1) + 1;
  char *text = malloc(size);
  for (int i = 0; text != NULL && i < n; i++) {
    char name[COLUMN_NAME];
    o->ops->primary_name(o, i, name);
    used += (size_t)snprintf(text + used, size - used, "%s%.30s", i > 0 ? " " : "",
                             names ? name : cw_primary_units(o, i));
  }
  return text;
}

/* text: from malloc, freed here; NULL: there was no memory for it. */
static cw_status note(cw_case *c, cw_arrays *set, const char *name, const char *key, char *text) {
  cw_status st = text != NULL ? cw_arrays_note(c->ctx, set, name, key, text)
                              : cw_fail(c->ctx, CW_ENOMEM, "no memory for a note on '%s'", name);
  free(text);
  return cw_agree(c->ctx, st);
}

cw_status cw_note_columns(cw_case *c, cw_arrays *set, const char *name, int g) {
  CW_TRY(note(c, set, name, "columns", list_columns(&c->observer[g], true)));
  return note(c, set, name, "units", list_columns(&c->observer[g], false));
}

cw_status cw_note_fields(cw_case *c, cw_arrays *set, const char *name) {
  char extents[16 * CW_MAX_DIM] = "";
  size_t n = 0;
  for (int mu = 0; mu < c->plan->lat.dim; mu++)
    n += (size_t)snprintf(extents + n, sizeof extents - n, "%s%d", mu > 0 ? " " : "",
                          c->plan->lat.extent[mu]);
  CW_TRY(note(c, set, name, "kind", strdup(cw_kind(c->theory.ops->kind)->name)));
  return note(c, set, name, "extents", strdup(extents));
}
