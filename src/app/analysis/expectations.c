/* What came out beside what the job expects. */
#include <stdio.h>
#include <string.h>

#include "app/analysis/fill.h"

void cw_expect_format(const cw_expect *e, char *text, size_t size) {
  char value[CW_VALUE_TEXT];
  if (e->error > 0)
    cw_format_value(e->value, e->error, value);
  else
    snprintf(value, sizeof value, "%.9g", e->value);
  snprintf(text, size, "%s", value);
}

/* The expectation of result r of a stage ("": of the case); one that names the stage wins. */
static const cw_expect *find(const cw_plan *p, const char *stage, const cw_result *r) {
  const cw_expect *found = NULL;
  for (int i = 0; i < p->n_expect; i++) {
    const cw_expect *e = &p->expect[i];
    bool fits = (e->stage[0] == '\0' || strcmp(e->stage, stage) == 0) &&
                strcmp(e->quantity, r->quantity) == 0 && e->index == r->index;
    if (fits && (found == NULL || found->stage[0] == '\0')) found = e;
  }
  return found;
}

static cw_status compare(cw_context *ctx, cw_analysis_case *c, const char *stage, cw_result *list,
                         int n) {
  for (int i = 0; i < n; i++) {
    cw_result *r = &list[i];
    r->expected = find(c->plan, stage, r);
    if (r->expected == NULL) continue;
    if (!isfinite(r->e.error))
      CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                         "%s has no error to compare it with the %.8g that the job expects.",
                         r->name, r->expected->value));
    r->pull = (r->e.value - r->expected->value) / hypot(r->e.error, r->expected->error);
    if (fabs(r->pull) > CW_EXPECT_SIGMA)
      CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                         "%s is %+.1f standard deviations from the %.8g that the job expects.",
                         r->name, r->pull, r->expected->value));
  }
  return CW_OK;
}

/* Rungs that are not the last one sample other theories, of which a job expects nothing. */
cw_status cw_expect_compare(cw_context *ctx, cw_analysis_case *c) {
  for (int s = 0; s < c->n_stages; s++)
    if (cw_stage_is(&c->stage[s], CW_IS_MEASURED))
      CW_TRY(compare(ctx, c, c->stage[s].part.name, c->stage[s].result, c->stage[s].n_results));
  return compare(ctx, c, "", c->result, c->n_results);
}
