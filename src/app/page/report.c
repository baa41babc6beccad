/* causeway report: the page of a job, from its analysis. Read it from the bottom up:
 * cw_analysis_page first. */
#include <string.h>

#include "app/page/report.h"

#include "app/page/page.h"
#include "causeway/report.h"

/* Rows: scalar quantities. Columns: methods, then all but the reference minus it in units of the
 * error. */
static cw_status observable_row(const cw_case_page *to, const cw_quantity *q,
                                const cw_analysis_stage *const *methods, int n,
                                const cw_analysis_stage *reference) {
  char text[2 * CW_MOST_METHODS][CW_VALUE_TEXT];
  cw_prose name = {0};
  const char *cells[2 * CW_MOST_METHODS + 1] = {name.text};
  int column = 1, marked = -1;
  cw_say(&name, "%s\n%s", q->name, cw_definition(q));
  for (int i = 0; i < n; i++, column++) {
    cw_cell_result(text[column - 1], cw_stage_result(methods[i], q->name, -1));
    cells[column] = text[column - 1];
  }
  for (int i = 0; i < n; i++) {
    if (reference == NULL || methods[i] == reference) continue;
    double pull =
        cw_pull(cw_stage_result(methods[i], q->name, -1), cw_stage_result(reference, q->name, -1));
    cw_cell_number(text[column - 1], pull, "%+.1f σ");
    if (fabs(pull) > 3) marked = column;
    cells[column] = text[column - 1];
    column++;
  }
  return cw_page_table_row(to->page, cells, marked);
}

static cw_status observable_rows(const cw_case_page *to, const cw_analysis_stage *const *methods,
                                 int n, const cw_analysis_stage *reference) {
  for (int g = 0; g < to->c->plan->n_groups; g++)
    for (const cw_quantity *q = to->c->observer[g].ops->quantities; q->name != NULL; q++)
      if (q->count == NULL) CW_TRY(observable_row(to, q, methods, n, reference));
  return CW_OK;
}

/* Why numbers of a method are undefined. */
static cw_status write_undefined(const cw_case_page *to, const cw_analysis_stage *s) {
  char names[200];
  const char *why;
  for (int i = 0; (why = cw_why_undefined(s->result, s->n_results, i, names, sizeof names)) != NULL;
       i++) {
    cw_prose p = {0};
    cw_say(&p, "%s, undefined: %s: %s.", s->part.label, names, why);
    CW_TRY(cw_page_paragraph(to->page, p.text));
  }
  return CW_OK;
}

static cw_status write_observables(const cw_case_page *to) {
  const cw_analysis_stage *methods[CW_MOST_METHODS], *reference = cw_reference_stage(to->c);
  int n = cw_list_methods(to->c, methods), column = 1;
  if (n == 0) return CW_OK;
  char head[CW_MOST_METHODS][136];
  const char *heads[2 * CW_MOST_METHODS + 1] = {"observable"};
  for (int i = 0; i < n; i++) heads[column++] = methods[i]->part.label;
  for (int i = 0; i < n; i++) {
    if (reference == NULL || methods[i] == reference) continue;
    snprintf(head[i], sizeof head[i], "%s − %s", methods[i]->part.label, reference->part.label);
    heads[column++] = head[i];
  }
  bool differences = column > n + 1;
  CW_TRY(cw_page_heading(to->page, to->level, "Observables"));
  CW_TRY(cw_page_table_begin(to->page,
                             differences ? "Values with errors of the last digits; differences in "
                                           "units of their combined error, marked beyond 3 σ."
                                         : "Values with errors of the last digits.",
                             column, heads));
  CW_TRY(observable_rows(to, methods, n, reference));
  CW_TRY(cw_page_table_end(to->page));
  for (int i = 0; i < n; i++) CW_TRY(write_undefined(to, methods[i]));
  return CW_OK;
}

