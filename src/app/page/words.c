/* The sentences of the report, written from the numbers. */
#include "app/page/page.h"

#include <string.h>

static void say_value(cw_prose *p, double value, double error) {
  char text[CW_VALUE_TEXT];
  cw_format_value(value, error, text);
  cw_say(p, "%s", text);
}

/* ----------------------------------------------------------------- summary */

/* How well the scalars of a method agree with the reference. */
static void say_agreement(cw_prose *p, const cw_analysis_stage *s,
                          const cw_analysis_stage *reference) {
  double largest = 0;
  const char *where = "";
  int n = 0;
  for (int i = 0; i < s->n_results; i++) {
    const cw_result *r = &s->result[i];
    double pull = r->group >= 0 && r->index < 0
                      ? cw_pull(r, cw_stage_result(reference, r->quantity, -1))
                      : NAN;
    if (!isfinite(pull)) continue;
    n++;
    if (fabs(pull) <= largest) continue;
    largest = fabs(pull);
    where = r->quantity;
  }
  if (n == 0) return;
  if (largest <= 4)
    cw_say(p,
           n == 1 ? " The one observable of %s and %s agrees within %.1f standard deviations (%s)."
                  : " All observables of %s and %s agree within %.1f standard deviations (most "
                    "apart: %s).",
           s->part.label, reference->part.label, largest, where);
  else
    cw_say(p, " %s and %s do not agree: their values of %s differ by %.1f standard deviations.",
           s->part.label, reference->part.label, where, largest);
}

/* What every method gives for one observable. */
static void say_observable(cw_prose *p, const cw_analysis_case *c, const cw_quantity *q) {
  int n = 0;
  for (int i = 0; i < c->n_stages; i++) {
    const cw_analysis_stage *s = &c->stage[i];
    const cw_result *r = cw_stage_is(s, CW_IS_MEASURED) ? cw_stage_result(s, q->name, -1) : NULL;
    if (r == NULL || !isfinite(r->e.value)) continue;
    if (n++ == 0)
      cw_say(p, " For %s (%s) ", q->name, cw_definition(q));
    else
      cw_say(p, ", ");
    cw_say(p, "%s gives ", s->part.label);
    say_value(p, r->e.value, r->e.error);
  }
  if (n > 0) cw_say(p, ".");
}

static void say_model(cw_prose *p, const cw_analysis_case *c) {
  const cw_plan *plan = c->plan;
  cw_say(p,
         plan->model.kind == CW_MODEL_FLOW ? " The %s has %s and %ld parameter%s"
                                           : " The %s is of kind %s; it has %ld parameter%s",
         c->noun, c->model_text, c->n_parameters, c->n_parameters == 1 ? "" : "s");
  if (cw_has_start(&plan->start)) {
    char text[CW_START_TEXT];
    cw_start_text(&plan->start, text);
    cw_say(p, ", which %s those of the %s", c->train_text[0] != '\0' ? "started from" : "are",
           text);
  }
  if (c->train_text[0] != '\0') cw_say(p, "; it was trained by %s", c->train_text);
  cw_say(p, ".");
}

static void say_flow(cw_prose *p, const cw_analysis_case *c) {
  const cw_flow_quality *f = &c->flow;
  if (c->plan->has_model) say_model(p, c);
  if (c->has_flow && f->n_q > 0) {
    cw_say(p,
           " Of its %ld samples each is worth %.3g independent ones of the target (ESS), and a "
           "Metropolis test between them "
           "accepts %.3g %%. They give ln Z = ",
           f->n_q, f->ess, 100 * f->acceptance);
    say_value(p, f->lnZ, f->lnZ_error);
    cw_say(p, ".");
  }
}

/* The number that stands for all that the first group measures. */
static void say_headline(cw_prose *p, const cw_analysis_case *c) {
  for (const cw_quantity *q = c->observer[0].ops->quantities; q->name != NULL; q++)
    if (q->headline) say_observable(p, c, q);
}

void cw_say_summary(cw_prose *p, const cw_analysis_case *c) {
  const cw_analysis_stage *reference = cw_reference_stage(c);
  cw_say(p, "The target is the %s on a lattice of ", c->theory_print);
  cw_say_lattice(p, &c->plan->lat);
  cw_say(p, " sites.");
  say_flow(p, c);
  say_headline(p, c);
  for (int i = 0; i < c->n_stages && reference != NULL; i++) {
    bool measures = cw_stage_is(&c->stage[i], CW_IS_MEASURED);
    if (c->stage[i].present && measures && &c->stage[i] != reference)
      say_agreement(p, &c->stage[i], reference);
  }
}

/* ------------------------------------------------------------ mode dropping */

