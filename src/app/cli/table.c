/* The tables of causeway show. */
#include <stdlib.h>
#include <string.h>

#include "app/cli/commands.h"
#include "causeway/report.h"

static void print_number(FILE *out, double x, const char *format, int width) {
  char text[32] = "-";
  if (!isnan(x)) snprintf(text, sizeof text, format, x);
  fprintf(out, "  %*s", width, text);
}

static void print_tau(FILE *out, const cw_estimate *e) {
  char text[CW_VALUE_TEXT];
  if (!isfinite(e->tau_int) || !(e->tau_error > 0)) {
    print_number(out, e->tau_int, "%.2f", 11);
    return;
  }
  cw_format_value(e->tau_int, e->tau_error, text);
  fprintf(out, "  %11s", text);
}

/* A derivative: its jackknife error, and how much more independent chains would have had to do. */
static void print_derivative(FILE *out, const cw_result *r) {
  char value[CW_VALUE_TEXT];
  cw_result_text(r, value);
  fprintf(out, "  %-40s  %-18s", r->name, value);
  print_number(out, r->e.error2, "%.2g", 9);
  print_tau(out, &r->e);
  print_number(out, r->gain, "%.3g", 10);
  print_number(out, r->gain_at_cost, "%.3g", 13);
  fprintf(out, "  %s\n", r->units);
}

static void print_result(FILE *out, const cw_result *r) {
  char value[CW_VALUE_TEXT];
  cw_result_text(r, value);
  fprintf(out, "  %-26s  %-22s", r->name, value);
  print_tau(out, &r->e);
  print_number(out, r->e.ess, "%.0f", 9);
  fprintf(out, "  %9ld", r->e.n);
  print_number(out, isfinite(r->e.rhat) ? r->e.rhat : NAN, "%.3f", 7);
  fprintf(out, "  %s\n", r->units);
}

static void print_heads(FILE *out, const char *what) {
  fprintf(out, "\n%s\n  %-26s  %-22s  %11s  %9s  %9s  %7s  %s\n", what, "name", "value(error)",
          "tau_int", "ess", "n", "R-hat", "units");
}

static void print_heads_of_derivatives(FILE *out, const char *what) {
  fprintf(out, "\n%s\n  %-40s  %-18s  %9s  %11s  %10s  %13s  %s\n", what, "name", "value(error)",
          "jackknife", "tau_int", "gain", "gain at cost", "units");
}

static bool has_derivatives(const cw_result *list, int n) {
  for (int i = 0; i < n; i++)
    if (list[i].derivative_of >= 0) return true;
  return false;
}

/* The table of a stage, or of what belongs to none, and why some of it is undefined. */
static void print_results(FILE *out, const char *what, const cw_result *list, int n) {
  char names[200];
  const char *why;
  const bool derivatives = has_derivatives(list, n);
  if (n > 0) (derivatives ? print_heads_of_derivatives : print_heads)(out, what);
  for (int i = 0; i < n; i++) (derivatives ? print_derivative : print_result)(out, &list[i]);
  for (int i = 0; (why = cw_why_undefined(list, n, i, names, sizeof names)) != NULL; i++)
    fprintf(out, "  undefined: %s: %s\n", names, why);
}

static void print_expected(FILE *out, const cw_result *list, int n) {
  for (int i = 0; i < n; i++) {
    const cw_result *r = &list[i];
    char value[CW_VALUE_TEXT], expected[CW_VALUE_TEXT];
    if (r->expected == NULL) continue;
    cw_result_text(r, value);
    cw_expect_format(r->expected, expected, sizeof expected);
    fprintf(out, "  %-26s  %-22s  %-22s", r->name, value, expected);
    print_number(out, r->pull, "%+.2f", 7);
    fprintf(out, "  %s\n", r->expected->source);
  }
}

static bool has_expectation(const cw_result *list, int n) {
  for (int i = 0; i < n; i++)
    if (list[i].expected != NULL) return true;
  return false;
}

