/* Opening a store for analysis: the job, its cases and stages, in the order of running. */
#include "app/analysis.h"

#include <stdlib.h>
#include <string.h>

#include "app/analysis_parts.h"

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

bool cw_is_featured(const cw_observer *o, const char *name) {
  for (int i = 0; o->ops->featured != NULL && o->ops->featured[i] != NULL; i++)
    if (strcmp(o->ops->featured[i], name) == 0) return true;
  return false;
}

/* ------------------------------------------------------------- descriptions */

/* "scalar phi^4 theory (form m2: m2 = -4, lambda = 8)" */
static void describe_theory(const cw_plan *plan, char text[CW_TITLE]) {
  const cw_theory_ops *ops = plan->theory;
  const cw_param *param = ops->params[plan->form];
  int at = snprintf(text, CW_TITLE, "%s (form %s:", ops->title, ops->forms[plan->form]);
  for (int i = 0; param[i].name != NULL && at < CW_TITLE; i++)
    at += snprintf(text + at, (size_t)(CW_TITLE - at), "%s %s = %.10g", i > 0 ? "," : "",
                   param[i].name, plan->param[i]);
  if (at < CW_TITLE) snprintf(text + at, (size_t)(CW_TITLE - at), ")");
}

/* "frontier with 64, 64 hidden channels at each site, bonds in the logits, mean of 16 images" */
static void describe_autoregressive(const cw_autoregressive_spec *s, const cw_lattice *lat,
                                    char text[CW_TITLE]) {
  const long n_images = cw_autoregressive_images(s, lat);
  int at = snprintf(text, CW_TITLE, "%s with ", s->kind);
  for (int i = 0; i < s->n_hidden && at < CW_TITLE; i++)
    at += snprintf(text + at, (size_t)(CW_TITLE - at), "%s%d", i > 0 ? ", " : "", s->hidden[i]);
  if (at < CW_TITLE)
    at += snprintf(text + at, (size_t)(CW_TITLE - at), "%s%s%s%s%s",
                   s->n_hidden > 0 ? " hidden channels at each site" : "no hidden layers",
                   s->gated ? ", gated" : "", s->residual ? ", residual" : "",
                   s->bonds ? ", bonds in the logits" : "", s->z2 ? ", odd under s -> -s" : "");
  if (n_images > 1 && at < CW_TITLE)
    snprintf(text + at, (size_t)(CW_TITLE - at), ", mean of %ld images", n_images);
}

/* "16 affine + 1 scale layers on a normal prior" */
static void describe_flow(const cw_model_spec *model, char text[CW_TITLE]) {
  int at = 0;
  for (int i = 0, n; i < model->n_layers && at < CW_TITLE; i += n) {
    const cw_layer_spec *first = &model->layer[i];
    for (n = 1; i + n < model->n_layers && cw_same_layer(first, first + n);) n++;
    at += snprintf(text + at, (size_t)(CW_TITLE - at), "%s%d %s", at > 0 ? " + " : "", n,
                   first->kind);
  }
  if (at < CW_TITLE)
    snprintf(text + at, (size_t)(CW_TITLE - at), "%s%s prior",
             at > 0 ? " layers on a " : "no layers, a ",
             model->prior.kind == CW_PRIOR_FREE ? "free" : "normal");
}

/* "reverse KL, path gradient, batch 1024, 2000 steps" */
static void describe_training(const cw_train_options *train, char text[CW_TITLE]) {
  static const char *const gradients[] = {"path gradient", "plain gradient", "REINFORCE"};
  int at = snprintf(text, CW_TITLE, "%s KL, %s, batch %ld, %ld steps",
                    train->loss == CW_LOSS_REVERSE_KL ? "reverse" : "forward",
                    gradients[train->gradient], train->batch, train->steps);
  if (train->anneal > 0 && at < CW_TITLE)
    snprintf(text + at, (size_t)(CW_TITLE - at), ", couplings annealed for %ld", train->anneal);
}

/* A model is made only to ask it how many parameters it has. */
static cw_status describe_model(cw_context *ctx, cw_analysis_case *c) {
  cw_model *model = NULL;
  CW_TRY(cw_model_create(ctx, &c->plan->model, c->geometry, &model));
  c->n_parameters = cw_model_n_theta(model);
  c->noun = c->plan->model.kind == CW_MODEL_FLOW ? "flow" : "network";
  if (c->plan->model.kind == CW_MODEL_FLOW)
    describe_flow(&c->plan->model, c->model_text);
  else
    describe_autoregressive(&c->plan->model.autoregressive, &c->plan->lat, c->model_text);
  cw_model_destroy(model);
  return CW_OK;
}

static cw_status describe(cw_context *ctx, cw_analysis_case *c) {
  const cw_plan *plan = c->plan;
  CW_TRY(cw_geometry_create(ctx, &plan->lat, 1, &c->geometry));
  CW_TRY(cw_theory_create(ctx, plan->theory, c->geometry, plan->form, plan->param, &c->theory));
  for (int g = 0; g < plan->n_groups; g++)
    c->observer[g] = cw_observer_make(plan->group[g].ops, &c->theory, plan->group[g].param);
  describe_theory(plan, c->theory_text);
  if (plan->has_train) describe_training(&plan->train, c->train_text);
  return plan->has_model ? describe_model(ctx, c) : CW_OK;
}

