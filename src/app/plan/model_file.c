#include "app/plan/model_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const cw_model_numbers[] = {
    "rho", "K", "K_without", "acceptance", "acceptance_without", "K_per_site", NULL};

static const cw_file_format format = {"causeway-model", "model", 1};

static const char *const text_names[CW_MODEL_TEXTS] = {"theory", "form", "parameters", "flow",
                                                       "job",    "case", "section",    "judged"};

void cw_model_file_begin(cw_model_file *f) {
  *f = (cw_model_file){.n = 0};
  for (int i = 0; i < CW_MODEL_TEXTS; i++) f->text[i].name = text_names[i];
}

void cw_model_file_clear(cw_model_file *f) { cw_file_clear(CW_MODEL_TEXTS, f->text, &f->arrays); }

/* ------------------------------------------------------------- is it a model? */

static cw_status fail_array(cw_context *ctx, const char *path, const char *name) {
  return cw_fail(ctx, CW_ECORRUPT, "'%s': its array '%s' is not what a model holds", path, name);
}

/* The array of that name with these dimensions; -1 stands for any, but none. Of finite numbers, if
 * they must be so. */
static cw_status get(cw_context *ctx, const char *path, const cw_model_file *f, const char *name,
                     int rank, const long *dim, bool finite, const cw_array **out) {
  const cw_array *a = *out = cw_arrays_get(&f->arrays, name);
  bool good = a != NULL && a->rank == rank;
  for (int d = 0; good && d < rank; d++) good = dim[d] < 0 ? a->dim[d] > 0 : a->dim[d] == dim[d];
  for (long i = 0; good && finite && i < cw_array_size(a); i++) good = isfinite(a->data[i]);
  return good ? CW_OK : fail_array(ctx, path, name);
}

static cw_status take_lattice(cw_context *ctx, const char *path, cw_model_file *f) {
  const cw_array *a;
  double sites = 1;
  CW_TRY(get(ctx, path, f, "lattice", 1, (long[]){-1}, true, &a));
  if (a->dim[0] > CW_MAX_DIM) return fail_array(ctx, path, "lattice");
  f->lat.dim = (int)a->dim[0];
  for (int d = 0; d < f->lat.dim; d++) {
    const double e = a->data[d];
    if (!(e >= 1 && e <= CW_MAX_SITES && e == nearbyint(e)) || (sites *= e) > (double)CW_MAX_SITES)
      return fail_array(ctx, path, "lattice");
    f->lat.extent[d] = (int)e;
  }
  return CW_OK;
}

/* "beta_s beta_t" */
static cw_status take_names(cw_context *ctx, const char *path, cw_model_file *f) {
  const char *at = f->text[CW_MODEL_PARAMETERS].text;
  for (f->n_params = 0; *at != '\0'; f->n_params++) {
    const size_t n = strcspn(at, " ");
    if (n == 0 || n >= CW_ARRAY_NAME || f->n_params == CW_MAX_PARAMS)
      return cw_fail(ctx, CW_ECORRUPT, "'%s': its parameters have no names", path);
    snprintf(f->param[f->n_params], CW_ARRAY_NAME, "%.*s", (int)n, at);
    at += at[n] == ' ' ? n + 1 : n;
  }
  return CW_OK;
}

static cw_status take_arrays(cw_context *ctx, const char *path, cw_model_file *f) {
  const cw_array *theta, *a;
  CW_TRY(take_lattice(ctx, path, f));
  CW_TRY(take_names(ctx, path, f));
  CW_TRY(get(ctx, path, f, "theta", 2, (long[]){-1, -1}, true, &theta));
  if (theta->dim[0] >= CW_MAX_RUNGS) return fail_array(ctx, path, "theta");
  const long n = theta->dim[0];
  f->n = (int)n;
  f->n_theta = theta->dim[1];
  f->theta = theta->data;
  CW_TRY(get(ctx, path, f, "positions", 1, (long[]){n + 1}, true, &a));
  f->position = a->data;
  CW_TRY(get(ctx, path, f, "ends", 3, (long[]){n, 2, f->n_params}, true, &a));
  f->ends = a->data;
  CW_TRY(get(ctx, path, f, "configurations", 1, (long[]){n}, true, &a));
  f->configurations = a->data;
  for (int i = 0; i < CW_MODEL_NUMBERS; i++) {
    CW_TRY(get(ctx, path, f, cw_model_numbers[i], 2, (long[]){n, 2}, false, &a));
    f->number[i] = a->data;
  }
  return CW_OK;
}

