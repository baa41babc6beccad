/* Quality of the model. */
#include <string.h>

#include "app/page/page.h"
#include "causeway/report.h"

static const cw_curve *case_curve(const cw_analysis_case *c, const char *name) {
  for (int i = 0; i < c->n_curves; i++)
    if (strcmp(c->curve[i].name, name) == 0) return &c->curve[i];
  return NULL;
}

static cw_status weights_figure(const cw_case_page *to) {
  const cw_curve *q = case_curve(to->c, "log_weight.q"), *p = case_curve(to->c, "log_weight.p");
  if (q == NULL && p == NULL) return CW_OK;
  CW_TRY(cw_page_figure_begin(to->page, "Log-weights", "ln w = −S − ln q − ln Z", "density", false,
                              false));
  if (q != NULL)
    CW_TRY(cw_page_curve(to->page, "samples of the model", CW_DRAW_STEPS, CW_ORANGE, q->n, q->x,
                         q->y, NULL));
  if (p != NULL)
    CW_TRY(cw_page_curve(to->page, "samples of the target", CW_DRAW_STEPS, CW_PURPLE, p->n, p->x,
                         p->y, NULL));
  cw_prose caption = {0};
  cw_say(&caption, "A perfect model would have ln w = 0 everywhere.");
  if (p != NULL)
    cw_say(&caption,
           " The more the two histograms overlap, the better model and target know each other.");
  cw_say_outside(&caption, q, "sample", "of the model");
  cw_say_outside(&caption, p, "sample", "of the target");
  return cw_page_figure_end(to->page, caption.text);
}

cw_status cw_page_model(const cw_case_page *to) {
  const cw_flow_quality *f = &to->c->flow;
  if (!to->c->has_flow) return CW_OK;
  cw_prose p = {0};
  if (f->n_q > 0)
    cw_say(&p,
           "From %ld samples of the model: ESS %.4g, reverse KL divergence %.4g, acceptance of an "
           "independence Metropolis "
           "%.4g, largest weight %.2g of all.",
           f->n_q, f->ess, f->kl, f->acceptance, f->max_weight_share);
  if (f->n_p > 0)
    cw_say(&p, "%sFrom %ld samples of the target%s: forward ESS %.3g, forward KL divergence %.4g.",
           f->n_q > 0 ? " " : "", f->n_p, to->c->target_samples, f->ess_forward, f->kl_forward);
  CW_TRY(cw_page_heading(to->page, to->level, "Quality of the model"));
  CW_TRY(cw_page_paragraph(to->page, p.text));
  CW_TRY(weights_figure(to));
  return cw_page_chapter(to, CW_CHAPTER_MODEL, NULL);
}
