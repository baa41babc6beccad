/* Whose trained parameters a model, or flows between rungs, start from: those of another run, of an earlier
 * case of the same one, or of a model file. */
#include <stdio.h>
#include <string.h>

#include "app/plan/plan.h"

cw_status cw_read_start(cw_node *flow, bool with_files, cw_start_from *start) {
  cw_node *map;
  CW_TRY(cw_job_map(flow, "start", CW_JOB_MAY, &map));
  if (map == NULL) return CW_OK;
  const bool from_file = with_files && cw_job_has(map, "model");
  if (from_file && (cw_job_has(map, "run") || cw_job_has(map, "case")))
    return cw_job_fail(map, "model",
                       "there is a 'run' or a 'case' too: flows start from one of them");
  if (from_file) return cw_read_text(map, "model", NULL, start->model, sizeof start->model);
  const bool here = cw_job_has(map, "case") && !cw_job_has(map, "run");
  if (!here && !cw_job_has(map, "run")) CW_TRY(cw_job_suspect(map, "case"));
  if (!here) CW_TRY(cw_read_text(map, "run", NULL, start->run, sizeof start->run));
  return cw_read_text(map, "case", here ? NULL : "", start->name, sizeof start->name);
}

void cw_start_text(const cw_start_from *s, char text[CW_START_TEXT]) {
  if (cw_starts_here(s))
    snprintf(text, CW_START_TEXT, "case %s", s->name);
  else if (s->model[0] != '\0')
    snprintf(text, CW_START_TEXT, "model %s", s->model);
  else
    snprintf(text, CW_START_TEXT, "run %s%s%s", s->run, s->name[0] != '\0' ? ", case " : "",
             s->name);
}

bool cw_find_training(const cw_plan *p, const char *stage, cw_training *out) {
  if (stage == NULL) return cw_plan_training(p, out);
  for (int i = 0; i < p->n_sections; i++) {
    const cw_section *s = &p->section[i];
    if (s->method->trains != NULL && s->method->trains(p, s, out) && strcmp(out->stage, stage) == 0)
      return true;
  }
  return false;
}

/* Dense networks have weights for each site; NULL: of no such network. */
static const char *bound_to_lattice(const cw_model_spec *m) {
  if (m->kind == CW_MODEL_AUTOREGRESSIVE)
    return cw_autoregressive_find(m->autoregressive.kind)->kernel ? NULL : m->autoregressive.kind;
  for (int i = 0; i < m->n_layers; i++)
    if (cw_layer_find(m->layer[i].kind)->net && m->layer[i].net.kind == CW_NET_DENSE)
      return "dense";
  return NULL;
}

bool cw_start_misfits(const cw_plan *theirs, const cw_model_spec *other, const cw_plan *p,
                      const cw_model_spec *spec, char why[CW_START_WHY]) {
  const char *key = cw_model_difference(spec, other), *bound = bound_to_lattice(spec);
  why[0] = '\0';
  if (key != NULL)
    snprintf(why, CW_START_WHY, "are of a model with other '%s'", key);
  else if (theirs->lat.dim != p->lat.dim)
    snprintf(why, CW_START_WHY, "are of a lattice of %d directions, and this one has %d",
             theirs->lat.dim, p->lat.dim);
  else if (bound != NULL && !cw_lattice_equal(&theirs->lat, &p->lat))
    snprintf(why, CW_START_WHY, "are of another lattice, and networks of kind '%s' stay at theirs",
             bound);
  return why[0] != '\0';
}

/* ---- cases of the same run ---- */

static const cw_plan *earlier_case(const cw_plans *plans, int i, const char *name) {
  for (int k = 0; k < i; k++)
    if (strcmp(plans->plan[k].name, name) == 0) return &plans->plan[k];
  return NULL;
}

static bool is_later(const cw_node *entry, const char *name) {
  for (const cw_node *n = cw_job_next(entry); n != NULL; n = cw_job_next(n))
    if (strcmp(cw_job_key(n), name) == 0) return true;
  return false;
}

static cw_status fail_no_case(cw_node *map, const cw_node *entry, const cw_plans *plans, int i,
                              const char *name) {
  const char *known[CW_MAX_CASES + 1] = {NULL};
  char list[300];
  if (entry == NULL)
    return cw_job_fail(map, "case", "the job has no cases: expected a 'run' beside it");
  if (strcmp(name, cw_job_key(entry)) == 0)
    return cw_job_fail(map, "case", "case '%s' cannot start from itself", name);
  if (is_later(entry, name))
    return cw_job_fail(map, "case", "case '%s' comes later: a case starts from one before it",
                       name);
  for (int k = 0; k < i; k++) known[k] = plans->plan[k].name;
  const char *near = cw_nearest(name, known);
  if (near != NULL)
    return cw_job_fail(map, "case", "there is no earlier case '%s'; did you mean '%s'?", name,
                       near);
  cw_list_words(known, list, sizeof list);
  return cw_job_fail(map, "case", "there is no earlier case '%s' (earlier are: %s)", name,
                     i > 0 ? list : "none");
}

/* flow: the map with key `start`; stage: of the training of flows, NULL: of the job's model. */
static cw_status check_start(cw_node *flow, const cw_node *entry, const cw_plans *plans, int i,
                             const cw_start_from *start, const char *stage,
                             const cw_model_spec *spec) {
  const cw_plan *p = &plans->plan[i], *from = earlier_case(plans, i, start->name);
  cw_node *map;
  cw_training t;
  char why[CW_START_WHY];
  CW_TRY(cw_job_map(flow, "start", CW_JOB_MUST, &map));
  if (from == NULL) return fail_no_case(map, entry, plans, i, start->name);
  if (!cw_find_training(from, stage, &t))
    return cw_job_fail(map, "case", "case '%s' has no training %s%s", start->name,
                       stage != NULL ? "" : "of a model", stage != NULL ? stage : "");
  if (cw_start_misfits(from, t.model, p, spec, why))
    return cw_job_fail(map, "case", "the parameters of case '%s' %s", start->name, why);
  if (t.is_ladder && from->ladder.n != p->ladder.n)
    return cw_job_fail(map, "case", "case '%s' has %d flows, this one %d", start->name,
                       from->ladder.n - 1, p->ladder.n - 1);
  return CW_OK;
}

cw_status cw_check_starts(cw_node *root, const cw_node *entry, const cw_plans *plans, int i) {
  const cw_plan *p = &plans->plan[i];
  cw_node *map, *flow;
  if (cw_starts_here(&p->start)) {
    CW_TRY(cw_job_map(root, "model", CW_JOB_MUST, &map));
    CW_TRY(check_start(map, entry, plans, i, &p->start, NULL, &p->model));
  }
  for (int k = 0; k < p->n_sections; k++) {
    const cw_section *s = &p->section[k];
    cw_training t;
    if (s->method->trains == NULL || !s->method->trains(p, s, &t) || t.start == NULL) continue;
    if (!cw_starts_here(t.start)) continue;
    CW_TRY(cw_job_map(root, s->kind.name, CW_JOB_MUST, &map));
    CW_TRY(cw_job_map(map, "flow", CW_JOB_MUST, &flow));
    CW_TRY(check_start(flow, entry, plans, i, t.start, t.stage, t.model));
  }
  return CW_OK;
}
