#include "app/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cw_stage_name(const cw_plan *plan, const char *stage, char name[160]) {
  snprintf(name, 160, "%s%s%s", plan->name, plan->name[0] ? "/" : "", stage);
}

bool cw_plan_fits_files(const cw_plan *p) {
  return p->theory->kind == CW_LINK_SU3 && p->lat.dim == 4;
}

long cw_kept_rows(const cw_mcmc_plan *m) { return (m->keep + m->chains - 1) / m->chains; }

long cw_kept_rows_of(const cw_mcmc_plan *m, long measured) {
  return measured * cw_kept_rows(m) / (m->steps / m->every);
}

bool cw_forward_shares_data(const cw_plan *p) {
  bool on_samples = p->has_train && p->train.loss == CW_LOSS_FORWARD_KL;
  return on_samples && p->has_forward && p->train_data == p->forward_data;
}

long cw_forward_rows(const cw_plan *p) {
  if (!p->has_forward) return 0;
  long rows = cw_kept_rows(&p->mcmc[p->forward_data]);
  return cw_forward_shares_data(p) ? rows - rows / 2 : rows;
}

/* ---- words of the registries ---- */

enum { MAX_WORDS = 64 };

static const char *const *theory_words(const char *words[MAX_WORDS]) {
  int n = 0;
  for (; cw_theories[n] && n < MAX_WORDS - 1; n++) words[n] = cw_theories[n]->name;
  words[n] = NULL;
  return words;
}

static const char *const *layer_words(const char *words[MAX_WORDS]) {
  int n = 0;
  for (; cw_layers[n] && n < MAX_WORDS - 1; n++) words[n] = cw_layers[n]->ops->name;
  words[n] = NULL;
  return words;
}

/* A text that fits into out (size). */
static cw_status read_text(cw_node *root, const char *key, const char *preset, char *out,
                           size_t size) {
  const char *text;
  CW_TRY(cw_job_string(root, key, preset, &text));
  if (strlen(text) >= size)
    return cw_job_fail(root, key, "%zu bytes, at most %zu", strlen(text), size - 1);
  snprintf(out, size, "%s", text);
  return CW_OK;
}

/* ---- lattice and theory ---- */

static cw_status read_lattice(cw_node *root, cw_plan *p) {
  CW_TRY(cw_job_int_list(root, "lattice", NULL, 0, 1, 1 << 20, CW_MAX_DIM, p->lat.extent,
                         &p->lat.dim));
  double sites = 1;
  for (int d = 0; d < p->lat.dim; d++) sites *= p->lat.extent[d];
  if (sites > (double)CW_MAX_SITES)
    return cw_job_fail(root, "lattice", "%.0f sites, at most %ld can be handled", sites,
                       CW_MAX_SITES);
  return CW_OK;
}

static cw_status read_theory(cw_node *root, cw_plan *p) {
  cw_node *map;
  const char *words[MAX_WORDS];
  int which;
  CW_TRY(cw_job_map(root, "theory", CW_JOB_MUST, &map));
  CW_TRY(cw_job_choice(map, "kind", "theory", theory_words(words), CW_JOB_REQUIRED, &which));
  p->theory = cw_theories[which];
  CW_TRY(cw_job_choice(map, "form", "form", p->theory->forms, 0, &p->form));
  CW_TRY(cw_job_params(map, p->theory->params[p->form], p->param));
  const char *why = p->theory->refuse ? p->theory->refuse(p->form, &p->lat, p->param) : NULL;
  return why ? cw_job_fail(map, NULL, "%s", why) : CW_OK;
}

/* ---- samplers ---- */

static cw_status read_choices(cw_node *map, const cw_sampler_ops *ops, int *choice) {
  for (int k = 0; ops->choices_name && ops->choices_name[k]; k++)
    CW_TRY(cw_job_choice(map, ops->choices_name[k], ops->choices_name[k], ops->choices[k], 0,
                         &choice[k]));
  return CW_OK;
}

static const char *const start_words[] = {"hot", "cold", NULL};

/* Where chains begin. */
static cw_status read_chain_start(cw_node *map, const cw_plan *p, cw_mcmc_plan *m) {
  int start;
  CW_TRY(cw_job_choice(map, "start", "start", start_words, CW_START_HOT, &start));
  m->start = (cw_start)start;
  if (cw_plan_fits_files(p))
    return read_text(map, "start_file", "", m->start_file, sizeof m->start_file);
  if (!cw_job_has(map, "start_file")) return CW_OK;
  return cw_job_fail(map, "start_file",
                     "needs an SU(3) theory in four dimensions, found '%s' in %d", p->theory->name,
                     p->lat.dim);
}

