/* The analysis as JSON, in the layout of docs/results.schema.json. */
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "app/analysis/analysis.h"
#include "app/analysis/fill.h"

cw_status cw_flush_results(cw_context *ctx, FILE *out) {
  if (fflush(out) != 0 || ferror(out))
    return cw_fail(ctx, CW_EIO, "cannot write results: %s", strerror(errno));
  return CW_OK;
}

/* Sets a number, or null where it is not finite. 0, or -1: no memory. */
static int set_number(json_t *object, const char *key, double x) {
  return json_object_set_new(object, key, isfinite(x) ? json_real(x) : json_null());
}

/* {"value", "error", "pull", "source"} of what the job expects. */
static json_t *expected_json(const cw_result *r) {
  json_t *o = json_object();
  int bad = set_number(o, "value", r->expected->value);
  bad += set_number(o, "error", r->expected->error);
  bad += set_number(o, "pull", r->pull);
  bad += json_object_set_new(o, "source", json_string(r->expected->source));
  if (bad == 0) return o;
  json_decref(o);
  return NULL;
}

static json_t *numbers_json(const double *x, long n) {
  json_t *list = json_array();
  int bad = 0;
  for (long i = 0; i < n; i++)
    bad += json_array_append_new(list, isfinite(x[i]) ? json_real(x[i]) : json_null());
  if (bad == 0) return list;
  json_decref(list);
  return NULL;
}

/* {"stage", "array", "every"} and, of rows of several numbers, "columns" and "slopes" of those that
 * count; "log_weight" and "at" where there are such. */
static json_t *history_json(const cw_analysis_case *c, const cw_analysis_stage *s,
                            const cw_history *h) {
  char stage[160];
  json_t *o = json_object(), *columns = json_array(), *slopes = json_array();
  int bad = 0;
  cw_stage_name(c->plan, s->part.stage, stage);
  for (int k = 0; k < h->n; k++) {
    if (h->slope[k] == 0) continue;
    bad += json_array_append_new(columns, json_integer(k));
    bad += json_array_append_new(slopes, json_real(h->slope[k]));
  }
  bad += json_object_set_new(o, "stage", json_string(stage));
  bad += json_object_set_new(o, "array", json_string(h->array));
  bad += json_object_set_new(o, "every", json_integer(h->every));
  if (h->log_weight[0] != '\0')
    bad += json_object_set_new(o, "log_weight", json_string(h->log_weight));
  if (h->at[0] != '\0') bad += json_object_set_new(o, "at", json_string(h->at));
  bad += json_object_set_new(o, "columns", h->slope != NULL ? columns : json_null());
  bad += json_object_set_new(o, "slopes", h->slope != NULL ? slopes : json_null());
  if (h->slope == NULL) {
    json_decref(columns);
    json_decref(slopes);
  }
  if (bad == 0) return o;
  json_decref(o);
  return NULL;
}

/* s: the stage that it belongs to; NULL: to none. */
static json_t *result_json(const cw_analysis_case *c, const cw_analysis_stage *s,
                           const cw_result *r) {
  char name[CW_FULL_NAME];
  cw_full_name(c, r, name);
  json_t *o = json_object();
  int bad = json_object_set_new(o, "name", json_string(name));
  bad += set_number(o, "value", r->e.value);
  bad += set_number(o, "error", r->e.error);
  bad += set_number(o, "error2", r->e.error2);
  bad += set_number(o, "tau_int", r->e.tau_int);
  bad += set_number(o, "tau_int_error", r->e.tau_error);
  bad += set_number(o, "ess", r->e.ess);
  bad += json_object_set_new(o, "n", json_integer(r->e.n));
  bad += set_number(o, "rhat", r->e.rhat);
  bad += json_object_set_new(o, "units", json_string(r->units));
  if (r->e.why != NULL) bad += json_object_set_new(o, "why", json_string(r->e.why));
  if (isfinite(r->gain)) bad += set_number(o, "gain", r->gain);
  if (isfinite(r->e.scatter)) bad += set_number(o, "scatter", r->e.scatter);
  if (r->tau_chain != NULL)
    bad += json_object_set_new(o, "tau_int_chains", numbers_json(r->tau_chain, r->n_tau));
  if (r->history.array[0] != '\0')
    bad += json_object_set_new(o, "history", history_json(c, s, &r->history));
  if (r->expected != NULL) bad += json_object_set_new(o, "expected", expected_json(r));
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
        bad += json_array_append_new(list, result_json(c, &c->stage[s], &c->stage[s].result[r]));
    for (int r = 0; r < c->n_results; r++)
      bad += json_array_append_new(list, result_json(c, NULL, &c->result[r]));
  }
  if (bad == 0) return list;
  json_decref(list);
  return NULL;
}