/* What the job expects of the results, and how far they are from it. */
static void print_expectations(FILE *out, const cw_analysis_case *c) {
  bool any = has_expectation(c->result, c->n_results);
  for (int i = 0; i < c->n_stages; i++)
    any = any || has_expectation(c->stage[i].result, c->stage[i].n_results);
  if (!any) return;
  fprintf(out, "\nExpectations\n  %-26s  %-22s  %-22s  %7s  %s\n", "name", "value(error)",
          "expected", "sigma", "source");
  for (int i = 0; i < c->n_stages; i++)
    print_expected(out, c->stage[i].result, c->stage[i].n_results);
  print_expected(out, c->result, c->n_results);
}

/* "8 x 8 (64 sites)" */
static void print_lattice(FILE *out, const cw_analysis_case *c) {
  for (int mu = 0; mu < c->plan->lat.dim; mu++)
    fprintf(out, "%s%d", mu > 0 ? " x " : "", c->plan->lat.extent[mu]);
  fprintf(out, " (%ld sites)\n", c->geometry->n_sites);
}

static void print_flow(FILE *out, const cw_analysis_case *c) {
  const cw_flow_quality *f = &c->flow;
  const cw_analysis_stage *model_chains = cw_analysis_find_of_model(c, CW_IS_CHAINS);
  char text[CW_VALUE_TEXT];
  fprintf(out, "%-10s", c->noun);
  if (f->n_q > 0) {
    cw_result_text(cw_case_result(c, "lnZ"), text);
    fprintf(out, "ESS %.4g, acceptance %.4g, ln Z %s, largest weight %.2g of all", f->ess,
            f->acceptance, text, f->max_weight_share);
  }
  if (f->n_p > 0) fprintf(out, "%sforward ESS %.3g", f->n_q > 0 ? ", " : "", f->ess_forward);
  if (isfinite(f->w_hat)) {
    cw_result_text(cw_case_result(c, "w_hat"), text);
    fprintf(out, ", w_hat %s", text);
  }
  if (model_chains != NULL && model_chains->longest_rejection >= 0)
    fprintf(out, ", longest rejection %ld", model_chains->longest_rejection);
  fputc('\n', out);
}

static void print_start(FILE *out, const cw_plan *plan) {
  char text[CW_START_TEXT];
  cw_start_text(&plan->start, text);
  fprintf(out, "start     parameters of %s\n", text);
}

/* Flows between rungs that begin as others. */
static void print_flow_starts(FILE *out, const cw_plan *plan) {
  for (int i = 0; i < plan->n_sections; i++) {
    const cw_section *s = &plan->section[i];
    cw_training t;
    if (s->method->trains == NULL || !s->method->trains(plan, s, &t) || t.start == NULL) continue;
    if (!cw_has_start(t.start)) continue;
    char text[CW_START_TEXT];
    cw_start_text(t.start, text);
    fprintf(out, "start     flows of %s as those of %s\n", s->kind.name, text);
  }
}

/* The methods that know the free energy, if there are several. */
static void print_free_energies(FILE *out, const cw_analysis_case *c) {
  cw_free_energy list[CW_MOST_FREE_ENERGIES];
  int n = cw_list_free_energies(c, list);
  if (n < 2) return;
  fprintf(out, "\nFree energies by method\n  %-20s  %-20s  %-22s  %9s  %10s  %10s  %10s\n",
          "method", "of what", "value(error)", "ess", "sampling/s", "training/s", "error*s^.5");
  for (int i = 0; i < n; i++) {
    char value[CW_VALUE_TEXT];
    cw_format_value(list[i].stage->lnZ.value, list[i].stage->lnZ.error, value);
    fprintf(out, "  %-20s  %-20s  %-22s", list[i].stage->part.label,
            list[i].stage->is_ratio ? "ln Z(last)/Z(first)" : "ln Z", value);
    print_number(out, list[i].stage->lnZ.ess, "%.1f", 9);
    print_number(out, list[i].stage->seconds, "%.3g", 10);
    print_number(out, list[i].training, "%.3g", 10);
    print_number(out, list[i].cost, "%.2g", 10);
    fputc('\n', out);
  }
}

