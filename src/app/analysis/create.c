/* From a store to an analysis: the stages of its job, in the order of running, and their numbers.
 * Read cw_analysis_create first. */
#include <stdlib.h>
#include <string.h>

#include "app/analysis/parts.h"

static const char *label_of(const char *name) {
  static const char *const labels[][2] = {{"hmc", "HMC"},
                                          {"cluster", "Cluster"},
                                          {"heatbath", "Heat bath"},
                                          {"spinflip", "Spin flips"},
                                          {"train", "Training"},
                                          {"nis", "NIS"},
                                          {"nmcmc", "NMCMC"},
                                          {"forward", "Forward weights"},
                                          {"chain", "Chain integration"},
                                          {"ais", "AIS"},
                                          {"smc", "SMC"},
                                          {"snf", "SNF"},
                                          {"snf.train", "Training of SNF"},
                                          {"craft", "CRAFT"},
                                          {"craft.train", "Training of CRAFT"},
                                          {"walk", "Walk"},
                                          {"walk.train", "Training of the walk"},
                                          {"rex", "Replica exchange"},
                                          {"ptbc", "PTBC"}};
  for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
    if (strcmp(labels[i][0], name) == 0) return labels[i][1];
  return name;
}

static cw_analysis_stage *add_stage(cw_analysis_case *c, const char *name, cw_stage_kind kind) {
  cw_analysis_stage *s = &c->stage[c->n_stages++];
  *s = (cw_analysis_stage){.kind = kind, .longest_rejection = -1};
  snprintf(s->name, sizeof s->name, "%s", name);
  snprintf(s->label, sizeof s->label, "%s", label_of(name));
  return s;
}

/* The last rung, which has the results of the section, and if they are measured the others. */
static void add_rungs(cw_analysis_case *c, const cw_rex_plan *x) {
  int n = c->plan->ladder.n;
  for (int rung = n - 1; rung >= (x->all_rungs ? 0 : n - 1); rung--) {
    cw_analysis_stage *s = add_stage(c, x->name, CW_STAGE_REX);
    s->rung = rung;
    if (rung == n - 1) continue;
    snprintf(s->name, sizeof s->name, "%s.rung%d", x->name, rung);
    snprintf(s->label, sizeof s->label, "%s, rung %d", label_of(x->name), rung);
  }
}

static void add_walk(cw_analysis_case *c, const cw_walk_plan *w) {
  char training[CW_RESULT_NAME];
  snprintf(training, sizeof training, "%s.train", w->name);
  if (w->has_flow) add_stage(c, training, CW_STAGE_FLOWS);
  add_stage(c, w->name, CW_STAGE_WALK);
  if (!w->pimh) return;
  cw_analysis_stage *s = add_stage(c, w->name, CW_STAGE_PIMH);
  snprintf(s->name, sizeof s->name, "%s.pimh", w->name);
  snprintf(s->label, sizeof s->label, "PIMH of %s", label_of(w->name));
}

static int count_rungs(const cw_plan *p) {
  int n = 0;
  for (int i = 0; i < p->n_rex; i++) n += p->rex[i].all_rungs ? p->ladder.n : 1;
  return n;
}

static cw_status list_stages(cw_context *ctx, cw_analysis_case *c) {
  const cw_plan *p = c->plan;
  c->stage = calloc((size_t)(p->n_mcmc + 3 * p->n_walks + count_rungs(p)) + 5, sizeof *c->stage);
  if (c->stage == NULL) return cw_no_memory(ctx);
  for (int i = 0; i < p->n_mcmc; i++) add_stage(c, p->mcmc[i].ops->name, CW_STAGE_SAMPLER);
  if (p->has_train) add_stage(c, "train", CW_STAGE_TRAIN);
  if (p->has_nis) add_stage(c, "nis", CW_STAGE_NIS);
  if (p->has_nmcmc) add_stage(c, "nmcmc", CW_STAGE_NMCMC);
  if (p->has_forward) add_stage(c, "forward", CW_STAGE_FORWARD);
  if (p->has_chain) add_stage(c, "chain", CW_STAGE_CHAIN);
  for (int i = 0; i < p->n_walks; i++) add_walk(c, &p->walk[i]);
  for (int i = 0; i < p->n_rex; i++) add_rungs(c, &p->rex[i]);
  return CW_OK;
}

static cw_status read_stage(cw_context *ctx, cw_store *store, cw_analysis_case *c,
                            cw_analysis_stage *s, char held[160], cw_arrays *data) {
  char section[CW_RESULT_NAME], stage[160];
  bool part = s->kind == CW_STAGE_REX || s->kind == CW_STAGE_PIMH; /* of a stage of the store */
  size_t length = part ? strcspn(s->name, ".") : strlen(s->name);
  snprintf(section, sizeof section, "%.*s", (int)length, s->name);
  cw_stage_name(c->plan, section, stage);
  s->stored = cw_store_segments(store, stage) > 0;
  if (!s->stored) return CW_OK;
  if (strcmp(held, stage) != 0) CW_TRY(cw_analysis_collect(ctx, store, stage, data));
  snprintf(held, 160, "%s", stage);
  const cw_array *seconds = cw_arrays_get(data, "timing.seconds");
  bool again = strcmp(section, s->name) != 0; /* the time is that of the last rung's stage */
  if (seconds != NULL && !again) s->seconds = cw_sum(seconds->data, (size_t)cw_array_size(seconds));
  CW_TRY(cw_fill_start(ctx, s, data));
  return cw_analysis_fill_stage(ctx, c, s, data);
}

/* Fills every stage. The arrays of NIS and of the forward weights are kept until the flow has been
 * judged by both. */
static cw_status read_stages(cw_context *ctx, cw_store *store, cw_analysis_case *c) {
  cw_arrays nis = {0}, forward = {0}, other = {0};
  char held[160] = ""; /* the stage that was collected last: rungs share theirs */
  cw_status st = CW_OK;
  for (int i = 0; i < c->n_stages && st == CW_OK; i++) {
    cw_stage_kind kind = c->stage[i].kind;
    cw_arrays *data = kind == CW_STAGE_NIS ? &nis : kind == CW_STAGE_FORWARD ? &forward : &other;
    st = cw_agree(ctx, read_stage(ctx, store, c, &c->stage[i], held, data));
  }
  cw_arrays_clear(&other);
  if (st == CW_OK) st = cw_analysis_fill_case(ctx, c, &nis, &forward);
  cw_arrays_clear(&nis);
  cw_arrays_clear(&forward);
  return st;
}

static cw_status open_case(cw_context *ctx, cw_analysis_case *c) {
  CW_TRY(cw_describe_case(ctx, c));
  return list_stages(ctx, c);
}

static cw_status judge_case(cw_context *ctx, cw_analysis_case *c) {
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
