/* What the parts of the page share: words, cells of tables, stacked curves. */
#include "app/page/page.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/report.h"

int cw_list_methods(const cw_analysis_case *c, const cw_analysis_stage *methods[CW_MOST_METHODS]) {
  int n = 0;
  for (int i = 0; i < c->n_stages && n < CW_MOST_METHODS; i++) {
    const cw_analysis_stage *s = &c->stage[i];
    if (s->present && cw_stage_is(s, CW_IS_MEASURED)) methods[n++] = s;
  }
  return n;
}

void cw_cell_number(char text[CW_VALUE_TEXT], double x, const char *format) {
  if (!isnan(x))
    snprintf(text, CW_VALUE_TEXT, format, x);
  else
    snprintf(text, CW_VALUE_TEXT, "–");
}

void cw_cell_result(char text[CW_VALUE_TEXT], const cw_result *r) {
  if (r == NULL || !isfinite(r->e.value))
    snprintf(text, CW_VALUE_TEXT, "–");
  else
    cw_result_text(r, text);
}

void cw_spread(const cw_stacked *line, double *low, double *high) {
  for (long i = 0; i < line->n; i++) {
    *low = fmin(*low, line->curve->y[i]);
    *high = fmax(*high, line->curve->y[i]);
  }
}

cw_status cw_page_stacked(const cw_case_page *to, const cw_stacked *line) {
  long n = line->n;
  double low = INFINITY, high = -INFINITY;
  cw_spread(line, &low, &high);
  if (low <= high) CW_TRY(cw_page_strip(to->page, low, high, line->shift));
  double *x = malloc((size_t)(2 * n + 1) * sizeof *x), *y = x + n;
  if (x == NULL) return cw_no_memory(to->ctx);
  for (long i = 0; i < n; i++) {
    x[i] = line->curve->x[i] * line->dx;
    y[i] = line->curve->y[i] + line->shift;
  }
  cw_status st = cw_page_curve(to->page, line->label, CW_DRAW_LINE, line->colour, n, x, y, NULL);
  free(x);
  return st;
}

void cw_say(cw_prose *p, const char *format, ...) {
  if (p->used + 1 >= sizeof p->text) return;
  va_list args;
  va_start(args, format);
  int n = vsnprintf(p->text + p->used, sizeof p->text - p->used, format, args);
  va_end(args);
  if (n > 0) p->used += (size_t)n;
  if (p->used >= sizeof p->text) p->used = sizeof p->text - 1;
}

void cw_say_outside(cw_prose *p, const cw_curve *curve, const char *what, const char *of) {
  if (curve == NULL || curve->n_outside == 0) return;
  const bool one = curve->n_outside == 1;
  cw_say(p, " %ld %s%s %s lie%s outside of the axis.", curve->n_outside, what, one ? "" : "s", of,
         one ? "s" : "");
}

const char *cw_definition(const cw_quantity *q) { return q->print != NULL ? q->print : q->help; }

void cw_say_lattice(cw_prose *p, const cw_lattice *lat) {
  for (int mu = 0; mu < lat->dim; mu++) cw_say(p, "%s%d", mu > 0 ? " × " : "", lat->extent[mu]);
}

double cw_pull(const cw_result *a, const cw_result *b) {
  if (a == NULL || b == NULL) return NAN;
  double error = hypot(a->e.error, b->e.error);
  return error > 0 ? (a->e.value - b->e.value) / error : NAN;
}

const cw_analysis_stage *cw_reference_stage(const cw_analysis_case *c) {
  return cw_analysis_find(c, CW_IS_REFERENCE);
}