/* What an independent value of the quantity that freezes costs, where there is something to compare. */
static cw_status print_costs(cw_context *ctx, FILE *out, const cw_analysis *a) {
  const cw_quantity *q;
  cw_cost *list;
  int n;
  CW_TRY(cw_list_costs(ctx, a, &q, &list, &n));
  if (n >= 2)
    fprintf(out, "\nSeconds per independent value of %s\n  %-40s  %14s  %9s  %14s  %10s\n", q->name,
            "method", "tau_int/steps", "s/step", "s/value", "training/s");
  for (int i = 0; i < n && n >= 2; i++) {
    char label[CW_TITLE], tau[CW_VALUE_TEXT] = "-", cost[CW_VALUE_TEXT];
    cw_cost_label(list, n, i, false, label);
    if (isfinite(list[i].tau)) cw_format_value(list[i].tau, list[i].tau_error, tau);
    cw_format_value(list[i].cost, list[i].cost_error, cost);
    fprintf(out, "  %-40s  %14s", label, tau);
    print_number(out, list[i].per_step, "%.3g", 9);
    if (isfinite(list[i].cost_error))
      fprintf(out, "  %14s", cost);
    else
      print_number(out, list[i].cost, "%.3g", 14);
    print_number(out, list[i].training, "%.3g", 10);
    fputc('\n', out);
  }
  free(list);
  return CW_OK;
}

static void print_head(FILE *out, const cw_analysis_case *c) {
  fprintf(out, "lattice   ");
  print_lattice(out, c);
  fprintf(out, "theory    %s\n", c->theory_text);
  if (c->plan->has_model)
    fprintf(out, "model     %s, %ld parameter%s\n", c->model_text, c->n_parameters,
            c->n_parameters == 1 ? "" : "s");
  if (cw_has_start(&c->plan->start)) print_start(out, c->plan);
  print_flow_starts(out, c->plan);
  if (c->train_text[0] != '\0') fprintf(out, "training  %s\n", c->train_text);
  if (c->has_flow) print_flow(out, c);
}

/* all: or only the tables of results that were selected, with what casts doubt on them. */
static void print_case(FILE *out, const cw_analysis_case *c, bool all) {
  if (c->name[0] != '\0') fprintf(out, "\n== case %s\n", c->name);
  if (all) print_head(out, c);
  for (int i = 0; i < c->n_missing; i++) fprintf(out, "missing   %s\n", c->missing[i]);
  for (int i = 0; i < c->n_warnings; i++) fprintf(out, "WARNING   %s\n", c->warning[i]);
  for (int i = 0; i < c->n_stages; i++)
    print_results(out, c->stage[i].part.label, c->stage[i].result, c->stage[i].n_results);
  print_results(out, "Free energy", c->result, c->n_results);
  if (all) print_free_energies(out, c);
  print_expectations(out, c);
}

cw_status cw_analysis_print(cw_context *ctx, const cw_analysis *a, FILE *out) {
  fprintf(out, "causeway %s, job %s%s%s, seed %ld\n", CW_VERSION, a->job_name,
          a->about[0] != '\0' ? ": " : "", a->about, a->seed);
  for (int i = 0; i < a->n_cases; i++) print_case(out, &a->cases[i], !a->selected);
  if (a->selected) return cw_flush_results(ctx, out);
  CW_TRY(print_costs(ctx, out, a));
  fprintf(out, "\ntime      %.1f s", a->seconds);
  for (int i = 0; i < a->n_cases; i++)
    for (int k = 0; k < a->cases[i].n_stages; k++) {
      const cw_analysis_case *c = &a->cases[i];
      if (c->stage[k].stored && c->stage[k].seconds == 0) continue; /* timed with another rung */
      fprintf(out, ", %s%s%s %.1f", c->name, c->name[0] != '\0' ? "." : "", c->stage[k].part.name,
              c->stage[k].seconds);
    }
  fputc('\n', out);
  return cw_flush_results(ctx, out);
}
