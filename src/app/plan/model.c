/* Models: section `model`, and what flows on a ladder share with it; and how parameters move in a
 * training. */

#include <stdio.h>
#include <string.h>

#include "app/plan/plan.h"

/* ---- model ---- */

static const char *const *layer_words(const char *words[CW_MAX_WORDS]) {
  int n = 0;
  for (; cw_layers[n] && n < CW_MAX_WORDS - 1; n++) words[n] = cw_layers[n]->ops->name;
  words[n] = NULL;
  return words;
}

static const char *const prior_words[] = {"normal", "free", NULL};
static const char *const link_prior_words[] = {"haar", NULL};
static const char *const net_words[] = {"conv", "dense", NULL};
static const char *const activation_words[] = {"tanh", "leaky_relu", NULL};

static cw_status read_prior(cw_node *model, const cw_plan *p, cw_prior_spec *prior) {
  cw_node *map;
  int kind;
  CW_TRY(cw_job_map(model, "prior", CW_JOB_PRESET, &map));
  if (cw_kind(p->theory->kind)->on_links) {
    prior->kind = CW_PRIOR_HAAR;
    return cw_job_choice(map, "kind", "prior of links", link_prior_words, 0, &kind);
  }
  CW_TRY(cw_job_choice(map, "kind", "prior", prior_words, CW_PRIOR_NORMAL, &kind));
  prior->kind = (cw_prior_kind)kind;
  CW_TRY(cw_job_double(map, "sigma", 1, 1e-6, 1e6, &prior->sigma));
  if (prior->kind == CW_PRIOR_FREE)
    CW_TRY(cw_job_double(map, "mass2", 1, 1e-6, 1e6, &prior->mass2));
  return CW_OK;
}

static cw_status read_net(cw_node *layer, cw_net_spec *net) {
  static const int eights[] = {8, 8};
  cw_node *map;
  int kind, activation;
  long kernel = 1;
  CW_TRY(cw_job_map(layer, "net", CW_JOB_PRESET, &map));
  CW_TRY(cw_job_choice(map, "kind", "network", net_words, CW_NET_CONV, &kind));
  CW_TRY(cw_job_int_list(map, "hidden", eights, 2, 1, 65536, 8, net->hidden, &net->n_hidden));
  CW_TRY(
      cw_job_choice(map, "activation", "activation", activation_words, CW_ACT_TANH, &activation));
  if (kind == CW_NET_CONV) CW_TRY(cw_job_long(map, "kernel", 3, 1, 99, &kernel));
  if (kernel % 2 == 0)
    return cw_job_fail(map, "kernel", "expected an odd number, found %ld", kernel);
  net->kind = (cw_net_kind)kind;
  net->activation = (cw_activation)activation;
  net->kernel = (int)kernel;
  return CW_OK;
}

static cw_status check_layer(cw_node *map, const cw_plan *p, const cw_layer_kind *kind,
                             const cw_layer_spec *spec) {
  cw_layer_fault fault = {0};
  if (!cw_layer_fits(kind, p->theory->kind))
    return cw_job_fail(map, "kind", "layer '%s' does not move the fields of theory '%s'",
                       spec->kind, p->theory->name);
  if (!cw_layer_refuse(spec, &p->lat, &fault)) return CW_OK;
  if (fault.key != NULL) return cw_job_fail(map, fault.key, "%s", fault.why);
  return cw_job_fail(map, NULL, "layer '%s' %s", spec->kind, fault.why);
}

/* The theory's parameter of that name; NULL: it has none. */
static const double *theory_param(const cw_plan *p, const char *name) {
  const cw_param *of = p->theory->params[p->form];
  for (int i = 0; of[i].name != NULL; i++)
    if (strcmp(of[i].name, name) == 0) return &p->param[i];
  return NULL;
}

/* Of layers that belong to the theory's defect: it is the preset, and no other is taken. */
static cw_status read_defect_params(cw_node *map, const cw_plan *p, const cw_param *of,
                                    double *param) {
  cw_param table[CW_MAX_PARAMS + 1] = {{0}};
  cw_box box;
  if (!cw_find_defect(p, 0, &box))
    return cw_job_fail(map, "kind", "needs a theory with a defect, form 'defect'");
  for (int i = 0; of[i].name != NULL; i++) {
    const double *theirs = theory_param(p, of[i].name);
    table[i] = of[i];
    if (theirs != NULL) table[i].preset = *theirs;
  }
  CW_TRY(cw_job_params(map, table, param));
  for (int i = 0; of[i].name != NULL; i++)
    if (theory_param(p, of[i].name) != NULL && param[i] != table[i].preset)
      return cw_job_fail(map, of[i].name, "that of the theory's defect is %g", table[i].preset);
  return CW_OK;
}

