/* The sections of a job that are methods': reading them, and what can be asked of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/plan/plan.h"

/* ---------------------------------------------------------------------- reading */

static cw_status check_needs(cw_node *root, const cw_plan *p, const cw_section *s) {
  const bool model = (s->method->needs & CW_NEEDS_MODEL) && !p->has_model;
  const bool ladder = (s->method->needs & CW_NEEDS_LADDER) && p->ladder.n == 0;
  if (!model && !ladder) return CW_OK;
  const char *section = model ? "model" : "ladder";
  CW_TRY(cw_job_suspect(root, section));
  return cw_job_fail(root, s->kind.name, "needs a section '%s'", section);
}

static cw_status read_section(cw_context *ctx, cw_node *root, const cw_method *method,
                              cw_section_kind kind, cw_plan *p) {
  cw_node *map;
  CW_TRY(cw_job_map(root, kind.name, CW_JOB_MAY, &map));
  if (map == NULL) return CW_OK;
  CW_REQUIRE(p->n_sections < CW_MAX_SECTIONS);
  cw_section *s = &p->section[p->n_sections];
  *s = (cw_section){.method = method, .kind = kind, .own = calloc(1, method->plan_size)};
  if (s->own == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for the job");
  p->n_sections++; /* from here on cw_plans_clear frees it */
  CW_TRY(check_needs(root, p, s));
  CW_TRY(method->read(root, map, p, s));
  return cw_job_finish(map);
}

cw_status cw_read_methods(cw_context *ctx, cw_node *root, cw_plan *p) {
  for (int i = 0; cw_methods[i] != NULL; i++)
    for (int k = 0; cw_methods[i]->kind(k).name != NULL; k++)
      CW_TRY(read_section(ctx, root, cw_methods[i], cw_methods[i]->kind(k), p));
  return CW_OK;
}

void cw_plans_clear(cw_plans *plans) {
  for (int i = 0; i < plans->n && plans->plan != NULL; i++)
    for (int k = 0; k < plans->plan[i].n_sections; k++) free(plans->plan[i].section[k].own);
  free(plans->plan);
  free(plans->text);
  *plans = (cw_plans){0};
}

/* ------------------------------------------------------------------------ asking */

const char *cw_section_words(unsigned needs, char *list, size_t size) {
  const char *word[CW_MAX_WORDS] = {NULL};
  int n = 0;
  for (int i = 0; cw_methods[i] != NULL; i++)
    for (int k = 0; cw_methods[i]->kind(k).name != NULL && n < CW_MAX_WORDS - 1; k++)
      if (needs == 0 || cw_methods[i]->needs & needs) word[n++] = cw_methods[i]->kind(k).name;
  list[0] = '\'';
  cw_join_words(word, "', '", "' or '", list + 1, size - 2);
  return strcat(list, "'");
}

const cw_mcmc_plan *cw_section_chains(const cw_section *s) {
  return s->method->chains != NULL ? s->method->chains(s) : NULL;
}

const cw_section *cw_plan_section(const cw_plan *p, const char *name) {
  for (int i = 0; i < p->n_sections; i++)
    if (strcmp(p->section[i].kind.name, name) == 0) return &p->section[i];
  return NULL;
}

bool cw_plan_has(const cw_plan *p, unsigned needs) {
  for (int i = 0; i < p->n_sections; i++)
    if (p->section[i].method->needs & needs) return true;
  return false;
}

bool cw_plan_training(const cw_plan *p, cw_training *out) {
  for (int i = 0; i < p->n_sections; i++) {
    const cw_section *s = &p->section[i];
    if (s->method->trains != NULL && s->method->trains(p, s, out) && !out->is_ladder) return true;
  }
  return false;
}

bool cw_trained_on(const cw_plan *p, const cw_section *data) {
  cw_training t;
  return cw_plan_training(p, &t) && t.data == data;
}

long cw_fair_rows(const cw_plan *p, const cw_section *data) {
  long rows = cw_kept_rows(cw_section_chains(data));
  return cw_trained_on(p, data) ? rows - rows / 2 : rows;
}

void cw_part_by_flows(const cw_plan *p, const cw_section *flow, cw_part *part) {
  cw_training t;
  if (flow != NULL && flow->method->trains != NULL && flow->method->trains(p, flow, &t))
    snprintf(part->training, sizeof part->training, "%s", t.stage);
}

cw_part cw_part_of(const cw_section *s, unsigned is, const char *unit, long wanted) {
  cw_part part = {.unit = unit, .wanted = wanted, .is = is, .rung = -1, .colour = s->kind.colour};
  snprintf(part.name, sizeof part.name, "%s", s->kind.name);
  snprintf(part.label, sizeof part.label, "%s", s->kind.label);
  snprintf(part.stage, sizeof part.stage, "%s", s->kind.name);
  const cw_mcmc_plan *m = cw_section_chains(s);
  if (m != NULL) {
    part.discarded = m->thermalise;
    part.every = m->every;
  }
  return part;
}
