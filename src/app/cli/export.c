/* causeway export RUN OUT: the flows that a run trained between the rungs of its ladder, in a model
 * file. The data path is export_flows(). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "app/plan/model_file.h"
#include "app/run/stage.h"

typedef struct {
  const char *run, *out, *in_case, *stage;
  bool overwrite;
} request;

/* What is written, and where it is from. */
typedef struct {
  cw_context *ctx;
  const request *asked;
  const cw_analysis *a;
  const cw_analysis_case *c;
  const cw_section *section;
  cw_training training;
  cw_model_file file;
} export;

/* ------------------------------------------------------------ which flows */

static bool has_flows(const cw_plan *p, const cw_section *s, cw_training *t) {
  return s->method->trains != NULL && s->method->trains(p, s, t) && t->is_ladder;
}

static cw_status choose_section(export *e) {
  const cw_plan *p = e->c->plan;
  const char *known[CW_MAX_SECTIONS + 1] = {NULL}, *name = e->asked->stage;
  int n = 0;
  for (int i = 0; i < p->n_sections; i++) {
    cw_training t;
    if (!has_flows(p, &p->section[i], &t)) continue;
    known[n++] = p->section[i].kind.name;
    if (name != NULL && strcmp(name, p->section[i].kind.name) != 0) continue;
    e->section = &p->section[i];
    e->training = t;
  }
  if (n == 0)
    return cw_fail(e->ctx, CW_EINVAL,
                   "export: run '%s' trained no flows between the rungs of a ladder",
                   e->asked->run);
  if (name == NULL && n > 1) return cw_fail_several(e->ctx, "export", "--stage", known);
  if (e->section == NULL) return cw_fail_unknown(e->ctx, "export", "--stage", name, known);
  return CW_OK;
}

static cw_status choose(export *e) {
  const cw_plan *p;
  CW_TRY(cw_choose_case(e->ctx, "export", &e->a->plans, e->asked->in_case, &p));
  e->c = &e->a->cases[p - e->a->plans.plan];
  return choose_section(e);
}

/* ---------------------------------------------------------------- what is said */

static cw_status put_text(export *e, int which, const char *text) {
  char *copy = strdup(text);
  if (copy == NULL) return cw_fail(e->ctx, CW_ENOMEM, "no memory for a model");
  free(e->file.text[which].text);
  e->file.text[which].text = copy;
  return CW_OK;
}

/* Key `flow` of the section in the resolved job, without what it started from. */
static cw_status find_flow(cw_node *root, const export *e, cw_node **flow) {
  cw_node *at = root;
  if (e->c->name[0] != '\0') {
    CW_TRY(cw_job_map(root, "cases", CW_JOB_MUST, &at));
    CW_TRY(cw_job_map(at, e->c->name, CW_JOB_MUST, &at));
  }
  CW_TRY(cw_job_map(at, e->section->kind.name, CW_JOB_MUST, &at));
  CW_TRY(cw_job_map(at, "flow", CW_JOB_MUST, flow));
  cw_job_remove(*flow, "start");
  return CW_OK;
}

static cw_status put_layers(export *e) {
  const char *text = e->a->plans.text;
  cw_job *job = NULL;
  cw_node *flow = NULL;
  char *layers = NULL;
  CW_TRY(cw_job_parse(e->ctx, text, strlen(text), e->asked->run, &job));
  cw_status st = find_flow(cw_job_root(job), e, &flow);
  if (st == CW_OK) st = cw_job_emit(flow, &layers);
  if (st == CW_OK) st = put_text(e, CW_MODEL_FLOW_TEXT, layers);
  free(layers);
  cw_job_destroy(job);
  return st;
}

static cw_status put_texts(export *e) {
  const cw_plan *p = e->c->plan;
  const cw_param *param = p->theory->params[p->form];
  char names[CW_MAX_PARAMS * CW_ARRAY_NAME] = "";
  for (int i = 0; param[i].name != NULL; i++) {
    const size_t at = strlen(names);
    snprintf(names + at, sizeof names - at, "%s%s", i > 0 ? " " : "", param[i].name);
  }
  CW_TRY(put_text(e, CW_MODEL_THEORY, p->theory->name));
  CW_TRY(put_text(e, CW_MODEL_FORM, p->theory->forms[p->form]));
  CW_TRY(put_text(e, CW_MODEL_PARAMETERS, names));
  CW_TRY(put_text(e, CW_MODEL_JOB, e->a->plans.text));
  CW_TRY(put_text(e, CW_MODEL_CASE, e->c->name));
  CW_TRY(put_text(e, CW_MODEL_SECTION, e->section->kind.name));
  return put_layers(e);
}

