/* Section `ladder`, and other parameters of the job's theory. */
#include <stdio.h>
#include <string.h>

#include "app/plan/plan.h"

cw_status cw_read_other_params(cw_node *map, const char *key, const cw_plan *p,
                               double other[CW_MAX_PARAMS]) {
  cw_param table[CW_MAX_PARAMS + 1] = {{0}};
  cw_node *child;
  const cw_param *own = p->theory->params[p->form];
  for (int i = 0; i < CW_MAX_PARAMS && own[i].name != NULL; i++) {
    table[i] = own[i];
    table[i].preset = p->param[i];
  }
  CW_TRY(cw_job_map(map, key, CW_JOB_MUST, &child));
  CW_TRY(cw_job_params(child, table, other));
  for (int i = 0; i < CW_MAX_PARAMS && own[i].name != NULL; i++)
    if (own[i].numbers != CW_REAL && other[i] != p->param[i])
      return cw_job_fail(child, own[i].name, "expected %g, as in section 'theory', found %g",
                         p->param[i], other[i]);
  const char *why = p->theory->refuse ? p->theory->refuse(p->form, &p->lat, other) : NULL;
  return why != NULL ? cw_job_fail(child, NULL, "%s", why) : CW_OK;
}

static cw_status read_positions(cw_node *ladder, cw_ladder_plan *l) {
  long rungs;
  if (cw_job_has(ladder, "positions")) {
    if (cw_job_has(ladder, "rungs"))
      return cw_job_fail(ladder, "rungs", "there are 'positions' too: one of the two");
    CW_TRY(cw_job_double_list(ladder, "positions", NULL, 0, 0, 1, CW_MAX_RUNGS, l->t, &l->n));
    bool good = l->n >= 2 && l->t[0] == 0 && l->t[l->n - 1] == 1;
    for (int r = 1; r < l->n; r++) good = good && l->t[r] > l->t[r - 1];
    return good ? CW_OK
                : cw_job_fail(ladder, "positions",
                              "expected ascending numbers from 0 to 1, both of "
                              "them included");
  }
  CW_TRY(cw_job_long(ladder, "rungs", 8, 2, CW_MAX_RUNGS, &rungs));
  l->n = (int)rungs;
  for (int r = 0; r < l->n; r++) l->t[r] = (double)r / (double)(l->n - 1);
  return CW_OK;
}

void cw_place_rungs(cw_plan *p, const double from[CW_MAX_PARAMS], int n, const double *t) {
  cw_ladder_plan *l = &p->ladder;
  l->n = n;
  for (int r = 0; r < n; r++) {
    l->t[r] = t[r];
    for (int k = 0; k < CW_MAX_PARAMS; k++)
      l->param[r][k] = r == n - 1 ? p->param[k] : from[k] + t[r] * (p->param[k] - from[k]);
  }
}

cw_status cw_read_ladder(cw_node *root, cw_plan *p) {
  cw_node *map;
  cw_ladder_plan *l = &p->ladder;
  double from[CW_MAX_PARAMS] = {0};
  CW_TRY(cw_job_map(root, "ladder", CW_JOB_MAY, &map));
  if (map == NULL) return CW_OK;
  CW_TRY(cw_read_other_params(map, "from", p, from));
  CW_TRY(read_positions(map, l));
  cw_place_rungs(p, from, l->n, l->t);
  for (int r = 0; r < l->n; r++) {
    const char *why = p->theory->refuse ? p->theory->refuse(p->form, &p->lat, l->param[r]) : NULL;
    if (why != NULL) return cw_job_fail(map, NULL, "rung %d: %s", r, why);
  }
  return CW_OK;
}