static cw_status expected_rows(const cw_case_page *to, const cw_result *list, int n) {
  for (int i = 0; i < n; i++) {
    const cw_result *r = &list[i];
    char value[CW_VALUE_TEXT], expected[CW_VALUE_TEXT], pull[CW_VALUE_TEXT];
    char name[CW_RESULT_NAME + CW_EXPECT_SOURCE + 2];
    if (r->expected == NULL) continue;
    snprintf(name, sizeof name, "%s\n%s", r->name, r->expected->source);
    cw_cell_result(value, r);
    cw_expect_format(r->expected, expected, sizeof expected);
    cw_cell_number(pull, r->pull, "%+.1f σ");
    CW_TRY(cw_page_table_row(to->page, (const char *[]){name, value, expected, pull},
                             fabs(r->pull) > CW_EXPECT_SIGMA ? 3 : -1));
  }
  return CW_OK;
}

static cw_status write_expectations(const cw_case_page *to) {
  static const char *const heads[] = {"result", "found", "expected", "difference"};
  if (to->c->plan->n_expect == 0) return CW_OK;
  CW_TRY(cw_page_heading(to->page, to->level, "Expectations"));
  CW_TRY(cw_page_table_begin(
      to->page,
      "What the job expects, and from where; differences in units of their combined error.", 4,
      heads));
  for (int i = 0; i < to->c->n_stages; i++)
    CW_TRY(expected_rows(to, to->c->stage[i].result, to->c->stage[i].n_results));
  CW_TRY(expected_rows(to, to->c->result, to->c->n_results));
  return cw_page_table_end(to->page);
}

/* The scalar quantity with the largest R-hat; NULL: none has one. */
static const cw_result *largest_rhat(const cw_analysis_stage *s) {
  const cw_result *found = NULL;
  for (int i = 0; i < s->n_results; i++) {
    const cw_result *r = &s->result[i];
    if (r->group < 0 || r->index >= 0 || isnan(r->e.rhat)) continue;
    if (found == NULL || r->e.rhat > found->e.rhat) found = r;
  }
  return found;
}

/* Of chains that each stand still at a value of their own there is none. */
static void write_rhat(const cw_analysis_stage *s, char text[CW_VALUE_TEXT + CW_RESULT_NAME]) {
  const cw_result *r = largest_rhat(s);
  if (r != NULL && isinf(r->e.rhat))
    snprintf(text, CW_VALUE_TEXT + CW_RESULT_NAME, "not defined\n%.40s stands still", r->quantity);
  else
    cw_cell_number(text, r != NULL ? r->e.rhat : NAN, "%.3f");
}

/* tau_int in measurements of the sampler, of which a group may take only every so many. */
static double tau_of(const cw_analysis_case *c, const cw_analysis_stage *s, const cw_result *r) {
  return r->e.tau_int * (double)cw_every_of(c, s, r->group);
}

/* The scalar quantity with the longest autocorrelations; of weighted samples the first there is. */
static const cw_result *slowest(const cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_result *found = NULL;
  for (int i = 0; i < s->n_results; i++) {
    const cw_result *r = &s->result[i];
    if (r->group < 0 || r->index >= 0) continue;
    if (found == NULL || tau_of(c, s, r) > tau_of(c, s, found)) found = r;
  }
  return found;
}

/* One row per method: how much it sampled and how well. */
static cw_status method_row(const cw_case_page *to, const cw_analysis_stage *s) {
  char text[6][CW_VALUE_TEXT + CW_RESULT_NAME];
  const char *cells[8] = {s->part.label};
  const cw_result *slow = slowest(to->c, s);
  long chains = s->n_chain > 0 ? s->n_chain : 1;
  char size[CW_VALUE_TEXT];
  if (s->n_chain > 0)
    snprintf(size, sizeof size, "%ld × %ld", chains, s->n_step);
  else
    snprintf(size, sizeof size, "%ld", s->n_step);
  cells[1] = size;
  cw_cell_number(text[0], slow != NULL ? tau_of(to->c, s, slow) : NAN, "%.2f");
  if (slow != NULL && s->n_chain > 0)
    snprintf(text[0] + strlen(text[0]), CW_RESULT_NAME, "\n%.40s", slow->quantity);
  cw_cell_number(text[1], slow != NULL ? slow->e.ess : NAN, "%.0f");
  write_rhat(s, text[2]);
  cw_cell_result(text[3], cw_stage_result(s, "acceptance", -1));
  cw_cell_result(text[4], cw_stage_result(s, "exp_mdH", -1));
  if (!cw_stage_is(s, CW_IS_CHAINS)) cw_cell_number(text[0], NAN, "");
  if (s->longest_rejection >= 0)
    snprintf(text[5], CW_VALUE_TEXT, "%ld", s->longest_rejection);
  else
    snprintf(text[5], CW_VALUE_TEXT, "–");
  for (int i = 0; i < 6; i++) cells[2 + i] = text[i];
  return cw_page_table_row(to->page, cells, -1);
}