void cw_say_mode_dropping(cw_prose *p) {
  cw_say(
      p,
      "The free energy F = -ln Z can be estimated from two sides. Samples of the model give F_q; "
      "what the model never visits "
      "is missing from Z, so that on average F_q ≥ F. Samples of the target, weighted by the "
      "model, give F_p ≤ F, and close "
      "to F even where the model covers only a part of the target. Their ratio w_hat = Z_q / Z_p "
      "= exp(F_p - F_q) is the "
      "fraction of the target's probability that the model covers. The rest, 1 - w_hat, is "
      "missed, and no sample of the "
      "model and no ESS from them can tell. All this needs samples of the target that reach all of "
      "the model: "
      "where samples of the model weigh less than any of the target, F_p is too low, and so is "
      "w_hat. A target with φ → -φ symmetry in its broken phase "
      "has two equal modes; a "
      "model that knows one of them has w_hat close to 0.5, and F_q too large by ln 2 = 0.69.");
}

/* What share of each side's samples lies beyond all those of the other. */
static void say_beyond(cw_prose *p, const cw_flow_quality *f, const char *noun) {
  char share[16];
  if (f->p_above_q > 0)
    cw_say(p, " %s %% of the target's samples weigh more than every sample of the %s.",
           cw_percent(f->p_above_q, share), noun);
  else
    cw_say(p, " No sample of the target weighs more than all samples of the %s.", noun);
}

/* Samples of the target do not reach a part of the flow, so that Z_p comes out too large. */
static void say_unusable(cw_prose *p, const cw_flow_quality *f, const char *noun) {
  char share[16];
  cw_say(p,
         "F_p is not usable here, and w_hat with it: %s %% of the samples of the %s weigh less "
         "than every sample of the target, whose samples do not reach that part of the %s, so that "
         "F_p is too low.",
         cw_percent(f->q_below_p, share), noun, noun);
  say_beyond(p, f, noun);
  if (!cw_flow_misses(f))
    cw_say(p, " There is no sign that the %s misses a part of the target.", noun);
  else
    cw_say(p, " The %s misses a part of the target, too.", noun);
}

/* Samples of the target weigh more than all of the flow; told: w_hat says how many. */
static void say_missing(cw_prose *p, const cw_analysis_case *c, bool told) {
  double w = c->flow.w_hat, error = c->flow.w_hat_error;
  char share[16];
  bool even = cw_theory_is_even(c->theory.ops, c->theory.c);
  if (told)
    cw_say(p, "the %s misses about %s %% of the target's probability.", c->noun,
           cw_percent(1 - w, share));
  else
    cw_say(p, "the %s misses a part of the target; how much, a few samples decide.", c->noun);
  say_beyond(p, &c->flow, c->noun);
  if (told && even && fabs(w - 0.5) <= fmax(0.06, 2 * error))
    cw_say(p,
           " One half is what a %s covers that knows one of two modes which differ by a sign; its "
           "results for anything that changes sign are then those of one mode.",
           c->noun);
}

/* A few sentences on the value of w_hat, which is the product of two failures: of the model to
 * reach all of the target, and of samples of the target to reach all of the model. Only the first
 * is a fault of the model. */
static void say_verdict(cw_prose *p, const cw_analysis_case *c) {
  const cw_flow_quality *f = &c->flow;
  double w = f->w_hat, error = f->w_hat_error;
  char above[16], below[16];
  bool heavy = w > 1 + 3 * error || f->ess < 0.01, known = error < 0.25 * w;
  if (cw_flow_is_missed(f))
    say_unusable(p, f, c->noun);
  else if (cw_flow_misses(f))
    say_missing(p, c, !heavy && (known || w + 3 * error < 0.25) && w + 3 * error < 1);
  else if (heavy)
    cw_say(p, "this estimate is not trustworthy, because the weights are heavy-tailed: a few "
              "samples decide, and the true errors may be far larger than the quoted ones.");
  else if (!known)
    cw_say(p, "this is too uncertain for a conclusion.");
  else if (w + 3 * error >= 1)
    cw_say(p,
           "compatible with 1: no sign that anything is missed (at two standard deviations, at "
           "most %s %%).",
           cw_percent(fmax(1 - w + 2 * error, 0), above));
  else
    cw_say(
        p,
        "below 1, but neither side's samples say why: %s %% of those of the target weigh more "
        "than every sample of the %s, and %s %% of its own less than every sample of the target.",
        cw_percent(f->p_above_q, above), c->noun, cw_percent(f->q_below_p, below));
}

void cw_say_coverage(cw_prose *p, const cw_analysis_case *c) {
  if (!isfinite(c->flow.w_hat)) return;
  if (c->name[0] != '\0') cw_say(p, "%s: ", c->name);
  static const char *const names[] = {"F_q", "F_p", "w_hat"};
  for (int i = 0; i < 3; i++) {
    char text[CW_VALUE_TEXT];
    cw_cell_result(text, cw_case_result(c, names[i]));
    cw_say(p, "%s%s = %s", i > 0 ? ", " : "", names[i], text);
  }
  cw_say(p, ": ");
  say_verdict(p, c);
}