cw_status cw_model_file_write(cw_context *ctx, const char *path, cw_model_file *f) {
  CW_TRY(take_arrays(ctx, path, f));
  return cw_file_write(ctx, path, &format, CW_MODEL_TEXTS, f->text, &f->arrays);
}

/* What is not here may be one of the models of the installation, as `list models` names them. */
static const char *find(const char *path, char *room, size_t size) {
  if (path[0] == '/' || access(path, F_OK) == 0) return path;
  const int n = snprintf(room, size, "%s/%s", CW_DATA_DIR, path);
  return n > 0 && (size_t)n < size && access(room, R_OK) == 0 ? room : path;
}

cw_status cw_model_file_read(cw_context *ctx, const char *asked, cw_model_file *f) {
  char room[4096];
  const char *path = find(asked, room, sizeof room);
  cw_model_file_begin(f);
  CW_TRY(cw_file_read(ctx, path, &format, CW_MODEL_TEXTS, f->text, &f->arrays));
  return cw_agree(ctx, take_arrays(ctx, path, f));
}

/* ------------------------------------------------------------ does it fit a job? */

/* "{beta_s: 5.9, beta_t: 6.1}" of n values. */
static void put_params(const cw_model_file *f, const double *value, char *text, size_t size) {
  char number[CW_DOUBLE_TEXT];
  size_t at = 0;
  for (int i = 0; i < f->n_params && at < size; i++) {
    cw_format_double(value[i], number);
    at += (size_t)snprintf(text + at, size - at, "%s%s: %s", i == 0 ? "{" : ", ", f->param[i],
                           number);
  }
  if (at < size) snprintf(text + at, size - at, "}");
}

void cw_model_file_end(const cw_model_file *f, int flow, int end, char *text, size_t size) {
  put_params(f, f->ends + (flow * 2 + end) * f->n_params, text, size);
}

static cw_status check_theory(cw_context *ctx, const char *path, const cw_model_file *f,
                              const cw_plan *p) {
  const char *theory = f->text[CW_MODEL_THEORY].text, *form = f->text[CW_MODEL_FORM].text;
  const cw_param *param = p->theory->params[p->form];
  bool alike = strcmp(theory, p->theory->name) == 0 && strcmp(form, p->theory->forms[p->form]) == 0;
  if (!alike)
    return cw_fail(ctx, CW_EINVAL,
                   "start: expected flows of theory '%s' in form '%s', found those of '%.40s' in "
                   "form '%.40s' in model '%s'",
                   p->theory->name, p->theory->forms[p->form], theory, form, path);
  int n = 0;
  for (; alike && param[n].name != NULL; n++)
    alike = n < f->n_params && strcmp(param[n].name, f->param[n]) == 0;
  if (alike && n == f->n_params && f->lat.dim == p->lat.dim) return CW_OK;
  if (f->lat.dim != p->lat.dim)
    return cw_fail(ctx, CW_EINVAL, "start: expected flows in %d dimensions, found %d in model '%s'",
                   p->lat.dim, f->lat.dim, path);
  return cw_fail(ctx, CW_EINVAL, "start: model '%s' knows other parameters of theory '%s': '%.80s'",
                 path, p->theory->name, f->text[CW_MODEL_PARAMETERS].text);
}

