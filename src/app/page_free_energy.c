/* The free energy: of the flow from both sides, by chain integration, and by all methods that know
 * it. */
#include "app/page.h"

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