static json_t *flow_json(const cw_analysis_case *c) {
  const cw_flow_quality *f = &c->flow;
  const cw_analysis_stage *model_chains = cw_analysis_find_of_model(c, CW_IS_CHAINS);
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
                 {"max_weight_share", f->max_weight_share},
                 {"p_above_q", f->p_above_q},
                 {"q_below_p", f->q_below_p}};
  json_t *o = json_object();
  int bad = 0;
  for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
    bad += set_number(o, entries[i].key, c->has_flow ? entries[i].value : NAN);
  bad += json_object_set_new(o, "n_parameters",
                             c->plan->has_model ? json_integer(c->n_parameters) : json_null());
  bool has_runs = model_chains != NULL && model_chains->longest_rejection >= 0;
  bad +=
      json_object_set_new(o, "longest_rejection",
                          has_runs ? json_integer(model_chains->longest_rejection) : json_null());
  if (bad == 0) return o;
  json_decref(o);
  return NULL;
}

static json_t *lines_json(char *const *line, int n, const char *prefix) {
  json_t *list = json_array();
  int bad = 0;
  for (int i = 0; i < n; i++)
    bad += json_array_append_new(
        list, json_sprintf("%s%s%s", prefix, prefix[0] != '\0' ? ": " : "", line[i]));
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
    json_t *some = lines_json(warnings ? c->warning : c->missing,
                              warnings ? c->n_warnings : c->n_missing, c->name);
    bad += json_array_extend(all, some);
    json_decref(some);
  }
  return bad + json_object_set_new(root, key, all);
}

/* "RESULT.gain_at_cost": which depends on the time that things took. */
static int set_gains(json_t *o, const cw_analysis_case *c, const cw_analysis_stage *s) {
  int bad = 0;
  for (int i = 0; i < s->n_results; i++) {
    char name[CW_CASE_NAME + CW_RESULT_NAME + 20];
    const cw_result *r = &s->result[i];
    snprintf(name, sizeof name, "%s%s%s.gain_at_cost", c->name, c->name[0] != '\0' ? "." : "",
             r->name);
    if (isfinite(r->gain_at_cost)) bad += set_number(o, name, r->gain_at_cost);
  }
  return bad;
}

/* "STAGE.WHAT": seconds of it. */
static int set_spent(json_t *o, const char *stage, const cw_analysis_stage *s) {
  int bad = 0;
  for (int k = 0; k < s->n_spent; k++) {
    char name[CW_CASE_NAME + 2 * CW_RESULT_NAME];
    snprintf(name, sizeof name, "%s.%.40s", stage, s->spent[k].what);
    bad += set_number(o, name, s->spent[k].seconds);
  }
  return bad;
}

static json_t *timing_json(const cw_analysis *a) {
  json_t *o = json_object();
  int bad = 0;
  for (int i = 0; i < a->n_cases; i++)
    for (int s = 0; s < a->cases[i].n_stages; s++) {
      const cw_analysis_case *c = &a->cases[i];
      char name[CW_CASE_NAME + CW_RESULT_NAME + 2];
      snprintf(name, sizeof name, "%s%s%s", c->name, c->name[0] != '\0' ? "." : "",
               c->stage[s].part.name);
      if (c->stage[s].stored) bad += set_number(o, name, c->stage[s].seconds);
      bad += set_spent(o, name, &c->stage[s]);
      bad += set_gains(o, c, &c->stage[s]);
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
  return cw_flush_results(ctx, out);
}
