/* What an independent value of the quantity that freezes costs, by method and rung. */
#include <stdlib.h>
#include <string.h>

#include "app/analysis/fill.h"

/* Of the first group of a case that has one; NULL: none has. */
static const cw_quantity *freezing(const cw_analysis_case *c, int *group) {
  for (int g = 0; g < c->plan->n_groups; g++) {
    *group = g;
    for (const cw_quantity *q = c->observer[g].ops->quantities; q->name != NULL; q++)
      if (q->freezes) return q;
  }
  return NULL;
}

static const cw_quantity *first_freezing(const cw_analysis *a) {
  int group;
  for (int i = 0; i < a->n_cases; i++) {
    const cw_quantity *q = freezing(&a->cases[i], &group);
    if (q != NULL) return q;
  }
  return NULL;
}

/* The result of a part that is a price to be listed; NULL: it is none. */
static const cw_result *measured(const cw_analysis_stage *s, const cw_quantity *q, int group) {
  if (!s->present || (s->part.is & (CW_IS_MEASURED | CW_IS_INNER)) == 0) return NULL;
  const cw_result *r = cw_stage_result(s, q->name, -1);
  return r != NULL && r->group == group ? r : NULL;
}

/* Steps between two measurements of a group; of methods that measure at each of their steps 1. */
static double steps_between(const cw_analysis_case *c, const cw_analysis_stage *s, int group) {
  const cw_mcmc_plan *m = cw_section_chains(s->section);
  if (m == NULL || (s->section->method->needs & CW_MEASURES_ALL_GROUPS) == 0) return 1;
  return (double)(m->every * c->plan->group[group].every);
}

/* Steps that the seconds of s have paid for. */
static double steps_of(const cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_mcmc_plan *m = cw_section_chains(s->section);
  const bool all_groups = s->section->method->needs & CW_MEASURES_ALL_GROUPS;
  const double measured_steps = (double)s->n_step * steps_between(c, s, 0);
  return m != NULL && all_groups ? measured_steps + (double)m->thermalise : measured_steps;
}

double cw_seconds_of(const cw_analysis_case *c, const char *part) {
  const cw_analysis_stage *s = cw_analysis_find_stage(c, part);
  return s != NULL ? s->seconds : 0;
}

double cw_cost_of_value(const cw_analysis_case *c, const cw_analysis_stage *s, const cw_result *r,
                        double *error) {
  const double seconds = cw_seconds_of(c, s->part.stage);
  const double cost = seconds > 0 && r->e.ess > 0 ? seconds / r->e.ess : NAN;
  *error = cost * (r->e.tau_error / r->e.tau_int);
  return cost;
}

static cw_cost cost_of(const cw_analysis_case *c, const cw_analysis_stage *s, const cw_result *r) {
  const double dt = steps_between(c, s, r->group), seconds = cw_seconds_of(c, s->part.stage);
  const bool chains = cw_stage_is(s, CW_IS_CHAINS);
  cw_cost cost = {.c = c,
                  .stage = s,
                  .result = r,
                  .tau = chains ? r->e.tau_int * dt : NAN,
                  .tau_error = chains ? r->e.tau_error * dt : NAN,
                  .per_step = seconds > 0 ? seconds / steps_of(c, s) : NAN,
                  .training = cw_seconds_of(c, s->part.training)};
  cost.cost = cw_cost_of_value(c, s, r, &cost.cost_error);
  return cost;
}

/* The prices of a case into list, with those of inner rungs or without; returns how many there are.
 * list: NULL counts only. */
static int list_case(const cw_analysis_case *c, const cw_quantity *wanted, bool inner,
                     cw_cost *list) {
  int group, n = 0;
  const cw_quantity *q = freezing(c, &group);
  if (q == NULL || strcmp(q->name, wanted->name) != 0) return 0;
  for (int i = 0; i < c->n_stages; i++) {
    const cw_analysis_stage *s = &c->stage[i];
    const cw_result *r = measured(s, q, group);
    if (r == NULL || (!inner && cw_stage_is(s, CW_IS_INNER))) continue;
    if (list != NULL) list[n] = cost_of(c, s, r);
    n++;
  }
  return n;
}

static int list_all(const cw_analysis *a, const cw_quantity *q, bool inner, cw_cost *list) {
  int n = 0;
  for (int i = 0; i < a->n_cases; i++)
    n += list_case(&a->cases[i], q, inner, list != NULL ? list + n : NULL);
  return n;
}

cw_status cw_list_costs(cw_context *ctx, const cw_analysis *a, const cw_quantity **quantity,
                        cw_cost **list, int *n) {
  *list = NULL;
  *n = 0;
  *quantity = first_freezing(a);
  if (*quantity == NULL) return CW_OK;
  const bool inner = list_all(a, *quantity, true, NULL) <= CW_MOST_COSTS;
  *n = list_all(a, *quantity, inner, NULL);
  *list = malloc((size_t)(*n + 1) * sizeof **list);
  if (*list == NULL) return cw_no_memory(ctx);
  list_all(a, *quantity, inner, *list);
  return CW_OK;
}

/* ------------------------------------------------------------------------ labels */

static const double *params_of(const cw_cost *e) {
  return e->stage->part.param != NULL ? e->stage->part.param : e->c->plan->param;
}

/* Has parameter k of entry i another value in an entry of the same theory? */
static bool differs(const cw_cost *list, int n, int i, int k) {
  const cw_plan *mine = list[i].c->plan;
  for (int j = 0; j < n; j++) {
    const cw_plan *p = list[j].c->plan;
    if (p->theory == mine->theory && p->form == mine->form &&
        params_of(&list[j])[k] != params_of(&list[i])[k])
      return true;
  }
  return false;
}

void cw_cost_label(const cw_cost *list, int n, int i, bool in_print, char text[CW_TITLE]) {
  const cw_cost *e = &list[i];
  const cw_plan *p = e->c->plan;
  const cw_param *param = p->theory->params[p->form];
  const bool inner =
      cw_stage_is(e->stage, CW_IS_INNER); /* whose label says the number of the rung */
  int at = snprintf(text, CW_TITLE, "%s%s%s", e->c->name, e->c->name[0] != '\0' ? ": " : "",
                    inner ? e->stage->section->kind.label : e->stage->part.label);
  for (int k = 0; param[k].name != NULL; k++) {
    if (at >= CW_TITLE - 2 || !differs(list, n, i, k)) continue;
    at += snprintf(text + at, (size_t)(CW_TITLE - at), ", ");
    at +=
        cw_describe_parameter(p, k, params_of(e)[k], in_print, text + at, (size_t)(CW_TITLE - at));
  }
}