static cw_status read_coarsening(cw_node *map, cw_layer_spec *spec) {
  long stride, block;
  CW_TRY(cw_job_long(map, "stride", 1, 1, 1024, &stride));
  CW_TRY(cw_job_long(map, "block", 1, 1, 1024, &block));
  spec->stride = (int)stride;
  spec->block = (int)block;
  return CW_OK;
}

/* The keys of a layer that its kind takes. */
static cw_status read_spec(cw_node *map, const cw_plan *p, const cw_layer_kind *kind,
                           cw_layer_spec *spec) {
  if (kind->params && kind->defect)
    CW_TRY(read_defect_params(map, p, kind->params, spec->param));
  else if (kind->params)
    CW_TRY(cw_job_params(map, kind->params, spec->param));
  CW_TRY(cw_job_words(map, kind->choices_name, kind->choices, spec->choice));
  if (kind->net) CW_TRY(read_net(map, &spec->net));
  if (p->theory->kind == CW_SITE_REAL) CW_TRY(read_coarsening(map, spec));
  return check_layer(map, p, kind, spec);
}

static cw_status read_layer(cw_node *map, const cw_plan *p, cw_model_spec *model, int *number) {
  const char *words[CW_MAX_WORDS];
  cw_layer_spec spec = {0};
  int which;
  long repeat;
  CW_TRY(cw_job_as_map(map));
  CW_TRY(cw_job_choice(map, "kind", "layer", layer_words(words), CW_JOB_REQUIRED, &which));
  CW_TRY(cw_job_long(map, "repeat", 1, 1, CW_MAX_LAYERS, &repeat));
  spec.kind = cw_layers[which]->ops->name;
  CW_TRY(read_spec(map, p, cw_layers[which], &spec));
  if (model->n_layers + repeat > CW_MAX_LAYERS)
    return cw_job_fail(map, "repeat", "more than %d layers in all", CW_MAX_LAYERS);
  for (long i = 0; i < repeat; i++) {
    spec.number = *number;
    if (cw_layers[which]->masked) ++*number;
    model->layer[model->n_layers++] = spec;
  }
  return CW_OK;
}

static cw_status needs_flow_field(const cw_node *root, const cw_plan *p, const char *section) {
  const cw_theory_ops *theory = p->theory;
  if (theory->kind == CW_SITE_SPIN)
    return cw_job_fail(root, section, "flows are for real fields and links, not for theory '%s'",
                       theory->name);
  const int n_comp = cw_theory_components(theory, &p->lat, p->form, p->param);
  if (n_comp == cw_kind_components(theory->kind, &p->lat)) return CW_OK;
  return cw_job_fail(root, section, "models move one real per site, and theory '%s' has %d",
                     theory->name, n_comp);
}

cw_status cw_read_layers(cw_node *map, const cw_plan *p, cw_model_spec *model) {
  cw_node *list;
  int number = 0;
  model->field = p->theory->kind;
  if (cw_kind(model->field)->on_links) model->prior = (cw_prior_spec){.kind = CW_PRIOR_HAAR};
  CW_TRY(cw_job_list(map, "layers", CW_JOB_MUST, &list));
  for (cw_node *n = cw_job_first(list); n != NULL; n = cw_job_next(n))
    CW_TRY(read_layer(n, p, model, &number));
  return CW_OK;
}

cw_status cw_read_flow(cw_node *map, const cw_plan *p, cw_model_spec *model, cw_start_from *start) {
  cw_node *flow;
  CW_TRY(needs_flow_field(map, p, "flow"));
  CW_TRY(cw_job_map(map, "flow", CW_JOB_MUST, &flow));
  model->prior = (cw_prior_spec){.kind = CW_PRIOR_NORMAL, .sigma = 1}; /* never drawn from */
  CW_TRY(cw_read_start(flow, true, start));
  CW_TRY(cw_read_layers(flow, p, model));
  for (int i = 0; i < model->n_layers; i++) {
    const cw_layer_kind *kind = cw_layer_find(model->layer[i].kind);
    if (kind->never_identity != NULL && kind->never_identity(&model->layer[i]))
      return cw_job_fail(
          flow, "layers",
          "layer '%s' as it is there is never the identity, at which flows between rungs start",
          model->layer[i].kind);
  }
  return CW_OK;
}

/* ---- autoregressive models, of spins ---- */