/* ------------------------------------------------------------------ numbers */

static cw_status put(export *e, const char *name, int rank, const long *dim, const double *data) {
  return cw_arrays_put(e->ctx, &e->file.arrays, name, rank, dim, data);
}

/* Where they are, and where the flows begin and end. */
static cw_status put_ladder(export *e) {
  const cw_plan *p = e->c->plan;
  const cw_ladder_plan *l = &p->ladder;
  const long n = l->n - 1, rungs = l->n, dim = p->lat.dim;
  double lattice[CW_MAX_DIM], configurations[CW_MAX_RUNGS], *ends;
  long n_params = 0;
  while (p->theory->params[p->form][n_params].name != NULL) n_params++;
  for (int d = 0; d < p->lat.dim; d++) lattice[d] = p->lat.extent[d];
  for (long k = 0; k < n; k++) configurations[k] = (double)e->training.configurations;
  CW_TRY(put(e, "lattice", 1, &dim, lattice));
  CW_TRY(put(e, "positions", 1, &rungs, l->t));
  CW_TRY(put(e, "configurations", 1, &n, configurations));
  ends = malloc((size_t)(n * 2 * n_params + 1) * sizeof *ends);
  if (ends == NULL) return cw_fail(e->ctx, CW_ENOMEM, "no memory for a model");
  for (long i = 0; i < 2 * n; i++)
    memcpy(ends + i * n_params, l->param[i / 2 + i % 2], (size_t)n_params * sizeof *ends);
  cw_status st = put(e, "ends", 3, (long[]){n, 2, n_params}, ends);
  free(ends);
  return st;
}

/* Of Gaussian works the effective sample size is e^-K. */
static void judge_by_ess(const cw_curve *ess, int k, double number[CW_MODEL_NUMBERS][2]) {
  const double value = ess->y[k], error = ess->dy[k];
  if (!(value > 0 && value <= 1)) return;
  const double K = -log(value), dK = error / value;
  number[CW_MODEL_K][0] = K;
  number[CW_MODEL_K][1] = dK;
  number[CW_MODEL_ACCEPTANCE][0] = cw_gaussian_acceptance(K);
  if (K > 0) number[CW_MODEL_ACCEPTANCE][1] = -dK * cw_gaussian_acceptance_slope(K);
}

/* What the run says of flow k: NAN where it says nothing. */
static void judge(const export *e, const cw_analysis_stage *s, int k,
                  double number[CW_MODEL_NUMBERS][2]) {
  const cw_curve *ess = cw_stage_curve(s, "ladder.train_ess");
  const double sites = (double)cw_lattice_sites(&e->c->plan->lat);
  for (int i = 0; i < CW_MODEL_NUMBERS; i++) {
    const cw_result *r = cw_stage_result(s, cw_model_numbers[i], k);
    number[i][0] = r != NULL ? r->e.value : NAN;
    number[i][1] = r != NULL ? r->e.error : NAN;
  }
  if (isnan(number[CW_MODEL_K][0]) && ess != NULL) judge_by_ess(ess, k, number);
  for (int j = 0; j < 2; j++) number[CW_MODEL_K_PER_SITE][j] = number[CW_MODEL_K][j] / sites;
}

static const char *judged_by(const cw_analysis_stage *s) {
  if (cw_stage_result(s, cw_model_numbers[CW_MODEL_K], 0) != NULL)
    return "of configurations that the fit did not see";
  if (cw_stage_curve(s, "ladder.train_ess") != NULL)
    return "of particles at the end of the training, works taken as Gaussian";
  return "unknown";
}

static cw_status put_numbers(export *e) {
  const cw_analysis_stage *s = cw_analysis_find_stage(e->c, e->training.stage);
  const int n = e->c->plan->ladder.n - 1;
  double number[CW_MODEL_NUMBERS][2], *all;
  if (s == NULL) return cw_fail(e->ctx, CW_ECORRUPT, "'%s' holds no training", e->asked->run);
  all = malloc((size_t)(CW_MODEL_NUMBERS * n * 2) * sizeof *all);
  if (all == NULL) return cw_fail(e->ctx, CW_ENOMEM, "no memory for a model");
  for (int k = 0; k < n; k++) {
    judge(e, s, k, number);
    for (int i = 0; i < CW_MODEL_NUMBERS; i++)
      memcpy(all + (i * n + k) * 2, number[i], sizeof number[i]);
  }
  cw_status st = CW_OK;
  for (int i = 0; i < CW_MODEL_NUMBERS && st == CW_OK; i++)
    st = put(e, cw_model_numbers[i], 2, (long[]){n, 2}, all + i * n * 2);
  free(all);
  return st == CW_OK ? put_text(e, CW_MODEL_JUDGED, judged_by(s)) : st;
}