static cw_status write_methods(const cw_case_page *to) {
  static const char *const heads[] = {"method",        "chains × steps, or samples",
                                      "longest τ_int", "ESS of that",
                                      "largest R-hat", "acceptance",
                                      "⟨exp(−ΔH)⟩",    "longest rejection"};
  const cw_analysis_stage *methods[CW_MOST_METHODS];
  int n = cw_list_methods(to->c, methods);
  if (n == 0) return CW_OK;
  CW_TRY(cw_page_table_begin(
      to->page, "How much each method sampled; times in measurements of its chain.", 8, heads));
  for (int i = 0; i < n; i++) CW_TRY(method_row(to, methods[i]));
  return cw_page_table_end(to->page);
}

static cw_status write_doubts(const cw_case_page *to) {
  for (int i = 0; i < to->c->n_warnings; i++) CW_TRY(cw_page_warning(to->page, to->c->warning[i]));
  if (to->c->n_missing == 0) return CW_OK;
  cw_prose p = {0};
  cw_say(&p, "Not finished: ");
  for (int i = 0; i < to->c->n_missing; i++)
    cw_say(&p, "%s%s", i > 0 ? "; " : "", to->c->missing[i]);
  cw_say(&p, ". This page shows what there is.");
  return cw_page_warning(to->page, p.text);
}

/* The facts of the first sampler among its observables; returns how many, at most room. */
static int observed_facts(const cw_analysis_case *c, int room, const char **names,
                          char text[][CW_VALUE_TEXT]) {
  const cw_analysis_stage *s = cw_reference_stage(c);
  int n = 0;
  for (int g = 0; s != NULL && g < c->plan->n_groups; g++)
    for (const cw_quantity *q = c->observer[g].ops->quantities; q->name != NULL && n < room; q++) {
      const cw_result *r = q->fact ? cw_stage_result(s, q->name, -1) : NULL;
      if (r == NULL) continue;
      names[n] = q->name;
      cw_cell_result(text[n++], r);
    }
  return n;
}

static cw_status write_facts(const cw_case_page *to) {
  const cw_analysis_case *c = to->c;
  const cw_analysis_stage *model_chains = cw_analysis_find_of_model(c, CW_IS_CHAINS);
  char text[6][CW_VALUE_TEXT];
  const char *names[6], *values[6];
  int n = 0;
  for (int i = 0; i < 6; i++) values[i] = text[i];
  if (c->has_flow && c->flow.n_q > 0) {
    names[n] = "ESS per sample";
    cw_cell_number(text[n++], c->flow.ess, "%.3g");
    names[n] = "acceptance";
    cw_cell_number(text[n++], c->flow.acceptance, "%.3g");
    names[n] = "ln Z";
    cw_format_value(c->flow.lnZ, c->flow.lnZ_error, text[n++]);
  }
  if (c->has_flow && isfinite(c->flow.w_hat)) {
    names[n] = "covered mass w_hat";
    cw_format_value(c->flow.w_hat, c->flow.w_hat_error, text[n++]);
  }
  if (c->plan->has_model) {
    names[n] = "parameters of the model";
    cw_cell_number(text[n++], (double)c->n_parameters, "%.0f");
  }
  if (model_chains != NULL && model_chains->longest_rejection >= 0) {
    names[n] = "longest rejection";
    cw_cell_number(text[n++], (double)model_chains->longest_rejection, "%.0f");
  }
  n += observed_facts(c, 6 - n, names + n, text + n);
  return n > 0 ? cw_page_facts(to->page, n, names, values) : CW_OK;
}

