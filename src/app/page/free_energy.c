/* The free energy: of the flow from both sides, by chain integration, and by all methods that know
 * it. */
#include <stdio.h>
#include <string.h>

#include "app/page/page.h"

/* A free energy of the case, if the same per site follows it in the list. */
static cw_status free_energy_row(const cw_case_page *to, const cw_result *F) {
  char name_per_site[CW_RESULT_NAME + 16];
  snprintf(name_per_site, sizeof name_per_site, "%s_per_site", F->name);
  const cw_result *per_site = cw_case_result(to->c, name_per_site);
  if (per_site == NULL) return CW_OK;
  char label[120], value[CW_VALUE_TEXT], site[CW_VALUE_TEXT], n[CW_VALUE_TEXT];
  snprintf(label, sizeof label, "%s\n%s", F->name, F->help);
  cw_cell_result(value, F);
  cw_cell_result(site, per_site);
  snprintf(n, sizeof n, "%ld", F->e.n);
  return cw_page_table_row(to->page, (const char *[]){label, value, site, n}, -1);
}

static cw_status write_estimates(const cw_case_page *to) {
  static const char *const heads[] = {"estimate", "F", "F per site", "configurations"};
  CW_TRY(cw_page_table_begin(to->page, "", 4, heads));
  for (int i = 0; i < to->c->n_results; i++) CW_TRY(free_energy_row(to, &to->c->result[i]));
  return cw_page_table_end(to->page);
}

static cw_status method_row(const cw_case_page *to, const cw_free_energy *f) {
  char value[CW_VALUE_TEXT], ess[CW_VALUE_TEXT], size[CW_VALUE_TEXT + 32], sampling[CW_VALUE_TEXT],
      training[CW_VALUE_TEXT], cost[CW_VALUE_TEXT];
  cw_format_value(f->stage->lnZ.value, f->stage->lnZ.error, value);
  cw_cell_number(ess, f->stage->lnZ.ess, "%.1f");
  snprintf(size, sizeof size, "%s\nof %ld %s", ess, f->stage->lnZ.n, f->stage->lnZ_unit);
  cw_cell_number(sampling, f->stage->seconds, "%.3g");
  cw_cell_number(training, f->training, "%.3g");
  cw_cell_number(cost, f->cost, "%.2g");
  return cw_page_table_row(to->page,
                           (const char *[]){f->stage->part.label,
                                            f->stage->is_ratio ? "ln Z(last)/Z(first)" : "ln Z",
                                            value, size, sampling, training, cost},
                           -1);
}

static cw_status write_methods(const cw_case_page *to, const cw_free_energy *list, int n) {
  static const char *const heads[] = {
      "method",      "of what",         "value", "effective samples", "seconds of sampling",
      "of training", "error × √seconds"};
  CW_TRY(cw_page_table_begin(to->page,
                             "Free energies by method. Error × √seconds of sampling is the error "
                             "that one second would give.",
                             7, heads));
  for (int i = 0; i < n; i++) CW_TRY(method_row(to, &list[i]));
  return cw_page_table_end(to->page);
}

cw_status cw_page_free_energy(const cw_case_page *to) {
  cw_free_energy list[CW_MOST_FREE_ENERGIES];
  int n = cw_list_free_energies(to->c, list);
  const bool any = to->c->n_results > 0 || n > 1;
  if (any) CW_TRY(cw_page_heading(to->page, to->level, "Free energy"));
  if (to->c->n_results > 0) CW_TRY(write_estimates(to));
  if (n > 1) CW_TRY(write_methods(to, list, n));
  return cw_page_chapter(to, CW_CHAPTER_FREE_ENERGY, any ? NULL : "Free energy");
}

cw_status cw_page_works(const cw_case_page *to, const cw_analysis_stage *s, const char *there,
                        const char *back, const char *caption) {
  const cw_curve *up = cw_stage_curve(s, "work"), *down = cw_stage_curve(s, "work.reverse");
  char title[120];
  if (up == NULL) return CW_OK;
  snprintf(title, sizeof title, "%s: work", s->part.label);
  CW_TRY(cw_page_figure_begin(to->page, title, "W = −ln w", "density", false, false));
  CW_TRY(cw_page_curve(to->page, there, CW_DRAW_STEPS, CW_ORANGE, up->n, up->x, up->y, NULL));
  if (down != NULL)
    CW_TRY(cw_page_curve(to->page, back, CW_DRAW_STEPS, CW_BLUE, down->n, down->x, down->y, NULL));
  cw_prose text = {0};
  cw_say(&text, "%s", caption);
  cw_say_outside(&text, up, "work", there[0] != '\0' ? there : "");
  cw_say_outside(&text, down, "work", back);
  return cw_page_figure_end(to->page, text.text);
}

