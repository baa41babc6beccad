/* What is measured: groups of observables and their parameters. */

#include <string.h>

#include "app/plan/plan.h"

/* Every section that measures groups in turn must come to this one. */
static cw_status check_turn(const cw_node *map, const cw_plan *p, long every) {
  for (int i = 0; i < p->n_sections; i++) {
    const cw_mcmc_plan *m = cw_section_chains(&p->section[i]);
    if (!(p->section[i].method->needs & CW_MEASURES_ALL_GROUPS) || m == NULL) continue;
    if (every <= m->steps / m->every) continue;
    return cw_job_fail(map, "every",
                       "section '%s' would never measure it: expected at most %ld, its "
                       "measurements (steps/every), found %ld",
                       p->section[i].kind.name, m->steps / m->every, every);
  }
  return CW_OK;
}

static cw_status read_group(cw_node *measure, const cw_observable_ops *ops, cw_plan *p) {
  cw_node *map;
  char words[300];
  CW_TRY(cw_job_map(measure, ops->name, ops->standard ? CW_JOB_PRESET : CW_JOB_MAY, &map));
  if (map == NULL) return CW_OK;
  if (!ops->standard && !cw_plan_has(p, CW_MEASURES_ALL_GROUPS))
    return cw_job_fail(map, NULL, "nothing measures it: it needs a section %s",
                       cw_section_words(CW_MEASURES_ALL_GROUPS, words, sizeof words));
  CW_REQUIRE(p->n_groups < CW_MAX_GROUPS);
  cw_measure_plan *g = &p->group[p->n_groups++];
  g->ops = ops;
  CW_TRY(cw_job_long(map, "every", 1, 1, 1000000, &g->every));
  CW_TRY(check_turn(map, p, g->every));
  if (ops->params != NULL) CW_TRY(cw_job_params(map, ops->params, g->param));
  return cw_job_finish(map);
}

const cw_observable_ops *cw_group_of_quantity(const cw_plan *p, const char *quantity) {
  cw_probe probe;
  cw_probe_make(p, &probe);
  for (int i = 0; cw_observables[i] != NULL; i++)
    if (cw_observables[i]->fits(&probe.theory) &&
        cw_quantity_find(cw_observables[i], quantity) != NULL)
      return cw_observables[i];
  return NULL;
}

static bool is_group(const char *name) {
  for (int i = 0; cw_observables[i] != NULL; i++)
    if (strcmp(cw_observables[i]->name, name) == 0) return true;
  return false;
}

/* Groups are named, not what they hold. */
static cw_status refuse_quantities(cw_node *measure, const cw_plan *p) {
  for (const cw_node *n = cw_job_first(measure); n != NULL; n = cw_job_next(n)) {
    const cw_observable_ops *ops = cw_group_of_quantity(p, cw_job_key(n));
    if (ops != NULL && !is_group(cw_job_key(n)))
      return cw_job_fail(n, NULL, "'%s' is one of the numbers of '%s': name that, as in '%s: {}'",
                         cw_job_key(n), ops->name, ops->name);
  }
  return CW_OK;
}

static cw_status refuse_group(const cw_node *measure, const cw_observable_ops *ops,
                              const cw_plan *p, const cw_theory *th) {
  const char *fit[CW_MAX_GROUPS + 1];
  char words[300];
  int n = 0;
  for (int i = 0; cw_observables[i] != NULL && n < CW_MAX_GROUPS; i++)
    if (cw_observables[i]->fits(th)) fit[n++] = cw_observables[i]->name;
  fit[n] = NULL;
  return cw_job_fail(measure, ops->name,
                     "'%s' observables do not fit theory '%s' on this lattice (those that do: %s)",
                     ops->name, p->theory->name,
                     cw_join_words(fit, ", ", ", ", words, sizeof words));
}

/* Groups that fit the theory, the standard ones first; naming another one is an error. */
cw_status cw_read_measure(cw_node *root, cw_plan *p) {
  cw_node *measure;
  cw_probe probe;
  cw_probe_make(p, &probe);
  CW_TRY(cw_job_map(root, "measure", CW_JOB_PRESET, &measure));
  CW_TRY(refuse_quantities(measure, p));
  for (int standard = 1; standard >= 0; standard--)
    for (int i = 0; cw_observables[i] != NULL; i++) {
      const cw_observable_ops *ops = cw_observables[i];
      if (ops->standard != (standard == 1)) continue;
      if (ops->fits(&probe.theory)) {
        CW_TRY(read_group(measure, ops, p));
      } else if (cw_job_has(measure, ops->name)) {
        return refuse_group(measure, ops, p, &probe.theory);
      }
    }
  if (p->n_groups == 0 || !p->group[0].ops->standard)
    return cw_job_fail(root, "theory", "no observables fit theory '%s' on this lattice",
                       p->theory->name);
  return CW_OK;
}