/* What differs between two layers, in words; false: nothing. */
static bool layers_differ(const cw_layer_spec *a, const cw_layer_spec *b, char why[160]) {
  const cw_layer_kind *kind = cw_layer_find(a->kind);
  if (strcmp(a->kind, b->kind) != 0) {
    snprintf(why, 160, "expected kind '%s', found '%s'", a->kind, b->kind);
    return true;
  }
  for (int i = 0; kind->params != NULL && kind->params[i].name != NULL; i++)
    if (a->param[i] != b->param[i]) {
      snprintf(why, 160, "expected %s %.10g, found %.10g", kind->params[i].name, a->param[i],
               b->param[i]);
      return true;
    }
  for (int i = 0; kind->choices_name != NULL && kind->choices_name[i] != NULL; i++)
    if (a->choice[i] != b->choice[i]) {
      snprintf(why, 160, "expected %s '%s', found '%s'", kind->choices_name[i],
               kind->choices[i][a->choice[i]], kind->choices[i][b->choice[i]]);
      return true;
    }
  snprintf(why, 160, "its network is another");
  return !cw_layer_alike(a, b);
}

static cw_status compare_layers(cw_context *ctx, const char *path, const cw_model_spec *ours,
                                const cw_model_spec *theirs) {
  char why[160];
  for (int i = 0; i < ours->n_layers && i < theirs->n_layers; i++)
    if (layers_differ(&ours->layer[i], &theirs->layer[i], why))
      return cw_fail(ctx, CW_EINVAL, "start: model '%s' has other layers: of layer %d %s", path, i,
                     why);
  if (ours->n_layers == theirs->n_layers) return CW_OK;
  return cw_fail(ctx, CW_EINVAL, "start: model '%s' has other layers: expected %d, found %d", path,
                 ours->n_layers, theirs->n_layers);
}

static cw_status check_layers(cw_context *ctx, const char *path, const cw_model_file *f,
                              const cw_plan *p, const cw_model_spec *spec) {
  const char *text = f->text[CW_MODEL_FLOW_TEXT].text;
  cw_model_spec theirs = {.n_layers = 0};
  cw_job *job = NULL;
  CW_TRY(cw_job_parse(ctx, text, strlen(text), path, &job));
  cw_status st = cw_read_layers(cw_job_root(job), p, &theirs);
  if (st == CW_OK) st = cw_job_finish(cw_job_root(job));
  if (st == CW_OK) st = compare_layers(ctx, path, spec, &theirs);
  cw_job_destroy(job);
  return st;
}

/* Rungs between others are sums, which may differ in their last bits. */
static bool same_end(const cw_model_file *f, int flow, int end, const double *param) {
  const double *theirs = f->ends + (flow * 2 + end) * f->n_params;
  for (int i = 0; i < f->n_params; i++)
    if (fabs(theirs[i] - param[i]) > 1e-12 * fmax(1, fabs(param[i]))) return false;
  return true;
}

/* What it has instead; the flow from or to the same parameters, if there is one. */
static cw_status fail_ends(cw_context *ctx, const char *path, const cw_model_file *f,
                           const cw_plan *p, int rung) {
  char wanted[2][240], found[2][240];
  int nearest = rung < f->n ? rung : f->n - 1;
  for (int k = f->n - 1; k >= 0; k--)
    if (same_end(f, k, 0, p->ladder.param[rung]) || same_end(f, k, 1, p->ladder.param[rung + 1]))
      nearest = k;
  for (int end = 0; end < 2; end++) {
    put_params(f, p->ladder.param[rung + end], wanted[end], sizeof wanted[end]);
    cw_model_file_end(f, nearest, end, found[end], sizeof found[end]);
  }
  return cw_fail(ctx, CW_EINVAL,
                 "start: expected a flow from %s to %s, of rungs %d and %d, found %s to %s as flow "
                 "%d of %d in model '%s'",
                 wanted[0], wanted[1], rung, rung + 1, found[0], found[1], nearest, f->n, path);
}

cw_status cw_model_file_fits(cw_context *ctx, const char *path, const cw_model_file *f,
                             const cw_plan *p, const cw_model_spec *spec, int *flow) {
  CW_TRY(check_theory(ctx, path, f, p));
  CW_TRY(check_layers(ctx, path, f, p, spec));
  for (int k = 0; k < p->ladder.n - 1; k++) {
    flow[k] = f->n - 1;
    while (flow[k] >= 0 && !(same_end(f, flow[k], 0, p->ladder.param[k]) &&
                             same_end(f, flow[k], 1, p->ladder.param[k + 1])))
      flow[k]--;
    if (flow[k] < 0) return fail_ends(ctx, path, f, p, k);
  }
  return CW_OK;
}