static cw_status write_mode_dropping(cw_page *page, const cw_analysis *a) {
  static const char *const heads[] = {"case", "F_q", "F_p", "w_hat", "ESS", "forward ESS"};
  bool any = false;
  for (int i = 0; i < a->n_cases; i++)
    any = any || (a->cases[i].has_flow && a->cases[i].flow.n_p > 0);
  if (!any) return CW_OK;
  CW_TRY(cw_page_heading(page, 2, "Does the model know the whole target?"));
  CW_TRY(cw_page_table_begin(page, "", 6, heads));
  for (int i = 0; i < a->n_cases; i++) {
    const cw_analysis_case *c = &a->cases[i];
    char text[5][CW_VALUE_TEXT], name[CW_CASE_NAME + CW_TITLE];
    if (!c->has_flow) continue;
    cw_cell_result(text[0], cw_case_result(c, "F_q"));
    cw_cell_result(text[1], cw_case_result(c, "F_p"));
    cw_cell_result(text[2], cw_case_result(c, "w_hat"));
    cw_cell_number(text[3], c->flow.ess, "%.4g");
    cw_cell_number(text[4], c->flow.ess_forward, "%.3g");
    snprintf(name, sizeof name, "%s\n%s", c->name[0] != '\0' ? c->name : a->job_name,
             c->train_text);
    CW_TRY(cw_page_table_row(
        page, (const char *[]){name, text[0], text[1], text[2], text[3], text[4]}, -1));
  }
  CW_TRY(cw_page_table_end(page));
  cw_prose general = {0};
  cw_say_mode_dropping(&general);
  CW_TRY(cw_page_paragraph(page, general.text));
  for (int i = 0; i < a->n_cases; i++) {
    cw_prose p = {0};
    if (a->cases[i].has_flow) cw_say_coverage(&p, &a->cases[i]);
    if (p.used > 0) CW_TRY(cw_page_paragraph(page, p.text));
  }
  return CW_OK;
}

/* All of a case but its summary. */
static cw_status write_case(const cw_case_page *to) {
  CW_TRY(write_observables(to));
  CW_TRY(write_expectations(to));
  CW_TRY(write_methods(to));
  CW_TRY(cw_page_free_energy(to));
  CW_TRY(cw_page_chapter(to, CW_CHAPTER_TRAINING, "Training"));
  CW_TRY(cw_page_model(to));
  CW_TRY(cw_page_vectors(to));
  CW_TRY(cw_page_chains(to));
  CW_TRY(cw_page_chapter(to, CW_CHAPTER_LADDER, "Ladder"));
  return cw_page_chapter(to, CW_CHAPTER_OWN, NULL);
}

static cw_status write_summary(const cw_case_page *to) {
  cw_prose p = {0};
  cw_say_summary(&p, to->c);
  CW_TRY(cw_page_paragraph(to->page, p.text));
  CW_TRY(write_facts(to));
  return write_doubts(to);
}

static cw_status write_cases(cw_context *ctx, cw_page *page, const cw_analysis *a) {
  bool several = a->n_cases > 1 || a->cases[0].name[0] != '\0';
  if (!several) {
    cw_case_page to = {ctx, page, &a->cases[0], 2};
    CW_TRY(write_summary(&to));
    CW_TRY(write_mode_dropping(page, a));
    CW_TRY(write_case(&to));
    return cw_page_costs(ctx, page, a);
  }
  cw_prose p = {0};
  cw_say(&p, "This job has %d case%s:", a->n_cases, a->n_cases > 1 ? "s" : "");
  for (int i = 0; i < a->n_cases; i++) cw_say(&p, "%s %s", i > 0 ? "," : "", a->cases[i].name);
  cw_say(&p, ".");
  CW_TRY(cw_page_paragraph(page, p.text));
  CW_TRY(cw_page_through(ctx, page, a));
  CW_TRY(cw_page_scan(page, a));
  CW_TRY(cw_page_volumes(page, a));
  CW_TRY(write_mode_dropping(page, a));
  CW_TRY(cw_page_ladder_lengths(page, a));
  CW_TRY(cw_page_costs(ctx, page, a));
  for (int i = 0; i < a->n_cases; i++) {
    cw_case_page to = {ctx, page, &a->cases[i], 3};
    char title[CW_CASE_NAME + 16];
    snprintf(title, sizeof title, "Case %s", a->cases[i].name);
    CW_TRY(cw_page_heading(page, 2, title));
    CW_TRY(write_summary(&to));
    CW_TRY(write_case(&to));
  }
  return CW_OK;
}

