/* causeway show DIR [--json]: the results of a store, for people and for programs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "app/analysis.h"
#include "app/analysis_parts.h"
#include "app/commands.h"
#include "causeway/report.h"

/* ------------------------------------------------------------------- table */

static void print_number(FILE *out, double x, const char *format, int width) {
  char text[32] = "-";
  if (isfinite(x)) snprintf(text, sizeof text, format, x);
  fprintf(out, "  %*s", width, text);
}

static void print_result(FILE *out, const cw_result *r) {
  char value[CW_VALUE_TEXT];
  cw_format_value(r->e.value, r->e.error, value);
  fprintf(out, "  %-26s  %-22s", r->name, value);
  print_number(out, r->e.tau_int, "%.2f", 8);
  print_number(out, r->e.ess, "%.0f", 9);
  fprintf(out, "  %9ld", r->e.n);
  print_number(out, r->e.rhat, "%.3f", 7);
  fprintf(out, "  %s\n", r->units);
}

static void print_heads(FILE *out, const char *what) {
  fprintf(out, "\n%s\n  %-26s  %-22s  %8s  %9s  %9s  %7s  %s\n", what, "name", "value(error)", "tau_int", "ess", "n", "R-hat",
          "units");
}

/* "8 x 8 (64 sites)" */
static void print_lattice(FILE *out, const cw_analysis_case *c) {
  for (int mu = 0; mu < c->lattice.dim; mu++) fprintf(out, "%s%d", mu > 0 ? " x " : "", c->lattice.extent[mu]);
  fprintf(out, " (%ld sites)\n", c->geometry->n_sites);
}

static void print_flow(FILE *out, const cw_analysis_case *c) {
  const cw_flow_quality *f = &c->flow;
  const cw_analysis_stage *nmcmc = cw_analysis_find_kind(c, CW_STAGE_NMCMC);
  char text[CW_VALUE_TEXT];
  fprintf(out, "flow      ");
  if (f->n_q > 0) {
    cw_format_value(f->lnZ, f->lnZ_error, text);
    fprintf(out, "ESS %.4f, acceptance %.4f, ln Z %s, largest weight %.2g of all", f->ess, f->acceptance, text,
            f->max_weight_share);
  }
  if (f->n_p > 0) fprintf(out, "%sforward ESS %.4f", f->n_q > 0 ? ", " : "", f->ess_forward);
  if (isfinite(f->w_hat)) {
    cw_format_value(f->w_hat, f->w_hat_error, text);
    fprintf(out, ", w_hat %s", text);
  }
  if (nmcmc != NULL && nmcmc->longest_rejection >= 0) fprintf(out, ", longest rejection %ld", nmcmc->longest_rejection);
  fputc('\n', out);
}

static void print_case(FILE *out, const cw_analysis_case *c) {
  if (c->name[0] != '\0') fprintf(out, "\n== case %s\n", c->name);
  fprintf(out, "lattice   ");
  print_lattice(out, c);
  fprintf(out, "theory    %s\n", c->theory_text);
  if (c->model_text[0] != '\0') fprintf(out, "model     %s\n", c->model_text);
  if (c->train_text[0] != '\0') fprintf(out, "training  %s\n", c->train_text);
  if (c->has_flow) print_flow(out, c);
  for (int i = 0; i < c->n_missing; i++) fprintf(out, "missing   %s\n", c->missing[i]);
  for (int i = 0; i < c->n_warnings; i++) fprintf(out, "WARNING   %s\n", c->warning[i]);
  for (int i = 0; i < c->n_stages; i++) {
    const cw_analysis_stage *s = &c->stage[i];
    if (s->n_results > 0) print_heads(out, s->label);
    for (int r = 0; r < s->n_results; r++) print_result(out, &s->result[r]);
  }
  if (c->n_results > 0) print_heads(out, "Free energy");
  for (int r = 0; r < c->n_results; r++) print_result(out, &c->result[r]);
}

