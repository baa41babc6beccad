/* Taking an analysis apart again, and looking things up in it. */
#include "app/analysis/analysis.h"

#include <stdlib.h>
#include <string.h>

#include "app/analysis/parts.h"

/* ----------------------------------------------------------------- memory */

static void free_curves(cw_curve *curve, int n) {
  for (int i = 0; i < n; i++) {
    free(curve[i].x);
    free(curve[i].y);
    free(curve[i].dy);
  }
  free(curve);
}

static void free_results(cw_result *result, int n) {
  for (int i = 0; i < n; i++) free(result[i].tau_chain);
  free(result);
}

static void free_lines(char **line, int n) {
  for (int i = 0; i < n; i++) free(line[i]);
  free(line);
}

static void clear_case(cw_analysis_case *c) {
  for (int i = 0; i < c->n_stages; i++) {
    free_results(c->stage[i].result, c->stage[i].n_results);
    free_curves(c->stage[i].curve, c->stage[i].n_curves);
  }
  free(c->stage);
  free_results(c->result, c->n_results);
  free_curves(c->curve, c->n_curves);
  free_lines(c->warning, c->n_warnings);
  free_lines(c->missing, c->n_missing);
  cw_theory_destroy(&c->theory);
  cw_geometry_destroy(c->geometry);
}

void cw_analysis_destroy(cw_analysis *a) {
  if (a == NULL) return;
  for (int i = 0; i < a->n_cases; i++) clear_case(&a->cases[i]);
  free(a->cases);
  cw_plans_clear(&a->plans);
  free(a);
}

/* ----------------------------------------------------------------- look-up */

const cw_analysis_stage *cw_analysis_find_stage(const cw_analysis_case *c, const char *name) {
  for (int i = 0; i < c->n_stages; i++)
    if (strcmp(c->stage[i].name, name) == 0) return &c->stage[i];
  return NULL;
}

const cw_analysis_stage *cw_analysis_find_kind(const cw_analysis_case *c, cw_stage_kind kind) {
  for (int i = 0; i < c->n_stages; i++)
    if (c->stage[i].kind == kind && c->stage[i].present) return &c->stage[i];
  return NULL;
}

const cw_result *cw_stage_result(const cw_analysis_stage *s, const char *quantity, int index) {
  for (int i = 0; i < s->n_results; i++)
    if (strcmp(s->result[i].quantity, quantity) == 0 && s->result[i].index == index)
      return &s->result[i];
  return NULL;
}

const cw_result *cw_case_result(const cw_analysis_case *c, const char *name) {
  for (int i = 0; i < c->n_results; i++)
    if (strcmp(c->result[i].name, name) == 0) return &c->result[i];
  return NULL;
}

const cw_curve *cw_stage_curve(const cw_analysis_stage *s, const char *name) {
  for (int i = 0; i < s->n_curves; i++)
    if (strcmp(s->curve[i].name, name) == 0) return &s->curve[i];
  return NULL;
}

bool cw_stage_is_chains(const cw_analysis_stage *s) {
  return s->kind == CW_STAGE_SAMPLER || s->kind == CW_STAGE_NMCMC || s->kind == CW_STAGE_REX ||
         s->kind == CW_STAGE_PIMH;
}

bool cw_stage_measures(const cw_analysis_case *c, const cw_analysis_stage *s) {
  return s->kind == CW_STAGE_SAMPLER || s->kind == CW_STAGE_NIS || s->kind == CW_STAGE_NMCMC ||
         s->kind == CW_STAGE_WALK || s->kind == CW_STAGE_PIMH ||
         (s->kind == CW_STAGE_REX && s->rung == c->plan->ladder.n - 1);
}

const cw_primary *cw_case_sector(const cw_analysis_case *c, int *group) {
  for (int g = 0; g < c->plan->n_groups; g++) {
    *group = g;
    const cw_primary *p = c->observer[g].ops->notable;
    for (; p != NULL && p->name != NULL; p++)
      if (p->sector != CW_SECTOR_NONE) return p;
  }
  return NULL;
}
