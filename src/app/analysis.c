/* Opening a store for analysis: the job, its cases and stages, in the order of running. */
#include "app/analysis.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/analysis_parts.h"
#include "causeway/sampler.h"

/* -------------------------------------------------------------------- lists */

cw_status cw_no_memory(cw_context *ctx) {
  return cw_fail(ctx, CW_ENOMEM, "no memory for the analysis");
}

/* Room for one more element in a list whose capacity is the power of two at or above n; NULL: no
 * memory. */
static void *grow(void *list, int n, size_t size) {
  bool full = n == 0 || (n >= 4 && (n & (n - 1)) == 0);
  if (!full) return list;
  return realloc(list, (size_t)(n < 4 ? 4 : 2 * n) * size);
}

cw_result *cw_add_result(cw_result **list, int *n) {
  cw_result *grown = grow(*list, *n, sizeof *grown);
  if (grown == NULL) return NULL;
  *list = grown;
  grown[*n] = (cw_result){.units = "1", .help = "", .index = -1};
  grown[*n].e = (cw_estimate){NAN, NAN, NAN, NAN, NAN, NAN, NAN, 0};
  return &grown[(*n)++];
}

cw_curve *cw_add_curve(cw_curve **list, int *n, const char *name, long n_points, bool with_dy) {
  cw_curve *grown = grow(*list, *n, sizeof *grown);
  if (grown == NULL) return NULL;
  *list = grown;
  cw_curve *c = &grown[(*n)++];
  size_t bytes = (size_t)(n_points > 0 ? n_points : 1) * sizeof(double);
  *c = (cw_curve){
      .n = n_points, .x = malloc(bytes), .y = malloc(bytes), .dy = with_dy ? malloc(bytes) : NULL};
  snprintf(c->name, sizeof c->name, "%s", name);
  return c->x != NULL && c->y != NULL && (c->dy != NULL || !with_dy) ? c : NULL;
}

cw_status cw_add_line(cw_context *ctx, char ***list, int *n, const char *format, ...) {
  char line[400];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  char **grown = grow(*list, *n, sizeof *grown);
  if (grown == NULL) return cw_no_memory(ctx);
  *list = grown;
  grown[*n] = strdup(line);
  if (grown[*n] == NULL) return cw_no_memory(ctx);
  (*n)++;
  return CW_OK;
}

static void free_curves(cw_curve *curve, int n) {
  for (int i = 0; i < n; i++) {
    free(curve[i].x);
    free(curve[i].y);
    free(curve[i].dy);
  }
  free(curve);
}

static void free_lines(char **line, int n) {
  for (int i = 0; i < n; i++) free(line[i]);
  free(line);
}

static void clear_case(cw_analysis_case *c) {
  for (int i = 0; i < c->n_stages; i++) {
    free(c->stage[i].result);
    free_curves(c->stage[i].curve, c->stage[i].n_curves);
  }
  free(c->stage);
  free(c->result);
  free_curves(c->curve, c->n_curves);
  free_lines(c->warning, c->n_warnings);
  free_lines(c->missing, c->n_missing);
  cw_geometry_destroy(c->geometry);
  cw_job_destroy(c->job);
}