static const char *const *autoregressive_words(const char *words[CW_MAX_WORDS]) {
  int n = 0;
  for (; cw_autoregressives[n] && n < CW_MAX_WORDS - 1; n++) words[n] = cw_autoregressives[n]->name;
  words[n] = NULL;
  return words;
}

static const char *const share_words[] = {"none", "rows", "all", NULL};

static cw_status needs_even_theory(cw_node *map, const char *key, const cw_plan *p) {
  cw_probe probe;
  cw_probe_make(p, &probe);
  if (cw_theory_is_even(probe.theory.ops, probe.theory.c)) return CW_OK;
  return cw_job_fail(map, key, "theory '%s' is not even at these parameters", p->theory->name);
}

static cw_status read_images(cw_node *model, const cw_plan *p, cw_autoregressive_spec *s) {
  cw_node *map;
  long shifts;
  CW_TRY(cw_job_map(model, "mixture", CW_JOB_PRESET, &map));
  CW_TRY(cw_job_bool(map, "mirror", 0, &s->mirror));
  if (s->mirror) CW_TRY(needs_even_theory(map, "mirror", p));
  if (s->mirror && s->z2) return cw_job_fail(map, "mirror", "with z2 mirror images are equal");
  CW_TRY(cw_job_bool(map, "point_group", 0, &s->point_group));
  CW_TRY(cw_job_long(map, "shifts", 1, 1, 64, &shifts));
  s->shifts = (int)shifts;
  for (int d = 0; d < p->lat.dim; d++)
    if (shifts > p->lat.extent[d])
      return cw_job_fail(map, "shifts", "%ld shifts of an extent of %d", shifts, p->lat.extent[d]);
  const long n = cw_autoregressive_images(s, &p->lat);
  if (n <= CW_MAX_IMAGES) return CW_OK;
  return cw_job_fail(map, NULL, "%ld images; at most %d", n, CW_MAX_IMAGES);
}

/* The keys that only some kinds of network have. */
static cw_status read_sharing(cw_node *map, const cw_plan *p, const cw_autoregressive_kind *kind,
                              cw_autoregressive_spec *s) {
  int share;
  long kernel;
  if (kind->share) {
    CW_TRY(cw_job_choice(map, "share", "sharing of weights", share_words, CW_SHARE_ROWS, &share));
    s->share = (cw_share)share;
  }
  if (!kind->kernel) return CW_OK;
  CW_TRY(cw_job_long(map, "kernel", 5, 1, 99, &kernel));
  if (kernel % 2 == 0)
    return cw_job_fail(map, "kernel", "expected an odd number, found %ld", kernel);
  s->kernel = (int)kernel;
  for (int d = 0; d < p->lat.dim; d++)
    if (kernel / 2 >= p->lat.extent[d])
      return cw_job_fail(map, "kernel", "%ld reaches around the extent %d", kernel,
                         p->lat.extent[d]);
  return cw_job_bool(map, "periodic", 1, &s->periodic);
}

static cw_status read_autoregressive(cw_node *map, cw_plan *p) {
  static const int preset[] = {32, 32};
  const char *words[CW_MAX_WORDS];
  cw_autoregressive_spec *s = &p->model.autoregressive;
  int kind, activation;
  p->model.kind = CW_MODEL_AUTOREGRESSIVE;
  CW_TRY(cw_job_choice(map, "kind", "autoregressive model", autoregressive_words(words), 0, &kind));
  s->kind = cw_autoregressives[kind]->name;
  CW_TRY(cw_job_int_list(map, "hidden", preset, 2, 1, CW_MAX_CHANNELS, 8, s->hidden, &s->n_hidden));
  CW_TRY(
      cw_job_choice(map, "activation", "activation", activation_words, CW_ACT_TANH, &activation));
  s->activation = (cw_activation)activation;
  CW_TRY(cw_job_bool(map, "gated", 0, &s->gated));
  CW_TRY(cw_job_bool(map, "residual", 0, &s->residual));
  CW_TRY(read_sharing(map, p, cw_autoregressives[kind], s));
  CW_TRY(cw_job_bool(map, "z2", 0, &s->z2));
  if (s->z2 && (s->activation != CW_ACT_TANH || s->gated))
    return cw_job_fail(map, "z2", "needs an odd activation: tanh, not gated");
  if (s->z2) CW_TRY(needs_even_theory(map, "z2", p));
  CW_TRY(cw_job_bool(map, "bonds", 1, &s->bonds));
  CW_TRY(cw_job_double(map, "clip", 1e-7, 1e-300, 0.499, &s->clip));
  return read_images(map, p, s);
}

