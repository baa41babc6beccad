/* Figures of a training. */
#include <ctype.h>

#include "app/methods/train/train.h"
#include "app/page/page.h"

static void begin_with_capital(cw_prose *p) {
  p->text[0] = (char)toupper((unsigned char)p->text[0]);
}

/* The loss falls steeply at first; without its first bins the rest can be seen. */
static cw_status loss_figure(const cw_case_page *to, const cw_train_plan *plan,
                             const cw_curve *loss) {
  bool reverse = plan->options.loss == CW_LOSS_REVERSE_KL;
  long skip = loss->n >= 100 ? loss->n / 50 : 0;
  CW_TRY(cw_page_figure_begin(to->page, "Loss", "training step", reverse ? "⟨ln q + S⟩" : "⟨−ln q⟩",
                              false, false));
  CW_TRY(cw_page_curve(to->page, "mean and spread of a bin of steps", CW_DRAW_BAND, CW_BLUE,
                       loss->n - skip, loss->x + skip, loss->y + skip, loss->dy + skip));
  bool has_limit = reverse && isfinite(to->c->flow.lnZ) && to->c->has_flow;
  double x[2] = {loss->x[skip], loss->x[loss->n - 1]}, F[2] = {-to->c->flow.lnZ, -to->c->flow.lnZ};
  if (has_limit)
    CW_TRY(cw_page_curve(to->page, "F = −ln Z", CW_DRAW_LINE, CW_ORANGE, 2, x, F, NULL));
  return cw_page_figure_end(
      to->page,
      has_limit ? "The reverse KL divergence is the distance of the loss from F, its lower bound."
                : "");
}

static cw_status simple_figure(const cw_case_page *to, const cw_curve *curve, const char *title,
                               const char *y_label, cw_draw how, bool log_y) {
  if (curve == NULL) return CW_OK;
  CW_TRY(cw_page_figure_begin(to->page, title, "training step", y_label, false, log_y));
  CW_TRY(cw_page_curve(to->page, "", how, CW_BLUE, curve->n, curve->x, curve->y, curve->dy));
  return cw_page_figure_end(to->page, "");
}

cw_status cw_draw_train(const cw_case_page *to, const cw_analysis_stage *s) {
  const cw_curve *loss = cw_stage_curve(s, "loss");
  cw_prose p = {0};
  cw_say(&p, "%s: %ld step%s in %.1f s.", to->c->train_text, s->n_step, s->n_step == 1 ? "" : "s",
         s->seconds);
  begin_with_capital(&p);
  CW_TRY(cw_page_paragraph(to->page, p.text));
  if (loss != NULL) CW_TRY(loss_figure(to, s->section->own, loss));
  CW_TRY(simple_figure(to, cw_stage_curve(s, "ess"), "Effective sample size of the batches", "ESS",
                       CW_DRAW_BAND, false));
  CW_TRY(simple_figure(to, cw_stage_curve(s, "grad_norm"), "Norm of the gradient", "|gradient|",
                       CW_DRAW_LINE, true));
  return simple_figure(to, cw_stage_curve(s, "rate"), "Learning rate", "rate", CW_DRAW_LINE, false);
}
