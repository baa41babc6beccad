/* A case in words: its theory and model. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/analysis/fill.h"

/* The title or a name of a theory, for terminals or in print. */
static const char *word_of(const cw_theory_ops *ops, const char *word, bool in_print) {
  for (const cw_symbol *s = ops->symbols; in_print && s != NULL && s->word != NULL; s++)
    if (strcmp(s->word, word) == 0) return s->symbol;
  return word;
}

int cw_describe_parameter(const cw_plan *plan, int i, double value, bool in_print, char *text,
                          size_t size) {
  const char *minus = value >= 0 ? "" : in_print ? "−" : "-";
  return snprintf(text, size, "%s = %s%.10g",
                  word_of(plan->theory, plan->theory->params[plan->form][i].name, in_print), minus,
                  fabs(value));
}

/* "scalar phi^4 theory (form m2: m2 = -4, lambda = 8)" */
static void describe_theory(const cw_plan *plan, bool in_print, char text[CW_TITLE]) {
  const cw_theory_ops *ops = plan->theory;
  const cw_param *param = ops->params[plan->form];
  int at = snprintf(text, CW_TITLE, "%s (form %s:", word_of(ops, ops->title, in_print),
                    word_of(ops, ops->forms[plan->form], in_print));
  for (int i = 0; param[i].name != NULL && at < CW_TITLE; i++) {
    at += snprintf(text + at, (size_t)(CW_TITLE - at), "%s ", i > 0 ? "," : "");
    if (at < CW_TITLE)
      at += cw_describe_parameter(plan, i, plan->param[i], in_print, text + at,
                                  (size_t)(CW_TITLE - at));
  }
  if (at < CW_TITLE) snprintf(text + at, (size_t)(CW_TITLE - at), ")");
}

/* "frontier with 64, 64 hidden channels at each site, bonds in the logits, mean of 16 images" */
static void describe_autoregressive(const cw_autoregressive_spec *s, const cw_lattice *lat,
                                    char text[CW_TITLE]) {
  const long n_images = cw_autoregressive_images(s, lat);
  int at = snprintf(text, CW_TITLE, "%s with ", s->kind);
  for (int i = 0; i < s->n_hidden && at < CW_TITLE; i++)
    at += snprintf(text + at, (size_t)(CW_TITLE - at), "%s%d", i > 0 ? ", " : "", s->hidden[i]);
  if (at < CW_TITLE)
    at += snprintf(text + at, (size_t)(CW_TITLE - at), "%s%s%s%s%s",
                   s->n_hidden > 0 ? " hidden channels at each site" : "no hidden layers",
                   s->gated ? ", gated" : "", s->residual ? ", residual" : "",
                   s->bonds ? ", bonds in the logits" : "", s->z2 ? ", odd under s -> -s" : "");
  if (n_images > 1 && at < CW_TITLE)
    snprintf(text + at, (size_t)(CW_TITLE - at), ", mean of %ld images", n_images);
}

/* "16 affine + 1 scale layers on a normal prior" */
static void describe_flow(const cw_model_spec *model, char text[CW_TITLE]) {
  int at = 0;
  for (int i = 0, n; i < model->n_layers && at < CW_TITLE; i += n) {
    const cw_layer_spec *first = &model->layer[i];
    for (n = 1; i + n < model->n_layers && cw_layer_alike(first, first + n);) n++;
    at += snprintf(text + at, (size_t)(CW_TITLE - at), "%s%d %s", at > 0 ? " + " : "", n,
                   first->kind);
    if (at < CW_TITLE && first->stride > 1)
      at += snprintf(text + at, (size_t)(CW_TITLE - at), " (stride %d)", first->stride);
    if (at < CW_TITLE && first->block > 1)
      at += snprintf(text + at, (size_t)(CW_TITLE - at), " (blocks of %d)", first->block);
  }
  static const char *const priors[] = {[CW_PRIOR_NORMAL] = "a normal prior",
                                       [CW_PRIOR_FREE] = "a free prior",
                                       [CW_PRIOR_HAAR] = "the Haar measure"};
  if (at < CW_TITLE)
    snprintf(text + at, (size_t)(CW_TITLE - at), "%s%s",
             model->n_layers == 0   ? "no layers, "
             : model->n_layers == 1 ? " layer on "
                                    : " layers on ",
             priors[model->prior.kind]);
}

/* A model is made only to ask it how many parameters it has. */
static cw_status describe_model(cw_context *ctx, cw_analysis_case *c) {
  cw_model *model = NULL;
  CW_TRY(cw_model_create(ctx, &c->plan->model, c->geometry, &model));
  c->n_parameters = cw_model_n_theta(model);
  c->noun = c->plan->model.kind == CW_MODEL_FLOW ? "flow" : "network";
  if (c->plan->model.kind == CW_MODEL_FLOW)
    describe_flow(&c->plan->model, c->model_text);
  else
    describe_autoregressive(&c->plan->model.autoregressive, &c->plan->lat, c->model_text);
  cw_model_destroy(model);
  return CW_OK;
}

cw_status cw_describe_case(cw_context *ctx, cw_analysis_case *c) {
  const cw_plan *plan = c->plan;
  CW_TRY(cw_geometry_create(ctx, &plan->lat, 1, &c->geometry));
  CW_TRY(cw_theory_create(ctx, plan->theory, c->geometry, plan->form, plan->param, &c->theory));
  for (int g = 0; g < plan->n_groups; g++)
    c->observer[g] = cw_observer_make(plan->group[g].ops, &c->theory, plan->group[g].param);
  describe_theory(plan, false, c->theory_text);
  describe_theory(plan, true, c->theory_print);
  cw_training training;
  if (cw_plan_training(plan, &training))
    snprintf(c->train_text, sizeof c->train_text, "%s", training.text);
  return plan->has_model ? describe_model(ctx, c) : CW_OK;
}