cw_status cw_read_model(cw_node *root, cw_plan *p) {
  cw_node *map;
  CW_TRY(cw_job_map(root, "model", CW_JOB_MAY, &map));
  if (map == NULL) return CW_OK;
  if (p->theory->kind != CW_SITE_SPIN) CW_TRY(needs_flow_field(root, p, "model"));
  p->has_model = true;
  CW_TRY(cw_read_start(map, false, &p->start));
  if (p->theory->kind == CW_SITE_SPIN) return read_autoregressive(map, p);
  CW_TRY(read_prior(map, p, &p->model.prior));
  if (cw_kind(p->theory->kind)->on_links) return cw_read_layers(map, p, &p->model);
  CW_TRY(cw_job_bool(map, "z2_mixture", 0, &p->model.z2_mixture));
  if (p->model.z2_mixture && !p->theory->even)
    return cw_job_fail(map, "z2_mixture", "theory '%s' is not even", p->theory->name);
  return cw_read_layers(map, p, &p->model);
}

/* ---- training ---- */

static const char *const gradient_words[] = {"path", "plain", "reinforce", NULL};
static const char *const schedule_words[] = {"constant", "cosine", "plateau", NULL};

bool cw_refuse_more_training(const cw_train_options *t, char *why, size_t size) {
  if (t->schedule != CW_SCHEDULE_COSINE) return false;
  snprintf(why, size,
           "the rate falls over all steps by schedule 'cosine', so that those that are done would "
           "be others");
  return true;
}

static cw_status read_schedule(cw_node *map, double rate, long warmup, cw_train_options *t) {
  int schedule;
  CW_TRY(cw_job_choice(map, "schedule", "schedule", schedule_words, CW_SCHEDULE_COSINE, &schedule));
  t->schedule = (cw_schedule)schedule;
  CW_TRY(cw_job_double(map, "rate", rate, 1e-12, 10, &t->rate));
  CW_TRY(cw_job_long(map, "warmup", warmup, 0, 100000000, &t->warmup));
  if (t->schedule != CW_SCHEDULE_CONSTANT)
    CW_TRY(cw_job_double(map, "rate_end", 0.01, 0, 1, &t->rate_end));
  if (t->schedule == CW_SCHEDULE_PLATEAU)
    CW_TRY(cw_job_double(map, "patience", 500, 1, 1e9, &t->patience));
  return CW_OK;
}

cw_status cw_read_descent(cw_node *map, cw_gradient preset, long warmup, cw_train_options *t) {
  int gradient;
  CW_TRY(
      cw_job_choice(map, "gradient", "gradient estimator", gradient_words, (int)preset, &gradient));
  t->gradient = (cw_gradient)gradient;
  if ((t->gradient == CW_GRADIENT_REINFORCE) != (preset == CW_GRADIENT_REINFORCE))
    return cw_job_fail(map, "gradient",
                       "reinforce is for spins and the reverse KL, and the only one there");
  CW_TRY(read_schedule(map, 1e-3, warmup, t));
  CW_TRY(cw_job_double(map, "clip", 0, 0, 1e12, &t->clip));
  CW_TRY(cw_job_double(map, "beta1", 0.9, 0, 0.999999, &t->beta1));
  CW_TRY(cw_job_double(map, "beta2", 0.999, 0, 0.9999999, &t->beta2));
  return cw_job_double(map, "epsilon", 1e-8, 1e-300, 1, &t->epsilon);
}

enum { MOST_NATURAL = 4096 };

cw_status cw_read_natural_gradient(cw_node *map, const cw_model_spec *model, cw_train_options *t) {
  t->optimizer = CW_OPTIMIZER_NATURAL_GRADIENT;
  if (t->loss != CW_LOSS_REVERSE_KL)
    return cw_job_fail(map, "optimizer", "natural_gradient is for the reverse KL");
  for (int i = 0; i < model->n_layers; i++)
    if (!cw_layer_find(model->layer[i].kind)->ops->each)
      return cw_job_fail(map, "optimizer",
                         "natural_gradient needs derivatives of each configuration, which layer "
                         "'%s' has not",
                         model->layer[i].kind);
  if (t->batch > MOST_NATURAL)
    return cw_job_fail(map, "batch",
                       "natural_gradient solves as many equations as there are configurations: "
                       "expected at most %d, found %ld",
                       MOST_NATURAL, t->batch);
  CW_TRY(read_schedule(map, 1, 10, t));
  CW_TRY(cw_job_double(map, "clip", 1, 0, 1e12, &t->clip));
  return cw_job_double(map, "damping", 1, 1e-12, 1e12, &t->damping);
}
