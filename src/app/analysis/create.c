/* From a store to an analysis: the stages of its job, in the order of running, and their numbers.
 * Read cw_analysis_create first. */
#include <stdlib.h>
#include <string.h>

#include "app/analysis/fill.h"

/* The parts of a section as stages that are not filled yet. part: room for CW_MAX_PARTS. */
static cw_status add_parts(cw_context *ctx, cw_analysis_case *c, const cw_section *section,
                           cw_part *part) {
  const int n = section->method->parts(c->plan, section, part);
  cw_analysis_stage *grown = realloc(c->stage, (size_t)(c->n_stages + n) * sizeof *grown);
  if (grown == NULL) return cw_no_memory(ctx);
  c->stage = grown;
  for (int i = 0; i < n; i++)
    c->stage[c->n_stages++] = (cw_analysis_stage){.section = section,
                                                  .part = part[i],
                                                  .longest_rejection = -1,
                                                  .lnZ = cw_estimate_undefined(0),
                                                  .sampled_so = ""};
  return CW_OK;
}

static cw_status list_stages(cw_context *ctx, cw_analysis_case *c) {
  cw_part *part = malloc(CW_MAX_PARTS * sizeof *part);
  cw_status st = part != NULL ? CW_OK : cw_no_memory(ctx);
  for (int i = 0; i < c->plan->n_sections && st == CW_OK; i++)
    st = add_parts(ctx, c, &c->plan->section[i], part);
  free(part);
  return st;
}

/* What a start file leaves doubtful: segments hold these arrays only where it does. */
static cw_status fill_start(cw_context *ctx, cw_analysis_stage *s, const cw_arrays *data) {
  const cw_array *off_group, *ignored;
  CW_TRY(cw_get_array(ctx, s, data, "start.off_group", 1, &off_group));
  CW_TRY(cw_get_array(ctx, s, data, "start.ignored", 1, &ignored));
  if (off_group != NULL) s->start_off_group = off_group->data[0];
  if (ignored != NULL) s->start_ignored = (unsigned)fmin(fmax(ignored->data[0], 0), 1e6);
  return CW_OK;
}

/* What the store says of every stage: the time spent in it, and what its start leaves doubtful. */
static cw_status fill_common(cw_context *ctx, cw_analysis_stage *s, const cw_arrays *data) {
  const cw_array *seconds = cw_arrays_get(data, "timing.seconds");
  bool is_whole = strcmp(s->part.stage, s->part.name) == 0; /* else it is timed with the stage */
  if (seconds != NULL && is_whole)
    s->seconds = cw_sum(seconds->data, (size_t)cw_array_size(seconds));
  return fill_start(ctx, s, data);
}

/* held: the stage whose arrays are in data. */
static cw_status read_stage(cw_context *ctx, cw_store *store, cw_analysis_case *c,
                            cw_analysis_stage *s, char held[160], cw_arrays *data) {
  char stage[160];
  cw_stage_name(c->plan, s->part.stage, stage);
  s->stored = cw_store_segments(store, stage) > 0;
  if (!s->stored) return CW_OK;
  if (strcmp(held, stage) != 0) CW_TRY(cw_analysis_collect(ctx, store, stage, data));
  snprintf(held, 160, "%s", stage);
  CW_TRY(fill_common(ctx, s, data));
  return s->section->method->fill(ctx, c, s, data);
}

static cw_status read_stages(cw_context *ctx, cw_store *store, cw_analysis_case *c) {
  cw_arrays data = {0};
  char held[160] = ""; /* parts of a stage follow each other */
  cw_status st = CW_OK;
  for (int i = 0; i < c->n_stages && st == CW_OK; i++)
    st = cw_agree(ctx, read_stage(ctx, store, c, &c->stage[i], held, &data));
  cw_arrays_clear(&data);
  return st;
}

/* What takes several stages. */
static cw_status conclude(cw_context *ctx, cw_analysis_case *c) {
  CW_TRY(cw_judge_model(ctx, c));
  for (int i = 0; i < c->n_stages; i++) {
    const cw_method *method = c->stage[i].section->method;
    if (method->conclude != NULL && c->stage[i].present)
      CW_TRY(method->conclude(ctx, c, &c->stage[i]));
  }
  return CW_OK;
}

static cw_status open_case(cw_context *ctx, cw_analysis_case *c) {
  CW_TRY(cw_describe_case(ctx, c));
  return list_stages(ctx, c);
}

static cw_status judge_case(cw_context *ctx, cw_analysis_case *c) {
  CW_TRY(conclude(ctx, c));
  CW_TRY(cw_note_missing(ctx, c));
  CW_TRY(cw_analysis_warn(ctx, c));
  return cw_expect_compare(ctx, c);
}

/* Ranks agree wherever another reads on. */
static cw_status fill_case(cw_context *ctx, cw_store *store, cw_analysis_case *c) {
  CW_TRY(cw_agree(ctx, open_case(ctx, c)));
  cw_status st = read_stages(ctx, store, c);
  if (st == CW_OK) st = judge_case(ctx, c);
  return cw_agree(ctx, st);
}

static cw_status read_job(cw_context *ctx, cw_store *store, cw_analysis *a) {
  CW_TRY(cw_plans_of_store(ctx, store, &a->plans));
  a->job_name = a->plans.plan[0].job;
  a->about = a->plans.plan[0].about;
  a->seed = a->plans.plan[0].seed;
  a->cases = calloc((size_t)a->plans.n, sizeof *a->cases);
  if (a->cases == NULL) return cw_no_memory(ctx);
  a->n_cases = a->plans.n;
  for (int i = 0; i < a->n_cases; i++) {
    a->cases[i].plan = &a->plans.plan[i];
    a->cases[i].name = a->plans.plan[i].name;
  }
  return CW_OK;
}

static cw_status analyse(cw_context *ctx, cw_store *store, cw_analysis *a) {
  CW_TRY(cw_agree(ctx, read_job(ctx, store, a)));
  for (int i = 0; i < a->n_cases; i++) {
    CW_TRY(fill_case(ctx, store, &a->cases[i]));
    for (int s = 0; s < a->cases[i].n_stages; s++) a->seconds += a->cases[i].stage[s].seconds;
  }
  return CW_OK;
}

cw_status cw_analysis_create(cw_context *ctx, const char *dir, cw_analysis **out) {
  cw_store *store = NULL;
  CW_TRY(cw_store_open(ctx, dir, &store));
  cw_analysis *a = calloc(1, sizeof *a);
  cw_status st = cw_agree(ctx, a != NULL ? CW_OK : cw_no_memory(ctx));
  if (st == CW_OK) st = analyse(ctx, store, a);
  cw_store_close(store);
  if (st != CW_OK) {
    cw_analysis_destroy(a);
    return st;
  }
  *out = a;
  return CW_OK;
}
