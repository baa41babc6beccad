/* Taking an analysis apart again, and looking things up in it. */
#include "app/analysis/analysis.h"

#include <stdlib.h>
#include <string.h>

#include "app/analysis/fill.h"

/* ----------------------------------------------------------------- memory */

static void free_curves(cw_curve *curve, int n) {
  for (int i = 0; i < n; i++) {
    free(curve[i].x);
    free(curve[i].y);
    free(curve[i].dy);
  }
  free(curve);
}

void cw_result_clear(cw_result *r) {
  free(r->tau_chain);
  free(r->history.slope);
}

static void free_results(cw_result *result, int n) {
  for (int i = 0; i < n; i++) cw_result_clear(&result[i]);
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
    free(c->stage[i].log_weight.data);
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
    if (strcmp(c->stage[i].part.name, name) == 0) return &c->stage[i];
  return NULL;
}

bool cw_stage_is(const cw_analysis_stage *s, unsigned is) { return (s->part.is & is) == is; }

const cw_analysis_stage *cw_analysis_find(const cw_analysis_case *c, unsigned is) {
  for (int i = 0; i < c->n_stages; i++)
    if (c->stage[i].present && cw_stage_is(&c->stage[i], is)) return &c->stage[i];
  return NULL;
}

const cw_analysis_stage *cw_analysis_find_of_model(const cw_analysis_case *c, unsigned is) {
  for (int i = 0; i < c->n_stages; i++) {
    const cw_analysis_stage *s = &c->stage[i];
    if (s->present && cw_stage_is(s, is) && s->section->method->needs & CW_NEEDS_MODEL) return s;
  }
  return NULL;
}

const cw_result *cw_stage_result(const cw_analysis_stage *s, const char *quantity, int index) {
  for (int i = 0; i < s->n_results; i++)
    if (strcmp(s->result[i].quantity, quantity) == 0 && s->result[i].index == index)
      return &s->result[i];
  return NULL;
}

int cw_stage_extreme(const cw_analysis_stage *s, const char *quantity, double sign) {
  int found = -1;
  double most = -INFINITY;
  for (int i = 0; i < s->n_results; i++) {
    const cw_result *r = &s->result[i];
    if (r->index < 0 || strcmp(r->quantity, quantity) != 0 || !(sign * r->e.value > most)) continue;
    most = sign * r->e.value;
    found = r->index;
  }
  return found;
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