void cw_analysis_destroy(cw_analysis *a) {
  if (a == NULL) return;
  for (int i = 0; i < a->n_cases; i++) clear_case(&a->cases[i]);
  free(a->cases);
  cw_job_destroy(a->job);
  free(a->job_text);
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

/* ------------------------------------------------------------ job to theory */

static cw_status read_theory(cw_context *ctx, cw_node *root, cw_analysis_case *c) {
  cw_node *map;
  const char *kind, *form_name;
  double params[CW_MAX_PARAMS];
  int form = 0;
  CW_TRY(cw_job_map(root, "theory", CW_JOB_MUST, &map));
  CW_TRY(cw_job_string(map, "kind", NULL, &kind));
  const cw_theory_ops *ops = cw_theory_find(kind);
  if (ops == NULL) return cw_job_fail(map, "kind", "this program knows no theory '%.60s'", kind);
  CW_TRY(cw_job_choice(map, "form", "form", ops->forms, 0, &form));
  form_name = ops->forms[form];
  CW_TRY(cw_job_params(map, ops->params[form], params));
  const char *refused = ops->refuse != NULL ? ops->refuse(form, &c->lattice, params) : NULL;
  if (refused != NULL) return cw_job_fail(root, "theory", "%s", refused);
  c->theory = cw_theory_make(ctx, ops, c->geometry, form, params);
  c->observables = cw_observable_for(&c->theory);
  int at = snprintf(c->theory_text, CW_TITLE, "%s (form %s:", ops->title, form_name);
  for (int i = 0; ops->params[form][i].name != NULL && at < CW_TITLE; i++)
    at += snprintf(c->theory_text + at, (size_t)(CW_TITLE - at), "%s %s = %.10g", i > 0 ? "," : "",
                   ops->params[form][i].name, params[i]);
  if (at < CW_TITLE) snprintf(c->theory_text + at, (size_t)(CW_TITLE - at), ")");
  return CW_OK;
}

static cw_status read_lattice(cw_context *ctx, cw_node *root, cw_analysis_case *c) {
  CW_TRY(cw_job_int_list(root, "lattice", NULL, 0, 1, 1 << 20, CW_MAX_DIM, c->lattice.extent,
                         &c->lattice.dim));
  return cw_geometry_create(ctx, &c->lattice, 1, &c->geometry);
}

/* ------------------------------------------------------------- descriptions */

/* "16 affine + 1 scale layers, normal prior" */
static cw_status describe_model(cw_node *root, char text[CW_TITLE]) {
  cw_node *model, *prior, *layers;
  const char *prior_kind = "normal";
  CW_TRY(cw_job_map(root, "model", CW_JOB_MAY, &model));
  if (model == NULL) return CW_OK;
  CW_TRY(cw_job_map(model, "prior", CW_JOB_MAY, &prior));
  if (prior != NULL) CW_TRY(cw_job_string(prior, "kind", "normal", &prior_kind));
  CW_TRY(cw_job_list(model, "layers", CW_JOB_MAY, &layers));
  int at = 0;
  for (cw_node *n = layers != NULL ? cw_job_first(layers) : NULL; n != NULL && at < CW_TITLE;
       n = cw_job_next(n)) {
    const char *kind;
    long repeat;
    CW_TRY(cw_job_as_map(n));
    CW_TRY(cw_job_string(n, "kind", NULL, &kind));
    CW_TRY(cw_job_long(n, "repeat", 1, 1, LONG_MAX, &repeat));
    at += snprintf(text + at, (size_t)(CW_TITLE - at), "%s%ld %.40s", at > 0 ? " + " : "", repeat,
                   kind);
  }
  if (at < CW_TITLE)
    snprintf(text + at, (size_t)(CW_TITLE - at), "%s%.40s prior",
             at > 0 ? " layers on a " : "no layers, a ", prior_kind);
  return CW_OK;
}

/* "reverse KL, path gradient, batch 1024, 2000 steps" */
static cw_status describe_training(cw_node *root, char text[CW_TITLE]) {
  cw_node *train;
  const char *loss, *gradient;
  long batch, steps;
  CW_TRY(cw_job_map(root, "train", CW_JOB_MAY, &train));
  if (train == NULL) return CW_OK;
  CW_TRY(cw_job_string(train, "loss", "reverse_kl", &loss));
  CW_TRY(cw_job_string(train, "gradient", "path", &gradient));
  CW_TRY(cw_job_long(train, "batch", 0, 0, LONG_MAX, &batch));
  CW_TRY(cw_job_long(train, "steps", 0, 0, LONG_MAX, &steps));
  const char *loss_words = strcmp(loss, "reverse_kl") == 0   ? "reverse KL"
                           : strcmp(loss, "forward_kl") == 0 ? "forward KL"
                                                             : loss;
  snprintf(text, CW_TITLE, "%.40s, %.40s gradient, batch %ld, %ld steps", loss_words, gradient,
           batch, steps);
  return CW_OK;
}

/* ------------------------------------------------------------------- stages */

static const char *label_of(const char *name) {
  static const char *const labels[][2] = {{"hmc", "HMC"},
                                          {"cluster", "Cluster"},
                                          {"train", "Training"},
                                          {"nis", "NIS"},
                                          {"nmcmc", "NMCMC"},
                                          {"forward", "Forward weights"},
                                          {"chain", "Chain integration"}};
  for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
    if (strcmp(labels[i][0], name) == 0) return labels[i][1];
  return name;
}

static void add_stage(cw_analysis_case *c, const cw_node *root, const char *name,
                      cw_stage_kind kind) {
  if (!cw_job_has(root, name)) return;
  cw_analysis_stage *s = &c->stage[c->n_stages++];
  *s = (cw_analysis_stage){.label = label_of(name), .kind = kind, .longest_rejection = -1};
  snprintf(s->name, sizeof s->name, "%s", name);
}

static cw_status list_stages(cw_context *ctx, const cw_node *root, cw_analysis_case *c) {
  size_t most = 5;
  for (int i = 0; cw_samplers[i] != NULL; i++) most++;
  c->stage = calloc(most, sizeof *c->stage);
  if (c->stage == NULL) return cw_no_memory(ctx);
  for (int i = 0; cw_samplers[i] != NULL; i++)
    add_stage(c, root, cw_samplers[i]->name, CW_STAGE_SAMPLER);
  add_stage(c, root, "train", CW_STAGE_TRAIN);
  add_stage(c, root, "nis", CW_STAGE_NIS);
  add_stage(c, root, "nmcmc", CW_STAGE_NMCMC);
  add_stage(c, root, "forward", CW_STAGE_FORWARD);
  add_stage(c, root, "chain", CW_STAGE_CHAIN);
  return CW_OK;
}

static cw_status read_stage(cw_context *ctx, cw_store *store, cw_analysis_case *c,
                            cw_analysis_stage *s, cw_arrays *data) {
  char stage[CW_CASE_NAME + CW_RESULT_NAME + 2];
  snprintf(stage, sizeof stage, "%s%s%s", c->name, c->name[0] != '\0' ? "/" : "", s->name);
  s->stored = cw_store_segments(store, stage) > 0;
  if (!s->stored) return CW_OK;
  CW_TRY(cw_analysis_collect(ctx, store, stage, data));
  const cw_array *seconds = cw_arrays_get(data, "timing.seconds");
  if (seconds != NULL) s->seconds = cw_sum(seconds->data, (size_t)cw_array_size(seconds));
  return cw_analysis_fill_stage(ctx, c, s, data);
}

/* Fills every stage. The arrays of NIS and of the forward weights are kept until the flow has been
 * judged by both. */
static cw_status read_stages(cw_context *ctx, cw_store *store, cw_analysis_case *c) {
  cw_arrays nis = {0}, forward = {0}, other = {0};
  cw_status st = CW_OK;
  for (int i = 0; i < c->n_stages && st == CW_OK; i++) {
    cw_stage_kind kind = c->stage[i].kind;
    cw_arrays *data = kind == CW_STAGE_NIS ? &nis : kind == CW_STAGE_FORWARD ? &forward : &other;
    st = read_stage(ctx, store, c, &c->stage[i], data);
    cw_arrays_clear(&other);
  }
  if (st == CW_OK) st = cw_analysis_fill_case(ctx, c, &nis, &forward);
  cw_arrays_clear(&nis);
  cw_arrays_clear(&forward);
  return st;
}

/* ------------------------------------------------------------------ missing */

static long wanted(cw_node *root, const char *stage, const char *key) {
  cw_node *map;
  long n = 0;
  if (cw_job_map(root, stage, CW_JOB_MAY, &map) != CW_OK || map == NULL || !cw_job_has(map, key))
    return 0;
  return cw_job_long(map, key, 0, 0, LONG_MAX, &n) == CW_OK ? n : 0;
}

long cw_wanted_steps(const cw_analysis_case *c, const cw_analysis_stage *s) {
  cw_node *root = cw_job_root(c->job);
  long every;
  switch (s->kind) {
  case CW_STAGE_SAMPLER:
    every = wanted(root, s->name, "every");
    return wanted(root, s->name, "steps") / (every > 1 ? every : 1);
  case CW_STAGE_TRAIN:
  case CW_STAGE_NMCMC:
    return wanted(root, s->name, "steps");
  case CW_STAGE_NIS:
    return wanted(root, s->name, "samples");
  case CW_STAGE_CHAIN:
    return wanted(root, s->name, "nodes");
  case CW_STAGE_FORWARD:
    break;
  }
  return 0;
}

static cw_status note_missing(cw_context *ctx, cw_analysis_case *c) {
  for (int i = 0; i < c->n_stages; i++) {
    const cw_analysis_stage *s = &c->stage[i];
    long all = s->kind == CW_STAGE_CHAIN
                   ? 0
                   : cw_wanted_steps(c, s); /* nodes: noted where F_chain is made */
    if (!s->stored)
      CW_TRY(cw_add_line(ctx, &c->missing, &c->n_missing, "%s has not started", s->label));
    else if (!s->present)
      CW_TRY(cw_add_line(ctx, &c->missing, &c->n_missing,
                         "%s has begun, but holds no measurements yet", s->label));
    else if (s->n_step < all)
      CW_TRY(cw_add_line(ctx, &c->missing, &c->n_missing, "%s is at %ld of %ld %s", s->label,
                         s->n_step, all, s->kind == CW_STAGE_NIS ? "samples" : "steps"));
  }
  return CW_OK;
}

/* -------------------------------------------------------------------- cases */

static cw_status fill_case(cw_context *ctx, cw_store *store, cw_analysis_case *c) {
  cw_node *root = cw_job_root(c->job);
  CW_TRY(read_lattice(ctx, root, c));
  CW_TRY(read_theory(ctx, root, c));
  CW_TRY(describe_model(root, c->model_text));
  CW_TRY(describe_training(root, c->train_text));
  CW_TRY(list_stages(ctx, root, c));
  CW_TRY(read_stages(ctx, store, c));
  CW_TRY(note_missing(ctx, c));
  return cw_analysis_warn(ctx, c);
}

/* The job of one case. A resolved job holds its cases complete, each with its own lattice and
 * theory; merging such a case onto the rest would bring back sections that it removed. */
static cw_status case_job(cw_context *ctx, const cw_analysis *a, cw_node *patch, cw_job **out) {
  CW_TRY(cw_job_as_map(patch));
  if (!cw_job_has(patch, "lattice") || !cw_job_has(patch, "theory"))
    return cw_job_merge(a->job, patch, out);
  static const char nothing[] = "{}\n";
  cw_job *empty = NULL;
  CW_TRY(cw_job_parse(ctx, nothing, sizeof nothing - 1, "case", &empty));
  cw_status st = cw_job_merge(empty, patch, out);
  cw_job_destroy(empty);
  return st;
}

static cw_status list_cases(cw_context *ctx, cw_analysis *a) {
  cw_node *cases;
  CW_TRY(cw_job_map(cw_job_root(a->job), "cases", CW_JOB_MAY, &cases));
  int n = cases != NULL ? cw_job_count(cases) : 0;
  a->cases = calloc((size_t)(n > 0 ? n : 1), sizeof *a->cases);
  if (a->cases == NULL) return cw_no_memory(ctx);
  if (n == 0) {
    a->n_cases = 1;
    return cw_job_merge(a->job, NULL, &a->cases[0].job);
  }
  for (cw_node *node = cw_job_first(cases); node != NULL; node = cw_job_next(node)) {
    cw_analysis_case *c = &a->cases[a->n_cases++];
    snprintf(c->name, sizeof c->name, "%s", cw_job_key(node));
    CW_TRY(case_job(ctx, a, node, &c->job));
    cw_job_remove(cw_job_root(c->job), "cases");
  }
  return CW_OK;
}

static cw_status read_job(cw_context *ctx, cw_store *store, cw_analysis *a) {
  a->job_text = strdup(cw_store_job(store));
  if (a->job_text == NULL) return cw_no_memory(ctx);
  CW_TRY(cw_job_parse(ctx, a->job_text, strlen(a->job_text), cw_store_dir(store), &a->job));
  cw_node *root = cw_job_root(a->job);
  CW_TRY(cw_job_string(root, "job", NULL, &a->job_name));
  CW_TRY(cw_job_string(root, "about", "", &a->about));
  CW_TRY(cw_job_long(root, "seed", 1, LONG_MIN + 1, LONG_MAX, &a->seed));
  return list_cases(ctx, a);
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