static cw_status flushed(cw_context *ctx, FILE *out) {
  if (fflush(out) != 0 || ferror(out)) return cw_fail(ctx, CW_EIO, "cannot write results: %s", strerror(errno));
  return CW_OK;
}

cw_status cw_analysis_print(cw_context *ctx, const cw_analysis *a, FILE *out) {
  fprintf(out, "causeway %s, job %s%s%s, seed %ld\n", CW_VERSION, a->job_name, a->about[0] != '\0' ? ": " : "", a->about,
          a->seed);
  for (int i = 0; i < a->n_cases; i++) print_case(out, &a->cases[i]);
  fprintf(out, "\ntime      %.1f s", a->seconds);
  for (int i = 0; i < a->n_cases; i++)
    for (int k = 0; k < a->cases[i].n_stages; k++) {
      const cw_analysis_case *c = &a->cases[i];
      fprintf(out, ", %s%s%s %.1f", c->name, c->name[0] != '\0' ? "." : "", c->stage[k].name, c->stage[k].seconds);
    }
  fputc('\n', out);
  return flushed(ctx, out);
}

/* -------------------------------------------------------------------- JSON */

/* Sets a number, or null where it is not finite. 0, or -1: no memory. */
static int set_number(json_t *object, const char *key, double x) {
  return json_object_set_new(object, key, isfinite(x) ? json_real(x) : json_null());
}

static json_t *result_json(const cw_analysis_case *c, const cw_result *r) {
  char name[CW_CASE_NAME + CW_RESULT_NAME + 2];
  snprintf(name, sizeof name, "%s%s%s", c->name, c->name[0] != '\0' ? "." : "", r->name);
  json_t *o = json_object();
  int bad = json_object_set_new(o, "name", json_string(name));
  bad += set_number(o, "value", r->e.value);
  bad += set_number(o, "error", r->e.error);
  bad += set_number(o, "error2", r->e.error2);
  bad += set_number(o, "tau_int", r->e.tau_int);
  bad += set_number(o, "ess", r->e.ess);
  bad += json_object_set_new(o, "n", json_integer(r->e.n));
  bad += set_number(o, "rhat", r->e.rhat);
  bad += json_object_set_new(o, "units", json_string(r->units));
  if (bad == 0) return o;
  json_decref(o);
  return NULL;
}

static json_t *results_json(const cw_analysis *a) {
  json_t *list = json_array();
  int bad = 0;
  for (int i = 0; i < a->n_cases; i++) {
    const cw_analysis_case *c = &a->cases[i];
    for (int s = 0; s < c->n_stages; s++)
      for (int r = 0; r < c->stage[s].n_results; r++)
        bad += json_array_append_new(list, result_json(c, &c->stage[s].result[r]));
    for (int r = 0; r < c->n_results; r++) bad += json_array_append_new(list, result_json(c, &c->result[r]));
  }
  if (bad == 0) return list;
  json_decref(list);
  return NULL;
}

static json_t *flow_json(const cw_analysis_case *c) {
  const cw_flow_quality *f = &c->flow;
  const cw_analysis_stage *nmcmc = cw_analysis_find_kind(c, CW_STAGE_NMCMC);
  const struct {
    const char *key;
    double value;
  } entries[] = {{"ess", f->ess},
                 {"ess_forward", f->ess_forward},
                 {"acceptance", f->acceptance},
                 {"kl", f->kl},
                 {"kl_error", f->kl_error},
                 {"kl_forward", f->kl_forward},
                 {"lnZ", f->lnZ},
                 {"lnZ_error", f->lnZ_error},
                 {"lnZ_p", f->lnZ_p},
                 {"lnZ_p_error", f->lnZ_p_error},
                 {"w_hat", f->w_hat},
                 {"w_hat_error", f->w_hat_error},
                 {"max_weight_share", f->max_weight_share}};
  json_t *o = json_object();
  int bad = 0;
  for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
    bad += set_number(o, entries[i].key, c->has_flow ? entries[i].value : NAN);
  bool has_runs = nmcmc != NULL && nmcmc->longest_rejection >= 0;
  bad += json_object_set_new(o, "longest_rejection", has_runs ? json_integer(nmcmc->longest_rejection) : json_null());
  if (bad == 0) return o;
  json_decref(o);
  return NULL;
}

