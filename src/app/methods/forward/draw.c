/* Where the target lies that the model does not know, and what averages may miss of it. */
#include "app/methods/forward/forward.h"
#include "app/page/page.h"

static cw_status draw_shells(cw_page *page, const cw_analysis_stage *s) {
  const cw_curve *target = cw_stage_curve(s, "shells.target"),
                 *outside = cw_stage_curve(s, "shells.outside");
  if (target == NULL || outside == NULL) return CW_OK;
  CW_TRY(cw_page_figure_begin(page, "The target by its action", "S/V", "density", false, false));
  CW_TRY(cw_page_curve(page, "all of it", CW_DRAW_STEPS, CW_BLUE, target->n, target->x, target->y,
                       NULL));
  CW_TRY(cw_page_curve(page, "outside of the model's support", CW_DRAW_STEPS, CW_RED, outside->n,
                       outside->x, outside->y, NULL));
  return cw_page_figure_end(page, "");
}

static cw_status draw_biases(const cw_case_page *to, const cw_analysis_stage *s) {
  static const char *const heads[] = {"mean", "by weights, less that of chains", "bound"};
  const cw_quantity *q;
  if (cw_stage_result(s, "bias_bound", 0) == NULL) return CW_OK;
  CW_TRY(cw_page_table_begin(to->page,
                             "Bias of averages by weights, and what bounds it where the model's "
                             "samples never leave its support.",
                             3, heads));
  for (int i = 0; (q = cw_forward_mean(&to->c->observer[0], i)) != NULL; i++) {
    const cw_result *limit = cw_stage_result(s, "bias_bound", i);
    char bias[CW_VALUE_TEXT], bound[CW_VALUE_TEXT];
    cw_cell_result(bias, cw_stage_result(s, "bias", i));
    cw_cell_number(bound, limit != NULL ? limit->e.value : NAN, "%.3g");
    CW_TRY(cw_page_table_row(to->page, (const char *[]){cw_definition(q), bias, bound}, -1));
  }
  return cw_page_table_end(to->page);
}

cw_status cw_draw_forward(const cw_case_page *to, const cw_analysis_stage *s) {
  const cw_forward_plan *plan = s->section->own;
  const cw_result *outside = cw_stage_result(s, "outside", -1),
                  *missed = cw_stage_result(s, "missed", -1);
  char mass[CW_VALUE_TEXT];
  cw_prose p = {0};
  if (outside == NULL) return CW_OK;
  cw_result_text(outside, mass);
  cw_say(
      &p,
      "Outside of the support of the %s, where it has less than %g of the target's density, lies "
      "%s of the target's probability.",
      to->c->noun, plan->threshold, mass);
  if (missed != NULL && outside->e.value > 0)
    cw_say(&p, " All its %ld samples miss that part with probability %.4g.", missed->e.n,
           missed->e.value);
  CW_TRY(cw_page_paragraph(to->page, p.text));
  CW_TRY(draw_shells(to->page, s));
  return draw_biases(to, s);
}