static cw_status timing_row(cw_page *page, const cw_analysis *a, const char *name, double seconds) {
  char time[CW_VALUE_TEXT], share[CW_VALUE_TEXT];
  snprintf(time, sizeof time, "%.1f", seconds);
  snprintf(share, sizeof share, "%.0f %%", a->seconds > 0 ? 100 * seconds / a->seconds : 0);
  return cw_page_table_row(page, (const char *[]){name, time, share}, -1);
}

/* "CASE: Method", and what its seconds went into. */
static cw_status stage_row(cw_page *page, const cw_analysis *a, const cw_analysis_case *c,
                           const cw_analysis_stage *s) {
  cw_prose name = {0};
  cw_say(&name, "%s%s%s", c->name, c->name[0] != '\0' ? ": " : "", s->part.label);
  for (int k = 0; k < s->n_spent; k++)
    cw_say(&name, "%s%s %.0f %%", k > 0 ? ", " : "\n", s->spent[k].what,
           100 * s->spent[k].seconds / s->seconds);
  return timing_row(page, a, name.text, s->seconds);
}

static cw_status write_run(cw_page *page, const cw_analysis *a) {
  static const char *const heads[] = {"stage", "seconds", "share"};
  char gnuplot[80];
  cw_prose p = {0};
  cw_gnuplot_version(gnuplot, sizeof gnuplot);
  cw_say(&p, "causeway %s, built with %s %s. %s%s%sSeed %ld.", CW_VERSION,
#ifdef __clang__
         "clang",
#else
         "gcc",
#endif
         __VERSION__, gnuplot[0] != '\0' ? "Figures by " : "", gnuplot,
         gnuplot[0] != '\0' ? ". " : "", a->seed);
  CW_TRY(cw_page_heading(page, 2, "The run"));
  CW_TRY(cw_page_paragraph(page, p.text));
  CW_TRY(cw_page_table_begin(page, "", 3, heads));
  for (int i = 0; i < a->n_cases; i++)
    for (int s = 0; s < a->cases[i].n_stages; s++) {
      const cw_analysis_stage *stage = &a->cases[i].stage[s];
      if (stage->stored && stage->seconds > 0) /* rungs are timed with the last of them */
        CW_TRY(stage_row(page, a, &a->cases[i], stage));
    }
  CW_TRY(timing_row(page, a, "total", a->seconds));
  CW_TRY(cw_page_table_end(page));
  return cw_page_preformatted(page, "The resolved job, every default written out", a->plans.text);
}

/* Another lattice or theory? */
static bool elsewhere(const cw_plan *a, const cw_plan *b) {
  return a->theory != b->theory || a->lat.dim != b->lat.dim ||
         memcmp(a->lat.extent, b->lat.extent, (size_t)a->lat.dim * sizeof *a->lat.extent) != 0;
}

/* What the job says about itself and what was set; of one that says nothing "phi4 on 12 × 12", where all cases are of one theory
 * and lattice. */
static void write_subtitle(const cw_analysis *a, cw_prose *p) {
  const cw_plan *plan = a->cases[0].plan;
  bool one = a->about[0] == '\0';
  for (int i = 1; i < a->n_cases; i++) one = one && !elsewhere(plan, a->cases[i].plan);
  if (one) {
    cw_say(p, "%s on ", plan->theory->name);
    cw_say_lattice(p, &plan->lat);
  }
  cw_say(p, "%s", a->about);
}

cw_status cw_analysis_page(cw_context *ctx, const cw_analysis *a, const char *path) {
  cw_page *page = NULL;
  cw_prose subtitle = {0};
  write_subtitle(a, &subtitle);
  CW_TRY(cw_page_create(ctx, a->job_name, subtitle.text, &page));
  cw_status st = write_cases(ctx, page, a);
  if (st == CW_OK) st = write_run(page, a);
  if (st == CW_OK) st = cw_page_write(page, path);
  cw_page_destroy(page);
  return st;
}