static json_t *lines_json(char *const *line, int n, const char *prefix) {
  json_t *list = json_array();
  int bad = 0;
  for (int i = 0; i < n; i++)
    bad += json_array_append_new(list, json_sprintf("%s%s%s", prefix, prefix[0] != '\0' ? ": " : "", line[i]));
  if (bad == 0) return list;
  json_decref(list);
  return NULL;
}

/* Adds the lines of all cases under key. */
static int set_lines(json_t *root, const char *key, const cw_analysis *a, bool warnings) {
  json_t *all = json_array();
  int bad = 0;
  for (int i = 0; i < a->n_cases; i++) {
    const cw_analysis_case *c = &a->cases[i];
    json_t *some = lines_json(warnings ? c->warning : c->missing, warnings ? c->n_warnings : c->n_missing, c->name);
    bad += json_array_extend(all, some);
    json_decref(some);
  }
  return bad + json_object_set_new(root, key, all);
}

static json_t *timing_json(const cw_analysis *a) {
  json_t *o = json_object();
  int bad = 0;
  for (int i = 0; i < a->n_cases; i++)
    for (int s = 0; s < a->cases[i].n_stages; s++) {
      const cw_analysis_case *c = &a->cases[i];
      char name[CW_CASE_NAME + CW_RESULT_NAME + 2];
      snprintf(name, sizeof name, "%s%s%s", c->name, c->name[0] != '\0' ? "." : "", c->stage[s].name);
      if (c->stage[s].stored) bad += set_number(o, name, c->stage[s].seconds);
    }
  bad += set_number(o, "total", a->seconds);
  if (bad == 0) return o;
  json_decref(o);
  return NULL;
}

static int set_cases(json_t *root, const cw_analysis *a) {
  if (a->cases[0].name[0] == '\0') return 0;
  json_t *cases = json_object();
  int bad = 0;
  for (int i = 0; i < a->n_cases; i++) {
    json_t *one = json_object();
    bad += json_object_set_new(one, "flow", flow_json(&a->cases[i]));
    bad += json_object_set_new(cases, a->cases[i].name, one);
  }
  return bad + json_object_set_new(root, "cases", cases);
}

cw_status cw_analysis_json(cw_context *ctx, const cw_analysis *a, FILE *out) {
  json_t *root = json_object();
  int bad = json_object_set_new(root, "job", json_string(a->job_name));
  bad += json_object_set_new(root, "version", json_string(CW_VERSION));
  bad += json_object_set_new(root, "seed", json_integer(a->seed));
  bad += json_object_set_new(root, "results", results_json(a));
  bad += json_object_set_new(root, "flow", flow_json(&a->cases[0]));
  bad += set_cases(root, a);
  bad += set_lines(root, "warnings", a, true);
  bad += set_lines(root, "missing", a, false);
  bad += json_object_set_new(root, "timing", timing_json(a));
  if (bad != 0) {
    json_decref(root);
    return cw_no_memory(ctx);
  }
  int failed = json_dumpf(root, out, JSON_INDENT(2));
  json_decref(root);
  fputc('\n', out);
  if (failed) return cw_fail(ctx, CW_EIO, "cannot write results: %s", strerror(errno));
  return flushed(ctx, out);
}

/* ---------------------------------------------------------------- commands */