/* Does it go along the ladder, and know the ratio of partition functions of its ends? Chains on the
 * ladder do not go. */
static bool is_walk(const cw_analysis_stage *s) {
  return s->present && !cw_stage_is(s, CW_IS_CHAINS) &&
         (s->section->method->needs & CW_NEEDS_LADDER) && isfinite(s->lnZ.value);
}

static bool has_walk(const cw_analysis_case *c) {
  for (int i = 0; i < c->n_stages; i++)
    if (is_walk(&c->stage[i])) return true;
  return false;
}

static bool is_in_earlier_case(const cw_analysis *a, int i, const char *name) {
  while (--i >= 0) {
    const cw_analysis_stage *s = cw_analysis_find_stage(&a->cases[i], name);
    if (s != NULL && is_walk(s)) return true;
  }
  return false;
}

/* What a method of walks says in a case, against the number of steps of its ladder. */
typedef double measure_of(const cw_free_energy *f);

static double cost_of(const cw_free_energy *f) { return f->cost; }

static double ess_of(const cw_free_energy *f) {
  const cw_result *ess = cw_stage_result(f->stage, "ess", -1);
  return ess != NULL ? ess->e.value : NAN;
}

/* Does a case go from the first case's first rung to its last one? */
static bool same_ends(const cw_analysis *a, int i) {
  const cw_plan *p = a->cases[0].plan, *q = a->cases[i].plan;
  return memcmp(p->ladder.param[0], q->ladder.param[0], sizeof p->ladder.param[0]) == 0 &&
         memcmp(p->param, q->param, sizeof p->param) == 0;
}

/* The walks of stage name over the cases; returns how many points. */
static int gather(const cw_analysis *a, const char *name, measure_of *measure,
                  double x[CW_MAX_CASES], double y[CW_MAX_CASES]) {
  int n = 0;
  for (int i = 0; i < a->n_cases; i++) {
    cw_free_energy list[CW_MOST_FREE_ENERGIES];
    int methods = same_ends(a, i) ? cw_list_free_energies(&a->cases[i], list) : 0;
    for (int k = 0; k < methods; k++) {
      if (strcmp(list[k].stage->part.name, name) != 0) continue;
      x[n] = a->cases[i].plan->ladder.n - 1;
      y[n++] = measure(&list[k]);
    }
  }
  return n;
}

static cw_status over_cases(cw_page *page, const cw_analysis *a, measure_of *measure, bool log_y,
                            const char *title, const char *y_label, const char *caption) {
  double x[CW_MAX_CASES], y[CW_MAX_CASES];
  CW_TRY(cw_page_figure_begin(page, title, "steps of the ladder", y_label, true, log_y));
  for (int i = 0; i < a->n_cases; i++)
    for (int k = 0; k < a->cases[i].n_stages; k++) {
      const cw_analysis_stage *s = &a->cases[i].stage[k];
      if (!is_walk(s) || is_in_earlier_case(a, i, s->part.name)) continue;
      int n = gather(a, s->part.name, measure, x, y);
      if (n == 0) continue;
      CW_TRY(cw_page_curve(page, s->part.label, CW_DRAW_LINE, s->part.colour, n, x, y, NULL));
      CW_TRY(cw_page_curve(page, "", CW_DRAW_POINTS, s->part.colour, n, x, y, NULL));
    }
  return cw_page_figure_end(page, caption);
}

cw_status cw_page_ladder_lengths(cw_page *page, const cw_analysis *a) {
  int with_walks = 0;
  bool differ = false;
  for (int i = 0; i < a->n_cases; i++) {
    if (!same_ends(a, i)) continue;
    with_walks += has_walk(&a->cases[i]);
    differ = differ || a->cases[i].plan->ladder.n != a->cases[0].plan->ladder.n;
  }
  if (with_walks < 2 || !differ) return CW_OK;
  CW_TRY(cw_page_heading(page, 2, "How long a ladder?"));
  CW_TRY(
      over_cases(page, a, cost_of, true, "Error of ln Z at equal cost", "error × √seconds",
                 "Error that one second of sampling would give, without the training of flows."));
  return over_cases(page, a, ess_of, false, "Effective sample size at the end of the ladder",
                    "ESS per particle", "Mean over walks, before the last resampling.");
}
