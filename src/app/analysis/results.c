/* Lists of results and curves, and what a result says in words. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/analysis/fill.h"

/* -------------------------------------------------------------------- lists */

cw_status cw_no_memory(cw_context *ctx) {
  return cw_fail(ctx, CW_ENOMEM, "no memory for the analysis");
}

/* Room for one more element in a list whose capacity is the power of two at or above n; NULL: no
 * memory. */
static void *grow(void *list, int n, size_t size) {
  bool full = n == 0 || (n >= 4 && (n & (n - 1)) == 0);
  if (!full) return list;
  return realloc(list, (size_t)(n < 4 ? 4 : 2 * n) * size);
}

cw_result *cw_add_result(cw_result **list, int *n) {
  cw_result *grown = grow(*list, *n, sizeof *grown);
  if (grown == NULL) return NULL;
  *list = grown;
  grown[*n] = (cw_result){.units = "1",
                          .help = "",
                          .index = -1,
                          .group = -1,
                          .derivative_of = -1,
                          .gain = NAN,
                          .gain_at_cost = NAN,
                          .pull = NAN};
  grown[*n].e = cw_estimate_undefined(0);
  return &grown[(*n)++];
}

cw_curve *cw_add_curve(cw_curve **list, int *n, const char *name, long n_points, bool with_dy) {
  cw_curve *grown = grow(*list, *n, sizeof *grown);
  if (grown == NULL) return NULL;
  *list = grown;
  cw_curve *c = &grown[(*n)++];
  size_t bytes = (size_t)(n_points > 0 ? n_points : 1) * sizeof(double);
  *c = (cw_curve){
      .n = n_points, .x = malloc(bytes), .y = malloc(bytes), .dy = with_dy ? malloc(bytes) : NULL};
  snprintf(c->name, sizeof c->name, "%s", name);
  return c->x != NULL && c->y != NULL && (c->dy != NULL || !with_dy) ? c : NULL;
}

void cw_add_spent(cw_analysis_stage *s, const char *what, double seconds) {
  CW_REQUIRE(s->n_spent < CW_MOST_SPENT);
  s->spent[s->n_spent++] = (cw_spent){what, seconds};
}

cw_status cw_add_line(cw_context *ctx, char ***list, int *n, const char *format, ...) {
  char line[400];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  char **grown = grow(*list, *n, sizeof *grown);
  if (grown == NULL) return cw_no_memory(ctx);
  *list = grown;
  grown[*n] = strdup(line);
  if (grown[*n] == NULL) return cw_no_memory(ctx);
  (*n)++;
  return CW_OK;
}

/* -------------------------------------------------------------------- words */

void cw_result_text(const cw_result *r, char text[CW_VALUE_TEXT]) {
  cw_format_value(r->e.value, r->e.error, text);
  if (!isfinite(r->e.value) || isfinite(r->e.error) || r->e.why == NULL) return;
  size_t used = strlen(text);
  snprintf(text + used, CW_VALUE_TEXT - used, "(?)");
}

/* Number of the first result that has the reason of result k. */
static int first_with_reason(const cw_result *list, int k) {
  int i = 0;
  while (strcmp(list[i].e.why != NULL ? list[i].e.why : "", list[k].e.why) != 0) i++;
  return i;
}

static bool is_of(const cw_result *r, const char *quantity, const char *why) {
  return r->e.why != NULL && strcmp(r->e.why, why) == 0 && strcmp(r->quantity, quantity) == 0;
}

/* Are all entries of a vector quantity undefined for that reason? */
static bool all_entries(const cw_result *list, int n, const char *quantity, const char *why) {
  for (int k = 0; k < n; k++)
    if (strcmp(list[k].quantity, quantity) == 0 && !is_of(&list[k], quantity, why)) return false;
  return true;
}

/* "phi2, m_eff[3], correlator[]", the last where the reason is that of all its entries. */
static void name_those(const cw_result *list, int n, const char *why, char *names, size_t size) {
  size_t used = 0;
  names[0] = '\0';
  for (int k = 0; k < n && used < size; k++) {
    const char *q = list[k].quantity;
    char index[16] = "";
    if (!is_of(&list[k], q, why)) continue;
    bool all = list[k].index >= 0 && all_entries(list, n, q, why);
    if (all && list[k].index > 0) continue; /* said with the first */
    if (list[k].index >= 0) snprintf(index, sizeof index, all ? "[]" : "[%d]", list[k].index);
    used += (size_t)snprintf(names + used, size - used, "%s%s%s", used > 0 ? ", " : "", q, index);
  }
}

const char *cw_percent(double share, char text[16]) {
  snprintf(text, 16,
           share >= 0.995 && share < 1 ? "%.1f"
           : share >= 0.1              ? "%.0f"
                                       : "%.2g",
           100 * share);
  return text;
}

const char *cw_why_undefined(const cw_result *list, int n, int i, char *names, size_t size) {
  for (int k = 0; k < n; k++) {
    if (list[k].e.why == NULL || first_with_reason(list, k) != k || i-- > 0) continue;
    name_those(list, n, list[k].e.why, names, size);
    return list[k].e.why;
  }
  return NULL;
}
