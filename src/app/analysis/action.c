/* The action per site among the observables of a case, of which its entropy is made. */
#include <math.h>

#include "app/analysis/fill.h"

int cw_action_primary(const cw_observer *o) {
  const cw_primary *p = cw_entropy_primary(o->ops);
  return p != NULL ? cw_primary_number(o, p->name) : -1;
}

const cw_result *cw_action_result(const cw_analysis_case *c) {
  const unsigned exact = CW_IS_MEASURED | CW_IS_REFERENCE;
  const int at = cw_action_primary(&c->observer[0]);
  const cw_analysis_stage *s = cw_analysis_find(c, exact);
  if (at < 0 || s == NULL) return NULL;
  for (const cw_quantity *q = c->observer[0].ops->quantities; q->name != NULL; q++)
    if (q->mean_of == 1 + at && q->count == NULL) return cw_stage_result(s, q->name, -1);
  return NULL;
}
