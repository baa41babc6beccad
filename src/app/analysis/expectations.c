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

/* Of which results an expectation can be: of the case, of a stage, or of one that sees the theory
 * at other parameters, of which a job expects only what it says of that stage. Derivatives are of the
 * section, whichever of its parts has estimated them. */
typedef struct {
  const char *stage, *section; /* "": the case */
  bool elsewhere;
} place;

/* The expectation of result r; one that names the stage wins. */
static const cw_expect *find(const cw_plan *p, const place *of, const cw_result *r) {
  const cw_expect *found = NULL;
  for (int i = 0; i < p->n_expect; i++) {
    const cw_expect *e = &p->expect[i];
    const bool derivative = r->derivative_of >= 0;
    const char *where = derivative ? of->section : of->stage;
    bool here =
        strcmp(e->section, where) == 0 || (e->section[0] == '\0' && (!of->elsewhere || derivative));
    bool fits = here && e->derivative == derivative && strcmp(e->quantity, r->quantity) == 0 &&
                e->index == r->index;
    if (fits && (found == NULL || found->section[0] == '\0')) found = e;
  }
  return found;
}

static cw_status compare(cw_context *ctx, cw_analysis_case *c, place of, cw_result *list, int n) {
  for (int i = 0; i < n; i++) {
    cw_result *r = &list[i];
    r->expected = find(c->plan, &of, r);
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

static bool is_met(const cw_result *list, int n, const cw_expect *e) {
  for (int i = 0; i < n; i++)
    if (list[i].expected == e) return true;
  return false;
}

/* What is expected of a finished case, and is no result of it: of a sampler that never rejects, say,
 * its acceptance. */
static cw_status note_unmet(cw_context *ctx, cw_analysis_case *c) {
  const bool finished = c->n_missing == 0;
  for (int i = 0; i < c->plan->n_expect && finished; i++) {
    const cw_expect *e = &c->plan->expect[i];
    bool met = is_met(c->result, c->n_results, e);
    for (int s = 0; s < c->n_stages; s++)
      met = met || is_met(c->stage[s].result, c->stage[s].n_results, e);
    if (!met)
      CW_TRY(cw_add_line(ctx, &c->warning, &c->n_warnings,
                         "The job expects %s%s%s%s to be %.8g, but has no such result.", e->section,
                         e->section[0] != '\0' ? "." : "", e->derivative ? "d_" : "", e->quantity,
                         e->value));
  }
  return CW_OK;
}

cw_status cw_expect_compare(cw_context *ctx, cw_analysis_case *c) {
  for (int i = 0; i < c->n_stages; i++) {
    cw_analysis_stage *s = &c->stage[i];
    CW_TRY(compare(ctx, c,
                   (place){s->part.name, s->section->kind.name, !cw_stage_is(s, CW_IS_MEASURED)},
                   s->result, s->n_results));
  }
  CW_TRY(compare(ctx, c, (place){"", "", false}, c->result, c->n_results));
  return note_unmet(ctx, c);
}
