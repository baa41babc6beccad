#include "app/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/configuration.h"

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

bool cw_trained_on(const cw_plan *p, int data) {
  return p->has_train && p->train.loss == CW_LOSS_FORWARD_KL && p->train_data == data;
}

long cw_fair_rows(const cw_plan *p, int data) {
  long rows = cw_kept_rows(&p->mcmc[data]);
  return cw_trained_on(p, data) ? rows - rows / 2 : rows;
}

long cw_forward_rows(const cw_plan *p) {
  return p->has_forward ? cw_fair_rows(p, p->forward_data) : 0;
}

/* ---- words of the registries ---- */

static const char *const *theory_words(const char *words[CW_MAX_WORDS]) {
  int n = 0;
  for (; cw_theories[n] && n < CW_MAX_WORDS - 1; n++) words[n] = cw_theories[n]->name;
  words[n] = NULL;
  return words;
}

cw_status cw_read_text(cw_node *root, const char *key, const char *preset, char *out, size_t size) {
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
  const char *words[CW_MAX_WORDS];
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

/* Where chains begin: the start file, and how it is to be taken. */
static const char *const file_keys[] = {"start_file", "project_start", "ignore_checks", NULL};

static cw_status read_start_file(cw_node *map, cw_mcmc_plan *m) {
  int check[8], n = 0;
  cw_node *list;
  CW_TRY(cw_read_text(map, "start_file", "", m->start_file, sizeof m->start_file));
  bool none = m->start_file[0] == '\0';
  for (int k = 1; none && file_keys[k] != NULL; k++)
    if (cw_job_has(map, file_keys[k]))
      return cw_job_fail(map, file_keys[k], "does nothing without 'start_file'");
  if (none) return CW_OK;
  CW_TRY(cw_job_bool(map, "project_start", false, &m->project_start));
  CW_TRY(cw_job_list(map, "ignore_checks", CW_JOB_MAY, &list));
  if (list != NULL)
    CW_TRY(cw_job_choices(map, "ignore_checks", "check", cw_check_names(), 8, check, &n));
  for (int i = 0; i < n; i++) m->ignore_checks |= 1u << check[i];
  return CW_OK;
}

static cw_status read_chain_start(cw_node *map, const cw_plan *p, cw_mcmc_plan *m) {
  int start;
  CW_TRY(cw_job_choice(map, "start", "start", start_words, CW_START_HOT, &start));
  m->start = (cw_start)start;
  if (cw_plan_fits_files(p)) return read_start_file(map, m);
  for (int k = 0; file_keys[k] != NULL; k++)
    if (cw_job_has(map, file_keys[k]))
      return cw_job_fail(map, file_keys[k],
                         "needs an SU(3) theory in four dimensions, found '%s' in %d",
                         p->theory->name, p->lat.dim);
  return CW_OK;
}

static cw_status check_fit(const cw_plan *p, const cw_mcmc_plan *m, const cw_node *map) {
  cw_probe probe;
  cw_probe_make(p, &probe);
  if (!m->ops->fits(&probe.theory, m->param))
    return cw_job_fail(map, NULL, "sampler '%s' does not fit theory '%s' with these parameters",
                       m->ops->name, p->theory->name);
  const char *why = m->ops->refuse ? m->ops->refuse(p->theory, m->param, m->choice) : NULL;
  return why ? cw_job_fail(map, NULL, "%s", why) : CW_OK;
}

cw_status cw_read_sampler(cw_node *map, const cw_plan *p, cw_mcmc_plan *m) {
  CW_TRY(read_chain_start(map, p, m));
  CW_TRY(cw_job_params(map, m->ops->params, m->param));
  CW_TRY(read_choices(map, m->ops, m->choice));
  return check_fit(p, m, map);
}

cw_status cw_read_which_sampler(cw_node *map, cw_mcmc_plan *m) {
  const char *words[CW_MAX_WORDS] = {NULL};
  int which;
  for (int i = 0; cw_samplers[i] && i < CW_MAX_WORDS - 1; i++) words[i] = cw_samplers[i]->name;
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
  if (m->every > m->steps)
    return cw_job_fail(map, "every",
                       "nothing would be measured: expected at most %ld, the steps, found "
                       "%ld",
                       m->steps, m->every);
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

static cw_status read_data_section(cw_node *root, cw_node *map, const cw_plan *p, int *index) {
  const char *words[CW_MAX_MCMC + 1] = {NULL};
  for (int i = 0; p->n_mcmc == 0 && cw_samplers[i]; i++)
    CW_TRY(cw_job_suspect(root, cw_samplers[i]->name));
  if (p->n_mcmc == 0)
    return cw_job_fail(map, "data",
                       "needs a sampler section (hmc or cluster) with 'keep' configurations");
  for (int i = 0; i < p->n_mcmc; i++) words[i] = p->mcmc[i].ops->name;
  return cw_job_choice(map, "data", "sampler section", words, 0, index);
}

cw_status cw_read_data(cw_node *root, cw_node *map, const cw_plan *p, int *index) {
  CW_TRY(read_data_section(root, map, p, index));
  const cw_mcmc_plan *m = &p->mcmc[*index];
  if (m->keep < 2 * m->chains)
    return cw_job_fail(map, "data",
                       "section '%s' must keep at least two configurations per chain; set %s.keep",
                       m->ops->name, m->ops->name);
  return CW_OK;
}

/* ---- inference ---- */

cw_status cw_needs_model(cw_node *root, const cw_plan *p, const char *section) {
  if (p->has_model) return CW_OK;
  CW_TRY(cw_job_suspect(root, "model"));
  return cw_job_fail(root, section, "needs a section 'model'");
}

/* Each chain starts from a kept configuration of its own. */
static cw_status read_start_data(cw_node *root, cw_node *map, cw_plan *p) {
  CW_TRY(read_data_section(root, map, p, &p->nmcmc_data));
  const cw_mcmc_plan *m = &p->mcmc[p->nmcmc_data];
  const char *name = m->ops->name;
  const long kept = m->keep > 0 ? cw_fair_rows(p, p->nmcmc_data) * m->chains : 0;
  if (kept >= p->nmcmc_chains) return CW_OK;
  return cw_job_fail(
      map, "start", "%ld chains need a kept configuration of '%s' each%s, found %ld; set %s.keep",
      p->nmcmc_chains, name,
      cw_trained_on(p, p->nmcmc_data) ? " that the model was not trained on" : "", kept, name);
}

static cw_status read_nmcmc(cw_node *root, cw_plan *p) {
  static const char *const words[] = {"model", "data", NULL};
  enum { FROM_MODEL, FROM_DATA };
  cw_node *map;
  int start;
  CW_TRY(cw_job_map(root, "nmcmc", CW_JOB_MAY, &map));
  if ((p->has_nmcmc = map != NULL) == false) return CW_OK;
  CW_TRY(cw_needs_model(root, p, "nmcmc"));
  CW_TRY(cw_job_long(map, "chains", 64, 1, 1000000, &p->nmcmc_chains));
  CW_TRY(cw_job_choice(map, "start", "start", words, FROM_MODEL, &start));
  p->nmcmc_data = -1;
  if (start == FROM_DATA)
    CW_TRY(read_start_data(root, map, p));
  else if (cw_job_has(map, "data"))
    return cw_job_fail(map, "data", "chains start from the model: expected 'start: data'");
  CW_TRY(cw_job_long(map, "thermalise", start == FROM_DATA ? 0 : 500, 0, 100000000,
                     &p->nmcmc_thermalise));
  return cw_job_long(map, "steps", 1000, 1, 1L << 31, &p->nmcmc_steps);
}

static cw_status read_inference(cw_node *root, cw_plan *p) {
  cw_node *map;
  CW_TRY(cw_job_map(root, "nis", CW_JOB_MAY, &map));
  if ((p->has_nis = map != NULL)) {
    CW_TRY(cw_needs_model(root, p, "nis"));
    CW_TRY(cw_job_long(map, "samples", 65536, 2, 1L << 31, &p->nis_samples));
  }
  CW_TRY(read_nmcmc(root, p));
  CW_TRY(cw_job_map(root, "forward", CW_JOB_MAY, &map));
  if ((p->has_forward = map != NULL)) {
    CW_TRY(cw_needs_model(root, p, "forward"));
    CW_TRY(cw_read_data(root, map, p, &p->forward_data));
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

/* The name of a job is that of a folder, too. */
static cw_status read_name(cw_node *root, cw_plan *p) {
  CW_TRY(cw_read_text(root, "job", NULL, p->job, sizeof p->job));
  bool good = p->job[0] != '.' && strchr(p->job, '/') == NULL;
  for (const char *c = p->job; *c != '\0'; c++) good = good && (unsigned char)*c >= ' ';
  if (good) return CW_OK;
  return cw_job_fail(root, "job",
                     "'%s' is no name for a folder: expected one without '/' and control "
                     "characters, which does not begin with '.'",
                     p->job);
}

/* Something must be done, and what is made for it used; a misspelt section would be neither. */
static cw_status check_whole(cw_node *root, const cw_plan *p) {
  bool uses_model = p->has_train || p->has_nis || p->has_nmcmc || p->has_forward;
  bool works = uses_model || p->n_mcmc + p->n_walks + p->n_rex > 0 || p->has_chain;
  if (!works || (p->has_model && !uses_model)) CW_TRY(cw_job_finish(root));
  if (p->has_model && !uses_model)
    return cw_job_fail(root, "model",
                       "nothing uses it: add a section 'train', 'nis', 'nmcmc' or 'forward'");
  if (works) return CW_OK;
  return cw_job_fail(root, NULL,
                     "nothing to do: add a section that samples, such as one named after a sampler "
                     "(causeway list samplers)");
}

static cw_status read_plan(cw_node *root, cw_plan *p) {
  long seed;
  CW_TRY(read_name(root, p));
  CW_TRY(cw_read_text(root, "about", "", p->about, sizeof p->about));
  CW_TRY(cw_job_long(root, "seed", 1, 0, UINT32_MAX, &seed));
  p->seed = (uint32_t)seed;
  CW_TRY(cw_job_double(root, "checkpoint", 20, 0.01, 1e6, &p->checkpoint));
  CW_TRY(read_lattice(root, p));
  CW_TRY(read_theory(root, p));
  CW_TRY(cw_read_model(root, p));
  CW_TRY(read_samplers(root, p));
  CW_TRY(cw_read_train(root, p));
  CW_TRY(read_inference(root, p));
  CW_TRY(read_chain(root, p));
  CW_TRY(cw_read_ladder(root, p));
  CW_TRY(cw_read_measure(root, p));
  CW_TRY(cw_read_expect(root, p));
  return check_whole(root, p);
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