/* The one directory and the options of a command; json NULL: it has no --json. */
static cw_status read_arguments(cw_context *ctx, const char *command, int argc, char **argv, const char **dir, bool *json) {
  const char *const known[] = {json != NULL ? "--json" : NULL, NULL};
  *dir = NULL;
  for (int i = 0; i < argc; i++) {
    if (json != NULL && strcmp(argv[i], "--json") == 0) {
      *json = true;
    } else if (argv[i][0] == '-') {
      const char *near = cw_nearest(argv[i], known);
      if (near != NULL)
        return cw_fail(ctx, CW_EINVAL, "%s: unknown option '%.60s'; did you mean '%s'?", command, argv[i], near);
      return cw_fail(ctx, CW_EINVAL, "%s: unknown option '%.60s' (known: %s)", command, argv[i], json != NULL ? "--json" : "none");
    } else if (*dir != NULL) {
      return cw_fail(ctx, CW_EINVAL, "%s: one directory is enough, found '%.60s' and '%.60s'", command, *dir, argv[i]);
    } else {
      *dir = argv[i];
    }
  }
  if (*dir == NULL) return cw_fail(ctx, CW_EINVAL, "%s: which directory? Usage: causeway %s DIR%s", command, command, json != NULL ? " [--json]" : "");
  return CW_OK;
}

cw_status cw_command_show(cw_context *ctx, int argc, char **argv) {
  const char *dir;
  bool json = false;
  cw_analysis *a = NULL;
  CW_TRY(read_arguments(ctx, "show", argc, argv, &dir, &json));
  CW_TRY(cw_analysis_create(ctx, dir, &a));
  cw_status st = CW_OK;
  if (cw_rank(ctx) == 0) st = json ? cw_analysis_json(ctx, a, stdout) : cw_analysis_print(ctx, a, stdout);
  cw_analysis_destroy(a);
  return cw_agree(ctx, st);
}

cw_status cw_command_report(cw_context *ctx, int argc, char **argv) {
  const char *dir;
  CW_TRY(read_arguments(ctx, "report", argc, argv, &dir, NULL));
  CW_TRY(cw_write_report(ctx, dir));
  if (cw_rank(ctx) == 0) printf("%s/report.html\n", dir);
  return CW_OK;
}

cw_status cw_write_report(cw_context *ctx, const char *dir) {
  cw_analysis *a = NULL;
  CW_TRY(cw_analysis_create(ctx, dir, &a));
  size_t size = strlen(dir) + sizeof "/report.html";
  char *path = malloc(size);
  cw_status st = path != NULL ? CW_OK : cw_no_memory(ctx);
  if (st == CW_OK) {
    snprintf(path, size, "%s/report.html", dir);
    if (cw_rank(ctx) == 0) st = cw_analysis_page(ctx, a, path);
  }
  free(path);
  cw_analysis_destroy(a);
  return cw_agree(ctx, st);
}

static cw_status write_json_file(cw_context *ctx, const cw_analysis *a, const char *path) {
  size_t size = strlen(path) + sizeof ".tmp";
  char *temporary = malloc(size);
  if (temporary == NULL) return cw_no_memory(ctx);
  snprintf(temporary, size, "%s.tmp", path);
  FILE *file = fopen(temporary, "w");
  cw_status st = file != NULL ? cw_analysis_json(ctx, a, file) : cw_fail(ctx, CW_EIO, "cannot write '%s': %s", path, strerror(errno));
  if (file != NULL && fclose(file) != 0 && st == CW_OK) st = cw_fail(ctx, CW_EIO, "cannot write '%s': %s", path, strerror(errno));
  if (st == CW_OK && rename(temporary, path) != 0) st = cw_fail(ctx, CW_EIO, "cannot write '%s': %s", path, strerror(errno));
  if (st != CW_OK && file != NULL) unlink(temporary);
  free(temporary);
  return st;
}

cw_status cw_write_results_json(cw_context *ctx, const char *dir, const char *path) {
  cw_analysis *a = NULL;
  CW_TRY(cw_analysis_create(ctx, dir, &a));
  cw_status st = cw_rank(ctx) == 0 ? write_json_file(ctx, a, path) : CW_OK;
  cw_analysis_destroy(a);
  return cw_agree(ctx, st);
}