/* ---------------------------------------------------------------- parameters */

static cw_status take_theta(export *e, const cw_arrays *last) {
  const int n = e->c->plan->ladder.n - 1;
  long size = 0, n_theta = 0;
  const cw_array *a = cw_trained_parameters(last, n, &size, &n_theta);
  if (a == NULL)
    return cw_fail(e->ctx, CW_EINVAL, "export: the training '%s' of run '%s' has not begun",
                   e->training.stage, e->asked->run);
  if (size * n != cw_array_size(a) || a->rank != 2 || a->dim[0] != n || n_theta < 1)
    return cw_fail(e->ctx, CW_ECORRUPT, "'%s': training '%s' is not of %d flows", e->asked->run,
                   e->training.stage, n);
  double *theta = malloc((size_t)(n * n_theta) * sizeof *theta);
  if (theta == NULL) return cw_fail(e->ctx, CW_ENOMEM, "no memory for a model");
  for (int k = 0; k < n; k++)
    memcpy(theta + k * n_theta, a->data + k * size, (size_t)n_theta * sizeof *theta);
  cw_status st = put(e, "theta", 2, (long[]){n, n_theta}, theta);
  free(theta);
  return st;
}

/* Collective. */
static cw_status put_theta(export *e) {
  cw_store *store = NULL;
  cw_arrays last = {0};
  char name[160];
  cw_stage_name(e->c->plan, e->training.stage, name);
  CW_TRY(cw_store_open(e->ctx, e->asked->run, &store));
  cw_status st = CW_OK;
  if (cw_store_segments(store, name) > 0) st = cw_store_read(store, name, -1, &last);
  if (st == CW_OK) st = cw_agree(e->ctx, take_theta(e, &last));
  cw_arrays_clear(&last);
  cw_store_close(store);
  return st;
}

/* -------------------------------------------------------------------- command */

static cw_status check_target(cw_context *ctx, const request *r) {
  struct stat about;
  if (r->overwrite || lstat(r->out, &about) != 0) return CW_OK;
  return cw_fail(ctx, CW_EINVAL, "export: '%s' exists; --overwrite replaces it", r->out);
}

static cw_status write_file(export *e) {
  CW_TRY(cw_model_file_write(e->ctx, e->asked->out, &e->file));
  printf("%s: %d flow%s of section '%s', %ld parameter%s each\n%s: causeway info %s\n",
         e->asked->run, e->file.n, e->file.n == 1 ? "" : "s", e->section->kind.name,
         e->file.n_theta, e->file.n_theta == 1 ? "" : "s", e->asked->out, e->asked->out);
  return CW_OK;
}

static cw_status fill(export *e) {
  CW_TRY(put_texts(e));
  CW_TRY(put_ladder(e));
  return put_numbers(e);
}

static cw_status export_flows(cw_context *ctx, const request *r) {
  cw_analysis *a = NULL;
  export e = {.ctx = ctx, .asked = r};
  CW_TRY(cw_agree(ctx, cw_rank(ctx) == 0 ? check_target(ctx, r) : CW_OK));
  CW_TRY(cw_analysis_create(ctx, r->run, &a));
  e.a = a;
  cw_model_file_begin(&e.file);
  cw_status st = cw_agree(ctx, choose(&e));
  if (st == CW_OK) st = cw_agree(ctx, fill(&e));
  if (st == CW_OK) st = put_theta(&e);
  if (st == CW_OK) st = cw_agree(ctx, cw_rank(ctx) == 0 ? write_file(&e) : CW_OK);
  cw_model_file_clear(&e.file);
  cw_analysis_destroy(a);
  return st;
}

cw_status cw_command_export(cw_context *ctx, int argc, char **argv) {
  const char *place[2] = {NULL};
  request r = {0};
  int n;
  const cw_option options[] = {{.word = "--case", .value = &r.in_case},
                               {.word = "--stage", .value = &r.stage},
                               {.word = "--overwrite", .flag = &r.overwrite},
                               {.word = NULL}};
  CW_TRY(cw_options_read(ctx, "export", argc, argv, options, "RUN and OUT", place, 2, &n));
  if (n < 2)
    return cw_fail(ctx, CW_EINVAL,
                   "usage: causeway export RUN OUT [--case NAME] [--stage NAME] [--overwrite]");
  r.run = place[0];
  r.out = place[1];
  return export_flows(ctx, &r);
}
