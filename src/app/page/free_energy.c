/* The free energy: of the flow from both sides, by chain integration, and by all methods that know
 * it. */
#include <string.h>

#include "app/page/page.h"

static cw_status free_energy_row(const cw_section *to, const char *name,
                                 const char *name_per_site) {
  const cw_result *F = cw_case_result(to->c, name),
                  *per_site = cw_case_result(to->c, name_per_site);
  if (F == NULL) return CW_OK;
  char label[120], value[CW_VALUE_TEXT], site[CW_VALUE_TEXT], n[CW_VALUE_TEXT];
  snprintf(label, sizeof label, "%s\n%s", name, F->help);
  cw_cell_result(value, F);
  cw_cell_result(site, per_site);
  snprintf(n, sizeof n, "%ld", F->e.n);
  return cw_page_table_row(to->page, (const char *[]){label, value, site, n}, -1);
}

static cw_status integrand_figure(const cw_section *to) {
  const cw_analysis_stage *s = cw_analysis_find_kind(to->c, CW_STAGE_CHAIN);
  const cw_curve *slope = s != NULL ? cw_stage_curve(s, "slope") : NULL;
  if (slope == NULL) return CW_OK;
  CW_TRY(cw_page_figure_begin(to->page, "Integrand of the chain integration", "κ", "⟨−∂S/∂κ⟩",
                              false, false));
  CW_TRY(cw_page_curve(to->page, "", CW_DRAW_POINTS, CW_BLUE, slope->n, slope->x, slope->y,
                       slope->dy));
  return cw_page_figure_end(
      to->page,
      "ln Z(κ) = ln Z(0) + ∫ ⟨−∂S/∂κ⟩ dκ, with one set of chains at each Gauss–Legendre node.");
}

static cw_status write_estimates(const cw_section *to) {
  static const char *const heads[] = {"estimate", "F", "F per site", "configurations"};
  CW_TRY(cw_page_table_begin(to->page, "", 4, heads));
  CW_TRY(free_energy_row(to, "F_q", "F_q_per_site"));
  CW_TRY(free_energy_row(to, "F_p", "F_p_per_site"));
  CW_TRY(free_energy_row(to, "F_chain", "F_chain_per_site"));
  CW_TRY(cw_page_table_end(to->page));
  cw_prose p = {0};
  cw_say_free_energy(&p, to->c);
  return p.used > 0 ? cw_page_paragraph(to->page, p.text) : CW_OK;
}

static cw_status method_row(const cw_section *to, const cw_free_energy *f) {
  char value[CW_VALUE_TEXT], ess[CW_VALUE_TEXT], size[CW_VALUE_TEXT + 32], sampling[CW_VALUE_TEXT],
      training[CW_VALUE_TEXT], cost[CW_VALUE_TEXT];
  cw_format_value(f->e.value, f->e.error, value);
  cw_cell_number(ess, f->e.ess, "%.1f");
  snprintf(size, sizeof size, "%s\nof %ld %s", ess, f->e.n, f->units);
  cw_cell_number(sampling, f->stage->seconds, "%.3g");
  cw_cell_number(training, f->training, "%.3g");
  cw_cell_number(cost, f->cost, "%.2g");
  return cw_page_table_row(to->page,
                           (const char *[]){f->stage->label,
                                            f->is_ratio ? "ln Z(last)/Z(first)" : "ln Z", value,
                                            size, sampling, training, cost},
                           -1);
}

static cw_status write_methods(const cw_section *to, const cw_free_energy *list, int n) {
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

cw_status cw_page_free_energy(const cw_section *to) {
  cw_free_energy list[CW_MOST_FREE_ENERGIES];
  int n = cw_list_free_energies(to->c, list);
  bool estimates = to->c->n_results > 0 || cw_analysis_find_kind(to->c, CW_STAGE_CHAIN) != NULL;
  if (!estimates && n < 2) return CW_OK;
  CW_TRY(cw_page_heading(to->page, to->level, "Free energy"));
  if (estimates) CW_TRY(write_estimates(to));
  if (n > 1) CW_TRY(write_methods(to, list, n));
  return integrand_figure(to);
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

/* The walks of stage name over the cases; returns its points, and one such stage. */
static int gather(const cw_analysis *a, const char *name, measure_of *measure,
                  double x[CW_MAX_CASES], double y[CW_MAX_CASES], const cw_analysis_stage **one) {
  int n = 0;
  for (int i = 0; i < a->n_cases; i++) {
    cw_free_energy list[CW_MOST_FREE_ENERGIES];
    int methods = same_ends(a, i) ? cw_list_free_energies(&a->cases[i], list) : 0;
    for (int k = 0; k < methods; k++) {
      if (strcmp(list[k].stage->name, name) != 0) continue;
      *one = list[k].stage;
      x[n] = a->cases[i].plan->ladder.n - 1;
      y[n++] = measure(&list[k]);
    }
  }
  return n;
}

static cw_status over_cases(cw_page *page, const cw_analysis *a, measure_of *measure, bool log_y,
                            const char *title, const char *y_label, const char *caption) {
  static const char *const names[] = {"ais", "smc", "snf", "craft", "walk"};
  double x[CW_MAX_CASES], y[CW_MAX_CASES];
  CW_TRY(cw_page_figure_begin(page, title, "steps of the ladder", y_label, true, log_y));
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const cw_analysis_stage *s = NULL;
    int n = gather(a, names[i], measure, x, y, &s);
    if (n == 0) continue;
    CW_TRY(cw_page_curve(page, s->label, CW_DRAW_LINE, cw_stage_colour(s), n, x, y, NULL));
    CW_TRY(cw_page_curve(page, "", CW_DRAW_POINTS, cw_stage_colour(s), n, x, y, NULL));
  }
  return cw_page_figure_end(page, caption);
}

cw_status cw_page_ladder_lengths(cw_page *page, const cw_analysis *a) {
  int with_walks = 0;
  bool differ = false;
  for (int i = 0; i < a->n_cases; i++) {
    if (!same_ends(a, i)) continue;
    with_walks += cw_analysis_find_kind(&a->cases[i], CW_STAGE_WALK) != NULL;
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
