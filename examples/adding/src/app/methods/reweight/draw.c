/* What the weights are worth in words, and their distribution. */
#include "app/methods/reweight/reweight.h"
#include "app/page/page.h"

/* "kappa = 0.21, lambda = 0.1" */
static void say_parameters(cw_prose *p, const cw_analysis_case *c, const double *param) {
  const cw_param *table = c->theory.ops->params[c->theory.form];
  for (int i = 0; table[i].name != NULL; i++)
    cw_say(p, "%s%s = %.6g", i > 0 ? ", " : "", table[i].name, param[i]);
}

static void say_result(cw_prose *p, const char *what, const cw_result *r) {
  char text[CW_VALUE_TEXT];
  cw_cell_result(text, r);
  cw_say(p, "; %s = %s", what, text);
}

static void say_all(cw_prose *p, const cw_case_page *to, const cw_analysis_stage *s) {
  const cw_result *ess = cw_stage_result(s, "ess", -1);
  char share[16];
  cw_say(p, "Reweighted to ");
  say_parameters(p, to->c, s->part.param);
  cw_say(p, ", %ld kept configurations are worth %s %% of as many drawn there", ess->e.n,
         cw_percent(ess->e.value, share));
  say_result(p, "the change of ln Z", cw_stage_result(s, "lnZ_ratio", -1));
  for (const cw_quantity *q = to->c->observer[0].ops->quantities; q->name != NULL; q++)
    if (q->headline) say_result(p, cw_definition(q), cw_stage_result(s, q->name, -1));
  cw_say(p, ".");
}

cw_status cw_draw_reweight(const cw_case_page *to, const cw_analysis_stage *s) {
  const cw_curve *weights = cw_stage_curve(s, "log_weight");
  cw_prose p = {0};
  say_all(&p, to, s);
  CW_TRY(cw_page_paragraph(to->page, p.text));
  if (weights == NULL) return CW_OK; /* all of them are equal */
  CW_TRY(cw_page_figure_begin(to->page, "Log-weights", "ln w", "density", false, false));
  CW_TRY(cw_page_curve(to->page, "", CW_DRAW_STEPS, s->part.colour, weights->n, weights->x,
                       weights->y, NULL));
  return cw_page_figure_end(to->page,
                            "ln w = S at the parameters of the job, less S at the others: "
                            "the narrower, the more the configurations are worth.");
}