static cw_status check_fit(const cw_plan *p, const cw_mcmc_plan *m, const cw_node *map) {
  cw_probe probe;
  cw_probe_make(p, &probe);
  return m->ops->fits(&probe.theory, m->param)
             ? CW_OK
             : cw_job_fail(map, NULL, "sampler '%s' does not fit theory '%s' with these parameters",
                           m->ops->name, p->theory->name);
}

cw_status cw_read_sampler(cw_node *map, const cw_plan *p, cw_mcmc_plan *m) {
  CW_TRY(read_chain_start(map, p, m));
  CW_TRY(cw_job_params(map, m->ops->params, m->param));
  CW_TRY(read_choices(map, m->ops, m->choice));
  return check_fit(p, m, map);
}

cw_status cw_read_which_sampler(cw_node *map, cw_mcmc_plan *m) {
  const char *words[MAX_WORDS] = {NULL};
  int which;
  for (int i = 0; cw_samplers[i] && i < MAX_WORDS - 1; i++) words[i] = cw_samplers[i]->name;
  CW_TRY(cw_job_choice(map, "sampler", "sampler", words, 0, &which));
  m->ops = cw_samplers[which];
  return CW_OK;
}

cw_status cw_read_mcmc(cw_node *map, const cw_plan *p, cw_mcmc_plan *m) {
  CW_TRY(cw_job_long(map, "chains", 64, 1, 1000000, &m->chains));
  CW_TRY(cw_job_long(map, "thermalise", 500, 0, 100000000, &m->thermalise));
  CW_TRY(cw_job_long(map, "steps", 2000, 1, 1000000000, &m->steps));
  CW_TRY(cw_job_long(map, "every", 1, 1, 1000000, &m->every));
  CW_TRY(cw_job_long(map, "keep", 0, 0, 1000000000, &m->keep));
  if (m->keep > m->chains * (m->steps / m->every))
    return cw_job_fail(map, "keep", "%ld configurations cannot be kept of %ld measured", m->keep,
                       m->chains * (m->steps / m->every));
  if (m->steps + m->thermalise > UINT32_MAX) return cw_job_fail(map, "steps", "at most 2^32 steps");
  return cw_read_sampler(map, p, m);
}

static cw_status read_samplers(cw_node *root, cw_plan *p) {
  for (int i = 0; cw_samplers[i]; i++) {
    cw_node *map;
    CW_TRY(cw_job_map(root, cw_samplers[i]->name, CW_JOB_MAY, &map));
    if (map == NULL) continue;
    CW_REQUIRE(p->n_mcmc < CW_MAX_MCMC);
    cw_mcmc_plan *m = &p->mcmc[p->n_mcmc++];
    m->ops = cw_samplers[i];
    CW_TRY(cw_read_mcmc(map, p, m));
    CW_TRY(cw_job_finish(map));
  }
  return CW_OK;
}

/* Which sampler stage a section takes configurations from. */
static cw_status read_data(cw_node *root, cw_node *map, const cw_plan *p, int *index) {
  const char *words[CW_MAX_MCMC + 1] = {NULL};
  for (int i = 0; p->n_mcmc == 0 && cw_samplers[i]; i++)
    CW_TRY(cw_job_suspect(root, cw_samplers[i]->name));
  if (p->n_mcmc == 0)
    return cw_job_fail(map, "data",
                       "needs a sampler section (hmc or cluster) with 'keep' configurations");
  for (int i = 0; i < p->n_mcmc; i++) words[i] = p->mcmc[i].ops->name;
  CW_TRY(cw_job_choice(map, "data", "sampler section", words, 0, index));
  if (p->mcmc[*index].keep < 2 * p->mcmc[*index].chains)
    return cw_job_fail(map, "data",
                       "section '%s' must keep at least two configurations per chain; set %s.keep",
                       words[*index], words[*index]);
  return CW_OK;
}

/* ---- model ---- */

static const char *const prior_words[] = {"normal", "free", NULL};
static const char *const net_words[] = {"conv", "dense", NULL};
static const char *const activation_words[] = {"tanh", "leaky_relu", NULL};