/* ------------------------------------------------------------------- stages */

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
    st = read_stage(ctx, store, c, &c->stage[i], held, data);
  }
  cw_arrays_clear(&other);
  if (st == CW_OK) st = cw_analysis_fill_case(ctx, c, &nis, &forward);
  cw_arrays_clear(&nis);
  cw_arrays_clear(&forward);
  return st;
}

/* ------------------------------------------------------------------ missing */

static long sampler_rows(const cw_plan *p, const char *name) {
  for (int i = 0; i < p->n_mcmc; i++)
    if (strcmp(p->mcmc[i].ops->name, name) == 0)
      return p->mcmc[i].steps / p->mcmc[i].every / p->group[0].every;
  return 0;
}

/* The walk section whose stage, or part of one, has that name. */
static const cw_walk_plan *walk_plan(const cw_plan *p, const char *name) {
  size_t length = strcspn(name, ".");
  for (int i = 0; i < p->n_walks; i++)
    if (strlen(p->walk[i].name) == length && strncmp(p->walk[i].name, name, length) == 0)
      return &p->walk[i];
  return NULL;
}

static const cw_mcmc_plan *rex_plan(const cw_plan *p, const char *name) {
  for (int i = 0; i < p->n_rex; i++)
    if (strncmp(p->rex[i].name, name, strlen(p->rex[i].name)) == 0) return &p->rex[i].mcmc;
  return NULL;
}

long cw_wanted_steps(const cw_analysis_case *c, const cw_analysis_stage *s) {
  switch (s->kind) {
  case CW_STAGE_SAMPLER:
    return sampler_rows(c->plan, s->name);
  case CW_STAGE_TRAIN:
    return c->plan->train.steps;
  case CW_STAGE_NIS:
    return c->plan->nis_samples;
  case CW_STAGE_NMCMC:
    return c->plan->nmcmc_steps;
  case CW_STAGE_FORWARD:
    return cw_forward_rows(c->plan);
  case CW_STAGE_CHAIN:
    return c->plan->chain.nodes;
  case CW_STAGE_FLOWS:
    return walk_plan(c->plan, s->name)->flow.train.steps;
  case CW_STAGE_WALK:
  case CW_STAGE_PIMH:
    return walk_plan(c->plan, s->name)->mcmc.steps;
  case CW_STAGE_REX:
    return rex_plan(c->plan, s->name)->steps / rex_plan(c->plan, s->name)->every /
           c->plan->group[0].every;
  }
  return 0;
}

static const char *unit_of(const cw_analysis_stage *s) {
  switch (s->kind) {
  case CW_STAGE_NIS:
    return "samples";
  case CW_STAGE_FORWARD:
    return "configurations per chain";
  case CW_STAGE_FLOWS:
  case CW_STAGE_WALK:
    return "walks";
  default:
    return "steps";
  }
}

static cw_status note_stage(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  long all = cw_wanted_steps(c, s);
  bool whole = s->n_step >= all;
  if (s->kind == CW_STAGE_CHAIN && s->present) return CW_OK; /* noted where F_chain is made */
  bool trains = s->kind == CW_STAGE_TRAIN || s->kind == CW_STAGE_FLOWS;
  if (trains && all == 0) return CW_OK; /* a training of no steps */
  if (!s->stored)
    return cw_add_line(ctx, &c->missing, &c->n_missing, "%s has not started", s->label);
  if (!s->present && whole)
    return cw_add_line(ctx, &c->missing, &c->n_missing, "%s has too few %s for an estimate, %ld",
                       s->label, unit_of(s), s->n_step);
  if (!s->present)
    return cw_add_line(ctx, &c->missing, &c->n_missing,
                       "%s has begun, but holds no measurements yet", s->label);
  if (whole) return CW_OK;
  return cw_add_line(ctx, &c->missing, &c->n_missing, "%s is at %ld of %ld %s", s->label, s->n_step,
                     all, unit_of(s));
}

/* The last rung speaks for all of its ladder. */
static cw_status note_missing(cw_context *ctx, cw_analysis_case *c) {
  for (int i = 0; i < c->n_stages; i++) {
    const cw_analysis_stage *s = &c->stage[i];
    bool inner = s->kind == CW_STAGE_REX && s->rung != c->plan->ladder.n - 1;
    if (!inner) CW_TRY(note_stage(ctx, c, s));
  }
  return CW_OK;
}

/* -------------------------------------------------------------------- cases */

static cw_status fill_case(cw_context *ctx, cw_store *store, cw_analysis_case *c) {
  CW_TRY(describe(ctx, c));
  CW_TRY(list_stages(ctx, c));
  CW_TRY(read_stages(ctx, store, c));
  CW_TRY(note_missing(ctx, c));
  CW_TRY(cw_analysis_warn(ctx, c));
  return cw_expect_compare(ctx, c);
}

cw_status cw_plans_of_store(cw_context *ctx, const cw_store *store, cw_plans *plans) {
  const char *text = cw_store_job(store);
  cw_job *job = NULL;
  CW_TRY(cw_job_parse(ctx, text, strlen(text), cw_store_dir(store), &job));
  cw_status st = cw_plans_read(ctx, job, plans);
  cw_job_destroy(job);
  return st;
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
  CW_TRY(read_job(ctx, store, a));
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
