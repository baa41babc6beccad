/* Training and quality of a model. */
#include <ctype.h>
#include <string.h>

#include "app/page/page.h"
#include "causeway/report.h"

static void begin_with_capital(cw_prose *p) {
  p->text[0] = (char)toupper((unsigned char)p->text[0]);
}

/* The loss falls steeply at first; without its first bins the rest can be seen. */
static cw_status loss_figure(const cw_section *to, const cw_curve *loss) {
  bool reverse = to->c->plan->train.loss == CW_LOSS_REVERSE_KL;
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

static cw_status simple_figure(const cw_section *to, const cw_curve *curve, const char *title,
                               const char *y_label, cw_draw how, bool log_y) {
  if (curve == NULL) return CW_OK;
  CW_TRY(cw_page_figure_begin(to->page, title, "training step", y_label, false, log_y));
  CW_TRY(cw_page_curve(to->page, "", how, CW_BLUE, curve->n, curve->x, curve->y, curve->dy));
  return cw_page_figure_end(to->page, "");
}

cw_status cw_page_training(const cw_section *to) {
  const cw_analysis_stage *s = cw_analysis_find_kind(to->c, CW_STAGE_TRAIN);
  if (s == NULL) return CW_OK;
  const cw_curve *loss = cw_stage_curve(s, "loss");
  cw_prose p = {0};
  cw_say(&p, "%s: %ld steps in %.1f s.", to->c->train_text, s->n_step, s->seconds);
  begin_with_capital(&p);
  CW_TRY(cw_page_heading(to->page, to->level, "Training"));
  CW_TRY(cw_page_paragraph(to->page, p.text));
  if (loss != NULL) CW_TRY(loss_figure(to, loss));
  CW_TRY(simple_figure(to, cw_stage_curve(s, "ess"), "Effective sample size of the batches", "ESS",
                       CW_DRAW_BAND, false));
  CW_TRY(simple_figure(to, cw_stage_curve(s, "grad_norm"), "Norm of the gradient", "|gradient|",
                       CW_DRAW_LINE, true));
  return simple_figure(to, cw_stage_curve(s, "rate"), "Learning rate", "rate", CW_DRAW_LINE, false);
}

static const cw_curve *case_curve(const cw_analysis_case *c, const char *name) {
  for (int i = 0; i < c->n_curves; i++)
    if (strcmp(c->curve[i].name, name) == 0) return &c->curve[i];
  return NULL;
}

static cw_status weights_figure(const cw_section *to) {
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
  return cw_page_figure_end(
      to->page, p != NULL
                    ? "A perfect model would have ln w = 0 everywhere. The more the two histograms "
                      "overlap, the better model and target know each other."
                    : "A perfect model would have ln w = 0 everywhere.");
}

static cw_status rejections_figure(const cw_section *to) {
  const cw_analysis_stage *s = cw_analysis_find_kind(to->c, CW_STAGE_NMCMC);
  const cw_curve *runs = s != NULL ? cw_stage_curve(s, "rejection_runs") : NULL;
  if (runs == NULL) return CW_OK;
  CW_TRY(cw_page_figure_begin(to->page, "Runs of rejections of NMCMC", "length",
                              "runs at least as long", true, true));
  CW_TRY(cw_page_curve(to->page, "", CW_DRAW_POINTS, CW_GREEN, runs->n, runs->x, runs->y, NULL));
  return cw_page_figure_end(to->page,
                            "Long runs are configurations that the model proposes far too rarely.");
}

cw_status cw_page_model(const cw_section *to) {
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
    cw_say(
        &p, "%sFrom %ld samples of the target%s: forward ESS %.3g, forward KL divergence %.4g.",
        f->n_q > 0 ? " " : "", f->n_p,
        cw_trained_on(to->c->plan, to->c->plan->forward_data)
            ? " (the second half of the kept configurations of each chain; the model was trained "
              "on the first)"
            : "",
        f->ess_forward, f->kl_forward);
  CW_TRY(cw_page_heading(to->page, to->level, "Quality of the model"));
  CW_TRY(cw_page_paragraph(to->page, p.text));
  CW_TRY(weights_figure(to));
  return rejections_figure(to);
}