static cw_status read_prior(cw_node *model, cw_prior_spec *prior) {
  cw_node *map;
  int kind;
  CW_TRY(cw_job_map(model, "prior", CW_JOB_PRESET, &map));
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

static cw_status read_coupling(cw_node *map, const cw_plan *p, cw_layer_spec *spec) {
  CW_TRY(cw_job_bool(map, "z2", 0, &spec->z2));
  CW_TRY(read_net(map, &spec->net));
  if (spec->z2 && spec->net.activation != CW_ACT_TANH)
    return cw_job_fail(map, "z2", "needs an odd activation: tanh");
  if (strcmp(spec->kind, "spline") == 0) {
    long bins;
    CW_TRY(cw_job_long(map, "bins", 8, 2, 32, &bins));
    CW_TRY(cw_job_double(map, "range", 4, 1e-3, 1e6, &spec->range));
    spec->bins = (int)bins;
  }
  for (int d = 0; d < p->lat.dim; d++)
    if (p->lat.extent[d] % 2 != 0)
      return cw_job_fail(map, NULL,
                         "layer '%s' works on a checkerboard, which needs even extents, but the "
                         "lattice has extent %d",
                         spec->kind, p->lat.extent[d]);
  return CW_OK;
}

static cw_status read_layer(cw_node *map, const cw_plan *p, cw_model_spec *model, int *parity) {
  const char *words[MAX_WORDS];
  cw_layer_spec spec = {0};
  int which;
  long repeat;
  CW_TRY(cw_job_as_map(map));
  CW_TRY(cw_job_choice(map, "kind", "layer", layer_words(words), CW_JOB_REQUIRED, &which));
  CW_TRY(cw_job_long(map, "repeat", 1, 1, CW_MAX_LAYERS, &repeat));
  spec.kind = cw_layers[which]->ops->name;
  if (cw_layers[which]->masked) CW_TRY(read_coupling(map, p, &spec));
  if (model->n_layers + repeat > CW_MAX_LAYERS)
    return cw_job_fail(map, "repeat", "more than %d layers in all", CW_MAX_LAYERS);
  for (long i = 0; i < repeat; i++) {
    spec.parity = *parity;
    if (cw_layers[which]->masked) *parity = 1 - *parity;
    model->layer[model->n_layers++] = spec;
  }
  return CW_OK;
}

/* Parameters of a finished training, at this volume or another. */
static cw_status read_start(cw_node *model, cw_plan *p) {
  cw_node *map;
  CW_TRY(cw_job_map(model, "start", CW_JOB_MAY, &map));
  if (map == NULL) return CW_OK;
  CW_TRY(read_text(map, "run", NULL, p->start_run, sizeof p->start_run));
  return read_text(map, "case", "", p->start_case, sizeof p->start_case);
}

static cw_status read_model(cw_node *root, cw_plan *p) {
  cw_node *map, *list;
  int parity = 0;
  CW_TRY(cw_job_map(root, "model", CW_JOB_MAY, &map));
  if (map == NULL) return CW_OK;
  if (p->theory->kind != CW_SITE_REAL)
    return cw_job_fail(root, "model", "models are for real fields on sites, not for theory '%s'",
                       p->theory->name);
  p->has_model = true;
  CW_TRY(read_prior(map, &p->model.prior));
  CW_TRY(cw_job_bool(map, "z2_mixture", 0, &p->model.z2_mixture));
  if (p->model.z2_mixture && !p->theory->even)
    return cw_job_fail(map, "z2_mixture", "theory '%s' is not even", p->theory->name);
  CW_TRY(read_start(map, p));
  CW_TRY(cw_job_list(map, "layers", CW_JOB_MUST, &list));
  for (cw_node *n = cw_job_first(list); n != NULL; n = cw_job_next(n))
    CW_TRY(read_layer(n, p, &p->model, &parity));
  return CW_OK;
}

/* ---- training and inference ---- */

static const char *const loss_words[] = {"reverse_kl", "forward_kl", NULL};
static const char *const gradient_words[] = {"path", "plain", NULL};
static const char *const schedule_words[] = {"constant", "cosine", "plateau", NULL};

static cw_status needs_model(cw_node *root, const cw_plan *p, const char *section) {
  if (p->has_model) return CW_OK;
  CW_TRY(cw_job_suspect(root, "model"));
  return cw_job_fail(root, section, "needs a section 'model'");
}

static cw_status read_schedule(cw_node *map, cw_train_options *t) {
  int schedule;
  CW_TRY(cw_job_choice(map, "schedule", "schedule", schedule_words, CW_SCHEDULE_COSINE, &schedule));
  t->schedule = (cw_schedule)schedule;
  CW_TRY(cw_job_double(map, "rate", 1e-3, 1e-12, 10, &t->rate));
  CW_TRY(cw_job_long(map, "warmup", 100, 0, 100000000, &t->warmup));
  if (t->schedule != CW_SCHEDULE_CONSTANT)
    CW_TRY(cw_job_double(map, "rate_end", 0.01, 0, 1, &t->rate_end));
  if (t->schedule == CW_SCHEDULE_PLATEAU)
    CW_TRY(cw_job_double(map, "patience", 500, 1, 1e9, &t->patience));
  return CW_OK;
}

static cw_status read_train(cw_node *root, cw_plan *p) {
  cw_node *map;
  int loss, gradient;
  cw_train_options *t = &p->train;
  CW_TRY(cw_job_map(root, "train", CW_JOB_MAY, &map));
  if (map == NULL) return CW_OK;
  CW_TRY(needs_model(root, p, "train"));
  p->has_train = true;
  CW_TRY(cw_job_choice(map, "loss", "loss", loss_words, CW_LOSS_REVERSE_KL, &loss));
  CW_TRY(cw_job_choice(map, "gradient", "gradient estimator", gradient_words, CW_GRADIENT_PATH,
                       &gradient));
  t->loss = (cw_loss)loss;
  t->gradient = (cw_gradient)gradient;
  if (p->model.z2_mixture && t->loss == CW_LOSS_FORWARD_KL && t->gradient == CW_GRADIENT_PATH)
    return cw_job_fail(
        map, "gradient",
        "the path gradient of the forward KL needs a single flow; with z2_mixture use plain");
  CW_TRY(cw_job_long(map, "steps", 2000, 0, 1000000000, &t->steps));
  CW_TRY(cw_job_long(map, "batch", 1024, CW_LANES, 1L << 24, &t->batch));
  if (t->batch % CW_LANES != 0)
    return cw_job_fail(map, "batch", "expected a multiple of %d, found %ld", CW_LANES, t->batch);
  CW_TRY(read_schedule(map, t));
  CW_TRY(cw_job_double(map, "clip", 0, 0, 1e12, &t->clip));
  CW_TRY(cw_job_double(map, "beta1", 0.9, 0, 0.999999, &t->beta1));
  CW_TRY(cw_job_double(map, "beta2", 0.999, 0, 0.9999999, &t->beta2));
  CW_TRY(cw_job_double(map, "epsilon", 1e-8, 1e-300, 1, &t->epsilon));
  return t->loss == CW_LOSS_FORWARD_KL ? read_data(root, map, p, &p->train_data) : CW_OK;
}

static cw_status read_inference(cw_node *root, cw_plan *p) {
  cw_node *map;
  CW_TRY(cw_job_map(root, "nis", CW_JOB_MAY, &map));
  if ((p->has_nis = map != NULL)) {
    CW_TRY(needs_model(root, p, "nis"));
    CW_TRY(cw_job_long(map, "samples", 65536, 2, 1L << 31, &p->nis_samples));
  }
  CW_TRY(cw_job_map(root, "nmcmc", CW_JOB_MAY, &map));
  if ((p->has_nmcmc = map != NULL)) {
    CW_TRY(needs_model(root, p, "nmcmc"));
    CW_TRY(cw_job_long(map, "chains", 64, 1, 1000000, &p->nmcmc_chains));
    CW_TRY(cw_job_long(map, "steps", 1000, 1, 1L << 31, &p->nmcmc_steps));
  }
  CW_TRY(cw_job_map(root, "forward", CW_JOB_MAY, &map));
  if ((p->has_forward = map != NULL)) {
    CW_TRY(needs_model(root, p, "forward"));
    CW_TRY(read_data(root, map, p, &p->forward_data));
  }
  return CW_OK;
}

static cw_status read_chain(cw_node *root, cw_plan *p) {
  cw_node *map;
  CW_TRY(cw_job_map(root, "chain", CW_JOB_MAY, &map));
  if ((p->has_chain = map != NULL) == false) return CW_OK;
  if (p->theory->bond_term < 0)
    return cw_job_fail(root, "chain", "theory '%s' has no hopping term to integrate along",
                       p->theory->name);
  CW_TRY(cw_job_long(map, "nodes", 10, 2, 200, &p->chain.nodes));
  CW_TRY(cw_read_which_sampler(map, &p->chain.mcmc));
  return cw_read_mcmc(map, p, &p->chain.mcmc);
}

/* ---- the whole job ---- */

static cw_status read_plan(cw_node *root, cw_plan *p) {
  long seed;
  CW_TRY(read_text(root, "job", NULL, p->job, sizeof p->job));
  CW_TRY(read_text(root, "about", "", p->about, sizeof p->about));
  CW_TRY(cw_job_long(root, "seed", 1, 0, UINT32_MAX, &seed));
  p->seed = (uint32_t)seed;
  CW_TRY(cw_job_double(root, "checkpoint", 20, 0.01, 1e6, &p->checkpoint));
  CW_TRY(read_lattice(root, p));
  CW_TRY(read_theory(root, p));
  CW_TRY(read_model(root, p));
  CW_TRY(read_samplers(root, p));
  CW_TRY(read_train(root, p));
  CW_TRY(read_inference(root, p));
  CW_TRY(read_chain(root, p));
  CW_TRY(cw_read_ladder(root, p));
  CW_TRY(cw_read_measure(root, p));
  return cw_read_expect(root, p);
}

static bool good_name(const char *name) {
  size_t n = strlen(name);
  return n > 0 && n < 48 &&
         strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == n;
}

/* The base with one case merged in; read, then put back resolved, so that the job shows what ran.
 */
static cw_status read_case(cw_job *job, cw_node *entry, cw_plan *p) {
  cw_job *merged = NULL;
  const char *name = cw_job_key(entry);
  if (!good_name(name))
    return cw_job_fail(entry, NULL, "the name of a case is made of letters, digits, '_' and '-'");
  snprintf(p->name, sizeof p->name, "%s", name);
  CW_TRY(cw_job_as_map(entry));
  CW_TRY(cw_job_merge(job, entry, &merged));
  cw_node *root = cw_job_root(merged);
  cw_job_remove(root, "cases");
  cw_status st = read_plan(root, p);
  if (st == CW_OK) st = cw_job_finish(root);
  if (st == CW_OK) st = cw_job_replace(entry, root);
  cw_job_destroy(merged);
  return st;
}

/* Every case is whole now. What the base holds beyond the name of the job would, merged once more,
 * bring back what a case removed. */
static void drop_base(cw_node *root) {
  for (cw_node *n = cw_job_first(root), *next; n != NULL; n = next) {
    const char *key = cw_job_key(n);
    next = cw_job_next(n);
    bool stays = strcmp(key, "job") == 0 || strcmp(key, "about") == 0 || strcmp(key, "seed") == 0 ||
                 strcmp(key, "cases") == 0;
    if (!stays) cw_job_remove(root, key);
  }
}

static cw_status read_cases(cw_context *ctx, cw_job *job, cw_plans *out) {
  cw_node *cases;
  CW_TRY(cw_job_map(cw_job_root(job), "cases", CW_JOB_MAY, &cases));
  int n = cases ? cw_job_count(cases) : 0;
  if (n > CW_MAX_CASES) return cw_job_fail(cases, NULL, "%d cases, at most %d", n, CW_MAX_CASES);
  out->n = n > 0 ? n : 1;
  out->plan = calloc((size_t)out->n, sizeof *out->plan);
  if (out->plan == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for the job");
  if (n == 0) {
    CW_TRY(read_plan(cw_job_root(job), &out->plan[0]));
    return cw_job_finish(cw_job_root(job));
  }
  int i = 0;
  for (cw_node *c = cw_job_first(cases); c != NULL; c = cw_job_next(c))
    CW_TRY(read_case(job, c, &out->plan[i++]));
  drop_base(cw_job_root(job)); /* it was read, and checked, once per case */
  cw_job_accept(cw_job_root(job));
  return CW_OK;
}

cw_status cw_plans_read(cw_context *ctx, cw_job *job, cw_plans *out) {
  *out = (cw_plans){0};
  cw_status st = read_cases(ctx, job, out);
  if (st == CW_OK) st = cw_job_emit(cw_job_root(job), &out->text);
  if (st != CW_OK) cw_plans_clear(out);
  return st;
}

void cw_plans_clear(cw_plans *plans) {
  free(plans->plan);
  free(plans->text);
  *plans = (cw_plans){0};
}
